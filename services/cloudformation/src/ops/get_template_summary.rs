//! GetTemplateSummary: what a template, or that of a stack, asks for and makes.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_GetTemplateSummary.html>

use super::{capabilities::Needed, checked, find, source};
use crate::{CloudFormationError, model::stack::StackStatus};
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use template::{ParameterDeclaration, Template};
use wire::ServiceName;

/// The operation.
pub(super) struct GetTemplateSummary;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    template_body: Option<String>,
    #[serde(rename = "TemplateURL")]
    template_url: Option<String>,
    stack_name: Option<String>,
    stack_set_name: Option<String>,
    template_summary_config: Option<Config>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    treat_unrecognized_resource_types_as_warnings: Option<bool>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .maybe_text("templateURL", self.template_url.as_deref())
            .maybe_text("stackName", self.stack_name.as_deref())
            .maybe_text("stackSetName", self.stack_set_name.as_deref())
    }
}

impl Input {
    fn is_lenient(&self) -> bool {
        let config = self.template_summary_config.as_ref();
        config.is_some_and(|config| config.treat_unrecognized_resource_types_as_warnings == Some(true))
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    parameters: Vec<ParameterShape>,
    description: Option<String>,
    capabilities: Option<Vec<&'static str>>,
    capabilities_reason: Option<String>,
    resource_types: Vec<String>,
    version: Option<String>,
    metadata: Option<String>,
    declared_transforms: Option<Vec<String>>,
    resource_identifier_summaries: Vec<IdentifierShape>,
    warnings: Option<Warnings>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ParameterShape {
    parameter_key: String,
    default_value: Option<String>,
    parameter_type: String,
    no_echo: bool,
    description: Option<String>,
    parameter_constraints: Constraints,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Constraints {
    allowed_values: Option<Vec<String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct IdentifierShape {
    resource_type: String,
    logical_resource_ids: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Warnings {
    unrecognized_resource_types: Vec<String>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for GetTemplateSummary {
    const NAME: &'static str = "GetTemplateSummary";
    const SERVICE: ServiceName = ServiceName::CloudFormation;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    const MISSING: &'static str = "StackSetName; ResourceIdentifiers, for nothing is imported";
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = CloudFormationError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudFormationError> {
        const ACTION: &str = "cloudformation:GetTemplateSummary";
        let demand = match &input.stack_name {
            Some(name) => find::demand(ctx, view, ACTION, name).await?,
            None => Demand::on(ACTION, base::arn::any()),
        };
        let demand = demand.with_some("cloudformation:TemplateUrl", input.template_url.as_deref());
        Ok(demand.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudFormationError> {
        let template = Template::parse(&text(ctx, txn, input).await?)?;
        if !input.is_lenient() {
            checked::known_types(&template)?;
        }
        Ok(QueryResult(summary(template)))
    }
}

/// The template that is meant: given by one of body, URL and stack.
async fn text(ctx: &Ctx, txn: &mut Txn, input: &Input) -> Result<String, CloudFormationError> {
    if input.stack_set_name.is_some() {
        return Err(CloudFormationError::NotImplemented("StackSetName".to_owned()));
    }
    let (body, url) = (input.template_body.as_deref(), input.template_url.as_deref());
    let Some(name) = &input.stack_name else {
        return source::template(ctx, txn, body, url).await?.ok_or_else(|| {
            CloudFormationError::invalid(
                "Either StackName, StackSetName, TemplateURL or TemplateBody must be specified.",
            )
        });
    };
    if body.is_some() || url.is_some() {
        return Err(CloudFormationError::invalid(
            "You must specify only one of the following parameters: StackName, StackSetName, TemplateBody, or TemplateURL.",
        ));
    }
    let view = txn.view();
    let stack = find::existing_with_id(ctx, &view, name).await?;
    if stack.status == StackStatus::ReviewInProgress {
        return Err(CloudFormationError::invalid(
            "GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks.",
        ));
    }
    let deployment = find::deployment(ctx, &view, &stack).await?;
    Ok(deployment.map(|deployment| deployment.template).unwrap_or_default())
}

fn summary(template: Template) -> Output {
    let needed = Needed::of(&template);
    let unknown = checked::unknown_types(&template)
        .into_iter()
        .map(str::to_owned)
        .collect();
    let mut kinds: Vec<IdentifierShape> = Vec::new();
    for resource in template.resources {
        match kinds.iter_mut().find(|kind| kind.resource_type == resource.type_name) {
            Some(kind) => kind.logical_resource_ids.push(resource.logical_id),
            None => kinds.push(IdentifierShape {
                resource_type: resource.type_name,
                logical_resource_ids: vec![resource.logical_id],
            }),
        }
    }
    let shape = |declared: ParameterDeclaration| ParameterShape {
        parameter_key: declared.name,
        default_value: declared.default,
        parameter_type: declared.kind,
        no_echo: declared.no_echo,
        description: declared.description,
        parameter_constraints: Constraints {
            allowed_values: declared.allowed_values,
        },
    };
    Output {
        capabilities_reason: needed.reason(),
        capabilities: needed.capability.map(|capability| vec![capability]),
        parameters: template.parameters.into_iter().map(shape).collect(),
        description: template.description,
        resource_types: kinds.iter().map(|kind| kind.resource_type.clone()).collect(),
        version: template.format_version,
        metadata: template.metadata.map(|metadata| metadata.to_string()),
        declared_transforms: (!template.transforms.is_empty()).then_some(template.transforms),
        resource_identifier_summaries: kinds,
        warnings: Some(unknown).filter(|unknown: &Vec<String>| !unknown.is_empty()).map(
            |unrecognized_resource_types| Warnings {
                unrecognized_resource_types,
            },
        ),
    }
}
