//! Everybody who might come: who is here, whom the policies name, and everyone else.

use super::target::{Target, Way};
use crate::model::explained::CLOUDTRAIL;
use base::AccountId;
use gateway::ports::Rights;
use policy::{Policy, Principal};
use serde_json::Value;
use std::{collections::BTreeSet, sync::Arc};

/// What somebody is. In the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Root,
    User,
    Role,
    /// One that a policy names and that is not here.
    Account,
    Service,
    /// Every AWS account that no policy names.
    OtherAccounts,
    Anonymous,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Kind::Root => "Root",
            Kind::User => "User",
            Kind::Role => "Role",
            Kind::Account => "Account",
            Kind::Service => "Service",
            Kind::OtherAccounts => "OtherAccounts",
            Kind::Anonymous => "Anonymous",
        }
    }
}

/// Somebody who might come.
pub(crate) struct Subject {
    pub(crate) kind: Kind,
    /// ARN, account, service, or words.
    pub(crate) name: String,
    pub(crate) account: Option<AccountId>,
    pub(crate) principal: Principal,
    pub(crate) rights: Arc<Rights>,
}

impl Subject {
    /// A root, user or role that is here.
    fn here(principal: Principal, rights: Arc<Rights>) -> Option<Subject> {
        let (kind, name) = match &principal {
            Principal::Root { account } => (Kind::Root, base::arn::root(*account).to_string()),
            Principal::User { arn, .. } => (Kind::User, arn.clone()),
            Principal::Session { role_arn, .. } => (Kind::Role, role_arn.clone()),
            Principal::Anonymous | Principal::Service { .. } => return None,
        };
        Some(Subject {
            kind,
            name,
            account: principal.account(),
            principal,
            rights,
        })
    }

    fn without_rights(kind: Kind, name: impl Into<String>, principal: Principal) -> Subject {
        Subject {
            kind,
            name: name.into(),
            account: principal.account(),
            principal,
            rights: Arc::default(),
        }
    }

    /// Whether its own side is not known here, and is taken to allow all.
    pub(crate) fn is_foreign(&self) -> bool {
        matches!(self.kind, Kind::Account | Kind::OtherAccounts)
    }

    /// For which resource a service acts in this way of use.
    pub(crate) fn source<'a>(&self, way: &'a Way) -> Option<&'a gateway::ports::TrailPlace> {
        match &self.principal {
            Principal::Service { name } if name == CLOUDTRAIL => way.trail.as_ref().map(|(trail, _)| trail),
            _ => None,
        }
    }
}

/// Everybody, in the order in which they are shown. `targets` are the target as it is and as it would be.
pub(crate) fn all(here: Vec<(Principal, Arc<Rights>)>, targets: &[&Target]) -> Vec<Subject> {
    let mut all: Vec<Subject> = here
        .into_iter()
        .filter_map(|(principal, rights)| Subject::here(principal, rights))
        .collect();
    let known: BTreeSet<AccountId> = all.iter().filter_map(|subject| subject.account).collect();
    let policies = || targets.iter().flat_map(|target| target.policies());
    let named: BTreeSet<AccountId> = policies().flat_map(|policy| accounts_of(policy)).collect();
    for account in named.difference(&known) {
        let principal = Principal::Root { account: *account };
        all.push(Subject::without_rights(Kind::Account, account.as_str(), principal));
    }
    let mut services: BTreeSet<String> = policies().flat_map(|policy| services_of(policy)).collect();
    let serves = |target: &&Target| target.ways.iter().any(|way| way.trail.is_some());
    if targets.iter().any(serves) {
        services.insert(CLOUDTRAIL.to_owned());
    }
    for name in services {
        all.push(Subject::without_rights(
            Kind::Service,
            name.clone(),
            Principal::Service { name },
        ));
    }
    let stranger = (0..=9).filter_map(|digit: u8| AccountId::parse(&digit.to_string().repeat(12)).ok());
    if let Some(account) = stranger.rev().find(|a| !known.contains(a) && !named.contains(a)) {
        let principal = Principal::Root { account };
        let other = Subject::without_rights(Kind::OtherAccounts, "any other AWS account", principal);
        all.push(Subject { account: None, ..other });
    }
    if targets.iter().any(|target| target.place.is_some()) {
        let name = "anonymous (no signature)";
        all.push(Subject::without_rights(Kind::Anonymous, name, Principal::Anonymous));
    }
    all.sort_by(|a, b| order(a).cmp(&order(b)));
    all
}

/// Those of an account stand together, its root first.
fn order(subject: &Subject) -> (bool, Option<AccountId>, Kind, &str) {
    let is_here = matches!(subject.kind, Kind::Root | Kind::User | Kind::Role);
    let account = subject.account.filter(|_| is_here);
    (!is_here, account, subject.kind, &subject.name)
}

/// The accounts that a policy names, by themselves or by one of theirs.
fn accounts_of(policy: &Policy) -> BTreeSet<AccountId> {
    let of_arn = |arn: &str| AccountId::parse(base::arn::split(arn)?.account).ok();
    let arns = policy.named_principals().filter_map(of_arn);
    policy.named_accounts().chain(arns).collect()
}

/// The services that a policy names.
fn services_of(policy: &Policy) -> BTreeSet<String> {
    let document: Value = serde_json::from_str(policy.document()).unwrap_or_default();
    let listed = |value: &Value| match value {
        Value::Array(items) => items.clone(),
        one => vec![one.clone()],
    };
    let statements = listed(&document["Statement"]);
    let principals = statements.iter().flat_map(|s| [&s["Principal"], &s["NotPrincipal"]]);
    let services = principals.flat_map(|principal| listed(&principal["Service"]));
    services.filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy::PolicyKind;

    #[test]
    fn a_policy_names_services_and_accounts() {
        let text = r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Principal":{"Service":["b.amazonaws.com","a.amazonaws.com"],"AWS":"111122223333"},
             "Action":"kms:*","Resource":"*"},
            {"Effect":"Deny","NotPrincipal":{"Service":"c.amazonaws.com","AWS":"arn:aws:iam::444455556666:role/r"},
             "Action":"kms:*","Resource":"*"},
            {"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}]}"#;
        let policy = Policy::parse(text, PolicyKind::KeyPolicy).unwrap();
        let services: Vec<String> = services_of(&policy).into_iter().collect();
        assert_eq!(services, ["a.amazonaws.com", "b.amazonaws.com", "c.amazonaws.com"]);
        let accounts: Vec<String> = accounts_of(&policy).iter().map(AccountId::to_string).collect();
        assert_eq!(accounts, ["111122223333", "444455556666"]);
    }

    #[test]
    fn one_statement_is_as_good_as_a_list() {
        let text = r#"{"Statement":{"Effect":"Allow","Principal":{"Service":"a.amazonaws.com"},"Action":"kms:*","Resource":"*"}}"#;
        let policy = Policy::parse(text, PolicyKind::KeyPolicy).unwrap();
        assert_eq!(services_of(&policy).len(), 1);
    }
}
