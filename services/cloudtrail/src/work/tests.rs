//! Delivery and digests on a real store, with a bucket that can refuse.

use super::{REDELIVERY, deliver::Deliver, digest::SignDigests, signing};
use crate::{
    Selectors,
    model::{selector::EventSelectors, trail::Trail},
    table::{self, BackfillRow, ChainRow, PendingFile},
    work::chains,
};
use base::{AccountId, Arn, Clock, Fault, Random, Region, Timestamp};
use envelope::{EncryptionContext, Key256, RootKey};
use gateway::{
    AnsweredCall, Boxed, Ctx, PortRefusal, Ports, RoleSession, ServiceCaller, Settings, SignedCaller, Txn, World,
    ctx::By,
    event::ServiceEvent,
    ports::{
        AccountFacts, BucketPlace, Credential, DataKey, Holder, Identities, KeyGuard, Keys, LogEvent, Logs,
        NewAccessKey, ObjectFacts, ObjectGuard, Objects, Rights, Roles, ServiceMessage, ServiceObject, Topics, Worker,
    },
    work::Work,
};
use policy::Principal;
use record::{
    DigestFile, PublicKey,
    verify::{Location, StoredFile, verify_digest},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};
use store::{CommitError, Maintenance, Options, ReadView, Store};
use wire::ServiceName;

const ACCOUNT: AccountId = AccountId::FIRST;
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn home() -> Region {
    Region::us_east_1()
}

fn away() -> Region {
    Region::parse("eu-west-1").unwrap()
}

/// Everybody else: a bucket, and nothing that these tests reach.
#[derive(Default)]
struct Others {
    objects: Mutex<BTreeMap<String, StoredFile>>,
    /// Keys that hold this text are refused.
    refuses: Mutex<Option<&'static str>>,
}

impl Objects for Others {
    fn facts<'a>(
        &'a self,
        _: &'a ReadView<'a>,
        _: &'a str,
        _: &'a str,
        _: Option<&'a str>,
        _: usize,
    ) -> Boxed<'a, Result<Vec<ObjectFacts>, Fault>> {
        unreachable!("nobody asks")
    }

    fn guard<'a>(
        &'a self,
        _: &'a ReadView<'a>,
        _: &'a str,
        _: &'a str,
    ) -> Boxed<'a, Result<Option<ObjectGuard>, Fault>> {
        unreachable!("nobody asks")
    }

    fn is_told(&self, _: &World) -> bool {
        false
    }

    fn answered<'a>(&'a self, _: &'a Arc<World>, _: AnsweredCall) -> Boxed<'a, ()> {
        Box::pin(async {})
    }

    fn place<'a>(&'a self, _: &'a ReadView<'a>, _: &'a str) -> Boxed<'a, Result<Option<BucketPlace>, Fault>> {
        Box::pin(async { Ok(None) })
    }

    fn check_bucket_acl<'a>(
        &'a self,
        _: &'a Ctx,
        _: &'a mut Txn,
        _: By,
        _: &'a str,
    ) -> Boxed<'a, Result<(), PortRefusal>> {
        unreachable!("nobody asks")
    }

    fn probe_put_object<'a>(
        &'a self,
        _: &'a Ctx,
        _: &'a mut Txn,
        _: By,
        _: &'a ServiceObject,
    ) -> Boxed<'a, Result<(), PortRefusal>> {
        unreachable!("nobody asks")
    }

    fn put_object<'a>(
        &'a self,
        _: &'a Ctx,
        _: &'a mut Txn,
        _: By,
        object: ServiceObject,
    ) -> Boxed<'a, Result<(), PortRefusal>> {
        Box::pin(async move {
            if self
                .refuses
                .lock()
                .unwrap()
                .is_some_and(|text| object.key.contains(text))
            {
                return Err(PortRefusal {
                    service: ServiceName::S3,
                    code: "AccessDenied".to_owned(),
                    message: "Access Denied".to_owned(),
                    status: 403,
                    denied: true,
                });
            }
            let file = StoredFile {
                body: object.body.to_vec(),
                metadata: object.metadata.into_iter().collect(),
            };
            let before = self.objects.lock().unwrap().insert(object.key, file);
            assert!(before.is_none(), "no file is written over");
            Ok(())
        })
    }
}

