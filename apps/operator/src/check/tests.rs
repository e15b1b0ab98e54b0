//! Checks of an account made by hand: what fails alone, and what is never passed for want of knowledge.

use super::*;
use crate::change::Call;
use proptest::{prelude::*, test_runner::Config};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const TRAIL: &str = "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit";
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555";
const READER: &str = "arn:aws:iam::111122223333:user/reader";
const NOW: &str = "2026-01-02T12:00:00Z";

fn known(value: Value) -> Value {
    json!({ "known": value })
}

fn denied(call: &str) -> Value {
    json!({ "notAvailable": { "call": call, "region": "us-east-1", "code": "AccessDenied", "message": "" } })
}

fn bucket_policy() -> Value {
    let service = json!({ "Service": "cloudtrail.amazonaws.com" });
    json!({ "Version": "2012-10-17", "Statement": [
        { "Sid": "Look", "Effect": "Allow", "Principal": service, "Action": "s3:GetBucketAcl", "Resource": "arn:aws:s3:::logs" },
        { "Sid": "Write", "Effect": "Allow", "Principal": service, "Action": "s3:PutObject",
          "Resource": "arn:aws:s3:::logs/AWSLogs/111122223333/*",
          "Condition": { "StringEquals": { "s3:x-amz-acl": "bucket-owner-full-control" } } },
        { "Sid": "Tls", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
          "Resource": ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"],
          "Condition": { "Bool": { "aws:SecureTransport": "false" } } },
    ] })
}

fn key_policy() -> Value {
    json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::111122223333:root" }, "Action": "kms:*", "Resource": "*" },
        { "Effect": "Allow", "Principal": { "Service": "cloudtrail.amazonaws.com" },
          "Action": ["kms:GenerateDataKey*", "kms:DescribeKey"], "Resource": "*",
          "Condition": { "StringEquals": { "aws:SourceArn": TRAIL } } },
    ] })
}

