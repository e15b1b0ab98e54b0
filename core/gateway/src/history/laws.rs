//! Whatever is committed, archived, dropped, opened again and asked meanwhile: a search gives what a plain list gives.

use super::*;
use base::{Arn, Clock, Random};
use envelope::Key256;
use proptest::prelude::*;
use record::{AHEAD_MAX, EventCategory, Resource};
use std::{path::Path, time::Duration};
use store::{JournalCut, JournalEntry, Maintenance, Options, Store};

const REACH: Duration = Duration::from_secs(24 * 3600);
const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];
const SOURCES: [&str; 2] = ["kms.amazonaws.com", "s3.amazonaws.com"];

#[derive(Clone, Debug)]
struct Made {
    region: usize,
    management: bool,
    /// Which of few values its attributes have.
    kind: u8,
    /// How old it is at its commit, in seconds; below zero of one that is dated ahead.
    age: i64,
}

#[derive(Clone, Debug)]
enum Op {
    Advance(u64),
    Commit(Vec<Made>),
    /// Archives, with summaries or without, and drops so many of a hundred of the journal's blocks that may go.
    Archive(u64, bool),
    Expire,
    Reopen,
    Look(Question),
    Count(Question, Sieve),
    /// Asks for the next page of the last question.
    Page,
}

#[derive(Clone, Debug)]
struct Question {
    region: usize,
    attribute: Option<(Attribute, u8)>,
    /// Seconds before now.
    start: u64,
    end: u64,
    page: usize,
}

fn made() -> impl Strategy<Value = Made> {
    let ahead_max = i64::try_from(AHEAD_MAX.as_secs()).unwrap();
    let age = prop_oneof![6 => Just(0_i64), 1 => 1..4_000_i64, 1 => 0..90_000_i64, 1 => -ahead_max..=0];
    (0..2_usize, prop::bool::weighted(0.8), 0..6_u8, age).prop_map(|(region, management, kind, age)| Made {
        region,
        management,
        kind,
        age,
    })
}

fn question() -> impl Strategy<Value = Question> {
    let attribute = prop::sample::select(&[
        Attribute::AccessKeyId,
        Attribute::EventId,
        Attribute::EventName,
        Attribute::EventSource,
        Attribute::ReadOnly,
        Attribute::ResourceName,
        Attribute::ResourceType,
        Attribute::Username,
    ]);
    let attribute = prop::option::weighted(0.8, (attribute, 0..7_u8));
    let ago = || prop_oneof![2 => Just(0_u64), 2 => 0..100_000_u64, 1 => 0..1_800_u64];
    (0..2_usize, attribute, ago(), ago(), 1..60_usize).prop_map(|(region, attribute, a, b, page)| Question {
        region,
        attribute,
        start: if a.max(b) == 0 { 200_000 } else { a.max(b) },
        end: a.min(b),
        page,
    })
}

/// What is asked for besides a question when events are counted.
#[derive(Clone, Debug)]
struct Sieve {
    also: Option<(Attribute, u8)>,
    read_only: Option<bool>,
    ended: Option<EndedAs>,
    exclude: bool,
    period: u64,
    bins: usize,
    /// How much is done in one answer.
    work: u32,
}

fn sieve() -> impl Strategy<Value = Sieve> {
    let attributes = &[Attribute::EventName, Attribute::ReadOnly, Attribute::ResourceType];
    let also = prop::option::weighted(0.3, (prop::sample::select(attributes), 0..7_u8));
    let ended = prop::sample::select(&[EndedAs::Succeeded, EndedAs::Denied, EndedAs::Failed]);
    let parts = (
        also,
        prop::option::weighted(0.3, any::<bool>()),
        prop::option::weighted(0.3, ended),
        any::<bool>(),
        1..5_000_u64,
        1..40_usize,
        prop_oneof![2 => 1..20_u32, 1 => 1_000..2_000_u32],
    );
    parts.prop_map(|(also, read_only, ended, exclude, period, bins, work)| Sieve {
        also,
        read_only,
        ended,
        exclude,
        period,
        bins,
        work,
    })
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        2 => (0..20_000_u64).prop_map(Op::Advance),
        1 => (0..1_200_u64).prop_map(Op::Advance),
        6 => prop::collection::vec(made(), 1..40).prop_map(Op::Commit),
        1 => prop::collection::vec(made(), 250..600).prop_map(Op::Commit),
        4 => (0..=100_u64, prop::bool::weighted(0.7)).prop_map(|(share, summarised)| Op::Archive(share, summarised)),
        1 => Just(Op::Expire),
        1 => Just(Op::Reopen),
        6 => question().prop_map(Op::Look),
        6 => (question(), sieve()).prop_map(|(question, sieve)| Op::Count(question, sieve)),
        6 => Just(Op::Page),
    ]
}

