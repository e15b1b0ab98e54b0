//! Why each statement and each grant did or did not match, for people.
//!
//! A trace is a value that is kept and shown: it reads the same whatever becomes of the policies afterwards.

use crate::{
    Check, Context, Effect, Grant, Policy, PolicyType, Principal, Statement,
    decide::resource_type,
    principal::Naming,
    statement::{Asked, Element, Folded, Miss, Outcome, Side},
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What became of every statement and every grant that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// The statements, in the order in which [`decide`](crate::decide) reads them.
    pub statements: Vec<StatementTrace>,
    /// The grants of the key, in the order given.
    pub grants: Vec<GrantTrace>,
}

/// What became of one statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementTrace {
    /// Which of the policies.
    pub policy: PolicyType,
    /// Which policy of this type, in the order given (all levels of an organization in one row).
    pub nth: usize,
    /// Where the policy is kept, in the words of its [`PolicySource`](crate::PolicySource).
    pub source: Option<String>,
    /// The statement's place in it.
    pub index: usize,
    /// The statement's id.
    pub sid: Option<String>,
    /// What it would do.
    pub effect: Effect,
    /// Whether it matched, or the first thing that did not.
    pub outcome: TraceOutcome,
}

/// Whether a statement matched, or the first of its elements that did not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TraceOutcome {
    /// It matched.
    Matched {
        /// It names the caller's account alone, which hands the decision to the caller's own policies.
        delegates: bool,
    },
    /// It can never match: a key policy's statement without `Action` or `Resource`.
    Inert,
    /// It does not speak of the one who asks.
    Principal {
        /// `Principal` or `NotPrincipal`.
        element: Cow<'static, str>,
        /// Who asked: an ARN, a service's name, or `anonymous`.
        asked: String,
        /// Whom it names, as written.
        wanted: Vec<String>,
    },
    /// An element, with what was asked beside what is written.
    Element {
        /// `Action`, `NotAction`, `Resource` or `NotResource`.
        element: Cow<'static, str>,
        /// What was asked.
        asked: String,
        /// What is written.
        wanted: Vec<String>,
    },
    /// A condition, with the request's values beside those written.
    Condition {
        /// The operator as written.
        operator: String,
        /// The key as written.
        key: String,
        /// What is written.
        wanted: Vec<String>,
        /// The request's values; `None` when the key is absent.
        found: Option<Vec<String>>,
        /// The request's value is not of the operator's type: a deny counts nevertheless.
        unreadable: bool,
    },
}

/// What became of one grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantTrace {
    /// The grant's id.
    pub id: String,
    /// Whether it gives the action to the caller, or the first thing that it does not.
    pub outcome: GrantOutcome,
}

/// Whether a grant gives the action to the caller, or why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GrantOutcome {
    /// It gives the action.
    Gives,
    /// It is of other actions.
    Action {
        /// What was asked.
        asked: String,
        /// What it gives, in lower case.
        wanted: Vec<String>,
    },
    /// It is to someone else.
    Grantee {
        /// Who asked.
        asked: String,
        /// The grantee.
        wanted: String,
    },
    /// The request does not meet its constraints.
    Unmet {
        /// Why not.
        why: String,
    },
}

/// Meets every statement of every policy of the check, in the order in which [`decide`](crate::decide) reads them, and
/// every grant.
pub fn explain(check: &Check<'_>) -> Trace {
    let (request, policies) = (&check.request, &check.policies);
    let mut buffer = [0; 64];
    let folded = Folded::new(request.action, &mut buffer);
    let asked = request.asked(policies, &folded);
    let mut reader = Reader {
        asked,
        statements: Vec::new(),
    };
    let levels = policies.resource_control.iter().flatten();
    reader.read(PolicyType::ResourceControl, Side::Resource, levels.map(AsRef::as_ref));
    let has_policies = request.principal.account().is_some();
    if has_policies {
        let levels = policies.service_control.iter().flatten();
        reader.read(PolicyType::ServiceControl, Side::Holder, levels.map(AsRef::as_ref));
    }
    reader.read(resource_type(request.kind), Side::Resource, policies.resource);
    if has_policies {
        let session = policies.session.into_iter().flatten();
        let identity = policies.identity.iter().map(AsRef::as_ref);
        reader.read(PolicyType::Identity, Side::Holder, identity);
        reader.read(PolicyType::PermissionsBoundary, Side::Holder, policies.boundary);
        reader.read(PolicyType::Session, Side::Holder, session.map(AsRef::as_ref));
    }
    Trace {
        statements: reader.statements,
        grants: policies.grants.iter().map(|grant| grant_trace(grant, asked)).collect(),
    }
}