fn principals() -> Value {
    let allow = |actions: Value| json!({ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": actions, "Resource": "*" } });
    let role = json!({
        "arn": "arn:aws:iam::111122223333:role/logs", "name": "logs", "id": "AROA11112222333344445", "path": "/",
        "trust": { "Version": "2012-10-17", "Statement": { "Effect": "Allow",
            "Principal": { "Service": "cloudtrail.amazonaws.com" }, "Action": "sts:AssumeRole" } },
        "inline": known(json!({ "logs": allow(json!(["logs:CreateLogStream", "logs:PutLogEvents"])) })),
        "attached": known(json!([])), "boundary": known(Value::Null), "tags": known(json!({})),
    });
    let reader = json!({
        "arn": READER, "name": "reader", "id": "AIDA11112222333344445", "path": "/", "groups": known(json!([])),
        "inline": known(json!({ "read": allow(json!(["s3:GetObject", "kms:Decrypt"])) })),
        "attached": known(json!([])), "boundary": known(Value::Null), "tags": known(json!({})),
    });
    json!({ "users": [reader], "roles": [role], "groups": [], "policies": {} })
}

fn bucket() -> Value {
    json!({
        "name": "logs", "exists": known(json!(true)), "owned": known(json!(true)), "region": known(json!("us-east-1")),
        "policy": known(bucket_policy()), "policyText": "", "policyIsPublic": known(json!(false)),
        "encryption": known(json!({ "algorithm": "aws:kms", "key": KEY, "bucketKey": false })),
        "publicAccessBlock": known(json!({
            "blockPublicAcls": true, "ignorePublicAcls": true, "blockPublicPolicy": true, "restrictPublicBuckets": true })),
        "acl": known(json!({ "owner": "own", "grants": [{ "grantee": "own", "permission": "FULL_CONTROL" }] })),
        "versioning": known(json!({ "status": "Enabled", "mfaDelete": false })), "lifecycle": known(json!([])),
        "logging": known(json!({ "bucket": "access", "prefix": "" })), "ownership": known(json!("ObjectWriter")),
        "objectLock": known(Value::Null), "tags": known(json!({})),
    })
}

fn trail() -> Value {
    json!({
        "name": "audit", "arn": TRAIL, "homeRegion": "us-east-1", "multiRegion": true, "organization": false,
        "globalEvents": true, "bucket": "logs", "prefix": "", "kmsKey": KEY, "validation": true,
        "logGroup": "arn:aws:logs:us-east-1:111122223333:log-group:trail:*",
        "logRole": "arn:aws:iam::111122223333:role/logs", "topic": null, "seenIn": ["us-east-1"],
        "status": known(json!({ "isLogging": true, "startLoggingTime": "2026-01-01T00:00:00Z",
            "latestDigestDeliveryTime": "2026-01-02T11:30:00Z" })),
        "selectors": known(json!({
            "basic": [{ "dataResources": [{ "type": "AWS::S3::Object", "values": ["arn:aws:s3"] }] }], "advanced": [],
            "raw": { "EventSelectors": [{ "ReadWriteType": "All", "IncludeManagementEvents": true,
                "DataResources": [{ "Type": "AWS::S3::Object", "Values": ["arn:aws:s3"] }] }] },
        })),
        "insights": known(json!([])), "tags": known(json!({ "owner": "audit" })),
    })
}

/// An account in which every control passes.
fn good() -> Value {
    let changes = [
        "CreateTrail",
        "UpdateTrail",
        "DeleteTrail",
        "StartLogging",
        "StopLogging",
    ];
    let pattern = changes.map(|name| format!("($.eventName = {name})")).join(" || ");
    let group = "arn:aws:logs:us-east-1:111122223333:log-group:trail";
    let topic = "arn:aws:sns:us-east-1:111122223333:alarms";
    json!({
        "account": "111122223333", "partition": "aws", "caller": "arn:aws:iam::111122223333:root", "madeAt": NOW,
        "regions": ["us-east-1"], "allRegions": known(json!(true)),
        "byRegion": { "us-east-1": {
            "trails": known(json!([TRAIL])),
            "configRecorders": known(json!([{ "name": "default", "allSupported": true, "globalResources": true,
                "role": "arn:aws:iam::111122223333:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig",
                "recording": true, "lastStatus": "SUCCESS" }])),
            "eventDataStores": known(json!([{ "arn": "arn:aws:cloudtrail:us-east-1:111122223333:eventdatastore/a", "name": "a",
                "status": "ENABLED", "kmsKey": KEY, "multiRegion": true, "organization": false,
                "terminationProtection": true, "retentionDays": 90 }])),
            "alarms": known(json!([{ "name": "changes", "namespace": "LogMetrics", "metric": "changes", "actionsEnabled": true,
                "actions": [topic] }])),
        } },
        "trails": [trail()], "buckets": { "logs": bucket() },
        "keys": { KEY: {
            "arn": KEY, "region": "us-east-1",
            "metadata": known(json!({ "state": "Enabled", "manager": "CUSTOMER", "spec": "SYMMETRIC_DEFAULT",
                "usage": "ENCRYPT_DECRYPT", "origin": "AWS_KMS", "description": "", "multiRegion": false, "primary": null,
                "replicas": [] })),
            "policy": known(key_policy()), "rotation": known(json!({ "enabled": true, "periodDays": 365 })),
            "aliases": known(json!([])), "grants": known(json!([])), "tags": known(json!({})),
        } },
        "logGroups": { group: { "arn": group, "name": "trail", "region": "us-east-1",
            "settings": known(json!({ "retentionDays": 90, "kmsKey": null })),
            "metricFilters": known(json!([{ "name": "changes", "pattern": format!("{{{pattern}}}"),
                "metrics": [["LogMetrics", "changes"]] }])) } },
        "topics": { topic: { "arn": topic, "region": "us-east-1", "settings": known(json!({ "policy": null, "kmsKey": null })),
            "subscriptions": known(json!([{ "arn": format!("{topic}:1"), "protocol": "email", "endpoint": "a@example.com" }])) } },
        "principals": known(principals()),
        "evidence": {
            "digests": { TRAIL: { "us-east-1": known(json!({ "key": "d", "end": "2026-01-02T11:01:00Z" })) } },
            "logFiles": { TRAIL: known(json!([{ "key": "l", "encryption": "aws:kms", "kmsKey": KEY }])) },
        },
    })
}

fn read(mut account: Value) -> (Survey, Evidence) {
    let evidence = account.as_object_mut().unwrap().remove("evidence").unwrap();
    (
        serde_json::from_value(account).unwrap(),
        serde_json::from_value(evidence).unwrap(),
    )
}

fn options() -> Options {
    Options {
        readers: vec![READER.to_owned()],
        administrators: vec!["arn:aws:iam::111122223333:user/admin".to_owned()],
        retention_days: Some(365),
        ..Options::default()
    }
}

fn report(account: &Value) -> Report {
    let (survey, evidence) = read(account.clone());
    check(&survey, &evidence, &options(), Timestamp::parse(NOW).unwrap())
}

fn statuses(report: &Report) -> BTreeMap<&'static str, Option<Status>> {
    let of = |control: &&'static Control| (control.id, report.status_of(control));
    report.controls.iter().map(of).collect()
}

#[test]
fn all_is_well_where_all_is_well() {
    let report = report(&good());
    for (control, status) in statuses(&report) {
        let of_it = report.findings.iter().find(|finding| finding.control.id == control);
        assert_eq!(
            status,
            Some(Status::Passed),
            "{control}: {:?}",
            of_it.map(|finding| &finding.reasons)
        );
    }
}

/// What is set to what, and the controls that fail then.
type Broken = (&'static str, Value, &'static [&'static str]);

fn broken() -> Vec<Broken> {
    let key = "/keys/arn:aws:kms:us-east-1:111122223333:key~111111111-2222-3333-4444-555555555555";
    let key = |rest: &str| -> &'static str { format!("{key}{rest}").leak() };
    let without = |at: usize| {
        let mut policy = bucket_policy();
        policy["Statement"].as_array_mut().unwrap().remove(at);
        policy
    };
    let opened = |mut policy: Value, who: Value, action: &str| {
        let more = json!({ "Effect": "Allow", "Principal": who, "Action": action, "Resource": "*" });
        policy["Statement"].as_array_mut().unwrap().push(more);
        policy
    };
    let other = json!({ "AWS": "arn:aws:iam::222222222222:root" });
    let tamper = json!({ "Version": "2012-10-17",
        "Statement": { "Effect": "Allow", "Action": "cloudtrail:StopLogging", "Resource": "*" } });
    vec![
        (
            "/trails/0/multiRegion",
            json!(false),
            &[
                "CloudTrail.1",
                "CloudWatch.5",
                "S3.22",
                "S3.23",
                "cloudtrail-security-trail-enabled",
            ],
        ),
        (
            "/trails/0/status/known/isLogging",
            json!(false),
            &[
                "CloudTrail.1",
                "CloudTrail.3",
                "CloudWatch.5",
                "S3.22",
                "S3.23",
                "cloudtrail-s3-dataevents-enabled",
                "cloudtrail-security-trail-enabled",
            ],
        ),
        (
            "/trails/0/selectors/known/basic/0/excludeManagementEventSources",
            json!(["kms.amazonaws.com"]),
            &["CloudTrail.1", "cloudtrail-security-trail-enabled"],
        ),
        (
            "/trails/0/selectors/known/basic/0/dataResources/0/values",
            json!(["arn:aws:s3:::one/"]),
            &["S3.22", "S3.23", "cloudtrail-s3-dataevents-enabled"],
        ),
        (
            "/trails/0/globalEvents",
            json!(false),
            &["cloudtrail-security-trail-enabled"],
        ),
        (
            "/trails/0/validation",
            json!(false),
            &["CloudTrail.4", "cloudtrail-security-trail-enabled"],
        ),
        (
            "/trails/0/kmsKey",
            Value::Null,
            &["CloudTrail.2", "cloudtrail-security-trail-enabled"],
        ),
        ("/trails/0/logGroup", Value::Null, &["CloudTrail.5", "CloudWatch.5"]),
        ("/trails/0/tags/known", json!({ "aws:x": "y" }), &["CloudTrail.9"]),
        (
            "/trails/0/status/known/latestDeliveryError",
            json!("AccessDenied"),
            &["Shoseki.Delivery"],
        ),
        ("/buckets/logs/policy/known", without(1), &["Shoseki.Delivery"]),
        ("/buckets/logs/policy/known", without(2), &["S3.5"]),
        ("/buckets/logs/logging/known", Value::Null, &["CloudTrail.7"]),
        ("/buckets/logs/encryption/known/algorithm", json!("AES256"), &["S3.17"]),
        (
            "/buckets/logs/encryption/known",
            Value::Null,
            &["S3.17", "s3-bucket-server-side-encryption-enabled"],
        ),
        (
            "/buckets/logs/lifecycle/known",
            json!([{ "id": "r", "enabled": true, "filter": { "prefix": "", "tags": {} }, "expireDays": 180, "expireDeleteMarkers": false, "transitions": [],
                "noncurrentTransitions": [] }]),
            &["Shoseki.Lifecycle"],
        ),
        (
            "/buckets/logs/policy/known",
            opened(bucket_policy(), other.clone(), "s3:GetBucketLocation"),
            &["Shoseki.BucketOutsiders"],
        ),
        (
            "/buckets/logs/acl/known/grants",
            json!([{ "grantee": "own", "permission": "FULL_CONTROL" }, { "grantee": "other", "permission": "READ" }]),
            &["Shoseki.BucketOutsiders"],
        ),
        (key("/rotation/known/enabled"), json!(false), &["KMS.4"]),
        (
            key("/metadata/known/state"),
            json!("PendingDeletion"),
            &["KMS.3", "Shoseki.Delivery", "Shoseki.KeyState", "Shoseki.Readers"],
        ),
        (
            key("/policy/known"),
            opened(key_policy(), other, "kms:ListAliases"),
            &["Shoseki.KeyOutsiders"],
        ),
        (
            key("/grants/known"),
            json!([{ "GrantId": "g", "GranteePrincipal": "arn:aws:iam::222222222222:role/x", "Operations": ["Encrypt"] }]),
            &["Shoseki.KeyOutsiders"],
        ),
        (
            "/principals/known/users/0/inline/known",
            json!({ "s3": { "Version": "2012-10-17",
                "Statement": { "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*" } } }),
            &["Shoseki.Readers"],
        ),
        (
            "/principals/known/roles/0/inline/known/stop",
            tamper,
            &["Shoseki.Tampering"],
        ),
        (
            "/principals/known/roles/0/inline/known/read",
            json!({ "Version": "2012-10-17",
                "Statement": { "Effect": "Allow", "Action": ["s3:GetObject", "kms:Decrypt"], "Resource": "*" } }),
            &["Shoseki.OtherReaders"],
        ),
        (
            "/byRegion/us-east-1/configRecorders/known/0/recording",
            json!(false),
            &["Config.1"],
        ),
        (
            "/byRegion/us-east-1/eventDataStores/known/0/kmsKey",
            Value::Null,
            &["CloudTrail.10"],
        ),
        ("/byRegion/us-east-1/alarms/known", json!([]), &["CloudWatch.5"]),
        (
            "/evidence/digests/arn:aws:cloudtrail:us-east-1:111122223333:trail~1audit/us-east-1/known/end",
            json!("2026-01-02T09:01:00Z"),
            &["Shoseki.DigestTail"],
        ),
        (
            "/evidence/logFiles/arn:aws:cloudtrail:us-east-1:111122223333:trail~1audit/known/0/kmsKey",
            Value::Null,
            &["Shoseki.Sealed"],
        ),
    ]
}

/// Sets a value; a member that is not there is made.
fn set(account: &mut Value, pointer: &str, value: Value) {
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    let parent = account.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer}"));
    match parent {
        Value::Array(items) => items[member.parse::<usize>().unwrap()] = value,
        parent => parent[member] = value,
    }
}

#[test]
fn what_is_broken_fails_and_nothing_else() {
    for (pointer, value, expected) in broken() {
        let mut account = good();
        set(&mut account, pointer, value.clone());
        let report = report(&account);
        let failed: BTreeSet<&str> = statuses(&report)
            .iter()
            .filter(|(_, status)| **status == Some(Status::Failed))
            .map(|(id, _)| *id)
            .collect();
        assert_eq!(failed, expected.iter().copied().collect(), "{pointer} = {value}");
    }
}

/// Where an account has facts.
fn facts(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if members.len() == 1 && members.contains_key("known") {
                found.push(at.to_owned());
            }
            for (name, member) in members {
                facts(
                    member,
                    &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")),
                    found,
                );
            }
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(nth, item)| facts(item, &format!("{at}/{nth}"), found)),
        _ => {}
    }
}

