//! `shoseki search`: records in log files and in the event history.

mod print;
mod show;

use crate::{
    operate::{Access, tr},
    style::{harmless, say_aside},
};
use anyhow::{Context, Result};
use base::Clock;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use operator::{
    aws::Client,
    message::Language,
    search::{
        self as searching, Count, Distinct, End, Event, Field, Fold, Grouped, Groups, Heap, InBucket, Item, Lookup,
        Matcher, Once, Order, OverTime, Problem, Query, RATE_OF_AWS, Sorted, SourceIp, Tally, Times, Wildcard, Written,
    },
};
use std::{
    io::{IsTerminal, Write},
    ops::ControlFlow,
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Rows of a table when nothing else is said.
const ROWS: usize = 1000;
/// Records that are put in order when nothing else is said; they are held in memory.
const SORTED: usize = 100_000;
/// Files that wait for a worker.
const WAITING: usize = 8;
const PROGRESS_EVERY: Duration = Duration::from_millis(100);
/// After an interruption, what is under way has so long to end.
const LAST_WORDS: Duration = Duration::from_secs(2);
const WRONG_USAGE: u8 = 2;
const INTERRUPTED: u8 = 130;

const AFTER_HELP: &str = "\
Sources: a bucket of CloudTrail (listed by account, Region and day), a trail's bucket, files or directories (.json, .jsonl, .gz; \
`-` is standard input), or LookupEvents. Records are given as they are written, in the order of the files; a table, and \
whatever is asked for by --order, is in the order of time and limited, for it is held in memory. CSV has values as they were \
recorded: a spreadsheet may take one that begins with = + - or @ for a formula. An event that is found again (of two trails, of two copies) is given \
once; how many were is said on standard error.

Examples:
  shoseki search --trail audit --since 2h --error AccessDenied
  shoseki search --bucket logs --since 2026-11-01 --until 2026-11-03 --principal 'arn:aws:iam::*:user/taro' --output csv
  shoseki search --files ./copy-of-the-bucket --event 'Delete*' --write-only --histogram
  shoseki search --lookup --all-regions --since 7d --event ConsoleLogin --group-by principal
  zcat *.json.gz | shoseki search --files - --text 10.1.2.3 --output jsonl

Exit status: 0 searched, whether or not anything was found; 1 failed, or some files could not be searched to their ends (they are \
named, all others are searched); 2 wrong usage; 130 interrupted.";

#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct SearchArgs {
    #[command(flatten)]
    access: Access,
    #[command(flatten)]
    sources: Sources,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    result: Wanted,
}

#[derive(Args)]
#[command(next_help_heading = "Where to search")]
struct Sources {
    /// In this bucket.
    #[arg(long, group = "place")]
    bucket: Option<String>,
    /// What stands before AWSLogs/ in the bucket, or any prefix of keys.
    #[arg(long, requires = "bucket", default_value = "", hide_default_value = true)]
    prefix: String,
    /// In the bucket of this trail, by name or ARN.
    #[arg(long, group = "place", value_name = "NAME")]
    trail: Option<String>,
    /// In these files and directories; `-` is standard input.
    #[arg(long, group = "place", value_name = "PATH", num_args = 1..)]
    files: Vec<PathBuf>,
    /// In the event history: management events of the last 90 days.
    #[arg(long, group = "place")]
    lookup: bool,
    /// With --lookup: in all Regions of the account.
    #[arg(long, requires = "lookup")]
    all_regions: bool,
    /// With --lookup: calls a second in each Region; AWS answers 2.
    #[arg(long, requires = "lookup", value_name = "NUMBER", default_value_t = RATE_OF_AWS)]
    calls_per_second: f64,
    /// With --until: also look into files that were delivered so many days later. CloudTrail tries for 30 days.
    #[arg(long, value_name = "DAYS", default_value_t = 1)]
    late_days: u32,
}

