//! UpdateUser: a user gets another name, another path or both, and keeps its keys, policies and groups.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateUser.html>

use super::{find, shapes::Done, tagging};
use crate::{
    IamError,
    error::Entity,
    model::{
        name::{self, UserName},
        user::User,
    },
    table::{self, users},
};
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct UpdateUser;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    user_name: String,
    new_path: Option<String>,
    new_user_name: Option<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("userName", &self.user_name)
            .maybe_text("newPath", self.new_path.as_deref())
            .maybe_text("newUserName", self.new_user_name.as_deref())
    }
}

impl Input {
    fn renamed(&self, user: User) -> Result<User, IamError> {
        let name = self.new_user_name.as_deref().map(UserName::parse_renamed);
        let path = self.new_path.as_deref().map(name::parse_new_path);
        let name = name.transpose()?.map(|name| name.as_str().to_owned());
        Ok(User {
            name: name.unwrap_or(user.name),
            path: path.transpose()?.unwrap_or(user.path),
            ..user
        })
    }
}

impl Operation for UpdateUser {
    const NAME: &'static str = "UpdateUser";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let action = "iam:UpdateUser";
        let name = UserName::parse(&input.user_name)?;
        let found = table::user(view, ctx.account, &name).await?;
        let before = find::demand_on_found(ctx, action, &name, found.as_ref());
        // The user as it is to be: whoever renames needs the right on both.
        let target = found.map(|user| input.renamed(user)).transpose()?;
        let after = target.map(|user| tagging::of_resource(Demand::on(action, user.arn()), &user.tags));
        let after = after.filter(|after| after.resource != before.resource);
        Ok(Demands::All([before].into_iter().chain(after).collect()))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let view = txn.view();
        let before = find::user(ctx, &view, &input.user_name).await?;
        let user = input.renamed(before.clone())?;
        let name = UserName::parse(&user.name)?;
        match table::user(&view, ctx.account, &name).await? {
            Some(other) if other.id != user.id => Err(IamError::EntityAlreadyExists(Entity::User(user.name))),
            _ => {
                users::move_user(txn, &before, &user).await?;
                Ok(Done)
            }
        }
    }
}
