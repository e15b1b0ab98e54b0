//! What CreateStack, UpdateStack and executing a change set share: a template and parameters are checked for all that can be
//! known beforehand, and what is to be done is written down.

use super::{capabilities, change_sets, checked, find, source::GivenPolicy};
use crate::{
    CloudFormationError,
    model::{
        held::Deployment,
        stack::{Identity, OnFailure, Operation, Phase, Stack, StackRef, StackStatus, Tag},
    },
    table::{self, Seal},
    types,
    work::{self, Told, Wanted},
};
use base::Fault;
use gateway::{Ctx, Txn, ctx::By};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use template::{DeletionPolicy, Given, Known, Scope, Template, Unknown};

/// What UpdateStack says when nothing would change.
pub(crate) const NO_UPDATES: &str = "No updates are to be performed.";
/// So many stacks an account has in a Region.
///
/// SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>
pub(crate) const STACKS_MAX: usize = 2_000;
/// A stack has so many tags.
const TAGS_MAX: usize = 50;

/// What is asked of a stack.
pub(crate) struct Asked {
    /// The template's text.
    pub(crate) template: String,
    /// The parameters.
    pub(crate) parameters: Vec<Given>,
    /// `Tags`; `None` leaves those that there are.
    pub(crate) tags: Option<Vec<Tag>>,
    /// `Capabilities`
    pub(crate) capabilities: Vec<String>,
    /// `ResourceTypes`
    pub(crate) resource_types: Option<Vec<String>>,
    /// `NotificationARNs`; `None` leaves those that there are.
    pub(crate) notification_arns: Option<Vec<String>>,
    /// `RoleARN`
    pub(crate) role: Option<String>,
    /// `ClientRequestToken`
    pub(crate) token: Option<String>,
    /// What becomes of a failure.
    pub(crate) on_failure: OnFailure,
    /// `RetainExceptOnCreate`
    pub(crate) retain_except_on_create: bool,
    /// The stack policy.
    pub(crate) policy: GivenPolicy,
    /// The stack policy for this update alone.
    pub(crate) policy_during: GivenPolicy,
    /// `EnableTerminationProtection`
    pub(crate) termination_protection: bool,
    /// `TimeoutInMinutes`
    pub(crate) timeout_minutes: Option<u32>,
    /// The ARN of the change set that asks.
    pub(crate) change_set: Option<String>,
}

impl Asked {
    /// All of it but the template, as text. It holds parameters' values.
    fn request(&self, updates: bool) -> String {
        let given = |given: &Given| json!([given.name, given.value, given.use_previous]);
        let parameters: Vec<Value> = self.parameters.iter().map(given).collect();
        let tags = self.tags.as_ref();
        let tags = tags.map(|tags| tags.iter().map(|tag| json!([tag.key, tag.value])).collect::<Vec<_>>());
        json!([
            updates,
            self.token,
            self.change_set,
            parameters,
            tags,
            self.capabilities,
            self.resource_types,
            self.notification_arns,
            self.role,
            self.on_failure,
            self.retain_except_on_create,
            self.policy.text(),
            self.policy_during.text(),
            self.termination_protection,
            self.timeout_minutes,
        ])
        .to_string()
    }
}

/// Whether a request was made before: the stack's last operation has its token and is of the same request. A token of another
/// request is refused, as is one whose operation has failed and is forgotten.
pub(crate) async fn is_repeated(
    ctx: &Ctx,
    view: &store::ReadView<'_>,
    stack: &Stack,
    (asked, updates): (&Asked, bool),
) -> Result<bool, CloudFormationError> {
    let Some(token) = asked.token.as_ref().filter(|token| stack.token.as_ref() == Some(token)) else {
        return Ok(false);
    };
    let seal = Seal::of(ctx.world(), view, ctx.account).await?;
    let last = table::deployment(view, &seal, &stack.at, stack.wanted).await?;
    match last.is_some_and(|last| last.template == asked.template && last.request == asked.request(updates)) {
        true => Ok(true),
        false => Err(taken(token)),
    }
}

