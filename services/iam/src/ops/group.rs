//! What operations on groups share: their shapes, and the demand on a group.

use super::page::Page;
use crate::{
    IamError,
    model::{arns, group::Group, name},
    table::groups,
};
use gateway::{Ctx, Demand, Demands};
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::Iso8601;

/// A group, as answers show it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GroupShape {
    path: String,
    group_name: String,
    group_id: String,
    arn: String,
    create_date: Iso8601,
}

impl From<&Group> for GroupShape {
    fn from(group: &Group) -> GroupShape {
        GroupShape {
            path: group.path.clone(),
            group_name: group.name.clone(),
            group_id: group.id.clone(),
            arn: group.arn().as_str().to_owned(),
            create_date: Iso8601(group.created),
        }
    }
}

impl Evident for GroupShape {
    fn evident(&self) -> Params {
        Params::new()
            .text("path", &self.path)
            .text("groupName", &self.group_name)
            .text("groupId", &self.group_id)
            .text("arn", &self.arn)
            .moment("createDate", self.create_date.0)
    }
}

/// The answer of a listing of groups.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Groups {
    groups: Vec<GroupShape>,
    is_truncated: bool,
    marker: Option<String>,
}

impl From<Page<Group>> for Groups {
    fn from(page: Page<Group>) -> Groups {
        Groups {
            groups: page.items.iter().map(GroupShape::from).collect(),
            is_truncated: page.marker.is_some(),
            marker: page.marker,
        }
    }
}

impl Evident for Groups {
    fn evident(&self) -> Params {
        Params::new()
    }
}

/// Input that names a group.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NamedGroup {
    pub(super) group_name: String,
}

impl Evident for NamedGroup {
    fn evident(&self) -> Params {
        Params::new().text("groupName", &self.group_name)
    }
}

/// Input that names a user and a group.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Member {
    pub(super) group_name: String,
    pub(super) user_name: String,
}

impl Evident for Member {
    fn evident(&self) -> Params {
        Params::new()
            .text("groupName", &self.group_name)
            .text("userName", &self.user_name)
    }
}

/// Input that names an inline policy of a group.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GroupPolicy {
    pub(super) group_name: String,
    pub(super) policy_name: String,
}

impl Evident for GroupPolicy {
    fn evident(&self) -> Params {
        Params::new()
            .text("groupName", &self.group_name)
            .text("policyName", &self.policy_name)
    }
}

/// Input that names a group and a managed policy.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GroupAttachment {
    pub(super) group_name: String,
    pub(super) policy_arn: String,
}

impl Evident for GroupAttachment {
    fn evident(&self) -> Params {
        Params::new()
            .text("groupName", &self.group_name)
            .text("policyArn", &self.policy_arn)
    }
}

/// Input of a listing of what a group has.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listing {
    pub(super) group_name: String,
    pub(super) marker: Option<String>,
    pub(super) max_items: Option<i64>,
}

impl Evident for Listing {
    fn evident(&self) -> Params {
        Params::new()
            .text("groupName", &self.group_name)
            .maybe_text("marker", self.marker.as_deref())
            .maybe_number("maxItems", self.max_items)
    }
}

/// The group of a name.
pub(super) async fn find(ctx: &Ctx, view: &ReadView<'_>, name: &str) -> Result<Group, IamError> {
    groups::existing(view, ctx.account, &name::parse_group_name(name)?).await
}

/// The demand on the group of a name: on its ARN if it exists, else on the ARN that the name would have without a path.
pub(super) async fn demand_on(
    ctx: &Ctx,
    view: &ReadView<'_>,
    action: &'static str,
    name: &str,
) -> Result<Demands, IamError> {
    let name = name::parse_group_name(name)?;
    let found = groups::group(view, ctx.account, &name).await?;
    Ok(demand(ctx, action, &name, found.as_ref()).into())
}

/// The demand on a group that may not exist.
pub(super) fn demand(ctx: &Ctx, action: &'static str, name: &str, found: Option<&Group>) -> Demand {
    let arn = found.map_or_else(|| arns::group(ctx.account, "/", name), Group::arn);
    Demand::on(action, arn)
}

#[cfg(test)]
mod tests {
    use super::super::shapes::tests::{read, result, shown};
    use super::*;
    use base::{AccountId, Timestamp};

    #[test]
    fn a_group_is_shown_with_awss_names() {
        let group = Group {
            account: AccountId::FIRST,
            name: "Admins".to_owned(),
            path: "/a/".to_owned(),
            id: "AGPAX".to_owned(),
            created: Timestamp::from_secs(1_570_057_949),
        };
        let shape = GroupShape::from(&group);
        assert_eq!(
            result("CreateGroup", &shape),
            "<Path>/a/</Path><GroupName>Admins</GroupName><GroupId>AGPAX</GroupId><Arn>arn:aws:iam::000000000000:group/a/Admins</Arn><CreateDate>2019-10-02T23:12:29Z</CreateDate>"
        );
        assert!(shown(&shape).contains(r#""groupId":"AGPAX""#));
    }

    #[test]
    fn forms_are_read() {
        let member: Member = read("Action=AddUserToGroup&Version=2010-05-08&GroupName=g&UserName=u");
        assert_eq!(shown(&member), r#"{"groupName":"g","userName":"u"}"#);
        let listing: Listing = read("Action=GetGroup&Version=2010-05-08&GroupName=g&MaxItems=3");
        assert_eq!(shown(&listing), r#"{"groupName":"g","maxItems":3}"#);
    }
}
