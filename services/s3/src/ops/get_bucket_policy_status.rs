//! GetBucketPolicyStatus: whether the bucket's policy is public.

use crate::{
    S3Error, access, answer, effective,
    ops::bucket_call::{self, BucketCall, POLICY_STATUS},
};
use gateway::{Ctx, Demands, EventClass, Operation, Render, RenderCtx, Reply, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;
use wire::ServiceName;

/// GetBucketPolicyStatus.
pub struct GetBucketPolicyStatus;

/// The status.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    is_public: bool,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        answer::document("PolicyStatus", &self)
    }
}

impl Operation for GetBucketPolicyStatus {
    const NAME: &'static str = "GetBucketPolicyStatus";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Management { read_only: true };

    type Input = BucketCall<POLICY_STATUS>;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, S3Error> {
        bucket_call::demand(ctx, view, "s3:GetBucketPolicyStatus", &input.request).await
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Self::Input>, _: &Staged) -> Result<Output, S3Error> {
        let name = &input.request.bucket;
        let bucket = access::row(&txn.view(), name).await?;
        match effective::policy_of(&txn.view(), name, &bucket).await? {
            Some(parsed) => Ok(Output {
                is_public: parsed.public,
            }),
            None => Err(S3Error::NoSuchBucketPolicy { bucket: name.clone() }),
        }
    }
}