/// A token that another request has.
pub(crate) fn taken(token: &str) -> CloudFormationError {
    CloudFormationError::TokenAlreadyExists(format!(
        "Client request token [{token}] already exists for another request"
    ))
}

/// Makes a stack, or makes something of one that was only reviewed, and has its work begin.
pub(crate) async fn create(
    ctx: &Ctx,
    txn: &mut Txn,
    at: StackRef,
    reviewed: Option<Stack>,
    asked: Asked,
) -> Result<Stack, CloudFormationError> {
    check_tags(asked.tags.as_deref().unwrap_or_default())?;
    if reviewed.is_none() {
        check_room(&txn.view(), &at).await?;
    }
    let now = ctx.now();
    let mut stack = match reviewed {
        Some(stack) => stack,
        None => blank(ctx, at)?,
    };
    let deployment = deployment(ctx, txn, &stack, None, &asked).await?;
    stack.identity = rights(ctx, txn, &stack, asked.role.as_deref()).await?;
    stack.role = asked.role;
    stack.status = StackStatus::CreateInProgress;
    stack.disable_rollback = asked.on_failure == OnFailure::DoNothing;
    stack.timeout_minutes = asked.timeout_minutes;
    stack.retain_except_on_create = asked.retain_except_on_create;
    stack.termination_protection = asked.termination_protection;
    set_policy(&mut stack, asked.policy);
    stack.change_set = asked.change_set;
    stack.token = asked.token;
    stack.wanted += 1;
    table::take_name(txn, &stack.at);
    let minutes = asked
        .timeout_minutes
        .map(|minutes| Duration::from_secs(60 * u64::from(minutes)));
    let operation = Operation {
        at: stack.at.clone(),
        id: base::ids::uuid(ctx.random()),
        phase: Phase::Create,
        identity: stack.identity.clone(),
        on_failure: asked.on_failure,
        spared: Vec::new(),
        force: false,
        was: StackStatus::ReviewInProgress,
        policy: None,
        deadline: minutes.map(|span| now.plus(span)),
    };
    start(ctx, txn, &stack, operation, Some(&deployment)).await?;
    Ok(stack)
}

/// Changes a stack, and has the work begin.
pub(crate) async fn update(
    ctx: &Ctx,
    txn: &mut Txn,
    mut stack: Stack,
    asked: Asked,
) -> Result<Stack, CloudFormationError> {
    updatable(&stack)?;
    check_tags(asked.tags.as_deref().unwrap_or_default())?;
    let seal = Seal::of(ctx.world(), &txn.view(), ctx.account).await?;
    let shown = work::shown_deployment(&stack);
    let previous = table::deployment(&txn.view(), &seal, &stack.at, shown).await?;
    let previous = previous.ok_or_else(|| Fault::corrupt("a stack has not the deployment that it names"))?;
    let deployment = deployment(ctx, txn, &stack, Some(&previous), &asked).await?;
    let is_whole = !matches!(stack.status, StackStatus::CreateFailed | StackStatus::UpdateFailed);
    if is_whole && asked.change_set.is_none() && is_same(&stack, &previous, &deployment)? {
        return Err(CloudFormationError::invalid(NO_UPDATES));
    }
    let was = stack.status;
    let role = asked.role.or(stack.role);
    stack.role = None;
    stack.identity = rights(ctx, txn, &stack, role.as_deref()).await?;
    stack.role = role;
    stack.status = StackStatus::UpdateInProgress;
    stack.updated = Some(ctx.now());
    stack.disable_rollback = asked.on_failure == OnFailure::DoNothing;
    stack.retain_except_on_create = asked.retain_except_on_create;
    let kept_to = stack.policy.clone();
    set_policy(&mut stack, asked.policy);
    stack.change_set = asked.change_set.or(stack.change_set);
    stack.token = asked.token;
    stack.wanted += 1;
    let operation = Operation {
        at: stack.at.clone(),
        id: base::ids::uuid(ctx.random()),
        phase: Phase::Update,
        identity: stack.identity.clone(),
        on_failure: asked.on_failure,
        spared: Vec::new(),
        force: false,
        was,
        policy: match asked.policy_during {
            GivenPolicy::None => kept_to,
            GivenPolicy::Empty => None,
            GivenPolicy::Policy(policy) => Some(policy),
        },
        deadline: None,
    };
    start(ctx, txn, &stack, operation, Some(&deployment)).await?;
    Ok(stack)
}

