//! Who may do what with a key or an object, as DescribeAccess decides it.

use crate::{
    context::Context,
    page::{State, fact, state, table},
};
use maud::{Markup, html};
use operator::{
    aws::Client,
    message,
    message::Message,
    survey::{Fact, Missing},
};
use serde::Deserialize;
use serde_json::Value;
use wire::ServiceName;

/// What DescribeAccess answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Access {
    target: Target,
    principals: Vec<Principal>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Target {
    #[serde(default)]
    notes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Principal {
    kind: String,
    name: String,
    access: Vec<Cell>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Cell {
    right: String,
    allowed: bool,
    #[serde(default)]
    reasons: Vec<Reason>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Reason {
    action: String,
    allowed: bool,
    reason: String,
}

/// Asks for `{"KeyId": …}` or `{"Object": "s3://…"}`.
pub(crate) async fn may(client: &Client, target: &Value) -> Fact<Access> {
    match client.ask(ServiceName::Shoseki, "DescribeAccess", target).await {
        Ok(access) => Fact::Known(access),
        Err(error) => Fact::NotAvailable(Missing::of("shoseki:DescribeAccess", client.region(), &error)),
    }
}

const RIGHTS: [&str; 5] = ["ReadAndDecrypt", "OnlyRead", "Deliver", "Administer", "Delete"];

fn heads(of_key: bool) -> [Message; 6] {
    let (open, see) = match of_key {
        true => (message!("Open with it", "復号"), message!("Only see it", "参照のみ")),
        false => (
            message!("Read and decrypt", "読み取りと復号"),
            message!("Get, not decrypt", "取得のみ (復号不可)"),
        ),
    };
    let put = match of_key {
        true => message!("Seal with it", "暗号化"),
        false => message!("Put", "書き込み"),
    };
    [
        message!("Who", "誰が"),
        open,
        see,
        put,
        message!("Administer", "管理"),
        message!("Delete", "削除"),
    ]
}

/// Everybody with what they may; those who may nothing are counted.
pub(crate) fn table_of(c: &Context, access: &Fact<Access>, of_key: bool) -> Markup {
    fact(c, access, |access| {
        let is_some = |one: &&Principal| one.access.iter().any(|cell| cell.allowed);
        let (some, none): (Vec<_>, Vec<_>) = access.principals.iter().partition(is_some);
        let rows = some.iter().map(|one| {
            let mut row = vec![html! { (one.name) " " span.aside { (one.kind) } }];
            row.extend(RIGHTS.iter().map(|right| cell(c, one, right)));
            row
        });
        let count = none.len();
        html! {
            @for note in &access.target.notes { p.aside { (note) } }
            (table(c, &message!("Who may do what", "誰が何をできるか"), &heads(of_key), rows.collect()))
            @if count > 0 {
                details {
                    summary { (c.t(&message!("May do nothing of this: {count}", "何の権限もない: {count} 件"))) }
                    ul { @for one in &none { li { (one.name) " " span.aside { (one.kind) } } } }
                }
            }
        }
    })
}

fn cell(c: &Context, one: &Principal, right: &str) -> Markup {
    let Some(cell) = one.access.iter().find(|cell| cell.right == right) else {
        return html! { "–" };
    };
    html! {
        @if cell.allowed { (state(c, State::Good, &message!("yes", "可"))) } @else { span.aside { (c.t(&message!("no", "不可"))) } }
        @if cell.allowed && !cell.reasons.is_empty() {
            details {
                summary { (c.t(&message!("why", "理由"))) }
                @for reason in &cell.reasons {
                    p.aside { code { (reason.action) } " " (if reason.allowed { "✓" } else { "✕" }) " " (reason.reason) }
                }
            }
        }
    }
}