#[derive(Args)]
#[command(
    next_help_heading = "What to search for (all must hold; of several values of one option, any; * and ? are wildcards)"
)]
struct Filters {
    /// From this time on: 2026-11-22T15:04:05Z, 2026-11-22 (UTC), or 90m, 2h, 3d, 1w ago.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before this time; a day alone belongs to it.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Who called: an ARN, a user, a role, a session's name, an access key's id, `root`.
    #[arg(long, value_name = "WHO")]
    principal: Vec<String>,
    /// eventName.
    #[arg(long, value_name = "NAME")]
    event: Vec<String>,
    /// eventSource: s3.amazonaws.com, or s3.
    #[arg(long, value_name = "SERVICE")]
    source: Vec<String>,
    /// An ARN in resources, or any value in requestParameters or responseElements.
    #[arg(long, value_name = "NAME")]
    resource: Vec<String>,
    /// Refused with this errorCode; without a code, with any.
    #[arg(long, value_name = "CODE", num_args = 0..=1, default_missing_value = "*")]
    error: Vec<String>,
    /// sourceIPAddress: an address, a network (10.0.0.0/8), or a service's name.
    #[arg(long, value_name = "ADDRESS", value_parser = SourceIp::parse)]
    source_ip: Vec<SourceIp>,
    /// awsRegion.
    #[arg(long, value_name = "REGION")]
    in_region: Vec<String>,
    /// recipientAccountId.
    #[arg(long, value_name = "ACCOUNT")]
    account: Vec<String>,
    /// Only calls that read.
    #[arg(long, conflicts_with = "write_only")]
    read_only: bool,
    /// Only calls that do not only read.
    #[arg(long)]
    write_only: bool,
    /// This text anywhere in the record, in upper or lower case.
    #[arg(long)]
    text: Vec<String>,
}

#[derive(Args)]
#[command(next_help_heading = "What to answer")]
struct Wanted {
    /// text: a table for people; json: {"Records": [...]}; jsonl: a record a line; csv: RFC 4180.
    #[arg(long, value_enum, default_value_t)]
    output: Form,
    /// The order of time. Without it, a table is newest first and everything else in the order of the files.
    #[arg(long, value_enum)]
    order: Option<TimeOrder>,
    /// So many at most: records, or groups [default: 1000 in a table, 100000 with --order, else all].
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
    /// Only how many there are.
    #[arg(long, group = "summary")]
    count: bool,
    /// How many there are over time, in steps of this width [default: one that fits].
    #[arg(long, group = "summary", value_name = "STEP", num_args = 0..=1, default_missing_value = "", value_parser = step)]
    histogram: Option<Width>,
    /// Give an event as often as it is found: otherwise those of the same eventID and text, of two trails for instance, are one.
    #[arg(long)]
    duplicates: bool,
    /// How many there are of each value of this field.
    #[arg(long, group = "summary", value_enum, value_name = "FIELD")]
    group_by: Option<By>,
}

/// In which form the answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    #[default]
    Text,
    Json,
    Jsonl,
    Csv,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TimeOrder {
    Newest,
    Oldest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    Event,
    Source,
    Principal,
    Error,
    SourceIp,
    Region,
    Account,
    Resource,
    UserAgent,
    Day,
}

impl By {
    fn field(self) -> Field {
        match self {
            By::Event => Field::Event,
            By::Source => Field::Source,
            By::Principal => Field::Principal,
            By::Error => Field::Error,
            By::SourceIp => Field::SourceIp,
            By::Region => Field::Region,
            By::Account => Field::Account,
            By::Resource => Field::Resource,
            By::UserAgent => Field::UserAgent,
            By::Day => Field::Day,
        }
    }
}

/// The width of a bar, or the one that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Width(Option<Duration>);

/// A width in minutes, hours, days or weeks; of an empty text the one that fits.
fn step(text: &str) -> Result<Width, String> {
    if text.is_empty() {
        return Ok(Width(None));
    }
    let start = base::Timestamp::EPOCH;
    let wrong = || format!("`{text}` is no width; write 5m, 1h or 1d");
    let ago = searching::time(text, End::Since, start).map_err(|_| wrong())?;
    match start.since(ago) {
        Duration::ZERO => Err(wrong()),
        width => Ok(Width(Some(width))),
    }
}

