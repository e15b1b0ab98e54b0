//! PutObject: seals a body as it comes and makes it an object in one commit.
//!
//! `stage` decides the encryption, has the data key made, and writes sealed segments that no row names yet; `run` names
//! them. A service's body is at hand and is sealed in `run`, for a call inside a call has no staging.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html>

use crate::{
    S3Error, access, answer,
    model::{
        acl::{self, CannedAcl},
        condition::WriteCondition,
        encryption::{AES256, AWS_KMS, Choice, Requested},
        etag,
        lock::ObjectLock,
        metadata::{self, UserMetadata},
        version::{VersionId, Versioning},
    },
    request::{self, Declared, Request},
    seal::{self, Digests, Sealing},
    table::{self, Bucket, Checksum, Content, Object, ObjectHeaders, Place},
};
use base::arn;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use envelope::EncryptionContext;
use gateway::{
    Body, BodyUse, Call, Ctx, Demands, EventClass, Operation, Parse, Render, RenderCtx, Reply, Staged, Txn,
    ports::{ObjectSeal, ServiceObject},
};
use http::header;
use policy::Authorized;
use record::{Evident, Params};
use sigv4::checksum::ChecksumAlgorithm;
use std::borrow::Cow;
use store::{BlobWriter, ReadView};
use wire::{ErrorReply, ServiceName};

/// The largest object of one put.
///
/// SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html>
pub const OBJECT_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;
/// Objects up to here live in a row and cost no file.
pub const INLINE_BYTES_MAX: u64 = 32 * 1024;
/// So much of a body is sealed before other tasks of the thread get their turn.
const TURN_BYTES: usize = 1024 * 1024;

/// PutObject.
pub struct PutObject;

/// What is put, all but the streamed body.
pub struct Input {
    request: Request,
    sse: Option<Requested>,
    /// The algorithm's header as sent.
    sse_header: Option<String>,
    acl: Option<CannedAcl>,
    declared: Declared,
    headers: ObjectHeaders,
    metadata: UserMetadata,
    condition: Option<WriteCondition>,
    storage_class: Option<String>,
    /// A body that is at hand.
    body: Option<Bytes>,
}

/// Headers that ask for what is not built.
const UNBUILT: [&str; 7] = [
    "x-amz-grant-",
    "x-amz-object-lock-",
    "x-amz-server-side-encryption-customer-",
    "x-amz-tagging",
    "x-amz-website-redirect-location",
    "x-amz-write-offset-bytes",
    "x-amz-copy-source",
];

fn parse(call: &Call) -> Result<Input, S3Error> {
    let request = Request::of_object(call)?;
    let head = &call.head;
    request::refuse_headers(call, &UNBUILT)?;
    let storage_class = request::amz(head, "x-amz-storage-class").map(Cow::into_owned);
    if let Some(class) = storage_class.as_deref().filter(|class| *class != "STANDARD") {
        return Err(S3Error::NotImplemented(format!("x-amz-storage-class: {class}").into()));
    }
    let sse_header = request::amz(head, "x-amz-server-side-encryption").map(Cow::into_owned);
    Ok(Input {
        sse: requested(call, sse_header.as_deref())?,
        sse_header,
        acl: request::canned_acl(head)?,
        declared: Declared::of(head)?,
        headers: object_headers(call),
        metadata: user_metadata(call)?,
        condition: write_condition(call)?,
        storage_class,
        body: None,
        request,
    })
}

