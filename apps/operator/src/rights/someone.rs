//! Who may come: the principals of the survey, and those that policies name.

use super::{document::ANY_SESSION, papers::Paper};
use crate::{
    message,
    survey::{Attached, Fact, ManagedPolicy, Principals, Role, Survey, User},
};
use base::AccountId;
use policy::{PolicyKind, Principal};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// What somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// The root user of the account.
    Root,
    /// A user of the account.
    User,
    /// A role of the account, in whoever's hands.
    Role,
    /// A principal of another account, or that account as a whole.
    OtherAccount,
    /// A service of AWS.
    Service,
    /// Anyone, without a signature.
    Anonymous,
}

/// Somebody with their policies.
#[derive(Clone, Debug)]
pub(super) struct Someone {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) principal: Principal,
    pub(super) identity: Vec<Paper>,
    pub(super) boundary: Option<Paper>,
    /// Tags that are known, and whether these are all.
    pub(super) tags: BTreeMap<String, String>,
    pub(super) all_tags: bool,
}

impl Someone {
    fn bare(name: impl Into<String>, kind: Kind, principal: Principal) -> Someone {
        Someone {
            name: name.into(),
            kind,
            principal,
            identity: Vec::new(),
            boundary: None,
            tags: BTreeMap::new(),
            all_tags: true,
        }
    }

    pub(super) fn root(account: AccountId) -> Someone {
        let arn = base::arn::root(account).to_string();
        Someone::bare(arn, Kind::Root, Principal::Root { account })
    }

    pub(super) fn service(name: &str) -> Someone {
        let principal = Principal::Service { name: name.to_owned() };
        Someone::bare(name, Kind::Service, principal)
    }

    pub(super) fn anonymous() -> Someone {
        Someone::bare("anonymous", Kind::Anonymous, Principal::Anonymous)
    }

    /// Somebody whose own policies nothing tells of: of another account, or of this one and not in the survey.
    pub(super) fn stranger(arn: &str, kind: Kind, why: message::Message) -> Option<Someone> {
        let mut someone = Someone::bare(arn, kind, principal(arn, "")?);
        someone.identity = vec![Paper::Unknown {
            kind: PolicyKind::Identity,
            name: format!("policies of {arn}"),
            why,
        }];
        someone.all_tags = false;
        Some(someone)
    }
}

/// The principal of an ARN: a root, a user, a role or a role's session.
fn principal(arn: &str, id: &str) -> Option<Principal> {
    if let Ok(account) = AccountId::parse(arn) {
        return Some(Principal::Root { account });
    }
    let parts = base::arn::split(arn)?;
    let account = AccountId::parse(parts.account).ok()?;
    let (kind, path) = parts.resource.split_once('/').unwrap_or((parts.resource, ""));
    let name = path.rsplit('/').next().unwrap_or(path).to_owned();
    let session =
        |role: &str, session: &str| format!("arn:{}:sts::{account}:assumed-role/{role}/{session}", parts.partition);
    match (parts.service, kind) {
        ("iam", "root") => Some(Principal::Root { account }),
        ("iam", "user") if !name.is_empty() => Some(Principal::User {
            account,
            arn: arn.to_owned(),
            id: id.to_owned(),
            name,
        }),
        ("iam", "role") if !name.is_empty() => Some(Principal::Session {
            account,
            role_arn: arn.to_owned(),
            session_arn: session(&name, ANY_SESSION),
            role_id: id.to_owned(),
            session_name: ANY_SESSION.to_owned(),
        }),
        ("sts", "assumed-role") => {
            let (role, session_name) = path.split_once('/')?;
            Some(Principal::Session {
                account,
                role_arn: format!("arn:{}:iam::{account}:role/{role}", parts.partition),
                session_arn: arn.to_owned(),
                role_id: String::new(),
                session_name: session_name.to_owned(),
            })
        }
        _ => None,
    }
}

/// The users and roles of a survey, by their ARNs.
pub(super) fn of_survey(survey: &Survey) -> BTreeMap<String, Someone> {
    let mut all = BTreeMap::new();
    let Fact::Known(principals) = &survey.principals else {
        return all;
    };
    let reader = Reader {
        managed: managed(principals),
        principals,
    };
    let users = principals.users.iter().filter_map(|user| reader.user(user));
    let roles = principals.roles.iter().filter_map(|role| reader.role(role));
    for someone in users.chain(roles) {
        all.insert(someone.name.clone(), someone);
    }
    all
}

