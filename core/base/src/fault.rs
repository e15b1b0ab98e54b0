//! What is wrong on our side, as opposed to the caller's.

use std::error::Error;

/// A failure of the product or its machine: never the caller's doing, shown to the caller as an internal error with a
/// request id only, and logged once, with its sources, where the pipeline handles it.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A state that the code holds to be impossible.
    #[error("bug: {0}")]
    Bug(&'static str),
    /// Stored bytes that do not open, decode or agree. Never retried, never taken for "not found".
    #[error("corrupt: {what}")]
    Corrupt {
        /// What was being read.
        what: String,
        /// Why it could not be.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// The disk or the operating system refused.
    #[error("io: {what}")]
    Io {
        /// What was being done.
        what: String,
        /// The system's answer.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// What was read has been replaced meanwhile: nothing is wrong, the call must be repeated on a new snapshot. The
    /// pipeline does so and tells nobody.
    #[error("stale")]
    Stale,
    /// The server is stopping and takes no more work.
    #[error("stopping")]
    Stopping,
}

impl Fault {
    /// Corruption without a source.
    pub fn corrupt(what: impl Into<String>) -> Fault {
        Fault::Corrupt {
            what: what.into(),
            source: None,
        }
    }

    /// Corruption with its source.
    pub fn corrupt_by(what: impl Into<String>, source: impl Error + Send + Sync + 'static) -> Fault {
        Fault::Corrupt {
            what: what.into(),
            source: Some(Box::new(source)),
        }
    }

    /// An IO failure.
    pub fn io(what: impl Into<String>, source: impl Error + Send + Sync + 'static) -> Fault {
        Fault::Io {
            what: what.into(),
            source: Box::new(source),
        }
    }
}
