//! The rules of combination, one case a line or two.

use super::world::*;
use crate::{
    Context, GrantOutcome, Grounds, Policies, Policy, PolicyKind, Principal, Request, ResourceKind, Trace,
    TraceOutcome, decide, explain,
};

/// `expected`: `root`, the statement that allowed as `Type policy.statement`, or AWS's words for the denial, with `the
/// action` for the action's name.
#[track_caller]
pub(crate) fn check(case: Case, expected: &str) {
    let decision = case.decide();
    let found = match (decision.grounds(), decision.denial()) {
        (Grounds::RootOfAccount, None) => "root".to_owned(),
        (Grounds::Grant { nth }, None) => format!("grant {nth}"),
        (Grounds::Statement { policy, nth, index, .. }, None) => format!("{policy:?} {nth}.{index}"),
        (_, Some(denial)) => denial.because("").replace("the  action", "the action"),
        (grounds, None) => format!("{grounds:?}"),
    };
    assert_eq!(found, expected, "{:?} {} {}", case.who, case.action, case.resource);
}

const NO_IDENTITY: &str = "because no identity-based policy allows the action";
const NO_RESOURCE: &str = "because no resource-based policy allows the action";
const NO_TRUST: &str = "because no role trust policy allows the action";
const NO_BOUNDARY: &str = "because no permissions boundary allows the action";
const NO_SESSION: &str = "because no session policy allows the action";
const NO_CONTROL: &str = "because no service control policy allows the action";
const DENY_IDENTITY: &str = "with an explicit deny in an identity-based policy";
const DENY_RESOURCE: &str = "with an explicit deny in a resource-based policy";

#[test]
fn identity_policies_decide_where_no_resource_speaks() {
    let u = || other(user(A, "u"));
    check(u(), NO_IDENTITY);
    check(u().identity(ALLOW_ALL), "Identity 0.0");
    check(u().identity(ALLOW_EC2).identity(ALLOW_ALL), "Identity 1.0");
    check(u().identity(ALLOW_EC2), NO_IDENTITY);
    check(u().identity(ALLOW_ALL).identity(DENY_ALL), DENY_IDENTITY);
    check(other(root(A)), "root");
    check(other(service("x.amazonaws.com")), NO_RESOURCE);
    check(other(Principal::Anonymous), NO_RESOURCE);
    check(other(user(B, "u")).identity(ALLOW_ALL), NO_RESOURCE);
    check(other(session(A)).identity(ALLOW_ALL), "Identity 0.0");
}

