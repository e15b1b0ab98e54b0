//! Shapes that several operations share.

use super::tagging;
use crate::{
    IamError,
    model::{access_key::AccessKey, name, user::User},
};
use gateway::{Reply, operation::RenderCtx};
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use wire::Iso8601;

/// A user, or root, as answers show it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UserShape {
    pub(super) path: Option<String>,
    pub(super) user_name: Option<String>,
    pub(super) user_id: String,
    pub(super) arn: String,
    pub(super) create_date: Iso8601,
    pub(super) permissions_boundary: Option<BoundaryShape>,
    pub(super) tags: Option<Vec<Tag>>,
}

/// A permissions boundary, as answers show it.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BoundaryShape {
    permissions_boundary_type: &'static str,
    permissions_boundary_arn: String,
}

impl BoundaryShape {
    pub(super) fn of(arn: &str) -> BoundaryShape {
        BoundaryShape {
            permissions_boundary_type: "Policy",
            permissions_boundary_arn: arn.to_owned(),
        }
    }
}

impl Evident for BoundaryShape {
    fn evident(&self) -> Params {
        Params::new()
            .text("permissionsBoundaryType", self.permissions_boundary_type)
            .text("permissionsBoundaryArn", &self.permissions_boundary_arn)
    }
}

impl UserShape {
    /// As listings show it: without boundary and tags.
    pub(super) fn listed(user: &User) -> UserShape {
        UserShape {
            path: Some(user.path.clone()),
            user_name: Some(user.name.clone()),
            user_id: user.id.clone(),
            arn: user.arn().as_str().to_owned(),
            create_date: Iso8601(user.created),
            permissions_boundary: None,
            tags: None,
        }
    }
}

impl From<&User> for UserShape {
    fn from(user: &User) -> UserShape {
        UserShape {
            permissions_boundary: user.boundary.as_deref().map(BoundaryShape::of),
            tags: tagging::shown(&user.tags),
            ..UserShape::listed(user)
        }
    }
}

impl Evident for UserShape {
    fn evident(&self) -> Params {
        Params::new()
            .maybe_text("path", self.path.as_deref())
            .maybe_text("userName", self.user_name.as_deref())
            .text("userId", &self.user_id)
            .text("arn", &self.arn)
            .moment("createDate", self.create_date.0)
            .maybe_object(
                "permissionsBoundary",
                self.permissions_boundary.as_ref().map(Evident::evident),
            )
    }
}

/// A tag.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    pub(super) key: String,
    pub(super) value: String,
}

impl Evident for Tag {
    fn evident(&self) -> Params {
        Params::new().text("key", &self.key).text("value", &self.value)
    }
}

/// An access key without its secret.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AccessKeyMetadata {
    user_name: Option<String>,
    access_key_id: String,
    status: &'static str,
    create_date: Iso8601,
}

impl From<&AccessKey> for AccessKeyMetadata {
    fn from(key: &AccessKey) -> AccessKeyMetadata {
        AccessKeyMetadata {
            user_name: key.owner.user_name().map(str::to_owned),
            access_key_id: key.id.clone(),
            status: key.status(),
            create_date: Iso8601(key.created),
        }
    }
}

/// Input that names a user.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NamedUser {
    pub(super) user_name: String,
}

impl Evident for NamedUser {
    fn evident(&self) -> Params {
        Params::new().text("userName", &self.user_name)
    }
}

/// Input that names a user or means the caller.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MaybeUser {
    pub(super) user_name: Option<String>,
}

impl Evident for MaybeUser {
    fn evident(&self) -> Params {
        Params::new().maybe_text("userName", self.user_name.as_deref())
    }
}

/// Input that names an inline policy of a user.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NamedPolicy {
    pub(super) user_name: String,
    pub(super) policy_name: String,
}

impl Evident for NamedPolicy {
    fn evident(&self) -> Params {
        Params::new()
            .text("userName", &self.user_name)
            .text("policyName", &self.policy_name)
    }
}

/// Input of a listing of what a user has; without a name, of what the caller has, where that is allowed.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listing {
    pub(super) user_name: Option<String>,
    pub(super) marker: Option<String>,
    pub(super) max_items: Option<i64>,
}

impl Evident for Listing {
    fn evident(&self) -> Params {
        Params::new()
            .maybe_text("userName", self.user_name.as_deref())
            .maybe_text("marker", self.marker.as_deref())
            .maybe_number("maxItems", self.max_items)
    }
}

