//! What came of a question, and why, for people.

use super::document::Reading;
use crate::message::Message;
use policy::{Check, Decision, Effect, Grounds, Policies, Policy, PolicyType, StatementTrace, TraceOutcome, explain};
use serde::Serialize;
use std::sync::Arc;

/// Whether something is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Allowed {
    /// Nothing would allow it, or something denies it.
    No,
    /// It hangs on what could not be read, or on what only the call itself would show.
    Unknown,
    /// It is allowed.
    Yes,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Whether it is allowed.
    pub allowed: Allowed,
    /// The statement that decided, what is missing, or what it hangs on.
    pub why: Message,
    /// Whether policies allow it and the state of the resource refuses it: a key that is not enabled or not there, a bucket that
    /// is not there.
    #[serde(skip)]
    pub by_state: bool,
}

impl Verdict {
    /// Allowed.
    pub fn yes(why: Message) -> Verdict {
        Verdict {
            allowed: Allowed::Yes,
            why,
            by_state: false,
        }
    }

    /// Refused.
    pub fn no(why: Message) -> Verdict {
        Verdict {
            allowed: Allowed::No,
            why,
            by_state: false,
        }
    }

    /// Not known.
    pub fn unknown(why: Message) -> Verdict {
        Verdict {
            allowed: Allowed::Unknown,
            why,
            by_state: false,
        }
    }

    /// Refused by the state of the resource.
    pub(super) fn by_state(why: Message) -> Verdict {
        Verdict {
            by_state: true,
            ..Verdict::no(why)
        }
    }

    /// Whether it is allowed for certain.
    pub fn is_yes(&self) -> bool {
        self.allowed == Allowed::Yes
    }

    /// Whether it is refused for certain.
    pub fn is_no(&self) -> bool {
        self.allowed == Allowed::No
    }

    /// Both are needed: the one that is less allowed decides.
    pub fn and(self, other: Verdict) -> Verdict {
        match other.allowed < self.allowed {
            true => other,
            false => self,
        }
    }
}

/// A policy in a decision: its two readings, and the call that would have told of one that could not be read.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) reading: Reading,
    pub(super) missing: Option<Message>,
}

impl Held {
    pub(super) fn certain(reading: Reading) -> Held {
        Held { reading, missing: None }
    }
}

/// The policies of a decision with their doubts, by the place that [`Grounds`] give.
#[derive(Default)]
pub(super) struct Holdings {
    pub(super) identity: Vec<Held>,
    pub(super) boundary: Option<Held>,
    pub(super) resource: Option<Held>,
}

impl Holdings {
    fn get(&self, policy: PolicyType, nth: usize) -> Option<&Held> {
        match policy {
            PolicyType::Identity => self.identity.get(nth),
            PolicyType::PermissionsBoundary => self.boundary.as_ref(),
            PolicyType::Resource | PolicyType::RoleTrust => self.resource.as_ref(),
            PolicyType::ResourceControl | PolicyType::ServiceControl | PolicyType::Session => None,
        }
    }

    /// Whether every policy is known and read in one way only: then hope and fear come to the same.
    pub(super) fn all_certain(&self) -> bool {
        let of_resource = self.boundary.iter().chain(&self.resource);
        self.identity
            .iter()
            .chain(of_resource)
            .all(|held| held.missing.is_none() && Arc::ptr_eq(&held.reading.hopeful, &held.reading.fearful))
    }

    /// What the grounds of a decision hang on, if on anything.
    pub(super) fn doubt(&self, grounds: &Grounds) -> Option<Message> {
        let (policy, nth, index, sid) = match grounds {
            Grounds::Statement {
                policy,
                nth,
                index,
                sid,
            } => (*policy, *nth, *index, sid),
            Grounds::ExplicitDeny {
                policy,
                nth,
                index,
                sid,
                ..
            } => (*policy, *nth, *index, sid),
            Grounds::Grant { .. } | Grounds::NothingAllows { .. } | Grounds::RootOfAccount => return None,
        };
        let held = self.get(policy, nth)?;
        if let Some(missing) = &held.missing {
            return Some(missing.clone());
        }
        let keys = held.reading.doubts.get(&index)?.join(", ");
        let name = source_of(&held.reading.hopeful);
        let (english, japanese) = named(index, sid.as_deref());
        let in_japanese = in_japanese(&name);
        let japanese = format!("{in_japanese} の{japanese}は、実際の呼び出しでのみ分かる {keys} に依存します");
        Some(Message::new(
            format!("it depends on {keys}, which only a call shows: {english} of {name}"),
            japanese,
        ))
    }
}

/// A statement by its place counted from one, and its id.
fn named(index: usize, sid: Option<&str>) -> (String, String) {
    let place = index + 1;
    match sid {
        Some(sid) => (
            format!("statement {place} \"{sid}\""),
            format!("ステートメント {place}「{sid}」"),
        ),
        None => (format!("statement {place}"), format!("ステートメント {place}")),
    }
}

/// A policy's name in Japanese: what it is, and of what.
fn in_japanese(name: &str) -> String {
    let kinds = [
        ("key policy of ", "キーポリシー "),
        ("bucket policy of ", "バケットポリシー "),
        ("policy of topic ", "トピックポリシー "),
        ("trust policy of role ", "信頼ポリシー (ロール) "),
        ("managed policy ", "管理ポリシー "),
        ("inline policy ", "インラインポリシー "),
    ];
    let found = kinds
        .iter()
        .find_map(|(english, japanese)| Some((japanese, name.strip_prefix(english)?)));
    found.map_or_else(|| name.to_owned(), |(japanese, rest)| format!("{japanese}{rest}"))
}

