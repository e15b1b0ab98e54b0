//! GetBucketTagging.

use crate::{
    S3Error, access, answer,
    error::Configuration,
    model::tagging::Tags,
    ops::bucket_call::{self, BucketCall, TAGGING},
    table,
    tags::Tagging,
};
use gateway::{Ctx, Demands, EventClass, Operation, Render, RenderCtx, Reply, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use store::ReadView;
use wire::ServiceName;

/// GetBucketTagging.
pub struct GetBucketTagging;

/// The tags.
pub struct Output {
    tags: Tags,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        answer::document("Tagging", &Tagging::of(self.tags))
    }
}

impl Operation for GetBucketTagging {
    const NAME: &'static str = "GetBucketTagging";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Management { read_only: true };

    type Input = BucketCall<TAGGING>;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, S3Error> {
        bucket_call::demand(ctx, view, "s3:GetBucketTagging", &input.request).await
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Self::Input>, _: &Staged) -> Result<Output, S3Error> {
        let name = &input.request.bucket;
        access::row(&txn.view(), name).await?;
        match table::bucket_tags(&txn.view(), name).await? {
            Some(tags) => Ok(Output { tags }),
            None => Err(S3Error::NoSuchConfiguration {
                bucket: name.clone(),
                what: Configuration::Tags,
            }),
        }
    }
}
