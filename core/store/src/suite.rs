//! The contract, as functions over an open store: what any engine must keep. `engine.rs` is the only one today; a second
//! one runs the same functions.

use crate::*;
use base::{Clock, Fault, Random, Timestamp};
use bytes::Bytes;
use envelope::Key256;
use proptest::prelude::*;
use std::{collections::BTreeMap, ops::Bound, path::Path, time::Duration};

struct Fixture {
    dir: tempfile::TempDir,
    clock: Clock,
}

impl Fixture {
    fn new() -> Fixture {
        Fixture {
            dir: tempfile::tempdir().unwrap(),
            clock: Clock::manual(Timestamp::from_secs(1_000)),
        }
    }

    fn open(&self) -> Store {
        self.open_with([7; 32]).unwrap()
    }

    fn open_with(&self, key: [u8; 32]) -> Result<Store, OpenError> {
        open(self.dir.path(), key, self.clock.clone())
    }
}

fn open(dir: &Path, key: [u8; 32], clock: Clock) -> Result<Store, OpenError> {
    let options = Options {
        block_key: Key256::from_bytes(key),
        random: Random::os(),
        clock,
        cache_bytes: 1 << 20,
    };
    Store::open(lock(dir)?, options)
}

fn entry(text: &str) -> JournalEntry {
    JournalEntry {
        selected: vec![Selection {
            trail: "t".to_owned(),
            generation: 3,
        }],
        management: text.len().is_multiple_of(2),
        account: "123456789012".to_owned(),
        region: "us-east-1".to_owned(),
        payload: Bytes::copy_from_slice(text.as_bytes()),
    }
}

async fn put(store: &Store, rows: &[(&'static str, &'static str)]) -> Committed {
    let mut txn = store.begin();
    for (key, value) in rows {
        txn.put(*key, *value);
    }
    txn.maintain(Maintenance::Bootstrap).commit().await.unwrap()
}

async fn append(store: &Store, text: &str) -> EntryPos {
    let committed = store.begin().record(vec![entry(text)]).commit().await.unwrap();
    committed.first_entry.unwrap()
}

async fn get(store: &Store, key: &str) -> Option<Bytes> {
    store.begin().view().get(key.as_bytes()).await.unwrap()
}

async fn keys(txn: &Txn, start: Bound<&str>, end: Bound<&str>, limit: usize, reverse: bool) -> String {
    let own = |bound: Bound<&str>| bound.map(|key| key.as_bytes().to_vec());
    let rows = txn.view().scan((own(start), own(end)), limit, reverse).await.unwrap();
    let keys = rows
        .into_iter()
        .map(|(key, _)| String::from_utf8(key.to_vec()).unwrap());
    keys.collect::<Vec<_>>().join(" ")
}

fn texts(page: &Page) -> Vec<String> {
    let text = |placed: &Placed| String::from_utf8(placed.entry.payload.to_vec()).unwrap();
    page.entries.iter().map(text).collect()
}

fn is_conflict(outcome: Result<Committed, CommitError>) -> bool {
    match outcome {
        Ok(_) => false,
        Err(CommitError::Conflict) => true,
        Err(CommitError::Fault(fault)) => panic!("{fault:?}"),
    }
}

#[tokio::test]
async fn a_snapshot_sees_one_moment_and_its_own_writes() {
    let fixture = Fixture::new();
    let store = fixture.open();
    put(&store, &[("a", "1"), ("b", "1")]).await;
    let mut old = store.begin();
    put(&store, &[("a", "2"), ("c", "2")]).await;
    assert_eq!(old.view().get(b"a").await.unwrap(), Some("1".into()));
    assert_eq!(old.view().get(b"c").await.unwrap(), None);
    assert_eq!(keys(&old, Bound::Unbounded, Bound::Unbounded, 9, false).await, "a b");
    old.put("aa", "x");
    old.delete("b");
    assert_eq!(old.view().get(b"aa").await.unwrap(), Some("x".into()));
    assert_eq!(old.view().get(b"b").await.unwrap(), None);
    assert_eq!(keys(&old, Bound::Unbounded, Bound::Unbounded, 9, false).await, "a aa");
    assert_eq!(get(&store, "aa").await, None, "not committed");
    assert_eq!(get(&store, "a").await, Some("2".into()));
}

