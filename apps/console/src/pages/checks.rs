//! What is wrong with the trails of the account: the controls of CIS, Security Hub, PCI, NIST and AWS Config, and the product's own.
//!
//! A check reads much of the account and its buckets. It is made when it is asked for, as who is signed in; what they may not read
//! is named and never counts as good.

mod finding;
mod picture;

use crate::{
    ROOT,
    context::Context,
    failure::Failure,
    form::Form,
    page::{Field, Page, State, empty, facts, link, notice, state, table},
    router::{Outcome, Route, get, post},
    web::{Answer, escaped},
};
use maud::{Markup, html};
use operator::{
    check::{self, CONTROLS, Control, Finding, Framework, Options, Report, Severity, Status},
    message,
    message::Message,
    survey::{self, Depth, Survey, What},
};
use std::sync::Arc;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        get("/checks", show),
        get("/checks/report.json", download),
        get("/checks/finding", finding::show),
        post("/checks/fix", finding::fix),
    ]
}

/// What is looked at, as the query says it.
struct Asked {
    framework: Option<Framework>,
    severity: Option<Severity>,
    /// One Region; without one, all.
    only: Option<String>,
    readers: Vec<String>,
    retention: Option<u32>,
}

impl Asked {
    fn of(c: &Context, form: &Form) -> Result<Asked, Failure> {
        let framework = match form.given("framework") {
            None => None,
            Some(name) => Some(Framework::named(name).ok_or_else(|| {
                Failure::Bad(message!(
                    "There is no framework `{name}`.",
                    "フレームワーク `{name}` はありません。"
                ))
            })?),
        };
        let severity = form.given("severity").map(|name| {
            let known = Severity::ALL.into_iter().find(|one| one.name() == name);
            known.ok_or_else(|| {
                Failure::Bad(message!(
                    "There is no severity `{name}`.",
                    "重要度 `{name}` はありません。"
                ))
            })
        });
        let only = form.given("only").map(|name| {
            let is_known = c.regions().iter().any(|one| one == name);
            is_known.then(|| name.to_owned()).ok_or_else(|| {
                Failure::Bad(message!(
                    "There is no Region `{name}` here.",
                    "リージョン `{name}` はありません。"
                ))
            })
        });
        let retention = form.given("retention").map(|days| {
            let days = days.parse::<u32>().ok().filter(|days| *days > 0);
            days.ok_or_else(|| {
                Failure::Bad(message!(
                    "Days are a number above nought.",
                    "日数は 1 以上の整数で指定してください。"
                ))
            })
        });
        Ok(Asked {
            framework,
            severity: severity.transpose()?,
            only: only.transpose()?,
            readers: form.get("readers").split_whitespace().map(str::to_owned).collect(),
            retention: retention.transpose()?,
        })
    }

    fn options(&self) -> Options {
        let of_it = |control: &&Control| {
            let framework = self.framework;
            framework.is_some_and(|framework| !framework.numbers(control).is_empty())
        };
        Options {
            controls: CONTROLS.iter().filter(of_it).collect(),
            severity: self.severity,
            readers: self.readers.clone(),
            retention_days: self.retention,
            ..Options::default()
        }
    }

    /// The query that asks the same, without what is to be done with it.
    fn query(form: &Form) -> String {
        form.with(&[
            ("control", ""),
            ("resource", ""),
            ("token", ""),
            ("run", "1"),
            ("region", ""),
        ])
    }
}

/// Reads the account and looks at what is asked for.
async fn looked(c: &Context, asked: &Asked, controls: Option<&'static Control>) -> Result<(Survey, Report), Failure> {
    let what = What {
        regions: asked.only.clone().map(|region| vec![region]),
        depth: Depth::Full,
        ..What::default()
    };
    let client = c.client();
    let mut survey = survey::read(&client, &what).await?;
    survey.made_at = Some(c.now());
    let evidence = check::gather(&client, &survey, c.now()).await;
    let mut options = asked.options();
    if let Some(control) = controls {
        options.controls = vec![control];
        options.severity = None;
    }
    let report = check::check(&survey, &evidence, &options, c.now());
    Ok((survey, report))
}

async fn show(c: Arc<Context>) -> Outcome {
    let asked = Asked::of(&c, &c.query)?;
    let page = Page::new(&c, message!("Checks", "チェック")).of_all_regions();
    if !c.query.is_on("run") {
        return Ok(page.with(html! {
            (notice(&c, State::Plain, &message!(
                "A check reads the trails of all Regions, their buckets, keys and readers, and looks at the newest files. It changes nothing. Every call of it is recorded as yours.",
                "全リージョンの証跡、バケット、キー、閲覧者を読み取り、最新のファイルを確認します。何も変更しません。呼び出しはすべてあなたの操作として記録されます。"
            )))
            (wanted(&c))
        }));
    }
    let (_, report) = looked(&c, &asked, None).await?;
    Ok(page.with(html! {
        (summary(&c, &report))
        (wanted(&c))
        (pictures(&c, &report))
        (findings(&c, &report))
        (passed(&c, &report))
        p.actions {
            a.button href={ (ROOT) "/checks/report.json?" (Asked::query(&c.query)) } { (c.t(&message!("Download as JSON", "JSON でダウンロード"))) }
        }
    }))
}

