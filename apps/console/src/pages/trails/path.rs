//! The way of an event: a picture of what a trail selects and where that goes, and the same in words.

use super::{key_path, selectors};
use crate::{
    ROOT,
    context::Context,
    page::{State, ago, state, table},
    web::segment,
};
use base::Timestamp;
use maud::{Markup, html};
use operator::{
    message,
    message::Message,
    survey::{Fact, Status, Survey, Trail},
};

/// A thing on the way.
struct Node {
    kind: Message,
    name: String,
    state: State,
    says: Message,
    /// Where more is to be seen.
    link: Option<String>,
    /// Its box: left, top, width.
    at: (u32, u32, u32),
}

/// The height of a box.
const HIGH: u32 = 64;
/// The widest name in a box of 300, in letters.
const LETTERS: usize = 32;

/// What GetTrailStatus says of one kind of delivery.
fn told(c: &Context, at: Option<Timestamp>, error: Option<&String>) -> (State, Message) {
    match (error, at) {
        (Some(error), _) => (State::Bad, Message::plain(error.clone())),
        (None, Some(at)) => {
            let ago = ago(c.now(), at);
            let (en, ja) = (english(&ago), japanese(&ago));
            (State::Good, message!("last {en}", "最終 {ja}"))
        }
        (None, None) => (State::Plain, message!("nothing yet", "まだありません")),
    }
}

fn english(message: &Message) -> &str {
    message.in_language(operator::message::Language::English)
}

fn japanese(message: &Message) -> &str {
    message.in_language(operator::message::Language::Japanese)
}

fn unknown<T>(fact: &Fact<T>) -> (State, Message) {
    let code = fact.missing().map(|missing| missing.code.as_str()).unwrap_or_default();
    (State::Unknown, message!("not known ({code})", "不明 ({code})"))
}

/// A delivery that the status tells of.
fn delivery<'s>(
    c: &Context,
    trail: &'s Trail,
    of: impl FnOnce(&'s Status) -> (Option<Timestamp>, Option<&'s String>),
) -> (State, Message) {
    match &trail.status {
        Fact::Known(status) => {
            let (at, error) = of(status);
            told(c, at, error)
        }
        missing => unknown(missing),
    }
}

/// All that is on the way, the trail at the fourth place.
fn nodes(c: &Context, survey: &Survey, trail: &Trail) -> Vec<Node> {
    let (management, data) = match &trail.selectors {
        Fact::Known(selectors) => {
            let (management, data) = selectors::sources(selectors);
            (Some(management), Some(data))
        }
        Fact::NotAvailable(_) => (None, None),
    };
    let source = |what: Message, found: Option<Option<Message>>, top: u32| {
        let (state, says) = match found {
            Some(Some(says)) => (State::Good, says),
            Some(None) => (State::Plain, message!("not selected", "選択なし")),
            None => unknown(&trail.selectors),
        };
        Node {
            kind: what,
            name: String::new(),
            state,
            says,
            link: Some(format!("{ROOT}/events")),
            at: (8, top, 200),
        }
    };
    vec![
        source(message!("Management events", "管理イベント"), management, 120),
        source(message!("Data events", "データイベント"), data, 220),
        selection(trail),
        itself(trail),
        key(survey, trail),
        bucket(c, survey, trail),
        digests(c, trail),
        logs(c, trail),
        topic(c, trail),
    ]
}

fn selection(trail: &Trail) -> Node {
    let (state, says) = match &trail.selectors {
        Fact::Known(selectors) => {
            let count = selectors.basic.len() + selectors.advanced.len();
            let plural = if count == 1 { "" } else { "s" };
            (State::Good, message!("{count} selector{plural}", "{count} 件"))
        }
        missing => unknown(missing),
    };
    Node {
        kind: message!("Selectors", "セレクター"),
        name: String::new(),
        state,
        says,
        link: Some("#selectors".to_owned()),
        at: (248, 170, 160),
    }
}

fn itself(trail: &Trail) -> Node {
    let (state, says) = match &trail.status {
        Fact::Known(status) if status.is_logging => (State::Good, message!("logging", "記録中")),
        Fact::Known(_) => (State::Bad, message!("stopped", "停止中")),
        missing => unknown(missing),
    };
    Node {
        kind: message!("Trail", "証跡"),
        name: trail.name.clone(),
        state,
        says,
        link: Some("#settings".to_owned()),
        at: (448, 170, 200),
    }
}

