//! UploadPart: seals a part under a key of its own, which the upload's data key and the part's id make.
//!
//! `stage` opens the upload's key (with SSE-KMS by a Decrypt with the caller's rights) and writes sealed segments that no row
//! names yet; `run` names them. A part of the same number is replaced.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html>

use crate::{
    S3Error, access, answer,
    model::{customer_key::CustomerKey, encryption::AES256, etag},
    ops::multipart::{self, PART_BYTES_MAX, UploadCall},
    request::Declared,
    seal, sse,
    table::{self, Checksum, Part, Seal, Upload, UploadId},
    upload::{self, Plan, SealedBody, Source},
};
use bytes::Bytes;
use envelope::segments::StreamKey;
use gateway::{Body, BodyUse, Call, Ctx, Demands, EventClass, Operation, Parse, Render, RenderCtx, Reply, Staged, Txn};
use http::header;
use policy::Authorized;
use record::{Evident, Params};
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// UploadPart.
pub struct UploadPart;

/// What is put, all but the body.
pub struct Input {
    upload: UploadCall,
    number: u16,
    declared: Declared,
    /// The key of an upload of SSE-C.
    customer_key: Option<CustomerKey>,
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(Input {
            customer_key: sse::customer_key(call, sse::CUSTOMER)?,
            upload: UploadCall::of(call)?,
            number: multipart::number(&call.head.query_value("partNumber").unwrap_or_default())?,
            declared: Declared::of(&call.head)?,
        })
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        self.upload
            .evident()
            .text("partNumber", self.number.to_string())
            .maybe_text(
                answer::SSE_CUSTOMER.as_str(),
                self.customer_key.as_ref().map(|_| AES256),
            )
    }
}

/// A sealed part that waits for its row.
#[derive(Clone)]
pub struct StagedPart {
    /// The part.
    pub part: Part,
    /// Its bytes, when they are to be in a row.
    pub bytes: Option<Bytes>,
    /// The checksum that the client declared, where it is not that of the upload.
    echo: Option<Checksum>,
}

/// What was stored.
pub struct Output {
    etag: String,
    seal: Seal,
    checksum: Checksum,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        answer::seal_params(&self.seal)
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        let reply = Reply::empty(200).header(header::ETAG, &etag::quoted(&self.etag));
        let reply = answer::with_seal(reply, &self.seal);
        let name = format!("x-amz-checksum-{}", self.checksum.algorithm.to_ascii_lowercase());
        answer::with_header(reply, &name, &self.checksum.value)
    }
}

impl Operation for UploadPart {
    const NAME: &'static str = "UploadPart";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Data {
        resource_type: access::OBJECT,
        read_only: false,
    };
    const MISSING: &'static str = "checksums MD5, SHA512 and XXHASH*";
    const BODY: BodyUse = BodyUse::Streamed;
    const STAGED: bool = true;

    type Input = Input;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        let request = &input.upload.request;
        let found = access::find(ctx, view, request).await?;
        let demand = found
            .on_object(ctx, "s3:PutObject", request)
            .with(access::CREATION, "false")
            .with_some(
                "s3:x-amz-server-side-encryption-customer-algorithm",
                input.customer_key.as_ref().map(|_| AES256),
            );
        Ok(found.demands(ctx, request, vec![demand]))
    }

    async fn stage(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Input>, body: Body) -> Result<Staged, S3Error> {
        let length = body.declared_length().ok_or(S3Error::MissingContentLength)?;
        if length > PART_BYTES_MAX {
            return Err(S3Error::EntityTooLarge {
                proposed: length,
                max: PART_BYTES_MAX,
            });
        }
        let bucket = access::row(&txn.view(), &input.upload.request.bucket).await?;
        let (id, upload) = input.upload.find(&txn.view()).await?;
        agree(&upload, &input.declared)?;
        let sealed = (&upload.object.seal, &id.object);
        let key = seal::open_part_key(ctx, txn, &bucket, sealed, input.customer_key.as_ref()).await?;
        let what = Which {
            upload: &upload,
            id: &id,
            at: input.upload.at(),
            number: input.number,
        };
        let source = Source::Streamed { body, length };
        Ok(Staged::of(seal_part(ctx, &what, &key, &input.declared, source).await?))
    }

    async fn run(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Input>, staged: &Staged) -> Result<Output, S3Error> {
        // It may have been completed or aborted meanwhile.
        let (id, upload) = input.upload.find(&txn.view()).await?;
        let StagedPart { part, bytes, echo } = staged.get::<StagedPart>()?.clone();
        let part = Part {
            modified: ctx.now(),
            ..part
        };
        let bucket = &input.upload.request.bucket;
        table::put_part(txn, bucket, &id.object, input.number, &part, bytes).await?;
        multipart::note(ctx, &input.upload.request, &upload, (part.size, 0));
        Ok(Output {
            etag: part.etag,
            seal: upload.object.seal,
            checksum: echo.unwrap_or(part.checksum),
        })
    }
}

/// A part's checksum must be by the algorithm that the upload was begun with, and must be there when the whole's is one of
/// the parts' checksums.
fn agree(upload: &Upload, declared: &Declared) -> Result<(), S3Error> {
    let found = declared.algorithm();
    let differs = match found {
        Some(found) => found.name() != upload.algorithm,
        None => upload.composite,
    };
    match upload.chosen && differs {
        false => Ok(()),
        true => {
            let expected = upload.algorithm.to_ascii_lowercase();
            let actual = found.map_or("null".to_owned(), |found| found.name().to_ascii_lowercase());
            let text = format!(
                "Checksum Type mismatch occurred, expected checksum Type: {expected}, actual checksum Type: {actual}"
            );
            Err(S3Error::InvalidRequest(text.into()))
        }
    }
}

/// Which part of which upload.
pub struct Which<'a> {
    /// The upload.
    pub upload: &'a Upload,
    /// Its id.
    pub id: &'a UploadId,
    /// The bucket's name and the key.
    pub at: (&'a str, &'a str),
    /// The part's number.
    pub number: u16,
}

/// Seals the bytes of a part under the upload's data key.
pub async fn seal_part(
    ctx: &Ctx,
    what: &Which<'_>,
    key: &StreamKey,
    declared: &Declared,
    source: Source<'_>,
) -> Result<StagedPart, S3Error> {
    let id: [u8; 16] = ctx.random().bytes();
    let is_md5_seen = what.upload.object.seal.shows_md5();
    let plan = Plan {
        key: &seal::part_key(key, &id),
        identity: &seal::part_identity(&what.id.object, what.at, what.number),
        with_md5: is_md5_seen,
        checksum: multipart::algorithm_of(what.upload)?,
        declared,
    };
    let SealedBody {
        header,
        place,
        bytes,
        digests,
    } = upload::seal_body(ctx, &plan, source).await?;
    let etag = match digests.md5.filter(|_| is_md5_seen) {
        Some(md5) => etag::of_md5(md5),
        None => etag::random(ctx.random()),
    };
    let checksum = |algorithm: &str, value: String| Checksum {
        algorithm: algorithm.to_owned(),
        value,
        composite: false,
    };
    let echo = match (declared.algorithm(), digests.declared) {
        (Some(algorithm), Some(value)) => Some(checksum(algorithm.name(), value)),
        _ => None,
    };
    Ok(StagedPart {
        part: Part {
            id,
            size: digests.length,
            modified: ctx.now(),
            etag,
            checksum: checksum(&what.upload.algorithm, digests.checksum),
            segments_header: header,
            place,
        },
        bytes,
        echo,
    })
}
