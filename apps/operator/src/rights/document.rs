//! A policy's document as it can be read: for certain, or with doubts.
//!
//! A statement may hang on what only the call itself would show: the caller's address, MFA, a session's name. Such a document
//! is read twice. The *hopeful* reading takes every doubt in the caller's favour, the *fearful* one against them; where both
//! come to the same decision, the doubt does not matter.

use policy::{Policy, PolicyKind, PolicySource};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

/// How a session of a role is called here: any name that a caller may give it.
pub(super) const ANY_SESSION: &str = "any-session-name";

/// A document with its name for people.
#[derive(Debug)]
pub(super) struct Document {
    kind: PolicyKind,
    source: PolicySource,
    json: Value,
    plain: Arc<Policy>,
    /// The condition keys that it mentions, in lower case.
    keys: BTreeSet<String>,
    /// The sessions of roles that its principals name.
    sessions: BTreeSet<String>,
    readings: Mutex<BTreeMap<Doubts, Reading>>,
}

/// What is not known of a request: condition keys in lower case, and the session whose name is open.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Doubts {
    keys: Vec<String>,
    session: Option<String>,
}

/// The two readings of a document; they are one where nothing is in doubt.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// Every doubt in the caller's favour.
    pub(super) hopeful: Arc<Policy>,
    /// Every doubt against the caller.
    pub(super) fearful: Arc<Policy>,
    /// By the statement's place: what it hangs on.
    pub(super) doubts: Arc<BTreeMap<usize, Vec<String>>>,
}

impl Reading {
    fn certain(policy: &Arc<Policy>) -> Reading {
        Reading {
            hopeful: Arc::clone(policy),
            fearful: Arc::clone(policy),
            doubts: Arc::default(),
        }
    }

    /// Of a document that could not be read: it may allow everything, and deny everything.
    pub(super) fn of_nothing(kind: PolicyKind, name: &str) -> Option<Reading> {
        let all = |effect: &str| {
            let mut statement = json!({ "Effect": effect, "Action": "*" });
            if kind != PolicyKind::Trust {
                statement["Resource"] = json!("*");
            }
            if has_principal(kind) {
                statement["Principal"] = json!("*");
            }
            parse(
                &json!({ "Version": "2012-10-17", "Statement": [statement] }),
                kind,
                &source(name, None),
            )
            .ok()
        };
        Some(Reading {
            hopeful: all("Allow")?,
            fearful: all("Deny")?,
            doubts: Arc::default(),
        })
    }
}

impl Document {
    /// Reads a document. The error says where it is no policy of this kind, as this engine knows the language.
    pub(super) fn read(document: &Value, kind: PolicyKind, name: &str, arn: Option<&str>) -> Result<Document, String> {
        let source = source(name, arn);
        let json = settled(document);
        let plain = parse(&json, kind, &source)?;
        let mut keys = BTreeSet::new();
        let mut sessions = BTreeSet::new();
        for statement in statements(&json) {
            for key in conditions(statement).map(|(_, key, _)| key) {
                keys.insert(key.to_ascii_lowercase());
            }
            for text in texts(statement) {
                keys.extend(variables(text));
            }
            let principals = ["Principal", "NotPrincipal"].map(|element| &statement[element]["AWS"]);
            let named = principals.into_iter().flat_map(several).filter_map(Value::as_str);
            sessions.extend(named.filter(|arn| arn.contains(":assumed-role/")).map(str::to_owned));
        }
        Ok(Document {
            kind,
            source,
            json,
            plain,
            keys,
            sessions,
            readings: Mutex::default(),
        })
    }

    /// What people call it.
    pub(super) fn name(&self) -> &str {
        &self.source.name
    }

    /// The document as a policy, whatever may be in doubt.
    pub(super) fn policy(&self) -> &Arc<Policy> {
        &self.plain
    }

