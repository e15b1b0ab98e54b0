//! What the operations on roles share: the demand on a role, its trust policy, its shape.

use super::{
    holder::Held,
    shapes::{BoundaryShape, Tag},
    tagging,
};
use crate::{
    IamError,
    model::{arns::PolicyArn, document, name, role::Role},
    port,
    table::{self, LastUsed, roles, sessions},
};
use base::{AccountId, arn};
use gateway::{Ctx, Demand, Demands, principals};
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::Iso8601;

const DESCRIPTION_CHARS_MAX: usize = 1_000;
const SESSION_SECONDS_MIN: i64 = 3_600;
const SESSION_SECONDS_MAX: i64 = 43_200;

/// The role of a name, which must exist.
pub(super) async fn existing(ctx: &Ctx, view: &ReadView<'_>, name: &str) -> Result<Role, IamError> {
    roles::existing(view, ctx.account, &name::parse_role_name(name)?).await
}

/// The demand on a role: on its ARN with its tags if it exists, else on the ARN that the name would have without a path.
pub(super) async fn demand(
    ctx: &Ctx,
    view: &ReadView<'_>,
    action: &'static str,
    name: &str,
) -> Result<Demand, IamError> {
    let name = name::parse_role_name(name)?;
    let found = roles::role(view, ctx.account, &name).await?;
    Ok(demand_on(ctx.account, action, &name, found.as_ref()))
}

fn demand_on(account: AccountId, action: &'static str, name: &str, found: Option<&Role>) -> Demand {
    match found {
        Some(role) => tagging::of_resource(Demand::on(action, role.arn()), &role.tags),
        None => Demand::on(action, arn::role(account, "/", name)),
    }
}

/// The same, of an action that may be tied to the boundary that the role has, and to a managed policy.
pub(super) async fn bounded_demand(
    ctx: &Ctx,
    view: &ReadView<'_>,
    action: &'static str,
    name: &str,
    policy: Option<&PolicyArn>,
) -> Result<Demands, IamError> {
    let name = name::parse_role_name(name)?;
    let found = roles::role(view, ctx.account, &name).await?;
    let boundary = found.as_ref().and_then(|role| role.boundary.as_deref());
    let demand = demand_on(ctx.account, action, &name, found.as_ref())
        .with_some("iam:PermissionsBoundary", boundary)
        .with_some("iam:PolicyARN", policy.map(PolicyArn::as_str));
    Ok(demand.into())
}

/// A trust policy as it is to be stored: checked, those whom it names exist and are named by unique id.
pub(super) async fn trust_to_store(
    ctx: &Ctx,
    view: &ReadView<'_>,
    at: &str,
    document: &str,
) -> Result<String, IamError> {
    document::parse_trust(at, document)?;
    let mut names = Vec::new();
    policy::rewrite_principals(document, &mut |name| {
        names.push(name.to_owned());
        None
    });
    for name in names {
        if !is_somebody(view, &name).await? {
            return Err(document::no_such_principal(&name));
        }
    }
    Ok(principals::to_ids(ctx, view, document).await?)
}

async fn is_somebody(view: &ReadView<'_>, name: &str) -> Result<bool, IamError> {
    if name == "*" {
        return Ok(true);
    }
    if name.starts_with('A') {
        return Ok(table::id(view, name).await?.is_some() || table::users::by_id(view, name).await?.is_some());
    }
    Ok(port::named(view, name).await?.is_some())
}

/// The trust policy as answers show it: accounts are named by their root.
pub(super) async fn trust_to_show(ctx: &Ctx, view: &ReadView<'_>, role: &Role) -> Result<String, IamError> {
    let text = principals::to_arns(ctx, view, &role.trust).await?;
    let rooted = policy::rewrite_principals(&text, &mut |name| {
        let account = AccountId::parse(name).ok()?;
        Some(arn::root(account).as_str().to_owned())
    });
    Ok(document::encode(&rooted))
}

/// A role's description, which may be empty.
pub(super) fn parse_description(text: &str) -> Result<Option<String>, IamError> {
    name::length_of("description", text, 0, DESCRIPTION_CHARS_MAX)?;
    let shaped = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{7e}' | '\u{a1}'..='\u{ff}');
    if !text.chars().all(shaped) {
        return Err(IamError::pattern(
            "description",
            r"[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*",
        ));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// The longest session of a role, in seconds.
pub(super) fn parse_session_seconds(seconds: i64) -> Result<u32, IamError> {
    let refused = |constraint: &str| IamError::constraint("maxSessionDuration", &seconds.to_string(), constraint);
    if seconds < SESSION_SECONDS_MIN {
        return Err(refused("Member must have value greater than or equal to 3600"));
    }
    match u32::try_from(seconds) {
        Ok(short) if seconds <= SESSION_SECONDS_MAX => Ok(short),
        _ => Err(refused("Member must have value less than or equal to 43200")),
    }
}

/// Input that names a role.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NamedRole {
    pub(super) role_name: String,
}

impl Evident for NamedRole {
    fn evident(&self) -> Params {
        Params::new().text("roleName", &self.role_name)
    }
}

/// Input that names an inline policy of a role.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NamedRolePolicy {
    pub(super) role_name: String,
    pub(super) policy_name: String,
}

