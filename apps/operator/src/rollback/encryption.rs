//! A bucket's default encryption, whole enough to be put back as it was.

use crate::{
    aws::{Client, Error},
    change::Call,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What GetBucketEncryption answered. What it may have beside this is refused, since it could not be put back.
/// SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketEncryption.html>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Encryption {
    /// Its rules; S3 has one.
    #[serde(rename(deserialize = "Rule", serialize = "Rules"), default)]
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    #[serde(
        rename = "ApplyServerSideEncryptionByDefault",
        skip_serializing_if = "Option::is_none"
    )]
    by_default: Option<ByDefault>,
    #[serde(rename = "BucketKeyEnabled", skip_serializing_if = "Option::is_none")]
    bucket_key: Option<bool>,
    #[serde(rename = "BlockedEncryptionTypes", skip_serializing_if = "Option::is_none")]
    blocked: Option<Blocked>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ByDefault {
    #[serde(rename = "SSEAlgorithm")]
    algorithm: String,
    #[serde(rename = "KMSMasterKeyID", skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Blocked {
    #[serde(rename = "EncryptionType", default)]
    types: Vec<String>,
}

impl Encryption {
    /// That of a bucket. A bucket without one, which only copies of S3 have, is `None`.
    pub async fn of(client: &Client, bucket: &str) -> Result<Option<Encryption>, Error> {
        match client.bucket_setting::<Encryption>(bucket, "encryption").await {
            Ok(encryption) => Ok(Some(encryption)),
            Err(error) if error.is(&["ServerSideEncryptionConfigurationNotFoundError"]) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// By S3's own keys.
    pub fn s3() -> Encryption {
        Encryption {
            rules: vec![Rule {
                by_default: Some(ByDefault {
                    algorithm: "AES256".to_owned(),
                    key: None,
                }),
                bucket_key: None,
                blocked: None,
            }],
        }
    }

    /// By this key of KMS.
    pub fn kms(key: &str, bucket_key: bool) -> Encryption {
        Encryption {
            rules: vec![Rule {
                by_default: Some(ByDefault {
                    algorithm: "aws:kms".to_owned(),
                    key: Some(key.to_owned()),
                }),
                bucket_key: bucket_key.then_some(true),
                blocked: None,
            }],
        }
    }

    /// The same with another default; kinds of encryption that are blocked stay blocked.
    #[must_use]
    pub fn with_default_of(&self, other: &Encryption) -> Encryption {
        let blocked = self.rules.first().and_then(|rule| rule.blocked.clone());
        let with = |rule: &Rule| Rule {
            blocked: blocked.clone(),
            ..rule.clone()
        };
        Encryption {
            rules: other.rules.iter().map(with).collect(),
        }
    }

    fn by_default(&self) -> Option<&ByDefault> {
        self.rules.first()?.by_default.as_ref()
    }

    /// `AES256`, `aws:kms`, `aws:kms:dsse`; empty when there is no default.
    pub fn algorithm(&self) -> &str {
        self.by_default().map_or("", |default| default.algorithm.as_str())
    }

    /// The key as it was set: an ARN, an id or an alias.
    pub fn key(&self) -> Option<&str> {
        self.by_default().and_then(|default| default.key.as_deref())
    }

    /// Whether S3 may use one data key for many objects.
    pub fn has_bucket_key(&self) -> bool {
        self.rules.first().is_some_and(|rule| rule.bucket_key == Some(true))
    }

    /// Whether a key of KMS seals what is put without saying how.
    pub fn is_kms(&self) -> bool {
        self.algorithm().starts_with("aws:kms")
    }

    /// The call that makes this a bucket's default.
    pub fn put(&self, bucket: &str, region: &str) -> Call {
        let input = json!({ "Bucket": bucket, "ServerSideEncryptionConfiguration": self.value() });
        Call::new("s3", "PutBucketEncryption", region, input)
    }

    /// With AWS's members.
    pub fn value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_put_back_whole() {
        let text = "<ServerSideEncryptionConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Rule>\
             <ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>k</KMSMasterKeyID>\
             </ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true</BucketKeyEnabled><BlockedEncryptionTypes>\
             <EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes></Rule></ServerSideEncryptionConfiguration>";
        let found: Encryption = wire::xml::parse(text.as_bytes()).unwrap();
        assert_eq!(
            found.put("b", "r").input,
            json!({ "Bucket": "b", "ServerSideEncryptionConfiguration": { "Rules": [{
                "ApplyServerSideEncryptionByDefault": { "SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "k" },
                "BucketKeyEnabled": true, "BlockedEncryptionTypes": { "EncryptionType": ["SSE-C"] } }] } })
        );
        assert!(found.is_kms() && found.has_bucket_key());
        assert_eq!(found.key(), Some("k"));
        let s3 = found.with_default_of(&Encryption::s3());
        assert_eq!(
            s3.value(),
            json!({ "Rules": [{ "ApplyServerSideEncryptionByDefault": { "SSEAlgorithm": "AES256" },
                "BlockedEncryptionTypes": { "EncryptionType": ["SSE-C"] } }] })
        );
        assert!(!s3.is_kms());
    }

    #[test]
    fn what_could_not_be_put_back_is_refused() {
        let text = "<ServerSideEncryptionConfiguration><Rule><SomethingNew>x</SomethingNew></Rule>\
             </ServerSideEncryptionConfiguration>";
        let fault = wire::xml::parse::<Encryption>(text.as_bytes()).unwrap_err().to_string();
        assert!(fault.contains("somethingNew"), "{fault}");
    }
}
