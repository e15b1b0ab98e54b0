//! GetRole: a role with all that belongs to it.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html>

use super::role::{self, NamedRole, OneRole, RoleShape};
use crate::IamError;
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct GetRole;

impl Operation for GetRole {
    const NAME: &'static str = "GetRole";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<NamedRole>;
    type Output = QueryResult<OneRole>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        Ok(role::demand(ctx, view, "iam:GetRole", &input.role_name).await?.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let view = txn.view();
        let role = role::existing(ctx, &view, &input.role_name).await?;
        Ok(QueryResult(OneRole {
            role: RoleShape::whole(ctx, &view, &role).await?,
        }))
    }
}