#[tokio::test]
async fn a_savepoint_takes_back_writes_and_effects() {
    let fixture = Fixture::new();
    let store = fixture.open();
    put(&store, &[("a", "1")]).await;
    let mut txn = store.begin();
    txn.put("b", "1");
    let outer = txn.savepoint();
    txn.put("a", "2");
    txn.put("b", "2");
    let inner = txn.savepoint();
    txn.delete("a");
    txn.put("c", "3");
    txn.rollback_to(inner);
    assert_eq!(txn.view().get(b"a").await.unwrap(), Some("2".into()));
    assert_eq!(txn.view().get(b"c").await.unwrap(), None);
    txn.rollback_to(outer);
    txn.rollback_to(inner);
    assert_eq!(txn.view().get(b"a").await.unwrap(), Some("1".into()));
    txn.record(vec![entry("e")]).commit().await.unwrap();
    assert_eq!(get(&store, "b").await, Some("1".into()));
    assert_eq!(get(&store, "c").await, None);
}

/// What makes a conflict with a commit of `a`, `m` and `z` in between, and what does not.
#[tokio::test]
async fn conflicts_are_with_what_was_read_or_written() {
    enum Does {
        Read(&'static str),
        Scan(&'static str, &'static str, usize, bool),
        RestOn(&'static str),
        Write(&'static str),
    }
    use Does::*;
    let fixture = Fixture::new();
    let store = fixture.open();
    let check = async |does: &[Does], expected: bool| {
        let mut txn = store.begin();
        ["a", "q", "z"].into_iter().for_each(|key| txn.delete(key));
        txn.maintain(Maintenance::Expiry).commit().await.unwrap();
        put(&store, &[("b", ""), ("c", ""), ("d", ""), ("m", ""), ("y", "")]).await;
        let mut txn = store.begin();
        for step in does {
            match step {
                Read(key) => drop(txn.view().get(key.as_bytes()).await.unwrap()),
                Scan(start, end, limit, reverse) => {
                    let (start, end) = (Bound::Included(*start), Bound::Excluded(*end));
                    keys(&txn, start, end, *limit, *reverse).await;
                }
                RestOn(key) => txn.view().rest_on(key.as_bytes()),
                Write(key) => txn.put(*key, "mine"),
            }
        }
        put(&store, &[("a", "new"), ("m", "changed"), ("z", "new")]).await;
        let outcome = txn.record(vec![entry("e")]).commit().await;
        assert_eq!(is_conflict(outcome), expected);
    };
    check(&[Write("q")], false).await;
    check(&[Write("m")], true).await;
    check(&[Read("m"), Write("q")], true).await;
    check(&[Read("a"), Write("q")], true).await;
    check(&[Read("b"), Read("nothing"), Write("q")], false).await;
    check(&[Read("m")], false).await;
    check(&[Scan("a", "zz", 99, false)], false).await;
    // Without rows of its own it is held to what its entries rest on.
    check(&[RestOn("m")], true).await;
    check(&[RestOn("a")], true).await;
    check(&[Read("m"), RestOn("b"), RestOn("nothing")], false).await;
    check(&[RestOn("m"), Write("q")], true).await;
    check(&[RestOn("b"), Write("q")], false).await;
    check(&[Scan("b", "d", 99, false), Write("q")], false).await;
    check(&[Scan("b", "n", 99, false), Write("q")], true).await;
    check(&[Scan("yy", "zz", 99, false), Write("q")], true).await;
    // A page that ended before the change has not seen it.
    check(&[Scan("b", "zz", 3, false), Write("q")], false).await;
    check(&[Scan("b", "zz", 4, false), Write("q")], true).await;
    check(&[Scan("a", "z", 1, true), Write("q")], false).await;
    check(&[Scan("a", "z", 2, true), Write("q")], true).await;
    check(&[Scan("z", "a", 9, false), Write("q")], false).await;
}

/// Forty tasks add one to a counter under retries: none is lost, and each sees the answer before its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_increments_are_serial() {
    let fixture = Fixture::new();
    let store = fixture.open();
    let add = async |store: Store| {
        loop {
            let mut txn = store.begin();
            let count = txn.view().get(b"n").await.unwrap();
            let count: u32 = count.map_or(0, |n| String::from_utf8(n.to_vec()).unwrap().parse().unwrap());
            txn.put("n", (count + 1).to_string());
            if !is_conflict(txn.record(vec![entry(&count.to_string())]).commit().await) {
                return;
            }
        }
    };
    let tasks: Vec<_> = (0..40).map(|_| tokio::spawn(add(store.clone()))).collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(get(&store, "n").await, Some("40".into()));
    let page = store.journal().read(0, u64::MAX, usize::MAX).unwrap();
    let expected: Vec<String> = (0..40).map(|n| n.to_string()).collect();
    assert_eq!(texts(&page), expected, "the journal's order is the order of effects");
}

#[tokio::test]
async fn rows_and_entries_outlive_the_process() {
    let fixture = Fixture::new();
    let store = fixture.open();
    let mut txn = store.begin();
    txn.put("k", "v");
    let entries = vec![entry("one"), entry("two")];
    let committed = txn.record(entries.clone()).commit().await.unwrap();
    let mut txn = store.begin();
    txn.put("gone", "never committed");
    drop(txn);
    store.close().await.unwrap();

    let store = fixture.open();
    assert_eq!(get(&store, "k").await, Some("v".into()));
    assert_eq!(get(&store, "gone").await, None);
    let page = store.journal().read(0, u64::MAX, usize::MAX).unwrap();
    let first = committed.first_entry.unwrap();
    assert_eq!(
        first,
        EntryPos {
            seq: committed.seq,
            index: 0
        }
    );
    let place = |(index, entry)| Placed {
        pos: EntryPos { seq: first.seq, index },
        time: Timestamp::from_secs(1_000),
        entry,
    };
    assert_eq!(page.entries, (0..).zip(entries).map(place).collect::<Vec<_>>());
    assert_eq!(page.next, None);
    assert_eq!(store.journal().head(), committed.seq);
    drop(store);
    assert!(fixture.open().journal().head() == committed.seq, "also without a close");
}

#[tokio::test]
async fn a_directory_is_for_one_process_and_one_key() {
    let fixture = Fixture::new();
    let store = fixture.open();
    assert!(matches!(fixture.open_with([7; 32]), Err(OpenError::Locked { .. })));
    let pinned = store.begin();
    drop(store);
    assert!(
        matches!(fixture.open_with([7; 32]), Err(OpenError::Locked { .. })),
        "a transaction holds it"
    );
    drop(pinned);
    assert!(matches!(fixture.open_with([8; 32]), Err(OpenError::WrongKey { .. })));
    drop(fixture.open());
}

#[tokio::test]
async fn after_close_one_can_read_and_not_commit() {
    let fixture = Fixture::new();
    let store = fixture.open();
    put(&store, &[("a", "1")]).await;
    let other = store.clone();
    store.close().await.unwrap();
    assert_eq!(get(&other, "a").await, Some("1".into()));
    assert!(
        other.begin().record(Vec::new()).commit().await.is_ok(),
        "nothing to write"
    );
    let outcome = other.begin().record(vec![entry("e")]).commit().await;
    assert!(matches!(outcome, Err(CommitError::Fault(Fault::Stopping))));
}

#[tokio::test]
async fn the_journal_is_read_in_both_directions_and_by_time() {
    let fixture = Fixture::new();
    let store = fixture.open();
    let journal = store.journal();
    assert_eq!((journal.head(), journal.first().unwrap()), (0, None));
    let mut seqs = Vec::new();
    for (at, text) in ["a", "b", "c", "d"].iter().enumerate() {
        fixture.clock.advance(Duration::from_secs(10));
        seqs.push(append(&store, text).await.seq);
        put(&store, &[("row", "")]).await;
        assert_eq!(journal.first().unwrap(), Some(seqs[0]), "{at}");
    }
    let head = journal.head();
    let forward = journal.read(0, head, usize::MAX).unwrap();
    assert_eq!(texts(&forward), ["a", "b", "c", "d"]);
    assert_eq!(
        texts(&journal.read_back(0, head, usize::MAX).unwrap()),
        ["d", "c", "b", "a"]
    );
    let page = journal.read(seqs[1], head, 1).unwrap();
    assert_eq!((texts(&page), page.next), (vec!["b".to_owned()], Some(seqs[2])));
    let page = journal.read_back(0, seqs[2], 1).unwrap();
    assert_eq!((texts(&page), page.next), (vec!["c".to_owned()], Some(seqs[1])));
    assert_eq!(journal.read(head + 1, u64::MAX, 1).unwrap(), Page::default());
    for (seconds, expected) in [(0, 0), (1_010, 0), (1_011, 1), (1_020, 1), (1_039, 3), (1_040, 3)] {
        let found = journal.seq_at(Timestamp::from_secs(seconds)).unwrap();
        assert_eq!(found, Some(seqs[expected]), "{seconds}");
    }
    assert_eq!(journal.seq_at(Timestamp::from_secs(1_041)).unwrap(), None);
}

#[tokio::test]
async fn a_cut_keeps_positions_and_the_head() {
    let fixture = Fixture::new();
    let store = fixture.open();
    let dropped = append(&store, "a").await.seq;
    let long = "long ".repeat(2_000);
    let entries = vec![entry(""), entry(&long), entry("c")];
    let kept = store.begin().record(entries).commit().await.unwrap().seq;
    let cut = |from, before| {
        let cut = JournalCut { from, before };
        let txn = store
            .begin()
            .maintain(Maintenance::Archive(HistoryChange::default(), cut));
        async { txn.commit().await.unwrap() }
    };
    cut(kept, kept).await;
    assert_eq!(
        store.journal().first().unwrap(),
        Some(dropped),
        "it looks no further back"
    );
    cut(0, kept).await;
    let page = store.journal().read(0, u64::MAX, usize::MAX).unwrap();
    let positions: Vec<_> = page.entries.iter().map(|e| (e.pos.seq, e.pos.index)).collect();
    assert_eq!(positions, [(kept, 0), (kept, 1), (kept, 2)]);
    assert_eq!(texts(&page), ["", &long, "c"]);

    cut(0, kept + 1).await;
    let head = store.journal().head();
    assert_eq!(store.journal().first().unwrap(), None);
    store.close().await.unwrap();
    let store = fixture.open();
    assert_eq!(store.journal().head(), head);
    assert!(append(&store, "e").await.seq > head, "a position is never used twice");
}

/// Whichever way a write fails, its callers hear of it, nobody sees it, and nothing is written until the next open; that
/// finds it whole or not at all.
#[tokio::test]
async fn a_failed_commit_is_never_answered_and_never_half_there() {
    for (fault, survives) in [(CommitFault::NotApplied, false), (CommitFault::Applied, true)] {
        let fixture = Fixture::new();
        let store = fixture.open();
        put(&store, &[("a", "1")]).await;
        let head = store.journal().head();
        store.faults().fail_next(fault);
        let attempt = async |key: &'static str| {
            let mut txn = store.begin();
            txn.put(key, "2");
            txn.record(vec![entry(key)]).commit().await
        };
        for key in ["b", "c"] {
            assert!(
                matches!(attempt(key).await, Err(CommitError::Fault(Fault::Io { .. }))),
                "{fault:?} {key}"
            );
            assert_eq!(get(&store, key).await, None);
        }
        assert_eq!(get(&store, "a").await, Some("1".into()), "reading goes on");
        assert_eq!(store.journal().head(), head);
        assert!(store.close().await.is_err());

        let store = fixture.open();
        let texts = texts(&store.journal().read(0, u64::MAX, usize::MAX).unwrap());
        assert_eq!(
            (get(&store, "b").await.is_some(), texts.len()),
            (survives, usize::from(survives))
        );
        assert_eq!(get(&store, "c").await, None);
        append(&store, "after").await;
    }
}

#[tokio::test]
async fn what_no_engine_takes_is_refused() {
    let fixture = Fixture::new();
    let store = fixture.open();
    for key in [vec![], vec![1; 65_536]] {
        let mut txn = store.begin();
        txn.put(key.clone(), "v");
        assert_eq!(txn.view().get(&key).await.unwrap(), None);
        let outcome = txn.record(vec![entry("e")]).commit().await;
        assert!(matches!(outcome, Err(CommitError::Fault(Fault::Bug(_)))));
    }
    let mut txn = store.begin();
    txn.put(vec![1; 65_535], "v");
    txn.record(vec![]).commit().await.unwrap();
    let view = store.begin();
    assert!(view.view().scan(.., SCAN_ROWS_MAX + 1, false).await.is_err());
    assert_eq!(view.view().scan_prefix(&[1, 1], None, 1).await.unwrap().len(), 1);
    // A bound may be longer than any key.
    for (range, expected) in [
        ((Bound::Included(vec![1; 65_536]), Bound::Unbounded), 0),
        ((Bound::Unbounded, Bound::Included(vec![1; 65_536])), 1),
        ((Bound::Unbounded, Bound::Excluded(vec![1; 65_536])), 1),
        ((Bound::Included(vec![1; 65_535]), Bound::Excluded(vec![1; 70_000])), 1),
        ((Bound::Included(vec![1; 65_536]), Bound::Excluded(vec![1; 70_000])), 0),
    ] {
        let rows = view.view().scan(range, 9, false).await.unwrap();
        assert_eq!(rows.len(), expected);
    }
}

#[tokio::test]
async fn prefixes_and_typed_rows_page() {
    let fixture = Fixture::new();
    let store = fixture.open();
    put(&store, &[("p", ""), ("p/1", ""), ("p/2", ""), ("p/3", ""), ("p0", "")]).await;
    let txn = store.begin();
    let page = async |prefix: &'static [u8], after: Option<&'static [u8]>, limit| {
        let rows = txn.view().scan_prefix(prefix, after, limit).await.unwrap();
        rows.into_iter()
            .map(|(key, _)| String::from_utf8(key.to_vec()).unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(page(b"p/", None, 2).await, ["p/1", "p/2"]);
    assert_eq!(page(b"p/", Some(b"p/2"), 9).await, ["p/3"]);
    assert_eq!(page(b"p/", Some(b"a"), 1).await, ["p/1"]);
    assert_eq!(page(b"p/", Some(b"z"), 9).await, [""; 0]);
    assert_eq!(page(b"", None, 9).await.len(), 5);
    assert_eq!(prefix_range(&[1, 255]).1, Bound::Excluded(vec![2]));
    assert_eq!(prefix_range(&[255]).1, Bound::Unbounded);
}

#[derive(Clone, Debug)]
enum Op {
    Put(u8, u8),
    Delete(u8),
    Get(u8),
    Scan(u8, u8, usize, bool),
    Nested(Vec<(u8, Option<u8>)>, bool),
    Commit(bool),
    Reopen,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (0..24u8, any::<u8>()).prop_map(|(k, v)| Op::Put(k, v)),
        4 => (0..24u8).prop_map(Op::Delete),
        4 => (0..24u8).prop_map(Op::Get),
        4 => (0..26u8, 0..26u8, 0..12usize, any::<bool>()).prop_map(|(a, b, n, r)| Op::Scan(a, b, n, r)),
        2 => (proptest::collection::vec((0..24u8, any::<Option<u8>>()), 0..4), any::<bool>())
            .prop_map(|(w, keep)| Op::Nested(w, keep)),
        3 => any::<bool>().prop_map(Op::Commit),
        1 => Just(Op::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    /// One caller's transactions against a map: a committed copy and a working one.
    #[test]
    fn behaves_as_a_map(ops in proptest::collection::vec(op(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async { Model::default().run(&ops).await })?;
    }
}

#[derive(Default)]
struct Model {
    durable: BTreeMap<Vec<u8>, Vec<u8>>,
    working: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Model {
    async fn run(&mut self, ops: &[Op]) -> Result<(), TestCaseError> {
        let fixture = Fixture::new();
        let mut store = fixture.open();
        let mut txn = store.begin();
        for op in ops {
            match op {
                Op::Put(key, value) => self.write(&mut txn, *key, Some(*value)),
                Op::Delete(key) => self.write(&mut txn, *key, None),
                Op::Get(key) => {
                    let got = txn.view().get(&[*key + 1]).await.unwrap().map(|v| v.to_vec());
                    prop_assert_eq!(got.as_ref(), self.working.get(&vec![*key + 1]));
                }
                Op::Scan(start, end, limit, reverse) => self.scan(&txn, *start, *end, *limit, *reverse).await?,
                Op::Nested(writes, keep) => {
                    let (savepoint, before) = (txn.savepoint(), self.working.clone());
                    writes
                        .iter()
                        .for_each(|(key, value)| self.write(&mut txn, *key, *value));
                    if !keep {
                        txn.rollback_to(savepoint);
                        self.working = before;
                    }
                }
                Op::Commit(with_entry) => {
                    let entries = if *with_entry { vec![entry("e")] } else { vec![] };
                    txn.record(entries).commit().await.unwrap();
                    self.durable = self.working.clone();
                    txn = store.begin();
                }
                Op::Reopen => {
                    drop((txn, store));
                    self.working = self.durable.clone();
                    store = fixture.open();
                    txn = store.begin();
                }
            }
        }
        Ok(())
    }

    fn write(&mut self, txn: &mut Txn, key: u8, value: Option<u8>) {
        let key = vec![key + 1];
        match value {
            Some(value) => {
                txn.put(key.clone(), vec![value]);
                self.working.insert(key, vec![value]);
            }
            None => {
                txn.delete(key.clone());
                self.working.remove(&key);
            }
        }
    }

    async fn scan(&self, txn: &Txn, start: u8, end: u8, limit: usize, reverse: bool) -> Result<(), TestCaseError> {
        let rows = txn.view().scan(vec![start]..vec![end], limit, reverse).await.unwrap();
        let rows: Vec<_> = rows
            .into_iter()
            .map(|(key, value)| (key.to_vec(), value.to_vec()))
            .collect();
        let within = |(key, _): &(&Vec<u8>, &Vec<u8>)| vec![start] <= **key && **key < vec![end];
        let mut expected: Vec<_> = self.working.iter().filter(within).collect();
        if reverse {
            expected.reverse();
        }
        let expected: Vec<_> = expected
            .into_iter()
            .take(limit)
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        prop_assert_eq!(rows, expected);
        Ok(())
    }
}

#[tokio::test]
async fn a_blob_is_whole_or_absent() {
    let fixture = Fixture::new();
    let store = fixture.open();
    let piece: Vec<u8> = (0..300_000).map(|n| (n % 251) as u8).collect();
    let mut writer = store.blobs().create(0);
    for _ in 0..5 {
        writer.write(&piece).await.unwrap();
    }
    let (unfinished, length) = (writer.id(), writer.length());
    assert_eq!(length, 1_500_000);
    let id = writer.finish().await.unwrap();
    assert_eq!(id, unfinished);
    assert_eq!(BlobId::parse(&id.to_string()), Some(id));

    let reader = store.blobs().open(id).await.unwrap().unwrap();
    assert_eq!(reader.length(), length);
    let (start, all) = (299_990, piece.repeat(5));
    let read = reader.read_at(start, vec![0; 600_000]).await.unwrap();
    assert_eq!(Some(read.as_slice()), all.get(start as usize..start as usize + 600_000));
    assert!(matches!(
        reader.read_exact_at(length - 1, &mut [0; 2]),
        Err(Fault::Corrupt { .. })
    ));

    let mut txn = store.begin();
    txn.put("object", "gone");
    txn.after_commit(Effect::RemoveBlob(id));
    txn.record(vec![entry("e")]).commit().await.unwrap();
    drop(store);
    let store = fixture.open();
    assert!(
        store.blobs().open(id).await.unwrap().is_none(),
        "removed once the row was gone"
    );
    assert!(reader.read_at(0, vec![0; 10]).await.is_ok(), "who reads it reads on");

    let mut writer = store.blobs().create(0);
    let dropped = writer.id();
    writer.write(&all).await.unwrap();
    drop(writer);
    assert!(store.blobs().open(dropped).await.unwrap().is_none());
}

#[tokio::test]
async fn a_held_blob_goes_when_its_last_holder_does() {
    let fixture = Fixture::new();
    let store = fixture.open();
    let blob = async || store.blobs().create(0).finish().await.unwrap();
    let (id, other) = (blob().await, blob().await);
    let holders = (store.blobs().hold(vec![id, other]), store.blobs().hold(vec![id]));
    let mut txn = store.begin();
    txn.after_commit(Effect::RemoveBlob(id));
    txn.put("object", "gone");
    txn.record(vec![entry("e")]).commit().await.unwrap();
    std::thread::sleep(Duration::from_millis(20));
    store.blobs().sweep(|_| false, Duration::ZERO).unwrap();
    drop(holders.0);
    assert!(store.blobs().open_held(id).is_ok());
    drop(holders.1);
    drop(store);
    let store = fixture.open();
    assert!(store.blobs().open(id).await.unwrap().is_none());
    assert!(store.blobs().open(other).await.unwrap().is_some(), "nobody removed it");
}

#[tokio::test]
async fn a_sweep_takes_old_blobs_that_nobody_names() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), [7; 32], Clock::system()).unwrap();
    let blob = async || store.blobs().create(0).finish().await.unwrap();
    let (named, nameless) = (blob().await, blob().await);
    let mut writer = store.blobs().create(0);
    // Two pieces: the second waits until the first is in the file.
    for _ in 0..2 {
        writer.write(&vec![0; 2 << 20]).await.unwrap();
    }
    let folder = dir.path().join("blobs/00");
    std::fs::create_dir_all(&folder).unwrap();
    let stranger = folder.join("notes.txt");
    std::fs::write(&stranger, "").unwrap();
    let sweep = |age| store.blobs().sweep(|id| *id == named, age).unwrap();
    let untouched = Swept {
        kept: 3,
        removed: 0,
        strange: 1,
    };
    assert_eq!(sweep(Duration::from_secs(60)), untouched);
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(
        sweep(Duration::ZERO),
        Swept {
            kept: 2,
            removed: 1,
            strange: 1
        }
    );
    assert!(store.blobs().open(nameless).await.unwrap().is_none());
    assert!(store.blobs().open(named).await.unwrap().is_some());
    assert!(stranger.exists());
    writer.finish().await.unwrap();
}

/// What crosses await points in the pipeline must be `Send`.
#[test]
fn transactions_and_their_futures_are_send() {
    fn send<T: Send>(_: T) {}
    async fn uses(store: &Store) {
        let mut txn = store.begin();
        let view = txn.view();
        let _ = view.get(b"a").await;
        let _ = view.scan(.., 1, true).await;
        let _ = view.scan_prefix(b"p", None, 1).await;
        txn.put("a", "b");
        let _ = txn.record(Vec::new()).commit().await;
    }
    let fixture = Fixture::new();
    let store = fixture.open();
    send(uses(&store));
    fn shared<T: Send + Sync>() {}
    shared::<(Store, Txn, Journal, Blobs, BlobReader)>();
}

#[tokio::test]
async fn a_visit_sees_what_a_read_sees_and_ends_where_the_visitor_says() {
    struct Seen {
        texts: Vec<String>,
        blocks: usize,
    }
    impl Visitor for Seen {
        fn block(&mut self, _: u64, _: Timestamp, bytes: usize) -> std::ops::ControlFlow<()> {
            assert!(bytes > 0);
            if self.blocks == 0 {
                return std::ops::ControlFlow::Break(());
            }
            self.blocks -= 1;
            std::ops::ControlFlow::Continue(())
        }
        fn entry(&mut self, entry: EntryRef<'_>) -> Result<(), Fault> {
            self.texts.push(String::from_utf8_lossy(entry.payload).into_owned());
            Ok(())
        }
    }
    let fixture = Fixture::new();
    let store = fixture.open();
    let long = "long ".repeat(2_000);
    append(&store, "a").await;
    let second = append(&store, &long).await.seq;
    let third = append(&store, "c").await.seq;
    let visit = |from, to, blocks| {
        let mut seen = Seen { texts: vec![], blocks };
        let next = store.journal().visit(from, to, &mut seen).unwrap();
        (seen.texts, next)
    };
    let page = store.journal().read(0, u64::MAX, usize::MAX).unwrap();
    assert_eq!(visit(0, u64::MAX, 9), (texts(&page), None));
    assert_eq!(visit(0, u64::MAX, 2), (texts(&page)[..2].to_vec(), Some(third)));
    assert_eq!(visit(second, second, 9), (vec![long.clone()], None));
    assert_eq!(visit(third + 1, u64::MAX, 9), (vec![], None));
}
