//! The page of one trail. What takes longer is a page of its own, put in where there is script.

use super::{
    Found, Window,
    chain::{self, Expected},
    checks,
    files::{HOUR, Kind, Listing, Place},
    find, logging, path, path_of, sealed, selectors, verify,
};
use crate::{
    ROOT,
    chart::{Chart, Paint},
    context::Context,
    page::{Page, State, bytes, code, diff, empty, fact, facts, not_available, notice, state, time, token},
    router::Outcome,
};
use base::Timestamp;
use maud::{Markup, html};
use operator::{
    check::{self, CONTROLS, Evidence, Fix, Options},
    message,
    message::Message,
    rights::{Right, World},
    status::{self, Finding},
    survey::{Depth, Fact, Survey, Trail},
};
use std::sync::Arc;

/// What was listed and looked at.
struct Delivered {
    logs: Fact<Listing>,
    digests: Fact<Listing>,
    newest_logs: sealed::Newest,
    newest_digests: sealed::Newest,
}

pub(super) async fn show(c: Arc<Context>) -> Outcome {
    let Found { survey, trail } = find(&c, Depth::Settings).await?;
    let window = Window::of(&c, &trail)?;
    let delivered = delivered(&c, &survey, &trail, &window).await;
    let page = Page::new(&c, Message::plain(trail.name.clone()))
        .of_all_regions()
        .below(message!("Trails", "証跡"), "/trails");
    Ok(page.with(html! {
        (problems(&c, &survey, &trail))
        (summary(&c, &trail))
        (path::drawn(&c, &survey, &trail))
        (deliveries(&c, &trail, &window, &delivered))
        (digests(&c, &trail, &window, &delivered))
        section {
            h2 { (c.t(&message!("Encryption of recent files", "最近のファイルの暗号化"))) }
            (sealed::shown(&c, &survey, &trail, &delivered.newest_logs, &delivered.newest_digests))
        }
        (selected(&c, &trail))
        (slower(&c, &trail))
        (settings(&c, &trail))
    }))
}

/// The files of the time, and the newest of them.
async fn delivered(c: &Context, survey: &Survey, trail: &Trail, window: &Window) -> Delivered {
    let client = c.client().in_region(&trail.home_region);
    let place = match Place::of(survey, trail, &window.region) {
        Ok(place) => place,
        Err(missing) => {
            return Delivered {
                logs: Fact::NotAvailable(missing.clone()),
                digests: Fact::NotAvailable(missing.clone()),
                newest_logs: Fact::NotAvailable(missing.clone()),
                newest_digests: Fact::NotAvailable(missing),
            };
        }
    };
    let status = trail.status.known();
    let of = |kind: Kind, last: Option<Timestamp>| {
        let (client, place) = (&client, &place);
        async move {
            let listing = place.between(client, kind, window.from, window.to).await;
            let newest = place.newest(client, kind, &listing, last).await;
            (listing, newest)
        }
    };
    let ((logs, newest_logs), (digests, newest_digests)) = tokio::join!(
        of(Kind::Log, status.and_then(|status| status.latest_delivery_time)),
        of(
            Kind::Digest,
            status.and_then(|status| status.latest_digest_delivery_time)
        ),
    );
    Delivered {
        logs,
        digests,
        newest_logs,
        newest_digests,
    }
}

/// What CloudTrail tells of as wrong, why, and what would put it right.
fn problems(c: &Context, survey: &Survey, trail: &Trail) -> Markup {
    let report = status::report(survey, None);
    let of_it = |finding: &&Finding| finding.trail.as_deref() == Some(trail.arn.as_str());
    let findings: Vec<&Finding> = report.findings.iter().filter(of_it).collect();
    let rights = World::of(survey).trail_rights(trail);
    let refused: Vec<&Right> = rights.iter().filter(|right| right.verdict.is_no()).collect();
    if findings.is_empty() && refused.is_empty() {
        return html! {};
    }
    html! {
        section #problems {
            h2 { (c.t(&message!("What is wrong", "問題"))) }
            @for finding in findings {
                p.notice.bad { (c.t(&finding.message)) }
            }
            @for right in &refused { (refusal(c, right)) }
            (fix(c, survey, trail))
        }
    }
}

