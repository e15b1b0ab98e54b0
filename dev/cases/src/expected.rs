//! What a case expects, in its short words.

use anyhow::{Context, Result, bail};
use policy::{Grounds, PolicyType};
use std::fmt;

/// The words of a case for the types of policy, and AWS's words in messages, with their article.
const TYPES: [(&str, PolicyType, &str); 7] = [
    ("boundary", PolicyType::PermissionsBoundary, "a permissions boundary"),
    ("identity", PolicyType::Identity, "an identity-based policy"),
    ("rcp", PolicyType::ResourceControl, "a resource control policy"),
    ("resource", PolicyType::Resource, "a resource-based policy"),
    ("scp", PolicyType::ServiceControl, "a service control policy"),
    ("session", PolicyType::Session, "a session policy"),
    ("trust", PolicyType::RoleTrust, "the role trust policy"),
];

/// A statement: which policy of its type, and which statement of it, by Sid or by place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The type.
    pub policy: PolicyType,
    /// Which policy of this type, in the order given.
    pub nth: usize,
    /// The Sid, or `#` and the place in the policy.
    pub statement: String,
}

/// What should decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// This statement allows.
    Allowed(Place),
    /// This grant allows, by its id.
    Granted(String),
    /// The account's root may do all in its account.
    Root,
    /// This statement denies.
    Denied(Place),
    /// No policy of this type allows.
    Missing(PolicyType),
}

impl Expected {
    /// Reads `allow = …`: `identity: Reads`, `identity 1: #0`, `grant: g1`, `root`.
    pub fn allow(text: &str) -> Result<Expected> {
        if text == "root" {
            return Ok(Expected::Root);
        }
        if let Some(id) = text.strip_prefix("grant: ") {
            return Ok(Expected::Granted(id.to_owned()));
        }
        place(text).map(Expected::Allowed)
    }

    /// Reads `deny = …`: `scp 1: DenyLeaving`, `no identity`.
    pub fn deny(text: &str) -> Result<Expected> {
        match text.strip_prefix("no ") {
            Some(word) => Ok(Expected::Missing(policy_type(word)?)),
            None => place(text).map(Expected::Denied),
        }
    }

    /// Whether the request is allowed.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Expected::Allowed(_) | Expected::Granted(_) | Expected::Root)
    }

    /// Whether these are the grounds. `grants` are the ids of the case's grants in order.
    pub fn is_met_by(&self, grounds: &Grounds, grants: &[&str]) -> bool {
        match (self, grounds) {
            (Expected::Root, Grounds::RootOfAccount) => true,
            (Expected::Granted(id), Grounds::Grant { nth }) => grants.get(*nth) == Some(&id.as_str()),
            (Expected::Missing(expected), Grounds::NothingAllows { missing }) => expected == missing,
            (
                Expected::Allowed(place),
                Grounds::Statement {
                    policy,
                    nth,
                    index,
                    sid,
                },
            )
            | (
                Expected::Denied(place),
                Grounds::ExplicitDeny {
                    policy,
                    nth,
                    index,
                    sid,
                    ..
                },
            ) => {
                place.policy == *policy
                    && place.nth == *nth
                    && (sid.as_deref() == Some(place.statement.as_str()) || place.statement == format!("#{index}"))
            }
            _ => false,
        }
    }

    /// The end of AWS's message for a denial, `arn` being that of the policy that denies, if it is a managed one.
    ///
    /// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>
    pub fn message_end(&self, action: &str, arn: Option<&str>) -> Option<String> {
        match self {
            Expected::Allowed(_) | Expected::Granted(_) | Expected::Root => None,
            Expected::Missing(policy) => {
                let (_, bare) = words(*policy).split_once(' ')?;
                Some(format!("because no {bare} allows the {action} action"))
            }
            Expected::Denied(place) => {
                let tail = arn.map(|arn| format!(": {arn}")).unwrap_or_default();
                Some(format!("with an explicit deny in {}{tail}", words(place.policy)))
            }
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expected::Allowed(place) => write!(f, "allow = {place}"),
            Expected::Granted(id) => write!(f, "allow = grant: {id}"),
            Expected::Root => f.write_str("allow = root"),
            Expected::Denied(place) => write!(f, "deny = {place}"),
            Expected::Missing(policy) => write!(f, "deny = no {}", word(*policy)),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", word(self.policy), self.nth, self.statement)
    }
}

fn place(text: &str) -> Result<Place> {
    let (head, statement) = text
        .split_once(": ")
        .with_context(|| format!("`{text}` is not `TYPE [N]: SID`"))?;
    let (word, nth) = match head.split_once(' ') {
        None => (head, 0),
        Some((word, nth)) => (word, nth.parse().with_context(|| format!("`{nth}` in `{text}`"))?),
    };
    Ok(Place {
        policy: policy_type(word)?,
        nth,
        statement: statement.to_owned(),
    })
}

fn policy_type(word: &str) -> Result<PolicyType> {
    match TYPES.iter().find(|(known, ..)| *known == word) {
        Some((_, policy, _)) => Ok(*policy),
        None => bail!("`{word}` is no type of policy"),
    }
}

fn word(policy: PolicyType) -> &'static str {
    TYPES
        .iter()
        .find(|(_, known, _)| *known == policy)
        .map_or("", |(word, ..)| word)
}

fn words(policy: PolicyType) -> &'static str {
    TYPES
        .iter()
        .find(|(_, known, _)| *known == policy)
        .map_or("", |(.., words)| words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_words_are_read_and_nonsense_is_refused() {
        let place = |policy, nth, statement: &str| Place {
            policy,
            nth,
            statement: statement.to_owned(),
        };
        assert_eq!(
            Expected::allow("identity: Reads").unwrap(),
            Expected::Allowed(place(PolicyType::Identity, 0, "Reads"))
        );
        assert_eq!(
            Expected::deny("scp 2: #1").unwrap(),
            Expected::Denied(place(PolicyType::ServiceControl, 2, "#1"))
        );
        assert_eq!(
            Expected::deny("no trust").unwrap(),
            Expected::Missing(PolicyType::RoleTrust)
        );
        for text in ["", "identity", "nobody: #0", "identity x: #0", "no identity"] {
            assert!(Expected::allow(text).is_err(), "{text}");
        }
        for text in ["", "no", "no body", "root"] {
            assert!(Expected::deny(text).is_err(), "{text}");
        }
    }

    #[test]
    fn messages_end_as_the_documentation_shows() {
        for (text, arn, end) in [
            (
                "no identity",
                None,
                "because no identity-based policy allows the s:A action",
            ),
            (
                "no boundary",
                None,
                "because no permissions boundary allows the s:A action",
            ),
            ("no trust", None, "because no role trust policy allows the s:A action"),
            ("trust: #0", None, "with an explicit deny in the role trust policy"),
            (
                "identity: #0",
                Some("arn:p"),
                "with an explicit deny in an identity-based policy: arn:p",
            ),
            ("scp: #0", None, "with an explicit deny in a service control policy"),
        ] {
            let expected = Expected::deny(text).unwrap();
            assert_eq!(expected.message_end("s:A", arn).as_deref(), Some(end));
        }
    }
}
