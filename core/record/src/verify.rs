//! Verification of a digest chain: from the newest digest back, each signature, each link, each log file.
//!
//! What is wrong with the data is a [`Finding`], in the words of `aws cloudtrail validate-logs`. This goes further than the
//! stock validator in two points: the hash by which a digest names the one before it must agree, and nothing may follow
//! the gzip member of a digest. Backfill digests are a chain of their own: walk it by itself, over its own list of keys.
//!
//! [`Walk`] does no IO: it says which file it wants and takes it. [`chain`] drives it over anything that answers at once.

use crate::{
    DigestFile, DigestedLogFile, NotGzip, PublicKey, SIGNATURE_ALGORITHM_METADATA, SIGNATURE_METADATA, SignatureFault,
    digest::{sha256_hex, string_to_sign},
    gzip::inflate,
};
use base::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// Where a file lies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
}

impl Location {
    /// A bucket and a key.
    pub fn new(bucket: impl Into<String>, key: impl Into<String>) -> Location {
        Location {
            bucket: bucket.into(),
            key: key.into(),
        }
    }
}

/// A file as a bucket gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// The object's bytes.
    pub body: Vec<u8>,
    /// Its user metadata, names in lower case without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
}

/// Where files come from.
pub trait Files {
    /// The file at this place, if there is one.
    fn get(&self, bucket: &str, key: &str) -> Option<StoredFile>;
}

/// Which kind of file a verdict is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A digest file.
    Digest,
    /// A log file.
    Log,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A log file's content is not what the digest names.
    HashMismatch,
    /// No gzip, no JSON, or members are missing.
    InvalidFormat,
    /// A digest says that it lies elsewhere.
    Moved,
    /// The file is not there.
    NotFound,
    /// A digest is well signed and is not the one that the next digest names as the one before it.
    NotTheOneNamed,
    /// No public key of this fingerprint was given.
    PublicKeyNotFound {
        /// The fingerprint.
        fingerprint: String,
        /// The trail's home Region.
        home_region: String,
    },
    /// The public key is none.
    PublicKeyUnreadable {
        /// The fingerprint.
        fingerprint: String,
    },
    /// The signature is missing or does not agree.
    SignatureFailed,
    /// Bytes follow the gzip member.
    TrailingData,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::HashMismatch => f.write_str("hash value doesn't match"),
            Finding::InvalidFormat => f.write_str("invalid format"),
            Finding::Moved => f.write_str("has been moved from its original location"),
            Finding::NotFound => f.write_str("not found"),
            Finding::NotTheOneNamed => f.write_str("is not the file that the next digest names"),
            Finding::PublicKeyNotFound {
                fingerprint,
                home_region,
            } => write!(
                f,
                "public key not found in region {home_region} for fingerprint {fingerprint}"
            ),
            Finding::PublicKeyUnreadable { fingerprint } => {
                write!(f, "Unable to load PKCS #1 key with fingerprint {fingerprint}")
            }
            Finding::SignatureFailed => f.write_str("signature verification failed"),
            Finding::TrailingData => f.write_str("unexpected data after end of compressed stream"),
        }
    }
}

/// The verdict on one file. Prints as the line of the stock validator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Digest or log file.
    pub kind: FileKind,
    /// Which file.
    pub location: Location,
    /// What is wrong with it, if anything.
    pub finding: Option<Finding>,
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            FileKind::Digest => "Digest file",
            FileKind::Log => "Log file",
        };
        let Location { bucket, key } = &self.location;
        write!(f, "{kind}\ts3://{bucket}/{key}\t")?;
        match &self.finding {
            None => f.write_str("valid"),
            Some(finding) => write!(f, "INVALID: {finding}"),
        }
    }
}

/// A time for which no digest speaks, between two chains. Not in itself a fault: logging may have been stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The end of the older chain.
    pub from: String,
    /// The start of the newer chain.
    pub to: String,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Gap { from, to } = self;
        write!(f, "No log files were delivered by CloudTrail between {from} and {to}")
    }
}

/// How many files of a kind are valid, and how many are not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Valid files.
    pub valid: usize,
    /// Invalid or missing files.
    pub invalid: usize,
}

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// Each file looked at, in the order of the walk: a digest, its log files, the digest before.
    pub checked: Vec<Checked>,
    /// Times that no digest covers.
    pub gaps: Vec<Gap>,
}

