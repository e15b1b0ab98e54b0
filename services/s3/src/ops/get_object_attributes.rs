//! GetObjectAttributes: what HeadObject tells, as a document, and the parts with their checksums.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html>

use crate::{
    S3Error, access, answer,
    model::{customer_key::CustomerKey, version::VersionId},
    ops::{list_parts, multipart::ChecksumElement, object_call},
    request::{self, Request},
    seal, sse,
    table::{self, Checksum, Object, Part, Place},
    versions,
};
use base::Timestamp;
use gateway::{Call, Ctx, Demands, EventClass, Operation, Parse, Render, RenderCtx, Reply, Staged, Txn};
use http::header;
use policy::Authorized;
use record::{Evident, Params};
use serde::{Serialize, Serializer, ser::SerializeStruct};
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// The most parts of a page, whatever is asked for.
const PARTS_MAX: u16 = 1000;
const ATTRIBUTES: &str = "x-amz-object-attributes";

/// GetObjectAttributes.
pub struct GetObjectAttributes;

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attribute {
    Etag,
    Checksum,
    ObjectParts,
    StorageClass,
    ObjectSize,
}

impl Attribute {
    fn parse(name: &str) -> Option<Attribute> {
        match name {
            "ETag" => Some(Attribute::Etag),
            "Checksum" => Some(Attribute::Checksum),
            "ObjectParts" => Some(Attribute::ObjectParts),
            "StorageClass" => Some(Attribute::StorageClass),
            "ObjectSize" => Some(Attribute::ObjectSize),
            _ => None,
        }
    }
}

/// What is asked of which object.
pub struct Input {
    request: Request,
    version: Option<VersionId>,
    attributes: Vec<Attribute>,
    after: u16,
    limit: u16,
    customer_key: Option<CustomerKey>,
}

fn parse(call: &Call) -> Result<Input, S3Error> {
    let mut attributes = Vec::new();
    for value in call.head.headers.get_all(ATTRIBUTES) {
        for name in request::text(value)
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            let attribute = Attribute::parse(name);
            let wrong = || S3Error::argument("Invalid attribute name specified.", ATTRIBUTES, name);
            attributes.push(attribute.ok_or_else(wrong)?);
        }
    }
    if attributes.is_empty() {
        let text =
            "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty";
        return Err(S3Error::InvalidRequest(text.into()));
    }
    let value = |name: &'static str, default: u16, max: u16| match request::amz(&call.head, name) {
        Some(text) if !text.is_empty() => list_parts::count(&text, name, max),
        _ => Ok(default),
    };
    Ok(Input {
        request: Request::of_object(call)?,
        version: versions::named(call)?,
        attributes,
        after: value("x-amz-part-number-marker", 0, u16::MAX)?,
        limit: value("x-amz-max-parts", PARTS_MAX, PARTS_MAX)?,
        customer_key: sse::customer_key(call, sse::CUSTOMER)?,
    })
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(parse(call)?)
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        self.request
            .evident()
            .text("attributes", "")
            .maybe_text("versionId", self.version.map(|version| version.to_string()))
    }
}

/// What is told.
pub struct Output {
    asked: Vec<Attribute>,
    object: Object,
    parts: Option<Parts>,
    told: Option<VersionId>,
    modified: Timestamp,
}

/// The parts of an object. Only those with a checksum of their own are listed.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Parts {
    parts_count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    part_number_marker: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_part_number_marker: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_parts: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_truncated: Option<bool>,
    part: Vec<Listed>,
}

struct Listed(u16, Part);

impl Serialize for Listed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Part", 3)?;
        out.serialize_field("PartNumber", &self.0)?;
        out.serialize_field("Size", &self.1.size)?;
        ChecksumElement::of_some(Some(&self.1.checksum)).write(&mut out)?;
        out.end()
    }
}

struct Whole<'a>(&'a Checksum);

