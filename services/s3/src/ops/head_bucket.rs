//! HeadBucket.

use crate::{
    S3Error, access,
    ops::bucket_call::{self, BucketCall, PLAIN},
};
use base::Region;
use gateway::{Ctx, Demands, EventClass, Operation, Render, RenderCtx, Reply, Staged, Txn};
use http::HeaderName;
use policy::Authorized;
use record::{Evident, Params};
use store::ReadView;
use wire::ServiceName;

/// HeadBucket.
pub struct HeadBucket;

/// Where it is.
pub struct Output {
    region: Region,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        Reply::empty(200)
            .header(HeaderName::from_static("x-amz-bucket-region"), self.region.as_str())
            .header(HeaderName::from_static("x-amz-access-point-alias"), "false")
            .header(http::header::CONTENT_TYPE, "application/xml")
    }
}

impl Operation for HeadBucket {
    const NAME: &'static str = "HeadBucket";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Data {
        resource_type: access::OBJECT,
        read_only: true,
    };

    type Input = BucketCall<PLAIN>;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, S3Error> {
        bucket_call::demand(ctx, view, "s3:ListBucket", &input.request).await
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Self::Input>, _: &Staged) -> Result<Output, S3Error> {
        Ok(Output {
            region: access::row(&txn.view(), &input.request.bucket).await?.region,
        })
    }
}