struct Reader<'a> {
    asked: Asked<'a>,
    statements: Vec<StatementTrace>,
}

impl<'a> Reader<'a> {
    fn read(&mut self, policy: PolicyType, side: Side, policies: impl IntoIterator<Item = &'a Policy>) {
        for (nth, each) in policies.into_iter().enumerate() {
            for (index, statement) in each.statements().iter().enumerate() {
                self.statements.push(StatementTrace {
                    policy,
                    nth,
                    source: each.source().map(|source| source.name.to_string()),
                    index,
                    sid: statement.sid().map(str::to_owned),
                    effect: statement.effect,
                    outcome: outcome(statement, side, self.asked),
                });
            }
        }
    }
}

fn outcome(statement: &Statement, side: Side, asked: Asked<'_>) -> TraceOutcome {
    let (miss, unreadable) = match statement.meet(side, asked) {
        Outcome::Matched(naming) => {
            return TraceOutcome::Matched {
                delegates: naming == Naming::Account,
            };
        }
        Outcome::Unmatched(miss) => (miss, false),
        Outcome::Undecidable(miss) => (miss, true),
    };
    let resources = statement.resources.as_ref();
    match miss {
        Miss::Inert => TraceOutcome::Inert,
        Miss::Principal => principal(statement, asked.principal),
        Miss::Action => element(&statement.actions, ["Action", "NotAction"], asked.action),
        Miss::Resource => resources.map_or(TraceOutcome::Inert, |resources| {
            element(resources, ["Resource", "NotResource"], asked.resource)
        }),
        Miss::Condition(at) => condition(statement, at, unreadable, asked.context),
    }
}

fn principal(statement: &Statement, asked: &Principal) -> TraceOutcome {
    let who = statement.who.as_ref();
    let element = match who {
        Some(who) if who.not => "NotPrincipal",
        _ => "Principal",
    };
    TraceOutcome::Principal {
        element: element.into(),
        asked: asked.shown(),
        wanted: who.map(|who| texts(&who.texts)).unwrap_or_default(),
    }
}

fn element<P>(element: &Element<P>, [positive, negative]: [&'static str; 2], asked: &str) -> TraceOutcome {
    TraceOutcome::Element {
        element: if element.not { negative } else { positive }.into(),
        asked: asked.to_owned(),
        wanted: texts(&element.texts),
    }
}

fn condition(statement: &Statement, at: usize, unreadable: bool, context: &Context) -> TraceOutcome {
    let Some(condition) = statement.conditions.get(at) else {
        return TraceOutcome::Inert;
    };
    TraceOutcome::Condition {
        operator: condition.operator.to_string(),
        key: condition.key.to_string(),
        wanted: texts(&condition.wanted),
        found: context.get(&condition.key).map(<[String]>::to_vec),
        unreadable,
    }
}

fn texts(texts: &[Box<str>]) -> Vec<String> {
    texts.iter().map(|text| text.to_string()).collect()
}

fn grant_trace(grant: &Grant, asked: Asked<'_>) -> GrantTrace {
    let outcome = if !grant.speaks_of(asked.action) {
        GrantOutcome::Action {
            asked: asked.action.to_owned(),
            wanted: grant.actions().map(str::to_owned).collect(),
        }
    } else if grant.naming(asked.principal).is_none() {
        GrantOutcome::Grantee {
            asked: asked.principal.shown(),
            wanted: grant.grantee().to_owned(),
        }
    } else if let Some(why) = grant.why_unmet() {
        GrantOutcome::Unmet { why: why.to_owned() }
    } else {
        GrantOutcome::Gives
    };
    GrantTrace {
        id: grant.id().to_owned(),
        outcome,
    }
}
