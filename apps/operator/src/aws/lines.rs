//! The lines of an answer that goes on.

use super::{
    Endpoint, Error,
    http::{broken_off, unreachable},
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::time::Duration;

/// A longer line is none: a record has at most 256 KB, and a few times as much when every byte is escaped.
const LINE_BYTES_MAX: usize = 2 << 20;
/// More of a refusal is not read.
const REFUSAL_BYTES_MAX: usize = 1 << 20;
/// Whoever streams lets hear from itself several times in this time.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// The lines of an answer, as they come. Dropped, it ends the call.
pub struct Lines {
    body: Incoming,
    endpoint: Endpoint,
    operation: String,
    /// What has come and is not told yet.
    read: BytesMut,
    /// No line ends before this.
    searched: usize,
    ended: bool,
}

impl Lines {
    pub(super) fn new(body: Incoming, endpoint: Endpoint, operation: &str) -> Lines {
        Lines {
            body,
            endpoint,
            operation: operation.to_owned(),
            read: BytesMut::new(),
            searched: 0,
            ended: false,
        }
    }

    /// The next line, without its end; `None` when the answer is over. An answer that breaks off or is silent for a minute is an
    /// error, and then over. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        loop {
            if let Some(line) = self.line() {
                return Some(Ok(line));
            }
            if self.ended {
                return None;
            }
            if self.read.len() > LINE_BYTES_MAX {
                self.ended = true;
                return Some(Err(Error::Unreadable {
                    operation: self.operation.clone(),
                    reason: format!("a line of it is longer than {LINE_BYTES_MAX} bytes"),
                }));
            }
            if let Err(error) = self.more().await {
                (self.ended, self.searched) = (true, 0);
                self.read.clear();
                return Some(Err(error));
            }
        }
    }

    /// Takes a whole line out of what was read; at the end, what is left is one.
    fn line(&mut self) -> Option<Bytes> {
        let unsearched = self.read.get(self.searched..).unwrap_or_default();
        match memchr::memchr(b'\n', unsearched) {
            Some(at) => {
                let line = self.read.split_to(self.searched + at);
                let _ = self.read.split_to(1);
                self.searched = 0;
                Some(line.freeze())
            }
            None if self.ended && !self.read.is_empty() => {
                self.searched = 0;
                Some(self.read.split().freeze())
            }
            None => {
                self.searched = self.read.len();
                None
            }
        }
    }

    async fn more(&mut self) -> Result<(), Error> {
        let frame = tokio::time::timeout(SILENCE_MAX, self.body.frame()).await;
        match frame.map_err(|_| unreachable(&self.endpoint, "it has fallen silent"))? {
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    self.read.extend_from_slice(&data);
                }
                Ok(())
            }
            Some(Err(fault)) => Err(broken_off(&self.endpoint, &fault)),
            None => {
                self.ended = true;
                Ok(())
            }
        }
    }

    /// All that is left, for an answer that says no.
    pub(super) async fn rest(&mut self) -> Result<Bytes, Error> {
        while !self.ended && self.read.len() < REFUSAL_BYTES_MAX {
            self.more().await?;
        }
        Ok(self.read.split().freeze())
    }
}
