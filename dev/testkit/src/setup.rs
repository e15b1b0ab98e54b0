//! What most tests begin with: keys, buckets, the policies that belong to them, trails; and reading what a trail wrote.

use crate::{Client, Reply};
use anyhow::{Context, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use flate2::read::GzDecoder;
use http::Method;
use serde_json::{Value, json};
use sigv4::sign::Credentials;
use std::io::Read;

/// The first account.
pub const ACCOUNT: &str = "000000000000";

const CLOUDTRAIL: &str = "cloudtrail.amazonaws.com";

/// The bucket policy that CloudTrail's documents ask for.
pub fn trail_bucket_policy(bucket: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": CLOUDTRAIL}, "Action": "s3:GetBucketAcl",
         "Resource": format!("arn:aws:s3:::{bucket}")},
        {"Effect": "Allow", "Principal": {"Service": CLOUDTRAIL}, "Action": "s3:PutObject",
         "Resource": format!("arn:aws:s3:::{bucket}/AWSLogs/{ACCOUNT}/*"),
         "Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}},
    ]})
}

/// The key policy that CloudTrail's documents ask for, with everything for root.
pub fn trail_key_policy() -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")}, "Action": "kms:*",
         "Resource": "*"},
        {"Effect": "Allow", "Principal": {"Service": CLOUDTRAIL}, "Action": "kms:GenerateDataKey*", "Resource": "*",
         "Condition": {"StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn":
             format!("arn:aws:cloudtrail:*:{ACCOUNT}:trail/*")}}},
        {"Effect": "Allow", "Principal": {"Service": CLOUDTRAIL}, "Action": "kms:DescribeKey", "Resource": "*"},
    ]})
}

/// A trail that writes to a bucket of its own.
#[derive(Clone, Debug)]
pub struct Trail {
    /// Where the log files are.
    pub bucket: String,
    /// The trail's ARN.
    pub arn: String,
    /// The key that seals the log files; none for SSE-S3.
    pub key_arn: Option<String>,
}

/// What a trail is made with.
#[derive(Clone, Debug)]
pub struct TrailPlan<'a> {
    /// The trail's name; its bucket is `NAME-logs`.
    pub name: &'a str,
    /// Whether the log files are sealed with a key of the trail's own.
    pub with_key: bool,
    /// Whether events of all Regions are taken.
    pub multi_region: bool,
    /// Whether digests are made.
    pub validation: bool,
    /// The bucket whose object calls are taken too.
    pub data_bucket: Option<&'a str>,
}

impl Client {
    /// A symmetric KMS key; its ARN.
    pub async fn create_key(&self, policy: Option<&Value>) -> Result<String> {
        let input = match policy {
            Some(policy) => json!({"Policy": policy.to_string()}),
            None => json!({}),
        };
        let made = self.json("kms", "CreateKey", &input).await?.ok()?.json()?;
        string_at(&made, "/KeyMetadata/Arn")
    }

    /// A bucket in the client's Region.
    pub async fn create_bucket(&self, bucket: &str) -> Result<Reply> {
        let body = match self.region() {
            "us-east-1" => String::new(),
            region => format!(
                "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>\
                 {region}</LocationConstraint></CreateBucketConfiguration>"
            ),
        };
        self.s3(Method::PUT, &format!("/{bucket}"), &[], body).await?.ok()
    }

    /// Sets a bucket's policy.
    pub async fn put_bucket_policy(&self, bucket: &str, policy: &Value) -> Result<Reply> {
        self.s3(Method::PUT, &format!("/{bucket}?policy"), &[], policy.to_string())
            .await
    }

    /// Stores an object, under the bucket's default encryption or this key.
    pub async fn put_object(&self, path: &str, body: impl Into<Bytes>, key_arn: Option<&str>) -> Result<Reply> {
        let headers: &[(&str, &str)] = match &key_arn {
            Some(key) => &[
                ("x-amz-server-side-encryption", "aws:kms"),
                ("x-amz-server-side-encryption-aws-kms-key-id", key),
            ],
            None => &[],
        };
        self.s3(Method::PUT, path, headers, body).await
    }

    /// Reads an object.
    pub async fn get_object(&self, path: &str) -> Result<Reply> {
        self.s3(Method::GET, path, &[], Bytes::new()).await
    }

    /// A user with an access key and, when given, an inline policy.
    pub async fn create_user(&self, name: &str, policy: Option<&Value>) -> Result<Credentials> {
        self.query("iam", "CreateUser", &[("UserName", name)]).await?.ok()?;
        if let Some(policy) = policy {
            let document = policy.to_string();
            let input = [
                ("UserName", name),
                ("PolicyName", "inline"),
                ("PolicyDocument", document.as_str()),
            ];
            self.query("iam", "PutUserPolicy", &input).await?.ok()?;
        }
        let made = self
            .query("iam", "CreateAccessKey", &[("UserName", name)])
            .await?
            .ok()?;
        let one = |element: &str| {
            made.elements(element)
                .into_iter()
                .next()
                .with_context(|| format!("no {element} in {}", made.describe()))
        };
        Ok(Credentials::new(one("AccessKeyId")?, one("SecretAccessKey")?))
    }

