//! The room on a real store, through the pipeline's inner door: what a service puts comes back, sealed on the way.

mod absent;

use crate::{
    S3Error, S3Objects,
    model::{
        acl::{CannedAcl, Ownership},
        encryption::BucketDefault,
        listing::{Item, Listing},
    },
    ops::{
        get_bucket_acl::GetBucketAcl,
        get_object::GetObject,
        put_object::{Input, PutObject},
        read::ReadInput,
    },
    request::tests::call,
    table::{self, Bucket, Place},
};
use base::{AccountId, Arn, Clock, Fault, Random, Region, Timestamp};
use bytes::Bytes;
use envelope::{EncryptionContext, Key256, RootKey};
use gateway::{
    Body, Boxed, Ctx, Demand, Operation, Parse, PortRefusal, Ports, Render, RenderCtx, ReplyBody, ServiceCaller,
    Settings, SignedCaller, Staged, Txn, World,
    body::RawBody,
    ctx::{By, Inner},
    pipeline,
    ports::{
        AccountFacts, Candidate, Credential, DataKey, Holder, Identities, KeyGuard, Keys, NewAccessKey, ObjectSeal,
        Objects, Rights, ServiceMessage, ServiceObject, Topics, TrailPlace, TrailSelection, TrailStanding, Worker,
    },
    work::Work,
};
use http::Method;
use http_body_util::BodyExt;
use policy::{Policy, Principal};
use sigv4::checksum::ChecksumAlgorithm;
use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
};
use store::{Maintenance, Options, ReadView, Selection, Store};
use wire::{AwsError, ServiceName};

const BUCKET: &str = "the-bucket";

/// Everybody else: no identities, no trails, and a KMS of one key that counts its calls.
#[derive(Default)]
struct Others {
    made: AtomicU32,
    opened: AtomicU32,
}

fn key() -> Key256 {
    Key256::from_bytes([9; 32])
}

fn arn() -> Arn {
    base::arn::kms_key(&Region::us_east_1(), AccountId::FIRST, "k")
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

impl Topics for Others {
    fn publish<'a>(
        &'a self,
        _: &'a Ctx,
        _: &'a mut Txn,
        _: By,
        _: &'a Arn,
        _: ServiceMessage,
    ) -> Boxed<'a, Result<String, PortRefusal>> {
        unreachable!("S3 publishes nothing")
    }

    fn may_publish<'a>(&'a self, _: &'a Ctx, _: &'a mut Txn, _: By, _: &'a Arn) -> Boxed<'a, Result<(), PortRefusal>> {
        unreachable!("S3 publishes nothing")
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
        Box::pin(async { Ok(Some(Arc::new(TheKey(arn())) as Arc<dyn KeyGuard>)) })
    }

    fn generate_data_key<'a>(
        &'a self,
        ctx: &'a Ctx,
        txn: &'a mut Txn,
        _: By,
        _: Region,
        _: &'a str,
        context: EncryptionContext,
    ) -> Boxed<'a, Result<DataKey, PortRefusal>> {
        self.made.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            event(ctx, txn).await;
            Ok(DataKey {
                plain: key(),
                ciphertext: context.canonical(),
                key_arn: arn(),
            })
        })
    }

    fn decrypt<'a>(
        &'a self,
        _: &'a Ctx,
        _: &'a mut Txn,
        _: By,
        _: Region,
        ciphertext: &'a [u8],
        context: EncryptionContext,
    ) -> Boxed<'a, Result<Key256, PortRefusal>> {
        assert_eq!(
            ciphertext,
            context.canonical(),
            "opened with the context it was made with"
        );
        self.opened.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(key()) })
    }

    fn describe_key<'a>(
        &'a self,
        _: &'a Ctx,
        _: &'a mut Txn,
        _: By,
        _: Region,
        _: &'a str,
    ) -> Boxed<'a, Result<Arn, PortRefusal>> {
        Box::pin(async { Ok(arn()) })
    }

    fn s3_managed_key<'a>(&'a self, _: &'a Ctx, _: AccountId, _: Region) -> Boxed<'a, Result<Arn, PortRefusal>> {
        Box::pin(async { Ok(arn()) })
    }
}

