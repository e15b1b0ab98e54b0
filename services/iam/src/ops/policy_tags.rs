//! TagPolicy, UntagPolicy, ListPolicyTags.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagPolicy.html>,
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagPolicy.html>,
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicyTags.html>

use super::{
    managed::{self, ManagedListing},
    shapes::{Done, Tag},
    tagging::{self, TagPage},
};
use crate::{
    IamError,
    error::Quota,
    model::tags::{self, TagCase, Tags},
    table::{self, managed::Found},
};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// Adds tags to a managed policy, in the place of those with the same keys.
pub(super) struct TagPolicy;

/// Takes tags off a managed policy.
pub(super) struct UntagPolicy;

/// A managed policy's tags by key.
pub(super) struct ListPolicyTags;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tagging {
    policy_arn: String,
    tags: Vec<Tag>,
}

impl Evident for Tagging {
    fn evident(&self) -> Params {
        tagging::evident(Params::new().text("policyArn", &self.policy_arn), &self.tags)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Untagging {
    policy_arn: String,
    tag_keys: Vec<String>,
}

impl Evident for Untagging {
    fn evident(&self) -> Params {
        Params::new()
            .text("policyArn", &self.policy_arn)
            .texts("tagKeys", &self.tag_keys)
    }
}

impl Operation for TagPolicy {
    const NAME: &'static str = "TagPolicy";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Tagging>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let tags = tagging::parse(&input.tags, TagCase::Kept)?;
        let demand = managed::demand(ctx, view, "iam:TagPolicy", &input.policy_arn).await?;
        Ok(tagging::of_request(demand, &tags).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let new = tagging::parse(&input.tags, TagCase::Kept)?;
        let arn = managed::parse_arn(&input.policy_arn)?;
        let mut policy = table::managed::changeable(&txn.view(), ctx.account, &arn).await?;
        tags::put(&mut policy.tags, new, TagCase::Kept, Quota::TagsPerPolicy)?;
        table::managed::put_policy(txn, &policy);
        Ok(Done)
    }
}

impl Operation for UntagPolicy {
    const NAME: &'static str = "UntagPolicy";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Untagging>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        tags::parse_keys(&input.tag_keys)?;
        let demand = managed::demand(ctx, view, "iam:UntagPolicy", &input.policy_arn).await?;
        Ok(tagging::of_keys(demand, input.tag_keys.clone()).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let arn = managed::parse_arn(&input.policy_arn)?;
        let mut policy = table::managed::changeable(&txn.view(), ctx.account, &arn).await?;
        tags::remove(&mut policy.tags, &input.tag_keys, TagCase::Kept);
        table::managed::put_policy(txn, &policy);
        Ok(Done)
    }
}

impl Operation for ListPolicyTags {
    const NAME: &'static str = "ListPolicyTags";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<ManagedListing>;
    type Output = QueryResult<TagPage>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let demand = managed::demand(ctx, view, "iam:ListPolicyTags", &input.policy_arn).await?;
        Ok(demand.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let arn = managed::parse_arn(&input.policy_arn)?;
        let tags = match table::managed::existing(&txn.view(), ctx.account, &arn).await? {
            Found::Aws(_) => Tags::new(),
            Found::Customer(policy) => policy.tags,
        };
        let page = TagPage::of(&tags, input.max_items, input.marker.as_deref())?;
        Ok(QueryResult(page))
    }
}

#[cfg(test)]
mod tests {
    use super::super::shapes::tests::{read, shown};
    use super::*;

    #[test]
    fn forms_are_read() {
        let tagging: Tagging = read("Action=TagPolicy&PolicyArn=P&Tags.member.1.Key=k&Tags.member.1.Value=v");
        assert_eq!(shown(&tagging), r#"{"policyArn":"P","tags":[{"key":"k","value":"v"}]}"#);
        let untagging: Untagging = read("Action=UntagPolicy&PolicyArn=P&TagKeys.member.1=k&TagKeys.member.2=l");
        assert_eq!(shown(&untagging), r#"{"policyArn":"P","tagKeys":["k","l"]}"#);
    }
}