impl Filters {
    /// An error is one of usage.
    fn query(&self, late_days: u32, language: Language) -> Result<Query, String> {
        let now = Clock::system().real_now();
        let time = |name: &str, text: &Option<String>, end: End| {
            let time = |text: &String| {
                searching::time(text, end, now).map_err(|fault| match language {
                    Language::English => format!("{name}: {fault}"),
                    Language::Japanese => format!(
                        "{name}: `{text}` は時刻として読めません。2026-11-22T15:04:05Z、2026-11-22、または今からどれだけ前か（90m、2h、3d、1w）で書いてください。"
                    ),
                })
            };
            text.as_ref().map(time).transpose()
        };
        let since = time("--since", &self.since, End::Since)?;
        let until = time("--until", &self.until, End::Until)?;
        if let (Some(since), Some(until)) = (since, until)
            && since >= until
        {
            let (since, until) = (since.iso8601(), until.iso8601());
            return Err(tr!(
                language,
                "--since is not before --until: there is no time between {since} and {until}",
                "--since は --until より前でなければなりません（{since} から {until} までには時間がありません）。"
            ));
        }
        let wild = |list: &[String]| list.iter().map(Wildcard::new).collect::<Vec<_>>();
        Ok(Query {
            since,
            until,
            principals: wild(&self.principal),
            events: wild(&self.event),
            sources: wild(&self.source),
            resources: wild(&self.resource),
            errors: wild(&self.error),
            source_ips: self.source_ip.clone(),
            regions: wild(&self.in_region),
            accounts: self.account.clone(),
            read_only: (self.read_only || self.write_only).then_some(self.read_only),
            late: Some(Duration::from_secs(u64::from(late_days) * 86_400)),
            text: self.text.clone(),
        })
    }
}

/// A search that is under way.
struct Under {
    matcher: Arc<Matcher>,
    tally: Arc<Tally>,
    language: Language,
    stopped: Arc<AtomicBool>,
    items: Option<Receiver<Item>>,
    /// Enough was found, or nobody reads on: what sends the files need not come to its end.
    enough: Arc<AtomicBool>,
    /// The command was interrupted.
    interrupted: bool,
    /// What was found already; none when that does not matter.
    once: Option<Arc<Once>>,
}

pub(crate) async fn run(args: SearchArgs, language: Language) -> Result<ExitCode> {
    let query = match check_usage(&args, language).and_then(|()| args.filters.query(args.sources.late_days, language)) {
        Ok(query) => query,
        Err(fault) => {
            say_aside(format_args!("shoseki: {fault}"));
            return Ok(ExitCode::from(WRONG_USAGE));
        }
    };
    let matcher = Arc::new(Matcher::new(query));
    let (sender, items) = channel(WAITING);
    let mut under = Under {
        matcher: Arc::clone(&matcher),
        tally: Arc::default(),
        language,
        stopped: Arc::default(),
        items: Some(items),
        enough: Arc::default(),
        interrupted: false,
        once: (!args.result.duplicates).then(Arc::default),
    };
    let start = Instant::now();
    let sources = start_sources(&args, matcher, sender, language).await?;
    let problems = answer(&mut under, &args.result, language).await?;
    // Everything that was sent is searched: why nothing more came is waited for, lest a failure go unsaid.
    let sent = match under.interrupted || under.enough.load(Ordering::Relaxed) {
        true => Ok(()),
        false => sources.await.context("the search of sources came to a bad end")?,
    };
    let told = tell(&under, &problems, &args.result, start.elapsed(), language);
    sent?;
    Ok(match (under.interrupted, told) {
        (true, _) => ExitCode::from(INTERRUPTED),
        (false, true) => ExitCode::SUCCESS,
        (false, false) => ExitCode::FAILURE,
    })
}

