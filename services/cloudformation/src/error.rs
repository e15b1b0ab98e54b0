//! What CloudFormation refuses, in AWS's words: code, status and text in one match each.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/CommonErrors.html> and the error lists of the
//! operations.

use base::Fault;
use gateway::{OperationError, PortRefusal};
use std::borrow::Cow;
use template::TemplateError;
use wire::AwsError;

/// A refusal of a CloudFormation call.
#[derive(Debug)]
pub enum CloudFormationError {
    /// What no policy can allow.
    AccessDenied(String),
    /// A stack has the name.
    AlreadyExists(String),
    /// A change set of the stack has the name.
    ChangeSetAlreadyExists(String),
    /// A change set that is not there.
    ChangeSetNotFound(String),
    /// A failure of ours.
    Fault(Fault),
    /// A template that makes what must be acknowledged first.
    InsufficientCapabilities(String),
    /// A change set that cannot be executed or deleted now.
    InvalidChangeSetStatus(String),
    /// No more stacks fit.
    LimitExceeded(String),
    /// What AWS has and this server has not.
    NotImplemented(String),
    /// A token that was used for another request.
    TokenAlreadyExists(String),
    /// Whatever else is wrong with a request, its template or the state of its stack.
    Validation(String),
}

impl CloudFormationError {
    /// A `ValidationError`.
    pub fn invalid(text: impl Into<String>) -> CloudFormationError {
        CloudFormationError::Validation(text.into())
    }
}

impl AwsError for CloudFormationError {
    fn code(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            CloudFormationError::AccessDenied(_) => "AccessDenied",
            CloudFormationError::AlreadyExists(_) | CloudFormationError::ChangeSetAlreadyExists(_) => {
                "AlreadyExistsException"
            }
            CloudFormationError::ChangeSetNotFound(_) => "ChangeSetNotFound",
            CloudFormationError::Fault(_) => "InternalFailure",
            CloudFormationError::InsufficientCapabilities(_) => "InsufficientCapabilitiesException",
            CloudFormationError::InvalidChangeSetStatus(_) => "InvalidChangeSetStatus",
            CloudFormationError::LimitExceeded(_) => "LimitExceededException",
            CloudFormationError::NotImplemented(_) => "NotImplemented",
            CloudFormationError::TokenAlreadyExists(_) => "TokenAlreadyExistsException",
            CloudFormationError::Validation(_) => "ValidationError",
        })
    }

    fn message(&self) -> String {
        match self {
            CloudFormationError::AlreadyExists(name) => format!("Stack [{name}] already exists"),
            CloudFormationError::ChangeSetAlreadyExists(name) => format!("ChangeSet [{name}] already exists"),
            CloudFormationError::ChangeSetNotFound(name) => format!("ChangeSet [{name}] does not exist"),
            CloudFormationError::Fault(_) => "An internal error occurred.".to_owned(),
            CloudFormationError::NotImplemented(what) => format!("{what} is not implemented by this server."),
            CloudFormationError::AccessDenied(text)
            | CloudFormationError::InsufficientCapabilities(text)
            | CloudFormationError::InvalidChangeSetStatus(text)
            | CloudFormationError::LimitExceeded(text)
            | CloudFormationError::TokenAlreadyExists(text)
            | CloudFormationError::Validation(text) => text.clone(),
        }
    }

    fn status(&self) -> u16 {
        match self {
            CloudFormationError::AlreadyExists(_)
            | CloudFormationError::ChangeSetAlreadyExists(_)
            | CloudFormationError::InsufficientCapabilities(_)
            | CloudFormationError::InvalidChangeSetStatus(_)
            | CloudFormationError::LimitExceeded(_)
            | CloudFormationError::TokenAlreadyExists(_)
            | CloudFormationError::Validation(_) => 400,
            CloudFormationError::AccessDenied(_) => 403,
            CloudFormationError::ChangeSetNotFound(_) => 404,
            CloudFormationError::Fault(_) => 500,
            CloudFormationError::NotImplemented(_) => 501,
        }
    }
}

impl OperationError for CloudFormationError {
    fn fault(&self) -> Option<&Fault> {
        match self {
            CloudFormationError::Fault(fault) => Some(fault),
            _ => None,
        }
    }
}

impl From<Fault> for CloudFormationError {
    fn from(fault: Fault) -> Self {
        CloudFormationError::Fault(fault)
    }
}

impl From<TemplateError> for CloudFormationError {
    fn from(TemplateError(text): TemplateError) -> Self {
        CloudFormationError::Validation(text)
    }
}

impl From<PortRefusal> for CloudFormationError {
    /// Whoever is asked for a template or a role refuses in its own words, which become the text of ours.
    fn from(refusal: PortRefusal) -> Self {
        match refusal.status {
            500.. => CloudFormationError::Fault(Fault::Bug("a service that CloudFormation asked failed")),
            _ => CloudFormationError::Validation(refusal.message),
        }
    }
}
