//! PutPublicAccessBlock of a bucket: the four switches as they are to be; one that is not named is off.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutPublicAccessBlock.html>

use crate::{
    S3Error, access,
    model::public_access::PublicAccessBlock,
    ops::bucket_call::{self, Done},
    request::Request,
    table,
};
use gateway::{Call, Ctx, Demands, EventClass, Operation, Parse, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// PutPublicAccessBlock.
pub struct PutPublicAccessBlock;

/// The new switches.
pub struct Input {
    request: Request,
    block: PublicAccessBlock,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct PublicAccessBlockConfiguration {
    block_public_acls: bool,
    ignore_public_acls: bool,
    block_public_policy: bool,
    restrict_public_buckets: bool,
}

fn parse(call: &Call) -> Result<Input, S3Error> {
    let (request, asked): (_, PublicAccessBlockConfiguration) =
        bucket_call::document_of(call, "PublicAccessBlockConfiguration")?;
    Ok(Input {
        request,
        block: PublicAccessBlock {
            block_public_acls: asked.block_public_acls,
            ignore_public_acls: asked.ignore_public_acls,
            block_public_policy: asked.block_public_policy,
            restrict_public_buckets: asked.restrict_public_buckets,
        },
    })
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(parse(call)?)
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let block = Params::new()
            .flag("BlockPublicAcls", self.block.block_public_acls)
            .flag("IgnorePublicAcls", self.block.ignore_public_acls)
            .flag("BlockPublicPolicy", self.block.block_public_policy)
            .flag("RestrictPublicBuckets", self.block.restrict_public_buckets);
        Params::new()
            .object("PublicAccessBlockConfiguration", block)
            .and(self.request.evident())
            .text("publicAccessBlock", "")
    }
}

impl Operation for PutPublicAccessBlock {
    const NAME: &'static str = "PutPublicAccessBlock";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT_NAME: &'static str = "PutBucketPublicAccessBlock";
    const EVENT: EventClass = EventClass::Management { read_only: false };
    const MISSING: &'static str = "the block of a whole account (s3control)";

    type Input = Input;
    type Output = Done;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        bucket_call::demand(ctx, view, "s3:PutBucketPublicAccessBlock", &input.request).await
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Done, S3Error> {
        let name = &input.request.bucket;
        let mut bucket = access::row(&txn.view(), name).await?;
        bucket.public_access = Some(input.block);
        table::put_bucket(txn, name, &bucket);
        Ok(Done)
    }
}
