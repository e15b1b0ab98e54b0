//! The tables against a model that anyone can check: a key is a list of versions, oldest first.

use super::*;
use crate::{
    model::{
        listing::{Item, Listing},
        version::{VersionId, Versioning},
    },
    tests::House,
};
use base::Timestamp;
use bytes::Bytes;
use gateway::{Txn, work::Work};
use object::ObjectV1;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use store::{BlobId, Maintenance, ReadView};

proptest! {
    #[test]
    fn delimited_keys_keep_their_order(a in "[\\x00\\x01ab]{0,4}", b in "[\\x00\\x01ab]{0,4}") {
        let (one, other) = (delimited(&a), delimited(&b));
        prop_assert_eq!(a.as_bytes().cmp(b.as_bytes()), one.cmp(&other));
        prop_assert!(a == b || !one.starts_with(&other));
        let row = [one.as_slice(), b"rest"].concat();
        prop_assert_eq!(unescaped(&row), Some((a, b"rest".as_slice())));
    }
}

/// Keys of which one begins another, with what the layout has to escape.
const KEYS: [&str; 4] = ["a", "a\0", "a\0\u{1}b", "ab/c"];

#[derive(Clone, Debug)]
enum Step {
    /// The next kind of versioning, as a bucket's life allows.
    Switch(bool),
    Put {
        key: usize,
        in_file: bool,
    },
    Delete(usize),
    DeleteVersion {
        key: usize,
        which: usize,
    },
    DeleteUnknown(usize),
    Tag {
        key: usize,
        which: usize,
    },
    Commit,
}

fn step() -> impl Strategy<Value = Step> {
    let key = || 0..KEYS.len();
    prop_oneof![
        1 => any::<bool>().prop_map(Step::Switch),
        6 => (key(), proptest::bool::weighted(0.2)).prop_map(|(key, in_file)| Step::Put { key, in_file }),
        3 => key().prop_map(Step::Delete),
        4 => (key(), 0..6_usize).prop_map(|(key, which)| Step::DeleteVersion { key, which }),
        1 => key().prop_map(Step::DeleteUnknown),
        1 => (key(), 0..6_usize).prop_map(|(key, which)| Step::Tag { key, which }),
        3 => Just(Step::Commit),
    ]
}

/// What the model knows of a version.
#[derive(Clone, Debug, PartialEq)]
struct Known {
    id: VersionId,
    /// `None` for a delete marker.
    object: Option<Object>,
}

#[derive(Default)]
struct Model {
    versioning: Versioning,
    keys: BTreeMap<&'static str, Vec<Known>>,
    /// Blobs whose version is gone.
    dead: BTreeSet<BlobId>,
}

impl Known {
    fn of(version: &Version) -> Known {
        Known {
            id: version.id,
            object: version.object().map(told),
        }
    }
}

/// An object as its reader sees it: where its bytes lie is the table's own matter, unless they are in a file.
fn told(object: &Object) -> Object {
    let place = match object.place {
        Place::Row => Place::Bytes,
        place => place,
    };
    Object {
        place,
        ..object.clone()
    }
}

impl Model {
    fn versions(&mut self, key: usize) -> &mut Vec<Known> {
        self.keys.entry(KEYS[key]).or_default()
    }

    fn remove(&mut self, key: usize, id: VersionId) {
        let gone: Vec<Known> = self.versions(key).extract_if(.., |known| known.id == id).collect();
        assert!(gone.len() <= 1, "ids are of one version");
        for object in gone.into_iter().filter_map(|known| known.object) {
            if let Place::Blob(id) = object.place {
                assert!(self.dead.insert(id), "a blob was released twice");
            }
        }
    }

    fn add(&mut self, key: usize, known: Known) {
        if known.id == VersionId::Null {
            self.remove(key, VersionId::Null);
        }
        self.versions(key).push(known);
    }

    fn objects(&self) -> impl Iterator<Item = &Object> {
        self.keys.values().flatten().filter_map(|known| known.object.as_ref())
    }
}

