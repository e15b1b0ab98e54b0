//! ValidateTemplate: whether a template can be read, and what it asks for.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ValidateTemplate.html>

use super::{capabilities::Needed, checked, source};
use crate::CloudFormationError;
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use template::ParameterDeclaration;
use wire::ServiceName;

/// The operation.
pub(super) struct ValidateTemplate;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    template_body: Option<String>,
    #[serde(rename = "TemplateURL")]
    template_url: Option<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new().maybe_text("templateURL", self.template_url.as_deref())
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    parameters: Vec<ParameterShape>,
    description: Option<String>,
    capabilities: Vec<&'static str>,
    capabilities_reason: Option<String>,
    declared_transforms: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ParameterShape {
    parameter_key: String,
    default_value: Option<String>,
    no_echo: bool,
    description: Option<String>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for ValidateTemplate {
    const NAME: &'static str = "ValidateTemplate";
    const SERVICE: ServiceName = ServiceName::CloudFormation;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = CloudFormationError;

    async fn demands(_: &Ctx, _: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudFormationError> {
        let demand = Demand::on("cloudformation:ValidateTemplate", base::arn::any());
        let demand = demand.with_some("cloudformation:TemplateUrl", input.template_url.as_deref());
        Ok(demand.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudFormationError> {
        let (body, url) = (input.template_body.as_deref(), input.template_url.as_deref());
        let template = checked::template(&source::required_template(ctx, txn, body, url).await?)?;
        let needed = Needed::of(&template);
        let shape = |declared: ParameterDeclaration| ParameterShape {
            parameter_key: declared.name,
            default_value: declared.default,
            no_echo: declared.no_echo,
            description: declared.description,
        };
        Ok(QueryResult(Output {
            capabilities_reason: needed.reason(),
            capabilities: needed.capability.into_iter().collect(),
            parameters: template.parameters.into_iter().map(shape).collect(),
            description: template.description,
            declared_transforms: template.transforms,
        }))
    }
}
