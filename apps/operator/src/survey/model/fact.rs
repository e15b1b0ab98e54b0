//! A fact that is known, or the call that would have told it.

use crate::{aws::Error, message, message::Message};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Something that was read, or could not be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fact<T> {
    /// It was read. Where a thing may be absent, `T` is an `Option`, and its absence is a fact like any other.
    Known(T),
    /// It could not be read.
    NotAvailable(Missing),
}

/// Why a fact is not known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Missing {
    /// The call that would have told it: `kms:GetKeyPolicy`. The name is that of the API's operation.
    pub call: String,
    /// The Region that was asked; empty when none was.
    pub region: String,
    /// The error code, in AWS's words where AWS has answered. [`Missing::UNREACHABLE`], [`Missing::UNREADABLE`],
    /// [`Missing::NOT_ASKED`] and [`Missing::FAILED`] are this product's own.
    pub code: String,
    /// What was said with it.
    pub message: String,
}

/// What kind of reason it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum MissingKind {
    /// The caller may not ask.
    Denied,
    /// The endpoint has no such operation or service, or it cannot be reached.
    Unsupported,
    /// What was asked about is not there.
    Gone,
    /// It was not asked, since the survey was not to read it.
    NotAsked,
    /// Anything else.
    Failed,
}

/// The codes by which callers are refused.
const DENIED: [&str; 14] = [
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "AuthorizationError",
    "AuthorizationErrorException",
    "Forbidden",
    "InvalidClientTokenId",
    "KMS.AccessDeniedException",
    "OptInRequired",
    "SubscriptionRequiredException",
    "UnauthorizedAccess",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
    "AllAccessDisabled",
];

/// The codes of operations and services that are not there.
const UNSUPPORTED: [&str; 10] = [
    "InvalidAction",
    "MissingAction",
    "NotImplemented",
    "NotImplementedException",
    "UnknownOperation",
    "UnknownOperationException",
    "UnknownService",
    "UnsupportedOperation",
    "UnsupportedOperationException",
    Missing::UNREACHABLE,
];

/// The codes of things that are not there.
const GONE: [&str; 12] = [
    "EventDataStoreNotFoundException",
    "KMS.NotFoundException",
    "NoSuchBucket",
    "NoSuchEntity",
    "NotFound",
    "NotFoundException",
    "ResourceNotFound",
    "ResourceNotFoundException",
    "TrailNotFoundException",
    "EventDataStoreARNInvalidException",
    "CloudTrailARNInvalidException",
    "InvalidKeyId",
];

impl Missing {
    /// No answer came.
    pub const UNREACHABLE: &str = "Unreachable";
    /// An answer came that is none.
    pub const UNREADABLE: &str = "Unreadable";
    /// The survey was not to read it.
    pub const NOT_ASKED: &str = "NotAsked";
    /// The call could not be made.
    pub const FAILED: &str = "Failed";

    /// Of a call that failed.
    pub fn of(call: &str, region: &str, error: &Error) -> Missing {
        let (code, message) = match error {
            Error::Refused(refused) if refused.code.contains(' ') => (status_code(call, refused.status), String::new()),
            Error::Refused(refused) => (refused.code.clone(), refused.message.clone()),
            Error::Unreachable { .. } => (Missing::UNREACHABLE.to_owned(), error.to_string()),
            Error::Unreadable { .. } => (Missing::UNREADABLE.to_owned(), error.to_string()),
            Error::Credentials(_)
            | Error::Settings(_)
            | Error::NoRegion
            | Error::Unsendable(_)
            | Error::Overtaken(_) => (Missing::FAILED.to_owned(), error.to_string()),
        };
        Missing {
            call: call.to_owned(),
            region: region.to_owned(),
            code,
            message,
        }
    }

    /// Of a call that was not to be made.
    pub fn not_asked(call: &str) -> Missing {
        Missing {
            call: call.to_owned(),
            region: String::new(),
            code: Missing::NOT_ASKED.to_owned(),
            message: String::new(),
        }
    }

    /// Whether no service has answered.
    pub fn is_no_answer(&self) -> bool {
        [Missing::UNREACHABLE, Missing::UNREADABLE, Missing::FAILED].contains(&self.code.as_str())
    }

    /// What kind of reason it is.
    pub fn kind(&self) -> MissingKind {
        match self.code.as_str() {
            Missing::NOT_ASKED => MissingKind::NotAsked,
            code if DENIED.contains(&code) => MissingKind::Denied,
            code if UNSUPPORTED.contains(&code) => MissingKind::Unsupported,
            code if GONE.contains(&code) => MissingKind::Gone,
            _ => MissingKind::Failed,
        }
    }

    /// The IAM action that lets a caller make the call, which S3 names otherwise than its operations.
    pub fn action(&self) -> &str {
        match self.call.as_str() {
            "s3:GetBucketEncryption" => "s3:GetEncryptionConfiguration",
            "s3:GetBucketLifecycleConfiguration" => "s3:GetLifecycleConfiguration",
            "s3:GetPublicAccessBlock" => "s3:GetBucketPublicAccessBlock",
            "s3:GetObjectLockConfiguration" => "s3:GetBucketObjectLockConfiguration",
            "s3:HeadBucket" => "s3:ListBucket",
            "s3:ListBuckets" => "s3:ListAllMyBuckets",
            call => call,
        }
    }

