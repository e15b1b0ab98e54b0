//! DescribeStackEvents: what happened to a stack, the newest first.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackEvents.html>

use super::{
    find,
    shapes::{PAGE, moment, next_token, parse_token},
};
use crate::{
    CloudFormationError,
    table::{self, Seal},
};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct DescribeStackEvents;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    stack_name: String,
    next_token: Option<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("stackName", &self.stack_name)
            .maybe_text("nextToken", self.next_token.as_deref())
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    stack_events: Vec<EventShape>,
    next_token: Option<String>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct EventShape {
    stack_id: String,
    event_id: String,
    stack_name: String,
    logical_resource_id: String,
    physical_resource_id: String,
    resource_type: String,
    timestamp: String,
    resource_status: String,
    resource_status_reason: Option<String>,
    resource_properties: Option<String>,
    client_request_token: Option<String>,
}

impl Operation for DescribeStackEvents {
    const NAME: &'static str = "DescribeStackEvents";
    const SERVICE: ServiceName = ServiceName::CloudFormation;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = CloudFormationError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudFormationError> {
        Ok(
            find::demand(ctx, view, "cloudformation:DescribeStackEvents", &input.stack_name)
                .await?
                .into(),
        )
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudFormationError> {
        let view = txn.view();
        let stack = find::existing(ctx, &view, &input.stack_name).await?;
        let after = parse_token(input.next_token.as_deref())?;
        let seal = Seal::of(ctx.world(), &view, ctx.account).await?;
        let mut events = table::events(&view, &seal, &stack.at, after.as_deref(), PAGE + 1).await?;
        let more = events.len() > PAGE;
        events.truncate(PAGE);
        let token = events.last().filter(|_| more).map(|(place, _, _)| next_token(place));
        let shape = |(_, event, properties): table::Event| EventShape {
            stack_id: stack.at.arn().to_string(),
            event_id: event.id,
            stack_name: stack.at.name.clone(),
            logical_resource_id: event.logical_id,
            physical_resource_id: event.physical_id,
            resource_type: event.type_name,
            timestamp: moment(event.at),
            resource_status: event.status,
            resource_status_reason: event.reason,
            resource_properties: properties,
            client_request_token: event.token,
        };
        Ok(QueryResult(Output {
            stack_events: events.into_iter().map(shape).collect(),
            next_token: token,
        }))
    }
}