impl Findings {
    /// Whether every file is valid.
    pub fn all_valid(&self) -> bool {
        self.problems().next().is_none()
    }

    /// The files that are not valid.
    pub fn problems(&self) -> impl Iterator<Item = &Checked> {
        self.checked.iter().filter(|checked| checked.finding.is_some())
    }

    /// How many digests are valid.
    pub fn digests(&self) -> Tally {
        self.tally(FileKind::Digest)
    }

    /// How many log files are valid.
    pub fn logs(&self) -> Tally {
        self.tally(FileKind::Log)
    }

    fn tally(&self, kind: FileKind) -> Tally {
        let of_kind = self.checked.iter().filter(|checked| checked.kind == kind);
        of_kind.fold(Tally::default(), |mut tally, checked| {
            match checked.finding {
                None => tally.valid += 1,
                Some(_) => tally.invalid += 1,
            }
            tally
        })
    }
}

/// A digest whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedDigest {
    /// What it says.
    pub digest: DigestFile,
    /// Lower-hex SHA-256 of its content.
    pub sha256: String,
    /// Its own signature.
    pub signature: String,
    /// Whether bytes follow its gzip member.
    pub trailing: bool,
}

/// Verifies one digest: form, place, key, signature, in the stock validator's order.
pub fn verify_digest(location: &Location, file: &StoredFile, keys: &[PublicKey]) -> Result<VerifiedDigest, Finding> {
    let inflated = inflate(&file.body).map_err(|_| Finding::InvalidFormat)?;
    // Metadata is looked at before the members, but only of a file that is JSON at all.
    let json: serde_json::Value = serde_json::from_slice(&inflated.bytes).map_err(|_| Finding::InvalidFormat)?;
    let signature = file
        .metadata
        .get(SIGNATURE_METADATA)
        .filter(|_| file.metadata.contains_key(SIGNATURE_ALGORITHM_METADATA))
        .ok_or(Finding::SignatureFailed)?;
    let digest: DigestFile = serde_json::from_value(json).map_err(|_| Finding::InvalidFormat)?;
    if digest.digest_s3_bucket != location.bucket || digest.digest_s3_object != location.key {
        return Err(Finding::Moved);
    }
    let fingerprint = &digest.digest_public_key_fingerprint;
    let Some(key) = keys.iter().find(|key| key.fingerprint() == fingerprint) else {
        return Err(Finding::PublicKeyNotFound {
            fingerprint: fingerprint.clone(),
            home_region: home_region(&location.key).to_owned(),
        });
    };
    let sha256 = sha256_hex(&inflated.bytes);
    key.verify(&string_to_sign(&digest, &sha256), signature)
        .map_err(|fault| match fault {
            SignatureFault::UnreadableKey => Finding::PublicKeyUnreadable {
                fingerprint: fingerprint.clone(),
            },
            SignatureFault::WrongSignature => Finding::SignatureFailed,
        })?;
    Ok(VerifiedDigest {
        digest,
        sha256,
        signature: signature.clone(),
        trailing: inflated.trailing,
    })
}

/// Verifies one log file against the hash in its digest.
pub fn verify_log_file(named: &DigestedLogFile, file: Option<&StoredFile>) -> Option<Finding> {
    let Some(file) = file else {
        return Some(Finding::NotFound);
    };
    match inflate(&file.body) {
        Ok(inflated) if inflated.trailing => Some(Finding::TrailingData),
        Ok(inflated) => (sha256_hex(&inflated.bytes) != named.hash_value).then_some(Finding::HashMismatch),
        // The stock validator hashes what comes out of a stream that is cut short.
        Err(NotGzip::CutShort) => Some(Finding::HashMismatch),
        Err(NotGzip::Damaged | NotGzip::TooLong) => Some(Finding::InvalidFormat),
    }
}

/// Verifies the chain that ends in `newest`, back to the digest that covers `since`, or to its beginning.
///
/// `listed` are the digests in the bucket, in order, and those of other buckets where the trail may have delivered before:
/// where a digest is missing or invalid, or begins a chain, the walk goes on with the newest listed one of the same bucket
/// that is older. Without a list it ends there.
pub fn chain(
    files: &dyn Files,
    keys: &[PublicKey],
    newest: Location,
    listed: &[Location],
    since: Option<Timestamp>,
) -> Findings {
    let mut walk = Walk::new(keys, newest, listed, since);
    while let Some(Location { bucket, key }) = walk.wants() {
        walk.take(files.get(&bucket, &key));
    }
    walk.finish()
}

