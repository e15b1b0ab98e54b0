//! GetTemplate: the template of a stack or change set.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_GetTemplate.html>

use super::{change_sets::Named, find, source};
use crate::{
    CloudFormationError,
    model::{held::Deployment, stack::Stack},
    table::{self, Seal},
    work,
};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use template::{Ordered, Template};
use wire::ServiceName;

/// The operation.
pub(super) struct GetTemplate;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    stack_name: Option<String>,
    change_set_name: Option<String>,
    template_stage: Option<String>,
}

impl Input {
    fn named(&self) -> Option<Named> {
        Some(Named {
            change_set_name: self.change_set_name.clone()?,
            stack_name: self.stack_name.clone(),
        })
    }

    fn is_processed(&self) -> Result<bool, CloudFormationError> {
        match self.template_stage.as_deref() {
            None | Some("Original") => Ok(false),
            Some("Processed") => Ok(true),
            Some(other) => Err(source::constraint(
                other,
                "templateStage",
                "Member must satisfy enum value set: [Original, Processed]",
            )),
        }
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .maybe_text("stackName", self.stack_name.as_deref())
            .maybe_text("changeSetName", self.change_set_name.as_deref())
            .maybe_text("templateStage", self.template_stage.as_deref())
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    template_body: Option<String>,
    stages_available: Vec<&'static str>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

fn unnamed() -> CloudFormationError {
    CloudFormationError::invalid("StackName is a required parameter.")
}

impl Operation for GetTemplate {
    const NAME: &'static str = "GetTemplate";
    const SERVICE: ServiceName = ServiceName::CloudFormation;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = CloudFormationError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudFormationError> {
        const ACTION: &str = "cloudformation:GetTemplate";
        let is_arn = |name: &String| name.starts_with("arn:");
        let demand = match (input.named(), &input.stack_name) {
            (Some(named), stack) if stack.is_some() || input.change_set_name.as_ref().is_some_and(is_arn) => {
                named.demand(ctx, view, ACTION).await?
            }
            (_, Some(stack)) => find::demand(ctx, view, ACTION, stack).await?,
            _ => find::demand_or_all(ctx, view, ACTION, None).await?,
        };
        Ok(demand.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudFormationError> {
        let is_processed = input.is_processed()?;
        let (stack, deployment) = meant(ctx, &txn.view(), input).await?;
        let Some(deployment) = deployment else {
            return Ok(QueryResult(Output {
                template_body: None,
                stages_available: vec!["Original"],
            }));
        };
        let template_body = match is_processed {
            true => processed(&stack, &deployment)?,
            false => deployment.template,
        };
        Ok(QueryResult(Output {
            template_body: Some(template_body),
            stages_available: vec!["Original", "Processed"],
        }))
    }
}

/// The stack and what it is, or what a change set would make of it.
async fn meant(
    ctx: &Ctx,
    view: &ReadView<'_>,
    input: &Input,
) -> Result<(Stack, Option<Deployment>), CloudFormationError> {
    let seal = Seal::of(ctx.world(), view, ctx.account).await?;
    if let Some(named) = input.named() {
        if named.stack_name.is_none() && !named.change_set_name.starts_with("arn:") {
            return Err(unnamed());
        }
        let (stack, set) = named.existing(ctx, view).await?;
        let contents = table::contents(view, &seal, &set).await?;
        let deployment = Deployment {
            template: contents.template,
            parameters: contents.parameters,
            tags: contents.tags,
            capabilities: contents.capabilities,
            resource_types: contents.resource_types,
            host: String::new(),
            request: String::new(),
            notification_arns: contents.notification_arns,
        };
        return Ok((stack, Some(deployment)));
    }
    let name = input.stack_name.as_deref().ok_or_else(unnamed)?;
    let stack = find::existing_with_id(ctx, view, name).await?;
    let number = work::shown_deployment(&stack);
    let deployment = table::deployment(view, &seal, &stack.at, number).await?;
    Ok((stack, deployment))
}

/// The template as its transforms make it; as it was given when it has none.
fn processed(stack: &Stack, deployment: &Deployment) -> Result<String, CloudFormationError> {
    let template = Template::parse(&deployment.template)?;
    let pseudo = work::pseudo(stack, deployment);
    Ok(match template.processed(&deployment.parameters, &pseudo)? {
        None => deployment.template.clone(),
        Some(document) => text(&document),
    })
}

/// The document as JSON, in its order.
fn text(document: &Ordered) -> String {
    match document {
        Ordered::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{}:{}", serde_json::Value::from(name.as_str()), text(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Ordered::Array(items) => {
            let items: Vec<String> = items.iter().map(text).collect();
            format!("[{}]", items.join(","))
        }
        scalar => serde_json::Value::from(scalar).to_string(),
    }
}
