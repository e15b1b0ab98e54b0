//! CreateStack: a stack of a template.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>

use super::{
    begin::{self, Asked},
    find,
    shapes::{self, ParameterShape, StackIdShape},
    source,
};
use crate::{
    CloudFormationError,
    model::stack::{OnFailure, StackRef, StackStatus, Tag},
    work,
};
use base::Arn;
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct CreateStack;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    stack_name: String,
    template_body: Option<String>,
    #[serde(rename = "TemplateURL")]
    template_url: Option<String>,
    #[serde(default)]
    parameters: Vec<ParameterShape>,
    disable_rollback: Option<bool>,
    rollback_configuration: Option<RollbackConfiguration>,
    timeout_in_minutes: Option<u32>,
    #[serde(rename = "NotificationARNs")]
    notification_arns: Option<Vec<String>>,
    capabilities: Option<Vec<String>>,
    resource_types: Option<Vec<String>>,
    #[serde(rename = "RoleARN")]
    role_arn: Option<String>,
    on_failure: Option<String>,
    stack_policy_body: Option<String>,
    #[serde(rename = "StackPolicyURL")]
    stack_policy_url: Option<String>,
    tags: Option<Vec<Tag>>,
    client_request_token: Option<String>,
    enable_termination_protection: Option<bool>,
    retain_except_on_create: Option<bool>,
}

/// `RollbackConfiguration`
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RollbackConfiguration {
    #[serde(default)]
    rollback_triggers: Vec<serde::de::IgnoredAny>,
    monitoring_time_in_minutes: Option<u32>,
}

impl RollbackConfiguration {
    /// There are no alarms here: a stack that waits for one would be kept by nothing.
    pub(super) fn check(given: Option<&RollbackConfiguration>) -> Result<(), CloudFormationError> {
        match given {
            Some(given) if !given.rollback_triggers.is_empty() => Err(CloudFormationError::NotImplemented(
                "RollbackConfiguration.RollbackTriggers".to_owned(),
            )),
            Some(given) if given.monitoring_time_in_minutes.is_some_and(|minutes| minutes > 0) => Err(
                CloudFormationError::NotImplemented("RollbackConfiguration.MonitoringTimeInMinutes".to_owned()),
            ),
            _ => Ok(()),
        }
    }
}

impl Input {
    fn on_failure(&self) -> Result<OnFailure, CloudFormationError> {
        if self.on_failure.is_some() && self.disable_rollback.is_some() {
            return Err(CloudFormationError::invalid(
                "You can specify either DisableRollback or OnFailure, but not both.",
            ));
        }
        match self.on_failure.as_deref() {
            None if self.disable_rollback == Some(true) => Ok(OnFailure::DoNothing),
            None | Some("ROLLBACK") => Ok(OnFailure::Rollback),
            Some("DO_NOTHING") => Ok(OnFailure::DoNothing),
            Some("DELETE") => Ok(OnFailure::Delete),
            Some(other) => Err(source::constraint(
                other,
                "onFailure",
                "Member must satisfy enum value set: [ROLLBACK, DELETE, DO_NOTHING]",
            )),
        }
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let params = Params::new()
            .text("stackName", &self.stack_name)
            .maybe_text("templateURL", self.template_url.as_deref())
            .maybe_flag("disableRollback", self.disable_rollback)
            .maybe_number("timeoutInMinutes", self.timeout_in_minutes)
            .maybe_text("roleARN", self.role_arn.as_deref())
            .maybe_text("onFailure", self.on_failure.as_deref())
            .maybe_text("stackPolicyURL", self.stack_policy_url.as_deref())
            .maybe_text("clientRequestToken", self.client_request_token.as_deref())
            .maybe_flag("enableTerminationProtection", self.enable_termination_protection)
            .maybe_flag("retainExceptOnCreate", self.retain_except_on_create);
        let params = shapes::evident_parameters(params, &self.parameters);
        let params = shapes::evident_texts(params, "notificationARNs", self.notification_arns.as_ref());
        let params = shapes::evident_texts(params, "capabilities", self.capabilities.as_ref());
        let params = shapes::evident_texts(params, "resourceTypes", self.resource_types.as_ref());
        shapes::evident_tags(params, self.tags.as_ref())
    }
}

