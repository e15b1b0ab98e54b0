//! The key and bucket policies that the CloudTrail console writes, and those of a published CloudFormation template:
//! they work as they are, and no statement that they need can be left out.

use super::{
    tests::check,
    world::{A, B, Case, case, root, service, session, user},
};
use crate::{Principal, ResourceKind};

/// The six statements of the console's key policy.
const KEY_POLICY: [&str; 6] = [
    r#"{"Sid":"Enable IAM User Permissions","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111111111111:user/user_name","arn:aws:iam::111111111111:root"]},"Action":"kms:*","Resource":"*"}"#,
    r#"{"Sid":"Allow CloudTrail to encrypt logs","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"kms:GenerateDataKey*","Resource":"*","Condition":{"StringLike":{"kms:EncryptionContext:aws:cloudtrail:arn":"arn:aws:cloudtrail:*:111111111111:trail/*"}}}"#,
    r#"{"Sid":"Allow CloudTrail to describe key","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"kms:DescribeKey","Resource":"*"}"#,
    r#"{"Sid":"Allow principals in the account to decrypt log files","Effect":"Allow","Principal":{"AWS":"*"},"Action":["kms:Decrypt","kms:ReEncryptFrom"],"Resource":"*","Condition":{"StringEquals":{"kms:CallerAccount":"111111111111"},"StringLike":{"kms:EncryptionContext:aws:cloudtrail:arn":"arn:aws:cloudtrail:*:111111111111:trail/*"}}}"#,
    r#"{"Sid":"Allow alias creation during setup","Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:CreateAlias","Resource":"*","Condition":{"StringEquals":{"kms:ViaService":"ec2.ap-northeast-1.amazonaws.com","kms:CallerAccount":"111111111111"}}}"#,
    r#"{"Sid":"Enable cross account log decryption","Effect":"Allow","Principal":{"AWS":"*"},"Action":["kms:Decrypt","kms:ReEncryptFrom"],"Resource":"*","Condition":{"StringEquals":{"kms:CallerAccount":"111111111111"},"StringLike":{"kms:EncryptionContext:aws:cloudtrail:arn":"arn:aws:cloudtrail:*:111111111111:trail/*"}}}"#,
];

/// The two statements of the console's bucket policy.
const BUCKET_POLICY: [&str; 2] = [
    r#"{"Sid":"AWSCloudTrailAclCheck20150319","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:GetBucketAcl","Resource":"arn:aws:s3:::cloudtrail-logs-all"}"#,
    r#"{"Sid":"AWSCloudTrailWrite20150319","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::cloudtrail-logs-all/AWSLogs/111111111111/*","Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}}"#,
];

/// The template's key policy, its references resolved.
const TEMPLATE_KEY_POLICY: [&str; 2] = [
    r#"{"Sid":"Enable IAM User Permissions","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"kms:*","Resource":"*"}"#,
    r#"{"Sid":"Allow use of the key","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":["kms:Encrypt","kms:GenerateDataKey*","kms:DescribeKey"],"Resource":"arn:aws:kms:us-east-1:111111111111:key/*","Condition":{"StringEquals":{"aws:SourceArn":"arn:aws:cloudtrail:us-east-1:111111111111:trail/CloudTrail"}}}"#,
];

const TRAIL: &str = "arn:aws:cloudtrail:ap-northeast-1:111111111111:trail/T";
const CONTEXT: &str = "kms:EncryptionContext:aws:cloudtrail:arn";
const ALLOW_KMS: &str = r#"{"Effect":"Allow","Action":"kms:*","Resource":"*"}"#;
const NO_RESOURCE: &str = "because no resource-based policy allows the action";
const NO_IDENTITY: &str = "because no identity-based policy allows the action";

fn trail() -> Principal {
    service("cloudtrail.amazonaws.com")
}

fn key(who: Principal, action: &'static str) -> Case {
    let account = who.account();
    let mut case = case(ResourceKind::KmsKey, who, action);
    if let Some(account) = account {
        case = case.with("kms:CallerAccount", account.as_str());
    }
    case
}

/// Under the statements without those at these places.
fn without(statements: &[&str], left_out: &[usize], mut case: Case) -> Case {
    let kept = statements
        .iter()
        .enumerate()
        .filter(|(at, _)| !left_out.contains(at))
        .map(|(_, statement)| (*statement).to_owned());
    case.resource_policy = Some(kept.collect());
    case
}