/// A verification that asks for one file after the other.
pub struct Walk<'a> {
    keys: &'a [PublicKey],
    listed: &'a [Location],
    since: Option<Timestamp>,
    /// The next digest, when the log files of the last are done.
    next: Option<Location>,
    /// The hash and signature by which the last digest names the next.
    link: Option<(Option<String>, Option<String>)>,
    /// Log files of the last digest that are still to be looked at, the next one last.
    logs: Vec<DigestedLogFile>,
    seen: BTreeSet<Location>,
    findings: Findings,
}

impl<'a> Walk<'a> {
    /// A walk as [`chain`] makes it.
    pub fn new(keys: &'a [PublicKey], newest: Location, listed: &'a [Location], since: Option<Timestamp>) -> Walk<'a> {
        Walk {
            keys,
            listed,
            since,
            next: Some(newest),
            link: None,
            logs: Vec::new(),
            seen: BTreeSet::new(),
            findings: Findings::default(),
        }
    }

    /// The file that [`Walk::take`] must be given next; none when the walk is done.
    pub fn wants(&self) -> Option<Location> {
        match self.logs.last() {
            Some(log) => Some(Location::new(&log.s3_bucket, &log.s3_object)),
            None => self.next.clone(),
        }
    }

    /// Takes the file that was wanted, or that there is none.
    pub fn take(&mut self, file: Option<StoredFile>) {
        if let Some(log) = self.logs.pop() {
            let finding = verify_log_file(&log, file.as_ref());
            self.note(FileKind::Log, Location::new(log.s3_bucket, log.s3_object), finding);
        } else if let Some(location) = self.next.take() {
            self.take_digest(location, file);
        }
    }

    /// What was found.
    pub fn finish(self) -> Findings {
        self.findings
    }

    fn take_digest(&mut self, location: Location, file: Option<StoredFile>) {
        self.seen.insert(location.clone());
        let link = self.link.take();
        let verdict = match &file {
            None => Err(Finding::NotFound),
            Some(file) => verify_digest(&location, file, self.keys),
        };
        match verdict {
            Err(finding) => {
                self.next = self.older_listed(&location);
                self.note(FileKind::Digest, location, Some(finding));
            }
            Ok(verified) => {
                let finding = if verified.trailing {
                    Some(Finding::TrailingData)
                } else {
                    link.filter(|link| !agrees(link, &verified))
                        .map(|_| Finding::NotTheOneNamed)
                };
                self.note(FileKind::Digest, location.clone(), finding);
                self.follow(&location, verified.digest);
            }
        }
    }

    /// Goes on from a digest that can be believed.
    fn follow(&mut self, location: &Location, digest: DigestFile) {
        let start = Timestamp::parse(&digest.digest_start_time);
        let reached = self.since.is_some_and(|since| start.is_none_or(|start| start < since));
        if !reached {
            self.next = match (digest.previous_digest_s3_bucket, digest.previous_digest_s3_object) {
                (Some(bucket), Some(key)) => {
                    self.link = Some((digest.previous_digest_hash_value, digest.previous_digest_signature));
                    // A chain that leads back into itself must not be walked for ever.
                    Some(Location::new(bucket, key)).filter(|previous| !self.seen.contains(previous))
                }
                _ => self.before_gap(location, &digest.digest_start_time),
            };
        }
        self.logs = digest.log_files;
        self.logs.reverse();
    }

    /// The digest that ends the chain before the one that begins here.
    fn before_gap(&mut self, location: &Location, start: &str) -> Option<Location> {
        let older = self.older_listed(location)?;
        let end = date(&older.key).and_then(Timestamp::parse_compact)?;
        self.findings.gaps.push(Gap {
            from: end.iso8601(),
            to: start.to_owned(),
        });
        Some(older)
    }

    fn older_listed(&self, than: &Location) -> Option<Location> {
        let limit = date(&than.key)?;
        let mut older = self.listed.iter().rev().filter(|listed| listed.bucket == than.bucket);
        let older = older.find(|listed| date(&listed.key).is_some_and(|date| date < limit))?;
        Some(older.clone()).filter(|older| !self.seen.contains(older))
    }

    fn note(&mut self, kind: FileKind, location: Location, finding: Option<Finding>) {
        self.findings.checked.push(Checked {
            kind,
            location,
            finding,
        });
    }
}

