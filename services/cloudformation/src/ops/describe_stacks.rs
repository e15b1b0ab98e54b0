//! DescribeStacks: what stacks have come to.
//!
//! Of one stack that is under way the answer waits a moment for it to settle: clients ask again only every five seconds or
//! more, and most stacks are made in less than one.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html>

use super::{
    find,
    shapes::{PAGE, ParameterOut, moment, next_token, parse_token},
};
use crate::{
    CloudFormationError,
    model::stack::{Stack, StackStatus, Tag},
    table::{self, Seal},
    work,
};
use base::Fault;
use gateway::{Body, Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use store::ReadView;
use wire::ServiceName;

/// So long the answer waits.
const PATIENCE: Duration = Duration::from_secs(1);

/// The operation.
pub(super) struct DescribeStacks;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    stack_name: Option<String>,
    next_token: Option<String>,
}

impl Input {
    fn name(&self) -> Option<&str> {
        self.stack_name.as_deref().filter(|name| !name.is_empty())
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .maybe_text("stackName", self.stack_name.as_deref())
            .maybe_text("nextToken", self.next_token.as_deref())
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    stacks: Vec<StackShape>,
    next_token: Option<String>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

/// `Stack`
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StackShape {
    stack_id: String,
    stack_name: String,
    change_set_id: Option<String>,
    description: Option<String>,
    parameters: Vec<ParameterOut>,
    creation_time: String,
    deletion_time: Option<String>,
    last_updated_time: Option<String>,
    rollback_configuration: RollbackShape,
    stack_status: &'static str,
    stack_status_reason: Option<String>,
    disable_rollback: bool,
    #[serde(rename = "NotificationARNs")]
    notification_arns: Vec<String>,
    timeout_in_minutes: Option<u32>,
    capabilities: Vec<String>,
    outputs: Vec<OutputShape>,
    #[serde(rename = "RoleARN")]
    role_arn: Option<String>,
    tags: Vec<Tag>,
    enable_termination_protection: bool,
    parent_id: Option<String>,
    root_id: Option<String>,
    drift_information: DriftShape,
    retain_except_on_create: Option<bool>,
    deletion_mode: Option<String>,
}

/// `RollbackConfiguration`: there is none.
#[derive(Serialize)]
struct RollbackShape {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct OutputShape {
    output_key: String,
    output_value: String,
    description: Option<String>,
    export_name: Option<String>,
}

/// `StackDriftInformation`
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DriftShape {
    stack_drift_status: String,
    last_check_timestamp: Option<String>,
}

impl DriftShape {
    /// What is known of a stack's drift.
    pub(super) fn of(stack: &Stack) -> DriftShape {
        match &stack.drift {
            None => DriftShape {
                stack_drift_status: "NOT_CHECKED".to_owned(),
                last_check_timestamp: None,
            },
            Some(drift) => DriftShape {
                stack_drift_status: drift.status.clone(),
                last_check_timestamp: Some(moment(drift.checked)),
            },
        }
    }
}

async fn shape(view: &ReadView<'_>, seal: &Seal, stack: Stack) -> Result<StackShape, Fault> {
    let shown = work::shown_deployment(&stack);
    let deployment = table::deployment(view, seal, &stack.at, shown).await?;
    let outputs = table::outputs(seal, &stack)?;
    let (parameters, notification_arns, capabilities, tags) = match deployment {
        Some(deployment) => (
            ParameterOut::all(&deployment.parameters),
            deployment.notification_arns,
            deployment.capabilities,
            deployment.tags,
        ),
        None => Default::default(),
    };
    let arn = stack.at.arn();
    let enable_termination_protection = find::is_protected(view, &stack).await?;
    Ok(StackShape {
        stack_id: arn.to_string(),
        drift_information: DriftShape::of(&stack),
        change_set_id: stack.change_set,
        description: stack.description,
        parameters,
        creation_time: moment(stack.created),
        deletion_time: stack.deleted.map(moment),
        last_updated_time: stack.updated.map(moment),
        rollback_configuration: RollbackShape {},
        stack_status: stack.status.as_str(),
        stack_status_reason: stack.reason,
        disable_rollback: stack.disable_rollback,
        notification_arns,
        timeout_in_minutes: stack.timeout_minutes,
        capabilities,
        outputs: outputs
            .into_iter()
            .map(|output| OutputShape {
                output_key: output.key,
                output_value: output.value,
                description: output.description,
                export_name: output.export,
            })
            .collect(),
        role_arn: stack.role,
        tags,
        enable_termination_protection,
        root_id: stack.parent.as_ref().map(|(_, root)| root.clone()),
        parent_id: stack.parent.map(|(parent, _)| parent),
        retain_except_on_create: stack.retain_except_on_create.then_some(true),
        deletion_mode: stack.deletion_mode,
        stack_name: stack.at.name,
    })
}

impl Operation for DescribeStacks {
    const NAME: &'static str = "DescribeStacks";
    const SERVICE: ServiceName = ServiceName::CloudFormation;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    const STAGED: bool = true;
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = CloudFormationError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudFormationError> {
        Ok(
            find::demand_or_all(ctx, view, "cloudformation:DescribeStacks", input.name())
                .await?
                .into(),
        )
    }

    async fn stage(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: Body,
    ) -> Result<Staged, CloudFormationError> {
        if let Some(name) = input.name()
            && let Some(stack) = find::stack(ctx, &txn.view(), name).await?
            && stack.status.is_in_progress()
        {
            work::settled(ctx.world(), &stack.at, PATIENCE).await?;
        }
        Ok(Staged::nothing())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudFormationError> {
        let view = txn.view();
        let seal = Seal::of(ctx.world(), &view, ctx.account).await?;
        if let Some(name) = input.name() {
            let stack = find::existing_with_id(ctx, &view, name).await?;
            let stacks = vec![shape(&view, &seal, stack).await?];
            let next_token = None;
            return Ok(QueryResult(Output { stacks, next_token }));
        }
        let mut before = parse_token(input.next_token.as_deref())?;
        let mut stacks = Vec::new();
        loop {
            let place = (ctx.account, &ctx.region);
            let page = table::stacks(&view, place, before.as_deref(), PAGE).await?;
            let is_last = page.len() < PAGE;
            for stack in page {
                before = Some(stack.at.id.clone());
                if stack.status != StackStatus::DeleteComplete {
                    stacks.push(shape(&view, &seal, stack).await?);
                }
                if stacks.len() == PAGE {
                    let next_token = before.as_deref().map(next_token);
                    return Ok(QueryResult(Output { stacks, next_token }));
                }
            }
            if is_last {
                let next_token = None;
                return Ok(QueryResult(Output { stacks, next_token }));
            }
        }
    }
}
