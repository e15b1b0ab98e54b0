//! The digest chain verified: it only reads, over a bounded time, and no longer than a reader waits.

use super::{
    Window,
    chain::{self, Expected, Hour},
    file_link,
    files::{Kind, Place},
    find, page_below, path_of,
};
use crate::{
    ROOT,
    context::Context,
    page::{State, facts, notice, number, state, table},
    router::Outcome,
};
use maud::{Markup, html};
use operator::{
    message,
    message::Message,
    survey::{Depth, Fact, Trail},
    verify::{self, Done, Effort, Finding, NotVerified, Progress, PublicKeys, Report, Tally, Verdict, What},
};
use std::{sync::Arc, time::Duration};

/// So long a verification may take; then it says how far it came.
const TIME_MAX: Duration = Duration::from_secs(20);
/// So many calls it makes at once.
const CALLS: usize = 16;
/// So many bytes of files it holds at once.
const BYTES: u64 = 64 << 20;
/// A log file that inflates to more is not looked at: AWS's have 50 MB at most.
const LOG_BYTES_MAX: u64 = 256 << 20;
/// So many findings are shown.
const FINDINGS_MAX: usize = 200;

/// What became of a verification.
enum Verified {
    Report(Report),
    /// It took too long.
    TooLong(Done),
    /// It could not be made.
    Not(NotVerified),
}

pub(super) async fn show(c: Arc<Context>) -> Outcome {
    let found = find(&c, Depth::Status).await?;
    let trail = &found.trail;
    let window = Window::of(&c, trail)?;
    let page = page_below(&c, trail, message!("Verification", "検証"));
    let place = match Place::of(&found.survey, trail, &window.region) {
        Ok(place) => place,
        Err(missing) => {
            let says = missing.said();
            return Ok(page.with(notice(
                &c,
                State::Unknown,
                &message!(
                    "The files of an organization's trail lie in folders that are not looked up here. {says}",
                    "組織の証跡のファイルは、ここでは調べないフォルダーにあります。{says}"
                ),
            )));
        }
    };
    let client = c.client().in_region(&trail.home_region);
    let (listing, verified) = tokio::join!(
        place.between(&client, Kind::Digest, window.from, window.to),
        verified(&c, trail, &window),
    );
    Ok(page.with(html! {
        div #verified {
            p { (c.t(&message!("Looked at:", "対象:"))) " " (c.t(&window.says())) }
            (outcome(&c, &verified))
            (hours(&c, trail, &window, &place, listing, &verified))
            (findings(&c, trail, &verified))
        }
        (another(&c, trail, &window))
    }))
}

async fn verified(c: &Context, trail: &Trail, window: &Window) -> Verified {
    let what = What {
        place: verify::Place::Bucket(
            trail.bucket.clone(),
            Some(trail.prefix.clone()).filter(|prefix| !prefix.is_empty()),
        ),
        trail: Some(trail.arn.clone()),
        account: Some(trail.account().to_owned()),
        regions: vec![window.region.clone()],
        start: Some(window.from),
        end: Some(window.to),
        maps: Vec::new(),
        log_bytes_max: LOG_BYTES_MAX,
        cache: None,
        effort: Effort {
            calls: CALLS,
            bytes: BYTES,
            cores: 2,
        },
    };
    let client = c.client().in_region(&trail.home_region);
    let mut keys = PublicKeys::default();
    let progress = Arc::new(Progress::default());
    let work = verify::verify(Some(&client), &what, &mut keys, true, c.now(), &progress);
    match tokio::time::timeout(TIME_MAX, Box::pin(work)).await {
        Ok(Ok(report)) => Verified::Report(report),
        Ok(Err(error)) => Verified::Not(error),
        Err(_) => Verified::TooLong(progress.done()),
    }
}

