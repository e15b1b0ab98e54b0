//! CopyObject: opens an object and seals its bytes anew, for another place or another description.
//!
//! The copy is sealed as its request or its bucket says, never as the source was. `stage` opens and seals, in memory bounded by
//! a few segments; `run` makes the copy the object.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html>

use crate::{
    S3Error, access, answer,
    model::{
        condition::WriteCondition,
        encryption::BucketDefault,
        etag,
        version::{VersionId, Versioning},
    },
    ops::{
        copy_source::CopySource,
        multipart::{self, ChecksumElement},
    },
    request::{self, Declared, Request},
    table::{Bucket, Object},
    upload::{self, NewObject, Source, StagedObject},
    versions,
};
use gateway::{Body, Call, Ctx, Demands, EventClass, Operation, Parse, Render, RenderCtx, Reply, Staged, Txn};
use http::HeaderName;
use policy::Authorized;
use record::{Evident, Params};
use serde::{Serialize, Serializer, ser::SerializeStruct};
use sigv4::checksum::ChecksumAlgorithm;
use store::ReadView;
use wire::{ErrorReply, Iso8601Millis, ServiceName};

/// CopyObject.
pub struct CopyObject;

/// What is copied where.
pub struct Input {
    request: Request,
    source: CopySource,
    new: NewObject,
    /// Whether headers and metadata are the request's.
    replaces_metadata: bool,
    /// Whether tags are the request's.
    replaces_tags: bool,
    /// `x-amz-checksum-algorithm`
    algorithm: Option<ChecksumAlgorithm>,
    condition: Option<WriteCondition>,
    metadata_directive: Option<String>,
}

/// The version of the source, where its bucket keeps versions.
const SOURCE_VERSION: HeaderName = HeaderName::from_static("x-amz-copy-source-version-id");

fn directive(call: &Call, name: &'static str, text: &'static str) -> Result<Option<bool>, S3Error> {
    match request::amz(&call.head, name).as_deref() {
        None => Ok(None),
        Some("COPY") => Ok(Some(false)),
        Some("REPLACE") => Ok(Some(true)),
        Some(other) => Err(S3Error::argument(text, name, other)),
    }
}

fn parse(call: &Call) -> Result<Input, S3Error> {
    let request = Request::of_object(call)?;
    let metadata = directive(call, "x-amz-metadata-directive", "Unknown metadata directive.")?;
    let tags = directive(call, "x-amz-tagging-directive", "Unknown tagging directive.")?;
    Ok(Input {
        source: CopySource::of(call, &request)?,
        new: NewObject::of(call)?,
        replaces_metadata: metadata == Some(true),
        replaces_tags: tags == Some(true),
        algorithm: multipart::algorithm(call)?,
        condition: upload::write_condition(call)?,
        metadata_directive: request::amz(&call.head, "x-amz-metadata-directive").map(|text| text.into_owned()),
        request,
    })
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(parse(call)?)
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        self.new
            .evident(self.request.evident())
            .text("x-amz-copy-source", &self.source.header)
            .maybe_text("x-amz-metadata-directive", self.metadata_directive.as_ref())
    }
}

impl Input {
    fn at(&self) -> (&str, &str) {
        (&self.request.bucket, &self.request.key)
    }

    /// A copy onto itself must change something.
    fn changes(&self, bucket: &Bucket) -> Result<(), S3Error> {
        let is_itself = self.at() == self.source.at() && self.source.version.is_none();
        let changes = self.replaces_metadata
            || self.new.sse.kind.is_some()
            || self.new.storage_class.is_some()
            || self.algorithm.is_some()
            || bucket.encryption != BucketDefault::S3;
        match is_itself && !changes {
            false => Ok(()),
            true => Err(S3Error::InvalidRequest(
                "This copy request is illegal because it is trying to copy an object to itself without changing the \
                 object's metadata, storage class, website redirect location or encryption attributes."
                    .into(),
            )),
        }
    }

    /// The checksum of the copy: as asked for, else by the algorithm of the source.
    fn checksum(&self, source: &Object) -> ChecksumAlgorithm {
        let of_source = source.checksum.as_ref();
        let of_source = of_source.and_then(|checksum| ChecksumAlgorithm::parse(&checksum.algorithm));
        self.algorithm.or(of_source).unwrap_or(ChecksumAlgorithm::Crc64Nvme)
    }
}

