//! The list of events, and their counts over time.

use super::{
    asked::{Asked, Ended, address},
    download, filter,
    look::{Entry, Found, OF_A_PAGE, look},
};
use crate::{
    AGENT, ROOT,
    chart::{Chart, Paint},
    context::Context,
    failure::Failure,
    page::{Page, State, empty, not_available, number, reasons_of, refusal, state},
    router::Outcome,
    web::{Answer, escaped, segment},
};
use base::Timestamp;
use maud::{Markup, html};
use operator::{
    aws::Error,
    message,
    message::Message,
    shoseki::{self, Count, EventsSummary, summarise_events},
    survey::Missing,
};
use std::{sync::Arc, time::Duration};

/// Into so many parts the time is cut.
const BINS: u32 = 48;

pub(super) async fn show(c: Arc<Context>) -> Outcome {
    let asked = Asked::of(&c.query, c.now());
    if !asked.wrong.is_empty() {
        let page = Page::new(&c, message!("Events", "イベント"));
        return Ok(page
            .with(filter::form(&c, &asked))
            .status(http::StatusCode::BAD_REQUEST));
    }
    let client = c.client();
    let token = c.query.given("next");
    if c.query.get("part") == "rows" {
        let found = look(&client, &asked, token, OF_A_PAGE).await?;
        return Ok(Answer::page(
            html! { table { (rows(&c, &found.entries)) } (more(&c, &asked, &found)) },
        ));
    }
    let question = asked.counted(BINS);
    let (found, counted) = tokio::join!(
        look(&client, &asked, token, OF_A_PAGE),
        summarise_events(&client, &question)
    );
    let found = match found {
        Ok(found) => found,
        Err(error) if Failure::is_of_credentials(&error) => return Err(error.into()),
        Err(error) => return refused(&c, &asked, error).await,
    };
    Ok(Page::new(&c, message!("Events", "イベント")).with(html! {
        (where_they_are(&c))
        (filter::form(&c, &asked))
        (counts(&c, &asked, &counted))
        (live(&c, &asked))
        (list(&c, &asked, &found))
        (download::offer(&c, &asked, counted.as_ref().ok()))
    }))
}

/// The page of who may not look events up: what the service said and why, and the filters.
async fn refused(c: &Context, asked: &Asked, error: Error) -> Outcome {
    let reasons = reasons_of(c, &error).await;
    let told = html! { (refusal(c, &error)) (filter::form(c, asked)) (reasons) };
    let status = Failure::Aws(error).status();
    Ok(Page::new(c, message!("Events", "イベント")).with(told).status(status))
}

fn where_they_are(c: &Context) -> Markup {
    let region = &c.region;
    html! {
        p.aside {
            (c.t(&message!(
                "The management events of {region} in the last 90 days, newest first, whether or not a trail logs.",
                "{region} の過去 90 日間の管理イベントです（新しい順）。証跡の有無に関係なく記録されます。"
            )))
            @if region != "us-east-1" {
                " " a href=(address(c, &[("region", "us-east-1")])) { (c.t(&message!(
                    "Those of IAM and other global services are in us-east-1.",
                    "IAM などグローバルサービスのイベントは us-east-1 にあります。"
                ))) }
            }
        }
    }
}

// Counts over time.

fn counts(c: &Context, asked: &Asked, counted: &Result<EventsSummary, Error>) -> Markup {
    let counted = match counted {
        Ok(counted) => counted,
        Err(error) => {
            return html! {
                p { (c.t(&message!("There is no picture over time:", "時系列のグラフは表示できません:"))) " "
                    (not_available(c, &Missing::of("shoseki:SummariseEvents", &c.region, error))) }
            };
        }
    };
    let (all, denied, failed) = (number(counted.events), number(counted.denied), number(counted.failed));
    html! {
        section aria-label=(c.t(&message!("Over time", "時系列"))) {
            (chart(c, asked, counted).markup(c))
            p.aside {
                (c.t(&message!("{all} events, {denied} denied, {failed} failed otherwise.", "イベント {all} 件、うち拒否 {denied} 件、その他の失敗 {failed} 件。")))
                @if let Some(back_to) = counted.counted_back_to.filter(|_| !counted.complete) {
                    @let back_to = back_to.iso8601();
                    " " (c.t(&message!("Counted back to {back_to}; what is older is not in the picture.", "{back_to} まで集計しました。それより古いイベントはグラフに含まれません。")))
                }
                @if asked.is_more_than_counted() {
                    " " (c.t(&message!("Patterns, addresses and texts are not counted: the picture has more than the list.", "パターン・アドレス・文字列の条件は集計に反映されないため、グラフは一覧より多くなります。")))
                }
            }
            (frequent(c, counted))
        }
    }
}

