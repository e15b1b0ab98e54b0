//! A trail's settings, to be changed. Each change is shown before it is made.

use super::{Found, find, page_below, path_of, plan};
use crate::{
    ROOT,
    change::{self, Carried, Planned},
    context::Context,
    page::{Field, Page, State, fact, notice, radio, state, tick, token},
    router::Outcome,
};
use maud::{Markup, html};
use operator::{
    message,
    message::Message,
    survey::{BasicSelector, Depth, Selectors, Trail},
};
use std::sync::Arc;

pub(super) async fn show(c: Arc<Context>) -> Outcome {
    let Found { trail, .. } = find(&c, Depth::Settings).await?;
    let page = page_below(&c, &trail, message!("Settings", "設定"));
    Ok(page.with(html! {
        (logging(&c, &trail))
        (validation(&c, &trail))
        (encryption(&c, &trail))
        (selectors(&c, &trail))
        (delete(&c, &trail))
    }))
}

/// Shows a change, or makes the one that was shown.
pub(super) async fn change(c: Arc<Context>) -> Outcome {
    let depth = match c.form.get("action") {
        "fix" => Depth::Full,
        _ => Depth::Settings,
    };
    let found = find(&c, depth).await?;
    let planned = plan::planned(&c, &found).await?;
    let page = page_below(&c, &found.trail, planned.title.clone());
    if !change::is_confirmed(&c) {
        return Ok(page.with(preview(&c, &found.trail, &planned)));
    }
    carried(&c, &found.trail, page, &planned).await
}

async fn carried(c: &Arc<Context>, trail: &Trail, page: Page<'_>, planned: &Planned) -> Outcome {
    let path = path_of(&trail.home_region, &trail.name);
    Ok(match change::carry_out(c, planned).await? {
        Carried::Done(done) => {
            let told = change::told(c, &done).await;
            let is_gone = done.is_made() && c.form.get("action") == "delete";
            let back = if is_gone { "/trails".to_owned() } else { path };
            page.with(html! {
                (told)
                p { a href={ (ROOT) (back) } { (c.t(&message!("Back", "戻る"))) } }
            })
        }
        Carried::Differs => page.with(html! {
            (notice(c, State::Warn, &message!(
                "What would be done is not what was shown: something has changed since. Nothing was changed; here it is again.",
                "表示した内容と実行内容が異なります。表示後に状態が変わりました。何も変更していません。改めて表示します。"
            )))
            (preview(c, trail, planned))
        }),
        Carried::SentBefore => page.with(html! {
            (notice(c, State::Warn, &message!(
                "This was sent before. Nothing was changed now.",
                "この操作はすでに送信されています。今回は何も変更していません。"
            )))
            p { a href={ (ROOT) (path) } { (c.t(&message!("Back", "戻る"))) } }
        }),
    })
}

fn preview(c: &Context, trail: &Trail, planned: &Planned) -> Markup {
    change::preview(
        c,
        planned,
        &format!("{}/settings", path_of(&trail.home_region, &trail.name)),
    )
}

/// A form of one change.
fn form(c: &Context, trail: &Trail, action: &str, submit: &Message, fields: Markup) -> Markup {
    html! {
        form method="post" action={ (ROOT) (path_of(&trail.home_region, &trail.name)) "/settings" } {
            (token(c))
            (fields)
            div.actions { button type="submit" name="action" value=(action) { (c.t(submit)) } }
        }
    }
}

fn logging(c: &Context, trail: &Trail) -> Markup {
    html! {
        section {
            h2 { (c.t(&message!("Logging", "記録"))) }
            (fact(c, &trail.status, |status| html! {
                p { (super::logging(c, status.is_logging)) }
                @match status.is_logging {
                    true => (form(c, trail, "stop", &message!("Stop logging…", "記録を停止…"), html! {})),
                    false => (form(c, trail, "start", &message!("Start logging…", "記録を開始…"), html! {})),
                }
            }))
        }
    }
}

fn validation(c: &Context, trail: &Trail) -> Markup {
    let (how, says, submit, on) = match trail.validation {
        true => (
            State::Good,
            message!("On", "有効"),
            message!("Turn validation off…", "検証を無効化…"),
            "no",
        ),
        false => (
            State::Warn,
            message!("Off", "無効"),
            message!("Turn validation on…", "検証を有効化…"),
            "yes",
        ),
    };
    html! {
        section {
            h2 { (c.t(&message!("Log file validation", "ログファイルの検証"))) }
            p { (state(c, how, &says)) }
            (form(c, trail, "validation", &submit, html! { input type="hidden" name="on" value=(on); }))
        }
    }
}

