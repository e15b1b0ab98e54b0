//! CreateLogStream.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogStream.html>

use super::shapes::NoOutput;
use crate::{
    LogsError,
    access::{self, Named, On},
    error::Thing,
    model::stream::LogStream,
    table,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(crate) struct CreateLogStream;

/// A group and a stream, by name.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StreamInput {
    pub(crate) log_group_name: String,
    pub(crate) log_stream_name: String,
}

impl Evident for StreamInput {
    fn evident(&self) -> Params {
        Params::new()
            .text("logGroupName", &self.log_group_name)
            .text("logStreamName", &self.log_stream_name)
    }
}

impl Operation for CreateLogStream {
    const NAME: &'static str = "CreateLogStream";
    const SERVICE: ServiceName = ServiceName::Logs;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<StreamInput>;
    type Output = NoOutput;
    type Error = LogsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, LogsError> {
        access::check_names(&input.log_group_name, &input.log_stream_name)?;
        let named = Named::here(ctx, &input.log_group_name);
        let on = On::Stream(&input.log_stream_name);
        Ok(named.demand(view, "logs:CreateLogStream", on).await?.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, LogsError> {
        let group = Named::here(ctx, &input.log_group_name).group(&txn.view()).await?;
        let name = &input.log_stream_name;
        if table::stream(&txn.view(), &group.id, name).await?.is_some() {
            return Err(LogsError::AlreadyExists(Thing::Stream));
        }
        let stream = LogStream {
            id: ctx.random().bytes(),
            name: name.clone(),
            created: ctx.now(),
            first_event: None,
            last_event: None,
            last_ingestion: None,
            bytes: 0,
            next_chunk: 0,
            growing: None,
        };
        table::put_stream(txn, &group.id, &stream, None);
        Ok(NoOutput)
    }
}
