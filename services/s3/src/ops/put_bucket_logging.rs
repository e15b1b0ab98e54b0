//! PutBucketLogging: where the access logs of a bucket go; an empty document ends them.
//!
//! The target's policy is not looked at: whether it lets `logging.s3.amazonaws.com` in shows when logs are delivered.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLogging.html>

use crate::{
    S3Error, access,
    access_logs::AccessLogs,
    model::access_log::{KeyFormat, Logging},
    ops::bucket_call::{self, Done},
    request::{Declared, Request},
    table::{self, Bucket},
};
use gateway::{Call, Ctx, Demands, EventClass, Operation, Parse, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, de::IgnoredAny};
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// PutBucketLogging.
pub struct PutBucketLogging;

/// What is asked for.
pub struct Input {
    request: Request,
    logging: Option<Logging>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BucketLoggingStatus {
    logging_enabled: Option<LoggingEnabled>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LoggingEnabled {
    target_bucket: String,
    target_prefix: Option<String>,
    target_grants: Option<IgnoredAny>,
    target_object_key_format: Option<TargetObjectKeyFormat>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TargetObjectKeyFormat {
    simple_prefix: Option<IgnoredAny>,
    partitioned_prefix: Option<PartitionedPrefix>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PartitionedPrefix {
    partition_date_source: Option<String>,
}

fn logging_of(body: &[u8]) -> Result<Option<Logging>, S3Error> {
    let status: BucketLoggingStatus = wire::xml::parse_as("BucketLoggingStatus", body)?;
    let Some(enabled) = status.logging_enabled else {
        return Ok(None);
    };
    if enabled.target_grants.is_some() {
        return Err(S3Error::NotImplemented("TargetGrants".into()));
    }
    Ok(Some(Logging {
        target_bucket: enabled.target_bucket,
        target_prefix: enabled.target_prefix.ok_or(S3Error::MalformedXml)?,
        key_format: enabled
            .target_object_key_format
            .map_or(Ok(KeyFormat::Unsaid), format_of)?,
    }))
}

fn format_of(format: TargetObjectKeyFormat) -> Result<KeyFormat, S3Error> {
    let source = |prefix: PartitionedPrefix| prefix.partition_date_source;
    match (format.simple_prefix, format.partitioned_prefix.map(source)) {
        (Some(_), None) => Ok(KeyFormat::Simple),
        (None, Some(None)) => Ok(KeyFormat::PartitionedByDeliveryTime),
        (None, Some(Some(source))) if source == "EventTime" => Ok(KeyFormat::PartitionedByEventTime),
        (None, Some(Some(source))) if source == "DeliveryTime" => Ok(KeyFormat::PartitionedByDeliveryTime),
        _ => Err(S3Error::MalformedXml),
    }
}

fn parse(call: &Call) -> Result<Input, S3Error> {
    let request = Request::of_bucket(call)?;
    Declared::of(&call.head)?.check(&call.body)?;
    Ok(Input {
        request,
        logging: logging_of(&call.body)?,
    })
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(parse(call)?)
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let enabled = self.logging.as_ref().map(|logging| {
            Params::new()
                .text("TargetBucket", &logging.target_bucket)
                .text("TargetPrefix", &logging.target_prefix)
        });
        Params::new()
            .object(
                "BucketLoggingStatus",
                Params::new().maybe_object("LoggingEnabled", enabled),
            )
            .and(self.request.evident())
            .text("logging", "")
    }
}

/// Logs go to a bucket of the same account and Region.
fn allow_target(bucket: &Bucket, target: Option<&Bucket>) -> Result<(), S3Error> {
    let invalid = |text| Err(S3Error::InvalidTargetBucketForLogging(text));
    match target {
        None => invalid("The target bucket for logging does not exist"),
        Some(target) if target.owner != bucket.owner => {
            invalid("The owner for the bucket to be logged and the target bucket must be the same.")
        }
        Some(target) if target.region != bucket.region => Err(S3Error::CrossLocationLoggingProhibited),
        Some(target) if target.lock.is_some_and(|lock| lock.default.is_some()) => {
            invalid("The target bucket for logging must not have a default retention period.")
        }
        Some(_) => Ok(()),
    }
}

impl Operation for PutBucketLogging {
    const NAME: &'static str = "PutBucketLogging";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    const MISSING: &'static str = "TargetGrants";

    type Input = Input;
    type Output = Done;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        bucket_call::demand(ctx, view, "s3:PutBucketLogging", &input.request).await
    }

    async fn run(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Done, S3Error> {
        let name = &input.request.bucket;
        let mut bucket = access::row(&txn.view(), name).await?;
        if let Some(logging) = &input.logging {
            let target = table::bucket(&txn.view(), &logging.target_bucket).await?;
            allow_target(&bucket, target.as_ref())?;
            // Harmless if this attempt fails: then calls are looked at for nothing.
            ctx.world().kept::<AccessLogs>().begin();
        }
        bucket.logging = input.logging.clone();
        table::put_bucket(txn, name, &bucket);
        Ok(Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    #[test]
    fn statuses_are_read_whole_or_refused() {
        let check = |inner: &str, expected: Result<Option<KeyFormat>, &str>| {
            let body = format!("<BucketLoggingStatus>{inner}</BucketLoggingStatus>");
            let result = logging_of(body.as_bytes())
                .map(|logging| logging.map(|logging| logging.key_format))
                .map_err(|e| e.code().into_owned());
            assert_eq!(result, expected.map_err(str::to_owned), "{inner}");
        };
        let enabled = |more: &str| {
            format!("<LoggingEnabled><TargetBucket>logs</TargetBucket><TargetPrefix/>{more}</LoggingEnabled>")
        };
        let format = |inner: &str| enabled(&format!("<TargetObjectKeyFormat>{inner}</TargetObjectKeyFormat>"));
        check("", Ok(None));
        check(&enabled(""), Ok(Some(KeyFormat::Unsaid)));
        check(&format("<SimplePrefix/>"), Ok(Some(KeyFormat::Simple)));
        check(
            &format("<PartitionedPrefix><PartitionDateSource>EventTime</PartitionDateSource></PartitionedPrefix>"),
            Ok(Some(KeyFormat::PartitionedByEventTime)),
        );
        check(
            &format("<PartitionedPrefix/>"),
            Ok(Some(KeyFormat::PartitionedByDeliveryTime)),
        );
        check(&format(""), Err("MalformedXML"));
        check(&enabled("<TargetGrants/>"), Err("NotImplemented"));
        check(
            "<LoggingEnabled><TargetBucket>logs</TargetBucket></LoggingEnabled>",
            Err("MalformedXML"),
        );
    }
}
