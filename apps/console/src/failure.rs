//! What a page cannot show, and why.

use http::StatusCode;
use operator::{aws::Error, message, message::Message};

/// Why a request has no page of its own.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A call had no good answer.
    Aws(Error),
    /// There is no such page or thing.
    Missing(Message),
    /// What was sent cannot be used; nothing was changed.
    Bad(Message),
    /// This server failed.
    Own(Message),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Aws(error)
    }
}

/// The codes with which services say that a key is not, or no longer, good.
const OF_CREDENTIALS: [&str; 9] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidToken",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// The codes with which services say that there is no such thing.
const OF_ABSENCE: [&str; 9] = [
    "NoSuchBucket",
    "NoSuchKey",
    "NoSuchVersion",
    "NoSuchEntity",
    "NotFound",
    "NotFoundException",
    "ResourceNotFoundException",
    "TrailNotFoundException",
    "EventNotFound",
];

/// The codes with which services say that the caller may not; those of JSON services come with the status 400.
const OF_DENIAL: [&str; 3] = ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"];

impl Failure {
    /// Whether an error says that the caller may not make the call.
    pub(crate) fn is_denial(error: &Error) -> bool {
        error.is(&OF_DENIAL) || error.refused().is_some_and(|refused| refused.status == 403)
    }

    /// No page is here.
    pub(crate) fn no_page() -> Failure {
        Failure::Missing(message!("There is no such page.", "このページは存在しません。"))
    }

    /// Whether an error says that the key is not good.
    pub(crate) fn is_of_credentials(error: &Error) -> bool {
        error.is(&OF_CREDENTIALS)
    }

    /// The status of the page that tells it.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Failure::Missing(_) => StatusCode::NOT_FOUND,
            Failure::Bad(_) => StatusCode::BAD_REQUEST,
            Failure::Own(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Failure::Aws(error) if error.is(&OF_ABSENCE) => StatusCode::NOT_FOUND,
            Failure::Aws(error) if Failure::is_denial(error) => StatusCode::FORBIDDEN,
            Failure::Aws(Error::Refused(refused)) => match refused.status {
                404 => StatusCode::NOT_FOUND,
                429 | 503 => StatusCode::SERVICE_UNAVAILABLE,
                500.. => StatusCode::BAD_GATEWAY,
                _ => StatusCode::BAD_REQUEST,
            },
            Failure::Aws(_) => StatusCode::BAD_GATEWAY,
        }
    }

    /// In a few words, as a heading.
    pub(crate) fn title(&self) -> Message {
        match self {
            Failure::Missing(_) => message!("Not found", "見つかりません"),
            Failure::Bad(_) => message!("This cannot be done", "実行できません"),
            Failure::Own(_) => message!("Internal error", "内部エラー"),
            Failure::Aws(error) => match error.refused() {
                Some(_) if Failure::is_denial(error) => message!("You may not see this", "表示する権限がありません"),
                Some(refused) if refused.status == 404 || error.is(&OF_ABSENCE) => {
                    message!("Not found", "見つかりません")
                }
                _ => message!("The call was refused", "呼び出しが拒否されました"),
            },
        }
    }

    /// What is wrong, in AWS's words where AWS's API said it.
    pub(crate) fn says(&self) -> Message {
        match self {
            Failure::Aws(error) => error.message(),
            Failure::Missing(says) | Failure::Bad(says) | Failure::Own(says) => says.clone(),
        }
    }
}
