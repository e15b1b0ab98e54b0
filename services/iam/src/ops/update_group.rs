//! UpdateGroup: a group gets another name, another path or both.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateGroup.html>

use super::{group, shapes::Done};
use crate::{
    IamError,
    error::Entity,
    model::{group::Group, name},
    table::groups,
};
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct UpdateGroup;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    group_name: String,
    new_path: Option<String>,
    new_group_name: Option<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("groupName", &self.group_name)
            .maybe_text("newPath", self.new_path.as_deref())
            .maybe_text("newGroupName", self.new_group_name.as_deref())
    }
}

impl Input {
    fn renamed(&self, group: Group) -> Result<Group, IamError> {
        let name = self.new_group_name.as_deref().map(name::parse_new_group_name);
        let path = self.new_path.as_deref().map(name::parse_new_path);
        Ok(Group {
            name: name.transpose()?.unwrap_or(group.name),
            path: path.transpose()?.unwrap_or(group.path),
            ..group
        })
    }
}

impl Operation for UpdateGroup {
    const NAME: &'static str = "UpdateGroup";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let action = "iam:UpdateGroup";
        let name = name::parse_group_name(&input.group_name)?;
        let found = groups::group(view, ctx.account, &name).await?;
        let before = group::demand(ctx, action, &name, found.as_ref());
        // The group as it is to be: whoever renames needs the right on both.
        let target = found.map(|group| input.renamed(group)).transpose()?;
        let after = target.map(|group| Demand::on(action, group.arn()));
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
        let before = group::find(ctx, &view, &input.group_name).await?;
        let group = input.renamed(before.clone())?;
        match groups::group(&view, ctx.account, &group.name).await? {
            Some(other) if other.id != group.id => Err(IamError::EntityAlreadyExists(Entity::Group(group.name))),
            _ => {
                groups::move_group(txn, &before, &group);
                Ok(Done)
            }
        }
    }
}