fn set_policy(stack: &mut Stack, given: GivenPolicy) {
    match given {
        GivenPolicy::None => {}
        GivenPolicy::Empty => stack.policy = None,
        GivenPolicy::Policy(policy) => stack.policy = Some(policy),
    }
}

/// Writes down what is to be done with a stack, with the event that somebody asked for it.
pub(crate) async fn start(
    ctx: &Ctx,
    txn: &mut Txn,
    stack: &Stack,
    operation: Operation,
    deployment: Option<&Deployment>,
) -> Result<(), Fault> {
    let seal = Seal::of(ctx.world(), &txn.view(), stack.at.account).await?;
    let topics = match deployment {
        Some(deployment) => {
            table::put_deployment(txn, &seal, &stack.at, stack.wanted, deployment)?;
            deployment.notification_arns.clone()
        }
        None => {
            let shown = work::shown_deployment(stack);
            let shown = table::deployment(&txn.view(), &seal, &stack.at, shown).await?;
            shown.map(|deployment| deployment.notification_arns).unwrap_or_default()
        }
    };
    let told = Told {
        topics,
        by: By::Forward,
        token: stack.token.clone(),
    };
    let mut stack = stack.clone();
    stack.reason = Some(INITIATED.to_owned());
    change_sets::overtake(txn, &stack.at).await?;
    work::tell(ctx, txn, &seal, &stack.at, &told, (stack.status, Some(INITIATED))).await?;
    table::put_stack(txn, &stack);
    table::put_operation(txn, &operation);
    work::wake(ctx.world(), txn);
    Ok(())
}

const INITIATED: &str = "User Initiated";

/// One more stack fits.
pub(crate) async fn check_room(view: &store::ReadView<'_>, at: &StackRef) -> Result<(), CloudFormationError> {
    match table::names(view, at.account, &at.region, STACKS_MAX).await? < STACKS_MAX {
        true => Ok(()),
        false => Err(CloudFormationError::LimitExceeded(format!(
            "Limit for stack has been exceeded: the limit is {STACKS_MAX} stacks."
        ))),
    }
}

/// Makes a stack that is only reviewed: it has its name, and nothing of it is made.
pub(crate) async fn review(ctx: &Ctx, txn: &mut Txn, mut stack: Stack) -> Result<(), Fault> {
    let seal = Seal::of(ctx.world(), &txn.view(), stack.at.account).await?;
    stack.reason = Some(INITIATED.to_owned());
    let told = Told {
        topics: Vec::new(),
        by: By::Forward,
        token: None,
    };
    work::tell(ctx, txn, &seal, &stack.at, &told, (stack.status, Some(INITIATED))).await?;
    table::take_name(txn, &stack.at);
    table::put_stack(txn, &stack);
    Ok(())
}

/// A stack that nothing is known of yet.
pub(crate) fn blank(ctx: &Ctx, at: StackRef) -> Result<Stack, Fault> {
    Ok(Stack {
        at,
        created: ctx.now(),
        updated: None,
        deleted: None,
        status: StackStatus::ReviewInProgress,
        reason: None,
        description: None,
        parent: None,
        deployed: 0,
        wanted: 0,
        oldest: 0,
        imports: Vec::new(),
        identity: find::identity(ctx)?,
        role: None,
        disable_rollback: false,
        timeout_minutes: None,
        retain_except_on_create: false,
        termination_protection: false,
        policy: None,
        drift: None,
        change_set: None,
        token: None,
        deletion_mode: None,
        outputs: Vec::new(),
    })
}

