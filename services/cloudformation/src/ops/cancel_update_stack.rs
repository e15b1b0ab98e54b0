//! CancelUpdateStack: an update that is under way is taken back.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CancelUpdateStack.html>

use super::{begin, find, shapes::Done};
use crate::{
    CloudFormationError,
    model::stack::{Phase, StackStatus},
    table,
};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct CancelUpdateStack;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    stack_name: String,
    client_request_token: Option<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("stackName", &self.stack_name)
            .maybe_text("clientRequestToken", self.client_request_token.as_deref())
    }
}

impl Operation for CancelUpdateStack {
    const NAME: &'static str = "CancelUpdateStack";
    const SERVICE: ServiceName = ServiceName::CloudFormation;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = Done;
    type Error = CloudFormationError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudFormationError> {
        let action = "cloudformation:CancelUpdateStack";
        Ok(find::demand(ctx, view, action, &input.stack_name).await?.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudFormationError> {
        let mut stack = find::living(ctx, &txn.view(), &input.stack_name).await?;
        let operation = table::operation(&txn.view(), &stack.at).await?;
        let Some(mut operation) = operation.filter(|_| stack.status == StackStatus::UpdateInProgress) else {
            return Err(CloudFormationError::invalid(
                "CancelUpdateStack cannot be called from current stack status",
            ));
        };
        // The steps under way belong to the operation as it was, and find that it is another now.
        operation.id = base::ids::uuid(ctx.random());
        (operation.phase, stack.status) = match stack.deployed {
            0 => (Phase::CreateRollback, StackStatus::RollbackInProgress),
            _ => (Phase::UpdateRollback, StackStatus::UpdateRollbackInProgress),
        };
        stack.token.clone_from(&input.client_request_token);
        begin::start(ctx, txn, &stack, operation, None).await?;
        Ok(Done)
    }
}