fn key(survey: &Survey, trail: &Trail) -> Node {
    let mut node = Node {
        kind: message!("KMS key", "KMS キー"),
        name: String::new(),
        state: State::Warn,
        says: message!("none: SSE-S3", "なし (SSE-S3)"),
        link: Some("#settings".to_owned()),
        at: (700, 8, 300),
    };
    let Some(arn) = &trail.kms_key else {
        return node;
    };
    let known = survey.key_of(trail);
    let alias = known
        .and_then(|key| key.aliases.known())
        .and_then(|aliases| aliases.first());
    node.name = alias.map_or_else(|| arn.rsplit('/').next().unwrap_or(arn).to_owned(), Clone::clone);
    node.link = key_path(arn);
    (node.state, node.says) = match known.map(|key| &key.metadata) {
        Some(Fact::Known(metadata)) => {
            let state = if metadata.is_usable() { State::Good } else { State::Bad };
            (state, Message::plain(metadata.state.clone()))
        }
        Some(_) if known.is_some_and(operator::survey::Key::is_gone) => (State::Bad, message!("gone", "存在しません")),
        Some(missing) => unknown(missing),
        None => (State::Unknown, message!("not known", "不明")),
    };
    node
}

fn bucket(c: &Context, survey: &Survey, trail: &Trail) -> Node {
    let gone = survey
        .bucket_of(trail)
        .is_some_and(|bucket| bucket.exists == Fact::Known(false));
    let (state, says) = match gone {
        true => (State::Bad, message!("gone", "存在しません")),
        false => delivery(c, trail, |status| {
            (status.latest_delivery_time, status.latest_delivery_error.as_ref())
        }),
    };
    Node {
        kind: message!("Bucket: log files", "バケット: ログファイル"),
        name: trail.bucket.clone(),
        state,
        says,
        link: Some(format!("{ROOT}/buckets/{}", segment(&trail.bucket))),
        at: (700, 100, 300),
    }
}

fn digests(c: &Context, trail: &Trail) -> Node {
    let (state, says) = match trail.validation {
        true => delivery(c, trail, |status| {
            (
                status.latest_digest_delivery_time,
                status.latest_digest_delivery_error.as_ref(),
            )
        }),
        false => (State::Warn, message!("validation is off", "検証は無効")),
    };
    Node {
        kind: message!("Digest chain", "ダイジェストチェーン"),
        name: String::new(),
        state,
        says,
        link: Some("#digests".to_owned()),
        at: (700, 192, 300),
    }
}

fn logs(c: &Context, trail: &Trail) -> Node {
    let mut node = Node {
        kind: message!("CloudWatch Logs", "CloudWatch Logs"),
        name: String::new(),
        state: State::Plain,
        says: message!("not set", "設定なし"),
        link: Some("#settings".to_owned()),
        at: (700, 284, 300),
    };
    if let Some(arn) = &trail.log_group {
        let name = arn.split(":log-group:").nth(1).unwrap_or(arn);
        node.name = name.trim_end_matches(":*").to_owned();
        (node.state, node.says) = delivery(c, trail, |status| {
            (
                status.latest_cloud_watch_logs_delivery_time,
                status.latest_cloud_watch_logs_delivery_error.as_ref(),
            )
        });
    }
    node
}

fn topic(c: &Context, trail: &Trail) -> Node {
    let mut node = Node {
        kind: message!("SNS topic", "SNS トピック"),
        name: String::new(),
        state: State::Plain,
        says: message!("not set", "設定なし"),
        link: Some("#settings".to_owned()),
        at: (700, 376, 300),
    };
    if let Some(arn) = &trail.topic {
        node.name = arn.rsplit(':').next().unwrap_or(arn).to_owned();
        (node.state, node.says) = delivery(c, trail, |status| {
            (
                status.latest_notification_time,
                status.latest_notification_error.as_ref(),
            )
        });
    }
    node
}

/// The arrows, by the places of the nodes.
const ARROWS: [(usize, usize); 7] = [(0, 2), (1, 2), (2, 3), (3, 5), (3, 6), (3, 7), (3, 8)];

