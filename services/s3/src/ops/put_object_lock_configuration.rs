//! PutObjectLockConfiguration: what protects a bucket's new versions. Recorded as PutBucketObjectLockConfiguration.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLockConfiguration.html>

use crate::{
    S3Error, access,
    model::{
        lock::{BucketLock, DefaultRetention, Period, RetentionMode},
        version::Versioning,
    },
    ops::bucket_call::{self, Done},
    request::{Declared, Request},
    table,
};
use gateway::{Call, Ctx, Demands, EventClass, Operation, Parse, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// PutObjectLockConfiguration.
pub struct PutObjectLockConfiguration;

/// The new configuration.
pub struct Input {
    request: Request,
    lock: BucketLock,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ObjectLockConfiguration {
    object_lock_enabled: Option<String>,
    rule: Option<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Rule {
    default_retention: Option<Default>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Default {
    mode: Option<String>,
    days: Option<i64>,
    years: Option<i64>,
}

impl Default {
    fn retention(&self) -> Result<DefaultRetention, S3Error> {
        let mode = self.mode.as_deref().and_then(RetentionMode::parse);
        let period: (fn(u32) -> Period, i64) = match (self.days, self.years) {
            (Some(days), None) => (Period::Days, days),
            (None, Some(years)) => (Period::Years, years),
            _ => return Err(S3Error::MalformedXml),
        };
        let retention = DefaultRetention {
            mode: mode.ok_or(S3Error::MalformedXml)?,
            period: period.0(u32::try_from(period.1).unwrap_or(if period.1 < 0 { 0 } else { u32::MAX })),
        };
        let refused = |text| Err(S3Error::argument(text, "DefaultRetention", period.1.to_string()));
        match retention.period.fits() {
            true => Ok(retention),
            false if period.1 <= 0 => refused("Default retention period must be a positive integer value."),
            false => refused("Default retention period too large."),
        }
    }
}

fn lock_of(body: &[u8]) -> Result<BucketLock, S3Error> {
    let configuration: ObjectLockConfiguration = wire::xml::parse_as("ObjectLockConfiguration", body)?;
    if configuration.object_lock_enabled.as_deref() != Some("Enabled") {
        return Err(S3Error::MalformedXml);
    }
    let default = match configuration.rule {
        None => None,
        Some(rule) => Some(rule.default_retention.ok_or(S3Error::MalformedXml)?.retention()?),
    };
    Ok(BucketLock { default })
}

fn parse(call: &Call) -> Result<Input, S3Error> {
    let request = Request::of_bucket(call)?;
    Declared::needed(&call.head)?.check(&call.body)?;
    Ok(Input {
        request,
        lock: lock_of(&call.body)?,
    })
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(parse(call)?)
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let rule = self.lock.default.map(|default| {
            let retention = Params::new().text("Mode", default.mode.as_str());
            let retention = match default.period {
                Period::Days(days) => retention.number("Days", days),
                Period::Years(years) => retention.number("Years", years),
            };
            Params::new().object("DefaultRetention", retention)
        });
        let configuration = Params::new()
            .text("ObjectLockEnabled", "Enabled")
            .maybe_object("Rule", rule);
        Params::new()
            .object("ObjectLockConfiguration", configuration)
            .and(self.request.evident())
            .text("object-lock", "")
    }
}

impl Operation for PutObjectLockConfiguration {
    const NAME: &'static str = "PutObjectLockConfiguration";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT_NAME: &'static str = "PutBucketObjectLockConfiguration";
    const EVENT: EventClass = EventClass::Management { read_only: false };

    type Input = Input;
    type Output = Done;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        bucket_call::demand(ctx, view, "s3:PutBucketObjectLockConfiguration", &input.request).await
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Done, S3Error> {
        let name = &input.request.bucket;
        let mut bucket = access::row(&txn.view(), name).await?;
        if bucket.versioning != Versioning::Enabled {
            return Err(S3Error::InvalidBucketState(
                "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
            ));
        }
        bucket.lock = Some(input.lock);
        table::put_bucket(txn, name, &bucket);
        Ok(Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    #[test]
    fn configurations_are_read_whole_or_refused() {
        let check = |inner: &str, expected: Result<Option<(RetentionMode, Period)>, &str>| {
            let body = format!("<ObjectLockConfiguration>{inner}</ObjectLockConfiguration>");
            let result = lock_of(body.as_bytes())
                .map(|lock| lock.default.map(|default| (default.mode, default.period)))
                .map_err(|e| e.code().into_owned());
            assert_eq!(result, expected.map_err(str::to_owned), "{inner}");
        };
        let enabled = "<ObjectLockEnabled>Enabled</ObjectLockEnabled>";
        let rule = |inner: &str| format!("{enabled}<Rule><DefaultRetention>{inner}</DefaultRetention></Rule>");
        let (governance, compliance) = ("<Mode>GOVERNANCE</Mode>", "<Mode>COMPLIANCE</Mode>");
        check(enabled, Ok(None));
        check(
            &rule(&format!("{governance}<Days>1</Days>")),
            Ok(Some((RetentionMode::Governance, Period::Days(1)))),
        );
        check(
            &rule(&format!("{compliance}<Years>100</Years>")),
            Ok(Some((RetentionMode::Compliance, Period::Years(100)))),
        );
        check("", Err("MalformedXML"));
        check("<ObjectLockEnabled>Disabled</ObjectLockEnabled>", Err("MalformedXML"));
        check(&format!("{enabled}<Rule/>"), Err("MalformedXML"));
        check(&rule(""), Err("MalformedXML"));
        check(&rule(governance), Err("MalformedXML"));
        check(&rule("<Mode>STRICT</Mode><Days>1</Days>"), Err("MalformedXML"));
        check(
            &rule(&format!("{governance}<Days>1</Days><Years>1</Years>")),
            Err("MalformedXML"),
        );
        check(&rule(&format!("{governance}<Days>0</Days>")), Err("InvalidArgument"));
        check(&rule(&format!("{governance}<Days>-1</Days>")), Err("InvalidArgument"));
        check(
            &rule(&format!("{governance}<Years>101</Years>")),
            Err("InvalidArgument"),
        );
        check(
            &rule(&format!("{governance}<Days>99999999999</Days>")),
            Err("InvalidArgument"),
        );
    }
}
