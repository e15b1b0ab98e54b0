//! Parts of pages.

use crate::{ROOT, context::Context};
use base::Timestamp;
use maud::{Markup, html};
use operator::{
    change::diff::{Line, hunks, pretty},
    message,
    message::Message,
    survey::{Fact, Missing, MissingKind},
};
use std::time::Duration;

/// How something stands. It is said in words; the colour and the sign only repeat it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// As it should be.
    Good,
    /// To be looked at.
    Warn,
    /// Wrong.
    Bad,
    /// Not known.
    Unknown,
    /// Neither good nor bad.
    Plain,
}

impl State {
    /// The style's name for it.
    pub(crate) fn class(self) -> &'static str {
        match self {
            State::Good => "good",
            State::Warn => "warn",
            State::Bad => "bad",
            State::Unknown => "unknown",
            State::Plain => "plain",
        }
    }

    fn sign(self) -> &'static str {
        match self {
            State::Good => "✓",
            State::Warn => "!",
            State::Bad => "✕",
            State::Unknown => "?",
            State::Plain => "",
        }
    }
}

/// A state in words, with its sign and colour.
pub(crate) fn state(c: &Context, state: State, says: &Message) -> Markup {
    html! {
        span class={ "state " (state.class()) } {
            @if !state.sign().is_empty() { span.sign aria-hidden="true" { (state.sign()) } " " }
            (c.t(says))
        }
    }
}

/// A sentence that stands out.
pub(crate) fn notice(c: &Context, state: State, says: &Message) -> Markup {
    html! { p class={ "notice " (state.class()) } role=[(state == State::Bad).then_some("alert")] { (c.t(says)) } }
}

/// A fact, or which call would have told it and why it did not.
pub(crate) fn fact<T>(c: &Context, fact: &Fact<T>, show: impl FnOnce(&T) -> Markup) -> Markup {
    match fact {
        Fact::Known(value) => show(value),
        Fact::NotAvailable(missing) => not_available(c, missing),
    }
}

/// What could not be read.
pub(crate) fn not_available(c: &Context, missing: &Missing) -> Markup {
    let call = &missing.call;
    let says = match missing.kind() {
        MissingKind::Denied => message!("You may not call {call}", "{call} を呼び出す権限がありません"),
        MissingKind::Unsupported => message!("There is no {call} here", "ここには {call} がありません"),
        MissingKind::Gone => message!("Not there any more", "存在しません"),
        MissingKind::NotAsked => message!("Not asked", "未確認"),
        MissingKind::Failed => message!("{call} failed", "{call} が失敗しました"),
    };
    html! {
        span.state.unknown title={ (missing.code) " " (missing.message) } { span.sign aria-hidden="true" { "?" } " " (c.t(&says)) }
    }
}

/// Names with what they are.
pub(crate) fn facts(c: &Context, rows: Vec<(Message, Markup)>) -> Markup {
    html! { dl.facts { @for (name, value) in &rows { div { dt { (c.t(name)) } dd { (value) } } } } }
}

/// A table in a box of its own that scrolls. The caption is read out, and shown.
pub(crate) fn table(c: &Context, caption: &Message, head: &[Message], rows: Vec<Vec<Markup>>) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(c.t(caption)) {
            table {
                caption { (c.t(caption)) }
                thead { tr { @for name in head { th scope="col" { (c.t(name)) } } } }
                tbody {
                    @for row in &rows {
                        tr { @for (at, cell) in row.iter().enumerate() {
                            @if at == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                        } }
                    }
                }
            }
        }
    }
}

/// What there is when there is nothing.
pub(crate) fn empty(c: &Context, says: &Message) -> Markup {
    html! { p.empty { (c.t(says)) } }
}

/// A text as it is: JSON, a policy, a command. It may be copied where there is script.
pub(crate) fn code(c: &Context, text: &str) -> Markup {
    html! {
        div.code {
            button.copy type="button" hidden data-copy=(c.t(&message!("Copied", "コピーしました"))) { (c.t(&message!("Copy", "コピー"))) }
            pre tabindex="0" { code { (text) } }
        }
    }
}