/// A copy that waits for its row.
struct StagedCopy {
    sealed: StagedObject,
    source_version: Option<VersionId>,
}

/// What was made.
pub struct Output {
    object: Object,
    version: VersionId,
    source_version: Option<VersionId>,
}

/// A copied object or part, as documents write it.
pub struct CopyResult<'a>(pub &'a Object);

impl Serialize for CopyResult<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("CopyObjectResult", 4)?;
        out.serialize_field("LastModified", &Iso8601Millis(self.0.modified))?;
        out.serialize_field("ETag", &etag::quoted(&self.0.etag))?;
        if let Some(checksum) = &self.0.checksum {
            ChecksumElement::of_some(Some(checksum)).write(&mut out)?;
            out.serialize_field("ChecksumType", checksum.kind())?;
        }
        out.end()
    }
}

impl Evident for Output {
    fn evident(&self) -> Params {
        answer::seal_params(&self.object.seal)
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        let reply = answer::document("CopyObjectResult", &CopyResult(&self.object));
        let reply = answer::with_seal(reply, &self.object.seal);
        let reply = with_source_version(reply, self.source_version);
        answer::with_version(reply, versions::told_of_put(self.version))
    }
}

/// Adds the version of the source, when it is to be told.
pub fn with_source_version(reply: Reply, version: Option<VersionId>) -> Reply {
    match version {
        Some(version) => reply.header(SOURCE_VERSION, &version.to_string()),
        None => reply,
    }
}

impl Operation for CopyObject {
    const NAME: &'static str = "CopyObject";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Data {
        resource_type: access::OBJECT,
        read_only: false,
    };
    const MISSING: &'static str = "storage classes but STANDARD, checksums MD5, SHA512 and XXHASH*, access points";
    const STAGED: bool = true;

    type Input = Input;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        let request = &input.request;
        let with_tags = !input.replaces_tags;
        let (of_source, has_tags) = input.source.demands(ctx, view, with_tags).await?;
        let found = access::find(ctx, view, request).await?;
        let on = |action| {
            access::with_condition(found.on_object(ctx, action, request), input.condition.as_ref())
                .with(access::CREATION, "true")
                .with("s3:x-amz-copy-source", input.source.header.trim_start_matches('/'))
                .with_some("s3:x-amz-metadata-directive", input.metadata_directive.as_deref())
        };
        let mut demands = input.new.demands(ctx.now(), on);
        if has_tags {
            demands.push(on("s3:PutObjectTagging"));
        }
        demands.extend(of_source);
        Ok(found.demands(ctx, request, demands))
    }

    async fn stage(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: Body) -> Result<Staged, S3Error> {
        let bucket = access::row(&txn.view(), &input.request.bucket).await?;
        input.changes(&bucket)?;
        input.new.lock.lock_in(&bucket, ctx.now())?;
        let (from, pinned) = input.source.find(ctx, &txn.view()).await?;
        let source_version = (from.versioning != Versioning::Off).then_some(pinned.chosen.id);
        let whole = 0..pinned.chosen.object.size;
        let (source, content) = input.source.open(ctx, txn, &from, pinned, whole).await?;
        let checksum = (input.checksum(&source), &Declared::default());
        let place = (input.at(), &bucket);
        let mut sealed = upload::seal_object(ctx, txn, place, &input.new, checksum, Source::Copied(content)).await?;
        if !input.replaces_metadata {
            sealed.object.headers = source.headers;
            sealed.object.metadata = source.metadata;
        }
        if !input.replaces_tags {
            sealed.object.tags = source.tags;
        }
        Ok(Staged::of(StagedCopy { sealed, source_version }))
    }

    async fn run(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Input>, staged: &Staged) -> Result<Output, S3Error> {
        let bucket = access::row(&txn.view(), &input.request.bucket).await?;
        let StagedCopy { sealed, source_version } = staged.get()?;
        sealed.is_of(&bucket)?;
        let sealed = sealed.clone();
        let object = Object {
            modified: ctx.now(),
            lock: input.new.lock.lock_in(&bucket, ctx.now())?,
            ..sealed.object
        };
        let condition = input.condition.as_ref();
        let (object, version) =
            upload::store(ctx, txn, &input.request, &bucket, condition, object, sealed.bytes).await?;
        let applied = Params::new().text("SSEApplied", sealed.applied);
        access::note(ctx, &input.request, (0, 0), applied);
        Ok(Output {
            object,
            version: version.id,
            source_version: *source_version,
        })
    }
}