impl Identities for Others {
    fn credential<'a>(
        &'a self,
        _: &'a World,
        _: &'a ReadView<'a>,
        _: &'a str,
    ) -> Boxed<'a, Result<Option<Arc<Credential>>, Fault>> {
        Box::pin(async { Ok(None) })
    }

    fn rights<'a>(&'a self, _: &'a ReadView<'a>, _: &'a Principal) -> Boxed<'a, Result<Arc<Rights>, Fault>> {
        Box::pin(async { Ok(Arc::default()) })
    }

    fn exists<'a>(&'a self, _: &'a ReadView<'a>, _: &'a str) -> Boxed<'a, Result<bool, Fault>> {
        Box::pin(async { Ok(true) })
    }

    fn unique_id<'a>(&'a self, _: &'a ReadView<'a>, _: &'a str) -> Boxed<'a, Result<Option<String>, Fault>> {
        Box::pin(async { Ok(None) })
    }

    fn arn_of<'a>(&'a self, _: &'a ReadView<'a>, _: &'a str) -> Boxed<'a, Result<Option<String>, Fault>> {
        Box::pin(async { Ok(None) })
    }

    fn used(&self, _: &SignedCaller, _: Timestamp, _: &'static str, _: &Region) {}

    fn create_account<'a>(
        &'a self,
        _: &'a Ctx,
        _: &'a mut Txn,
        _: &'a AccountFacts,
    ) -> Boxed<'a, Result<Option<NewAccessKey>, Fault>> {
        Box::pin(async { Ok(None) })
    }

    fn accounts<'a>(&'a self, _: &'a ReadView<'a>) -> Boxed<'a, Result<Vec<AccountFacts>, Fault>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn principals<'a>(&'a self, _: &'a ReadView<'a>) -> Boxed<'a, Result<Vec<Holder>, Fault>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

impl Roles for Others {
    fn assume_role<'a>(
        &'a self,
        _: &'a Ctx,
        _: &'a mut Txn,
        _: ServiceCaller,
        _: Region,
        _: &'a str,
        _: &'a str,
    ) -> Boxed<'a, Result<RoleSession, PortRefusal>> {
        unreachable!("no trail has a role")
    }
}

impl Keys for Others {
    fn guard<'a>(
        &'a self,
        _: &'a ReadView<'a>,
        _: AccountId,
        _: &'a Region,
        _: &'a str,
    ) -> Boxed<'a, Result<Option<Arc<dyn KeyGuard>>, Fault>> {
        Box::pin(async { Ok(None) })
    }

    fn generate_data_key<'a>(
        &'a self,
        _: &'a Ctx,
        _: &'a mut Txn,
        _: By,
        _: Region,
        _: &'a str,
        _: EncryptionContext,
    ) -> Boxed<'a, Result<DataKey, PortRefusal>> {
        unreachable!("no trail has a key")
    }

    fn decrypt<'a>(
        &'a self,
        _: &'a Ctx,
        _: &'a mut Txn,
        _: By,
        _: Region,
        _: &'a [u8],
        _: EncryptionContext,
    ) -> Boxed<'a, Result<Key256, PortRefusal>> {
        unreachable!("no trail has a key")
    }

    fn describe_key<'a>(
        &'a self,
        _: &'a Ctx,
        _: &'a mut Txn,
        _: By,
        _: Region,
        _: &'a str,
    ) -> Boxed<'a, Result<Arn, PortRefusal>> {
        unreachable!("no trail has a key")
    }

    fn s3_managed_key<'a>(&'a self, _: &'a Ctx, _: AccountId, _: Region) -> Boxed<'a, Result<Arn, PortRefusal>> {
        unreachable!("no trail has a key")
    }
}

impl Logs for Others {
    fn exists<'a>(&'a self, _: &'a ReadView<'a>, _: &'a Arn) -> Boxed<'a, Result<bool, Fault>> {
        Box::pin(async { Ok(false) })
    }

    fn check<'a>(
        &'a self,
        _: &'a Ctx,
        _: &'a mut Txn,
        _: By,
        _: &'a Arn,
        _: &'a str,
    ) -> Boxed<'a, Result<(), PortRefusal>> {
        unreachable!("no trail has a log group")
    }

    fn put_events<'a>(
        &'a self,
        _: &'a Ctx,
        _: &'a mut Txn,
        _: By,
        _: &'a Arn,
        _: &'a str,
        _: Vec<LogEvent>,
    ) -> Boxed<'a, Result<usize, PortRefusal>> {
        unreachable!("no trail has a log group")
    }
}