/// What differs between two texts, with the lines around it.
pub(crate) fn diff(c: &Context, what: &Message, before: &str, after: &str) -> Markup {
    let (before, after) = (pretty(before), pretty(after));
    let hunks = hunks(&before, &after);
    html! {
        figure.diff {
            figcaption { (c.t(what)) }
            div.scroll tabindex="0" role="region" aria-label=(c.t(what)) {
                @for (at, hunk) in hunks.iter().enumerate() {
                    @if at > 0 { div.gap { "⋯" } }
                    @for line in &hunk.lines {
                        @match line {
                            Line::Same(text) => div.same { span.sign { " " } (text) },
                            Line::New(text) => ins { span.sign { "+" } (text) },
                            Line::Gone(text) => del { span.sign { "-" } (text) },
                        }
                    }
                }
            }
        }
    }
}

/// A point in time, and how long ago or ahead.
pub(crate) fn time(c: &Context, at: Timestamp) -> Markup {
    let text = at.iso8601();
    html! { time datetime=(text) title=(text) { (text.replace('T', " ").trim_end_matches('Z')) " " span.aside { "(" (c.t(&ago(c.now(), at))) ")" } } }
}

/// How long before now, or after it.
pub(crate) fn ago(now: Timestamp, at: Timestamp) -> Message {
    let (span, ahead) = match at <= now {
        true => (now.since(at), false),
        false => (at.since(now), true),
    };
    let long = span_of(span);
    let (english, japanese) = (
        long.in_language(operator::message::Language::English),
        long.in_language(operator::message::Language::Japanese),
    );
    match ahead {
        false => message!("{english} ago", "{japanese}前"),
        true => message!("in {english}", "{japanese}後"),
    }
}

/// A length of time in its largest unit.
pub(crate) fn span_of(span: Duration) -> Message {
    let seconds = span.as_secs();
    let (count, english, japanese) = match seconds {
        0..60 => (seconds, "second", "秒"),
        60..3600 => (seconds / 60, "minute", "分"),
        3600..172_800 => (seconds / 3600, "hour", "時間"),
        _ => (seconds / 86_400, "day", "日"),
    };
    let plural = if count == 1 { "" } else { "s" };
    message!("{count} {english}{plural}", "{count} {japanese}")
}

/// So many bytes, for people.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or_default();
    if unit == 0 {
        format!("{count} {name}")
    } else {
        format!("{value:.1} {name}")
    }
}

/// A number with thousands apart.
pub(crate) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A link to a page of the console, by its path below the root.
pub(crate) fn link(path: &str, text: &str) -> Markup {
    html! { a href={ (ROOT) (path) } { (text) } }
}

/// A line of text to fill in.
pub(crate) struct Field<'a> {
    /// The name that it is sent under; also its id.
    pub(crate) name: &'a str,
    /// What it is.
    pub(crate) label: Message,
    /// What it holds.
    pub(crate) value: &'a str,
    /// What to put in.
    pub(crate) hint: Option<Message>,
    /// What is wrong with what it holds.
    pub(crate) error: Option<Message>,
    /// Whether it must not be empty.
    pub(crate) required: bool,
    /// Offered values.
    pub(crate) offered: Vec<String>,
}

