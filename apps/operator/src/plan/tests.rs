//! What is wanted, read.

use super::*;
use serde_json::json;

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