fn chart(c: &Context, asked: &Asked, counted: &EventsSummary) -> Chart {
    let starts: Vec<Timestamp> = counted.bins.iter().map(|bin| bin.start_time).collect();
    let ends = starts
        .iter()
        .skip(1)
        .copied()
        .chain([counted.end_time.plus(Duration::from_micros(1))]);
    let links = starts.iter().zip(ends).map(|(start, end)| {
        let to = end.minus(Duration::from_micros(1)).max(*start).iso8601();
        address(c, &[("from", &start.iso8601()), ("to", &to)])
    });
    let links = links.collect();
    let bins = || counted.bins.iter();
    let chart = Chart::bars(
        "over-time",
        message!("Events over time", "イベント数の推移"),
        starts,
        counted.end_time,
    )
    .links(links);
    let chart = match asked.ended {
        Ended::Errors => chart,
        _ => chart.counts(
            message!("succeeded", "成功"),
            Paint::First,
            bins().map(|bin| bin.events.saturating_sub(bin.denied + bin.failed)),
        ),
    };
    chart
        .counts(message!("failed", "失敗"), Paint::Fourth, bins().map(|bin| bin.failed))
        .counts(message!("denied", "拒否"), Paint::Bad, bins().map(|bin| bin.denied))
        .nothing(message!(
            "No event happened in this time.",
            "この期間にイベントはありません。"
        ))
}

/// The most frequent values, each a filter.
fn frequent(c: &Context, counted: &EventsSummary) -> Markup {
    let lists = [
        ("event", message!("Names", "イベント名"), &counted.event_names),
        ("source", message!("Sources", "ソース"), &counted.event_sources),
        ("who", message!("Callers", "呼び出し元"), &counted.usernames),
    ];
    html! {
        @if counted.events > 0 {
            details {
                summary { (c.t(&message!("The most frequent", "多いもの"))) }
                div.frequent {
                    @for (field, title, values) in &lists { (ranked(c, field, title, values)) }
                    div { h3 { (c.t(&message!("Errors", "エラー"))) } ul { @for one in &counted.error_codes {
                        li { code { (one.value) } " " (number(one.events)) }
                    } } }
                }
            }
        }
    }
}

fn ranked(c: &Context, field: &str, title: &Message, values: &[Count]) -> Markup {
    html! { div { h3 { (c.t(title)) } ul { @for one in values {
        li { a href=(address(c, &[(field, &one.value)])) { (one.value) } " " (number(one.events)) }
    } } } }
}

// The list.

fn list(c: &Context, asked: &Asked, found: &Found) -> Markup {
    let goes_on = c.query.given("next").is_some();
    let caption = message!("Events, newest first", "イベント（新しい順）");
    html! {
        section {
            h2 { (c.t(&message!("List", "一覧"))) }
            @if goes_on {
                p { a href=(address(c, &[])) { (c.t(&message!("Back to the newest", "最新のイベントへ戻る"))) } }
            }
            @if found.entries.is_empty() && found.next.is_none() && !goes_on {
                (empty(c, &message!("No event fits.", "該当するイベントはありません。")))
                (hidden(c, found))
            } @else {
                div.scroll tabindex="0" role="region" aria-label=(c.t(&caption)) {
                    table.events data-events data-status=(c.t(&message!("More events were loaded; shown until now:", "追加で読み込みました。これまでの表示件数:")))
                        data-again=(c.t(&message!("These events are loaded again when they come in sight.", "表示範囲に入ると再読み込みします。"))) {
                        caption { (c.t(&caption)) }
                        thead { tr { @for name in head() { th scope="col" { (c.t(&name)) } } } }
                        (rows(c, &found.entries))
                    }
                }
                (more(c, asked, found))
                p.visually-hidden role="status" data-events-status {}
            }
        }
    }
}

/// The heads of the columns of [`row`].
pub(super) fn head() -> [Message; 6] {
    [
        message!("Time (UTC)", "時刻 (UTC)"),
        message!("Event", "イベント"),
        message!("Result", "結果"),
        message!("Who", "呼び出し元"),
        message!("Resource", "リソース"),
        message!("From", "送信元"),
    ]
}

/// Events as rows of a table.
pub(super) fn rows(c: &Context, entries: &[Entry]) -> Markup {
    html! { tbody { @for entry in entries { (row(c, &c.region, entry, None)) } } }
}