fn region(at: usize) -> Region {
    Region::parse(REGIONS[at]).unwrap()
}

fn bucket(kind: u8) -> String {
    format!("bucket-{kind}")
}

fn index_of(made: &Made, id: u64, time: Timestamp) -> IndexFields {
    let kind = made.kind;
    let resource = |arn: String, kind: &'static str| Resource {
        arn: Arn::parse(&arn).unwrap(),
        account_id: None,
        resource_type: kind.into(),
    };
    let bucket = resource(format!("arn:aws:s3:::{}", bucket(kind)), "AWS::S3::Bucket");
    let key = resource("arn:aws:kms:us-east-1:000000000000:key/k".to_owned(), "AWS::KMS::Key");
    IndexFields {
        event_time: time,
        event_source: SOURCES[usize::from(kind) % 2].to_owned(),
        event_name: format!("Name{kind}"),
        aws_region: region(made.region),
        read_only: kind == 1,
        category: match made.management {
            true => EventCategory::Management,
            false => EventCategory::Data,
        },
        event_id: format!("id-{id}"),
        recipient_account_id: AccountId::FIRST,
        user_name: (kind > 0).then(|| format!("user-{kind}")),
        access_key_id: (kind > 1).then(|| format!("AKIA{kind}")),
        resources: match kind {
            2 => vec![bucket],
            3 => vec![key, bucket],
            _ => vec![],
        },
    }
}

const ERRORS: [&str; 3] = ["", "AccessDenied", "NoSuchThing"];
const AGENTS: [&str; 3] = [
    "",
    "console/1",
    "[console/1 of some length, so that not all of it is kept in a summary]",
];

/// A record with what index fields do not tell.
fn json_of(made: &Made, index: &IndexFields) -> String {
    let kind = usize::from(made.kind);
    let told = [("errorCode", ERRORS[kind / 2]), ("userAgent", AGENTS[kind % 3])];
    let told = told.into_iter().filter(|(_, value)| !value.is_empty());
    let told: String = told.map(|(name, value)| format!(",\"{name}\":\"{value}\"")).collect();
    format!("{{\"eventID\":\"{}\"{told}}}", index.event_id)
}

fn value_of(attribute: Attribute, kind: u8, ids: u64) -> String {
    match attribute {
        Attribute::AccessKeyId => format!("AKIA{kind}"),
        Attribute::EventId => format!("id-{}", ids.saturating_sub(u64::from(kind) * 7)),
        Attribute::EventName => format!("Name{kind}"),
        Attribute::EventSource => SOURCES[usize::from(kind) % 2].to_owned(),
        Attribute::ReadOnly => ["true", "FALSE", "neither"][usize::from(kind) % 3].to_owned(),
        Attribute::ResourceName if kind.is_multiple_of(2) => bucket(kind),
        Attribute::ResourceName => format!("arn:aws:s3:::{}", bucket(kind)),
        Attribute::ResourceType => ["AWS::S3::Bucket", "AWS::KMS::Key"][usize::from(kind) % 2].to_owned(),
        Attribute::Username => format!("user-{kind}"),
    }
}

fn open(dir: &Path, clock: &Clock) -> Store {
    let options = Options {
        block_key: Key256::from_bytes([7; 32]),
        random: Random::os(),
        clock: clock.clone(),
        cache_bytes: 1 << 20,
    };
    Store::open(store::lock(dir).unwrap(), options).unwrap()
}

/// A listing that is being paged through.
struct Paging {
    query: Query,
    page: usize,
    expected: Vec<(EntryPos, String)>,
    seen: usize,
}

