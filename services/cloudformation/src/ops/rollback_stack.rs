//! RollbackStack: a stack that a failure left as it was goes back to what it was before.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_RollbackStack.html>

use super::{begin, create_stack::pass_role, find, shapes::StackIdShape};
use crate::{
    CloudFormationError,
    model::stack::{OnFailure, Operation as Asked, Phase, StackStatus},
};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct RollbackStack;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    stack_name: String,
    #[serde(rename = "RoleARN")]
    role_arn: Option<String>,
    client_request_token: Option<String>,
    retain_except_on_create: Option<bool>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("stackName", &self.stack_name)
            .maybe_text("roleARN", self.role_arn.as_deref())
            .maybe_text("clientRequestToken", self.client_request_token.as_deref())
            .maybe_flag("retainExceptOnCreate", self.retain_except_on_create)
    }
}

impl Operation for RollbackStack {
    const NAME: &'static str = "RollbackStack";
    const SERVICE: ServiceName = ServiceName::CloudFormation;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = QueryResult<StackIdShape>;
    type Error = CloudFormationError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudFormationError> {
        let own = find::demand(ctx, view, "cloudformation:RollbackStack", &input.stack_name)
            .await?
            .with_some("cloudformation:RoleArn", input.role_arn.as_deref());
        let all = std::iter::once(own).chain(pass_role(ctx, input.role_arn.as_deref())?);
        Ok(Demands::All(all.collect()))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudFormationError> {
        let mut stack = find::living(ctx, &txn.view(), &input.stack_name).await?;
        let (phase, status) = match (stack.status, stack.deployed) {
            (StackStatus::CreateFailed | StackStatus::UpdateFailed, 0) => {
                (Phase::CreateRollback, StackStatus::RollbackInProgress)
            }
            (StackStatus::UpdateFailed, _) => (Phase::UpdateRollback, StackStatus::UpdateRollbackInProgress),
            (status, _) => {
                return Err(CloudFormationError::Validation(format!(
                    "Stack:{} is in {} state and can not be rolled back.",
                    stack.at.arn(),
                    status.as_str()
                )));
            }
        };
        let was = stack.status;
        stack.identity = begin::rights(ctx, txn, &stack, input.role_arn.as_deref()).await?;
        stack.role = input.role_arn.clone().or(stack.role);
        stack.status = status;
        stack.retain_except_on_create = input.retain_except_on_create.unwrap_or_default();
        stack.token.clone_from(&input.client_request_token);
        let operation = Asked {
            at: stack.at.clone(),
            id: base::ids::uuid(ctx.random()),
            phase,
            identity: stack.identity.clone(),
            on_failure: OnFailure::Rollback,
            spared: Vec::new(),
            force: false,
            was,
            policy: None,
            deadline: None,
        };
        begin::start(ctx, txn, &stack, operation, None).await?;
        Ok(QueryResult(StackIdShape::of(&stack)))
    }
}
