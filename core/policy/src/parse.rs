//! From text to a compiled [`Policy`], or to what is wrong with it and where.
//!
//! The services answer in their own words, so [`Malformed`] keeps apart all that any of them tells apart.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>

use crate::{
    Effect, Statement,
    condition::{Condition, Uncompiled},
    json::{self, Json, Scalar},
    pattern::{Pattern, Syntax},
    principal::{Named, Who},
    statement::Element,
};
use std::{collections::BTreeSet, sync::Arc};

/// Whose policy a document is; the grammar differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyKind {
    /// Of a bucket.
    BucketPolicy,
    /// Of a user, group or role, inline or managed.
    Identity,
    /// Of a KMS key.
    KeyPolicy,
    /// A managed policy used as a boundary.
    PermissionsBoundary,
    /// Of an organization, for the resources of its accounts.
    ResourceControl,
    /// Of an organization, for the principals of its accounts.
    ServiceControl,
    /// Given when a session is made.
    Session,
    /// A role's trust policy.
    Trust,
}

impl PolicyKind {
    fn has_principal(self) -> bool {
        matches!(
            self,
            PolicyKind::BucketPolicy | PolicyKind::KeyPolicy | PolicyKind::ResourceControl | PolicyKind::Trust
        )
    }

    /// The Sids of documents that IAM itself keeps are alphanumeric and unique.
    fn has_strict_sids(self) -> bool {
        !matches!(self, PolicyKind::BucketPolicy | PolicyKind::KeyPolicy)
    }

    /// The most that a document of this kind may hold, by [`counted_size`]. Of an identity policy this is the largest
    /// (a role's inline policies together); the smaller limits of users and groups are IAM's to check.
    ///
    /// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
    pub fn size_max(self) -> usize {
        match self {
            PolicyKind::BucketPolicy => 20 * 1024,
            PolicyKind::Identity => 10_240,
            PolicyKind::KeyPolicy => 32 * 1024,
            PolicyKind::PermissionsBoundary => 6_144,
            PolicyKind::ResourceControl | PolicyKind::ServiceControl => 5_120,
            PolicyKind::Session | PolicyKind::Trust => 2_048,
        }
    }
}

/// The size that limits go by: bytes for bucket and key policies, characters without white space for IAM's.
pub fn counted_size(text: &str, kind: PolicyKind) -> usize {
    match kind {
        PolicyKind::BucketPolicy | PolicyKind::KeyPolicy => text.len(),
        _ => text.chars().filter(|c| !c.is_whitespace()).count(),
    }
}

/// A document that is no policy of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at `{at}`")]
pub struct ParseError {
    /// The element, such as `Statement[1].Condition`; empty for the document as a whole.
    pub at: String,
    /// What is wrong with it.
    pub what: Malformed,
}

