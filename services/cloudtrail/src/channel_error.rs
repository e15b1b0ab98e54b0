//! Every way a call about channels fails, in AWS's code, status and words.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateChannel.html>,
//! <https://docs.aws.amazon.com/awscloudtraildata/latest/APIReference/API_PutAuditEvents.html>

use crate::CloudTrailError;
use base::{AccountId, Arn, Fault, Region};
use gateway::{OperationError, PortRefusal};
use std::borrow::Cow;
use wire::AwsError;

/// The closed set of errors of channels, their policies and what comes in through them.
#[derive(Debug)]
pub enum ChannelError {
    /// The name, or the partner, has a channel in the Region.
    AlreadyExists { what: &'static str, text: String },
    /// No ARN or id of a channel.
    ArnInvalid(String),
    /// Two events of a call have one id.
    DuplicatedAuditEventId(String),
    /// Somebody of another account, at a channel without a policy.
    InsufficientPermission,
    /// PutAuditEvents was called on what is no channel's ARN or id.
    InvalidChannelArn(String),
    /// A parameter is out of its bounds or names what is not there.
    InvalidParameter(String),
    /// Neither `Custom` nor a partner.
    InvalidSource(String),
    /// A ListChannels token that is none of ours.
    InvalidNextToken,
    /// The account has as many channels as it may.
    MaxLimitExceeded { account: AccountId, region: Region },
    /// No such channel.
    NotFound(String),
    /// The same, in the data plane's words.
    DataNotFound(String),
    /// A feature of AWS that is not here.
    NotImplemented(&'static str),
    /// No destination of the channel takes events.
    NoDestination { channel: Arn, why: Unreached },
    /// A resource policy was asked of what is no ARN of CloudTrail.
    ResourceArnNotValid(String),
    /// The resource of a policy is not there.
    ResourceNotFound(String),
    /// There is no policy.
    ResourcePolicyNotFound(String),
    /// The policy is wrong.
    ResourcePolicyNotValid(String),
    /// What has no policies here.
    ResourceTypeNotSupported(String),
    /// No event is of a schema that is known.
    UnsupportedSchema,
    /// A constraint of the API's model is not met.
    Validation(String),
    /// What trails and channels have in common.
    Shared(CloudTrailError),
}

/// Why trails take nothing that comes in by a channel; of several reasons the greatest is the one to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unreached {
    /// They were deleted.
    Gone,
    /// They do not cover the channel's Region any more.
    Elsewhere,
    /// They do not log.
    Silent,
}

impl Unreached {
    fn as_text(self) -> &'static str {
        match self {
            Unreached::Gone => "exists",
            Unreached::Elsewhere => "covers the channel's Region",
            Unreached::Silent => "logs; StartLogging makes it log",
        }
    }
}

impl ChannelError {
    /// A value that breaks a constraint of the model.
    pub fn constraint(value: impl std::fmt::Display, at: &str, constraint: impl std::fmt::Display) -> ChannelError {
        ChannelError::Validation(format!(
            "1 validation error detected: Value '{value}' at '{at}' failed to satisfy constraint: {constraint}"
        ))
    }
}

impl AwsError for ChannelError {
    fn code(&self) -> Cow<'static, str> {
        use ChannelError::*;
        Cow::Borrowed(match self {
            AlreadyExists { .. } => "ChannelAlreadyExistsException",
            ArnInvalid(_) => "ChannelARNInvalidException",
            DuplicatedAuditEventId(_) => "DuplicatedAuditEventId",
            InsufficientPermission => "ChannelInsufficientPermission",
            InvalidChannelArn(_) => "InvalidChannelARN",
            InvalidParameter(_) => "InvalidParameterException",
            InvalidSource(_) => "InvalidSourceException",
            InvalidNextToken => "InvalidNextTokenException",
            MaxLimitExceeded { .. } => "ChannelMaxLimitExceededException",
            NotFound(_) => "ChannelNotFoundException",
            DataNotFound(_) => "ChannelNotFound",
            NotImplemented(_) | NoDestination { .. } => "UnsupportedOperationException",
            ResourceArnNotValid(_) => "ResourceARNNotValidException",
            ResourceNotFound(_) => "ResourceNotFoundException",
            ResourcePolicyNotFound(_) => "ResourcePolicyNotFoundException",
            ResourcePolicyNotValid(_) => "ResourcePolicyNotValidException",
            ResourceTypeNotSupported(_) => "ResourceTypeNotSupportedException",
            UnsupportedSchema => "ChannelUnsupportedSchema",
            Validation(_) => "ValidationException",
            Shared(error) => return error.code(),
        })
    }

    fn message(&self) -> String {
        use ChannelError::*;
        match self {
            AlreadyExists { what, text } => format!("A channel of this {what} already exists: {text}"),
            ArnInvalid(text) | InvalidChannelArn(text) => format!("Invalid channel ARN or ID: {text}"),
            DuplicatedAuditEventId(id) => format!("Two or more events of the request have the ID {id}."),
            InsufficientPermission => {
                "The caller's account is not the channel owner's, and the channel has no resource policy.".to_owned()
            }
            InvalidParameter(message) | ResourcePolicyNotValid(message) | Validation(message) => message.clone(),
            InvalidSource(text) => format!("The source {text} is neither Custom nor an integration partner."),
            InvalidNextToken => "The specified NextToken is not valid.".to_owned(),
            MaxLimitExceeded { account, region } => {
                format!("User: {account} already has 25 channels in {region}.")
            }
            NotFound(text) | DataNotFound(text) => format!("The channel {text} does not exist."),
            NotImplemented(what) => format!("{what} is not implemented by this server."),
            NoDestination { channel, why } => {
                format!(
                    "No trail that the channel {channel} names as its destination {}.",
                    why.as_text()
                )
            }
            ResourceArnNotValid(arn) => format!("Invalid resource ARN: {arn}"),
            ResourceNotFound(arn) => format!("The resource {arn} does not exist."),
            ResourcePolicyNotFound(arn) => format!("The resource {arn} has no resource policy."),
            ResourceTypeNotSupported(arn) => {
                format!("Resource policies are supported for channels only, and {arn} is none.")
            }
            UnsupportedSchema => {
                "The events are neither of the integration schema (version) nor CloudTrail records of a known \
                 eventVersion (1.x)."
                    .to_owned()
            }
            Shared(error) => error.message(),
        }
    }

    fn status(&self) -> u16 {
        match self {
            ChannelError::Shared(error) => error.status(),
            _ => 400,
        }
    }
}

impl OperationError for ChannelError {
    fn fault(&self) -> Option<&Fault> {
        match self {
            ChannelError::Shared(error) => error.fault(),
            _ => None,
        }
    }
}

impl From<CloudTrailError> for ChannelError {
    fn from(error: CloudTrailError) -> Self {
        ChannelError::Shared(error)
    }
}

impl From<Fault> for ChannelError {
    fn from(fault: Fault) -> Self {
        ChannelError::Shared(fault.into())
    }
}

impl From<PortRefusal> for ChannelError {
    fn from(refusal: PortRefusal) -> Self {
        ChannelError::Shared(refusal.into())
    }
}
