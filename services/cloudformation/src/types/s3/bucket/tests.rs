use super::*;
use crate::types::schema;
use proptest::{option, prelude::*};

/// A property as it comes back from the document that it makes.
fn back(property: &str, value: &Value) -> Option<Value> {
    let configuration = CONFIGURATIONS.iter().find(|one| one.property == property)?;
    let document = (configuration.write)(value, "bkt").ok()?;
    let xml = to_xml(configuration.root, &document).ok()?;
    (configuration.read)(xml.as_bytes())
}

fn word() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9<>&\"' /=-]{1,12}"
        .prop_map(|text| text.trim().to_owned())
        .prop_filter("a word", |text| !text.is_empty())
}

/// An object of those members whose value was drawn.
fn with(members: &[(&str, &Option<Value>)]) -> Value {
    let present = members
        .iter()
        .filter_map(|(name, value)| Some(((*name).to_owned(), (*value).clone()?)));
    Value::Object(present.collect())
}

fn tags(most: usize) -> impl Strategy<Value = Vec<Value>> {
    let tag = (word(), word()).prop_map(|(key, value)| json!({"Key": key, "Value": value}));
    prop::collection::vec(tag, 1..=most)
}

fn maybe<T: Into<Value> + Clone + std::fmt::Debug>(
    of: impl Strategy<Value = T>,
) -> impl Strategy<Value = Option<Value>> {
    option::of(of.prop_map(Into::into))
}

prop_compose! {
    fn expiration()(which in 0..4_u8, days in 1..5000_i64, marker: bool) -> (&'static str, Value) {
        match which {
            0 => ("ExpirationInDays", days.into()),
            1 => ("ExpirationDate", "2030-01-01T00:00:00.000Z".into()),
            2 => ("ExpiredObjectDeleteMarker", marker.into()),
            _ => ("AbortIncompleteMultipartUpload", json!({"DaysAfterInitiation": days})),
        }
    }
}

prop_compose! {
    fn rule()(
        id in maybe(word()),
        enabled: bool,
        prefix in maybe(word()),
        tags in option::of(tags(3)),
        greater in maybe("[1-9][0-9]{0,8}"),
        less in maybe("[1-9][0-9]{0,8}"),
        expiration in expiration(),
        noncurrent in option::of((1..5000_i64, maybe(1..100_i64))),
    ) -> Value {
        let noncurrent = noncurrent.map(|(days, newer)| {
            with(&[("NoncurrentDays", &Some(days.into())), ("NewerNoncurrentVersions", &newer)])
        });
        with(&[
            ("Id", &id),
            ("Status", &Some(if enabled { "Enabled" } else { "Disabled" }.into())),
            ("Prefix", &prefix),
            ("TagFilters", &tags.map(Value::from)),
            ("ObjectSizeGreaterThan", &greater),
            ("ObjectSizeLessThan", &less),
            (expiration.0, &Some(expiration.1)),
            ("NoncurrentVersionExpiration", &noncurrent),
        ])
    }
}

prop_compose! {
    fn encryption()(
        kms in maybe(word()),
        bucket_key: bool,
        blocked in maybe(prop_oneof![Just("NONE"), Just("SSE-C")]),
    ) -> Value {
        let algorithm = if kms.is_some() { "aws:kms" } else { "AES256" };
        let by_default = with(&[("SSEAlgorithm", &Some(algorithm.into())), ("KMSMasterKeyID", &kms)]);
        let rule = with(&[
            ("ServerSideEncryptionByDefault", &Some(by_default)),
            ("BucketKeyEnabled", &Some(bucket_key.into())),
            ("BlockedEncryptionTypes", &blocked.map(|one| json!({"EncryptionType": [one]}))),
        ]);
        json!({"ServerSideEncryptionConfiguration": [rule]})
    }
}

prop_compose! {
    fn logging()(
        bucket in word(),
        prefix in word(),
        format in maybe(prop_oneof![
            Just(json!({"SimplePrefix": {}})),
            Just(json!({"PartitionedPrefix": {"PartitionDateSource": "EventTime"}})),
            Just(json!({"PartitionedPrefix": {"PartitionDateSource": "DeliveryTime"}})),
        ]),
    ) -> Value {
        with(&[
            ("DestinationBucketName", &Some(bucket.into())),
            ("LogFilePrefix", &Some(prefix.into())),
            ("TargetObjectKeyFormat", &format),
        ])
    }
}

prop_compose! {
    fn lock()(retention in option::of((any::<bool>(), any::<bool>(), 1..100_i64))) -> Value {
        let rule = retention.map(|(strict, years, period)| {
            let mode = if strict { "COMPLIANCE" } else { "GOVERNANCE" };
            let unit = if years { "Years" } else { "Days" };
            json!({"DefaultRetention": {"Mode": mode, unit: period}})
        });
        with(&[("ObjectLockEnabled", &Some("Enabled".into())), ("Rule", &rule)])
    }
}

prop_compose! {
    fn bucket()(
        rules in option::of(prop::collection::vec(rule(), 1..4)),
        encryption in option::of(encryption()),
        logging in option::of(logging()),
        lock in option::of(lock()),
        tags in option::of(tags(4)),
        versioning in maybe(prop_oneof![Just("Enabled"), Just("Suspended")]),
        ownership in maybe(prop_oneof![Just("ObjectWriter"), Just("BucketOwnerEnforced")]),
        block in option::of(any::<[bool; 4]>()),
    ) -> Value {
        with(&[
            ("LifecycleConfiguration", &rules.map(|rules| json!({ "Rules": rules }))),
            ("BucketEncryption", &encryption),
            ("LoggingConfiguration", &logging),
            ("ObjectLockConfiguration", &lock),
            ("Tags", &tags.map(Value::from)),
            ("VersioningConfiguration", &versioning.map(|status| json!({ "Status": status }))),
            ("OwnershipControls", &ownership.map(|one| json!({"Rules": [{"ObjectOwnership": one}]}))),
            ("PublicAccessBlockConfiguration", &block.map(|[a, b, c, d]| json!({
                "BlockPublicAcls": a, "BlockPublicPolicy": b, "IgnorePublicAcls": c, "RestrictPublicBuckets": d,
            }))),
        ])
    }
}

