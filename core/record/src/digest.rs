//! Digest files: what was delivered in an hour, and the digest before.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html>

use crate::log_file::account_folder;
use aws_lc_rs::digest;
use base::{AccountId, Region, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};

/// The content of a digest file. Times are kept as their text, for the signature is over that very text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DigestFile {
    /// The account whose log files it names.
    pub aws_account_id: String,
    /// Log files delivered from this moment on …
    pub digest_start_time: String,
    /// … and before this one are named.
    pub digest_end_time: String,
    /// Its own bucket.
    pub digest_s3_bucket: String,
    /// Its own key.
    pub digest_s3_object: String,
    /// The fingerprint of the key that signed it.
    pub digest_public_key_fingerprint: String,
    /// `SHA256withRSA`
    pub digest_signature_algorithm: String,
    /// The time of the newest event in all log files; none when there are none.
    pub newest_event_time: Option<String>,
    /// The time of the oldest event in all log files; none when there are none.
    pub oldest_event_time: Option<String>,
    /// The previous digest's bucket; none in a starting digest, as with the four below.
    pub previous_digest_s3_bucket: Option<String>,
    /// The previous digest's key.
    pub previous_digest_s3_object: Option<String>,
    /// Hex SHA-256 of the previous digest's content.
    pub previous_digest_hash_value: Option<String>,
    /// `SHA-256`
    pub previous_digest_hash_algorithm: Option<String>,
    /// The previous digest's signature. Must be present, if `null`, for it is signed.
    #[serde(deserialize_with = "present")]
    pub previous_digest_signature: Option<String>,
    /// The log files.
    pub log_files: Vec<DigestedLogFile>,
}

/// A log file as a digest names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DigestedLogFile {
    /// Its bucket.
    pub s3_bucket: String,
    /// Its key.
    pub s3_object: String,
    /// Hex SHA-256 of its content before compression.
    pub hash_value: String,
    /// `SHA-256`
    pub hash_algorithm: String,
    /// The time of its newest event.
    pub newest_event_time: Option<String>,
    /// The time of its oldest event.
    pub oldest_event_time: Option<String>,
}

/// The name of the hash in digests.
pub const HASH_ALGORITHM: &str = "SHA-256";

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(deserializer)
}

impl DigestedLogFile {
    /// Names a log file of this SHA-256.
    pub fn new(
        bucket: &str,
        key: &str,
        sha256: &str,
        newest_event_time: Option<Timestamp>,
        oldest_event_time: Option<Timestamp>,
    ) -> DigestedLogFile {
        DigestedLogFile {
            s3_bucket: bucket.to_owned(),
            s3_object: key.to_owned(),
            hash_value: sha256.to_owned(),
            hash_algorithm: HASH_ALGORITHM.to_owned(),
            newest_event_time: newest_event_time.map(Timestamp::iso8601),
            oldest_event_time: oldest_event_time.map(Timestamp::iso8601),
        }
    }
}

impl DigestFile {
    /// A starting digest of the files delivered from `start` until `end`, to lie at `bucket` and `key`. The event times
    /// are those of the log files.
    pub fn new(
        account: AccountId,
        (start, end): (Timestamp, Timestamp),
        (bucket, key): (&str, &str),
        fingerprint: &str,
        log_files: Vec<DigestedLogFile>,
    ) -> DigestFile {
        // Times print in one form, so their order as text is their order in time.
        let newest = log_files.iter().filter_map(|log| log.newest_event_time.clone()).max();
        let oldest = log_files.iter().filter_map(|log| log.oldest_event_time.clone()).min();
        DigestFile {
            aws_account_id: account.to_string(),
            digest_start_time: start.iso8601(),
            digest_end_time: end.iso8601(),
            digest_s3_bucket: bucket.to_owned(),
            digest_s3_object: key.to_owned(),
            digest_public_key_fingerprint: fingerprint.to_owned(),
            digest_signature_algorithm: crate::SIGNATURE_ALGORITHM.to_owned(),
            newest_event_time: newest,
            oldest_event_time: oldest,
            previous_digest_s3_bucket: None,
            previous_digest_s3_object: None,
            previous_digest_hash_value: None,
            previous_digest_hash_algorithm: None,
            previous_digest_signature: None,
            log_files,
        }
    }

    /// The same, after the digest that lies at `bucket` and `key`, with the SHA-256 of its content and its signature.
    #[must_use]
    pub fn after(self, (bucket, key): (&str, &str), sha256: &str, signature: &str) -> DigestFile {
        DigestFile {
            previous_digest_s3_bucket: Some(bucket.to_owned()),
            previous_digest_s3_object: Some(key.to_owned()),
            previous_digest_hash_value: Some(sha256.to_owned()),
            previous_digest_hash_algorithm: Some(HASH_ALGORITHM.to_owned()),
            previous_digest_signature: Some(signature.to_owned()),
            ..self
        }
    }

