//! One statement of a policy, and how it matches a request.

use crate::{
    Context, Principal,
    condition::{Condition, Truth},
    pattern::{Case, InvalidVariable, Pattern, Syntax, arn_parts},
    principal::{Naming, Who},
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, sync::Arc};

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
    pub(crate) who: Option<Box<Who>>,
    pub(crate) actions: Element<ActionPattern>,
    /// `None` in trust policies, whose resource is the role that they belong to.
    pub(crate) resources: Option<Element<Pattern>>,
    pub(crate) conditions: Box<[Condition]>,
    /// A key policy may lack `Action` or `Resource`: it is saved, and the statement has no effect.
    pub(crate) inert: bool,
}

/// `Action` or `NotAction`, `Resource` or `NotResource`. Kept small: a decision walks over the elements of all statements.
#[derive(Clone, Debug)]
pub(crate) struct Element<P> {
    pub(crate) not: bool,
    /// Some pattern is `*`.
    every: bool,
    patterns: Box<[P]>,
    /// As the policy writes them.
    pub(crate) texts: Box<[Box<str>]>,
}

/// A pattern of actions, in lower case.
#[derive(Clone, Debug)]
pub(crate) struct ActionPattern {
    head: Head,
    /// The head says it all: a `*` follows it.
    is_head: bool,
    pattern: Pattern,
}

/// What of a request a statement sees.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) principal: &'a Principal,
    /// As it was asked; its case does not matter.
    pub(crate) action: &'a str,
    /// The same in lower case.
    pub(crate) folded: &'a Folded<'a>,
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
        if !self.actions.covers(asked) {
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
        if let Some(resources) = &self.resources {
            let covered = resources.covers(asked.resource, asked.context);
            // A pattern whose variable has no value is of no resource. `NotResource` then leaves nothing out: that may
            // deny, but not allow.
            if !covered.unwrap_or(resources.not && self.effect == Effect::Deny) {
                return Outcome::Unmatched(Miss::Resource);
            }
        }
        let mut unreadable = None;
        for (at, condition) in self.conditions.iter().enumerate() {
            match condition.test(asked.context) {
                Truth::Yes => {}
                Truth::No => return Outcome::Unmatched(Miss::Condition(at)),
                Truth::Unreadable => unreadable = unreadable.or(Some(at)),
            }
        }
        match unreadable {
            None => Outcome::Matched(naming),
            Some(at) => Outcome::Undecidable(Miss::Condition(at)),
        }
    }
}

/// An action in lower case, and its [`first_eight`] bytes.
#[derive(Debug)]
pub(crate) struct Folded<'a> {
    text: Cow<'a, str>,
    head: u64,
}

impl<'a> Folded<'a> {
    /// Of an action as it was asked. The buffer is room for all but the longest.
    pub(crate) fn new(action: &str, buffer: &'a mut [u8; 64]) -> Folded<'a> {
        let text = match buffer.get_mut(..action.len()) {
            Some(room) => {
                room.copy_from_slice(action.as_bytes());
                room.make_ascii_lowercase();
                std::str::from_utf8(room).map(Cow::Borrowed).unwrap_or_default()
            }
            None => Cow::Owned(action.to_ascii_lowercase()),
        };
        let head = first_eight(&text);
        Folded { text, head }
    }
}

/// The first eight bytes of an action, and which of them a pattern fixes. Most actions of a policy are not the one that is
/// asked for, and this tells them apart without looking at the pattern.
#[derive(Clone, Copy, Debug)]
struct Head {
    bytes: u64,
    fixed: u64,
}

impl Head {
    /// Of the first bytes of a pattern, as many as these.
    fn of(pattern: &str, length: usize) -> Head {
        let free_bits = 64_usize.saturating_sub(length * 8);
        let fixed = u32::try_from(free_bits)
            .ok()
            .and_then(|bits| u64::MAX.checked_shl(bits))
            .unwrap_or(0);
        Head {
            bytes: first_eight(pattern) & fixed,
            fixed,
        }
    }

    fn admits(self, asked: u64) -> bool {
        asked & self.fixed == self.bytes
    }
}

/// The first eight bytes, the first of them highest; zeros behind a shorter text.
fn first_eight(text: &str) -> u64 {
    let mut bytes = [0; 8];
    for (to, from) in bytes.iter_mut().zip(text.bytes()) {
        *to = from;
    }
    u64::from_be_bytes(bytes)
}

impl<P> Element<P> {
    fn new(not: bool, texts: &[&str], patterns: Box<[P]>) -> Element<P> {
        Element {
            not,
            every: texts.contains(&"*"),
            patterns,
            texts: texts.iter().map(|text| Box::from(*text)).collect(),
        }
    }

    /// Whether `*` is among the patterns.
    pub(crate) fn has_star(&self) -> bool {
        self.every
    }
}

impl Element<ActionPattern> {
    /// Actions have wildcards but no variables, and their case does not matter.
    pub(crate) fn actions(not: bool, texts: &[&str]) -> Result<Self, InvalidVariable> {
        let syntax = Syntax {
            wildcards: true,
            variables: false,
        };
        let pattern = |text: &&str| {
            let text = text.to_ascii_lowercase();
            let fixed = text.find(['*', '?']).unwrap_or(text.len());
            Ok(ActionPattern {
                head: Head::of(&text, fixed),
                is_head: fixed <= 8 && text.get(fixed..) == Some("*"),
                pattern: Pattern::compile(&text, syntax)?,
            })
        };
        let patterns: Result<_, InvalidVariable> = texts.iter().map(pattern).collect();
        Ok(Element::new(not, texts, patterns?))
    }

    /// Whether the element speaks of the action.
    fn covers(&self, asked: Asked<'_>) -> bool {
        let hit = self.every
            || self.patterns.iter().any(|pattern| {
                pattern.head.admits(asked.folded.head)
                    && (pattern.is_head
                        || pattern
                            .pattern
                            .matches(&asked.folded.text, Case::Sensitive, asked.context)
                            == Some(true))
            });
        hit != self.not
    }
}

impl Element<Pattern> {
    /// Of resources. An ARN of fewer than six parts, where that may be, is completed by a `*` for each that it lacks.
    ///
    /// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html#policies-grammar-notes-strings>
    pub(crate) fn resources(
        not: bool,
        texts: &[&str],
        variables: bool,
        complete: bool,
    ) -> Result<Self, InvalidVariable> {
        let syntax = Syntax {
            wildcards: true,
            variables,
        };
        let pattern = |text: &&str| {
            let lacks = match complete && *text != "*" {
                true => 6_usize.saturating_sub(arn_parts(text)),
                false => 0,
            };
            Pattern::compile(&format!("{text}{}", ":*".repeat(lacks)), syntax)
        };
        let patterns: Result<_, InvalidVariable> = texts.iter().map(pattern).collect();
        Ok(Element::new(not, texts, patterns?))
    }

    /// Whether the element speaks of the resource; `None` when that hangs on a variable without a value.
    fn covers(&self, text: &str, context: &Context) -> Option<bool> {
        if self.every {
            return Some(!self.not);
        }
        let matches = |pattern: &Pattern| pattern.matches(text, Case::Sensitive, context);
        if !self.not {
            let mut patterns = self.patterns.iter();
            return Some(patterns.any(|pattern| pattern.may_match(text) && matches(pattern) == Some(true)));
        }
        let mut unbound = false;
        for pattern in &self.patterns {
            match matches(pattern) {
                Some(true) => return Some(false),
                Some(false) => {}
                None => unbound = true,
            }
        }
        (!unbound).then_some(true)
    }
}
