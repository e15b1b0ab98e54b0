//! PutObjectTagging: the whole set.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html>

use crate::{
    S3Error, access,
    model::{tagging::Tags, version::VersionId},
    ops::object_call::{self, Changed},
    request::{Declared, Request},
    tags::{self, Tagging},
    versions,
};
use gateway::{Call, Ctx, Demands, EventClass, Operation, Parse, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// PutObjectTagging.
pub struct PutObjectTagging;

/// The new tags.
pub struct Input {
    request: Request,
    version: Option<VersionId>,
    tags: Tags,
}

fn parse(call: &Call) -> Result<Input, S3Error> {
    let request = Request::of_object(call)?;
    Declared::of(&call.head)?.check(&call.body)?;
    let tagging: Tagging = wire::xml::parse_as("Tagging", &call.body)?;
    Ok(Input {
        request,
        version: versions::named(call)?,
        tags: tagging.of_object()?,
    })
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(parse(call)?)
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        tags::params(&self.tags).and(object_call::evident(&self.request, self.version.as_ref(), "tagging"))
    }
}

impl Operation for PutObjectTagging {
    const NAME: &'static str = "PutObjectTagging";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Data {
        resource_type: access::OBJECT,
        read_only: false,
    };

    type Input = Input;
    type Output = Changed;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        let actions = ("s3:PutObjectTagging", "s3:PutObjectVersionTagging");
        let demands = object_call::demands(ctx, view, &input.request, input.version.as_ref(), actions).await?;
        Ok(object_call::each(demands, |demand| {
            tags::conditions(demand, &input.tags)
        }))
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Changed, S3Error> {
        object_call::put_tags(txn, &input.request, input.version.as_ref(), input.tags.clone(), "PUT")
            .await
            .map(|version| Changed { version, status: 200 })
    }
}