fn requested(call: &Call, algorithm: Option<&str>) -> Result<Option<Requested>, S3Error> {
    let value = |name| request::amz(&call.head, name).map(Cow::into_owned);
    let key = value("x-amz-server-side-encryption-aws-kms-key-id");
    let context = value("x-amz-server-side-encryption-context");
    if value("x-amz-server-side-encryption-bucket-key-enabled").is_some_and(|v| v.eq_ignore_ascii_case("true")) {
        return Err(S3Error::NotImplemented(
            "x-amz-server-side-encryption-bucket-key-enabled".into(),
        ));
    }
    let only_with_kms = |name, value| {
        let text = "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms";
        Err(S3Error::argument(text, name, value))
    };
    match (algorithm, key, context) {
        (Some(AWS_KMS), key, context) => Ok(Some(Requested::Kms {
            key: key.filter(|key| !key.is_empty()),
            context: context.map_or(Ok(EncryptionContext::new()), |context| client_context(&context))?,
        })),
        (Some("aws:kms:dsse"), ..) => Err(S3Error::NotImplemented("aws:kms:dsse".into())),
        (Some("aws:fsx"), ..) => Err(S3Error::NotImplemented("aws:fsx".into())),
        (_, Some(key), _) => only_with_kms("x-amz-server-side-encryption-aws-kms-key-id", key),
        (_, _, Some(context)) => only_with_kms("x-amz-server-side-encryption-context", context),
        (Some(AES256), ..) => Ok(Some(Requested::S3)),
        (Some(other), ..) => Err(S3Error::InvalidEncryptionAlgorithm {
            value: other.to_owned(),
        }),
        (None, ..) => Ok(None),
    }
}

/// The client's pairs: base64 of a JSON object of strings.
fn client_context(header: &str) -> Result<EncryptionContext, S3Error> {
    let bytes = STANDARD.decode(header.trim()).ok();
    let context = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    context.ok_or_else(|| {
        let text = "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON \
                    with the encryption context key-value pairs";
        S3Error::argument(text, "x-amz-server-side-encryption-context", header)
    })
}

fn object_headers(call: &Call) -> ObjectHeaders {
    let value = |name| request::header(&call.head.headers, name);
    // The framing of the upload is no property of the object.
    let encoding = value(header::CONTENT_ENCODING).map(|encoding| {
        let kept = encoding
            .split(',')
            .map(str::trim)
            .filter(|one| !one.eq_ignore_ascii_case("aws-chunked"));
        kept.collect::<Vec<_>>().join(",")
    });
    ObjectHeaders {
        cache_control: value(header::CACHE_CONTROL),
        content_disposition: value(header::CONTENT_DISPOSITION),
        content_encoding: encoding.filter(|encoding| !encoding.is_empty()),
        content_language: value(header::CONTENT_LANGUAGE),
        content_type: value(header::CONTENT_TYPE).filter(|kind| !kind.is_empty()),
        expires: value(header::EXPIRES),
    }
}

fn user_metadata(call: &Call) -> Result<UserMetadata, S3Error> {
    let mut metadata = UserMetadata::new();
    for (name, value) in &call.head.headers {
        if let Some(name) = name.as_str().strip_prefix(metadata::PREFIX) {
            metadata::add(&mut metadata, name, &request::text(value));
        }
    }
    for (name, value) in call.head.query_pairs() {
        if let Some(name) = name.to_ascii_lowercase().strip_prefix(metadata::PREFIX)
            && !metadata.iter().any(|(known, _)| known == name)
        {
            metadata.push((name.to_owned(), value.into_owned()));
        }
    }
    match metadata::size_bytes(&metadata) {
        size if size > metadata::METADATA_BYTES_MAX => Err(S3Error::MetadataTooLarge { size }),
        _ => Ok(metadata),
    }
}

fn write_condition(call: &Call) -> Result<Option<WriteCondition>, S3Error> {
    let value = |name| request::header(&call.head.headers, name);
    match (value(header::IF_NONE_MATCH), value(header::IF_MATCH)) {
        (None, None) => Ok(None),
        (Some(star), None) if star == "*" => Ok(Some(WriteCondition::Absent)),
        (None, Some(tag)) if tag != "*" => Ok(Some(WriteCondition::Tag(tag))),
        (None, Some(_)) => Err(S3Error::NotImplemented("If-Match".into())),
        (Some(_), _) => Err(S3Error::NotImplemented("If-None-Match".into())),
    }
}

