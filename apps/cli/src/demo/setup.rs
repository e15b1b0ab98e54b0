//! The stage: a key, two users, two buckets, and a trail, with the policies that AWS's console would write.

use super::print::Printer;
use crate::client::{self, Client, elements};
use anyhow::{Context, Result};
use base::Secret;
use http::Method;
use serde_json::{Value, json};
use wire::ServiceName;

/// Everything the story plays with.
pub(super) struct Stage {
    pub(super) root: Client,
    /// May use the documents and the key.
    pub(super) alice: Client,
    /// May read the documents, but not use the key.
    pub(super) bob: Client,
    pub(super) account: String,
    pub(super) key_arn: String,
    pub(super) logs_bucket: String,
    pub(super) documents_bucket: String,
    pub(super) trail: String,
    pub(super) trail_arn: String,
}

/// The names of what is made; a data directory that is used again gets new ones.
struct Names {
    suffix: String,
    account: String,
}

impl Names {
    fn of(&self, name: &str) -> String {
        format!("{name}{}", self.suffix)
    }

    fn user_arn(&self, name: &str) -> String {
        format!("arn:aws:iam::{}:user/{}", self.account, self.of(name))
    }
}

pub(super) async fn set_up(print: &Printer, root: &Client) -> Result<Stage> {
    print.chapter("A key, a bucket and a trail, with the policies that belong to them");
    let names = names(root).await?;
    let (logs_bucket, documents_bucket) = (names.of("demo-audit-logs"), names.of("demo-documents"));
    let alice = user(root, &names.of("alice"), &allow(&["s3:*"], &documents_bucket)).await?;
    let bob = user(
        root,
        &names.of("bob"),
        &allow(&["s3:GetObject", "s3:ListBucket"], &documents_bucket),
    )
    .await?;
    print.line(
        "IAM",
        format!(
            "users {} and {}, each with an access key and a policy",
            names.of("alice"),
            names.of("bob")
        ),
    );

    let key_arn = key(root, &names).await?;
    print.line("KMS", format!("{key_arn}, as {}", alias(&names)));
    bucket(root, &logs_bucket, &key_arn).await?;
    let policy = logs_policy(&logs_bucket, &names.account).to_string();
    root.s3(Method::PUT, &logs_bucket, "", "policy", &[], policy).await?;
    bucket(root, &documents_bucket, &key_arn).await?;
    print.line(
        "S3",
        format!("buckets {logs_bucket} and {documents_bucket}, sealed under the key by default"),
    );

    let trail = names.of("demo");
    let trail_arn = start_trail(root, &trail, &logs_bucket, &documents_bucket, &key_arn).await?;
    print.line(
        "CloudTrail",
        format!("{trail_arn}, all Regions, signed digests, logging"),
    );
    let account = names.account;
    Ok(Stage {
        root: root.clone(),
        alice,
        bob,
        account,
        key_arn,
        logs_bucket,
        documents_bucket,
        trail,
        trail_arn,
    })
}

async fn names(root: &Client) -> Result<Names> {
    let identity = root.query(ServiceName::Sts, "GetCallerIdentity", &[]).await?;
    let account = elements(&identity, "Account")
        .into_iter()
        .next()
        .context("GetCallerIdentity names no account")?;
    let buckets = root.s3(Method::GET, "", "", "", &[], "").await?.text();
    let again = elements(&buckets, "Name").iter().any(|name| name == "demo-audit-logs");
    let suffix = if again {
        format!("-{}", base::Clock::system().now().as_secs())
    } else {
        String::new()
    };
    Ok(Names { suffix, account })
}