/// What clap does not see of wrong usage.
fn check_usage(args: &SearchArgs, language: Language) -> Result<(), String> {
    let sources = &args.sources;
    let is_said = sources.lookup || sources.bucket.is_some() || sources.trail.is_some() || !sources.files.is_empty();
    if !is_said && std::io::stdin().is_terminal() {
        return Err(tr!(
            language,
            "say where to search: --trail NAME, --bucket NAME, --files PATH or --lookup",
            "検索する場所を --trail NAME、--bucket NAME、--files PATH、--lookup のいずれかで指定してください。"
        ));
    }
    if !(sources.calls_per_second.is_finite() && sources.calls_per_second > 0.0) {
        return Err(tr!(
            language,
            "--calls-per-second must be more than 0",
            "--calls-per-second には 0 より大きい数を指定してください。"
        ));
    }
    Ok(())
}

type Running = tokio::task::JoinHandle<Result<()>>;

/// Starts what sends the files to be searched.
async fn start_sources(
    args: &SearchArgs,
    matcher: Arc<Matcher>,
    items: Sender<Item>,
    language: Language,
) -> Result<Running> {
    let sources = &args.sources;
    if sources.lookup {
        let client = args.access.client()?;
        let regions = match (sources.all_regions, literal(&args.filters.in_region)) {
            (true, _) => searching::regions(&client).await.context(tr!(
                language,
                "the Regions could not be listed",
                "リージョンの一覧を取得できません"
            ))?,
            (false, Some(regions)) => regions,
            (false, None) => vec![client.region().to_owned()],
        };
        let calls_per_second = sources.calls_per_second;
        let lookup = Lookup {
            regions,
            calls_per_second,
        };
        return Ok(tokio::spawn(async move {
            searching::in_history(&client, &lookup, matcher.query(), &items).await;
            Ok(())
        }));
    }
    if sources.bucket.is_some() || sources.trail.is_some() {
        let client = args.access.client()?;
        let place = place(sources, &client, language).await?;
        return Ok(tokio::spawn(async move {
            let done = searching::in_bucket(&client, &place, matcher, &items).await;
            let bucket = place.bucket;
            done.with_context(|| {
                tr!(
                    language,
                    "the bucket `{bucket}` could not be listed",
                    "バケット `{bucket}` の一覧を取得できません"
                )
            })
        }));
    }
    let mut files = sources.files.clone();
    if files.is_empty() {
        files.push(PathBuf::from("-"));
    }
    Ok(tokio::task::spawn_blocking(move || {
        searching::in_files(&files, &matcher, &items);
        Ok(())
    }))
}

/// The Regions, when all are said in full.
fn literal(regions: &[String]) -> Option<Vec<String>> {
    let all = !regions.is_empty() && regions.iter().all(|region| !region.contains(['*', '?']));
    all.then(|| regions.to_vec())
}

async fn place(sources: &Sources, client: &Client, language: Language) -> Result<InBucket> {
    if let Some(bucket) = &sources.bucket {
        return Ok(InBucket {
            bucket: bucket.clone(),
            prefix: sources.prefix.clone(),
        });
    }
    let trail = sources.trail.as_deref().unwrap_or_default();
    let found = searching::bucket_of_trail(client, trail).await;
    let found = found.with_context(|| {
        tr!(
            language,
            "the trail `{trail}` could not be looked for",
            "証跡 `{trail}` を調べられません"
        )
    })?;
    let region = client.region();
    found.with_context(|| {
        tr!(
            language,
            "there is no trail `{trail}` in {region}; `shoseki trail status` lists those of all Regions",
            "{region} に証跡 `{trail}` はありません。`shoseki trail status` で全リージョンの証跡を確認できます。"
        )
    })
}

