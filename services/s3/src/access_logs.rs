//! Server access logs on their way: the lines of calls that were answered, until `work::access_logs` delivers them.
//!
//! They are kept in memory, as AWS keeps them by best effort: what a crash takes is in the trail's events, which it cannot
//! take. What does not fit is counted and told in the log.

use crate::{answer, model::access_log, table};
use base::{Fault, Timestamp};
use gateway::{AnsweredCall, Caller, World};
use policy::Principal;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
};

/// The most lines that wait for their delivery.
const LINES_MAX: usize = 100_000;
/// The most bytes of them: a line is as long as the request line and the headers that anybody sends.
const BYTES_MAX: usize = 64 << 20;

const UNKNOWN: u8 = 0;
const NONE: u8 = 1;
const SOME: u8 = 2;

/// The lines that wait.
#[derive(Default)]
pub struct AccessLogs {
    /// Whether any bucket logs, as far as is known.
    state: AtomicU8,
    waiting: Mutex<Waiting>,
}

/// By the bucket that was called.
#[derive(Default)]
pub struct Waiting {
    buckets: BTreeMap<String, Batch>,
    lines: usize,
    bytes: usize,
    lost: u64,
}

impl Waiting {
    fn count(&mut self, batch: &Batch) {
        self.lines = self.lines.saturating_add(batch.lines.len());
        self.bytes = self.bytes.saturating_add(batch.bytes());
    }

    fn discount(&mut self, batch: &Batch) {
        self.lines = self.lines.saturating_sub(batch.lines.len());
        self.bytes = self.bytes.saturating_sub(batch.bytes());
    }
}

/// The lines of one bucket.
#[derive(Clone, Default)]
pub struct Batch {
    /// Each with the time of its call, oldest first.
    pub lines: Vec<(Timestamp, String)>,
    /// How often the target refused them.
    pub refusals: u32,
    /// When they are due.
    pub due: Option<Timestamp>,
}

impl Batch {
    fn bytes(&self) -> usize {
        self.lines.iter().map(|(_, line)| line.len()).sum()
    }
}

impl AccessLogs {
    /// Whether a bucket may log. Right once the buckets were looked at; until then it may.
    pub fn may_log(&self) -> bool {
        self.state.load(Ordering::Relaxed) != NONE
    }

