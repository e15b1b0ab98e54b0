//! From text to a compiled [`Policy`], or to what is wrong with it and where.
//!
//! The services answer in their own words, so [`Malformed`] keeps apart all that any of them tells apart.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>

mod error;

use crate::{
    Effect, Statement,
    condition::{Condition, Uncompiled},
    json::{self, Json, Scalar},
    pattern::{InvalidVariable, Pattern, arn_parts},
    principal::{Named, Who},
    statement::{ActionPattern, Element},
};
pub use error::{Malformed, ParseError};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, sync::Arc};

/// Whose policy a document is; the grammar differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    /// Of an SNS topic.
    TopicPolicy,
    /// A role's trust policy.
    Trust,
    /// Of another resource, such as a channel of CloudTrail.
    Resource,
}

impl PolicyKind {
    fn has_principal(self) -> bool {
        matches!(
            self,
            PolicyKind::BucketPolicy
                | PolicyKind::KeyPolicy
                | PolicyKind::Resource
                | PolicyKind::ResourceControl
                | PolicyKind::TopicPolicy
                | PolicyKind::Trust
        )
    }

    /// The policies of organizations must be of the newest version.
    fn is_of_organization(self) -> bool {
        matches!(self, PolicyKind::ResourceControl | PolicyKind::ServiceControl)
    }

    /// Whether a resource may lack the last parts of an ARN.
    fn completes_arns(self) -> bool {
        matches!(
            self,
            PolicyKind::Identity
                | PolicyKind::PermissionsBoundary
                | PolicyKind::ResourceControl
                | PolicyKind::ServiceControl
        )
    }

    /// The Sids of documents that IAM itself keeps are alphanumeric and unique.
    fn has_strict_sids(self) -> bool {
        !matches!(
            self,
            PolicyKind::BucketPolicy | PolicyKind::KeyPolicy | PolicyKind::Resource | PolicyKind::TopicPolicy
        )
    }

    /// The most that a document of this kind may hold, by [`counted_size`]; services that allow less check it themselves. Of an identity policy this is the largest
    /// (a role's inline policies together); the smaller limits of users and groups are IAM's to check.
    ///
    /// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>,
    /// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html>
    pub fn size_max(self) -> usize {
        match self {
            PolicyKind::BucketPolicy => 20 * 1024,
            PolicyKind::Identity => 10_240,
            PolicyKind::KeyPolicy => 32 * 1024,
            PolicyKind::PermissionsBoundary => 6_144,
            PolicyKind::Resource => 30 * 1024,
            PolicyKind::ResourceControl => 5_120,
            PolicyKind::ServiceControl => 10_240,
            PolicyKind::Session | PolicyKind::Trust => 2_048,
            PolicyKind::TopicPolicy => 30 * 1024,
        }
    }
}

/// The size that limits go by: bytes for the policies of resources, characters for those of organizations, characters
/// without white space for IAM's.
pub fn counted_size(text: &str, kind: PolicyKind) -> usize {
    match kind {
        PolicyKind::BucketPolicy | PolicyKind::KeyPolicy | PolicyKind::Resource | PolicyKind::TopicPolicy => text.len(),
        PolicyKind::ResourceControl | PolicyKind::ServiceControl => text.chars().count(),
        PolicyKind::Identity | PolicyKind::PermissionsBoundary | PolicyKind::Session | PolicyKind::Trust => {
            text.chars().filter(|c| !c.is_whitespace()).count()
        }
    }
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
    document: Box<str>,
    pub(crate) variables: bool,
    statements: Box<[Statement]>,
}

impl Policy {
    /// Parses a document as a policy of this kind.
    pub fn parse(text: &str, kind: PolicyKind) -> Result<Policy, ParseError> {
        let (size, max) = (counted_size(text, kind), kind.size_max());
        match size > max {
            true => fail("", Malformed::TooLong { size, max }),
            false => Policy::parse_composed(text, kind),
        }
    }

