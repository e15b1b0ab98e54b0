//! GetBucketAcl.

use crate::{
    S3Error, access,
    model::acl::{self, CannedAcl},
    ops::{
        acl_document::AclDocument,
        bucket_call::{self, ACL, BucketCall},
    },
    request::Request,
};
use gateway::{Ctx, Demands, EventClass, Operation, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// GetBucketAcl.
pub struct GetBucketAcl;

impl GetBucketAcl {
    /// The input of a service that wants to know whether it may.
    pub fn input(bucket: &str) -> BucketCall<ACL> {
        BucketCall {
            request: Request::internal(bucket, ""),
        }
    }
}

impl Operation for GetBucketAcl {
    const NAME: &'static str = "GetBucketAcl";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Management { read_only: true };

    type Input = BucketCall<ACL>;
    type Output = AclDocument;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, S3Error> {
        bucket_call::demand(ctx, view, "s3:GetBucketAcl", &input.request).await
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Self::Input>, _: &Staged) -> Result<AclDocument, S3Error> {
        let bucket = access::row(&txn.view(), &input.request.bucket).await?;
        Ok(AclDocument {
            grants: match bucket.ownership.has_acls() {
                true => bucket.granted(),
                false => acl::grants_of_bucket(CannedAcl::Private, bucket.owner),
            },
            owner: bucket.owner,
            version: None,
        })
    }
}