/// What was counted, in an order of its own: in all, reads, by bin, and by what and value.
#[derive(Debug, PartialEq)]
struct Counted {
    all: Counts,
    read_only: u64,
    bins: Vec<Counts>,
    values: std::collections::BTreeMap<(&'static str, String), Counts>,
}

fn plus(sum: &mut Counts, more: Counts) {
    sum.events += more.events;
    sum.denied += more.denied;
    sum.failed += more.failed;
}

impl Counted {
    fn new(bins: usize) -> Counted {
        Counted {
            all: Counts::default(),
            read_only: 0,
            bins: vec![Counts::default(); bins],
            values: std::collections::BTreeMap::new(),
        }
    }

    /// Counts an event that a search has found, by its record and by nothing that summaries are made with.
    fn found(&mut self, found: &Found, query: &Query, filter: &Filter, plan: Plan) {
        let record: serde_json::Value = serde_json::from_slice(&found.json).unwrap();
        let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        let (error, agent) = (text("errorCode"), text("userAgent"));
        let index = &found.index;
        let ended = match error.as_str() {
            "" => EndedAs::Succeeded,
            "AccessDenied" => EndedAs::Denied,
            _ => EndedAs::Failed,
        };
        let excluded = index.read_only && !filter.exclude_reads_by.is_empty() && agent.contains("console/");
        let wanted = filter.also.iter().all(|(at, value)| at.matches(index, value))
            && filter.read_only.is_none_or(|wanted| wanted == index.read_only)
            && filter.ended.is_none_or(|wanted| wanted == ended)
            && !excluded;
        if !wanted {
            return;
        }
        let one = Counts {
            events: 1,
            denied: u64::from(ended == EndedAs::Denied),
            failed: u64::from(ended == EndedAs::Failed),
        };
        let seconds = index.event_time.since(query.start).as_secs();
        let bin = usize::try_from(seconds / plan.period.as_secs()).unwrap();
        plus(&mut self.bins[bin.min(plan.bins - 1)], one);
        plus(&mut self.all, one);
        self.read_only += u64::from(index.read_only);
        let user = index.user_name.clone().unwrap_or_default();
        for (what, value) in [
            ("name", index.event_name.clone()),
            ("source", index.event_source.clone()),
            ("user", user),
            ("error", error),
        ] {
            if !value.is_empty() {
                plus(self.values.entry((what, value)).or_default(), one);
            }
        }
    }

    fn add(&mut self, summary: Summary) {
        plus(&mut self.all, summary.all);
        self.read_only += summary.read_only;
        for (sum, more) in self.bins.iter_mut().zip(summary.bins) {
            plus(sum, more);
        }
        let kinds = [
            ("name", summary.names),
            ("source", summary.sources),
            ("user", summary.users),
            ("error", summary.errors),
        ];
        for (what, values) in kinds {
            for (value, counts) in values {
                plus(self.values.entry((what, value)).or_default(), counts);
            }
        }
        assert!(!summary.values_cut);
    }
}

struct Run {
    dir: tempfile::TempDir,
    clock: Clock,
    store: Option<Store>,
    /// Every management event, in the order of commit.
    all: Vec<(EntryPos, IndexFields)>,
    ids: u64,
    paging: Option<Paging>,
}

impl Run {
    fn new() -> Run {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::from_secs(1_000_000));
        let store = Some(open(dir.path(), &clock));
        Run {
            dir,
            clock,
            store,
            all: Vec::new(),
            ids: 0,
            paging: None,
        }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    async fn step(&mut self, op: &Op) -> Result<(), TestCaseError> {
        match op {
            Op::Advance(seconds) => self.clock.advance(Duration::from_secs(*seconds)),
            Op::Commit(made) => self.commit(made).await,
            Op::Archive(share, summarised) => self.archive(*share, *summarised).await,
            Op::Expire => self.expire().await,
            Op::Reopen => {
                let store = self.store.take().unwrap();
                store.close().await.unwrap();
                self.store = Some(open(self.dir.path(), &self.clock));
            }
            Op::Look(question) => self.look(question),
            Op::Count(question, sieve) => self.count(question, sieve)?,
            Op::Page => self.page()?,
        }
        Ok(())
    }

