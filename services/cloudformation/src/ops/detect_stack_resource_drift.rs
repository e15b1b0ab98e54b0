//! DetectStackResourceDrift: looks at one resource for what is no longer as its template says.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DetectStackResourceDrift.html>

use super::{
    drifts::{self, DriftShape, Found},
    find,
};
use crate::{CloudFormationError, model::stack::Stack, table::Seal};
use gateway::{Body, Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct DetectStackResourceDrift;

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
    stack_resource_drift: DriftShape,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for DetectStackResourceDrift {
    const NAME: &'static str = "DetectStackResourceDrift";
    const SERVICE: ServiceName = ServiceName::CloudFormation;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    const STAGED: bool = true;
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = CloudFormationError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudFormationError> {
        let demand = find::demand(ctx, view, "cloudformation:DetectStackResourceDrift", &input.stack_name).await?;
        Ok(demand.into())
    }

    async fn stage(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: Body,
    ) -> Result<Staged, CloudFormationError> {
        let stack = find::living(ctx, &txn.view(), &input.stack_name).await?;
        drifts::check_status(&stack)?;
        let resources = drifts::resources(ctx, txn, &stack).await?;
        let resource = resources
            .iter()
            .find(|resource| resource.row.logical_id == input.logical_resource_id)
            .ok_or_else(|| {
                CloudFormationError::Validation(format!(
                    "Resource {} does not exist for stack {}",
                    input.logical_resource_id, stack.at.name
                ))
            })?;
        let found = drifts::look(ctx, &stack, &resources, resource).await?;
        Ok(Staged::of((stack, found)))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        _: &Authorized<Self::Input>,
        staged: &Staged,
    ) -> Result<Self::Output, CloudFormationError> {
        let (stack, found): &(Stack, Found) = staged.get()?;
        let seal = Seal::of(ctx.world(), &txn.view(), stack.at.account).await?;
        drifts::keep(txn, &seal, stack, found).await?;
        Ok(QueryResult(Output {
            stack_resource_drift: DriftShape::of(stack, found.row.clone(), found.comparison.clone()),
        }))
    }
}
