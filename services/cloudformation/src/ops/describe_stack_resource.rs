//! DescribeStackResource: one resource of a stack.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResource.html>

use super::{describe_stack_resources::DriftShape, find, shapes::moment};
use crate::{CloudFormationError, table, work};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct DescribeStackResource;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    stack_name: String,
    logical_resource_id: String,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("stackName", &self.stack_name)
            .text("logicalResourceId", &self.logical_resource_id)
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    stack_resource_detail: DetailShape,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DetailShape {
    stack_name: String,
    stack_id: String,
    logical_resource_id: String,
    physical_resource_id: Option<String>,
    resource_type: String,
    last_updated_timestamp: String,
    resource_status: &'static str,
    resource_status_reason: Option<String>,
    metadata: Option<String>,
    drift_information: DriftShape,
}

impl Operation for DescribeStackResource {
    const NAME: &'static str = "DescribeStackResource";
    const SERVICE: ServiceName = ServiceName::CloudFormation;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = CloudFormationError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudFormationError> {
        let action = "cloudformation:DescribeStackResource";
        Ok(find::demand(ctx, view, action, &input.stack_name).await?.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudFormationError> {
        let view = txn.view();
        let stack = find::existing(ctx, &view, &input.stack_name)
            .await
            .map_err(|error| match error {
                CloudFormationError::Validation(_) => {
                    CloudFormationError::Validation(format!("Stack '{}' does not exist", input.stack_name))
                }
                other => other,
            })?;
        let id = &input.logical_resource_id;
        let rows = table::resource_rows(&view, &stack.at).await?;
        let Some(row) = rows.into_iter().find(|row| row.logical_id == *id) else {
            return Err(CloudFormationError::Validation(format!(
                "Resource {id} does not exist for stack {}",
                stack.at.name
            )));
        };
        let metadata = match find::deployment(ctx, &view, &stack).await? {
            Some(deployment) => work::metadata(&stack, deployment, id),
            None => None,
        };
        Ok(QueryResult(Output {
            stack_resource_detail: DetailShape {
                stack_name: stack.at.name.clone(),
                stack_id: stack.at.arn().to_string(),
                drift_information: DriftShape::of(row.drift.as_ref()),
                logical_resource_id: row.logical_id,
                physical_resource_id: row.physical_id,
                resource_type: row.type_name,
                last_updated_timestamp: moment(row.updated),
                resource_status: row.status.as_str(),
                resource_status_reason: row.reason,
                metadata,
            },
        }))
    }
}