/// What came of it, in a word and in numbers.
fn outcome(c: &Context, verified: &Verified) -> Markup {
    match verified {
        Verified::Report(report) => verdict(c, report),
        Verified::TooLong(done) => {
            let seconds = TIME_MAX.as_secs();
            let (digests, of_digests) = (done.digests, done.digests_total);
            let (logs, of_logs) = (done.logs, done.logs_total);
            notice(
                c,
                State::Unknown,
                &message!(
                    "Stopped after {seconds} seconds: {digests} of {of_digests} digests and {logs} of {of_logs} log files were looked at. Nothing is said of them; choose a shorter time, or run `shoseki trail verify`.",
                    "{seconds} 秒で打ち切りました。ダイジェスト {of_digests} 件中 {digests} 件、ログファイル {of_logs} 件中 {logs} 件まで調べました。判定はできません。期間を短くするか、`shoseki trail verify` を実行してください。"
                ),
            )
        }
        Verified::Not(NotVerified::Other(says)) => notice(c, State::Bad, says),
        Verified::Not(NotVerified::Call(error)) => {
            let says = error.message();
            let reason = error.refused().is_some_and(|refused| refused.status == 403);
            html! {
                (notice(c, State::Bad, &says))
                @if reason { p { (c.t(&message!("Nothing was verified: the call was refused.", "呼び出しが拒否されたため、検証できませんでした。"))) } }
            }
        }
    }
}

fn verdict(c: &Context, report: &Report) -> Markup {
    let (how, says) = match report.verdict {
        Verdict::Valid => (
            State::Good,
            message!(
                "Valid: all that should be there is there, and is what CloudTrail delivered.",
                "有効: あるべきファイルがすべてあり、CloudTrail が配信したままです。"
            ),
        ),
        Verdict::Incomplete => (
            State::Warn,
            message!(
                "Incomplete: nothing is wrong with what is there; something is not there, or cannot be proven.",
                "不完全: 存在するファイルに問題はありませんが、欠けているか証明できないものがあります。"
            ),
        ),
        Verdict::Invalid => (
            State::Bad,
            message!(
                "Invalid: something is not what CloudTrail delivered, or was taken away.",
                "無効: CloudTrail が配信したものと異なるか、削除されたファイルがあります。"
            ),
        ),
    };
    let sum = |of: fn(&operator::verify::ChainReport) -> Tally| {
        let mut all = Tally::default();
        for tally in report.chains.iter().map(of) {
            all.valid += tally.valid;
            all.invalid += tally.invalid;
            all.unproven += tally.unproven;
        }
        tallied(&all)
    };
    let bytes = report.chains.iter().map(|chain| chain.bytes_hashed).sum();
    html! {
        p.notice.(how.class()) #verdict { (state(c, how, &says)) }
        (facts(c, vec![
            (message!("Digests", "ダイジェスト"), html! { (c.t(&sum(|chain| chain.digests))) }),
            (message!("Log files", "ログファイル"), html! { (c.t(&sum(|chain| chain.logs))) }),
            (message!("Hashed", "ハッシュ計算"), html! { (crate::page::bytes(bytes)) }),
        ]))
    }
}

fn tallied(tally: &Tally) -> Message {
    let (valid, invalid, unproven) = (number(tally.valid), number(tally.invalid), number(tally.unproven));
    message!(
        "{valid} valid, {invalid} invalid, {unproven} not proven",
        "有効 {valid}、無効 {invalid}、未証明 {unproven}"
    )
}

fn hours(
    c: &Context,
    trail: &Trail,
    window: &Window,
    place: &Place,
    listing: Fact<super::files::Listing>,
    verified: &Verified,
) -> Markup {
    crate::page::fact(c, &listing, |listing| {
        let expected = Expected::of(trail);
        let mut cells = chain::cells(&listing.files, &expected, window.from, window.to, c.now());
        if let Verified::Report(report) = verified {
            chain::judge(&mut cells, report, place);
        }
        let is_open = cells.iter().any(|cell| cell.hour == Hour::Present);
        html! {
            (chain::strip(c, &trail.bucket, &cells))
            @if is_open { p.aside { (c.t(&message!("“Present” is not proven: the digest is there, and was not verified.", "「あり」は検証済みではなく、ダイジェストが存在するという意味です。"))) } }
        }
    })
}