    async fn commit(&mut self, made: &[Made]) {
        let (mut entries, mut indexes) = (Vec::new(), Vec::new());
        for made in made {
            let (now, off) = (self.clock.now(), Duration::from_secs(made.age.unsigned_abs()));
            let time = if made.age < 0 { now.plus(off) } else { now.minus(off) };
            let index = index_of(made, self.ids, time);
            self.ids += 1;
            let json = json_of(made, &index);
            let fields = postcard::to_allocvec(&index).unwrap();
            let length = u32::try_from(fields.len()).unwrap().to_be_bytes();
            entries.push(JournalEntry {
                selected: vec![],
                management: made.management,
                account: index.recipient_account_id.as_str().to_owned(),
                region: index.aws_region.as_str().to_owned(),
                payload: Bytes::from([&[1][..], &length, &fields, json.as_bytes()].concat()),
            });
            indexes.push(index);
        }
        let recorded = self.store().begin().record(entries).commit().await.unwrap();
        let first = recorded.first_entry.unwrap();
        for (at, (index, made)) in (0..).zip(indexes.into_iter().zip(made)) {
            if made.management {
                let pos = EntryPos {
                    seq: first.seq,
                    index: first.index + at,
                };
                self.all.push((pos, index));
            }
        }
    }

    async fn archive(&mut self, share: u64, summarised: bool) {
        let store = self.store();
        let step = archive::archive_as(&store.history(), summarised).unwrap();
        let Some(step) = step else { return };
        let cut = JournalCut {
            from: 0,
            before: step.through * share / 100 + 1,
        };
        let txn = store.begin().maintain(Maintenance::Archive(step.change, cut));
        txn.commit().await.unwrap();
    }

    async fn expire(&mut self) {
        let store = self.store();
        while let Some(change) = expired(&store.history(), self.clock.now().minus(REACH), 2).unwrap() {
            let txn = store.begin().maintain(Maintenance::Retention(change));
            txn.commit().await.unwrap();
        }
    }

    fn query(&self, question: &Question) -> Query {
        let now = self.clock.now();
        let ago = |seconds| now.minus(Duration::from_secs(seconds));
        let attribute = question
            .attribute
            .map(|(attribute, kind)| (attribute, value_of(attribute, kind, self.ids)));
        Query {
            account: AccountId::FIRST,
            region: region(question.region),
            attribute,
            start: ago(question.start).max(now.minus(REACH)),
            end: ago(question.end),
            before: None,
        }
    }

    /// However often it is cut, and however events are stored, what is counted is what a search finds.
    fn count(&self, question: &Question, sieve: &Sieve) -> Result<(), TestCaseError> {
        let mut query = self.query(question);
        let filter = Filter {
            also: sieve
                .also
                .iter()
                .map(|(at, kind)| (*at, value_of(*at, *kind, self.ids)))
                .collect(),
            read_only: sieve.read_only,
            ended: sieve.ended,
            exclude_reads_by: sieve.exclude.then(|| "console/".to_owned()).into_iter().collect(),
        };
        let plan = Plan {
            period: Duration::from_secs(sieve.period),
            bins: sieve.bins,
        };
        let mut expected = Counted::new(sieve.bins);
        let found = |found: Found| {
            expected.found(&found, &query, &filter, plan);
            Ok(ControlFlow::Continue(()))
        };
        search(&self.store().history(), &query, |_| true, found).unwrap();
        let mut counted = Counted::new(sieve.bins);
        loop {
            let summary =
                summary::summarise_within(&self.store().history(), &query, &filter, plan, sieve.work).unwrap();
            let cut = summary.cut;
            counted.add(summary);
            match cut {
                None => break,
                Some(cut) => {
                    prop_assert!(query.before.is_none_or(|before| cut.before < before));
                    query.before = Some(cut.before);
                }
            }
        }
        prop_assert_eq!(counted, expected);
        Ok(())
    }

    fn look(&mut self, question: &Question) {
        let query = self.query(question);
        let wanted = self.all.iter().rev().filter(|(pos, index)| query.wants(*pos, index));
        let expected = wanted.map(|(pos, index)| (*pos, index.event_id.clone())).collect();
        self.paging = Some(Paging {
            query,
            page: question.page,
            expected,
            seen: 0,
        });
    }

