//! The first page: whether trails record, and where to begin.

use crate::{
    ROOT,
    context::Context,
    live::{self, Live},
    page::{Page, State, empty, link, notice, number, state, table},
    router::{Outcome, Route, get},
    web::segment,
};
use maud::{Markup, html};
use operator::{
    message,
    survey::{self, Depth, Fact, Survey, What},
};
use std::sync::Arc;

pub(crate) fn routes() -> Vec<Route> {
    vec![get("/", show)]
}

async fn show(c: Arc<Context>) -> Outcome {
    let what = What {
        depth: Depth::Status,
        ..What::default()
    };
    let survey = survey::read(&c.client(), &what).await?;
    let page = Page::new(&c, message!("Overview", "概要")).of_all_regions();
    Ok(page.with(html! {
        (trails(&c, &survey))
        (live::panel(&c, &message!("Now", "現在の動き"), &Live { all_regions: true, ..Live::default() }))
        section {
            h2 { (c.t(&message!("Where to begin", "はじめに"))) }
            ul.doors {
                li { a href={ (ROOT) "/trails/create" } { (c.t(&message!("Set up a sealed trail", "暗号化された証跡を作成"))) } }
                li { a href={ (ROOT) "/events" } { (c.t(&message!("See what was recorded", "記録されたイベントを見る"))) } }
                li { a href={ (ROOT) "/checks" } { (c.t(&message!("Check what is wrong", "問題点をチェック"))) } }
                li { a href={ (ROOT) "/changes" } { (c.t(&message!("Take a change back", "変更を元に戻す"))) } }
            }
        }
    }))
}

fn trails(c: &Context, survey: &Survey) -> Markup {
    let count = number(survey.trails.len() as u64);
    let rows = survey.trails.iter().map(|trail| {
        let logging = match &trail.status {
            Fact::Known(status) if status.is_logging => state(c, State::Good, &message!("Logging", "記録中")),
            Fact::Known(_) => state(c, State::Warn, &message!("Stopped", "停止中")),
            Fact::NotAvailable(missing) => crate::page::not_available(c, missing),
        };
        let sealed = match &trail.kms_key {
            Some(key) => html! { code { (key.rsplit('/').next().unwrap_or(key)) } },
            None => state(c, State::Warn, &message!("SSE-S3 only", "SSE-S3 のみ")),
        };
        let path = format!("/trails/{}/{}", segment(&trail.home_region), segment(&trail.name));
        vec![
            link(&path, &trail.name),
            html! { (trail.home_region) },
            logging,
            sealed,
            html! { (trail.bucket) },
        ]
    });
    let head = [
        message!("Trail", "証跡"),
        message!("Home Region", "ホームリージョン"),
        message!("State", "状態"),
        message!("Key", "キー"),
        message!("Bucket", "バケット"),
    ];
    html! {
        section {
            h2 { (c.t(&message!("Trails", "証跡"))) }
            @if survey.trails.is_empty() {
                (empty(c, &message!("This account has no trail yet: nothing of it is kept beyond the event history.", "このアカウントには証跡がまだありません。イベント履歴以外には何も残りません。")))
            } @else {
                (table(c, &message!("{count} trails in all Regions", "全リージョンの証跡 {count} 件"), &head, rows.collect()))
            }
            @if survey.trails.iter().any(|trail| trail.kms_key.is_none()) {
                (notice(c, State::Warn, &message!("A trail without a key of yours: whoever may read the bucket reads the logs.", "独自のキーで暗号化されていない証跡があります。バケットを読める人は誰でもログを読めます。")))
            }
        }
    }
}
