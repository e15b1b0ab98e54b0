//! ListParts: what came of an upload so far.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html>

use crate::{
    S3Error, access, answer,
    model::{customer_key::CustomerKey, etag},
    ops::multipart::{self, ChecksumElement, Initiator, UploadCall},
    seal, sse,
    table::{self, Part},
};
use gateway::{Call, Ctx, Demands, EventClass, Operation, Parse, Render, RenderCtx, Reply, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Serialize, Serializer, ser::SerializeStruct};
use store::ReadView;
use wire::{ErrorReply, Iso8601Millis, ServiceName};

/// The most parts of a page, whatever is asked for.
const PARTS_MAX: u16 = 1000;

/// ListParts.
pub struct ListParts;

/// What is listed.
pub struct Input {
    upload: UploadCall,
    after: u16,
    limit: u16,
    /// The key of an upload of SSE-C, which need not come.
    customer_key: Option<CustomerKey>,
}

/// A number of parts, or one after which to go on.
pub fn count(text: &str, name: &'static str, max: u16) -> Result<u16, S3Error> {
    match text.parse::<i32>() {
        Ok(number) if number >= 0 => Ok(u16::try_from(number).unwrap_or(max).min(max)),
        Ok(_) => {
            let message = format!("Argument {name} must be an integer between 0 and 2147483647");
            Err(S3Error::argument(message, name, text))
        }
        Err(_) => {
            let message = format!("Provided {name} not an integer or within integer range");
            Err(S3Error::argument(message, name, text))
        }
    }
}

fn parse(call: &Call) -> Result<Input, S3Error> {
    let value = |name: &'static str, default: u16, max: u16| match call.head.query_value(name) {
        Some(text) if !text.is_empty() => count(&text, name, max),
        _ => Ok(default),
    };
    Ok(Input {
        upload: UploadCall::of(call)?,
        after: value("part-number-marker", 0, u16::MAX)?,
        customer_key: sse::customer_key(call, sse::CUSTOMER)?,
        limit: value("max-parts", PARTS_MAX, PARTS_MAX)?,
    })
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(parse(call)?)
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        self.upload.evident()
    }
}

/// A page.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    bucket: String,
    key: String,
    upload_id: String,
    initiator: Initiator,
    owner: answer::Owner,
    storage_class: &'static str,
    part_number_marker: u16,
    next_part_number_marker: u16,
    max_parts: u16,
    is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum_algorithm: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum_type: Option<&'static str>,
    part: Vec<Listed>,
}

/// A part, as the document writes it.
struct Listed {
    number: u16,
    part: Part,
    with_checksum: bool,
}

impl Serialize for Listed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Part", 5)?;
        out.serialize_field("PartNumber", &self.number)?;
        out.serialize_field("LastModified", &Iso8601Millis(self.part.modified))?;
        out.serialize_field("ETag", &etag::quoted(&self.part.etag))?;
        out.serialize_field("Size", &self.part.size)?;
        if self.with_checksum {
            ChecksumElement::of_some(Some(&self.part.checksum)).write(&mut out)?;
        }
        out.end()
    }
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        answer::document("ListPartsResult", &self)
    }
}

impl Operation for ListParts {
    const NAME: &'static str = "ListParts";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Data {
        resource_type: access::OBJECT,
        read_only: true,
    };

    type Input = Input;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        let request = &input.upload.request;
        let found = access::find(ctx, view, request).await?;
        let demand = found.on_object(ctx, "s3:ListMultipartUploadParts", request);
        Ok(found.demands(ctx, request, vec![demand]))
    }

    async fn run(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Output, S3Error> {
        let at = input.upload.at();
        let bucket = access::row(&txn.view(), at.0).await?;
        let (id, upload) = input.upload.find(&txn.view()).await?;
        if upload.object.seal.is_of_kms() || input.customer_key.is_some() {
            // SPEC: the operation's page: without kms:Decrypt the parts of an SSE-KMS upload are not listed.
            drop(
                seal::open_part_key(
                    ctx,
                    txn,
                    &bucket,
                    (&upload.object.seal, &id.object),
                    input.customer_key.as_ref(),
                )
                .await?,
            );
        }
        let limit = usize::from(input.limit);
        let mut parts = table::parts(&txn.view(), at.0, &id.object, input.after, limit.saturating_add(1)).await?;
        let is_truncated = parts.len() > limit && limit > 0;
        parts.truncate(limit);
        Ok(Output {
            bucket: at.0.to_owned(),
            key: at.1.to_owned(),
            upload_id: input.upload.text.clone(),
            initiator: Initiator::of(&upload),
            owner: answer::Owner::of(bucket.owner),
            storage_class: "STANDARD",
            part_number_marker: input.after,
            next_part_number_marker: parts.last().map_or(0, |(number, _)| *number),
            max_parts: input.limit,
            is_truncated,
            checksum_algorithm: upload.chosen.then(|| upload.algorithm.clone()),
            checksum_type: upload.chosen.then(|| multipart::kind_name(upload.composite)),
            part: parts
                .into_iter()
                .map(|(number, part)| Listed {
                    number,
                    part,
                    with_checksum: upload.chosen,
                })
                .collect(),
        })
    }
}
