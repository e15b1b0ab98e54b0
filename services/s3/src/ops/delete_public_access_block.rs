//! DeletePublicAccessBlock of a bucket: nothing is blocked afterwards.

use crate::{
    S3Error, access,
    ops::bucket_call::{self, BucketCall, Gone, PUBLIC_ACCESS_BLOCK},
    table,
};
use gateway::{Ctx, Demands, EventClass, Operation, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// DeletePublicAccessBlock.
pub struct DeletePublicAccessBlock;

impl Operation for DeletePublicAccessBlock {
    const NAME: &'static str = "DeletePublicAccessBlock";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT_NAME: &'static str = "DeleteBucketPublicAccessBlock";
    const EVENT: EventClass = EventClass::Management { read_only: false };
    const MISSING: &'static str = "the block of a whole account (s3control)";

    type Input = BucketCall<PUBLIC_ACCESS_BLOCK>;
    type Output = Gone;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, S3Error> {
        // AWS has no permission of its own for this.
        bucket_call::demand(ctx, view, "s3:PutBucketPublicAccessBlock", &input.request).await
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Self::Input>, _: &Staged) -> Result<Gone, S3Error> {
        let name = &input.request.bucket;
        let mut bucket = access::row(&txn.view(), name).await?;
        bucket.public_access = None;
        table::put_bucket(txn, name, &bucket);
        Ok(Gone)
    }
}
