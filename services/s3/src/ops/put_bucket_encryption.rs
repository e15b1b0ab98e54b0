//! PutBucketEncryption: what seals the objects that say nothing themselves.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketEncryption.html>

use crate::{
    S3Error, access,
    model::encryption::{AES256, AWS_KMS, BlockedTypes, BucketDefault, DSSE},
    ops::bucket_call::{self, Done},
    request::{Declared, Request},
    sse, table,
};
use gateway::{Call, Ctx, Demands, EventClass, Operation, Parse, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// PutBucketEncryption.
pub struct PutBucketEncryption;

/// The new default.
pub struct Input {
    request: Request,
    settings: Settings,
}

/// What the one rule says.
#[derive(Debug, PartialEq, Eq)]
struct Settings {
    default: BucketDefault,
    bucket_key: bool,
    /// `None`: as in a new bucket.
    blocked: Option<BlockedTypes>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ServerSideEncryptionConfiguration {
    #[serde(default)]
    rule: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Rule {
    apply_server_side_encryption_by_default: Option<ByDefault>,
    #[serde(default)]
    bucket_key_enabled: bool,
    blocked_encryption_types: Option<Blocked>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Blocked {
    #[serde(default)]
    encryption_type: Vec<String>,
}

#[derive(Deserialize)]
struct ByDefault {
    #[serde(rename = "SSEAlgorithm")]
    sse_algorithm: String,
    #[serde(rename = "KMSMasterKeyID")]
    kms_master_key_id: Option<String>,
}

fn settings_of(body: &[u8]) -> Result<Settings, S3Error> {
    let configuration: ServerSideEncryptionConfiguration =
        wire::xml::parse_as("ServerSideEncryptionConfiguration", body)?;
    let mut rules = configuration.rule.into_iter();
    let (Some(rule), None) = (rules.next(), rules.next()) else {
        return Err(S3Error::MalformedXml);
    };
    Ok(Settings {
        // A rule may be there for its other settings alone.
        default: rule
            .apply_server_side_encryption_by_default
            .map_or(Ok(BucketDefault::S3), default_of)?,
        bucket_key: rule.bucket_key_enabled,
        blocked: rule.blocked_encryption_types.map(blocked_of).transpose()?,
    })
}

fn blocked_of(blocked: Blocked) -> Result<BlockedTypes, S3Error> {
    match blocked.encryption_type.as_slice() {
        [one] => BlockedTypes::parse(one).ok_or(S3Error::MalformedXml),
        _ => Err(S3Error::MalformedXml),
    }
}

fn default_of(by_default: ByDefault) -> Result<BucketDefault, S3Error> {
    let key = by_default.kms_master_key_id.filter(|key| !key.is_empty());
    match (by_default.sse_algorithm.as_str(), key) {
        (AES256, None) => Ok(BucketDefault::S3),
        (AES256, Some(_)) => Err(S3Error::argument(
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
            "ApplyServerSideEncryptionByDefault",
            "",
        )),
        // The key is not looked at before an object needs it.
        (AWS_KMS, key) => Ok(BucketDefault::Kms { key }),
        (DSSE, key) => Ok(BucketDefault::Dsse { key }),
        _ => Err(S3Error::MalformedXml),
    }
}

fn parse(call: &Call) -> Result<Input, S3Error> {
    let request = Request::of_bucket(call)?;
    Declared::of(&call.head)?.check(&call.body)?;
    Ok(Input {
        request,
        settings: settings_of(&call.body)?,
    })
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(parse(call)?)
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let Settings {
            default,
            bucket_key,
            blocked,
        } = &self.settings;
        let by_default = Params::new()
            .text("SSEAlgorithm", default.algorithm())
            .maybe_text("KMSMasterKeyID", default.key());
        let blocked = blocked.and_then(BlockedTypes::as_str);
        let rule = Params::new()
            .object("ApplyServerSideEncryptionByDefault", by_default)
            .maybe_text("BucketKeyEnabled", bucket_key.then_some("true"))
            .maybe_object(
                "BlockedEncryptionTypes",
                blocked.map(|blocked| Params::new().text("EncryptionType", blocked)),
            );
        Params::new()
            .object("ServerSideEncryptionConfiguration", Params::new().object("Rule", rule))
            .and(self.request.evident())
            .text("encryption", "")
    }
}

impl Operation for PutBucketEncryption {
    const NAME: &'static str = "PutBucketEncryption";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Management { read_only: false };

    type Input = Input;
    type Output = Done;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        bucket_call::demand(ctx, view, "s3:PutEncryptionConfiguration", &input.request).await
    }

    async fn run(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Done, S3Error> {
        let name = &input.request.bucket;
        let mut bucket = access::row(&txn.view(), name).await?;
        let settings = &input.settings;
        bucket.encryption = settings.default.clone();
        bucket.bucket_key = settings.bucket_key;
        bucket.blocked = settings.blocked.unwrap_or_else(|| sse::blocked_at_first(ctx));
        table::put_bucket(txn, name, &bucket);
        Ok(Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_rule_is_taken() {
        let rule = |inner: &str| {
            format!("<Rule><ApplyServerSideEncryptionByDefault>{inner}</ApplyServerSideEncryptionByDefault></Rule>")
        };
        let read = |rules: &str| {
            let body = format!("<ServerSideEncryptionConfiguration>{rules}</ServerSideEncryptionConfiguration>");
            settings_of(body.as_bytes()).map_err(|e| wire::AwsError::code(&e).into_owned())
        };
        let check = |rules: &str, expected: Result<BucketDefault, &str>| {
            let expected = expected.map_err(str::to_owned).map(|default| Settings {
                default,
                bucket_key: rules.contains("Enabled>true"),
                blocked: None,
            });
            assert_eq!(read(rules), expected, "{rules}");
        };
        let kms = rule("<SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>alias/k</KMSMasterKeyID>");
        let aes = rule("<SSEAlgorithm>AES256</SSEAlgorithm>");
        check(
            &kms,
            Ok(BucketDefault::Kms {
                key: Some("alias/k".to_owned()),
            }),
        );
        check(
            &rule("<SSEAlgorithm>aws:kms</SSEAlgorithm>"),
            Ok(BucketDefault::Kms { key: None }),
        );
        check(&aes, Ok(BucketDefault::S3));
        check("", Err("MalformedXML"));
        check(&format!("{aes}{aes}"), Err("MalformedXML"));
        check(
            &rule("<SSEAlgorithm>AES256</SSEAlgorithm><KMSMasterKeyID>k</KMSMasterKeyID>"),
            Err("InvalidArgument"),
        );
        check(
            &rule("<SSEAlgorithm>aws:kms:dsse</SSEAlgorithm>"),
            Ok(BucketDefault::Dsse { key: None }),
        );
        check(&rule("<SSEAlgorithm>rot13</SSEAlgorithm>"), Err("MalformedXML"));
        check(
            &aes.replace("</Rule>", "<BucketKeyEnabled>true</BucketKeyEnabled></Rule>"),
            Ok(BucketDefault::S3),
        );
        check(
            &aes.replace("</Rule>", "<BucketKeyEnabled>false</BucketKeyEnabled></Rule>"),
            Ok(BucketDefault::S3),
        );
        let blocking = |types: &str| {
            let inner = format!("<BlockedEncryptionTypes>{types}</BlockedEncryptionTypes></Rule>");
            read(&aes.replace("</Rule>", &inner)).map(|settings| settings.blocked)
        };
        let one = |name: &str| format!("<EncryptionType>{name}</EncryptionType>");
        assert_eq!(blocking(&one("SSE-C")), Ok(Some(BlockedTypes::CustomerKeys)));
        assert_eq!(blocking(&one("NONE")), Ok(Some(BlockedTypes::Nothing)));
        for wrong in ["", &one("SSE-S3"), &format!("{}{}", one("SSE-C"), one("NONE"))] {
            assert_eq!(blocking(wrong), Err("MalformedXML".to_owned()), "{wrong}");
        }
    }
}