    /// The document before a request: `unsure` says of a condition key (lower case) whether its value is in doubt, `session`
    /// is the ARN of a session of [`ANY_SESSION`].
    pub(super) fn before(&self, unsure: &dyn Fn(&str) -> bool, session: Option<&str>) -> Result<Reading, String> {
        let keys = self.keys.iter().filter(|key| unsure(key)).cloned().collect();
        let prefix = session.and_then(|session| session.strip_suffix(ANY_SESSION));
        let named = prefix.is_some_and(|prefix| self.sessions.iter().any(|named| named.starts_with(prefix)));
        let doubts = Doubts {
            keys,
            session: session.filter(|_| named).map(str::to_owned),
        };
        if doubts == Doubts::default() {
            return Ok(Reading::certain(&self.plain));
        }
        let mut readings = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reading) = readings.get(&doubts) {
            return Ok(reading.clone());
        }
        let reading = self.doubted(&doubts)?;
        readings.insert(doubts, reading.clone());
        Ok(reading)
    }

    fn doubted(&self, doubts: &Doubts) -> Result<Reading, String> {
        let (mut hopeful, mut fearful) = (Vec::new(), Vec::new());
        let mut reasons = BTreeMap::new();
        for (index, statement) in statements(&self.json).enumerate() {
            let (favoured, weighed, why) = doubts.split(statement);
            if !why.is_empty() {
                reasons.insert(index, why);
            }
            hopeful.push(favoured);
            fearful.push(weighed);
        }
        let with = |statements: Vec<Value>| {
            let mut json = self.json.clone();
            json["Statement"] = Value::Array(statements);
            parse(&json, self.kind, &self.source)
        };
        Ok(Reading {
            hopeful: with(hopeful)?,
            fearful: with(fearful)?,
            doubts: Arc::new(reasons),
        })
    }
}

impl Doubts {
    fn has(&self, key: &str) -> bool {
        self.keys.binary_search(&key.to_ascii_lowercase()).is_ok()
    }

    /// A statement in the caller's favour and against them, and what is in doubt of it.
    fn split(&self, statement: &Value) -> (Value, Value, Vec<String>) {
        let mut why = Vec::new();
        let mut met = statement.clone();
        if let Some(Value::Object(operators)) = met.get_mut("Condition") {
            for keys in operators.values_mut().filter_map(Value::as_object_mut) {
                keys.retain(|key, values| {
                    let doubted = self.in_condition(key, values);
                    why.extend(doubted.clone());
                    doubted.is_none()
                });
            }
            operators.retain(|_, keys| keys.as_object().is_some_and(|keys| !keys.is_empty()));
        }
        for element in ["Resource", "NotResource"] {
            let texts = several(&statement[element]).filter_map(Value::as_str);
            if let Some(key) = texts.flat_map(variables).find(|key| self.has(key)) {
                why.push(key);
                if let Some(members) = met.as_object_mut() {
                    members.remove(element);
                    members.insert("Resource".to_owned(), json!("*"));
                }
            }
        }
        let allows = statement["Effect"] == "Allow";
        let (mut matching, mut missing) = match why.is_empty() {
            true => (met.clone(), met),
            false => (met, never(statement)),
        };
        if let Some(session) = &self.session
            && let Some(named) = self.named(statement, session)
        {
            why.push(named);
            rename(&mut matching, "Principal", session);
            rename(&mut missing, "NotPrincipal", session);
        }
        why.sort();
        why.dedup();
        match allows {
            true => (matching, missing, why),
            false => (missing, matching, why),
        }
    }

    /// The key that a condition is in doubt about: its own, or that of a variable in its values.
    fn in_condition(&self, key: &str, values: &Value) -> Option<String> {
        if self.has(key) {
            return Some(key.to_owned());
        }
        let texts = several(values).filter_map(Value::as_str);
        texts.flat_map(variables).find(|variable| self.has(variable))
    }

