//! The form that says which events are meant.

use super::asked::{Asked, SPAN, address};
use crate::{
    ROOT,
    context::Context,
    page::{Field, tick},
};
use maud::{Markup, html};
use operator::{message, message::Message};

/// The times that are offered, and the fields.
pub(super) fn form(c: &Context, asked: &Asked) -> Markup {
    let set = Asked::filters(&c.query);
    let summary = match set {
        0 => message!("Filter", "フィルター"),
        _ => message!("Filter ({set} set)", "フィルター（{set} 件設定中）"),
    };
    html! {
        nav.spans aria-label=(c.t(&message!("Time", "期間"))) { (spans(c)) }
        details.filters open[set > 0 || !asked.wrong.is_empty()] {
            summary { (c.t(&summary)) }
            form method="get" action={ (ROOT) "/events" } {
                input type="hidden" name="region" value=(c.region);
                div.grid { (fields(c, asked)) }
                div.actions {
                    button.primary type="submit" { (c.t(&message!("Show", "表示"))) }
                    a href={ (ROOT) "/events?region=" (c.region) } { (c.t(&message!("Without filters", "フィルターを解除"))) }
                }
                p.hint { (c.t(&message!(
                    "Names are compared exactly, unless they have * or ?. The service compares one of them; the console compares the rest.",
                    "名前は完全一致で比較します（* と ? を使えます）。サービス側では条件を 1 つだけ比較し、残りはコンソールが比較します。"
                ))) }
            }
        }
    }
}

fn spans(c: &Context) -> Markup {
    let offered = [
        ("1h", message!("1 hour", "1 時間")),
        ("24h", message!("24 hours", "24 時間")),
        ("7d", message!("7 days", "7 日")),
        ("90d", message!("90 days", "90 日")),
    ];
    let chosen = match c.query.given("to") {
        Some(_) => "",
        None => c.query.given("from").unwrap_or(SPAN),
    };
    html! { ul { @for (span, says) in &offered {
        li { a href=(address(c, &[("from", span), ("to", "")])) aria-current=[(*span == chosen).then_some("true")] { (c.t(says)) } }
    } } }
}

fn fields(c: &Context, asked: &Asked) -> Markup {
    let line = |name: &'static str, label: Message, hint: Option<Message>| {
        let mut field = Field::new(name, label, c.query.get(name)).error(asked.error(name));
        field.hint = hint;
        field.line(c)
    };
    let any = || ("", message!("Any", "すべて"));
    let results = [
        any(),
        ("errors", message!("Errors only", "エラーのみ")),
        ("denied", message!("Denied", "拒否")),
        ("failed", message!("Failed otherwise", "その他の失敗")),
        ("succeeded", message!("Succeeded", "成功")),
    ];
    let kinds = [
        any(),
        ("false", message!("May have changed something", "変更の可能性あり")),
        ("true", message!("Read only", "読み取りのみ")),
    ];
    html! {
        (line("from", message!("From (UTC)", "開始 (UTC)"), Some(message!("2026-11-22T15:04:05Z, 2026-11-22, 90m, 2h, 3d", "2026-11-22T15:04:05Z、2026-11-22、90m、2h、3d"))))
        (line("to", message!("To (UTC)", "終了 (UTC)"), Some(message!("Now, when empty", "空なら現在"))))
        (line("event", message!("Event name", "イベント名"), None))
        (line("source", message!("Event source", "イベントソース"), Some(message!("kms, s3.amazonaws.com", "kms、s3.amazonaws.com"))))
        (line("who", message!("Who", "呼び出し元"), Some(message!("A user's or session's name, or an ARN", "ユーザー名、セッション名、または ARN"))))
        (line("resource", message!("Resource", "リソース"), Some(message!("A bucket's name, or an ARN", "バケット名または ARN"))))
        (line("key", message!("Access key ID", "アクセスキー ID"), None))
        (line("ip", message!("Source address", "送信元アドレス"), Some(message!("10.0.0.1, 10.0.0.0/8", "10.0.0.1、10.0.0.0/8"))))
        (line("text", message!("Text in the record", "レコード内の文字列"), None))
        (Field::new("ended", message!("Result", "結果"), c.query.get("ended")).choice(c, &results))
        (Field::new("ro", message!("Kind", "種類"), c.query.get("ro")).choice(c, &kinds))
        div.field { (tick(c, "own", "1", asked.own, &message!("The console's own reads too", "コンソール自身の読み取りも表示"))) }
    }
}
