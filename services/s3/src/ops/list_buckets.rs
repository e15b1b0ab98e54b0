//! ListBuckets.

use crate::{S3Error, access, answer, request::Request, table};
use base::{AccountId, Region};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use gateway::{Call, Ctx, Demand, Demands, EventClass, Operation, Parse, Render, RenderCtx, Reply, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;
use wire::{ErrorReply, Iso8601Millis, ServiceName};

/// The most buckets of a page.
const BUCKETS_MAX: usize = 10_000;
/// How many names are read at once.
const NAMES_AT_ONCE: usize = 1_000;

/// ListBuckets.
pub struct ListBuckets;

/// Which of the caller's buckets.
pub struct Input {
    request: Request,
    prefix: Option<String>,
    region: Option<String>,
    after: Option<String>,
    max: usize,
}

fn parse(call: &Call) -> Result<Input, S3Error> {
    let query = |name| call.head.query_value(name).map(|value| value.into_owned());
    let max = match query("max-buckets") {
        None => BUCKETS_MAX,
        Some(text) => text
            .parse()
            .ok()
            .filter(|max| (1..=BUCKETS_MAX).contains(max))
            .ok_or_else(|| {
                S3Error::argument(
                    "Argument max-buckets must be an integer between 1 and 10000",
                    "max-buckets",
                    text,
                )
            })?,
    };
    let after = match query("continuation-token") {
        None => None,
        Some(token) => {
            let name = URL_SAFE_NO_PAD
                .decode(&token)
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok());
            let wrong = || {
                S3Error::argument(
                    "The continuation token provided is incorrect",
                    "continuation-token",
                    token,
                )
            };
            Some(name.ok_or_else(wrong)?)
        }
    };
    Ok(Input {
        request: Request::of(call),
        prefix: query("prefix"),
        region: query("bucket-region"),
        after,
        max,
    })
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(parse(call)?)
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        self.request
            .evident()
            .maybe_text("prefix", self.prefix.as_ref())
            .maybe_text("bucket-region", self.region.as_ref())
    }
}

/// A page of buckets.
pub struct Output {
    owner: AccountId,
    prefix: Option<String>,
    buckets: Vec<Bucket>,
    next: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Bucket {
    bucket_region: Region,
    creation_date: Iso8601Millis,
    name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    owner: answer::Owner,
    buckets: Buckets,
    #[serde(skip_serializing_if = "Option::is_none")]
    continuation_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Buckets {
    bucket: Vec<Bucket>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        let document = Document {
            owner: answer::Owner::of(self.owner),
            buckets: Buckets { bucket: self.buckets },
            continuation_token: self.next.map(|name| URL_SAFE_NO_PAD.encode(name)),
            prefix: self.prefix,
        };
        answer::document("ListAllMyBucketsResult", &document)
    }
}

impl Operation for ListBuckets {
    const NAME: &'static str = "ListBuckets";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Management { read_only: true };

    type Input = Input;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, _: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        access::note(ctx, &input.request, (0, 0), Params::new());
        let demand = Demand::on("s3:ListAllMyBuckets", base::arn::any());
        Ok(access::conditions(ctx, demand, &input.request).into())
    }

    async fn run(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Output, S3Error> {
        let view = txn.view();
        let prefix = input.prefix.as_deref().unwrap_or_default();
        let (mut buckets, mut after, mut next) = (Vec::new(), input.after.clone(), None);
        'read: loop {
            let names = table::buckets_of(&view, ctx.account, prefix, after.as_deref(), NAMES_AT_ONCE).await?;
            let complete = names.len() < NAMES_AT_ONCE;
            for name in names {
                if let Some(bucket) = table::bucket(&view, &name).await?
                    && input
                        .region
                        .as_deref()
                        .is_none_or(|region| region == bucket.region.as_str())
                {
                    if buckets.len() == input.max {
                        next = after;
                        break 'read;
                    }
                    buckets.push(Bucket {
                        bucket_region: bucket.region,
                        creation_date: Iso8601Millis(bucket.created),
                        name: name.clone(),
                    });
                }
                after = Some(name);
            }
            if complete {
                break;
            }
        }
        Ok(Output {
            owner: ctx.account,
            prefix: input.prefix.clone(),
            buckets,
            next,
        })
    }
}
