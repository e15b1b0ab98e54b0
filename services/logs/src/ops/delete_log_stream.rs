//! DeleteLogStream: its name is free at once, its space in small steps.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteLogStream.html>

use super::{create_log_stream::StreamInput, shapes::NoOutput};
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
pub(super) struct DeleteLogStream;

impl Operation for DeleteLogStream {
    const NAME: &'static str = "DeleteLogStream";
    const SERVICE: ServiceName = ServiceName::Logs;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<StreamInput>;
    type Output = NoOutput;
    type Error = LogsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, LogsError> {
        access::check_names(&input.log_group_name, &input.log_stream_name)?;
        let named = Named::here(ctx, &input.log_group_name);
        let on = On::Stream(&input.log_stream_name);
        Ok(named.demand(view, "logs:DeleteLogStream", on).await?.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, LogsError> {
        let group = Named::here(ctx, &input.log_group_name).group(&txn.view()).await?;
        let stream = access::stream(&txn.view(), &group, &input.log_stream_name).await?;
        table::delete_stream(txn, &group.id, &stream);
        Ok(NoOutput)
    }
}