impl Serialize for Whole<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Checksum", 2)?;
        // Here, and only here, without the number of parts.
        let value = self
            .0
            .value
            .split_once('-')
            .map_or(self.0.value.as_str(), |(value, _)| value);
        ChecksumElement::of(&self.0.algorithm, value).write(&mut out)?;
        out.serialize_field("ChecksumType", self.0.kind())?;
        out.end()
    }
}

impl Serialize for Output {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let asks = |attribute| self.asked.contains(&attribute);
        let mut out = serializer.serialize_struct("GetObjectAttributesResponse", 5)?;
        if asks(Attribute::Etag) {
            out.serialize_field("ETag", &self.object.etag)?;
        }
        if let Some(checksum) = self.object.checksum.as_ref().filter(|_| asks(Attribute::Checksum)) {
            out.serialize_field("Checksum", &Whole(checksum))?;
        }
        if let Some(parts) = &self.parts {
            out.serialize_field("ObjectParts", parts)?;
        }
        if asks(Attribute::StorageClass) {
            out.serialize_field("StorageClass", "STANDARD")?;
        }
        if asks(Attribute::ObjectSize) {
            out.serialize_field("ObjectSize", &self.object.size)?;
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
        let reply = answer::document("GetObjectAttributesResponse", &self);
        let reply = reply.header(header::LAST_MODIFIED, &self.modified.http_date());
        answer::with_version(reply, self.told)
    }
}

impl Operation for GetObjectAttributes {
    const NAME: &'static str = "GetObjectAttributes";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Data {
        resource_type: access::OBJECT,
        read_only: true,
    };

    type Input = Input;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        let request = &input.request;
        let found = access::find(ctx, view, request).await?;
        let named = input.version.as_ref();
        let actions = [
            ("s3:GetObject", "s3:GetObjectVersion"),
            ("s3:GetObjectAttributes", "s3:GetObjectVersionAttributes"),
        ];
        object_call::demands_of(ctx, view, found, request, named, &actions).await
    }

    async fn run(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Output, S3Error> {
        let view = txn.view();
        let bucket = access::row(&view, &input.request.bucket).await?;
        let chosen = versions::readable(&view, &input.request, input.version.as_ref(), "GET").await?;
        seal::check_customer_key(ctx, &chosen.object, input.customer_key.as_ref())?;
        let parts = match input.attributes.contains(&Attribute::ObjectParts) {
            true => parts(&view, input, &chosen.object).await?,
            false => None,
        };
        Ok(Output {
            asked: input.attributes.clone(),
            parts,
            told: versions::told(bucket.versioning, chosen.id),
            modified: chosen.object.modified,
            object: chosen.object,
        })
    }
}

async fn parts(view: &ReadView<'_>, input: &Input, object: &Object) -> Result<Option<Parts>, S3Error> {
    if object.place != Place::Parts {
        return Ok(None);
    }
    let bucket = &input.request.bucket;
    let index = table::index(view, bucket, &object.id).await?.unwrap_or_default();
    let parts_count = index.0.len();
    if !object.checksum.as_ref().is_some_and(|checksum| checksum.composite) {
        return Ok(Some(Parts {
            parts_count,
            part_number_marker: None,
            next_part_number_marker: None,
            max_parts: None,
            is_truncated: None,
            part: Vec::new(),
        }));
    }
    let limit = usize::from(input.limit);
    let mut found = table::parts(view, bucket, &object.id, input.after, limit.saturating_add(1)).await?;
    let is_truncated = found.len() > limit && limit > 0;
    found.truncate(limit);
    Ok(Some(Parts {
        parts_count,
        part_number_marker: Some(input.after),
        next_part_number_marker: Some(found.last().map_or(0, |(number, _)| *number)),
        max_parts: Some(input.limit),
        is_truncated: Some(is_truncated),
        part: found.into_iter().map(|(number, part)| Listed(number, part)).collect(),
    }))
}
