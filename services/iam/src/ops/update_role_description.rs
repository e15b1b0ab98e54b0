//! UpdateRoleDescription: a role's description.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateRoleDescription.html>

use super::role::{self, OneRole, RoleShape};
use crate::{IamError, table::roles};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct UpdateRoleDescription;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    role_name: String,
    description: String,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("roleName", &self.role_name)
            .text("description", &self.description)
    }
}

impl Operation for UpdateRoleDescription {
    const NAME: &'static str = "UpdateRoleDescription";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = QueryResult<OneRole>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let demand = role::demand(ctx, view, "iam:UpdateRoleDescription", &input.role_name).await?;
        Ok(demand.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let mut role = role::existing(ctx, &txn.view(), &input.role_name).await?;
        role.description = role::parse_description(&input.description)?;
        roles::put_role(txn, &role);
        let role = RoleShape::described(ctx, &txn.view(), &role).await?;
        Ok(QueryResult(OneRole { role }))
    }
}