impl TrailSelection for Others {
    fn standing<'a>(
        &'a self,
        _: &'a World,
        _: &'a ReadView<'a>,
        _: &'a Arn,
    ) -> Boxed<'a, Result<Option<TrailStanding>, Fault>> {
        unreachable!("nobody asks")
    }

    fn journal_dropped<'a>(&'a self, _: &'a ReadView<'a>) -> Boxed<'a, Result<u64, Fault>> {
        unreachable!("nobody asks")
    }

    fn trails<'a>(&'a self, _: &'a ReadView<'a>) -> Boxed<'a, Result<Vec<TrailPlace>, Fault>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn select<'a>(&'a self, _: &'a ReadView<'a>, _: &'a Candidate<'a>) -> Boxed<'a, Result<Vec<Selection>, Fault>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn select_ingested<'a>(
        &'a self,
        _: &'a ReadView<'a>,
        events: &'a [Candidate<'a>],
        _: &'a [String],
    ) -> Boxed<'a, Result<Vec<Vec<Selection>>, Fault>> {
        Box::pin(async move { Ok(vec![Vec::new(); events.len()]) })
    }
}

/// The one key, as who asks for its name finds it.
struct TheKey(Arn);

impl KeyGuard for TheKey {
    fn arn(&self) -> &Arn {
        &self.0
    }

    fn owner(&self) -> AccountId {
        AccountId::FIRST
    }

    fn policy(&self) -> &Arc<Policy> {
        panic!("its policy is KMS's to ask")
    }

    fn under(&self, _: Arc<Policy>) -> Arc<dyn KeyGuard> {
        panic!("nobody proposes a policy")
    }

    fn demand(
        &self,
        action: &'static str,
        _: Option<&EncryptionContext>,
        _: Option<&str>,
        _: Option<AccountId>,
    ) -> Demand {
        Demand::on(action, self.0.clone())
    }
}

/// An event in the transaction, as a call to KMS leaves one: that of a call which is refused.
async fn event(ctx: &Ctx, txn: &mut Txn) {
    let inner = Inner {
        by: By::Forward,
        account: AccountId::FIRST,
        region: Region::us_east_1(),
    };
    let refused = pipeline::reenter::<GetBucketAcl>(ctx, txn, inner, GetBucketAcl::input(BUCKET)).await;
    assert!(refused.is_err());
}

/// A piece before the rest of a body.
struct Chained(Option<Bytes>, RawBody);

impl http_body::Body for Chained {
    type Data = Bytes;
    type Error = gateway::pipeline::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        match self.0.take() {
            Some(piece) => Poll::Ready(Some(Ok(http_body::Frame::data(piece)))),
            None => Pin::new(&mut self.1).poll_frame(cx),
        }
    }
}

pub(crate) struct House {
    pub(crate) world: Arc<World>,
    others: Arc<Others>,
    _dir: tempfile::TempDir,
}

