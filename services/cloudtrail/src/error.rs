//! Every way a CloudTrail call fails, in AWS's code, status and words.

use crate::model::{
    name::{InvalidName, InvalidReference},
    tag::InvalidTags,
};
use base::{AccountId, Arn, Fault, Region};
use gateway::{OperationError, PortRefusal};
use std::borrow::Cow;
use wire::AwsError;

/// The closed set of errors of this room.
#[derive(Debug)]
pub enum CloudTrailError {
    /// The ARN is not a trail's.
    CloudTrailArnInvalid(String),
    /// The key may not be used, or the bucket not written, with a key given.
    InsufficientEncryptionPolicy { bucket: String, key: String },
    /// The bucket does not let CloudTrail check its ACL or write.
    InsufficientS3BucketPolicy(String),
    /// The topic is not there, or does not let CloudTrail publish.
    InsufficientSnsTopicPolicy,
    /// The log group is none of this account and Region, or its role may not write it.
    InvalidCloudWatchLogsLogGroupArn(&'static str),
    /// The role is missing, or does not trust CloudTrail.
    InvalidCloudWatchLogsRoleArn(&'static str),
    /// The trail logs no Insights events.
    InsightNotEnabled(Arn),
    /// The selectors are wrong.
    InvalidEventSelectors(String),
    /// A write on a shadow trail.
    InvalidHomeRegion { name: String, home: Region },
    /// Not a kind of Insights.
    InvalidInsightSelectors(String),
    /// The key's id or ARN is malformed.
    InvalidKmsKeyId(String),
    /// A lookup attribute is wrong.
    InvalidLookupAttributes(String),
    /// An EventCategory that there is not.
    InvalidEventCategory,
    /// MaxResults is out of range.
    InvalidMaxResults,
    /// The token is not one of ours, or belongs to another query.
    InvalidNextToken,
    /// A parameter is outside its limits.
    InvalidParameter(&'static str),
    /// Two parameters do not go together.
    InvalidParameterCombination(&'static str),
    /// A bad bucket name.
    InvalidS3BucketName(String),
    /// A bad key prefix.
    InvalidS3Prefix,
    /// A bad name or ARN of a topic.
    InvalidSnsTopicName(String),
    /// Bad tags.
    InvalidTagParameter(&'static str),
    /// Start after end.
    InvalidTimeRange,
    /// A bad ListPublicKeys token.
    InvalidToken,
    /// A bad trail name.
    InvalidTrailName(InvalidName),
    /// The key cannot be used as it is: disabled, pending deletion, of another kind.
    Kms(String),
    /// No such key in the bucket's Region.
    KmsKeyNotFound(String),
    /// The sixth trail of a Region.
    MaximumNumberOfTrailsExceeded { account: AccountId, region: Region },
    /// A feature of AWS that is not here.
    NotImplemented(&'static str),
    /// No such resource, where tags are meant.
    ResourceNotFound(String),
    /// A resource that has no tags here.
    ResourceTypeNotSupported(String),
    /// No such bucket.
    S3BucketDoesNotExist(String),
    /// Too many tags.
    TagsLimitExceeded,
    /// The name is taken.
    TrailAlreadyExists { name: String, account: AccountId },
    /// No such trail.
    TrailNotFound { reference: String, account: AccountId },
    /// Ours.
    Fault(Fault),
}

impl AwsError for CloudTrailError {
    fn code(&self) -> Cow<'static, str> {
        use CloudTrailError::*;
        Cow::Borrowed(match self {
            CloudTrailArnInvalid(_) => "CloudTrailARNInvalidException",
            InsufficientEncryptionPolicy { .. } => "InsufficientEncryptionPolicyException",
            InsufficientS3BucketPolicy(_) => "InsufficientS3BucketPolicyException",
            InsufficientSnsTopicPolicy => "InsufficientSnsTopicPolicyException",
            InvalidCloudWatchLogsLogGroupArn(_) => "InvalidCloudWatchLogsLogGroupArnException",
            InvalidCloudWatchLogsRoleArn(_) => "InvalidCloudWatchLogsRoleArnException",
            InsightNotEnabled(_) => "InsightNotEnabledException",
            InvalidEventSelectors(_) => "InvalidEventSelectorsException",
            InvalidHomeRegion { .. } => "InvalidHomeRegionException",
            InvalidInsightSelectors(_) => "InvalidInsightSelectorsException",
            InvalidKmsKeyId(_) => "InvalidKmsKeyIdException",
            InvalidEventCategory => "InvalidEventCategoryException",
            InvalidLookupAttributes(_) => "InvalidLookupAttributesException",
            InvalidMaxResults => "InvalidMaxResultsException",
            InvalidNextToken => "InvalidNextTokenException",
            InvalidParameter(_) => "InvalidParameterException",
            InvalidParameterCombination(_) => "InvalidParameterCombinationException",
            InvalidS3BucketName(_) => "InvalidS3BucketNameException",
            InvalidS3Prefix => "InvalidS3PrefixException",
            InvalidSnsTopicName(_) => "InvalidSnsTopicNameException",
            InvalidTagParameter(_) => "InvalidTagParameterException",
            InvalidTimeRange => "InvalidTimeRangeException",
            InvalidToken => "InvalidTokenException",
            InvalidTrailName(_) => "InvalidTrailNameException",
            Kms(_) => "KmsException",
            KmsKeyNotFound(_) => "KmsKeyNotFoundException",
            MaximumNumberOfTrailsExceeded { .. } => "MaximumNumberOfTrailsExceededException",
            NotImplemented(_) => "UnsupportedOperationException",
            ResourceNotFound(_) => "ResourceNotFoundException",
            ResourceTypeNotSupported(_) => "ResourceTypeNotSupportedException",
            S3BucketDoesNotExist(_) => "S3BucketDoesNotExistException",
            TagsLimitExceeded => "TagsLimitExceededException",
            TrailAlreadyExists { .. } => "TrailAlreadyExistsException",
            TrailNotFound { .. } => "TrailNotFoundException",
            Fault(_) => "InternalFailure",
        })
    }

    fn message(&self) -> String {
        use CloudTrailError::*;
        match self {
            CloudTrailArnInvalid(arn) => format!("Invalid trail ARN: {arn}"),
            InsufficientEncryptionPolicy { bucket, key } => {
                format!("Insufficient permissions to access S3 bucket {bucket} or KMS key {key}.")
            }
            InsufficientS3BucketPolicy(bucket) => {
                format!("Incorrect S3 bucket policy is detected for bucket: {bucket}")
            }
            InsufficientSnsTopicPolicy => "SNS Topic does not exist or the topic policy is incorrect!".to_owned(),
            InvalidCloudWatchLogsLogGroupArn(message) | InvalidCloudWatchLogsRoleArn(message) => (*message).to_owned(),
            InsightNotEnabled(arn) => format!(
                "Trail {arn} does not have Insights enabled. Edit the trail settings to enable Insights, and then try the \
                 operation again."
            ),
            InvalidEventSelectors(message) => message.clone(),
            InvalidHomeRegion { name, home } => {
                format!("Trail {name} can be changed only in its home Region {home}.")
            }
            InvalidInsightSelectors(kind) => format!("Insight type {kind} or its event category is invalid."),
            InvalidKmsKeyId(id) => format!("Invalid KMS key ID: {id}"),
            InvalidEventCategory => "The specified EventCategory is not valid.".to_owned(),
            InvalidLookupAttributes(message) => message.clone(),
            InvalidMaxResults => "A max results value must be between 1 and 50.".to_owned(),
            InvalidNextToken => "The specified NextToken is not valid.".to_owned(),
            InvalidParameter(message) => (*message).to_owned(),
            InvalidParameterCombination(message) => (*message).to_owned(),
            InvalidS3BucketName(name) => format!("Bucket name is invalid: {name}"),
            InvalidS3Prefix => "S3 prefix is longer than maximum length of 200 characters.".to_owned(),
            InvalidSnsTopicName(name) => format!("SNS Topic name is invalid: {name}"),
            InvalidTagParameter(message) => (*message).to_owned(),
            InvalidTimeRange => "Start time must be before end time.".to_owned(),
            InvalidToken => "The specified token is not valid.".to_owned(),
            InvalidTrailName(fault) => fault.message(),
            Kms(message) => message.clone(),
            KmsKeyNotFound(key) => {
                format!("KMS key {key} does not exist, or is not in the same Region as the S3 bucket.")
            }
            MaximumNumberOfTrailsExceeded { account, region } => {
                format!("User: {account} already has 5 trails in {region}.")
            }
            NotImplemented(what) => format!("{what} is not implemented by this server."),
            ResourceNotFound(id) => format!("The resource {id} does not exist."),
            ResourceTypeNotSupported(id) => format!("The type of the resource {id} is not supported."),
            S3BucketDoesNotExist(bucket) => format!("S3 bucket {bucket} does not exist!"),
            TagsLimitExceeded => "The number of tags exceeds the limit of 50.".to_owned(),
            TrailAlreadyExists { name, account } => {
                format!("Trail {name} already exists for customer: {account}")
            }
            TrailNotFound { reference, account } => format!("Unknown trail: {reference} for the user: {account}"),
            Fault(_) => "An internal error occurred.".to_owned(),
        }
    }

    fn status(&self) -> u16 {
        match self {
            CloudTrailError::Fault(_) => 500,
            _ => 400,
        }
    }
}

impl OperationError for CloudTrailError {
    fn fault(&self) -> Option<&Fault> {
        match self {
            CloudTrailError::Fault(fault) => Some(fault),
            _ => None,
        }
    }
}

impl From<Fault> for CloudTrailError {
    fn from(fault: Fault) -> Self {
        CloudTrailError::Fault(fault)
    }
}

impl From<PortRefusal> for CloudTrailError {
    /// For port calls whose refusal the operation does not expect; the expected ones are mapped where they are made.
    fn from(refusal: PortRefusal) -> Self {
        CloudTrailError::Kms(refusal.message)
    }
}

impl From<InvalidReference> for CloudTrailError {
    fn from(fault: InvalidReference) -> Self {
        match fault {
            InvalidReference::Name(name) => CloudTrailError::InvalidTrailName(name),
            InvalidReference::Arn(arn) => CloudTrailError::CloudTrailArnInvalid(arn),
        }
    }
}

impl From<InvalidTags> for CloudTrailError {
    fn from(fault: InvalidTags) -> Self {
        CloudTrailError::InvalidTagParameter(match fault {
            InvalidTags::TooMany => return CloudTrailError::TagsLimitExceeded,
            InvalidTags::Text => "Tag key or value is too long or empty, or has characters that are not allowed.",
            InvalidTags::Reserved => "Tag keys cannot begin with aws:.",
            InvalidTags::Twice => "Duplicate tag keys are not allowed.",
        })
    }
}
