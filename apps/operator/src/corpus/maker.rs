//! What makes a trail's files: log files, digests that name them, and what is done to them afterwards.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeyPair,
    signature::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaEncoding},
};
use base::{AccountId, Fault, Region, Timestamp};
use record::{
    BACKFILL_METADATA, DigestFile, DigestKind, DigestedLogFile, Gzip, LogFileKind, SIGNATURE_ALGORITHM,
    SIGNATURE_ALGORITHM_METADATA, SIGNATURE_METADATA, SigningKey, digest_key, inflate, log_file_key, sha256_hex,
    string_to_sign,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

/// The key that signs, unless another is asked for.
const SIGNING: &[u8] = include_bytes!("keys/signing.pk8");
/// The key that follows it.
const NEXT: &[u8] = include_bytes!("keys/next.pk8");
/// A key that was never published.
const FOREIGN: &[u8] = include_bytes!("keys/foreign.pk8");

/// The start of the first hour: 2026-01-05T09:14:31Z.
const FIRST_HOUR: i64 = 1_767_604_471;
const HOUR: Duration = Duration::from_secs(3600);
/// How long after its last hour a trail is looked at.
const LOOK_AFTER: Duration = Duration::from_secs(329);

/// The bucket of all trails that are not about buckets.
pub(super) const BUCKET: &str = "audit-logs";
/// The home Region.
pub(super) const HOME: &str = "us-east-1";

/// A file in a bucket.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub body: Vec<u8>,
    /// User metadata by its names without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
}

/// What ListPublicKeys answers.
#[derive(Clone, Debug)]
pub(super) struct PublishedKey {
    pub der: Vec<u8>,
    pub fingerprint: String,
    pub from: Timestamp,
    pub until: Timestamp,
}

/// The trail that a case is about.
#[derive(Clone, Debug)]
pub(super) struct Trail {
    pub account: &'static str,
    pub name: String,
    pub prefix: Option<&'static str>,
    pub organization: Option<&'static str>,
}

/// A validation of the case.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub region: &'static str,
    pub start: Timestamp,
    pub end: Timestamp,
    /// The account, where it is not that of the trail.
    pub account: Option<&'static str>,
    /// A bucket that is not the trail's.
    pub bucket: Option<&'static str>,
}

/// What GetTrailStatus says of the trail.
#[derive(Clone, Copy, Debug)]
pub(super) struct Status {
    pub is_logging: bool,
    pub started: Timestamp,
    pub stopped: Option<Timestamp>,
    pub digest_delivered: Timestamp,
}

/// Which key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Signing,
    Next,
    Foreign,
}

impl By {
    fn pkcs8(self) -> &'static [u8] {
        match self {
            By::Signing => SIGNING,
            By::Next => NEXT,
            By::Foreign => FOREIGN,
        }
    }
}

/// The newest digest of a chain.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub bucket: String,
    pub key: String,
    pub sha256: String,
    pub signature: String,
}

/// A trail in the making.
pub(super) struct Maker {
    pub trail: Trail,
    pub bucket: &'static str,
    pub objects: BTreeMap<(String, String), Object>,
    /// The buckets and their Regions.
    pub buckets: BTreeMap<&'static str, &'static str>,
    pub keys: Vec<PublishedKey>,
    pub runs: Vec<Run>,
    /// The newest digest by Region.
    pub links: BTreeMap<String, Link>,
    pub backfill_link: Option<Link>,
    /// When StopLogging and StartLogging were called.
    pub events: Vec<(&'static str, Timestamp)>,
    /// The trail's state, where it is told.
    pub status: Option<Status>,
    gzip: Gzip,
    log_files: u32,
}

impl Maker {
    /// Without files, looked at for three hours, with one public key.
    pub fn new() -> Result<Maker, Fault> {
        let mut maker = Maker {
            trail: Trail {
                account: "111122223333",
                name: "audit".to_owned(),
                prefix: None,
                organization: None,
            },
            bucket: BUCKET,
            objects: BTreeMap::new(),
            buckets: BTreeMap::from([(BUCKET, HOME)]),
            keys: Vec::new(),
            runs: Vec::new(),
            links: BTreeMap::new(),
            backfill_link: None,
            events: Vec::new(),
            status: None,
            gzip: Gzip::new(),
            log_files: 0,
        };
        maker.publish(By::Signing, -200, 520)?;
        maker.runs.push(maker.looked_at(HOME, 0, 3));
        Ok(maker)
    }

