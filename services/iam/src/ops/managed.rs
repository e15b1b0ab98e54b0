//! What the operations on managed policies share: the demand on a policy, its shapes.

use super::{shapes::Tag, tagging};
use crate::{
    IamError,
    error::Entity,
    model::{
        arns::PolicyArn,
        document,
        managed_policy::{ManagedPolicy, PolicyVersion},
        tags::Tags,
    },
    table::{
        holdings::{self, Uses},
        managed::{self, Found},
    },
};
use gateway::{Ctx, Demand, Demands};
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::Iso8601;

/// What a version's id looks like.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PolicyVersion.html>
const VERSION_PATTERN: &str = r"v[1-9][0-9]*(\.[A-Za-z0-9-]*)?";

/// Reads the parameter `PolicyArn`.
pub(super) fn parse_arn(text: &str) -> Result<PolicyArn, IamError> {
    PolicyArn::parse("policyArn", text)
}

/// The demand on a managed policy: on its ARN, with its tags if it exists.
pub(super) async fn demand(
    ctx: &Ctx,
    view: &ReadView<'_>,
    action: &'static str,
    arn: &str,
) -> Result<Demand, IamError> {
    let arn = parse_arn(arn)?;
    let demand = Demand::on(action, arn.arn());
    let ours = arn.account == Some(ctx.account);
    Ok(match managed::find(view, &arn).await? {
        Some(Found::Customer(policy)) if ours => tagging::of_resource(demand, &policy.tags),
        _ => demand,
    })
}

/// The same, alone.
pub(super) async fn demands(
    ctx: &Ctx,
    view: &ReadView<'_>,
    action: &'static str,
    arn: &str,
) -> Result<Demands, IamError> {
    Ok(demand(ctx, view, action, arn).await?.into())
}

/// The policy of an ARN, which must exist; `version` is the one that is asked for, by which messages then speak.
pub(super) async fn with_version(ctx: &Ctx, view: &ReadView<'_>, arn: &str, version: &str) -> Result<Found, IamError> {
    let shaped = version.strip_prefix('v').is_some_and(|number| {
        let (number, rest) = number.split_once('.').unwrap_or((number, ""));
        !number.is_empty()
            && !number.starts_with('0')
            && number.bytes().all(|b| b.is_ascii_digit())
            && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    });
    if !shaped {
        return Err(IamError::pattern("versionId", VERSION_PATTERN));
    }
    let arn = parse_arn(arn)?;
    managed::existing(view, ctx.account, &arn)
        .await
        .map_err(|error| match error {
            IamError::NoSuchEntity(_) => no_such_version(&arn, version),
            other => other,
        })
}

/// The same of a customer's policy, to be changed.
pub(super) async fn changeable_with_version(
    ctx: &Ctx,
    view: &ReadView<'_>,
    arn: &str,
    version: &str,
) -> Result<ManagedPolicy, IamError> {
    match with_version(ctx, view, arn, version).await? {
        Found::Customer(policy) => Ok(*policy),
        Found::Aws(policy) => Err(IamError::UnmodifiableEntity {
            policy: policy.name.to_owned(),
        }),
    }
}

pub(super) fn no_such_version(arn: &PolicyArn, version: &str) -> IamError {
    IamError::NoSuchEntity(Entity::PolicyVersion {
        arn: arn.as_str().to_owned(),
        version: version.to_owned(),
    })
}

/// Input that names a managed policy.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NamedManaged {
    pub(super) policy_arn: String,
}

impl Evident for NamedManaged {
    fn evident(&self) -> Params {
        Params::new().text("policyArn", &self.policy_arn)
    }
}

/// Input that names a version of a managed policy.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NamedVersion {
    pub(super) policy_arn: String,
    pub(super) version_id: String,
}

impl Evident for NamedVersion {
    fn evident(&self) -> Params {
        Params::new()
            .text("policyArn", &self.policy_arn)
            .text("versionId", &self.version_id)
    }
}

