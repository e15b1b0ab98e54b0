//! PutObject: seals a body as it comes and makes it an object in one commit.
//!
//! `stage` decides the encryption, has the data key made, and writes sealed segments that no row names yet; `run` names
//! them. A service's body is at hand and is sealed in `run`, for a call inside a call has no staging.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html>

use crate::{
    S3Error, access, answer, expiry,
    model::{condition::WriteCondition, etag, version::VersionId},
    request::{self, Declared, Request},
    seal,
    table::{Bucket, Object, ObjectHeaders},
    upload::{self, NewObject, Source, StagedObject},
    versions,
};
use bytes::Bytes;
use gateway::{
    Body, BodyUse, Call, Ctx, Demands, EventClass, Operation, Parse, Render, RenderCtx, Reply, Staged, Txn,
    ports::ServiceObject,
};
use http::header;
use policy::Authorized;
use record::{Evident, Params};
use sigv4::checksum::ChecksumAlgorithm;
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// The largest object of one put.
///
/// SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html>
pub const OBJECT_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;

/// PutObject.
pub struct PutObject;

/// What is put, all but the streamed body.
pub struct Input {
    request: Request,
    new: NewObject,
    declared: Declared,
    condition: Option<WriteCondition>,
    /// A body that is at hand.
    body: Option<Bytes>,
}

/// Headers that ask for what is not built, or not here.
const UNBUILT: [&str; 2] = ["x-amz-write-offset-bytes", "x-amz-copy-source"];

fn parse(call: &Call) -> Result<Input, S3Error> {
    let request = Request::of_object(call)?;
    request::refuse_headers(call, &UNBUILT)?;
    // A version is made, never named.
    if let Some(version) = call.head.query_value("versionId") {
        let text = "This operation does not accept a version-id.";
        return Err(S3Error::argument(text, "versionId", &*version));
    }
    Ok(Input {
        new: NewObject::of(call)?,
        declared: Declared::of(&call.head)?,
        condition: upload::write_condition(call)?,
        body: None,
        request,
    })
}

impl Input {
    /// What a service puts.
    pub fn of_service(object: ServiceObject) -> Input {
        let mut request = Request::internal(&object.bucket, &object.key);
        request.bytes_in = object.body.len() as u64;
        let headers = ObjectHeaders {
            content_type: Some(object.content_type.to_owned()),
            content_encoding: object.content_encoding.map(str::to_owned),
            ..ObjectHeaders::default()
        };
        Input {
            request,
            new: NewObject {
                headers,
                metadata: object.metadata,
                ..NewObject::of_service(object.seal, object.acl)
            },
            declared: Declared::default(),
            condition: None,
            body: Some(object.body),
        }
    }

    fn at(&self) -> seal::At<'_> {
        (&self.request.bucket, &self.request.key)
    }

    /// The checksum that is kept: what the client chose, else AWS's own choice.
    fn algorithm(&self) -> ChecksumAlgorithm {
        self.declared.algorithm().unwrap_or(ChecksumAlgorithm::Crc64Nvme)
    }
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(parse(call)?)
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        self.new.evident(self.request.evident())
    }
}

/// What was stored.
pub struct Output {
    object: Object,
    /// Told only when it is one of its own.
    version: Option<VersionId>,
    expires: Option<String>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        answer::seal_params(&self.object.seal).and(answer::version_params(self.version))
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        let reply = Reply::empty(200).header(header::ETAG, &etag::quoted(&self.object.etag));
        let reply = answer::with_expiration(answer::with_seal(reply, &self.object.seal), self.expires);
        answer::with_checksum(answer::with_version(reply, self.version), self.object.checksum.as_ref())
    }
}

