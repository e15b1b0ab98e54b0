//! GetBucketPolicy.

use crate::{
    S3Error, access,
    ops::bucket_call::{self, BucketCall, POLICY},
    table,
};
use gateway::{Ctx, Demands, EventClass, Operation, Render, RenderCtx, Reply, Staged, Txn, principals};
use policy::Authorized;
use record::{Evident, Params};
use store::ReadView;
use wire::ServiceName;

/// GetBucketPolicy.
pub struct GetBucketPolicy;

/// The text, as it was put.
pub struct Output {
    text: String,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        Reply::with_body(200, "application/json", self.text)
    }
}

impl Operation for GetBucketPolicy {
    const NAME: &'static str = "GetBucketPolicy";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Management { read_only: true };

    type Input = BucketCall<POLICY>;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, S3Error> {
        bucket_call::demand(ctx, view, "s3:GetBucketPolicy", &input.request).await
    }

    async fn run(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Self::Input>, _: &Staged) -> Result<Output, S3Error> {
        let bucket = &input.request.bucket;
        bucket_call::policy_of_own(ctx, &access::row(&txn.view(), bucket).await?, "GET")?;
        match table::policy_text(&txn.view(), bucket).await? {
            Some(text) => Ok(Output {
                text: principals::to_arns(ctx, &txn.view(), &text).await?,
            }),
            None => Err(S3Error::NoSuchBucketPolicy { bucket: bucket.clone() }),
        }
    }
}