    /// The session that a statement names, of those that the caller's may be.
    fn named(&self, statement: &Value, session: &str) -> Option<String> {
        let prefix = session.strip_suffix(ANY_SESSION)?;
        let principals = ["Principal", "NotPrincipal"].map(|element| &statement[element]["AWS"]);
        let mut named = principals.into_iter().flat_map(several).filter_map(Value::as_str);
        named.find(|arn| arn.starts_with(prefix)).map(str::to_owned)
    }
}

/// Gives the sessions of a role that an element names the name that stands for any.
fn rename(statement: &mut Value, element: &str, session: &str) {
    let Some(prefix) = session.strip_suffix(ANY_SESSION) else {
        return;
    };
    let Some(aws) = statement
        .get_mut(element)
        .and_then(|principal| principal.get_mut("AWS"))
    else {
        return;
    };
    let rename = |value: &mut Value| {
        if value.as_str().is_some_and(|arn| arn.starts_with(prefix)) {
            *value = json!(session);
        }
    };
    match aws {
        Value::Array(items) => items.iter_mut().for_each(rename),
        one => rename(one),
    }
}

/// The statement as one that matches nothing, so that the others keep their places.
fn never(statement: &Value) -> Value {
    let mut never = statement.clone();
    if let Some(members) = never.as_object_mut() {
        let nobody = json!({ "StringEquals": { "aws:PrincipalType": "nobody" } });
        members.insert("Condition".to_owned(), nobody);
    }
    never
}