    /// The next page is the next of the list, as it was when it was begun, as far as its times are not out of reach now.
    fn page(&mut self) -> Result<(), TestCaseError> {
        let horizon = self.clock.now().minus(REACH);
        let Some(mut paging) = self.paging.take() else {
            return Ok(());
        };
        if paging.query.start < horizon {
            return Ok(());
        }
        let mut got = Vec::new();
        search(
            &self.store().history(),
            &paging.query,
            |_| true,
            |found| {
                let id = format!("{{\"eventID\":\"{}\"", found.index.event_id);
                assert!(found.json.starts_with(id.as_bytes()));
                got.push((found.pos, found.index.event_id));
                Ok(match got.len() < paging.page {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                })
            },
        )
        .unwrap();
        // The first page sees all that was committed before it is asked for, and those after it nothing new.
        if paging.seen == 0 {
            let query = &paging.query;
            let wanted = self.all.iter().rev().filter(|(pos, index)| query.wants(*pos, index));
            paging.expected = wanted.map(|(pos, index)| (*pos, index.event_id.clone())).collect();
        }
        let expected = paging.expected.iter().skip(paging.seen).take(paging.page);
        prop_assert_eq!(&got, &expected.cloned().collect::<Vec<_>>());
        paging.seen += got.len();
        if let Some((last, _)) = got.last() {
            paging.query.before = Some(*last);
            self.paging = Some(paging);
        }
        Ok(())
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let history = self.store().history();
        let mut wrong = Vec::new();
        history
            .check(
                |about, opened| terms_of(&history, about, opened),
                |block| wrong.extend(block.err()),
            )
            .unwrap();
        prop_assert!(wrong.is_empty(), "{:?}", wrong);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_search_gives_what_a_list_gives(ops in prop::collection::vec(op(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut run = Run::new();
            for op in &ops {
                run.step(op).await?;
            }
            run.step(&Op::Page).await?;
            run.check()
        })?;
    }
}

/// Each attribute is found where it is and nowhere else, with the history in many blocks.
#[tokio::test]
async fn every_attribute_is_found_in_many_blocks() {
    let mut run = Run::new();
    for round in 0..6_u8 {
        let some = |region| Made {
            region,
            management: true,
            kind: 0,
            age: 0,
        };
        let mut events = vec![some(0); 300];
        events.push(Made { kind: round, ..some(0) });
        events.push(some(1));
        run.commit(&events).await;
        run.clock.advance(Duration::from_secs(60));
        run.archive(u64::from(round) * 20, round % 2 == 0).await;
    }
    let view = run.store().history().view();
    let partition = partition_of(&run.store().history(), AccountId::FIRST.as_str(), REGIONS[0]);
    assert_eq!(view.blocks(partition, 0).count(), 8, "blocks are filled up");
    let first = view.blocks(partition, 0).next().unwrap().unwrap();
    assert_eq!(first.about.entries, 256);
    for (attribute, value, expected) in [
        (Attribute::AccessKeyId, "AKIA4", 1),
        (Attribute::EventId, "id-300", 1),
        (Attribute::EventName, "Name5", 1),
        (Attribute::EventSource, SOURCES[1], 3),
        (Attribute::ReadOnly, "True", 1),
        (Attribute::ResourceName, "arn:aws:s3:::bucket-3", 1),
        (Attribute::ResourceName, "bucket-2", 1),
        (Attribute::ResourceType, "AWS::S3::Bucket", 2),
        (Attribute::Username, "user-3", 1),
        (Attribute::Username, "user", 0),
    ] {
        let query = Query {
            account: AccountId::FIRST,
            region: region(0),
            attribute: Some((attribute, value.to_owned())),
            start: Timestamp::EPOCH,
            end: run.clock.now(),
            before: None,
        };
        let mut count = 0;
        search(
            &run.store().history(),
            &query,
            |_| true,
            |_| {
                count += 1;
                Ok(ControlFlow::Continue(()))
            },
        )
        .unwrap();
        assert_eq!(count, expected, "{attribute:?} {value}");
    }
    run.check().unwrap();
}

/// What is dated ahead of its commit is found at its time, in the journal and in the archive.
#[tokio::test]
async fn an_event_dated_ahead_is_found_at_its_time() {
    let ahead = Made {
        region: 0,
        management: true,
        kind: 2,
        age: -600,
    };
    for archived in [false, true] {
        let mut run = Run::new();
        run.commit(std::slice::from_ref(&ahead)).await;
        run.clock.advance(Duration::from_secs(1_200));
        if archived {
            run.archive(100, true).await;
        }
        for attribute in [None, Some((Attribute::EventName, 2))] {
            let question = Question {
                region: 0,
                attribute,
                start: 900,
                end: 0,
                page: 5,
            };
            run.look(&question);
            assert_eq!(run.paging.as_ref().unwrap().expected.len(), 1);
            run.page().unwrap();
        }
    }
}
