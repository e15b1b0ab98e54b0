//! Buckets, each in its own Region: the client follows S3's word of which that is.

use super::{
    Bucket,
    ask::{Asker, absent, together, when},
    bucket_xml as xml,
};
use crate::{
    aws::Error,
    survey::{Encryption, Fact, Missing},
};
use http::Method;
use serde_json::Value;
use std::collections::BTreeSet;

/// How S3 says that there is no such bucket.
const NO_BUCKET: &str = "NoSuchBucket";
const NO_POLICY: &str = "NoSuchBucketPolicy";
const NO_ENCRYPTION: &str = "ServerSideEncryptionConfigurationNotFoundError";
const NO_BLOCK: &str = "NoSuchPublicAccessBlockConfiguration";
const NO_LIFECYCLE: &str = "NoSuchLifecycleConfiguration";
const NO_OWNERSHIP: &str = "OwnershipControlsNotFoundError";
const NO_LOCK: &str = "ObjectLockConfigurationNotFoundError";
const NO_TAGS: &str = "NoSuchTagSet";

/// These buckets.
pub(super) async fn buckets(asker: &Asker, names: BTreeSet<String>, full: bool) -> Vec<Bucket> {
    if names.is_empty() {
        return Vec::new();
    }
    let owned = when(full, "s3:ListBuckets", owned(asker));
    let buckets = together(names.into_iter().map(|name| {
        let asker = asker.clone();
        async move { bucket(&asker, name, full).await }
    }));
    let (owned, mut buckets) = tokio::join!(owned, buckets);
    for bucket in &mut buckets {
        bucket.owned = owned.as_ref().map(|names| names.contains(&bucket.name));
    }
    buckets
}

/// The names of the account's own buckets.
async fn owned(asker: &Asker) -> Result<BTreeSet<String>, Missing> {
    let answer = asker.s3(Method::GET, "ListBuckets", "", "").await?;
    Ok(crate::aws::elements(&answer.text(), "Name").into_iter().collect())
}

async fn bucket(asker: &Asker, name: String, full: bool) -> Bucket {
    let (encryption, region, policy, is_public, block, acl, versioning) = tokio::join!(
        encryption(asker, &name),
        when(full, "s3:HeadBucket", region(asker, &name)),
        when(full, "s3:GetBucketPolicy", policy(asker, &name)),
        when(full, "s3:GetBucketPolicyStatus", is_public(asker, &name)),
        when(full, "s3:GetPublicAccessBlock", block(asker, &name)),
        when(full, "s3:GetBucketAcl", acl(asker, &name)),
        when(full, "s3:GetBucketVersioning", versioning(asker, &name)),
    );
    let (lifecycle, logging, ownership, object_lock, tags) = tokio::join!(
        when(full, "s3:GetBucketLifecycleConfiguration", lifecycle(asker, &name)),
        when(full, "s3:GetBucketLogging", logging(asker, &name)),
        when(full, "s3:GetBucketOwnershipControls", ownership(asker, &name)),
        when(full, "s3:GetObjectLockConfiguration", object_lock(asker, &name)),
        when(full, "s3:GetBucketTagging", tags(asker, &name)),
    );
    let (policy, policy_text) = match policy {
        Fact::Known(text) => (document(asker, &text).into(), text.unwrap_or_default()),
        Fact::NotAvailable(missing) => (Fact::NotAvailable(missing), String::new()),
    };
    Bucket {
        exists: exists(&region, &encryption),
        owned: Fact::NotAvailable(Missing::not_asked("s3:ListBuckets")),
        region,
        policy,
        policy_text,
        policy_is_public: is_public,
        encryption,
        public_access_block: block,
        acl,
        versioning,
        lifecycle,
        logging,
        ownership,
        object_lock,
        tags,
        name,
    }
}

/// Whether there is one: an answer about it says so, and so does one that there is none. Who is denied does not know.
fn exists(region: &Fact<String>, encryption: &Fact<Option<Encryption>>) -> Fact<bool> {
    let answers = [region.as_ref().map(drop), encryption.as_ref().map(drop)];
    if answers.iter().any(|answer| answer.known().is_some()) {
        return Fact::Known(true);
    }
    let [region, encryption] = answers;
    let is_none = |fact: &Fact<()>| {
        fact.missing()
            .is_some_and(|missing| missing.code == NO_BUCKET || (missing.code == "NotFound"))
    };
    match is_none(&region) || is_none(&encryption) {
        true => Fact::Known(false),
        false => encryption.map(|()| true),
    }
}