impl House {
    /// A world with one bucket, whose policy lets the trail service put under `logs/` with the owner's ACL.
    pub(crate) async fn new() -> House {
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
        let root = Arc::new(RootKey::generate(&random));
        let world = Arc::new(World::new(store, clock, random.clone(), Settings::standard(), root));
        let others = Arc::new(Others::default());
        let ports = Ports {
            identities: others.clone(),
            roles: others.clone(),
            keys: others.clone(),
            objects: Arc::new(S3Objects),
            logs: others.clone(),
            topics: others.clone(),
            trails: others.clone(),
            calls: Default::default(),
            workers: Vec::new(),
        };
        world.wire(ports).unwrap();
        let house = House {
            world,
            others,
            _dir: dir,
        };
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::the-bucket/logs/*","Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}}]}"#;
        let mut work = house.work();
        let (ctx, txn) = work.parts();
        let _ = ctx
            .world()
            .keyrings
            .create(txn, AccountId::FIRST, &random)
            .await
            .unwrap();
        let bucket = Bucket {
            owner: AccountId::FIRST,
            region: Region::us_east_1(),
            location_constraint: String::new(),
            created: ctx.now(),
            policy_sha256: Some(sigv4::sha256(policy.as_bytes())),
            encryption: BucketDefault::S3,
            acl: CannedAcl::Private,
            ownership: Ownership::ObjectWriter,
            versioning: Default::default(),
            lock: None,
            public_access: Some(crate::model::public_access::PublicAccessBlock::ALL),
            ownership_controls: true,
            grants: None,
            lifecycle_sha256: None,
            logging: None,
            bucket_key: false,
            blocked: Default::default(),
        };
        table::put_bucket(txn, BUCKET, &bucket);
        table::put_policy_text(txn, BUCKET, Some(policy.to_owned()));
        work.commit(Maintenance::Bootstrap).await.unwrap();
        house
    }

    fn caller(&self) -> ServiceCaller {
        ServiceCaller {
            name: "cloudtrail.amazonaws.com",
            source_arn: None,
            source_account: AccountId::FIRST,
        }
    }

    pub(crate) fn work(&self) -> Work {
        Work::begin(&self.world, ServiceName::S3, self.caller(), Region::us_east_1())
    }

    fn object(&self, key: &str, body: &[u8], seal: ObjectSeal) -> ServiceObject {
        ServiceObject {
            bucket: BUCKET.to_owned(),
            key: key.to_owned(),
            body: Bytes::copy_from_slice(body),
            seal,
            acl: Some("bucket-owner-full-control"),
            content_type: "application/json",
            content_encoding: Some("gzip"),
            metadata: vec![("signature".to_owned(), "s".to_owned())],
        }
    }

    async fn put(&self, key: &str, body: &[u8], seal: ObjectSeal) -> Result<(), PortRefusal> {
        let object = self.object(key, body, seal);
        let mut work = self.work();
        let (ctx, txn) = work.parts();
        S3Objects
            .put_object(ctx, txn, By::Service(self.caller()), object)
            .await?;
        work.commit(Maintenance::Cursor).await.unwrap();
        Ok(())
    }

    /// A put as a client makes it, in pieces of 30,000 bytes.
    async fn stream(&self, body: &[u8], declared: Option<u64>, headers: &[(&str, &str)]) -> Result<(), S3Error> {
        let input = Input::parse(&call(Method::PUT, &format!("/{BUCKET}/logs/s"), headers, b"")).unwrap();
        let input = policy::authorize_exempt(Arc::new(input), policy::Exemption::NeedsNoPermission);
        let mut pieces: VecDeque<Bytes> = body.chunks(30_000).map(Bytes::copy_from_slice).collect();
        let mut raw = http_body_util::Empty::new()
            .map_err(|never| match never {})
            .boxed_unsync();
        while let Some(piece) = pieces.pop_back() {
            raw = Chained(Some(piece), raw).boxed_unsync();
        }
        let mut work = self.work();
        let (ctx, txn) = work.parts();
        let staged = PutObject::stage(ctx, txn, &input, Body::plain(raw, declared)).await?;
        PutObject::run(ctx, txn, &input, &staged).await?;
        work.commit(Maintenance::Cursor).await.unwrap();
        Ok(())
    }

    /// Status and body of a read.
    async fn get(&self, key: &str, headers: &[(&str, &str)]) -> (u16, Vec<u8>) {
        let input = ReadInput::parse(&call(Method::GET, &format!("/{BUCKET}/{key}"), headers, b"")).unwrap();
        let input = policy::authorize_exempt(Arc::new(input), policy::Exemption::NeedsNoPermission);
        let mut work = self.work();
        let (ctx, txn) = work.parts();
        let output = GetObject::run(ctx, txn, &input, &Staged::nothing()).await.unwrap();
        let render = RenderCtx {
            service: ServiceName::S3,
            operation: "GetObject",
            request_id: "r",
        };
        let reply = output.render(&render);
        let body = match reply.body {
            ReplyBody::Bytes(bytes) => bytes.to_vec(),
            ReplyBody::Stream { length, stream } => {
                let body = stream.collect().await.unwrap().to_bytes().to_vec();
                assert_eq!(body.len() as u64, length);
                body
            }
            ReplyBody::Endless(_) => unreachable!("an object has an end"),
        };
        (reply.status, body)
    }

    async fn names(&self, listing: &Listing) -> (Vec<String>, bool) {
        let snapshot = self.world.snapshot();
        let (items, truncated) = table::list(&snapshot.view(), BUCKET, listing).await.unwrap();
        (
            items.iter().map(|item: &Item<_>| item.name().to_owned()).collect(),
            truncated,
        )
    }
}

fn kms() -> ObjectSeal {
    ObjectSeal::Kms {
        key: arn(),
        context: [("aws:cloudtrail:arn", "t")].into_iter().collect(),
    }
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i * 31 % 251) as u8).collect()
}

/// Both seals, both places, whole and in parts; replacing frees nothing that is still being read.
#[tokio::test]
async fn what_is_put_comes_back() {
    let house = House::new().await;
    for (index, length) in [0, 1, 4096, 32 * 1024, 32 * 1024 + 1, 65_536 * 9, 1_000_003]
        .into_iter()
        .enumerate()
    {
        for seal in [ObjectSeal::Aes256, kms()] {
            let (key, body) = (format!("logs/{index}"), bytes(length));
            house.put(&key, &body, seal).await.unwrap();
            assert_eq!(house.get(&key, &[]).await, (200, body.clone()), "{length}");
            if length > 2 {
                let range = format!("bytes={}-{}", length / 3, length - 2);
                let expected = body[length / 3..length - 1].to_vec();
                assert_eq!(house.get(&key, &[("range", &range)]).await, (206, expected), "{length}");
            }
        }
    }
    assert_eq!(house.others.made.load(Ordering::SeqCst), 7);
    assert_eq!(house.others.opened.load(Ordering::SeqCst), 12);
}

#[tokio::test]
async fn the_policy_decides_for_services_too() {
    let house = House::new().await;
    let refusal = house.put("elsewhere/a", b"x", ObjectSeal::Aes256).await.unwrap_err();
    assert_eq!((refusal.code.as_str(), refusal.denied), ("AccessDenied", true));
    let mut work = house.work();
    let (ctx, txn) = work.parts();
    let refusal = S3Objects
        .check_bucket_acl(ctx, txn, By::Service(house.caller()), BUCKET)
        .await
        .unwrap_err();
    assert_eq!(refusal.code, "AccessDenied");
    let refusal = S3Objects
        .check_bucket_acl(ctx, txn, By::Service(house.caller()), "no-such")
        .await
        .unwrap_err();
    assert_eq!((refusal.code.as_str(), refusal.status), ("NoSuchBucket", 404));
    let place = S3Objects.place(&txn.view(), BUCKET).await.unwrap().unwrap();
    assert_eq!((place.owner, place.region), (AccountId::FIRST, Region::us_east_1()));
}

#[tokio::test]
async fn listings_go_by_the_table() {
    let house = House::new().await;
    for key in ["logs/a/1", "logs/a/2", "logs/b", "logs/c/1"] {
        house.put(key, b"x", ObjectSeal::Aes256).await.unwrap();
    }
    let all = Listing {
        max_keys: 1000,
        ..Listing::default()
    };
    assert_eq!(house.names(&all).await.0.len(), 4);
    let folded = Listing {
        prefix: "logs/".to_owned(),
        delimiter: Some("/".to_owned()),
        ..all.clone()
    };
    assert_eq!(
        house.names(&folded).await,
        (
            vec!["logs/a/".to_owned(), "logs/b".to_owned(), "logs/c/".to_owned()],
            false
        )
    );
    let first = Listing {
        max_keys: 1,
        ..folded.clone()
    };
    assert_eq!(house.names(&first).await, (vec!["logs/a/".to_owned()], true));
    let next = Listing {
        after: Some("logs/a/".to_owned()),
        ..first
    };
    assert_eq!(house.names(&next).await, (vec!["logs/b".to_owned()], true));
    let snapshot = house.world.snapshot();
    assert!(!table::is_empty(&snapshot.view(), BUCKET).await.unwrap());
    assert!(table::is_empty(&snapshot.view(), "the").await.unwrap());
}

/// A streamed put: what does not agree with its declarations is refused, and leaves no blob.
#[tokio::test]
async fn bodies_are_taken_whole_or_not_at_all() {
    let house = House::new().await;
    let (small, large) = (bytes(1000), bytes(100_000));
    let crc = ChecksumAlgorithm::Crc32.of(&large);
    house.stream(&small, Some(1000), &[]).await.unwrap();
    assert_eq!(house.get("logs/s", &[]).await, (200, small.clone()));
    house
        .stream(&large, Some(100_000), &[("x-amz-checksum-crc32", &crc)])
        .await
        .unwrap();
    assert_eq!(house.get("logs/s", &[]).await, (200, large.clone()));
    let check = async |declared, headers: &[(&str, &str)], expected: &str| {
        let error = house.stream(&large, declared, headers).await.unwrap_err();
        assert_eq!(error.code(), expected);
    };
    check(None, &[], "MissingContentLength").await;
    check(Some(100_001), &[], "IncompleteBody").await;
    check(Some(99_999), &[], "IncompleteBody").await;
    check(Some(6 << 30), &[], "EntityTooLarge").await;
    check(Some(100_000), &[("x-amz-checksum-crc32", "AAAAAA==")], "BadDigest").await;
    check(
        Some(100_000),
        &[("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")],
        "BadDigest",
    )
    .await;
    check(Some(100_000), &[("if-none-match", "*")], "PreconditionFailed").await;
    check(Some(100_000), &[("if-match", "\"x\"")], "PreconditionFailed").await;
    check(Some(100_000), &[("x-amz-acl", "public-read")], "AccessDenied").await;
    assert_eq!(house.get("logs/s", &[]).await, (200, large.clone()));
}

/// A replaced object's blob is unlinked, and who had it open reads on.
#[tokio::test]
async fn a_reader_outlives_the_object() {
    let house = House::new().await;
    let (old, new) = (bytes(300_000), bytes(200_000));
    house.put("logs/x", &old, kms()).await.unwrap();
    let input = ReadInput::parse(&call(Method::GET, &format!("/{BUCKET}/logs/x"), &[], b"")).unwrap();
    let input = policy::authorize_exempt(Arc::new(input), policy::Exemption::NeedsNoPermission);
    let mut work = house.work();
    let (ctx, txn) = work.parts();
    let output = GetObject::run(ctx, txn, &input, &Staged::nothing()).await.unwrap();
    house.put("logs/x", &new, kms()).await.unwrap();
    let render = RenderCtx {
        service: ServiceName::S3,
        operation: "GetObject",
        request_id: "r",
    };
    let ReplyBody::Stream { stream, .. } = output.render(&render).body else {
        panic!("a blob")
    };
    assert_eq!(stream.collect().await.unwrap().to_bytes(), old);
    // On the old snapshot the row names a blob that is gone or going; the call is to be decided again on a new one.
    for _ in 0..200 {
        let Some(old) = table::object(&txn.view(), BUCKET, "logs/x").await.unwrap() else {
            panic!("an object")
        };
        let Place::Blob(id) = old.place else { panic!("a blob") };
        if house.world.blobs().open(id).await.unwrap().is_none() {
            let again = GetObject::run(ctx, txn, &input, &Staged::nothing()).await;
            assert!(matches!(again, Err(S3Error::Fault(Fault::Stale))));
            assert_eq!(house.get("logs/x", &[]).await, (200, new));
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("the replaced blob was not unlinked");
}

/// A blob that the newest row names and that is not there was lost: a fault, and no reason to repeat the call.
#[tokio::test]
async fn a_lost_blob_is_not_stale() {
    let house = House::new().await;
    house.put("logs/x", &bytes(300_000), kms()).await.unwrap();
    let mut work = house.work();
    let (ctx, txn) = work.parts();
    let Some(object) = table::object(&txn.view(), BUCKET, "logs/x").await.unwrap() else {
        panic!("an object")
    };
    let Place::Blob(id) = object.place else {
        panic!("a blob")
    };
    house.world.blobs().remove(id).await.unwrap();
    let input = ReadInput::parse(&call(Method::GET, &format!("/{BUCKET}/logs/x"), &[], b"")).unwrap();
    let input = policy::authorize_exempt(Arc::new(input), policy::Exemption::NeedsNoPermission);
    let result = GetObject::run(ctx, txn, &input, &Staged::nothing()).await;
    assert!(matches!(result, Err(S3Error::Fault(Fault::Corrupt { .. }))));
}

/// Nothing that was put is on the disk in clear.
#[tokio::test]
async fn the_disk_sees_sealed_bytes_only() {
    let house = House::new().await;
    let marker = b"a marker that nobody else writes".repeat(8);
    house.put("logs/small", &marker, ObjectSeal::Aes256).await.unwrap();
    house.put("logs/large", &marker.repeat(400), kms()).await.unwrap();
    let mut folders = vec![house._dir.path().to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let content = std::fs::read(&path).unwrap();
            assert!(!content.windows(16).any(|w| w == &marker[..16]), "{}", path.display());
        }
    }
    assert!(files > 2);
}

/// What a transaction that is thrown away asked of KMS is asked again; what was recorded is not, within its window.
#[tokio::test]
async fn a_bucket_key_is_remembered_once_it_is_recorded() {
    let house = House::new().await;
    let mut work = house.work();
    let (_, txn) = work.parts();
    let mut bucket = table::bucket(&txn.view(), BUCKET).await.unwrap().unwrap();
    bucket.bucket_key = true;
    table::put_bucket(txn, BUCKET, &bucket);
    work.commit(Maintenance::Bootstrap).await.unwrap();
    let made = || house.others.made.load(Ordering::SeqCst);

    let mut work = house.work();
    let (ctx, txn) = work.parts();
    let object = house.object("logs/a", b"x", kms());
    S3Objects
        .put_object(ctx, txn, By::Service(house.caller()), object)
        .await
        .unwrap();
    drop(work);
    assert_eq!(made(), 1);
    house.put("logs/a", b"x", kms()).await.unwrap();
    assert_eq!(made(), 2, "nobody knows of a key whose event is lost");
    house.put("logs/b", &bytes(200_000), kms()).await.unwrap();
    house.put("logs/c", b"z", kms()).await.unwrap();
    assert_eq!(made(), 2);
    assert_eq!(house.get("logs/b", &[]).await, (200, bytes(200_000)));
    // At the end of the window it is wiped, and asked for again.
    let worker = crate::work::Forget;
    let end = worker.next_due(&house.world).await.unwrap().unwrap();
    house.world.clock.advance(crate::bucket_keys::WINDOW);
    assert_eq!(end, house.world.clock.now());
    worker.tick(&house.world, end).await.unwrap();
    assert_eq!(worker.next_due(&house.world).await.unwrap(), None);
    house.put("logs/d", b"z", kms()).await.unwrap();
    assert_eq!(made(), 3);
}
