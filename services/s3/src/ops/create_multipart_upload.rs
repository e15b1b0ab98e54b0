//! CreateMultipartUpload: decides all that does not depend on the bytes, and has the data key made that all parts are under.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html>

use crate::{
    S3Error, access, answer,
    model::lock::ObjectLock,
    ops::multipart,
    request::Request,
    seal,
    table::{self, Object, Place, Seal, Upload, UploadId},
    upload::NewObject,
};
use gateway::{Call, Ctx, Demands, EventClass, Operation, Parse, Render, RenderCtx, Reply, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// CreateMultipartUpload.
pub struct CreateMultipartUpload;

/// What is begun.
pub struct Input {
    request: Request,
    new: NewObject,
    checksum: multipart::Choice,
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(Input {
            request: Request::of_object(call)?,
            new: NewObject::of(call)?,
            checksum: multipart::Choice::of(call)?,
        })
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        self.new.evident(self.request.evident().text("uploads", ""))
    }
}

/// What was begun.
pub struct Output {
    document: Document,
    seal: Seal,
    checksum: multipart::Choice,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    bucket: String,
    key: String,
    upload_id: String,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        answer::seal_params(&self.seal)
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        let reply = answer::document("InitiateMultipartUploadResult", &self.document);
        let reply = answer::with_seal(reply, &self.seal);
        match self.checksum.chosen {
            true => {
                let reply = answer::with_header(reply, "x-amz-checksum-algorithm", self.checksum.algorithm.name());
                answer::with_header(reply, "x-amz-checksum-type", self.checksum.kind())
            }
            false => reply,
        }
    }
}

impl Operation for CreateMultipartUpload {
    const NAME: &'static str = "CreateMultipartUpload";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Data {
        resource_type: access::OBJECT,
        read_only: false,
    };
    const MISSING: &'static str =
        "storage classes but STANDARD, checksums MD5, SHA512 and XXHASH*, x-amz-website-redirect-location";

    type Input = Input;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        let request = &input.request;
        let found = access::find(ctx, view, request).await?;
        let demands = input.new.demands(ctx.now(), |action| {
            found.on_object(ctx, action, request).with(access::CREATION, "false")
        });
        Ok(found.demands(ctx, request, demands))
    }

    async fn run(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Output, S3Error> {
        let at = (input.request.bucket.as_str(), input.request.key.as_str());
        let bucket = access::row(&txn.view(), at.0).await?;
        let shared = input.new.allow_in(ctx, &txn.view(), at, &bucket).await?;
        let id = UploadId::generate(ctx.now(), ctx.random());
        let choice = input.new.choice(&bucket);
        let key = seal::make_key(ctx, txn, &bucket, at, &id.object, &choice).await?;
        let asked = &input.new.lock;
        let object = Object {
            place: Place::Parts,
            // The bucket's default is that of the completion.
            lock: match asked.is_some() {
                true => asked.lock_in(&bucket, ctx.now())?,
                false => ObjectLock::default(),
            },
            ..input.new.object(ctx, id.object, key.seal, shared)
        };
        let seal = object.seal.clone();
        let upload = Upload {
            began: ctx.now(),
            initiator: multipart::initiator(ctx),
            object,
            algorithm: input.checksum.algorithm.name().to_owned(),
            composite: input.checksum.composite,
            chosen: input.checksum.chosen,
            applied: choice.applied().to_owned(),
        };
        table::put_upload(txn, at, &id, &upload);
        multipart::note(ctx, &input.request, &upload, (0, 0));
        Ok(Output {
            document: Document {
                bucket: at.0.to_owned(),
                key: at.1.to_owned(),
                upload_id: id.to_string(),
            },
            seal,
            checksum: input.checksum,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::call;
    use http::Method;
    use sigv4::checksum::ChecksumAlgorithm;

    /// Which kind each algorithm allows, and what it is when nothing is said.
    #[test]
    fn algorithms_allow_their_kinds() {
        let check = |algorithm: &str, kind: &str, expected: Result<(ChecksumAlgorithm, bool), &str>| {
            let headers = [("x-amz-checksum-algorithm", algorithm), ("x-amz-checksum-type", kind)];
            let headers: Vec<_> = headers.into_iter().filter(|(_, value)| !value.is_empty()).collect();
            let result = Input::parse(&call(Method::POST, "/bkt/k?uploads", &headers, b""));
            let result = result.map(|input| (input.checksum.algorithm, input.checksum.composite));
            let result = result.map_err(|reply| reply.message);
            assert_eq!(result, expected.map_err(str::to_owned), "{algorithm} {kind}");
        };
        use ChecksumAlgorithm::{Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};
        for (name, algorithm) in [("CRC32", Crc32), ("CRC32C", Crc32c), ("SHA1", Sha1), ("SHA256", Sha256)] {
            check(name, "", Ok((algorithm, true)));
            check(name, "COMPOSITE", Ok((algorithm, true)));
        }
        check("CRC32", "FULL_OBJECT", Ok((Crc32, false)));
        check("crc32c", "FULL_OBJECT", Ok((Crc32c, false)));
        for kind in ["", "FULL_OBJECT"] {
            check("CRC64NVME", kind, Ok((Crc64Nvme, false)));
        }
        check("", "", Ok((Crc64Nvme, false)));
        let cannot = |kind, algorithm: &str| {
            format!("The {kind} checksum type cannot be used with the {algorithm} checksum algorithm.")
        };
        check("CRC64NVME", "COMPOSITE", Err(&cannot("COMPOSITE", "crc64nvme")));
        check("SHA1", "FULL_OBJECT", Err(&cannot("FULL_OBJECT", "sha1")));
        check("SHA256", "FULL_OBJECT", Err(&cannot("FULL_OBJECT", "sha256")));
        let alone = "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.";
        check("", "COMPOSITE", Err(alone));
        check("CRC32", "HALF", Err("Value for x-amz-checksum-type header is invalid."));
        let wrong = "Checksum algorithm provided is unsupported. Please try again with any of the valid types: \
                     [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]";
        check("ROT13", "", Err(wrong));
    }
}