impl Under {
    /// Searches, and gives what is made of the finds to `consume`, until it or an interruption ends it; shows how far it is.
    async fn search<F: Fold + Send + 'static>(
        &mut self,
        fold: F,
        consume: impl FnMut(F::Part) -> ControlFlow<()> + Send + 'static,
    ) -> Result<Vec<Problem>> {
        let shown = Shown::start(&self.tally, self.language);
        let done = self.search_unseen(fold, consume).await;
        shown.end();
        done
    }

    /// Adds each event once, unless all are asked for.
    fn distinct<F: Fold>(&self, fold: F) -> Distinct<F> {
        let once = self.once.clone();
        Distinct { fold, once }
    }

    async fn search_unseen<F: Fold + Send + 'static>(
        &mut self,
        fold: F,
        mut consume: impl FnMut(F::Part) -> ControlFlow<()> + Send + 'static,
    ) -> Result<Vec<Problem>> {
        let (matcher, tally, stopped, enough) = (
            Arc::clone(&self.matcher),
            Arc::clone(&self.tally),
            Arc::clone(&self.stopped),
            Arc::clone(&self.enough),
        );
        let items = self.items.take().context("a search is done once")?;
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let mut searching = tokio::task::spawn_blocking(move || {
            searching::search(items, workers, &matcher, &fold, &tally, |part| {
                if stopped.load(Ordering::Relaxed) {
                    return ControlFlow::Break(());
                }
                let more = consume(part);
                enough.fetch_or(more.is_break(), Ordering::Relaxed);
                more
            })
        });
        tokio::select! {
            done = &mut searching => return done.context("the search came to a bad end"),
            _ = tokio::signal::ctrl_c() => {}
        }
        self.interrupted = true;
        self.stopped.store(true, Ordering::Relaxed);
        match tokio::time::timeout(LAST_WORDS, searching).await {
            Ok(done) => done.context("the search came to a bad end"),
            // It waits for standard input, or for an answer.
            Err(_) => Ok(Vec::new()),
        }
    }
}

/// Something that is filled by a search and looked at when it is over, or interrupted.
#[derive(Default)]
struct Shared<T>(Arc<Mutex<T>>);

impl<T: Default> Shared<T> {
    fn with(&self, change: impl FnOnce(&mut T)) -> ControlFlow<()> {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
        ControlFlow::Continue(())
    }

    fn take(&self) -> T {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Shared<T> {
        Shared(Arc::clone(&self.0))
    }
}

/// Searches and prints the answer.
async fn answer(under: &mut Under, wanted: &Wanted, language: Language) -> Result<Vec<Problem>> {
    let screen = print::Screen::of_stdout();
    if wanted.count {
        let all = Shared::<u64>::default();
        let sum = all.clone();
        let problems = under
            .search(under.distinct(Count), move |part| sum.with(|all| *all += part))
            .await?;
        print::count(all.take(), wanted.output);
        return Ok(problems);
    }
    if let Some(Width(width)) = wanted.histogram {
        let all = Shared::<Times>::default();
        let sum = all.clone();
        let problems = under
            .search(under.distinct(OverTime), move |part| sum.with(|all| all.merge(part)))
            .await?;
        let histogram = all.take().histogram(screen.rows(), width);
        print::histogram(&histogram, wanted.output, screen, language);
        return Ok(problems);
    }
    if let Some(by) = wanted.group_by {
        let all = Shared::<Groups>::default();
        let sum = all.clone();
        let problems = under
            .search(under.distinct(Grouped(by.field())), move |part| {
                sum.with(|all| all.merge(part))
            })
            .await?;
        print::groups(all.take(), wanted.limit, wanted.output, screen, language);
        return Ok(problems);
    }
    let order = match (wanted.order, wanted.output) {
        (Some(TimeOrder::Oldest), _) => Some(Order::Oldest),
        (Some(TimeOrder::Newest), _) | (None, Form::Text) => Some(Order::Newest),
        (None, _) => None,
    };
    let Some(order) = order else {
        return as_found(under, wanted).await;
    };
    let limit = wanted
        .limit
        .unwrap_or(if wanted.output == Form::Text { ROWS } else { SORTED });
    let all = Shared::<Heap>::default();
    let sum = all.clone();
    let merge = move |part| sum.with(|all| Sorted { order, limit }.merge(all, part));
    let problems = under.search(under.distinct(Sorted { order, limit }), merge).await?;
    let records = Sorted { order, limit }.records(all.take());
    print::records(&records, wanted.output, screen, language);
    Ok(problems)
}

/// Prints records as they are found. Whoever reads them may have gone: then the search ends.
async fn as_found(under: &mut Under, wanted: &Wanted) -> Result<Vec<Problem>> {
    let form = wanted.output;
    let write = move |event: &Event<'_>, record: &str, out: &mut String| print::write(form, event, record, out);
    let mut left = wanted.limit.unwrap_or(usize::MAX);
    let mut out = std::io::BufWriter::new(std::io::stdout());
    let _ = out.write_all(print::head(form).as_bytes());
    let mut is_first = true;
    // JSON has its control characters escaped; CSV has them as they are.
    let is_seen = std::io::stdout().is_terminal();
    let once = under.once.clone();
    let consume = move |mut part: searching::Lines| {
        if let Some(once) = &once {
            part.leave_out_what_was_found(once);
        }
        let count = part.ends.len().min(left);
        let end = count
            .checked_sub(1)
            .and_then(|last| part.ends.get(last))
            .copied()
            .unwrap_or(0);
        left -= count;
        let mut text = part.text.get(..end).unwrap_or_default();
        if form == Form::Json && count > 0 {
            text = text.get(usize::from(is_first)..).unwrap_or_default();
            is_first = false;
        }
        let text = match form == Form::Csv && is_seen {
            true => harmless(text),
            false => text.into(),
        };
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) if left > 0 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    };
    let written = Written {
        write,
        once: under.once.clone(),
    };
    let problems = match is_seen {
        true => under.search_unseen(written, consume).await?,
        false => under.search(written, consume).await?,
    };
    let _ = std::io::stdout().write_all(print::tail(form).as_bytes());
    Ok(problems)
}

