//! One finding: what is wrong, why it matters, and what puts it right.

use super::{Asked, looked, reasons, severity_said, severity_state, status_said, status_state};
use crate::{
    ROOT,
    change::{self, Carried, Planned},
    context::Context,
    failure::Failure,
    form::Form,
    page::{Field, Page, State, facts, link, notice, state, token},
    router::Outcome,
    web::Answer,
};
use maud::{Markup, html};
use operator::{
    check::{self, Control, Finding, Fix, FixOptions, Status, controls_named, requirements},
    message,
    survey::Survey,
};
use std::sync::Arc;
use wire::ServiceName;

/// A finding with what it was found in.
struct Found {
    finding: Finding,
    survey: Survey,
    fix: Option<Fix>,
}

async fn find(c: &Context, form: &Form) -> Result<Found, Failure> {
    let asked = Asked::of(c, form)?;
    let control = control(form.get("control"))?;
    let resource = form.get("resource");
    let (survey, report) = looked(c, &asked, Some(control)).await?;
    let finding = report.findings.into_iter().find(|one| one.resource.id == resource);
    let finding = finding.ok_or_else(|| {
        Failure::Missing(message!(
            "The control says nothing of `{resource}` any more.",
            "このコントロールの対象に `{resource}` はもうありません。"
        ))
    })?;
    let options = options(c, form)?;
    let fix = check::fixes(&[&finding], &survey, &options).pop().map(|(_, fix)| fix);
    Ok(Found { finding, survey, fix })
}

fn control(name: &str) -> Result<&'static Control, Failure> {
    let found = controls_named(name).into_iter().find(|control| control.id == name);
    found.ok_or_else(|| {
        Failure::Missing(message!(
            "There is no control `{name}`.",
            "コントロール `{name}` はありません。"
        ))
    })
}

fn options(c: &Context, form: &Form) -> Result<FixOptions, Failure> {
    let tag = form.given("fix-tag").map(|tag| match tag.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(Failure::Bad(message!(
            "A tag is written KEY=VALUE.",
            "タグは KEY=VALUE の形で書きます。"
        ))),
    });
    let without_tls = !c.client().uses_tls(ServiceName::S3)?;
    Ok(FixOptions {
        key: form.given("fix-key").map(str::to_owned),
        access_log_bucket: form.given("fix-bucket").map(str::to_owned),
        tags: tag.transpose()?.into_iter().collect(),
        without_tls,
    })
}

pub(super) async fn show(c: Arc<Context>) -> Outcome {
    let found = find(&c, &c.query).await?;
    Ok(page(&c, &found.finding).with(html! {
        (about(&c, &found.finding))
        (put_right(&c, &found))
    }))
}

fn page<'a>(c: &'a Context, finding: &Finding) -> Page<'a> {
    let id = finding.control.id;
    let list = match c.query.given("control") {
        Some(_) => format!("/checks?{}", Asked::query(&c.query)),
        None => "/checks".to_owned(),
    };
    Page::new(c, message!("Finding {id}", "検出結果 {id}"))
        .below(message!("Checks", "チェック"), list)
        .of_all_regions()
}

fn about(c: &Context, finding: &Finding) -> Markup {
    let control = finding.control;
    let numbers = requirements(control);
    html! {
        p { (state(c, status_state(finding.status), &status_said(finding.status))) " " (state(c, severity_state(control.severity), &severity_said(control.severity))) }
        (facts(c, vec![
            (message!("What has to be so", "あるべき状態"), html! { (c.t(&control.title())) }),
            (message!("Resource", "リソース"), html! { code { (finding.resource.id) } }),
            (message!("Type", "種類"), html! { (finding.resource.kind) }),
            (message!("Region", "リージョン"), html! { (finding.resource.region) }),
        ]))
        section {
            h2 { (c.t(&match finding.status {
                Status::Passed => message!("Why it is good", "合格の理由"),
                _ => message!("What is wrong", "問題の内容"),
            })) }
            (reasons(c, finding))
        }
        section {
            h2 { (c.t(&message!("Why it matters", "重要な理由"))) }
            p { (c.t(&matters(finding))) }
            @if !numbers.is_empty() { ul { @for number in &numbers { li { (number) } } } }
            @if let Some(page) = control.page() { p { a href=(page) rel="noreferrer" { (c.t(&message!("AWS's page about it", "AWS の説明ページ"))) } } }
        }
    }
}

/// What a failed control of this kind costs.
fn matters(finding: &Finding) -> message::Message {
    use operator::check::Severity;
    match finding.control.severity {
        Severity::Critical => message!(
            "Who has no business with the logs gets at them, or they are not written at all. Put it right now. These rules ask for it:",
            "無関係な人がログに触れられるか、ログが書かれていません。今すぐ対応してください。要求している基準:"
        ),
        Severity::High => message!(
            "What happens may go unrecorded, or log files lie open or unprotected. Put it right soon. These rules ask for it:",
            "記録漏れや、ログファイルの漏えい・改ざんにつながります。早めに対応してください。要求している基準:"
        ),
        Severity::Medium => message!(
            "The logs work, and are weaker as evidence or as a warning than they should be. These rules ask for it:",
            "ログは機能していますが、証拠や警告としての力が不足しています。要求している基準:"
        ),
        Severity::Low => message!(
            "It makes work easier, or a mistake harder. These rules ask for it:",
            "運用が楽になり、誤りが起きにくくなります。要求している基準:"
        ),
    }
}

