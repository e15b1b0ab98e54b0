//! CreateChangeSet: what a stack would become, and what that would do to its resources. It is whole when the call answers.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html>

use super::{
    begin::{self, Asked},
    change_sets,
    create_stack::{RollbackConfiguration, check_name, pass_role},
    find,
    foreseen::{self, Now},
    shapes::{self, ParameterShape},
    source::{self, GivenPolicy},
    update_stack,
};
use crate::{
    CloudFormationError,
    model::{
        change_set::{ChangeSet, Contents, Execution},
        held::Deployment,
        stack::{OnFailure, Stack, StackRef, StackStatus, Tag},
    },
    table::{self, Seal},
    types::cloudformation::stack as nested,
};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use std::collections::BTreeMap;
use store::ReadView;
use wire::ServiceName;

/// What a change set tells that would change nothing.
const NO_CHANGES: &str =
    "The submitted information didn't contain changes. Submit different information to create a change set.";

/// The operation.
pub(super) struct CreateChangeSet;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    stack_name: String,
    change_set_name: String,
    change_set_type: Option<String>,
    template_body: Option<String>,
    #[serde(rename = "TemplateURL")]
    template_url: Option<String>,
    use_previous_template: Option<bool>,
    #[serde(default)]
    parameters: Vec<ParameterShape>,
    capabilities: Option<Vec<String>>,
    resource_types: Option<Vec<String>>,
    #[serde(rename = "RoleARN")]
    role_arn: Option<String>,
    rollback_configuration: Option<RollbackConfiguration>,
    #[serde(rename = "NotificationARNs")]
    notification_arns: Option<Vec<String>>,
    tags: Option<Vec<Tag>>,
    client_token: Option<String>,
    description: Option<String>,
    resources_to_import: Option<Vec<IgnoredAny>>,
    include_nested_stacks: Option<bool>,
    on_stack_failure: Option<String>,
    import_existing_resources: Option<bool>,
    deployment_mode: Option<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let params = Params::new()
            .text("stackName", &self.stack_name)
            .text("changeSetName", &self.change_set_name)
            .maybe_text("changeSetType", self.change_set_type.as_deref())
            .maybe_text("description", self.description.as_deref())
            .maybe_text("templateURL", self.template_url.as_deref())
            .maybe_flag("usePreviousTemplate", self.use_previous_template)
            .maybe_flag("includeNestedStacks", self.include_nested_stacks)
            .maybe_text("onStackFailure", self.on_stack_failure.as_deref())
            .maybe_text("roleARN", self.role_arn.as_deref())
            .maybe_text("clientToken", self.client_token.as_deref());
        let params = shapes::evident_parameters(params, &self.parameters);
        let params = shapes::evident_texts(params, "notificationARNs", self.notification_arns.as_ref());
        let params = shapes::evident_texts(params, "capabilities", self.capabilities.as_ref());
        let params = shapes::evident_texts(params, "resourceTypes", self.resource_types.as_ref());
        shapes::evident_tags(params, self.tags.as_ref())
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    id: String,
    stack_id: String,
}

impl Output {
    fn of(set: &ChangeSet) -> Output {
        Output {
            id: set.arn().as_str().to_owned(),
            stack_id: set.stack.arn().as_str().to_owned(),
        }
    }
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new().text("id", &self.id).text("stackId", &self.stack_id)
    }
}

/// A stack has so many change sets at most. AWS keeps the same, and tells it nowhere but in the refusal.
const CHANGE_SETS_MAX: usize = 1_000;

