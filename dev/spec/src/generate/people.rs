//! The accounts and principals of the generated world.

use crate::{case::Caller, choices::Choices};

/// The accounts.
pub(super) const ACCOUNTS: [&str; 3] = ["111111111111", "222222222222", "333333333333"];
/// The services that call by themselves.
pub(super) const SERVICES: [&str; 2] = ["cloudtrail.amazonaws.com", "logs.amazonaws.com"];

/// Account, path and name, unique id.
const USERS: [(&str, &str, &str, &str); 3] = [
    ("111111111111", "/", "alice", "AIDAAAAAAAAAAAAAAAAAA"),
    ("111111111111", "/staff/", "bob", "AIDABBBBBBBBBBBBBBBBB"),
    ("222222222222", "/", "carol", "AIDACCCCCCCCCCCCCCCCC"),
];
/// Account, path, name, unique id, session.
const ROLES: [(&str, &str, &str, &str, &str); 3] = [
    ("111111111111", "/", "dev", "AROAAAAAAAAAAAAAAAAAA", "s1"),
    ("111111111111", "/team/", "ops", "AROABBBBBBBBBBBBBBBBB", "s2"),
    ("222222222222", "/", "ext", "AROACCCCCCCCCCCCCCCCC", "s1"),
];

/// Some caller.
pub(super) fn caller(choices: &mut Choices<'_>) -> Caller {
    match choices.below(20) {
        0..=6 => user(choices),
        7..=14 => session(choices),
        15 | 16 => Caller::Root {
            account: choices.one(&ACCOUNTS).to_owned(),
        },
        17 => Caller::Anonymous,
        _ => Caller::Service {
            name: choices.one(&SERVICES).to_owned(),
        },
    }
}

fn user(choices: &mut Choices<'_>) -> Caller {
    let (account, path, name, id) = choices.one(&USERS);
    Caller::User {
        account: account.to_owned(),
        arn: format!("arn:aws:iam::{account}:user{path}{name}"),
        id: id.to_owned(),
        name: name.to_owned(),
    }
}

fn session(choices: &mut Choices<'_>) -> Caller {
    let (account, path, role, id, name) = choices.one(&ROLES);
    Caller::Session {
        account: account.to_owned(),
        role: format!("arn:aws:iam::{account}:role{path}{role}"),
        session: format!("arn:aws:sts::{account}:assumed-role/{role}/{name}"),
        id: id.to_owned(),
        name: name.to_owned(),
    }
}

/// The forms in which a policy names the caller: kind and text. Empty for anonymous callers.
pub(super) fn forms(caller: &Caller) -> Vec<(&'static str, String)> {
    match caller {
        Caller::Anonymous => Vec::new(),
        Caller::Root { account } => account_forms(account),
        Caller::Service { name } => vec![("Service", name.clone())],
        Caller::Session {
            account,
            role,
            session,
            id,
            ..
        } => {
            let mut forms = vec![("AWS", role.clone()), ("AWS", session.clone()), ("AWS", id.clone())];
            forms.extend(account_forms(account));
            forms
        }
        Caller::User { account, arn, id, .. } => {
            let mut forms = vec![("AWS", arn.clone()), ("AWS", arn.clone()), ("AWS", id.clone())];
            forms.extend(account_forms(account));
            forms
        }
    }
}

fn account_forms(account: &str) -> Vec<(&'static str, String)> {
    vec![
        ("AWS", account.to_owned()),
        ("AWS", format!("arn:aws:iam::{account}:root")),
    ]
}