impl<'a> Field<'a> {
    /// One that may be empty.
    pub(crate) fn new(name: &'a str, label: Message, value: &'a str) -> Field<'a> {
        Field {
            name,
            label,
            value,
            hint: None,
            error: None,
            required: false,
            offered: Vec::new(),
        }
    }

    pub(crate) fn hint(mut self, hint: Message) -> Self {
        self.hint = Some(hint);
        self
    }

    pub(crate) fn error(mut self, error: Option<Message>) -> Self {
        self.error = error;
        self
    }

    pub(crate) fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(crate) fn offered(mut self, offered: Vec<String>) -> Self {
        self.offered = offered;
        self
    }

    fn described(&self) -> Option<String> {
        let name = self.name;
        let hint = self.hint.as_ref().map(|_| format!("{name}-hint"));
        let error = self.error.as_ref().map(|_| format!("{name}-error"));
        match (hint, error) {
            (Some(hint), Some(error)) => Some(format!("{error} {hint}")),
            (one, other) => one.or(other),
        }
    }

    fn around(&self, c: &Context, control: Markup) -> Markup {
        html! {
            div.field {
                label for=(self.name) { (c.t(&self.label)) }
                @if let Some(error) = &self.error { p.error id={ (self.name) "-error" } { (c.t(error)) } }
                (control)
                @if let Some(hint) = &self.hint { p.hint id={ (self.name) "-hint" } { (c.t(hint)) } }
            }
        }
    }

    /// As one line.
    pub(crate) fn line(&self, c: &Context) -> Markup {
        let list = (!self.offered.is_empty()).then(|| format!("{}-offered", self.name));
        self.around(c, html! {
            input id=(self.name) name=(self.name) value=(self.value) required[self.required] spellcheck="false" autocomplete="off"
                list=[list.as_deref()] aria-describedby=[self.described()] aria-invalid=[self.error.as_ref().map(|_| "true")];
            @if let Some(list) = &list { datalist id=(list) { @for value in &self.offered { option value=(value) {} } } }
        })
    }

    /// As several lines: a policy.
    pub(crate) fn lines(&self, c: &Context, rows: u32) -> Markup {
        self.around(c, html! {
            textarea id=(self.name) name=(self.name) rows=(rows) required[self.required] spellcheck="false" autocomplete="off"
                aria-describedby=[self.described()] aria-invalid=[self.error.as_ref().map(|_| "true")] { (self.value) }
        })
    }

    /// As a choice of these values, each with its words.
    pub(crate) fn choice(&self, c: &Context, values: &[(&str, Message)]) -> Markup {
        self.around(
            c,
            html! {
                select id=(self.name) name=(self.name) aria-describedby=[self.described()] {
                    @for (value, says) in values { option value=(value) selected[*value == self.value] { (c.t(says)) } }
                }
            },
        )
    }
}

/// A box to tick.
pub(crate) fn tick(c: &Context, name: &str, value: &str, ticked: bool, says: &Message) -> Markup {
    let id = format!("{name}-{value}");
    html! { div.tick { input type="checkbox" id=(id) name=(name) value=(value) checked[ticked]; label for=(id) { (c.t(says)) } } }
}

/// One of several values, all shown. Stands in a `fieldset` with a `legend`.
pub(crate) fn radio(c: &Context, name: &str, value: &str, chosen: bool, says: &Message) -> Markup {
    let id = format!("{name}-{value}");
    html! { div.tick { input type="radio" id=(id) name=(name) value=(value) checked[chosen]; label for=(id) { (c.t(says)) } } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use operator::message::Language::{English, Japanese};

    #[test]
    fn numbers_are_told_for_people() {
        let check = |value: u64, grouped: &str, sized: &str| {
            assert_eq!((number(value).as_str(), bytes(value).as_str()), (grouped, sized));
        };
        check(0, "0", "0 B");
        check(1_023, "1,023", "1023 B");
        check(1_536, "1,536", "1.5 KiB");
        check(1_234_567_890, "1,234,567,890", "1.1 GiB");
        check(u64::MAX, "18,446,744,073,709,551,615", "16777216.0 TiB");
    }

    #[test]
    fn times_are_told_from_now() {
        let now = Timestamp::from_secs_f64(1_000_000.0);
        let check = |at: f64, english: &str, japanese: &str| {
            let says = ago(now, Timestamp::from_secs_f64(at));
            assert_eq!(
                (says.in_language(English), says.in_language(Japanese)),
                (english, japanese)
            );
        };
        check(1_000_000.0, "0 seconds ago", "0 秒前");
        check(999_999.0, "1 second ago", "1 秒前");
        check(992_800.0, "2 hours ago", "2 時間前");
        check(1_000_120.0, "in 2 minutes", "2 分後");
        check(100_000.0, "10 days ago", "10 日前");
    }
}
