//! What GetObject and HeadObject have in common: everything but the body.

use crate::{
    S3Error, access, answer, expiry, locks,
    model::{
        condition::{Preconditions, Verdict},
        customer_key::CustomerKey,
        encryption::AES256,
        etag, metadata,
        range::ByteRange,
        version::VersionId,
    },
    opened::SealedBytes,
    ops::{multipart, object_call},
    published::Published,
    request::{self, Request},
    sse,
    table::{self, Bucket, Checksum, Object, Place},
    versions::{self, Chosen},
};
use base::{Fault, Timestamp};
use gateway::{Call, Caller, Ctx, Demands, Parse, Reply};
use http::{HeaderName, header};
use record::{Evident, Params};
use std::ops::Range;
use store::{BlobId, ReadView};
use wire::ErrorReply;

/// The `response-` parameters and the headers that they replace.
const OVERRIDES: [(&str, HeaderName); 6] = [
    ("response-cache-control", header::CACHE_CONTROL),
    ("response-content-disposition", header::CONTENT_DISPOSITION),
    ("response-content-encoding", header::CONTENT_ENCODING),
    ("response-content-language", header::CONTENT_LANGUAGE),
    ("response-content-type", header::CONTENT_TYPE),
    ("response-expires", header::EXPIRES),
];

const TAGGING_COUNT: HeaderName = HeaderName::from_static("x-amz-tagging-count");

/// What is read of an object.
pub struct ReadInput {
    /// What every call has.
    pub request: Request,
    /// The version that is read; the latest when none is named.
    pub version: Option<VersionId>,
    range: Option<(String, ByteRange)>,
    /// `partNumber`
    part: Option<u16>,
    conditions: Preconditions,
    overrides: Vec<(HeaderName, String)>,
    with_checksum: bool,
    /// The key of an object of SSE-C.
    pub customer_key: Option<CustomerKey>,
}

fn parse(call: &Call) -> Result<ReadInput, S3Error> {
    let request = Request::of_object(call)?;
    let headers = &call.head.headers;
    let part = call.head.query_value("partNumber");
    let part = part.map(|text| multipart::number(&text)).transpose()?;
    if part.is_some() && headers.contains_key(header::RANGE) {
        let text = "Cannot specify both Range header and partNumber query parameter";
        return Err(S3Error::InvalidRequest(text.into()));
    }
    if let Some(value) = headers.get(answer::SSE) {
        let text = "x-amz-server-side-encryption header is not supported for this operation.";
        return Err(S3Error::argument(
            text,
            "x-amz-server-side-encryption",
            request::text(value),
        ));
    }
    let value = |name| request::header(headers, name);
    let date = |name| value(name).and_then(|date| Timestamp::parse_http(&date));
    let overrides = OVERRIDES.iter().filter_map(|(parameter, name)| {
        call.head
            .query_value(parameter)
            .map(|value| (name.clone(), value.into_owned()))
    });
    Ok(ReadInput {
        version: versions::named(call)?,
        customer_key: sse::customer_key(call, sse::CUSTOMER)?,
        part,
        range: value(header::RANGE).and_then(|text| ByteRange::parse(&text).map(|range| (text, range))),
        conditions: Preconditions {
            if_match: value(header::IF_MATCH),
            if_none_match: value(header::IF_NONE_MATCH),
            if_modified_since: date(header::IF_MODIFIED_SINCE),
            if_unmodified_since: date(header::IF_UNMODIFIED_SINCE),
        },
        overrides: overrides.collect(),
        with_checksum: request::amz(&call.head, "x-amz-checksum-mode")
            .is_some_and(|v| v.eq_ignore_ascii_case("ENABLED")),
        request,
    })
}

impl Parse for ReadInput {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(parse(call)?)
    }
}

impl Evident for ReadInput {
    fn evident(&self) -> Params {
        let overrides = self.overrides.iter();
        let params = self
            .request
            .evident()
            .maybe_text("versionId", self.version.map(|version| version.to_string()))
            .maybe_text(
                answer::SSE_CUSTOMER.as_str(),
                self.customer_key.as_ref().map(|_| AES256),
            )
            .maybe_text("partNumber", self.part.map(|part| part.to_string()));
        overrides.fold(params, |params, (name, value)| {
            params.text(&format!("response-{name}"), value)
        })
    }
}