    /// Publishes a key from the start of one hour until the start of another.
    pub fn publish(&mut self, by: By, from: i64, until: i64) -> Result<(), Fault> {
        let key = SigningKey::from_pkcs8(by.pkcs8())?.public_key();
        self.keys.push(PublishedKey {
            der: key.as_der().to_vec(),
            fingerprint: key.fingerprint().to_owned(),
            from: hour(from),
            until: hour(until),
        });
        Ok(())
    }

    /// A look at the hours from one to before another.
    pub fn looked_at(&self, region: &'static str, from: i64, until: i64) -> Run {
        Run {
            region,
            start: hour(from),
            end: hour(until).plus(LOOK_AFTER),
            account: None,
            bucket: None,
        }
    }

    /// Looks at so many hours, instead of three.
    pub fn look_at(&mut self, hours: i64) {
        self.runs = vec![self.looked_at(HOME, 0, hours)];
    }

    /// A trail's ARN.
    pub fn arn(&self) -> String {
        let Trail { account, name, .. } = &self.trail;
        format!("arn:aws:cloudtrail:{HOME}:{account}:trail/{name}")
    }

    // --- log files ---

    /// A log file of three events, delivered in an hour; which one of that hour is given.
    pub fn log(&mut self, region: &str, of_hour: i64, number: u32) -> Result<DigestedLogFile, Fault> {
        let delivered = hour(of_hour).plus(Duration::from_secs(300 * (1 + u64::from(number))));
        let records: Vec<Value> = (0..3).map(|index| self.record(region, delivered, index)).collect();
        let content = serde_json::to_vec(&json!({ "Records": records })).unwrap_or_default();
        self.log_of(region, delivered, &content)
    }

    /// A log file of this content.
    pub fn log_of(&mut self, region: &str, delivered: Timestamp, content: &[u8]) -> Result<DigestedLogFile, Fault> {
        self.log_files += 1;
        let suffix = format!("corpus{:010}", self.log_files);
        let key = log_file_key(
            self.trail.prefix,
            self.trail.organization,
            self.account()?,
            &region_of(region)?,
            LogFileKind::CloudTrail,
            delivered,
            &suffix,
        );
        self.log_at(&key, delivered, content)
    }

    /// A log file of this content at this key.
    pub fn log_at(&mut self, key: &str, delivered: Timestamp, content: &[u8]) -> Result<DigestedLogFile, Fault> {
        let body = self.gzip.compress(content)?;
        self.put(key, body, BTreeMap::new());
        let (newest, oldest) = (
            delivered.minus(Duration::from_secs(30)),
            delivered.minus(Duration::from_secs(200)),
        );
        Ok(DigestedLogFile::new(
            self.bucket,
            key,
            &sha256_hex(content),
            Some(newest),
            Some(oldest),
        ))
    }

    /// A log file with the call by which logging of the trail is stopped or started, at a time.
    pub fn control_log(&mut self, name: &'static str, time: Timestamp) -> Result<DigestedLogFile, Fault> {
        self.events.push((name, time));
        let delivered = time.plus(Duration::from_secs(60));
        let mut record = self.record(HOME, delivered, 2);
        for (member, value) in [
            ("eventSource", json!("cloudtrail.amazonaws.com")),
            ("eventName", json!(name)),
            ("eventTime", json!(time.iso8601())),
            ("requestParameters", json!({ "name": self.arn() })),
        ] {
            record[member] = value;
        }
        let content = serde_json::to_vec(&json!({ "Records": [record] })).unwrap_or_default();
        self.log_of(HOME, delivered, &content)
    }

    fn record(&self, region: &str, delivered: Timestamp, index: u64) -> Value {
        let time = delivered.minus(Duration::from_secs(200 - 85 * index));
        let account = self.trail.account;
        let number = self.log_files * 3 + u32::try_from(index).unwrap_or_default();
        json!({
            "eventVersion": record::EVENT_VERSION,
            "userIdentity": {
                "type": "IAMUser",
                "principalId": "AIDACORPUSCORPUSCORPU",
                "arn": format!("arn:aws:iam::{account}:user/someone"),
                "accountId": account,
                "userName": "someone"
            },
            "eventTime": time.iso8601(),
            "eventSource": "s3.amazonaws.com",
            "eventName": "CreateBucket",
            "awsRegion": region,
            "sourceIPAddress": "192.0.2.7",
            "userAgent": "corpus",
            "requestParameters": { "bucketName": format!("bucket-{number}") },
            "responseElements": null,
            "requestID": format!("REQUEST{number:09}"),
            "eventID": format!("00000000-0000-4000-8000-{number:012}"),
            "readOnly": false,
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": account,
            "eventCategory": "Management"
        })
    }

    // --- digests ---

