//! Many files at a time, and what is found in the order of the files.
//!
//! ```text
//! items ──> feeder ──> workers, one file each ──> a lane for each file ──> the consumer, lane by lane
//! ```
//! Every part is bounded: who is ahead waits. The lane at the front is always some worker's, so nobody waits for ever.

use super::{
    event::Event,
    file::{Fault, Searcher, Seen},
    query::Matcher,
};
use bytes::Bytes;
use serde::Serialize;
use std::{
    fs::File,
    io::{self, Read},
    ops::ControlFlow,
    path::PathBuf,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// Files that may be ahead of the one whose finds are taken, for each worker.
const AHEAD_PER_WORKER: usize = 16;
/// Parts of one file that may wait.
const LANE_PARTS: usize = 4;
/// A file up to this size is read whole.
const READ_BYTES_MAX: u64 = 64 << 20;

/// What is searched: a file by any name.
pub struct Item {
    /// As it is told to people.
    pub name: String,
    /// Where its bytes are.
    pub body: Body,
}

/// Where the bytes of a file are.
pub enum Body {
    /// Here.
    Bytes(Bytes),
    /// Here, taking some of the memory that is allowed for what was fetched.
    Held(Bytes, OwnedSemaphorePermit),
    /// Far away, to be read piece by piece.
    Far(Box<dyn Read + Send>),
    /// In a file of this machine.
    File(PathBuf),
    /// On standard input.
    Stdin,
    /// Nowhere: they could not be had.
    Missing(ProblemKind, String),
}

/// A file that was not searched, or not to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The file.
    pub name: String,
    /// What kind of a problem it is.
    pub kind: ProblemKind,
    /// The reason, in English or in AWS's words.
    pub reason: String,
}

/// Why a file was not searched to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ProblemKind {
    /// The caller may not read or open it.
    Refused,
    /// It could not be read for another reason.
    Unreadable,
    /// It is damaged. What came before the damage was searched.
    Damaged,
    /// Some of its records that are meant cannot be given: they are no JSON. All others were.
    Records,
}

/// How a find becomes part of an answer. It is done where the find is made, by many threads.
pub trait Fold: Sync {
    /// What is made of the finds of one file, or of some of them.
    type Part: Send + Default;

    /// Adds a find.
    fn add(&self, part: &mut Self::Part, event: &Event<'_>, record: &str);

    /// Whether the part is large enough to be given on.
    fn is_full(&self, _part: &Self::Part) -> bool {
        false
    }
}

/// How far a search is. It may be looked at while it goes on.
#[derive(Debug, Default)]
pub struct Tally {
    files: AtomicU64,
    stored: AtomicU64,
    inflated: AtomicU64,
    matches: AtomicU64,
}

impl Tally {
    /// How far it is.
    pub fn progress(&self) -> Progress {
        let of = |number: &AtomicU64| number.load(Ordering::Relaxed);
        Progress {
            files: of(&self.files),
            stored_bytes: of(&self.stored),
            inflated_bytes: of(&self.inflated),
            matches: of(&self.matches),
        }
    }