/// A call that CloudTrail may not make.
fn refusal(c: &Context, right: &Right) -> Markup {
    let (what, action, resource, why) = (&right.what, &right.action, &right.resource, &right.verdict.why);
    let (what_ja, why_ja) = (ja(what), ja(why));
    html! {
        div.notice.bad {
            p { (c.t(&message!(
                "CloudTrail may not: {what} ({action}). {why}",
                "CloudTrail に許可されていません: {what_ja} ({action})。{why_ja}"
            ))) }
            p { code { (resource) } }
        }
    }
}

fn ja(message: &Message) -> &str {
    message.in_language(operator::message::Language::Japanese)
}

/// What would let CloudTrail deliver: the policies as they would have to be, or what has to be done by hand.
fn fix(c: &Context, survey: &Survey, trail: &Trail) -> Markup {
    let options = Options {
        controls: CONTROLS.iter().filter(|control| control.id == DELIVERY).collect(),
        ..Options::default()
    };
    let report = check::check(survey, &Evidence::default(), &options, c.now());
    let of_it: Vec<&check::Finding> = report
        .findings
        .iter()
        .filter(|finding| finding.resource.id == trail.arn)
        .collect();
    let fixes = check::fixes(&of_it, survey, &checks::options(c));
    html! {
        @for (_, fix) in &fixes {
            @match fix {
                Fix::Steps(steps) if !steps.is_empty() => {
                    @for step in steps {
                        p { (c.t(&message!("Fix:", "修正:"))) " " (c.t(&step.title)) }
                        @if let Some(shown) = &step.shown {
                            details {
                                summary { (c.t(&message!("What differs", "変更点"))) }
                                (diff(c, &shown.what, &shown.before, &shown.after))
                            }
                        }
                    }
                    (fix_form(c, trail))
                },
                Fix::Steps(_) | Fix::None => {},
                Fix::Manual(says) => p { (c.t(&message!("Fix:", "修正:"))) " " (c.t(says)) },
            }
        }
    }
}

/// The check whose fix is offered.
const DELIVERY: &str = "Shoseki.Delivery";

/// The button for the fix of the policies. What it does is shown first.
fn fix_form(c: &Context, trail: &Trail) -> Markup {
    html! {
        form.actions method="post" action={ (ROOT) (path_of(&trail.home_region, &trail.name)) "/settings" } {
            (token(c))
            input type="hidden" name="control" value=(DELIVERY);
            button.primary type="submit" name="action" value="fix" { (c.t(&message!("Fix the policies…", "ポリシーを修正…"))) }
        }
    }
}

fn summary(c: &Context, trail: &Trail) -> Markup {
    let covers = match (trail.organization, trail.multi_region) {
        (true, true) => message!("all Regions of an organization", "組織の全リージョン"),
        (true, false) => message!("one Region of an organization", "組織の 1 リージョン"),
        (false, true) => message!("all Regions", "全リージョン"),
        (false, false) => message!("its home Region alone", "ホームリージョンのみ"),
    };
    let on = |on: bool| match on {
        true => state(c, State::Good, &message!("On", "有効")),
        false => state(c, State::Warn, &message!("Off", "無効")),
    };
    let moment = |at: Option<Timestamp>| match at {
        Some(at) => time(c, at),
        None => html! { span.aside { (c.t(&message!("none yet", "まだありません"))) } },
    };
    let mut rows = vec![
        (
            message!("State", "状態"),
            fact(c, &trail.status, |status| logging(c, status.is_logging)),
        ),
        (
            message!("Home Region", "ホームリージョン"),
            html! { (trail.home_region) },
        ),
        (message!("Records events of", "記録対象"), html! { (c.t(&covers)) }),
        (
            message!("Log file validation", "ログファイルの検証"),
            on(trail.validation),
        ),
        (
            message!("Last log file", "最後のログファイル"),
            fact(c, &trail.status, |status| moment(status.latest_delivery_time)),
        ),
        (
            message!("Last digest", "最後のダイジェスト"),
            fact(c, &trail.status, |status| moment(status.latest_digest_delivery_time)),
        ),
    ];
    if !trail.prefix.is_empty() {
        rows.push((message!("Prefix", "プレフィックス"), html! { code { (trail.prefix) } }));
    }
    rows.push((message!("ARN", "ARN"), html! { code { (trail.arn) } }));
    facts(c, rows)
}

