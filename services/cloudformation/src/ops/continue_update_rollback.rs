//! ContinueUpdateRollback: the way back from an update that could not be taken back is tried again.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ContinueUpdateRollback.html>

use super::{begin, create_stack::pass_role, find, shapes};
use crate::{
    CloudFormationError,
    model::stack::{OnFailure, Operation as Asked, Phase, ResourceStatus, StackStatus},
    table,
};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct ContinueUpdateRollback;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    stack_name: String,
    #[serde(rename = "RoleARN")]
    role_arn: Option<String>,
    resources_to_skip: Option<Vec<String>>,
    client_request_token: Option<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let params = Params::new()
            .text("stackName", &self.stack_name)
            .maybe_text("roleARN", self.role_arn.as_deref())
            .maybe_text("clientRequestToken", self.client_request_token.as_deref());
        shapes::evident_texts(params, "resourcesToSkip", self.resources_to_skip.as_ref())
    }
}

/// The answer: nothing, in an element of its own.
#[derive(Serialize)]
pub(super) struct Output {}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for ContinueUpdateRollback {
    const NAME: &'static str = "ContinueUpdateRollback";
    const SERVICE: ServiceName = ServiceName::CloudFormation;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    const MISSING: &'static str = "skipping resources of nested stacks (NESTED.RESOURCE)";
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = CloudFormationError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudFormationError> {
        let own = find::demand(ctx, view, "cloudformation:ContinueUpdateRollback", &input.stack_name)
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
        if stack.status != StackStatus::UpdateRollbackFailed {
            return Err(CloudFormationError::Validation(format!(
                "Stack:{} is in {} state and can not continue update rollback.",
                stack.at.arn(),
                stack.status.as_str()
            )));
        }
        let spared = input.resources_to_skip.clone().unwrap_or_default();
        let rows = table::resource_rows(&txn.view(), &stack.at).await?;
        let failed = |id: &String| {
            let mut rows = rows.iter();
            rows.any(|row| row.logical_id == *id && row.status == ResourceStatus::UpdateFailed)
        };
        if let Some(other) = spared.iter().find(|id| !failed(id)) {
            return Err(CloudFormationError::Validation(format!(
                "The following resources to skip are not in a failed state: [{other}]"
            )));
        }
        let was = stack.status;
        stack.identity = begin::rights(ctx, txn, &stack, input.role_arn.as_deref()).await?;
        stack.role = input.role_arn.clone().or(stack.role);
        stack.status = StackStatus::UpdateRollbackInProgress;
        stack.token.clone_from(&input.client_request_token);
        let operation = Asked {
            at: stack.at.clone(),
            id: base::ids::uuid(ctx.random()),
            phase: Phase::UpdateRollback,
            identity: stack.identity.clone(),
            on_failure: OnFailure::Rollback,
            spared,
            force: false,
            was,
            policy: None,
            deadline: None,
        };
        begin::start(ctx, txn, &stack, operation, None).await?;
        Ok(QueryResult(Output {}))
    }
}