fn encryption(c: &Context, trail: &Trail) -> Markup {
    let key = trail.kms_key.as_deref();
    let alias = format!("alias/cloudtrail-{}", trail.name);
    let fields = html! {
        fieldset {
            legend { (c.t(&message!("By which key", "使用するキー"))) }
            (radio(c, "key-from", "new", true, &message!("A new key, with its policy", "新しいキー(キーポリシーも作成)")))
            (Field::new("alias", message!("Alias of the new key", "新しいキーのエイリアス"), &alias).line(c))
            (radio(c, "key-from", "existing", false, &message!("A key that is there: its policy is added to where it lacks something", "既存のキー(不足するポリシーは追加)")))
            (Field::new("key", message!("The key: id, ARN or alias", "キーの ID・ARN・エイリアス"), "").line(c))
        }
        (Field::new("readers", message!("Who is to read: ARNs of users and roles, one a line", "閲覧者: ユーザーやロールの ARN(1 行に 1 つ)"), "").lines(c, 3))
        (tick(c, "bucket-default", "yes", false, &message!("Make it the bucket's default, too", "バケットのデフォルト暗号化にも設定")))
        (tick(c, "accept-loss", "yes", false, &message!("I accept that some who read now cannot open the next files", "現在の閲覧者の一部が今後読めなくなることを承諾")))
    };
    html! {
        section {
            h2 { (c.t(&message!("Encryption", "暗号化"))) }
            @match key {
                Some(key) => p { (c.t(&message!("Log files are sealed by", "ログファイルの暗号化キー:"))) " " (super::key_link(key, key)) },
                None => p { (state(c, State::Warn, &message!("SSE-S3 only", "SSE-S3 のみ"))) },
            }
            (form(c, trail, "encrypt", &message!("Show what would be done…", "変更内容を確認…"), fields))
            @if key.is_some() {
                p { a href={ (ROOT) "/rollback" } { (c.t(&message!("Roll encryption back", "暗号化のロールバック"))) } }
            }
        }
    }
}

fn selectors(c: &Context, trail: &Trail) -> Markup {
    html! {
        section {
            h2 { (c.t(&message!("What is recorded", "記録対象のイベント"))) }
            (fact(c, &trail.selectors, |selectors| html! {
                @match (selectors.basic.as_slice(), selectors.advanced.is_empty()) {
                    ([one], true) => (basic(c, trail, one)),
                    _ => p { (c.t(&message!("The selectors of this trail are more than a form has fields for.", "この証跡のセレクターはフォームの項目では表せません。"))) },
                }
                details open[selectors.basic.len() != 1] {
                    summary { (c.t(&message!("As JSON", "JSON で編集"))) }
                    (json(c, trail, selectors))
                }
            }))
        }
    }
}

/// The fields of one basic selector.
fn basic(c: &Context, trail: &Trail, selector: &BasicSelector) -> Markup {
    let kinds = [
        ("All", message!("Read and write", "読み取りと書き込み")),
        ("ReadOnly", message!("Read", "読み取り")),
        ("WriteOnly", message!("Write", "書き込み")),
    ];
    let is_excluded = |source: &str| {
        selector
            .exclude_management_event_sources
            .iter()
            .any(|one| one == source)
    };
    let values = |kind: &str| {
        let of_kind = selector.data_resources.iter().filter(|resource| resource.kind == kind);
        of_kind
            .flat_map(|resource| resource.values.clone())
            .collect::<Vec<_>>()
            .join("\n")
    };
    let lines = |name: &str, label: Message, kind: &str| Field::new(name, label, &values(kind)).lines(c, 3);
    let fields = html! {
        (tick(c, "management", "yes", selector.include_management_events, &message!("Management events", "管理イベント")))
        (tick(c, "without-kms", "yes", is_excluded("kms.amazonaws.com"), &message!("without those of KMS", "KMS のイベントを除外")))
        (tick(c, "without-rds", "yes", is_excluded("rdsdata.amazonaws.com"), &message!("without those of the RDS Data API", "RDS Data API のイベントを除外")))
        (Field::new("read-write", message!("Which events", "イベントの種類"), &selector.read_write_type).choice(c, &kinds))
        (lines("s3", message!("S3 objects: arn:aws:s3 for all, or arn:aws:s3:::bucket/prefix, one a line", "S3 オブジェクト: すべてなら arn:aws:s3、または arn:aws:s3:::bucket/prefix(1 行に 1 つ)"), "AWS::S3::Object"))
        (lines("lambda", message!("Lambda functions: arn:aws:lambda for all, or ARNs", "Lambda 関数: すべてなら arn:aws:lambda、または ARN"), "AWS::Lambda::Function"))
        (lines("dynamodb", message!("DynamoDB tables: arn:aws:dynamodb for all, or ARNs", "DynamoDB テーブル: すべてなら arn:aws:dynamodb、または ARN"), "AWS::DynamoDB::Table"))
    };
    form(
        c,
        trail,
        "selectors",
        &message!("Show what would be done…", "変更内容を確認…"),
        fields,
    )
}

fn json(c: &Context, trail: &Trail, selectors: &Selectors) -> Markup {
    let mut present = plan::present(trail, selectors);
    if let Some(object) = present.as_object_mut() {
        object.remove("TrailName");
    }
    let text = serde_json::to_string_pretty(&present).unwrap_or_default();
    let label = message!(
        "EventSelectors or AdvancedEventSelectors, as PutEventSelectors takes them",
        "EventSelectors または AdvancedEventSelectors(PutEventSelectors の入力形式)"
    );
    let fields = Field::new("json", label, &text).required().lines(c, 14);
    form(
        c,
        trail,
        "selectors-json",
        &message!("Show what would be done…", "変更内容を確認…"),
        fields,
    )
}

fn delete(c: &Context, trail: &Trail) -> Markup {
    html! {
        section {
            h2 { (c.t(&message!("Delete", "削除"))) }
            p { (c.t(&message!(
                "A trail that is deleted records nothing any more. Its bucket and its files stay.",
                "削除した証跡は何も記録しなくなります。バケットとファイルは残ります。"
            ))) }
            (form(c, trail, "delete", &message!("Delete this trail…", "この証跡を削除…"), html! {}))
        }
    }
}
