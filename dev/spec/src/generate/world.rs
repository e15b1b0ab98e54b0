//! What is asked: actions, resources and condition keys.

use crate::{
    case::{Caller, Kind},
    choices::Choices,
};
use std::collections::BTreeMap;

/// The type of a condition key's values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Type {
    Arn,
    Binary,
    Bool,
    Date,
    Ip,
    Number,
    #[default]
    Text,
}

/// A condition key, and values that it takes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) kind: Type,
    /// Whether a request may have several values of it.
    pub(super) many: bool,
    pub(super) values: &'static [&'static str],
}

const fn key(name: &'static str, kind: Type, values: &'static [&'static str]) -> Key {
    Key {
        name,
        kind,
        many: false,
        values,
    }
}

const fn many(name: &'static str, kind: Type, values: &'static [&'static str]) -> Key {
    Key {
        name,
        kind,
        many: true,
        values,
    }
}

const TRAILS: &[&str] = &[
    "arn:aws:cloudtrail:us-east-1:111111111111:trail/t1",
    "arn:aws:cloudtrail:eu-west-1:111111111111:trail/t2",
    "arn:aws:cloudtrail:us-east-1:222222222222:trail/t1",
    "arn:aws:sns:us-east-1:111111111111:topic:sub",
];
const PRINCIPALS: &[&str] = &[
    "arn:aws:iam::111111111111:user/alice",
    "arn:aws:iam::111111111111:role/dev",
    "arn:aws:iam::111111111111:role/team/ops",
    "arn:aws:iam::222222222222:role/ext",
    "arn:aws:iam::111111111111:root",
];
const NUMBERS: &[&str] = &["0", "5", "10", "10.0", "9.5", "-3", "1000"];
const DATES: &[&str] = &[
    "2024-01-01T00:00:00Z",
    "2024-02-29T12:30:00Z",
    "2024-01-01T02:00:00+02:00",
    "2023-12-31T23:59:59.500Z",
    "2024-01-01",
    "1704067200",
];
const ADDRESSES: &[&str] = &["203.0.113.9", "203.0.114.9", "10.1.2.3", "2001:db8::1", "2001:db8:1::1"];
const TRUTH: &[&str] = &["true", "false", "True"];
const TEAMS: &[&str] = &["red", "blue", "Red", "logs"];
const TAGS: &[&str] = &["env", "cost", "Env", "team"];

/// The keys that follow from the caller; a context does not set them.
pub(super) const CALLER_KEYS: [Key; 7] = [
    key("aws:PrincipalArn", Type::Arn, PRINCIPALS),
    key("aws:PrincipalAccount", Type::Text, &super::people::ACCOUNTS),
    key(
        "aws:PrincipalType",
        Type::Text,
        &["User", "AssumedRole", "Account", "Anonymous"],
    ),
    key("aws:PrincipalIsAWSService", Type::Bool, TRUTH),
    key("aws:PrincipalServiceName", Type::Text, &super::people::SERVICES),
    key(
        "aws:userid",
        Type::Text,
        &["AIDAAAAAAAAAAAAAAAAAA", "AROAAAAAAAAAAAAAAAAAA:s1", "anonymous"],
    ),
    key("aws:username", Type::Text, &["alice", "bob", "carol"]),
];

/// The keys that a context may set.
pub(super) const KEYS: [Key; 18] = [
    key("aws:CurrentTime", Type::Date, DATES),
    key("aws:EpochTime", Type::Date, &["1704067200", "1709209800", "0"]),
    key("aws:EpochTime", Type::Number, &["1704067200", "1709209800", "0"]),
    key("aws:MultiFactorAuthAge", Type::Number, NUMBERS),
    key("aws:MultiFactorAuthPresent", Type::Bool, TRUTH),
    key("aws:PrincipalOrgID", Type::Text, &["o-one", "o-two"]),
    key("aws:PrincipalTag/team", Type::Text, TEAMS),
    key("aws:SecureTransport", Type::Bool, TRUTH),
    key("aws:SourceArn", Type::Arn, TRAILS),
    key("aws:SourceIp", Type::Ip, ADDRESSES),
    key("kms:CallerAccount", Type::Text, &super::people::ACCOUNTS),
    key("kms:EncryptionContext:aws:cloudtrail:arn", Type::Arn, TRAILS),
    key(
        "kms:RecipientAttestation:ImageSha384",
        Type::Binary,
        &["QUJD", "QUI=", "QQ=="],
    ),
    key("s3:max-keys", Type::Number, NUMBERS),
    key("s3:prefix", Type::Text, &["home/alice/", "home/", "AWSLogs", ""]),
    many(
        "aws:CalledVia",
        Type::Text,
        &["cloudtrail.amazonaws.com", "s3.amazonaws.com"],
    ),
    many("aws:TagKeys", Type::Text, TAGS),
    many("kms:SourceArns", Type::Arn, TRAILS),
];

const BUCKET_ACTIONS: &[&str] = &[
    "s3:GetObject",
    "s3:PutObject",
    "s3:GetBucketAcl",
    "s3:PutBucketPolicy",
    "s3:ListBucket",
];
const BUCKETS: &[&str] = &[
    "arn:aws:s3:::logs",
    "arn:aws:s3:::logs/AWSLogs/111111111111/x.json.gz",
    "arn:aws:s3:::logs/home/alice/f",
    "arn:aws:s3:::data/red/a",
];
const KEY_ACTIONS: &[&str] = &["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:DescribeKey"];
const ROLE_ACTIONS: &[&str] = &["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"];
const OTHER_ACTIONS: &[&str] = &[
    "cloudtrail:CreateTrail",
    "cloudtrail:StopLogging",
    "iam:CreateUser",
    "s3:ListAllMyBuckets",
];

/// The actions that are asked of such a resource.
pub(super) fn actions(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Bucket => BUCKET_ACTIONS,
        Kind::Key => KEY_ACTIONS,
        Kind::Other => OTHER_ACTIONS,
        Kind::Role => ROLE_ACTIONS,
    }
}

/// The resources of this kind in an account.
pub(super) fn resources(kind: Kind, owner: &str) -> Vec<String> {
    match kind {
        Kind::Bucket => BUCKETS.iter().map(|text| (*text).to_owned()).collect(),
        Kind::Key => ["k1", "k2"]
            .map(|id| format!("arn:aws:kms:us-east-1:{owner}:key/{id}"))
            .to_vec(),
        Kind::Other => {
            let mut all = ["t1", "t2"]
                .map(|name| format!("arn:aws:cloudtrail:us-east-1:{owner}:trail/{name}"))
                .to_vec();
            all.push("*".to_owned());
            all
        }
        Kind::Role => ["role/dev", "role/team/ops"]
            .map(|name| format!("arn:aws:iam::{owner}:{name}"))
            .to_vec(),
    }
}

/// Some of the keys with some of their values.
pub(super) fn context(choices: &mut Choices<'_>) -> BTreeMap<String, Vec<String>> {
    let mut context = BTreeMap::new();
    for key in KEYS {
        if !choices.chance(50) {
            continue;
        }
        let count = if key.many { 1 + choices.below(3) } else { 1 };
        let mut values: Vec<String> = (0..count).map(|_| choices.one(key.values).to_owned()).collect();
        values.sort();
        values.dedup();
        context.insert(key.name.to_owned(), values);
    }
    context
}

/// What a caller's own key has for a value, to aim at.
pub(super) fn caller_value(name: &str, caller: &Caller) -> Option<String> {
    match (name, caller) {
        ("aws:PrincipalArn", Caller::Root { account }) => Some(format!("arn:aws:iam::{account}:root")),
        ("aws:PrincipalArn", Caller::Session { role, .. }) => Some(role.clone()),
        ("aws:PrincipalArn", Caller::User { arn, .. }) => Some(arn.clone()),
        ("aws:PrincipalAccount", caller) => caller.account().map(str::to_owned),
        ("aws:PrincipalServiceName", Caller::Service { name }) => Some(name.clone()),
        ("aws:username", Caller::User { name, .. }) => Some(name.clone()),
        _ => None,
    }
}
