//! DeleteObjects: up to a thousand in one commit, each decided and recorded as a DeleteObject of its own.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html>

use crate::{
    S3Error, access, answer, locks,
    model::{key, version::VersionId},
    ops::delete_object::{self, DeleteObject},
    request::{self, Declared, Request},
};
use gateway::{
    BodyUse, Call, Ctx, Demands, EventClass, Operation, Parse, Render, RenderCtx, Reply, Staged, Txn, pipeline::part,
};
use policy::{Authorized, Exemption};
use record::{Evident, Params};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use store::ReadView;
use wire::{AwsError, ErrorReply, ServiceName};

/// The most keys of one call.
const KEYS_MAX: usize = 1000;

/// DeleteObjects.
pub struct DeleteObjects;

/// Which objects.
pub struct Input {
    request: Request,
    items: Vec<Item>,
    quiet: bool,
    bypass: Option<bool>,
}

/// One of them.
#[derive(Debug, PartialEq)]
struct Item {
    key: String,
    /// As sent.
    version: Option<String>,
    /// What the current version's tag must be.
    if_match: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Delete {
    #[serde(default)]
    object: Vec<ObjectIdentifier>,
    #[serde(default)]
    quiet: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ObjectIdentifier {
    key: String,
    version_id: Option<String>,
    #[serde(rename = "ETag")]
    etag: Option<String>,
    last_modified_time: Option<IgnoredAny>,
    size: Option<IgnoredAny>,
}

impl ObjectIdentifier {
    fn into_item(self) -> Result<Item, S3Error> {
        // Conditions that AWS takes for directory buckets only.
        let unbuilt = [
            ("LastModifiedTime", self.last_modified_time.is_some()),
            ("Size", self.size.is_some()),
        ];
        if let Some((name, _)) = unbuilt.iter().find(|(_, there)| *there) {
            return Err(S3Error::NotImplemented((*name).into()));
        }
        match (self.key.is_empty(), key::fits(&self.key)) {
            (true, _) => Err(S3Error::MalformedXml),
            (_, false) => Err(S3Error::KeyTooLong { size: self.key.len() }),
            _ => Ok(Item {
                key: self.key,
                version: self.version_id.filter(|version| !version.is_empty()),
                if_match: self.etag,
            }),
        }
    }
}

fn parse(call: &Call) -> Result<Input, S3Error> {
    let request = Request::of_bucket(call)?;
    request::refuse_headers(call, &["x-amz-mfa"])?;
    Declared::needed(&call.head)?.check(&call.body)?;
    let delete: Delete = wire::xml::parse_as("Delete", &call.body)?;
    if delete.object.is_empty() || delete.object.len() > KEYS_MAX {
        return Err(S3Error::MalformedXml);
    }
    let items = delete
        .object
        .into_iter()
        .map(ObjectIdentifier::into_item)
        .collect::<Result<_, _>>()?;
    Ok(Input {
        request,
        items,
        quiet: delete.quiet,
        bypass: locks::bypass(call),
    })
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(parse(call)?)
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        self.request.evident().text("delete", "")
    }
}

/// What is gone now (nothing when the caller wants quiet), and what was refused.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    deleted: Vec<Deleted>,
    error: Vec<Refused>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Refused {
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
    code: String,
    message: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Deleted {
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delete_marker: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delete_marker_version_id: Option<String>,
}

impl Deleted {
    fn of(item: &Item, output: &delete_object::Output) -> Deleted {
        let marker = output.version.filter(|_| output.is_marker);
        Deleted {
            key: item.key.clone(),
            version_id: item.version.clone(),
            delete_marker: output.is_marker.then_some(true),
            delete_marker_version_id: marker.map(|id| id.to_string()),
        }
    }
}

/// Deletes one; what is refused is told in the answer.
async fn one(ctx: &Ctx, txn: &mut Txn, input: &Input, item: &Item) -> Result<Deleted, (String, String)> {
    let unknown = |error: S3Error| (error.code().into_owned(), error.message());
    let version = match &item.version {
        None => None,
        // A version that cannot be is one that is not.
        Some(text) => Some(VersionId::parse(text).ok_or_else(|| {
            unknown(S3Error::NoSuchVersion {
                key: item.key.clone(),
                version: text.clone(),
            })
        })?),
    };
    let one = delete_object::Input::one_of(
        input.request.on_key(&item.key),
        version,
        item.if_match.clone(),
        input.bypass,
    );
    match part::<DeleteObject>(ctx, txn, one).await {
        Ok(output) => Ok(Deleted::of(item, &output)),
        Err(refusal) => Err((refusal.code, refusal.message)),
    }
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        answer::document("DeleteResult", &self)
    }
}

impl Operation for DeleteObjects {
    const NAME: &'static str = "DeleteObjects";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Data {
        resource_type: access::OBJECT,
        read_only: false,
    };
    const MISSING: &'static str = "MFA delete";
    const BODY: BodyUse = BodyUse::Whole {
        bytes_max: wire::xml::BODY_BYTES_MAX,
    };

