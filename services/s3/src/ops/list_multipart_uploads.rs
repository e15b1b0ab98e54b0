//! ListMultipartUploads: what was begun in a bucket and neither completed nor aborted.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html>

use crate::{
    S3Error, access, answer,
    model::listing::{Item, Listing},
    ops::{
        listed::{CommonPrefix, Parameters, query},
        multipart::{self, Initiator},
    },
    table::{self, Upload, UploadId},
};
use base::AccountId;
use gateway::{Call, Ctx, Demands, EventClass, Operation, Parse, Render, RenderCtx, Reply, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;
use wire::{ErrorReply, Iso8601Millis, ServiceName};

/// ListMultipartUploads.
pub struct ListMultipartUploads;

/// What is listed.
pub struct Input {
    parameters: Parameters,
    key_marker: Option<String>,
    id_marker: Option<String>,
}

fn parse(call: &Call) -> Result<Input, S3Error> {
    let text = |name| query(call, name).filter(|text| !text.is_empty());
    Ok(Input {
        parameters: Parameters::with_page(call, "max-uploads")?,
        key_marker: text("key-marker"),
        id_marker: text("upload-id-marker"),
    })
}

impl Input {
    /// Without a key, the id that it goes on after is not looked at.
    fn after_id(&self) -> Option<&str> {
        self.key_marker.as_ref().and(self.id_marker.as_deref())
    }
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
            .text("uploads", "")
            .maybe_text("prefix", self.parameters.prefix.as_ref())
            .maybe_text("delimiter", self.parameters.delimiter.as_ref())
            .maybe_text("key-marker", self.key_marker.as_ref())
            .maybe_text("upload-id-marker", self.id_marker.as_ref())
            .maybe_text("max-uploads", self.parameters.max_keys.as_ref())
            .maybe_text("encoding-type", self.parameters.url.then_some("url"))
    }
}

/// A page.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    bucket: String,
    key_marker: String,
    upload_id_marker: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_key_marker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_upload_id_marker: Option<String>,
    prefix: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    delimiter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding_type: Option<&'static str>,
    max_uploads: usize,
    is_truncated: bool,
    upload: Vec<Listed>,
    common_prefixes: Vec<CommonPrefix>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    key: String,
    upload_id: String,
    initiator: Initiator,
    owner: answer::Owner,
    storage_class: &'static str,
    initiated: Iso8601Millis,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum_algorithm: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum_type: Option<&'static str>,
}

impl Listed {
    fn of(key: String, id: UploadId, upload: Upload, owner: AccountId) -> Listed {
        Listed {
            key,
            upload_id: id.to_string(),
            initiator: Initiator::of(&upload),
            owner: answer::Owner::of(owner),
            storage_class: "STANDARD",
            initiated: Iso8601Millis(upload.began),
            checksum_type: upload.chosen.then(|| multipart::kind_name(upload.composite)),
            checksum_algorithm: upload.chosen.then_some(upload.algorithm),
        }
    }
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        answer::document("ListMultipartUploadsResult", &self)
    }
}

impl Operation for ListMultipartUploads {
    const NAME: &'static str = "ListMultipartUploads";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Management { read_only: true };

    type Input = Input;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        let request = &input.parameters.request;
        let found = access::find(ctx, view, request).await?;
        let demand = found
            .on_bucket(ctx, "s3:ListBucketMultipartUploads", request)
            .with_some("s3:prefix", input.parameters.prefix.as_deref())
            .with_some("s3:delimiter", input.parameters.delimiter.as_deref());
        Ok(demand.into())
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Output, S3Error> {
        let parameters = &input.parameters;
        let name = &parameters.request.bucket;
        let owner = access::row(&txn.view(), name).await?.owner;
        let listing: Listing = parameters.listing(input.key_marker.clone());
        let (items, is_truncated) = table::list_uploads(&txn.view(), name, &listing, input.after_id()).await?;
        let (next_key_marker, next_upload_id_marker) = match items.last().filter(|_| is_truncated) {
            None => (None, None),
            Some(Item::Key(key, (id, _))) => (Some(parameters.encoded(key)), Some(id.to_string())),
            Some(Item::Prefix(prefix)) => (Some(parameters.encoded(prefix)), None),
        };
        let (mut upload, mut common_prefixes) = (Vec::new(), Vec::new());
        for item in items {
            match item {
                Item::Key(key, (id, row)) => upload.push(Listed::of(parameters.encoded(&key), id, row, owner)),
                Item::Prefix(prefix) => common_prefixes.push(CommonPrefix::of(parameters.encoded(&prefix))),
            }
        }
        Ok(Output {
            bucket: name.clone(),
            key_marker: parameters.encoded(input.key_marker.as_deref().unwrap_or_default()),
            upload_id_marker: input.after_id().unwrap_or_default().to_owned(),
            next_key_marker,
            next_upload_id_marker,
            prefix: parameters.encoded(&listing.prefix),
            delimiter: listing.delimiter.as_deref().map(|text| parameters.encoded(text)),
            encoding_type: parameters.url.then_some("url"),
            max_uploads: parameters.page,
            is_truncated,
            upload,
            common_prefixes,
        })
    }
}