/// Files and bytes, hour by hour.
fn deliveries(c: &Context, trail: &Trail, window: &Window, delivered: &Delivered) -> Markup {
    html! {
        section #deliveries {
            h2 { (c.t(&message!("Deliveries", "配信"))) }
            p { (c.t(&message!("Log files of", "ログファイル:"))) " " (c.t(&window.says())) }
            (fact(c, &delivered.logs, |listing| charts(c, window, listing)))
            (neighbours(c, trail, window))
        }
    }
}

fn charts(c: &Context, window: &Window, listing: &Listing) -> Markup {
    let mut starts = Vec::new();
    let mut start = window.from.floor_to(HOUR);
    while start < window.to {
        starts.push(start);
        start = start.plus(HOUR);
    }
    let mut count = vec![0_u64; starts.len()];
    let mut size = vec![0_u64; starts.len()];
    for file in &listing.files {
        let at = file.time.since(window.from.floor_to(HOUR)).as_secs() / HOUR.as_secs();
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        if let (Some(count), Some(size)) = (count.get_mut(at), size.get_mut(at)) {
            *count += 1;
            *size += file.bytes;
        }
    }
    let files = listing.files.len();
    let total: u64 = listing.files.iter().map(|file| file.bytes).sum();
    let total = bytes(total);
    html! {
        p { (c.t(&message!("{files} log files, {total} as they are stored", "ログファイル {files} 件、保存サイズ {total}"))) }
        @if !listing.is_whole {
            (notice(c, State::Warn, &message!(
                "A day of this time has more files than are listed here: later hours of it are shown too low.",
                "この期間には、ここで一覧できる件数を超えるファイルがある日があります。その日の後半の値は実際より少なく表示されます。"
            )))
        }
        (Chart::bars("delivered-files", message!("Log files delivered in each hour", "1 時間ごとに配信されたログファイル数"), starts.clone(), window.to)
            .counts(message!("Files", "ファイル数"), Paint::First, count)
            .markup(c))
        (Chart::bars("delivered-bytes", message!("Bytes delivered in each hour", "1 時間ごとに配信されたバイト数"), starts, window.to)
            .counts(message!("Bytes", "バイト数"), Paint::Third, size)
            .tell(|value| bytes(value.max(0.0).round() as u64))
            .markup(c))
    }
}

/// The time before and after, and a form for another.
fn neighbours(c: &Context, trail: &Trail, window: &Window) -> Markup {
    let path = path_of(&trail.home_region, &trail.name);
    let length = window.to.since(window.from);
    let moved = |from: Timestamp| Window {
        region: window.region.clone(),
        from,
        to: from.plus(length),
    };
    let earlier = moved(window.from.minus(length)).query();
    let later = (window.to.plus(HOUR) < c.now()).then(|| moved(window.to).query());
    html! {
        div.actions {
            a.button href={ (ROOT) (path) (earlier) "#deliveries" } { (c.t(&message!("Earlier", "前の期間"))) }
            @if let Some(later) = later { a.button href={ (ROOT) (path) (later) "#deliveries" } { (c.t(&message!("Later", "次の期間"))) } }
        }
        details {
            summary { (c.t(&message!("Another time or Region", "別の期間・リージョン"))) }
            form.window method="get" action={ (ROOT) (path) } {
                (verify::fields(c, trail, window))
                button type="submit" { (c.t(&message!("Show", "表示"))) }
            }
        }
    }
}

