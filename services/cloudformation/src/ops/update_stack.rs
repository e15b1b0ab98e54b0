//! UpdateStack: a stack becomes what another template, or the same with other parameters, says.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateStack.html>

use super::{
    begin::{self, Asked},
    create_stack::{RollbackConfiguration, pass_role},
    find,
    shapes::{self, ParameterShape, StackIdShape},
    source,
};
use crate::{
    CloudFormationError,
    model::{
        held::Deployment,
        stack::{OnFailure, Stack, Tag},
    },
    table::{self, Seal},
    work,
};
use base::Fault;
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct UpdateStack;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    stack_name: String,
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
    stack_policy_body: Option<String>,
    #[serde(rename = "StackPolicyURL")]
    stack_policy_url: Option<String>,
    stack_policy_during_update_body: Option<String>,
    #[serde(rename = "StackPolicyDuringUpdateURL")]
    stack_policy_during_update_url: Option<String>,
    #[serde(rename = "NotificationARNs")]
    notification_arns: Option<Vec<String>>,
    tags: Option<Vec<Tag>>,
    disable_rollback: Option<bool>,
    client_request_token: Option<String>,
    retain_except_on_create: Option<bool>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let params = Params::new()
            .text("stackName", &self.stack_name)
            .maybe_text("templateURL", self.template_url.as_deref())
            .maybe_flag("usePreviousTemplate", self.use_previous_template)
            .maybe_flag("disableRollback", self.disable_rollback)
            .maybe_text("roleARN", self.role_arn.as_deref())
            .maybe_text("stackPolicyURL", self.stack_policy_url.as_deref())
            .maybe_text(
                "stackPolicyDuringUpdateURL",
                self.stack_policy_during_update_url.as_deref(),
            )
            .maybe_text("clientRequestToken", self.client_request_token.as_deref())
            .maybe_flag("retainExceptOnCreate", self.retain_except_on_create);
        let params = shapes::evident_parameters(params, &self.parameters);
        let params = shapes::evident_texts(params, "notificationARNs", self.notification_arns.as_ref());
        let params = shapes::evident_texts(params, "capabilities", self.capabilities.as_ref());
        let params = shapes::evident_texts(params, "resourceTypes", self.resource_types.as_ref());
        shapes::evident_tags(params, self.tags.as_ref())
    }
}

impl Input {
    /// Whoever sets a stack policy, be it for this update alone, must be allowed to do so.
    ///
    /// SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/protect-stack-resources.html>
    async fn sets_policy(&self, ctx: &Ctx, view: &ReadView<'_>) -> Result<Option<Demand>, CloudFormationError> {
        let url = self.stack_policy_url.as_ref();
        let url = url.or(self.stack_policy_during_update_url.as_ref());
        if url.is_none() && self.stack_policy_body.is_none() && self.stack_policy_during_update_body.is_none() {
            return Ok(None);
        }
        let demand = find::demand(ctx, view, "cloudformation:SetStackPolicy", &self.stack_name).await?;
        Ok(Some(
            demand.with_some("cloudformation:StackPolicyUrl", url.map(String::as_str)),
        ))
    }
}

/// The deployment that the stack has now.
pub(super) async fn current(ctx: &Ctx, view: &ReadView<'_>, stack: &Stack) -> Result<Deployment, Fault> {
    let seal = Seal::of(ctx.world(), view, ctx.account).await?;
    let shown = work::shown_deployment(stack);
    let deployment = table::deployment(view, &seal, &stack.at, shown).await?;
    deployment.ok_or_else(|| Fault::corrupt("a stack has not the deployment that it names"))
}

impl Operation for UpdateStack {
    const NAME: &'static str = "UpdateStack";
    const SERVICE: ServiceName = ServiceName::CloudFormation;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    const MISSING: &'static str = "rollback triggers";
    type Input = QueryForm<Input>;
    type Output = QueryResult<StackIdShape>;
    type Error = CloudFormationError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudFormationError> {
        let mut demand = find::demand(ctx, view, "cloudformation:UpdateStack", &input.stack_name)
            .await?
            .with_some("cloudformation:TemplateUrl", input.template_url.as_deref())
            .with_some("cloudformation:RoleArn", input.role_arn.as_deref())
            .with_some("cloudformation:StackPolicyUrl", input.stack_policy_url.as_deref());
        if let Some(types) = &input.resource_types {
            demand = demand.with_all("cloudformation:ResourceTypes", types.clone());
        }
        let own = shapes::with_tags(demand, input.tags.as_ref());
        let all = std::iter::once(own)
            .chain(pass_role(ctx, input.role_arn.as_deref())?)
            .chain(input.sets_policy(ctx, view).await?);
        Ok(Demands::All(all.collect()))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudFormationError> {
        RollbackConfiguration::check(input.rollback_configuration.as_ref())?;
        let stack = find::living(ctx, &txn.view(), &input.stack_name).await?;
        if input.client_request_token.is_none() || stack.token != input.client_request_token {
            begin::updatable(&stack)?;
        }
        let previous = input.use_previous_template.unwrap_or_default();
        let given = source::template(ctx, txn, input.template_body.as_deref(), input.template_url.as_deref()).await?;
        let template = match (given, previous) {
            (Some(_), true) => {
                return Err(CloudFormationError::invalid(
                    "You cannot specify both usePreviousTemplate and Template Body/Template URL.",
                ));
            }
            (Some(template), false) => template,
            (None, true) => current(ctx, &txn.view(), &stack).await?.template,
            (None, false) => {
                return Err(CloudFormationError::invalid(
                    "Either Template URL or Template Body must be specified.",
                ));
            }
        };
        let (body, url) = (input.stack_policy_body.as_deref(), input.stack_policy_url.as_deref());
        let policy = source::stack_policy(ctx, txn, "StackPolicy", body, url).await?;
        let during = source::stack_policy(
            ctx,
            txn,
            "StackPolicyDuringUpdate",
            input.stack_policy_during_update_body.as_deref(),
            input.stack_policy_during_update_url.as_deref(),
        )
        .await?;
        let on_failure = match input.disable_rollback {
            Some(true) => OnFailure::DoNothing,
            _ => OnFailure::Rollback,
        };
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
            policy_during: during,
            termination_protection: false,
            timeout_minutes: None,
            change_set: None,
        };
        if begin::is_repeated(ctx, &txn.view(), &stack, (&asked, true)).await? {
            return Ok(QueryResult(StackIdShape::of(&stack)));
        }
        let stack = begin::update(ctx, txn, stack, asked).await?;
        Ok(QueryResult(StackIdShape::of(&stack)))
    }
}
