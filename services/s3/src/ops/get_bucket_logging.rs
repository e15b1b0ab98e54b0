//! GetBucketLogging: of a bucket that does not log, an empty document.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLogging.html>

use crate::{
    S3Error, access, answer,
    model::access_log::{KeyFormat, Logging},
    ops::bucket_call::{self, BucketCall, LOGGING},
};
use gateway::{Ctx, Demands, EventClass, Operation, Render, RenderCtx, Reply, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;
use wire::ServiceName;

/// GetBucketLogging.
pub struct GetBucketLogging;

/// Where the logs go.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    #[serde(skip_serializing_if = "Option::is_none")]
    logging_enabled: Option<LoggingEnabled>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct LoggingEnabled {
    target_bucket: String,
    target_prefix: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_object_key_format: Option<Format>,
}

#[derive(Serialize)]
enum Format {
    SimplePrefix(Empty),
    PartitionedPrefix(Partitioned),
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Partitioned {
    partition_date_source: &'static str,
}

impl Output {
    fn of(logging: Option<Logging>) -> Output {
        let by = |partition_date_source| Format::PartitionedPrefix(Partitioned { partition_date_source });
        Output {
            logging_enabled: logging.map(|logging| LoggingEnabled {
                target_bucket: logging.target_bucket,
                target_prefix: logging.target_prefix,
                target_object_key_format: match logging.key_format {
                    KeyFormat::Unsaid => None,
                    KeyFormat::Simple => Some(Format::SimplePrefix(Empty {})),
                    KeyFormat::PartitionedByEventTime => Some(by("EventTime")),
                    KeyFormat::PartitionedByDeliveryTime => Some(by("DeliveryTime")),
                },
            }),
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
        answer::document("BucketLoggingStatus", &self)
    }
}

impl Operation for GetBucketLogging {
    const NAME: &'static str = "GetBucketLogging";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Management { read_only: true };

    type Input = BucketCall<LOGGING>;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, S3Error> {
        bucket_call::demand(ctx, view, "s3:GetBucketLogging", &input.request).await
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Self::Input>, _: &Staged) -> Result<Output, S3Error> {
        let bucket = access::row(&txn.view(), &input.request.bucket).await?;
        Ok(Output::of(bucket.logging))
    }
}