    /// Key, bucket, both policies, and a trail that logs.
    pub async fn create_trail(&self, plan: &TrailPlan<'_>) -> Result<Trail> {
        let bucket = format!("{}-logs", plan.name);
        let mut input = json!({"Name": plan.name, "S3BucketName": bucket, "IsMultiRegionTrail": plan.multi_region,
            "EnableLogFileValidation": plan.validation});
        let mut key_arn = None;
        if plan.with_key {
            let key = self.create_key(Some(&trail_key_policy())).await?;
            if let Some(members) = input.as_object_mut() {
                members.insert("KmsKeyId".to_owned(), Value::from(key.as_str()));
            }
            key_arn = Some(key);
        }
        self.create_bucket(&bucket).await?;
        self.put_bucket_policy(&bucket, &trail_bucket_policy(&bucket))
            .await?
            .ok()?;
        let made = self.json("cloudtrail", "CreateTrail", &input).await?.ok()?.json()?;
        if let Some(data_bucket) = plan.data_bucket {
            let values = [format!("arn:aws:s3:::{data_bucket}/")];
            let resources = json!([{"Type": "AWS::S3::Object", "Values": values}]);
            let selectors =
                json!([{"ReadWriteType": "All", "IncludeManagementEvents": true, "DataResources": resources}]);
            let input = json!({"TrailName": plan.name, "EventSelectors": selectors});
            self.json("cloudtrail", "PutEventSelectors", &input).await?.ok()?;
        }
        self.json("cloudtrail", "StartLogging", &json!({"Name": plan.name}))
            .await?
            .ok()?;
        Ok(Trail {
            bucket,
            arn: string_at(&made, "/TrailARN")?,
            key_arn,
        })
    }

    /// Every key in a bucket that begins so.
    pub async fn list_keys(&self, bucket: &str, prefix: &str) -> Result<Vec<String>> {
        let mut keys = Vec::new();
        let mut after = String::new();
        loop {
            let query = format!(
                "/{bucket}?list-type=2&prefix={}&start-after={}",
                encode(prefix),
                encode(&after)
            );
            let page = self.s3(Method::GET, &query, &[], Bytes::new()).await?.ok()?;
            keys.extend(page.elements("Key"));
            match keys.last() {
                Some(last) if page.text().contains("<IsTruncated>true<") => last.clone_into(&mut after),
                _ => return Ok(keys),
            }
        }
    }

    /// The keys of a trail's log files, digests not among them.
    pub async fn log_file_keys(&self, trail: &Trail) -> Result<Vec<String>> {
        self.list_keys(&trail.bucket, &format!("AWSLogs/{ACCOUNT}/CloudTrail/"))
            .await
    }

    /// A log file's content, inflated.
    pub async fn log_file(&self, trail: &Trail, key: &str) -> Result<Vec<u8>> {
        let file = self
            .get_object(&format!("/{}/{}", trail.bucket, encode(key)))
            .await?
            .ok()?;
        let mut json = Vec::new();
        GzDecoder::new(file.body.as_ref())
            .read_to_end(&mut json)
            .with_context(|| format!("`{key}` is no gzip"))?;
        Ok(json)
    }

    /// A log file's records.
    pub async fn log_records(&self, trail: &Trail, key: &str) -> Result<Vec<Value>> {
        let mut file: Value = serde_json::from_slice(&self.log_file(trail, key).await?)?;
        match file.get_mut("Records").map(Value::take) {
            Some(Value::Array(records)) => Ok(records),
            _ => anyhow::bail!("`{key}` has no Records"),
        }
    }

    /// The records of the event history that have this attribute, newest first.
    pub async fn lookup_events(&self, attribute: Option<(&str, &str)>) -> Result<Vec<Value>> {
        let mut found = Vec::new();
        let mut input = match attribute {
            Some((key, value)) => json!({"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]}),
            None => json!({}),
        };
        loop {
            let page = self.json("cloudtrail", "LookupEvents", &input).await?.ok()?.json()?;
            for event in page.get("Events").and_then(Value::as_array).into_iter().flatten() {
                found.push(serde_json::from_str(&string_at(event, "/CloudTrailEvent")?)?);
            }
            let (Some(token), Some(members)) = (page.get("NextToken").and_then(Value::as_str), input.as_object_mut())
            else {
                return Ok(found);
            };
            members.insert("NextToken".to_owned(), Value::from(token));
        }
    }
}

/// A text member of JSON, by its pointer.
pub fn string_at(value: &Value, pointer: &str) -> Result<String> {
    let text = value.pointer(pointer).and_then(Value::as_str);
    text.map(ToOwned::to_owned)
        .with_context(|| format!("no {pointer} in {value}"))
}

/// Base64, as the JSON protocol has bytes.
pub fn base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// The bytes of a base64 text.
pub fn from_base64(text: &str) -> Result<Vec<u8>> {
    BASE64.decode(text).context("not base64")
}

/// The keys that tests use, percent-encoded for a path or a query.
fn encode(key: &str) -> String {
    key.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}