impl Input {
    /// What a service puts.
    pub fn of_service(object: ServiceObject) -> Input {
        let (sse, sse_header) = match object.seal {
            ObjectSeal::Aes256 => (Requested::S3, AES256),
            ObjectSeal::Kms { key, context } => (
                Requested::Kms {
                    key: Some(key.to_string()),
                    context,
                },
                AWS_KMS,
            ),
        };
        let mut request = Request::internal(&object.bucket, &object.key);
        request.bytes_in = object.body.len() as u64;
        Input {
            request,
            sse: Some(sse),
            sse_header: Some(sse_header.to_owned()),
            acl: object.acl.and_then(CannedAcl::parse),
            declared: Declared::default(),
            headers: ObjectHeaders {
                content_type: Some(object.content_type.to_owned()),
                content_encoding: object.content_encoding.map(str::to_owned),
                ..ObjectHeaders::default()
            },
            metadata: object.metadata,
            condition: None,
            storage_class: None,
            body: Some(object.body),
        }
    }

    fn at(&self) -> seal::At<'_> {
        (&self.request.bucket, &self.request.key)
    }

    /// The key as the request names it, for policies and records.
    fn kms_key(&self) -> Option<&str> {
        match &self.sse {
            Some(Requested::Kms { key, .. }) => key.as_deref(),
            _ => None,
        }
    }

    /// The checksum that is kept: what the client chose, else AWS's own choice.
    fn algorithm(&self) -> ChecksumAlgorithm {
        let declared = self.declared.checksum.as_ref().map(|(algorithm, _)| *algorithm);
        declared
            .or(self.declared.trailer)
            .unwrap_or(ChecksumAlgorithm::Crc64Nvme)
    }

    /// Compares what came with what was declared.
    fn check(&self, digests: &Digests, trailer: Option<&str>) -> Result<(), S3Error> {
        if self.declared.md5.is_some_and(|declared| digests.md5 != Some(declared)) {
            return Err(S3Error::BadDigest("Content-MD5".to_owned()));
        }
        if self.declared.trailer.is_some() && trailer.is_none() {
            let text = "The trailer that x-amz-trailer announces did not come.";
            return Err(S3Error::InvalidRequest(text.into()));
        }
        let declared = self
            .declared
            .checksum
            .as_ref()
            .map(|(_, value)| value.as_str())
            .or(trailer);
        match declared {
            Some(declared) if declared != digests.checksum.1 => {
                Err(S3Error::BadDigest(digests.checksum.0.name().to_owned()))
            }
            _ => Ok(()),
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
        self.request
            .evident()
            .maybe_text("x-amz-acl", self.acl.map(CannedAcl::as_str))
            .maybe_text("x-amz-server-side-encryption", self.sse_header.as_ref())
            .maybe_text("x-amz-server-side-encryption-aws-kms-key-id", self.kms_key())
            .maybe_text("x-amz-storage-class", self.storage_class.as_ref())
    }
}

/// A sealed body that waits for its row.
#[derive(Clone)]
struct StagedObject {
    object: Object,
    body: Option<Bytes>,
    applied: &'static str,
    /// The bucket as it was when the key was made.
    of: (base::AccountId, base::Timestamp),
}

/// What was stored.
pub struct Output {
    object: Object,
    /// Told only where the bucket keeps versions.
    version: Option<VersionId>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        answer::seal_params(&self.object.seal)
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        let reply = Reply::empty(200).header(header::ETAG, &etag::quoted(&self.object.etag));
        let reply = answer::with_seal(reply, &self.object.seal);
        with_checksum(answer::with_version(reply, self.version), &self.object)
    }
}

/// Adds the object's checksum.
pub fn with_checksum(reply: Reply, object: &Object) -> Reply {
    let Some(checksum) = &object.checksum else {
        return reply;
    };
    match ChecksumAlgorithm::parse(&checksum.algorithm) {
        Some(algorithm) => {
            let reply = answer::with_header(reply, algorithm.header_name(), &checksum.value);
            answer::with_header(reply, "x-amz-checksum-type", checksum.kind())
        }
        None => reply,
    }
}

