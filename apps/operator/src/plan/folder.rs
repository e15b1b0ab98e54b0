//! An account as files tell it: what the AWS CLI printed, and policies that are still to be put.
//!
//! `trails.json` is what `aws cloudtrail describe-trails` prints. `bucket-policy.BUCKET.json` and `key-policy.KEY.json` are policies,
//! `account-authorization-details.json` what `aws iam get-account-authorization-details` prints. All but the first may be left
//! out; what would be in them is then not known.

use super::Unusable;
use crate::{
    message,
    survey::{Attached, Bucket, Fact, Group, Key, ManagedPolicy, Missing, Principals, Role, Survey, Trail, User},
};
use serde_json::Value;
use std::collections::BTreeMap;

/// The files that a folder may have, beside policies.
const TRAILS: &str = "trails.json";
const PRINCIPALS: &str = "account-authorization-details.json";

/// The survey that documents make, by the names of their files. Names that mean nothing here are passed over.
///
/// # Errors
/// When there is no `trails.json`, or it names no trail.
pub fn survey_of(files: &BTreeMap<String, Value>) -> Result<Survey, Unusable> {
    let absent = || {
        Unusable(message!(
            "there is no {TRAILS} with a trail",
            "証跡を含む {TRAILS} がありません"
        ))
    };
    let listed = files
        .get(TRAILS)
        .and_then(|document| document["trailList"].as_array())
        .ok_or_else(absent)?;
    let trails: Vec<Trail> = listed.iter().filter_map(trail).collect();
    let first = trails.first().ok_or_else(absent)?;
    let account = first.account().to_owned();
    let partition = base::arn::split(&first.arn)
        .map_or("aws", |parts| parts.partition)
        .to_owned();
    let mut regions: Vec<String> = trails.iter().map(|trail| trail.home_region.clone()).collect();
    regions.sort();
    regions.dedup();
    let of_trails = |kind: &str, name: &str| files.get(&format!("{kind}.{name}.json")).cloned();
    let buckets = trails.iter().map(|trail| {
        (
            trail.bucket.clone(),
            bucket(&trail.bucket, of_trails("bucket-policy", &trail.bucket)),
        )
    });
    let keys = trails.iter().filter_map(|trail| trail.kms_key.as_ref());
    let keys = keys.map(|arn| {
        let id = arn.rsplit('/').next().unwrap_or(arn);
        (arn.clone(), key(arn, of_trails("key-policy", id)))
    });
    Ok(Survey {
        caller: format!("arn:{partition}:iam::{account}:root"),
        made_at: None,
        all_regions: unread("ec2:DescribeRegions"),
        by_region: BTreeMap::new(),
        buckets: buckets.collect(),
        keys: keys.collect(),
        log_groups: BTreeMap::new(),
        topics: BTreeMap::new(),
        principals: match files.get(PRINCIPALS) {
            Some(details) => Fact::Known(principals(details)),
            None => unread("iam:GetAccountAuthorizationDetails"),
        },
        account,
        partition,
        regions,
        trails,
    })
}

