//! PutUserPermissionsBoundary: a managed policy becomes the most that a user may do.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPermissionsBoundary.html>

use super::{find, holder::Held, shapes::Done};
use crate::{
    IamError,
    model::{arns::PolicyArn, name::UserName, user::User},
    table,
};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct PutUserPermissionsBoundary;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    user_name: String,
    permissions_boundary: String,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("userName", &self.user_name)
            .text("permissionsBoundary", &self.permissions_boundary)
    }
}

impl Operation for PutUserPermissionsBoundary {
    const NAME: &'static str = "PutUserPermissionsBoundary";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let boundary = PolicyArn::parse_boundary(&input.permissions_boundary)?;
        let name = UserName::parse(&input.user_name)?;
        let found = table::user(view, ctx.account, &name).await?;
        let demand = find::demand_on_found(ctx, "iam:PutUserPermissionsBoundary", &name, found.as_ref());
        Ok(demand.with("iam:PermissionsBoundary", boundary.as_str()).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let user = find::user(ctx, &txn.view(), &input.user_name).await?;
        let held = Held::from(&user);
        let boundary = held
            .bound(txn, user.boundary.as_deref(), &input.permissions_boundary)
            .await?;
        let user = User {
            boundary: Some(boundary),
            ..user.clone()
        };
        table::put_user(txn, &user);
        Ok(Done)
    }
}