proptest! {
    /// What is put comes back as it was, and the schema takes it all as it is.
    #[test]
    fn what_is_put_is_read(bucket in bucket()) {
        prop_assert_eq!(schema::check(&BUCKET, "B", &bucket), Ok(bucket.clone()));
        for (property, value) in bucket.as_object().into_iter().flatten() {
            prop_assert_eq!(back(property, value), Some(value.clone()), "{}", property);
        }
    }
}

#[test]
fn the_legacy_key_of_a_rule_is_written_as_the_modern_one() {
    let rule = json!({"Status": "Enabled", "ExpirationInDays": 180, "NoncurrentVersionExpirationInDays": 1});
    let modern =
        json!({"Status": "Enabled", "ExpirationInDays": 180, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}});
    let found = back("LifecycleConfiguration", &json!({ "Rules": [rule] }));
    assert_eq!(found, Some(json!({ "Rules": [modern] })));
    let both = json!({"Rules": [{
        "Status": "Enabled", "NoncurrentVersionExpirationInDays": 1, "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
    }]});
    assert_eq!(back("LifecycleConfiguration", &both), None);
}

#[test]
fn a_bucket_that_logs_without_a_destination_keeps_its_own_logs() {
    let found = back("LoggingConfiguration", &json!({}));
    assert_eq!(
        found,
        Some(json!({"DestinationBucketName": "bkt", "LogFilePrefix": ""}))
    );
}

#[test]
fn names_are_in_lower_case_and_short_enough() {
    let check = |generated: &str, properties: Value, expected: &str| {
        let desired = Desired {
            stack_name: String::new(),
            stack_id: String::new(),
            logical_id: String::new(),
            properties,
            generated_name: generated.to_owned(),
        };
        assert_eq!(name_of(&desired), expected);
    };
    check("Stack-MyBucket-ABCDEFGH1234", json!({}), "stack-mybucket-abcdefgh1234");
    check("Stack-MyBucket-ABCDEFGH1234", json!({"BucketName": "given"}), "given");
    let stack = "s".repeat(128);
    let expected = format!("{}-mybucket-abcdefgh1234", "s".repeat(41));
    check(&format!("{stack}-MyBucket-ABCDEFGH1234"), json!({}), &expected);
}

#[test]
fn a_public_acl_waits_for_the_block_to_be_lifted() {
    let check = |properties: Value, expected: bool| assert_eq!(acl_at_creation(&properties), expected, "{properties}");
    let owned = json!({"Rules": [{"ObjectOwnership": "ObjectWriter"}]});
    let open = json!({"BlockPublicAcls": false});
    check(json!({}), false);
    check(json!({"AccessControl": "LogDeliveryWrite"}), true);
    check(json!({"AccessControl": "PublicRead"}), true);
    check(
        json!({"AccessControl": "PublicRead", "PublicAccessBlockConfiguration": open}),
        true,
    );
    check(
        json!({"AccessControl": "PublicRead", "PublicAccessBlockConfiguration": open, "OwnershipControls": owned}),
        false,
    );
    check(
        json!({"AccessControl": "LogDeliveryWrite", "PublicAccessBlockConfiguration": open, "OwnershipControls": owned}),
        true,
    );
}

#[test]
fn every_acl_has_its_name() {
    let names: Vec<&str> = ACLS.iter().map(|(name, ..)| *name).collect();
    assert_eq!(names, ACL_NAMES);
}

#[test]
fn dates_that_mean_the_same_are_told_as_given() {
    let rules = |dates: &[&str]| {
        let rules: Vec<Value> = dates.iter().map(|date| json!({ "ExpirationDate": date })).collect();
        json!({"LifecycleConfiguration": {"Rules": rules}})
    };
    let mut found = rules(&["2030-01-01T00:00:00.000Z", "2031-01-01T00:00:00.000Z"]);
    dates_as_given(&mut found, &rules(&["2030-01-01T00:00:00Z", "2030-01-01T00:00:00Z"]));
    assert_eq!(found, rules(&["2030-01-01T00:00:00Z", "2031-01-01T00:00:00.000Z"]));
}

#[test]
fn attributes_are_of_the_bucket_and_its_region() {
    let region = |code| Region::parse(code).expect("a Region");
    let made = made_in(&region("eu-central-1"), "bkt");
    assert_eq!(made.physical_id, "bkt");
    let names: Vec<&str> = made.attributes.keys().map(String::as_str).collect();
    assert_eq!(names, BUCKET.attributes);
    assert_eq!(
        made.attributes["RegionalDomainName"],
        "bkt.s3.eu-central-1.amazonaws.com"
    );
    assert_eq!(
        made.attributes["WebsiteURL"],
        "http://bkt.s3-website.eu-central-1.amazonaws.com"
    );
    let dashed = made_in(&region("us-east-1"), "bkt");
    assert_eq!(
        dashed.attributes["WebsiteURL"],
        "http://bkt.s3-website-us-east-1.amazonaws.com"
    );
}
