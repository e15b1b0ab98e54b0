//! What the operations on change sets share: finding them, showing them, and what becomes of them when their stack moves on.

use super::find;
use crate::{
    CloudFormationError,
    model::{
        change_set::{ChangeSet, Execution},
        stack::{Stack, StackRef, StackStatus},
    },
    table,
};
use base::Fault;
use gateway::{Ctx, Demand, Txn};
use serde::Deserialize;
use store::ReadView;

/// What names a change set: its name with its stack's, or its ARN alone.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Named {
    pub(super) change_set_name: String,
    pub(super) stack_name: Option<String>,
}

impl Named {
    /// The id at the end of the name, when that is an ARN.
    fn id(&self) -> Option<&str> {
        let name = self.change_set_name.as_str();
        name.starts_with("arn:")
            .then(|| name.rsplit('/').next().unwrap_or_default())
    }

    /// The stack that is named, or that the change set is of.
    async fn stack(&self, ctx: &Ctx, view: &ReadView<'_>) -> Result<Option<Stack>, CloudFormationError> {
        if let Some(id) = self.id() {
            return Ok(match table::stack_of(view, ctx.account, &ctx.region, id).await? {
                Some(stack) => table::by_id(view, ctx.account, &ctx.region, &stack).await?,
                None => None,
            });
        }
        match &self.stack_name {
            Some(stack) => Ok(find::stack(ctx, view, stack).await?),
            None => Err(CloudFormationError::invalid(
                "StackName must be specified if ChangeSetName is not specified as an ARN.",
            )),
        }
    }

    /// The change set, with its stack.
    pub(super) async fn find(
        &self,
        ctx: &Ctx,
        view: &ReadView<'_>,
    ) -> Result<(Stack, Option<ChangeSet>), CloudFormationError> {
        let missing = || CloudFormationError::ChangeSetNotFound(self.change_set_name.clone());
        let Some(stack) = self.stack(ctx, view).await? else {
            return Err(match &self.stack_name {
                Some(stack) if self.id().is_none() => {
                    CloudFormationError::Validation(format!("Stack [{stack}] does not exist"))
                }
                _ => missing(),
            });
        };
        let found = match self.id() {
            Some(id) => table::change_set(view, &stack.at, id)
                .await?
                .filter(|set| set.arn().as_str() == self.change_set_name),
            None => {
                let mut sets = table::change_sets(view, &stack.at).await?.into_iter().rev();
                sets.find(|set| set.name == self.change_set_name && !is_over(&stack, set))
            }
        };
        Ok((stack, found))
    }

    /// The same of a call that needs it.
    pub(super) async fn existing(
        &self,
        ctx: &Ctx,
        view: &ReadView<'_>,
    ) -> Result<(Stack, ChangeSet), CloudFormationError> {
        match self.find(ctx, view).await? {
            (stack, Some(set)) => Ok((stack, set)),
            (_, None) => Err(CloudFormationError::ChangeSetNotFound(self.change_set_name.clone())),
        }
    }

    /// What a call on it needs: the action on its stack.
    pub(super) async fn demand(
        &self,
        ctx: &Ctx,
        view: &ReadView<'_>,
        action: &'static str,
    ) -> Result<Demand, CloudFormationError> {
        let name = match self.stack(ctx, view).await? {
            Some(stack) => stack.at.arn().as_str().to_owned(),
            None => match &self.stack_name {
                Some(name) => name.clone(),
                None => "*".to_owned(),
            },
        };
        let demand = find::demand(ctx, view, action, &name).await?;
        let own = match self.id() {
            None => self.change_set_name.as_str(),
            Some(_) => self.change_set_name.rsplit('/').nth(1).unwrap_or_default(),
        };
        Ok(demand.with("cloudformation:ChangeSetName", own))
    }
}

/// Whether a change set is known by its ARN alone: its name may be another's.
pub(super) fn is_over(stack: &Stack, set: &ChangeSet) -> bool {
    matches!(
        execution(stack, set),
        Execution::Complete | Execution::Failed | Execution::Obsolete
    )
}

/// What has become of its execution by now.
pub(super) fn execution(stack: &Stack, set: &ChangeSet) -> Execution {
    match set.execution {
        Execution::InProgress if !stack.status.is_in_progress() => come_to(stack.status),
        Execution::InProgress if stack.status == StackStatus::UpdateCompleteCleanupInProgress => Execution::Complete,
        other => other,
    }
}

fn come_to(status: StackStatus) -> Execution {
    match status {
        StackStatus::CreateComplete | StackStatus::UpdateComplete | StackStatus::DeleteComplete => Execution::Complete,
        _ => Execution::Failed,
    }
}

/// The stack is about to become something else: what was foreseen for it is of no use any more, and what was executed has
/// come to what the stack has come to. What was over before is forgotten.
pub(super) async fn overtake(txn: &mut Txn, at: &StackRef) -> Result<(), Fault> {
    let view = txn.view();
    let stack = table::by_id(&view, at.account, &at.region, &at.id).await?;
    for mut set in table::change_sets(&view, at).await? {
        let now = match (set.execution, &stack) {
            (Execution::Available | Execution::Unavailable, _) => Execution::Obsolete,
            (Execution::InProgress, Some(stack)) => come_to(stack.status),
            (Execution::Complete | Execution::Failed | Execution::Obsolete, _) => {
                table::delete_change_set(txn, &set);
                continue;
            }
            (Execution::InProgress, None) => continue,
        };
        set.execution = now;
        table::put_change_set(txn, &set);
    }
    Ok(())
}

/// A change set is executed: the stack's others go, which are of no use for what the stack becomes.
///
/// SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html>
pub(super) async fn forget_others(txn: &mut Txn, executed: &ChangeSet) -> Result<(), Fault> {
    let sets = table::change_sets(&txn.view(), &executed.stack).await?;
    for other in sets.iter().filter(|other| other.id != executed.id) {
        table::delete_change_set(txn, other);
    }
    Ok(())
}
