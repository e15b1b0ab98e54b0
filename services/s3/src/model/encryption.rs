//! Which encryption an object gets: the request's headers, else the bucket's default, else SSE-S3.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-bucket-encryption.html>

use super::customer_key::CustomerKey;
use envelope::EncryptionContext;
use serde::{Deserialize, Serialize};

/// `AES256` as headers and documents write it.
pub const AES256: &str = "AES256";
/// `aws:kms` as headers and documents write it.
pub const AWS_KMS: &str = "aws:kms";
/// `aws:kms:dsse` as headers and documents write it.
pub const DSSE: &str = "aws:kms:dsse";

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
    /// DSSE-KMS under this key, or under `aws/s3`.
    Dsse {
        /// As it was given.
        key: Option<String>,
    },
}

impl BucketDefault {
    /// As documents write it.
    pub fn algorithm(&self) -> &'static str {
        match self {
            BucketDefault::Kms { .. } => AWS_KMS,
            BucketDefault::S3 => AES256,
            BucketDefault::Dsse { .. } => DSSE,
        }
    }

    /// The key as it was given.
    pub fn key(&self) -> Option<&str> {
        match self {
            BucketDefault::Kms { key } | BucketDefault::Dsse { key } => key.as_deref(),
            BucketDefault::S3 => None,
        }
    }
}

/// What a bucket says of the kinds of encryption that it refuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum BlockedTypes {
    /// Nothing.
    #[default]
    Unsaid,
    /// `NONE`
    Nothing,
    /// `SSE-C`
    CustomerKeys,
}

impl BlockedTypes {
    /// As documents write it; `None` is not shown.
    pub fn as_str(self) -> Option<&'static str> {
        match self {
            BlockedTypes::Unsaid => None,
            BlockedTypes::Nothing => Some("NONE"),
            BlockedTypes::CustomerKeys => Some("SSE-C"),
        }
    }

    /// Reads one `EncryptionType`.
    pub fn parse(text: &str) -> Option<BlockedTypes> {
        match text {
            "NONE" => Some(BlockedTypes::Nothing),
            "SSE-C" => Some(BlockedTypes::CustomerKeys),
            _ => None,
        }
    }
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
    /// `aws:kms:dsse`, like `aws:kms`.
    Dsse {
        /// The key's id, ARN or alias.
        key: Option<String>,
        /// The client's pairs.
        context: EncryptionContext,
    },
    /// SSE-C.
    Customer(CustomerKey),
}

/// What the headers of a request say of encryption.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The kind.
    pub kind: Option<Requested>,
    /// The algorithm's header as sent.
    pub header: Option<String>,
    /// `x-amz-server-side-encryption-bucket-key-enabled`
    pub bucket_key: Option<bool>,
}

impl Asked {
    /// The key as the request names it, for policies and records.
    pub fn kms_key(&self) -> Option<&str> {
        match &self.kind {
            Some(Requested::Kms { key, .. } | Requested::Dsse { key, .. }) => key.as_deref(),
            _ => None,
        }
    }

    /// The customer's key.
    pub fn customer_key(&self) -> Option<&CustomerKey> {
        match &self.kind {
            Some(Requested::Customer(key)) => Some(key),
            _ => None,
        }
    }

    /// The algorithm of a customer's key, for policies and records.
    pub fn customer_algorithm(&self) -> Option<&'static str> {
        self.customer_key().map(|_| AES256)
    }
}

/// How an object is going to be sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Whether the bucket's default decided rather than the request.
    pub by_default: bool,
    /// What was decided.
    pub encryption: Requested,
    /// Whether the data key is wrapped under a bucket key rather than by KMS.
    pub bucket_key: bool,
}