#[test]
fn elements_and_their_complements() {
    let one = |statement: &str| {
        other(user(A, "u"))
            .identity(statement)
            .on("arn:aws:cloudtrail:r:1:trail/T")
    };
    let allow = |elements: &str| one(&format!(r#"{{"Effect":"Allow",{elements}}}"#));
    let yes = "Identity 0.0";
    check(allow(r#""Action":"CLOUDTRAIL:createtrail","Resource":"*""#), yes);
    check(allow(r#""Action":"cloudtrail:Create*","Resource":"*""#), yes);
    check(allow(r#""Action":"cloudtrail:?reate*l","Resource":"*""#), yes);
    check(allow(r#""Action":["ec2:*","cloudtrail:*"],"Resource":"*""#), yes);
    check(allow(r#""Action":"*:*","Resource":"*""#), yes);
    check(allow(r#""Action":"cloudtrail:Create","Resource":"*""#), NO_IDENTITY);
    check(allow(r#""NotAction":"ec2:*","Resource":"*""#), yes);
    check(
        allow(r#""NotAction":["ec2:*","cloudtrail:create*"],"Resource":"*""#),
        NO_IDENTITY,
    );
    check(
        allow(r#""Action":"*","Resource":"arn:aws:cloudtrail:*:*:trail/T""#),
        yes,
    );
    check(
        allow(r#""Action":"*","Resource":"arn:aws:cloudtrail:*:*:trail/t""#),
        NO_IDENTITY,
    );
    check(allow(r#""Action":"*","NotResource":"arn:aws:s3:::*""#), yes);
    check(
        allow(r#""Action":"*","NotResource":"arn:aws:cloudtrail:*""#),
        NO_IDENTITY,
    );
    check(
        allow(r#""Action":"*","Resource":"arn:aws:cloudtrail:r:1:trail/${aws:username}""#),
        NO_IDENTITY,
    );
    check(
        allow(r#""Action":"*","Resource":"arn:aws:cloudtrail:r:1:trail/${tag:x, 'T'}""#),
        yes,
    );
    check(
        allow(r#""Action":"*","NotResource":"arn:aws:cloudtrail:r:1:trail/${tag:x}""#),
        NO_IDENTITY,
    );
    // Unnamed resources are covered by `*` alone.
    let star = r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:cloudtrail:*"}"#;
    check(other(user(A, "u")).identity(star), NO_IDENTITY);
}

#[test]
fn what_an_arn_lacks_is_a_star() {
    let on = |resource: &str, asked: &str| {
        let allow = r#"{"Effect":"Allow","Action":"*","Resource":"RESOURCE"}"#;
        other(user(A, "u"))
            .identity(&allow.replace("RESOURCE", resource))
            .on(asked)
    };
    check(on("arn:aws:sqs", "arn:aws:sqs:r:1:q"), "Identity 0.0");
    check(on("arn:aws:sqs:r", "arn:aws:sqs:r:1:q"), "Identity 0.0");
    check(on("arn:*", "arn:aws:sqs:r:1:q"), "Identity 0.0");
    check(on("arn:aws:sqs:r", "arn:aws:sqs:s:1:q"), NO_IDENTITY);
    check(on("arn:aws:sqs:r", "*"), NO_IDENTITY);
}

#[test]
fn a_variable_without_a_value_is_like_nothing() {
    let u = |statement: &str| bucket(user(A, "u")).identity(ALLOW_ALL).identity(statement);
    let deny = |elements: &str| format!(r#"{{"Effect":"Deny","Action":"*",{elements}}}"#);
    let none = "${aws:PrincipalTag/none}";
    check(
        u(&deny(&format!(r#""Resource":"arn:aws:s3:::bucket/{none}*""#))),
        "Identity 0.0",
    );
    check(
        u(&deny(&format!(r#""NotResource":"arn:aws:s3:::bucket/{none}*""#))),
        DENY_IDENTITY,
    );
    let test = |operator: &str| {
        deny(&format!(
            r#""Resource":"*","Condition":{{"{operator}":{{"aws:username":"{none}"}}}}"#
        ))
    };
    check(u(&test("StringEquals")), "Identity 0.0");
    check(u(&test("StringNotEquals")), DENY_IDENTITY);
    check(u(&test("StringNotLikeIfExists")), DENY_IDENTITY);
    // What is left out cannot be told: that is no reason to allow.
    let allow = format!(r#"{{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::other/{none}"}}"#);
    check(bucket(user(A, "u")).identity(&allow), NO_IDENTITY);
}

#[test]
fn denials_name_managed_policies() {
    const MANAGED: &str = "arn:aws:iam::111111111111:policy/P";
    check(
        other(user(A, "u")).identity(DENY_ALL).managed(&[MANAGED]),
        "with an explicit deny in an identity-based policy: arn:aws:iam::111111111111:policy/P",
    );
    check(other(user(A, "u")).identity(ALLOW_EC2).managed(&[MANAGED]), NO_IDENTITY);
    check(
        other(user(A, "u"))
            .identity(ALLOW_EC2)
            .identity(DENY_ALL)
            .managed(&[MANAGED]),
        DENY_IDENTITY,
    );
}

#[test]
fn a_trace_shows_what_was_asked_beside_what_is_written() {
    let both = [
        to("Allow", &aws("111111111111")),
        to("Allow", &aws("arn:aws:iam::111111111111:user/v")),
    ];
    let mut asked = key(user(A, "u"))
        .grant("arn:aws:iam::111111111111:user/v", "kms:Decrypt")
        .managed(&["arn:x"]);
    asked.resource_policy = Some(both.to_vec());
    asked =
        asked.identity(r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"a:x":"1"}}}"#);
    let trace = asked.with("a:X", "2").run(explain);
    let kept = serde_json::to_string(&trace).unwrap();
    assert_eq!(serde_json::from_str::<Trace>(&kept).unwrap(), trace);
    let outcomes: Vec<_> = trace.statements.iter().map(|each| &each.outcome).collect();
    let text = |text: &str| text.to_owned();
    assert_eq!(
        outcomes,
        [
            &TraceOutcome::Matched { delegates: true },
            &TraceOutcome::Principal {
                element: "Principal".into(),
                asked: text("arn:aws:iam::111111111111:user/u"),
                wanted: vec![text("arn:aws:iam::111111111111:user/v")],
            },
            &TraceOutcome::Condition {
                operator: text("StringEquals"),
                key: text("a:x"),
                wanted: vec![text("1")],
                found: Some(vec![text("2")]),
                unreadable: false,
            },
        ]
    );
    assert_eq!(trace.statements[2].source.as_deref(), Some("managed policy arn:x"));
    let GrantOutcome::Grantee { asked, wanted } = &trace.grants[0].outcome else {
        panic!("{:?}", trace.grants);
    };
    assert_eq!(
        [asked.as_str(), wanted],
        ["arn:aws:iam::111111111111:user/u", "arn:aws:iam::111111111111:user/v"]
    );
}

#[test]
fn a_users_folder_is_the_users() {
    let home = r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::bucket/${aws:username}/*"}"#;
    check(bucket(user(A, "a")).identity(home), "Identity 0.0");
    check(bucket(user(A, "b")).identity(home), NO_IDENTITY);
    check(bucket(session(A)).identity(home), NO_IDENTITY);
}

#[test]
fn a_bucket_is_opened_by_either_side_at_home_and_by_both_from_afar() {
    let named = to("Allow", &aws("arn:aws:iam::111111111111:user/u"));
    let delegated = to("Allow", &aws(A));
    check(bucket(user(A, "u")).resource_policy(&named), "Resource 0.0");
    check(bucket(user(A, "v")).resource_policy(&named), NO_IDENTITY);
    check(
        bucket(user(A, "v")).resource_policy(&named).identity(ALLOW_ALL),
        "Identity 0.0",
    );
    check(bucket(user(A, "u")).resource_policy(&delegated), NO_IDENTITY);
    check(
        bucket(user(A, "u")).resource_policy(&delegated).identity(ALLOW_ALL),
        "Identity 0.0",
    );
    check(
        bucket(user(A, "u")).resource_policy(&to("Allow", r#""*""#)),
        "Resource 0.0",
    );
    check(bucket(root(A)), "root");
    check(bucket(root(A)).resource_policy(&to("Deny", r#""*""#)), DENY_RESOURCE);
    let far = to("Allow", &aws("arn:aws:iam::222222222222:user/u"));
    check(bucket(user(B, "u")).identity(ALLOW_ALL), NO_RESOURCE);
    check(bucket(user(B, "u")).resource_policy(&far), NO_IDENTITY);
    check(
        bucket(user(B, "u")).resource_policy(&far).identity(ALLOW_ALL),
        "Identity 0.0",
    );
    check(
        bucket(user(B, "u"))
            .resource_policy(&to("Allow", &aws(B)))
            .identity(ALLOW_ALL),
        "Identity 0.0",
    );
    check(bucket(root(B)).resource_policy(&to("Allow", &aws(B))), "root");
    check(bucket(root(B)).resource_policy(&to("Allow", &aws(A))), NO_RESOURCE);
    check(bucket(Principal::Anonymous), NO_RESOURCE);
    check(
        bucket(Principal::Anonymous).resource_policy(&to("Allow", r#""*""#)),
        "Resource 0.0",
    );
    check(
        bucket(Principal::Anonymous).resource_policy(&to("Allow", &aws("*"))),
        "Resource 0.0",
    );
    check(
        bucket(Principal::Anonymous).resource_policy(&to("Allow", &aws(A))),
        NO_RESOURCE,
    );
    check(
        bucket(user(A, "u")).resource_policy(&to("Allow", &aws("AIDAABCDEFGHIJKLMNOPQ"))),
        "Resource 0.0",
    );
}

#[test]
fn services_are_named_or_meant_by_a_plain_star() {
    let trail = || bucket(service("cloudtrail.amazonaws.com"));
    let named = to("Allow", r#"{"Service":"cloudtrail.amazonaws.com"}"#);
    check(trail().resource_policy(&named), "Resource 0.0");
    check(trail().resource_policy(&to("Allow", r#""*""#)), "Resource 0.0");
    check(trail().resource_policy(&to("Allow", &aws("*"))), NO_RESOURCE);
    check(
        trail().resource_policy(&to("Allow", r#"{"Service":"logs.amazonaws.com"}"#)),
        NO_RESOURCE,
    );
    check(trail().identity(ALLOW_ALL), NO_RESOURCE);
    // What speaks of an organization's members does not speak of services.
    check(trail().resource_policy(&named).level(DENY_ALL), "Resource 0.0");
    check(
        key(service("cloudtrail.amazonaws.com")).resource_policy(&to("Allow", &aws(A))),
        NO_RESOURCE,
    );
    check(bucket(user(A, "u")).resource_policy(&named), NO_IDENTITY);
    // A service of a Region goes by another name.
    let regional = to("Allow", r#"{"Service":"cloudtrail.ap-east-1.amazonaws.com"}"#);
    check(trail().resource_policy(&regional), NO_RESOURCE);
    check(
        bucket(service("cloudtrail.ap-east-1.amazonaws.com")).resource_policy(&regional),
        "Resource 0.0",
    );
}

#[test]
fn the_owners_root_always_reaches_the_bucket_policy() {
    let locked = to("Deny", r#""*""#);
    for action in ["s3:PutBucketPolicy", "s3:getbucketpolicy", "s3:DeleteBucketPolicy"] {
        check(
            case(ResourceKind::Bucket, root(A), action).resource_policy(&locked),
            "root",
        );
        check(
            case(ResourceKind::Bucket, root(B), action).resource_policy(&locked),
            DENY_RESOURCE,
        );
        check(
            case(ResourceKind::Bucket, user(A, "u"), action)
                .resource_policy(&locked)
                .identity(ALLOW_ALL),
            DENY_RESOURCE,
        );
    }
    check(
        case(ResourceKind::Bucket, root(A), "s3:PutBucketAcl").resource_policy(&locked),
        DENY_RESOURCE,
    );
}

#[test]
fn a_key_obeys_its_policy_first() {
    let delegated = to("Allow", &aws("arn:aws:iam::111111111111:root"));
    check(key(root(A)), NO_RESOURCE);
    check(key(root(A)).resource_policy(&delegated), "Resource 0.0");
    check(key(root(A)).resource_policy(&to("Allow", &aws(B))), NO_RESOURCE);
    check(key(root(A)).resource_policy(&to("Allow", r#""*""#)), "Resource 0.0");
    check(key(user(A, "u")).identity(ALLOW_ALL), NO_RESOURCE);
    check(key(user(A, "u")).resource_policy(&delegated), NO_IDENTITY);
    check(
        key(user(A, "u")).resource_policy(&delegated).identity(ALLOW_ALL),
        "Identity 0.0",
    );
    let named = to("Allow", &aws("arn:aws:iam::111111111111:user/u"));
    check(key(user(A, "u")).resource_policy(&named), "Resource 0.0");
    check(
        key(user(A, "v")).resource_policy(&named).identity(ALLOW_ALL),
        NO_RESOURCE,
    );
    check(
        key(user(A, "u")).resource_policy(&named).identity(DENY_ALL),
        DENY_IDENTITY,
    );
    check(key(user(B, "u")).resource_policy(&to("Allow", &aws(B))), NO_IDENTITY);
    check(
        key(user(B, "u"))
            .resource_policy(&to("Allow", &aws(B)))
            .identity(ALLOW_ALL),
        "Identity 0.0",
    );
    check(
        key(user(B, "u")).resource_policy(&delegated).identity(ALLOW_ALL),
        NO_RESOURCE,
    );
    // A delegation covers only what it says.
    let only = r#"{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"kms:Describe*","Resource":"*"}"#;
    check(key(user(A, "u")).resource_policy(only).identity(ALLOW_ALL), NO_RESOURCE);
    // `Resource` means this key.
    let of = |resource: &str| {
        let allow = r#"{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"RESOURCE"}"#;
        key(user(A, "u")).resource_policy(&allow.replace("RESOURCE", resource))
    };
    check(of("arn:aws:kms:us-east-1:111111111111:key/*"), "Resource 0.0");
    check(of(KEY), "Resource 0.0");
    check(of("arn:aws:kms:us-east-1:111111111111:key/other"), NO_RESOURCE);
    check(of("anything"), NO_RESOURCE);
    // A statement without action or resource has no effect.
    check(
        key(user(A, "u")).resource_policy(r#"{"Effect":"Allow","Principal":"*","Action":"kms:*"}"#),
        NO_RESOURCE,
    );
    check(
        key(user(A, "u")).resource_policy(r#"{"Effect":"Allow","Principal":"*","Resource":"*"}"#),
        NO_RESOURCE,
    );
}

#[test]
fn a_role_obeys_its_trust_policy_first() {
    let assume = |who| case(ResourceKind::RoleTrust, who, "sts:AssumeRole");
    check(assume(user(A, "u")).identity(ALLOW_ALL), NO_TRUST);
    check(assume(user(A, "u")).resource_policy(&trusts(&aws(A))), NO_IDENTITY);
    check(
        assume(user(A, "u"))
            .resource_policy(&trusts(&aws(A)))
            .identity(ALLOW_ALL),
        "Identity 0.0",
    );
    check(
        assume(user(A, "u")).resource_policy(&trusts(&aws("arn:aws:iam::111111111111:user/u"))),
        "RoleTrust 0.0",
    );
    let service_only = trusts(r#"{"Service":"cloudtrail.amazonaws.com"}"#);
    check(
        assume(service("cloudtrail.amazonaws.com")).resource_policy(&service_only),
        "RoleTrust 0.0",
    );
    check(
        assume(user(A, "u")).resource_policy(&service_only).identity(ALLOW_ALL),
        NO_TRUST,
    );
    check(assume(user(B, "u")).resource_policy(&trusts(&aws(B))), NO_IDENTITY);
    let deny = r#"{"Effect":"Deny","Principal":"*","Action":"sts:*"}"#;
    check(
        assume(user(A, "u")).resource_policy(deny),
        "with an explicit deny in the role trust policy",
    );
}

#[test]
fn boundaries_and_sessions_limit() {
    let u = || other(user(A, "u")).identity(ALLOW_ALL);
    check(u().boundary(ALLOW_ALL), "Identity 0.0");
    check(u().boundary(ALLOW_EC2), NO_BOUNDARY);
    check(
        u().boundary(DENY_ALL),
        "with an explicit deny in a permissions boundary",
    );
    check(other(user(A, "u")).boundary(ALLOW_ALL), NO_IDENTITY);
    let s = || other(session(A)).identity(ALLOW_ALL);
    check(s().session(ALLOW_EC2), NO_SESSION);
    check(s().session(ALLOW_EC2).session(ALLOW_ALL), "Identity 0.0");
    check(s().session(DENY_ALL), "with an explicit deny in a session policy");
    check(s().session(ALLOW_ALL).boundary(ALLOW_EC2), NO_BOUNDARY);
    let mut none = s();
    none.session = Some(Vec::new());
    check(none, NO_SESSION);
    // A user's own name in a resource policy is beyond the boundary's silence, not beyond its deny.
    let named = to("Allow", &aws("arn:aws:iam::111111111111:user/u"));
    check(
        bucket(user(A, "u")).resource_policy(&named).boundary(ALLOW_EC2),
        "Resource 0.0",
    );
    check(
        bucket(user(A, "u")).resource_policy(&named).boundary(DENY_ALL),
        "with an explicit deny in a permissions boundary",
    );
    // A session's own name is beyond all silence; its role's is not.
    let session_named = to("Allow", &aws("arn:aws:sts::111111111111:assumed-role/R/s"));
    let role_named = to("Allow", &aws(ROLE));
    let limited = || bucket(session(A)).boundary(ALLOW_EC2);
    check(
        limited().session(ALLOW_EC2).resource_policy(&session_named),
        "Resource 0.0",
    );
    check(limited().resource_policy(&role_named), NO_BOUNDARY);
    check(bucket(session(A)).resource_policy(&role_named), "Resource 0.0");
    check(
        bucket(session(A)).resource_policy(&role_named).session(ALLOW_EC2),
        NO_SESSION,
    );
    check(limited().resource_policy(&to("Allow", r#""*""#)), "Resource 0.0");
    check(key(session(A)).resource_policy(&role_named), "Resource 0.0");
    check(
        key(session(A)).resource_policy(&to("Allow", &aws("AROAABCDEFGHIJKLMNOPQ"))),
        "Resource 0.0",
    );
    check(
        bucket(session(B)).resource_policy(&to("Allow", &aws("arn:aws:iam::222222222222:role/R"))),
        NO_IDENTITY,
    );
}

#[test]
fn every_level_of_the_organization_must_allow() {
    let u = || other(user(A, "u")).identity(ALLOW_ALL);
    check(u().level(ALLOW_ALL).level(ALLOW_ALL), "Identity 0.0");
    check(u().level(ALLOW_ALL).level(ALLOW_EC2), NO_CONTROL);
    check(u().level(DENY_ALL), "with an explicit deny in a service control policy");
    check(other(root(A)).level(ALLOW_EC2), NO_CONTROL);
    check(
        bucket(user(A, "u"))
            .resource_policy(&to("Allow", r#""*""#))
            .level(ALLOW_EC2),
        NO_CONTROL,
    );
    // A deny below is named before a silence above.
    check(u().level(ALLOW_EC2).identity(DENY_ALL), DENY_IDENTITY);
}

#[test]
fn not_principal_spares_only_whom_it_lists_in_every_form() {
    let spare = |listed: &str| {
        let deny = r#"{"Effect":"Deny","NotPrincipal":{"AWS":LISTED},"Action":"s3:*","Resource":"*"}"#;
        let both = vec![deny.replace("LISTED", listed), to("Allow", r#""*""#)];
        move |who| {
            let mut case = bucket(who).identity(ALLOW_ALL);
            case.resource_policy = Some(both.clone());
            case
        }
    };
    let user_and_root = spare(r#"["arn:aws:iam::111111111111:user/u","111111111111"]"#);
    check(user_and_root(user(A, "u")), "Resource 0.1");
    check(user_and_root(user(A, "v")), DENY_RESOURCE);
    check(user_and_root(root(A)), "root");
    check(user_and_root(Principal::Anonymous), DENY_RESOURCE);
    check(user_and_root(service("x.amazonaws.com")), DENY_RESOURCE);
    // Whoever has a boundary is not spared, whatever is listed.
    check(user_and_root(user(A, "u")).boundary(ALLOW_ALL), DENY_RESOURCE);
    check(
        spare(r#""arn:aws:iam::111111111111:user/u""#)(user(A, "u")),
        DENY_RESOURCE,
    );
    let role = spare(r#"["arn:aws:iam::111111111111:role/R","111111111111"]"#);
    check(role(session(A)), DENY_RESOURCE);
    let whole =
        spare(r#"["arn:aws:iam::111111111111:role/R","arn:aws:sts::111111111111:assumed-role/R/s","111111111111"]"#);
    check(whole(session(A)), "Resource 0.1");
    let but = r#"{"Effect":"Allow","NotPrincipal":{"AWS":"222222222222"},"Action":"s3:*","Resource":"*"}"#;
    check(bucket(user(A, "u")).resource_policy(but), "Resource 0.0");
    check(
        bucket(user(B, "u")).resource_policy(but).identity(ALLOW_ALL),
        NO_RESOURCE,
    );
}

#[test]
fn conditions_join() {
    let when = |condition: &str| {
        let allow = r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":WHEN}"#;
        other(user(A, "u"))
            .identity(&allow.replace("WHEN", condition))
            .with("a:x", "1")
            .with("a:y", "2")
    };
    check(when(r#"{"StringEquals":{"a:x":"1","A:Y":"2"}}"#), "Identity 0.0");
    check(when(r#"{"StringEquals":{"a:x":"1","a:y":"3"}}"#), NO_IDENTITY);
    check(
        when(r#"{"StringEquals":{"a:x":"1"},"NumericLessThan":{"a:y":3}}"#),
        "Identity 0.0",
    );
    check(
        when(r#"{"StringEquals":{"a:x":"1"},"NumericLessThan":{"a:y":2}}"#),
        NO_IDENTITY,
    );
    check(when(r#"{"StringEquals":{"a:x":["0","1"]}}"#), "Identity 0.0");
    check(
        when(r#"{"StringEquals":{"aws:username":"u"},"Bool":{"aws:PrincipalIsAWSService":false}}"#),
        "Identity 0.0",
    );
    check(
        when(r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}}"#),
        "Identity 0.0",
    );
    check(when("{}"), "Identity 0.0");
}

#[test]
fn what_cannot_be_read_counts_against_the_caller() {
    let statement = |effect: &str| {
        format!(
            r#"{{"Effect":"{effect}","Action":"*","Resource":"*","Condition":{{"NumericGreaterThan":{{"a:n":"5"}},"StringEquals":{{"a:x":"1"}}}}}}"#
        )
    };
    let u = |value: &str, x: &str| other(user(A, "u")).with("a:n", value).with("a:x", x);
    check(u("6", "1").identity(&statement("Allow")), "Identity 0.0");
    check(u("six", "1").identity(&statement("Allow")), NO_IDENTITY);
    check(
        u("six", "1").identity(ALLOW_ALL).identity(&statement("Deny")),
        DENY_IDENTITY,
    );
    check(
        u("4", "1").identity(ALLOW_ALL).identity(&statement("Deny")),
        "Identity 0.0",
    );
    // Another condition that plainly fails settles it.
    check(
        u("six", "2").identity(ALLOW_ALL).identity(&statement("Deny")),
        "Identity 0.0",
    );
}

#[test]
fn resource_control_binds_everyone_who_comes_to_the_resource() {
    const FULL: &str = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#;
    const DENIED: &str = "with an explicit deny in a resource control policy";
    const NO_CONTROL: &str = "because no resource control policy allows the action";
    let deny = r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}"#;
    let open = |who| bucket(who).resource_policy(&to("Allow", r#""*""#)).identity(ALLOW_ALL);
    let trail = || service("cloudtrail.amazonaws.com");
    for who in [
        user(A, "u"),
        user(B, "u"),
        session(A),
        root(A),
        trail(),
        Principal::Anonymous,
    ] {
        check(open(who.clone()).resource_level(FULL).resource_level(deny), DENIED);
        check(open(who.clone()).resource_level(deny), DENIED);
        assert!(
            open(who)
                .resource_level(FULL)
                .resource_level(FULL)
                .decide()
                .is_allowed()
        );
    }
    let mut none = open(user(A, "u"));
    none.resource_control.push(Vec::new());
    check(none, NO_CONTROL);
    let but_services = r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*",
        "Condition":{"BoolIfExists":{"aws:PrincipalIsAWSService":"false"}}}"#;
    let held = |who| {
        let mut case = open(who);
        case.resource_control = vec![vec![vec![FULL.into()], vec![but_services.into()]]];
        case
    };
    check(held(trail()), "Resource 0.0");
    check(held(user(A, "u")), DENIED);
}

#[test]
fn a_grant_is_all_that_its_grantee_needs() {
    let by_grant = |who| key(who).grant("arn:aws:iam::111111111111:user/u", "kms:Decrypt");
    check(by_grant(user(A, "u")), "grant 0");
    check(by_grant(user(A, "v")), NO_RESOURCE);
    check(
        key(user(A, "u")).grant("arn:aws:iam::111111111111:user/u", "kms:Encrypt"),
        NO_RESOURCE,
    );
    // Nothing is asked of the caller's own policies, in the key's account or another.
    check(
        key(user(B, "u")).grant("arn:aws:iam::222222222222:user/u", "kms:Decrypt"),
        "grant 0",
    );
    check(by_grant(user(A, "u")).boundary(ALLOW_EC2), "grant 0");
    // A session by its role is limited as its role is, unless the session itself is the grantee.
    let by_role = |who| key(who).grant(ROLE, "kms:Decrypt");
    check(by_role(session(A)), "grant 0");
    check(by_role(session(A)).session(ALLOW_EC2), NO_SESSION);
    check(by_role(session(A)).boundary(ALLOW_EC2), NO_BOUNDARY);
    check(
        by_role(session(A))
            .boundary(ALLOW_EC2)
            .resource_policy(&to("Allow", r#""*""#)),
        "Resource 0.0",
    );
    let own = "arn:aws:sts::111111111111:assumed-role/R/s";
    check(
        by_role(session(A)).grant(own, "kms:Decrypt").session(ALLOW_EC2),
        "grant 1",
    );
    // A deny anywhere wins, and so do the limits of an organization.
    check(by_grant(user(A, "u")).identity(DENY_ALL), DENY_IDENTITY);
    check(
        by_grant(user(A, "u")).resource_policy(&to("Deny", r#""*""#)),
        DENY_RESOURCE,
    );
    check(by_grant(user(A, "u")).level(ALLOW_EC2), NO_CONTROL);
    // An account's grant is its root's.
    check(key(root(B)).grant("222222222222", "kms:Decrypt"), "grant 0");
    check(
        key(user(B, "u"))
            .grant("222222222222", "kms:Decrypt")
            .identity(ALLOW_ALL),
        NO_RESOURCE,
    );
}

#[test]
fn a_policy_of_another_kind_in_a_resources_place_allows_nothing() {
    let who = user(A, "u");
    let context = Context::of(&who);
    let request = Request {
        principal: &who,
        action: "kms:Decrypt",
        resource: KEY,
        owner: None,
        kind: ResourceKind::KmsKey,
        context: &context,
    };
    let text = |effect| format!(r#"{{"Statement":{{"Effect":"{effect}","Action":"*","Resource":"*"}}}}"#);
    for (effect, explicit) in [("Allow", false), ("Deny", true)] {
        let policy = Policy::parse(&text(effect), PolicyKind::Identity).unwrap();
        let policies = Policies {
            resource: Some(&policy),
            ..Policies::default()
        };
        let denial = decide(&request, &policies).denial().unwrap();
        assert_eq!(denial.is_explicit(), explicit);
    }
}
