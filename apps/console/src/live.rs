//! What happens, as it happens: one SubscribeEvents call for each page that is open, told to the browser as server-sent events.
//!
//! A page shows a [`panel`]; the script connects it to `/console/live` and fills it. Without script nothing of it is seen. A stream ends
//! with the session, and with the page.

use crate::{
    AGENT, ROOT,
    context::Context,
    failure::Failure,
    router::{Outcome, Route, get},
    session::Session,
    web::Answer,
};
use base::{Clock, Timestamp};
use bytes::Bytes;
use http::StatusCode;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use maud::{Markup, html};
use operator::{
    message,
    message::{Language, Message},
    shoseki::{Delivered, DeliveryKind, Line, Subscription, SubscriptionQuestion, TrailState, subscribe},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{self, Poll},
    time::Duration,
};
use tokio::sync::mpsc;

/// Pages of one session that are live at once. A browser opens no more than six connections to a server of HTTP/1.
const STREAMS_MAX: usize = 8;
/// Lines that wait for a browser that is slow.
const WAITING_MAX: usize = 64;
/// A browser that lost the stream asks again after this.
const RETRY: Duration = Duration::from_secs(3);
/// Whether the session goes on is looked at so often; its end by hand is heard of at once.
const LOOK_EVERY: Duration = Duration::from_secs(30);

pub(crate) fn routes() -> Vec<Route> {
    vec![get("/live", live)]
}

/// What a page wants to hear of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Live {
    /// What these trails deliver, by ARN.
    pub(crate) trails: Vec<String>,
    /// Events of all Regions, and not of that which is looked at alone.
    pub(crate) all_regions: bool,
    /// Whether events that change nothing are told too. The console's own never are.
    pub(crate) reads: bool,
}

impl Live {
    /// The path of the stream.
    fn path(&self, c: &Context) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("region", &c.region);
        query.extend_pairs(self.trails.iter().map(|trail| ("trail", trail)));
        for (name, is_so) in [("all", self.all_regions), ("reads", self.reads)] {
            if is_so {
                query.append_pair(name, "1");
            }
        }
        format!("{ROOT}/live?{}", query.finish())
    }

    fn question(c: &Context) -> SubscriptionQuestion {
        let all: &[String] = if c.query.is_on("all") { c.regions() } else { &[] };
        SubscriptionQuestion {
            regions: all.to_vec(),
            exclude_read_only: !c.query.is_on("reads"),
            exclude_reads_by: vec![AGENT.to_owned()],
            trail_arns: c.query.all("trail").map(str::to_owned).collect(),
            after: Some(c.last_event.clone()).filter(|id| !id.is_empty()),
            ..SubscriptionQuestion::default()
        }
    }
}

/// The part of a page in which it is told: a status that is read aloud, the first of each kind when trails are asked about, and the
/// newest lines. The script shows it.
pub(crate) fn panel(c: &Context, heading: &Message, live: &Live) -> Markup {
    let firsts = [
        ("event", message!("First event recorded", "最初のイベントの記録")),
        (
            "LogFile",
            message!("First log file delivered", "最初のログファイルの配信"),
        ),
        ("Digest", message!("First digest signed", "最初のダイジェストの署名")),
    ];
    html! {
        section.live data-live=(live.path(c)) data-lost=(c.t(&disconnected())) data-refused=(c.t(&refused())) hidden {
            h2 { (c.t(heading)) }
            p.live-status role="status" {}
            @if !live.trails.is_empty() {
                ul.live-firsts { @for (kind, says) in &firsts {
                    li data-first=(kind) { (c.t(says)) ": " span { (c.t(&message!("waiting", "待機中"))) } }
                } }
            }
            ol.live-lines tabindex="0" aria-label=(c.t(&message!("Newest first", "新しい順"))) {}
        }
    }
}

fn disconnected() -> Message {
    message!(
        "The live connection is lost; it is being made again.",
        "ライブ接続が切れました。再接続しています。"
    )
}

fn refused() -> Message {
    message!(
        "There is no live connection: it needs the rights shoseki:SubscribeEvents and cloudtrail:LookupEvents, and a session that goes on.",
        "ライブ接続できません。shoseki:SubscribeEvents と cloudtrail:LookupEvents の権限、および有効なセッションが必要です。"
    )
}

