//! DeleteBucketEncryption: back to SSE-S3. What is stored stays sealed as it is.

use crate::{
    S3Error, access,
    model::encryption::BucketDefault,
    ops::bucket_call::{self, BucketCall, ENCRYPTION, Gone},
    sse, table,
};
use gateway::{Ctx, Demands, EventClass, Operation, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// DeleteBucketEncryption.
pub struct DeleteBucketEncryption;

impl Operation for DeleteBucketEncryption {
    const NAME: &'static str = "DeleteBucketEncryption";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Management { read_only: false };

    type Input = BucketCall<ENCRYPTION>;
    type Output = Gone;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, S3Error> {
        // AWS has no permission of its own for this.
        bucket_call::demand(ctx, view, "s3:PutEncryptionConfiguration", &input.request).await
    }

    async fn run(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Self::Input>, _: &Staged) -> Result<Gone, S3Error> {
        let name = &input.request.bucket;
        let mut bucket = access::row(&txn.view(), name).await?;
        bucket.encryption = BucketDefault::S3;
        bucket.bucket_key = false;
        bucket.blocked = sse::blocked_at_first(ctx);
        table::put_bucket(txn, name, &bucket);
        Ok(Gone)
    }
}