impl Topics for Others {
    fn publish<'a>(
        &'a self,
        _: &'a Ctx,
        _: &'a mut Txn,
        _: By,
        _: &'a Arn,
        _: ServiceMessage,
    ) -> Boxed<'a, Result<String, PortRefusal>> {
        unreachable!("no trail has a topic")
    }

    fn may_publish<'a>(&'a self, _: &'a Ctx, _: &'a mut Txn, _: By, _: &'a Arn) -> Boxed<'a, Result<(), PortRefusal>> {
        unreachable!("no trail has a topic")
    }
}

/// A data directory, and the bucket of its trails.
struct House {
    store: Store,
    clock: Clock,
    random: Random,
    root: Arc<RootKey>,
    others: Arc<Others>,
    _dir: tempfile::TempDir,
}

/// A process on it.
struct Life {
    world: Arc<World>,
    others: Arc<Others>,
    deliver: Deliver,
    digests: SignDigests,
}

impl House {
    async fn new() -> House {
        let dir = tempfile::tempdir().unwrap();
        let random = Random::seeded(1);
        let clock = Clock::manual(Timestamp::from_secs(1_800_000_000));
        let options = Options {
            block_key: Key256::generate(&random),
            random: random.clone(),
            clock: clock.clone(),
            cache_bytes: 1 << 20,
        };
        let store = Store::open(store::lock(&dir.path().join("data")).unwrap(), options).unwrap();
        let house = House {
            store,
            clock,
            root: Arc::new(RootKey::generate(&random)),
            random,
            others: Arc::default(),
            _dir: dir,
        };
        let life = house.begin(&[home()]);
        life.change(async |txn| {
            let made = life.world.keyrings.create(txn, ACCOUNT, &life.world.random).await;
            made.unwrap();
        })
        .await;
        house
    }

    /// Begins a process that has these Regions enabled.
    fn begin(&self, regions: &[Region]) -> Life {
        let settings = Settings {
            regions: regions.to_vec(),
            ..Settings::standard()
        };
        let (store, clock, random) = (self.store.clone(), self.clock.clone(), self.random.clone());
        let root = Arc::clone(&self.root);
        let world = Arc::new(World::new(store, clock, random, settings, root));
        let others = Arc::clone(&self.others);
        let ports = Ports {
            identities: others.clone(),
            roles: others.clone(),
            keys: others.clone(),
            objects: others.clone(),
            logs: others.clone(),
            topics: others.clone(),
            trails: Arc::new(Selectors::default()),
            calls: Default::default(),
            workers: Vec::new(),
        };
        world.wire(ports).unwrap();
        Life {
            world,
            others,
            deliver: Deliver,
            digests: SignDigests::default(),
        }
    }
}

fn caller() -> ServiceCaller {
    ServiceCaller {
        name: "test.amazonaws.com",
        source_arn: None,
        source_account: ACCOUNT,
    }
}

impl Life {
    fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    fn work(&self, region: Region) -> Work {
        Work::begin(&self.world, ServiceName::CloudTrail, caller(), region)
    }

    async fn change(&self, change: impl AsyncFnOnce(&mut Txn)) {
        let mut work = self.work(home());
        change(work.parts().1).await;
        work.commit(Maintenance::Cursor).await.unwrap();
    }

    /// A trail of all Regions that logs with validation, as StartLogging leaves it.
    async fn trail(&self) -> Trail {
        self.trail_of_id("id").await
    }

    /// The same: another of its name when the id is another.
    async fn trail_of_id(&self, id: &str) -> Trail {
        let trail = Trail {
            id: id.to_owned(),
            account: ACCOUNT,
            name: "audit".to_owned(),
            home: home(),
            bucket: "logs".to_owned(),
            prefix: None,
            kms_key: None,
            include_global: true,
            multi_region: true,
            validation: true,
            selectors: EventSelectors::standard(),
            recursive_logging: true,
            logging: true,
            started: Some(self.now()),
            stopped: None,
            stopped_by: None,
            generation: 1,
            tags: Vec::new(),
            sns_topic: None,
            logs: None,
        };
        self.change(async |txn| {
            table::put_trail(txn, &trail, &self.world.random);
            self.align(txn, &trail).await;
        })
        .await;
        trail
    }

