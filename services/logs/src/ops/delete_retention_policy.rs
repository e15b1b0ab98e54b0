//! DeleteRetentionPolicy: events are kept for ever.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteRetentionPolicy.html>

use super::shapes::{GroupInput, NoOutput};
use crate::{
    LogsError,
    access::{self, Named, On},
    table,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct DeleteRetentionPolicy;

impl Operation for DeleteRetentionPolicy {
    const NAME: &'static str = "DeleteRetentionPolicy";
    const SERVICE: ServiceName = ServiceName::Logs;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<GroupInput>;
    type Output = NoOutput;
    type Error = LogsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, LogsError> {
        access::check_group_name(&input.log_group_name)?;
        let named = Named::here(ctx, &input.log_group_name);
        Ok(named
            .demand(view, "logs:DeleteRetentionPolicy", On::Group)
            .await?
            .into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, LogsError> {
        let group = Named::here(ctx, &input.log_group_name).group(&txn.view()).await?;
        let mut after = group.clone();
        after.retention_days = None;
        after.retention_due = None;
        table::put_group(txn, &after, Some(&group));
        Ok(NoOutput)
    }
}
