//! PutBucketTagging: the whole set.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketTagging.html>

use crate::{
    S3Error, access,
    model::tagging::Tags,
    ops::bucket_call::{self, Gone},
    request::Request,
    table,
    tags::{self, Tagging},
};
use gateway::{Call, Ctx, Demands, EventClass, Operation, Parse, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// PutBucketTagging.
pub struct PutBucketTagging;

/// The new tags.
pub struct Input {
    request: Request,
    tags: Tags,
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        let (request, tagging): (_, Tagging) = bucket_call::document_of(call, "Tagging")?;
        Ok(Input {
            request,
            tags: tagging.of_bucket()?,
        })
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        tags::params(&self.tags).and(self.request.evident()).text("tagging", "")
    }
}

impl Operation for PutBucketTagging {
    const NAME: &'static str = "PutBucketTagging";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Management { read_only: false };

    type Input = Input;
    type Output = Gone;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        let found = access::find(ctx, view, &input.request).await?;
        let demand = found.on_bucket(ctx, "s3:PutBucketTagging", &input.request);
        Ok(tags::global_conditions(demand, &input.tags).into())
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Gone, S3Error> {
        let name = &input.request.bucket;
        access::row(&txn.view(), name).await?;
        table::put_bucket_tags(txn, name, Some(input.tags.clone()));
        Ok(Gone)
    }
}
