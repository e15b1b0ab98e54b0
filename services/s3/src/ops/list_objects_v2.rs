//! ListObjectsV2. Recorded as ListObjects, as AWS does.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>

use crate::{
    S3Error, access, answer,
    ops::listed::{self, CommonPrefix, Contents, Parameters},
    table,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use gateway::{Call, Ctx, Demands, EventClass, Operation, Parse, Render, RenderCtx, Reply, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// ListObjectsV2.
pub struct ListObjectsV2;

/// What is listed.
pub struct Input {
    parameters: Parameters,
    start_after: Option<String>,
    /// As sent.
    token: Option<String>,
    /// The item that the token stands for.
    after: Option<String>,
    fetch_owner: bool,
}

fn parse(call: &Call) -> Result<Input, S3Error> {
    let token = listed::query(call, "continuation-token");
    let after = match &token {
        None => None,
        Some(token) => {
            let wrong = || {
                S3Error::argument(
                    "The continuation token provided is incorrect",
                    "continuation-token",
                    token,
                )
            };
            Some(item_of(token).ok_or_else(wrong)?)
        }
    };
    Ok(Input {
        parameters: Parameters::of(call)?,
        start_after: listed::query(call, "start-after"),
        token,
        after,
        fetch_owner: listed::query(call, "fetch-owner").as_deref() == Some("true"),
    })
}

/// A token is the last item of the page before it, behind a version so that its form can change.
fn token_of(item: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("1{item}"))
}

fn item_of(token: &str) -> Option<String> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    text.strip_prefix('1')
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(parse(call)?)
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        self.parameters
            .request
            .evident()
            .text("list-type", "2")
            .maybe_text("prefix", self.parameters.prefix.as_ref())
            .maybe_text("delimiter", self.parameters.delimiter.as_ref())
            .maybe_text("start-after", self.start_after.as_ref())
            .maybe_text("max-keys", self.parameters.max_keys.as_ref())
            .maybe_text("encoding-type", self.parameters.url.then_some("url"))
    }
}

/// A page.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    name: String,
    prefix: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    continuation_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_continuation_token: Option<String>,
    key_count: usize,
    max_keys: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    delimiter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding_type: Option<&'static str>,
    is_truncated: bool,
    contents: Vec<Contents>,
    common_prefixes: Vec<CommonPrefix>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        answer::document("ListBucketResult", &self)
    }
}

impl Operation for ListObjectsV2 {
    const NAME: &'static str = "ListObjectsV2";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT_NAME: &'static str = "ListObjects";
    const EVENT: EventClass = EventClass::Data {
        resource_type: access::OBJECT,
        read_only: true,
    };

    type Input = Input;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        input.parameters.demands(ctx, view, "s3:ListBucket").await
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Output, S3Error> {
        let parameters = &input.parameters;
        let name = &parameters.request.bucket;
        let bucket = access::row(&txn.view(), name).await?;
        let listing = parameters.listing(input.after.clone().or_else(|| input.start_after.clone()));
        let (items, is_truncated) = table::list(&txn.view(), name, &listing).await?;
        let next = items.last().filter(|_| is_truncated).map(|last| token_of(last.name()));
        let key_count = items.len();
        let (contents, common_prefixes) = parameters.split(items, input.fetch_owner.then_some(bucket.owner));
        Ok(Output {
            name: name.clone(),
            prefix: parameters.encoded(&listing.prefix),
            start_after: input.start_after.as_deref().map(|after| parameters.encoded(after)),
            continuation_token: input.token.clone(),
            next_continuation_token: next,
            key_count,
            max_keys: parameters.page,
            delimiter: listing
                .delimiter
                .as_deref()
                .map(|delimiter| parameters.encoded(delimiter)),
            encoding_type: parameters.url.then_some("url"),
            is_truncated,
            contents,
            common_prefixes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_round_trip() {
        for item in ["a", "a/b c", "é/\u{1}"] {
            assert_eq!(item_of(&token_of(item)).as_deref(), Some(item));
        }
        for wrong in ["", "!", "MQ", "Mg"] {
            assert_eq!(item_of(wrong), None, "{wrong}");
        }
    }
}