/// The right to read the object and, when there is none, to know so.
pub async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &ReadInput) -> Result<Demands, S3Error> {
    let request = &input.request;
    if let Some(published) = Published::find(ctx, view, &request.bucket).await? {
        return published.demands(ctx, input);
    }
    let found = access::find(ctx, view, request).await?;
    if !input.overrides.is_empty() && matches!(ctx.caller, Caller::Anonymous) {
        let text = "Request specific response headers cannot be used for anonymous GET requests.";
        return Err(S3Error::InvalidRequest(text.into()));
    }
    let named = input.version.as_ref();
    object_call::demands_on(
        ctx,
        view,
        found,
        request,
        named,
        ("s3:GetObject", "s3:GetObjectVersion"),
    )
    .await
}

/// An object that stays readable whatever happens to its row.
pub struct Pinned {
    /// Its row.
    pub chosen: Chosen,
    /// Its sealed bytes.
    pub sealed: SealedBytes,
}

/// Finds an object and opens its blob, so that it stays readable until the answer ends.
///
/// A blob may be gone though the snapshot names it: the object was replaced or deleted meanwhile. Then the call is stale
/// and is decided again; nothing is read of what this call was not authorised on.
pub async fn pin(
    ctx: &Ctx,
    view: &ReadView<'_>,
    request: &Request,
    version: Option<&VersionId>,
) -> Result<Pinned, S3Error> {
    let chosen = versions::readable(view, request, version, "GET").await?;
    let sealed = match chosen.object.place {
        Place::Row | Place::Bytes => {
            let at = (request.bucket.as_str(), request.key.as_str());
            SealedBytes::Row(table::bytes_of(view, at, &chosen.object).await?)
        }
        Place::Parts => SealedBytes::Parts,
        Place::Blob(id) => match ctx.world().blobs().open(id).await? {
            Some(reader) => SealedBytes::Blob(reader),
            None => return Err(gone(ctx, request, version, id).await),
        },
    };
    Ok(Pinned { chosen, sealed })
}

/// Why a blob is not there: if the newest row names it still, it was lost, and repeating the call would not help.
async fn gone(ctx: &Ctx, request: &Request, version: Option<&VersionId>, id: BlobId) -> S3Error {
    let newest = ctx.world().snapshot();
    match versions::readable(&newest.view(), request, version, "GET").await {
        Ok(chosen) if chosen.object.place == Place::Blob(id) => {
            Fault::corrupt("a row names a blob that is not there").into()
        }
        Err(S3Error::Fault(fault)) => fault.into(),
        _ => Fault::Stale.into(),
    }
}

/// The bucket of the object.
pub async fn bucket(view: &ReadView<'_>, input: &ReadInput) -> Result<Bucket, S3Error> {
    access::row(view, &input.request.bucket).await
}

/// What of the object is answered.
pub enum Part {
    /// 304: nothing.
    NotModified,
    /// A section of it.
    Section(Section),
}

/// A section of an object.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// The bytes; `None` for all of them.
    pub range: Option<Range<u64>>,
    /// How many parts the object has, where one was asked for and it has some.
    parts: Option<usize>,
    /// The checksum of that part.
    checksum: Option<Checksum>,
}

/// Decides conditions, range and part.
pub async fn part(view: &ReadView<'_>, input: &ReadInput, object: &Object) -> Result<Part, S3Error> {
    match (ranged(input, object)?, input.part) {
        (Part::Section(_), Some(number)) => {
            let section = numbered(view, &input.request.bucket, object, number).await?;
            Ok(Part::Section(section))
        }
        (part, _) => Ok(part),
    }
}

fn ranged(input: &ReadInput, object: &Object) -> Result<Part, S3Error> {
    match input.conditions.of_read(&object.etag, object.modified) {
        Verdict::Failed(header) => return Err(S3Error::PreconditionFailed(header)),
        Verdict::NotModified => return Ok(Part::NotModified),
        Verdict::Proceed => {}
    }
    let section = match &input.range {
        None => Section {
            checksum: object.checksum.clone(),
            ..Section::default()
        },
        Some((text, range)) => Section {
            range: Some(range.within(object.size).map_err(|_| S3Error::InvalidRange {
                requested: text.clone(),
                length: object.size,
            })?),
            ..Section::default()
        },
    };
    Ok(Part::Section(section))
}