/// HEAD needs the right to list, GetBucketLocation one of its own.
async fn region(asker: &Asker, name: &str) -> Result<String, Missing> {
    let head = asker.s3(Method::HEAD, "HeadBucket", name, "").await;
    let said = head
        .as_ref()
        .map(|answer| answer.header("x-amz-bucket-region").to_owned());
    if let Ok(region) = &said
        && !region.is_empty()
    {
        return Ok(region.clone());
    }
    match asker.s3(Method::GET, "GetBucketLocation", name, "location=").await {
        Ok(answer) => {
            let text = answer.text();
            let named = text
                .split_once("</LocationConstraint>")
                .map_or("", |(before, _)| before);
            Ok(match named.rsplit('>').next().unwrap_or_default() {
                "" => "us-east-1".to_owned(),
                "EU" => "eu-west-1".to_owned(),
                region => region.to_owned(),
            })
        }
        Err(missing) => Err(head.err().unwrap_or(missing)),
    }
}

async fn policy(asker: &Asker, name: &str) -> Result<Option<String>, Missing> {
    let answer = asker.s3(Method::GET, "GetBucketPolicy", name, "policy=").await;
    absent(answer.map(|answer| answer.text()), &[NO_POLICY])
}

fn document(asker: &Asker, text: &Option<String>) -> Result<Option<Value>, Missing> {
    let parsed = text.as_deref().map(serde_json::from_str).transpose();
    parsed.map_err(|fault| {
        let odd = Error::Unreadable {
            operation: "GetBucketPolicy".to_owned(),
            reason: fault.to_string(),
        };
        Missing::of("s3:GetBucketPolicy", asker.region(), &odd)
    })
}

async fn is_public(asker: &Asker, name: &str) -> Result<Option<bool>, Missing> {
    let status = asker
        .setting::<xml::PolicyStatus>("GetBucketPolicyStatus", name, "policyStatus")
        .await;
    absent(status.map(|status| status.is_public), &[NO_POLICY])
}

async fn encryption(asker: &Asker, name: &str) -> Fact<Option<Encryption>> {
    let found = asker
        .setting::<xml::Encryption>("GetBucketEncryption", name, "encryption")
        .await;
    absent(found, &[NO_ENCRYPTION])
        .map(|found| found.and_then(xml::Encryption::known))
        .into()
}

async fn block(asker: &Asker, name: &str) -> Result<Option<crate::survey::PublicAccessBlock>, Missing> {
    let found = asker
        .setting::<xml::PublicAccessBlock>("GetPublicAccessBlock", name, "publicAccessBlock")
        .await;
    absent(found.map(xml::PublicAccessBlock::known), &[NO_BLOCK])
}

async fn acl(asker: &Asker, name: &str) -> Result<crate::survey::Acl, Missing> {
    let found = asker.setting::<xml::AccessControl>("GetBucketAcl", name, "acl").await;
    found.map(xml::AccessControl::known)
}

async fn versioning(asker: &Asker, name: &str) -> Result<crate::survey::Versioning, Missing> {
    let found = asker
        .setting::<xml::Versioning>("GetBucketVersioning", name, "versioning")
        .await;
    found.map(xml::Versioning::known)
}

async fn lifecycle(asker: &Asker, name: &str) -> Result<Vec<crate::survey::LifecycleRule>, Missing> {
    let found = asker
        .setting::<xml::Lifecycle>("GetBucketLifecycleConfiguration", name, "lifecycle")
        .await;
    let rules = absent(found.map(xml::Lifecycle::known), &[NO_LIFECYCLE])?;
    Ok(rules.unwrap_or_default())
}

async fn logging(asker: &Asker, name: &str) -> Result<Option<crate::survey::Logging>, Missing> {
    let found = asker.setting::<xml::Logging>("GetBucketLogging", name, "logging").await;
    found.map(xml::Logging::known)
}

async fn ownership(asker: &Asker, name: &str) -> Result<Option<String>, Missing> {
    let found = asker
        .setting::<xml::Ownership>("GetBucketOwnershipControls", name, "ownershipControls")
        .await;
    Ok(absent(found, &[NO_OWNERSHIP])?.and_then(xml::Ownership::known))
}

async fn object_lock(asker: &Asker, name: &str) -> Result<Option<crate::survey::ObjectLock>, Missing> {
    let found = asker
        .setting::<xml::ObjectLock>("GetObjectLockConfiguration", name, "object-lock")
        .await;
    Ok(absent(found, &[NO_LOCK])?.and_then(xml::ObjectLock::known))
}

async fn tags(asker: &Asker, name: &str) -> Result<std::collections::BTreeMap<String, String>, Missing> {
    let found = asker.setting::<xml::Tagging>("GetBucketTagging", name, "tagging").await;
    Ok(absent(found.map(xml::Tagging::known), &[NO_TAGS])?.unwrap_or_default())
}