/// One event as a row; with a note of what it is among others.
pub(super) fn row(c: &Context, region: &str, entry: &Entry, note: Option<&Message>) -> Markup {
    let event = entry.event();
    let (who, what, time) = (event.principal(), resource(entry), event.time_text());
    html! {
        tr {
            td { time datetime=(time) { (time.replace('T', " ").trim_end_matches('Z')) } }
            th scope="row" {
                a href=(place(region, &entry.event_id)) { (event.name()) }
                div.aside { (event.source()) @if let Some(note) = note { " · " b { (c.t(note)) } } }
            }
            td { (ended(c, entry)) }
            td title=(who) { (short(&who)) }
            td title=(what) { (short_resource(&what)) }
            td { (event.source_ip()) }
        }
    }
}

/// Where an event's own page is. It is always the same.
pub(super) fn place(region: &str, id: &str) -> String {
    format!("{ROOT}/events/{}/{}", segment(region), segment(id))
}

/// How a call ended, in words.
pub(super) fn ended(c: &Context, entry: &Entry) -> Markup {
    let event = entry.event();
    let code = event.error_code().unwrap_or_default();
    match entry.outcome() {
        shoseki::Outcome::Succeeded => state(c, State::Plain, &message!("Succeeded", "成功")),
        shoseki::Outcome::Denied => state(c, State::Bad, &Message::plain(code)),
        shoseki::Outcome::Failed => state(c, State::Warn, &Message::plain(code)),
    }
}

/// What an event was about, as one name.
pub(super) fn resource(entry: &Entry) -> String {
    let first = entry
        .resources
        .iter()
        .find_map(|resource| resource.resource_name.clone());
    first.unwrap_or_else(|| entry.event().resource().into_owned())
}

/// The end of an ARN: `user/alice`.
pub(super) fn short(arn: &str) -> &str {
    match arn.strip_prefix("arn:") {
        Some(_) => arn.splitn(6, ':').last().unwrap_or(arn),
        None => arn,
    }
}

fn short_resource(name: &str) -> String {
    const CHARS_MAX: usize = 60;
    let name = short(name);
    match name.chars().count() {
        0..=CHARS_MAX => name.to_owned(),
        _ => name.chars().take(CHARS_MAX - 1).chain(['…']).collect(),
    }
}

/// Where it goes on, and how far was looked.
fn more(c: &Context, asked: &Asked, found: &Found) -> Markup {
    html! {
        div.more data-more {
            @if let Some(next) = &found.next {
                // The times are told as they were meant: the token is of this question.
                @let on = address(c, &[("from", &asked.from.iso8601()), ("to", &asked.to.iso8601()), ("next", next)]);
                @if found.entries.len() < OF_A_PAGE.events && let Some(back_to) = found.back_to {
                    @let (looked_at, back_to) = (number(found.looked_at as u64), back_to.floor_second().iso8601());
                    p { (c.t(&message!(
                        "Searched until {back_to}: {looked_at} events were looked at for this.",
                        "{back_to} まで検索しました（{looked_at} 件を確認）。"
                    ))) }
                }
                p { a.button rel="next" href=(on) data-auto[found.entries.len() >= OF_A_PAGE.events] { (c.t(&message!("Older events", "さらに古いイベント"))) } }
            } @else {
                p.aside { (c.t(&message!("That is all of this time.", "この期間のイベントは以上です。"))) }
            }
            (hidden(c, found))
        }
    }
}

fn hidden(c: &Context, found: &Found) -> Markup {
    let count = found.hidden;
    html! {
        @if count > 0 {
            p.aside {
                (c.t(&message!(
                    "{count} reads by the console itself were left out here (user agent {AGENT}…).",
                    "コンソール自身による読み取り {count} 件を省略しました（ユーザーエージェント {AGENT}…）。"
                ))) " "
                a href=(address(c, &[("own", "1")])) { (c.t(&message!("Show them", "表示する"))) }
            }
        }
    }
}

/// The place where new events are announced, when the list ends with now and has no filter: the stream has none.
fn live(c: &Context, asked: &Asked) -> Markup {
    let ends_now = c.query.given("to").is_none() && c.query.given("next").is_none();
    let is_whole = Asked::filters(&c.query) == usize::from(asked.own);
    let stream = format!("{ROOT}/live?region={}&reads=1", escaped(&c.region));
    html! {
        @if ends_now && is_whole {
            div.new-events role="status" data-new-events=(stream) {
                a.button href=(address(c, &[])) hidden data-one=(c.t(&message!("1 new event", "新しいイベント 1 件")))
                    data-many=(c.t(&message!("{{n}} new events", "新しいイベント {{n}} 件"))) {}
            }
        }
    }
}