impl Operation for PutObject {
    const NAME: &'static str = "PutObject";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Data {
        resource_type: access::OBJECT,
        read_only: false,
    };
    const BODY: BodyUse = BodyUse::Streamed;
    const STAGED: bool = true;

    type Input = Input;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        let request = &input.request;
        let found = access::find(ctx, view, request).await?;
        let on = |action| {
            found
                .on_object(ctx, action, request)
                .with_some("s3:x-amz-acl", input.acl.map(CannedAcl::as_str))
                .with_some("s3:x-amz-server-side-encryption", input.sse_header.as_deref())
                .with_some("s3:x-amz-server-side-encryption-aws-kms-key-id", input.kms_key())
                .with_some("s3:x-amz-storage-class", input.storage_class.as_deref())
        };
        let mut demands = vec![on("s3:PutObject")];
        // These two give away nothing that the bucket's owner would not have.
        if input
            .acl
            .is_some_and(|acl| !matches!(acl, CannedAcl::BucketOwnerFullControl | CannedAcl::Private))
        {
            demands.push(on("s3:PutObjectAcl"));
        }
        Ok(found.demands(ctx, request, demands))
    }

    async fn stage(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Input>, body: Body) -> Result<Staged, S3Error> {
        let length = body.declared_length().ok_or(S3Error::MissingContentLength)?;
        if length > OBJECT_BYTES_MAX {
            return Err(S3Error::EntityTooLarge {
                proposed: length,
                max: OBJECT_BYTES_MAX,
            });
        }
        let bucket = access::row(&txn.view(), &input.request.bucket).await?;
        Ok(Staged::of(
            seal_body(ctx, txn, input, &bucket, Source::Streamed { body, length }).await?,
        ))
    }

    async fn run(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Input>, staged: &Staged) -> Result<Output, S3Error> {
        let (bucket_name, key) = input.at();
        let bucket = access::row(&txn.view(), bucket_name).await?;
        let staged = match &input.body {
            Some(body) => seal_body(ctx, txn, input, &bucket, Source::AtHand(body)).await?,
            None => staged.get::<StagedObject>()?.clone(),
        };
        if staged.of != (bucket.owner, bucket.created) {
            // Deleted and made again while the body was on its way: the key belongs to the bucket that was.
            return Err(S3Error::OperationAborted);
        }
        let existing = match input.condition {
            Some(_) => table::object(&txn.view(), bucket_name, key).await?,
            None => None,
        };
        access::allow_write(
            input.condition.as_ref(),
            key,
            existing.as_ref().map(|object| object.etag.as_str()),
        )?;
        let object = Object {
            modified: ctx.now(),
            ..staged.object
        };
        let content = Content::Object(Box::new(object.clone()));
        let at = (bucket_name, key);
        let version = table::put_version(txn, at, bucket.versioning, content, staged.body, ctx.random()).await?;
        let applied = Params::new().text("SSEApplied", staged.applied);
        access::note(ctx, &input.request, (object.size, 0), applied);
        Ok(Output {
            object,
            version: (bucket.versioning != Versioning::Off).then_some(version.id),
        })
    }
}

/// Where a body comes from.
enum Source<'a> {
    AtHand(&'a Bytes),
    Streamed { body: Body, length: u64 },
}

impl Source<'_> {
    fn length(&self) -> u64 {
        match self {
            Source::AtHand(body) => body.len() as u64,
            Source::Streamed { length, .. } => *length,
        }
    }
}

