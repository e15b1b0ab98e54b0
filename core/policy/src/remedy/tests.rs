//! Which changes are proposed. That they work, and that there are any, is a law of the decisions.

use super::*;
use crate::decide::world::{
    A, ALLOW_ALL, ALLOW_EC2, B, Case, DENY_ALL, aws, bucket, case, key, other, root, service, session, to, user,
};

/// Each change as `Type place operation pointer value`, operations after the first behind a `;`.
#[track_caller]
fn check(case: Case, expected: &[&str]) {
    let changes = case.run(remedy);
    let op = |op: &PatchOp| {
        let name = serde_json::to_value(op.op).unwrap();
        let value = op.value.as_ref().map(|value| format!(" {value}")).unwrap_or_default();
        format!("{} {}{value}", name.as_str().unwrap(), op.path)
    };
    let place = |change: &Change| match (change.nth, change.level) {
        (Some(nth), _) => nth.to_string(),
        (None, Some(level)) => format!("new in level {level}"),
        (None, None) => "new".to_owned(),
    };
    let found: Vec<String> = changes
        .iter()
        .map(|change| {
            let patch: Vec<String> = change.patch.iter().map(op).collect();
            format!("{:?} {} {}", change.policy, place(change), patch.join("; "))
        })
        .collect();
    assert_eq!(found, expected);
}

const U: &str = "arn:aws:iam::111111111111:user/u";
const ROLE: &str = "arn:aws:iam::111111111111:role/R";