/// Hex digits count the same in both cases: the stock validator reads a signature as bytes, too.
fn agrees((sha256, signature): &(Option<String>, Option<String>), verified: &VerifiedDigest) -> bool {
    let same =
        |named: &Option<String>, found: &str| named.as_ref().is_some_and(|named| named.eq_ignore_ascii_case(found));
    same(sha256, &verified.sha256) && same(signature, &verified.signature)
}

/// `YYYYMMDDTHHMMSSZ` at the end of a digest's key.
fn date(key: &str) -> Option<&str> {
    let name = key.strip_suffix(".json.gz")?;
    let name = name.strip_suffix("_backfill").unwrap_or(name);
    let date = name.get(name.len().checked_sub(16)?..)?;
    Timestamp::parse_compact(date).map(|_| date)
}

/// The trail's home Region in a digest's key: `…_home_YYYYMMDDTHHMMSSZ.json.gz`.
fn home_region(key: &str) -> &str {
    let key = key.strip_suffix("_backfill.json.gz").unwrap_or(key);
    key.rsplit('_').nth(1).unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Gzip, LogFile, SIGNATURE_ALGORITHM, SigningKey, digest_key};
    use base::{AccountId, Region};
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static CHAIN: LazyLock<Bucket> = LazyLock::new(|| bucket(&[1, 2]));
    static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate().unwrap());

    #[derive(Clone, Default)]
    struct Bucket(BTreeMap<String, StoredFile>);

    impl Files for Bucket {
        fn get(&self, bucket: &str, key: &str) -> Option<StoredFile> {
            (bucket == "b").then(|| self.0.get(key).cloned()).flatten()
        }
    }

    impl Bucket {
        fn file(&mut self, key: &str) -> &mut StoredFile {
            self.0.get_mut(key).unwrap()
        }

        fn digests(&self) -> Vec<Location> {
            self.0
                .keys()
                .filter(|key| key.contains("Digest"))
                .map(|key| Location::new("b", key))
                .collect()
        }
    }

    fn place(hour: i64) -> String {
        let region = Region::us_east_1();
        let end = Timestamp::from_secs(3600 * hour);
        digest_key(
            None,
            None,
            AccountId::FIRST,
            &region,
            "trail",
            &region,
            end,
            crate::DigestKind::Standard,
        )
    }

    fn log(hour: i64, number: i64) -> String {
        format!("AWSLogs/log-{hour}-{number}.json.gz")
    }

    /// Digests of the given hours, two log files each; an hour whose predecessor is not given starts a chain.
    fn bucket(hours: &[i64]) -> Bucket {
        let (mut bucket, mut gzip) = (Bucket::default(), Gzip::new());
        let mut previous: Option<(i64, String, String)> = None;
        for &hour in hours {
            let logs = (0..2).map(|number| {
                let mut file = LogFile::new();
                let time = Timestamp::from_secs(3600 * hour - number);
                file.push(format!(r#"{{"hour":{hour},"number":{number}}}"#).as_bytes(), time);
                let done = file.finish(&mut gzip).unwrap();
                let metadata = BTreeMap::new();
                bucket.0.insert(
                    log(hour, number),
                    StoredFile {
                        body: done.gzip,
                        metadata,
                    },
                );
                DigestedLogFile::new("b", &log(hour, number), &done.sha256, Some(time), Some(time))
            });
            let window = (
                Timestamp::from_secs(3600 * (hour - 1)),
                Timestamp::from_secs(3600 * hour),
            );
            let public = KEY.public_key();
            let logs = logs.collect();
            let mut digest = DigestFile::new(
                AccountId::FIRST,
                window,
                ("b", &place(hour)),
                public.fingerprint(),
                logs,
            );
            if let Some((before, sha256, signature)) = previous.take().filter(|(before, ..)| before + 1 == hour) {
                digest = digest.after(("b", &place(before)), &sha256, &signature);
            }
            let json = digest.to_json();
            let sha256 = sha256_hex(&json);
            let signature = KEY.sign(&string_to_sign(&digest, &sha256)).unwrap();
            let metadata = BTreeMap::from([
                (SIGNATURE_METADATA.to_owned(), signature.clone()),
                (SIGNATURE_ALGORITHM_METADATA.to_owned(), SIGNATURE_ALGORITHM.to_owned()),
            ]);
            let body = gzip.compress(&json).unwrap();
            bucket.0.insert(place(hour), StoredFile { body, metadata });
            previous = Some((hour, sha256, signature));
        }
        bucket
    }

    fn walk(bucket: &Bucket, newest: i64, since: Option<Timestamp>) -> Findings {
        let keys = [KEY.public_key()];
        chain(
            bucket,
            &keys,
            Location::new("b", place(newest)),
            &bucket.digests(),
            since,
        )
    }

    /// Tampers with three hours and expects exactly these problems, and all else valid that can still be reached.
    fn check(tamper: impl FnOnce(&mut Bucket), expected: &[(String, Finding)], digests: usize, logs: usize) {
        let mut bucket = bucket(&[1, 2, 3]);
        tamper(&mut bucket);
        let findings = walk(&bucket, 3, None);
        let found: Vec<_> = findings
            .problems()
            .map(|checked| (checked.location.key.clone(), checked.finding.clone().unwrap()))
            .collect();
        assert_eq!(found, expected);
        assert_eq!((findings.digests().valid, findings.logs().valid), (digests, logs));
        assert_eq!(findings.all_valid(), expected.is_empty());
    }

    #[test]
    fn an_untouched_chain_is_valid() {
        check(|_| {}, &[], 3, 6);
    }

    #[test]
    fn each_tampering_is_found() {
        let rezip = |file: &mut StoredFile, from: &str, to: &str| {
            let text = String::from_utf8(inflate(&file.body).unwrap().bytes).unwrap();
            assert!(text.contains(from));
            file.body = Gzip::new().compress(text.replace(from, to).as_bytes()).unwrap();
        };
        check(
            |b| rezip(b.file(&log(2, 1)), "\"hour\":2", "\"hour\":3"),
            &[(log(2, 1), Finding::HashMismatch)],
            3,
            5,
        );
        check(
            |b| drop(b.0.remove(&log(2, 1))),
            &[(log(2, 1), Finding::NotFound)],
            3,
            5,
        );
        check(
            |b| b.file(&log(1, 0)).body.push(0),
            &[(log(1, 0), Finding::TrailingData)],
            3,
            5,
        );
        check(
            |b| b.file(&log(1, 0)).body.truncate(30),
            &[(log(1, 0), Finding::HashMismatch)],
            3,
            5,
        );
        check(|b| drop(b.0.remove(&place(2))), &[(place(2), Finding::NotFound)], 2, 4);
        check(|b| drop(b.0.remove(&place(3))), &[(place(3), Finding::NotFound)], 2, 4);
        check(
            |b| b.file(&place(2)).body.clear(),
            &[(place(2), Finding::InvalidFormat)],
            2,
            4,
        );
        check(
            |b| b.file(&place(2)).body.push(0),
            &[(place(2), Finding::TrailingData)],
            2,
            6,
        );
        check(
            |b| rezip(b.file(&place(2)), "SHA-256", "SHA-255"),
            &[(place(2), Finding::SignatureFailed)],
            2,
            4,
        );
        check(
            |b| rezip(b.file(&place(2)), ",\"previousDigestSignature\"", ",\"other\""),
            &[(place(2), Finding::InvalidFormat)],
            2,
            4,
        );
        check(
            |b| drop(b.file(&place(2)).metadata.remove(SIGNATURE_METADATA)),
            &[(place(2), Finding::SignatureFailed)],
            2,
            4,
        );
        check(
            |b| {
                let (two, three) = (b.file(&place(2)).metadata.clone(), b.file(&place(3)).metadata.clone());
                b.file(&place(2)).metadata = three;
                b.file(&place(3)).metadata = two;
            },
            &[
                (place(3), Finding::SignatureFailed),
                (place(2), Finding::SignatureFailed),
            ],
            1,
            2,
        );
        check(
            |b| *b.file(&place(2)) = b.file(&place(3)).clone(),
            &[(place(2), Finding::Moved)],
            2,
            4,
        );
    }

    /// The AWS CLI reads the hex of a signature in both cases, and so it passes here.
    #[test]
    fn a_signature_in_upper_case_is_the_same() {
        let upper = |file: &mut StoredFile| {
            let signature = file.metadata.get_mut(SIGNATURE_METADATA).unwrap();
            *signature = signature.to_uppercase();
        };
        check(|b| upper(b.file(&place(2))), &[], 3, 6);
    }

    /// Whoever holds the key can sign another digest, yet not in the place of one that a later digest names.
    #[test]
    fn a_digest_signed_again_is_not_the_one_named() {
        check(
            |b| {
                let alone = bucket(&[2]);
                *b.file(&place(2)) = alone.0.get(&place(2)).unwrap().clone();
            },
            &[(place(2), Finding::NotTheOneNamed)],
            2,
            6,
        );
    }

    /// A trail's chain leads from bucket to bucket; where it begins, what another bucket lists is not before it.
    #[test]
    fn a_list_is_of_its_bucket() {
        let bucket = bucket(&[1, 2]);
        let keys = [KEY.public_key()];
        let walk = |older: Location| {
            let listed = [older, Location::new("b", place(1)), Location::new("b", place(2))];
            chain(&bucket, &keys, Location::new("b", place(2)), &listed, None)
        };
        let elsewhere = walk(Location::new("a", place(0)));
        assert!(elsewhere.all_valid() && elsewhere.gaps.is_empty());
        let here = walk(Location::new("b", place(0)));
        assert_eq!((here.digests().invalid, here.gaps.len()), (1, 1));
    }

    #[test]
    fn a_key_that_is_missing_or_unreadable_is_told() {
        let bucket = bucket(&[1]);
        let fingerprint = KEY.public_key().fingerprint().to_owned();
        let findings = chain(&bucket, &[], Location::new("b", place(1)), &[], None);
        assert_eq!(
            findings.checked.first().map(ToString::to_string),
            Some(format!(
                "Digest file\ts3://b/{}\tINVALID: public key not found in region us-east-1 for fingerprint {fingerprint}",
                place(1)
            ))
        );
    }

    #[test]
    fn a_gap_is_told_and_is_no_fault() {
        let findings = walk(&bucket(&[1, 2, 5, 6]), 6, None);
        assert!(findings.all_valid());
        assert_eq!(findings.digests().valid, 4);
        assert_eq!(
            findings.gaps.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["No log files were delivered by CloudTrail between 1970-01-01T02:00:00Z and 1970-01-01T04:00:00Z"]
        );
    }

    #[test]
    fn the_walk_ends_where_it_is_told_to() {
        let bucket = bucket(&[1, 2, 3, 4]);
        for (since_hour, digests) in [(0, 4), (1, 4), (2, 3), (3, 2), (4, 1)] {
            let findings = walk(&bucket, 4, Some(Timestamp::from_secs(3600 * since_hour)));
            assert_eq!(findings.digests().valid, digests, "{since_hour}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// The hash is over the content, so a bit of the gzip header that changes nothing in it may differ.
        #[test]
        fn any_flipped_bit_shows_or_leaves_the_content(at: prop::sample::Index, of_digest: bool) {
            let mut bucket = CHAIN.clone();
            let file = bucket.file(&if of_digest { place(1) } else { log(2, 0) });
            let before = inflate(&file.body).unwrap().bytes;
            let bit = at.index(file.body.len() * 8);
            file.body[bit / 8] ^= 1 << (bit % 8);
            let same = inflate(&file.body).is_ok_and(|inflated| inflated.bytes == before);
            prop_assert_eq!(walk(&bucket, 2, None).all_valid(), same);
        }

        #[test]
        fn any_bytes_are_walked_without_panic(bytes: Vec<u8>, zipped: bool, text: String) {
            let mut bucket = CHAIN.clone();
            let body = if zipped { Gzip::new().compress(&bytes).unwrap() } else { bytes };
            let metadata = BTreeMap::from([(SIGNATURE_METADATA.to_owned(), text.clone())]);
            *bucket.file(&place(1)) = StoredFile { body: body.clone(), metadata };
            bucket.file(&log(2, 1)).body = body;
            prop_assert!(!walk(&bucket, 2, None).all_valid());
            let newest = Location::new("b", &text);
            let _ = chain(&bucket, &[], newest.clone(), &[newest], None);
        }
    }
}
