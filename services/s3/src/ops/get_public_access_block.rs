//! GetPublicAccessBlock of a bucket.

use crate::{
    S3Error, access, answer,
    error::Configuration,
    model::public_access::PublicAccessBlock,
    ops::bucket_call::{self, BucketCall, PUBLIC_ACCESS_BLOCK},
};
use gateway::{Ctx, Demands, EventClass, Operation, Render, RenderCtx, Reply, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;
use wire::ServiceName;

/// GetPublicAccessBlock.
pub struct GetPublicAccessBlock;

/// The four switches.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    block_public_acls: bool,
    ignore_public_acls: bool,
    block_public_policy: bool,
    restrict_public_buckets: bool,
}

impl From<PublicAccessBlock> for Output {
    fn from(block: PublicAccessBlock) -> Output {
        Output {
            block_public_acls: block.block_public_acls,
            ignore_public_acls: block.ignore_public_acls,
            block_public_policy: block.block_public_policy,
            restrict_public_buckets: block.restrict_public_buckets,
        }
    }
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        answer::document("PublicAccessBlockConfiguration", &self)
    }
}

impl Operation for GetPublicAccessBlock {
    const NAME: &'static str = "GetPublicAccessBlock";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT_NAME: &'static str = "GetBucketPublicAccessBlock";
    const EVENT: EventClass = EventClass::Management { read_only: true };
    const MISSING: &'static str = "the block of a whole account (s3control)";

    type Input = BucketCall<PUBLIC_ACCESS_BLOCK>;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, S3Error> {
        bucket_call::demand(ctx, view, "s3:GetBucketPublicAccessBlock", &input.request).await
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Self::Input>, _: &Staged) -> Result<Output, S3Error> {
        let name = &input.request.bucket;
        let bucket = access::row(&txn.view(), name).await?;
        match bucket.public_access {
            Some(block) => Ok(block.into()),
            None => Err(S3Error::NoSuchConfiguration {
                bucket: name.clone(),
                what: Configuration::PublicAccessBlock,
            }),
        }
    }
}