/// What is wrong with a policy document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// The version is neither 2012-10-17 nor 2008-10-17.
    #[error("unknown version `{text}`")]
    BadVersion {
        /// What is there.
        text: String,
    },
    /// An element and its `Not…` form are both there.
    #[error("both `{element}` and `Not{element}`")]
    Contradiction {
        /// The positive form's name.
        element: &'static str,
    },
    /// A member is given twice.
    #[error("duplicate member `{name}`")]
    DuplicateField {
        /// The member.
        name: String,
    },
    /// Two statements have one Sid.
    #[error("duplicate Sid `{sid}`")]
    DuplicateSid {
        /// The Sid.
        sid: String,
    },
    /// The list of statements has none.
    #[error("no statement")]
    EmptyStatement,
    /// Not `*` and not `vendor:name`, or of a service that such a policy cannot speak of.
    #[error("invalid action `{text}`")]
    InvalidAction {
        /// The action.
        text: String,
    },
    /// A character that a key policy may not hold.
    #[error("character outside U+0020 to U+00FF at byte {offset}")]
    InvalidCharacter {
        /// Where.
        offset: usize,
    },
    /// A condition key without a vendor.
    #[error("invalid condition key `{key}`")]
    InvalidConditionKey {
        /// The key.
        key: String,
    },
    /// A value that is not of the operator's type.
    #[error("`{text}` is no value for {operator}")]
    InvalidConditionValue {
        /// The operator.
        operator: String,
        /// The value.
        text: String,
    },
    /// Neither `Allow` nor `Deny`.
    #[error("invalid effect `{text}`")]
    InvalidEffect {
        /// What is there.
        text: String,
    },
    /// An account of another partition.
    #[error("partition `{partition}` is not valid for resource `{text}`")]
    InvalidPartition {
        /// The partition.
        partition: String,
        /// The whole resource.
        text: String,
    },
    /// A principal that is not of a form that AWS takes.
    #[error("invalid principal `{kind}`: `{text}`")]
    InvalidPrincipal {
        /// `AWS`, `Service` and so on; empty when there is none.
        kind: String,
        /// The principal.
        text: String,
    },
    /// Neither `*` nor an ARN, or not one that such a policy can speak of.
    #[error("invalid resource `{text}`")]
    InvalidResource {
        /// The resource.
        text: String,
    },
    /// A Sid with characters other than letters and digits, where those only may be.
    #[error("invalid Sid `{sid}`")]
    InvalidSid {
        /// The Sid.
        sid: String,
    },
    /// `${` that is not a variable.
    #[error("invalid variable `{text}`")]
    InvalidVariable {
        /// From the `$` on.
        text: String,
    },
    /// Neither `Action` nor `NotAction`.
    #[error("no action")]
    MissingAction,
    /// No `Effect`.
    #[error("no effect")]
    MissingEffect,
    /// Neither `Principal` nor `NotPrincipal`.
    #[error("no principal")]
    MissingPrincipal,
    /// Neither `Resource` nor `NotResource`.
    #[error("no resource")]
    MissingResource,
    /// No `Statement`.
    #[error("no member `Statement`")]
    MissingStatement,
    /// Not a JSON object.
    #[error("no JSON object from byte {offset}")]
    NotJson {
        /// Where it stops being one.
        offset: usize,
    },
    /// A principal where the policy's holder is the principal.
    #[error("prohibited member `Principal`")]
    ProhibitedPrincipal,
    /// A resource in a trust policy.
    #[error("prohibited member `Resource`")]
    ProhibitedResource,
    /// More than the kind allows.
    #[error("size {size} is over {max}")]
    TooLong {
        /// The [`counted_size`].
        size: usize,
        /// The limit.
        max: usize,
    },
    /// A member that the grammar does not have.
    #[error("unknown member `{name}`")]
    UnknownField {
        /// The member.
        name: String,
    },
    /// A condition operator that does not exist.
    #[error("unknown operator `{name}`")]
    UnknownOperator {
        /// The operator.
        name: String,
    },
    /// A value of the wrong JSON type.
    #[error("expected {expected}")]
    WrongType {
        /// What should be there.
        expected: &'static str,
    },
}

/// Where a policy is kept, for messages and explanations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySource {
    /// The ARN of a managed policy; an inline policy and a resource's have none.
    pub arn: Option<Arc<str>>,
    /// For people: `inline policy p of user alice`, `managed policy arn:…`, `key policy of arn:…`.
    pub name: Arc<str>,
}

/// A policy: parsed, checked, its patterns compiled. Does not change.
#[derive(Clone, Debug)]
pub struct Policy {
    kind: PolicyKind,
    source: Option<PolicySource>,
    statements: Box<[Statement]>,
}

impl Policy {
    /// Parses a document as a policy of this kind.
    pub fn parse(text: &str, kind: PolicyKind) -> Result<Policy, ParseError> {
        let whole = |what| fail("", what);
        let (size, max) = (counted_size(text, kind), kind.size_max());
        if size > max {
            return whole(Malformed::TooLong { size, max });
        }
        if kind == PolicyKind::KeyPolicy
            && let Some((offset, _)) = text.char_indices().find(|(_, c)| !allowed_in_key_policy(*c))
        {
            return whole(Malformed::InvalidCharacter { offset });
        }
        // S3 takes no white space before the brace.
        if kind == PolicyKind::BucketPolicy && !text.starts_with('{') {
            return whole(Malformed::NotJson { offset: 0 });
        }
        match json::parse(text) {
            Err(offset) => whole(Malformed::NotJson { offset }),
            Ok(Json::Object(members)) => document(&members, kind),
            Ok(_) => whole(Malformed::NotJson { offset: 0 }),
        }
    }

