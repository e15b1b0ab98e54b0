//! CreatePolicy: a managed policy in its first version.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html>

use super::{
    managed::{OnePolicy, PolicyShape},
    shapes::Tag,
    tagging,
};
use crate::{
    IamError,
    error::{Entity, Quota},
    model::{
        arns, document,
        managed_policy::{ManagedPolicy, POLICIES_PER_ACCOUNT_MAX, PolicyVersion},
        name,
        tags::{TagCase, Tags},
    },
    table::managed,
};
use base::ids;
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

const DESCRIPTION_CHARS_MAX: usize = 1_000;

/// The operation.
pub(super) struct CreatePolicy;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    policy_name: String,
    path: Option<String>,
    policy_document: String,
    description: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let params = Params::new()
            .text("policyName", &self.policy_name)
            .maybe_text("path", self.path.as_deref())
            .text("policyDocument", &self.policy_document)
            .maybe_text("description", self.description.as_deref());
        tagging::evident(params, &self.tags)
    }
}

impl Input {
    fn parse_path(&self) -> Result<String, IamError> {
        name::parse_policy_path(self.path.as_deref().unwrap_or("/"))
    }

    fn parse_tags(&self) -> Result<Tags, IamError> {
        tagging::parse(&self.tags, TagCase::Kept)
    }

    fn parse_description(&self) -> Result<Option<String>, IamError> {
        let Some(text) = self.description.as_deref().filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        name::length_of("description", text, 0, DESCRIPTION_CHARS_MAX)?;
        Ok(Some(text.to_owned()))
    }
}

impl Operation for CreatePolicy {
    const NAME: &'static str = "CreatePolicy";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = QueryResult<OnePolicy>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, _: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let name = name::parse_policy_name(&input.policy_name)?;
        let arn = arns::policy(ctx.account, &input.parse_path()?, &name);
        let tags = input.parse_tags()?;
        let demand = |action| tagging::of_request(Demand::on(action, arn.clone()), &tags);
        // A policy that is born with tags needs the right to tag it too.
        let tagging = (!tags.is_empty()).then(|| demand("iam:TagPolicy"));
        Ok(Demands::All(
            [demand("iam:CreatePolicy")].into_iter().chain(tagging).collect(),
        ))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let name = name::parse_policy_name(&input.policy_name)?;
        document::check_managed(&input.policy_document)?;
        let view = txn.view();
        if managed::by_name(&view, ctx.account, &name).await?.is_some() {
            return Err(IamError::EntityAlreadyExists(Entity::PolicyName(name)));
        }
        if managed::policies(&view, ctx.account).await?.len() >= POLICIES_PER_ACCOUNT_MAX {
            return Err(IamError::LimitExceeded(Quota::PoliciesPerAccount));
        }
        let created = ctx.now().floor_second();
        let policy = ManagedPolicy {
            account: ctx.account,
            name,
            path: input.parse_path()?,
            id: ids::iam_id("ANPA", ctx.random()),
            created,
            updated: created,
            description: input.parse_description()?,
            tags: input.parse_tags()?,
            default: 1,
            last: 1,
            versions: vec![PolicyVersion {
                number: 1,
                document: input.policy_document.clone(),
                created,
            }],
        };
        managed::put_policy(txn, &policy);
        Ok(QueryResult(OnePolicy {
            policy: PolicyShape::created(&policy),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::shapes::tests::{read, shown};
    use super::*;

    #[test]
    fn the_form_is_read() {
        let input: Input = read(
            "Action=CreatePolicy&Version=2010-05-08&PolicyName=P&Path=%2Fa%2F&PolicyDocument=%7B%7D&Description=d&Tags.member.1.Key=k&Tags.member.1.Value=v&Tags.member.2.Key=K&Tags.member.2.Value=v",
        );
        assert_eq!(
            (input.parse_path().unwrap().as_str(), input.parse_tags().unwrap().len()),
            ("/a/", 2)
        );
        assert_eq!(input.parse_description().unwrap().as_deref(), Some("d"));
        assert_eq!(
            shown(&input),
            r#"{"policyName":"P","path":"/a/","policyDocument":"{}","description":"d","tags":[{"key":"k","value":"v"},{"key":"K","value":"v"}]}"#
        );
    }
}
