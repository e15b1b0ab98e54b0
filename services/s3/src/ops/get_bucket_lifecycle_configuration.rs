//! GetBucketLifecycleConfiguration.

use crate::{
    S3Error, access, answer,
    error::Configuration,
    model::lifecycle::Rule,
    ops::bucket_call::{self, BucketCall, LIFECYCLE},
    rules, table,
};
use gateway::{Ctx, Demands, EventClass, Operation, Render, RenderCtx, Reply, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use store::ReadView;
use wire::ServiceName;

/// GetBucketLifecycleConfiguration.
pub struct GetBucketLifecycleConfiguration;

/// The rules.
pub struct Output {
    rules: Vec<Rule>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        answer::document("LifecycleConfiguration", &rules::written(self.rules))
    }
}

impl Operation for GetBucketLifecycleConfiguration {
    const NAME: &'static str = "GetBucketLifecycleConfiguration";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT_NAME: &'static str = "GetBucketLifecycle";
    const EVENT: EventClass = EventClass::Management { read_only: true };

    type Input = BucketCall<LIFECYCLE>;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, S3Error> {
        bucket_call::demand(ctx, view, "s3:GetLifecycleConfiguration", &input.request).await
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Self::Input>, _: &Staged) -> Result<Output, S3Error> {
        let name = &input.request.bucket;
        access::row(&txn.view(), name).await?;
        match table::lifecycle(&txn.view(), name).await? {
            Some(found) => Ok(Output { rules: found.rules }),
            None => Err(S3Error::NoSuchConfiguration {
                bucket: name.clone(),
                what: Configuration::Lifecycle,
            }),
        }
    }
}
