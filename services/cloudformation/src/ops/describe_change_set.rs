//! DescribeChangeSet: what would be done to a stack's resources, and why.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeChangeSet.html>

use super::{
    change_sets::{self, Named},
    shapes::{PAGE, ParameterOut, moment, next_token, parse_token},
};
use crate::{
    CloudFormationError,
    model::{
        change_set::{ChangeSet, Contents, ResourceChange},
        changes::{Attribute, Detail},
        stack::{OnFailure, Stack, Tag},
    },
    table::{self, Seal},
};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct DescribeChangeSet;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    change_set_name: String,
    stack_name: Option<String>,
    next_token: Option<String>,
    include_property_values: Option<bool>,
}

impl Input {
    fn named(&self) -> Named {
        Named {
            change_set_name: self.change_set_name.clone(),
            stack_name: self.stack_name.clone(),
        }
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("changeSetName", &self.change_set_name)
            .maybe_text("stackName", self.stack_name.as_deref())
            .maybe_text("nextToken", self.next_token.as_deref())
            .maybe_flag("includePropertyValues", self.include_property_values)
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    change_set_name: String,
    change_set_id: String,
    stack_id: String,
    stack_name: String,
    description: Option<String>,
    parameters: Option<Vec<ParameterOut>>,
    creation_time: String,
    execution_status: &'static str,
    status: &'static str,
    status_reason: Option<String>,
    #[serde(rename = "NotificationARNs")]
    notification_arns: Vec<String>,
    rollback_configuration: Nothing,
    capabilities: Vec<String>,
    tags: Option<Vec<Tag>>,
    changes: Vec<ChangeShape>,
    next_token: Option<String>,
    include_nested_stacks: bool,
    on_stack_failure: Option<&'static str>,
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ChangeShape {
    #[serde(rename = "Type")]
    kind: &'static str,
    resource_change: ResourceChangeShape,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ResourceChangeShape {
    policy_action: Option<String>,
    action: String,
    logical_resource_id: String,
    physical_resource_id: Option<String>,
    resource_type: String,
    replacement: Option<String>,
    scope: Vec<String>,
    details: Vec<DetailShape>,
    before_context: Option<String>,
    after_context: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DetailShape {
    target: TargetShape,
    evaluation: String,
    change_source: String,
    causing_entity: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TargetShape {
    attribute: String,
    name: Option<String>,
    requires_recreation: String,
    path: Option<String>,
    before_value: Option<String>,
    after_value: Option<String>,
    attribute_change_type: Option<String>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for DescribeChangeSet {
    const NAME: &'static str = "DescribeChangeSet";
    const SERVICE: ServiceName = ServiceName::CloudFormation;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = CloudFormationError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudFormationError> {
        let demand = input
            .named()
            .demand(ctx, view, "cloudformation:DescribeChangeSet")
            .await?;
        Ok(demand.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudFormationError> {
        let view = txn.view();
        let (stack, set) = input.named().existing(ctx, &view).await?;
        let seal = Seal::of(ctx.world(), &view, ctx.account).await?;
        let contents = table::contents(&view, &seal, &set).await?;
        let after = parse_token(input.next_token.as_deref())?;
        let with_values = input.include_property_values.unwrap_or_default();
        Ok(QueryResult(described(&stack, &set, contents, after, with_values)))
    }
}

fn described(stack: &Stack, set: &ChangeSet, contents: Contents, after: Option<String>, with_values: bool) -> Output {
    let is_after = |change: &ResourceChange| after.as_ref().is_none_or(|after| change.logical_id > *after);
    let mut changes: Vec<ResourceChange> = contents.changes.into_iter().filter(is_after).collect();
    let has_more = changes.len() > PAGE;
    changes.truncate(PAGE);
    let next_token = changes
        .last()
        .filter(|_| has_more)
        .map(|last| next_token(&last.logical_id));
    let parameters = ParameterOut::all(&contents.parameters);
    Output {
        change_set_name: set.name.clone(),
        change_set_id: set.arn().as_str().to_owned(),
        stack_id: stack.at.arn().as_str().to_owned(),
        stack_name: stack.at.name.clone(),
        description: set.description.clone(),
        parameters: Some(parameters).filter(|parameters| !parameters.is_empty()),
        creation_time: moment(set.created),
        execution_status: change_sets::execution(stack, set).as_str(),
        status: set.status(),
        status_reason: set.failure.clone(),
        notification_arns: contents.notification_arns,
        rollback_configuration: Nothing {},
        capabilities: contents.capabilities,
        tags: Some(contents.tags).filter(|tags| !tags.is_empty()),
        changes: changes.into_iter().map(|change| shape(change, with_values)).collect(),
        next_token,
        include_nested_stacks: false,
        on_stack_failure: set.on_failure.map(|on_failure| match on_failure {
            OnFailure::DoNothing => "DO_NOTHING",
            OnFailure::Rollback => "ROLLBACK",
            OnFailure::Delete => "DELETE",
        }),
    }
}

fn shape(found: ResourceChange, with_values: bool) -> ChangeShape {
    let (replacement, scope, details) = match found.change {
        None => (None, Vec::new(), Vec::new()),
        Some(change) => (
            Some(format!("{:?}", change.replacement)),
            change.scope.iter().map(|attribute| format!("{attribute:?}")).collect(),
            change
                .details
                .iter()
                .map(|detail| detail_shape(detail, with_values))
                .collect(),
        ),
    };
    ChangeShape {
        kind: "Resource",
        resource_change: ResourceChangeShape {
            policy_action: found.policy_action,
            action: format!("{:?}", found.action),
            logical_resource_id: found.logical_id,
            physical_resource_id: found.physical_id,
            resource_type: found.type_name,
            replacement,
            scope,
            details,
            before_context: found.before.filter(|_| with_values),
            after_context: found.after.filter(|_| with_values),
        },
    }
}

fn detail_shape(detail: &Detail, with_values: bool) -> DetailShape {
    let path = match (detail.attribute, &detail.name) {
        (Attribute::Properties, Some(name)) => Some(format!("/Properties/{name}")),
        (Attribute::Properties, None) => None,
        (Attribute::Tags, _) => Some("/Properties/Tags".to_owned()),
        (attribute, _) => Some(format!("/{attribute:?}")),
    };
    let text = |value: &Option<Value>| {
        value.as_ref().filter(|_| with_values).map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    };
    DetailShape {
        target: TargetShape {
            attribute: format!("{:?}", detail.attribute),
            name: detail
                .name
                .clone()
                .filter(|_| detail.attribute == Attribute::Properties),
            requires_recreation: format!("{:?}", detail.recreation),
            path: path.filter(|_| with_values),
            before_value: text(&detail.before),
            after_value: text(&detail.after),
            attribute_change_type: with_values.then(|| format!("{:?}", detail.change_type)),
        },
        evaluation: format!("{:?}", detail.evaluation),
        change_source: format!("{:?}", detail.source),
        causing_entity: detail.causing_entity.clone(),
    }
}
