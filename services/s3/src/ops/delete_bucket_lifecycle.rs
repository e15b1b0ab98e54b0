//! DeleteBucketLifecycle.

use crate::{
    S3Error, access,
    ops::bucket_call::{self, BucketCall, Gone, LIFECYCLE},
    table,
};
use gateway::{Ctx, Demands, EventClass, Operation, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// DeleteBucketLifecycle.
pub struct DeleteBucketLifecycle;

impl Operation for DeleteBucketLifecycle {
    const NAME: &'static str = "DeleteBucketLifecycle";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Management { read_only: false };

    type Input = BucketCall<LIFECYCLE>;
    type Output = Gone;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, S3Error> {
        // AWS has no permission of its own for this.
        bucket_call::demand(ctx, view, "s3:PutLifecycleConfiguration", &input.request).await
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Self::Input>, _: &Staged) -> Result<Gone, S3Error> {
        let name = &input.request.bucket;
        let mut bucket = access::row(&txn.view(), name).await?;
        bucket.lifecycle_sha256 = None;
        table::put_lifecycle(txn, name, None).await?;
        table::put_bucket(txn, name, &bucket);
        Ok(Gone)
    }
}
