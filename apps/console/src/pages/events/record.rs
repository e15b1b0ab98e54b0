//! One event: its story, why it was refused, what was asked and answered, its neighbours, the record.

use super::{
    list::row,
    look::{Entry, around, one},
    story::{Story, flat},
};
use crate::{
    context::Context,
    failure::Failure,
    page::{Page, code, not_available, table, why},
    router::Outcome,
};
use base::Region;
use maud::{Markup, html};
use operator::{
    aws::{Client, Error},
    message,
    message::Message,
    shoseki,
    survey::Missing,
};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// So many values of a record are shown in a table; the record has all.
const VALUES_MAX: usize = 300;
/// Neighbours happened so little before or after.
const NEAR: Duration = Duration::from_secs(60);
/// Of who has no key of their own, fewer.
const NEAR_ALL: Duration = Duration::from_secs(2);

pub(super) async fn show(c: Arc<Context>) -> Outcome {
    let (region, id) = (c.param("region"), c.param("id"));
    if region.parse::<Region>().is_err() {
        return Err(Failure::no_page());
    }
    let client = c.client().in_region(region);
    let Some(entry) = one(&client, id).await? else {
        return Err(Failure::Missing(message!(
            "The event history of {region} has no management event {id}. It keeps 90 days; data events are in the files of trails alone.",
            "{region} のイベント履歴に管理イベント {id} はありません。履歴の保存期間は 90 日です。データイベントは証跡のログファイルにのみ記録されます。"
        )));
    };
    let record: Value = serde_json::from_str(&entry.cloud_trail_event).unwrap_or_default();
    let story = Story {
        entry: &entry,
        region,
        record,
    };
    let reasons = async {
        match entry.outcome() {
            shoseki::Outcome::Denied => why(&c, &client, id).await,
            _ => html! {},
        }
    };
    let (reasons, near) = tokio::join!(reasons, neighbours(&client, &story));
    let name = &entry.event_name;
    let page = Page::new(&c, message!("{name}", "{name}"))
        .below(message!("Events", "イベント"), format!("/events?region={region}"));
    Ok(page.of_all_regions().with(html! {
        p.story { (c.t(&story.sentence())) }
        (story.told(&c))
        (reasons)
        (values(&c, &message!("What was asked", "リクエストの内容"), story.record.get("requestParameters")))
        (values(&c, &message!("What was answered", "レスポンスの内容"), story.record.get("responseElements")))
        (values(&c, &message!("More about it", "追加情報"), story.record.get("additionalEventData")))
        (near_told(&c, &story, &near))
        section { h2 { (c.t(&message!("The record", "レコード"))) } (code(&c, &operator::text::pretty(&entry.cloud_trail_event))) }
    }))
}

/// What is in a part of a record, as a table.
fn values(c: &Context, title: &Message, part: Option<&Value>) -> Markup {
    let Some(part) = part.filter(|part| !part.is_null()) else {
        return html! {};
    };
    let (found, all) = flat(part, VALUES_MAX);
    let rows = found
        .into_iter()
        .map(|(path, value)| vec![html! { code { (path) } }, shown(c, &value)]);
    html! {
        section {
            h2 { (c.t(title)) }
            (table(c, title, &[message!("Name", "名前"), message!("Value", "値")], rows.collect()))
            @if !all { p.aside { (c.t(&message!("There is more in the record below.", "続きは下のレコードにあります。"))) } }
        }
    }
}

/// A value; one that is JSON itself, as a policy is, with its lines.
fn shown(c: &Context, value: &str) -> Markup {
    let is_document = value.starts_with(['{', '[']) && value.len() > 2 && serde_json::from_str::<Value>(value).is_ok();
    match is_document {
        true => code(c, &operator::text::pretty(value)),
        false => html! { span.value { (value) } },
    }
}

/// Events of the same session around this one; of who has none, all of the same request.
async fn neighbours(client: &Client, story: &Story<'_>) -> Result<Vec<Entry>, Error> {
    let Some(at) = story.entry.event().time() else {
        return Ok(Vec::new());
    };
    match story.entry.access_key_id.as_deref().filter(|key| !key.is_empty()) {
        Some(key) => around(client, at, NEAR, Some(key)).await,
        None => {
            let mut all = around(client, at, NEAR_ALL, None).await?;
            all.retain(|entry| relation(story, entry).is_some());
            Ok(all)
        }
    }
}

/// What another event is to this one, when it is of the same call.
fn relation(story: &Story<'_>, other: &Entry) -> Option<Message> {
    if other.event_id == story.entry.event_id {
        return Some(message!("this event", "このイベント"));
    }
    let record: Value = serde_json::from_str(&other.cloud_trail_event).ok()?;
    let same = |name: &str| {
        let own = story.record.get(name).and_then(Value::as_str);
        own.is_some_and(|own| !own.is_empty()) && record.get(name).and_then(Value::as_str) == own
    };
    match (same("requestID"), same("sharedEventID")) {
        (true, _) => Some(message!("the same request", "同じリクエスト")),
        (_, true) => Some(message!(
            "the same event for another account",
            "別アカウント向けの同じイベント"
        )),
        _ => None,
    }
}

fn near_told(c: &Context, story: &Story<'_>, near: &Result<Vec<Entry>, Error>) -> Markup {
    let near = match near {
        Ok(near) => near,
        Err(error) => {
            return html! { p { (not_available(c, &Missing::of("cloudtrail:LookupEvents", story.region, error))) } };
        }
    };
    let is_shown =
        |entry: &&Entry| entry.event_id == story.entry.event_id || story.entry.is_own_read() || !entry.is_own_read();
    let shown: Vec<&Entry> = near.iter().filter(is_shown).collect();
    if !shown.iter().any(|entry| entry.event_id != story.entry.event_id) {
        return html! {};
    }
    let title = match &story.entry.access_key_id {
        Some(_) => message!("What this key did within a minute", "このキーの前後 1 分間のイベント"),
        None => message!("Events of the same request", "同じリクエストのイベント"),
    };
    let head = super::list::head();
    html! {
        section {
            h2 { (c.t(&title)) }
            div.scroll tabindex="0" role="region" aria-label=(c.t(&title)) {
                table.events {
                    caption { (c.t(&message!("Newest first, 50 at most", "新しい順、最大 50 件"))) }
                    thead { tr { @for name in &head { th scope="col" { (c.t(name)) } } } }
                    tbody { @for entry in &shown { (row(c, story.region, entry, relation(story, entry).as_ref())) } }
                }
            }
        }
    }
}
