//! UpdateTerminationProtection: whether a stack can be deleted.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateTerminationProtection.html>

use super::find;
use crate::{CloudFormationError, model::stack::StackStatus, table};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct UpdateTerminationProtection;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    stack_name: String,
    enable_termination_protection: bool,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("stackName", &self.stack_name)
            .flag("enableTerminationProtection", self.enable_termination_protection)
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    stack_id: String,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new().text("stackId", &self.stack_id)
    }
}

impl Operation for UpdateTerminationProtection {
    const NAME: &'static str = "UpdateTerminationProtection";
    const SERVICE: ServiceName = ServiceName::CloudFormation;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = CloudFormationError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudFormationError> {
        let demand = find::demand(
            ctx,
            view,
            "cloudformation:UpdateTerminationProtection",
            &input.stack_name,
        )
        .await?;
        Ok(demand.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudFormationError> {
        let mut stack = find::living(ctx, &txn.view(), &input.stack_name).await?;
        if stack.status == StackStatus::DeleteInProgress {
            return Err(CloudFormationError::Validation(format!(
                "Stack [{}] cannot be updated while in status {}",
                stack.at.arn(),
                stack.status.as_str()
            )));
        }
        if stack.parent.is_some() {
            return Err(CloudFormationError::Validation(format!(
                "Stack [{}] is a nested stack. Update termination protection on its root stack",
                stack.at.name
            )));
        }
        stack.termination_protection = input.enable_termination_protection;
        table::put_stack(txn, &stack);
        Ok(QueryResult(Output {
            stack_id: stack.at.arn().as_str().to_owned(),
        }))
    }
}