    /// A sentence about it.
    pub fn said(&self) -> Message {
        let (call, code, action) = (&self.call, &self.code, self.action());
        let (place, place_ja) = match self.region.as_str() {
            "" => (String::new(), String::new()),
            region => (format!(" in {region}"), format!("{region} の ")),
        };
        match self.kind() {
            MissingKind::Denied => message!(
                "{call}{place} was refused ({code}): the caller needs the right {action}",
                "{place_ja}{call} は拒否されました ({code}): 権限 {action} が必要です"
            ),
            MissingKind::Unsupported => message!(
                "{call}{place} is not there ({code})",
                "{place_ja}{call} はこのエンドポイントにありません ({code})"
            ),
            MissingKind::NotAsked => message!("{call} was not asked", "{call} は照会していません"),
            MissingKind::Gone | MissingKind::Failed => match self.message.as_str() {
                "" => message!(
                    "{call}{place} failed ({code})",
                    "{place_ja}{call} は失敗しました ({code})"
                ),
                text => message!(
                    "{call}{place} failed ({code}: {text})",
                    "{place_ja}{call} は失敗しました ({code}: {text})"
                ),
            },
        }
    }
}

/// The code of an answer without one: HEAD has no words, and what is no service of AWS has others.
fn status_code(call: &str, status: u16) -> String {
    match status {
        401 | 403 => "Forbidden".to_owned(),
        404 if call.starts_with("s3:") => "NotFound".to_owned(),
        404 => "UnknownService".to_owned(),
        405 | 501 => "NotImplemented".to_owned(),
        status => format!("Http{status}"),
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.said().fmt(f)
    }
}

impl<T> Fact<T> {
    /// What is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Fact::Known(known) => Some(known),
            Fact::NotAvailable(_) => None,
        }
    }

    /// Why it is not known.
    pub fn missing(&self) -> Option<&Missing> {
        match self {
            Fact::Known(_) => None,
            Fact::NotAvailable(missing) => Some(missing),
        }
    }

    /// The same about what is behind it.
    pub fn as_ref(&self) -> Fact<&T> {
        match self {
            Fact::Known(known) => Fact::Known(known),
            Fact::NotAvailable(missing) => Fact::NotAvailable(missing.clone()),
        }
    }

    /// What follows from it.
    pub fn map<U>(self, then: impl FnOnce(T) -> U) -> Fact<U> {
        match self {
            Fact::Known(known) => Fact::Known(then(known)),
            Fact::NotAvailable(missing) => Fact::NotAvailable(missing),
        }
    }

    /// As a result, for `?`.
    pub fn ok(self) -> Result<T, Missing> {
        match self {
            Fact::Known(known) => Ok(known),
            Fact::NotAvailable(missing) => Err(missing),
        }
    }
}

impl<T> Fact<Option<T>> {
    /// Whether it is known that there is none.
    pub fn is_none(&self) -> bool {
        matches!(self, Fact::Known(None))
    }

    /// What is there, as far as it is known.
    pub fn found(&self) -> Option<&T> {
        self.known().and_then(Option::as_ref)
    }
}

impl<T> From<Result<T, Missing>> for Fact<T> {
    fn from(result: Result<T, Missing>) -> Fact<T> {
        match result {
            Ok(known) => Fact::Known(known),
            Err(missing) => Fact::NotAvailable(missing),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{aws::Refused, message::Language};

    fn refused(status: u16, code: &str) -> Missing {
        let refused = Refused {
            status,
            code: code.to_owned(),
            message: String::new(),
            request_id: String::new(),
        };
        Missing::of("s3:GetBucketEncryption", "eu-west-1", &Error::Refused(refused))
    }

    #[test]
    fn reasons_have_kinds() {
        let check = |missing: Missing, kind: MissingKind| assert_eq!(missing.kind(), kind, "{missing:?}");
        check(refused(403, "AccessDenied"), MissingKind::Denied);
        check(refused(403, "an answer without words"), MissingKind::Denied);
        check(refused(404, "an answer without an error code"), MissingKind::Gone);
        check(refused(400, "UnknownOperationException"), MissingKind::Unsupported);
        check(refused(404, "NoSuchBucket"), MissingKind::Gone);
        check(refused(400, "ThrottlingException"), MissingKind::Failed);
        check(Missing::not_asked("kms:ListGrants"), MissingKind::NotAsked);
        let gone = Error::Unreachable {
            endpoint: "http://127.0.0.1:1".to_owned(),
            reason: "refused".to_owned(),
        };
        check(Missing::of("config:X", "eu-west-1", &gone), MissingKind::Unsupported);
    }

    #[test]
    fn who_is_denied_is_told_the_right() {
        let said = refused(403, "AccessDenied").said();
        assert_eq!(
            said.in_language(Language::English),
            "s3:GetBucketEncryption in eu-west-1 was refused (AccessDenied): the caller needs the right \
             s3:GetEncryptionConfiguration"
        );
        assert!(
            said.in_language(Language::Japanese)
                .contains("権限 s3:GetEncryptionConfiguration")
        );
    }

    #[test]
    fn facts_are_kept_as_they_are() {
        let check = |fact: Fact<Option<String>>, expected: &str| {
            let text = serde_json::to_string(&fact).unwrap();
            assert_eq!(text, expected);
            assert_eq!(serde_json::from_str::<Fact<Option<String>>>(&text).unwrap(), fact);
        };
        check(Fact::Known(None), r#"{"known":null}"#);
        check(Fact::Known(Some("a".to_owned())), r#"{"known":"a"}"#);
        check(
            Fact::NotAvailable(Missing::not_asked("kms:ListGrants")),
            r#"{"notAvailable":{"call":"kms:ListGrants","region":"","code":"NotAsked","message":""}}"#,
        );
    }
}
