//! PutRolePermissionsBoundary: a role's boundary, in the place of another.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePermissionsBoundary.html>

use super::{role, shapes::Done};
use crate::{IamError, model::arns::PolicyArn, table::roles};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct PutRolePermissionsBoundary;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    role_name: String,
    permissions_boundary: String,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("roleName", &self.role_name)
            .text("permissionsBoundary", &self.permissions_boundary)
    }
}

impl Operation for PutRolePermissionsBoundary {
    const NAME: &'static str = "PutRolePermissionsBoundary";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let boundary = PolicyArn::parse_boundary(&input.permissions_boundary)?;
        let demand = role::demand(ctx, view, "iam:PutRolePermissionsBoundary", &input.role_name).await?;
        Ok(demand.with("iam:PermissionsBoundary", boundary.as_str()).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let mut role = role::existing(ctx, &txn.view(), &input.role_name).await?;
        let before = role.boundary.as_deref();
        let now = role::held(&role)
            .bound(txn, before, &input.permissions_boundary)
            .await?;
        role.boundary = Some(now);
        roles::put_role(txn, &role);
        Ok(Done)
    }
}