    fn add(&self, seen: Seen) {
        self.files.fetch_add(1, Ordering::Relaxed);
        self.stored.fetch_add(seen.stored, Ordering::Relaxed);
        self.inflated.fetch_add(seen.inflated, Ordering::Relaxed);
        self.matches.fetch_add(seen.matches, Ordering::Relaxed);
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Files that were searched.
    pub files: u64,
    /// Their bytes as they lie.
    pub stored_bytes: u64,
    /// Their bytes of text.
    pub inflated_bytes: u64,
    /// Records that are meant.
    pub matches: u64,
}

/// A file's finds on their way.
enum Sent<P> {
    Part(P),
    Problem(Problem),
}

struct Job<P> {
    item: Item,
    lane: SyncSender<Sent<P>>,
}

/// Searches everything that comes, and gives what is made of the finds in the order of the files; within a file in its own.
/// Break ends it early. Returns the files that were not searched to their ends, in order.
///
/// Blocks its thread until all is done.
pub fn search<F: Fold>(
    items: mpsc::Receiver<Item>,
    workers: usize,
    matcher: &Matcher,
    fold: &F,
    tally: &Tally,
    mut consume: impl FnMut(F::Part) -> ControlFlow<()>,
) -> Vec<Problem> {
    let workers = workers.max(1);
    let (to_work, work) = sync_channel::<Job<F::Part>>(workers);
    let (to_order, lanes) = sync_channel::<Receiver<Sent<F::Part>>>(workers * AHEAD_PER_WORKER);
    let work = Mutex::new(work);
    thread::scope(|scope| {
        scope.spawn(move || feed(items, &to_order, &to_work));
        for _ in 0..workers {
            scope.spawn(|| {
                let mut searcher = Searcher::new(matcher);
                while let Some(job) = next(&work) {
                    search_one(&mut searcher, job, fold, tally);
                }
            });
        }
        let mut problems = Vec::new();
        for lane in lanes {
            for sent in lane {
                match sent {
                    Sent::Problem(problem) => problems.push(problem),
                    // Letting go of the lanes ends everybody behind them.
                    Sent::Part(part) => match consume(part) {
                        ControlFlow::Continue(()) => {}
                        ControlFlow::Break(()) => return problems,
                    },
                }
            }
        }
        problems
    })
}

fn feed<P>(mut items: mpsc::Receiver<Item>, order: &SyncSender<Receiver<Sent<P>>>, work: &SyncSender<Job<P>>) {
    while let Some(item) = items.blocking_recv() {
        let (lane, finds) = sync_channel(LANE_PARTS);
        if order.send(finds).is_err() || work.send(Job { item, lane }).is_err() {
            return;
        }
    }
}

fn next<T>(work: &Mutex<Receiver<T>>) -> Option<T> {
    work.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

fn search_one<F: Fold>(searcher: &mut Searcher<'_>, job: Job<F::Part>, fold: &F, tally: &Tally) {
    let Job { item, lane } = job;
    let (mut part, mut seen) = (F::Part::default(), Seen::default());
    let mut take = |event: &Event<'_>, record: &str| {
        fold.add(&mut part, event, record);
        if fold.is_full(&part) && lane.send(Sent::Part(std::mem::take(&mut part))).is_err() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    };
    let done = match item.body {
        Body::Bytes(bytes) => searcher.bytes(&bytes, &mut seen, &mut take).map_err(of_fault),
        Body::Held(bytes, _held) => searcher.bytes(&bytes, &mut seen, &mut take).map_err(of_fault),
        Body::Far(from) => searcher.stream(from, &mut seen, &mut take).map_err(of_fault),
        Body::File(path) => file(searcher, &path, &mut seen, &mut take),
        Body::Stdin => searcher
            .stream(io::stdin().lock(), &mut seen, &mut take)
            .map_err(of_fault),
        Body::Missing(kind, reason) => Err((kind, reason)),
    };
    tally.add(seen);
    let _ = lane.send(Sent::Part(part));
    if let Err((kind, reason)) = done {
        let name = item.name;
        let _ = lane.send(Sent::Problem(Problem { name, kind, reason }));
    }
}

fn file(
    searcher: &mut Searcher<'_>,
    path: &std::path::Path,
    seen: &mut Seen,
    take: super::file::Take<'_>,
) -> Result<(), (ProblemKind, String)> {
    let unread = |error: io::Error| match error.kind() {
        io::ErrorKind::PermissionDenied => (ProblemKind::Refused, error.to_string()),
        _ => (ProblemKind::Unreadable, error.to_string()),
    };
    let mut file = File::open(path).map_err(unread)?;
    let length = file.metadata().map_err(unread)?.len();
    if length > READ_BYTES_MAX {
        return searcher.stream(file, seen, take).map_err(of_fault);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
    file.read_to_end(&mut bytes).map_err(unread)?;
    searcher.bytes(&bytes, seen, take).map_err(of_fault)
}

fn of_fault(fault: Fault) -> (ProblemKind, String) {
    let kind = match fault {
        Fault::Unreadable(_) => ProblemKind::Unreadable,
        Fault::Records(..) => ProblemKind::Records,
        _ => ProblemKind::Damaged,
    };
    (kind, fault.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::{pattern::Wildcard, query::Query};
    use super::*;

    struct Names;

    impl Fold for Names {
        type Part = Vec<String>;

        fn add(&self, part: &mut Vec<String>, event: &Event<'_>, _record: &str) {
            part.push(event.id().into_owned());
        }

        fn is_full(&self, part: &Vec<String>) -> bool {
            part.len() >= 3
        }
    }

    fn run(items: Vec<Item>, workers: usize, most: usize) -> (Vec<String>, Vec<Problem>, Progress) {
        let (sender, receiver) = mpsc::channel(2);
        let matcher = Matcher::new(Query {
            events: vec![Wildcard::new("Get*")],
            ..Query::default()
        });
        let (tally, mut found) = (Tally::default(), Vec::new());
        let problems = thread::scope(|scope| {
            scope.spawn(move || items.into_iter().all(|item| sender.blocking_send(item).is_ok()));
            search(receiver, workers, &matcher, &Names, &tally, |part| {
                found.extend(part);
                if found.len() >= most {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })
        });
        (found, problems, tally.progress())
    }

    /// Files of ten records of which every second is meant.
    fn files(count: usize) -> Vec<Item> {
        let record = |file: usize, n: usize| {
            let name = if n.is_multiple_of(2) { "GetKey" } else { "PutKey" };
            format!("{{\"eventName\":\"{name}\",\"eventID\":\"{file}-{n}\"}}\n")
        };
        let text = |file: usize| (0..10).map(|n| record(file, n)).collect::<String>();
        (0..count)
            .map(|file| Item {
                name: format!("f{file}"),
                body: Body::Bytes(text(file).into()),
            })
            .collect()
    }

    #[test]
    fn finds_come_in_the_order_of_files_with_any_number_of_workers() {
        let expected: Vec<String> = (0..200)
            .flat_map(|file| (0..10).step_by(2).map(move |n| format!("{file}-{n}")))
            .collect();
        for workers in [1, 2, 7] {
            let (found, problems, progress) = run(files(200), workers, usize::MAX);
            assert_eq!((found, problems), (expected.clone(), vec![]));
            assert_eq!((progress.files, progress.matches), (200, 1000));
        }
    }

    #[test]
    fn an_early_end_ends_everybody() {
        let (found, _, progress) = run(files(5000), 3, 10);
        assert!(
            found.len() < 20 && progress.files < 1000,
            "{} {progress:?}",
            found.len()
        );
    }

    #[test]
    fn what_cannot_be_searched_is_named_in_order() {
        let mut items = files(3);
        items.insert(
            1,
            Item {
                name: "refused".into(),
                body: Body::Missing(ProblemKind::Refused, "AccessDenied".into()),
            },
        );
        items.insert(
            2,
            Item {
                name: "gone".into(),
                body: Body::File("/nonexistent/file".into()),
            },
        );
        items.insert(
            3,
            Item {
                name: "cut".into(),
                body: Body::Bytes("{\"eventName\":\"GetKey\",\"eventID\":\"c\"}{".into()),
            },
        );
        let (found, problems, _) = run(items, 2, usize::MAX);
        assert_eq!(found.len(), 16);
        let kinds: Vec<_> = problems
            .iter()
            .map(|problem| (problem.name.as_str(), problem.kind))
            .collect();
        let expected = [
            ("refused", ProblemKind::Refused),
            ("gone", ProblemKind::Unreadable),
            ("cut", ProblemKind::Damaged),
        ];
        assert_eq!(kinds, expected);
    }
}