fn allow(elements: &str) -> String {
    format!(r#"{{"Effect":"Allow",{elements}}}"#)
}

#[test]
fn the_callers_own_policies_are_changed_first() {
    let new =
        r#"{"Statement":[{"Action":"cloudtrail:CreateTrail","Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}"#;
    check(other(user(A, "u")).identity(ALLOW_ALL), &[]);
    check(other(user(A, "u")), &[&format!("Identity new add  {new}")]);
    check(
        other(user(A, "u")).identity(ALLOW_EC2),
        &[r#"Identity 0 replace /Statement/Action ["ec2:*","cloudtrail:CreateTrail"]"#],
    );
    check(
        other(user(A, "u")).identity(&allow(r#""Action":["ec2:*"],"Resource":"*""#)),
        &[r#"Identity 0 add /Statement/Action/- "cloudtrail:CreateTrail""#],
    );
    let far = allow(r#""Action":["ec2:*"],"Resource":"arn:aws:s3:::b""#);
    check(
        other(user(A, "u")).identity(&far),
        &[
            r#"Identity 0 replace /Statement [{"Action":["ec2:*"],"Effect":"Allow","Resource":"arn:aws:s3:::b"},{"Action":"cloudtrail:CreateTrail","Effect":"Allow","Resource":"*"}]"#,
        ],
    );
    let mut two = other(user(A, "u"));
    two.identity = vec![vec![far.clone(), far]];
    check(
        two,
        &[r#"Identity 0 add /Statement/- {"Action":"cloudtrail:CreateTrail","Effect":"Allow","Resource":"*"}"#],
    );
    check(
        bucket(user(A, "u")).identity(&allow(r#""Action":"s3:GetObject","Resource":"arn:aws:s3:::other/*""#)),
        &[r#"Identity 0 replace /Statement/Resource ["arn:aws:s3:::other/*","arn:aws:s3:::bucket/a/b"]"#],
    );
    // A statement of more actions would give them all on one more resource: it is left alone.
    check(
        bucket(user(A, "u")).identity(&allow(r#""Action":"s3:*","Resource":"arn:aws:s3:::other/*""#)),
        &[
            r#"Identity 0 replace /Statement [{"Action":"s3:*","Effect":"Allow","Resource":"arn:aws:s3:::other/*"},{"Action":"s3:GetObject","Effect":"Allow","Resource":"arn:aws:s3:::bucket/a/b"}]"#,
        ],
    );
    check(
        bucket(user(A, "u"))
            .on("arn:aws:s3:::bucket/${x}*")
            .identity(&allow(r#""Action":"s3:GetObject","Resource":["arn:aws:s3:::other/*"]"#)),
        &[r#"Identity 0 add /Statement/Resource/- "arn:aws:s3:::bucket/${$}{x}${*}""#],
    );
}

#[test]
fn a_condition_gets_the_requests_value() {
    let when = |condition: &str| {
        let statement = allow(&format!(r#""Action":"*","Resource":"*","Condition":{condition}"#));
        other(user(A, "u")).identity(&statement).with("a:x/y", "7")
    };
    check(
        when(r#"{"NumericEquals":{"A:X/y":5}}"#),
        &[r#"Identity 0 replace /Statement/Condition/NumericEquals/A:X~1y [5,"7"]"#],
    );
    check(
        when(r#"{"StringLike":{"a:x/y":["5*"]}}"#),
        &[r#"Identity 0 add /Statement/Condition/StringLike/a:x~1y/- "7""#],
    );
    // Another value more does not help here.
    let found = when(r#"{"StringNotEquals":{"a:x/y":"7"}}"#).run(remedy);
    assert_eq!(found[0].patch[0].path, "/Statement");
}

#[test]
fn a_deny_spares_the_caller() {
    let both = |who| other(who).identity(ALLOW_ALL).identity(DENY_ALL);
    check(
        both(user(A, "u")),
        &[&format!(
            r#"Identity 1 add /Statement/Condition {{"ArnNotEquals":{{"aws:PrincipalArn":"{U}"}}}}"#
        )],
    );
    check(
        both(session(A)),
        &[&format!(
            r#"Identity 1 add /Statement/Condition {{"ArnNotEquals":{{"aws:PrincipalArn":"{ROLE}"}}}}"#
        )],
    );
    let guarded = |condition: &str| {
        let deny = format!(r#"{{"Effect":"Deny","Action":"*","Resource":"*","Condition":{condition}}}"#);
        other(user(A, "u")).identity(ALLOW_ALL).identity(&deny)
    };
    check(
        guarded(r#"{"arnNotEquals":{"aws:principalArn":"arn:aws:iam::111111111111:user/v"}}"#),
        &[&format!(
            r#"Identity 1 replace /Statement/Condition/arnNotEquals/aws:principalArn ["arn:aws:iam::111111111111:user/v","{U}"]"#
        )],
    );
    check(
        guarded(r#"{"Null":{"a:x":"true"}}"#),
        &[&format!(
            r#"Identity 1 add /Statement/Condition/ArnNotEquals {{"aws:PrincipalArn":"{U}"}}"#
        )],
    );
    let trail = key(service("cloudtrail.amazonaws.com"));
    let mut keep = trail.clone();
    keep.resource_policy = Some(vec![to("Deny", r#""*""#), to("Allow", r#""*""#)]);
    check(
        keep,
        &[
            r#"Resource 0 add /Statement/0/Condition {"StringNotEquals":{"aws:PrincipalServiceName":"cloudtrail.amazonaws.com"}}"#,
        ],
    );
    // Who asks under a name that the condition cannot hold is not spared: the statement goes.
    let mut odd = other(user(A, "u")).with("aws:PrincipalArn", "arn:aws:iam::111111111111:user/*");
    odd.identity = vec![vec![ALLOW_ALL.into(), DENY_ALL.into()]];
    check(odd, &["Identity 0 remove /Statement/1"]);
}

#[test]
fn keys_and_services() {
    let delegated = to("Allow", &aws(A));
    check(
        key(user(A, "u")).resource_policy(&delegated),
        &[
            r#"Identity new add  {"Statement":[{"Action":"kms:Decrypt","Effect":"Allow","Resource":"arn:aws:kms:us-east-1:111111111111:key/k"}],"Version":"2012-10-17"}"#,
        ],
    );
    // One change of the key policy beats a delegation and a policy of the user's.
    check(
        key(user(A, "u")).resource_policy(&to("Allow", r#"{"Service":"s3.amazonaws.com"}"#)),
        &[&format!(
            r#"Resource 0 replace /Statement [{},{{"Action":"kms:Decrypt","Effect":"Allow","Principal":{{"AWS":"{U}"}},"Resource":"*"}}]"#,
            r#"{"Action":"*","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Resource":"*"}"#
        )],
    );
    let decrypts =
        r#"{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"kms:Decrypt","Resource":"*"}"#;
    check(
        key(user(A, "u")).resource_policy(decrypts),
        &[&format!(r#"Resource 0 add /Statement/Principal/AWS "{U}""#)],
    );
    let trail = "arn:aws:cloudtrail:us-east-1:111111111111:trail/T";
    let with_source = |case: Case| case.with("aws:SourceArn", trail);
    let describe = r#"{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"kms:Describe*","Resource":"arn:x"}"#;
    check(
        with_source(key(service("cloudtrail.amazonaws.com"))).resource_policy(describe),
        &[&format!(
            r#"Resource 0 replace /Statement [{},{{"Action":"kms:Decrypt","Condition":{{"StringEquals":{{"aws:SourceArn":"{trail}"}}}},"Effect":"Allow","Principal":{{"Service":"cloudtrail.amazonaws.com"}},"Resource":"*"}}]"#,
            r#"{"Action":"kms:Describe*","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Resource":"arn:x"}"#
        )],
    );
    // From another account both sides must allow.
    check(
        key(user(B, "u")).resource_policy(&delegated).identity(ALLOW_EC2),
        &[
            r#"Resource 0 replace /Statement [{"Action":"*","Effect":"Allow","Principal":{"AWS":"111111111111"},"Resource":"*"},{"Action":"kms:Decrypt","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:user/u"},"Resource":"*"}]"#,
            r#"Identity 0 replace /Statement [{"Action":"ec2:*","Effect":"Allow","Resource":"*"},{"Action":"kms:Decrypt","Effect":"Allow","Resource":"arn:aws:kms:us-east-1:111111111111:key/k"}]"#,
        ],
    );
}

#[test]
fn limits_and_organizations() {
    let named = |case: Case| case.identity(ALLOW_EC2).boundary(ALLOW_EC2);
    check(
        named(bucket(user(A, "u"))),
        &[
            r#"Resource new add  {"Statement":[{"Action":"s3:GetObject","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/u"},"Resource":"arn:aws:s3:::bucket/a/b"}],"Version":"2012-10-17"}"#,
        ],
    );
    check(
        named(other(user(A, "u"))),
        &[
            r#"Identity 0 replace /Statement/Action ["ec2:*","cloudtrail:CreateTrail"]"#,
            r#"PermissionsBoundary 0 replace /Statement/Action ["ec2:*","cloudtrail:CreateTrail"]"#,
        ],
    );
    let mut organization = other(root(A)).level(ALLOW_ALL).level(ALLOW_EC2);
    organization
        .service_control
        .push(vec![vec![ALLOW_ALL.into(), DENY_ALL.into()]]);
    check(
        organization,
        &[
            &format!(
                r#"ServiceControl 2 add /Statement/1/Condition {{"ArnNotEquals":{{"aws:PrincipalArn":"arn:aws:iam::{A}:root"}}}}"#
            ),
            r#"ServiceControl 1 replace /Statement/Action ["ec2:*","cloudtrail:CreateTrail"]"#,
        ],
    );
    let mut none = other(root(A));
    none.resource_control = vec![Vec::new()];
    check(
        none,
        &[
            r#"ResourceControl new in level 0 add  {"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}],"Version":"2012-10-17"}"#,
        ],
    );
}

#[test]
fn what_no_change_can_allow() {
    check(key(user(B, "u")).identity(ALLOW_ALL), &[]);
    check(
        key(crate::Principal::Anonymous).resource_policy(&to("Allow", &aws(A))),
        &[],
    );
    check(
        case(ResourceKind::Other, user(B, "u"), "kms:ListAliases").identity(ALLOW_ALL),
        &[],
    );
    // Nobody changes what AWS manages: an allow goes elsewhere, a deny stays.
    const MANAGED: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    check(
        other(user(A, "u"))
            .identity(ALLOW_EC2)
            .identity(ALLOW_EC2)
            .managed(&[MANAGED]),
        &[r#"Identity 1 replace /Statement/Action ["ec2:*","cloudtrail:CreateTrail"]"#],
    );
    check(other(user(A, "u")).identity(DENY_ALL).managed(&[MANAGED]), &[]);
}