/// What is shown while a search goes on; nothing where it would stand among the finds.
struct Shown {
    bar: ProgressBar,
    over: Arc<Mutex<bool>>,
}

impl Shown {
    fn start(tally: &Arc<Tally>, language: Language) -> Shown {
        let over: Arc<Mutex<bool>> = Arc::default();
        if !std::io::stderr().is_terminal() {
            let bar = ProgressBar::hidden();
            return Shown { bar, over };
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        let (drawn, tally, ended) = (bar.clone(), Arc::clone(tally), Arc::clone(&over));
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(PROGRESS_EVERY).await;
                let ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
                if *ended {
                    return;
                }
                drawn.set_message(show::progress(&tally.progress(), drawn.elapsed(), language));
                drawn.tick();
            }
        });
        Shown { bar, over }
    }

    fn end(&self) {
        *self.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.bar.finish_and_clear();
    }
}

/// Says on standard error what was searched and what was not. Whether all was.
fn tell(under: &Under, problems: &[Problem], wanted: &Wanted, took: Duration, language: Language) -> bool {
    let mut stderr = std::io::stderr();
    for line in show::problems(problems, language) {
        let _ = writeln!(stderr, "{line}");
    }
    if let Some(once) = &under.once {
        for line in show::again(once.again(), once.unchecked(), language) {
            let _ = writeln!(stderr, "{line}");
        }
    }
    let progress = under.tally.progress();
    if under.interrupted {
        let files = progress.files;
        let _ = writeln!(
            stderr,
            "{}",
            tr!(
                language,
                "Interrupted after {files} files; what was found in them is above. Search again for the rest.",
                "{files} ファイルを検索したところで中断しました。上に出したのはそこまでの結果です。続きは検索をやり直してください。"
            )
        );
    } else if wanted.output == Form::Text {
        let _ = writeln!(stderr, "{}", show::summary(&progress, took, language));
    }
    problems.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_of_steps() {
        assert_eq!(step("5m"), Ok(Width(Some(Duration::from_secs(300)))));
        assert_eq!(step("1d"), Ok(Width(Some(Duration::from_secs(86_400)))));
        assert_eq!(step(""), Ok(Width(None)));
        assert!(step("0m").is_err() && step("2026-11-22").is_err() && step("x").is_err());
    }
}