/// Input of a listing of what a managed policy has.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ManagedListing {
    pub(super) policy_arn: String,
    pub(super) marker: Option<String>,
    pub(super) max_items: Option<i64>,
}

impl Evident for ManagedListing {
    fn evident(&self) -> Params {
        Params::new()
            .text("policyArn", &self.policy_arn)
            .maybe_text("marker", self.marker.as_deref())
            .maybe_number("maxItems", self.max_items)
    }
}

/// A managed policy, as answers show it.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PolicyShape {
    policy_name: String,
    policy_id: String,
    pub(super) arn: String,
    path: String,
    default_version_id: String,
    attachment_count: usize,
    permissions_boundary_usage_count: usize,
    is_attachable: bool,
    description: Option<String>,
    create_date: Iso8601,
    update_date: Iso8601,
    tags: Option<Vec<Tag>>,
}

impl PolicyShape {
    /// As listings show it: without description and tags.
    pub(super) fn listed(found: &Found, uses: Uses) -> PolicyShape {
        let (path, default_version_id, created, updated) = match found {
            Found::Aws(policy) => ("/", "v1".to_owned(), policy.created(), policy.created()),
            Found::Customer(policy) => (
                policy.path.as_str(),
                policy.default_id(),
                policy.created,
                policy.updated,
            ),
        };
        PolicyShape {
            policy_name: found.name().to_owned(),
            policy_id: found.id().to_owned(),
            arn: found.arn().as_str().to_owned(),
            path: path.to_owned(),
            default_version_id,
            attachment_count: uses.attached,
            permissions_boundary_usage_count: uses.bounded,
            is_attachable: true,
            description: None,
            create_date: Iso8601(created),
            update_date: Iso8601(updated),
            tags: None,
        }
    }

    /// As CreatePolicy shows it: without description.
    pub(super) fn created(policy: &ManagedPolicy) -> PolicyShape {
        let found = Found::Customer(Box::new(policy.clone()));
        PolicyShape {
            tags: tagging::shown(&policy.tags),
            ..PolicyShape::listed(&found, Uses::default())
        }
    }

    /// With everything; the list of tags is there also when it is empty.
    pub(super) async fn whole(ctx: &Ctx, view: &ReadView<'_>, found: &Found) -> Result<PolicyShape, IamError> {
        let (description, tags) = match found {
            Found::Aws(policy) => (Some(policy.description.to_owned()), Tags::new()),
            Found::Customer(policy) => (policy.description.clone(), policy.tags.clone()),
        };
        let uses = Uses {
            attached: holdings::attached_to(view, ctx.account, found.id()).await?.len(),
            bounded: holdings::bounded_by(view, ctx.account, found.id()).await?.len(),
        };
        Ok(PolicyShape {
            description,
            tags: Some(tagging::listed(&tags)),
            ..PolicyShape::listed(found, uses)
        })
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

impl Evident for PolicyShape {
    fn evident(&self) -> Params {
        let params = Params::new()
            .text("policyName", &self.policy_name)
            .text("policyId", &self.policy_id)
            .text("arn", &self.arn)
            .text("path", &self.path)
            .text("defaultVersionId", &self.default_version_id)
            .number("attachmentCount", self.attachment_count)
            .number("permissionsBoundaryUsageCount", self.permissions_boundary_usage_count)
            .flag("isAttachable", self.is_attachable)
            .moment("createDate", self.create_date.0)
            .moment("updateDate", self.update_date.0);
        tagging::evident(params, self.tags.as_deref().unwrap_or_default())
    }
}

/// The answer that is a managed policy.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OnePolicy {
    pub(super) policy: PolicyShape,
}

impl Evident for OnePolicy {
    fn evident(&self) -> Params {
        Params::new().object("policy", self.policy.evident())
    }
}

/// A version of a managed policy, as answers show it.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct VersionShape {
    document: Option<String>,
    pub(super) version_id: String,
    is_default_version: bool,
    create_date: Iso8601,
}

