//! Changes as every page makes them: shown, confirmed, kept in a file, made, and taken back.
//!
//! A page plans its steps and shows them by [`preview`], whose form comes back with what was typed and the digest of what was shown.
//! [`carry_out`] plans nothing: the page plans again, and only a plan of the same digest is made. Each preview can be sent once.

mod kept;
mod make;
mod show;

pub(crate) use kept::{Entry, Kept, NotKept};
pub(crate) use make::{Carried, Done, Ending, StepDone, carry_out, take_back, would_take_back};
pub(crate) use show::{back_told, calls, preview, statements, take_back_form, told};

use crate::{context::Context, page::State};
use aws_lc_rs::digest::{SHA256, digest};
use maud::{Markup, html};
use operator::{
    change::{Call, Step},
    message,
    message::Message,
};
use serde_json::json;
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

/// The field that has the digest of what was shown.
pub(crate) const DIGEST: &str = "change-digest";
/// The field by which a preview is sent once.
pub(crate) const ONCE: &str = "change-once";
/// What is longer was not made here.
const ONCE_MAX: usize = 64;
/// So many previews that were sent are remembered.
const SENT_MAX: usize = 10_000;

/// A change that is to be made.
pub(crate) struct Planned {
    /// What it is, as a heading.
    pub(crate) title: Message,
    /// In the name of the file that takes it back: `setup`, `rollback`, `fix`. Letters and dashes.
    pub(crate) what: &'static str,
    /// The calls; none, when all is as it should be.
    pub(crate) steps: Vec<Step>,
    /// What was looked at. One that is [`State::Bad`] stands in the way: the change is shown, and cannot be made.
    pub(crate) checks: Vec<(State, Message)>,
    /// What has to be known before.
    pub(crate) warnings: Vec<Message>,
    /// What else belongs to it: who will read, what it costs. Shown below the steps.
    pub(crate) more: Markup,
    /// What is sent again with the confirmation, so that the same is planned.
    pub(crate) fields: Vec<(String, String)>,
    /// Whether a change that fails is taken back at once, or stays as far as it came.
    pub(crate) take_back_on_failure: bool,
}

impl Planned {
    /// With these steps and the fields of the request's form, and nothing else.
    pub(crate) fn new(c: &Context, title: Message, what: &'static str, steps: Vec<Step>) -> Planned {
        let own = |name: &str| matches!(name, DIGEST | ONCE | "token");
        let fields = c.form.fields().filter(|(name, _)| !own(name));
        Planned {
            title,
            what,
            steps,
            checks: Vec::new(),
            warnings: Vec::new(),
            more: html! {},
            fields: fields
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            take_back_on_failure: false,
        }
    }

    /// Whether nothing stands in the way, and there is something to do.
    pub(crate) fn is_possible(&self) -> bool {
        !self.steps.is_empty() && self.checks.iter().all(|(state, _)| *state != State::Bad)
    }

    /// Names what is done, to whom, and what takes it back: another plan has another digest.
    pub(crate) fn digest(&self, c: &Context) -> String {
        let step = |step: &Step| {
            let shown = step.shown.as_ref().map(|shown| [&shown.before, &shown.after]);
            json!([step.call, shown, step.undo])
        };
        let steps: Vec<_> = self.steps.iter().map(step).collect();
        named(&json!([c.session.caller.arn, self.what, steps]))
    }
}

/// The digest of what takes a change back.
fn digest_of_calls(c: &Context, id: &str, calls: &[Call]) -> String {
    named(&json!([c.session.caller.arn, id, calls]))
}

fn named(what: &serde_json::Value) -> String {
    hex::encode(digest(&SHA256, what.to_string().as_bytes()))
}

/// Whether the form confirms a change, or asks for it to be shown.
pub(crate) fn is_confirmed(c: &Context) -> bool {
    c.form.given(DIGEST).is_some()
}

/// Why a change that was confirmed was not tried.
pub(crate) fn why_not(carried: &Carried) -> Message {
    match carried {
        Carried::SentBefore => message!(
            "This was sent before: look at the changes for what became of it. Nothing was changed by this form.",
            "このフォームはすでに送信されています。結果は変更履歴を確認してください。今回は何も変更していません。"
        ),
        Carried::Differs | Carried::Done(_) => message!(
            "What would be done is not any more what was shown. Nothing was changed; this is what would be done now.",
            "表示した内容から変わったため、何も変更していません。現在の内容は次のとおりです。"
        ),
    }
}

/// The previews that were sent.
#[derive(Default)]
pub(crate) struct Sent(Mutex<VecDeque<String>>);

impl Sent {
    /// Whether it is sent for the first time.
    fn first(&self, once: &str) -> bool {
        let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if once.is_empty() || once.len() > ONCE_MAX || sent.iter().any(|known| known == once) {
            return false;
        }
        if sent.len() >= SENT_MAX {
            sent.pop_front();
        }
        sent.push_back(once.to_owned());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_is_sent_once() {
        let sent = Sent::default();
        assert!(sent.first("a") && sent.first("b"));
        assert!(!sent.first("a") && !sent.first("b") && !sent.first("") && !sent.first(&"a".repeat(65)));
        for number in 0..SENT_MAX {
            assert!(sent.first(&number.to_string()));
        }
        assert!(sent.first("a"), "the oldest is forgotten");
    }
}