    /// The same policy, known to be kept there.
    pub fn with_source(mut self, source: PolicySource) -> Policy {
        self.source = Some(source);
        self
    }

    /// Where it is kept, when that was said.
    pub fn source(&self) -> Option<&PolicySource> {
        self.source.as_ref()
    }

    /// The kind that it was parsed as.
    pub fn kind(&self) -> PolicyKind {
        self.kind
    }

    /// The statements in order.
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// The ARNs of users and roles that `Principal` and `NotPrincipal` name, so that a service can refuse those that do
    /// not exist. Of a role's session: the session's ARN.
    pub fn named_principals(&self) -> impl Iterator<Item = &str> {
        self.named().filter_map(|named| match named {
            Named::Arn(arn) => Some(arn.as_ref()),
            _ => None,
        })
    }

    /// The accounts that are named by number or by their root.
    pub fn named_accounts(&self) -> impl Iterator<Item = base::AccountId> {
        self.named().filter_map(|named| match named {
            Named::Account(account) => Some(*account),
            _ => None,
        })
    }

    fn named(&self) -> impl Iterator<Item = &Named> {
        self.statements
            .iter()
            .filter_map(|s| s.who.as_ref())
            .flat_map(|who| &who.named)
    }
}

fn allowed_in_key_policy(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}')
}

fn fail<T>(at: impl Into<String>, what: Malformed) -> Result<T, ParseError> {
    Err(ParseError { at: at.into(), what })
}

type Members = [(String, Json)];

/// Looks a member up.
fn member<'a>(members: &'a Members, name: &str) -> Option<&'a Json> {
    members.iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// Refuses members twice given or not in the grammar.
fn known_once(members: &Members, known: &[&str], at: &str) -> Result<(), ParseError> {
    let mut seen = BTreeSet::new();
    for (name, _) in members {
        let name = name.clone();
        if !seen.insert(name.clone()) {
            return fail(at, Malformed::DuplicateField { name });
        }
        if !known.is_empty() && !known.contains(&name.as_str()) {
            return fail(at, Malformed::UnknownField { name });
        }
    }
    Ok(())
}

fn string<'a>(value: &'a Json, at: &str) -> Result<&'a str, ParseError> {
    match value {
        Json::Text(text, Scalar::String) => Ok(text),
        _ => fail(at, Malformed::WrongType { expected: "a string" }),
    }
}

/// One string, or a list of them.
fn strings<'a>(value: &'a Json, at: &str) -> Result<Vec<&'a str>, ParseError> {
    match value {
        Json::List(items) => items.iter().map(|item| string(item, at)).collect(),
        one => Ok(vec![string(one, at)?]),
    }
}

/// One scalar, or a list of them: what a condition compares with.
fn scalars<'a>(value: &'a Json, at: &str) -> Result<Vec<&'a str>, ParseError> {
    let scalar = |value: &'a Json| match value {
        Json::Text(text, _) => Ok(text.as_str()),
        _ => fail(at, Malformed::WrongType { expected: "a string" }),
    };
    match value {
        Json::List(items) => items.iter().map(scalar).collect(),
        one => Ok(vec![scalar(one)?]),
    }
}