/// Seals a body under a new data key.
async fn seal_body(
    ctx: &Ctx,
    txn: &mut Txn,
    input: &Input,
    bucket: &Bucket,
    source: Source<'_>,
) -> Result<StagedObject, S3Error> {
    allow_acl(ctx, input, bucket)?;
    let id = ctx.random().bytes();
    let choice = Choice::of(input.sse.as_ref(), &bucket.encryption);
    let key = seal::make_key(ctx, txn, bucket, input.at(), &id, &choice).await?;
    let is_md5_seen = matches!(choice.encryption, Requested::S3);
    let with_md5 = is_md5_seen || input.declared.md5.is_some();
    let identity = seal::identity(&id, input.at());
    let sealing = Sealing::new(ctx, &key.plain, &identity, with_md5, input.algorithm());
    let segments_header = sealing.header;
    let (digests, place, body) = match source.length() <= INLINE_BYTES_MAX {
        true => {
            let mut sealed =
                Vec::with_capacity(usize::try_from(envelope::segments::sealed_len(source.length())).unwrap_or(0));
            let digests = read(input, source, sealing, Sink::Row(&mut sealed)).await?;
            (digests, Place::Bytes, Some(Bytes::from(sealed)))
        }
        false => {
            let mut blob = ctx.world().blobs().create().await?;
            let digests = read(input, source, sealing, Sink::Blob(&mut blob)).await?;
            (digests, Place::Blob(blob.finish().await?), None)
        }
    };
    let etag = match digests.md5.filter(|_| is_md5_seen) {
        Some(md5) => etag::of_md5(md5),
        None => etag::random(ctx.random()),
    };
    let object = Object {
        id,
        size: digests.length,
        modified: ctx.now(),
        etag,
        seal: key.seal,
        segments_header,
        place,
        headers: input.headers.clone(),
        metadata: input.metadata.clone(),
        checksum: Some(Checksum {
            algorithm: digests.checksum.0.name().to_owned(),
            value: digests.checksum.1,
            composite: false,
        }),
        acl: input.acl,
        tags: Vec::new(),
        lock: ObjectLock::default(),
    };
    Ok(StagedObject {
        object,
        body,
        applied: choice.applied(),
        of: (bucket.owner, bucket.created),
    })
}

fn allow_acl(ctx: &Ctx, input: &Input, bucket: &Bucket) -> Result<(), S3Error> {
    let Some(acl) = input.acl else { return Ok(()) };
    acl::of_object(acl, bucket.ownership).map_err(|refusal| {
        let resource = arn::object(&input.request.bucket, &input.request.key);
        request::acl_refusal(refusal, acl, &access::who(ctx), "s3:PutObject", resource.as_str())
    })
}

