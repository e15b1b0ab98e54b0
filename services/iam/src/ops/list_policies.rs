//! ListPolicies: the account's own managed policies and AWS's, by ARN.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicies.html>

use super::{managed::PolicyShape, page::page};
use crate::{
    IamError,
    model::{aws_managed, name},
    table::{
        holdings::{self, Uses},
        managed::{self, Found},
    },
};
use base::arn;
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct ListPolicies;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    scope: Option<String>,
    only_attached: Option<bool>,
    path_prefix: Option<String>,
    policy_usage_filter: Option<String>,
    marker: Option<String>,
    max_items: Option<i64>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .maybe_text("scope", self.scope.as_deref())
            .maybe_flag("onlyAttached", self.only_attached)
            .maybe_text("pathPrefix", self.path_prefix.as_deref())
            .maybe_text("policyUsageFilter", self.policy_usage_filter.as_deref())
            .maybe_text("marker", self.marker.as_deref())
            .maybe_number("maxItems", self.max_items)
    }
}

/// How a policy is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usage {
    Boundary,
    Permissions,
}

impl Usage {
    /// Reads the parameter `PolicyUsageFilter`.
    pub(super) fn parse(text: Option<&str>) -> Result<Option<Usage>, IamError> {
        match text {
            None => Ok(None),
            Some("PermissionsBoundary") => Ok(Some(Usage::Boundary)),
            Some("PermissionsPolicy") => Ok(Some(Usage::Permissions)),
            Some(_) => Err(IamError::constraint_at(
                "policyUsageFilter",
                "Member must satisfy enum value set: [PermissionsBoundary, PermissionsPolicy]",
            )),
        }
    }
}

/// What is asked for, checked.
struct Wanted {
    aws: bool,
    local: bool,
    attached: bool,
    usage: Option<Usage>,
    prefix: String,
}

impl Input {
    fn parse(&self) -> Result<Wanted, IamError> {
        let (aws, local) = match self.scope.as_deref() {
            None | Some("All") => (true, true),
            Some("AWS") => (true, false),
            Some("Local") => (false, true),
            Some(_) => {
                return Err(IamError::constraint_at(
                    "scope",
                    "Member must satisfy enum value set: [All, AWS, Local]",
                ));
            }
        };
        Ok(Wanted {
            aws,
            local,
            attached: self.only_attached.unwrap_or(false),
            usage: Usage::parse(self.policy_usage_filter.as_deref())?,
            prefix: name::parse_path_prefix(self.path_prefix.as_deref().unwrap_or("/"))?,
        })
    }
}

impl Wanted {
    /// Whether a policy that is used so is wanted.
    fn has(&self, uses: Uses) -> bool {
        let by_usage = match self.usage {
            None => true,
            Some(Usage::Boundary) => uses.bounded > 0,
            Some(Usage::Permissions) => uses.attached > 0,
        };
        by_usage && (!self.attached || uses.attached > 0)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    policies: Vec<PolicyShape>,
    is_truncated: bool,
    marker: Option<String>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for ListPolicies {
    const NAME: &'static str = "ListPolicies";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = IamError;

    async fn demands(_: &Ctx, _: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        input.parse()?;
        Ok(Demand::on("iam:ListPolicies", arn::any()).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let wanted = input.parse()?;
        let view = txn.view();
        let mut all: Vec<Found> = Vec::new();
        if wanted.aws {
            all.extend(aws_managed::POLICIES.iter().map(Found::Aws));
        }
        if wanted.local {
            let own = managed::policies(&view, ctx.account).await?;
            all.extend(own.into_iter().map(|policy| Found::Customer(Box::new(policy))));
        }
        let uses = holdings::all_uses(&view, ctx.account).await?;
        let uses = |found: &Found| uses.get(found.id()).copied().unwrap_or_default();
        let mut shapes: Vec<PolicyShape> = all
            .iter()
            .filter(|found| wanted.has(uses(found)))
            .map(|found| PolicyShape::listed(found, uses(found)))
            .filter(|shape| shape.path().starts_with(&wanted.prefix))
            .collect();
        shapes.sort_by_cached_key(|shape| shape.arn.to_ascii_lowercase());
        let page = page(shapes, |shape| &shape.arn, input.max_items, input.marker.as_deref())?;
        Ok(QueryResult(Output {
            policies: page.items,
            is_truncated: page.marker.is_some(),
            marker: page.marker,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::shapes::tests::read;
    use super::*;
    use wire::AwsError;

    #[test]
    fn what_is_wanted_is_read_from_the_form() {
        let wanted = |form: &str| read::<Input>(form).parse();
        let all = wanted("Action=ListPolicies").unwrap();
        assert!(all.aws && all.local && all.has(Uses::default()));
        let attached = wanted("Scope=Local&OnlyAttached=true").unwrap();
        assert!(!attached.aws && attached.local && !attached.has(Uses::default()));
        let bounded = Uses {
            attached: 0,
            bounded: 1,
        };
        assert!(wanted("PolicyUsageFilter=PermissionsBoundary").unwrap().has(bounded));
        assert!(!wanted("PolicyUsageFilter=PermissionsPolicy").unwrap().has(bounded));
        for form in ["Scope=x", "PolicyUsageFilter=x", "PathPrefix=a"] {
            assert_eq!(wanted(form).err().map(|e| e.status()), Some(400), "{form}");
        }
    }
}
