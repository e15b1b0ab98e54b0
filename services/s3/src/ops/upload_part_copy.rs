//! UploadPartCopy: a range of another object as a part.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html>

use crate::{
    S3Error, access, answer,
    model::{
        customer_key::CustomerKey,
        etag,
        range::ByteRange,
        version::{VersionId, Versioning},
    },
    ops::{
        copy_object::with_source_version,
        copy_source::CopySource,
        multipart::{self, ChecksumElement, UploadCall},
        upload_part::{StagedPart, Which, seal_part},
    },
    request::{self, Declared},
    seal, sse,
    table::{self, Part, Seal},
    upload::Source,
};
use gateway::{Body, Call, Ctx, Demands, EventClass, Operation, Parse, Render, RenderCtx, Reply, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Serialize, Serializer, ser::SerializeStruct};
use std::ops::Range;
use store::ReadView;
use wire::{ErrorReply, Iso8601Millis, ServiceName};

/// UploadPartCopy.
pub struct UploadPartCopy;

/// What becomes which part.
pub struct Input {
    upload: UploadCall,
    number: u16,
    source: CopySource,
    /// `x-amz-copy-source-range`
    range: Option<(String, ByteRange)>,
    /// The key of an upload of SSE-C.
    customer_key: Option<CustomerKey>,
}

const RANGE: &str = "x-amz-copy-source-range";

fn parse(call: &Call) -> Result<Input, S3Error> {
    let upload = UploadCall::of(call)?;
    let range = request::amz(&call.head, RANGE).map(|text| {
        let range = ByteRange::parse(&text).filter(|range| matches!(range, ByteRange::Between(..)));
        let range = range.ok_or_else(|| {
            let message = "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last \
                           are the zero-based offsets of the first and last bytes to copy";
            S3Error::argument(message, RANGE, &*text)
        })?;
        Ok::<_, S3Error>((text.into_owned(), range))
    });
    Ok(Input {
        number: multipart::number(&call.head.query_value("partNumber").unwrap_or_default())?,
        source: CopySource::of(call, &upload.request)?,
        range: range.transpose()?,
        customer_key: sse::customer_key(call, sse::CUSTOMER)?,
        upload,
    })
}

impl Input {
    /// The bytes of a source of this size.
    fn within(&self, size: u64) -> Result<Range<u64>, S3Error> {
        match &self.range {
            None => Ok(0..size),
            // Unlike a read, a copy is refused a range that reaches past the end.
            Some((_, ByteRange::Between(first, last))) if *last < size => Ok(*first..last.saturating_add(1)),
            Some((text, _)) => {
                let message = format!("Range specified is not valid for source object of size: {size}");
                Err(S3Error::argument(message, RANGE, text))
            }
        }
    }
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(parse(call)?)
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        self.upload
            .evident()
            .text("partNumber", self.number.to_string())
            .text("x-amz-copy-source", &self.source.header)
            .maybe_text(RANGE, self.range.as_ref().map(|(text, _)| text))
    }
}

/// A part that waits for its row.
struct StagedCopy {
    part: StagedPart,
    source_version: Option<VersionId>,
}

/// What was stored.
pub struct Output {
    part: Part,
    seal: Seal,
    source_version: Option<VersionId>,
}

impl Serialize for Output {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("CopyPartResult", 3)?;
        out.serialize_field("LastModified", &Iso8601Millis(self.part.modified))?;
        out.serialize_field("ETag", &etag::quoted(&self.part.etag))?;
        ChecksumElement::of_some(Some(&self.part.checksum)).write(&mut out)?;
        out.end()
    }
}

impl Evident for Output {
    fn evident(&self) -> Params {
        answer::seal_params(&self.seal)
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        let reply = answer::with_seal(answer::document("CopyPartResult", &self), &self.seal);
        with_source_version(reply, self.source_version)
    }
}

impl Operation for UploadPartCopy {
    const NAME: &'static str = "UploadPartCopy";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Data {
        resource_type: access::OBJECT,
        read_only: false,
    };
    const MISSING: &'static str = "access points";
    const STAGED: bool = true;

    type Input = Input;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        let request = &input.upload.request;
        let (of_source, _) = input.source.demands(ctx, view, false).await?;
        let found = access::find(ctx, view, request).await?;
        let demand = found
            .on_object(ctx, "s3:PutObject", request)
            .with(access::CREATION, "false")
            .with("s3:x-amz-copy-source", input.source.header.trim_start_matches('/'));
        let mut demands = vec![demand];
        demands.extend(of_source);
        Ok(found.demands(ctx, request, demands))
    }

    async fn stage(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: Body) -> Result<Staged, S3Error> {
        let bucket = access::row(&txn.view(), &input.upload.request.bucket).await?;
        let (id, upload) = input.upload.find(&txn.view()).await?;
        let (from, pinned) = input.source.find(ctx, &txn.view()).await?;
        let source_version = (from.versioning != Versioning::Off).then_some(pinned.chosen.id);
        let range = input.within(pinned.chosen.object.size)?;
        let (_, content) = input.source.open(ctx, txn, &from, pinned, range).await?;
        let sealed = (&upload.object.seal, &id.object);
        let key = seal::open_part_key(ctx, txn, &bucket, sealed, input.customer_key.as_ref()).await?;
        let what = Which {
            upload: &upload,
            id: &id,
            at: input.upload.at(),
            number: input.number,
        };
        let part = seal_part(ctx, &what, &key, &Declared::default(), Source::Copied(content)).await?;
        Ok(Staged::of(StagedCopy { part, source_version }))
    }

    async fn run(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Input>, staged: &Staged) -> Result<Output, S3Error> {
        // It may have been completed or aborted meanwhile.
        let (id, upload) = input.upload.find(&txn.view()).await?;
        let StagedCopy { part, source_version } = staged.get()?;
        let StagedPart { part, bytes, .. } = part.clone();
        let part = Part {
            modified: ctx.now(),
            ..part
        };
        let bucket = &input.upload.request.bucket;
        table::put_part(txn, bucket, &id.object, input.number, &part, bytes).await?;
        multipart::note(ctx, &input.upload.request, &upload, (0, 0));
        Ok(Output {
            part,
            seal: upload.object.seal,
            source_version: *source_version,
        })
    }
}
