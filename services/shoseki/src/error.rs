//! Every way a call of this service fails.

use base::{AccountId, Fault};
use gateway::{OperationError, PortRefusal};
use std::borrow::Cow;
use wire::AwsError;

/// The closed set of errors of this room.
#[derive(Debug)]
pub enum ShosekiError {
    /// There is an account of this number.
    AccountAlreadyExists(AccountId),
    /// Nothing is kept under this id.
    ExplanationNotFound,
    /// Ours.
    Fault(Fault),
    /// So many streams are open that no other may be.
    LimitExceeded,
    /// The clock can be moved in rehearsal mode only.
    RehearsalModeRequired,
    /// What was asked about is not here.
    ResourceNotFound(String),
    /// The root key is being rotated.
    RotationInProgress,
    /// A parameter is out of its range.
    Validation(String),
}

const NOT_FOUND: &str = "No refused call is known by this id. Either no call had it, or no policy refused anything to that \
                         call, or so many calls were refused since that its explanation is no longer kept.";

impl AwsError for ShosekiError {
    fn code(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            ShosekiError::AccountAlreadyExists(_) => "AccountAlreadyExistsException",
            ShosekiError::Fault(_) => "InternalFailure",
            ShosekiError::LimitExceeded => "LimitExceededException",
            ShosekiError::RehearsalModeRequired => "RehearsalModeRequiredException",
            ShosekiError::ExplanationNotFound | ShosekiError::ResourceNotFound(_) => "ResourceNotFoundException",
            ShosekiError::RotationInProgress => "RotationInProgressException",
            ShosekiError::Validation(_) => "ValidationException",
        })
    }

    fn message(&self) -> String {
        match self {
            ShosekiError::AccountAlreadyExists(account) => format!("Account {account} already exists."),
            ShosekiError::ExplanationNotFound => NOT_FOUND.to_owned(),
            ShosekiError::Fault(_) => "An internal error occurred.".to_owned(),
            ShosekiError::LimitExceeded => {
                "Too many streams are open, of this access key or of all together. End one first.".to_owned()
            }
            ShosekiError::RehearsalModeRequired => {
                "The clock can be moved in rehearsal mode only. Start the server with --rehearsal.".to_owned()
            }
            ShosekiError::RotationInProgress => {
                "A rotation of the root key is in progress. DescribeRootKey says how far it has come.".to_owned()
            }
            ShosekiError::ResourceNotFound(message) | ShosekiError::Validation(message) => message.clone(),
        }
    }

    fn status(&self) -> u16 {
        match self {
            ShosekiError::Fault(_) => 500,
            ShosekiError::AccountAlreadyExists(_)
            | ShosekiError::ExplanationNotFound
            | ShosekiError::LimitExceeded
            | ShosekiError::RehearsalModeRequired
            | ShosekiError::ResourceNotFound(_)
            | ShosekiError::RotationInProgress
            | ShosekiError::Validation(_) => 400,
        }
    }
}

impl OperationError for ShosekiError {
    fn fault(&self) -> Option<&Fault> {
        match self {
            ShosekiError::Fault(fault) => Some(fault),
            _ => None,
        }
    }
}

impl From<Fault> for ShosekiError {
    fn from(fault: Fault) -> Self {
        ShosekiError::Fault(fault)
    }
}

impl From<PortRefusal> for ShosekiError {
    /// This service makes no port calls that are decided; a refusal can only be a mistake of ours.
    fn from(_: PortRefusal) -> Self {
        ShosekiError::Fault(Fault::Bug("the product's own service was refused by a port"))
    }
}
