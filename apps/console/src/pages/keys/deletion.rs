//! The deletion of a key: what nobody could open any more, and the waiting period.

use super::{Asked, asked, change::step, protects, trail_links, trails, users};
use crate::{
    ROOT,
    change::{Planned, is_confirmed},
    context::Context,
    page::{Field, State, fact, notice, token},
    pages::making::shown_or_made,
    router::Outcome,
    web::Answer,
};
use http::StatusCode;
use maud::{Markup, html};
use operator::{
    aws::Client,
    message,
    message::Message,
    plan::{self, Plan, Wanted},
    survey::{self, Depth, Fact, Missing, Trail},
};
use serde_json::json;
use std::sync::Arc;

const DAYS_MIN: u32 = 7;
const DAYS_MAX: u32 = 30;

pub(super) async fn show(c: Arc<Context>) -> Outcome {
    let asked = asked(&c, Depth::Status).await?;
    form(&c, &asked, None).await
}

/// What would come of it, and what is to be filled in.
async fn form(c: &Context, asked: &Asked, error: Option<Message>) -> Outcome {
    let title = asked.title();
    let (consequences, wrong) = (consequences(c, asked).await, error.is_some());
    let page = asked.page(c, message!("Delete the key {title}", "キー {title} を削除"));
    let days: Vec<(String, Message)> = (DAYS_MIN..=DAYS_MAX)
        .rev()
        .map(|days| (days.to_string(), message!("{days} days", "{days} 日")))
        .collect();
    let days: Vec<(&str, Message)> = days
        .iter()
        .map(|(value, says)| (value.as_str(), says.clone()))
        .collect();
    let wanted = match c.form.get("days") {
        "" => "30",
        some => some,
    };
    let answer = page.below(Message::plain(title.clone()), asked.place()).with(html! {
        (consequences)
        section {
            h2 { (c.t(&message!("Schedule the deletion", "削除をスケジュール"))) }
            form method="post" action={ (ROOT) (asked.place()) "/delete" } {
                (token(c))
                (Field::new("days", message!("Waiting period", "待機期間"), wanted)
                    .hint(message!("Until it ends the key seals and opens nothing, and the deletion can be cancelled.", "待機期間中、キーは使用できませんが、削除を取り消せます。"))
                    .choice(c, &days))
                (Field::new("name", message!("The key's alias or id, to be sure", "確認のため、キーのエイリアスまたは ID を入力"), c.form.get("name"))
                    .hint(message!("Type: {title}", "入力する値: {title}"))
                    .error(error).required().line(c))
                div.actions { button.primary type="submit" { (c.t(&message!("Show what will be done", "実行内容を確認"))) } }
            }
        }
    });
    Ok(if wrong {
        answer.status(StatusCode::BAD_REQUEST)
    } else {
        answer
    })
}

pub(super) async fn schedule(c: Arc<Context>) -> Outcome {
    let asked = asked(&c, Depth::Status).await?;
    let typed = c.form.get("name");
    let aliases = asked.key.aliases.known().map(Vec::as_slice).unwrap_or_default();
    let is_named = typed == asked.key.id() || typed == asked.key.arn || aliases.iter().any(|alias| alias == typed);
    if !is_named {
        let error = message!(
            "This is not the alias or id of this key.",
            "このキーのエイリアスまたは ID ではありません。"
        );
        return form(&c, &asked, Some(error)).await;
    }
    let days = c.form.get("days").parse::<u32>().ok();
    let Some(days) = days.filter(|days| (DAYS_MIN..=DAYS_MAX).contains(days)) else {
        let error = message!("The waiting period has 7 to 30 days.", "待機期間は 7〜30 日です。");
        return form(&c, &asked, Some(error)).await;
    };
    let planned = planned(&c, &asked, days).await;
    let title = asked.title();
    let page = asked.page(&c, message!("Delete the key {title}", "キー {title} を削除"));
    let page = page.below(Message::plain(title), asked.place());
    let (action, back) = (format!("{}/delete", asked.place()), asked.place());
    shown_or_made(&c, page, &planned, (&action, &back)).await
}

