//! What the checks say of one trail, its bucket and its key.

use super::{Found, find, page_below, path_of};
use crate::{
    ROOT,
    context::Context,
    page::{State, state, table, token},
    router::Outcome,
};
use maud::{Markup, html};
use operator::{
    check::{self, Finding, Fix, FixOptions, Options, Severity, Status},
    message,
    message::Message,
    survey::{Depth, Survey, Trail},
};
use std::sync::Arc;

/// Everything that is said of the trail, its bucket and its key.
pub(super) async fn findings(c: &Context, survey: &Survey, trail: &Trail) -> Vec<Finding> {
    let client = c.client().in_region(&trail.home_region);
    let evidence = check::gather(&client, survey, c.now()).await;
    let report = check::check(survey, &evidence, &Options::default(), c.now());
    let bucket = format!("arn:{}:s3:::{}", survey.partition, trail.bucket);
    let is_of_it = |finding: &Finding| {
        let id = finding.resource.id.as_str();
        id == trail.arn || id == bucket || Some(id) == trail.kms_key.as_deref()
    };
    report.findings.into_iter().filter(is_of_it).collect()
}

pub(super) async fn show(c: Arc<Context>) -> Outcome {
    let Found { survey, trail } = find(&c, Depth::Full).await?;
    let page = page_below(&c, &trail, message!("Checks of this trail", "この証跡のチェック"));
    let findings = findings(&c, &survey, &trail).await;
    let (passed, open): (Vec<&Finding>, Vec<&Finding>) =
        findings.iter().partition(|finding| finding.status == Status::Passed);
    let options = options(&c);
    let fixes = check::fixes(&open, &survey, &options);
    let (good, bad) = (passed.len(), open.len());
    let says = message!(
        "{good} checks passed, {bad} did not.",
        "合格 {good} 件、それ以外 {bad} 件。"
    );
    Ok(page.with(html! {
        div #checks {
            p data-said { (c.t(&says)) }
            @if !open.is_empty() { (opened(&c, &trail, &open, &fixes)) }
            details {
                summary { (c.t(&message!("What passed", "合格したチェック"))) }
                ul { @for finding in &passed { li { code { (finding.control.id) } " " (c.t(&finding.control.title())) } } }
            }
            p { a href={ (ROOT) "/checks" } { (c.t(&message!("All checks of the account", "アカウント全体のチェック"))) } }
        }
    }))
}

/// What a fix has to know of this server.
pub(super) fn options(c: &Context) -> FixOptions {
    FixOptions {
        without_tls: !c.client().uses_tls(wire::ServiceName::S3).unwrap_or(false),
        ..FixOptions::default()
    }
}

fn opened(c: &Context, trail: &Trail, open: &[&Finding], fixes: &[(&Finding, Fix)]) -> Markup {
    let head = [
        message!("Check", "チェック"),
        message!("Result", "結果"),
        message!("Why", "理由"),
        message!("Fix", "修正"),
    ];
    let rows = open.iter().map(|finding| {
        let fix = fixes
            .iter()
            .find(|(of, _)| std::ptr::eq(*of, *finding))
            .map(|(_, fix)| fix);
        vec![
            html! { code { (finding.control.id) } br; (c.t(&finding.control.title())) },
            html! { (result(c, finding.status)) br; (severity(c, finding.control.severity)) },
            html! { @for reason in &finding.reasons { p { (c.t(reason)) } } },
            fix.map_or_else(|| html! { "–" }, |fix| fixed(c, trail, finding, fix)),
        ]
    });
    table(
        c,
        &message!("What did not pass", "合格しなかったチェック"),
        &head,
        rows.collect(),
    )
}

fn fixed(c: &Context, trail: &Trail, finding: &Finding, fix: &Fix) -> Markup {
    match fix {
        Fix::Steps(steps) if !steps.is_empty() => html! {
            @for step in steps { p { (c.t(&step.title)) } }
            form method="post" action={ (ROOT) (path_of(&trail.home_region, &trail.name)) "/settings" } {
                (token(c))
                input type="hidden" name="control" value=(finding.control.id);
                button type="submit" name="action" value="fix" {
                    (c.t(&message!("Fix…", "修正…"))) span.visually-hidden { " " (finding.control.id) }
                }
            }
        },
        Fix::Steps(_) | Fix::None => html! { "–" },
        Fix::Manual(says) => html! { (c.t(says)) },
    }
}

fn result(c: &Context, status: Status) -> Markup {
    let (how, says) = match status {
        Status::Passed => (State::Good, message!("passed", "合格")),
        Status::Warning => (State::Warn, message!("warning", "警告")),
        Status::NotAvailable => (State::Unknown, message!("not available", "判定不可")),
        Status::Failed => (State::Bad, message!("failed", "不合格")),
    };
    state(c, how, &says)
}

fn severity(c: &Context, severity: Severity) -> Markup {
    let says: Message = match severity {
        Severity::Low => message!("low", "低"),
        Severity::Medium => message!("medium", "中"),
        Severity::High => message!("high", "高"),
        Severity::Critical => message!("critical", "重大"),
    };
    html! { span.aside { (c.t(&says)) } }
}
