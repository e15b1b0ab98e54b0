//! DeleteBucket.

use crate::{
    S3Error, access,
    model::version::Versioning,
    ops::bucket_call::{self, BucketCall, Gone, PLAIN},
    table,
};
use gateway::{Ctx, Demands, EventClass, Operation, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// DeleteBucket.
pub struct DeleteBucket;

impl Operation for DeleteBucket {
    const NAME: &'static str = "DeleteBucket";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Management { read_only: false };

    type Input = BucketCall<PLAIN>;
    type Output = Gone;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, S3Error> {
        bucket_call::demand(ctx, view, "s3:DeleteBucket", &input.request).await
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Self::Input>, _: &Staged) -> Result<Gone, S3Error> {
        let name = &input.request.bucket;
        let bucket = access::row(&txn.view(), name).await?;
        // The empty range is remembered as read: an object put meanwhile makes this attempt a conflict.
        if !table::is_empty(&txn.view(), name).await? {
            let name = name.clone();
            return Err(match bucket.versioning {
                Versioning::Off => S3Error::BucketNotEmpty { bucket: name },
                _ => S3Error::BucketHasVersions { bucket: name },
            });
        }
        // AWS lets a bucket go that has uploads; what came of them goes with it.
        let mut after = None;
        loop {
            let last = after.as_ref().map(|(key, id): &(String, _)| (key.as_str(), id));
            let uploads = table::uploads(&txn.view(), name, last).await?;
            let Some((key, id, _)) = uploads.last() else { break };
            after = Some((key.clone(), *id));
            for (key, id, _) in uploads {
                table::abort_upload(txn, (name, &key), &id).await?;
            }
            tokio::task::yield_now().await;
        }
        table::put_lifecycle(txn, name, None).await?;
        table::delete_bucket(txn, name, bucket.owner);
        Ok(Gone)
    }
}