fn document(members: &Members, kind: PolicyKind) -> Result<Policy, ParseError> {
    known_once(members, &["Version", "Id", "Statement"], "")?;
    let variables = match member(members, "Version") {
        None => false,
        Some(version) => match string(version, "Version")? {
            "2012-10-17" => true,
            "2008-10-17" => false,
            other => return fail("Version", Malformed::BadVersion { text: other.to_owned() }),
        },
    };
    if let Some(id) = member(members, "Id") {
        string(id, "Id")?;
    }
    let reader = Reader { kind, variables };
    let statements: Vec<Statement> = match member(members, "Statement") {
        None => return fail("", Malformed::MissingStatement),
        Some(Json::List(items)) if items.is_empty() => return fail("Statement", Malformed::EmptyStatement),
        Some(Json::List(items)) => items
            .iter()
            .enumerate()
            .map(|(index, item)| reader.statement(item, &format!("Statement[{index}]")))
            .collect::<Result<_, _>>()?,
        Some(one) => vec![reader.statement(one, "Statement")?],
    };
    if kind.has_strict_sids() {
        unique_sids(&statements)?;
    }
    Ok(Policy {
        kind,
        source: None,
        statements: statements.into_boxed_slice(),
    })
}

fn unique_sids(statements: &[Statement]) -> Result<(), ParseError> {
    let mut seen = BTreeSet::new();
    for (index, sid) in statements
        .iter()
        .enumerate()
        .filter_map(|(i, s)| s.sid().map(|sid| (i, sid)))
    {
        if !seen.insert(sid) {
            return fail(
                format!("Statement[{index}].Sid"),
                Malformed::DuplicateSid { sid: sid.to_owned() },
            );
        }
    }
    Ok(())
}

/// What holds for all statements of a document.
struct Reader {
    kind: PolicyKind,
    variables: bool,
}

const STATEMENT_MEMBERS: [&str; 9] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

impl Reader {
    fn statement(&self, value: &Json, at: &str) -> Result<Statement, ParseError> {
        let Json::Object(members) = value else {
            return fail(at, Malformed::WrongType { expected: "an object" });
        };
        known_once(members, &STATEMENT_MEMBERS, at)?;
        let sid = self.sid(members, at)?;
        let effect = effect(members, at)?;
        let who = self.who(members, at)?;
        let actions = self.actions(members, at)?;
        let resources = self.resources(members, at)?;
        let conditions = match member(members, "Condition") {
            None => Vec::new(),
            Some(condition) => self.conditions(condition, &format!("{at}.Condition"))?,
        };
        let inert = actions.is_none() || (resources.is_none() && self.kind != PolicyKind::Trust);
        Ok(Statement {
            sid,
            effect,
            who,
            actions: actions.unwrap_or_default(),
            resources,
            conditions,
            inert,
        })
    }

