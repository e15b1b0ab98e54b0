//! What is wanted, read.

use super::*;
use crate::survey::{Fact, KeyMetadata, Rotation};
use serde_json::json;
use std::collections::BTreeMap;

fn empty() -> crate::survey::Survey {
    serde_json::from_value(json!({
        "account": "111122223333", "partition": "aws", "caller": "arn:aws:iam::111122223333:root", "madeAt": null,
        "regions": [], "allRegions": { "known": true }, "byRegion": {}, "trails": [], "buckets": {}, "keys": {},
        "logGroups": {}, "topics": {},
        "principals": { "known": { "users": [], "roles": [], "groups": [], "policies": {} } },
    }))
    .unwrap()
}

#[test]
fn what_is_wanted_is_read_with_the_account() {
    let wanted = Wanted {
        bucket_encryption: vec![
            ("a".to_owned(), "AES256".to_owned()),
            ("b".to_owned(), "alias/k".to_owned()),
        ],
        deleted_keys: vec!["gone".to_owned()],
        trails: vec![WantedTrail {
            name: "t".to_owned(),
            settings: [("key", "none"), ("bucket", "c"), ("topic", "x")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
        }],
        ..Wanted::default()
    };
    let what = wanted.what();
    assert_eq!(what.keys, ["gone", "alias/k"]);
    assert_eq!(what.buckets, ["a", "b", "c"]);
}

#[test]
fn what_is_not_in_the_survey_is_refused_by_its_name() {
    let check = |wanted: Wanted, named: &str| {
        let error = wanted.proposed(&empty()).unwrap_err();
        assert!(error.to_string().contains(named), "{error}");
    };
    let key = Wanted {
        disabled_keys: vec!["alias/none".to_owned()],
        ..Wanted::default()
    };
    check(key, "alias/none");
    let bucket = Wanted {
        bucket_policies: vec![("nowhere".to_owned(), json!(null))],
        ..Wanted::default()
    };
    check(bucket, "nowhere");
    let trail = Wanted {
        trails: vec![WantedTrail {
            name: "untrodden".to_owned(),
            settings: Vec::new(),
        }],
        ..Wanted::default()
    };
    check(trail, "untrodden");
}

#[test]
fn a_plan_of_nothing_breaks_nothing() {
    let planned = make(&empty(), &crate::rights::Proposed::default());
    assert!(!planned.breaks && planned.changes.is_empty() && planned.trails.is_empty());
    assert!(!planned.remarks.is_empty());
}

/// An account with a key whose policy is changed, and so many roles.
fn account_with_key(principals: serde_json::Value) -> (crate::survey::Survey, String) {
    let key = "arn:aws:kms:us-east-1:111122223333:key/k".to_owned();
    let mut survey = empty();
    survey.principals = serde_json::from_value(principals).unwrap();
    let document = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::111122223333:root" }, "Action": "kms:*", "Resource": "*" } ] });
    let one = crate::survey::Key {
        arn: key.clone(),
        region: "us-east-1".to_owned(),
        metadata: Fact::Known(KeyMetadata {
            state: "Enabled".to_owned(),
            ..KeyMetadata::default()
        }),
        policy: Fact::Known(document),
        rotation: Fact::Known(Rotation::default()),
        aliases: Fact::Known(Vec::new()),
        grants: Fact::Known(Vec::new()),
        tags: Fact::Known(BTreeMap::new()),
    };
    survey.keys.insert(key.clone(), one);
    (survey, key)
}

#[test]
fn nobody_is_locked_out_for_certain_where_the_principals_were_not_read() {
    let only_admin = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::111122223333:role/admin" }, "Action": "kms:*", "Resource": "*" } ] });
    let of = |principals| {
        let (survey, key) = account_with_key(principals);
        let wanted = Wanted {
            key_policies: vec![(key, only_admin.clone())],
            ..Wanted::default()
        };
        make(&survey, &wanted.proposed(&survey).unwrap()).lockouts
    };
    let unread =
        json!({ "notAvailable": { "call": "iam:ListRoles", "region": "", "code": "AccessDenied", "message": "" } });
    let told = of(unread);
    assert!(told.iter().all(|lockout| !lockout.nobody), "{told:?}");
    // The caller, the root, could not any more: that is certain, and who else could is not.
    assert!(
        told[0].caller && told[0].why.to_string().contains("is not known"),
        "{told:?}"
    );
    let none = of(json!({ "known": { "users": [], "roles": [], "groups": [], "policies": {} } }));
    assert!(none[0].nobody, "{none:?}");
}

#[test]
fn everybody_whose_reading_changes_is_told_once_for_all_regions() {
    let role = |number: usize| {
        let name = format!("role{number}");
        let allow = json!({ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": ["s3:GetObject", "kms:Decrypt"],
            "Resource": "*" } });
        json!({ "arn": format!("arn:aws:iam::111122223333:role/{name}"), "name": name, "id": "AROA11112222333344445", "path": "/",
            "trust": { "Version": "2012-10-17", "Statement": [] }, "inline": { "known": { "a": allow } },
            "attached": { "known": [] }, "boundary": { "known": null }, "tags": { "known": {} } })
    };
    let roles: Vec<_> = (0..40).map(role).collect();
    let (mut survey, key) =
        account_with_key(json!({ "known": { "users": [], "roles": roles, "groups": [], "policies": {} } }));
    survey.regions = ["us-east-1", "eu-west-1", "ap-northeast-1"].map(str::to_owned).to_vec();
    let trail = json!({ "arn": "arn:aws:cloudtrail:us-east-1:111122223333:trail/t", "name": "t", "homeRegion": "us-east-1", "multiRegion": true,
        "organization": false, "globalEvents": true, "validation": true, "bucket": "b", "prefix": "", "kmsKey": key,
        "logGroup": null, "logRole": null, "topic": null, "seenIn": [], "status": not_asked(), "selectors": not_asked(),
        "insights": not_asked(), "tags": not_asked() });
    survey.trails.push(serde_json::from_value(trail).unwrap());
    let bare = json!({ "Version": "2012-10-17", "Statement": [] });
    let wanted = Wanted {
        key_policies: vec![(key, bare)],
        ..Wanted::default()
    };
    let proposed = wanted.proposed(&survey).unwrap();
    let planned = make(&survey, &proposed);
    assert_eq!(planned.readers.len(), 41, "the roles and the root");
    assert!(
        planned
            .readers
            .iter()
            .all(|change| change.loses() && change.prefixes == ["AWSLogs/111122223333/CloudTrail/"])
    );
}

fn not_asked() -> serde_json::Value {
    json!({ "notAvailable": { "call": "x:Y", "region": "", "code": "NotAsked", "message": "" } })
}
