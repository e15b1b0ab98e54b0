//! TagUser, UntagUser, ListUserTags: the tags of a user.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagUser.html>,
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagUser.html>,
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUserTags.html>

use super::{
    find,
    page::page,
    shapes::{Done, Tag, UserListing},
    tagging,
};
use crate::{
    IamError,
    error::Quota,
    model::{
        name::UserName,
        tags::{self, TagCase},
    },
    table,
};
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// New tags, in the place of those with the same keys.
pub(super) struct TagUser;

/// Tags go, by key.
pub(super) struct UntagUser;

/// The tags, by key.
pub(super) struct ListUserTags;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TagInput {
    user_name: String,
    tags: Vec<Tag>,
}

impl Evident for TagInput {
    fn evident(&self) -> Params {
        tagging::evident(Params::new().text("userName", &self.user_name), &self.tags)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UntagInput {
    user_name: String,
    tag_keys: Vec<String>,
}

impl Evident for UntagInput {
    fn evident(&self) -> Params {
        Params::new()
            .text("userName", &self.user_name)
            .texts("tagKeys", &self.tag_keys)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    tags: Vec<Tag>,
    is_truncated: bool,
    marker: Option<String>,
}

impl Evident for Listed {
    fn evident(&self) -> Params {
        Params::new()
    }
}

async fn demand(ctx: &Ctx, view: &ReadView<'_>, action: &'static str, name: &str) -> Result<Demand, IamError> {
    let name = UserName::parse(name)?;
    let found = table::user(view, ctx.account, &name).await?;
    Ok(find::demand_on_found(ctx, action, &name, found.as_ref()))
}

impl Operation for TagUser {
    const NAME: &'static str = "TagUser";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<TagInput>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let tags = tagging::parse(&input.tags, TagCase::Ignored)?;
        let demand = demand(ctx, view, "iam:TagUser", &input.user_name).await?;
        Ok(tagging::of_request(demand, &tags).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let mut user = find::user(ctx, &txn.view(), &input.user_name).await?;
        let new = tagging::parse(&input.tags, TagCase::Ignored)?;
        tags::put(&mut user.tags, new, TagCase::Ignored, Quota::TagsPerUser)?;
        table::put_user(txn, &user);
        Ok(Done)
    }
}

impl Operation for UntagUser {
    const NAME: &'static str = "UntagUser";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<UntagInput>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        tags::parse_keys(&input.tag_keys)?;
        let demand = demand(ctx, view, "iam:UntagUser", &input.user_name).await?;
        Ok(tagging::of_keys(demand, input.tag_keys.clone()).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let mut user = find::user(ctx, &txn.view(), &input.user_name).await?;
        tags::remove(&mut user.tags, &input.tag_keys, TagCase::Ignored);
        table::put_user(txn, &user);
        Ok(Done)
    }
}

impl Operation for ListUserTags {
    const NAME: &'static str = "ListUserTags";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<UserListing>;
    type Output = QueryResult<Listed>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        Ok(demand(ctx, view, "iam:ListUserTags", &input.user_name).await?.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let user = find::user(ctx, &txn.view(), &input.user_name).await?;
        let tags = tagging::listed(&user.tags);
        let page = page(tags, |tag| &tag.key, input.max_items, input.marker.as_deref())?;
        Ok(QueryResult(Listed {
            tags: page.items,
            is_truncated: page.marker.is_some(),
            marker: page.marker,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::shapes::tests::{read, shown};
    use super::*;

    #[test]
    fn forms_are_read() {
        let tag: TagInput = read("Action=TagUser&UserName=u&Tags.member.1.Key=k&Tags.member.1.Value=v");
        assert_eq!(shown(&tag), r#"{"userName":"u","tags":[{"key":"k","value":"v"}]}"#);
        let untag: UntagInput = read("Action=UntagUser&UserName=u&TagKeys.member.1=k&TagKeys.member.2=l");
        assert_eq!(shown(&untag), r#"{"userName":"u","tagKeys":["k","l"]}"#);
    }
}
