//! A large object, read piece by piece as it is searched.

use crate::aws::{Client, Error};
use bytes::{Buf, Bytes};
use http::Method;
use std::io::{self, Read};
use tokio::{runtime::Handle, sync::OwnedSemaphorePermit};

/// What is fetched at a time.
const PIECE_BYTES: u64 = 8 << 20;

/// The bytes of an object from its beginning. Each piece is asked for when it is read, by a thread that may wait.
pub(super) struct Far {
    runtime: Handle,
    client: Client,
    bucket: String,
    key: String,
    /// All pieces are of one version.
    tag: String,
    length: u64,
    at: u64,
    piece: Bytes,
    /// Room for a piece.
    _held: OwnedSemaphorePermit,
}

impl Far {
    /// Of the runtime that this is called in.
    pub(super) fn new(
        client: Client,
        bucket: String,
        key: String,
        tag: String,
        length: u64,
        held: OwnedSemaphorePermit,
    ) -> Far {
        Far {
            runtime: Handle::current(),
            client,
            bucket,
            key,
            tag,
            length,
            at: 0,
            piece: Bytes::new(),
            _held: held,
        }
    }

    fn fetch(&self) -> Result<Bytes, Error> {
        let last = self.length.min(self.at + PIECE_BYTES) - 1;
        let range = format!("bytes={}-{last}", self.at);
        let headers = [("if-match", self.tag.as_str()), ("range", range.as_str())];
        let answer = self
            .runtime
            .block_on(self.client.s3(Method::GET, &self.bucket, &self.key, "", &headers, ""))?;
        let wanted = usize::try_from(last + 1 - self.at).unwrap_or(usize::MAX);
        match answer.body.len() == wanted {
            true => Ok(answer.body),
            false => Err(Error::Unreadable {
                operation: "GetObject".to_owned(),
                reason: format!("{} bytes came, {wanted} were asked for", answer.body.len()),
            }),
        }
    }
}

impl Read for Far {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() && self.at < self.length {
            self.piece = self.fetch().map_err(io::Error::other)?;
            self.at += self.piece.len() as u64;
        }
        let length = buffer.len().min(self.piece.len());
        self.piece
            .split_to(length)
            .copy_to_slice(buffer.get_mut(..length).unwrap_or_default());
        Ok(length)
    }
}
