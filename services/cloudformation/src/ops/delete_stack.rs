//! DeleteStack: a stack with all that it made.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html>

use super::{
    begin,
    create_stack::pass_role,
    find,
    shapes::{self, Done},
    source,
};
use crate::{
    CloudFormationError,
    model::stack::{OnFailure, Operation as Asked, Phase, StackStatus},
    table,
};
use gateway::{Caller, Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct DeleteStack;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    stack_name: String,
    retain_resources: Option<Vec<String>>,
    #[serde(rename = "RoleARN")]
    role_arn: Option<String>,
    client_request_token: Option<String>,
    deletion_mode: Option<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let params = Params::new()
            .text("stackName", &self.stack_name)
            .maybe_text("roleARN", self.role_arn.as_deref())
            .maybe_text("clientRequestToken", self.client_request_token.as_deref())
            .maybe_text("deletionMode", self.deletion_mode.as_deref());
        shapes::evident_texts(params, "retainResources", self.retain_resources.as_ref())
    }
}

impl Input {
    fn is_forced(&self) -> Result<bool, CloudFormationError> {
        match self.deletion_mode.as_deref() {
            None | Some("STANDARD") => Ok(false),
            Some("FORCE_DELETE_STACK") => Ok(true),
            Some(other) => Err(source::constraint(
                other,
                "deletionMode",
                "Member must satisfy enum value set: [STANDARD, FORCE_DELETE_STACK]",
            )),
        }
    }
}

impl Operation for DeleteStack {
    const NAME: &'static str = "DeleteStack";
    const SERVICE: ServiceName = ServiceName::CloudFormation;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = Done;
    type Error = CloudFormationError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudFormationError> {
        let own = find::demand(ctx, view, "cloudformation:DeleteStack", &input.stack_name)
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
        let force = input.is_forced()?;
        // What is not there, or no more, is as the caller wants it.
        let Some(mut stack) = find::stack(ctx, &txn.view(), &input.stack_name).await? else {
            return Ok(Done);
        };
        if matches!(
            stack.status,
            StackStatus::DeleteComplete | StackStatus::DeleteInProgress
        ) {
            return Ok(Done);
        }
        // What CloudFormation itself deletes of a stack's parts follows from what was asked of that stack.
        let is_part = stack.parent.is_some() && !matches!(ctx.caller, Caller::Signed(_));
        if !is_part && find::is_protected(&txn.view(), &stack).await? {
            return Err(CloudFormationError::Validation(format!(
                "Stack [{}] cannot be deleted while TerminationProtection is enabled",
                stack.at.name
            )));
        }
        let spared = input.retain_resources.clone().unwrap_or_default();
        if (force || !spared.is_empty()) && stack.status != StackStatus::DeleteFailed {
            let what = match force {
                true => "FORCE_DELETE_STACK deletion mode can",
                false => "RetainResources can",
            };
            return Err(CloudFormationError::Validation(format!(
                "Invalid operation on stack [{}]. {what} only be specified when the stack is in DELETE_FAILED state.",
                stack.at.arn()
            )));
        }
        if matches!(
            stack.status,
            StackStatus::UpdateInProgress
                | StackStatus::UpdateCompleteCleanupInProgress
                | StackStatus::UpdateRollbackInProgress
                | StackStatus::UpdateRollbackCompleteCleanupInProgress
        ) {
            return Err(CloudFormationError::Validation(format!(
                "Stack [{}] cannot be deleted while in status {}",
                stack.at.arn(),
                stack.status.as_str()
            )));
        }
        let known = table::resource_rows(&txn.view(), &stack.at).await?;
        if let Some(unknown) = spared.iter().find(|id| known.iter().all(|row| row.logical_id != **id)) {
            return Err(CloudFormationError::Validation(format!(
                "The specified resources to retain must be in a valid state: [{unknown}]"
            )));
        }
        let was = stack.status;
        stack.identity = begin::rights(ctx, txn, &stack, input.role_arn.as_deref()).await?;
        stack.role = input.role_arn.clone().or(stack.role);
        stack.status = StackStatus::DeleteInProgress;
        stack.deleted = Some(ctx.now());
        stack.token.clone_from(&input.client_request_token);
        stack.deletion_mode.clone_from(&input.deletion_mode);
        let operation = Asked {
            at: stack.at.clone(),
            id: base::ids::uuid(ctx.random()),
            phase: Phase::Delete,
            identity: stack.identity.clone(),
            on_failure: OnFailure::DoNothing,
            spared,
            force,
            was,
            policy: None,
            deadline: None,
        };
        begin::start(ctx, txn, &stack, operation, None).await?;
        Ok(Done)
    }
}