    type Input = Input;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        let found = access::find(ctx, view, &input.request).await?;
        ctx.notes().owners.push(found.bucket.owner);
        found.demands(ctx, &input.request, Vec::new());
        Ok(Demands::Exempt(Exemption::DecidedPerItem))
    }

    async fn run(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Output, S3Error> {
        let bucket = access::row(&txn.view(), &input.request.bucket).await?;
        locks::bypass_in(input.bypass, &bucket)?;
        let (mut deleted, mut error) = (Vec::new(), Vec::new());
        for item in &input.items {
            match one(ctx, txn, input, item).await {
                Ok(_) if input.quiet => {}
                Ok(done) => deleted.push(done),
                Err((code, message)) => error.push(Refused {
                    key: item.key.clone(),
                    version_id: item.version.clone(),
                    code,
                    message,
                }),
            }
        }
        Ok(Output { deleted, error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::call;
    use http::Method;
    use sigv4::checksum::ChecksumAlgorithm;

    #[test]
    fn documents_are_read_whole_or_refused() {
        type Asked<'a> = (&'a str, Option<&'a str>, Option<&'a str>);
        let check = |objects: &str, expected: Result<Vec<Asked<'_>>, &str>| {
            let body = format!("<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{objects}</Delete>");
            let checksum = ChecksumAlgorithm::Crc32.of(body.as_bytes());
            let call = call(
                Method::POST,
                "/bkt?delete",
                &[("x-amz-checksum-crc32", &checksum)],
                body.as_bytes(),
            );
            let result = parse(&call)
                .map(|input| input.items)
                .map_err(|e| wire::AwsError::code(&e).into_owned());
            let expected = expected
                .map(|items| {
                    let item = |(key, version, if_match): (&str, Option<&str>, Option<&str>)| Item {
                        key: key.to_owned(),
                        version: version.map(str::to_owned),
                        if_match: if_match.map(str::to_owned),
                    };
                    items.into_iter().map(item).collect::<Vec<_>>()
                })
                .map_err(str::to_owned);
            assert_eq!(result, expected, "{objects}");
        };
        check(
            "<Object><Key>a</Key></Object><Object><Key>b c</Key></Object>",
            Ok(vec![("a", None, None), ("b c", None, None)]),
        );
        check(
            "<Object><Key>a</Key><VersionId>null</VersionId><ETag>*</ETag></Object>",
            Ok(vec![("a", Some("null"), Some("*"))]),
        );
        check("<Object><Key>a</Key><Size>3</Size></Object>", Err("NotImplemented"));
        check("", Err("MalformedXML"));
        check("<Object><Key/></Object>", Err("MalformedXML"));
        let unchecked = call(Method::POST, "/bkt?delete", &[], b"<Delete/>");
        assert!(matches!(parse(&unchecked), Err(S3Error::InvalidRequest(_))));
    }
}
