//! ExecuteChangeSet: has done what a change set tells.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html>

use super::{
    begin::{self, Asked},
    change_sets::{self, Named},
    source::GivenPolicy,
};
use crate::{
    CloudFormationError,
    model::{
        change_set::{ChangeSet, Execution},
        stack::OnFailure,
    },
    table::{self, Seal},
};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use template::Given;
use wire::ServiceName;

/// The operation.
pub(super) struct ExecuteChangeSet;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    change_set_name: String,
    stack_name: Option<String>,
    client_request_token: Option<String>,
    disable_rollback: Option<bool>,
    retain_except_on_create: Option<bool>,
}

impl Input {
    fn named(&self) -> Named {
        Named {
            change_set_name: self.change_set_name.clone(),
            stack_name: self.stack_name.clone(),
        }
    }

    fn on_failure(&self, set: &ChangeSet) -> Result<OnFailure, CloudFormationError> {
        match (self.disable_rollback, set.on_failure) {
            (Some(_), Some(_)) => Err(CloudFormationError::invalid(
                "You can specify either DisableRollback or OnStackFailure, but not both.",
            )),
            (Some(true), None) => Ok(OnFailure::DoNothing),
            (_, on_failure) => Ok(on_failure.unwrap_or_default()),
        }
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("changeSetName", &self.change_set_name)
            .maybe_text("stackName", self.stack_name.as_deref())
            .maybe_text("clientRequestToken", self.client_request_token.as_deref())
            .maybe_flag("disableRollback", self.disable_rollback)
            .maybe_flag("retainExceptOnCreate", self.retain_except_on_create)
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

impl Operation for ExecuteChangeSet {
    const NAME: &'static str = "ExecuteChangeSet";
    const SERVICE: ServiceName = ServiceName::CloudFormation;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = CloudFormationError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudFormationError> {
        let demand = input
            .named()
            .demand(ctx, view, "cloudformation:ExecuteChangeSet")
            .await?;
        Ok(demand.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudFormationError> {
        let (stack, mut set) = input.named().existing(ctx, &txn.view()).await?;
        let token = input.client_request_token.as_deref();
        if let Some(token) = token.filter(|token| stack.token.as_deref() == Some(token)) {
            return match stack.change_set.as_deref() == Some(set.arn().as_str()) {
                true => Ok(QueryResult(Output {})),
                false => Err(begin::taken(token)),
            };
        }
        if set.failure.is_some() {
            return Err(refused(&set, "status", set.status()));
        }
        let now = change_sets::execution(&stack, &set);
        if now != Execution::Available {
            return Err(refused(&set, "execution status", now.as_str()));
        }
        let seal = Seal::of(ctx.world(), &txn.view(), ctx.account).await?;
        let contents = table::contents(&txn.view(), &seal, &set).await?;
        let given = |parameter: &template::Parameter| Given {
            name: parameter.name.clone(),
            value: Some(parameter.text.clone()),
            use_previous: false,
        };
        let asked = Asked {
            template: contents.template,
            parameters: contents.parameters.iter().map(given).collect(),
            tags: Some(contents.tags),
            capabilities: contents.capabilities,
            resource_types: contents.resource_types,
            notification_arns: Some(contents.notification_arns),
            role: set.role.clone(),
            token: input.client_request_token.clone(),
            on_failure: input.on_failure(&set)?,
            retain_except_on_create: input.retain_except_on_create.unwrap_or_default(),
            policy: GivenPolicy::None,
            policy_during: GivenPolicy::None,
            termination_protection: stack.termination_protection,
            timeout_minutes: None,
            change_set: Some(set.arn().as_str().to_owned()),
        };
        match set.is_create {
            true => begin::create(ctx, txn, stack.at.clone(), Some(stack), asked).await?,
            false => begin::update(ctx, txn, stack, asked).await?,
        };
        // Every change set of the stack is overtaken by then; this one is what overtook them.
        change_sets::forget_others(txn, &set).await?;
        set.execution = Execution::InProgress;
        table::put_change_set(txn, &set);
        Ok(QueryResult(Output {}))
    }
}

fn refused(set: &ChangeSet, which: &str, status: &str) -> CloudFormationError {
    CloudFormationError::InvalidChangeSetStatus(format!(
        "ChangeSet [{}] cannot be executed in its current {which} of [{status}]",
        set.arn()
    ))
}
