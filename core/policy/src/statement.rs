//! One statement of a policy, and how it matches a request.

use crate::{
    Context, Principal,
    condition::{Condition, Truth},
    pattern::{Case, Pattern},
    principal::{Naming, Who},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a statement does when it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// Allows.
    Allow,
    /// Denies, whatever else allows.
    Deny,
}

/// A statement, compiled.
#[derive(Clone, Debug)]
pub struct Statement {
    pub(crate) sid: Option<Arc<str>>,
    pub(crate) effect: Effect,
    /// `None` in the policies that belong to a principal.
    pub(crate) who: Option<Who>,
    pub(crate) actions: Element,
    /// `None` in trust policies, whose resource is the role that they belong to.
    pub(crate) resources: Option<Element>,
    pub(crate) conditions: Vec<Condition>,
    /// A key policy may lack `Action` or `Resource`: it is saved, and the statement has no effect.
    pub(crate) inert: bool,
}

/// `Action` or `NotAction`, `Resource` or `NotResource`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Element {
    pub(crate) not: bool,
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) texts: Vec<Box<str>>,
}

/// What of a request a statement sees.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) principal: &'a Principal,
    /// As it was asked; its case does not matter.
    pub(crate) action: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) context: &'a Context,
    /// Whether the principal has a permissions boundary.
    pub(crate) bounded: bool,
}

/// Whose policy the statement is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The principal's: it names no principal.
    Holder,
    /// The resource's: every statement names principals.
    Resource,
}

/// How a statement met a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All elements match; so closely is the principal named.
    Matched(Naming),
    /// The first element that did not match.
    Unmatched(Miss),
    /// It cannot be told: a deny counts, an allow does not.
    Undecidable(Miss),
}

/// The element, or the condition by its place, that kept a statement from matching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Miss {
    Action,
    Condition(usize),
    Inert,
    Principal,
    Resource,
}

impl Statement {
    /// The statement's id.
    pub fn sid(&self) -> Option<&str> {
        self.sid.as_deref()
    }

    /// Allow or Deny.
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// The entries of `Action` or `NotAction` as written.
    pub fn actions(&self) -> impl Iterator<Item = &str> {
        self.actions.texts.iter().map(AsRef::as_ref)
    }

    /// The entries of `Resource` or `NotResource` as written; none in a trust policy.
    pub fn resources(&self) -> impl Iterator<Item = &str> {
        self.resources
            .iter()
            .flat_map(|element| element.texts.iter().map(AsRef::as_ref))
    }

    /// Meets a request. The one place where a statement is evaluated: decisions and traces both come from here.
    pub(crate) fn meet(&self, side: Side, asked: Asked<'_>) -> Outcome {
        if self.inert {
            return Outcome::Unmatched(Miss::Inert);
        }
        if self.actions.covers(asked.action, Case::Ignored, asked.context) != Some(true) {
            return Outcome::Unmatched(Miss::Action);
        }
        let naming = match (&self.who, side) {
            (None, Side::Holder) => Naming::Direct,
            (Some(who), Side::Resource) => match who.naming(asked.principal, self.effect, asked.bounded) {
                Some(naming) => naming,
                None => return Outcome::Unmatched(Miss::Principal),
            },
            // A policy of another kind stands where this one should: nothing can be read out of it.
            _ => return Outcome::Undecidable(Miss::Principal),
        };
        if let Some(resources) = &self.resources
            && resources.covers(asked.resource, Case::Sensitive, asked.context) != Some(true)
        {
            return Outcome::Unmatched(Miss::Resource);
        }
        let mut unreadable = None;
        for (at, condition) in self.conditions.iter().enumerate() {
            match condition.test(asked.context) {
                Truth::Yes => {}
                Truth::No | Truth::Unbound => return Outcome::Unmatched(Miss::Condition(at)),
                Truth::Unreadable => unreadable = unreadable.or(Some(at)),
            }
        }
        match unreadable {
            None => Outcome::Matched(naming),
            Some(at) => Outcome::Undecidable(Miss::Condition(at)),
        }
    }
}

impl Element {
    /// Whether the element speaks of this text; `None` when that hangs on a variable without a value.
    fn covers(&self, text: &str, case: Case, context: &Context) -> Option<bool> {
        let mut unbound = false;
        for pattern in &self.patterns {
            match pattern.matches(text, case, context) {
                Some(true) => return Some(!self.not),
                Some(false) => {}
                None => unbound = true,
            }
        }
        (!unbound).then_some(self.not)
    }
}