/// The document with what this engine has no name for put so that it names nobody: users by their canonical ids (CloudFront's
/// old identities, mostly), which no caller here is known by.
fn settled(document: &Value) -> Value {
    let mut document = document.clone();
    let statements = match document.get_mut("Statement") {
        Some(Value::Array(items)) => items.iter_mut().collect::<Vec<_>>(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    for statement in statements {
        for element in ["Principal", "NotPrincipal"] {
            let Some(kinds) = statement.get_mut(element).and_then(Value::as_object_mut) else {
                continue;
            };
            if kinds.remove("CanonicalUser").is_some() {
                let nobody = kinds.entry("AWS").or_insert_with(|| json!([]));
                let mut named: Vec<Value> = several(nobody).cloned().collect();
                named.push(json!("000000000000"));
                *nobody = Value::Array(named);
            }
        }
    }
    document
}

fn source(name: &str, arn: Option<&str>) -> PolicySource {
    PolicySource {
        arn: arn.map(Into::into),
        name: name.into(),
    }
}

fn has_principal(kind: PolicyKind) -> bool {
    !matches!(
        kind,
        PolicyKind::Identity | PolicyKind::PermissionsBoundary | PolicyKind::Session
    )
}

fn parse(json: &Value, kind: PolicyKind, source: &PolicySource) -> Result<Arc<Policy>, String> {
    let policy = Policy::parse_composed(&json.to_string(), kind).map_err(|error| error.to_string())?;
    Ok(Arc::new(policy.with_source(source.clone())))
}

/// One or several of a thing; none of nothing.
pub(super) fn several(value: &Value) -> impl Iterator<Item = &Value> {
    match value {
        Value::Array(items) => items.iter(),
        Value::Null => [].iter(),
        one => std::slice::from_ref(one).iter(),
    }
}

/// The statements of a document.
pub(super) fn statements(document: &Value) -> impl Iterator<Item = &Value> {
    several(&document["Statement"])
}

/// Operator, key and values of each condition.
fn conditions(statement: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let operators = statement["Condition"].as_object().into_iter().flatten();
    operators.flat_map(|(operator, keys)| {
        let keys = keys.as_object().into_iter().flatten();
        keys.map(move |(key, values)| (operator.as_str(), key.as_str(), values))
    })
}

/// Where a statement may have variables.
fn texts(statement: &Value) -> impl Iterator<Item = &str> {
    let resources = ["Resource", "NotResource"].map(|element| &statement[element]);
    let wanted = conditions(statement).map(|(_, _, values)| values);
    resources
        .into_iter()
        .chain(wanted)
        .flat_map(several)
        .filter_map(Value::as_str)
}

/// The keys of the variables in a text, in lower case. `${*}`, `${?}` and `${$}` are letters, no variables.
fn variables(text: &str) -> impl Iterator<Item = String> {
    text.split("${").skip(1).filter_map(|rest| {
        let name = rest.split_once('}')?.0;
        let name = name.split(',').next().unwrap_or(name).trim();
        name.contains(':').then(|| name.to_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(statement: Value, unsure: &str, session: Option<&str>) -> Reading {
        let document = json!({ "Version": "2012-10-17", "Statement": statement });
        let document = Document::read(&document, PolicyKind::Resource, "a policy", None).unwrap();
        document.before(&|key| key == unsure, session).unwrap()
    }

    #[test]
    fn a_doubt_is_taken_both_ways() {
        let check = |effect: &str, hopeful_keeps: bool| {
            let statement = json!([{
                "Effect": effect, "Principal": "*", "Action": "s3:*", "Resource": "*",
                "Condition": { "Bool": { "aws:MultiFactorAuthPresent": "true" }, "StringEquals": { "aws:PrincipalAccount": "1" } },
            }]);
            let reading = reading(statement, "aws:multifactorauthpresent", None);
            let never = |policy: &Policy| policy.document().contains("nobody");
            let kept = |policy: &Policy| policy.document().contains("aws:PrincipalAccount");
            assert_eq!(kept(&reading.hopeful), hopeful_keeps, "{effect}");
            assert_eq!(never(&reading.hopeful), !hopeful_keeps, "{effect}");
            assert_eq!(never(&reading.fearful), hopeful_keeps, "{effect}");
            assert!(!reading.hopeful.document().contains("MultiFactor"));
            assert_eq!(reading.doubts[&0], ["aws:MultiFactorAuthPresent"]);
        };
        check("Allow", true);
        check("Deny", false);
    }

    #[test]
    fn what_is_known_is_read_once() {
        let statement = json!({ "Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*",
            "Condition": { "Bool": { "aws:SecureTransport": "true" } } });
        let reading = reading(statement, "aws:sourceip", None);
        assert!(Arc::ptr_eq(&reading.hopeful, &reading.fearful));
        assert!(reading.doubts.is_empty());
    }

    #[test]
    fn a_variable_of_a_key_in_doubt_is_a_doubt() {
        let statement = json!({ "Effect": "Deny", "Principal": "*", "Action": "s3:*",
            "NotResource": "arn:aws:s3:::b/${aws:SourceIdentity, 'x'}/${*}" });
        let reading = reading(statement, "aws:sourceidentity", None);
        assert!(reading.fearful.document().contains(r#""Resource":"*""#));
        assert!(reading.hopeful.document().contains("nobody"));
    }

    #[test]
    fn a_session_may_have_the_name_that_is_named() {
        let session = format!("arn:aws:sts::111122223333:assumed-role/r/{ANY_SESSION}");
        let named = "arn:aws:sts::111122223333:assumed-role/r/alice";
        let check = |effect: &str, element: &str, hopeful: bool, fearful: bool| {
            let mut statement = json!({ "Effect": effect, "Action": "s3:*", "Resource": "*" });
            statement[element] = json!({ "AWS": [named, "111122223333"] });
            let reading = reading(statement, "", Some(&session));
            let renamed = |policy: &Policy| policy.document().contains(ANY_SESSION);
            assert_eq!(renamed(&reading.hopeful), hopeful, "{effect} {element}");
            assert_eq!(renamed(&reading.fearful), fearful, "{effect} {element}");
        };
        check("Allow", "Principal", true, false);
        check("Deny", "Principal", false, true);
        check("Deny", "NotPrincipal", true, false);
    }

    #[test]
    fn canonical_users_are_nobody_here() {
        let document = json!({ "Statement": [{ "Effect": "Allow", "Principal": { "CanonicalUser": "abc" },
            "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*" }] });
        let document = Document::read(&document, PolicyKind::BucketPolicy, "a policy", None).unwrap();
        assert!(document.policy().document().contains("000000000000"));
    }
}