fn unread<T>(call: &str) -> Fact<T> {
    Fact::NotAvailable(Missing::not_asked(call))
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

fn some(value: &Value, name: &str) -> Option<String> {
    value[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn trail(given: &Value) -> Option<Trail> {
    let flag = |name: &str| given[name].as_bool().unwrap_or(false);
    Some(Trail {
        name: some(given, "Name")?,
        arn: some(given, "TrailARN")?,
        home_region: some(given, "HomeRegion")?,
        multi_region: flag("IsMultiRegionTrail"),
        organization: flag("IsOrganizationTrail"),
        global_events: flag("IncludeGlobalServiceEvents"),
        bucket: some(given, "S3BucketName")?,
        prefix: text(given, "S3KeyPrefix"),
        kms_key: some(given, "KmsKeyId"),
        validation: flag("LogFileValidationEnabled"),
        log_group: some(given, "CloudWatchLogsLogGroupArn"),
        log_role: some(given, "CloudWatchLogsRoleArn"),
        topic: some(given, "SnsTopicARN"),
        seen_in: vec![some(given, "HomeRegion")?],
        status: unread("cloudtrail:GetTrailStatus"),
        selectors: unread("cloudtrail:GetEventSelectors"),
        insights: unread("cloudtrail:GetInsightSelectors"),
        tags: unread("cloudtrail:ListTags"),
    })
}

/// A bucket of which nothing but its policy is known.
pub(crate) fn bucket(name: &str, policy: Option<Value>) -> Bucket {
    Bucket {
        name: name.to_owned(),
        exists: unread("s3:HeadBucket"),
        owned: unread("s3:ListBuckets"),
        region: unread("s3:GetBucketLocation"),
        policy_text: policy.as_ref().map_or_else(String::new, Value::to_string),
        policy_is_public: match &policy {
            Some(policy) => Fact::Known(Some(policy::is_public(policy))),
            None => unread("s3:GetBucketPolicyStatus"),
        },
        policy: policy.map_or_else(|| unread("s3:GetBucketPolicy"), |policy| Fact::Known(Some(policy))),
        encryption: unread("s3:GetBucketEncryption"),
        public_access_block: unread("s3:GetPublicAccessBlock"),
        acl: unread("s3:GetBucketAcl"),
        versioning: unread("s3:GetBucketVersioning"),
        lifecycle: unread("s3:GetBucketLifecycleConfiguration"),
        logging: unread("s3:GetBucketLogging"),
        ownership: unread("s3:GetBucketOwnershipControls"),
        object_lock: unread("s3:GetObjectLockConfiguration"),
        tags: unread("s3:GetBucketTagging"),
    }
}

/// A key of which nothing but its policy is known.
pub(crate) fn key(arn: &str, policy: Option<Value>) -> Key {
    Key {
        arn: arn.to_owned(),
        region: base::arn::split(arn).map_or("", |parts| parts.region).to_owned(),
        metadata: unread("kms:DescribeKey"),
        policy: policy.map_or_else(|| unread("kms:GetKeyPolicy"), Fact::Known),
        rotation: unread("kms:GetKeyRotationStatus"),
        aliases: unread("kms:ListAliases"),
        grants: unread("kms:ListGrants"),
        tags: unread("kms:ListResourceTags"),
    }
}

/// SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html>
fn principals(details: &Value) -> Principals {
    let list = |name: &str| details[name].as_array().into_iter().flatten();
    let groups = list("GroupDetailList").map(|group| Group {
        arn: text(group, "Arn"),
        name: text(group, "GroupName"),
        inline: Fact::Known(inline(&group["GroupPolicyList"])),
        attached: Fact::Known(attached(group)),
    });
    let users = list("UserDetailList").map(|user| User {
        arn: text(user, "Arn"),
        name: text(user, "UserName"),
        id: text(user, "UserId"),
        path: text(user, "Path"),
        groups: Fact::Known(
            user["GroupList"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
        ),
        inline: Fact::Known(inline(&user["UserPolicyList"])),
        attached: Fact::Known(attached(user)),
        boundary: Fact::Known(some(&user["PermissionsBoundary"], "PermissionsBoundaryArn")),
        tags: Fact::Known(tags(user)),
    });
    let roles = list("RoleDetailList").map(|role| Role {
        arn: text(role, "Arn"),
        name: text(role, "RoleName"),
        id: text(role, "RoleId"),
        path: text(role, "Path"),
        trust: role["AssumeRolePolicyDocument"].clone(),
        inline: Fact::Known(inline(&role["RolePolicyList"])),
        attached: Fact::Known(attached(role)),
        boundary: Fact::Known(some(&role["PermissionsBoundary"], "PermissionsBoundaryArn")),
        tags: Fact::Known(tags(role)),
    });
    let policies = list("Policies").filter_map(|policy| {
        let mut versions = policy["PolicyVersionList"].as_array()?.iter();
        let version = versions.find(|version| version["IsDefaultVersion"] == true)?;
        let known = ManagedPolicy {
            arn: text(policy, "Arn"),
            name: text(policy, "PolicyName"),
            document: version["Document"].clone(),
        };
        Some((known.arn.clone(), Fact::Known(known)))
    });
    Principals {
        users: users.collect(),
        roles: roles.collect(),
        groups: groups.collect(),
        policies: policies.collect(),
    }
}

fn inline(policies: &Value) -> BTreeMap<String, Value> {
    let policies = policies.as_array().into_iter().flatten();
    policies
        .map(|policy| (text(policy, "PolicyName"), policy["PolicyDocument"].clone()))
        .collect()
}

fn attached(holder: &Value) -> Vec<Attached> {
    let policies = holder["AttachedManagedPolicies"].as_array().into_iter().flatten();
    let one = |policy: &Value| Attached {
        name: text(policy, "PolicyName"),
        arn: text(policy, "PolicyArn"),
    };
    policies.map(one).collect()
}

fn tags(holder: &Value) -> BTreeMap<String, String> {
    let tags = holder["Tags"].as_array().into_iter().flatten();
    tags.map(|tag| (text(tag, "Key"), text(tag, "Value"))).collect()
}
