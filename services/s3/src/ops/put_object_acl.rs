//! PutObjectAcl.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectAcl.html>

use crate::{
    S3Error, access,
    asked_acl::Asked,
    model::{
        acl::{self, AclRefusal, CannedAcl},
        version::VersionId,
    },
    ops::object_call::{self, Changed},
    request::{self, Declared, Request},
    table, versions,
};
use base::arn;
use gateway::{Call, Ctx, Demands, EventClass, Operation, Parse, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// PutObjectAcl.
pub struct PutObjectAcl;

/// The new ACL.
pub struct Input {
    request: Request,
    version: Option<VersionId>,
    asked: Asked,
}

fn parse(call: &Call) -> Result<Input, S3Error> {
    let request = Request::of_object(call)?;
    Declared::of(&call.head)?.check(&call.body)?;
    Ok(Input {
        version: versions::named(call)?,
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
        self.asked
            .evident(object_call::evident(&self.request, self.version.as_ref(), "acl"))
    }
}

impl Operation for PutObjectAcl {
    const NAME: &'static str = "PutObjectAcl";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Data {
        resource_type: access::OBJECT,
        read_only: false,
    };
    const MISSING: &'static str = "grants by e-mail address, aws-exec-read";

    type Input = Input;
    type Output = Changed;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        let actions = ("s3:PutObjectAcl", "s3:PutObjectVersionAcl");
        let demands = object_call::demands(ctx, view, &input.request, input.version.as_ref(), actions).await?;
        Ok(object_call::each(demands, |demand| input.asked.conditions(demand)))
    }

    async fn run(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Changed, S3Error> {
        let request = &input.request;
        let bucket = access::row(&txn.view(), &request.bucket).await?;
        if !bucket.ownership.has_acls() {
            return Err(S3Error::AccessControlListNotSupported);
        }
        let mut chosen = versions::described(&txn.view(), request, input.version.as_ref(), "PUT").await?;
        let block = bucket.blocks(|block| block.block_public_acls);
        let canned = input.asked.canned();
        let refused = |refusal: AclRefusal, acl: CannedAcl| {
            let resource = arn::object(&request.bucket, &request.key);
            request::acl_refusal(refusal, acl, &access::who(ctx), "s3:PutObjectAcl", resource.as_str())
        };
        if let Some(acl) = canned {
            acl::of_object(acl, bucket.ownership, block).map_err(|refusal| refused(refusal, acl))?;
        }
        let owner = chosen.object.owner(&bucket);
        let grants = input.asked.resolve(ctx, &txn.view(), owner).await?;
        if block && grants.as_deref().is_some_and(acl::is_public) {
            return Err(refused(AclRefusal::Public, CannedAcl::PublicRead));
        }
        chosen.object.acl = canned;
        chosen.object.grants = grants;
        let version = versions::told(bucket.versioning, chosen.id);
        let at = (request.bucket.as_str(), request.key.as_str());
        table::update_version(txn, at, &chosen.into_version()).await?;
        Ok(Changed { version, status: 200 })
    }
}