async fn download(c: Arc<Context>) -> Outcome {
    let asked = Asked::of(&c, &c.query)?;
    let (_, report) = looked(&c, &asked, None).await?;
    let text = serde_json::to_string_pretty(&report.document()).map_err(|fault| {
        Failure::Own(message!(
            "The report cannot be written: {fault}",
            "レポートを作成できません: {fault}"
        ))
    })?;
    let name = format!("checks-{}-{}.json", report.account, report.checked_at.replace(':', ""));
    Ok(Answer::download(&name, "application/json", text))
}

/// The form that asks for a check.
fn wanted(c: &Context) -> Markup {
    let any = ("".to_owned(), message!("All", "すべて"));
    let frameworks = Framework::all().map(|one| (one.name(), Message::plain(one.title())));
    let frameworks: Vec<(String, Message)> = std::iter::once(any.clone()).chain(frameworks).collect();
    let severities = Severity::ALL
        .into_iter()
        .map(|one| (one.name().to_owned(), severity_said(one)));
    let severities: Vec<(String, Message)> = std::iter::once(any.clone()).chain(severities).collect();
    let regions = c
        .regions()
        .iter()
        .map(|region| (region.clone(), Message::plain(region.as_str())));
    let regions: Vec<(String, Message)> = std::iter::once(any).chain(regions).collect();
    let retention = Field {
        hint: Some(message!(
            "Without a number, less than 365 is a warning.",
            "指定しない場合は 365 日未満で警告します。"
        )),
        ..Field::new(
            "retention",
            message!("Days that log files have to be kept", "ログファイルの保持日数"),
            c.query.get("retention"),
        )
    };
    let readers = Field {
        hint: Some(message!(
            "ARNs, one a line. With them it is checked that they read, and that nobody else does.",
            "ARN を 1 行に 1 つ。指定すると、その人だけが読めることを確認します。"
        )),
        ..Field::new(
            "readers",
            message!("Who is to read the log files", "ログファイルを読む人"),
            c.query.get("readers"),
        )
    };
    html! {
        form.filters method="get" action={ (ROOT) "/checks" } {
            input type="hidden" name="run" value="1";
            div.grid {
                (choice(c, "framework", &message!("Framework", "フレームワーク"), &frameworks))
                (choice(c, "severity", &message!("At least as severe as", "重要度 (以上)"), &severities))
                (choice(c, "only", &message!("Region", "リージョン"), &regions))
            }
            details open[c.query.given("readers").is_some() || c.query.given("retention").is_some()] {
                summary { (c.t(&message!("What is intended", "意図"))) }
                (readers.lines(c, 3))
                (retention.line(c))
            }
            p.actions { button.primary type="submit" { (c.t(&message!("Run the check", "チェックを実行"))) } }
        }
    }
}

fn choice(c: &Context, name: &str, label: &Message, values: &[(String, Message)]) -> Markup {
    let field = Field::new(name, label.clone(), c.query.get(name));
    let values: Vec<(&str, Message)> = values
        .iter()
        .map(|(value, says)| (value.as_str(), says.clone()))
        .collect();
    field.choice(c, &values)
}

fn summary(c: &Context, report: &Report) -> Markup {
    let sum = report.summary();
    let tiles = [
        (sum.failed, State::Bad, status_said(Status::Failed)),
        (sum.not_available, State::Unknown, status_said(Status::NotAvailable)),
        (sum.warning, State::Warn, status_said(Status::Warning)),
        (sum.passed, State::Good, status_said(Status::Passed)),
    ];
    let regions = report.regions.join(", ");
    let count = report.controls.len();
    html! {
        section aria-live="polite" {
            h2 { (c.t(&message!("Result", "結果"))) }
            ul.tiles { @for (count, how, says) in &tiles { li { b { (count) } (state(c, *how, says)) } } }
            (facts(c, vec![
                (message!("Account", "アカウント"), html! { code { (report.account) } }),
                (message!("As of", "時点"), html! { time datetime=(report.checked_at) { (report.checked_at) } }),
                (message!("Controls", "コントロール"), html! { (count) }),
                (message!("Regions", "リージョン"), html! { (regions) }),
            ]))
        }
    }
}

fn pictures(c: &Context, report: &Report) -> Markup {
    html! { @for (at, one) in report.pictures.iter().enumerate() { (picture::of(c, one, at)) } }
}