fn managed(principals: &Principals) -> BTreeMap<&str, [Paper; 2]> {
    let read = |arn: &str, fact: &Fact<ManagedPolicy>| {
        let name = format!("managed policy {arn}");
        [PolicyKind::Identity, PolicyKind::PermissionsBoundary].map(|kind| match fact {
            Fact::Known(policy) => Paper::read(&policy.document, kind, &name, Some(arn)),
            Fact::NotAvailable(missing) => Paper::missing(missing, kind, &name),
        })
    };
    let policies = principals.policies.iter();
    policies.map(|(arn, fact)| (arn.as_str(), read(arn, fact))).collect()
}

struct Reader<'a> {
    managed: BTreeMap<&'a str, [Paper; 2]>,
    principals: &'a Principals,
}

impl Reader<'_> {
    fn user(&self, user: &User) -> Option<Someone> {
        let arn = &user.arn;
        let mut someone = Someone::bare(arn, Kind::User, principal(arn, &user.id)?);
        someone.identity = self.own(&user.inline, &user.attached, &format!("user {}", user.name));
        match &user.groups {
            Fact::Known(groups) => {
                for name in groups {
                    someone.identity.extend(self.group(name));
                }
            }
            Fact::NotAvailable(missing) => {
                let name = format!("policies of the groups of user {}", user.name);
                someone
                    .identity
                    .push(Paper::missing(missing, PolicyKind::Identity, &name));
            }
        }
        someone.boundary = self.boundary(&user.boundary, &user.name);
        if let Fact::Known(tags) = &user.tags {
            someone.tags.clone_from(tags);
        }
        someone.all_tags = user.tags.known().is_some();
        Some(someone)
    }

    fn role(&self, role: &Role) -> Option<Someone> {
        let arn = &role.arn;
        let mut someone = Someone::bare(arn, Kind::Role, principal(arn, &role.id)?);
        someone.identity = self.own(&role.inline, &role.attached, &format!("role {}", role.name));
        someone.boundary = self.boundary(&role.boundary, &role.name);
        if let Fact::Known(tags) = &role.tags {
            someone.tags.clone_from(tags);
        }
        // Whoever takes the role may bring tags.
        someone.all_tags = false;
        Some(someone)
    }

    fn group(&self, name: &str) -> Vec<Paper> {
        let group = self.principals.groups.iter().find(|group| group.name == name);
        match group {
            Some(group) => self.own(&group.inline, &group.attached, &format!("group {name}")),
            None => vec![Paper::Unknown {
                kind: PolicyKind::Identity,
                name: format!("policies of group {name}"),
                why: message!(
                    "group {name} is not in what was read",
                    "グループ {name} は読み取った内容にありません"
                ),
            }],
        }
    }

    fn own(&self, inline: &Fact<BTreeMap<String, Value>>, attached: &Fact<Vec<Attached>>, whose: &str) -> Vec<Paper> {
        let mut papers = Vec::new();
        match inline {
            Fact::Known(inline) => papers.extend(inline.iter().map(|(name, document)| {
                let name = format!("inline policy {name} of {whose}");
                Paper::read(document, PolicyKind::Identity, &name, None)
            })),
            Fact::NotAvailable(missing) => {
                let name = format!("inline policies of {whose}");
                papers.push(Paper::missing(missing, PolicyKind::Identity, &name));
            }
        }
        match attached {
            Fact::Known(attached) => papers.extend(attached.iter().map(|policy| self.managed(&policy.arn, 0))),
            Fact::NotAvailable(missing) => {
                let name = format!("managed policies of {whose}");
                papers.push(Paper::missing(missing, PolicyKind::Identity, &name));
            }
        }
        papers
    }

    fn boundary(&self, boundary: &Fact<Option<String>>, whose: &str) -> Option<Paper> {
        match boundary {
            Fact::Known(arn) => Some(self.managed(arn.as_deref()?, 1)),
            Fact::NotAvailable(missing) => {
                let name = format!("permissions boundary of {whose}");
                Some(Paper::missing(missing, PolicyKind::PermissionsBoundary, &name))
            }
        }
    }

    /// A managed policy as one (0) or as a boundary (1).
    fn managed(&self, arn: &str, as_what: usize) -> Paper {
        let known = self.managed.get(arn).and_then(|papers| papers.get(as_what));
        known.cloned().unwrap_or_else(|| Paper::Unknown {
            kind: match as_what {
                0 => PolicyKind::Identity,
                _ => PolicyKind::PermissionsBoundary,
            },
            name: format!("managed policy {arn}"),
            why: message!(
                "managed policy {arn} is not in what was read",
                "管理ポリシー {arn} は読み取った内容にありません"
            ),
        })
    }
}
