//! GetAccountAuthorizationDetails: every user, group, role and managed policy with all that they hold, page by page.
//!
//! Of AWS's own policies those are shown that the account uses.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html>

use super::{
    account_details::{GroupDetail, ManagedDetail, RoleDetail, UserDetail},
    page::page,
};
use crate::{
    IamError,
    model::{aws_managed, group::Group, role::Role, user::User},
    table::{
        self, groups,
        holdings::{self, Uses},
        managed::{self, Found},
        roles,
    },
};
use base::arn;
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct GetAccountAuthorizationDetails;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    #[serde(default)]
    filter: Vec<String>,
    marker: Option<String>,
    max_items: Option<i64>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let params = match self.filter.is_empty() {
            true => Params::new(),
            false => Params::new().texts("filter", &self.filter),
        };
        params
            .maybe_text("marker", self.marker.as_deref())
            .maybe_number("maxItems", self.max_items)
    }
}

/// In the order in which they are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    User,
    Group,
    Role,
    LocalManagedPolicy,
    AwsManagedPolicy,
}

impl Kind {
    const ALL: [(&'static str, Kind); 5] = [
        ("User", Kind::User),
        ("Group", Kind::Group),
        ("Role", Kind::Role),
        ("LocalManagedPolicy", Kind::LocalManagedPolicy),
        ("AWSManagedPolicy", Kind::AwsManagedPolicy),
    ];

    fn parse(text: &str) -> Result<Kind, IamError> {
        let found = Kind::ALL.into_iter().find(|(name, _)| *name == text);
        found.map(|(_, kind)| kind).ok_or_else(|| {
            IamError::constraint(
                "filter",
                &format!("[{text}]"),
                "Member must satisfy constraint: [Member must satisfy enum value set: [Role, AWSManagedPolicy, User, \
                 LocalManagedPolicy, Group]]",
            )
        })
    }
}

impl Input {
    fn parse_kinds(&self) -> Result<Vec<Kind>, IamError> {
        match self.filter.is_empty() {
            true => Ok(Kind::ALL.into_iter().map(|(_, kind)| kind).collect()),
            false => self.filter.iter().map(|text| Kind::parse(text)).collect(),
        }
    }
}

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    user_detail_list: Vec<UserDetail>,
    group_detail_list: Vec<GroupDetail>,
    role_detail_list: Vec<RoleDetail>,
    policies: Vec<ManagedDetail>,
    is_truncated: bool,
    marker: Option<String>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

enum Thing {
    User(User),
    Group(Group),
    Role(Role),
    Policy(Found),
}

/// A thing with the text by which a page is continued, in the order of listing.
struct Item {
    at: String,
    thing: Thing,
}

impl Item {
    fn of(order: u8, name: &str, thing: Thing) -> Item {
        Item {
            at: format!("{order}/{name}"),
            thing,
        }
    }

    fn policy(order: u8, found: Found) -> Item {
        Item {
            at: format!("{order}/{}", found.name()),
            thing: Thing::Policy(found),
        }
    }
}

/// Everything of these kinds, without what it holds.
async fn items(
    ctx: &Ctx,
    view: &ReadView<'_>,
    kinds: &[Kind],
    uses: &HashMap<String, Uses>,
) -> Result<Vec<Item>, IamError> {
    let mut items = Vec::new();
    if kinds.contains(&Kind::User) {
        let users = table::users(view, ctx.account).await?;
        items.extend(
            users
                .into_iter()
                .map(|user| Item::of(1, &user.name.clone(), Thing::User(user))),
        );
    }
    if kinds.contains(&Kind::Group) {
        let groups = groups::groups(view, ctx.account).await?;
        items.extend(
            groups
                .into_iter()
                .map(|group| Item::of(2, &group.name.clone(), Thing::Group(group))),
        );
    }
    if kinds.contains(&Kind::Role) {
        let roles = roles::roles(view, ctx.account).await?;
        items.extend(
            roles
                .into_iter()
                .map(|role| Item::of(3, &role.name.clone(), Thing::Role(role))),
        );
    }
    if kinds.contains(&Kind::LocalManagedPolicy) {
        let policies = managed::policies(view, ctx.account).await?;
        let found = policies.into_iter().map(|policy| Found::Customer(Box::new(policy)));
        items.extend(found.map(|found| Item::policy(4, found)));
    }
    if kinds.contains(&Kind::AwsManagedPolicy) {
        let used = aws_managed::POLICIES
            .iter()
            .filter(|policy| uses.contains_key(policy.id));
        items.extend(used.map(|policy| Item::policy(5, Found::Aws(policy))));
    }
    Ok(items)
}

impl Operation for GetAccountAuthorizationDetails {
    const NAME: &'static str = "GetAccountAuthorizationDetails";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = IamError;

    async fn demands(_: &Ctx, _: &ReadView<'_>, _: &Self::Input) -> Result<Demands, IamError> {
        Ok(Demand::on("iam:GetAccountAuthorizationDetails", arn::any()).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let kinds = input.parse_kinds()?;
        let view = txn.view();
        let uses = holdings::all_uses(&view, ctx.account).await?;
        let all = items(ctx, &view, &kinds, &uses).await?;
        let page = page(all, |item| &item.at, input.max_items, input.marker.as_deref())?;
        let mut output = Output {
            is_truncated: page.marker.is_some(),
            marker: page.marker,
            ..Output::default()
        };
        for item in page.items {
            match item.thing {
                Thing::User(user) => output.user_detail_list.push(UserDetail::of(&view, &user).await?),
                Thing::Group(group) => output.group_detail_list.push(GroupDetail::of(&view, &group).await?),
                Thing::Role(role) => output.role_detail_list.push(RoleDetail::of(ctx, &view, &role).await?),
                Thing::Policy(found) => {
                    let uses = uses.get(found.id()).copied().unwrap_or_default();
                    output.policies.push(ManagedDetail::of(&found, uses));
                }
            }
        }
        Ok(QueryResult(output))
    }
}

#[cfg(test)]
mod tests {
    use super::super::shapes::tests::{read, shown};
    use super::*;

    #[test]
    fn filters_are_read() {
        let input: Input = read("Action=X&Filter.member.1=Role&Filter.member.2=AWSManagedPolicy&MaxItems=3");
        assert_eq!(input.parse_kinds().unwrap(), [Kind::Role, Kind::AwsManagedPolicy]);
        assert_eq!(shown(&input), r#"{"filter":["Role","AWSManagedPolicy"],"maxItems":3}"#);
        let all: Input = read("Action=X");
        assert_eq!(all.parse_kinds().unwrap().len(), 5);
        let bad: Input = read("Action=X&Filter.member.1=Users");
        assert!(matches!(bad.parse_kinds(), Err(IamError::Validation(_))));
    }
}
