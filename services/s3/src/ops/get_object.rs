//! GetObject: opens what its reader may open, as far as it is asked for.
//!
//! Decrypt and GetObject are recorded before the first byte leaves; `bytesTransferredOut` is what is about to be sent.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>

use crate::{
    S3Error, access, answer,
    opened::{self, Content},
    ops::read::{self, Part, Pinned, ReadInput},
    published::Published,
    seal, versions,
};
use bytes::Bytes;
use gateway::{Ctx, Demands, EventClass, Operation, Render, RenderCtx, Reply, ReplyBody, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use store::ReadView;
use wire::ServiceName;

/// GetObject.
pub struct GetObject;

/// An answer whose body is opened, or opens as it is sent.
pub struct Output {
    reply: Reply,
    content: Content,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        let mut reply = self.reply;
        reply.body = match self.content {
            Content::AtHand(bytes) => ReplyBody::Bytes(bytes),
            Content::Streamed { body, length } => ReplyBody::Stream { length, stream: body },
        };
        reply
    }
}

impl Operation for GetObject {
    const NAME: &'static str = "GetObject";
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
        let request = &input.request;
        if let Some(published) = Published::find(ctx, &txn.view(), &request.bucket).await? {
            let (reply, body) = published.read(&txn.view(), input).await?;
            access::note(ctx, request, (0, body.len() as u64), Params::new());
            return Ok(Output {
                reply,
                content: Content::AtHand(body),
            });
        }
        let bucket = read::bucket(&txn.view(), input).await?;
        let Pinned { chosen, sealed } = read::pin(ctx, &txn.view(), request, input.version.as_ref()).await?;
        let (object, told) = (chosen.object, versions::told(bucket.versioning, chosen.id));
        seal::check_customer_key(ctx, &object, input.customer_key.as_ref())?;
        let section = match read::part(&txn.view(), input, &object).await? {
            Part::NotModified => {
                return Ok(Output {
                    reply: read::not_modified(&object, told),
                    content: Content::AtHand(Bytes::new()),
                });
            }
            Part::Section(section) => section,
        };
        let key = seal::open_key(ctx, txn, &bucket, &object, input.customer_key.as_ref()).await?;
        let expires = read::expires(&txn.view(), input, &bucket, &object).await?;
        let head = read::head(input, &object, told, section);
        let length = head.range.end.saturating_sub(head.range.start);
        let at = (request.bucket.as_str(), request.key.as_str());
        let content = opened::content(ctx, &txn.view(), at, &object, &key, sealed, head.range).await?;
        access::note(ctx, request, (0, length), Params::new());
        Ok(Output {
            reply: answer::with_expiration(head.reply, expires),
            content,
        })
    }
}