/// What a call that passes a role must be allowed besides. A role of another account is passed by nobody.
pub(super) fn pass_role(ctx: &Ctx, role: Option<&str>) -> Result<Option<Demand>, CloudFormationError> {
    let Some((role, arn)) = role.and_then(|role| Some((role, Arn::parse(role)?))) else {
        return Ok(None);
    };
    if !work::is_role_of(ctx.account, role) {
        return Err(CloudFormationError::AccessDenied(
            "Cross-account pass role is not allowed.".to_owned(),
        ));
    }
    let demand = Demand::on("iam:PassRole", arn);
    Ok(Some(demand.with("iam:PassedToService", work::PRINCIPAL)))
}

/// A stack's name: a letter, then letters, digits and hyphens, 128 at most.
pub(super) fn check_name(name: &str) -> Result<(), CloudFormationError> {
    let proper = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
    if !proper {
        return Err(source::constraint(
            name,
            "stackName",
            "Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*",
        ));
    }
    match name.len() > 128 {
        true => Err(source::constraint(
            name,
            "stackName",
            "Member must have length less than or equal to 128",
        )),
        false => Ok(()),
    }
}

impl Operation for CreateStack {
    const NAME: &'static str = "CreateStack";
    const SERVICE: ServiceName = ServiceName::CloudFormation;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    const MISSING: &'static str = "rollback triggers";
    type Input = QueryForm<Input>;
    type Output = QueryResult<StackIdShape>;
    type Error = CloudFormationError;

    async fn demands(ctx: &Ctx, _: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudFormationError> {
        let stack = base::arn::stack(&ctx.region, ctx.account, &input.stack_name, "*");
        let mut demand = Demand::on("cloudformation:CreateStack", stack)
            .with_some("cloudformation:TemplateUrl", input.template_url.as_deref())
            .with_some("cloudformation:RoleArn", input.role_arn.as_deref())
            .with_some("cloudformation:StackPolicyUrl", input.stack_policy_url.as_deref());
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
        check_name(&input.stack_name)?;
        let on_failure = input.on_failure()?;
        RollbackConfiguration::check(input.rollback_configuration.as_ref())?;
        if input.timeout_in_minutes == Some(0) {
            let bound = "Member must have value greater than or equal to 1";
            return Err(source::constraint("0", "timeoutInMinutes", bound));
        }
        let template =
            source::required_template(ctx, txn, input.template_body.as_deref(), input.template_url.as_deref()).await?;
        let policy = source::stack_policy(
            ctx,
            txn,
            "StackPolicy",
            input.stack_policy_body.as_deref(),
            input.stack_policy_url.as_deref(),
        )
        .await?;
        let asked = Asked {
            template,
            parameters: ParameterShape::given(&input.parameters),
            tags: input.tags.clone(),
            capabilities: input.capabilities.clone().unwrap_or_default(),
            resource_types: input.resource_types.clone(),
            notification_arns: input.notification_arns.clone(),
            role: input.role_arn.clone(),
            token: input.client_request_token.clone(),
            on_failure,
            retain_except_on_create: input.retain_except_on_create.unwrap_or_default(),
            policy,
            policy_during: source::GivenPolicy::None,
            termination_protection: input.enable_termination_protection.unwrap_or_default(),
            timeout_minutes: input.timeout_in_minutes,
            change_set: None,
        };
        let existing = find::stack(ctx, &txn.view(), &input.stack_name).await?;
        let reviewed = match existing {
            Some(stack) if stack.status == StackStatus::ReviewInProgress => Some(stack),
            Some(stack) if begin::is_repeated(ctx, &txn.view(), &stack, (&asked, false)).await? => {
                return Ok(QueryResult(StackIdShape::of(&stack)));
            }
            Some(stack) => return Err(CloudFormationError::AlreadyExists(stack.at.name)),
            None => None,
        };
        let at = match &reviewed {
            Some(stack) => stack.at.clone(),
            None => StackRef {
                account: ctx.account,
                region: ctx.region.clone(),
                name: input.stack_name.clone(),
                id: base::ids::ordered_uuid(ctx.now(), ctx.random()),
            },
        };
        let stack = begin::create(ctx, txn, at, reviewed, asked).await?;
        Ok(QueryResult(StackIdShape::of(&stack)))
    }
}
