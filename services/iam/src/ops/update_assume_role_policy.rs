//! UpdateAssumeRolePolicy: who may take a role on.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAssumeRolePolicy.html>

use super::{role, shapes::Done};
use crate::{IamError, table::roles};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct UpdateAssumeRolePolicy;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    role_name: String,
    policy_document: String,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("roleName", &self.role_name)
            .text("policyDocument", &self.policy_document)
    }
}

impl Operation for UpdateAssumeRolePolicy {
    const NAME: &'static str = "UpdateAssumeRolePolicy";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let demand = role::demand(ctx, view, "iam:UpdateAssumeRolePolicy", &input.role_name).await?;
        Ok(demand.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let view = txn.view();
        let mut role = role::existing(ctx, &view, &input.role_name).await?;
        role.trust = role::trust_to_store(ctx, &view, "policyDocument", &input.policy_document).await?;
        roles::put_role(txn, &role);
        Ok(Done)
    }
}
