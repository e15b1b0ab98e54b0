//! What each statement makes of a question, in words.

use crate::{message, message::Message};
use policy::{Effect, GrantOutcome, StatementTrace, Trace, TraceOutcome};

/// A statement or a grant that was read for a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced {
    /// The policy's name, or the grant's.
    pub policy: String,
    /// The statement's place, from one; nothing of a grant.
    pub number: Option<usize>,
    /// Its id.
    pub sid: Option<String>,
    /// Whether it would allow; else it would deny.
    pub allows: bool,
    /// Whether it matches.
    pub matches: bool,
    /// Why, or why not.
    pub why: Message,
    /// How far it came: the further, the nearer it was to matching.
    reached: u8,
}

/// All of a trace, what matched first, then what came nearest.
pub(super) fn told(trace: &Trace) -> Vec<Traced> {
    let mut all: Vec<Traced> = trace.statements.iter().map(statement).collect();
    all.extend(trace.grants.iter().map(|grant| {
        let (matches, why, reached) = of_grant(&grant.outcome);
        let id = &grant.id;
        Traced {
            policy: format!("grant {id}"),
            number: None,
            sid: None,
            allows: true,
            matches,
            why,
            reached,
        }
    }));
    // Of the same reach they stay in the order in which they were read.
    all.sort_by_key(|one| std::cmp::Reverse(one.reached));
    all
}

fn statement(read: &StatementTrace) -> Traced {
    let (why, reached) = of_statement(&read.outcome);
    Traced {
        policy: read.source.clone().unwrap_or_default(),
        number: Some(read.index + 1),
        sid: read.sid.clone(),
        allows: read.effect == Effect::Allow,
        matches: matches!(read.outcome, TraceOutcome::Matched { .. }),
        why,
        reached,
    }
}

fn of_statement(outcome: &TraceOutcome) -> (Message, u8) {
    match outcome {
        TraceOutcome::Matched { delegates: false } => (message!("it matches", "一致します"), 5),
        TraceOutcome::Matched { delegates: true } => (
            message!(
                "it matches the account, which leaves it to the caller's own policies",
                "アカウントに一致し、判断は呼び出し元自身のポリシーに委ねられます"
            ),
            5,
        ),
        TraceOutcome::Inert => (
            message!(
                "it has no action or no resource, and does nothing",
                "アクションまたはリソースがなく、効果がありません"
            ),
            0,
        ),
        TraceOutcome::Principal { element, asked, wanted } => {
            let wanted = listed(wanted);
            (
                message!(
                    "{asked} is not meant by {element}: {wanted}",
                    "{asked} は {element} に当てはまりません: {wanted}"
                ),
                2,
            )
        }
        TraceOutcome::Element { element, asked, wanted } => {
            let wanted = listed(wanted);
            let reached = if element.ends_with("Resource") { 3 } else { 1 };
            (
                message!(
                    "{asked} is not meant by {element}: {wanted}",
                    "{asked} は {element} に当てはまりません: {wanted}"
                ),
                reached,
            )
        }
        TraceOutcome::Condition {
            operator,
            key,
            wanted,
            found,
            unreadable,
        } => {
            let wanted = listed(wanted);
            let why = match (found, unreadable) {
                (None, _) => message!(
                    "{operator} wants {key} to be {wanted}, and the call has none",
                    "{operator} は {key} が {wanted} であることを求めますが、呼び出しにその値がありません"
                ),
                (Some(found), false) => {
                    let found = listed(found);
                    message!(
                        "{operator} wants {key} to be {wanted}, and it is {found}",
                        "{operator} は {key} が {wanted} であることを求めますが、値は {found} です"
                    )
                }
                (Some(found), true) => {
                    let found = listed(found);
                    message!(
                        "{operator} cannot compare {key}, which is {found}: a deny counts nevertheless",
                        "{operator} は {key} の値 {found} を比較できません。Deny の場合は一致とみなされます"
                    )
                }
            };
            (why, 4)
        }
    }
}

fn of_grant(outcome: &GrantOutcome) -> (bool, Message, u8) {
    match outcome {
        GrantOutcome::Gives => (true, message!("it gives the action", "このアクションを許可します"), 5),
        GrantOutcome::Action { asked, wanted } => {
            let wanted = listed(wanted);
            (
                false,
                message!(
                    "it gives {wanted}, not {asked}",
                    "許可するのは {wanted} で、{asked} ではありません"
                ),
                1,
            )
        }
        GrantOutcome::Grantee { asked, wanted } => (
            false,
            message!(
                "it is to {wanted}, not to {asked}",
                "対象は {wanted} で、{asked} ではありません"
            ),
            2,
        ),
        GrantOutcome::Unmet { why } => (false, Message::plain(why.as_str()), 4),
    }
}

/// The first few of what is written.
fn listed(texts: &[String]) -> String {
    const SHOWN_MAX: usize = 6;
    let mut shown = texts.iter().take(SHOWN_MAX).cloned().collect::<Vec<_>>().join(", ");
    if texts.len() > SHOWN_MAX {
        shown.push_str(", …");
    }
    shown
}
