//! Everything that trails of one name left in their buckets, held against the model.

use super::{
    drive::{Run, bucket},
    model::{AWAY, Call, DATA, HOME, Kind, NAMES},
};
use anyhow::{Context, Result, ensure};
use base::Timestamp;
use record::{
    PublicKey,
    verify::{Location, StoredFile, Walk, verify_digest},
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use testkit::setup::{ACCOUNT, from_base64};

/// Holds what the trails of a name left against the model.
pub async fn audit(run: &mut Run, name: usize) -> Result<()> {
    let store = Store::read(run, name).await?;
    records(run, name, &store)?;
    proofs(run, name, &store).await
}

/// All objects of some buckets.
#[derive(Default)]
struct Store(BTreeMap<(String, String), StoredFile>);

impl Store {
    async fn read(run: &Run, name: usize) -> Result<Store> {
        let mut store = Store::default();
        for bucket in [bucket(name, 0), bucket(name, 1)] {
            for key in run.client().list_keys(&bucket, "").await? {
                let reply = run.client().get_object(&format!("/{bucket}/{key}")).await?.ok()?;
                let mut metadata = BTreeMap::new();
                for name in [
                    record::SIGNATURE_METADATA,
                    record::SIGNATURE_ALGORITHM_METADATA,
                    record::BACKFILL_METADATA,
                ] {
                    if let Some(value) = reply.header(&format!("x-amz-meta-{name}")) {
                        metadata.insert(name.to_owned(), value.to_owned());
                    }
                }
                let body = reply.body.to_vec();
                store.0.insert((bucket.clone(), key), StoredFile { body, metadata });
            }
        }
        Ok(store)
    }

    fn get(&self, location: &Location) -> Option<&StoredFile> {
        self.0.get(&(location.bucket.clone(), location.key.clone()))
    }

    /// Bucket, Region and key of the log files, or of the digests.
    fn of_kind(&self, kind: &str) -> impl Iterator<Item = (&str, &str, &str)> {
        let start = format!("AWSLogs/{ACCOUNT}/{kind}/");
        self.0.keys().filter_map(move |(bucket, key)| {
            let region = key.strip_prefix(&start)?.split('/').next()?;
            Some((bucket.as_str(), region, key.as_str()))
        })
    }
}

/// Every call that had to be delivered is there once; no other call is, and nothing of a kind that was never selected.
fn records(run: &mut Run, name: usize, store: &Store) -> Result<()> {
    let named = run.model.named(name).clone();
    let mut found: BTreeMap<Call, usize> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for (bucket, region, key) in store.of_kind("CloudTrail") {
        let file = store.get(&Location::new(bucket, key)).context("listed and not there")?;
        let records = record::parse_log_file(&file.body).with_context(|| format!("`{key}`"))?;
        ensure!(!records.is_empty(), "`{key}` is empty");
        for record in records {
            let record: Value = serde_json::from_str(record.get())?;
            let text = |member: &str| {
                record
                    .get(member)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            ensure!(text("awsRegion") == region, "in `{key}`: {record}");
            ensure!(named.ever_everywhere || region == HOME, "in `{key}`: {record}");
            ensure!(
                ids.insert(text("eventID")),
                "delivered twice, again in `{key}`: {record}"
            );
            let kind = Kind {
                management: text("eventCategory") == "Management",
                read_only: record.get("readOnly") == Some(&Value::Bool(true)),
                kms: text("eventSource") == "kms.amazonaws.com",
            };
            let selected = named.ever_selected.iter().any(|selectors| selectors.select(kind));
            ensure!(selected, "never selected, in `{key}`: {record}");
            if !kind.management {
                let own = [
                    DATA.to_owned(),
                    super::drive::bucket(name, 0),
                    super::drive::bucket(name, 1),
                ];
                let of = record.pointer("/requestParameters/bucketName").and_then(Value::as_str);
                ensure!(
                    of.is_some_and(|of| own.iter().any(|own| own == of)),
                    "in `{key}`: {record}"
                );
            }
            let call = (text("requestID"), text("eventName"));
            if run.model.calls.contains(&call) {
                *found.entry(call).or_default() += 1;
            }
        }
        run.count("log file");
    }
    for call in &named.expected {
        ensure!(found.contains_key(call), "never delivered: {call:?}");
        run.count("call delivered");
    }
    for call in found.keys() {
        ensure!(named.expected.contains(call), "delivered and not selected: {call:?}");
    }
    Ok(())
}

/// Every digest is valid, each chain is whole, and every log file is in a digest, once.
async fn proofs(run: &mut Run, name: usize, store: &Store) -> Result<()> {
    let mut proven = BTreeSet::new();
    // By bucket, Region and whether they are backfill; and all that a chain may come to, which goes from bucket to bucket.
    let mut newest: BTreeMap<(String, String, bool), Location> = BTreeMap::new();
    let mut listed: BTreeMap<(String, bool), Vec<Location>> = BTreeMap::new();
    let mut keys = BTreeMap::new();
    for (bucket, region, key) in store.of_kind("CloudTrail-Digest") {
        if !keys.contains_key(region) {
            keys.insert(region.to_owned(), public_keys(run, region).await?);
        }
        let known = keys.get(region).map_or(&[][..], Vec::as_slice);
        let location = Location::new(bucket, key);
        let file = store.get(&location).context("listed and not there")?;
        let digest = match verify_digest(&location, file, known) {
            Ok(verified) => verified.digest,
            Err(finding) => anyhow::bail!("`{key}` is not valid: {finding}"),
        };
        let (start, end) = (&digest.digest_start_time, &digest.digest_end_time);
        ensure!(start < end, "`{key}` is from {start} to {end}");
        let backfill = key.ends_with("_backfill.json.gz");
        ensure!(
            backfill == file.metadata.contains_key(record::BACKFILL_METADATA),
            "metadata of `{key}`"
        );
        for log in digest.log_files {
            let place = (log.s3_bucket, log.s3_object);
            ensure!(
                proven.insert(place.clone()),
                "{place:?} is in two digests, again in `{key}`"
            );
        }
        newest.insert((bucket.to_owned(), region.to_owned(), backfill), location.clone());
        listed.entry((region.to_owned(), backfill)).or_default().push(location);
        run.count(if backfill { "backfill digest" } else { "digest" });
    }
    for ((_, region, backfill), newest) in newest {
        let known = keys.get(&region).map_or(&[][..], Vec::as_slice);
        let listed = listed.get(&(region, backfill)).map_or(&[][..], Vec::as_slice);
        let mut walk = Walk::new(known, newest, listed, None);
        while let Some(location) = walk.wants() {
            walk.take(store.get(&location).cloned());
        }
        let findings = walk.finish();
        if let Some(problem) = findings.problems().next() {
            anyhow::bail!("{problem}");
        }
        for _ in findings.gaps {
            run.count("gap");
        }
    }
    if !run.model.named(name).ever_unproven {
        for (bucket, _, key) in store.of_kind("CloudTrail") {
            let place = (bucket.to_owned(), key.to_owned());
            ensure!(proven.contains(&place), "no digest names `{key}` in `{bucket}`");
            run.count("log file proven");
        }
    }
    Ok(())
}

/// The public keys of a Region, of all time.
async fn public_keys(run: &Run, region: &str) -> Result<Vec<PublicKey>> {
    let client = run.client().in_region(region);
    let far = Timestamp::parse("2100-01-01T00:00:00Z").map_or(0, Timestamp::as_secs);
    let input = json!({"StartTime": 0, "EndTime": far});
    let reply = client
        .json("cloudtrail", "ListPublicKeys", &input)
        .await?
        .ok()?
        .json()?;
    let mut keys = Vec::new();
    for key in reply
        .get("PublicKeyList")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let value = key
            .get("Value")
            .and_then(Value::as_str)
            .context("a key without value")?;
        keys.push(PublicKey::from_pkcs1_der(&from_base64(value)?));
    }
    ensure!(
        !keys.is_empty() || region == AWAY,
        "no public keys of {region} for {NAMES:?}"
    );
    Ok(keys)
}