/// A stack can be updated now.
pub(crate) fn updatable(stack: &Stack) -> Result<(), CloudFormationError> {
    match stack.status.is_updatable() {
        true => Ok(()),
        false => Err(CloudFormationError::Validation(format!(
            "Stack:{} is in {} state and can not be updated.",
            stack.at.arn(),
            stack.status.as_str()
        ))),
    }
}

/// With whose rights the operation is done: those of the role that is passed, or of the stack's, if CloudFormation may assume
/// it; else the caller's.
pub(crate) async fn rights(
    ctx: &Ctx,
    txn: &mut Txn,
    stack: &Stack,
    given: Option<&str>,
) -> Result<Identity, CloudFormationError> {
    let Some(role) = given.or(stack.role.as_deref()) else {
        return Ok(find::identity(ctx)?);
    };
    match work::assumes(ctx, txn, &stack.at, role).await? {
        true => Ok(Identity::Role(role.to_owned())),
        false => Err(CloudFormationError::Validation(format!(
            "Role {role} is invalid or cannot be assumed"
        ))),
    }
}

/// What is asked for, free of every fault that can be known before it is done.
pub(crate) async fn deployment(
    ctx: &Ctx,
    txn: &Txn,
    stack: &Stack,
    previous: Option<&Deployment>,
    asked: &Asked,
) -> Result<Deployment, CloudFormationError> {
    let template = Template::parse(&asked.template)?;
    let parameters = template.bind(&asked.parameters, previous.map(|previous| &previous.parameters))?;
    let kept =
        |given: &Option<Vec<String>>, old: Option<&Vec<String>>| given.as_ref().or(old).cloned().unwrap_or_default();
    let deployment = Deployment {
        template: asked.template.clone(),
        parameters,
        tags: match &asked.tags {
            Some(tags) => tags.clone(),
            None => previous.map(|previous| previous.tags.clone()).unwrap_or_default(),
        },
        capabilities: asked.capabilities.clone(),
        resource_types: asked.resource_types.clone(),
        host: ctx.reached_by.clone(),
        request: asked.request(previous.is_some()),
        notification_arns: kept(
            &asked.notification_arns,
            previous.map(|previous| &previous.notification_arns),
        ),
    };
    check(stack, &template, &deployment, asked.change_set.is_some())?;
    let seal = Seal::of(ctx.world(), &txn.view(), ctx.account).await?;
    if previous.is_some() {
        check_types(&txn.view(), &seal, stack, &template, asked.resource_types.as_deref()).await?;
    }
    Ok(deployment)
}

/// The faults of a template with its parameters.
fn check(
    stack: &Stack,
    template: &Template,
    deployment: &Deployment,
    is_change_set: bool,
) -> Result<(), CloudFormationError> {
    let wanted = Wanted::read(stack, stack.wanted + 1, deployment.clone())?;
    let scope = wanted.scope()?;
    scope.check_rules()?;
    scope.check_values()?;
    let resources = &scope.template().resources;
    checked::known_types(scope.template())?;
    let named = resources.iter().map(|resource| resource.type_name.as_str());
    checked::allowed_types(named, deployment.resource_types.as_deref())?;
    for resource in resources {
        let snapshot = Some(DeletionPolicy::Snapshot);
        if resource.deletion_policy == snapshot || resource.update_replace_policy == snapshot {
            return Err(CloudFormationError::Validation(format!(
                "Template error: resource type {} does not support deletion policy Snapshot",
                resource.type_name
            )));
        }
        if resource.creation_policy.is_some() {
            return Err(CloudFormationError::Validation(format!(
                "CreationPolicy is not supported for resource type {}",
                resource.type_name
            )));
        }
    }
    let expands = !template.transforms.is_empty() && !is_change_set;
    capabilities::check(scope.template(), expands, &deployment.capabilities)
}

