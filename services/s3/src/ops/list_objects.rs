//! ListObjects, the first version.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html>

use crate::{
    S3Error, access, answer,
    ops::listed::{self, CommonPrefix, Contents, Parameters},
    table,
};
use gateway::{Call, Ctx, Demands, EventClass, Operation, Parse, Render, RenderCtx, Reply, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// ListObjects.
pub struct ListObjects;

/// What is listed.
pub struct Input {
    parameters: Parameters,
    marker: Option<String>,
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(Input {
            parameters: Parameters::of(call)?,
            marker: listed::query(call, "marker"),
        })
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        self.parameters
            .request
            .evident()
            .maybe_text("prefix", self.parameters.prefix.as_ref())
            .maybe_text("delimiter", self.parameters.delimiter.as_ref())
            .maybe_text("marker", self.marker.as_ref())
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
    marker: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
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

impl Operation for ListObjects {
    const NAME: &'static str = "ListObjects";
    const SERVICE: ServiceName = ServiceName::S3;
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
        let listing = parameters.listing(input.marker.clone());
        let (items, is_truncated) = table::list(&txn.view(), name, &listing).await?;
        // Without a delimiter the client goes on from the last key.
        let next_marker = match (is_truncated && listing.delimiter.is_some(), items.last()) {
            (true, Some(last)) => Some(parameters.encoded(last.name())),
            _ => None,
        };
        let (contents, common_prefixes) = parameters.split(items, Some(bucket.owner));
        Ok(Output {
            name: name.clone(),
            prefix: parameters.encoded(&listing.prefix),
            marker: parameters.encoded(input.marker.as_deref().unwrap_or_default()),
            next_marker,
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
