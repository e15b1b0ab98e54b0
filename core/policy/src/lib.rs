//! # The IAM policy language: parse, match, decide
//!
//! Here lives who may do what: the policy documents of AWS (identity, resource, trust, boundary, session, service control
//! and resource control policies) and the grants of keys, how their statements match a request, how they combine into one
//! decision, why, what would change it, and the proof that a decision was made. Pure: no IO, no clock, no randomness; all
//! that a condition tests comes in the [`Context`].
//!
//! Start reading at [`decide`]. [`Policy::parse`] turns text into a [`Policy`] whose patterns are compiled, and
//! [`Policy::to_json`] back; `statement` matches one statement and says why it did not match; `condition` holds the
//! operators; `pattern` the wildcards and variables; `principal` who asks and whom a policy names; `authorized` the proof.
//! [`explain`] shows what every statement made of a request, [`remedy`] which changes would allow it, as patches for
//! [`apply_patch`]. [`rewrite_principals`] exchanges names in a document's text. [`is_public`] and [`check_statement`] are what
//! S3 asks of bucket policies.
//!
//! ## Invariants
//! - Silence is a deny, and an explicit deny wins over every allow. Adding a deny statement never opens a door.
//! - What cannot be evaluated counts against the caller: an `Allow` does not match, a `Deny` does.
//! - What [`remedy`] proposes has been decided to allow.
//! - The order of statements and of policies never changes whether a request is allowed.
//! - [`Authorized`] is made by [`authorize`] and [`authorize_exempt`] alone, and an empty list of checks is refused.
//! - Nothing in a policy or a request makes this crate panic.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>
#![deny(missing_docs)]

mod authorized;
mod condition;
mod context;
mod decide;
mod explain;
mod grant;
mod json;
mod parse;
mod patch;
mod pattern;
mod principal;
mod print;
mod public;
mod remedy;
mod rewrite;
mod statement;

pub use authorized::{Authorized, Exemption, Refusal, authorize, authorize_exempt};
pub use context::Context;
pub use decide::{Check, Decision, Denial, Grounds, Policies, PolicyType, Request, ResourceKind, decide};
pub use explain::{GrantOutcome, GrantTrace, StatementTrace, Trace, TraceOutcome, explain};
pub use grant::Grant;
pub use parse::{Malformed, ParseError, Policy, PolicyKind, PolicySource, counted_size};
pub use patch::{Op, PatchOp, apply_patch};
pub use principal::Principal;
pub use public::{ResourceFault, check_statement, is_public};
pub use remedy::{Change, remedy};
pub use rewrite::rewrite_principals;
pub use statement::{Effect, Statement};