impl Evident for NamedRolePolicy {
    fn evident(&self) -> Params {
        Params::new()
            .text("roleName", &self.role_name)
            .text("policyName", &self.policy_name)
    }
}

/// Input that names a role and a managed policy.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RoleAndPolicy {
    pub(super) role_name: String,
    pub(super) policy_arn: String,
}

impl RoleAndPolicy {
    pub(super) fn parse_arn(&self) -> Result<PolicyArn, IamError> {
        PolicyArn::parse("policyArn", &self.policy_arn)
    }
}

impl Evident for RoleAndPolicy {
    fn evident(&self) -> Params {
        Params::new()
            .text("roleName", &self.role_name)
            .text("policyArn", &self.policy_arn)
    }
}

/// Input of a listing of what a role has.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RoleListing {
    pub(super) role_name: String,
    pub(super) path_prefix: Option<String>,
    pub(super) marker: Option<String>,
    pub(super) max_items: Option<i64>,
}

impl Evident for RoleListing {
    fn evident(&self) -> Params {
        Params::new()
            .text("roleName", &self.role_name)
            .maybe_text("pathPrefix", self.path_prefix.as_deref())
            .maybe_text("marker", self.marker.as_deref())
            .maybe_number("maxItems", self.max_items)
    }
}

/// A role, as answers show it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RoleShape {
    path: String,
    role_name: String,
    role_id: String,
    arn: String,
    create_date: Iso8601,
    assume_role_policy_document: String,
    description: Option<String>,
    max_session_duration: Option<u32>,
    permissions_boundary: Option<BoundaryShape>,
    tags: Option<Vec<Tag>>,
    role_last_used: Option<RoleLastUsed>,
}

/// When and where a role was used last; empty when it never was.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RoleLastUsed {
    last_used_date: Option<Iso8601>,
    region: Option<String>,
}

impl From<Option<LastUsed>> for RoleLastUsed {
    fn from(used: Option<LastUsed>) -> RoleLastUsed {
        RoleLastUsed {
            last_used_date: used.as_ref().map(|used| Iso8601(used.at.floor_second())),
            region: used.map(|used| used.region),
        }
    }
}

impl RoleShape {
    /// With what every answer shows.
    fn bare(role: &Role, trust: String) -> RoleShape {
        RoleShape {
            path: role.path.clone(),
            role_name: role.name.clone(),
            role_id: role.id.clone(),
            arn: role.arn().as_str().to_owned(),
            create_date: Iso8601(role.created),
            assume_role_policy_document: trust,
            description: None,
            max_session_duration: None,
            permissions_boundary: None,
            tags: None,
            role_last_used: None,
        }
    }

    /// As CreateRole shows it: the document as it came, and neither description nor longest session.
    pub(super) fn created(role: &Role, document: &str) -> RoleShape {
        RoleShape {
            permissions_boundary: role.boundary.as_deref().map(BoundaryShape::of),
            tags: tagging::shown(&role.tags),
            ..RoleShape::bare(role, document::encode(document))
        }
    }

    /// As UpdateRoleDescription shows it.
    pub(super) async fn described(ctx: &Ctx, view: &ReadView<'_>, role: &Role) -> Result<RoleShape, IamError> {
        Ok(RoleShape {
            description: role.description.clone(),
            ..RoleShape::bare(role, trust_to_show(ctx, view, role).await?)
        })
    }

    /// As listings show it.
    pub(super) async fn listed(ctx: &Ctx, view: &ReadView<'_>, role: &Role) -> Result<RoleShape, IamError> {
        Ok(RoleShape {
            max_session_duration: Some(role.max_session_duration),
            ..RoleShape::described(ctx, view, role).await?
        })
    }

    /// With everything.
    pub(super) async fn whole(ctx: &Ctx, view: &ReadView<'_>, role: &Role) -> Result<RoleShape, IamError> {
        let used = sessions::last_used(view, &role.id).await?;
        Ok(RoleShape {
            permissions_boundary: role.boundary.as_deref().map(BoundaryShape::of),
            tags: tagging::shown(&role.tags),
            role_last_used: Some(RoleLastUsed::from(used)),
            ..RoleShape::listed(ctx, view, role).await?
        })
    }
}

