//! Whether log files arrive, and by what they are sealed.

use crate::aws::{Client, Error, elements};
use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use std::collections::BTreeSet;

/// What stays as it is in the value of a query.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Where a trail puts the log files of one Region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// The bucket.
    pub bucket: String,
    /// The bucket's Region.
    pub bucket_region: String,
    /// What all keys begin with, to the slash after the Region.
    pub prefix: String,
}

/// A log file that arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogFile {
    /// The bucket.
    pub bucket: String,
    /// Its key in the bucket.
    pub key: String,
    /// By what it is sealed: `AES256`, `aws:kms`.
    pub algorithm: String,
    /// The ARN of the KMS key.
    pub kms_key: Option<String>,
    /// When it arrived, as S3 says it.
    pub last_modified: String,
}

impl Folder {
    /// The folder of a Region. `prefix`: what keys begin with before `AWSLogs/`.
    ///
    /// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html>
    pub fn new(bucket: &str, bucket_region: &str, prefix: Option<&str>, account: &str, region: &str) -> Folder {
        let start = prefix.map(|prefix| format!("{prefix}/")).unwrap_or_default();
        Folder {
            bucket: bucket.to_owned(),
            bucket_region: bucket_region.to_owned(),
            prefix: format!("{start}AWSLogs/{account}/CloudTrail/{region}/"),
        }
    }

    /// The keys of the log files of the latest day that has any.
    pub async fn latest(&self, client: &Client) -> Result<BTreeSet<String>, Error> {
        let client = client.in_region(&self.bucket_region);
        let mut folder = self.prefix.clone();
        // Year, month, day.
        for _ in 0..3 {
            match self.last_folder(&client, &folder).await? {
                Some(last) => folder = last,
                None => return Ok(BTreeSet::new()),
            }
        }
        Ok(client.list_objects(&self.bucket, &folder).await?.into_iter().collect())
    }

    async fn last_folder(&self, client: &Client, folder: &str) -> Result<Option<String>, Error> {
        let prefix = utf8_percent_encode(folder, QUERY);
        let query = format!("delimiter=%2F&list-type=2&prefix={prefix}");
        let page = client.s3(Method::GET, &self.bucket, "", &query, &[], "").await?.text();
        let folders = elements(&page, "Prefix");
        Ok(folders.into_iter().filter(|found| found.len() > folder.len()).max())
    }

    /// By what a log file is sealed. Needs `s3:GetObject` on it, and no right on the key.
    pub async fn look(&self, client: &Client, key: &str) -> Result<LogFile, Error> {
        let client = client.in_region(&self.bucket_region);
        let head = client.s3(Method::HEAD, &self.bucket, key, "", &[], "").await?;
        let kms_key = head.header("x-amz-server-side-encryption-aws-kms-key-id");
        Ok(LogFile {
            bucket: self.bucket.clone(),
            key: key.to_owned(),
            algorithm: head.header("x-amz-server-side-encryption").to_owned(),
            kms_key: Some(kms_key.to_owned()).filter(|key| !key.is_empty()),
            last_modified: head.header("last-modified").to_owned(),
        })
    }
}

impl LogFile {
    /// Whether it is sealed by this key; without one, by S3's own.
    pub fn is_sealed_by(&self, key: Option<&str>) -> bool {
        match key {
            Some(key) => self.algorithm == "aws:kms" && self.kms_key.as_deref() == Some(key),
            None => self.algorithm == "AES256",
        }
    }
}