async fn live(c: Arc<Context>) -> Outcome {
    let Some(place) = Place::take(&c.session) else {
        let says = message!(
            "Too many live pages are open. Close one.",
            "ライブ表示のページが多すぎます。いずれかを閉じてください。"
        );
        return Ok(Answer::json(&json!({"message": c.t(&says)})).status(StatusCode::TOO_MANY_REQUESTS));
    };
    let question = Live::question(&c);
    let subscription = match subscribe(&c.client(), &question).await {
        Err(error) if question.after.is_some() && error.is(&["ValidationException"]) => {
            // A position of a server that was before this one: the stream begins anew.
            let question = SubscriptionQuestion {
                after: None,
                ..question
            };
            subscribe(&c.client(), &question).await?
        }
        opened => opened?,
    };
    let (out, lines) = mpsc::channel(WAITING_MAX);
    let telling = Telling {
        session: Arc::clone(&c.session),
        clock: c.settings().clock.clone(),
        language: c.language,
        out,
        _place: place,
    };
    tokio::spawn(telling.run(subscription));
    Ok(Answer::events(Lines(lines).boxed_unsync()))
}

/// A place among the streams of a session; dropped, it is free again.
struct Place(Arc<Session>);

impl Place {
    fn take(session: &Arc<Session>) -> Option<Place> {
        session.open_stream(STREAMS_MAX).then(|| Place(Arc::clone(session)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.close_stream();
    }
}

struct Telling {
    session: Arc<Session>,
    clock: Clock,
    language: Language,
    out: mpsc::Sender<Bytes>,
    _place: Place,
}

impl Telling {
    async fn run(self, mut subscription: Subscription) {
        let mut ended = self.session.ended();
        let over = async {
            loop {
                let left = self.session.until().since(self.clock.real_now());
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(LOOK_EVERY)).await;
            }
        };
        let telling = async {
            self.send(format!("retry: {}\n\n", RETRY.as_millis())).await?;
            while let Some(line) = subscription.next().await {
                // What broke off the script asks for again.
                self.send(self.told(&line.ok()?)?).await?;
            }
            Some(())
        };
        tokio::select! {
            () = self.out.closed() => return,
            _ = telling => return,
            () = over => {}
            // An error says that nobody could end it any more.
            _ = ended.wait_for(|ended| *ended) => {}
        }
        let says = message!("The session has ended.", "セッションが終了しました。");
        let _ = self.out.try_send(self.last(&says).into());
    }

    async fn send(&self, text: String) -> Option<()> {
        self.out.send(text.into()).await.ok()
    }

    /// A line as the browser gets it. `None` ends the stream without a word, so that the browser asks again.
    fn told(&self, line: &Line) -> Option<String> {
        let t = |message: &Message| message.in_language(self.language).to_owned();
        Some(match line {
            Line::Open { position, .. } => {
                let says = message!("Live: what happens is told here.", "ライブ: 発生した順に表示します。");
                sent(Some(position), "begin", &json!({"text": t(&says)}))
            }
            Line::Heartbeat { position, .. } => sent(Some(position), "alive", &json!({})),
            Line::Event { position, record } => {
                let record: Recorded = serde_json::from_str(record.get()).unwrap_or_default();
                sent(Some(position), "event", &record.told(self.language))
            }
            Line::Lost { to, .. } => {
                let says = message!(
                    "Some events are not told here; the list of events has them.",
                    "一部のイベントはここに表示されていません。イベント一覧で確認できます。"
                );
                sent(Some(to), "lost", &json!({"text": t(&says)}))
            }
            Line::Trail(state) => sent(None, "trail", &stands(state)),
            Line::Delivery(delivered) => sent(None, "delivery", &delivery(delivered, self.language)),
            Line::End { reason, message } => match reason.as_str() {
                "ServerStopping" | "InternalFailure" => return None,
                _ => self.last(&message!("{reason}: {message}", "{reason}: {message}")),
            },
        })
    }

    /// The last word: the browser does not ask again.
    fn last(&self, says: &Message) -> String {
        sent(None, "over", &json!({"text": says.in_language(self.language)}))
    }
}

/// A server-sent event. JSON has no line end of its own.
fn sent(id: Option<&str>, name: &str, data: &Value) -> String {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    format!("{id}event: {name}\ndata: {data}\n\n")
}

/// What is told of a record. What is missing is empty.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Recorded {
    event_time: String,
    event_name: String,
    event_source: String,
    aws_region: String,
    #[serde(rename = "eventID")]
    event_id: String,
    error_code: Option<String>,
    user_identity: Value,
}

