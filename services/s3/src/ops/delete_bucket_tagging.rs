//! DeleteBucketTagging.

use crate::{
    S3Error, access,
    ops::bucket_call::{self, BucketCall, Gone, TAGGING},
    table,
};
use gateway::{Ctx, Demands, EventClass, Operation, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// DeleteBucketTagging.
pub struct DeleteBucketTagging;

impl Operation for DeleteBucketTagging {
    const NAME: &'static str = "DeleteBucketTagging";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Management { read_only: false };

    type Input = BucketCall<TAGGING>;
    type Output = Gone;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, S3Error> {
        // AWS has no permission of its own for this.
        bucket_call::demand(ctx, view, "s3:PutBucketTagging", &input.request).await
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Self::Input>, _: &Staged) -> Result<Gone, S3Error> {
        let name = &input.request.bucket;
        access::row(&txn.view(), name).await?;
        table::put_bucket_tags(txn, name, None);
        Ok(Gone)
    }
}
