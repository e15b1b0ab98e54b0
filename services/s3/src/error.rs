//! Every way in which S3 refuses, with AWS's code, text and status.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>

use crate::model::version::VersionId;
use base::{Fault, Region, Timestamp};
use gateway::{BodyFault, OperationError, PortRefusal, pipeline};
use http::HeaderName;
use std::borrow::Cow;
use wire::{AwsError, ErrorReply, ServiceName, WireFault};

/// S3's errors.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.message())]
pub enum S3Error {
    /// An ACL in a bucket whose owner switched ACLs off.
    AccessControlListNotSupported,
    /// The general refusal, with a text that says why.
    AccessDenied(String),
    /// Signed for a Region in which the bucket is not.
    AuthorizationHeaderMalformed {
        /// The scope's Region.
        got: Region,
        /// The bucket's.
        expected: Region,
    },
    /// A checksum of a part is by another algorithm than the upload's.
    BadPartDigest {
        /// The algorithm that was sent, in lower case.
        algorithm: String,
        /// The part's number.
        part: u16,
    },
    /// More than there may be; the text says of what.
    BadRequest(&'static str),
    /// A checksum that is not the body's; its name, such as `Content-MD5` or `CRC32`.
    BadDigest(String),
    /// The name is another account's.
    BucketAlreadyExists {
        /// The name.
        bucket: String,
    },
    /// The name is the caller's already.
    BucketAlreadyOwnedByYou {
        /// The name.
        bucket: String,
    },
    /// It has objects.
    BucketNotEmpty {
        /// The name.
        bucket: String,
    },
    /// It has versions or delete markers.
    BucketHasVersions {
        /// The name.
        bucket: String,
    },
    /// The body could not be read to a proven end.
    Body(Box<ErrorReply>),
    /// What the condition looks at changed while the call was on its way.
    ConditionalRequestConflict {
        /// The header.
        condition: &'static str,
        /// The key.
        key: String,
    },
    /// The latest version of the key is a delete marker.
    Deleted {
        /// The key.
        key: String,
        /// The marker.
        version: VersionId,
    },
    /// Access logs go to a bucket of the same Region.
    CrossLocationLoggingProhibited,
    /// Larger than an object may be in one put.
    EntityTooLarge {
        /// What was declared.
        proposed: u64,
        /// What is taken.
        max: u64,
    },
    /// A part but the last is smaller than parts are.
    EntityTooSmall {
        /// Its bytes.
        proposed: u64,
        /// The fewest.
        min: u64,
        /// Its number.
        part: u16,
        /// Its tag.
        etag: String,
    },
    /// Our side failed.
    Fault(Fault),
    /// The Region's endpoint does not make buckets there; `unspecified` when nothing was said.
    IllegalLocationConstraint(String),
    /// A versioning configuration that says nothing.
    IllegalVersioningConfiguration,
    /// Less arrived than was declared.
    IncompleteBody,
    /// The bucket is not in the state that the call needs; the text.
    InvalidBucketState(&'static str),
    /// A value that its header or parameter does not take.
    InvalidArgument {
        /// The text.
        message: Cow<'static, str>,
        /// The header or parameter.
        name: &'static str,
        /// What was sent.
        value: String,
    },
    /// A new bucket with a public ACL, which its Block Public Access does not let it have.
    InvalidBucketAclWithBlockPublicAccess,
    /// A bucket with an ACL and without ACLs.
    InvalidBucketAclWithObjectOwnership,
    /// No bucket can have this name.
    InvalidBucketName {
        /// The name.
        bucket: String,
    },
    /// `Content-MD5` is no MD5.
    InvalidDigest {
        /// What was sent.
        value: String,
    },
    /// Neither `AES256` nor a kind of `aws:kms`.
    InvalidEncryptionAlgorithm {
        /// What was sent.
        value: String,
    },
    /// No such Region.
    InvalidLocationConstraint(String),
    /// Access logs cannot go there; the text.
    InvalidTargetBucketForLogging(&'static str),
    /// A part that was not uploaded, or not so.
    InvalidPart {
        /// The upload's id, as sent.
        upload: String,
        /// The part's number.
        part: u16,
        /// The tag that was sent.
        etag: String,
    },
    /// An object has no part of that number.
    InvalidPartNumber {
        /// The number.
        requested: u16,
        /// How many parts it has.
        parts: usize,
    },
    /// Parts are named in the order of their numbers.
    InvalidPartOrder {
        /// The upload's id, as sent.
        upload: String,
    },
    /// No byte lies in the range.
    InvalidRange {
        /// The header.
        requested: String,
        /// The object's length.
        length: u64,
    },
    /// No tag.
    InvalidTag {
        /// The text.
        message: &'static str,
        /// The tag's key, when it is to be told.
        key: Option<String>,
        /// Its value, when that is to be told.
        value: Option<String>,
    },
    /// The parts of the request do not fit together.
    InvalidRequest(Cow<'static, str>),
    /// The version is a delete marker, which only a delete may name.
    IsDeleteMarker {
        /// The call's method.
        method: &'static str,
        /// The marker.
        version: VersionId,
        /// When it was made.
        modified: Timestamp,
    },
    /// Longer than keys are.
    KeyTooLong {
        /// Its bytes.
        size: usize,
    },
    /// KMS refused for another reason than missing rights.
    Kms {
        /// KMS's code.
        code: String,
        /// KMS's text.
        message: String,
    },
    /// No document of an ACL.
    MalformedAcl,
    /// No policy of a bucket; the text says what is wrong.
    MalformedPolicy(Cow<'static, str>),
    /// No document of the schema.
    MalformedXml,
    /// Too much user metadata.
    MetadataTooLarge {
        /// Its bytes.
        size: usize,
    },
    /// A put must say how long it is.
    MissingContentLength,
    /// Nothing says what the ACL is to be; the header that could.
    MissingSecurityHeader(&'static str),
    /// The bucket has no configuration of this kind.
    NoSuchConfiguration {
        /// The bucket.
        bucket: String,
        /// The kind.
        what: Configuration,
    },
    /// No bucket of that name.
    NoSuchBucket {
        /// The name.
        bucket: String,
    },
    /// Only the bucket's own account may make this call, whatever the policies say.
    MethodNotAllowed {
        /// `GET`, `PUT` or `DELETE`.
        method: &'static str,
        /// Such as `BUCKETPOLICY`.
        resource_type: &'static str,
    },
    /// The bucket has no policy.
    NoSuchBucketPolicy {
        /// The name.
        bucket: String,
    },
    /// No object of that key.
    NoSuchKey {
        /// The key.
        key: String,
    },
    /// No such version of the key.
    NoSuchVersion {
        /// The key.
        key: String,
        /// The version's id.
        version: String,
    },
    /// The object has neither retention nor legal hold.
    NoSuchObjectLock {
        /// The key.
        key: String,
    },
    /// It never was, or was completed or aborted.
    NoSuchUpload {
        /// Its id, as sent.
        upload: String,
    },
    /// AWS has it, this server not yet; its name.
    NotImplemented(Cow<'static, str>),
    /// The bucket has no object lock.
    NoObjectLock {
        /// The name.
        bucket: String,
    },
    /// The bucket changed under the call; it may be repeated.
    OperationAborted,
    /// An unsigned call that came to another Region than the bucket's.
    PermanentRedirect {
        /// The bucket.
        bucket: String,
        /// Its Region.
        region: Region,
    },
    /// A condition does not hold; the header.
    PreconditionFailed(&'static str),
    /// A body where the headers said all.
    UnexpectedContent,
    /// Nobody has an e-mail address here.
    UnresolvableGrantByEmailAddress,
    /// A conditional header whose value AWS does not take either.
    UnacceptedCondition {
        /// The header or headers.
        header: &'static str,
        /// What AWS adds.
        more: &'static str,
    },
}

/// What a bucket may be without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Configuration {
    /// CORS rules.
    Cors,
    /// An analytics, inventory, metrics or tiering configuration of some id.
    Identified,
    /// Lifecycle rules.
    Lifecycle,
    /// Ownership controls.
    OwnershipControls,
    /// Block Public Access.
    PublicAccessBlock,
    /// Replication rules.
    Replication,
    /// Tags.
    Tags,
    /// A website.
    Website,
}

impl Configuration {
    fn told(self) -> (&'static str, &'static str) {
        match self {
            Configuration::Cors => ("NoSuchCORSConfiguration", "The CORS configuration does not exist"),
            Configuration::Identified => ("NoSuchConfiguration", "The specified configuration does not exist."),
            Configuration::Lifecycle => (
                "NoSuchLifecycleConfiguration",
                "The lifecycle configuration does not exist",
            ),
            Configuration::OwnershipControls => (
                "OwnershipControlsNotFoundError",
                "The bucket ownership controls were not found",
            ),
            Configuration::PublicAccessBlock => (
                "NoSuchPublicAccessBlockConfiguration",
                "The public access block configuration was not found",
            ),
            Configuration::Replication => (
                "ReplicationConfigurationNotFoundError",
                "The replication configuration was not found",
            ),
            Configuration::Tags => ("NoSuchTagSet", "The TagSet does not exist"),
            Configuration::Website => (
                "NoSuchWebsiteConfiguration",
                "The specified bucket does not have a website configuration",
            ),
        }
    }
}

const BUCKET_REGION: HeaderName = HeaderName::from_static("x-amz-bucket-region");

/// What answers at a delete marker carry.
fn marker(version: VersionId) -> [(HeaderName, String); 2] {
    [
        (crate::answer::DELETE_MARKER, "true".to_owned()),
        (crate::answer::VERSION_ID, version.to_string()),
    ]
}

impl AwsError for S3Error {
    fn code(&self) -> Cow<'static, str> {
        self.parts().1
    }

    fn message(&self) -> String {
        self.parts().2.into_owned()
    }

    fn status(&self) -> u16 {
        self.parts().0
    }

    fn extra(&self) -> Vec<(&'static str, String)> {
        let text = |value: &dyn ToString| value.to_string();
        match self {
            S3Error::AuthorizationHeaderMalformed { expected, .. } => vec![("Region", text(expected))],
            S3Error::Body(reply) => reply.extra.clone(),
            S3Error::BucketAlreadyExists { bucket }
            | S3Error::BucketAlreadyOwnedByYou { bucket }
            | S3Error::BucketHasVersions { bucket }
            | S3Error::BucketNotEmpty { bucket }
            | S3Error::InvalidBucketName { bucket }
            | S3Error::NoSuchBucket { bucket }
            | S3Error::NoObjectLock { bucket }
            | S3Error::NoSuchBucketPolicy { bucket }
            | S3Error::NoSuchConfiguration { bucket, .. } => vec![("BucketName", bucket.clone())],
            S3Error::ConditionalRequestConflict { condition, key } => {
                vec![("Condition", text(condition)), ("Key", key.clone())]
            }
            S3Error::IsDeleteMarker { method, .. } => {
                vec![("Method", text(method)), ("ResourceType", "DeleteMarker".to_owned())]
            }
            S3Error::MethodNotAllowed { method, resource_type } => {
                vec![("Method", text(method)), ("ResourceType", text(resource_type))]
            }
            S3Error::EntityTooLarge { proposed, max } => {
                vec![("ProposedSize", text(proposed)), ("MaxSizeAllowed", text(max))]
            }
            S3Error::EntityTooSmall {
                proposed,
                min,
                part,
                etag,
            } => vec![
                ("ProposedSize", text(proposed)),
                ("MinSizeAllowed", text(min)),
                ("PartNumber", text(part)),
                ("ETag", etag.clone()),
            ],
            S3Error::InvalidPart { upload, part, etag } => vec![
                ("UploadId", upload.clone()),
                ("PartNumber", text(part)),
                ("ETag", etag.clone()),
            ],
            S3Error::InvalidPartNumber { requested, parts } => vec![
                ("PartNumberRequested", text(requested)),
                ("ActualPartCount", text(parts)),
            ],
            S3Error::InvalidPartOrder { upload } | S3Error::NoSuchUpload { upload } => {
                vec![("UploadId", upload.clone())]
            }
            S3Error::InvalidArgument { name, value, .. } => {
                vec![("ArgumentName", text(name)), ("ArgumentValue", value.clone())]
            }
            S3Error::InvalidDigest { value } => vec![("Content-MD5", value.clone())],
            S3Error::InvalidEncryptionAlgorithm { value } => {
                vec![
                    ("ArgumentName", "x-amz-server-side-encryption".to_owned()),
                    ("ArgumentValue", value.clone()),
                ]
            }
            S3Error::InvalidLocationConstraint(constraint) => vec![("LocationConstraint", constraint.clone())],
            S3Error::InvalidRange { requested, length } => {
                vec![
                    ("RangeRequested", requested.clone()),
                    ("ActualObjectSize", text(length)),
                ]
            }
            S3Error::InvalidTag { key, value, .. } => {
                let key = key.iter().map(|key| ("TagKey", key.clone()));
                key.chain(value.iter().map(|value| ("TagValue", value.clone())))
                    .collect()
            }
            S3Error::KeyTooLong { size } => {
                vec![
                    ("Size", text(size)),
                    ("MaxSizeAllowed", text(&crate::model::key::KEY_BYTES_MAX)),
                ]
            }
            S3Error::MetadataTooLarge { size } => {
                vec![
                    ("Size", text(size)),
                    ("MaxSizeAllowed", text(&crate::model::metadata::METADATA_BYTES_MAX)),
                ]
            }
            S3Error::NoSuchKey { key } | S3Error::Deleted { key, .. } | S3Error::NoSuchObjectLock { key } => {
                vec![("Key", key.clone())]
            }
            S3Error::NoSuchVersion { key, version } => vec![("Key", key.clone()), ("VersionId", version.clone())],
            S3Error::PermanentRedirect { bucket, region } => {
                vec![
                    ("Endpoint", format!("{bucket}.s3.{region}.amazonaws.com")),
                    ("Bucket", bucket.clone()),
                ]
            }
            S3Error::PreconditionFailed(condition) => vec![("Condition", text(condition))],
            S3Error::UnacceptedCondition { header, more } => {
                vec![("Header", text(header)), ("additionalMessage", text(more))]
            }
            _ => Vec::new(),
        }
    }

    fn headers(&self) -> Vec<(HeaderName, String)> {
        match self {
            S3Error::AuthorizationHeaderMalformed { expected: region, .. }
            | S3Error::PermanentRedirect { region, .. } => vec![(BUCKET_REGION, region.to_string())],
            S3Error::Body(reply) => reply.headers.clone(),
            S3Error::Deleted { version, .. } => marker(*version).into(),
            S3Error::IsDeleteMarker { version, modified, .. } => {
                let mut headers = Vec::from(marker(*version));
                headers.push((http::header::ALLOW, "DELETE".to_owned()));
                headers.push((http::header::LAST_MODIFIED, modified.http_date()));
                headers
            }
            S3Error::InvalidRange { length, .. } => {
                vec![(http::header::CONTENT_RANGE, format!("bytes */{length}"))]
            }
            _ => Vec::new(),
        }
    }
}

impl S3Error {
    /// Status, code and text of each, in one place.
    fn parts(&self) -> (u16, Cow<'static, str>, Cow<'static, str>) {
        let say = |status: u16, code: &'static str, text: &'static str| (status, code.into(), text.into());
        let tell = |status: u16, code: &'static str, text: Cow<'static, str>| (status, code.into(), text);
        match self {
            S3Error::AccessControlListNotSupported => say(400, "AccessControlListNotSupported", text::NO_ACLS),
            S3Error::AccessDenied(text) => tell(403, "AccessDenied", text.clone().into()),
            S3Error::AuthorizationHeaderMalformed { got, expected } => {
                tell(400, "AuthorizationHeaderMalformed", text::wrong_region(got, expected))
            }
            S3Error::BadPartDigest { algorithm, part } => tell(400, "BadDigest", text::bad_part(algorithm, *part)),
            S3Error::BadRequest(text) => say(400, "BadRequest", text),
            S3Error::BadDigest(what) => tell(400, "BadDigest", text::bad_digest(what)),
            S3Error::Body(reply) => (reply.status, reply.code.clone().into(), reply.message.clone().into()),
            S3Error::BucketAlreadyExists { .. } => say(409, "BucketAlreadyExists", text::TAKEN),
            S3Error::BucketAlreadyOwnedByYou { .. } => say(409, "BucketAlreadyOwnedByYou", text::YOURS),
            S3Error::BucketHasVersions { .. } => say(409, "BucketNotEmpty", text::HAS_VERSIONS),
            S3Error::BucketNotEmpty { .. } => say(409, "BucketNotEmpty", text::NOT_EMPTY),
            S3Error::ConditionalRequestConflict { .. } => say(409, "ConditionalRequestConflict", text::CONFLICT),
            S3Error::Deleted { .. } | S3Error::NoSuchKey { .. } => {
                say(404, "NoSuchKey", "The specified key does not exist.")
            }
            // AWS writes the code so.
            S3Error::CrossLocationLoggingProhibited => say(
                403,
                "CrossLocationLoggingProhibitted",
                "Cross S3 location logging not allowed. ",
            ),
            S3Error::EntityTooLarge { .. } => say(400, "EntityTooLarge", text::TOO_LARGE),
            S3Error::EntityTooSmall { .. } => say(400, "EntityTooSmall", text::TOO_SMALL),
            S3Error::Fault(_) => say(500, "InternalError", text::INTERNAL),
            S3Error::IllegalLocationConstraint(constraint) => tell(
                400,
                "IllegalLocationConstraintException",
                text::illegal_location(constraint),
            ),
            S3Error::IllegalVersioningConfiguration => {
                say(400, "IllegalVersioningConfigurationException", text::NO_VERSIONING)
            }
            S3Error::InvalidBucketState(text) => say(409, "InvalidBucketState", text),
            S3Error::IncompleteBody => say(400, "IncompleteBody", text::INCOMPLETE),
            S3Error::InvalidArgument { message, .. } => tell(400, "InvalidArgument", message.clone()),
            S3Error::InvalidBucketAclWithBlockPublicAccess => {
                say(400, "InvalidBucketAclWithBlockPublicAccessError", text::ACL_AND_BLOCK)
            }
            S3Error::InvalidBucketAclWithObjectOwnership => {
                say(400, "InvalidBucketAclWithObjectOwnership", text::ACL_AND_OWNERSHIP)
            }
            S3Error::InvalidBucketName { .. } => say(400, "InvalidBucketName", "The specified bucket is not valid."),
            S3Error::InvalidDigest { .. } => say(400, "InvalidDigest", "The Content-MD5 you specified was invalid."),
            S3Error::InvalidEncryptionAlgorithm { .. } => {
                say(400, "InvalidEncryptionAlgorithmError", text::UNKNOWN_ALGORITHM)
            }
            S3Error::InvalidLocationConstraint(_) => say(400, "InvalidLocationConstraint", text::UNKNOWN_LOCATION),
            S3Error::InvalidTargetBucketForLogging(text) => say(400, "InvalidTargetBucketForLogging", text),
            S3Error::InvalidPart { .. } => say(400, "InvalidPart", text::INVALID_PART),
            S3Error::InvalidPartNumber { .. } => {
                say(416, "InvalidPartNumber", "The requested partnumber is not satisfiable")
            }
            S3Error::InvalidPartOrder { .. } => say(400, "InvalidPartOrder", text::PART_ORDER),
            S3Error::InvalidRange { .. } => say(416, "InvalidRange", "The requested range is not satisfiable"),
            S3Error::InvalidRequest(text) => tell(400, "InvalidRequest", text.clone()),
            S3Error::InvalidTag { message, .. } => say(400, "InvalidTag", message),
            S3Error::KeyTooLong { .. } => say(400, "KeyTooLongError", "Your key is too long"),
            S3Error::Kms { code, message } => (400, format!("KMS.{code}").into(), message.clone().into()),
            S3Error::MalformedAcl => say(400, "MalformedACLError", text::MALFORMED_XML),
            S3Error::MalformedPolicy(text) => tell(400, "MalformedPolicy", text.clone()),
            S3Error::MalformedXml => say(400, "MalformedXML", text::MALFORMED_XML),
            S3Error::MetadataTooLarge { .. } => say(400, "MetadataTooLarge", text::METADATA),
            S3Error::MissingContentLength => say(411, "MissingContentLength", text::NO_LENGTH),
            S3Error::MethodNotAllowed { .. } | S3Error::IsDeleteMarker { .. } => say(
                405,
                "MethodNotAllowed",
                "The specified method is not allowed against this resource.",
            ),
            S3Error::MissingSecurityHeader(_) => say(
                400,
                "MissingSecurityHeader",
                "Your request was missing a required header",
            ),
            S3Error::NoSuchConfiguration { what, .. } => {
                let (code, text) = what.told();
                say(404, code, text)
            }
            S3Error::NoSuchBucket { .. } => say(404, "NoSuchBucket", "The specified bucket does not exist"),
            S3Error::NoSuchBucketPolicy { .. } => say(404, "NoSuchBucketPolicy", "The bucket policy does not exist"),
            S3Error::NoSuchObjectLock { .. } => say(404, "NoSuchObjectLockConfiguration", text::NOT_LOCKED),
            S3Error::NoSuchVersion { .. } => say(404, "NoSuchVersion", "The specified version does not exist."),
            S3Error::NoObjectLock { .. } => say(404, "ObjectLockConfigurationNotFoundError", text::NO_LOCK),
            S3Error::NoSuchUpload { .. } => say(404, "NoSuchUpload", text::NO_UPLOAD),
            S3Error::NotImplemented(what) => tell(501, "NotImplemented", text::not_implemented(what)),
            S3Error::OperationAborted => say(409, "OperationAborted", text::ABORTED),
            S3Error::PermanentRedirect { .. } => say(301, "PermanentRedirect", text::REDIRECT),
            S3Error::UnexpectedContent => say(400, "UnexpectedContent", "This request does not support content"),
            S3Error::UnresolvableGrantByEmailAddress => say(400, "UnresolvableGrantByEmailAddress", text::NO_ADDRESS),
            S3Error::PreconditionFailed(_) => say(412, "PreconditionFailed", text::PRECONDITION),
            S3Error::UnacceptedCondition { .. } => say(501, "NotImplemented", text::HEADER_NOT_IMPLEMENTED),
        }
    }

    /// An argument that is refused.
    pub fn argument(message: impl Into<Cow<'static, str>>, name: &'static str, value: impl Into<String>) -> S3Error {
        S3Error::InvalidArgument {
            message: message.into(),
            name,
            value: value.into(),
        }
    }
}

/// AWS's texts, where they are too long for their line in the match.
mod text {
    use base::Region;
    use std::borrow::Cow;

    pub(super) const ABORTED: &str =
        "A conflicting conditional operation is currently in progress against this resource. Please try again.";
    pub(super) const ACL_AND_BLOCK: &str = "Bucket cannot have public ACLs set with BlockPublicAccess enabled";
    pub(super) const ACL_AND_OWNERSHIP: &str =
        "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting";
    pub(super) const CONFLICT: &str =
        "The conditional request cannot succeed due to a conflicting operation against this resource.";
    pub(super) const HAS_VERSIONS: &str =
        "The bucket you tried to delete is not empty. You must delete all versions in the bucket.";
    pub(super) const HEADER_NOT_IMPLEMENTED: &str =
        "A header you provided implies functionality that is not implemented";
    pub(super) const INCOMPLETE: &str =
        "You did not provide the number of bytes specified by the Content-Length HTTP header";
    pub(super) const INTERNAL: &str = "We encountered an internal error. Please try again.";
    pub(super) const MALFORMED_XML: &str =
        "The XML you provided was not well-formed or did not validate against our published schema";
    // With two spaces, as AWS writes it.
    pub(super) const INVALID_PART: &str = "One or more of the specified parts could not be found.  The part may not have \
        been uploaded, or the specified entity tag may not match the part's entity tag.";
    pub(super) const METADATA: &str = "Your metadata headers exceed the maximum allowed metadata size";
    pub(super) const NO_ACLS: &str = "The bucket does not allow ACLs";
    pub(super) const NO_LOCK: &str = "Object Lock configuration does not exist for this bucket";
    pub(super) const NO_VERSIONING: &str = "The Versioning element must be specified";
    pub(super) const NOT_LOCKED: &str = "The specified object does not have a ObjectLock configuration";
    pub(super) const NO_ADDRESS: &str = "The e-mail address you provided does not match any account on record.";
    pub(super) const NO_LENGTH: &str = "You must provide the Content-Length HTTP header.";
    pub(super) const NOT_EMPTY: &str = "The bucket you tried to delete is not empty";
    pub(super) const NO_UPLOAD: &str = "The specified upload does not exist. The upload ID may be invalid, or the upload may \
        have been aborted or completed.";
    pub(super) const PART_ORDER: &str =
        "The list of parts was not in ascending order. Parts must be ordered by part number.";
    pub(super) const PRECONDITION: &str = "At least one of the pre-conditions you specified did not hold";
    pub(super) const REDIRECT: &str = "The bucket you are attempting to access must be addressed using the specified \
        endpoint. Please send all future requests to this endpoint.";
    pub(super) const TAKEN: &str = "The requested bucket name is not available. The bucket namespace is shared by all \
        users of the system. Please select a different name and try again.";
    pub(super) const TOO_LARGE: &str = "Your proposed upload exceeds the maximum allowed size";
    pub(super) const TOO_SMALL: &str = "Your proposed upload is smaller than the minimum allowed size";
    pub(super) const UNKNOWN_ALGORITHM: &str =
        "The Encryption request you specified is not valid. Supported value: AES256.";
    pub(super) const UNKNOWN_LOCATION: &str = "The specified location-constraint is not valid";
    pub(super) const YOURS: &str = "Your previous request to create the named bucket succeeded and you already own it.";

    pub(super) fn bad_digest(what: &str) -> Cow<'static, str> {
        match what {
            "Content-MD5" => "The Content-MD5 you specified did not match what we received.".into(),
            checksum => format!("The {checksum} you specified did not match the calculated checksum.").into(),
        }
    }

    pub(super) fn bad_part(algorithm: &str, part: u16) -> Cow<'static, str> {
        format!("The {algorithm} you specified for part {part} did not match what we received.").into()
    }

    pub(super) fn illegal_location(constraint: &str) -> Cow<'static, str> {
        format!(
            "The {constraint} location constraint is incompatible for the region specific endpoint this request was \
             sent to."
        )
        .into()
    }

    pub(super) fn not_implemented(what: &str) -> Cow<'static, str> {
        format!("A header or parameter you provided implies functionality that is not implemented: {what}").into()
    }

    pub(super) fn wrong_region(got: &Region, expected: &Region) -> Cow<'static, str> {
        format!("The authorization header is malformed; the region '{got}' is wrong; expecting '{expected}'").into()
    }
}

impl OperationError for S3Error {
    fn fault(&self) -> Option<&Fault> {
        match self {
            S3Error::Fault(fault) => Some(fault),
            _ => None,
        }
    }
}

impl From<Fault> for S3Error {
    fn from(fault: Fault) -> S3Error {
        S3Error::Fault(fault)
    }
}

/// S3 relays what KMS says: a denial in its own code with KMS's text, all else under KMS's code. A failure of KMS itself
/// was logged where it happened and is one of S3's own to the caller.
impl From<PortRefusal> for S3Error {
    fn from(refusal: PortRefusal) -> S3Error {
        match refusal {
            PortRefusal { status: 500.., .. } => S3Error::Fault(Fault::Bug("a call to KMS failed on our side")),
            PortRefusal {
                denied: true, message, ..
            } => S3Error::AccessDenied(message),
            PortRefusal { code, message, .. } => S3Error::Kms { code, message },
        }
    }
}

impl From<BodyFault> for S3Error {
    fn from(fault: BodyFault) -> S3Error {
        S3Error::Body(Box::new(pipeline::body_fault(ServiceName::S3, &fault)))
    }
}

impl From<WireFault> for S3Error {
    fn from(fault: WireFault) -> S3Error {
        S3Error::Body(Box::new(ErrorReply::of_wire(&fault, ServiceName::S3)))
    }
}

/// Refusals of parsing are answered without the operation.
impl From<S3Error> for ErrorReply {
    fn from(error: S3Error) -> ErrorReply {
        ErrorReply::of(&error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kms_refusals_are_relayed() {
        let check = |status, denied, code: &str, expected: (u16, &str)| {
            let refusal = PortRefusal {
                service: ServiceName::Kms,
                code: code.to_owned(),
                message: "m".to_owned(),
                status,
                denied,
            };
            let error = S3Error::from(refusal);
            assert_eq!((error.status(), error.code().as_ref()), expected);
        };
        check(400, false, "DisabledException", (400, "KMS.DisabledException"));
        check(400, true, "AccessDeniedException", (403, "AccessDenied"));
        check(500, false, "KMSInternalException", (500, "InternalError"));
    }

    #[test]
    fn regions_are_told() {
        let region = |code| Region::parse(code).unwrap();
        let error = S3Error::AuthorizationHeaderMalformed {
            got: region("us-east-1"),
            expected: region("eu-west-1"),
        };
        assert_eq!(error.extra(), [("Region", "eu-west-1".to_owned())]);
        assert_eq!(error.headers(), [(BUCKET_REGION, "eu-west-1".to_owned())]);
        assert!(
            error
                .message()
                .ends_with("the region 'us-east-1' is wrong; expecting 'eu-west-1'")
        );
    }
}
