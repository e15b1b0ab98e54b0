//! Every way a call of this service fails.

use base::Fault;
use gateway::{OperationError, PortRefusal};
use std::borrow::Cow;
use wire::AwsError;

/// The closed set of errors of this room.
#[derive(Debug)]
pub enum ShosekiError {
    /// Ours.
    Fault(Fault),
    /// The clock can be moved in rehearsal mode only.
    RehearsalModeRequired,
    /// A parameter is out of its range.
    Validation(String),
}

impl AwsError for ShosekiError {
    fn code(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            ShosekiError::Fault(_) => "InternalFailure",
            ShosekiError::RehearsalModeRequired => "RehearsalModeRequiredException",
            ShosekiError::Validation(_) => "ValidationException",
        })
    }

    fn message(&self) -> String {
        match self {
            ShosekiError::Fault(_) => "An internal error occurred.".to_owned(),
            ShosekiError::RehearsalModeRequired => {
                "The clock can be moved in rehearsal mode only. Start the server with --rehearsal.".to_owned()
            }
            ShosekiError::Validation(message) => message.clone(),
        }
    }

    fn status(&self) -> u16 {
        match self {
            ShosekiError::Fault(_) => 500,
            ShosekiError::RehearsalModeRequired | ShosekiError::Validation(_) => 400,
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
    /// This service makes no port calls; a refusal can only be a mistake of ours.
    fn from(_: PortRefusal) -> Self {
        ShosekiError::Fault(Fault::Bug("the product's own service was refused by a port"))
    }
}