/// The picture, and the same as a table.
pub(super) fn drawn(c: &Context, survey: &Survey, trail: &Trail) -> Markup {
    let nodes = nodes(c, survey, trail);
    let title = message!("The way of an event through this trail", "この証跡でのイベントの流れ");
    html! {
        figure.path {
            figcaption #path-title { (c.t(&title)) }
            div.scroll tabindex="0" role="region" aria-labelledby="path-title" {
                svg.path viewBox="0 0 1008 448" width="1008" height="448" role="group" aria-labelledby="path-title" {
                    @for (from, to) in ARROWS {
                        @if let (Some(from), Some(to)) = (nodes.get(from), nodes.get(to)) { (arrow(from, to)) }
                    }
                    @if let (Some(key), Some(bucket)) = (nodes.get(4), nodes.get(5)) { (seals(key, bucket)) }
                    @for node in &nodes { (boxed(c, node)) }
                }
            }
            details {
                summary { (c.t(&message!("The same in words", "文字で見る"))) }
                (words(c, &nodes))
            }
        }
    }
}

/// From the right of one box to the left of another.
fn arrow(from: &Node, to: &Node) -> Markup {
    let (x1, y1) = (from.at.0 + from.at.2, from.at.1 + HIGH / 2);
    let (x2, y2) = (to.at.0 - 6, to.at.1 + HIGH / 2);
    let middle = (x1 + x2) / 2;
    let line = format!("M{x1} {y1} C{middle} {y1} {middle} {y2} {x2} {y2}");
    let head = format!("M{} {} l6 6 l-6 6", x2, y2 - 6);
    html! {
        path class={ "arrow " (to.state.class()) } d=(line) {}
        path class={ "arrow " (to.state.class()) } d=(head) {}
    }
}

/// From the bottom of the key to the top of the bucket.
fn seals(key: &Node, bucket: &Node) -> Markup {
    let x = key.at.0 + key.at.2 / 2;
    let (y1, y2) = (key.at.1 + HIGH, bucket.at.1);
    let line = format!("M{x} {y1} L{x} {y2} m-6 -6 l6 6 l6 -6");
    html! { path class={ "arrow " (key.state.class()) } d=(line) {} }
}

fn boxed(c: &Context, node: &Node) -> Markup {
    let (x, y, wide) = node.at;
    let most = LETTERS * wide as usize / 300;
    let name = shortened(&node.name, most);
    let says = shortened(c.t(&node.says), most);
    let whole = format!("{} {}: {}", c.t(&node.kind), node.name, c.t(&node.says));
    let inside = html! {
        rect x=(x) y=(y) width=(wide) height=(HIGH) rx="6" {}
        text.kind x=(x + 12) y=(y + 20) { (c.t(&node.kind)) }
        text.name x=(x + 12) y=(y + 38) { (name) }
        text.says x=(x + 12) y=(y + if name.is_empty() { 44 } else { 56 }) { (sign(node.state)) (says) }
    };
    html! {
        g class={ "node " (node.state.class()) } {
            title { (whole) }
            @match &node.link {
                Some(link) => a href=(link) { (inside) },
                None => (inside),
            }
        }
    }
}

fn sign(state: State) -> &'static str {
    match state {
        State::Good => "✓ ",
        State::Warn => "! ",
        State::Bad => "✕ ",
        State::Unknown => "? ",
        State::Plain => "",
    }
}

/// So many letters of a text at most; wide ones count twice.
fn shortened(text: &str, most: usize) -> String {
    let mut wide = 0;
    let mut out = String::new();
    for letter in text.chars() {
        wide += if letter.is_ascii() { 1 } else { 2 };
        if wide > most {
            out.pop();
            out.push('…');
            break;
        }
        out.push(letter);
    }
    out
}

fn words(c: &Context, nodes: &[Node]) -> Markup {
    let head = [
        message!("What", "対象"),
        message!("Name", "名前"),
        message!("State", "状態"),
    ];
    let rows = nodes.iter().map(|node| {
        let name = if node.name.is_empty() { "–" } else { &node.name };
        let kind = c.t(&node.kind);
        vec![
            match &node.link {
                Some(link) => html! { a href=(link) { (kind) } },
                None => html! { (kind) },
            },
            html! { (name) },
            state(c, node.state, &node.says),
        ]
    });
    let caption = message!(
        "From the events to where they are kept, in order",
        "イベントの発生から保存先まで(順番どおり)"
    );
    table(c, &caption, &head, rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut() {
        let check = |text: &str, most: usize, expected: &str| assert_eq!(shortened(text, most), expected);
        check("audit", 5, "audit");
        check("audits", 5, "audi…");
        check("証跡の名前", 5, "証…");
        check("", 5, "");
    }
}