fn object(id: [u8; 16], place: Place) -> Object {
    Object {
        id,
        size: 1,
        modified: Timestamp::from_secs(1),
        etag: hex::encode(id),
        seal: Seal::S3 { wrapped: vec![1] },
        segments_header: [0; 8],
        place,
        headers: ObjectHeaders::default(),
        metadata: Vec::new(),
        checksum: Some(Checksum {
            algorithm: "CRC32".to_owned(),
            value: "AAAAAA==".to_owned(),
            composite: false,
        }),
        acl: None,
        tags: Vec::new(),
        lock: Default::default(),
        owner: None,
        grants: None,
    }
}

struct Run<'h> {
    house: &'h House,
    bucket: String,
    model: Model,
    work: Option<Work>,
}

impl Run<'_> {
    fn txn(&mut self) -> &mut Txn {
        self.work.get_or_insert_with(|| self.house.work()).parts().1
    }

    async fn commit(&mut self) {
        if let Some(work) = self.work.take() {
            work.commit(Maintenance::Cursor).await.unwrap();
        }
    }

    async fn new_object(&self, in_file: bool) -> Object {
        let id = self.house.world.random.bytes();
        let place = match in_file {
            true => {
                let mut blob = self.house.world.blobs().create(0);
                blob.write(&id).await.unwrap();
                Place::Blob(blob.finish().await.unwrap())
            }
            false => Place::Bytes,
        };
        object(id, place)
    }

    /// What a bucket of the last release holds.
    async fn begin_with_old_rows(&mut self, old: &BTreeSet<usize>) {
        for &key in old {
            let mut object = self.new_object(key % 2 == 1).await;
            self.model.add(
                key,
                Known {
                    id: VersionId::Null,
                    object: Some(told(&object)),
                },
            );
            let (bucket, bytes) = (self.bucket.clone(), Bytes::copy_from_slice(&object.id));
            if object.place == Place::Bytes {
                object.place = Place::Row;
                self.txn().put(legacy_body_key(&bucket, KEYS[key]), bytes);
            }
            self.txn()
                .put_row(object_key(&bucket, KEYS[key]), &ObjectV1::of(object));
        }
        self.commit().await;
    }

    async fn put(&mut self, key: usize, object: Option<Object>) {
        let (bucket, versioning) = (self.bucket.clone(), self.model.versioning);
        let content = match &object {
            Some(object) => Content::Object(Box::new(object.clone())),
            None => Content::DeleteMarker {
                modified: Timestamp::from_secs(2),
            },
        };
        let bytes = object.as_ref().filter(|object| object.place == Place::Bytes);
        let bytes = bytes.map(|object| Bytes::copy_from_slice(&object.id));
        let random = self.house.world.random.clone();
        let at = (bucket.as_str(), KEYS[key]);
        let version = put_version(
            self.txn(),
            at,
            versioning,
            content,
            bytes,
            (Timestamp::from_secs(2), &random),
        )
        .await
        .unwrap();
        assert_eq!(version.id == VersionId::Null, versioning != Versioning::Enabled);
        self.model.add(key, Known { id: version.id, object });
    }

    async fn delete_version(&mut self, key: usize, id: VersionId) {
        let expected = self.model.versions(key).iter().find(|known| known.id == id).cloned();
        let bucket = self.bucket.clone();
        let gone = delete_version(self.txn(), (&bucket, KEYS[key]), &id).await.unwrap();
        assert_eq!(gone.as_ref().map(Known::of), expected);
        self.model.remove(key, id);
    }

    async fn step(&mut self, step: &Step) {
        match *step {
            Step::Switch(on) => {
                self.model.versioning = match on {
                    true => Versioning::Enabled,
                    false => Versioning::Suspended,
                };
            }
            Step::Put { key, in_file } => {
                let object = self.new_object(in_file).await;
                self.put(key, Some(object)).await;
            }
            Step::Delete(key) => match self.model.versioning {
                Versioning::Off => self.delete_version(key, VersionId::Null).await,
                _ => self.put(key, None).await,
            },
            Step::DeleteVersion { key, which } => {
                let id = self.model.versions(key).get(which).map(|known| known.id);
                self.delete_version(key, id.unwrap_or(VersionId::Null)).await;
            }
            Step::DeleteUnknown(key) => {
                let random = self.house.world.random.clone();
                // As of a version that was deleted, whose place another may have taken.
                for order in 0..4 {
                    self.delete_version(key, VersionId::generate(order, &random)).await;
                }
            }
            Step::Tag { key, which } => self.tag(key, which).await,
            Step::Commit => self.commit().await,
        }
    }

    async fn tag(&mut self, key: usize, which: usize) {
        let Some(known) = self.model.versions(key).get_mut(which) else {
            return;
        };
        let Some(object) = &mut known.object else { return };
        object.tags.push(("n".to_owned(), which.to_string()));
        let (id, tags) = (known.id, object.tags.clone());
        let bucket = self.bucket.clone();
        let at = (bucket.as_str(), KEYS[key]);
        let mut found = version(&self.txn().view(), at, &id).await.unwrap().unwrap();
        if let Content::Object(object) = &mut found.content {
            object.tags = tags;
        }
        update_version(self.txn(), at, &found).await.unwrap();
    }

    /// Everything that can be asked gives what the model says.
    async fn check(&mut self) {
        let bucket = self.bucket.clone();
        let expected: Vec<(&str, Vec<Known>)> = KEYS
            .iter()
            .map(|key| (*key, self.model.keys.get(key).cloned().unwrap_or_default()))
            .collect();
        let listed: Vec<(String, Object)> = expected
            .iter()
            .filter_map(|(key, versions)| Some(((*key).to_owned(), versions.last()?.object.clone()?)))
            .collect();
        let empty = expected.iter().all(|(_, versions)| versions.is_empty());
        let view = self.txn().view();
        for (key, versions) in &expected {
            check_key(&view, (&bucket, key), versions).await;
        }
        let listing = Listing {
            max_keys: 2,
            ..Listing::default()
        };
        assert_eq!(all(&view, &bucket, listing).await, listed);
        for (delimiter, max_keys) in [(None, 2), (None, 3), (Some("/"), 1)] {
            let listing = Listing {
                delimiter: delimiter.map(str::to_owned),
                max_keys,
                ..Listing::default()
            };
            let named = expected.iter().flat_map(|(key, versions)| {
                let folded = delimiter.is_some_and(|delimiter| key.contains(delimiter));
                let entries: Vec<_> = match (folded, versions.is_empty()) {
                    (_, true) => Vec::new(),
                    (true, false) => vec![("ab/".to_owned(), None)],
                    (false, false) => {
                        let latest = versions.len() - 1;
                        let entry =
                            |(at, known): (usize, &Known)| ((*key).to_owned(), Some((known.clone(), at == latest)));
                        versions.iter().enumerate().rev().map(entry).collect()
                    }
                };
                entries
            });
            assert_eq!(all_versions(&view, &bucket, listing).await, named.collect::<Vec<_>>());
        }
        assert_eq!(is_empty(&view, &bucket).await.unwrap(), empty);
        let rows = view
            .scan_prefix(format!("s3/bytes/{bucket}/").as_bytes(), None, 1000)
            .await
            .unwrap();
        let old = view
            .scan_prefix(format!("s3/body/{bucket}/").as_bytes(), None, 1000)
            .await
            .unwrap();
        let kept: BTreeSet<Vec<u8>> = rows.iter().chain(&old).map(|(_, bytes)| bytes.to_vec()).collect();
        assert_eq!(kept.len(), rows.len() + old.len());
        let in_rows = self.model.objects().filter(|object| object.place == Place::Bytes);
        assert_eq!(kept, in_rows.map(|object| object.id.to_vec()).collect());
    }

    /// Files of what is there are there and named; those of what is gone go.
    async fn check_blobs(&mut self) {
        self.commit().await;
        let snapshot = self.house.world.snapshot();
        let mut named = BTreeSet::new();
        let mut after = None;
        loop {
            let (blobs, next) = blobs_named(&snapshot.view(), after.as_deref()).await.unwrap();
            named.extend(blobs);
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        let blobs = self.house.world.blobs();
        for object in self.model.objects() {
            if let Place::Blob(id) = object.place {
                assert!(named.contains(&id));
                assert!(blobs.open(id).await.unwrap().is_some());
            }
        }
        for id in &self.model.dead {
            assert!(!named.contains(id));
            let mut waited = 0;
            while blobs.open(*id).await.unwrap().is_some() {
                waited += 1;
                assert!(waited < 500, "a blob was not released");
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        }
    }
}

async fn all(view: &ReadView<'_>, bucket: &str, mut listing: Listing) -> Vec<(String, Object)> {
    let mut found = Vec::new();
    loop {
        let (items, truncated) = list(view, bucket, &listing).await.unwrap();
        listing.after = items.last().map(|item| item.name().to_owned());
        for item in items {
            match item {
                Item::Key(key, object) => found.push((key, told(&object))),
                Item::Prefix(_) => panic!("no delimiter was given"),
            }
        }
        if !truncated {
            return found;
        }
    }
}

/// All pages, each but the last of its full length: names, and of versions what they are and whether they are the latest.
async fn all_versions(view: &ReadView<'_>, bucket: &str, mut listing: Listing) -> Vec<(String, Option<(Known, bool)>)> {
    let (mut found, mut last_version) = (Vec::new(), None);
    loop {
        let after = match (&listing.after, &last_version) {
            (Some(key), Some(version)) => Some(After { key, version }),
            _ => None,
        };
        let (items, truncated) = list_versions(view, bucket, &listing, after).await.unwrap();
        assert!(items.len() == listing.max_keys || !truncated);
        listing.after = items.last().map(|item| item.name().to_owned());
        last_version = None;
        for item in items {
            match item {
                Item::Key(key, (version, is_latest)) => {
                    last_version = Some(version.id);
                    found.push((key, Some((Known::of(&version), is_latest))));
                }
                Item::Prefix(prefix) => {
                    last_version = None;
                    found.push((prefix, None));
                }
            }
        }
        if !truncated {
            return found;
        }
    }
}

async fn check_key(view: &ReadView<'_>, at: (&str, &str), versions: &[Known]) {
    let newest = latest(view, at).await.unwrap();
    assert_eq!(newest.as_ref().map(Known::of).as_ref(), versions.last());
    let stands_for = versions.last().and_then(|known| known.object.clone());
    let object = object_of(view, at).await;
    assert_eq!(object, stands_for);
    for known in versions {
        let found = version(view, at, &known.id).await.unwrap().unwrap();
        assert_eq!(&Known::of(&found), known);
        if let Some(object) = found.object()
            && !matches!(object.place, Place::Blob(_))
        {
            let bytes = bytes_of(view, at, object).await.unwrap();
            assert_eq!(bytes.as_ref(), object.id.as_slice());
        }
    }
    if versions.iter().all(|known| known.id != VersionId::Null) {
        assert_eq!(version(view, at, &VersionId::Null).await.unwrap(), None);
    }
    let mut chain: Vec<Known> = newest.iter().map(Known::of).collect();
    let mut before = newest.map_or(0, |newest| newest.order);
    loop {
        let page = older(view, at, before).await.unwrap();
        let Some(last) = page.last() else { break };
        before = last.order;
        chain.extend(page.iter().map(Known::of));
    }
    chain.reverse();
    assert_eq!(chain, versions);
}

async fn object_of(view: &ReadView<'_>, (bucket, key): (&str, &str)) -> Option<Object> {
    super::object(view, bucket, key)
        .await
        .unwrap()
        .map(|object| told(&object))
}

/// Random histories of a few keys: what the tables answer, and what they keep, is what the model says.
#[test]
fn histories_agree_with_the_model() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let house = runtime.block_on(House::new());
    let cases = std::cell::Cell::new(0);
    let strategy = (
        proptest::collection::btree_set(0..KEYS.len(), 0..3),
        proptest::collection::vec(step(), 1..40),
    );
    let config = ProptestConfig {
        cases: 96,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |((old, steps) in strategy)| {
        cases.set(cases.get() + 1);
        let mut run = Run {
            house: &house,
            bucket: format!("bucket-{}", cases.get()),
            model: Model::default(),
            work: None,
        };
        runtime.block_on(async {
            run.begin_with_old_rows(&old).await;
            for step in &steps {
                run.step(step).await;
                run.check().await;
            }
            run.check_blobs().await;
        });
    });
}