    async fn align(&self, txn: &mut Txn, trail: &Trail) {
        let aligned = chains::align(txn, trail, &self.world.settings.regions, self.now()).await;
        aligned.unwrap();
    }

    /// Deletes the trail, as DeleteTrail does.
    async fn delete(&self, trail: &Trail) {
        let stopped = Trail {
            logging: false,
            stopped: Some(self.now()),
            ..trail.clone()
        };
        self.change(async |txn| {
            self.align(txn, &stopped).await;
            table::delete_trail(txn, &stopped, &self.world.random);
        })
        .await;
    }

    /// Work that writes no row and makes one event of a Region, not yet committed.
    fn event(&self, region: Region) -> Work {
        let mut work = self.work(region.clone());
        work.service_event(ServiceEvent {
            as_call: false,
            name: "DeleteKey",
            account: ACCOUNT,
            resource: base::arn::kms_key(&region, ACCOUNT, "k"),
            resource_type: "AWS::KMS::Key",
            response: Default::default(),
            details: Default::default(),
        });
        work
    }

    /// Works as the server does while time passes.
    async fn pass(&self, span: Duration) {
        let interval = self.world.settings.delivery_interval;
        let end = self.now().plus(span);
        loop {
            let now = self.now();
            for worker in [&self.deliver as &dyn Worker, &self.digests] {
                if worker
                    .next_due(&self.world)
                    .await
                    .unwrap()
                    .is_some_and(|due| due <= now)
                {
                    worker.tick(&self.world, now).await.unwrap();
                }
            }
            if now >= end {
                return;
            }
            self.world.clock.advance(interval.min(end.since(now)));
        }
    }

    /// The events in all log files.
    fn delivered(&self) -> usize {
        let objects = self.others.objects.lock().unwrap();
        let logs = objects.iter().filter(|(key, _)| key.contains("/CloudTrail/"));
        logs.map(|(_, file)| record::parse_log_file(&file.body).unwrap().len())
            .sum()
    }

    fn log_files(&self) -> BTreeSet<String> {
        let objects = self.others.objects.lock().unwrap();
        let logs = objects.keys().filter(|key| key.contains("/CloudTrail/"));
        logs.cloned().collect()
    }

    /// The digests of a Region, each verified with a key that is valid at its end, or at its making.
    async fn digests(&self, region: &Region) -> Vec<DigestFile> {
        let snapshot = self.world.snapshot();
        let keys = table::signing_keys(&snapshot.view(), region).await.unwrap();
        let objects = self.others.objects.lock().unwrap().clone();
        let place = format!("/CloudTrail-Digest/{region}/");
        let mut digests = Vec::new();
        for (key, file) in objects.iter().filter(|(key, _)| key.contains(&place)) {
            let backfilled = file.metadata.get(record::BACKFILL_METADATA);
            let known: Vec<_> = keys.iter().map(|key| PublicKey::from_pkcs1_der(&key.public)).collect();
            let digest = verify_digest(&Location::new("logs", key), file, &known).unwrap().digest;
            let time = Timestamp::parse(backfilled.unwrap_or(&digest.digest_end_time)).unwrap();
            let fingerprint = &digest.digest_public_key_fingerprint;
            let signed = keys.iter().find(|key| key.fingerprint == *fingerprint).unwrap();
            assert!(signed.not_before <= time && time <= signed.not_after, "{key}");
            digests.push(digest);
        }
        digests
    }

    /// How many files the digests name; each of them once.
    async fn proven(&self, region: &Region) -> usize {
        let digests = self.digests(region).await;
        let all: Vec<_> = digests.iter().flat_map(|digest| &digest.log_files).collect();
        let each: BTreeSet<_> = all.iter().map(|log| &log.s3_object).collect();
        assert_eq!(each.len(), all.len(), "named twice");
        each.len()
    }

    /// How many rows of any kind are left of a trail.
    async fn rows_of(&self, trail: &Trail) -> usize {
        let snapshot = self.world.snapshot();
        let rows = snapshot
            .view()
            .scan_prefix(b"ct/", None, table::FILES_MAX)
            .await
            .unwrap();
        let id = format!("/{}", trail.id);
        rows.iter()
            .filter(|(key, _)| String::from_utf8_lossy(key).contains(&id))
            .count()
    }

