//! GetObjectTagging: an object without tags has an empty set.

use crate::{
    S3Error, access, answer,
    model::{tagging::Tags, version::VersionId},
    ops::object_call,
    request::Request,
    tags::Tagging,
    versions,
};
use gateway::{Call, Ctx, Demands, EventClass, Operation, Parse, Render, RenderCtx, Reply, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// GetObjectTagging.
pub struct GetObjectTagging;

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

/// The tags.
pub struct Output {
    tags: Tags,
    version: Option<VersionId>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        answer::with_version(answer::document("Tagging", &Tagging::of(self.tags)), self.version)
    }
}

impl Operation for GetObjectTagging {
    const NAME: &'static str = "GetObjectTagging";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Data {
        resource_type: access::OBJECT,
        read_only: true,
    };

    type Input = Input;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        let actions = ("s3:GetObjectTagging", "s3:GetObjectVersionTagging");
        object_call::demands(ctx, view, &input.request, input.version.as_ref(), actions).await
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Output, S3Error> {
        let bucket = access::row(&txn.view(), &input.request.bucket).await?;
        let chosen = versions::described(&txn.view(), &input.request, input.version.as_ref(), "GET").await?;
        Ok(Output {
            version: versions::told(bucket.versioning, chosen.id),
            tags: chosen.object.tags,
        })
    }
}
