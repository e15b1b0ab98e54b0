//! What SNS refuses, in AWS's words: code, status and text in one match each.
//!
//! SPEC: <https://docs.aws.amazon.com/sns/latest/api/CommonErrors.html> and the error lists of the operations.

use base::Fault;
use gateway::{OperationError, PortRefusal};
use std::borrow::Cow;
use wire::{AwsError, ServiceName};

/// A refusal of an SNS call.
#[derive(Debug)]
pub enum SnsError {
    /// Who calls without a signature, or as neither owner, may not.
    Authorization(String),
    /// Two entries of a batch have one id.
    BatchEntryIdsNotDistinct,
    /// A batch is longer than one message may be.
    BatchRequestTooLong,
    /// A batch without entries.
    EmptyBatchRequest,
    /// No more subscriptions with filter policies fit.
    FilterPolicyLimitExceeded,
    /// A failure of ours.
    Fault(Fault),
    /// A batch's entry has no proper id.
    InvalidBatchEntryId,
    /// A parameter's value; said after `Invalid parameter: `.
    InvalidParameter(String),
    /// The topic's KMS key cannot be used.
    Kms {
        /// The code of SNS's own, such as `KMSAccessDenied`.
        code: &'static str,
        /// KMS's text.
        message: String,
    },
    /// What is named is not there.
    NotFound(Missing),
    /// What AWS has and this server has not.
    NotImplemented(String),
    /// A value of a message attribute.
    ParameterValueInvalid(String),
    /// The topic that is to be tagged is not there.
    ResourceNotFound,
    /// No more subscriptions fit.
    SubscriptionLimitExceeded,
    /// A topic has at most fifty tags.
    TagLimitExceeded,
    /// A batch has at most ten entries.
    TooManyEntriesInBatchRequest,
    /// No more topics fit.
    TopicLimitExceeded,
    /// A parameter that is missing or of the wrong size.
    Validation(String),
}

/// What is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// A subscription.
    Subscription,
    /// A topic.
    Topic,
}

impl SnsError {
    /// A value that a parameter cannot have.
    pub fn invalid(what: impl Into<String>) -> SnsError {
        SnsError::InvalidParameter(what.into())
    }
}

impl AwsError for SnsError {
    fn code(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            SnsError::Authorization(_) => "AuthorizationError",
            SnsError::BatchEntryIdsNotDistinct => "BatchEntryIdsNotDistinct",
            SnsError::BatchRequestTooLong => "BatchRequestTooLong",
            SnsError::EmptyBatchRequest => "EmptyBatchRequest",
            SnsError::Fault(_) => "InternalError",
            SnsError::FilterPolicyLimitExceeded => "FilterPolicyLimitExceeded",
            SnsError::InvalidBatchEntryId => "InvalidBatchEntryId",
            SnsError::InvalidParameter(_) => "InvalidParameter",
            SnsError::Kms { code, .. } => code,
            SnsError::NotFound(_) => "NotFound",
            SnsError::NotImplemented(_) => "NotImplemented",
            SnsError::ParameterValueInvalid(_) => "ParameterValueInvalid",
            SnsError::ResourceNotFound => "ResourceNotFound",
            SnsError::SubscriptionLimitExceeded => "SubscriptionLimitExceeded",
            SnsError::TagLimitExceeded => "TagLimitExceeded",
            SnsError::TooManyEntriesInBatchRequest => "TooManyEntriesInBatchRequest",
            SnsError::TopicLimitExceeded => "TopicLimitExceeded",
            SnsError::Validation(_) => "ValidationError",
        })
    }

    fn message(&self) -> String {
        match self {
            SnsError::Authorization(message)
            | SnsError::Kms { message, .. }
            | SnsError::ParameterValueInvalid(message)
            | SnsError::Validation(message) => message.clone(),
            SnsError::BatchEntryIdsNotDistinct => {
                "Two or more batch entries in the request have the same Id.".to_owned()
            }
            SnsError::BatchRequestTooLong => {
                "The length of all the messages put together is more than the limit.".to_owned()
            }
            SnsError::EmptyBatchRequest => "The batch request doesn't contain any entries.".to_owned(),
            SnsError::Fault(_) => "An internal error occurred.".to_owned(),
            SnsError::FilterPolicyLimitExceeded => "Filter policy limit exceeded".to_owned(),
            SnsError::InvalidBatchEntryId => {
                "The Id of a batch entry in a batch request doesn't abide by the specification.".to_owned()
            }
            SnsError::InvalidParameter(what) => format!("Invalid parameter: {what}"),
            SnsError::NotFound(Missing::Subscription) => "Subscription does not exist".to_owned(),
            SnsError::NotFound(Missing::Topic) => "Topic does not exist".to_owned(),
            SnsError::NotImplemented(what) => format!("{what} is not implemented by this server."),
            SnsError::ResourceNotFound => "Resource does not exist".to_owned(),
            SnsError::SubscriptionLimitExceeded => "Subscription limit exceeded".to_owned(),
            SnsError::TagLimitExceeded => "Could not complete request: tag quota of per resource exceeded".to_owned(),
            SnsError::TooManyEntriesInBatchRequest => {
                "The batch request contains more entries than permissible (more than 10).".to_owned()
            }
            SnsError::TopicLimitExceeded => "Topic limit exceeded".to_owned(),
        }
    }

    fn status(&self) -> u16 {
        match self {
            SnsError::BatchEntryIdsNotDistinct
            | SnsError::BatchRequestTooLong
            | SnsError::EmptyBatchRequest
            | SnsError::InvalidBatchEntryId
            | SnsError::InvalidParameter(_)
            | SnsError::Kms { .. }
            | SnsError::ParameterValueInvalid(_)
            | SnsError::TagLimitExceeded
            | SnsError::TooManyEntriesInBatchRequest
            | SnsError::Validation(_) => 400,
            SnsError::Authorization(_)
            | SnsError::FilterPolicyLimitExceeded
            | SnsError::SubscriptionLimitExceeded
            | SnsError::TopicLimitExceeded => 403,
            SnsError::NotFound(_) | SnsError::ResourceNotFound => 404,
            SnsError::Fault(_) => 500,
            SnsError::NotImplemented(_) => 501,
        }
    }
}

impl OperationError for SnsError {
    fn fault(&self) -> Option<&Fault> {
        match self {
            SnsError::Fault(fault) => Some(fault),
            _ => None,
        }
    }
}

impl From<Fault> for SnsError {
    fn from(fault: Fault) -> Self {
        SnsError::Fault(fault)
    }
}

impl From<PortRefusal> for SnsError {
    /// Only KMS is asked, for the keys of encrypted topics; its codes become SNS's.
    ///
    /// SPEC: <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
    fn from(refusal: PortRefusal) -> Self {
        let code = match refusal.code.as_str() {
            _ if refusal.service != ServiceName::Kms => {
                return SnsError::Fault(Fault::Bug("SNS was refused by a port that it does not ask"));
            }
            _ if refusal.denied => "KMSAccessDenied",
            "DisabledException" => "KMSDisabled",
            "KMSInvalidStateException" => "KMSInvalidState",
            "ThrottlingException" => "KMSThrottling",
            _ if refusal.status >= 500 => return SnsError::Fault(Fault::Bug("KMS failed")),
            _ => "KMSNotFound",
        };
        SnsError::Kms {
            code,
            message: refusal.message,
        }
    }
}
