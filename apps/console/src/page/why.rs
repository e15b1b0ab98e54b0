//! Why a call was refused: what the policies say, and the smallest change that would help.

use super::{State, code, diff, notice, state, table};
use crate::{context::Context, failure::Failure};
use maud::{Markup, html};
use operator::{
    aws::Client,
    message,
    message::Message,
    shoseki::{
        decision::{Change, Denial, Explanation, Grant, Grounds, Statement},
        explain_decision,
    },
};

/// So many statements are shown that differ in what they are for.
const OTHERS_MAX: usize = 8;
/// Of the values that a statement wants, so many are shown.
const VALUES_MAX: usize = 6;

/// The reasons for a refusal by its request's or its event's id; else how to have them.
pub(crate) async fn why(c: &Context, client: &Client, id: &str) -> Markup {
    match explain_decision(client, id).await {
        Ok(explanation) => explained(c, &explanation),
        Err(error) => {
            let said = Failure::Aws(error).says();
            html! {
                p { (c.t(&message!(
                    "The reasons are kept by the server; whoever may call shoseki:ExplainDecision sees them with:",
                    "理由はサーバーに保存されています。shoseki:ExplainDecision を呼び出せる人は、次のコマンドで確認できます。"
                ))) " " code { "shoseki explain " (id) } }
                p.aside { (c.t(&said)) }
            }
        }
    }
}

fn explained(c: &Context, why: &Explanation) -> Markup {
    let count = why.denials.len();
    html! {
        section.why {
            h2 { (c.t(&message!("Why", "理由"))) }
            @for (at, denial) in why.denials.iter().enumerate() {
                @if count > 1 { @let nth = at + 1; h3 { (c.t(&message!("Reason {nth} of {count}", "理由 {nth} / {count}"))) } }
                (denied(c, why, denial))
            }
            @if count == 0 {
                p { (c.t(&message!("No policy refused it: the code says what else is wrong.", "ポリシーによる拒否ではありません。エラーコードが原因を示しています。"))) }
            }
        }
    }
}

fn denied(c: &Context, why: &Explanation, denial: &Denial) -> Markup {
    let (who, action, resource) = (&denial.principal.name, &denial.action, &denial.resource);
    let sentence = message!(
        "{who} is not allowed {action} on {resource}.",
        "{who} には {resource} に対する {action} が許可されていません。"
    );
    let (inner, service, outer) = (&denial.operation, &denial.service, &why.operation);
    html! {
        (notice(c, State::Bad, &sentence))
        @if denial.request_id != why.request_id {
            p { (c.t(&message!("{outer} calls {inner} of {service} for this.", "{outer} はこのために {service} の {inner} を呼び出します。"))) }
        }
        p { (c.t(&because(&denial.grounds))) }
        (statements(c, denial))
        (grants(c, &denial.grants))
        (changes(c, denial))
    }
}

/// What decided, in a sentence.
fn because(grounds: &Grounds) -> Message {
    let kind = &grounds.policy_type;
    if grounds.decision != "ExplicitDeny" {
        return message!("No {kind} allows it.", "これを許可する {kind} がありません。");
    }
    let policy = grounds.policy.as_deref().unwrap_or(kind);
    let name = named(grounds.statement.unwrap_or_default(), grounds.sid.as_deref());
    message!(
        "Statement {name} of {policy} denies it.",
        "{policy} のステートメント {name} が拒否しています。"
    )
}

/// A statement's number, from 1, with its name.
fn named(statement: usize, sid: Option<&str>) -> String {
    let number = statement + 1;
    sid.map_or_else(|| number.to_string(), |sid| format!("{number} \"{sid}\""))
}

fn decided(denial: &Denial, statement: &Statement) -> bool {
    let grounds = &denial.grounds;
    grounds.policy.as_deref() == Some(statement.policy.as_str()) && grounds.statement == Some(statement.statement)
}

fn statements(c: &Context, denial: &Denial) -> Markup {
    if denial.statements.is_empty() && denial.grants.is_empty() {
        return html! { p { (c.t(&message!(
            "There was no policy to ask, neither of the caller nor of the resource.",
            "参照すべきポリシーが、呼び出し元にもリソースにもありませんでした。"
        ))) } };
    }
    let is_other = |statement: &Statement| {
        statement.outcome == "Differs" && matches!(statement.element.as_deref(), Some("Action" | "NotAction"))
    };
    let mut others = 0;
    let shown: Vec<&Statement> = denial
        .statements
        .iter()
        .filter(|statement| {
            others += usize::from(is_other(statement));
            !is_other(statement) || others <= OTHERS_MAX
        })
        .collect();
    let left = denial.statements.len() - shown.len();
    let head = [
        message!("Policy", "ポリシー"),
        message!("Statement", "ステートメント"),
        message!("Effect", "効果"),
        message!("How it compares", "照合結果"),
    ];
    let rows = shown.iter().map(|statement| {
        vec![
            html! { (statement.policy) },
            html! { (named(statement.statement, statement.sid.as_deref())) },
            html! { (statement.effect) },
            compared(c, statement, decided(denial, statement)),
        ]
    });
    html! {
        (table(c, &message!("What the policies say", "ポリシーの内容"), &head, rows.collect()))
        @if left > 0 { p.aside { (c.t(&message!("{left} more statements are for other actions.", "ほかに {left} 件のステートメントは別のアクションに関するものです。"))) } }
    }
}