fn hidden(account: &Value, pick: impl Fn(usize) -> bool) -> Value {
    let mut places = Vec::new();
    facts(account, "", &mut places);
    let mut account = account.clone();
    for (nth, place) in places.iter().enumerate().filter(|(nth, _)| pick(*nth)) {
        // What is in a fact that is hidden already is gone.
        if let Some(fact) = account.pointer_mut(place) {
            *fact = denied(&format!("test:Fact{nth}"));
        }
    }
    account
}

/// Nothing that failed or was not known passes because less is known.
fn assert_no_pass_by_ignorance(before: &Report, after: &Report) {
    let before = statuses(before);
    for (control, after) in statuses(after) {
        if matches!(before[control], Some(Status::Failed | Status::NotAvailable)) {
            assert_ne!(after, Some(Status::Passed), "{control}");
        }
    }
}

#[test]
fn what_is_not_known_names_its_call() {
    let mut places = Vec::new();
    facts(&good(), "", &mut places);
    assert!(places.len() > 40, "{places:?}");
    for (nth, place) in places.iter().enumerate() {
        let account = hidden(&good(), |at| at == nth);
        for finding in report(&account).findings {
            assert_ne!(finding.status, Status::Failed, "{}: {}", place, finding.control.id);
            if finding.status == Status::NotAvailable {
                assert!(!finding.missing.is_empty(), "{}: {}", place, finding.control.id);
            }
        }
    }
}