/// All that was found, with its place.
fn findings(c: &Context, trail: &Trail, verified: &Verified) -> Markup {
    let Verified::Report(report) = verified else {
        return html! {};
    };
    let all: Vec<&Finding> = report.chains.iter().flat_map(|chain| &chain.findings).collect();
    if all.is_empty() {
        return html! {};
    }
    let (count, most) = (all.len(), FINDINGS_MAX);
    let rows = all
        .iter()
        .take(FINDINGS_MAX)
        .map(|finding| row(c, trail, finding))
        .collect();
    let head = [
        message!("State", "状態"),
        message!("What was found", "内容"),
        message!("File", "ファイル"),
        message!("Time", "時間"),
        message!("Explained by", "説明するイベント"),
    ];
    let plural = if count == 1 { "" } else { "s" };
    let caption = message!("{count} finding{plural}", "検出 {count} 件");
    html! {
        h2 { (c.t(&message!("What was found", "検出内容"))) }
        (table(c, &caption, &head, rows))
        @if count > most { p { (c.t(&message!("The first {most} are shown.", "最初の {most} 件を表示しています。"))) } }
    }
}

fn row(c: &Context, trail: &Trail, finding: &Finding) -> Vec<Markup> {
    let how = match finding.verdict {
        Verdict::Valid => state(c, State::Good, &message!("explained", "説明あり")),
        Verdict::Incomplete => state(c, State::Warn, &message!("incomplete", "不完全")),
        Verdict::Invalid => state(c, State::Bad, &message!("invalid", "無効")),
    };
    let here = format!("s3://{}/", trail.bucket);
    let file = finding
        .location
        .as_deref()
        .map(|location| match location.strip_prefix(&here) {
            Some(key) if !key.ends_with('/') => html! { (file_link(&trail.bucket, key)) },
            _ => html! { code { (location) } },
        });
    let time = match (&finding.from, &finding.to) {
        (Some(from), Some(to)) if from != to => html! { (from) " – " (to) },
        (Some(at), _) | (None, Some(at)) => html! { (at) },
        (None, None) => html! { "–" },
    };
    vec![
        how,
        html! { (c.t(&finding.message)) },
        file.unwrap_or_else(|| html! { "–" }),
        time,
        html! {
            @for event in &finding.explained_by {
                div { (event.event_name) " " (event.event_time) " " span.aside { (event.who) } }
            }
            @if finding.explained_by.is_empty() { "–" }
        },
    ]
}

/// A form for another time or Region.
pub(super) fn another(c: &Context, trail: &Trail, window: &Window) -> Markup {
    let path = path_of(&trail.home_region, &trail.name);
    html! {
        section {
            h2 { (c.t(&message!("Another time", "別の期間"))) }
            form.window method="get" action={ (ROOT) (path) "/verify" } {
                (fields(c, trail, window))
                button type="submit" { (c.t(&message!("Verify", "検証"))) }
            }
        }
    }
}

/// The fields of a time and a Region.
pub(super) fn fields(c: &Context, trail: &Trail, window: &Window) -> Markup {
    let regions: Vec<(&str, Message)> = match trail.multi_region {
        true => c
            .regions()
            .iter()
            .map(|region| (region.as_str(), Message::plain(region.clone())))
            .collect(),
        false => vec![(trail.home_region.as_str(), Message::plain(trail.home_region.clone()))],
    };
    let (from, to) = (window.from.iso8601(), window.to.iso8601());
    let field = crate::page::Field::new;
    html! {
        (field("in", message!("Region of the events", "イベントのリージョン"), &window.region).choice(c, &regions))
        (field("from", message!("From (UTC)", "開始 (UTC)"), &from).line(c))
        (field("to", message!("To (UTC)", "終了 (UTC)"), &to).line(c))
    }
}