fn source_of(policy: &Policy) -> String {
    policy
        .source()
        .map_or_else(|| "a policy".to_owned(), |source| source.name.to_string())
}

/// Why a decision came out as it did.
pub(super) fn reason(check: &Check<'_>, decision: &Decision) -> Message {
    let place =
        |policy: PolicyType, nth: usize| found(check, policy, nth).map_or_else(|| policy.to_string(), source_of);
    match decision.grounds() {
        Grounds::Statement {
            policy,
            nth,
            index,
            sid,
        } => {
            let ((english, japanese), place) = (named(*index, sid.as_deref()), place(*policy, *nth));
            Message::new(
                format!("{english} of {place} allows it"),
                format!("{} の{japanese}が許可しています", in_japanese(&place)),
            )
        }
        Grounds::ExplicitDeny {
            policy,
            nth,
            index,
            sid,
            ..
        } => {
            let ((english, japanese), place) = (named(*index, sid.as_deref()), place(*policy, *nth));
            Message::new(
                format!("{english} of {place} denies it"),
                format!("{} の{japanese}が拒否しています", in_japanese(&place)),
            )
        }
        Grounds::Grant { nth } => {
            let id = check.policies.grants.get(*nth).map_or("", |grant| grant.id());
            crate::message!(
                "grant {id} of the key allows it",
                "キーのグラント {id} が許可しています"
            )
        }
        Grounds::RootOfAccount => {
            crate::message!("the root of the account may do it", "アカウントのルートは実行できます")
        }
        Grounds::NothingAllows { missing } => nothing_allows(check, *missing),
    }
}

fn found<'a>(check: &'a Check<'_>, policy: PolicyType, nth: usize) -> Option<&'a Policy> {
    match policy {
        PolicyType::Identity => check.policies.identity.get(nth).map(AsRef::as_ref),
        PolicyType::PermissionsBoundary => check.policies.boundary,
        PolicyType::Resource | PolicyType::RoleTrust => check.policies.resource,
        PolicyType::ResourceControl | PolicyType::ServiceControl | PolicyType::Session => None,
    }
}

fn nothing_allows(check: &Check<'_>, missing: PolicyType) -> Message {
    let action = check.request.action;
    match (missing, check.policies.resource) {
        (PolicyType::Identity, _) => crate::message!(
            "no policy of its own allows {action}",
            "自身のポリシーのどれも {action} を許可していません"
        ),
        (PolicyType::Resource | PolicyType::RoleTrust, None) => crate::message!(
            "the resource has no policy that allows {action} to it",
            "リソースには {action} を許可するポリシーがありません"
        ),
        (PolicyType::Resource | PolicyType::RoleTrust, Some(policy)) => {
            let name = source_of(policy);
            let japanese = in_japanese(&name);
            let none = crate::message!(
                "{name} does not allow {action} to it",
                "{japanese} は {action} を許可していません"
            );
            near(check).map_or(none.clone(), |near| join(&none, &near))
        }
        (PolicyType::PermissionsBoundary, _) => crate::message!(
            "its permissions boundary does not allow {action}",
            "アクセス許可の境界が {action} を許可していません"
        ),
        (other, _) => crate::message!("no {other} allows {action}", "{other} が {action} を許可していません"),
    }
}

/// Two messages as one.
pub(super) fn join(one: &Message, more: &Message) -> Message {
    use crate::message::Language::{English, Japanese};
    Message::new(
        format!("{}: {}", one.in_language(English), more.in_language(English)),
        format!("{}: {}", one.in_language(Japanese), more.in_language(Japanese)),
    )
}

/// The statement of the resource's policy that would allow but for a condition.
fn near(check: &Check<'_>) -> Option<Message> {
    let policies = Policies {
        resource: check.policies.resource,
        ..Policies::default()
    };
    let request = check.request;
    let statements = explain(&Check { request, policies }).statements;
    statements
        .into_iter()
        .find_map(|trace: StatementTrace| match trace.outcome {
            TraceOutcome::Condition {
                operator,
                key,
                wanted,
                found,
                ..
            } if trace.effect == Effect::Allow => {
                let (english, japanese) = named(trace.index, trace.sid.as_deref());
                let wanted = wanted.join(", ");
                let (has, has_japanese) = match found {
                    Some(found) => (
                        format!("has {}", found.join(", ")),
                        format!("{} を持ちます", found.join(", ")),
                    ),
                    None => ("has none".to_owned(), "何も持ちません".to_owned()),
                };
                Some(Message::new(
                    format!("{english} wants {operator} {key} {wanted}, and the call {has}"),
                    format!("{japanese}は {operator} {key} {wanted} を求めますが、呼び出しは{has_japanese}"),
                ))
            }
            _ => None,
        })
}

/// The readings of one side, for the engine.
pub(super) fn side(held: &[Held], hopeful: bool) -> Vec<Arc<Policy>> {
    held.iter().map(|held| pick(held, hopeful)).collect()
}

/// A policy in one of its readings.
pub(super) fn pick(held: &Held, hopeful: bool) -> Arc<Policy> {
    Arc::clone(match hopeful {
        true => &held.reading.hopeful,
        false => &held.reading.fearful,
    })
}
