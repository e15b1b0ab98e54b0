//! PutRetentionPolicy: events older than so many days are not shown any more, and are deleted.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html>

use super::shapes::NoOutput;
use crate::{
    LogsError,
    access::{self, Named, On},
    model::group::RETENTION_DAYS,
    table,
    violations::Violations,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct PutRetentionPolicy;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Input {
    log_group_name: String,
    retention_in_days: i64,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("logGroupName", &self.log_group_name)
            .number("retentionInDays", self.retention_in_days)
    }
}

impl Input {
    fn days(&self) -> Result<u16, LogsError> {
        let days = RETENTION_DAYS
            .into_iter()
            .find(|days| i64::from(*days) == self.retention_in_days);
        days.ok_or_else(|| {
            let allowed: Vec<String> = RETENTION_DAYS.iter().map(u16::to_string).collect();
            let mut violations = Violations::new();
            let constraint = format!("Member must satisfy enum value set: [{}]", allowed.join(", "));
            violations.value("retentionInDays", self.retention_in_days, &constraint);
            let told = violations.finish();
            told.err()
                .unwrap_or_else(|| LogsError::invalid("Invalid retentionInDays."))
        })
    }
}

impl Operation for PutRetentionPolicy {
    const NAME: &'static str = "PutRetentionPolicy";
    const SERVICE: ServiceName = ServiceName::Logs;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<Input>;
    type Output = NoOutput;
    type Error = LogsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, LogsError> {
        access::check_group_name(&input.log_group_name)?;
        input.days()?;
        let named = Named::here(ctx, &input.log_group_name);
        Ok(named.demand(view, "logs:PutRetentionPolicy", On::Group).await?.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, LogsError> {
        let group = Named::here(ctx, &input.log_group_name).group(&txn.view()).await?;
        let mut after = group.clone();
        after.retention_days = Some(input.days()?);
        after.retention_due = Some(ctx.now());
        table::put_group(txn, &after, Some(&group));
        Ok(NoOutput)
    }
}