impl Choice {
    /// Decides. `bucket_key` is the bucket's setting, which counts where the request says nothing of it, also for a key
    /// that the request names. Only SSE-KMS has bucket keys; with other kinds the setting means nothing.
    ///
    /// SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/configuring-bucket-key-object.html>
    pub fn of(asked: &Asked, default: &BucketDefault, bucket_key: bool) -> Choice {
        let encryption = asked.kind.clone().unwrap_or_else(|| match default {
            BucketDefault::Kms { key } => Requested::Kms {
                key: key.clone(),
                context: EncryptionContext::new(),
            },
            BucketDefault::S3 => Requested::S3,
            BucketDefault::Dsse { key } => Requested::Dsse {
                key: key.clone(),
                context: EncryptionContext::new(),
            },
        });
        Choice {
            by_default: asked.kind.is_none(),
            bucket_key: matches!(encryption, Requested::Kms { .. }) && asked.bucket_key.unwrap_or(bucket_key),
            encryption,
        }
    }

    /// Whether the ETag of a body in one piece is its MD5.
    pub fn shows_md5(&self) -> bool {
        matches!(self.encryption, Requested::S3)
    }

    /// The `SSEApplied` of a record.
    pub fn applied(&self) -> &'static str {
        match (&self.encryption, self.by_default) {
            (Requested::Kms { .. }, true) => "Default_SSE_KMS",
            (Requested::Kms { .. }, false) => "SSE_KMS",
            (Requested::S3, true) => "Default_SSE_S3",
            (Requested::S3, false) => "SSE_S3",
            (Requested::Dsse { .. }, true) => "Default_DSSE_KMS",
            (Requested::Dsse { .. }, false) => "DSSE_KMS",
            (Requested::Customer(_), _) => "SSE_C",
        }
    }
}

/// The encryption context under which a data key is made: the client's pairs and the ARN of the object or, for a bucket
/// key, of the bucket, which no client can replace.
pub fn context_of(client: &EncryptionContext, arn: &base::Arn) -> EncryptionContext {
    let mut context = client.clone();
    context.insert("aws:s3:arn", arn.as_str());
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
        let check = |kind: Option<Requested>, default: &BucketDefault, expected, applied| {
            let asked = Asked {
                kind,
                ..Asked::default()
            };
            let choice = Choice::of(&asked, default, false);
            assert_eq!((&choice.encryption, choice.applied()), (&expected, applied));
        };
        check(None, &BucketDefault::S3, Requested::S3, "Default_SSE_S3");
        check(None, &default, kms(Some("bucket")), "Default_SSE_KMS");
        check(Some(Requested::S3), &default, Requested::S3, "SSE_S3");
        check(Some(kms(Some("mine"))), &default, kms(Some("mine")), "SSE_KMS");
        // aws:kms without a key means aws/s3, not the bucket's key.
        check(Some(kms(None)), &default, kms(None), "SSE_KMS");
        let dsse = |key: Option<&str>| Requested::Dsse {
            key: key.map(str::to_owned),
            context: EncryptionContext::new(),
        };
        let double = BucketDefault::Dsse { key: None };
        check(None, &double, dsse(None), "Default_DSSE_KMS");
        check(Some(dsse(Some("k"))), &default, dsse(Some("k")), "DSSE_KMS");
        let customer = || Requested::Customer(CustomerKey::of_bytes([1; 32]));
        check(Some(customer()), &default, customer(), "SSE_C");
    }

    #[test]
    fn bucket_keys_are_of_sse_kms_and_the_header_decides_first() {
        let check = |kind: Option<Requested>, header, bucket: bool, expected: bool| {
            let asked = Asked {
                kind,
                bucket_key: header,
                header: None,
            };
            let default = BucketDefault::Kms { key: None };
            assert_eq!(Choice::of(&asked, &default, bucket).bucket_key, expected, "{asked:?}");
        };
        let kms = || Requested::Kms {
            key: None,
            context: EncryptionContext::new(),
        };
        check(None, None, true, true);
        check(None, Some(true), false, true);
        check(None, Some(false), true, false);
        check(Some(kms()), None, true, true);
        check(Some(kms()), Some(true), false, true);
        check(Some(Requested::S3), Some(true), true, false);
    }

    #[test]
    fn the_object_is_always_in_the_context() {
        let client: EncryptionContext = [("aws:s3:arn", "forged"), ("a", "b")].into_iter().collect();
        let context = context_of(&client, &base::arn::object("b", "k"));
        assert_eq!(context.value("aws:s3:arn"), Some("arn:aws:s3:::b/k"));
        assert_eq!(context.value("a"), Some("b"));
    }
}
