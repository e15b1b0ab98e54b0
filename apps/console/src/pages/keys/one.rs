//! One key: what it is, who may use it, and what depends on it.

use super::{Asked, Protected, asked, fact, key_state, protects, trail_links, trails, users};
use crate::{
    ROOT,
    context::Context,
    page::{State, code, empty, facts, link, notice, number, state, table, time, token},
    pages::{making::policy_told, who},
    router::Outcome,
};
use base::Timestamp;
use maud::{Markup, html};
use operator::{
    aws::Client,
    message,
    message::Message,
    survey::{Depth, Fact, Key, KeyMetadata, Missing, MissingKind, Trail},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use wire::ServiceName::Kms;

/// So many rotations are shown.
const ROTATIONS_MAX: u32 = 100;

pub(super) async fn show(c: Arc<Context>) -> Outcome {
    let asked = asked(&c, Depth::Full).await?;
    let arn = asked.key.arn.clone();
    let target = json!({ "KeyId": arn });
    let (trails, protected, rotations, access) = tokio::join!(
        trails(&asked.client),
        protects::count(&asked.client, protects::ONE),
        rotations(&asked.client, &arn),
        who::may(&asked.client, &target),
    );
    let title = asked.title();
    let page = asked.page(&c, message!("Key {title}", "キー {title}"));
    Ok(page.with(html! {
        (told(&c, &asked))
        (what_it_protects(&c, &asked, &trails, &protected))
        section {
            h2 { (c.t(&message!("Who may use it", "このキーを使える人"))) }
            (who::table_of(&c, &access, true))
        }
        (policy(&c, &asked))
        (grants(&c, &asked.key))
        (rotation(&c, &asked, &rotations))
        (actions(&c, &asked))
    }))
}

fn told(c: &Context, asked: &Asked) -> Markup {
    let key = &asked.key;
    let aliases = fact(c, &key.aliases, |aliases| {
        html! { @for alias in aliases { code { (alias) } " " } @if aliases.is_empty() { "–" } }
    });
    let tags = fact(c, &key.tags, |tags| {
        html! {
            @if tags.is_empty() { "–" } @else { ul { @for (name, value) in tags { li { (name) " = " (value) } } } }
        }
    });
    let mut rows = vec![
        (message!("ARN", "ARN"), html! { code { (key.arn) } }),
        (message!("Aliases", "エイリアス"), aliases),
    ];
    match &key.metadata {
        Fact::Known(metadata) => rows.extend(of_metadata(c, metadata)),
        missing => rows.push((message!("State", "状態"), fact(c, missing, |_| html! {}))),
    }
    rows.push((message!("Tags", "タグ"), tags));
    html! {
        @if let Some(date) = key.metadata.known().and_then(|metadata| metadata.deletion_date) { (deletion_told(c, date)) }
        (facts(c, rows))
    }
}

fn deletion_told(c: &Context, date: Timestamp) -> Markup {
    let date = date.iso8601();
    notice(
        c,
        State::Bad,
        &message!(
            "This key is deleted on {date}. From then on nobody opens what lies under it. Until then it can be cancelled.",
            "このキーは {date} に削除されます。削除後は、このキーで暗号化されたものを誰も復号できません。それまでは取り消せます。"
        ),
    )
}

fn of_metadata(c: &Context, metadata: &KeyMetadata) -> Vec<(Message, Markup)> {
    let when = |at: Option<Timestamp>| at.map_or_else(|| html! { "–" }, |at| time(c, at));
    let regions = match (metadata.multi_region, &metadata.primary) {
        (false, _) => html! { (c.t(&message!("no", "いいえ"))) },
        (true, primary) => html! {
            (c.t(&message!("yes", "はい")))
            @if let Some(primary) = primary { br; span.aside { (c.t(&message!("primary:", "プライマリ:"))) " " (link(&super::place(primary), primary)) } }
            @for replica in &metadata.replicas { br; span.aside { (c.t(&message!("replica:", "レプリカ:"))) " " (link(&super::place(replica), replica)) } }
        },
    };
    let mut rows = vec![
        (message!("State", "状態"), key_state(c, metadata)),
        (
            message!("Description", "説明"),
            html! { (or_none(&metadata.description)) },
        ),
        (
            message!("Spec", "仕様"),
            html! { (metadata.spec) ", " (metadata.usage) },
        ),
        (message!("Origin", "オリジン"), html! { (metadata.origin) }),
        (message!("Manager", "管理者"), html! { (metadata.manager) }),
        (message!("Multi-Region", "マルチリージョン"), regions),
        (message!("Created", "作成日時"), when(metadata.created)),
    ];
    if metadata.valid_to.is_some() {
        rows.push((
            message!("Material expires", "マテリアルの有効期限"),
            when(metadata.valid_to),
        ));
    }
    rows
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "–" } else { text }
}

