//! Who outside the account a resource policy lets in, by what its statements say.
//!
//! Statements that deny are not taken into account: what is said here is at least what is let in. A principal of `*` counts as the
//! account's own when a condition binds the caller to the account by a fixed value, as AWS itself judges policies for public access.
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status>

use base::arn;
use serde_json::Value;

/// How far outside someone is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// Whoever meets a condition that does not name the account: a network, an organization.
    Conditional,
    /// Someone of another account.
    Other,
    /// Anyone.
    Public,
}

/// Someone outside who is let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outsider {
    pub(super) who: String,
    pub(super) actions: Vec<String>,
    /// The statement's Sid, or its place, from 1.
    pub(super) statement: String,
    pub(super) reach: Reach,
}

/// Whom the account takes for its own.
pub(super) struct Inside<'a> {
    pub(super) account: &'a str,
    pub(super) trusted: &'a [String],
    /// The canonical id of the account, when it is known.
    pub(super) canonical_id: Option<&'a str>,
}

impl Inside<'_> {
    pub(super) fn has(&self, account: &str) -> bool {
        account == self.account || self.trusted.iter().any(|trusted| trusted == account)
    }
}

/// Keys that bind a caller when their value is fixed, and whether they bind it to an account.
const BINDING: [(&str, bool); 15] = [
    ("aws:principalaccount", true),
    ("aws:principalarn", true),
    ("aws:sourceaccount", true),
    ("aws:sourcearn", true),
    ("aws:sourceowner", true),
    ("kms:calleraccount", true),
    ("s3:dataaccesspointaccount", true),
    ("s3:dataaccesspointarn", true),
    ("aws:principalorgid", false),
    ("aws:principalorgpaths", false),
    ("aws:sourceip", false),
    ("aws:sourcevpc", false),
    ("aws:sourcevpce", false),
    ("aws:sourceorgid", false),
    ("aws:userid", false),
];

/// The outsiders that a policy lets in, in the order of its statements.
pub(super) fn of_policy(policy: &Value, inside: &Inside<'_>) -> Vec<Outsider> {
    let mut found = Vec::new();
    for (at, statement) in statements(policy).enumerate() {
        if statement["Effect"].as_str() != Some("Allow") {
            continue;
        }
        let name = match statement["Sid"].as_str() {
            Some(sid) if !sid.is_empty() => sid.to_owned(),
            _ => (at + 1).to_string(),
        };
        for (who, reach) in of_statement(statement, inside) {
            found.push(Outsider {
                who,
                actions: actions(statement),
                statement: name.clone(),
                reach,
            });
        }
    }
    found
}

/// The statements of a policy: a list, or one alone.
pub(super) fn statements(policy: &Value) -> impl Iterator<Item = &Value> {
    one_or_more(&policy["Statement"])
}

/// A member that may be one value or a list of them.
pub(super) fn one_or_more(value: &Value) -> impl Iterator<Item = &Value> {
    let (list, one) = match value {
        Value::Array(items) => (items.as_slice(), None),
        Value::Null => (&[][..], None),
        one => (&[][..], Some(one)),
    };
    list.iter().chain(one)
}

/// The texts of a member that may be one text or a list of them.
pub(super) fn texts(value: &Value) -> impl Iterator<Item = &str> {
    one_or_more(value).filter_map(Value::as_str)
}

fn actions(statement: &Value) -> Vec<String> {
    let not = texts(&statement["NotAction"]).map(|action| format!("all but {action}"));
    texts(&statement["Action"]).map(str::to_owned).chain(not).collect()
}

fn of_statement(statement: &Value, inside: &Inside<'_>) -> Vec<(String, Reach)> {
    if !statement["NotPrincipal"].is_null() {
        return vec![("*".to_owned(), reach_of_anyone(&statement["Condition"], inside))]
            .into_iter()
            .filter_map(|(who, reach)| Some((who, reach?)))
            .collect();
    }
    let principal = &statement["Principal"];
    let mut found = Vec::new();
    let aws = texts(principal).chain(texts(&principal["AWS"]));
    for who in aws {
        if let Some(reach) = reach_of_aws(who, statement, inside) {
            found.push((who.to_owned(), reach));
        }
    }
    for who in texts(&principal["CanonicalUser"]) {
        match inside.canonical_id {
            Some(own) if own == who => {}
            Some(_) => found.push((who.to_owned(), Reach::Other)),
            None => found.push((who.to_owned(), Reach::Conditional)),
        }
    }
    for who in texts(&principal["Federated"]) {
        if account_of(who).is_none_or(|account| !inside.has(account)) {
            found.push((who.to_owned(), Reach::Conditional));
        }
    }
    found
}

fn reach_of_aws(who: &str, statement: &Value, inside: &Inside<'_>) -> Option<Reach> {
    if who.contains('*') {
        return reach_of_anyone(&statement["Condition"], inside);
    }
    match account_of(who) {
        Some(account) if inside.has(account) => None,
        Some(_) => Some(Reach::Other),
        // The id that stays of a principal that was deleted: nobody.
        None => None,
    }
}

pub(super) fn account_of(who: &str) -> Option<&str> {
    if who.len() == 12 && who.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(who);
    }
    arn::split(who).map(|parts| parts.account)
}