impl VersionShape {
    /// Without its document.
    pub(super) fn listed(policy: &ManagedPolicy, version: &PolicyVersion) -> VersionShape {
        VersionShape {
            document: None,
            version_id: version.id(),
            is_default_version: version.number == policy.default,
            create_date: Iso8601(version.created),
        }
    }

    /// The versions of a policy without their documents, newest first.
    pub(super) fn all(found: &Found) -> Vec<VersionShape> {
        match found {
            Found::Aws(policy) => vec![VersionShape {
                document: None,
                version_id: "v1".to_owned(),
                is_default_version: true,
                create_date: Iso8601(policy.created()),
            }],
            Found::Customer(policy) => {
                let versions = policy.versions.iter().rev();
                versions.map(|version| VersionShape::listed(policy, version)).collect()
            }
        }
    }

    /// A version with its document.
    pub(super) fn whole(found: &Found, id: &str) -> Option<VersionShape> {
        let document = match found {
            Found::Aws(policy) => policy.document,
            Found::Customer(policy) => &policy.version(id).ok()?.document,
        };
        let mut versions = VersionShape::all(found).into_iter();
        let version = versions.find(|version| version.version_id == id)?;
        Some(VersionShape {
            document: Some(document::encode(document)),
            ..version
        })
    }
}

impl Evident for VersionShape {
    fn evident(&self) -> Params {
        Params::new()
            .text("versionId", &self.version_id)
            .flag("isDefaultVersion", self.is_default_version)
            .moment("createDate", self.create_date.0)
    }
}

/// The answer that is a version of a managed policy.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OneVersion {
    pub(super) policy_version: VersionShape,
}

impl Evident for OneVersion {
    fn evident(&self) -> Params {
        Params::new().object("policyVersion", self.policy_version.evident())
    }
}

#[cfg(test)]
mod tests {
    use super::super::shapes::tests::{result, shown};
    use super::*;
    use crate::model::{aws_managed, managed_policy::tests::policy};
    use base::Timestamp;

    #[test]
    fn a_policy_is_shown_with_awss_names() {
        let mut p = policy("P", "{ }");
        let shape = PolicyShape::created(&p);
        assert_eq!(
            result("CreatePolicy", &shape),
            "<PolicyName>P</PolicyName><PolicyId>ANPAP</PolicyId><Arn>arn:aws:iam::000000000000:policy/P</Arn><Path>/</Path><DefaultVersionId>v1</DefaultVersionId><AttachmentCount>0</AttachmentCount><PermissionsBoundaryUsageCount>0</PermissionsBoundaryUsageCount><IsAttachable>true</IsAttachable><CreateDate>1970-01-01T00:00:07Z</CreateDate><UpdateDate>1970-01-01T00:00:07Z</UpdateDate>"
        );
        let text = shown(&OnePolicy { policy: shape });
        assert!(
            text.starts_with(r#"{"policy":{"policyName":"P","policyId":"ANPAP""#),
            "{text}"
        );
        p.add_version("two".to_owned(), true, Timestamp::from_secs(9)).unwrap();
        let found = Found::Customer(Box::new(p));
        let ids: Vec<String> = VersionShape::all(&found).into_iter().map(|v| v.version_id).collect();
        assert_eq!(ids, ["v2", "v1"]);
        let first = VersionShape::whole(&found, "v1").unwrap();
        assert_eq!(
            result("GetPolicyVersion", &first),
            "<Document>%7B%20%7D</Document><VersionId>v1</VersionId><IsDefaultVersion>false</IsDefaultVersion><CreateDate>1970-01-01T00:00:07Z</CreateDate>"
        );
        assert!(!shown(&first).contains("%7B"));
        assert!(VersionShape::whole(&found, "v3").is_none());
        let aws = Found::Aws(&aws_managed::POLICIES[0]);
        assert!(VersionShape::whole(&aws, "v1").is_some() && VersionShape::whole(&aws, "v2").is_none());
    }
}