#[test]
fn the_consoles_key_policy() {
    let with = |left_out: &[usize], case: Case| without(&KEY_POLICY, left_out, case);
    let generate = |trail_arn: &str| key(trail(), "kms:GenerateDataKey").with(CONTEXT, trail_arn);
    check(with(&[], generate(TRAIL)), "Resource 0.1");
    check(with(&[1], generate(TRAIL)), NO_RESOURCE);
    check(
        with(&[], generate("arn:aws:cloudtrail:ap-northeast-1:222222222222:trail/T")),
        NO_RESOURCE,
    );
    check(with(&[], key(trail(), "kms:GenerateDataKey")), NO_RESOURCE);
    check(
        with(
            &[],
            key(trail(), "kms:GenerateDataKeyWithoutPlaintext").with(CONTEXT, TRAIL),
        ),
        "Resource 0.1",
    );
    check(with(&[], key(trail(), "kms:DescribeKey")), "Resource 0.2");
    check(with(&[2], key(trail(), "kms:DescribeKey")), NO_RESOURCE);
    check(with(&[], key(trail(), "kms:Decrypt").with(CONTEXT, TRAIL)), NO_RESOURCE);

    let read = |who| key(who, "kms:Decrypt").with(CONTEXT, TRAIL);
    check(with(&[], read(user(A, "anyone"))), "Resource 0.3");
    check(with(&[3], read(user(A, "anyone"))), "Resource 0.4");
    check(with(&[3, 5], read(user(A, "anyone"))), NO_IDENTITY);
    check(with(&[], read(session(A))), "Resource 0.3");
    check(with(&[], read(user(B, "anyone"))), NO_RESOURCE);
    check(with(&[], key(user(A, "anyone"), "kms:Decrypt")), NO_IDENTITY);
    check(
        with(&[], key(user(A, "anyone"), "kms:ReEncryptFrom").with(CONTEXT, TRAIL)),
        "Resource 0.3",
    );

    let alias = |via| key(user(A, "anyone"), "kms:CreateAlias").with("kms:ViaService", via);
    check(with(&[], alias("ec2.ap-northeast-1.amazonaws.com")), "Resource 0.4");
    check(with(&[4], alias("ec2.ap-northeast-1.amazonaws.com")), NO_IDENTITY);
    check(with(&[], alias("ec2.us-east-1.amazonaws.com")), NO_IDENTITY);

    check(with(&[], key(user(A, "user_name"), "kms:PutKeyPolicy")), "Resource 0.0");
    check(with(&[], key(root(A), "kms:PutKeyPolicy")), "Resource 0.0");
    check(with(&[0], key(root(A), "kms:PutKeyPolicy")), NO_RESOURCE);
    let mut delegated = key(user(A, "anyone"), "kms:DisableKey");
    delegated.identity.push(vec![ALLOW_KMS.into()]);
    check(with(&[], delegated.clone()), "Identity 0.0");
    check(with(&[0], delegated), NO_RESOURCE);
}

#[test]
fn the_consoles_bucket_policy() {
    let with = |left_out: &[usize], case: Case| without(&BUCKET_POLICY, left_out, case);
    let on = |action, resource: &str| {
        let mut case = case(ResourceKind::Bucket, trail(), action);
        case.resource = resource.into();
        case
    };
    let acl = || on("s3:GetBucketAcl", "arn:aws:s3:::cloudtrail-logs-all");
    let put = |resource: &str| on("s3:PutObject", resource);
    let full = |case: Case| case.with("s3:x-amz-acl", "bucket-owner-full-control");
    const FILE: &str = "arn:aws:s3:::cloudtrail-logs-all/AWSLogs/111111111111/CloudTrail/f.json.gz";
    check(with(&[], acl()), "Resource 0.0");
    check(with(&[0], acl()), NO_RESOURCE);
    check(with(&[], full(put(FILE))), "Resource 0.1");
    check(with(&[1], full(put(FILE))), NO_RESOURCE);
    check(with(&[], put(FILE)), NO_RESOURCE);
    check(with(&[], put(FILE).with("s3:x-amz-acl", "private")), NO_RESOURCE);
    check(with(&[], full(put(&FILE.replace(A, B)))), NO_RESOURCE);
    let mut logs = full(put(FILE));
    logs.who = service("logs.amazonaws.com");
    check(with(&[], logs), NO_RESOURCE);
}

#[test]
fn the_templates_key_policy() {
    const SOURCE: &str = "arn:aws:cloudtrail:us-east-1:111111111111:trail/CloudTrail";
    let with = |left_out: &[usize], case: Case| without(&TEMPLATE_KEY_POLICY, left_out, case);
    for action in ["kms:GenerateDataKey", "kms:DescribeKey", "kms:Encrypt"] {
        check(
            with(&[], key(trail(), action).with("aws:SourceArn", SOURCE)),
            "Resource 0.1",
        );
        check(
            with(&[1], key(trail(), action).with("aws:SourceArn", SOURCE)),
            NO_RESOURCE,
        );
        check(
            with(&[], key(trail(), action).with("aws:SourceArn", TRAIL)),
            NO_RESOURCE,
        );
        check(with(&[], key(trail(), action)), NO_RESOURCE);
    }
    check(with(&[], key(root(A), "kms:Decrypt")), "Resource 0.0");
    check(with(&[], key(user(A, "u"), "kms:Decrypt")), NO_IDENTITY);
}
