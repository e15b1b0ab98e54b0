//! DeleteObjects: up to a thousand in one commit, each decided and recorded as a DeleteObject of its own.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html>

use crate::{
    S3Error, access, answer,
    model::key,
    ops::delete_object::{self, DeleteObject},
    request::{Declared, Request},
};
use gateway::{
    BodyUse, Call, Ctx, Demands, EventClass, Operation, Parse, Render, RenderCtx, Reply, Staged, Txn, pipeline::part,
};
use policy::{Authorized, Exemption};
use record::{Evident, Params};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// The most keys of one call.
const KEYS_MAX: usize = 1000;

/// DeleteObjects.
pub struct DeleteObjects;

/// Which objects.
pub struct Input {
    request: Request,
    keys: Vec<String>,
    quiet: bool,
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
    etag: Option<IgnoredAny>,
    last_modified_time: Option<IgnoredAny>,
    size: Option<IgnoredAny>,
}

impl ObjectIdentifier {
    fn into_key(self) -> Result<String, S3Error> {
        let unbuilt = [
            ("VersionId", self.version_id.is_some_and(|version| version != "null")),
            ("ETag", self.etag.is_some()),
            ("LastModifiedTime", self.last_modified_time.is_some()),
            ("Size", self.size.is_some()),
        ];
        if let Some((name, _)) = unbuilt.iter().find(|(_, there)| *there) {
            return Err(S3Error::NotImplemented((*name).into()));
        }
        match (self.key.is_empty(), key::fits(&self.key)) {
            (true, _) => Err(S3Error::MalformedXml),
            (_, false) => Err(S3Error::KeyTooLong { size: self.key.len() }),
            _ => Ok(self.key),
        }
    }
}

fn parse(call: &Call) -> Result<Input, S3Error> {
    let request = Request::of_bucket(call)?;
    let declared = Declared::of(&call.head)?;
    if declared == Declared::default() {
        let text = "Missing required header for this request: Content-MD5 OR x-amz-checksum-*";
        return Err(S3Error::InvalidRequest(text.into()));
    }
    declared.check(&call.body)?;
    let delete: Delete = wire::xml::parse_as("Delete", &call.body)?;
    if delete.object.is_empty() || delete.object.len() > KEYS_MAX {
        return Err(S3Error::MalformedXml);
    }
    let keys = delete
        .object
        .into_iter()
        .map(ObjectIdentifier::into_key)
        .collect::<Result<_, _>>()?;
    Ok(Input {
        request,
        keys,
        quiet: delete.quiet,
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
    code: String,
    message: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Deleted {
    key: String,
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
        let (mut deleted, mut error) = (Vec::new(), Vec::new());
        for key in &input.keys {
            let one = delete_object::Input::one_of(input.request.on_key(key));
            match part::<DeleteObject>(ctx, txn, one).await {
                Ok(_) if input.quiet => {}
                Ok(_) => deleted.push(Deleted { key: key.clone() }),
                Err(refusal) => {
                    error.push(Refused {
                        key: key.clone(),
                        code: refusal.code,
                        message: refusal.message,
                    });
                }
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
        let check = |objects: &str, expected: Result<Vec<&str>, &str>| {
            let body = format!("<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{objects}</Delete>");
            let checksum = ChecksumAlgorithm::Crc32.of(body.as_bytes());
            let call = call(
                Method::POST,
                "/bkt?delete",
                &[("x-amz-checksum-crc32", &checksum)],
                body.as_bytes(),
            );
            let result = parse(&call)
                .map(|input| input.keys)
                .map_err(|e| wire::AwsError::code(&e).into_owned());
            let expected = expected
                .map(|keys| keys.into_iter().map(str::to_owned).collect())
                .map_err(str::to_owned);
            assert_eq!(result, expected, "{objects}");
        };
        check(
            "<Object><Key>a</Key></Object><Object><Key>b c</Key></Object>",
            Ok(vec!["a", "b c"]),
        );
        check(
            "<Object><Key>a</Key><VersionId>null</VersionId></Object>",
            Ok(vec!["a"]),
        );
        check(
            "<Object><Key>a</Key><VersionId>3</VersionId></Object>",
            Err("NotImplemented"),
        );
        check("", Err("MalformedXML"));
        check("<Object><Key/></Object>", Err("MalformedXML"));
        let unchecked = call(Method::POST, "/bkt?delete", &[], b"<Delete/>");
        assert!(matches!(parse(&unchecked), Err(S3Error::InvalidRequest(_))));
    }
}