async fn planned(c: &Context, asked: &Asked, days: u32) -> Planned {
    let mut undo = vec![asked.plain("CancelKeyDeletion")];
    if asked.state() == "Enabled" {
        undo.push(asked.plain("EnableKey"));
    }
    let call = asked.call("ScheduleKeyDeletion", json!({ "PendingWindowInDays": days }));
    let is_going = asked.state().starts_with("Pending") && asked.state().ends_with("Deletion");
    let steps = if is_going { Vec::new() } else { vec![step(call, undo)] };
    let mut planned = Planned::new(c, message!("Delete a key", "キーを削除する"), "key-deletion", steps);
    planned.warnings.push(warning());
    planned.warnings.push(message!(
        "The key is deleted {days} days from now. Until then this can be taken back.",
        "キーは {days} 日後に削除されます。それまでは元に戻せます。"
    ));
    if !is_confirmed(c) {
        planned.more = consequences(c, asked).await;
    }
    planned
}

/// The warning that people get before they delete the key of their logs.
fn warning() -> Message {
    message!(
        "When the key is deleted, what lies under it can never be opened again by anybody: existing log files too, and whatever else was sealed with it. Delete it only when none of that is needed any more. To stop using a key, give trails and buckets another, and disable this one.",
        "キーを削除すると、そのキーで暗号化された既存のログファイルなどは、誰も二度と復号できません。どれも不要になった場合にのみ削除してください。使用をやめるだけなら、証跡とバケットに別のキーを設定し、このキーを無効にしてください。"
    )
}

async fn consequences(c: &Context, asked: &Asked) -> Markup {
    let arn = &asked.key.arn;
    let (protected, trails, plan) = tokio::join!(
        protects::count(&asked.client, protects::ONE),
        trails(&asked.client),
        plan_of(&asked.client, arn),
    );
    html! {
        (notice(c, State::Bad, &warning()))
        section {
            h2 { (c.t(&message!("What nobody could open any more", "復号できなくなるもの"))) }
            (protects::told(c, &protected, arn))
        }
        section {
            h2 { (c.t(&message!("What would stop", "止まるもの"))) }
            p {
                (c.t(&message!("Trails that seal with it:", "このキーで暗号化する証跡:"))) " "
                (fact(c, &trails, |trails| {
                    let used: Vec<&Trail> = users(trails, arn).collect();
                    trail_links(&used)
                }))
            }
            (fact(c, &plan, |plan| outcome(c, plan)))
        }
    }
}

/// What the deletion would do to the trails and their readers.
async fn plan_of(client: &Client, arn: &str) -> Fact<Plan> {
    let wanted = Wanted {
        deleted_keys: vec![arn.to_owned()],
        ..Wanted::default()
    };
    let missing = |error: &operator::aws::Error| Missing::of("cloudtrail:DescribeTrails", client.region(), error);
    match survey::read(client, &wanted.what()).await {
        Ok(survey) => match wanted.proposed(&survey) {
            Ok(proposed) => Fact::Known(plan::make(&survey, &proposed)),
            Err(_) => Fact::NotAvailable(Missing::not_asked("kms:DescribeKey")),
        },
        Err(error) => Fact::NotAvailable(missing(&error)),
    }
}

fn outcome(c: &Context, plan: &Plan) -> Markup {
    let broken: Vec<_> = plan.trails.iter().filter(|trail| trail.breaks()).collect();
    let losing: Vec<_> = plan.readers.iter().filter(|reader| reader.loses()).collect();
    html! {
        @if !broken.is_empty() {
            ul {
                @for trail in &broken {
                    @for (part, state) in trail.parts().filter(|(_, part)| part.stops()) {
                        li {
                            (trail.name) ": " (c.t(&message!("no more {part}", "{part} の配信が止まります")))
                            @if let Some(error) = &state.error { " (" code { (error.code) } ")" }
                        }
                    }
                }
            }
        }
        @if !losing.is_empty() {
            @let count = losing.len();
            details {
                summary { (c.t(&message!("{count} readers of log files would read them no more", "ログファイルを読めなくなる人: {count} 件"))) }
                ul { @for reader in &losing { li { (reader.principal) " (" (reader.trail) ")" } } }
            }
        }
        @for remark in &plan.remarks { p.aside { (c.t(remark)) } }
    }
}