impl Evident for RoleShape {
    fn evident(&self) -> Params {
        let params = Params::new()
            .text("path", &self.path)
            .text("roleName", &self.role_name)
            .text("roleId", &self.role_id)
            .text("arn", &self.arn)
            .moment("createDate", self.create_date.0)
            .text("assumeRolePolicyDocument", &self.assume_role_policy_document)
            .maybe_text("description", self.description.as_deref())
            .maybe_object(
                "permissionsBoundary",
                self.permissions_boundary.as_ref().map(Evident::evident),
            );
        tagging::evident(params, self.tags.as_deref().unwrap_or_default())
    }
}

/// The answer that is a role.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OneRole {
    pub(super) role: RoleShape,
}

impl Evident for OneRole {
    fn evident(&self) -> Params {
        Params::new().object("role", self.role.evident())
    }
}

/// The role of a name with what it holds.
pub(super) fn held(role: &Role) -> Held<'_> {
    role.into()
}

#[cfg(test)]
mod tests {
    use super::super::shapes::tests::{read, result, shown};
    use super::*;
    use base::Timestamp;
    use wire::AwsError;

    fn reader() -> Role {
        Role {
            account: AccountId::FIRST,
            name: "Reader".to_owned(),
            path: "/a/".to_owned(),
            id: "AROAX".to_owned(),
            created: Timestamp::from_secs(1_570_057_949),
            description: Some("d".to_owned()),
            trust: "{}".to_owned(),
            max_session_duration: 3_600,
            boundary: Some("arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()),
            tags: vec![("k".to_owned(), "v".to_owned())],
        }
    }

    #[test]
    fn a_new_role_is_shown_with_awss_names() {
        let role = RoleShape::created(&reader(), "{ }");
        assert_eq!(
            result("CreateRole", &role),
            "<Path>/a/</Path><RoleName>Reader</RoleName><RoleId>AROAX</RoleId><Arn>arn:aws:iam::000000000000:role/a/Reader</Arn><CreateDate>2019-10-02T23:12:29Z</CreateDate><AssumeRolePolicyDocument>%7B%20%7D</AssumeRolePolicyDocument><PermissionsBoundary><PermissionsBoundaryType>Policy</PermissionsBoundaryType><PermissionsBoundaryArn>arn:aws:iam::aws:policy/ReadOnlyAccess</PermissionsBoundaryArn></PermissionsBoundary><Tags><member><Key>k</Key><Value>v</Value></member></Tags>"
        );
        let text = shown(&OneRole { role });
        assert!(
            text.starts_with(r#"{"role":{"path":"/a/","roleName":"Reader","roleId":"AROAX""#),
            "{text}"
        );
        let never = RoleLastUsed {
            last_used_date: None,
            region: None,
        };
        let role = RoleShape {
            role_last_used: Some(never),
            ..RoleShape::bare(&reader(), String::new())
        };
        assert!(result("GetRole", &role).contains("RoleLastUsed"));
    }

    #[test]
    fn forms_are_read() {
        let listing: RoleListing = read("Action=ListAttachedRolePolicies&RoleName=R&PathPrefix=%2Fa&MaxItems=3");
        assert_eq!(shown(&listing), r#"{"roleName":"R","pathPrefix":"/a","maxItems":3}"#);
        let both: RoleAndPolicy = read("RoleName=R&PolicyArn=arn:aws:iam::aws:policy/P");
        assert_eq!(both.parse_arn().unwrap().name(), "P");
    }

    #[test]
    fn descriptions_and_durations_have_their_bounds() {
        assert_eq!(parse_description("").unwrap(), None);
        assert_eq!(parse_description("é\n").unwrap().as_deref(), Some("é\n"));
        for text in ["\u{0}".to_owned(), "д".to_owned(), "x".repeat(1_001)] {
            assert!(parse_description(&text).is_err());
        }
        for (seconds, ok) in [
            (3_599, false),
            (3_600, true),
            (43_200, true),
            (43_201, false),
            (i64::MAX, false),
        ] {
            assert_eq!(parse_session_seconds(seconds).is_ok(), ok, "{seconds}");
        }
        assert_eq!(
            parse_session_seconds(1).unwrap_err().message(),
            "1 validation error detected: Value '1' at 'maxSessionDuration' failed to satisfy constraint: Member must have value greater than or equal to 3600"
        );
    }
}
