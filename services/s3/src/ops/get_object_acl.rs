//! GetObjectAcl.

use crate::{
    S3Error, access,
    model::{
        acl::{self, CannedAcl},
        version::VersionId,
    },
    ops::{acl_document::AclDocument, object_call},
    request::Request,
    versions,
};
use gateway::{Call, Ctx, Demands, EventClass, Operation, Parse, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// GetObjectAcl.
pub struct GetObjectAcl;

/// Of which object.
pub struct Input {
    request: Request,
    version: Option<VersionId>,
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(Input {
            request: Request::of_object(call)?,
            version: versions::named(call)?,
        })
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        object_call::evident(&self.request, self.version.as_ref(), "acl")
    }
}

impl Operation for GetObjectAcl {
    const NAME: &'static str = "GetObjectAcl";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Data {
        resource_type: access::OBJECT,
        read_only: true,
    };

    type Input = Input;
    type Output = AclDocument;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        let actions = ("s3:GetObjectAcl", "s3:GetObjectVersionAcl");
        object_call::demands(ctx, view, &input.request, input.version.as_ref(), actions).await
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<AclDocument, S3Error> {
        let bucket = access::row(&txn.view(), &input.request.bucket).await?;
        let chosen = versions::described(&txn.view(), &input.request, input.version.as_ref(), "GET").await?;
        let owner = chosen.object.owner(&bucket);
        Ok(AclDocument {
            grants: match bucket.ownership.has_acls() {
                true => chosen.object.granted(bucket.owner),
                false => acl::grants_of_object(CannedAcl::Private, owner, bucket.owner),
            },
            owner,
            version: versions::told(bucket.versioning, chosen.id),
        })
    }
}
