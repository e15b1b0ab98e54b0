//! What was looked at before a change, as people see it.

use crate::{
    changes::Screen,
    operate::tr,
    style::{Style, wrapped},
};
use operator::{
    message::{Language, Message},
    setup::{Check, Outcome},
};

/// The checks, a mark and a sentence each.
pub(super) fn checks(screen: &Screen, style: Style, checks: &[Check], language: Language) {
    screen.say(style.bold(tr!(language, "Checked before anything is changed", "変更前の確認")));
    for check in checks {
        let mark = match check.outcome {
            Outcome::Good => style.good("ok "),
            Outcome::Wrong => style.bad("NO "),
            Outcome::Unknown => style.bold("?  "),
        };
        marked(screen, &mark, check.says.in_language(language));
    }
    screen.say("");
}

/// Notes that change nothing.
pub(super) fn notes(screen: &Screen, notes: &[Message], language: Language) {
    for note in notes {
        marked(screen, "*  ", note.in_language(language));
    }
    if !notes.is_empty() {
        screen.say("");
    }
}

/// A text in lines after a mark of three columns.
pub(super) fn marked(screen: &Screen, mark: &str, text: &str) {
    for (at, line) in wrapped(text, 5).iter().enumerate() {
        let mark = if at == 0 { mark } else { "   " };
        screen.say(format!("  {mark}{line}"));
    }
}
