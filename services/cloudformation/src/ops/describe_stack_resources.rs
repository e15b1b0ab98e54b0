//! DescribeStackResources: up to a hundred resources of a stack, by logical or physical id.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResources.html>

use super::{
    find,
    shapes::{PAGE, moment},
};
use crate::{
    CloudFormationError,
    model::stack::{Drift, Stack},
    table::{self, ResourceRow},
};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct DescribeStackResources;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    stack_name: Option<String>,
    logical_resource_id: Option<String>,
    physical_resource_id: Option<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .maybe_text("stackName", self.stack_name.as_deref())
            .maybe_text("logicalResourceId", self.logical_resource_id.as_deref())
            .maybe_text("physicalResourceId", self.physical_resource_id.as_deref())
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    stack_resources: Vec<ResourceShape>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ResourceShape {
    stack_name: String,
    stack_id: String,
    logical_resource_id: String,
    physical_resource_id: Option<String>,
    resource_type: String,
    timestamp: String,
    resource_status: &'static str,
    resource_status_reason: Option<String>,
    drift_information: DriftShape,
}

/// `StackResourceDriftInformation`
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DriftShape {
    stack_resource_drift_status: String,
    last_check_timestamp: Option<String>,
}

impl DriftShape {
    pub(super) fn of(drift: Option<&Drift>) -> DriftShape {
        DriftShape {
            stack_resource_drift_status: drift.map_or("NOT_CHECKED", |drift| &drift.status).to_owned(),
            last_check_timestamp: drift.map(|drift| moment(drift.checked)),
        }
    }
}

fn shape(stack: &Stack, row: ResourceRow) -> ResourceShape {
    ResourceShape {
        stack_name: stack.at.name.clone(),
        stack_id: stack.at.arn().to_string(),
        drift_information: DriftShape::of(row.drift.as_ref()),
        logical_resource_id: row.logical_id,
        physical_resource_id: row.physical_id,
        resource_type: row.type_name,
        timestamp: moment(row.updated),
        resource_status: row.status.as_str(),
        resource_status_reason: row.reason,
    }
}

/// The stack of the account and Region that has a thing of this physical id now.
async fn owner(ctx: &Ctx, view: &ReadView<'_>, physical_id: &str) -> Result<Stack, CloudFormationError> {
    let place = (ctx.account, &ctx.region);
    let mut after: Option<String> = None;
    loop {
        let page = table::living(view, place, after.as_deref(), PAGE).await?;
        for at in &page {
            let rows = table::resource_rows(view, at).await?;
            let is_it = |row: &ResourceRow| row.physical_id.as_deref() == Some(physical_id);
            if rows.iter().any(is_it)
                && let Some(stack) = table::by_id(view, at.account, &at.region, &at.id).await?
            {
                return Ok(stack);
            }
        }
        if page.len() < PAGE {
            return Err(CloudFormationError::Validation(format!(
                "Stack for {physical_id} does not exist"
            )));
        }
        after = page.into_iter().last().map(|at| at.name);
    }
}

impl Operation for DescribeStackResources {
    const NAME: &'static str = "DescribeStackResources";
    const SERVICE: ServiceName = ServiceName::CloudFormation;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = CloudFormationError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudFormationError> {
        Ok(find::demand_or_all(
            ctx,
            view,
            "cloudformation:DescribeStackResources",
            input.stack_name.as_deref(),
        )
        .await?
        .into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudFormationError> {
        let view = txn.view();
        let stack = match (&input.stack_name, &input.physical_resource_id) {
            (Some(_), Some(_)) => {
                return Err(CloudFormationError::invalid(
                    "Both StackName and PhysicalResourceId cannot be specified",
                ));
            }
            (Some(name), None) => find::existing_with_id(ctx, &view, name).await?,
            (None, Some(id)) => owner(ctx, &view, id).await?,
            (None, None) => {
                return Err(CloudFormationError::invalid(
                    "Either StackName or PhysicalResourceId must be specified",
                ));
            }
        };
        let asked = input.logical_resource_id.as_deref();
        let rows = table::resource_rows(&view, &stack.at).await?;
        let rows = rows
            .into_iter()
            .filter(|row| asked.is_none_or(|id| row.logical_id == id));
        Ok(QueryResult(Output {
            stack_resources: rows.take(PAGE).map(|row| shape(&stack, row)).collect(),
        }))
    }
}