fn allow(actions: &[&str], bucket: &str) -> Value {
    let resources = [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")];
    policy(vec![
        json!({ "Effect": "Allow", "Action": actions, "Resource": resources }),
    ])
}

fn policy(statements: Vec<Value>) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

async fn user(root: &Client, name: &str, policy: &Value) -> Result<Client> {
    root.query(ServiceName::Iam, "CreateUser", &[("UserName", name)])
        .await?;
    let policy = policy.to_string();
    let input = [
        ("UserName", name),
        ("PolicyName", "documents"),
        ("PolicyDocument", policy.as_str()),
    ];
    root.query(ServiceName::Iam, "PutUserPolicy", &input).await?;
    let made = root
        .query(ServiceName::Iam, "CreateAccessKey", &[("UserName", name)])
        .await?;
    let first = |element| {
        elements(&made, element)
            .into_iter()
            .next()
            .context("CreateAccessKey gave no key")
    };
    Ok(root.with_credentials(client::key(
        &first("AccessKeyId")?,
        Secret::new(first("SecretAccessKey")?),
    )))
}

async fn key(root: &Client, names: &Names) -> Result<String> {
    let input = json!({ "Description": "Seals the audit trail", "Policy": key_policy(names).to_string() });
    let made = root.json(ServiceName::Kms, "CreateKey", &input).await?;
    let arn = made["KeyMetadata"]["Arn"]
        .as_str()
        .context("CreateKey names no key")?
        .to_owned();
    let input = json!({ "AliasName": alias(names), "TargetKeyId": arn });
    // CreateAlias answers without a body.
    root.json_without_answer(ServiceName::Kms, "CreateAlias", &input)
        .await?;
    Ok(arn)
}

fn alias(names: &Names) -> String {
    format!("alias/{}", names.of("demo-trail"))
}

/// The key policy that the console writes when it makes a trail with a key: the account and the user who made it may do
/// everything, CloudTrail may make data keys for trails and describe the key, and the account may read log files.
fn key_policy(names: &Names) -> Value {
    let account = &names.account;
    let trails = format!("arn:aws:cloudtrail:*:{account}:trail/*");
    let owners = [names.user_arn("alice"), format!("arn:aws:iam::{account}:root")];
    let service = json!({ "Service": "cloudtrail.amazonaws.com" });
    let context = json!({ "kms:EncryptionContext:aws:cloudtrail:arn": trails });
    let mut policy = policy(vec![
        json!({ "Sid": "Enable IAM User Permissions", "Effect": "Allow", "Principal": { "AWS": owners },
                "Action": "kms:*", "Resource": "*" }),
        json!({ "Sid": "Allow CloudTrail to encrypt logs", "Effect": "Allow", "Principal": service,
                "Action": "kms:GenerateDataKey*", "Resource": "*", "Condition": { "StringLike": context } }),
        json!({ "Sid": "Allow CloudTrail to describe key", "Effect": "Allow", "Principal": service,
                "Action": "kms:DescribeKey", "Resource": "*" }),
        json!({ "Sid": "Allow principals in the account to decrypt log files", "Effect": "Allow",
                "Principal": { "AWS": "*" }, "Action": ["kms:Decrypt", "kms:ReEncryptFrom"], "Resource": "*",
                "Condition": { "StringEquals": { "kms:CallerAccount": account }, "StringLike": context } }),
    ]);
    policy["Id"] = json!("Key policy created by CloudTrail");
    policy
}

/// The bucket policy that the console writes beside it.
fn logs_policy(bucket: &str, account: &str) -> Value {
    let service = json!({ "Service": "cloudtrail.amazonaws.com" });
    policy(vec![
        json!({ "Sid": "AWSCloudTrailAclCheck20150319", "Effect": "Allow", "Principal": service,
                "Action": "s3:GetBucketAcl", "Resource": format!("arn:aws:s3:::{bucket}") }),
        json!({ "Sid": "AWSCloudTrailWrite20150319", "Effect": "Allow", "Principal": service,
                "Action": "s3:PutObject", "Resource": format!("arn:aws:s3:::{bucket}/AWSLogs/{account}/*"),
                "Condition": { "StringEquals": { "s3:x-amz-acl": "bucket-owner-full-control" } } }),
    ])
}

async fn bucket(root: &Client, name: &str, key_arn: &str) -> Result<()> {
    root.s3(Method::PUT, name, "", "", &[], "").await?;
    let encryption = format!(
        "<ServerSideEncryptionConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Rule>\
         <ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>{key_arn}\
         </KMSMasterKeyID></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>"
    );
    root.s3(Method::PUT, name, "", "encryption", &[], encryption).await?;
    Ok(())
}

async fn start_trail(root: &Client, trail: &str, logs: &str, documents: &str, key_arn: &str) -> Result<String> {
    let call = async |operation, input: Value| root.json(ServiceName::CloudTrail, operation, &input).await;
    let made = call(
        "CreateTrail",
        json!({ "Name": trail, "S3BucketName": logs, "KmsKeyId": key_arn, "IsMultiRegionTrail": true,
                "EnableLogFileValidation": true }),
    )
    .await?;
    let documents = json!({ "Type": "AWS::S3::Object", "Values": [format!("arn:aws:s3:::{documents}/")] });
    let selector = json!({ "ReadWriteType": "All", "IncludeManagementEvents": true, "DataResources": [documents] });
    call(
        "PutEventSelectors",
        json!({ "TrailName": trail, "EventSelectors": [selector] }),
    )
    .await?;
    call("StartLogging", json!({ "Name": trail })).await?;
    Ok(made["TrailARN"]
        .as_str()
        .context("CreateTrail names no trail")?
        .to_owned())
}
