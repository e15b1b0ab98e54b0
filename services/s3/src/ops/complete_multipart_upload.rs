//! CompleteMultipartUpload: the parts become the object, without a byte being moved.
//!
//! Asked again, it answers as it did, for as long as the object is there: a client that lost the answer asks again.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html>

use crate::{
    S3Error, access, answer,
    locks::Asked,
    model::{condition::WriteCondition, customer_key::CustomerKey, etag, lock::ObjectLock, version::VersionId},
    ops::multipart::{self, ChecksumElement, OBJECT_BYTES_MAX, PART_BYTES_MIN, UploadCall},
    request, seal, sse,
    table::{self, Checksum, Content, Object, Part, PartIndex, Seal, Upload, UploadId},
    upload, versions,
};
use base::Fault;
use gateway::{BodyUse, Call, Ctx, Demands, EventClass, Operation, Parse, Render, RenderCtx, Reply, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize, Serializer, de::IgnoredAny, ser::SerializeStruct};
use sigv4::checksum::{ChecksumAlgorithm, Md5};
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// CompleteMultipartUpload.
pub struct CompleteMultipartUpload;

/// Of what the object is made.
pub struct Input {
    upload: UploadCall,
    parts: Vec<Named>,
    condition: Option<WriteCondition>,
    /// `x-amz-checksum-type`
    composite: Option<bool>,
    /// The `x-amz-checksum-` header: of the object, not of the document.
    checksum: Option<(ChecksumAlgorithm, String)>,
    /// `x-amz-mp-object-size`
    size: Option<(u64, String)>,
    /// The key of an upload of SSE-C, which need not come again.
    customer_key: Option<CustomerKey>,
    secure: bool,
}

/// A part as the client names it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    number: u16,
    /// Without quotes.
    etag: String,
    checksums: Vec<(ChecksumAlgorithm, String)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    #[serde(default)]
    part: Vec<PartElement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PartElement {
    part_number: String,
    #[serde(rename = "ETag")]
    etag: String,
    #[serde(rename = "ChecksumCRC32")]
    crc32: Option<String>,
    #[serde(rename = "ChecksumCRC32C")]
    crc32c: Option<String>,
    #[serde(rename = "ChecksumCRC64NVME")]
    crc64nvme: Option<String>,
    #[serde(rename = "ChecksumSHA1")]
    sha1: Option<String>,
    #[serde(rename = "ChecksumSHA256")]
    sha256: Option<String>,
    #[serde(rename = "ChecksumSHA512")]
    sha512: Option<IgnoredAny>,
    #[serde(rename = "ChecksumMD5")]
    md5: Option<IgnoredAny>,
    #[serde(rename = "ChecksumXXHASH3")]
    xxhash3: Option<IgnoredAny>,
    #[serde(rename = "ChecksumXXHASH64")]
    xxhash64: Option<IgnoredAny>,
    #[serde(rename = "ChecksumXXHASH128")]
    xxhash128: Option<IgnoredAny>,
}

impl PartElement {
    fn read(self) -> Result<Named, S3Error> {
        let unbuilt = [
            ("ChecksumMD5", self.md5.is_some()),
            ("ChecksumSHA512", self.sha512.is_some()),
            ("ChecksumXXHASH128", self.xxhash128.is_some()),
            ("ChecksumXXHASH3", self.xxhash3.is_some()),
            ("ChecksumXXHASH64", self.xxhash64.is_some()),
        ];
        if let Some((name, _)) = unbuilt.iter().find(|(_, there)| *there) {
            return Err(S3Error::NotImplemented((*name).into()));
        }
        let given = [
            (ChecksumAlgorithm::Crc32, self.crc32),
            (ChecksumAlgorithm::Crc32c, self.crc32c),
            (ChecksumAlgorithm::Crc64Nvme, self.crc64nvme),
            (ChecksumAlgorithm::Sha1, self.sha1),
            (ChecksumAlgorithm::Sha256, self.sha256),
        ];
        let given = given
            .into_iter()
            .filter_map(|(algorithm, value)| Some((algorithm, value?)));
        Ok(Named {
            number: multipart::number(&self.part_number)?,
            etag: self.etag.trim().trim_matches('"').to_owned(),
            checksums: given.collect(),
        })
    }
}

