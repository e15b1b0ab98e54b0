//! DeleteBucketPolicy.

use crate::{
    S3Error, access,
    ops::bucket_call::{self, BucketCall, Gone, POLICY},
    table,
};
use gateway::{Ctx, Demands, EventClass, Operation, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// DeleteBucketPolicy.
pub struct DeleteBucketPolicy;

impl Operation for DeleteBucketPolicy {
    const NAME: &'static str = "DeleteBucketPolicy";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Management { read_only: false };

    type Input = BucketCall<POLICY>;
    type Output = Gone;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, S3Error> {
        bucket_call::demand(ctx, view, "s3:DeleteBucketPolicy", &input.request).await
    }

    async fn run(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Self::Input>, _: &Staged) -> Result<Gone, S3Error> {
        let name = &input.request.bucket;
        let mut bucket = access::row(&txn.view(), name).await?;
        bucket_call::policy_of_own(ctx, &bucket, "DELETE")?;
        bucket.policy_sha256 = None;
        table::put_bucket(txn, name, &bucket);
        table::put_policy_text(txn, name, None);
        Ok(Gone)
    }
}
