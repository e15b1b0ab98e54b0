//! The trails of all Regions, and how each stands.

use super::path_of;
use crate::{
    ROOT,
    context::Context,
    page::{Page, State, empty, fact, link, not_available, notice, state, table, time, token},
    router::Outcome,
};
use maud::{Markup, html};
use operator::{
    message,
    status::{self, Finding, KeyReport, Report, TrailReport},
    survey::{self, Depth, Fact, What},
};
use std::sync::Arc;

pub(super) async fn show(c: Arc<Context>) -> Outcome {
    let what = What {
        depth: Depth::Status,
        ..What::default()
    };
    let survey = survey::read(&c.client(), &what).await?;
    let report = status::report(&survey, None);
    let page = Page::new(&c, message!("Trails", "証跡")).of_all_regions();
    Ok(page.with(html! {
        div.actions { a.button.primary href={ (ROOT) "/trails/create" } { (c.t(&message!("Create a trail", "証跡を作成"))) } }
        (unheard(&c, &report))
        (trails(&c, &report))
        (findings(&c, &report))
    }))
}

/// The Regions that could not be asked, by name, and the other calls that told nothing.
fn unheard(c: &Context, report: &Report) -> Markup {
    let silent = report.regions.iter().filter(|region| region.trails.known().is_none());
    let silent: Vec<&str> = silent.map(|region| region.region.as_str()).collect();
    let (count, list) = (silent.len(), silent.join(", "));
    html! {
        @if count > 0 {
            (notice(c, State::Bad, &message!(
                "{count} Regions could not be asked; trails there are not shown: {list}",
                "{count} リージョンに問い合わせできず、そこにある証跡は表示されていません: {list}"
            )))
        }
        @if !report.not_available.is_empty() {
            details open[count > 0] {
                summary { (c.t(&message!("What could not be read", "読み取れなかった項目"))) }
                ul { @for unread in &report.not_available { li { (c.t(&unread.message)) } } }
            }
        }
    }
}

fn trails(c: &Context, report: &Report) -> Markup {
    let (count, regions) = (report.trails.len(), report.regions.len());
    if report.trails.is_empty() {
        return empty(
            c,
            &message!(
                "No trail is in any Region that answered: nothing is kept beyond the event history.",
                "回答のあったリージョンに証跡はありません。イベント履歴以外には何も残りません。"
            ),
        );
    }
    let head = [
        message!("Trail", "証跡"),
        message!("Home Region", "ホームリージョン"),
        message!("State", "状態"),
        message!("Key", "キー"),
        message!("Validation", "検証"),
        message!("Bucket", "バケット"),
        message!("Last log file", "最後のログファイル"),
        message!("Last digest", "最後のダイジェスト"),
    ];
    let rows = report.trails.iter().map(|trail| row(c, report, trail)).collect();
    let plural = if count == 1 { "" } else { "s" };
    let caption = message!(
        "{count} trail{plural}, asked for in {regions} Regions",
        "証跡 {count} 件({regions} リージョンに問い合わせ)"
    );
    table(c, &caption, &head, rows)
}

fn row(c: &Context, report: &Report, trail: &TrailReport) -> Vec<Markup> {
    let path = path_of(&trail.home_region, &trail.name);
    let of_it: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|finding| finding.trail.as_deref() == Some(trail.arn.as_str()))
        .collect();
    let covers = match (trail.organization, trail.multi_region) {
        (true, _) => message!("organization", "組織"),
        (false, true) => message!("all Regions", "全リージョン"),
        (false, false) => message!("this Region alone", "このリージョンのみ"),
    };
    vec![
        link(&path, &trail.name),
        html! { (trail.home_region) br; span.aside { (c.t(&covers)) } },
        html! {
            (logging(c, trail))
            @if !of_it.is_empty() { " " a href={ "#trail-" (anchor(report, trail)) } { (problems(c, of_it.len())) } }
            (change(c, trail, &path))
        },
        key(c, trail.key.as_ref()),
        validation(c, trail.validation),
        html! { (super::bucket_link(&trail.bucket)) br; (encryption(c, trail)) },
        fact(c, &trail.status, |status| moment(c, status.latest_delivery_time)),
        fact(c, &trail.status, |status| moment(c, status.latest_digest_delivery_time)),
    ]
}

fn anchor(report: &Report, trail: &TrailReport) -> usize {
    report
        .trails
        .iter()
        .position(|other| other.arn == trail.arn)
        .unwrap_or_default()
}

fn problems(c: &Context, count: usize) -> Markup {
    let says = match count {
        1 => message!("1 problem", "問題 1 件"),
        count => message!("{count} problems", "問題 {count} 件"),
    };
    state(c, State::Bad, &says)
}

fn logging(c: &Context, trail: &TrailReport) -> Markup {
    fact(c, &trail.status, |status| super::logging(c, status.is_logging))
}

/// The key by what people call it, with its state.
fn key(c: &Context, key: Option<&KeyReport>) -> Markup {
    let Some(key) = key else {
        return state(c, State::Warn, &message!("SSE-S3 only", "SSE-S3 のみ"));
    };
    html! { (super::key_link(&key.arn, key.name())) br; (fact(c, &key.state, |known| super::key_state(c, known))) }
}

fn validation(c: &Context, on: bool) -> Markup {
    match on {
        true => state(c, State::Good, &message!("On", "有効")),
        false => state(c, State::Warn, &message!("Off", "無効")),
    }
}

fn encryption(c: &Context, trail: &TrailReport) -> Markup {
    if trail.bucket_exists == Fact::Known(false) {
        return state(c, State::Bad, &message!("The bucket is gone", "バケットがありません"));
    }
    html! { span.aside { (c.t(&message!("default:", "デフォルト:"))) " " (fact(c, &trail.bucket_encryption, |encryption| super::default_encryption(c, encryption.as_ref()))) } }
}

fn moment(c: &Context, at: Option<base::Timestamp>) -> Markup {
    match at {
        Some(at) => time(c, at),
        None => html! { span.aside { (c.t(&message!("none yet", "まだありません"))) } },
    }
}

/// A button to start or stop. What it does is shown before it is done.
fn change(c: &Context, trail: &TrailReport, path: &str) -> Markup {
    let Fact::Known(status) = &trail.status else {
        return html! {};
    };
    let (action, says) = match status.is_logging {
        true => ("stop", message!("Stop…", "停止…")),
        false => ("start", message!("Start…", "開始…")),
    };
    html! {
        form method="post" action={ (ROOT) (path) "/settings" } {
            (token(c))
            button type="submit" name="action" value=(action) { (c.t(&says)) span.visually-hidden { " " (trail.name) } }
        }
    }
}

/// What is no good of each trail, in sentences.
fn findings(c: &Context, report: &Report) -> Markup {
    let groups: Vec<(usize, &TrailReport, Vec<&Finding>)> = report
        .trails
        .iter()
        .enumerate()
        .map(|(at, trail)| {
            let of_it = report.findings.iter();
            let of_it = of_it.filter(|finding| finding.trail.as_deref() == Some(trail.arn.as_str()));
            (at, trail, of_it.collect())
        })
        .filter(|(_, _, findings): &(_, _, Vec<_>)| !findings.is_empty())
        .collect();
    html! {
        @if !groups.is_empty() {
            section {
                h2 { (c.t(&message!("What is wrong", "問題"))) }
                @for (at, trail, findings) in groups {
                    h3 id={ "trail-" (at) } { (link(&path_of(&trail.home_region, &trail.name), &trail.name)) }
                    @for finding in findings { p.notice.bad { (c.t(&finding.message)) } }
                }
            }
        }
    }
}
