//! GetBucketLocation.

use crate::{
    S3Error, access, answer,
    ops::bucket_call::{BucketCall, LOCATION},
};
use gateway::{Ctx, Demands, EventClass, Operation, Render, RenderCtx, Reply, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use store::ReadView;
use wire::ServiceName;

/// GetBucketLocation.
pub struct GetBucketLocation;

/// The constraint; empty in us-east-1.
pub struct Output {
    constraint: String,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        answer::document("LocationConstraint", &self.constraint)
    }
}

impl Operation for GetBucketLocation {
    const NAME: &'static str = "GetBucketLocation";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Management { read_only: true };

    type Input = BucketCall<LOCATION>;
    type Output = Output;
    type Error = S3Error;

    /// The global endpoint tells the location of any bucket: that is how clients find it.
    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, S3Error> {
        let request = &input.request;
        let bucket = access::find_anywhere(ctx, view, request).await?;
        if bucket.region != ctx.region && !access::is_global(&ctx.region) {
            return Err(access::elsewhere(ctx, request, &bucket.region));
        }
        let found = access::found(ctx, view, &request.bucket, bucket).await?;
        Ok(found.on_bucket(ctx, "s3:GetBucketLocation", request).into())
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Self::Input>, _: &Staged) -> Result<Output, S3Error> {
        let bucket = access::row(&txn.view(), &input.request.bucket).await?;
        Ok(Output {
            constraint: bucket.location_constraint,
        })
    }
}
