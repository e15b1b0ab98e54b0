//! The rights of an account made by hand.

use super::*;
use crate::survey::{
    Acl, Bucket, Encryption, Fact, Key, KeyMetadata, ManagedPolicy, Missing, Principals, PublicAccessBlock, Role,
    Survey, Trail, User, Versioning,
};
use policy::Context;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ACCOUNT: &str = "111122223333";
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555";
const TRAIL: &str = "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit";

fn denied<T>(call: &str) -> Fact<T> {
    Fact::NotAvailable(Missing {
        call: call.to_owned(),
        region: "us-east-1".to_owned(),
        code: "AccessDenied".to_owned(),
        message: String::new(),
    })
}

fn bucket_policy() -> Value {
    let source = json!({ "aws:SourceArn": TRAIL });
    let service = json!({ "Service": "cloudtrail.amazonaws.com" });
    let mut written = source.clone();
    written["s3:x-amz-acl"] = json!("bucket-owner-full-control");
    json!({ "Version": "2012-10-17", "Statement": [
        { "Sid": "Look", "Effect": "Allow", "Principal": service, "Action": "s3:GetBucketAcl",
          "Resource": "arn:aws:s3:::logs", "Condition": { "StringEquals": source } },
        { "Sid": "Write", "Effect": "Allow", "Principal": service, "Action": "s3:PutObject",
          "Resource": format!("arn:aws:s3:::logs/AWSLogs/{ACCOUNT}/*"), "Condition": { "StringEquals": written } },
    ] })
}

fn key_policy(more: &[Value]) -> Value {
    let mut statements = vec![
        json!({ "Sid": "Root", "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{ACCOUNT}:root") },
            "Action": "kms:*", "Resource": "*" }),
        json!({ "Sid": "Seal", "Effect": "Allow", "Principal": { "Service": "cloudtrail.amazonaws.com" },
            "Action": ["kms:GenerateDataKey*", "kms:DescribeKey"], "Resource": "*",
            "Condition": { "StringEquals": { "aws:SourceArn": TRAIL },
                "StringLikeIfExists": { "kms:EncryptionContext:aws:cloudtrail:arn": "arn:aws:cloudtrail:*:111122223333:trail/*" } } }),
    ];
    statements.extend(more.iter().cloned());
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn bucket(policy: Fact<Option<Value>>) -> Bucket {
    Bucket {
        name: "logs".to_owned(),
        exists: Fact::Known(true),
        owned: Fact::Known(true),
        region: Fact::Known("us-east-1".to_owned()),
        policy,
        policy_text: String::new(),
        policy_is_public: Fact::Known(None),
        encryption: Fact::Known(None),
        public_access_block: Fact::Known(Some(PublicAccessBlock::default())),
        acl: Fact::Known(Acl::default()),
        versioning: Fact::Known(Versioning::default()),
        lifecycle: Fact::Known(Vec::new()),
        logging: Fact::Known(None),
        ownership: Fact::Known(None),
        object_lock: Fact::Known(None),
        tags: Fact::Known(BTreeMap::new()),
    }
}

fn key(policy: Value) -> Key {
    Key {
        arn: KEY.to_owned(),
        region: "us-east-1".to_owned(),
        metadata: Fact::Known(KeyMetadata {
            state: "Enabled".to_owned(),
            ..KeyMetadata::default()
        }),
        policy: Fact::Known(policy),
        rotation: denied("kms:GetKeyRotationStatus"),
        aliases: Fact::Known(Vec::new()),
        grants: Fact::Known(Vec::new()),
        tags: Fact::Known(BTreeMap::new()),
    }
}

fn user(name: &str, inline: &[Value]) -> User {
    let inline = inline.iter().enumerate();
    User {
        arn: format!("arn:aws:iam::{ACCOUNT}:user/{name}"),
        name: name.to_owned(),
        id: "AIDA11112222333344445".to_owned(),
        path: "/".to_owned(),
        groups: Fact::Known(Vec::new()),
        inline: Fact::Known(
            inline
                .map(|(nth, document)| (format!("p{nth}"), document.clone()))
                .collect(),
        ),
        attached: Fact::Known(Vec::new()),
        boundary: Fact::Known(None),
        tags: Fact::Known(BTreeMap::new()),
    }
}