    /// From here on a bucket logs.
    pub fn begin(&self) {
        self.state.store(SOME, Ordering::Relaxed);
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the first lines are due.
    pub fn due(&self) -> Option<Timestamp> {
        self.waiting().buckets.values().filter_map(|batch| batch.due).min()
    }

    /// Takes the batches that are due.
    pub fn take(&self, now: Timestamp) -> Vec<(String, Batch)> {
        let mut waiting = self.waiting();
        let due = |batch: &Batch| batch.due.is_some_and(|due| due <= now);
        let names = waiting.buckets.iter().filter(|(_, batch)| due(batch));
        let names: Vec<String> = names.map(|(name, _)| name.clone()).collect();
        let mut taken = Vec::with_capacity(names.len());
        for name in names {
            if let Some(batch) = waiting.buckets.remove(&name) {
                waiting.discount(&batch);
                taken.push((name, batch));
            }
        }
        if waiting.lost > 0 {
            tracing::warn!(lines = waiting.lost, "access log lines were lost: too many waited");
            waiting.lost = 0;
        }
        taken
    }

    /// Puts a batch back that was refused, to be tried again at `due`.
    pub fn put_back(&self, bucket: &str, batch: Batch, due: Timestamp) {
        let mut waiting = self.waiting();
        waiting.count(&batch);
        let newer = waiting.buckets.remove(bucket).unwrap_or_default();
        let lines = [batch.lines, newer.lines].concat();
        let refusals = batch.refusals.saturating_add(1);
        let due = Some(due);
        waiting
            .buckets
            .insert(bucket.to_owned(), Batch { lines, refusals, due });
    }

    fn push(&self, bucket: &str, at: Timestamp, line: String, due: Timestamp) {
        let mut waiting = self.waiting();
        if waiting.lines >= LINES_MAX || waiting.bytes.saturating_add(line.len()) > BYTES_MAX {
            waiting.lost += 1;
            return;
        }
        waiting.lines += 1;
        waiting.bytes += line.len();
        let batch = waiting.buckets.entry(bucket.to_owned()).or_default();
        batch.lines.push((at, line));
        batch.due.get_or_insert(due);
    }

    /// Looks whether any bucket logs, once.
    async fn look(&self, world: &World) -> Result<(), Fault> {
        if self.state.load(Ordering::Relaxed) != UNKNOWN {
            return Ok(());
        }
        let snapshot = world.snapshot();
        let view = snapshot.view();
        let mut after: Option<String> = None;
        loop {
            let page = table::buckets(&view, after.as_deref()).await?;
            if page.iter().any(|(_, bucket)| bucket.logging.is_some()) {
                self.begin();
                return Ok(());
            }
            match page.last() {
                Some((name, _)) => after = Some(name.clone()),
                None => break,
            }
        }
        // Somebody may have begun meanwhile, which stays.
        let _ = self
            .state
            .compare_exchange(UNKNOWN, NONE, Ordering::Relaxed, Ordering::Relaxed);
        Ok(())
    }
}

/// Keeps the line of a call, if its bucket logs.
pub async fn keep(world: &Arc<World>, call: AnsweredCall) {
    if let Err(fault) = kept(world, &call).await {
        tracing::warn!(error = &fault as &dyn std::error::Error, "an access log line was lost");
    }
}

async fn kept(world: &Arc<World>, call: &AnsweredCall) -> Result<(), Fault> {
    let logs = world.kept::<AccessLogs>();
    logs.look(world).await?;
    if !logs.may_log() {
        return Ok(());
    }
    let Some(bucket) = table::bucket(&world.snapshot().view(), &call.bucket).await? else {
        return Ok(());
    };
    if bucket.logging.is_none() {
        return Ok(());
    }
    let line = line(&answer::canonical_id(bucket.owner), call);
    let due = world.clock.now().plus(world.settings.delivery_interval);
    logs.push(&call.bucket, call.came, line, due);
    Ok(())
}

fn line(owner: &str, call: &AnsweredCall) -> String {
    let (method, path, query) = &call.request_line;
    let query = match query.is_empty() {
        true => String::new(),
        false => format!("?{}", access_log::without_secrets(query)),
    };
    let header = |name: &str| call.headers.get(name).and_then(|value| value.to_str().ok());
    let requester = match &call.caller {
        Caller::Anonymous => None,
        caller => match caller.principal() {
            Principal::Root { account } => Some(answer::canonical_id(account)),
            principal => principal.arn(),
        },
    };
    access_log::Line {
        owner,
        bucket: &call.bucket,
        time: &log_time(call.came),
        address: &call.address,
        requester: requester.as_deref(),
        request_id: &call.request_id,
        operation: &access_log::operation(call.operation),
        key: call.key.as_deref(),
        request_line: &format!("{method} {path}{query} HTTP/1.1"),
        status: call.status,
        error: call.error.as_deref(),
        bytes_sent: call.bytes_sent,
        object_size: object_size(call),
        millis: call.took.as_millis(),
        referer: call.referer.as_deref(),
        user_agent: call.user_agent.as_deref(),
        version: header("x-amz-version-id"),
        host_id: &gateway::pipeline::host_id(&call.request_id),
        presigned: call.presigned,
        tls: call
            .tls
            .as_ref()
            .map(|(cipher, version)| (cipher.as_str(), version.as_str())),
        host: &call.host,
    }
    .text()
}

/// What is known of the object's size: of a read what it answered, of a put what it sent.
fn object_size(call: &AnsweredCall) -> Option<u64> {
    if call.status >= 300 {
        return None;
    }
    let whole = call.headers.get(http::header::CONTENT_RANGE);
    let whole = whole.and_then(|range| range.to_str().ok()?.rsplit('/').next()?.parse().ok());
    match call.operation {
        "GetObject" => whole.or(Some(call.bytes_sent)),
        "PutObject" | "UploadPart" => Some(call.bytes_received),
        _ => None,
    }
}

/// `06/Feb/2019:00:00:38 +0000`
fn log_time(at: Timestamp) -> String {
    let date = at.http_date();
    let mut words = date.split_ascii_whitespace().skip(1);
    let mut word = || words.next().unwrap_or_default();
    let (day, month, year, time) = (word(), word(), word(), word());
    format!("{day}/{month}/{year}:{time} +0000")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_logs_write_them() {
        let at = Timestamp::from_secs(1_439_820_091);
        assert_eq!(log_time(at), "17/Aug/2015:14:01:31 +0000");
    }

    #[test]
    fn lines_that_wait_are_bounded_by_their_bytes() {
        let logs = AccessLogs::default();
        let at = Timestamp::from_secs;
        let line = "x".repeat(BYTES_MAX / 4);
        for second in 0..6 {
            logs.push("a", at(second), line.clone(), at(10));
        }
        let taken = logs.take(at(10));
        let (name, batch) = taken.into_iter().next().unwrap();
        assert_eq!((name.as_str(), batch.lines.len()), ("a", 4));
        // What was taken makes room, what comes back takes it again.
        assert_eq!(logs.waiting().bytes, 0);
        logs.put_back("a", batch, at(20));
        logs.push("b", at(11), "one more".to_owned(), at(20));
        let lost = logs.waiting().lost;
        assert_eq!((lost, logs.take(at(20)).len()), (1, 1));
    }

    #[test]
    fn lines_wait_until_they_are_due_and_come_back_in_order() {
        let logs = AccessLogs::default();
        let at = Timestamp::from_secs;
        assert!(logs.may_log());
        logs.push("a", at(1), "1".to_owned(), at(10));
        logs.push("a", at(2), "2".to_owned(), at(11));
        logs.push("b", at(3), "3".to_owned(), at(12));
        assert_eq!(logs.due(), Some(at(10)));
        let mut taken = logs.take(at(10));
        assert_eq!(taken.len(), 1);
        let (name, batch) = taken.remove(0);
        logs.push("a", at(4), "4".to_owned(), at(14));
        logs.put_back(&name, batch, at(20));
        let taken = logs.take(at(20));
        let lines = |name: &str| {
            let (_, batch) = taken.iter().find(|(bucket, _)| bucket == name).unwrap();
            batch.lines.iter().map(|(_, line)| line.as_str()).collect::<String>()
        };
        assert_eq!((lines("a").as_str(), lines("b").as_str()), ("124", "3"));
        assert_eq!(logs.due(), None);
    }
}
