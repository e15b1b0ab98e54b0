//! PutObjectRetention: until when a version stays.
//!
//! A retention in force is made longer by whoever may put one; governance is changed and ended by who bypasses it;
//! compliance by nobody.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectRetention.html>

use crate::{
    S3Error, access, locks,
    model::lock::{Retention, RetentionMode},
    ops::{
        bucket_call::Done,
        lock_call::{LockCall, RETENTION, SUBRESOURCES},
    },
    request::Declared,
    table, versions,
};
use base::Timestamp;
use gateway::{Call, Ctx, Demands, EventClass, Operation, Parse, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// PutObjectRetention.
pub struct PutObjectRetention;

/// The new retention, and of what.
pub struct Input {
    call: LockCall,
    /// `None` ends it.
    retention: Option<Retention>,
    bypass: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename = "Retention", rename_all = "PascalCase")]
struct RetentionDocument {
    mode: Option<String>,
    retain_until_date: Option<String>,
}

fn retention_of(body: &[u8]) -> Result<Option<Retention>, S3Error> {
    let document: RetentionDocument = wire::xml::parse_as("Retention", body)?;
    match (document.mode, document.retain_until_date) {
        (None, None) => Ok(None),
        (Some(mode), Some(until)) => Ok(Some(Retention {
            mode: RetentionMode::parse(&mode).ok_or(S3Error::MalformedXml)?,
            until: Timestamp::parse(until.trim()).ok_or(S3Error::MalformedXml)?,
        })),
        _ => Err(S3Error::MalformedXml),
    }
}

fn parse(call: &Call) -> Result<Input, S3Error> {
    Declared::needed(&call.head)?.check(&call.body)?;
    Ok(Input {
        call: LockCall::of(call)?,
        retention: retention_of(&call.body)?,
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
        let subresource = SUBRESOURCES.get(RETENTION).copied().unwrap_or_default();
        let retention = Params::new()
            .maybe_text("Mode", self.retention.map(|retention| retention.mode.as_str()))
            .maybe_text(
                "RetainUntilDate",
                self.retention.map(|retention| retention.until.iso8601()),
            );
        let bypass = self.bypass.map(|bypass| bypass.to_string());
        Params::new()
            .object("Retention", retention)
            .and(self.call.evident(subresource))
            .maybe_text("x-amz-bypass-governance-retention", bypass)
    }
}

impl Operation for PutObjectRetention {
    const NAME: &'static str = "PutObjectRetention";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Data {
        resource_type: access::OBJECT,
        read_only: false,
    };

    type Input = Input;
    type Output = Done;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        let call = &input.call;
        let found = access::find(ctx, view, &call.request).await?;
        let on = |action| locks::with_retention(call.demand(ctx, &found, action), input.retention, ctx.now());
        let mut demands = vec![on("s3:PutObjectRetention")];
        let is_governed = match versions::find(view, &call.request, call.version.as_ref()).await {
            Ok(version) => version
                .object()
                .is_some_and(|object| object.lock.needs_bypass(ctx.now())),
            Err(S3Error::Fault(fault)) => return Err(fault.into()),
            // What is not there is said after the right is decided.
            Err(_) => false,
        };
        if input.bypass == Some(true) && is_governed {
            demands.push(on("s3:BypassGovernanceRetention"));
        }
        Ok(found.demands(ctx, &call.request, demands))
    }

    async fn run(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Done, S3Error> {
        let mut chosen = input.call.chosen(&txn.view(), "PUT").await?;
        if let Some(retention) = input.retention {
            locks::must_be_ahead(retention, ctx.now())?;
        }
        let lock = &mut chosen.object.lock;
        if !lock.allows_retention(input.retention, ctx.now(), input.bypass.unwrap_or(false)) {
            return Err(locks::is_protected());
        }
        lock.retention = input.retention;
        let at = (input.call.request.bucket.as_str(), input.call.request.key.as_str());
        table::update_version(txn, at, &chosen.into_version()).await?;
        Ok(Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_whole_or_empty() {
        let check = |inner: &str, expected: Option<Option<RetentionMode>>| {
            let body = format!("<Retention>{inner}</Retention>");
            let retention = retention_of(body.as_bytes()).ok();
            assert_eq!(
                retention.map(|retention| retention.map(|one| one.mode)),
                expected,
                "{inner}"
            );
        };
        let until = "<RetainUntilDate>2030-01-01T00:00:00.000Z</RetainUntilDate>";
        check(
            &format!("<Mode>COMPLIANCE</Mode>{until}"),
            Some(Some(RetentionMode::Compliance)),
        );
        check("", Some(None));
        check(until, None);
        check("<Mode>GOVERNANCE</Mode>", None);
        check(&format!("<Mode>STRICT</Mode>{until}"), None);
        check("<Mode>GOVERNANCE</Mode><RetainUntilDate>soon</RetainUntilDate>", None);
    }
}
