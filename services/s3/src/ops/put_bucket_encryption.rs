//! PutBucketEncryption: what seals the objects that say nothing themselves.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketEncryption.html>

use crate::{
    S3Error, access,
    model::encryption::{AES256, AWS_KMS, BucketDefault},
    ops::bucket_call::{self, Done},
    request::{Declared, Request},
    table,
};
use gateway::{Call, Ctx, Demands, EventClass, Operation, Parse, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, de::IgnoredAny};
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// PutBucketEncryption.
pub struct PutBucketEncryption;

/// The new default.
pub struct Input {
    request: Request,
    default: BucketDefault,
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
    blocked_encryption_types: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct ByDefault {
    #[serde(rename = "SSEAlgorithm")]
    sse_algorithm: String,
    #[serde(rename = "KMSMasterKeyID")]
    kms_master_key_id: Option<String>,
}

fn default_of(body: &[u8]) -> Result<BucketDefault, S3Error> {
    let configuration: ServerSideEncryptionConfiguration =
        wire::xml::parse_as("ServerSideEncryptionConfiguration", body)?;
    let mut rules = configuration.rule.into_iter();
    let (Some(rule), None) = (rules.next(), rules.next()) else {
        return Err(S3Error::MalformedXml);
    };
    if rule.bucket_key_enabled {
        return Err(S3Error::NotImplemented("BucketKeyEnabled".into()));
    }
    if rule.blocked_encryption_types.is_some() {
        return Err(S3Error::NotImplemented("BlockedEncryptionTypes".into()));
    }
    let by_default = rule
        .apply_server_side_encryption_by_default
        .ok_or(S3Error::MalformedXml)?;
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
        ("aws:kms:dsse", _) => Err(S3Error::NotImplemented("aws:kms:dsse".into())),
        _ => Err(S3Error::MalformedXml),
    }
}

fn parse(call: &Call) -> Result<Input, S3Error> {
    let request = Request::of_bucket(call)?;
    Declared::of(&call.head)?.check(&call.body)?;
    Ok(Input {
        request,
        default: default_of(&call.body)?,
    })
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(parse(call)?)
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let by_default = match &self.default {
            BucketDefault::Kms { key } => Params::new()
                .text("SSEAlgorithm", AWS_KMS)
                .maybe_text("KMSMasterKeyID", key.as_ref()),
            BucketDefault::S3 => Params::new().text("SSEAlgorithm", AES256),
        };
        let rule = Params::new().object("ApplyServerSideEncryptionByDefault", by_default);
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

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Done, S3Error> {
        let name = &input.request.bucket;
        let mut bucket = access::row(&txn.view(), name).await?;
        bucket.encryption = input.default.clone();
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
        let check = |rules: &str, expected: Result<BucketDefault, &str>| {
            let body = format!("<ServerSideEncryptionConfiguration>{rules}</ServerSideEncryptionConfiguration>");
            let result = default_of(body.as_bytes()).map_err(|e| wire::AwsError::code(&e).into_owned());
            assert_eq!(result, expected.map_err(str::to_owned), "{rules}");
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
            Err("NotImplemented"),
        );
        check(&rule("<SSEAlgorithm>rot13</SSEAlgorithm>"), Err("MalformedXML"));
        check(
            &aes.replace("</Rule>", "<BucketKeyEnabled>true</BucketKeyEnabled></Rule>"),
            Err("NotImplemented"),
        );
        check(
            &aes.replace("</Rule>", "<BucketKeyEnabled>false</BucketKeyEnabled></Rule>"),
            Ok(BucketDefault::S3),
        );
    }
}