fn findings(c: &Context, report: &Report) -> Markup {
    let open = |status: Status, severity: Severity| {
        let found = report.findings.iter();
        let found = found.filter(move |one| one.status == status && one.control.severity == severity);
        found.collect::<Vec<&Finding>>()
    };
    let orders = [Status::Failed, Status::NotAvailable, Status::Warning];
    html! {
        section {
            h2 { (c.t(&message!("To be looked at", "対応が必要な項目"))) }
            @if report.findings.iter().all(|one| one.status == Status::Passed) {
                (empty(c, &message!("Nothing: every control that was looked at passes.", "対応が必要な項目はありません。")))
            }
            @for status in orders {
                @for severity in Severity::ALL {
                    @let found = open(status, severity);
                    @if !found.is_empty() { (listed(c, status, severity, &found)) }
                }
            }
        }
    }
}

fn listed(c: &Context, status: Status, severity: Severity, found: &[&Finding]) -> Markup {
    let head = [
        message!("Control", "コントロール"),
        message!("Resource", "リソース"),
        message!("Region", "リージョン"),
        message!("What is so", "内容"),
    ];
    let rows = found.iter().map(|one| {
        vec![
            html! { (finding_link(c, one)) br; span.aside { (c.t(&one.control.title())) } },
            html! { code { (one.resource.id) } },
            html! { (one.resource.region) },
            reasons(c, one),
        ]
    });
    let (english, japanese) = (status_said(status), severity_said(severity));
    html! {
        h3 { (state(c, status_state(status), &english)) " " (state(c, severity_state(severity), &japanese)) }
        (table(c, &caption(status, severity), &head, rows.collect()))
    }
}

fn caption(status: Status, severity: Severity) -> Message {
    use operator::message::Language::{English, Japanese};
    let (status, severity) = (status_said(status), severity_said(severity));
    Message::new(
        format!("{}, {}", status.in_language(English), severity.in_language(English)),
        format!("{}、{}", status.in_language(Japanese), severity.in_language(Japanese)),
    )
}

fn passed(c: &Context, report: &Report) -> Markup {
    let good: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|one| one.status == Status::Passed)
        .collect();
    let idle: Vec<&&Control> = report
        .controls
        .iter()
        .filter(|one| report.status_of(one).is_none())
        .collect();
    let count = good.len();
    html! {
        section {
            h2 { (c.t(&message!("As it should be", "問題のない項目"))) }
            details {
                summary { (c.t(&message!("{count} findings that pass", "合格 {count} 件"))) }
                ul { @for one in &good { li { (state(c, State::Good, &status_said(Status::Passed))) " " (one.control.id) ": " (c.t(&one.control.title())) " " code { (one.resource.id) } } } }
            }
            @if !idle.is_empty() {
                details {
                    summary { (c.t(&message!("Controls that are about nothing here", "対象のないコントロール"))) }
                    ul { @for one in &idle { li { (one.id) ": " (c.t(&one.title())) } } }
                }
            }
        }
    }
}

fn finding_link(c: &Context, finding: &Finding) -> Markup {
    let query = Asked::query(&c.query);
    let (control, resource) = (escaped(finding.control.id), escaped(&finding.resource.id));
    link(
        &format!("/checks/finding?{query}&control={control}&resource={resource}"),
        finding.control.id,
    )
}

/// Why, and the calls that would have told.
fn reasons(c: &Context, finding: &Finding) -> Markup {
    html! {
        @if let [one] = finding.reasons.as_slice() { (c.t(one)) } @else {
            ul.plain { @for one in &finding.reasons { li { (c.t(one)) } } }
        }
        @for (at, missing) in finding.missing.iter().enumerate() {
            // Of many Regions the same call is named once.
            @let is_first = !finding.missing.iter().take(at).any(|one| one.call == missing.call && one.code == missing.code);
            @if is_first { " " (crate::page::not_available(c, missing)) }
        }
    }
}

fn status_said(status: Status) -> Message {
    match status {
        Status::Passed => message!("Passed", "合格"),
        Status::Failed => message!("Failed", "不合格"),
        Status::Warning => message!("Warning", "警告"),
        Status::NotAvailable => message!("Not available", "確認不能"),
    }
}

fn status_state(status: Status) -> State {
    match status {
        Status::Passed => State::Good,
        Status::Failed => State::Bad,
        Status::Warning => State::Warn,
        Status::NotAvailable => State::Unknown,
    }
}

fn severity_said(severity: Severity) -> Message {
    match severity {
        Severity::Critical => message!("critical", "緊急"),
        Severity::High => message!("high", "高"),
        Severity::Medium => message!("medium", "中"),
        Severity::Low => message!("low", "低"),
    }
}

fn severity_state(severity: Severity) -> State {
    match severity {
        Severity::Critical | Severity::High => State::Bad,
        Severity::Medium => State::Warn,
        Severity::Low => State::Plain,
    }
}

/// Why a change that was confirmed is shown again.
pub(super) fn differs() -> Message {
    message!(
        "What would be done is no longer what was shown. Nothing was changed; look at it again.",
        "表示した内容と実行される内容が変わりました。何も変更していません。もう一度確認してください。"
    )
}
