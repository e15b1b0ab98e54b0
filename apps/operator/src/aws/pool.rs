//! Memory for bodies, used again: a fresh page for each part of each body costs more than copying it.

use bytes::Bytes;
use std::sync::{Mutex, PoisonError};

/// A buffer larger than this is given back to the system.
const BUFFER_BYTES_MAX: usize = 1 << 20;
/// So much is kept at most.
const KEPT_BYTES_MAX: usize = 16 << 20;

struct Kept {
    buffers: Vec<Vec<u8>>,
    bytes: usize,
}

static KEPT: Mutex<Kept> = Mutex::new(Kept {
    buffers: Vec::new(),
    bytes: 0,
});

/// A buffer that is kept for others when it is dropped.
pub(crate) struct Pooled(pub(crate) Vec<u8>);

impl Pooled {
    /// An empty one with room for so many bytes.
    pub(crate) fn with_capacity(bytes: usize) -> Pooled {
        let kept = match bytes <= BUFFER_BYTES_MAX {
            true => {
                let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
                let buffer = kept.buffers.pop();
                kept.bytes -= buffer.as_ref().map_or(0, Vec::capacity);
                buffer
            }
            false => None,
        };
        let mut buffer = kept.unwrap_or_default();
        buffer.reserve(bytes);
        Pooled(buffer)
    }

    /// What it holds. The memory is kept for others when the last copy of it is dropped.
    pub(crate) fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Pooled {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        let mut buffer = std::mem::take(&mut self.0);
        buffer.clear();
        let capacity = buffer.capacity();
        if capacity == 0 || capacity > BUFFER_BYTES_MAX {
            return;
        }
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.bytes + capacity <= KEPT_BYTES_MAX {
            kept.bytes += capacity;
            kept.buffers.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_empty_and_bounded() {
        let many: Vec<Pooled> = (0..40)
            .map(|_| {
                let mut pooled = Pooled::with_capacity(BUFFER_BYTES_MAX);
                assert!(pooled.0.is_empty(), "nothing of another's body is seen");
                pooled.0.extend_from_slice(b"body");
                pooled
            })
            .collect();
        let copies: Vec<Bytes> = many.into_iter().map(Pooled::into_bytes).collect();
        assert!(copies.iter().all(|bytes| bytes.as_ref() == b"body"));
        drop(copies);
        let kept = KEPT.lock().unwrap();
        assert!(kept.bytes <= KEPT_BYTES_MAX);
        assert_eq!(kept.bytes, kept.buffers.iter().map(Vec::capacity).sum::<usize>());
    }
}