fn allow(action: &str, resource: &str) -> Value {
    json!({ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": action, "Resource": resource } })
}

fn trail() -> Trail {
    Trail {
        name: "audit".to_owned(),
        arn: TRAIL.to_owned(),
        home_region: "us-east-1".to_owned(),
        multi_region: true,
        organization: false,
        global_events: true,
        bucket: "logs".to_owned(),
        prefix: String::new(),
        kms_key: Some(KEY.to_owned()),
        validation: true,
        log_group: None,
        log_role: None,
        topic: None,
        seen_in: Vec::new(),
        status: denied("cloudtrail:GetTrailStatus"),
        selectors: denied("cloudtrail:GetEventSelectors"),
        insights: denied("cloudtrail:GetInsightSelectors"),
        tags: Fact::Known(BTreeMap::new()),
    }
}

fn survey() -> Survey {
    let reader = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::logs/*" },
        { "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*" },
    ] });
    Survey {
        account: ACCOUNT.to_owned(),
        partition: "aws".to_owned(),
        caller: format!("arn:aws:iam::{ACCOUNT}:root"),
        made_at: Some(base::Timestamp::from_secs(1_800_000_000)),
        regions: vec!["eu-west-1".to_owned(), "us-east-1".to_owned()],
        all_regions: Fact::Known(true),
        by_region: BTreeMap::new(),
        trails: vec![trail()],
        buckets: BTreeMap::from([("logs".to_owned(), bucket(Fact::Known(Some(bucket_policy()))))]),
        keys: BTreeMap::from([(KEY.to_owned(), key(key_policy(&[])))]),
        log_groups: BTreeMap::new(),
        topics: BTreeMap::new(),
        principals: Fact::Known(Principals {
            users: vec![
                user("auditor", &[reader]),
                user("half", &[allow("s3:GetObject", "*")]),
                user("nobody", &[]),
            ],
            ..Principals::default()
        }),
    }
}

fn of_trail(survey: &Survey) -> Vec<(Moment, String, Allowed)> {
    let rights = World::of(survey).trail_rights(&survey.trails[0]);
    let one = |right: Right| (right.at, right.action, right.verdict.allowed);
    rights.into_iter().map(one).collect()
}

fn allowed(survey: &Survey, who: &str) -> Allowed {
    let world = World::of(survey);
    let reader = world.reader_in(&survey.trails[0], "us-east-1", who).unwrap();
    reader.reads().allowed
}

fn arn(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:user/{name}")
}

#[test]
fn a_trail_with_the_least_may_do_all_that_it_does() {
    use Moment::{Change, Delivery, Digest};
    let expected = [
        (Change, "s3:GetBucketAcl"),
        (Delivery, "s3:PutObject"),
        (Digest, "s3:PutObject"),
        (Change, "kms:DescribeKey"),
        (Delivery, "kms:GenerateDataKey"),
    ];
    let expected = expected.map(|(at, action)| (at, action.to_owned(), Allowed::Yes));
    assert_eq!(of_trail(&survey()), expected);
}

#[test]
fn a_trail_of_another_name_may_nothing() {
    let mut survey = survey();
    survey.trails[0].arn = TRAIL.replace("audit", "other");
    let rights = World::of(&survey).trail_rights(&survey.trails[0]);
    assert!(rights.iter().all(|right| right.verdict.is_no()), "{rights:?}");
    assert!(
        rights[0].verdict.why.to_string().contains("aws:SourceArn"),
        "{rights:?}"
    );
}

#[test]
fn regions_are_told_apart_where_the_bucket_policy_does() {
    let mut survey = survey();
    let mut policy = bucket_policy();
    policy["Statement"][1]["Resource"] = json!(format!("arn:aws:s3:::logs/AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/*"));
    survey
        .buckets
        .insert("logs".to_owned(), bucket(Fact::Known(Some(policy))));
    let rights = World::of(&survey).trail_rights(&survey.trails[0]);
    let files: Vec<_> = rights
        .iter()
        .filter(|right| right.at == Moment::Delivery && right.action == "s3:PutObject")
        .collect();
    let found: Vec<(Allowed, String)> = files
        .iter()
        .map(|right| (right.verdict.allowed, right.what.to_string()))
        .collect();
    let expected = [
        (Allowed::Yes, "log files of us-east-1 are delivered".to_owned()),
        (Allowed::No, "log files of eu-west-1 are delivered".to_owned()),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_key_that_is_not_enabled_seals_nothing() {
    let world = World::of(&survey());
    let check = |state: KeyState, describe: Allowed| {
        let changed = world.with(&Proposed::one(Proposal::KeyState {
            key: KEY.to_owned(),
            state,
        }));
        let rights = of_trail(changed.survey());
        assert_eq!(
            rights[3],
            (Moment::Change, "kms:DescribeKey".to_owned(), describe),
            "{state:?}"
        );
        assert_eq!(rights[4].2, Allowed::No, "{state:?}");
        assert_eq!(allowed(changed.survey(), &arn("auditor")), Allowed::No, "{state:?}");
    };
    check(KeyState::Disabled, Allowed::Yes);
    check(KeyState::PendingDeletion, Allowed::Yes);
    check(KeyState::Deleted, Allowed::No);
}

#[test]
fn a_bucket_key_is_opened_again_and_bound_to_the_bucket() {
    let mut survey = survey();
    let encryption = Encryption {
        algorithm: "aws:kms".to_owned(),
        key: None,
        bucket_key: true,
    };
    survey.buckets.get_mut("logs").unwrap().encryption = Fact::Known(Some(encryption));
    let rights = of_trail(&survey);
    assert_eq!(rights[5], (Moment::Delivery, "kms:Decrypt".to_owned(), Allowed::No));
}

#[test]
fn readers_need_both_s3_and_the_key() {
    let survey = survey();
    let check = |who: &str, expected: Allowed| assert_eq!(allowed(&survey, who), expected, "{who}");
    check(&arn("auditor"), Allowed::Yes);
    check(&arn("half"), Allowed::No);
    check(&arn("nobody"), Allowed::No);
    check(&format!("arn:aws:iam::{ACCOUNT}:root"), Allowed::Yes);
    check("*", Allowed::No);
    check("cloudtrail.amazonaws.com", Allowed::No);
    check("arn:aws:iam::444455556666:root", Allowed::No);
    check(&arn("unknown"), Allowed::Unknown);
    let readers = World::of(&survey).readers(&survey.trails[0]);
    assert_eq!(readers.len(), 6, "{readers:?}");
}

#[test]
fn what_only_a_call_has_makes_the_answer_unknown() {
    let mut survey = survey();
    let world = |survey: &Survey, condition: Value| {
        let deny = json!({ "Sid": "Office", "Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*",
            "Condition": condition });
        let change = Proposal::KeyPolicy {
            key: KEY.to_owned(),
            document: key_policy(&[deny]),
        };
        World::of(survey).with(&Proposed::one(change)).survey().clone()
    };
    let check = |survey: &Survey, condition: Value, expected: Allowed| {
        let changed = world(survey, condition.clone());
        let reader = World::of(&changed)
            .reader_in(&changed.trails[0], "us-east-1", &arn("auditor"))
            .unwrap();
        assert_eq!(reader.reads().allowed, expected, "{condition} {reader:?}");
        reader.reads().why.to_string()
    };
    let office = json!({ "NotIpAddress": { "aws:SourceIp": "192.0.2.0/24" } });
    let why = check(&survey, office.clone(), Allowed::Unknown);
    assert!(why.contains("aws:SourceIp") && why.contains("\"Office\""), "{why}");
    check(
        &survey,
        json!({ "Bool": { "aws:SecureTransport": "false" } }),
        Allowed::Yes,
    );
    check(
        &survey,
        json!({ "StringEquals": { "kms:ViaService": "s3.us-east-1.amazonaws.com" } }),
        Allowed::No,
    );
    check(
        &survey,
        json!({ "StringEquals": { "ec2:Region": "us-east-1" } }),
        Allowed::Yes,
    );
    // What is refused anyway is refused for certain.
    let Fact::Known(principals) = &mut survey.principals else {
        unreachable!()
    };
    principals.users = vec![user("auditor", &[])];
    check(&survey, office, Allowed::No);
}

#[test]
fn what_could_not_be_read_makes_the_answer_unknown_and_names_the_call() {
    let mut survey = survey();
    survey
        .buckets
        .insert("logs".to_owned(), bucket(denied("s3:GetBucketPolicy")));
    let world = World::of(&survey);
    let rights = world.trail_rights(&survey.trails[0]);
    assert_eq!(rights[0].verdict.allowed, Allowed::Unknown);
    assert!(
        rights[0].verdict.why.to_string().contains("s3:GetBucketPolicy"),
        "{rights:?}"
    );
    assert_eq!(rights[3].verdict.allowed, Allowed::Yes);
    let reader = world
        .reader_in(&survey.trails[0], "us-east-1", &arn("auditor"))
        .unwrap();
    assert_eq!(
        (reader.s3.allowed, reader.kms.unwrap().allowed),
        (Allowed::Unknown, Allowed::Yes)
    );
    assert!(
        world
            .remarks()
            .iter()
            .any(|remark| remark.to_string().contains("s3:GetBucketPolicy"))
    );
    survey.principals = denied("iam:GetAccountAuthorizationDetails");
    let reader = World::of(&survey)
        .reader_in(&survey.trails[0], "us-east-1", &arn("auditor"))
        .unwrap();
    assert!(
        reader
            .kms
            .unwrap()
            .why
            .to_string()
            .contains("GetAccountAuthorizationDetails")
    );
}

#[test]
fn a_principal_of_another_account_has_the_resources_leave_and_no_more_is_known() {
    let statement = |effect: &str, principal: &str| json!({ "Effect": effect, "Principal": { "AWS": principal }, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::logs/*" });
    let check = |effect: &str, expected: Allowed| {
        let mut policy = bucket_policy();
        let role = "arn:aws:iam::444455556666:role/reader";
        policy["Statement"]
            .as_array_mut()
            .unwrap()
            .push(statement(effect, role));
        let mut survey = survey();
        survey.trails[0].kms_key = None;
        survey
            .buckets
            .insert("logs".to_owned(), bucket(Fact::Known(Some(policy))));
        let readers = World::of(&survey).readers(&survey.trails[0]);
        let found = readers.iter().find(|reader| reader.arn == role).unwrap();
        assert_eq!(
            (found.kind, found.s3.allowed),
            (Kind::OtherAccount, expected),
            "{effect}"
        );
    };
    check("Allow", Allowed::Unknown);
    check("Deny", Allowed::No);
}

#[test]
fn a_role_stands_for_all_its_sessions() {
    let role = Role {
        arn: format!("arn:aws:iam::{ACCOUNT}:role/team/reader"),
        name: "reader".to_owned(),
        id: "AROA11112222333344445".to_owned(),
        path: "/team/".to_owned(),
        trust: json!({}),
        inline: Fact::Known(BTreeMap::new()),
        attached: Fact::Known(Vec::new()),
        boundary: Fact::Known(None),
        tags: Fact::Known(BTreeMap::new()),
    };
    let mut survey = survey();
    let Fact::Known(principals) = &mut survey.principals else {
        unreachable!()
    };
    principals.roles.push(role.clone());
    survey.trails[0].kms_key = None;
    let check = |principal: &str, expected: Allowed| {
        let mut policy = bucket_policy();
        policy["Statement"]
            .as_array_mut()
            .unwrap()
            .push(json!({ "Effect": "Allow", "Principal": { "AWS": principal },
            "Action": "s3:GetObject", "Resource": "arn:aws:s3:::logs/*" }));
        let mut survey = survey.clone();
        survey
            .buckets
            .insert("logs".to_owned(), bucket(Fact::Known(Some(policy))));
        assert_eq!(allowed(&survey, &role.arn), expected, "{principal}");
    };
    check(&role.arn, Allowed::Yes);
    check(
        &format!("arn:aws:sts::{ACCOUNT}:assumed-role/reader/alice"),
        Allowed::Unknown,
    );
    check(&format!("arn:aws:sts::{ACCOUNT}:assumed-role/other/alice"), Allowed::No);
}

#[test]
fn boundaries_and_managed_policies_count_and_one_that_is_missing_is_a_doubt() {
    let boundary = format!("arn:aws:iam::{ACCOUNT}:policy/edge");
    let check = |document: Option<Value>, expected: Allowed| {
        let mut survey = survey();
        survey.trails[0].kms_key = None;
        let Fact::Known(principals) = &mut survey.principals else {
            unreachable!()
        };
        principals.users[0].boundary = Fact::Known(Some(boundary.clone()));
        if let Some(document) = &document {
            let policy = ManagedPolicy {
                arn: boundary.clone(),
                name: "edge".to_owned(),
                document: document.clone(),
            };
            principals.policies.insert(boundary.clone(), Fact::Known(policy));
        }
        assert_eq!(allowed(&survey, &arn("auditor")), expected, "{document:?}");
    };
    check(Some(allow("s3:*", "*")), Allowed::Yes);
    check(Some(allow("ec2:*", "*")), Allowed::No);
    check(None, Allowed::Unknown);
}

#[test]
fn grants_count_where_their_constraints_are_met() {
    let grant = |constraints: Value| json!({ "GrantId": "g", "GranteePrincipal": arn("half"), "Operations": ["Decrypt"], "Constraints": constraints });
    let check = |grants: Fact<Vec<Value>>, expected: Allowed| {
        let mut survey = survey();
        survey.keys.get_mut(KEY).unwrap().grants = grants.clone();
        assert_eq!(allowed(&survey, &arn("half")), expected, "{grants:?}");
    };
    let subset = |trail: &str| json!({ "EncryptionContextSubset": { "aws:cloudtrail:arn": trail } });
    check(Fact::Known(vec![grant(Value::Null)]), Allowed::Yes);
    check(Fact::Known(vec![grant(subset(TRAIL))]), Allowed::Yes);
    check(Fact::Known(vec![grant(subset("another"))]), Allowed::No);
    check(
        Fact::Known(vec![grant(
            json!({ "EncryptionContextEquals": { "aws:cloudtrail:arn": TRAIL } }),
        )]),
        Allowed::No,
    );
    check(denied("kms:ListGrants"), Allowed::Unknown);
}

#[test]
fn public_policies_are_kept_from_other_accounts_by_the_block() {
    let mut survey = survey();
    survey.trails[0].kms_key = None;
    let mut policy = bucket_policy();
    policy["Statement"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "Effect": "Allow", "Principal": "*",
        "Action": "s3:GetObject", "Resource": "arn:aws:s3:::logs/*" }));
    let change = Proposal::BucketPolicy {
        bucket: "logs".to_owned(),
        document: Some(policy),
    };
    let open = World::of(&survey).with(&Proposed::one(change.clone()));
    assert_eq!(allowed(open.survey(), "*"), Allowed::Yes);
    survey.buckets.get_mut("logs").unwrap().public_access_block = Fact::Known(Some(PublicAccessBlock {
        restrict_public_buckets: true,
        ..PublicAccessBlock::default()
    }));
    let blocked = World::of(&survey).with(&Proposed::one(change));
    assert_eq!(allowed(blocked.survey(), "*"), Allowed::No);
    assert_eq!(allowed(blocked.survey(), &arn("nobody")), Allowed::Yes);
    assert_eq!(of_trail(blocked.survey())[1].2, Allowed::Yes);
    // The policy itself tells, where S3 was not allowed to.
    let mut untold = blocked.survey().clone();
    untold.buckets.get_mut("logs").unwrap().policy_is_public = denied("s3:GetBucketPolicyStatus");
    assert_eq!(allowed(&untold, "*"), Allowed::No);
}

#[test]
fn a_key_for_s3_alone_opens_where_the_buckets_region_is_not_known() {
    let mut survey = survey();
    let through = json!({ "StringEquals": { "kms:ViaService": "s3.us-east-1.amazonaws.com" } });
    let policy = key_policy(&[
        json!({ "Effect": "Allow", "Principal": { "AWS": arn("half") }, "Action": "kms:Decrypt",
        "Resource": "*", "Condition": through }),
    ]);
    survey.keys.insert(KEY.to_owned(), key(policy));
    assert_eq!(allowed(&survey, &arn("half")), Allowed::Yes);
    survey.buckets.get_mut("logs").unwrap().region = denied("s3:HeadBucket");
    assert_eq!(allowed(&survey, &arn("half")), Allowed::Yes);
}

#[test]
fn any_action_of_anybody_can_be_asked() {
    let survey = survey();
    let world = World::of(&survey);
    let context = Context::new();
    let check = |who: &str, action: &str, resource: &str, expected: Allowed| {
        assert_eq!(
            world.may(who, action, resource, &context).allowed,
            expected,
            "{who} {action}"
        );
    };
    check(&arn("auditor"), "cloudtrail:StopLogging", TRAIL, Allowed::No);
    check(
        &format!("arn:aws:iam::{ACCOUNT}:root"),
        "cloudtrail:StopLogging",
        TRAIL,
        Allowed::Yes,
    );
    check(
        &format!("arn:aws:iam::{ACCOUNT}:root"),
        "kms:PutKeyPolicy",
        KEY,
        Allowed::Yes,
    );
    check(&arn("auditor"), "kms:PutKeyPolicy", KEY, Allowed::No);
    check("alice", "kms:PutKeyPolicy", KEY, Allowed::Unknown);
}

#[test]
fn a_state_that_could_not_be_read_is_no_yes() {
    let mut survey = survey();
    let user = format!("arn:aws:iam::{ACCOUNT}:root");
    let decrypt = |survey: &Survey| {
        World::of(survey)
            .may(&user, "kms:Decrypt", KEY, &Context::new())
            .allowed
    };
    let describe = |survey: &Survey| {
        World::of(survey)
            .may(&user, "kms:DescribeKey", KEY, &Context::new())
            .allowed
    };
    assert_eq!(decrypt(&survey), Allowed::Yes);
    survey.keys.get_mut(KEY).unwrap().metadata = denied("kms:DescribeKey");
    assert_eq!((decrypt(&survey), describe(&survey)), (Allowed::Unknown, Allowed::Yes));
    // What was not even asked, as in a folder of policies alone, is left out.
    survey.keys.get_mut(KEY).unwrap().metadata = Fact::NotAvailable(Missing::not_asked("kms:DescribeKey"));
    assert_eq!(decrypt(&survey), Allowed::Yes);
    // A public policy, and nobody knows what is blocked.
    let public = json!({ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::logs/*" } });
    let mut open = bucket(Fact::Known(Some(public)));
    open.policy_is_public = Fact::Known(Some(true));
    let object = "arn:aws:s3:::logs/a";
    let mut of = |block| {
        open.public_access_block = block;
        survey.buckets.insert("logs".to_owned(), open.clone());
        let world = World::of(&survey);
        let get = |who: &str| world.may(who, "s3:GetObject", object, &Context::new()).allowed;
        (get("*"), get(&user))
    };
    assert_eq!(of(Fact::Known(None)), (Allowed::Yes, Allowed::Yes));
    assert_eq!(of(denied("s3:GetPublicAccessBlock")), (Allowed::Unknown, Allowed::Yes));
}

#[test]
fn readers_in_china_come_through_the_service_of_their_partition() {
    assert_eq!(
        crate::aws::via_s3("aws-cn", "cn-north-1"),
        "s3.cn-north-1.amazonaws.com.cn"
    );
    assert_eq!(
        crate::aws::via_s3("aws-us-gov", "us-gov-west-1"),
        "s3.us-gov-west-1.amazonaws.com"
    );
}
