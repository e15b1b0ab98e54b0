//! Why each statement did or did not match, for people.

use crate::{
    Check, Context, Effect, Policy, PolicyType, Statement,
    decide::resource_type,
    statement::{Asked, Element, Miss, Outcome, Side},
};

/// What became of one statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementTrace {
    /// Which of the policies.
    pub policy: PolicyType,
    /// Which policy of this type, in the order given.
    pub nth: usize,
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceOutcome {
    /// It matched.
    Matched,
    /// It can never match: a key policy's statement without `Action` or `Resource`.
    Inert,
    /// It does not speak of the one who asks.
    Principal,
    /// An element, with what was asked beside what is written.
    Element {
        /// `Action`, `NotAction`, `Resource` or `NotResource`.
        element: &'static str,
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

/// Meets every statement of every policy of the check, in the order in which [`decide`](crate::decide) reads them.
pub fn explain(check: &Check<'_>) -> Vec<StatementTrace> {
    let (request, policies) = (&check.request, &check.policies);
    let action = request.action.to_ascii_lowercase();
    let asked = Asked {
        principal: request.principal,
        action: &action,
        resource: request.resource,
        context: request.context,
    };
    let mut trace = Vec::new();
    let mut add = |policy, side, policies: &mut dyn Iterator<Item = &Policy>| {
        for (nth, each) in policies.enumerate() {
            for (index, statement) in each.statements().iter().enumerate() {
                trace.push(StatementTrace {
                    policy,
                    nth,
                    index,
                    sid: statement.sid().map(str::to_owned),
                    effect: statement.effect,
                    outcome: outcome(statement, side, asked, request.action),
                });
            }
        }
    };
    let has_policies = request.principal.account().is_some();
    if has_policies {
        let levels = policies.service_control.iter().flatten();
        add(PolicyType::ServiceControl, Side::Holder, &mut levels.map(AsRef::as_ref));
    }
    add(
        resource_type(request.kind),
        Side::Resource,
        &mut policies.resource.into_iter(),
    );
    if has_policies {
        let session = policies.session.into_iter().flatten();
        add(
            PolicyType::Identity,
            Side::Holder,
            &mut policies.identity.iter().map(AsRef::as_ref),
        );
        add(
            PolicyType::PermissionsBoundary,
            Side::Holder,
            &mut policies.boundary.into_iter(),
        );
        add(PolicyType::Session, Side::Holder, &mut session.map(AsRef::as_ref));
    }
    trace
}

fn outcome(statement: &Statement, side: Side, asked: Asked<'_>, action: &str) -> TraceOutcome {
    let (miss, unreadable) = match statement.meet(side, asked) {
        Outcome::Matched(_) => return TraceOutcome::Matched,
        Outcome::Unmatched(miss) => (miss, false),
        Outcome::Undecidable(miss) => (miss, true),
    };
    let resources = statement.resources.as_ref();
    match miss {
        Miss::Inert => TraceOutcome::Inert,
        Miss::Principal => TraceOutcome::Principal,
        Miss::Action => element(&statement.actions, ["Action", "NotAction"], action),
        Miss::Resource => resources.map_or(TraceOutcome::Inert, |resources| {
            element(resources, ["Resource", "NotResource"], asked.resource)
        }),
        Miss::Condition(at) => condition(statement, at, unreadable, asked.context),
    }
}

fn element(element: &Element, [positive, negative]: [&'static str; 2], asked: &str) -> TraceOutcome {
    TraceOutcome::Element {
        element: if element.not { negative } else { positive },
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
