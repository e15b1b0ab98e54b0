//! Which encryption an object gets: the request's headers, else the bucket's default, else SSE-S3.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-bucket-encryption.html>

use envelope::EncryptionContext;
use serde::{Deserialize, Serialize};

/// `AES256` as headers and documents write it.
pub const AES256: &str = "AES256";
/// `aws:kms` as headers and documents write it.
pub const AWS_KMS: &str = "aws:kms";

/// A bucket's default, as PutBucketEncryption stored it. The key is not looked at before it is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BucketDefault {
    /// SSE-KMS under this key (id, ARN or alias), or under `aws/s3`.
    Kms {
        /// As it was given.
        key: Option<String>,
    },
    /// SSE-S3.
    S3,
}

/// What the request's headers ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requested {
    /// `aws:kms`, with the key and the extra context pairs as they were given.
    Kms {
        /// The key's id, ARN or alias.
        key: Option<String>,
        /// The client's pairs.
        context: EncryptionContext,
    },
    /// `AES256`
    S3,
}

/// How an object is going to be sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Whether the bucket's default decided rather than the request.
    pub by_default: bool,
    /// What was decided.
    pub encryption: Requested,
}

impl Choice {
    /// Decides.
    pub fn of(requested: Option<&Requested>, default: &BucketDefault) -> Choice {
        match requested {
            Some(requested) => Choice {
                by_default: false,
                encryption: requested.clone(),
            },
            None => Choice {
                by_default: true,
                encryption: match default {
                    BucketDefault::Kms { key } => Requested::Kms {
                        key: key.clone(),
                        context: EncryptionContext::new(),
                    },
                    BucketDefault::S3 => Requested::S3,
                },
            },
        }
    }

    /// The `SSEApplied` of a record.
    pub fn applied(&self) -> &'static str {
        match (&self.encryption, self.by_default) {
            (Requested::Kms { .. }, true) => "Default_SSE_KMS",
            (Requested::Kms { .. }, false) => "SSE_KMS",
            (Requested::S3, true) => "Default_SSE_S3",
            (Requested::S3, false) => "SSE_S3",
        }
    }
}

/// The encryption context under which an object's data key is made: the client's pairs and the object's ARN, which no
/// client can replace.
pub fn object_context(client: &EncryptionContext, object_arn: &base::Arn) -> EncryptionContext {
    let mut context = client.clone();
    context.insert("aws:s3:arn", object_arn.as_str());
    context
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_win_over_the_default() {
        let kms = |key: Option<&str>| Requested::Kms {
            key: key.map(str::to_owned),
            context: EncryptionContext::new(),
        };
        let default = BucketDefault::Kms {
            key: Some("bucket".to_owned()),
        };
        let check = |requested: Option<Requested>, default: &BucketDefault, expected, applied| {
            let choice = Choice::of(requested.as_ref(), default);
            assert_eq!((&choice.encryption, choice.applied()), (&expected, applied));
        };
        check(None, &BucketDefault::S3, Requested::S3, "Default_SSE_S3");
        check(None, &default, kms(Some("bucket")), "Default_SSE_KMS");
        check(Some(Requested::S3), &default, Requested::S3, "SSE_S3");
        check(Some(kms(Some("mine"))), &default, kms(Some("mine")), "SSE_KMS");
        // aws:kms without a key means aws/s3, not the bucket's key.
        check(Some(kms(None)), &default, kms(None), "SSE_KMS");
    }

    #[test]
    fn the_object_is_always_in_the_context() {
        let client: EncryptionContext = [("aws:s3:arn", "forged"), ("a", "b")].into_iter().collect();
        let context = object_context(&client, &base::arn::object("b", "k"));
        assert_eq!(context.value("aws:s3:arn"), Some("arn:aws:s3:::b/k"));
        assert_eq!(context.value("a"), Some("b"));
    }
}