/// Where sealed segments go.
enum Sink<'a> {
    Blob(&'a mut BlobWriter),
    Row(&'a mut Vec<u8>),
}

/// Reads a body to its proven end.
async fn read(input: &Input, source: Source<'_>, mut sealing: Sealing, mut sink: Sink<'_>) -> Result<Digests, S3Error> {
    let mut trailer = None;
    match source {
        Source::AtHand(body) => {
            for piece in body.chunks(TURN_BYTES) {
                take(&mut sealing, piece, &mut sink).await?;
            }
        }
        Source::Streamed { mut body, length } => {
            let mut turn = 0;
            let mut came = 0_u64;
            while let Some(piece) = body.next().await? {
                came = came.saturating_add(piece.len() as u64);
                if came > length {
                    return Err(S3Error::IncompleteBody);
                }
                take(&mut sealing, &piece, &mut sink).await?;
                turn += piece.len();
                if turn >= TURN_BYTES {
                    turn = 0;
                    tokio::task::yield_now().await;
                }
            }
            if came != length {
                return Err(S3Error::IncompleteBody);
            }
            trailer = body
                .trailers()
                .and_then(|trailers| trailers.checksum.as_ref())
                .map(|(_, value)| value.clone());
        }
    }
    let mut last = Vec::new();
    let digests = match &mut sink {
        Sink::Row(out) => sealing.finish(out),
        Sink::Blob(blob) => {
            let digests = sealing.finish(&mut last);
            blob.write(&last).await?;
            digests
        }
    };
    input.check(&digests, trailer.as_deref())?;
    Ok(digests)
}

async fn take(sealing: &mut Sealing, piece: &[u8], sink: &mut Sink<'_>) -> Result<(), S3Error> {
    match sink {
        Sink::Row(out) => sealing.push(piece, out),
        Sink::Blob(blob) => {
            let mut out = Vec::with_capacity(piece.len().saturating_add(envelope::segments::SEGMENT_SEALED));
            sealing.push(piece, &mut out);
            blob.write(&out).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::call;
    use http::Method;
    use wire::AwsError;

    fn put(headers: &[(&str, &str)]) -> Result<Input, S3Error> {
        parse(&call(Method::PUT, "/bkt/key", headers, b""))
    }

    #[test]
    fn what_is_not_built_or_wrong_is_refused_by_name() {
        let check = |headers: &[(&str, &str)], expected: &str| {
            assert_eq!(
                put(headers).err().map(|e| e.code().into_owned()).as_deref(),
                Some(expected),
                "{headers:?}"
            );
        };
        check(&[("x-amz-tagging", "a=b")], "NotImplemented");
        check(&[("x-amz-storage-class", "GLACIER")], "NotImplemented");
        check(&[("x-amz-object-lock-mode", "COMPLIANCE")], "NotImplemented");
        check(&[("x-amz-website-redirect-location", "/x")], "NotImplemented");
        check(
            &[("x-amz-server-side-encryption-customer-algorithm", "AES256")],
            "NotImplemented",
        );
        check(&[("x-amz-server-side-encryption", "aws:kms:dsse")], "NotImplemented");
        check(
            &[("x-amz-server-side-encryption", "rot13")],
            "InvalidEncryptionAlgorithmError",
        );
        check(
            &[("x-amz-server-side-encryption-aws-kms-key-id", "k")],
            "InvalidArgument",
        );
        let kms = ("x-amz-server-side-encryption", "aws:kms");
        check(
            &[kms, ("x-amz-server-side-encryption-context", "{}")],
            "InvalidArgument",
        );
        check(
            &[kms, ("x-amz-server-side-encryption-bucket-key-enabled", "true")],
            "NotImplemented",
        );
        check(&[("x-amz-acl", "open")], "InvalidArgument");
        check(&[("if-none-match", "\"a\"")], "NotImplemented");
        check(&[("x-amz-meta-a", "v".repeat(2048).as_str())], "MetadataTooLarge");
    }

    #[test]
    fn headers_become_the_object() {
        let context = STANDARD.encode(r#"{"a":"b"}"#);
        let input = put(&[
            ("x-amz-server-side-encryption", "aws:kms"),
            ("x-amz-server-side-encryption-aws-kms-key-id", "alias/k"),
            ("x-amz-server-side-encryption-context", &context),
            ("content-encoding", "aws-chunked, gzip"),
            ("content-type", "text/plain"),
            ("x-amz-meta-a", "1"),
            ("if-none-match", "*"),
        ])
        .unwrap();
        let expected = Requested::Kms {
            key: Some("alias/k".to_owned()),
            context: [("a", "b")].into_iter().collect(),
        };
        assert_eq!(input.sse, Some(expected));
        assert_eq!(input.headers.content_encoding.as_deref(), Some("gzip"));
        assert_eq!(input.metadata, [("a".to_owned(), "1".to_owned())]);
        assert_eq!(input.condition, Some(WriteCondition::Absent));
        assert_eq!(input.algorithm(), ChecksumAlgorithm::Crc64Nvme);
        let plain = put(&[("content-encoding", "aws-chunked")]).unwrap();
        assert_eq!(plain.headers.content_encoding, None);
    }

    #[test]
    fn records_show_what_was_asked_and_no_context() {
        let input = put(&[("x-amz-acl", "private"), ("x-amz-server-side-encryption", "AES256")]).unwrap();
        let shown = format!("{:?}", input.evident());
        let expected = r#"{"bucketName":"bkt","Host":"localhost:4566","key":"key","x-amz-acl":"private","x-amz-server-side-encryption":"AES256"}"#;
        assert_eq!(shown, expected);
    }
}
