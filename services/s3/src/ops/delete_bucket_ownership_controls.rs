//! DeleteBucketOwnershipControls: ACLs count afterwards, and objects are their writers'.

use crate::{
    S3Error, access,
    model::acl::Ownership,
    ops::bucket_call::{self, BucketCall, Gone, OWNERSHIP_CONTROLS},
    table,
};
use gateway::{Ctx, Demands, EventClass, Operation, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// DeleteBucketOwnershipControls.
pub struct DeleteBucketOwnershipControls;

impl Operation for DeleteBucketOwnershipControls {
    const NAME: &'static str = "DeleteBucketOwnershipControls";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Management { read_only: false };

    type Input = BucketCall<OWNERSHIP_CONTROLS>;
    type Output = Gone;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, S3Error> {
        // AWS has no permission of its own for this.
        bucket_call::demand(ctx, view, "s3:PutBucketOwnershipControls", &input.request).await
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Self::Input>, _: &Staged) -> Result<Gone, S3Error> {
        let name = &input.request.bucket;
        let mut bucket = access::row(&txn.view(), name).await?;
        bucket.ownership = Ownership::ObjectWriter;
        bucket.ownership_controls = false;
        table::put_bucket(txn, name, &bucket);
        Ok(Gone)
    }
}