fn parse(call: &Call) -> Result<Input, S3Error> {
    let upload = UploadCall::of(call)?;
    request::refuse_unknown_checksums(&call.head)?;
    let document: Document = wire::xml::parse_as("CompleteMultipartUpload", &call.body)?;
    if document.part.is_empty() {
        return Err(S3Error::MalformedXml);
    }
    let parts = document.part.into_iter().map(PartElement::read);
    let parts = parts.collect::<Result<Vec<_>, _>>()?;
    let in_order = |pair: &[Named]| matches!(pair, [one, next] if one.number < next.number);
    if !parts.windows(2).all(in_order) {
        return Err(S3Error::InvalidPartOrder { upload: upload.text });
    }
    Ok(Input {
        parts,
        condition: upload::write_condition(call)?,
        composite: multipart::kind(call)?,
        checksum: checksum(call)?,
        size: size(call)?,
        customer_key: sse::customer_key(call, sse::CUSTOMER)?,
        secure: call.head.https,
        upload,
    })
}

/// The checksum of the object, which may be told with the number of its parts behind it.
fn checksum(call: &Call) -> Result<Option<(ChecksumAlgorithm, String)>, S3Error> {
    for algorithm in ChecksumAlgorithm::ALL {
        let name = algorithm.header_name();
        let Some(value) = request::amz(&call.head, name) else {
            continue;
        };
        let plain = value.split_once('-').map_or(&*value, |(plain, _)| plain);
        return match algorithm.is_value(plain) {
            true => Ok(Some((algorithm, value.into_owned()))),
            false => {
                let text = format!("Value for {name} header is invalid.");
                Err(S3Error::InvalidRequest(text.into()))
            }
        };
    }
    Ok(None)
}

fn size(call: &Call) -> Result<Option<(u64, String)>, S3Error> {
    const NAME: &str = "x-amz-mp-object-size";
    let value = request::amz(&call.head, NAME);
    value
        .map(|value| match value.parse() {
            Ok(size) => Ok((size, value.into_owned())),
            Err(_) => {
                let text = format!("Value for {NAME} header is invalid.");
                Err(S3Error::InvalidRequest(text.into()))
            }
        })
        .transpose()
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

/// What was made.
pub struct Output {
    document: Completed,
    seal: Seal,
    /// Told only where the bucket keeps versions.
    version: Option<VersionId>,
}

struct Completed {
    location: String,
    bucket: String,
    key: String,
    etag: String,
    checksum: Option<Checksum>,
}

impl Serialize for Completed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Completed", 6)?;
        out.serialize_field("Location", &self.location)?;
        out.serialize_field("Bucket", &self.bucket)?;
        out.serialize_field("Key", &self.key)?;
        out.serialize_field("ETag", &self.etag)?;
        if let Some(checksum) = &self.checksum {
            ChecksumElement::of_some(Some(checksum)).write(&mut out)?;
            out.serialize_field("ChecksumType", checksum.kind())?;
        }
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
        let reply = answer::document("CompleteMultipartUploadResult", &self.document);
        answer::with_version(answer::with_seal(reply, &self.seal), self.version)
    }
}

