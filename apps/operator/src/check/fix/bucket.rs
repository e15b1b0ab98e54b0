//! Fixes of buckets.

use super::{Bench, Planned, shown, step};
use crate::{
    change::{Call, Step},
    message,
    survey::{Bucket, Encryption, Fact, Logging, PublicAccessBlock},
};
use serde_json::{Value, json};

impl Bench<'_> {
    fn bucket(&self, arn: &str) -> Result<Bucket, Option<crate::message::Message>> {
        let name = arn.rsplit(':').next().unwrap_or_default();
        self.survey.buckets.get(name).cloned().ok_or(None)
    }

    fn put(&mut self, bucket: Bucket) {
        self.survey.buckets.insert(bucket.name.clone(), bucket);
    }

    /// Where calls on a bucket are made.
    fn region_of(&self, bucket: &Bucket) -> String {
        let of_trail = || {
            let trail = self.survey.trails.iter().find(|trail| trail.bucket == bucket.name);
            trail.map(|trail| trail.home_region.clone()).unwrap_or_default()
        };
        bucket.region.known().cloned().unwrap_or_else(of_trail)
    }

    pub(super) fn block_public_access(&mut self, arn: &str) -> Planned {
        let mut bucket = self.bucket(arn)?;
        let Fact::Known(before) = bucket.public_access_block else {
            return Err(None);
        };
        let (name, region) = (&bucket.name, self.region_of(&bucket));
        let block = |block: PublicAccessBlock| {
            json!({
                "BlockPublicAcls": block.block_public_acls,
                "IgnorePublicAcls": block.ignore_public_acls,
                "BlockPublicPolicy": block.block_public_policy,
                "RestrictPublicBuckets": block.restrict_public_buckets,
            })
        };
        let whole = PublicAccessBlock {
            block_public_acls: true,
            ignore_public_acls: true,
            block_public_policy: true,
            restrict_public_buckets: true,
        };
        let put = |value: Value| {
            let input = json!({ "Bucket": name, "PublicAccessBlockConfiguration": value });
            Call::new("s3", "PutPublicAccessBlock", &region, input)
        };
        let undo = match before {
            Some(before) => put(block(before)),
            None => Call::new("s3", "DeletePublicAccessBlock", &region, json!({ "Bucket": name })),
        };
        let title = message!(
            "Block all public access to the bucket {name}.",
            "バケット {name} のパブリックアクセスをすべてブロックします。"
        );
        let what = message!(
            "The public access block of the bucket {name}",
            "バケット {name} のパブリックアクセスブロック"
        );
        let shown = shown(what, before.map(block).as_ref(), &block(whole));
        let planned = step(title, put(block(whole)), shown, vec![undo]);
        bucket.public_access_block = Fact::Known(Some(whole));
        self.put(bucket);
        Ok(vec![planned])
    }

    pub(super) fn access_logging(&mut self, arn: &str) -> Planned {
        let mut bucket = self.bucket(arn)?;
        let name = bucket.name.clone();
        let Some(target) = self.options.access_log_bucket.clone() else {
            return Err(Some(message!(
                "Name the bucket of the access logs with --access-log-bucket; its policy has to let logging.s3.amazonaws.com put objects.",
                "--access-log-bucket でアクセスログのバケットを指定してください。そのポリシーが logging.s3.amazonaws.com の書き込みを許可している必要があります。"
            )));
        };
        let region = self.region_of(&bucket);
        let prefix = format!("{name}/");
        let enabled = json!({ "LoggingEnabled": { "TargetBucket": target, "TargetPrefix": prefix } });
        let put = |status: Value| {
            Call::new(
                "s3",
                "PutBucketLogging",
                &region,
                json!({ "Bucket": name, "BucketLoggingStatus": status }),
            )
        };
        let title = message!(
            "Log accesses to the bucket {name} to {target}.",
            "バケット {name} のアクセスログを {target} に記録します。"
        );
        let what = message!(
            "The access logging of the bucket {name}",
            "バケット {name} のアクセスログ"
        );
        let planned = step(
            title,
            put(enabled.clone()),
            shown(what, None, &enabled),
            vec![put(json!({}))],
        );
        bucket.logging = Fact::Known(Some(Logging { bucket: target, prefix }));
        self.put(bucket);
        Ok(vec![planned])
    }

    /// A default encryption: by the key of the trail, or that of the options, when it has to be one of KMS.
    pub(super) fn default_encryption(&mut self, arn: &str, kms: bool) -> Planned {
        let mut bucket = self.bucket(arn)?;
        let Fact::Known(before) = bucket.encryption.clone() else {
            return Err(None);
        };
        if before.as_ref().is_some_and(|found| !kms || found.is_kms()) {
            return Ok(Vec::new());
        }
        let of_trail = self.survey.trails.iter().filter(|trail| trail.bucket == bucket.name);
        let of_trail = of_trail.filter_map(|trail| trail.kms_key.clone()).next();
        let after = match kms {
            true => Encryption {
                algorithm: "aws:kms".to_owned(),
                key: self.options.key.clone().or(of_trail),
                bucket_key: before.as_ref().is_some_and(|found| found.bucket_key),
            },
            false => Encryption {
                algorithm: "AES256".to_owned(),
                key: None,
                bucket_key: false,
            },
        };
        let (name, region) = (&bucket.name, self.region_of(&bucket));
        let put = |encryption: &Encryption| {
            let input = json!({ "Bucket": name, "ServerSideEncryptionConfiguration": configuration(encryption) });
            Call::new("s3", "PutBucketEncryption", &region, input)
        };
        let undo = match &before {
            Some(before) => put(before),
            None => Call::new("s3", "DeleteBucketEncryption", &region, json!({ "Bucket": name })),
        };
        let algorithm = &after.algorithm;
        let title = message!(
            "Set the default encryption of the bucket {name} to {algorithm}.",
            "バケット {name} のデフォルト暗号化を {algorithm} にします。"
        );
        let what = message!(
            "The default encryption of the bucket {name}",
            "バケット {name} のデフォルト暗号化"
        );
        let shown = shown(
            what,
            before.as_ref().map(configuration).as_ref(),
            &configuration(&after),
        );
        let planned = step(title, put(&after), shown, vec![undo]);
        bucket.encryption = Fact::Known(Some(after));
        self.put(bucket);
        Ok(vec![planned])
    }

    pub(super) fn tls_only(&mut self, arn: &str) -> Planned {
        let bucket = self.bucket(arn)?;
        if self.options.without_tls {
            return Err(Some(message!(
                "S3 is called without TLS here: the statement would lock this caller out as well. Call it by https.",
                "ここでは S3 を TLS なしで呼び出しているため、このステートメントは呼び出し元自身も締め出します。https で呼び出してください。"
            )));
        }
        let statement = json!({
            "Sid": "DenyCallsWithoutTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, format!("{arn}/*")],
            "Condition": { "Bool": { "aws:SecureTransport": "false" } },
        });
        let name = &bucket.name;
        let title = message!(
            "Deny calls without TLS in the policy of the bucket {name}.",
            "バケット {name} のポリシーで TLS なしの呼び出しを拒否します。"
        );
        let Fact::Known(before) = &bucket.policy else {
            return Err(None);
        };
        let after = with_statements(before.as_ref(), vec![statement]);
        self.put_bucket_policy(bucket.clone(), after, title)
            .map(|step| vec![step])
    }

    /// Gives a bucket another policy.
    pub(super) fn put_bucket_policy(
        &mut self,
        mut bucket: Bucket,
        after: Value,
        title: crate::message::Message,
    ) -> Result<Step, Option<crate::message::Message>> {
        let Fact::Known(before) = bucket.policy.clone() else {
            return Err(None);
        };
        let (name, region) = (bucket.name.clone(), self.region_of(&bucket));
        let put = |policy: &Value| {
            let input = json!({ "Bucket": name, "Policy": crate::text::policy_order(policy) });
            Call::new("s3", "PutBucketPolicy", &region, input)
        };
        let undo = match (&before, bucket.policy_text.as_str()) {
            (None, _) => Call::new("s3", "DeleteBucketPolicy", &region, json!({ "Bucket": name })),
            (Some(before), "") => put(before),
            (Some(_), text) => Call::new(
                "s3",
                "PutBucketPolicy",
                &region,
                json!({ "Bucket": name, "Policy": text }),
            ),
        };
        let what = message!("The policy of the bucket {name}", "バケット {name} のポリシー");
        let planned = step(title, put(&after), shown(what, before.as_ref(), &after), vec![undo]);
        bucket.policy_text = after.to_string();
        bucket.policy = Fact::Known(Some(after));
        self.put(bucket);
        Ok(planned)
    }
}

/// A policy with more statements at its end; a policy of them alone when there was none.
fn with_statements(policy: Option<&Value>, statements: Vec<Value>) -> Value {
    let mut policy = policy
        .cloned()
        .unwrap_or_else(|| json!({ "Version": "2012-10-17", "Statement": [] }));
    let mut all: Vec<Value> = super::super::outsiders::statements(&policy).cloned().collect();
    all.extend(statements);
    policy["Statement"] = all.into();
    policy
}

fn configuration(encryption: &Encryption) -> Value {
    let mut default = json!({ "SSEAlgorithm": encryption.algorithm });
    if let Some(key) = &encryption.key {
        default["KMSMasterKeyID"] = key.as_str().into();
    }
    json!({ "Rules": [{
        "ApplyServerSideEncryptionByDefault": default,
        "BucketKeyEnabled": encryption.bucket_key,
    }] })
}