    fn refuse(&self, text: Option<&'static str>) {
        *self.others.refuses.lock().unwrap() = text;
    }
}

fn file(number: usize, delivered: Timestamp) -> PendingFile {
    PendingFile {
        bucket: "logs".to_owned(),
        key: format!("file-{number}"),
        hash: "00".repeat(32),
        newest: delivered,
        oldest: delivered,
        delivered,
    }
}

/// An event that was selected on a snapshot from before the deletion must not come after it: it is selected anew, and what
/// was committed in time is delivered.
#[tokio::test]
async fn nothing_that_a_trail_selected_comes_after_its_deletion() {
    let house = House::new().await;
    let life = house.begin(&[home(), away()]);
    let trail = life.trail().await;
    let (early, late) = (life.event(home()), life.event(home()));
    early.commit(Maintenance::Cursor).await.unwrap();
    life.delete(&trail).await;
    let outcome = late.commit(Maintenance::Cursor).await;
    assert!(
        matches!(outcome, Err(CommitError::Conflict)),
        "it writes no row, and yet: {outcome:?}"
    );
    // Again, as who conflicts does.
    life.event(home()).commit(Maintenance::Cursor).await.unwrap();
    life.pass(3 * HOUR).await;
    assert_eq!((life.delivered(), life.rows_of(&trail).await), (1, 0));
    assert_eq!(life.proven(&home()).await, 1);
}

#[tokio::test]
async fn trails_of_one_name_in_one_second_write_over_no_digest_of_each_other() {
    let house = House::new().await;
    let life = house.begin(&[home()]);
    for (count, id) in ["first", "second", "third"].into_iter().enumerate() {
        let trail = life.trail_of_id(id).await;
        for _ in 0..=count {
            life.event(home()).commit(Maintenance::Cursor).await.unwrap();
        }
        life.delete(&trail).await;
    }
    life.pass(3 * HOUR).await;
    assert_eq!(life.delivered(), 1 + 2 + 3);
    assert_eq!(life.digests(&home()).await.len(), 3);
    assert_eq!(life.proven(&home()).await, life.log_files().len());
}

#[tokio::test]
async fn a_chains_last_digest_is_signed_with_the_key_of_its_real_end() {
    let house = House::new().await;
    let life = house.begin(&[home()]);
    let trail = life.trail().await;
    let start = life.now();
    signing::at(&life.world, &trail, &home(), start.plus(HOUR), start)
        .await
        .unwrap();
    house.clock.advance(31 * DAY);
    let now = life.now();
    life.change(async |txn| {
        let ended = Some(start);
        let chain = ChainRow {
            ended,
            ..ChainRow::starting(start)
        };
        table::put_chain(txn, &trail.id, &home(), &chain);
        table::put_pending(txn, &trail.id, &home(), 1, &file(1, now));
        table::put_trail(
            txn,
            &Trail {
                logging: false,
                ..trail.clone()
            },
            &life.world.random,
        );
    })
    .await;
    life.pass(Duration::ZERO).await;
    let digests = life.digests(&home()).await;
    assert_eq!(digests.len(), 1);
    assert_eq!(
        digests[0].digest_end_time,
        now.plus(Duration::from_secs(1)).floor_second().iso8601()
    );
}

#[tokio::test]
async fn a_region_that_is_not_enabled_any_more_is_delivered_proven_and_ended() {
    for deletes in [false, true] {
        let house = House::new().await;
        let life = house.begin(&[home(), away()]);
        let trail = life.trail().await;
        life.event(away()).commit(Maintenance::Cursor).await.unwrap();
        life.pass(2 * HOUR).await;
        for region in [home(), away()] {
            life.event(region).commit(Maintenance::Cursor).await.unwrap();
        }

        let life = house.begin(&[home()]);
        if deletes {
            life.delete(&trail).await;
        }
        life.pass(4 * HOUR).await;
        assert_eq!((life.delivered(), life.log_files().len()), (3, 3));
        assert_eq!((life.proven(&home()).await, life.proven(&away()).await), (1, 2));
        if deletes {
            assert_eq!(life.rows_of(&trail).await, 0);
            continue;
        }
        let chains = async |life: &Life| {
            let chains = table::chains(&life.world.snapshot().view(), &trail.id).await.unwrap();
            chains.into_iter().map(|(region, _)| region).collect::<Vec<_>>()
        };
        assert_eq!(chains(&life).await, [home()]);

        let life = house.begin(&[home(), away()]);
        life.pass(HOUR).await;
        assert_eq!(
            chains(&life).await,
            [away(), home()],
            "enabled again, it has a chain again"
        );
    }
}

