//! PutBucketLifecycleConfiguration: the whole set of rules.

use crate::{
    S3Error, access,
    model::lifecycle::{self, DAY},
    ops::bucket_call::{self, Done},
    request::Request,
    rules::{self, Document},
    table::{self, Lifecycle},
};
use gateway::{Call, Ctx, Demands, EventClass, Operation, Parse, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// PutBucketLifecycleConfiguration.
pub struct PutBucketLifecycleConfiguration;

/// The new rules, as the document has them.
pub struct Input {
    request: Request,
    body: bytes::Bytes,
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        let (request, _): (_, Document) = bucket_call::document_of(call, "LifecycleConfiguration")?;
        Ok(Input {
            request,
            body: call.body.clone(),
        })
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        self.request.evident().text("lifecycle", "")
    }
}

impl Operation for PutBucketLifecycleConfiguration {
    const NAME: &'static str = "PutBucketLifecycleConfiguration";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT_NAME: &'static str = "PutBucketLifecycle";
    const EVENT: EventClass = EventClass::Management { read_only: false };
    const MISSING: &'static str = "transitions to other storage classes";

    type Input = Input;
    type Output = Done;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        bucket_call::demand(ctx, view, "s3:PutLifecycleConfiguration", &input.request).await
    }

    async fn run(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Done, S3Error> {
        let name = &input.request.bucket;
        let mut bucket = access::row(&txn.view(), name).await?;
        let document: Document = wire::xml::parse_as("LifecycleConfiguration", &input.body)?;
        let new = Lifecycle {
            rules: rules::read(document, ctx.random())?,
            next: Some(lifecycle::midnight(ctx.now()).plus(DAY)),
            through: None,
            earliest: None,
        };
        bucket.lifecycle_sha256 = Some(sigv4::sha256(&[name.as_bytes(), &input.body].concat()));
        table::put_lifecycle(txn, name, Some(&new)).await?;
        table::put_bucket(txn, name, &bucket);
        Ok(Done)
    }
}