/// The chain of digests, not verified yet.
fn digests(c: &Context, trail: &Trail, window: &Window, delivered: &Delivered) -> Markup {
    let verify = format!(
        "{ROOT}{}/verify{}",
        path_of(&trail.home_region, &trail.name),
        window.query()
    );
    let has_any = delivered
        .digests
        .known()
        .is_some_and(|listing| !listing.files.is_empty());
    html! {
        section #digests {
            h2 { (c.t(&message!("Digest chain", "ダイジェストチェーン"))) }
            @if !trail.validation {
                (notice(c, State::Warn, &message!(
                    "Log file validation is off: nothing proves that the log files are what was delivered.",
                    "ログファイルの検証が無効です。ログファイルが配信時のままであることを証明できません。"
                )))
            }
            p.visually-hidden role="status" data-part-said="verified" {}
            div #verified {
                @if trail.validation || has_any {
                    (fact(c, &delivered.digests, |listing| {
                        let cells = chain::cells(&listing.files, &Expected::of(trail), window.from, window.to, c.now());
                        chain::strip(c, &trail.bucket, &cells)
                    }))
                } @else {
                    (empty(c, &message!("There are no digests.", "ダイジェストはありません。")))
                }
            }
            @if trail.validation || has_any {
                div.actions { a.button.primary href=(verify) data-part="verified" { (c.t(&message!("Verify this time", "この期間を検証"))) } }
            }
        }
    }
}

fn selected(c: &Context, trail: &Trail) -> Markup {
    html! {
        section #selectors {
            h2 { (c.t(&message!("What is recorded", "記録対象のイベント"))) }
            (fact(c, &trail.selectors, |selectors| html! {
                ul { @for sentence in selectors::sentences(selectors) { li { (c.t(&sentence)) } } }
                details {
                    summary { (c.t(&message!("As GetEventSelectors tells it", "GetEventSelectors の応答"))) }
                    (code(c, &serde_json::to_string_pretty(&selectors.raw).unwrap_or_default()))
                }
            }))
            @match &trail.insights {
                Fact::Known(kinds) if !kinds.is_empty() => p { (c.t(&message!("Insights:", "Insights:"))) " " (kinds.join(", ")) },
                Fact::Known(_) => {},
                Fact::NotAvailable(missing) => p { (c.t(&message!("Insights:", "Insights:"))) " " (not_available(c, missing)) },
            }
        }
    }
}

/// What is read only when somebody wants it: who reads, and what the checks say.
fn slower(c: &Context, trail: &Trail) -> Markup {
    let path = path_of(&trail.home_region, &trail.name);
    let part = |id: &str, name: Message, open: Message| {
        html! {
            details data-load {
                summary { (c.t(&name)) }
                p.visually-hidden role="status" data-part-said=(id) {}
                div id=(id) { p { a href={ (ROOT) (path) "/" (id) } data-part=(id) { (c.t(&open)) } } }
            }
        }
    };
    html! {
        section {
            h2 { (c.t(&message!("Readers and checks", "閲覧者とチェック"))) }
            (part("readers", message!("Who can read the log files", "ログファイルを読める人"), message!("Ask who can read the log files", "ログファイルを読める人を調べる")))
            (part("checks", message!("What the checks say of this trail", "この証跡のチェック結果"), message!("Check this trail", "この証跡をチェック")))
        }
    }
}

fn settings(c: &Context, trail: &Trail) -> Markup {
    let path = path_of(&trail.home_region, &trail.name);
    html! {
        section #settings {
            h2 { (c.t(&message!("Settings", "設定"))) }
            p { (c.t(&message!(
                "Logging, encryption, validation and selectors are changed on a page of their own; each change is shown before it is made.",
                "記録、暗号化、検証、セレクターは設定ページで変更できます。変更は実行前に表示されます。"
            ))) }
            div.actions { a.button href={ (ROOT) (path) "/settings" } { (c.t(&message!("Change this trail", "この証跡を変更"))) } }
        }
    }
}
