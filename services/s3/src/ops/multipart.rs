//! What the operations of multipart uploads have in common.

use crate::{
    S3Error, access, answer,
    request::{self, Request},
    table::{self, Checksum, Upload, UploadId},
};
use gateway::{Call, Ctx};
use record::Params;
use serde::{Serialize, ser::SerializeStruct};
use sigv4::checksum::ChecksumAlgorithm;
use store::ReadView;

/// The highest number of a part.
///
/// SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
pub const NUMBER_MAX: u16 = 10_000;
/// The smallest part but the last.
pub const PART_BYTES_MIN: u64 = 5 * 1024 * 1024;
/// The largest part.
pub const PART_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;
/// The largest object of all: 10,000 parts of 5 GiB.
pub const OBJECT_BYTES_MAX: u64 = PART_BYTES_MAX * 10_000;

/// A call on an upload.
pub struct UploadCall {
    /// What every call has.
    pub request: Request,
    /// `uploadId`, as sent.
    pub text: String,
}

impl UploadCall {
    /// Reads it.
    pub fn of(call: &Call) -> Result<UploadCall, S3Error> {
        let text = call.head.query_value("uploadId").unwrap_or_default().into_owned();
        if text.is_empty() {
            let message = "This operation does not accept an empty or missing uploadId";
            return Err(S3Error::argument(message, "uploadId", text));
        }
        Ok(UploadCall {
            request: Request::of_object(call)?,
            text,
        })
    }

    /// The parameters of its record.
    pub fn evident(&self) -> Params {
        self.request.evident().text("uploadId", &self.text)
    }

    /// The bucket's name and the key.
    pub fn at(&self) -> (&str, &str) {
        (&self.request.bucket, &self.request.key)
    }

    /// The id, when it can be one.
    pub fn id(&self) -> Result<UploadId, S3Error> {
        UploadId::parse(&self.text).ok_or_else(|| self.missing())
    }

    /// The upload.
    pub async fn find(&self, view: &ReadView<'_>) -> Result<(UploadId, Upload), S3Error> {
        let id = self.id()?;
        match table::upload(view, self.at(), &id).await? {
            Some(upload) => Ok((id, upload)),
            None => Err(self.missing()),
        }
    }

    /// There is no such upload.
    pub fn missing(&self) -> S3Error {
        S3Error::NoSuchUpload {
            upload: self.text.clone(),
        }
    }
}

/// The number of a part, in the query or in a document.
pub fn number(text: &str) -> Result<u16, S3Error> {
    let number = text.trim().parse().ok();
    number
        .filter(|number| (1..=NUMBER_MAX).contains(number))
        .ok_or_else(|| {
            let message = "Part number must be an integer between 1 and 10000, inclusive";
            S3Error::argument(message, "partNumber", text)
        })
}

/// The checksum of an upload, as it was chosen when it was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// By which algorithm.
    pub algorithm: ChecksumAlgorithm,
    /// Whether the whole's is one of the parts'.
    pub composite: bool,
    /// Whether the client said so.
    pub chosen: bool,
}

impl Choice {
    /// Reads `x-amz-checksum-algorithm` and `x-amz-checksum-type`.
    pub fn of(call: &Call) -> Result<Choice, S3Error> {
        let kind = kind(call)?;
        let Some(algorithm) = algorithm(call)? else {
            return match kind {
                None => Ok(Choice {
                    algorithm: ChecksumAlgorithm::Crc64Nvme,
                    composite: false,
                    chosen: false,
                }),
                Some(_) => {
                    let text =
                        "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.";
                    Err(S3Error::InvalidRequest(text.into()))
                }
            };
        };
        let choice = Choice {
            algorithm,
            composite: kind.unwrap_or(algorithm != ChecksumAlgorithm::Crc64Nvme),
            chosen: true,
        };
        let allowed = match algorithm {
            ChecksumAlgorithm::Crc32 | ChecksumAlgorithm::Crc32c => true,
            ChecksumAlgorithm::Crc64Nvme => !choice.composite,
            ChecksumAlgorithm::Sha1 | ChecksumAlgorithm::Sha256 => choice.composite,
        };
        match allowed {
            true => Ok(choice),
            false => {
                let (kind, algorithm) = (choice.kind(), algorithm.name().to_ascii_lowercase());
                let text = format!("The {kind} checksum type cannot be used with the {algorithm} checksum algorithm.");
                Err(S3Error::InvalidRequest(text.into()))
            }
        }
    }

    /// As documents write the kind.
    pub fn kind(self) -> &'static str {
        kind_name(self.composite)
    }
}