impl Operation for CompleteMultipartUpload {
    const NAME: &'static str = "CompleteMultipartUpload";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Data {
        resource_type: access::OBJECT,
        read_only: false,
    };
    const BODY: BodyUse = BodyUse::Whole {
        bytes_max: wire::xml::BODY_BYTES_MAX,
    };

    type Input = Input;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        let request = &input.upload.request;
        let found = access::find(ctx, view, request).await?;
        let demand = found
            .on_object(ctx, "s3:PutObject", request)
            .with(access::CREATION, "true");
        let demand = access::with_condition(demand, input.condition.as_ref());
        Ok(found.demands(ctx, request, vec![demand]))
    }

    async fn run(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Output, S3Error> {
        let at = input.upload.at();
        let bucket = access::row(&txn.view(), at.0).await?;
        let id = input.upload.id()?;
        let Some(upload) = table::upload(&txn.view(), at, &id).await? else {
            return again(&txn.view(), input, &id).await;
        };
        let all = table::parts(&txn.view(), at.0, &id.object, 0, usize::MAX).await?;
        let made = made_of(input, &upload, &all)?;
        let is_checked = input.checksum.is_some() || input.parts.iter().any(|part| !part.checksums.is_empty());
        if (is_checked && upload.object.seal.is_of_kms()) || input.customer_key.is_some() {
            // SPEC: the operation's page, "If you provide an additional checksum value"
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
        multipart::note(ctx, &input.upload.request, &upload, (input.upload.request.bytes_in, 0));
        let object = Object {
            size: made.size,
            // SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html>, Last-Modified
            modified: upload.began,
            etag: made.etag,
            checksum: Some(made.checksum),
            lock: ObjectLock {
                retention: match upload.object.lock.retention {
                    Some(retention) => Some(retention),
                    None => Asked::default().lock_in(&bucket, ctx.now())?.retention,
                },
                ..upload.object.lock
            },
            ..upload.object
        };
        table::complete_upload(txn, at, &id, &all, &made.index);
        let (request, condition) = (&input.upload.request, input.condition.as_ref());
        let (object, version) = upload::store(ctx, txn, request, &bucket, condition, object, None).await?;
        Ok(output(input, object, version.id))
    }
}

/// The answer to an upload that became an object of the same parts before.
async fn again(view: &ReadView<'_>, input: &Input, id: &UploadId) -> Result<Output, S3Error> {
    let at = input.upload.at();
    let latest = table::latest(view, at).await?;
    let Some((version, Content::Object(object))) = latest.map(|version| (version.id, version.content)) else {
        return Err(input.upload.missing());
    };
    if object.id != id.object {
        return Err(input.upload.missing());
    }
    let parts = table::parts(view, at.0, &id.object, 0, usize::MAX).await?;
    let same = parts.len() == input.parts.len()
        && input
            .parts
            .iter()
            .zip(&parts)
            .all(|(named, (number, part))| named.number == *number && named.etag == part.etag);
    match same {
        true => Ok(output(input, *object, version)),
        false => Err(input.upload.missing()),
    }
}

fn output(input: &Input, object: Object, version: VersionId) -> Output {
    let at = input.upload.at();
    Output {
        document: Completed {
            location: location(input),
            bucket: at.0.to_owned(),
            key: at.1.to_owned(),
            etag: etag::quoted(&object.etag),
            checksum: object.checksum.clone(),
        },
        seal: object.seal,
        version: versions::told_of_put(version),
    }
}

fn location(input: &Input) -> String {
    let request = &input.upload.request;
    let scheme = if input.secure { "https" } else { "http" };
    let key = percent_encoding::utf8_percent_encode(&request.key, percent_encoding::NON_ALPHANUMERIC);
    match request.host.starts_with(&format!("{}.", request.bucket)) {
        true => format!("{scheme}://{}/{key}", request.host),
        false => format!("{scheme}://{}/{}/{key}", request.host, request.bucket),
    }
}

/// What the parts come to.
#[derive(Debug)]
struct Made {
    size: u64,
    etag: String,
    checksum: Checksum,
    index: PartIndex,
}

/// Compares what the client names with what came, and makes the whole of it.
fn made_of(input: &Input, upload: &Upload, all: &[(u16, Part)]) -> Result<Made, S3Error> {
    let mut used = Vec::with_capacity(input.parts.len());
    for named in &input.parts {
        let found = all.binary_search_by_key(&named.number, |(number, _)| *number).ok();
        let found = found.and_then(|index| all.get(index)).map(|(_, part)| part);
        let part = found.filter(|part| part.etag == named.etag);
        let part = part.ok_or_else(|| invalid(input, named))?;
        agree(input, upload, named, part)?;
        used.push((named, part));
    }
    for (named, part) in used.iter().rev().skip(1) {
        if part.size < PART_BYTES_MIN {
            return Err(S3Error::EntityTooSmall {
                proposed: part.size,
                min: PART_BYTES_MIN,
                part: named.number,
                etag: part.etag.clone(),
            });
        }
    }
    let size = used.iter().map(|(_, part)| part.size).sum();
    if size > OBJECT_BYTES_MAX {
        return Err(S3Error::EntityTooLarge {
            proposed: size,
            max: OBJECT_BYTES_MAX,
        });
    }
    if let Some((_, text)) = input.size.as_ref().filter(|(told, _)| *told != size) {
        let text =
            format!("The provided 'x-amz-mp-object-size' header value {text} does not match what was computed: {size}");
        return Err(S3Error::InvalidRequest(text.into()));
    }
    let parts: Vec<&Part> = used.iter().map(|(_, part)| *part).collect();
    Ok(Made {
        size,
        etag: tag(&parts)?,
        checksum: whole(input, upload, &parts)?,
        index: PartIndex(used.iter().map(|(named, part)| (named.number, part.size)).collect()),
    })
}

fn invalid(input: &Input, named: &Named) -> S3Error {
    S3Error::InvalidPart {
        upload: input.upload.text.clone(),
        part: named.number,
        etag: named.etag.clone(),
    }
}

/// Compares the checksums that the client names of a part.
fn agree(input: &Input, upload: &Upload, named: &Named, part: &Part) -> Result<(), S3Error> {
    let own = named
        .checksums
        .iter()
        .find(|(algorithm, _)| algorithm.name() == upload.algorithm);
    match (own, named.checksums.first()) {
        (Some(_), _) if !upload.chosen => Err(invalid(input, named)),
        (Some((_, value)), _) if *value != part.checksum.value => Err(invalid(input, named)),
        (Some(_), _) => Ok(()),
        (None, Some(_)) if !upload.chosen => Err(invalid(input, named)),
        (None, Some((other, _))) if upload.composite => {
            let algorithm = other.name().to_ascii_lowercase();
            Err(S3Error::BadPartDigest {
                algorithm,
                part: named.number,
            })
        }
        (None, None) if upload.composite => {
            let text = format!(
                "The upload was created using a {} checksum. The complete request must include the checksum for each \
                 part. It was missing for part {} in the request.",
                upload.algorithm.to_ascii_lowercase(),
                named.number
            );
            Err(S3Error::InvalidRequest(text.into()))
        }
        (None, _) => Ok(()),
    }
}

/// The MD5 of the parts' tags, and how many they are.
fn tag(parts: &[&Part]) -> Result<String, Fault> {
    let mut md5 = Md5::new();
    for part in parts {
        let bytes = hex::decode(&part.etag).map_err(|e| Fault::corrupt_by("the tag of a part", e))?;
        md5.update(&bytes);
    }
    Ok(format!("{}-{}", etag::of_md5(md5.finish()), parts.len()))
}

/// The checksum of the object, compared with what the client names.
fn whole(input: &Input, upload: &Upload, parts: &[&Part]) -> Result<Checksum, S3Error> {
    if let Some(kind) = input
        .composite
        .filter(|kind| upload.chosen && *kind != upload.composite)
    {
        let _ = kind;
        let text = format!(
            "The upload was created using the {} checksum mode. The complete request must use the same checksum mode.",
            multipart::kind_name(upload.composite)
        );
        return Err(S3Error::InvalidRequest(text.into()));
    }
    let algorithm = multipart::algorithm_of(upload)?;
    let values = parts.iter().map(|part| part.checksum.value.as_str());
    let value = match upload.composite {
        true => algorithm
            .composite(values)
            .map(|value| format!("{value}-{}", parts.len())),
        false => algorithm.combined(values.zip(parts.iter().map(|part| part.size))),
    };
    let value = value.ok_or_else(|| Fault::corrupt("the checksum of a part"))?;
    if let Some((named, told)) = &input.checksum
        && (upload.chosen || *named == algorithm)
    {
        let plain = value.split_once('-').map_or(value.as_str(), |(plain, _)| plain);
        if *named != algorithm || (*told != value && *told != plain) {
            return Err(S3Error::BadDigest(named.name().to_ascii_lowercase()));
        }
    }
    Ok(Checksum {
        algorithm: upload.algorithm.clone(),
        value,
        composite: upload.composite,
    })
}