#[test]
fn where_regions_could_not_be_seen_nothing_of_trails_passes() {
    let mut unnamed = good();
    unnamed["allRegions"] = denied("ec2:DescribeRegions");
    let mut refused = good();
    refused["byRegion"]["us-east-1"]["trails"] = denied("cloudtrail:DescribeTrails");
    for (account, of_regions) in [(unnamed, true), (refused, false)] {
        let report = report(&account);
        for control in &report.controls {
            let status = report.status_of(control);
            // One good trail is enough for the account as a whole; these two are of each Region.
            let is_of_regions = ["Config.1", "CloudTrail.10"].contains(&control.id) && of_regions;
            let expected = match control.is_of_trails(&options()) || is_of_regions {
                true => Status::NotAvailable,
                false => Status::Passed,
            };
            assert_eq!(status, Some(expected), "{}", control.id);
        }
    }
}

#[test]
fn of_some_regions_it_is_not_said_that_no_trail_logs() {
    let mut account = good();
    account["allRegions"] = known(json!(false));
    account["trails"] = json!([]);
    let statuses = statuses(&report(&account));
    // A trail of one Region may be in another than those that were asked; one of all Regions would be seen.
    assert_eq!(statuses["CloudTrail.3"], Some(Status::NotAvailable));
    assert_eq!(statuses["CloudTrail.1"], Some(Status::Failed));
}