#[tokio::test]
async fn giving_up_a_digest_does_not_make_those_wait_longer_that_wait_already() {
    let house = House::new().await;
    let life = house.begin(&[home()]);
    let trail = life.trail().await;
    let now = life.now();
    let ago = |days: u32| now.minus(DAY * days);
    let since = Some(ago(20));
    life.change(async |txn| {
        table::put_chain(txn, &trail.id, &home(), &ChainRow::starting(ago(31)));
        table::put_pending(txn, &trail.id, &home(), 2, &file(2, ago(5)));
        table::put_late(txn, &trail.id, &home(), 1, &file(1, ago(50)));
        table::put_backfill(
            txn,
            &trail.id,
            &home(),
            &BackfillRow {
                since,
                ..BackfillRow::default()
            },
        );
    })
    .await;
    life.refuse(Some("Digest"));
    life.pass(Duration::ZERO).await;
    let state = async || {
        let snapshot = life.world.snapshot();
        let view = snapshot.view();
        let backfill = table::backfill(&view, &trail.id, &home()).await.unwrap();
        let digested = table::digested(&view, &trail.id, &home()).await.unwrap();
        let late = table::late(&view, &trail.id, &home()).await.unwrap();
        (backfill.since, late.files.len(), digested.unproven)
    };
    assert_eq!(state().await, (since, 2, 0));
    house.clock.advance(REDELIVERY.saturating_sub(20 * DAY) + 2 * HOUR);
    life.pass(Duration::ZERO).await;
    let (since, late, unproven) = state().await;
    assert_eq!(
        (since, late, unproven),
        (Some(life.now()), 1, 1),
        "the younger one has thirty days more"
    );
    life.refuse(None);
    life.pass(3 * HOUR).await;
    assert_eq!((state().await, life.proven(&home()).await), ((None, 0, 1), 1));
}

/// More files than are read at once: a chain that ends, and a backfill digest, go on until all are named.
#[tokio::test]
async fn many_files_are_named_by_several_digests() {
    let house = House::new().await;
    let life = house.begin(&[home()]);
    let trail = life.trail().await;
    let count = table::FILES_MAX + 5;
    let start = life.now();
    life.change(async |txn| {
        for number in 0..count {
            table::put_pending(txn, &trail.id, &home(), number as u64, &file(number, start));
            table::put_late(txn, &trail.id, &home(), number as u64, &file(count + number, start));
        }
        let since = Some(start);
        table::put_backfill(
            txn,
            &trail.id,
            &home(),
            &BackfillRow {
                since,
                ..BackfillRow::default()
            },
        );
    })
    .await;
    life.delete(&trail).await;
    life.pass(4 * HOUR).await;
    assert_eq!(life.proven(&home()).await, 2 * count);
    assert_eq!(life.digests(&home()).await.len(), 4);
    assert_eq!(life.rows_of(&trail).await, 0);
}

#[tokio::test]
async fn many_files_are_given_up_together() {
    let house = House::new().await;
    let life = house.begin(&[home()]);
    let trail = life.trail().await;
    let count = table::FILES_MAX + 5;
    let start = life.now();
    life.change(async |txn| {
        for number in 0..count {
            table::put_pending(txn, &trail.id, &home(), number as u64, &file(number, start));
        }
    })
    .await;
    life.refuse(Some("Digest"));
    house.clock.advance(REDELIVERY + 2 * HOUR);
    life.pass(Duration::ZERO).await;
    let left = async || {
        let snapshot = life.world.snapshot();
        let view = snapshot.view();
        let pending = table::pending(&view, &trail.id, &home()).await.unwrap();
        let late = table::late(&view, &trail.id, &home()).await.unwrap();
        let digested = table::digested(&view, &trail.id, &home()).await.unwrap();
        (pending.files.len(), late.files.len(), late.more, digested.unproven)
    };
    assert_eq!(left().await, (0, table::FILES_MAX, true, 0));
    house.clock.advance(REDELIVERY + 2 * HOUR);
    life.pass(Duration::ZERO).await;
    assert_eq!(left().await, (0, 0, false, count as u64));
}