fn compared(c: &Context, statement: &Statement, decided: bool) -> Markup {
    let says = match (statement.outcome.as_str(), decided) {
        ("Matched", true) => {
            return state(
                c,
                State::Bad,
                &message!("It matches, and it decided.", "一致し、これが決め手となりました。"),
            );
        }
        ("Matched", false) => message!("It matches.", "一致します。"),
        ("Delegates", _) => message!(
            "It matches, if the account's own policies allow it too.",
            "アカウント側のポリシーも許可する場合に一致します。"
        ),
        ("NeverMatches", _) => message!(
            "It has no Action or no Resource, so it never matches.",
            "Action または Resource がないため、一致することはありません。"
        ),
        _ => return difference(c, statement),
    };
    html! { (c.t(&says)) }
}

fn difference(c: &Context, statement: &Statement) -> Markup {
    let says = match statement.element.as_deref().unwrap_or_default() {
        "Condition" if statement.unreadable => message!(
            "Its condition cannot read the request's value.",
            "条件がリクエストの値を解釈できません。"
        ),
        "Condition" => message!("Its condition does not hold.", "条件が満たされません。"),
        "Principal" => message!("It is for others.", "別のプリンシパルが対象です。"),
        "NotPrincipal" => message!("It is not for these.", "このプリンシパルは除外されています。"),
        "Action" => message!("It is for other actions.", "別のアクションが対象です。"),
        "NotAction" => message!("It is not for these actions.", "このアクションは除外されています。"),
        "Resource" => message!("It is for other resources.", "別のリソースが対象です。"),
        _ => message!("It is not for these resources.", "このリソースは除外されています。"),
    };
    let (wanted, more) = listed(&statement.wanted);
    html! {
        (c.t(&says))
        @if let (Some(operator), Some(key)) = (&statement.operator, &statement.key) { div { code { (operator) " " (key) } } }
        @if !wanted.is_empty() {
            div { (c.t(&message!("wants", "期待値"))) " " code { (wanted) } @if more > 0 { " +" (more) } }
        }
        div { (c.t(&message!("saw", "実際の値"))) " "
            @match statement.found.as_deref() {
                Some(found) => code { (listed(found).0) },
                None => (c.t(&message!("nothing: the request has no such key", "なし（リクエストにこのキーがありません）"))),
            }
        }
    }
}

/// The first values, and how many more there are.
fn listed(values: &[String]) -> (String, usize) {
    let shown: Vec<&str> = values.iter().take(VALUES_MAX).map(String::as_str).collect();
    (shown.join(", "), values.len().saturating_sub(VALUES_MAX))
}

fn grants(c: &Context, grants: &[Grant]) -> Markup {
    html! {
        @if !grants.is_empty() {
            ul { @for grant in grants {
                @let id = &grant.grant_id;
                @let wanted = grant.wanted.join(", ");
                li { (c.t(&match grant.outcome.as_str() {
                    "OtherActions" => message!("Grant {id} gives other actions: {wanted}", "グラント {id} は別のアクションを許可します: {wanted}"),
                    "OtherGrantee" => message!("Grant {id} is to another: {wanted}", "グラント {id} の対象は別のプリンシパルです: {wanted}"),
                    "Unmet" => message!("The constraints of grant {id} are not met: {wanted}", "グラント {id} の制約が満たされません: {wanted}"),
                    _ => message!("Grant {id} gives it.", "グラント {id} が許可しています。"),
                })) }
            } }
        }
    }
}

fn changes(c: &Context, denial: &Denial) -> Markup {
    let title = match denial.changes.len() {
        0 => {
            return html! { p { (c.t(&message!(
                "No change of these policies would allow it: the caller cannot be reached by them, or what refuses is AWS's own.",
                "これらのポリシーを変更しても許可できません。呼び出し元に届かないか、拒否しているのが AWS 自身です。"
            ))) } };
        }
        1 => message!("The smallest change that would allow it", "許可するための最小の変更"),
        all => message!(
            "The smallest changes that would allow it: all {all} together",
            "許可するための最小の変更（{all} 件すべてが必要）"
        ),
    };
    html! {
        h3 { (c.t(&title)) }
        @for one in &denial.changes { (change(c, one)) }
    }
}

fn change(c: &Context, change: &Change) -> Markup {
    let kind = &change.policy_type;
    let place = match &change.policy {
        Some(policy) => message!("In {policy}", "{policy} の変更"),
        None => message!("In a new {kind}", "新しい {kind} の作成"),
    };
    html! {
        p lang="en" { (change.why) }
        @match (&change.document, &change.new_document) {
            (now, Some(then)) => (diff(c, &place, now.as_deref().unwrap_or_default(), then)),
            _ => { p { (c.t(&place)) } (code(c, &patch(change))) },
        }
    }
}

fn patch(change: &Change) -> String {
    let ops = change.patch.iter().map(|op| match &op.value {
        Some(value) => serde_json::json!({ "op": op.op, "path": op.path, "value": value }),
        None => serde_json::json!({ "op": op.op, "path": op.path }),
    });
    operator::text::pretty(&serde_json::Value::Array(ops.collect()).to_string())
}