fn what_it_protects(c: &Context, asked: &Asked, trails: &Fact<Vec<Trail>>, protected: &Protected) -> Markup {
    html! {
        section {
            h2 { (c.t(&message!("What it protects", "保護しているもの"))) }
            p {
                (c.t(&message!("Trails that seal their log files with it:", "ログファイルの暗号化に使用している証跡:"))) " "
                (fact(c, trails, |trails| {
                    let used: Vec<&Trail> = users(trails, &asked.key.arn).collect();
                    trail_links(&used)
                }))
            }
            (protects::told(c, protected, &asked.key.arn))
        }
    }
}

fn policy(c: &Context, asked: &Asked) -> Markup {
    let desk = format!(
        "/policy?kind=key&id={}&region={}",
        crate::web::escaped(&asked.key.arn),
        crate::web::escaped(&asked.region)
    );
    html! {
        section {
            h2 { (c.t(&message!("Key policy", "キーポリシー"))) }
            (fact(c, &asked.key.policy, |document| html! { (policy_told(c, document)) }))
            p { (link(&desk, c.t(&message!("Edit it at the policy desk", "ポリシー画面で編集")))) }
        }
    }
}

fn grants(c: &Context, key: &Key) -> Markup {
    let text = |value: &Value| value.as_str().unwrap_or("–").to_owned();
    let head = [
        message!("Grant", "グラント"),
        message!("To", "付与先"),
        message!("Operations", "操作"),
        message!("Constraints", "制約"),
        message!("Name", "名前"),
    ];
    html! {
        section {
            h2 { (c.t(&message!("Grants", "グラント"))) }
            (fact(c, &key.grants, |grants| {
                let rows = grants.iter().map(|grant| {
                    let operations = grant["Operations"].as_array().into_iter().flatten().filter_map(Value::as_str);
                    let operations: Vec<&str> = operations.collect();
                    vec![
                        html! { code { (text(&grant["GrantId"])) } },
                        html! { (text(&grant["GranteePrincipal"])) },
                        html! { (operations.join(", ")) },
                        html! { @if grant["Constraints"].is_null() { "–" } @else { code { (grant["Constraints"]) } } },
                        html! { (text(&grant["Name"])) },
                    ]
                });
                let count = grants.len();
                match grants.is_empty() {
                    true => empty(c, &message!("No grant is there.", "グラントはありません。")),
                    false => table(c, &message!("{count} grants", "グラント {count} 件"), &head, rows.collect()),
                }
            }))
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Rotations {
    #[serde(default)]
    rotations: Vec<Rotated>,
    #[serde(default)]
    truncated: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Rotated {
    rotation_date: Option<f64>,
    rotation_type: Option<String>,
    key_material_id: Option<String>,
}

async fn rotations(client: &Client, arn: &str) -> Fact<Rotations> {
    let input = json!({ "KeyId": arn, "Limit": ROTATIONS_MAX });
    match client.ask(Kms, "ListKeyRotations", &input).await {
        Ok(found) => Fact::Known(found),
        Err(error) => Fact::NotAvailable(Missing::of("kms:ListKeyRotations", client.region(), &error)),
    }
}

fn rotation(c: &Context, asked: &Asked, rotations: &Fact<Rotations>) -> Markup {
    let is_none = |missing: &Missing| missing.kind() == MissingKind::Unsupported;
    let setting = fact(c, &asked.key.rotation, |rotation| {
        match (rotation.enabled, rotation.period_days, rotation.next) {
            (true, days, next) => {
                let days = days.unwrap_or(365);
                html! {
                    (state(c, State::Good, &message!("every {days} days", "{days} 日ごと")))
                    @if let Some(next) = next { " " (c.t(&message!("next:", "次回:"))) " " (time(c, next)) }
                }
            }
            (false, ..) => state(c, State::Warn, &message!("not automatic", "自動ローテーションなし")),
        }
    });
    html! {
        section {
            h2 { (c.t(&message!("Rotation", "ローテーション"))) }
            @if rotations.missing().is_some_and(is_none) {
                (empty(c, &message!("Keys of this kind are not rotated.", "この種類のキーはローテーションできません。")))
            } @else {
                p { (setting) }
                (fact(c, rotations, |found| rotated(c, found)))
                (rotation_forms(c, asked))
            }
        }
    }
}

fn rotated(c: &Context, found: &Rotations) -> Markup {
    let rows = found.rotations.iter().map(|one| {
        vec![
            one.rotation_date
                .map_or_else(|| html! { "–" }, |at| time(c, Timestamp::from_secs_f64(at))),
            html! { (one.rotation_type.as_deref().unwrap_or("–")) },
            html! { code { (one.key_material_id.as_deref().unwrap_or("–")) } },
        ]
    });
    let head = [
        message!("When", "日時"),
        message!("How", "方法"),
        message!("Material", "マテリアル"),
    ];
    let count = found.rotations.len();
    html! {
        @if found.rotations.is_empty() {
            (empty(c, &message!("It was never rotated.", "ローテーションの履歴はありません。")))
        } @else {
            (table(c, &message!("{count} rotations, oldest first", "ローテーション {count} 回 (古い順)"), &head, rows.collect()))
            @if found.truncated { p.aside { (c.t(&message!("There are more.", "ほかにもあります。"))) } }
        }
    }
}

/// A button that asks for a change to be shown.
fn ask(c: &Context, path: &str, does: &str, says: &Message) -> Markup {
    html! {
        form method="post" action={ (ROOT) (path) } {
            (token(c))
            button type="submit" name="do" value=(does) { (c.t(says)) }
        }
    }
}

fn rotation_forms(c: &Context, asked: &Asked) -> Markup {
    let path = format!("{}/rotation", asked.place());
    let is_own = asked
        .key
        .metadata
        .known()
        .is_some_and(|metadata| metadata.manager == "CUSTOMER" && metadata.is_usable());
    let enabled = asked.key.rotation.known().is_some_and(|rotation| rotation.enabled);
    html! {
        @if is_own {
            div.actions {
                @if enabled { (ask(c, &path, "off", &message!("Switch rotation off…", "自動ローテーションを無効にする…"))) }
                @else { (ask(c, &path, "on", &message!("Switch rotation on…", "自動ローテーションを有効にする…"))) }
                (ask(c, &path, "now", &message!("Rotate now…", "今すぐローテーション…")))
            }
        }
    }
}

fn actions(c: &Context, asked: &Asked) -> Markup {
    let path = format!("{}/state", asked.place());
    let Some(metadata) = asked
        .key
        .metadata
        .known()
        .filter(|metadata| metadata.manager == "CUSTOMER")
    else {
        return html! {};
    };
    html! {
        section {
            h2 { (c.t(&message!("State", "状態の変更"))) }
            div.actions {
                @match metadata.state.as_str() {
                    "Enabled" => (ask(c, &path, "disable", &message!("Disable…", "無効にする…"))),
                    "Disabled" => (ask(c, &path, "enable", &message!("Enable…", "有効にする…"))),
                    _ => {}
                }
                @if metadata.state.starts_with("Pending") && metadata.state.contains("Deletion") {
                    (ask(c, &path, "cancel", &message!("Cancel the deletion…", "削除を取り消す…")))
                } @else {
                    a.button href={ (ROOT) (asked.place()) "/delete" } { (c.t(&message!("Delete…", "削除…"))) }
                }
            }
        }
    }
}
