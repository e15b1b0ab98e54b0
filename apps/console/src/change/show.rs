//! How a change looks.

use super::{DIGEST, Done, Ending, Entry, ONCE, Planned, StepDone, would_take_back};
use crate::{
    ROOT,
    context::Context,
    page::{State, code, diff, reasons_of, refusal, state, tick, token},
};
use maud::{Markup, html};
use operator::{
    aws::Error,
    change::{Back, Call, Overtaken, Shown, Step, TakenBack, deletes_events, described},
    message,
    message::Message,
    statements::{Explained, explained},
    text,
};
use serde_json::Value;

/// What would be done, and the form that confirms it. The form goes to this path below the console's root.
pub(crate) fn preview(c: &Context, planned: &Planned, action: &str) -> Markup {
    html! {
        @if !planned.checks.is_empty() {
            section {
                h2 { (c.t(&message!("What was looked at", "確認した内容"))) }
                ul.checks { @for (how, says) in &planned.checks { li { (state(c, *how, &short(*how))) " " (c.t(says)) } } }
            }
        }
        @if !planned.warnings.is_empty() {
            section {
                h2 { (c.t(&message!("To be known before", "注意"))) }
                ul.warnings { @for warning in &planned.warnings { li { (c.t(warning)) } } }
            }
        }
        section #steps {
            h2 { (c.t(&message!("What will be done", "行う変更"))) }
            @if planned.steps.is_empty() {
                p.empty { (c.t(&message!("There is nothing to change: all is as it should be.", "変更はありません。すべて設定済みです。"))) }
            }
            ol.steps { @for step in &planned.steps { li { (one(c, step)) } } }
        }
        (planned.more)
        (confirmation(c, planned, action))
    }
}

fn short(how: State) -> Message {
    match how {
        State::Good => message!("Good", "良好"),
        State::Bad => message!("Wrong", "問題"),
        State::Unknown => message!("Not known", "不明"),
        State::Warn | State::Plain => message!("Note", "注意"),
    }
}

fn confirmation(c: &Context, planned: &Planned, action: &str) -> Markup {
    if !planned.is_possible() {
        return html! {
            @if !planned.steps.is_empty() {
                p.notice.bad role="alert" { (c.t(&message!(
                    "This cannot be made as it is: what is wrong has to be put right first. Nothing was changed.",
                    "このままでは実行できません。先に上記の問題を解消してください。何も変更していません。"
                ))) }
            }
        };
    }
    html! {
        form.confirm method="post" action={ (ROOT) (action) } {
            (token(c))
            @for (name, value) in &planned.fields { input type="hidden" name=(name) value=(value); }
            (confirming(c, &planned.digest(c)))
            p.hint { (c.t(&message!(
                "Nothing was changed yet. What takes the change back is kept before each call.",
                "まだ何も変更していません。各呼び出しの前に、元に戻すための情報を保存します。"
            ))) }
            div.actions { button.primary type="submit" { (c.t(&message!("Make this change", "この変更を実行"))) } }
        }
    }
}

fn confirming(c: &Context, digest: &str) -> Markup {
    let once = hex::encode(c.settings().random.bytes::<16>());
    html! {
        input type="hidden" name=(DIGEST) value=(digest);
        input type="hidden" name=(ONCE) value=(once);
    }
}

fn one(c: &Context, step: &Step) -> Markup {
    html! {
        h3 { (c.t(&step.title)) }
        @match &step.shown {
            Some(shown) => (shown_text(c, shown)),
            None => {}
        }
        details {
            summary { (c.t(&message!("The call", "呼び出しの内容"))) " " code { (step.call.service) ":" (step.call.operation) } " · " (step.call.region) }
            (code(c, &text::policy(&readable(&step.call.input).to_string())))
            p.hint { (c.t(&message!("The same by the AWS CLI", "AWS CLI での同じ操作"))) }
            (code(c, &step.call.command()))
        }
    }
}