#[test]
fn a_key_whose_state_is_not_known_is_not_said_to_seal_or_open() {
    let mut account = good();
    account["keys"][KEY]["metadata"] = denied("kms:DescribeKey");
    let statuses = statuses(&report(&account));
    for control in ["Shoseki.Delivery", "Shoseki.Readers", "Shoseki.KeyState"] {
        assert_eq!(statuses[control], Some(Status::NotAvailable), "{control}");
    }
}

#[test]
fn the_folder_of_an_organization_is_not_said_to_be_reached() {
    let mut account = good();
    account["trails"][0]["organization"] = json!(true);
    assert_eq!(
        statuses(&report(&account))["Shoseki.Delivery"],
        Some(Status::NotAvailable)
    );
}

#[test]
fn a_trail_without_management_events_is_not_watched_by_its_filter() {
    let mut account = good();
    account["trails"][0]["selectors"]["known"]["basic"][0]["includeManagementEvents"] = json!(false);
    assert_eq!(statuses(&report(&account))["CloudWatch.5"], Some(Status::Failed));
}

#[test]
fn a_trail_that_was_started_again_has_no_new_digest_yet() {
    let mut account = good();
    account["evidence"]["digests"][TRAIL]["us-east-1"]["known"]["end"] = json!("2026-01-02T03:01:00Z");
    let tail = |account: &Value| statuses(&report(account))["Shoseki.DigestTail"];
    assert_eq!(tail(&account), Some(Status::Failed));
    account["trails"][0]["status"]["known"]["startLoggingTime"] = json!("2026-01-02T11:30:00Z");
    assert_eq!(tail(&account), Some(Status::Passed));
}

proptest! {
    #![proptest_config(Config { cases: 64, ..Config::default() })]

    #[test]
    fn ignorance_passes_nothing(
        breaks in proptest::collection::vec(0..broken().len(), 0..4),
        first in proptest::collection::vec(proptest::bool::weighted(0.05), 120),
        more in proptest::collection::vec(proptest::bool::weighted(0.2), 120),
    ) {
        let mut account = good();
        let all = broken();
        for at in breaks {
            let (pointer, value, _) = &all[at];
            // One change may have taken away what the next is about.
            if account.pointer(pointer.rsplit_once('/').unwrap().0).is_some_and(|parent| !parent.is_null()) {
                set(&mut account, pointer, value.clone());
            }
        }
        let before = hidden(&account, |nth| first.get(nth).copied().unwrap_or(false));
        let after = hidden(&before, |nth| more.get(nth).copied().unwrap_or(false));
        assert_no_pass_by_ignorance(&report(&before), &report(&after));
    }
}

