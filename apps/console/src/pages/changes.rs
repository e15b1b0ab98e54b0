//! Changes that were made here, and the way back from each.

use crate::{
    ROOT,
    change::{self, Entry, Kept},
    context::Context,
    failure::Failure,
    page::{Page, State, empty, link, notice, state, table},
    router::{Outcome, Route, get, post},
    web::escaped,
};
use http::StatusCode;
use maud::{Markup, html};
use operator::{change::BeforeState, message, message::Message};
use std::sync::Arc;

/// So many changes are on a page.
const PAGE: usize = 50;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        get("/changes", list),
        get("/changes/{id}", show),
        post("/changes/{id}", take_back),
    ]
}

async fn list(c: Arc<Context>) -> Outcome {
    let (entries, more) = Kept::of(&c).list(c.query.given("before"), PAGE);
    let last = entries.last().map(|entry| entry.id.clone());
    let own: Vec<&Entry> = entries.iter().filter(|entry| entry.is_for(&c.session)).collect();
    let rows = own.iter().map(|entry| row(&c, entry)).collect();
    let head = [
        message!("When", "日時"),
        message!("What", "内容"),
        message!("By whom", "実行者"),
        message!("Way back", "元に戻す"),
    ];
    let page = Page::new(&c, message!("Changes", "変更履歴")).of_all_regions();
    Ok(page.with(html! {
        p { (c.t(&message!(
            "Before each call of a change, what takes it back is kept here. It is for whoever made the change and for the account's root.",
            "変更の各呼び出しの前に、元に戻すための情報をここに保存します。変更した本人とアカウントのルートだけが使用できます。"
        ))) }
        @if own.is_empty() && !more {
            (empty(&c, &message!("You have changed nothing in this console.", "このコンソールで行ったあなたの変更はありません。")))
        } @else {
            (table(&c, &message!("Changes made in this console, the latest first", "このコンソールで行った変更 (新しい順)"), &head, rows))
        }
        @if more && let Some(last) = last {
            p { a href={ (ROOT) "/changes?before=" (escaped(&last)) } { (c.t(&message!("Earlier ones", "以前の変更"))) } }
        }
    }))
}

fn row(c: &Context, entry: &Entry) -> Vec<Markup> {
    let Ok(state_of) = &entry.state else { return Vec::new() };
    let path = format!("/changes/{}", entry.id);
    let way_back = match state_of.undo.is_empty() {
        true => state(c, State::Plain, &message!("Taken back", "元に戻しました")),
        false => link(&path, c.t(&message!("Take back", "元に戻す"))),
    };
    vec![
        html! { time datetime=(state_of.made_at) { (state_of.made_at) } },
        html! { (c.t(&state_of.title())) },
        html! { code { (state_of.by.as_deref().unwrap_or("-")) } },
        way_back,
    ]
}

fn found(c: &Context) -> Result<Entry, Failure> {
    let entry = Kept::of(c).entry(c.param("id"));
    let entry = entry.ok_or_else(none)?;
    match (&entry.state, entry.is_for(&c.session)) {
        (Err(fault), _) => {
            // Its text names the server's files.
            tracing::error!(%fault, "what takes a change back cannot be used");
            Err(none())
        }
        (Ok(_), true) => Ok(entry),
        (Ok(_), false) => Err(none()),
    }
}

fn none() -> Failure {
    Failure::Missing(message!(
        "There is no such change of yours.",
        "この変更は存在しないか、あなたの変更ではありません。"
    ))
}

fn page<'a>(c: &'a Context, state: &BeforeState) -> Page<'a> {
    let title = state.title();
    let (english, japanese) = (
        title.in_language(operator::message::Language::English),
        title.in_language(operator::message::Language::Japanese),
    );
    Page::new(c, message!("Take back: {english}", "元に戻す: {japanese}"))
        .of_all_regions()
        .below(message!("Changes", "変更履歴"), "/changes")
}

async fn show(c: Arc<Context>) -> Outcome {
    let entry = found(&c)?;
    preview(&c, &entry, html! {})
}

fn preview(c: &Context, entry: &Entry, before: Markup) -> Outcome {
    let Ok(state) = &entry.state else { return Err(none()) };
    Ok(page(c, state).with(html! {
        (before)
        p.aside { (c.t(&message!("Changed", "変更日時"))) " " time datetime=(state.made_at) { (state.made_at) } " · " (state.by.as_deref().unwrap_or_default()) }
        @if state.undo.is_empty() {
            (empty(c, &message!("There is nothing left to take back.", "元に戻すものは残っていません。")))
        } @else {
            section {
                h2 { (c.t(&message!("What will be done", "行う操作"))) }
                (change::calls(c, &state.undo))
            }
            (change::take_back_form(c, entry))
        }
    }))
}

async fn take_back(c: Arc<Context>) -> Outcome {
    let entry = found(&c)?;
    let Ok(state) = &entry.state else { return Err(none()) };
    let Some(taken) = change::take_back(&c, &entry.id).await? else {
        let now = found(&c)?;
        let says = message!(
            "This is not what was shown before, or it was sent already. Nothing was changed by this form.",
            "表示した内容と異なるか、すでに送信されています。このフォームでは何も変更していません。"
        );
        return Ok(preview(&c, &now, notice(&c, State::Warn, &says))?.status(StatusCode::CONFLICT));
    };
    Ok(page(&c, state).with(html! {
        (change::back_told(&c, &taken))
        @if !taken.is_whole() {
            p { a href={ (ROOT) "/changes/" (entry.id) } { (c.t(&message!("Try again", "もう一度試す"))) } }
        }
        p { a href={ (ROOT) "/changes" } { (c.t(&message!("All changes", "すべての変更"))) } }
    }))
}
