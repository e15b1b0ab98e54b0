//! ListStacks: the stacks of an account in a Region, those that were deleted within ninety days among them.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStacks.html>

use super::{
    describe_stacks::DriftShape,
    find,
    shapes::{PAGE, moment, next_token, parse_token},
    source,
};
use crate::{
    CloudFormationError,
    model::stack::{Stack, StackStatus},
    table,
};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct ListStacks;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    next_token: Option<String>,
    #[serde(default)]
    stack_status_filter: Vec<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let params = Params::new().maybe_text("nextToken", self.next_token.as_deref());
        match self.stack_status_filter.is_empty() {
            true => params,
            false => params.texts("stackStatusFilter", &self.stack_status_filter),
        }
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    stack_summaries: Vec<SummaryShape>,
    next_token: Option<String>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SummaryShape {
    stack_id: String,
    stack_name: String,
    template_description: Option<String>,
    creation_time: String,
    last_updated_time: Option<String>,
    deletion_time: Option<String>,
    stack_status: &'static str,
    stack_status_reason: Option<String>,
    parent_id: Option<String>,
    root_id: Option<String>,
    drift_information: DriftShape,
}

fn shape(stack: Stack) -> SummaryShape {
    SummaryShape {
        stack_id: stack.at.arn().to_string(),
        drift_information: DriftShape::of(&stack),
        stack_name: stack.at.name,
        template_description: stack.description,
        creation_time: moment(stack.created),
        last_updated_time: stack.updated.map(moment),
        deletion_time: stack.deleted.map(moment),
        stack_status: stack.status.as_str(),
        stack_status_reason: stack.reason,
        root_id: stack.parent.as_ref().map(|(_, root)| root.clone()),
        parent_id: stack.parent.map(|(parent, _)| parent),
    }
}

/// The statuses that are asked for. Those that no stack here comes to, such as `IMPORT_COMPLETE`, are known.
fn statuses(given: &[String]) -> Result<Vec<StackStatus>, CloudFormationError> {
    let mut statuses = Vec::new();
    for text in given {
        match StackStatus::parse(text) {
            Some(status) => statuses.push(status),
            None if text.starts_with("IMPORT_") => {}
            None => {
                return Err(source::constraint(
                    text,
                    "stackStatusFilter",
                    "Member must satisfy enum value set of stack statuses",
                ));
            }
        }
    }
    Ok(statuses)
}

impl Operation for ListStacks {
    const NAME: &'static str = "ListStacks";
    const SERVICE: ServiceName = ServiceName::CloudFormation;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = CloudFormationError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, _: &Self::Input) -> Result<Demands, CloudFormationError> {
        Ok(find::demand_or_all(ctx, view, "cloudformation:ListStacks", None)
            .await?
            .into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudFormationError> {
        let view = txn.view();
        let wanted = statuses(&input.stack_status_filter)?;
        let mut before = parse_token(input.next_token.as_deref())?;
        let mut found = Vec::new();
        loop {
            let page = table::stacks(&view, (ctx.account, &ctx.region), before.as_deref(), PAGE).await?;
            let is_last = page.len() < PAGE;
            for stack in page {
                before = Some(stack.at.id.clone());
                if input.stack_status_filter.is_empty() || wanted.contains(&stack.status) {
                    found.push(shape(stack));
                }
                if found.len() == PAGE {
                    return Ok(QueryResult(Output {
                        stack_summaries: found,
                        next_token: before.as_deref().map(next_token),
                    }));
                }
            }
            if is_last {
                return Ok(QueryResult(Output {
                    stack_summaries: found,
                    next_token: None,
                }));
            }
        }
    }
}
