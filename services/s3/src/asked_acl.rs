//! The ACL that a request asks for: canned, by headers that grant, or as a document. Whom it names is looked up when it is
//! known that the caller may.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectAcl.html>

use crate::{
    S3Error, answer,
    model::acl::{CannedAcl, GRANTS_MAX, Grant, Grantee, Permission},
    request,
};
use base::AccountId;
use gateway::{Call, Ctx, Demand};
use record::Params;
use serde::Deserialize;
use store::ReadView;
use wire::Head;

/// Whom a request names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// A canonical user id.
    Id(String),
    /// An address; nobody has one here.
    Email(String),
    /// A group.
    Uri(String),
}

/// A grant that a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedGrant {
    /// To whom.
    pub to: Named,
    /// Of what.
    pub permission: Permission,
}

/// The grants of the `x-amz-grant-` headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderGrants(Vec<NamedGrant>, Vec<(&'static str, String)>);

impl HeaderGrants {
    /// Reads the headers. They and a canned ACL exclude each other.
    pub fn of(head: &Head, canned: Option<CannedAcl>) -> Result<HeaderGrants, S3Error> {
        let mut grants = HeaderGrants::default();
        for (name, permission) in Permission::HEADERS {
            let Some(value) = request::amz(head, name) else {
                continue;
            };
            for one in value.split(',') {
                let to =
                    named(one).ok_or_else(|| S3Error::argument("Argument format not recognized", name, &*value))?;
                grants.0.push(NamedGrant { to, permission });
            }
            grants.1.push((name, value.into_owned()));
        }
        if !grants.is_empty() && canned.is_some() {
            let text = "Specifying both Canned ACLs and Header Grants is not allowed";
            return Err(S3Error::InvalidRequest(text.into()));
        }
        Ok(grants)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds what of them a record shows.
    pub fn evident(&self, params: Params) -> Params {
        self.1
            .iter()
            .fold(params, |params, (name, value)| params.text(name, value))
    }

    /// Adds their condition keys.
    pub fn conditions(&self, demand: Demand) -> Demand {
        self.1
            .iter()
            .fold(demand, |demand, (name, value)| demand.with(format!("s3:{name}"), value))
    }

    /// What they grant; `None` when there are none.
    pub async fn resolve(&self, ctx: &Ctx, view: &ReadView<'_>) -> Result<Option<Vec<Grant>>, S3Error> {
        match self.is_empty() {
            true => Ok(None),
            false => resolve(ctx, view, &self.0).await.map(Some),
        }
    }
}

/// One of `id="…"`, `uri="…"`, `emailAddress="…"`.
fn named(text: &str) -> Option<Named> {
    let (kind, value) = text.trim().split_once('=')?;
    let value = value.trim();
    let value = value
        .strip_prefix('"')
        .and_then(|v| v.strip_suffix('"'))
        .unwrap_or(value);
    match kind.trim() {
        "id" => Some(Named::Id(value.to_owned())),
        "uri" => Some(Named::Uri(value.to_owned())),
        "emailAddress" => Some(Named::Email(value.to_owned())),
        _ => None,
    }
}

/// The ACL of PutBucketAcl and PutObjectAcl.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// By `x-amz-acl`.
    Canned(CannedAcl),
    /// By headers that grant.
    Headers(HeaderGrants),
    /// By the body.
    Document {
        /// The owner's id.
        owner: String,
        /// The grants.
        grants: Vec<NamedGrant>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AccessControlPolicy {
    owner: Option<OwnerElement>,
    access_control_list: Option<AccessControlList>,
}

#[derive(Deserialize)]
struct OwnerElement {
    #[serde(rename = "ID")]
    id: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct AccessControlList {
    grant: Vec<GrantElement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GrantElement {
    grantee: GranteeElement,
    permission: String,
}

#[derive(Deserialize)]
struct GranteeElement {
    #[serde(rename = "ID")]
    id: Option<String>,
    #[serde(rename = "URI")]
    uri: Option<String>,
    #[serde(rename = "EmailAddress")]
    email: Option<String>,
}

impl Asked {
    /// Reads headers and body.
    pub fn of(call: &Call) -> Result<Asked, S3Error> {
        let canned = request::canned_acl(&call.head)?;
        let headers = HeaderGrants::of(&call.head, canned)?;
        match (canned, headers.is_empty(), call.body.is_empty()) {
            (None, true, true) => Err(S3Error::MissingSecurityHeader("x-amz-acl")),
            (None, true, false) => document(&call.body),
            (_, _, false) => Err(S3Error::UnexpectedContent),
            (Some(canned), ..) => Ok(Asked::Canned(canned)),
            (None, false, true) => Ok(Asked::Headers(headers)),
        }
    }

    /// Adds what of it a record shows.
    pub fn evident(&self, params: Params) -> Params {
        match self {
            Asked::Canned(acl) => params.text("x-amz-acl", acl.as_str()),
            Asked::Headers(headers) => headers.evident(params),
            Asked::Document { owner, grants } => {
                let grants = grants.iter().map(|grant| {
                    let grantee = match &grant.to {
                        Named::Id(id) => Params::new().text("ID", id),
                        Named::Uri(uri) => Params::new().text("URI", uri),
                        Named::Email(email) => Params::new().text("EmailAddress", email),
                    };
                    Params::new()
                        .object("Grantee", grantee)
                        .text("Permission", grant.permission.as_str())
                });
                let policy = Params::new()
                    .object("Owner", Params::new().text("ID", owner))
                    .object("AccessControlList", Params::new().objects("Grant", grants));
                params.object("AccessControlPolicy", policy)
            }
        }
    }

    /// Adds its condition keys.
    pub fn conditions(&self, demand: Demand) -> Demand {
        match self {
            Asked::Canned(acl) => demand.with("s3:x-amz-acl", acl.as_str()),
            Asked::Headers(headers) => headers.conditions(demand),
            Asked::Document { .. } => demand,
        }
    }

    /// The canned ACL.
    pub fn canned(&self) -> Option<CannedAcl> {
        match self {
            Asked::Canned(acl) => Some(*acl),
            _ => None,
        }
    }

    /// What it grants where it is not canned. An owner does not change by an ACL.
    pub async fn resolve(
        &self,
        ctx: &Ctx,
        view: &ReadView<'_>,
        owner: AccountId,
    ) -> Result<Option<Vec<Grant>>, S3Error> {
        match self {
            Asked::Canned(_) => Ok(None),
            Asked::Headers(headers) => headers.resolve(ctx, view).await,
            Asked::Document { owner: named, .. } if *named != answer::canonical_id(owner) => {
                Err(S3Error::AccessDenied("Access Denied".to_owned()))
            }
            Asked::Document { grants, .. } => resolve(ctx, view, grants).await.map(Some),
        }
    }
}

fn document(body: &[u8]) -> Result<Asked, S3Error> {
    let policy: AccessControlPolicy =
        wire::xml::parse_as("AccessControlPolicy", body).map_err(|_| S3Error::MalformedAcl)?;
    let (Some(owner), Some(list)) = (policy.owner, policy.access_control_list) else {
        return Err(S3Error::MalformedAcl);
    };
    if list.grant.len() > GRANTS_MAX {
        return Err(S3Error::MalformedAcl);
    }
    let grants = list.grant.into_iter().map(|grant| {
        let to = match (grant.grantee.id, grant.grantee.uri, grant.grantee.email) {
            (Some(id), None, None) => Named::Id(id),
            (None, Some(uri), None) => Named::Uri(uri),
            (None, None, Some(email)) => Named::Email(email),
            _ => return Err(S3Error::MalformedAcl),
        };
        let permission = Permission::parse(&grant.permission).ok_or(S3Error::MalformedAcl)?;
        Ok(NamedGrant { to, permission })
    });
    Ok(Asked::Document {
        owner: owner.id,
        grants: grants.collect::<Result<_, _>>()?,
    })
}

/// Finds out who is meant.
async fn resolve(ctx: &Ctx, view: &ReadView<'_>, grants: &[NamedGrant]) -> Result<Vec<Grant>, S3Error> {
    if grants.len() > GRANTS_MAX {
        return Err(S3Error::MalformedAcl);
    }
    let mut accounts: Option<Vec<(String, AccountId)>> = None;
    let mut found = Vec::with_capacity(grants.len());
    for grant in grants {
        let grantee = match &grant.to {
            Named::Email(_) => return Err(S3Error::UnresolvableGrantByEmailAddress),
            Named::Uri(uri) => {
                Grantee::group(uri).ok_or_else(|| S3Error::argument("Invalid group uri", "uri", uri.as_str()))?
            }
            Named::Id(id) => {
                let known = match &mut accounts {
                    Some(known) => known,
                    none => none.insert(canonical_ids(ctx, view).await?),
                };
                let account = known.iter().find(|(known, _)| known == id).map(|(_, account)| *account);
                Grantee::Account(account.ok_or_else(|| S3Error::argument("Invalid id", "id", id.as_str()))?)
            }
        };
        found.push(Grant {
            grantee,
            permission: grant.permission,
        });
    }
    Ok(found)
}

async fn canonical_ids(ctx: &Ctx, view: &ReadView<'_>) -> Result<Vec<(String, AccountId)>, S3Error> {
    let accounts = ctx.world().ports()?.identities.accounts(view).await?;
    let ids = accounts
        .iter()
        .map(|account| (answer::canonical_id(account.id), account.id));
    Ok(ids.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::call;
    use http::Method;
    use wire::AwsError;

    #[test]
    fn acls_are_read_from_headers_or_the_body() {
        let check = |headers: &[(&str, &str)], body: &str, expected: Result<usize, &str>| {
            let found = Asked::of(&call(Method::PUT, "/bkt?acl", headers, body.as_bytes()));
            let count = found.map_err(|e| e.code().into_owned()).map(|asked| match asked {
                Asked::Canned(_) => 0,
                Asked::Headers(headers) => headers.0.len(),
                Asked::Document { grants, .. } => grants.len(),
            });
            assert_eq!(count, expected.map_err(str::to_owned), "{headers:?} {body}");
        };
        let read = ("x-amz-grant-read", r#"id="a", uri="http://x", emailAddress="a@b""#);
        check(&[], "", Err("MissingSecurityHeader"));
        check(&[("x-amz-acl", "private")], "", Ok(0));
        check(&[("x-amz-acl", "open")], "", Err("InvalidArgument"));
        check(&[read], "", Ok(3));
        check(&[("x-amz-grant-write", "a")], "", Err("InvalidArgument"));
        check(&[read, ("x-amz-acl", "private")], "", Err("InvalidRequest"));
        check(&[read], "<a/>", Err("UnexpectedContent"));
        check(&[], "<a/>", Err("MalformedACLError"));
        let grant = |inner: &str| {
            format!(
                r#"<AccessControlPolicy><Owner><ID>o</ID></Owner><AccessControlList><Grant><Grantee xmlns:xsi="x" xsi:type="Group">{inner}</Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>"#
            )
        };
        check(&[], &grant("<URI>u</URI>"), Ok(1));
        check(&[], &grant("<ID>i</ID><DisplayName>d</DisplayName>"), Ok(1));
        check(&[], &grant(""), Err("MalformedACLError"));
        check(
            &[],
            &grant("<URI>u</URI>").replace("READ", "ALL"),
            Err("MalformedACLError"),
        );
        check(&[], "<AccessControlPolicy/>", Err("MalformedACLError"));
    }
}
