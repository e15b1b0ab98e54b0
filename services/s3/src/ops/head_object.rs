//! HeadObject: what GetObject would answer, without the body and without asking KMS for anything.

use crate::{
    S3Error, access, answer,
    ops::read::{self, Part, ReadInput},
    published::Published,
    seal, versions,
};
use gateway::{Ctx, Demands, EventClass, Operation, Render, RenderCtx, Reply, Staged, Txn};
use http::header;
use policy::Authorized;
use record::{Evident, Params};
use store::ReadView;
use wire::ServiceName;

/// HeadObject.
pub struct HeadObject;

/// The head.
pub struct Output {
    reply: Reply,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        self.reply
    }
}

impl Operation for HeadObject {
    const NAME: &'static str = "HeadObject";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Data {
        resource_type: access::OBJECT,
        read_only: true,
    };

    type Input = ReadInput;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &ReadInput) -> Result<Demands, S3Error> {
        read::demands(ctx, view, input).await
    }

    async fn run(ctx: &Ctx, txn: &mut Txn, input: &Authorized<ReadInput>, _: &Staged) -> Result<Output, S3Error> {
        if let Some(published) = Published::find(ctx, &txn.view(), &input.request.bucket).await? {
            let (reply, body) = published.read(&txn.view(), input).await?;
            let reply = match reply.status {
                304 => reply,
                _ => reply.header(header::CONTENT_LENGTH, &body.len().to_string()),
            };
            return Ok(Output { reply });
        }
        let bucket = read::bucket(&txn.view(), input).await?;
        let chosen = versions::readable(&txn.view(), &input.request, input.version.as_ref(), "HEAD").await?;
        let (object, told) = (chosen.object, versions::told(bucket.versioning, chosen.id));
        seal::check_customer_key(ctx, &object, input.customer_key.as_ref())?;
        let section = match read::part(&txn.view(), input, &object).await? {
            Part::NotModified => {
                return Ok(Output {
                    reply: read::not_modified(&object, told),
                });
            }
            Part::Section(section) => section,
        };
        let expires = read::expires(&txn.view(), input, &bucket, &object).await?;
        let head = read::head(input, &object, told, section);
        let length = head.range.end.saturating_sub(head.range.start).to_string();
        Ok(Output {
            reply: answer::with_expiration(head.reply, expires).header(header::CONTENT_LENGTH, &length),
        })
    }
}
