//! DeleteObjectTagging.

use crate::{
    S3Error, access,
    model::version::VersionId,
    ops::object_call::{self, Changed},
    request::Request,
    versions,
};
use gateway::{Call, Ctx, Demands, EventClass, Operation, Parse, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// DeleteObjectTagging.
pub struct DeleteObjectTagging;

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
        object_call::evident(&self.request, self.version.as_ref(), "tagging")
    }
}

impl Operation for DeleteObjectTagging {
    const NAME: &'static str = "DeleteObjectTagging";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Data {
        resource_type: access::OBJECT,
        read_only: false,
    };

    type Input = Input;
    type Output = Changed;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        let actions = ("s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging");
        object_call::demands(ctx, view, &input.request, input.version.as_ref(), actions).await
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Changed, S3Error> {
        object_call::put_tags(txn, &input.request, input.version.as_ref(), Vec::new(), "DELETE")
            .await
            .map(|version| Changed { version, status: 204 })
    }
}