/// The same, of a user who is named.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UserListing {
    pub(super) user_name: String,
    pub(super) marker: Option<String>,
    pub(super) max_items: Option<i64>,
}

impl Evident for UserListing {
    fn evident(&self) -> Params {
        Params::new()
            .text("userName", &self.user_name)
            .maybe_text("marker", self.marker.as_deref())
            .maybe_number("maxItems", self.max_items)
    }
}

/// Input of a listing of what is under a path.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PathListing {
    path_prefix: Option<String>,
    pub(super) marker: Option<String>,
    pub(super) max_items: Option<i64>,
}

impl Evident for PathListing {
    fn evident(&self) -> Params {
        Params::new()
            .maybe_text("pathPrefix", self.path_prefix.as_deref())
            .maybe_text("marker", self.marker.as_deref())
            .maybe_number("maxItems", self.max_items)
    }
}

impl PathListing {
    pub(super) fn parse_prefix(&self) -> Result<String, IamError> {
        name::parse_path_prefix(self.path_prefix.as_deref().unwrap_or("/"))
    }
}

/// Input that names a user and a managed policy.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UserAttachment {
    pub(super) user_name: String,
    pub(super) policy_arn: String,
}

impl Evident for UserAttachment {
    fn evident(&self) -> Params {
        Params::new()
            .text("userName", &self.user_name)
            .text("policyArn", &self.policy_arn)
    }
}

/// The answer of an operation without a result, which has no result element.
pub(super) struct Done;

impl gateway::Render for Done {
    fn render(self, ctx: &RenderCtx<'_>) -> Reply {
        wire::xml::query_response_empty(ctx.service, ctx.operation, ctx.request_id).into()
    }
}

impl Evident for Done {
    fn evident(&self) -> Params {
        Params::new()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use base::{AccountId, Timestamp};
    use serde::de::DeserializeOwned;
    use wire::{Form, ServiceName};

    /// Reads a form as the stock clients send it.
    pub(in crate::ops) fn read<T: DeserializeOwned>(form: &str) -> T {
        wire::query::parse(&Form::parse(form.as_bytes()).unwrap()).unwrap()
    }

    /// The result element of an answer.
    pub(in crate::ops) fn result(operation: &str, value: &impl Serialize) -> String {
        let reply = wire::xml::query_response(ServiceName::Iam, operation, value, "RID").unwrap();
        let text = String::from_utf8(reply.body.to_vec()).unwrap();
        let (start, end) = (format!("<{operation}Result>"), format!("</{operation}Result>"));
        let inner = text.split_once(&start).unwrap().1.split_once(&end).unwrap().0;
        inner.to_owned()
    }

    /// What of it is in a record.
    pub(in crate::ops) fn shown(value: &impl Evident) -> String {
        let mut out = Vec::new();
        value.evident().write_to(&mut out);
        String::from_utf8(out).unwrap()
    }

    /// A user.
    pub(in crate::ops) fn bob() -> User {
        User {
            account: AccountId::FIRST,
            name: "Bob".to_owned(),
            path: "/a/".to_owned(),
            id: "AIDAX".to_owned(),
            created: Timestamp::from_secs(1_570_057_949),
            tags: vec![("k".to_owned(), "v".to_owned())],
            boundary: None,
        }
    }

    #[test]
    fn a_user_is_shown_with_awss_names() {
        let user = UserShape::from(&bob());
        assert_eq!(
            result("GetUser", &user),
            "<Path>/a/</Path><UserName>Bob</UserName><UserId>AIDAX</UserId><Arn>arn:aws:iam::000000000000:user/a/Bob</Arn><CreateDate>2019-10-02T23:12:29Z</CreateDate><Tags><member><Key>k</Key><Value>v</Value></member></Tags>"
        );
        assert!(shown(&user).contains(r#""createDate":"Oct 2, 2019, 11:12:29 PM""#));
        assert!(!result("ListUsers", &UserShape::listed(&bob())).contains("Tags"));
    }

    #[test]
    fn forms_are_read() {
        let listing: Listing = read("Action=ListAccessKeys&Version=2010-05-08&UserName=Bob&MaxItems=3");
        assert_eq!(shown(&listing), r#"{"userName":"Bob","maxItems":3}"#);
        let none: Listing = read("Action=ListAccessKeys&Version=2010-05-08");
        assert_eq!(shown(&none), "{}");
        let policy: NamedPolicy = read("Action=GetUserPolicy&Version=2010-05-08&UserName=Bob&PolicyName=p");
        assert_eq!(shown(&policy), r#"{"userName":"Bob","policyName":"p"}"#);
    }
}
