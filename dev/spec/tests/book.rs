//! The slow decider gives the answers of AWS's own examples.

use serde_json::{Value, json};
use spec::{
    case::{Caller, Case, Kind},
    choices::Choices,
    decider::{Verdict, decide},
    generate,
};

/// `s3:GetObject` by a user of account 1 in account 1, with nothing that speaks about it.
fn question(resource: &str) -> Case {
    let mut case = generate::case(&mut Choices::seeded(0));
    case.caller = Caller::User {
        account: "111111111111".into(),
        arn: "arn:aws:iam::111111111111:user/alice".into(),
        id: "AIDAAAAAAAAAAAAAAAAAA".into(),
        name: "alice".into(),
    };
    case.action = "s3:GetObject".into();
    case.resource = resource.into();
    case.owner = None;
    case.kind = Kind::Bucket;
    case.context.clear();
    case.identity.clear();
    case.boundary = None;
    case.session = None;
    case.resource_policy = None;
    case.service_control.clear();
    case.resource_control.clear();
    case.grants.clear();
    case
}

fn policy(statement: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

fn allow(resource: &str, condition: Value) -> Value {
    policy(json!({"Effect": "Allow", "Action": "s3:*", "Resource": resource, "Condition": condition}))
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
#[test]
fn wildcards_of_resources() {
    let pattern = "arn:aws:s3:::amzn-s3-demo-bucket/*/test/*";
    for (key, matches) in [
        ("1/test/object.jpg", true),
        ("1/2/test/object.jpg", true),
        ("1/2/test/3/object.jpg", true),
        ("1/2/3/test/4/object.jpg", true),
        ("1///test///object.jpg", true),
        ("1/test/.jpg", true),
        ("/test/object.jpg", true),
        ("1/test/", true),
        ("1-test/object.jpg", false),
        ("test/object.jpg", false),
        ("1/2/test.jpg", false),
    ] {
        let mut case = question(&format!("arn:aws:s3:::amzn-s3-demo-bucket/{key}"));
        case.identity.push(allow(pattern, json!({})));
        assert_eq!(decide(&case) == Verdict::Allowed, matches, "{key}");
    }
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
#[test]
fn variables_defaults_and_no_value() {
    let resource = "arn:aws:s3:::amzn-s3-demo-bucket-${aws:PrincipalTag/team, 'company-wide'}";
    for (team, bucket, allowed) in [
        (Some("yellow"), "yellow", true),
        (Some("yellow"), "company-wide", false),
        (None, "company-wide", true),
        (None, "yellow", false),
    ] {
        let mut case = question(&format!("arn:aws:s3:::amzn-s3-demo-bucket-{bucket}"));
        case.context
            .extend(team.map(|team| ("aws:PrincipalTag/team".to_owned(), vec![team.to_owned()])));
        case.identity.push(allow(resource, json!({})));
        assert_eq!(decide(&case) == Verdict::Allowed, allowed, "{team:?} {bucket}");
    }
    // Denied where the team is not set.
    let mut case = question("arn:aws:s3:::amzn-s3-demo-bucket/a");
    case.context
        .insert("s3:ExistingObjectTag/Team".into(), vec!["red".into()]);
    case.identity.push(policy(json!({
        "Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::amzn-s3-demo-bucket/*",
        "Condition": {"StringNotEquals": {"s3:ExistingObjectTag/Team": "${aws:PrincipalTag/Team}"}}
    })));
    assert!(matches!(decide(&case), Verdict::ExplicitDeny(_)));
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html and
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
#[test]
fn conditions_of_the_tables() {
    let tags = json!(["environment", "cost-center"]);
    let all = json!({"ForAllValues:StringEquals": {"k:a": tags}, "Null": {"k:a": "false"}});
    let any = json!({"ForAnyValue:StringEquals": {"k:a": tags}});
    for (condition, values, matches) in [
        (&all, &["environment"][..], true),
        (&all, &["environment", "cost-center"], true),
        (&all, &["environment", "dept"], false),
        (&all, &[], false),
        (&any, &["environment", "dept"], true),
        (&any, &["dept"], false),
        (&any, &[], false),
        (
            &json!({"ForAllValues:ArnLike": {"k:a": "arn:aws:cloudfront::123456789012:distribution/*"}}),
            &[],
            true,
        ),
        (&json!({"StringNotLike": {"k:a": "x"}}), &[], true),
        (&json!({"StringLikeIfExists": {"k:a": "t1.*"}}), &[], true),
        (
            &json!({"StringLikeIfExists": {"k:a": ["t1.*", "t2.*"]}}),
            &["m2.micro"],
            false,
        ),
        (
            &json!({"StringEqualsIgnoreCase": {"k:a": "preprod"}}),
            &["PreProd"],
            true,
        ),
        (&json!({"IpAddress": {"k:a": "203.0.113.0/24"}}), &["203.0.113.1"], true),
        (
            &json!({"IpAddress": {"k:a": "203.0.113.0/24"}}),
            &["198.51.100.1"],
            false,
        ),
        (
            &json!({"IpAddress": {"k:a": "2001:DB8:1234:5678::/64"}}),
            &["2001:db8:1234:5678::9"],
            true,
        ),
        (&json!({"NumericLessThanEquals": {"k:a": "10"}}), &["9.5"], true),
        (
            &json!({"DateGreaterThan": {"k:a": "2020-01-01T00:00:01Z"}}),
            &["2020-01-01T00:00:02Z"],
            true,
        ),
        (
            &json!({"DateEquals": {"k:a": "2024-01-01T02:00:00+02:00"}}),
            &["1704067200"],
            true,
        ),
        (&json!({"Bool": {"k:a": "false"}}), &["true"], false),
        (
            &json!({"BinaryEquals": {"k:a": "QmluYXJ5VmFsdWVJbkJhc2U2NA=="}}),
            &["QmluYXJ5VmFsdWVJbkJhc2U2NA=="],
            true,
        ),
        (
            &json!({"ArnEquals": {"k:a": "arn:aws:sns:*:123456789012:T*"}}),
            &["arn:aws:sns:us-west-2:123456789012:TOPIC"],
            true,
        ),
        (
            &json!({"ArnEquals": {"k:a": "arn:aws:sns:*:TOPIC"}}),
            &["arn:aws:sns:us-west-2:123456789012:TOPIC"],
            false,
        ),
    ] {
        let mut case = question("arn:aws:s3:::b/a");
        if !values.is_empty() {
            case.context
                .insert("K:A".into(), values.iter().map(|value| (*value).to_owned()).collect());
        }
        case.identity.push(allow("*", condition.clone()));
        assert_eq!(decide(&case) == Verdict::Allowed, matches, "{condition} {values:?}");
    }
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
#[test]
fn both_accounts_must_allow() {
    let bucket_policy = policy(json!({
        "Effect": "Allow", "Action": "s3:GetObject*", "Resource": "arn:aws:s3:::b/*",
        "Principal": {"AWS": "arn:aws:iam::111111111111:user/alice"}
    }));
    for (owner, own, theirs, allowed) in [
        ("222222222222", true, true, true),
        ("222222222222", true, false, false),
        ("222222222222", false, true, false),
        ("111111111111", false, true, true),
        ("111111111111", true, false, true),
        ("111111111111", false, false, false),
    ] {
        let mut case = question("arn:aws:s3:::b/a");
        case.owner = Some(owner.into());
        case.identity.extend(own.then(|| allow("*", json!({}))));
        case.resource_policy = theirs.then(|| bucket_policy.clone());
        assert_eq!(decide(&case) == Verdict::Allowed, allowed, "{owner} {own} {theirs}");
    }
}