impl Recorded {
    fn who(&self) -> &str {
        let text = |name: &str| self.user_identity[name].as_str();
        text("arn")
            .or_else(|| text("invokedBy"))
            .or_else(|| text("principalId"))
            .or_else(|| text("type"))
            .unwrap_or("?")
    }

    fn told(&self, language: Language) -> Value {
        let Recorded {
            event_name: name,
            event_source: source,
            aws_region: region,
            ..
        } = self;
        let who = self.who();
        let text = match &self.error_code {
            None => message!(
                "{name} ({source}) by {who} in {region}",
                "{region}: {who} が {name} ({source})"
            ),
            Some(code) => message!(
                "{name} ({source}) by {who} in {region}: {code}",
                "{region}: {who} が {name} ({source}): {code}"
            ),
        };
        json!({
            "time": self.event_time,
            "region": region,
            "id": self.event_id,
            "error": self.error_code,
            "text": text.in_language(language),
        })
    }
}

fn iso(time: Timestamp) -> String {
    time.iso8601()
}

fn stands(state: &TrailState) -> Value {
    json!({
        "trail": state.trail_arn,
        "logging": state.is_logging,
        "LogFile": state.latest_delivery_time.map(iso),
        "Digest": state.latest_digest_delivery_time.map(iso),
    })
}

fn delivery(delivered: &Delivered, language: Language) -> Value {
    let Delivered { bucket, region, .. } = delivered;
    let key = delivered.key.as_deref().unwrap_or_default();
    let error = delivered.error.as_deref().unwrap_or_default();
    let (kind, text) = match (delivered.kind, error) {
        (DeliveryKind::LogFile, "") => (
            "LogFile",
            message!(
                "Log file of {region} delivered: s3://{bucket}/{key}",
                "{region} のログファイルを配信しました: s3://{bucket}/{key}"
            ),
        ),
        (DeliveryKind::Digest, "") => (
            "Digest",
            message!(
                "Digest of {region} signed and delivered: s3://{bucket}/{key}",
                "{region} のダイジェストに署名して配信しました: s3://{bucket}/{key}"
            ),
        ),
        (kind, _) => (
            match kind {
                DeliveryKind::LogFile => "LogFile",
                DeliveryKind::Digest => "Digest",
            },
            message!(
                "The bucket {bucket} refuses what is to be delivered of {region}: {error}",
                "バケット {bucket} が {region} の配信を拒否しました: {error}"
            ),
        ),
    };
    json!({
        "trail": delivered.trail_arn,
        "kind": kind,
        "time": iso(delivered.time),
        "error": delivered.error,
        "text": text.in_language(language),
    })
}

/// The body of the answer.
struct Lines(mpsc::Receiver<Bytes>);

impl Body for Lines {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.0
            .poll_recv(cx)
            .map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_event_whatever_is_in_it() {
        let record: Recorded = serde_json::from_str(
            "{\"eventName\":\"A\\n\\nevent: over\",\"userIdentity\":{\"arn\":\"<b>\"},\"errorCode\":\"AccessDenied\"}",
        )
        .unwrap();
        let text = sent(Some("1-0"), "event", &record.told(Language::English));
        assert_eq!(text.matches('\n').count(), 4, "{text}");
        assert!(text.starts_with("id: 1-0\nevent: event\ndata: {") && text.ends_with("}\n\n"));
        assert!(text.contains("AccessDenied") && text.contains("<b>"));
    }

    #[test]
    fn who_called_is_told_as_far_as_it_is_known() {
        let who = |identity: Value| {
            let record = Recorded {
                user_identity: identity,
                ..Recorded::default()
            };
            record.who().to_owned()
        };
        assert_eq!(who(json!({"arn": "a", "type": "IAMUser"})), "a");
        assert_eq!(who(json!({"type": "AWSService", "invokedBy": "s"})), "s");
        assert_eq!(who(json!(null)), "?");
    }
}
