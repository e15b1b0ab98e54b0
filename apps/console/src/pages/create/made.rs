//! After a trail was made: whether it records, delivers and signs. The state is that of now; where there is script, it goes on by itself.

use crate::{
    ROOT,
    context::Context,
    live::{Live, panel},
    page::{Page, State, refusal, state, time},
    router::Outcome,
    web::segment,
};
use base::Timestamp;
use maud::{Markup, html};
use operator::{aws::Error, message, message::Message};
use serde_json::{Value, json};
use std::sync::Arc;
use wire::ServiceName::CloudTrail;

/// The page of a trail that was just made; it can be opened again.
pub(super) async fn show(c: Arc<Context>) -> Outcome {
    let (region, name) = (c.param("region"), c.param("name"));
    let content = now(&c, region, name).await;
    let page = Page::new(&c, message!("The trail {name} begins", "証跡 {name} の開始"))
        .of_all_regions()
        .below(message!("Trails", "証跡"), "/trails");
    Ok(page.with(content))
}

/// Where a page of a trail that was made is, below the root.
pub(super) fn place(region: &str, name: &str) -> String {
    format!("/made/{}/{}", segment(region), segment(name))
}

/// How far the trail has come.
pub(super) async fn now(c: &Context, region: &str, name: &str) -> Markup {
    let client = c.client().in_region(region);
    let status = client
        .json(CloudTrail, "GetTrailStatus", &json!({ "Name": name }))
        .await;
    let status = match status {
        Ok(status) => status,
        Err(error) => return refusal(c, &error),
    };
    let started = at(&status, "StartLoggingTime");
    let trail = client.json(CloudTrail, "GetTrail", &json!({ "Name": name })).await;
    let (arn, signs) = match &trail {
        Ok(trail) => (
            trail["Trail"]["TrailARN"].as_str().unwrap_or(name).to_owned(),
            trail["Trail"]["LogFileValidationEnabled"] == true,
        ),
        Err(error) => return refusal(c, error),
    };
    let first = first_event(c, region, started).await;
    let place = place(region, name);
    html! {
        section {
            h2 { (c.t(&message!("How far it has come", "現在の状況"))) }
            ol.steps {
                li { (recorded(c, first)) }
                li { (delivered(c, &status)) }
                li { (signed(c, &status, signs)) }
            }
        }
        (panel(c, &message!("As it happens", "ライブ"), &Live {
            trails: vec![arn],
            all_regions: true,
            reads: false,
        }))
        div.actions {
            a.button href={ (ROOT) (place) } { (c.t(&message!("Look again", "再表示"))) }
            a.button href={ (ROOT) "/trails/" (segment(region)) "/" (segment(name)) } { (c.t(&message!("To the trail", "証跡のページへ"))) }
            a.button href={ (ROOT) "/events" } { (c.t(&message!("To the events", "イベントへ"))) }
        }
    }
}

fn at(status: &Value, name: &str) -> Option<Timestamp> {
    status[name].as_f64().map(Timestamp::from_secs_f64)
}

fn text<'a>(status: &'a Value, name: &str) -> Option<&'a str> {
    status[name].as_str().filter(|text| !text.is_empty())
}

/// The latest event since the trail began that changed something: its name and when it was.
async fn first_event(
    c: &Context,
    region: &str,
    started: Option<Timestamp>,
) -> Result<Option<(String, Option<Timestamp>)>, Error> {
    let Some(started) = started else { return Ok(None) };
    // Reads are this page's own, too. Events have whole seconds.
    let input = json!({
        "StartTime": started.as_secs(),
        "MaxResults": 1,
        "LookupAttributes": [{ "AttributeKey": "ReadOnly", "AttributeValue": "false" }],
    });
    let answer = c
        .client()
        .in_region(region)
        .json(CloudTrail, "LookupEvents", &input)
        .await?;
    let event = answer.pointer("/Events/0");
    Ok(event.and_then(|event| Some((text(event, "EventName")?.to_owned(), at(event, "EventTime")))))
}

fn recorded(c: &Context, first: Result<Option<(String, Option<Timestamp>)>, Error>) -> Markup {
    let what = message!("An event is recorded", "イベントの記録");
    match first {
        Ok(Some((name, when))) => html! {
            (done(c, &what)) " " code { (name) } @if let Some(when) = when { " " (time(c, when)) }
        },
        Ok(None) => waiting(
            c,
            &what,
            &message!(
                "The next call to AWS is the first.",
                "次の AWS 呼び出しが最初のイベントになります。"
            ),
        ),
        Err(error) => html! { b { (c.t(&what)) } (refusal(c, &error)) },
    }
}

fn delivered(c: &Context, status: &Value) -> Markup {
    let what = message!("A log file is delivered", "ログファイルの配信");
    if let Some(error) = text(status, "LatestDeliveryError") {
        return failed(c, &what, error);
    }
    match at(status, "LatestDeliveryTime") {
        Some(when) => html! { (done(c, &what)) " " (time(c, when)) },
        None => waiting(
            c,
            &what,
            &message!(
                "CloudTrail delivers about every five minutes.",
                "CloudTrail は約 5 分ごとに配信します。"
            ),
        ),
    }
}

fn signed(c: &Context, status: &Value, signs: bool) -> Markup {
    let what = message!("A digest is signed", "ダイジェストの署名");
    if !signs {
        return html! { b { (c.t(&what)) } " " (state(c, State::Warn, &message!("Validation is off", "検証は無効です"))) };
    }
    if let Some(error) = text(status, "LatestDigestDeliveryError") {
        return failed(c, &what, error);
    }
    match at(status, "LatestDigestDeliveryTime") {
        Some(when) => html! { (done(c, &what)) " " (time(c, when)) },
        None => waiting(
            c,
            &what,
            &message!(
                "CloudTrail signs one every hour.",
                "CloudTrail は 1 時間ごとに署名します。"
            ),
        ),
    }
}

fn done(c: &Context, what: &Message) -> Markup {
    html! { b { (c.t(what)) } " " (state(c, State::Good, &message!("Yes", "済み"))) }
}

fn waiting(c: &Context, what: &Message, why: &Message) -> Markup {
    html! { b { (c.t(what)) } " " (state(c, State::Unknown, &message!("Not yet", "まだです"))) " " span.aside { (c.t(why)) } }
}

fn failed(c: &Context, what: &Message, error: &str) -> Markup {
    html! { b { (c.t(what)) } " " (state(c, State::Bad, &message!("Failed", "失敗"))) " " code { (error) } }
}