    /// As [`Policy::parse`], of a document that was composed of others, each within its limit: as long as it has become.
    pub fn parse_composed(text: &str, kind: PolicyKind) -> Result<Policy, ParseError> {
        let whole = |what| fail("", what);
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
            Ok(Json::Object(members)) => document(text, &members, kind),
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

    /// The text that was parsed.
    pub fn document(&self) -> &str {
        &self.document
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

fn document(text: &str, members: &Members, kind: PolicyKind) -> Result<Policy, ParseError> {
    known_once(members, &["Version", "Id", "Statement"], "")?;
    let variables = match member(members, "Version") {
        None if kind.is_of_organization() => return fail("", Malformed::MissingVersion),
        None => false,
        Some(version) => match string(version, "Version")? {
            "2012-10-17" => true,
            "2008-10-17" if !kind.is_of_organization() => false,
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
        document: text.into(),
        variables,
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
        if self.kind == PolicyKind::ResourceControl {
            control(effect, actions.as_ref(), resources.as_ref(), &conditions, at)?;
        }
        let no_action = actions.is_none();
        let actions = match actions {
            Some(actions) => actions,
            None => Element::actions(false, &[]).or_else(|invalid| unclosed(invalid, at))?,
        };
        let inert = no_action || (resources.is_none() && self.kind != PolicyKind::Trust);
        Ok(Statement {
            sid,
            effect,
            who: who.map(Box::new),
            actions,
            resources,
            conditions: conditions.into_boxed_slice(),
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
        if not && matches!(self.kind, PolicyKind::Trust | PolicyKind::ResourceControl) {
            return fail(at, Malformed::UnsupportedElement { name: "NotPrincipal" });
        }
        let at = format!("{at}.{}", name(not, "Principal"));
        let (named, texts) = self.named(value, &at)?;
        Ok(Some(Who { not, named, texts }))
    }

    /// The principals, and each as it is written.
    fn named(&self, value: &Json, at: &str) -> Result<(Vec<Named>, Vec<Box<str>>), ParseError> {
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
            Json::Text(text, Scalar::String) if text == "*" => {
                return Ok((vec![Named::Everyone], vec!["*".into()]));
            }
            Json::Text(text, _) => return invalid("", text),
            Json::Object(kinds) if !kinds.is_empty() => kinds,
            _ => return invalid("", ""),
        };
        if self.kind == PolicyKind::ResourceControl {
            return invalid("", "");
        }
        known_once(kinds, &[], at)?;
        let (mut named, mut texts) = (Vec::new(), Vec::new());
        for (kind, value) in kinds {
            for text in strings(value, &format!("{at}.{kind}"))? {
                let one = match kind.as_str() {
                    "AWS" => Named::aws(text),
                    "Service" => Named::service(text),
                    // Identity providers are named where their users come in, and nowhere else.
                    "Federated" if self.kind == PolicyKind::Trust => Some(Named::Federated),
                    // Canonical user ids are not kept here: a statement that could never be matched is refused instead.
                    _ => None,
                };
                match one {
                    Some(one) => {
                        named.push(one);
                        texts.push(text.into());
                    }
                    None => return invalid(kind, text),
                }
            }
        }
        match named.is_empty() {
            true => invalid("", ""),
            false => Ok((named, texts)),
        }
    }

    fn actions(&self, members: &Members, at: &str) -> Result<Option<Element<ActionPattern>>, ParseError> {
        let Some((not, value)) = either(members, "Action", at)? else {
            return match self.kind {
                PolicyKind::KeyPolicy => Ok(None),
                _ => fail(at, Malformed::MissingAction),
            };
        };
        if not && self.kind == PolicyKind::ResourceControl {
            return fail(at, Malformed::UnsupportedElement { name: "NotAction" });
        }
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
        let element = Element::actions(not, &texts).or_else(|invalid| unclosed(invalid, &at))?;
        Ok(Some(element))
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
            PolicyKind::TopicPolicy => vendor.eq_ignore_ascii_case("sns"),
            PolicyKind::ResourceControl => !vendor.is_empty() && vendor.bytes().all(letters),
            _ => vendor == "*" || (!vendor.is_empty() && vendor.bytes().all(letters)),
        };
        vendor_known && !action.is_empty() && action.bytes().all(|b| letters(b) || b == b'*' || b == b'?')
    }

    fn resources(&self, members: &Members, at: &str) -> Result<Option<Element<Pattern>>, ParseError> {
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
        let element = Element::resources(not, &texts, self.variables, self.kind.completes_arns())
            .or_else(|invalid| unclosed(invalid, &at))?;
        Ok(Some(element))
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
                    return (text != "arn:*" || !self.kind.completes_arns()).then(invalid);
                };
                let known = partition == "aws" || partition.starts_with("aws-") || partition.contains(['*', '?', '$']);
                if !known {
                    return Some(Malformed::InvalidPartition {
                        partition: partition.to_owned(),
                        text: text.to_owned(),
                    });
                }
                (!self.kind.completes_arns() && arn_parts(text) < 6).then(invalid)
            }
        }
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

fn unclosed<T>(invalid: InvalidVariable, at: &str) -> Result<T, ParseError> {
    fail(at, Malformed::InvalidVariable { text: invalid.0 })
}

/// The statements of resource control policies deny, and say of which services. The one that allows is AWS's own
/// (RCPFullAWSAccess), and it allows everything.
///
/// SPEC: <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html>
fn control(
    effect: Effect,
    actions: Option<&Element<ActionPattern>>,
    resources: Option<&Element<Pattern>>,
    conditions: &[Condition],
    at: &str,
) -> Result<(), ParseError> {
    let every_action = actions.is_some_and(|actions| !actions.not && actions.has_star());
    let every_resource = resources.is_some_and(|resources| !resources.not && resources.has_star());
    match effect {
        Effect::Allow if every_action && every_resource && conditions.is_empty() => Ok(()),
        Effect::Allow => fail(format!("{at}.Effect"), Malformed::ProhibitedAllow),
        Effect::Deny if every_action => fail(format!("{at}.Action"), Malformed::InvalidAction { text: "*".into() }),
        Effect::Deny => Ok(()),
    }
}

#[cfg(test)]
mod tests;
