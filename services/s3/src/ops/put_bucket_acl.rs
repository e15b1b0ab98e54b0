//! PutBucketAcl.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketAcl.html>

use crate::{
    S3Error, access,
    asked_acl::Asked,
    model::acl::{self, AclRefusal, CannedAcl},
    ops::bucket_call::Done,
    request::{self, Declared, Request},
    table,
};
use base::arn;
use gateway::{Call, Ctx, Demands, EventClass, Operation, Parse, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// PutBucketAcl.
pub struct PutBucketAcl;

/// The new ACL.
pub struct Input {
    request: Request,
    asked: Asked,
}

fn parse(call: &Call) -> Result<Input, S3Error> {
    let request = Request::of_bucket(call)?;
    Declared::of(&call.head)?.check(&call.body)?;
    Ok(Input {
        asked: Asked::of(call)?,
        request,
    })
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(parse(call)?)
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        self.asked.evident(self.request.evident()).text("acl", "")
    }
}

impl Operation for PutBucketAcl {
    const NAME: &'static str = "PutBucketAcl";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    const MISSING: &'static str = "grants by e-mail address";

    type Input = Input;
    type Output = Done;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        let found = access::find(ctx, view, &input.request).await?;
        let demand = found.on_bucket(ctx, "s3:PutBucketAcl", &input.request);
        Ok(input.asked.conditions(demand).into())
    }

    async fn run(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Done, S3Error> {
        let name = &input.request.bucket;
        let mut bucket = access::row(&txn.view(), name).await?;
        if !bucket.ownership.has_acls() {
            return Err(S3Error::AccessControlListNotSupported);
        }
        let block = bucket.blocks(|block| block.block_public_acls);
        let canned = input.asked.canned();
        let refused = |refusal: AclRefusal, acl: CannedAcl| {
            let resource = arn::bucket(name);
            request::acl_refusal(refusal, acl, &access::who(ctx), "s3:PutBucketAcl", resource.as_str())
        };
        if let Some(acl) = canned {
            acl::of_bucket(acl, bucket.ownership, block).map_err(|refusal| refused(refusal, acl))?;
        }
        let grants = input.asked.resolve(ctx, &txn.view(), bucket.owner).await?;
        if block && grants.as_deref().is_some_and(acl::is_public) {
            return Err(refused(AclRefusal::Public, CannedAcl::PublicRead));
        }
        bucket.acl = canned.unwrap_or(CannedAcl::Private);
        bucket.grants = grants;
        table::put_bucket(txn, name, &bucket);
        Ok(Done)
    }
}