/// What puts it right: steps to be shown, or what to do by hand.
fn put_right(c: &Context, found: &Found) -> Markup {
    let finding = &found.finding;
    if finding.status == Status::Passed {
        return html! {};
    }
    html! {
        section {
            h2 { (c.t(&message!("What puts it right", "修正方法"))) }
            p { (c.t(&finding.control.remedy())) }
            @match &found.fix {
                Some(Fix::Steps(steps)) => {
                    ol { @for step in steps { li { (c.t(&step.title)) } } }
                    @if steps.is_empty() { (notice(c, State::Plain, &message!("There is nothing to change.", "変更は必要ありません。"))) }
                }
                Some(Fix::Manual(how)) => (notice(c, State::Warn, how)),
                Some(Fix::None) | None => {}
            }
            @if finding.status == Status::Failed { (form(c, found)) }
        }
    }
}

fn form(c: &Context, found: &Found) -> Markup {
    let keys: Vec<String> = found.survey.keys.keys().cloned().collect();
    let buckets: Vec<String> = found.survey.buckets.keys().cloned().collect();
    let fields = match found.finding.control.id {
        "CloudTrail.2" | "S3.17" => html! {
            (Field { offered: keys, ..Field::new("fix-key", message!("The key, by its ARN", "キー (ARN)"), given(c, "fix-key")) }.line(c))
        },
        "CloudTrail.7" => html! {
            (Field { offered: buckets, ..Field::new("fix-bucket", message!("The bucket that accesses are logged to", "アクセスログの保存先バケット"), given(c, "fix-bucket")) }.line(c))
        },
        "CloudTrail.9" => html! {
            (Field::new("fix-tag", message!("A tag, as KEY=VALUE", "タグ (KEY=VALUE)"), given(c, "fix-tag")).line(c))
        },
        _ => html! {},
    };
    html! {
        form method="post" action={ (ROOT) "/checks/fix" } {
            (token(c))
            @for (name, value) in kept(c) { input type="hidden" name=(name) value=(value); }
            (fields)
            div.actions { button.primary type="submit" { (c.t(&message!("Show the change", "変更内容を表示"))) } }
        }
    }
}

fn given<'a>(c: &'a Context, name: &str) -> &'a str {
    c.form.given(name).unwrap_or_else(|| c.query.get(name))
}

/// What says which finding it is, from the query or from the form.
fn kept(c: &Context) -> Vec<(&str, &str)> {
    const NAMES: [&str; 7] = [
        "control",
        "resource",
        "framework",
        "severity",
        "only",
        "readers",
        "retention",
    ];
    let from = |name: &'static str| Some((name, given(c, name))).filter(|(_, value)| !value.is_empty());
    NAMES.into_iter().filter_map(from).collect()
}

pub(super) async fn fix(c: Arc<Context>) -> Outcome {
    let found = find(&c, &c.form).await?;
    let steps = match &found.fix {
        Some(Fix::Steps(steps)) => steps.clone(),
        // What has to be known first is said by the page of the finding.
        Some(Fix::Manual(_) | Fix::None) | None => {
            return Ok(page(&c, &found.finding).with(html! {
                (about(&c, &found.finding))
                (put_right(&c, &found))
            }));
        }
    };
    let id = found.finding.control.id;
    let title = message!("Put {id} right", "{id} を修正");
    let planned = Planned::new(&c, title.clone(), "fix", steps);
    let differs = match change::is_confirmed(&c) {
        false => false,
        true => match change::carry_out(&c, &planned).await? {
            Carried::Done(done) => return Ok(made(&c, &found, &done).await),
            Carried::SentBefore => return Ok(Answer::see(&format!("{ROOT}/changes"))),
            Carried::Differs => true,
        },
    };
    let page = Page::new(&c, title)
        .below(message!("Checks", "チェック"), "/checks")
        .of_all_regions();
    Ok(page.with(html! {
        @if differs { (notice(&c, State::Warn, &crate::pages::checks::differs())) }
        p { code { (found.finding.resource.id) } }
        (change::preview(&c, &planned, "/checks/fix"))
    }))
}

async fn made(c: &Context, found: &Found, done: &change::Done) -> Answer {
    let id = found.finding.control.id;
    let page = Page::new(c, message!("Put {id} right", "{id} を修正")).below(message!("Checks", "チェック"), "/checks");
    let query = c.form.with(&[
        ("token", ""),
        (change::DIGEST, ""),
        (change::ONCE, ""),
        ("fix-key", ""),
        ("fix-bucket", ""),
        ("fix-tag", ""),
    ]);
    page.of_all_regions().with(html! {
        (change::told(c, done).await)
        p { (link(&format!("/checks/finding?{query}"), c.t(&message!("Look at this finding again", "この検出結果を再確認")))) }
    })
}
