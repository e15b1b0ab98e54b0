//! GetBucketOwnershipControls.

use crate::{
    S3Error, access, answer,
    error::Configuration,
    ops::bucket_call::{self, BucketCall, OWNERSHIP_CONTROLS},
};
use gateway::{Ctx, Demands, EventClass, Operation, Render, RenderCtx, Reply, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;
use wire::ServiceName;

/// GetBucketOwnershipControls.
pub struct GetBucketOwnershipControls;

/// The controls.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    rule: Rule,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Rule {
    object_ownership: &'static str,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        answer::document("OwnershipControls", &self)
    }
}

impl Operation for GetBucketOwnershipControls {
    const NAME: &'static str = "GetBucketOwnershipControls";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Management { read_only: true };

    type Input = BucketCall<OWNERSHIP_CONTROLS>;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, S3Error> {
        bucket_call::demand(ctx, view, "s3:GetBucketOwnershipControls", &input.request).await
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Self::Input>, _: &Staged) -> Result<Output, S3Error> {
        let name = &input.request.bucket;
        let bucket = access::row(&txn.view(), name).await?;
        match bucket.ownership_controls {
            true => Ok(Output {
                rule: Rule {
                    object_ownership: bucket.ownership.as_str(),
                },
            }),
            false => Err(S3Error::NoSuchConfiguration {
                bucket: name.clone(),
                what: Configuration::OwnershipControls,
            }),
        }
    }
}