/// How far `*` reaches under a condition; nothing when it is bound to the account.
fn reach_of_anyone(condition: &Value, inside: &Inside<'_>) -> Option<Reach> {
    let mut reach = Reach::Public;
    for (operator, keys) in condition.as_object().into_iter().flatten() {
        if !is_positive(operator) {
            continue;
        }
        for (key, values) in keys.as_object().into_iter().flatten() {
            let key = key.to_ascii_lowercase();
            let Some((_, to_account)) = BINDING.iter().find(|(known, _)| *known == key) else {
                continue;
            };
            let values: Vec<&str> = texts(values).collect();
            if values.is_empty() || values.iter().any(|value| !is_fixed(&key, value)) {
                continue;
            }
            let accounts: Option<Vec<&str>> = values.iter().map(|value| account_of(value)).collect();
            match accounts {
                Some(accounts) if *to_account && accounts.iter().all(|account| inside.has(account)) => return None,
                Some(_) if *to_account => reach = reach.min(Reach::Other),
                _ => reach = reach.min(Reach::Conditional),
            }
        }
    }
    Some(reach)
}

/// Whether an operator lets in only who has the key with such a value.
fn is_positive(operator: &str) -> bool {
    let operator = operator.to_ascii_lowercase();
    let plain = operator.strip_prefix("foranyvalue:").unwrap_or(&operator);
    matches!(
        plain,
        "stringequals" | "stringlike" | "stringequalsignorecase" | "arnequals" | "arnlike" | "ipaddress"
    )
}

/// Whether a value binds: patterns may stand for anything but the account, networks must not be all addresses.
fn is_fixed(key: &str, value: &str) -> bool {
    if value.contains("${") {
        return false;
    }
    match key {
        "aws:sourceip" => value
            .split_once('/')
            .is_none_or(|(_, bits)| bits.parse::<u32>().is_ok_and(|bits| bits >= 8)),
        _ => match arn::split(value) {
            Some(parts) => !parts.account.contains(['*', '?']) && !parts.account.is_empty(),
            None => !value.contains(['*', '?']),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reach(statement: Value) -> Option<Reach> {
        let inside = Inside {
            account: "000000000000",
            trusted: &["111111111111".to_owned()],
            canonical_id: Some("own"),
        };
        let mut statement = statement;
        statement["Effect"] = "Allow".into();
        statement["Action"] = "s3:GetObject".into();
        let found = of_policy(&json!({ "Statement": statement }), &inside);
        found.iter().map(|outsider| outsider.reach).max()
    }

    #[test]
    fn outsiders_are_found() {
        let check = |statement: Value, expected: Option<Reach>| {
            assert_eq!(reach(statement.clone()), expected, "{statement}");
        };
        let anyone_if = |condition: Value| json!({ "Principal": "*", "Condition": condition });
        check(json!({ "Principal": "*" }), Some(Reach::Public));
        check(
            json!({ "Principal": { "AWS": ["000000000000", "*"] } }),
            Some(Reach::Public),
        );
        check(
            json!({ "NotPrincipal": { "AWS": "000000000000" } }),
            Some(Reach::Public),
        );
        check(
            json!({ "Principal": { "AWS": "arn:aws:iam::000000000000:root" } }),
            None,
        );
        check(json!({ "Principal": { "AWS": "111111111111" } }), None);
        check(
            json!({ "Principal": { "AWS": "arn:aws:iam::222222222222:role/x" } }),
            Some(Reach::Other),
        );
        check(json!({ "Principal": { "AWS": "AIDAEXAMPLE" } }), None);
        check(json!({ "Principal": { "Service": "cloudtrail.amazonaws.com" } }), None);
        check(json!({ "Principal": { "CanonicalUser": "own" } }), None);
        check(json!({ "Principal": { "CanonicalUser": "other" } }), Some(Reach::Other));
        check(
            anyone_if(json!({ "StringEquals": { "kms:CallerAccount": "000000000000" } })),
            None,
        );
        check(
            anyone_if(json!({ "StringEquals": { "AWS:PrincipalAccount": ["000000000000", "222222222222"] } })),
            Some(Reach::Other),
        );
        check(
            anyone_if(json!({ "StringNotEquals": { "kms:CallerAccount": "000000000000" } })),
            Some(Reach::Public),
        );
        check(
            anyone_if(json!({ "StringEqualsIfExists": { "aws:SourceAccount": "000000000000" } })),
            Some(Reach::Public),
        );
        check(
            anyone_if(json!({ "ArnLike": { "aws:PrincipalArn": "arn:aws:iam::000000000000:role/*" } })),
            None,
        );
        check(
            anyone_if(json!({ "ArnLike": { "aws:PrincipalArn": "arn:aws:iam::*:role/x" } })),
            Some(Reach::Public),
        );
        check(
            anyone_if(json!({ "IpAddress": { "aws:SourceIp": "192.0.2.0/24" } })),
            Some(Reach::Conditional),
        );
        check(
            anyone_if(json!({ "IpAddress": { "aws:SourceIp": "0.0.0.0/0" } })),
            Some(Reach::Public),
        );
        check(
            anyone_if(json!({ "StringEquals": { "aws:PrincipalOrgID": "o-example" } })),
            Some(Reach::Conditional),
        );
        check(
            anyone_if(json!({ "Bool": { "aws:SecureTransport": "true" } })),
            Some(Reach::Public),
        );
    }

    #[test]
    fn what_is_denied_lets_nobody_in() {
        let inside = Inside {
            account: "000000000000",
            trusted: &[],
            canonical_id: None,
        };
        let statement =
            |effect: &str| json!({ "Statement": { "Effect": effect, "Principal": "*", "Action": ["s3:*"] } });
        assert!(of_policy(&statement("Deny"), &inside).is_empty());
        let found = of_policy(&statement("Allow"), &inside);
        assert_eq!(
            (found[0].statement.as_str(), found[0].actions.as_slice()),
            ("1", &["s3:*".to_owned()][..])
        );
    }
}