/// A text before and after: the difference, or the whole when it is new; a policy in sentences, too.
fn shown_text(c: &Context, shown: &Shown) -> Markup {
    let is_new = shown.before.is_empty();
    html! {
        @if is_new && is_document(&shown.after) {
            p { (c.t(&shown.what)) }
        } @else {
            (diff(c, &shown.what, &shown.before, &shown.after))
        }
        (statements(c, &shown.after, &shown.before))
        @if is_new && is_document(&shown.after) {
            details {
                summary { (c.t(&message!("As JSON", "JSON で表示"))) }
                (code(c, &text::policy(&shown.after)))
            }
        }
    }
}

fn is_document(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// A policy in sentences; those are marked that are not in the policy before. What is no policy shows nothing.
pub(crate) fn statements(c: &Context, document: &str, before: &str) -> Markup {
    let all = explained(document);
    let earlier: Vec<Value> = explained(before).iter().filter_map(value_of).collect();
    let is_new = |one: &Explained| value_of(one).is_none_or(|value| !earlier.contains(&value));
    let compared = !earlier.is_empty();
    html! {
        @if !all.is_empty() {
            ol.statements {
                @for one in &all {
                    li {
                        @if let Some(sid) = &one.sid { b.sid { (sid) } " " }
                        @if one.denies { (state(c, State::Bad, &message!("Deny", "拒否"))) " " }
                        @if compared && is_new(one) { (state(c, State::Plain, &message!("New", "新規"))) " " }
                        p { (c.t(&one.says)) }
                        @if let Some(purpose) = &one.purpose { p.aside { (c.t(purpose)) } }
                    }
                }
            }
        }
    }
}

fn value_of(one: &Explained) -> Option<Value> {
    serde_json::from_str(&one.json).ok()
}

/// An input with its policies as documents, not as texts in quotes.
fn readable(input: &Value) -> Value {
    let Value::Object(members) = input else {
        return input.clone();
    };
    let member = |(name, value): (&String, &Value)| {
        let document = value
            .as_str()
            .filter(|_| name.contains("Policy"))
            .and_then(|text| serde_json::from_str::<Value>(text).ok())
            .filter(Value::is_object);
        (name.clone(), document.unwrap_or_else(|| value.clone()))
    };
    Value::Object(members.iter().map(member).collect())
}

/// What became of a change, and the way back.
pub(crate) async fn told(c: &Context, done: &Done) -> Markup {
    let words = |step: StepDone| match step {
        StepDone::Made => state(c, State::Good, &message!("Made", "実行済み")),
        StepDone::NotMade => state(c, State::Plain, &message!("Not made", "未実行")),
        StepDone::Failed => state(c, State::Bad, &message!("Failed", "失敗")),
        StepDone::Unsure => state(
            c,
            State::Bad,
            &message!("Failed, and may have been made", "失敗 (実行された可能性あり)"),
        ),
    };
    html! {
        @match &done.ending {
            Ending::Made(_) => { p.notice.good role="status" { (c.t(&message!("The change is made.", "変更が完了しました。"))) } }
            Ending::Failed(error) => { (failed(c, error).await) }
        }
        @if let Some(taken) = &done.taken_back {
            h2 { (c.t(&message!("What was made was taken back", "行った変更を元に戻しました"))) }
            (back_told(c, taken))
        }
        section {
            h2 { (c.t(&message!("The steps", "各ステップ"))) }
            ol.steps { @for (step, how) in &done.steps { li { (words(*how)) " " (c.t(&step.title)) } } }
        }
        @if let Some(id) = &done.kept {
            p { a href={ (ROOT) "/changes/" (id) } { (c.t(&message!("Take this change back", "この変更を元に戻す"))) } }
        }
    }
}

async fn failed(c: &Context, error: &Error) -> Markup {
    html! {
        p { (c.t(&message!("A step failed:", "ステップが失敗しました:"))) }
        (refusal(c, error))
        (reasons_of(c, error).await)
    }
}

/// Calls that take a change back, in sentences, with their inputs.
pub(crate) fn calls(c: &Context, calls: &[Call]) -> Markup {
    html! {
        ol.steps {
            @for call in calls {
                li {
                    h3 { (c.t(&described(call))) }
                    details {
                        summary { (c.t(&message!("The call", "呼び出しの内容"))) " " code { (call.service) ":" (call.operation) } " · " (call.region) }
                        (code(c, &text::policy(&readable(&call.input).to_string())))
                        p.hint { (c.t(&message!("The same by the AWS CLI", "AWS CLI での同じ操作"))) }
                        (code(c, &call.command()))
                    }
                }
            }
        }
    }
}

/// The form that takes a change back.
pub(crate) fn take_back_form(c: &Context, entry: &Entry) -> Markup {
    let Some(digest) = would_take_back(c, entry) else {
        return html! {};
    };
    let deletes = entry
        .state
        .as_ref()
        .is_ok_and(|state| state.undo.iter().any(deletes_events));
    html! {
        form.confirm method="post" action={ (ROOT) "/changes/" (entry.id) } {
            (token(c)) (confirming(c, &digest))
            (tick(c, "overwrite", "on", false, &message!(
                "Also what somebody else has changed since: their change is lost",
                "その後に他者が変更したものも元に戻す (他者の変更は失われます)"
            )))
            @if deletes {
                (tick(c, "delete-logs", "on", false, &message!(
                    "Also log groups with events in them: they are lost",
                    "イベントのあるロググループも削除する (イベントは失われます)"
                )))
            }
            div.actions { button.primary type="submit" { (c.t(&message!("Take back", "元に戻す"))) } }
        }
    }
}

/// What became of taking a change back.
pub(crate) fn back_told(c: &Context, taken: &TakenBack) -> Markup {
    let is_as_before = taken.is_whole() && taken.kept().next().is_none();
    html! {
        @if is_as_before {
            p.notice.good role="status" { (c.t(&message!("All is as it was before.", "すべて元に戻りました。"))) }
        } @else if taken.is_whole() {
            p.notice.warn role="status" { (c.t(&message!("Everything is as it was before, but for what is kept.", "残すもの以外はすべて元に戻りました。"))) }
        } @else {
            p.notice.bad role="alert" { (c.t(&message!("Not everything could be taken back. It can be tried again.", "一部を元に戻せませんでした。もう一度試すことができます。"))) }
        }
        ol.steps { @for (call, back) in &taken.tried { li { (back_of(c, call, back)) } } }
    }
}

fn back_of(c: &Context, call: &Call, back: &Back) -> Markup {
    let (how, says) = match back {
        Back::Made => (State::Good, message!("Done", "完了")),
        Back::NotThere => (State::Good, message!("Not there", "存在しません")),
        Back::Nameless => (
            State::Bad,
            message!(
                "Cannot be done here, for the answer with its name never came",
                "実行できません (名前を含む応答が得られませんでした)"
            ),
        ),
        Back::Failed(_) => (State::Bad, message!("Failed", "失敗")),
        Back::Held => (
            State::Bad,
            message!(
                "Not tried, for what failed before needs it",
                "未実行 (失敗した項目に必要なため)"
            ),
        ),
        Back::Kept => (State::Warn, message!("Kept", "残します")),
        Back::Overtaken(_) => (
            State::Bad,
            message!(
                "Left, for somebody has changed it since",
                "変更後に他者が変更したため未実行"
            ),
        ),
    };
    html! {
        (state(c, how, &says)) " " (c.t(&described(call)))
        @match back {
            Back::Failed(error) => { (refusal(c, error)) }
            Back::Kept => { p.aside { (c.t(&why_kept(call))) } (code(c, &call.command())) }
            Back::Overtaken(overtaken) => { (other(c, overtaken)) }
            _ => {}
        }
    }
}

fn why_kept(call: &Call) -> Message {
    match deletes_events(call) {
        true => message!(
            "There are events in it, or it cannot be told whether there are. To delete it with them:",
            "イベントが記録されているか、有無を確認できません。イベントごと削除するには:"
        ),
        false => message!(
            "The trail may have sealed log files with it, which nobody could read without it. It goes on costing. When none of them is needed any more:",
            "この鍵で暗号化されたログファイルがあると、削除後は誰も読めなくなります (料金は引き続き発生します)。不要になったら:"
        ),
    }
}

fn other(c: &Context, overtaken: &Overtaken) -> Markup {
    diff(c, &overtaken.what, &overtaken.expected, &overtaken.found)
}