impl Operation for CreateChangeSet {
    const NAME: &'static str = "CreateChangeSet";
    const SERVICE: ServiceName = ServiceName::CloudFormation;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    const MISSING: &'static str = "imports, nested change sets, REVERT_DRIFT, rollback triggers";
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = CloudFormationError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudFormationError> {
        let mut demand = find::demand(ctx, view, "cloudformation:CreateChangeSet", &input.stack_name)
            .await?
            .with("cloudformation:ChangeSetName", &input.change_set_name)
            .with_some("cloudformation:TemplateUrl", input.template_url.as_deref())
            .with_some("cloudformation:RoleArn", input.role_arn.as_deref());
        if let Some(types) = &input.resource_types {
            demand = demand.with_all("cloudformation:ResourceTypes", types.clone());
        }
        let own = shapes::with_tags(demand, input.tags.as_ref());
        let all = std::iter::once(own).chain(pass_role(ctx, input.role_arn.as_deref())?);
        Ok(Demands::All(all.collect()))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudFormationError> {
        input.check()?;
        let (stack, is_new) = stack(ctx, txn, input).await?;
        let sets = table::change_sets(&txn.view(), &stack.at).await?;
        if let Some(same) = sets
            .iter()
            .find(|set| set.name == input.change_set_name && !change_sets::is_over(&stack, set))
        {
            return match input.client_token.is_some() && same.token == input.client_token {
                true => Ok(QueryResult(Output::of(same))),
                false => Err(CloudFormationError::ChangeSetAlreadyExists(same.name.clone())),
            };
        }
        if sets.len() >= CHANGE_SETS_MAX {
            return Err(CloudFormationError::LimitExceeded(format!(
                "ChangeSet limit exceeded for stack {}",
                stack.at.arn()
            )));
        }
        let set = ChangeSet {
            stack: stack.at.clone(),
            name: input.change_set_name.clone(),
            id: base::ids::ordered_uuid(ctx.now(), ctx.random()),
            created: ctx.now(),
            description: input.description.clone(),
            is_create: input.is_create(),
            failure: None,
            execution: Execution::Available,
            on_failure: input.on_failure()?,
            role: input.role_arn.clone(),
            token: input.client_token.clone(),
        };
        let output = Output::of(&set);
        make(ctx, txn, &stack, set, input).await?;
        if is_new {
            begin::review(ctx, txn, stack).await?;
        }
        Ok(QueryResult(output))
    }
}

impl Input {
    fn is_create(&self) -> bool {
        self.change_set_type.as_deref() == Some("CREATE")
    }

    fn on_failure(&self) -> Result<Option<OnFailure>, CloudFormationError> {
        match self.on_stack_failure.as_deref() {
            None => Ok(None),
            Some("DO_NOTHING") => Ok(Some(OnFailure::DoNothing)),
            Some("ROLLBACK") => Ok(Some(OnFailure::Rollback)),
            Some("DELETE") if self.is_create() => Ok(Some(OnFailure::Delete)),
            Some("DELETE") => Err(CloudFormationError::invalid(
                "OnStackFailure DELETE can only be specified for change sets of type CREATE",
            )),
            Some(other) => Err(source::constraint(
                other,
                "onStackFailure",
                "Member must satisfy enum value set: [DO_NOTHING, ROLLBACK, DELETE]",
            )),
        }
    }

