//! What can go wrong with a call.

/// A call that has no good answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The service said no.
    #[error("{0}")]
    Refused(Refused),
    /// There are no credentials, or they cannot be had.
    #[error("{0}")]
    Credentials(String),
    /// Something in the settings cannot be used.
    #[error("{0}")]
    Settings(String),
    /// No answer came.
    #[error("cannot reach {endpoint}: {reason}")]
    Unreachable {
        /// Where to.
        endpoint: String,
        /// Why not.
        reason: String,
    },
    /// An answer came that is none.
    #[error("the answer to {operation} cannot be read: {reason}")]
    Unreadable {
        /// The operation.
        operation: String,
        /// Why not.
        reason: String,
    },
    /// The request cannot be made: the caller's mistake.
    #[error("the call cannot be made: {0}")]
    Unsendable(String),
}

/// An answer that says no, in AWS's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// The error code.
    pub code: String,
    /// The message; empty when there is none.
    pub message: String,
    /// The request's id, by which AWS finds it; empty when the answer has none.
    pub request_id: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.message.as_str() {
            "" => write!(f, "{} ({})", self.code, self.status),
            message => write!(f, "{}: {message}", self.code),
        }
    }
}

impl Error {
    /// What the service said, when it was the service.
    pub fn refused(&self) -> Option<&Refused> {
        match self {
            Error::Refused(refused) => Some(refused),
            _ => None,
        }
    }

    /// Whether the service said that there is no such thing, by one of these codes.
    pub fn is(&self, codes: &[&str]) -> bool {
        self.refused()
            .is_some_and(|refused| codes.contains(&refused.code.as_str()))
    }
}
