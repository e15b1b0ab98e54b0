//! GetBucketVersioning: of a bucket that never kept versions, an empty document.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html>

use crate::{
    S3Error, access, answer,
    model::version::Versioning,
    ops::bucket_call::{self, BucketCall, VERSIONING},
};
use gateway::{Ctx, Demands, EventClass, Operation, Render, RenderCtx, Reply, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;
use wire::ServiceName;

/// GetBucketVersioning.
pub struct GetBucketVersioning;

/// The configuration.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        answer::document("VersioningConfiguration", &self)
    }
}

impl Operation for GetBucketVersioning {
    const NAME: &'static str = "GetBucketVersioning";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Management { read_only: true };

    type Input = BucketCall<VERSIONING>;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, S3Error> {
        bucket_call::demand(ctx, view, "s3:GetBucketVersioning", &input.request).await
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Self::Input>, _: &Staged) -> Result<Output, S3Error> {
        let bucket = access::row(&txn.view(), &input.request.bucket).await?;
        Ok(Output {
            status: match bucket.versioning {
                Versioning::Off => None,
                Versioning::Enabled => Some("Enabled"),
                Versioning::Suspended => Some("Suspended"),
            },
        })
    }
}
