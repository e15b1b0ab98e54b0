//! TagRole, UntagRole, ListRoleTags.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagRole.html>,
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagRole.html>,
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoleTags.html>

use super::{
    role::{self, RoleListing},
    shapes::{Done, Tag},
    tagging::{self, TagPage},
};
use crate::{
    IamError,
    error::Quota,
    model::tags::{self, TagCase},
    table::roles,
};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// Adds tags to a role, in the place of those with the same keys.
pub(super) struct TagRole;

/// Takes tags off a role.
pub(super) struct UntagRole;

/// A role's tags by key.
pub(super) struct ListRoleTags;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tagging {
    role_name: String,
    tags: Vec<Tag>,
}

impl Evident for Tagging {
    fn evident(&self) -> Params {
        tagging::evident(Params::new().text("roleName", &self.role_name), &self.tags)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Untagging {
    role_name: String,
    tag_keys: Vec<String>,
}

impl Evident for Untagging {
    fn evident(&self) -> Params {
        Params::new()
            .text("roleName", &self.role_name)
            .texts("tagKeys", &self.tag_keys)
    }
}

impl Operation for TagRole {
    const NAME: &'static str = "TagRole";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Tagging>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let tags = tagging::parse(&input.tags, TagCase::Ignored)?;
        let demand = role::demand(ctx, view, "iam:TagRole", &input.role_name).await?;
        Ok(tagging::of_request(demand, &tags).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let new = tagging::parse(&input.tags, TagCase::Ignored)?;
        let mut role = role::existing(ctx, &txn.view(), &input.role_name).await?;
        tags::put(&mut role.tags, new, TagCase::Ignored, Quota::TagsPerRole)?;
        roles::put_role(txn, &role);
        Ok(Done)
    }
}

impl Operation for UntagRole {
    const NAME: &'static str = "UntagRole";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Untagging>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        tags::parse_keys(&input.tag_keys)?;
        let demand = role::demand(ctx, view, "iam:UntagRole", &input.role_name).await?;
        Ok(tagging::of_keys(demand, input.tag_keys.clone()).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let mut role = role::existing(ctx, &txn.view(), &input.role_name).await?;
        tags::remove(&mut role.tags, &input.tag_keys, TagCase::Ignored);
        roles::put_role(txn, &role);
        Ok(Done)
    }
}

impl Operation for ListRoleTags {
    const NAME: &'static str = "ListRoleTags";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<RoleListing>;
    type Output = QueryResult<TagPage>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let demand = role::demand(ctx, view, "iam:ListRoleTags", &input.role_name).await?;
        Ok(demand.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let role = role::existing(ctx, &txn.view(), &input.role_name).await?;
        let page = TagPage::of(&role.tags, input.max_items, input.marker.as_deref())?;
        Ok(QueryResult(page))
    }
}

#[cfg(test)]
mod tests {
    use super::super::shapes::tests::{read, shown};
    use super::*;

    #[test]
    fn forms_are_read() {
        let tagging: Tagging = read("Action=TagRole&RoleName=R&Tags.member.1.Key=k&Tags.member.1.Value=v");
        assert_eq!(shown(&tagging), r#"{"roleName":"R","tags":[{"key":"k","value":"v"}]}"#);
        let untagging: Untagging = read("Action=UntagRole&RoleName=R&TagKeys.member.1=k&TagKeys.member.2=l");
        assert_eq!(shown(&untagging), r#"{"roleName":"R","tagKeys":["k","l"]}"#);
    }
}
