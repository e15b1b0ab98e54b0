//! Changes of an account: steps that are shown first, made one after the other, and taken back.
//!
//! Nothing is done that was not shown, and before a step is made the file that takes it back is on disk. A change that fails or is
//! stopped says what was made. A policy, a default encryption or a setting of a trail that somebody else has changed since the change
//! was planned, or since it was made, is not replaced: the step fails, or it is left when the change is taken back.

mod call;
mod carry_out;
mod describe;
pub mod diff;
mod keep;
mod present;
mod s3_wire;
mod take_back;

pub use call::{Answers, Call};
pub use carry_out::{Ended, Observer, carry_out};
pub use describe::described;
pub use keep::{BeforeFile, Unusable};
pub use present::Overtaken;
pub use s3_wire::Request as S3Request;
pub use take_back::{Back, BackObserver, TakenBack, deletes_events, has_events, take_back};

use crate::message::{Language, Message};
use keep::VERSION;
use serde::{Deserialize, Serialize};

/// One call of a change.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What it does: `Give the trail audit the key …`.
    pub title: Message,
    /// The call.
    pub call: Call,
    /// The document or setting before and after, to be shown as a difference; of something new, before is empty.
    pub shown: Option<Shown>,
    /// What takes it back, in order; empty when nothing has to.
    pub undo: Vec<Call>,
    /// Names under which later calls, and those of `undo`, find a part of its answer: `("key", "KeyMetadata.KeyId")`.
    pub answers: Vec<(String, String)>,
}

/// A text before and after a change.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// What it is: `The policy of the bucket …`.
    pub what: Message,
    /// Before; empty when there was none.
    pub before: String,
    /// After; empty when there is none any more.
    pub after: String,
}

/// What takes a change back, as it is kept in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct BeforeState {
    /// The format; 1.
    pub version: u32,
    /// The account that was changed.
    pub account: String,
    /// What the change was, for people.
    pub change: String,
    /// The same in Japanese, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_japanese: Option<String>,
    /// The ARN of who made it, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When, in RFC 3339.
    pub made_at: String,
    /// The calls that take it back, in the order in which they are to be made.
    pub undo: Vec<Call>,
}

impl BeforeState {
    /// Of a change that nothing is made of yet.
    pub fn of(account: &str, change: &Message, by: Option<&str>, made_at: &str) -> BeforeState {
        BeforeState {
            version: VERSION,
            account: account.to_owned(),
            change: change.to_string(),
            change_japanese: Some(change.in_language(Language::Japanese).to_owned()),
            by: by.map(str::to_owned),
            made_at: made_at.to_owned(),
            undo: Vec::new(),
        }
    }

    /// What the change was.
    pub fn title(&self) -> Message {
        let japanese = self.change_japanese.as_ref().unwrap_or(&self.change);
        Message::new(self.change.as_str(), japanese.as_str())
    }
}

/// How a call of S3 goes over the wire, for whoever has a wire of its own; nothing when it is not known here.
pub fn s3_request(call: &Call) -> Option<S3Request> {
    s3_wire::request(&call.operation, &call.input)
}