    /// The digest of an hour of the home Region with so many log files, after the one before; gives its key.
    pub fn hour(&mut self, of_hour: i64, logs: u32) -> Result<String, Fault> {
        self.hour_in(HOME, of_hour, logs)
    }

    /// The same in another Region.
    pub fn hour_in(&mut self, region: &'static str, of_hour: i64, logs: u32) -> Result<String, Fault> {
        let logs: Result<Vec<_>, Fault> = (0..logs).map(|number| self.log(region, of_hour, number)).collect();
        Draft::of(of_hour).region(region).naming(logs?).put(self)
    }

    /// So many hours from the first one on, each with two log files; gives the keys of their digests.
    pub fn hours(&mut self, count: i64) -> Result<Vec<String>, Fault> {
        (0..count).map(|of_hour| self.hour(of_hour, 2)).collect()
    }

    // --- what is done to files ---

    /// Puts a file into the trail's bucket.
    pub fn put(&mut self, key: &str, body: Vec<u8>, metadata: BTreeMap<String, String>) {
        let place = (self.bucket.to_owned(), key.to_owned());
        self.objects.insert(place, Object { body, metadata });
    }

    /// Changes a file.
    pub fn change(&mut self, key: &str, change: impl FnOnce(&mut Object)) -> Result<(), Fault> {
        change(self.object(key)?);
        Ok(())
    }

    /// Changes what a file holds, and compresses it again.
    pub fn change_content(&mut self, key: &str, change: impl FnOnce(String) -> String) -> Result<(), Fault> {
        let changed = change(self.content(key)?);
        let body = self.gzip.compress(changed.as_bytes())?;
        self.object(key)?.body = body;
        Ok(())
    }

    /// What a file holds.
    pub fn content(&mut self, key: &str) -> Result<String, Fault> {
        let inflated =
            inflate(&self.object(key)?.body).map_err(|_| Fault::Bug("the corpus changes a file that is none"))?;
        String::from_utf8(inflated.bytes).map_err(|_| Fault::Bug("the corpus changes a file that is no text"))
    }

    /// Compresses bytes into one member.
    pub fn compress(&mut self, content: &[u8]) -> Result<Vec<u8>, Fault> {
        self.gzip.compress(content)
    }

    /// Takes a file away.
    pub fn remove(&mut self, key: &str) -> Result<Object, Fault> {
        let place = (self.bucket.to_owned(), key.to_owned());
        self.objects.remove(&place).ok_or(NO_FILE)
    }

    /// The keys of the log files of an hour's digest.
    pub fn logs_of(&mut self, digest: &str) -> Result<Vec<String>, Fault> {
        let content = self.content(digest)?;
        let digest = DigestFile::parse(content.as_bytes()).ok_or(NO_FILE)?;
        Ok(digest.log_files.into_iter().map(|log| log.s3_object).collect())
    }

    /// The key of one of the log files of a digest.
    pub fn log_of_digest(&mut self, digest: &str, index: usize) -> Result<String, Fault> {
        self.logs_of(digest)?.into_iter().nth(index).ok_or(NO_FILE)
    }

    fn object(&mut self, key: &str) -> Result<&mut Object, Fault> {
        let place = (self.bucket.to_owned(), key.to_owned());
        self.objects.get_mut(&place).ok_or(NO_FILE)
    }

    fn account(&self) -> Result<AccountId, Fault> {
        let account = self.runs.first().and_then(|run| run.account);
        AccountId::parse(account.unwrap_or(self.trail.account)).map_err(|_| Fault::Bug("the corpus names no account"))
    }
}

const NO_FILE: Fault = Fault::Bug("the corpus changes a file that it did not make");

/// The start of an hour.
pub(super) fn hour(number: i64) -> Timestamp {
    Timestamp::from_secs(FIRST_HOUR + number * 3600)
}

fn region_of(region: &str) -> Result<Region, Fault> {
    Region::parse(region).map_err(|_| Fault::Bug("the corpus names no Region"))
}

type Edit = Box<dyn FnOnce(&mut DigestFile)>;
type Rewrite = Box<dyn FnOnce(String) -> String>;

/// A digest to be: what is asked of it is done before it is signed.
pub(super) struct Draft {
    hour: i64,
    region: &'static str,
    logs: Vec<DigestedLogFile>,
    kind: DigestKind,
    trail_name: Option<&'static str>,
    starting: bool,
    after: Option<Link>,
    by: By,
    hash: &'static dyn RsaEncoding,
    edit: Edit,
    rewrite: Rewrite,
}

impl Draft {
    /// The digest of an hour, after the one before.
    pub fn of(hour: i64) -> Draft {
        Draft {
            hour,
            region: HOME,
            logs: Vec::new(),
            kind: DigestKind::Standard,
            trail_name: None,
            starting: false,
            after: None,
            by: By::Signing,
            hash: &RSA_PKCS1_SHA256,
            edit: Box::new(|_| ()),
            rewrite: Box::new(|content| content),
        }
    }

