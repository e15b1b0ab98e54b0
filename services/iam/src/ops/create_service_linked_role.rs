//! CreateServiceLinkedRole: roles that services own. No service here has one: refused by name.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceLinkedRole.html>

use super::shapes::Done;
use crate::IamError;
use base::arn;
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct CreateServiceLinkedRole;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    #[serde(rename = "AWSServiceName")]
    service_name: String,
    description: Option<String>,
    custom_suffix: Option<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("aWSServiceName", &self.service_name)
            .maybe_text("description", self.description.as_deref())
            .maybe_text("customSuffix", self.custom_suffix.as_deref())
    }
}

impl Operation for CreateServiceLinkedRole {
    const NAME: &'static str = "CreateServiceLinkedRole";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, _: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let arn = arn::role(ctx.account, &format!("/aws-service-role/{}/", input.service_name), "*");
        let demand = Demand::on("iam:CreateServiceLinkedRole", arn);
        Ok(demand.with("iam:AWSServiceName", &input.service_name).into())
    }

    async fn run(_: &Ctx, _: &mut Txn, _: &Authorized<Self::Input>, _: &Staged) -> Result<Self::Output, IamError> {
        Err(IamError::NotImplemented("CreateServiceLinkedRole"))
    }
}