/// A resource stays of its type, and what goes is of a type that is allowed.
async fn check_types(
    view: &store::ReadView<'_>,
    seal: &Seal,
    stack: &Stack,
    template: &Template,
    allowed: Option<&[String]>,
) -> Result<(), CloudFormationError> {
    let now: BTreeMap<String, String> = table::resources(view, seal, &stack.at)
        .await?
        .into_iter()
        .filter_map(|resource| Some((resource.row.logical_id, resource.held.thing?.type_name)))
        .collect();
    checked::allowed_types(now.values().map(String::as_str), allowed)?;
    let changed: Vec<&str> = template
        .resources
        .iter()
        .filter(|resource| {
            now.get(&resource.logical_id)
                .is_some_and(|name| *name != resource.type_name)
        })
        .map(|resource| resource.logical_id.as_str())
        .collect();
    match changed.is_empty() {
        true => Ok(()),
        false => Err(CloudFormationError::Validation(format!(
            "Update of resource type is not permitted. The new template modifies resource type of the following \
             resources: [{}]",
            changed.join(", ")
        ))),
    }
}

pub(crate) fn check_tags(tags: &[Tag]) -> Result<(), CloudFormationError> {
    if tags.len() > TAGS_MAX {
        return Err(CloudFormationError::Validation(format!(
            "Stack tags exceed the limit of {TAGS_MAX}"
        )));
    }
    for tag in tags {
        if tag.key.starts_with("aws:") {
            return Err(CloudFormationError::invalid(
                "aws: prefixed tag key names are not allowed for external use.",
            ));
        }
        if tag.key.is_empty() || tag.key.chars().count() > 128 || tag.value.chars().count() > 256 {
            return Err(CloudFormationError::Validation(format!("Invalid tag: {}", tag.key)));
        }
    }
    let mut keys: Vec<&str> = tags.iter().map(|tag| tag.key.as_str()).collect();
    keys.sort_unstable();
    match keys.windows(2).any(|pair| pair.first() == pair.last()) {
        true => Err(CloudFormationError::invalid("Duplicate tag keys found")),
        false => Ok(()),
    }
}

/// What is not made yet stands for itself, so that two deployments can be compared.
struct Symbols;

impl Known for Symbols {
    fn reference(&self, logical_id: &str) -> Option<Value> {
        Some(Value::from(format!("\u{0}{logical_id}")))
    }

    fn attribute(&self, logical_id: &str, name: &str) -> Result<Value, Unknown> {
        Ok(Value::from(format!("\u{0}{logical_id}.{name}")))
    }

    fn export(&self, name: &str) -> Option<String> {
        Some(format!("\u{0}{name}"))
    }
}

/// Whether nothing would change from one deployment to the other. A nested stack may always change: its template may.
pub(crate) fn is_same(stack: &Stack, one: &Deployment, other: &Deployment) -> Result<bool, CloudFormationError> {
    if one.tags != other.tags || one.notification_arns != other.notification_arns {
        return Ok(false);
    }
    let one = Wanted::read(stack, 0, one.clone())?;
    let other = Wanted::read(stack, 0, other.clone())?;
    let (one, other) = (one.scope()?, other.scope()?);
    let has_nested = |scope: &Scope<'_>| {
        let mut nodes = scope.resources().iter();
        nodes.any(|node| node.resource.type_name == types::cloudformation::STACK.name)
    };
    Ok(!has_nested(&other) && faces(&one) == faces(&other))
}

/// All that a deployment says of its resources and outputs.
fn faces(scope: &Scope<'_>) -> Option<Vec<Value>> {
    let face = |value: &Value| scope.evaluate(value, &Symbols).ok();
    let mut faces = Vec::new();
    for node in scope.resources() {
        let resource = node.resource;
        faces.push(Value::from(vec![
            Value::from(resource.logical_id.as_str()),
            Value::from(resource.type_name.as_str()),
            face(&resource.properties)?,
            resource.metadata.as_ref().map_or(Some(Value::Null), face)?,
            Value::from(format!(
                "{:?}{:?}",
                resource.deletion_policy, resource.update_replace_policy
            )),
        ]));
    }
    for output in scope.outputs() {
        faces.push(Value::from(vec![
            Value::from(output.name.as_str()),
            face(&output.value)?,
            output.export.as_ref().map_or(Some(Value::Null), face)?,
            output.description.clone().map_or(Value::Null, Value::from),
        ]));
    }
    Some(faces)
}
