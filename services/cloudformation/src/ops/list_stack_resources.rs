//! ListStackResources: the resources of a stack, by logical id.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStackResources.html>

use super::{
    describe_stack_resources::DriftShape,
    find,
    shapes::{PAGE, moment, next_token, parse_token},
};
use crate::{
    CloudFormationError,
    table::{self, ResourceRow},
};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct ListStackResources;

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
    stack_resource_summaries: Vec<SummaryShape>,
    next_token: Option<String>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SummaryShape {
    logical_resource_id: String,
    physical_resource_id: Option<String>,
    resource_type: String,
    last_updated_timestamp: String,
    resource_status: &'static str,
    resource_status_reason: Option<String>,
    drift_information: DriftShape,
}

fn shape(row: ResourceRow) -> SummaryShape {
    SummaryShape {
        drift_information: DriftShape::of(row.drift.as_ref()),
        logical_resource_id: row.logical_id,
        physical_resource_id: row.physical_id,
        resource_type: row.type_name,
        last_updated_timestamp: moment(row.updated),
        resource_status: row.status.as_str(),
        resource_status_reason: row.reason,
    }
}

impl Operation for ListStackResources {
    const NAME: &'static str = "ListStackResources";
    const SERVICE: ServiceName = ServiceName::CloudFormation;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = CloudFormationError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudFormationError> {
        let action = "cloudformation:ListStackResources";
        Ok(find::demand(ctx, view, action, &input.stack_name).await?.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudFormationError> {
        let view = txn.view();
        let stack = find::existing_with_id(ctx, &view, &input.stack_name).await?;
        let after = parse_token(input.next_token.as_deref())?;
        let rows = table::resource_rows(&view, &stack.at).await?;
        let is_next = |row: &ResourceRow| after.as_ref().is_none_or(|after| row.logical_id > *after);
        let mut rows: Vec<ResourceRow> = rows.into_iter().filter(is_next).collect();
        let more = rows.len() > PAGE;
        rows.truncate(PAGE);
        let token = rows.last().filter(|_| more).map(|row| next_token(&row.logical_id));
        Ok(QueryResult(Output {
            stack_resource_summaries: rows.into_iter().map(shape).collect(),
            next_token: token,
        }))
    }
}
