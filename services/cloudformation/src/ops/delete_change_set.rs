//! DeleteChangeSet: forgets a change set. One that is not there is as the caller wants it.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteChangeSet.html>

use super::change_sets::{self, Named};
use crate::{CloudFormationError, model::change_set::Execution, table};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct DeleteChangeSet;

impl Evident for Named {
    fn evident(&self) -> Params {
        Params::new()
            .text("changeSetName", &self.change_set_name)
            .maybe_text("stackName", self.stack_name.as_deref())
    }
}

/// The answer, which is empty.
#[derive(Serialize)]
pub(super) struct Output {}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for DeleteChangeSet {
    const NAME: &'static str = "DeleteChangeSet";
    const SERVICE: ServiceName = ServiceName::CloudFormation;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Named>;
    type Output = QueryResult<Output>;
    type Error = CloudFormationError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudFormationError> {
        Ok(input.demand(ctx, view, "cloudformation:DeleteChangeSet").await?.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudFormationError> {
        let found = input.find(ctx, &txn.view()).await;
        let set = match found {
            Ok((stack, Some(set))) if change_sets::execution(&stack, &set) == Execution::InProgress => {
                return Err(CloudFormationError::InvalidChangeSetStatus(format!(
                    "ChangeSet [{}] cannot be deleted in its current execution status of [EXECUTE_IN_PROGRESS]",
                    set.arn()
                )));
            }
            Ok((_, set)) => set,
            Err(CloudFormationError::ChangeSetNotFound(_)) => None,
            Err(other) => return Err(other),
        };
        if let Some(set) = set {
            table::delete_change_set(txn, &set);
        }
        Ok(QueryResult(Output {}))
    }
}