impl Operation for PutObject {
    const NAME: &'static str = "PutObject";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Data {
        resource_type: access::OBJECT,
        read_only: false,
    };
    const MISSING: &'static str =
        "storage classes but STANDARD, checksums MD5, SHA512 and XXHASH*, x-amz-website-redirect-location";
    const BODY: BodyUse = BodyUse::Streamed;
    const STAGED: bool = true;

    type Input = Input;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        let request = &input.request;
        let found = access::find(ctx, view, request).await?;
        let demands = input.new.demands(ctx.now(), |action| {
            access::with_condition(found.on_object(ctx, action, request), input.condition.as_ref())
                .with(access::CREATION, "true")
        });
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
        input.new.lock.need_digest(&bucket, &input.declared)?;
        // What is wrong with the lock is said before the body is read.
        input.new.lock.lock_in(&bucket, ctx.now())?;
        Ok(Staged::of(
            seal_object(ctx, txn, input, &bucket, Source::Streamed { body, length }).await?,
        ))
    }

    async fn run(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Input>, staged: &Staged) -> Result<Output, S3Error> {
        let bucket = access::row(&txn.view(), &input.request.bucket).await?;
        let staged = match &input.body {
            Some(body) => seal_object(ctx, txn, input, &bucket, Source::AtHand(body)).await?,
            None => staged.get::<StagedObject>()?.clone(),
        };
        staged.is_of(&bucket)?;
        let object = Object {
            modified: ctx.now(),
            lock: input.new.lock.lock_in(&bucket, ctx.now())?,
            ..staged.object
        };
        let condition = input.condition.as_ref();
        let (object, version) =
            upload::store(ctx, txn, &input.request, &bucket, condition, object, staged.bytes).await?;
        let applied = Params::new().text("SSEApplied", staged.applied);
        access::note(ctx, &input.request, (object.size, 0), applied);
        let at = (input.request.bucket.as_str(), input.request.key.as_str());
        Ok(Output {
            expires: expiry::told(&txn.view(), at, &bucket, &object).await?,
            object,
            version: versions::told_of_put(version.id),
        })
    }
}

async fn seal_object(
    ctx: &Ctx,
    txn: &mut Txn,
    input: &Input,
    bucket: &Bucket,
    source: Source<'_>,
) -> Result<StagedObject, S3Error> {
    let checksum = (input.algorithm(), &input.declared);
    upload::seal_object(ctx, txn, (input.at(), bucket), &input.new, checksum, source).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::encryption::Requested, request::tests::call};
    use base64::{Engine, engine::general_purpose::STANDARD};
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
        check(&[("x-amz-storage-class", "GLACIER")], "NotImplemented");
        check(&[("x-amz-object-lock-mode", "COMPLIANCE")], "InvalidArgument");
        check(&[("x-amz-website-redirect-location", "/x")], "NotImplemented");
        check(
            &[("x-amz-server-side-encryption-customer-algorithm", "AES256")],
            "InvalidArgument",
        );
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
        check(&[("x-amz-acl", "open")], "InvalidArgument");
        check(&[("if-none-match", "\"a\"")], "NotImplemented");
        check(&[("x-amz-meta-a", "v".repeat(2048).as_str())], "MetadataTooLarge");
    }

    #[test]
    fn a_put_names_no_version() {
        let named = call(Method::PUT, "/bkt/key?versionId=null", &[], b"");
        assert_eq!(
            parse(&named).err().map(|e| e.message()).as_deref(),
            Some("This operation does not accept a version-id.")
        );
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
        assert_eq!(input.new.sse.kind, Some(expected));
        assert_eq!(input.new.headers.content_encoding.as_deref(), Some("gzip"));
        assert_eq!(input.new.metadata, [("a".to_owned(), "1".to_owned())]);
        assert_eq!(input.condition, Some(WriteCondition::Absent));
        assert_eq!(input.algorithm(), ChecksumAlgorithm::Crc64Nvme);
        let plain = put(&[("content-encoding", "aws-chunked")]).unwrap();
        assert_eq!(plain.new.headers.content_encoding, None);
    }

    #[test]
    fn records_show_what_was_asked_and_no_context() {
        let input = put(&[("x-amz-acl", "private"), ("x-amz-server-side-encryption", "AES256")]).unwrap();
        let shown = format!("{:?}", input.evident());
        let expected = r#"{"bucketName":"bkt","Host":"localhost:4566","key":"key","x-amz-acl":"private","x-amz-server-side-encryption":"AES256"}"#;
        assert_eq!(shown, expected);
    }
}