    /// What is wrong with the call by itself, and what is not here.
    fn check(&self) -> Result<(), CloudFormationError> {
        let refused = [
            (
                "ChangeSetType IMPORT",
                self.change_set_type.as_deref() == Some("IMPORT"),
            ),
            ("ResourcesToImport", self.resources_to_import.is_some()),
            ("ImportExistingResources", self.import_existing_resources == Some(true)),
            ("DeploymentMode", self.deployment_mode.is_some()),
        ];
        if let Some((name, _)) = refused.iter().find(|(_, is_asked)| *is_asked) {
            return Err(CloudFormationError::NotImplemented((*name).to_owned()));
        }
        if let Some(other) = self
            .change_set_type
            .as_deref()
            .filter(|kind| !matches!(*kind, "CREATE" | "UPDATE"))
        {
            return Err(source::constraint(
                other,
                "changeSetType",
                "Member must satisfy enum value set: [CREATE, UPDATE, IMPORT]",
            ));
        }
        RollbackConfiguration::check(self.rollback_configuration.as_ref())?;
        let name = self.change_set_name.as_str();
        let is_proper = name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
        match is_proper && name.len() <= 128 {
            true => Ok(()),
            false => Err(source::constraint(
                name,
                "changeSetName",
                "Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*",
            )),
        }
    }
}

/// The stack that the change set is for, and whether it is made for it.
async fn stack(ctx: &Ctx, txn: &Txn, input: &Input) -> Result<(Stack, bool), CloudFormationError> {
    let view = txn.view();
    let found = find::stack(ctx, &view, &input.stack_name).await?;
    match (found, input.is_create()) {
        (Some(stack), true) if stack.status == StackStatus::ReviewInProgress => Ok((stack, false)),
        (Some(_), true) => Err(CloudFormationError::Validation(format!(
            "Stack [{}] already exists and cannot be created again with the changeSet [{}].",
            input.stack_name, input.change_set_name
        ))),
        (Some(stack), false) if stack.status != StackStatus::DeleteComplete => {
            begin::updatable(&stack)?;
            Ok((stack, false))
        }
        (None, true) if !input.stack_name.starts_with("arn:") => {
            check_name(&input.stack_name)?;
            let at = StackRef {
                account: ctx.account,
                region: ctx.region.clone(),
                name: input.stack_name.clone(),
                id: base::ids::ordered_uuid(ctx.now(), ctx.random()),
            };
            begin::check_room(&view, &at).await?;
            Ok((begin::blank(ctx, at)?, true))
        }
        _ => Err(CloudFormationError::Validation(format!(
            "Stack [{}] does not exist",
            input.stack_name
        ))),
    }
}

/// Finds out what would be done, and stores the change set.
async fn make(
    ctx: &Ctx,
    txn: &mut Txn,
    stack: &Stack,
    mut set: ChangeSet,
    input: &Input,
) -> Result<(), CloudFormationError> {
    let previous = match stack.status {
        StackStatus::ReviewInProgress => None,
        _ => Some(update_stack::current(ctx, &txn.view(), stack).await?),
    };
    let template = template(ctx, txn, previous.as_ref(), input).await?;
    let asked = Asked {
        template,
        parameters: ParameterShape::given(&input.parameters),
        tags: input.tags.clone(),
        capabilities: input.capabilities.clone().unwrap_or_default(),
        resource_types: input.resource_types.clone(),
        notification_arns: input.notification_arns.clone(),
        role: input.role_arn.clone(),
        token: None,
        on_failure: OnFailure::Rollback,
        retain_except_on_create: false,
        policy: GivenPolicy::None,
        policy_during: GivenPolicy::None,
        termination_protection: false,
        timeout_minutes: None,
        change_set: Some(set.arn().as_str().to_owned()),
    };
    begin::check_tags(asked.tags.as_deref().unwrap_or_default())?;
    let seal = Seal::of(ctx.world(), &txn.view(), ctx.account).await?;
    let deployment = begin::deployment(ctx, txn, stack, previous.as_ref(), &asked).await?;
    let changes = foresee(ctx, txn, (stack, previous.as_ref()), &deployment).await?;
    // Clients ask for it of every stack; where nothing is nested there is nothing to include.
    if input.include_nested_stacks == Some(true) && changes.iter().any(|change| change.type_name == nested::NAME) {
        return Err(CloudFormationError::NotImplemented(
            "IncludeNestedStacks of a stack with nested stacks".to_owned(),
        ));
    }
    if let Some(previous) = &previous
        && changes.is_empty()
        && begin::is_same(stack, previous, &deployment)?
    {
        set.failure = Some(NO_CHANGES.to_owned());
        set.execution = Execution::Unavailable;
    }
    let contents = Contents {
        template: deployment.template,
        parameters: deployment.parameters,
        tags: deployment.tags,
        capabilities: deployment.capabilities,
        resource_types: deployment.resource_types,
        notification_arns: deployment.notification_arns,
        changes,
    };
    table::put_new_change_set(txn, &seal, &set, &contents)?;
    Ok(())
}

async fn template(
    ctx: &Ctx,
    txn: &mut Txn,
    previous: Option<&Deployment>,
    input: &Input,
) -> Result<String, CloudFormationError> {
    let given = source::template(ctx, txn, input.template_body.as_deref(), input.template_url.as_deref()).await?;
    match (given, input.use_previous_template.unwrap_or_default()) {
        (Some(_), true) => Err(CloudFormationError::invalid(
            "You cannot specify both usePreviousTemplate and Template Body/Template URL.",
        )),
        (Some(template), false) => Ok(template),
        (None, true) => previous.map(|previous| previous.template.clone()).ok_or_else(|| {
            CloudFormationError::invalid("UsePreviousTemplate cannot be true for a stack that has no template yet.")
        }),
        (None, false) => Err(CloudFormationError::invalid(
            "Either Template URL or Template Body must be specified.",
        )),
    }
}

async fn foresee(
    ctx: &Ctx,
    txn: &Txn,
    (stack, previous): (&Stack, Option<&Deployment>),
    deployment: &Deployment,
) -> Result<Vec<crate::model::change_set::ResourceChange>, CloudFormationError> {
    let view = txn.view();
    let seal = Seal::of(ctx.world(), &view, ctx.account).await?;
    let resources: BTreeMap<_, _> = table::resources(&view, &seal, &stack.at)
        .await?
        .into_iter()
        .map(|resource| (resource.row.logical_id.clone(), resource))
        .collect();
    let mut exports = BTreeMap::new();
    for name in foreseen::imports(stack, deployment)? {
        match table::export(&view, &seal, (ctx.account, &ctx.region), &name).await? {
            Some((_, value)) => drop(exports.insert(name, value)),
            None => {
                return Err(CloudFormationError::Validation(format!("No export named {name} found")));
            }
        }
    }
    let now = Now {
        stack,
        deployment: previous,
        resources: &resources,
        exports: &exports,
    };
    foreseen::changes(&now, deployment)
}