    pub fn region(self, region: &'static str) -> Draft {
        Draft { region, ..self }
    }

    pub fn naming(self, logs: Vec<DigestedLogFile>) -> Draft {
        Draft { logs, ..self }
    }

    pub fn backfill(self) -> Draft {
        Draft {
            kind: DigestKind::Backfill,
            ..self
        }
    }

    /// Of another trail.
    pub fn of_trail(self, name: &'static str) -> Draft {
        Draft {
            trail_name: Some(name),
            ..self
        }
    }

    /// The first of a chain.
    pub fn starting(self) -> Draft {
        Draft { starting: true, ..self }
    }

    /// After this one.
    pub fn after(self, link: Link) -> Draft {
        Draft {
            after: Some(link),
            ..self
        }
    }

    pub fn signed_by(self, by: By) -> Draft {
        Draft { by, ..self }
    }

    /// Signed over SHA-512.
    pub fn signed_over_sha512(self) -> Draft {
        Draft {
            hash: &RSA_PKCS1_SHA512,
            ..self
        }
    }

    /// With other members.
    pub fn edited(self, edit: impl FnOnce(&mut DigestFile) + 'static) -> Draft {
        Draft {
            edit: Box::new(edit),
            ..self
        }
    }

    /// With another text, which is then hashed and signed.
    pub fn rewritten(self, rewrite: impl FnOnce(String) -> String + 'static) -> Draft {
        Draft {
            rewrite: Box::new(rewrite),
            ..self
        }
    }

    /// Signs it and puts it where it belongs; gives its key.
    pub fn put(self, maker: &mut Maker) -> Result<String, Fault> {
        let (start, end) = (hour(self.hour), hour(self.hour).plus(HOUR));
        let account = maker.account()?;
        let key = digest_key(
            maker.trail.prefix,
            maker.trail.organization,
            account,
            &region_of(self.region)?,
            self.trail_name.unwrap_or(&maker.trail.name),
            &region_of(HOME)?,
            end,
            self.kind,
        );
        let fingerprint = SigningKey::from_pkcs8(self.by.pkcs8())?.public_key();
        let place = (maker.bucket, key.as_str());
        let mut digest = DigestFile::new(account, (start, end), place, fingerprint.fingerprint(), self.logs);
        let last = match self.kind {
            DigestKind::Standard => maker.links.get(self.region).cloned(),
            DigestKind::Backfill => maker.backfill_link.clone(),
        };
        if let (Some(link), false) = (self.after.or(last), self.starting) {
            digest = digest.after((&link.bucket, &link.key), &link.sha256, &link.signature);
        }
        (self.edit)(&mut digest);
        let content = (self.rewrite)(String::from_utf8_lossy(&digest.to_json()).into_owned());
        let sha256 = sha256_hex(content.as_bytes());
        let signature = sign(self.by, self.hash, &string_to_sign(&digest, &sha256))?;
        let mut metadata = BTreeMap::from([
            (SIGNATURE_METADATA.to_owned(), signature.clone()),
            (SIGNATURE_ALGORITHM_METADATA.to_owned(), SIGNATURE_ALGORITHM.to_owned()),
        ]);
        if self.kind == DigestKind::Backfill {
            metadata.insert(BACKFILL_METADATA.to_owned(), end.plus(HOUR).iso8601_millis());
        }
        let body = maker.compress(content.as_bytes())?;
        maker.put(&key, body, metadata);
        let link = Link {
            bucket: maker.bucket.to_owned(),
            key: key.clone(),
            sha256,
            signature,
        };
        match self.kind {
            DigestKind::Standard => maker.links.insert(self.region.to_owned(), link),
            DigestKind::Backfill => maker.backfill_link.replace(link),
        };
        Ok(key)
    }
}

/// Signs a text; the padding has no randomness, so the signature is always the same.
fn sign(by: By, hash: &'static dyn RsaEncoding, text: &str) -> Result<String, Fault> {
    let key = KeyPair::from_pkcs8(by.pkcs8()).map_err(|_| Fault::Bug("the corpus has no key"))?;
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(hash, &SystemRandom::new(), text.as_bytes(), &mut signature)
        .map_err(|_| Fault::Bug("the corpus cannot sign"))?;
    Ok(hex::encode(signature))
}