    /// The content of the file, before compression. Hash, sign and compress exactly these bytes.
    pub fn to_json(&self) -> Vec<u8> {
        // Only maps with odd keys or failing writers make this fail, and there are none here.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads the content of a digest file.
    pub fn parse(json: &[u8]) -> Option<DigestFile> {
        serde_json::from_slice(json).ok()
    }
}

/// The text that is signed: end time, place, hash of the content, previous signature.
pub fn string_to_sign(digest: &DigestFile, content_sha256: &str) -> String {
    format!(
        "{}\n{}/{}\n{}\n{}",
        digest.digest_end_time,
        digest.digest_s3_bucket,
        digest.digest_s3_object,
        content_sha256,
        digest.previous_digest_signature.as_deref().unwrap_or("null")
    )
}

/// Which chain a digest is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestKind {
    /// The standard one.
    Standard,
    /// That of log files which the digest of their window does not name.
    Backfill,
}

/// The key of a digest:
/// `[prefix/]AWSLogs/[o-id/]A/CloudTrail-Digest/R/YYYY/MM/DD/A_CloudTrail-Digest_R_trail_home_YYYYMMDDTHHMMSSZ.json.gz`;
/// that of a backfill digest ends in `_backfill.json.gz`.
#[allow(clippy::too_many_arguments, reason = "the parts of one key")]
pub fn digest_key(
    prefix: Option<&str>,
    organization_id: Option<&str>,
    account: AccountId,
    region: &Region,
    trail_name: &str,
    home_region: &Region,
    end: Timestamp,
    kind: DigestKind,
) -> String {
    let folder = account_folder(prefix, organization_id, account);
    let (date, end) = (end.date_path(), end.compact());
    let suffix = match kind {
        DigestKind::Standard => "",
        DigestKind::Backfill => "_backfill",
    };
    format!(
        "{folder}/CloudTrail-Digest/{region}/{date}/{account}_CloudTrail-Digest_{region}_{trail_name}_{home_region}_{end}{suffix}.json.gz"
    )
}

/// The SHA-256 of bytes.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut sum = [0; 32];
    sum.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref());
    sum
}

/// Lower-hex SHA-256.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest() -> DigestFile {
        let logs = [(10, 5), (30, 20)].map(|(newest, oldest)| {
            let (newest, oldest) = (Timestamp::from_secs(newest), Timestamp::from_secs(oldest));
            DigestedLogFile::new("b", "log", "00", Some(newest), Some(oldest))
        });
        let window = (Timestamp::EPOCH, Timestamp::from_secs(3600));
        DigestFile::new(AccountId::FIRST, window, ("b", "k"), "fp", logs.to_vec())
    }

    #[test]
    fn members_are_named_and_ordered_as_documented() {
        let log = r#"{"s3Bucket":"b","s3Object":"log","hashValue":"00","hashAlgorithm":"SHA-256","newestEventTime":"1970-01-01T00:00:10Z","oldestEventTime":"1970-01-01T00:00:05Z"}"#;
        let other = log.replace(":10Z", ":30Z").replace(":05Z", ":20Z");
        assert_eq!(
            String::from_utf8(digest().to_json()).unwrap(),
            [
                r#"{"awsAccountId":"000000000000","digestStartTime":"1970-01-01T00:00:00Z","digestEndTime":"1970-01-01T01:00:00Z","digestS3Bucket":"b","digestS3Object":"k","digestPublicKeyFingerprint":"fp","digestSignatureAlgorithm":"SHA256withRSA","newestEventTime":"1970-01-01T00:00:30Z","oldestEventTime":"1970-01-01T00:00:05Z","previousDigestS3Bucket":null,"previousDigestS3Object":null,"previousDigestHashValue":null,"previousDigestHashAlgorithm":null,"previousDigestSignature":null,"logFiles":["#,
                log,
                ",",
                &other,
                "]}"
            ]
            .concat()
        );
    }

    #[test]
    fn string_to_sign_is_four_lines() {
        assert_eq!(string_to_sign(&digest(), "aa"), "1970-01-01T01:00:00Z\nb/k\naa\nnull");
        let later = digest().after(("b", "j"), "cc", "dd");
        assert_eq!(string_to_sign(&later, "aa"), "1970-01-01T01:00:00Z\nb/k\naa\ndd");
    }

    #[test]
    fn reads_back_and_needs_the_previous_signature() {
        let json = digest().after(("b", "j"), "cc", "dd").to_json();
        assert_eq!(DigestFile::parse(&json), Some(digest().after(("b", "j"), "cc", "dd")));
        let without = String::from_utf8(digest().to_json())
            .unwrap()
            .replace(r#","previousDigestSignature":null"#, "");
        assert_eq!(DigestFile::parse(without.as_bytes()), None);
    }

    #[test]
    fn key_ends_in_its_end_time() {
        let region = Region::parse("us-west-2").unwrap();
        let key = |kind| {
            let (account, home, end) = (AccountId::FIRST, Region::us_east_1(), Timestamp::EPOCH);
            digest_key(Some("p"), None, account, &region, "t", &home, end, kind)
        };
        let standard = "p/AWSLogs/000000000000/CloudTrail-Digest/us-west-2/1970/01/01/000000000000_CloudTrail-Digest_us-west-2_t_us-east-1_19700101T000000Z.json.gz";
        assert_eq!(key(DigestKind::Standard), standard);
        let backfill = standard.replace(".json.gz", "_backfill.json.gz");
        assert_eq!(key(DigestKind::Backfill), backfill);
    }
}
