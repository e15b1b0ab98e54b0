//! ListChangeSets: the change sets of a stack that were not executed, and have not been overtaken.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListChangeSets.html>

use super::{
    change_sets, find,
    shapes::{PAGE, moment, next_token, parse_token},
};
use crate::{CloudFormationError, model::change_set::ChangeSet, table};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct ListChangeSets;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    stack_name: String,
    next_token: Option<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("stackName", &self.stack_name)
            .maybe_text("nextToken", self.next_token.as_deref())
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    summaries: Vec<SummaryShape>,
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SummaryShape {
    stack_id: String,
    stack_name: String,
    change_set_id: String,
    change_set_name: String,
    execution_status: &'static str,
    status: &'static str,
    status_reason: Option<String>,
    creation_time: String,
    description: Option<String>,
    include_nested_stacks: bool,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for ListChangeSets {
    const NAME: &'static str = "ListChangeSets";
    const SERVICE: ServiceName = ServiceName::CloudFormation;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = CloudFormationError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudFormationError> {
        let demand = find::demand(ctx, view, "cloudformation:ListChangeSets", &input.stack_name).await?;
        Ok(demand.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudFormationError> {
        let view = txn.view();
        let stack = find::existing(ctx, &view, &input.stack_name).await?;
        let after = parse_token(input.next_token.as_deref())?;
        let mut sets = table::change_sets(&view, &stack.at).await?;
        sets.retain(|set| !change_sets::is_over(&stack, set) && after.as_ref().is_none_or(|after| set.id > *after));
        let has_more = sets.len() > PAGE;
        sets.truncate(PAGE);
        let next_token = sets.last().filter(|_| has_more).map(|last| next_token(&last.id));
        let shape = |set: ChangeSet| SummaryShape {
            stack_id: stack.at.arn().as_str().to_owned(),
            stack_name: stack.at.name.clone(),
            change_set_id: set.arn().as_str().to_owned(),
            execution_status: change_sets::execution(&stack, &set).as_str(),
            status: set.status(),
            change_set_name: set.name,
            status_reason: set.failure,
            creation_time: moment(set.created),
            description: set.description,
            include_nested_stacks: false,
        };
        Ok(QueryResult(Output {
            summaries: sets.into_iter().map(shape).collect(),
            next_token,
        }))
    }
}