/// One part of an object. One that was put in one piece has a first part.
async fn numbered(view: &ReadView<'_>, bucket: &str, object: &Object, number: u16) -> Result<Section, S3Error> {
    let whole = |range: Range<u64>| Some(range).filter(|range| !range.is_empty());
    if object.place != Place::Parts {
        return match number {
            1 => Ok(Section {
                range: whole(0..object.size),
                parts: None,
                checksum: object.checksum.clone(),
            }),
            _ => Err(S3Error::InvalidPartNumber {
                requested: number,
                parts: 1,
            }),
        };
    }
    let index = table::index(view, bucket, &object.id).await?;
    let index = index
        .ok_or_else(|| Fault::corrupt("an object has lost the index of its parts"))?
        .0;
    let parts = index.len();
    let place = index.iter().position(|(found, _)| *found == number);
    let place = place.ok_or(S3Error::InvalidPartNumber {
        requested: number,
        parts,
    })?;
    let start: u64 = index.iter().take(place).map(|(_, size)| size).sum();
    let size = index.get(place).map_or(0, |(_, size)| *size);
    let checksum = match object.checksum.as_ref().is_some_and(|checksum| checksum.composite) {
        true => table::part(view, bucket, &object.id, number)
            .await?
            .map(|part| part.checksum),
        // The whole's is no part's, unless the part is the whole.
        false => object.checksum.clone().filter(|_| parts == 1),
    };
    let checksum = checksum.map(|checksum| Checksum {
        composite: object.checksum.as_ref().is_some_and(|whole| whole.composite),
        ..checksum
    });
    Ok(Section {
        range: whole(start..start.saturating_add(size)),
        parts: Some(parts),
        checksum,
    })
}

/// The head of an answer, ready but for its body.
pub struct Head {
    /// The status and headers.
    pub reply: Reply,
    /// The bytes of the body.
    pub range: Range<u64>,
}

/// Makes the head. `told` is the version's id, when it is to be told.
pub fn head(input: &ReadInput, object: &Object, told: Option<VersionId>, section: Section) -> Head {
    let Section { range, parts, checksum } = section;
    let status = if range.is_some() { 206 } else { 200 };
    let mut reply = described(Reply::empty(status), object, told);
    if let Some(range) = &range {
        let text = format!("bytes {}-{}/{}", range.start, range.end.saturating_sub(1), object.size);
        reply = reply.header(header::CONTENT_RANGE, &text);
    }
    if let Some(parts) = parts {
        reply = answer::with_header(reply, "x-amz-mp-parts-count", &parts.to_string());
    }
    if input.with_checksum {
        reply = answer::with_checksum(reply, checksum.as_ref());
    }
    let stored = [
        (header::CACHE_CONTROL, &object.headers.cache_control),
        (header::CONTENT_DISPOSITION, &object.headers.content_disposition),
        (header::CONTENT_ENCODING, &object.headers.content_encoding),
        (header::CONTENT_LANGUAGE, &object.headers.content_language),
        (header::CONTENT_TYPE, &object.headers.content_type),
        (header::EXPIRES, &object.headers.expires),
    ];
    for (name, value) in stored {
        let replaced = input
            .overrides
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_str());
        let default = (name == header::CONTENT_TYPE).then_some("binary/octet-stream");
        if let Some(value) = replaced.or(value.as_deref()).or(default) {
            reply = reply.header(name, value);
        }
    }
    if !object.tags.is_empty() {
        reply = reply.header(TAGGING_COUNT, &object.tags.len().to_string());
    }
    for (name, value) in &object.metadata {
        reply = answer::with_header(reply, &format!("{}{name}", metadata::PREFIX), value);
    }
    Head {
        reply: locks::with_lock(answer::with_seal(reply, &object.seal), &object.lock),
        range: range.unwrap_or(0..object.size),
    }
}

/// When a rule ends the object, as the header tells it of what a key stands for.
pub async fn expires(
    view: &ReadView<'_>,
    input: &ReadInput,
    bucket: &Bucket,
    object: &Object,
) -> Result<Option<String>, Fault> {
    match input.version {
        Some(_) => Ok(None),
        None => expiry::told(view, (&input.request.bucket, &input.request.key), bucket, object).await,
    }
}

/// What a 304 answers.
pub fn not_modified(object: &Object, told: Option<VersionId>) -> Reply {
    described(Reply::empty(304), object, told)
}