    fn sid(&self, members: &Members, at: &str) -> Result<Option<Arc<str>>, ParseError> {
        let Some(value) = member(members, "Sid") else {
            return Ok(None);
        };
        let at = format!("{at}.Sid");
        let sid = string(value, &at)?;
        if self.kind.has_strict_sids() && !sid.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return fail(at, Malformed::InvalidSid { sid: sid.to_owned() });
        }
        Ok((!sid.is_empty()).then(|| sid.into()))
    }

    fn who(&self, members: &Members, at: &str) -> Result<Option<Who>, ParseError> {
        let Some((not, value)) = either(members, "Principal", at)? else {
            return match self.kind.has_principal() {
                true => fail(at, Malformed::MissingPrincipal),
                false => Ok(None),
            };
        };
        if !self.kind.has_principal() {
            return fail(at, Malformed::ProhibitedPrincipal);
        }
        let named = named(value, &format!("{at}.{}", name(not, "Principal")))?;
        Ok(Some(Who { not, named }))
    }

    fn actions(&self, members: &Members, at: &str) -> Result<Option<Element>, ParseError> {
        let Some((not, value)) = either(members, "Action", at)? else {
            return match self.kind {
                PolicyKind::KeyPolicy => Ok(None),
                _ => fail(at, Malformed::MissingAction),
            };
        };
        let at = format!("{at}.{}", name(not, "Action"));
        let texts = strings(value, &at)?;
        if texts.is_empty() && self.kind != PolicyKind::KeyPolicy {
            return fail(at, Malformed::MissingAction);
        }
        if let Some(text) = texts.iter().find(|text| !self.is_action(text)) {
            return fail(
                at,
                Malformed::InvalidAction {
                    text: (*text).to_owned(),
                },
            );
        }
        // Actions have wildcards but no variables, and their case does not matter.
        self.element(not, &texts, str::to_ascii_lowercase, false, &at).map(Some)
    }

    fn is_action(&self, text: &str) -> bool {
        if text == "*" {
            return true;
        }
        let Some((vendor, action)) = text.split_once(':') else {
            return false;
        };
        let letters = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        let vendor_known = match self.kind {
            PolicyKind::BucketPolicy => vendor.eq_ignore_ascii_case("s3"),
            _ => vendor == "*" || (!vendor.is_empty() && vendor.bytes().all(letters)),
        };
        vendor_known && !action.is_empty() && action.bytes().all(|b| letters(b) || b == b'*' || b == b'?')
    }

    fn resources(&self, members: &Members, at: &str) -> Result<Option<Element>, ParseError> {
        let found = either(members, "Resource", at)?;
        let (not, value) = match (found, self.kind) {
            (Some(_), PolicyKind::Trust) => return fail(at, Malformed::ProhibitedResource),
            (Some(found), _) => found,
            (None, PolicyKind::KeyPolicy | PolicyKind::Trust) => return Ok(None),
            (None, _) => return fail(at, Malformed::MissingResource),
        };
        let at = format!("{at}.{}", name(not, "Resource"));
        let texts = strings(value, &at)?;
        if texts.is_empty() && self.kind != PolicyKind::KeyPolicy {
            return fail(at, Malformed::MissingResource);
        }
        for text in &texts {
            if let Some(what) = self.resource_fault(text) {
                return fail(at, what);
            }
        }
        self.element(not, &texts, str::to_owned, self.variables, &at).map(Some)
    }

    fn resource_fault(&self, text: &str) -> Option<Malformed> {
        let invalid = || Malformed::InvalidResource { text: text.to_owned() };
        match self.kind {
            // A key policy may say anything here; what is not this key never matches.
            PolicyKind::KeyPolicy => None,
            _ if text == "*" => None,
            PolicyKind::BucketPolicy => (!text.starts_with("arn:aws:s3:::")).then(invalid),
            _ => {
                let Some((partition, _)) = text.strip_prefix("arn:").and_then(|rest| rest.split_once(':')) else {
                    return (text != "arn:*").then(invalid);
                };
                let known = partition == "aws" || partition.starts_with("aws-") || partition.contains(['*', '?', '$']);
                (!known).then(|| Malformed::InvalidPartition {
                    partition: partition.to_owned(),
                    text: text.to_owned(),
                })
            }
        }
    }

    fn element(
        &self,
        not: bool,
        texts: &[&str],
        fold: fn(&str) -> String,
        variables: bool,
        at: &str,
    ) -> Result<Element, ParseError> {
        let syntax = Syntax {
            wildcards: true,
            variables,
        };
        let patterns = texts.iter().map(|text| {
            Pattern::compile(&fold(text), syntax)
                .or_else(|invalid| fail(at, Malformed::InvalidVariable { text: invalid.0 }))
        });
        Ok(Element {
            not,
            patterns: patterns.collect::<Result<_, _>>()?,
            texts: texts.iter().map(|text| Box::from(*text)).collect(),
        })
    }

    fn conditions(&self, value: &Json, at: &str) -> Result<Vec<Condition>, ParseError> {
        let Json::Object(operators) = value else {
            return fail(at, Malformed::WrongType { expected: "an object" });
        };
        known_once(operators, &[], at)?;
        let mut conditions = Vec::new();
        for (operator, keys) in operators {
            let at = format!("{at}.{operator}");
            let Json::Object(keys) = keys else {
                return fail(at, Malformed::WrongType { expected: "an object" });
            };
            known_once(keys, &[], &at)?;
            for (key, values) in keys {
                conditions.push(self.condition(operator, key, values, &at)?);
            }
        }
        Ok(conditions)
    }

    fn condition(&self, operator: &str, key: &str, values: &Json, at: &str) -> Result<Condition, ParseError> {
        if !key.contains(':') {
            return fail(at, Malformed::InvalidConditionKey { key: key.to_owned() });
        }
        let values = scalars(values, &format!("{at}.{key}"))?;
        Condition::compile(operator, key, &values, self.variables).or_else(|uncompiled| match uncompiled {
            Uncompiled::Operator => fail(
                at,
                Malformed::UnknownOperator {
                    name: operator.to_owned(),
                },
            ),
            Uncompiled::Variable(text) => fail(format!("{at}.{key}"), Malformed::InvalidVariable { text }),
            Uncompiled::Value(text) => fail(
                format!("{at}.{key}"),
                Malformed::InvalidConditionValue {
                    operator: operator.to_owned(),
                    text,
                },
            ),
        })
    }
}

