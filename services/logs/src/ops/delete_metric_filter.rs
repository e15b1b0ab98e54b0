//! DeleteMetricFilter.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteMetricFilter.html>

use super::shapes::NoOutput;
use crate::{
    LogsError,
    access::{Named, On},
    error::Thing,
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
pub(super) struct DeleteMetricFilter;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Input {
    log_group_name: String,
    filter_name: String,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("logGroupName", &self.log_group_name)
            .text("filterName", &self.filter_name)
    }
}

impl Operation for DeleteMetricFilter {
    const NAME: &'static str = "DeleteMetricFilter";
    const SERVICE: ServiceName = ServiceName::Logs;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<Input>;
    type Output = NoOutput;
    type Error = LogsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, LogsError> {
        let mut violations = Violations::new();
        violations.group("logGroupName", &input.log_group_name);
        violations.stream("filterName", &input.filter_name);
        violations.finish()?;
        let named = Named::here(ctx, &input.log_group_name);
        Ok(named.demand(view, "logs:DeleteMetricFilter", On::Group).await?.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, LogsError> {
        let before = Named::here(ctx, &input.log_group_name).group(&txn.view()).await?;
        let known = table::filter(&txn.view(), &before.id, &input.filter_name).await?;
        known.ok_or(LogsError::NotFound(Thing::MetricFilter))?;
        table::delete_filter(txn, &before.id, &input.filter_name);
        let mut group = before.clone();
        group.metric_filters = before.metric_filters.saturating_sub(1);
        table::put_group(txn, &group, Some(&before));
        Ok(NoOutput)
    }
}