/// As documents write the kind of a checksum.
pub fn kind_name(composite: bool) -> &'static str {
    match composite {
        true => "COMPOSITE",
        false => "FULL_OBJECT",
    }
}

/// `x-amz-checksum-type`: whether it is `COMPOSITE`.
pub fn kind(call: &Call) -> Result<Option<bool>, S3Error> {
    let kind = request::amz(&call.head, "x-amz-checksum-type");
    kind.map(|kind| match kind.to_ascii_uppercase().as_str() {
        "COMPOSITE" => Ok(true),
        "FULL_OBJECT" => Ok(false),
        _ => {
            let text = "Value for x-amz-checksum-type header is invalid.";
            Err(S3Error::InvalidRequest(text.into()))
        }
    })
    .transpose()
}

/// Algorithms that AWS knows and this server does not.
const UNBUILT: [&str; 5] = ["MD5", "SHA512", "XXHASH128", "XXHASH3", "XXHASH64"];

/// `x-amz-checksum-algorithm`
pub fn algorithm(call: &Call) -> Result<Option<ChecksumAlgorithm>, S3Error> {
    let Some(name) = request::amz(&call.head, "x-amz-checksum-algorithm") else {
        return Ok(None);
    };
    if UNBUILT.iter().any(|unbuilt| name.eq_ignore_ascii_case(unbuilt)) {
        return Err(S3Error::NotImplemented(
            format!("x-amz-checksum-algorithm: {name}").into(),
        ));
    }
    ChecksumAlgorithm::parse(&name).map(Some).ok_or_else(|| {
        let text = "Checksum algorithm provided is unsupported. Please try again with any of the valid types: \
                    [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]";
        S3Error::InvalidRequest(text.into())
    })
}

/// The algorithm of an upload.
pub fn algorithm_of(upload: &Upload) -> Result<ChecksumAlgorithm, S3Error> {
    ChecksumAlgorithm::parse(&upload.algorithm)
        .ok_or_else(|| base::Fault::corrupt("an upload with an unknown checksum").into())
}

/// Who begins an upload: a root by its account's canonical id, everybody else by the ARN.
pub fn initiator(ctx: &Ctx) -> String {
    let who = access::who(ctx);
    match (ctx.caller.account(), who.ends_with(":root")) {
        (Some(account), true) => answer::canonical_id(account),
        _ => who,
    }
}

/// As documents name who began an upload.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Initiator {
    #[serde(rename = "ID")]
    id: String,
    display_name: String,
}

impl Initiator {
    /// Of an upload.
    pub fn of(upload: &Upload) -> Initiator {
        let name = upload.initiator.rsplit(['/', ':']).next().unwrap_or_default();
        let display_name = match upload.initiator.starts_with("arn:") {
            true => name.to_owned(),
            false => String::new(),
        };
        Initiator {
            id: upload.initiator.clone(),
            display_name,
        }
    }
}

/// Notes how the upload is sealed, and how much was transferred.
pub fn note(ctx: &Ctx, request: &Request, upload: &Upload, transferred: (u64, u64)) {
    let applied = Params::new().text("SSEApplied", &upload.applied);
    access::note(ctx, request, transferred, applied);
}

/// A checksum in a document, in the element of its algorithm; nothing where none is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChecksumElement(Option<(&'static str, String)>);

impl ChecksumElement {
    /// Of a value; nothing for an algorithm that is not known.
    pub fn of(algorithm: &str, value: &str) -> ChecksumElement {
        let name = ChecksumAlgorithm::parse(algorithm).map(|algorithm| match algorithm {
            ChecksumAlgorithm::Crc32 => "ChecksumCRC32",
            ChecksumAlgorithm::Crc32c => "ChecksumCRC32C",
            ChecksumAlgorithm::Crc64Nvme => "ChecksumCRC64NVME",
            ChecksumAlgorithm::Sha1 => "ChecksumSHA1",
            ChecksumAlgorithm::Sha256 => "ChecksumSHA256",
        });
        ChecksumElement(name.map(|name| (name, value.to_owned())))
    }

    /// Of an object or a part.
    pub fn of_some(checksum: Option<&Checksum>) -> ChecksumElement {
        checksum.map_or_else(ChecksumElement::default, |checksum| {
            ChecksumElement::of(&checksum.algorithm, &checksum.value)
        })
    }

    /// Writes it among the elements of a structure.
    pub fn write<S: SerializeStruct>(&self, out: &mut S) -> Result<(), S::Error> {
        match &self.0 {
            Some((name, value)) => out.serialize_field(name, value),
            None => Ok(()),
        }
    }
}