/// The operations that would put an account right, and those findings that need a hand.
fn planned(account: &Value, fix: &FixOptions) -> (Vec<Call>, Vec<&'static str>) {
    let (survey, _) = read(account.clone());
    let report = report(account);
    let findings: Vec<&Finding> = report.findings.iter().collect();
    let (mut calls, mut by_hand) = (Vec::new(), Vec::new());
    for (finding, fix) in fixes(&findings, &survey, fix) {
        match fix {
            Fix::Steps(steps) => calls.extend(steps.into_iter().map(|step| step.call)),
            Fix::Manual(_) => by_hand.push(finding.control.id),
            Fix::None => {}
        }
    }
    (calls, by_hand)
}

#[test]
fn one_change_serves_every_control_that_wants_it() {
    let mut account = good();
    set(&mut account, "/trails/0/multiRegion", json!(false));
    set(&mut account, "/trails/0/validation", json!(false));
    set(&mut account, "/trails/0/status/known/isLogging", json!(false));
    let (calls, by_hand) = planned(&account, &FixOptions::default());
    let told: Vec<String> = calls
        .iter()
        .map(|call| format!("{} {}", call.operation, call.input))
        .collect();
    assert_eq!(
        told,
        [
            format!(r#"UpdateTrail {{"IsMultiRegionTrail":true,"Name":"{TRAIL}"}}"#),
            format!(r#"StartLogging {{"Name":"{TRAIL}"}}"#),
            format!(r#"UpdateTrail {{"EnableLogFileValidation":true,"Name":"{TRAIL}"}}"#),
        ]
    );
    assert_eq!(by_hand, ["CloudWatch.5"]);
}

#[test]
fn what_cannot_be_fixed_without_being_told_says_so() {
    let mut account = good();
    set(&mut account, "/trails/0/tags/known", json!({}));
    set(&mut account, "/buckets/logs/logging/known", Value::Null);
    let (calls, by_hand) = planned(&account, &FixOptions::default());
    assert_eq!(
        (calls.len(), by_hand.as_slice()),
        (0, &["CloudTrail.7", "CloudTrail.9"][..])
    );
    let told = FixOptions {
        access_log_bucket: Some("access".to_owned()),
        tags: vec![("owner".to_owned(), "audit".to_owned())],
        ..FixOptions::default()
    };
    let (calls, by_hand) = planned(&account, &told);
    assert_eq!((calls.len(), by_hand.len()), (2, 0));
}

#[test]
fn who_calls_without_tls_is_not_locked_out() {
    let mut account = good();
    let mut policy = bucket_policy();
    policy["Statement"].as_array_mut().unwrap().remove(2);
    set(&mut account, "/buckets/logs/policy/known", policy);
    let by = |without_tls| {
        let options = FixOptions {
            without_tls,
            ..FixOptions::default()
        };
        let (calls, by_hand) = planned(&account, &options);
        (calls.len(), by_hand.len())
    };
    assert_eq!((by(false), by(true)), ((1, 0), (0, 1)));
}

#[test]
fn every_control_is_named_in_both_languages_and_found_by_its_names() {
    for control in CONTROLS {
        let (title, remedy) = (control.title(), control.remedy());
        for message in [&title, &remedy] {
            let ja = message.in_language(crate::message::Language::Japanese);
            assert!(!message.to_string().is_empty() && !ja.is_ascii(), "{}", control.id);
        }
        assert_eq!(controls_named(control.id), [control]);
    }
    let ids = |name: &str| {
        controls_named(name)
            .iter()
            .map(|control| control.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(ids("CLOUD_TRAIL_ENCRYPTION_ENABLED"), ["CloudTrail.2"]);
    assert_eq!(ids("cis-1.2:2.2"), ["CloudTrail.4"]);
    assert_eq!(ids("cis-6.0:4.5"), ["CloudTrail.2"]);
    assert_eq!(ids("seeds:CloudTrail.3"), ["CloudTrail.4"]);
    assert_eq!(ids("CloudTrail.3"), ["CloudTrail.3"]);
    assert_eq!(ids("PCI.CloudTrail.3"), ["CloudTrail.4"]);
    assert!(ids("CloudTrail.8").is_empty());
    for framework in Framework::all() {
        assert!(
            CONTROLS.iter().any(|control| !framework.numbers(control).is_empty()),
            "{framework:?}"
        );
    }
}