fn effect(members: &Members, at: &str) -> Result<Effect, ParseError> {
    let Some(value) = member(members, "Effect") else {
        return fail(at, Malformed::MissingEffect);
    };
    let at = format!("{at}.Effect");
    match string(value, &at)? {
        "Allow" => Ok(Effect::Allow),
        "Deny" => Ok(Effect::Deny),
        other => fail(at, Malformed::InvalidEffect { text: other.to_owned() }),
    }
}

fn name(not: bool, element: &str) -> String {
    format!("{}{element}", if not { "Not" } else { "" })
}

/// An element or its `Not…` form, never both.
fn either<'a>(members: &'a Members, element: &'static str, at: &str) -> Result<Option<(bool, &'a Json)>, ParseError> {
    match (member(members, element), member(members, &name(true, element))) {
        (Some(_), Some(_)) => fail(at, Malformed::Contradiction { element }),
        (Some(value), None) => Ok(Some((false, value))),
        (None, Some(value)) => Ok(Some((true, value))),
        (None, None) => Ok(None),
    }
}

fn named(value: &Json, at: &str) -> Result<Vec<Named>, ParseError> {
    let invalid = |kind: &str, text: &str| {
        fail(
            at,
            Malformed::InvalidPrincipal {
                kind: kind.to_owned(),
                text: text.to_owned(),
            },
        )
    };
    let kinds = match value {
        Json::Text(text, Scalar::String) if text == "*" => return Ok(vec![Named::Everyone]),
        Json::Text(text, _) => return invalid("", text),
        Json::Object(kinds) if !kinds.is_empty() => kinds,
        _ => return invalid("", ""),
    };
    known_once(kinds, &[], at)?;
    let mut named = Vec::new();
    for (kind, value) in kinds {
        for text in strings(value, &format!("{at}.{kind}"))? {
            let one = match kind.as_str() {
                "AWS" => Named::aws(text),
                "Service" => Named::service(text),
                "Federated" => Some(Named::Federated),
                // Canonical user ids are not kept here: a statement that could never be matched is refused instead.
                _ => None,
            };
            match one {
                Some(one) => named.push(one),
                None => return invalid(kind, text),
            }
        }
    }
    match named.is_empty() {
        true => invalid("", ""),
        false => Ok(named),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: PolicyKind, text: &str, at: &str, what: Malformed) {
        let error = Policy::parse(text, kind).map(|_| ()).unwrap_err();
        assert_eq!((error.at.as_str(), &error.what), (at, &what), "{text}");
    }

    /// `statement` in place of the first of two.
    #[track_caller]
    fn check_statement(kind: PolicyKind, statement: &str, at: &str, what: Malformed) {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{{{statement}}}]}}"#);
        check(kind, &text, at, what);
    }

    #[test]
    fn documents() {
        use Malformed::*;
        use PolicyKind::*;
        for (kind, text, at, what) in [
            (Identity, "", "", NotJson { offset: 0 }),
            (Identity, "[]", "", NotJson { offset: 0 }),
            (
                Identity,
                r#"{"Version":1}"#,
                "Version",
                WrongType { expected: "a string" },
            ),
            (Identity, "{}", "", MissingStatement),
            (Identity, r#"{"Statement":[]}"#, "Statement", EmptyStatement),
            (
                Identity,
                r#"{"Statement":["a"]}"#,
                "Statement[0]",
                WrongType { expected: "an object" },
            ),
            (
                Identity,
                r#"{"Statement":"a"}"#,
                "Statement",
                WrongType { expected: "an object" },
            ),
            (
                Identity,
                r#"{"Version":"2012-10-18"}"#,
                "Version",
                BadVersion {
                    text: "2012-10-18".into(),
                },
            ),
            (
                Identity,
                r#"{"version":"2012-10-17"}"#,
                "",
                UnknownField { name: "version".into() },
            ),
            (
                Identity,
                r#"{"Id":"a","Id":"a"}"#,
                "",
                DuplicateField { name: "Id".into() },
            ),
            (BucketPolicy, r#" {"Statement":[]}"#, "", NotJson { offset: 0 }),
            (KeyPolicy, r#"{"Id":"証跡"}"#, "", InvalidCharacter { offset: 7 }),
            (
                Trust,
                r#"{"Statement":{"Effect":"Allow"}}"#,
                "Statement",
                MissingPrincipal,
            ),
        ] {
            check(kind, text, at, what);
        }
        check(Identity, "{\"Version\":\n  nonsense}", "", NotJson { offset: 15 });
        let long = format!(r#"{{"Id":"{}"}}"#, "a".repeat(2048));
        check(Trust, &long, "", TooLong { size: 2057, max: 2048 });
        let spaces = format!(r#"{{"Statement":[]{}}}"#, " ".repeat(4096));
        check(Session, &spaces, "Statement", EmptyStatement);
    }

    #[test]
    fn statements() {
        use Malformed::*;
        use PolicyKind::*;
        const FIRST: &str = "Statement[0]";
        let text = |text: &str| text.to_owned();
        for (kind, statement, at, what) in [
            (Identity, r#""Action":"*","Resource":"*""#, "", MissingEffect),
            (
                Identity,
                r#""Effect":"allow""#,
                ".Effect",
                InvalidEffect { text: text("allow") },
            ),
            (Identity, r#""Effect":"Allow","Resource":"*""#, "", MissingAction),
            (
                Identity,
                r#""Effect":"Allow","Action":[],"Resource":"*""#,
                ".Action",
                MissingAction,
            ),
            (Identity, r#""Effect":"Allow","Action":"*""#, "", MissingResource),
            (Identity, r#""Effect":"Allow","Principal":"*""#, "", ProhibitedPrincipal),
            (
                Identity,
                r#""Effect":"Allow","Sid":"a b""#,
                ".Sid",
                InvalidSid { sid: text("a b") },
            ),
            (
                Identity,
                r#""Effect":"Allow","Action":"s3""#,
                ".Action",
                InvalidAction { text: text("s3") },
            ),
            (
                Identity,
                r#""Effect":"Allow","Action":"s3:a b""#,
                ".Action",
                InvalidAction { text: text("s3:a b") },
            ),
            (
                Identity,
                r#""Effect":"Allow","NotAction":":a""#,
                ".NotAction",
                InvalidAction { text: text(":a") },
            ),
            (
                Identity,
                r#""Effect":"Allow","Action":"*","NotAction":"*""#,
                "",
                Contradiction { element: "Action" },
            ),
            (
                Identity,
                r#""Effect":"Allow","Action":1"#,
                ".Action",
                WrongType { expected: "a string" },
            ),
            (
                Identity,
                r#""Effect":"Allow","Efect":"Allow""#,
                "",
                UnknownField { name: text("Efect") },
            ),
            (
                Trust,
                r#""Effect":"Allow","Principal":"*","Action":"*","Resource":"*""#,
                "",
                ProhibitedResource,
            ),
            (
                BucketPolicy,
                r#""Effect":"Allow","Principal":"*","Action":"ec2:*""#,
                ".Action",
                InvalidAction { text: text("ec2:*") },
            ),
            (
                BucketPolicy,
                r#""Effect":"Allow","Principal":"*","Action":"s3:*""#,
                "",
                MissingResource,
            ),
            (
                BucketPolicy,
                r#""Effect":"Allow","Action":"s3:*""#,
                "",
                MissingPrincipal,
            ),
        ] {
            check_statement(kind, statement, &format!("{FIRST}{at}"), what);
        }
        let twice = r#"{"Statement":[{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"},
            {"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"}]}"#;
        check(Identity, twice, "Statement[1].Sid", DuplicateSid { sid: text("a") });
    }

    #[test]
    fn principals_resources_and_conditions() {
        use Malformed::*;
        use PolicyKind::*;
        let text = |text: &str| text.to_owned();
        let principal = |value: &str, kind: &str, bad: &str| {
            let statement = format!(r#""Effect":"Allow","Principal":{value}"#);
            let what = InvalidPrincipal {
                kind: text(kind),
                text: text(bad),
            };
            check_statement(KeyPolicy, &statement, "Statement[0].Principal", what);
        };
        principal(r#""alice""#, "", "alice");
        principal(r#"{}"#, "", "");
        principal(r#"{"AWS":[]}"#, "", "");
        principal(r#"{"AWS":["*","alice"]}"#, "AWS", "alice");
        principal(r#"{"Service":"*"}"#, "Service", "*");
        principal(r#"{"CanonicalUser":"79a5"}"#, "CanonicalUser", "79a5");
        principal(r#"{"Aws":"*"}"#, "Aws", "*");
        let resource = |kind: PolicyKind, value: &str, what: Malformed| {
            let who = if kind.has_principal() {
                r#""Principal":"*","#
            } else {
                ""
            };
            let statement = format!(r#""Effect":"Allow",{who}"Action":"*","Resource":"{value}""#);
            check_statement(kind, &statement, "Statement[0].Resource", what);
        };
        resource(Identity, "bucket", InvalidResource { text: text("bucket") });
        resource(
            BucketPolicy,
            "arn:aws:kms:::x",
            InvalidResource {
                text: text("arn:aws:kms:::x"),
            },
        );
        resource(Identity, "arn:aws:s3:::${x", InvalidVariable { text: text("${x") });
        let partition = InvalidPartition {
            partition: text("x"),
            text: text("arn:x:s3:::b"),
        };
        resource(Identity, "arn:x:s3:::b", partition);
        let condition = |value: &str, at: &str, what: Malformed| {
            let statement = format!(r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{value}"#);
            check_statement(Identity, &statement, &format!("Statement[0].Condition{at}"), what);
        };
        condition(r#"[]"#, "", WrongType { expected: "an object" });
        condition(
            r#"{"StringIs":{"a:b":"c"}}"#,
            ".StringIs",
            UnknownOperator { name: text("StringIs") },
        );
        condition(
            r#"{"Bool":{"b":"true"}}"#,
            ".Bool",
            InvalidConditionKey { key: text("b") },
        );
        condition(
            r#"{"Bool":{"a:b":{}}}"#,
            ".Bool.a:b",
            WrongType { expected: "a string" },
        );
        condition(
            r#"{"Bool":{"a:b":"maybe"}}"#,
            ".Bool.a:b",
            InvalidConditionValue {
                operator: text("Bool"),
                text: text("maybe"),
            },
        );
    }

    #[test]
    fn a_policy_tells_whom_it_names() {
        let text = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Principal":{"AWS":
            ["*","123456789012","arn:aws:iam::123456789012:user/u","arn:aws:iam::123456789012:root"],
            "Service":"s3.amazonaws.com"}}}"#;
        let policy = Policy::parse(text, PolicyKind::KeyPolicy).unwrap();
        assert_eq!(
            policy.named_principals().collect::<Vec<_>>(),
            ["arn:aws:iam::123456789012:user/u"]
        );
        assert_eq!(policy.named_accounts().count(), 2);
        assert_eq!(policy.statements().len(), 1);
    }
}
