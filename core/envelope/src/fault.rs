//! Why something could not be opened.

/// Bytes that are not what they should be: altered, cut, moved, or sealed under another key, identity or context. Which
/// of these it was cannot be told, and must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sealed bytes do not open")]
pub struct DoesNotOpen;

/// Why a stored key could not be unwrapped or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeFault {
    /// The bytes are shaped rightly and were altered, or wrapped for another purpose.
    #[error("wrapped key does not open")]
    DoesNotOpen,
    /// The text is not that of a root key, or its checksum does not agree.
    #[error("not a root key file, or a damaged one")]
    InvalidRootKeyText,
    /// The bytes are no wrapped key of a version known here.
    #[error("not a wrapped key of a known version")]
    Malformed,
    /// The key was wrapped under another key than the one at hand, such as after a swap of root key files.
    #[error("wrapped under another key than the one given")]
    WrappedUnderAnotherKey,
    /// The root of trust (a device or another service) did not answer.
    #[error("root of trust is unavailable: {0}")]
    RootUnavailable(&'static str),
}

impl From<EnvelopeFault> for base::Fault {
    fn from(fault: EnvelopeFault) -> base::Fault {
        match fault {
            EnvelopeFault::RootUnavailable(_) => base::Fault::io("root of trust", fault),
            _ => base::Fault::corrupt_by("wrapped key", fault),
        }
    }
}