fn described(reply: Reply, object: &Object, told: Option<VersionId>) -> Reply {
    answer::with_version(reply, told)
        .header(header::ETAG, &etag::quoted(&object.etag))
        .header(header::LAST_MODIFIED, &object.modified.http_date())
        .header(header::ACCEPT_RANGES, "bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{request::tests::call, table::Seal};
    use http::Method;
    use wire::AwsError;

    fn object() -> Object {
        Object {
            id: [0; 16],
            size: 10,
            modified: Timestamp::from_secs(1_439_820_091),
            etag: "t".to_owned(),
            seal: Seal::S3 { wrapped: vec![] },
            segments_header: [0; 8],
            place: Place::Row,
            headers: Default::default(),
            metadata: vec![("a".to_owned(), "1".to_owned())],
            checksum: Some(crate::table::Checksum {
                algorithm: "CRC32".to_owned(),
                value: "AAAAAA==".to_owned(),
                composite: false,
            }),
            acl: None,
            tags: Vec::new(),
            lock: Default::default(),
            owner: None,
            grants: None,
        }
    }

    fn input(path: &str, headers: &[(&str, &str)]) -> ReadInput {
        parse(&call(Method::GET, path, headers, b"")).unwrap()
    }

    #[test]
    fn heads_tell_the_object() {
        let section = |input: &ReadInput| match ranged(input, &object()) {
            Ok(Part::Section(section)) => section,
            _ => panic!("nothing is asked that this object does not have"),
        };
        let asked = input("/bkt/k", &[("x-amz-checksum-mode", "ENABLED")]);
        let whole = head(&asked, &object(), None, section(&asked));
        assert_eq!((whole.reply.status, whole.range), (200, 0..10));
        let check = |headers: &http::HeaderMap, name: &str, expected: Option<&str>| {
            assert_eq!(headers.get(name).map(|v| v.to_str().unwrap()), expected, "{name}");
        };
        check(&whole.reply.headers, "etag", Some("\"t\""));
        check(
            &whole.reply.headers,
            "last-modified",
            Some("Mon, 17 Aug 2015 14:01:31 GMT"),
        );
        check(&whole.reply.headers, "content-type", Some("binary/octet-stream"));
        check(&whole.reply.headers, "x-amz-meta-a", Some("1"));
        check(&whole.reply.headers, "x-amz-version-id", None);
        check(&whole.reply.headers, "x-amz-checksum-crc32", Some("AAAAAA=="));
        check(&whole.reply.headers, "x-amz-server-side-encryption", Some("AES256"));
        let asked = input("/bkt/k?response-content-type=text/html", &[("range", "bytes=2-3")]);
        let changed = head(&asked, &object(), Some(VersionId::Null), section(&asked));
        check(&changed.reply.headers, "x-amz-version-id", Some("null"));
        assert_eq!((changed.reply.status, changed.range), (206, 2..4));
        check(&changed.reply.headers, "content-range", Some("bytes 2-3/10"));
        check(&changed.reply.headers, "content-type", Some("text/html"));
        check(&changed.reply.headers, "x-amz-checksum-crc32", None);
    }

    #[test]
    fn parts_follow_conditions_and_range() {
        let check = |headers: &[(&str, &str)], expected: Result<Option<Range<u64>>, &str>| {
            let result = match ranged(&input("/bkt/k", headers), &object()) {
                Ok(Part::Section(section)) => Ok(section.range),
                Ok(Part::NotModified) => Err("304".to_owned()),
                Err(error) => Err(error.code().into_owned()),
            };
            assert_eq!(result, expected.map_err(str::to_owned), "{headers:?}");
        };
        check(&[], Ok(None));
        check(&[("range", "bytes=-4")], Ok(Some(6..10)));
        check(&[("range", "bytes=10-")], Err("InvalidRange"));
        check(&[("if-none-match", "\"t\"")], Err("304"));
        check(&[("if-match", "\"x\"")], Err("PreconditionFailed"));
        check(&[("if-modified-since", "Mon, 17 Aug 2015 14:01:31 GMT")], Err("304"));
        check(
            &[("if-unmodified-since", "Mon, 17 Aug 2015 14:01:30 GMT")],
            Err("PreconditionFailed"),
        );
    }

    #[test]
    fn what_does_not_belong_is_refused() {
        let check = |path: &str, headers: &[(&str, &str)], expected: &str| {
            let error = parse(&call(Method::GET, path, headers, b""))
                .err()
                .map(|e| e.code().into_owned());
            assert_eq!(error.as_deref(), Some(expected), "{path}");
        };
        check("/bkt/k?partNumber=0", &[], "InvalidArgument");
        check("/bkt/k?partNumber=1", &[("range", "bytes=0-1")], "InvalidRequest");
        check("/bkt/k?versionId=abc", &[], "InvalidArgument");
        check(
            "/bkt/k",
            &[("x-amz-server-side-encryption", "AES256")],
            "InvalidArgument",
        );
        check(
            "/bkt/k",
            &[("x-amz-server-side-encryption-customer-algorithm", "AES256")],
            "InvalidArgument",
        );
    }
}
