//! GetBucketEncryption: every bucket has a default, so it always answers.

use crate::{
    S3Error, access, answer,
    model::encryption::{BlockedTypes, BucketDefault},
    ops::bucket_call::{self, BucketCall, ENCRYPTION},
};
use gateway::{Ctx, Demands, EventClass, Operation, Render, RenderCtx, Reply, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;
use wire::ServiceName;

/// GetBucketEncryption.
pub struct GetBucketEncryption;

/// The bucket's default.
pub struct Output {
    default: BucketDefault,
    bucket_key: bool,
    blocked: BlockedTypes,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ServerSideEncryptionConfiguration {
    rule: Rule,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Rule {
    apply_server_side_encryption_by_default: ByDefault,
    bucket_key_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked_encryption_types: Option<Blocked>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Blocked {
    encryption_type: &'static str,
}

#[derive(Serialize)]
struct ByDefault {
    #[serde(rename = "SSEAlgorithm")]
    sse_algorithm: &'static str,
    #[serde(rename = "KMSMasterKeyID", skip_serializing_if = "Option::is_none")]
    kms_master_key_id: Option<String>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        let by_default = ByDefault {
            sse_algorithm: self.default.algorithm(),
            kms_master_key_id: self.default.key().map(str::to_owned),
        };
        let rule = Rule {
            apply_server_side_encryption_by_default: by_default,
            bucket_key_enabled: self.bucket_key,
            blocked_encryption_types: self.blocked.as_str().map(|encryption_type| Blocked { encryption_type }),
        };
        answer::document(
            "ServerSideEncryptionConfiguration",
            &ServerSideEncryptionConfiguration { rule },
        )
    }
}

impl Operation for GetBucketEncryption {
    const NAME: &'static str = "GetBucketEncryption";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Management { read_only: true };

    type Input = BucketCall<ENCRYPTION>;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, S3Error> {
        bucket_call::demand(ctx, view, "s3:GetEncryptionConfiguration", &input.request).await
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Self::Input>, _: &Staged) -> Result<Output, S3Error> {
        let bucket = access::row(&txn.view(), &input.request.bucket).await?;
        Ok(Output {
            default: bucket.encryption,
            bucket_key: bucket.bucket_key,
            blocked: bucket.blocked,
        })
    }
}
