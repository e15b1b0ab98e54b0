//! Every way a Logs call fails, in AWS's code, status and words.

use base::{Arn, Fault};
use gateway::{OperationError, PortRefusal};
use std::borrow::Cow;
use wire::AwsError;

/// The closed set of errors of this room.
#[derive(Debug)]
pub enum LogsError {
    /// A KMS key that a policy does not let the group use.
    KmsDenied(Arn),
    /// A KMS key that is not there, or cannot be used as it is.
    KmsUnusable(Arn),
    /// An input that cannot be, in AWS's words.
    InvalidParameter(Cow<'static, str>),
    /// More metric filters than a group may have.
    LimitExceeded,
    /// A feature of AWS that is not here.
    NotImplemented(&'static str),
    /// A group or stream of this name is there.
    AlreadyExists(Thing),
    /// There is no such thing.
    NotFound(Thing),
    /// More tags than a group may have.
    TooManyTags {
        /// What would have them.
        resource: String,
    },
    /// A port call that a policy refused, in its words.
    Denied(String),
    /// Ours.
    Fault(Fault),
}

/// What can be there or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    /// A log group.
    Group,
    /// A log stream.
    Stream,
    /// A metric filter.
    MetricFilter,
}

impl Thing {
    fn name(self) -> &'static str {
        match self {
            Thing::Group => "log group",
            Thing::Stream => "log stream",
            Thing::MetricFilter => "metric filter",
        }
    }
}

impl LogsError {
    /// An input that cannot be.
    pub(crate) fn invalid(message: impl Into<Cow<'static, str>>) -> LogsError {
        LogsError::InvalidParameter(message.into())
    }

    /// A token that is not one of the call's own.
    pub(crate) fn bad_token() -> LogsError {
        LogsError::invalid("The specified nextToken is invalid.")
    }
}

impl AwsError for LogsError {
    fn code(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            LogsError::KmsDenied(_) | LogsError::Denied(_) => "AccessDeniedException",
            LogsError::KmsUnusable(_) | LogsError::InvalidParameter(_) => "InvalidParameterException",
            LogsError::LimitExceeded => "LimitExceededException",
            LogsError::NotImplemented(_) => "InvalidOperationException",
            LogsError::AlreadyExists(_) => "ResourceAlreadyExistsException",
            LogsError::NotFound(_) => "ResourceNotFoundException",
            LogsError::TooManyTags { .. } => "TooManyTagsException",
            LogsError::Fault(_) => "ServiceUnavailableException",
        })
    }

    fn message(&self) -> String {
        match self {
            LogsError::KmsDenied(arn) | LogsError::KmsUnusable(arn) => {
                format!("The specified KMS key does not exist or is not allowed to be used with Arn '{arn}'")
            }
            LogsError::InvalidParameter(message) => message.clone().into_owned(),
            LogsError::LimitExceeded => "Resource limit exceeded.".to_owned(),
            LogsError::NotImplemented(what) => format!("{what} is not implemented by this server."),
            LogsError::AlreadyExists(thing) => format!("The specified {} already exists", thing.name()),
            LogsError::NotFound(thing) => format!("The specified {} does not exist.", thing.name()),
            LogsError::TooManyTags { .. } => "The resource has too many tags.".to_owned(),
            LogsError::Denied(message) => message.clone(),
            LogsError::Fault(_) => String::new(),
        }
    }

    fn status(&self) -> u16 {
        match self {
            LogsError::Fault(_) => 500,
            _ => 400,
        }
    }

    fn extra(&self) -> Vec<(&'static str, String)> {
        match self {
            LogsError::TooManyTags { resource } => vec![("resourceName", resource.clone())],
            _ => Vec::new(),
        }
    }
}

impl OperationError for LogsError {
    fn fault(&self) -> Option<&Fault> {
        match self {
            LogsError::Fault(fault) => Some(fault),
            _ => None,
        }
    }
}

impl From<Fault> for LogsError {
    fn from(fault: Fault) -> LogsError {
        LogsError::Fault(fault)
    }
}

impl From<PortRefusal> for LogsError {
    fn from(refusal: PortRefusal) -> LogsError {
        match refusal {
            PortRefusal { status: 500.., .. } => LogsError::Fault(Fault::Bug("a call to KMS failed on our side")),
            PortRefusal {
                denied: true, message, ..
            } => LogsError::Denied(message),
            PortRefusal { message, .. } => LogsError::InvalidParameter(message.into()),
        }
    }
}
