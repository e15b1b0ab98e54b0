//! Laws that hold for all policies and requests of a small world, in which everything happens.

use super::world::{A, B, Case, Documents, case, root, service, session, user};
use crate::{
    Change, Effect, Policy, PolicyKind, PolicyType, Principal, ResourceKind, apply_patch, decide, explain, remedy,
};
use proptest::{option, prelude::*, sample::select};

fn principal() -> impl Strategy<Value = Principal> {
    select(vec![
        Principal::Anonymous,
        root(A),
        root(B),
        user(A, "u"),
        user(B, "u"),
        session(A),
        service("cloudtrail.amazonaws.com"),
    ])
}

fn condition() -> impl Strategy<Value = String> {
    select(vec![
        "{}",
        r#"{"StringEquals":{"a:x":"1"}}"#,
        r#"{"StringNotEquals":{"a:x":"1"}}"#,
        r#"{"NumericLessThan":{"a:x":"2"}}"#,
        r#"{"Null":{"a:x":"true"}}"#,
        r#"{"ForAllValues:StringLike":{"a:x":"1*"}}"#,
        r#"{"StringEqualsIfExists":{"a:x":"${aws:username}"}}"#,
        r#"{"stringequals":{"A:X":[1,"2"]},"Bool":{"a:y":true}}"#,
        r#"{"arnnotequals":{"AWS:principalarn":"arn:aws:iam::111111111111:role/R"}}"#,
        r#"{"StringNotLike":{"a:x":["3","${aws:PrincipalTag/t}"]},"StringNotEquals":{"a:y/z~":"1"}}"#,
    ])
    .prop_map(str::to_owned)
}

/// A statement of a policy with or without principals, with or without resources.
fn statement(effect: Option<Effect>, who: bool, resource: bool) -> impl Strategy<Value = String> {
    let effects = match effect {
        Some(Effect::Deny) => vec!["Deny"],
        Some(Effect::Allow) => vec!["Allow"],
        None => vec!["Allow", "Allow", "Deny"],
    };
    let names = vec![
        r#""Principal":"*""#,
        r#""Principal":{"AWS":"*"}"#,
        r#""Principal":{"AWS":"111111111111"}"#,
        r#""Principal":{"AWS":["222222222222","arn:aws:iam::111111111111:role/R"]}"#,
        r#""Principal":{"AWS":"arn:aws:iam::111111111111:user/u"}"#,
        r#""Principal":{"AWS":"arn:aws:sts::111111111111:assumed-role/R/s"}"#,
        r#""Principal":{"Service":"cloudtrail.amazonaws.com"}"#,
        // A trust policy has no such element.
        if resource {
            r#""NotPrincipal":{"AWS":["111111111111","arn:aws:iam::111111111111:user/u"]}"#
        } else {
            r#""Principal":{"Service":["s3.amazonaws.com","logs.amazonaws.com"]}"#
        },
    ];
    let actions = vec![r#""Action":"*""#, r#""Action":"s3:Get*""#, r#""NotAction":"s3:Get*""#];
    let resources = vec![
        r#""Resource":"*""#,
        r#""Resource":"arn:aws:s3:::bucket/*""#,
        r#""NotResource":"arn:aws:s3:::bucket/*""#,
    ];
    (
        select(effects),
        select(names),
        select(actions),
        select(resources),
        condition(),
    )
        .prop_map(move |(effect, name, action, on, condition)| {
            let name = if who { format!("{name},") } else { String::new() };
            let on = if resource { format!("{on},") } else { String::new() };
            format!(r#"{{"Effect":"{effect}",{name}{action},{on}"Condition":{condition}}}"#)
        })
}

fn policy(who: bool, resource: bool) -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(statement(None, who, resource), 1..4)
}

/// A level of resource control policies: mostly with the one that allows all.
fn resource_level() -> impl Strategy<Value = Vec<Vec<String>>> {
    let full = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#;
    let action = select(vec!["s3:*", "s3:Get*", "kms:*"]);
    let deny = (action, condition()).prop_map(|(action, condition)| {
        format!(r#"{{"Effect":"Deny","Principal":"*","Action":"{action}","Resource":"*","Condition":{condition}}}"#)
    });
    (any::<u8>(), proptest::collection::vec(deny, 0..2)).prop_map(move |(some, denies)| {
        let mut level: Vec<Vec<String>> = denies.into_iter().map(|deny| vec![deny]).collect();
        level.extend((some > 60).then(|| vec![full.to_owned()]));
        level
    })
}

fn action() -> impl Strategy<Value = &'static str> {
    select(vec!["s3:GetObject", "s3:PutBucketPolicy"])
}

fn world() -> impl Strategy<Value = Case> {
    let kind = select(vec![
        ResourceKind::Bucket,
        ResourceKind::KmsKey,
        ResourceKind::Other,
        ResourceKind::RoleTrust,
    ]);
    kind.prop_flat_map(|kind| {
        let trust = kind == ResourceKind::RoleTrust;
        (
            (principal(), action(), option::of(select(vec!["1", "12", "3", "x"]))),
            proptest::collection::vec(policy(false, true), 0..3),
            option::of(policy(true, !trust)),
            option::weighted(0.3, policy(false, true)),
            option::weighted(0.3, proptest::collection::vec(policy(false, true), 0..3)),
            option::weighted(0.2, policy(false, true)),
            option::weighted(0.2, resource_level()),
        )
            .prop_map(
                move |((who, action, x), identity, resource, boundary, session, control, resource_control)| {
                    let mut world = case(kind, who, action);
                    world.context.extend(x.map(|x| ("a:x", x.to_owned())));
                    world.identity = identity;
                    world.resource_policy = resource;
                    world.boundary = boundary;
                    world.session = session;
                    world.service_control = control.into_iter().map(|level| vec![level]).collect();
                    world.resource_control = resource_control.into_iter().collect();
                    world
                },
            )
    })
}

fn allowed(case: &Case) -> bool {
    case.decide().is_allowed()
}

/// The documents after the changes.
fn changed(documents: &Documents, changes: &[Change]) -> Documents {
    let mut after = documents.clone();
    let patched = |text: &mut String, change: &Change| *text = apply_patch(text, &change.patch).unwrap();
    let one_of = |texts: &mut Vec<String>, change: &Change| match change.nth {
        Some(nth) => patched(&mut texts[nth], change),
        None => texts.push(apply_patch("", &change.patch).unwrap()),
    };
    let in_levels = |levels: &mut Vec<Vec<String>>, change: &Change| {
        let level = change.level.unwrap();
        match change.nth {
            Some(nth) => {
                let before: usize = levels[..level].iter().map(Vec::len).sum();
                patched(&mut levels[level][nth - before], change);
            }
            None => levels[level].push(apply_patch("", &change.patch).unwrap()),
        }
    };
    // New policies last, for the places are those before any change.
    for change in changes
        .iter()
        .filter(|c| c.nth.is_some())
        .chain(changes.iter().filter(|c| c.nth.is_none()))
    {
        match change.policy {
            PolicyType::Identity => one_of(&mut after.identity, change),
            PolicyType::Session => one_of(after.session.as_mut().unwrap(), change),
            PolicyType::PermissionsBoundary => patched(after.boundary.as_mut().unwrap(), change),
            PolicyType::Resource | PolicyType::RoleTrust => {
                assert_eq!(after.resource.is_none(), change.nth.is_none());
                patched(after.resource.get_or_insert_default(), change);
            }
            PolicyType::ServiceControl => in_levels(&mut after.service_control, change),
            PolicyType::ResourceControl => in_levels(&mut after.resource_control, change),
        }
    }
    after
}

/// Nothing that is given can name the caller.
fn is_beyond_remedy(world: &Case) -> bool {
    let own = world
        .who
        .account()
        .is_some_and(|account| account.as_str() == world.owner);
    let needs_resource = !own || matches!(world.kind, ResourceKind::KmsKey | ResourceKind::RoleTrust);
    world.kind != ResourceKind::Bucket
        && (world.who == Principal::Anonymous || (needs_resource && world.resource_policy.is_none()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_deny_more_never_opens_a_door(
        world in world(),
        place in 0..5,
        holder in statement(Some(Effect::Deny), false, true),
        resource in statement(Some(Effect::Deny), true, true),
        trust in statement(Some(Effect::Deny), true, false),
    ) {
        let mut more = world.clone();
        let resource = if world.kind == ResourceKind::RoleTrust { trust } else { resource };
        let add = |policy: &mut Vec<String>, deny: &String| policy.push(deny.clone());
        match place {
            0 => more.identity.push(vec![holder]),
            1 => match &mut more.resource_policy {
                Some(policy) => add(policy, &resource),
                none => *none = Some(vec![resource]),
            },
            2 => more.boundary.iter_mut().for_each(|policy| add(policy, &holder)),
            3 => more.session.iter_mut().flatten().for_each(|policy| add(policy, &holder)),
            _ => more.service_control.iter_mut().flatten().for_each(|policy| add(policy, &holder)),
        }
        prop_assert!(allowed(&world) || !allowed(&more));
    }

    #[test]
    fn a_matching_deny_closes_every_door(world in world()) {
        let guarded = world.kind == ResourceKind::Bucket && world.action == "s3:PutBucketPolicy";
        let deny = match world.kind {
            ResourceKind::RoleTrust => r#"{"Effect":"Deny","Principal":"*","Action":"*"}"#,
            _ => r#"{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}"#,
        };
        let mut denied = world;
        denied.resource_policy.get_or_insert_default().push(deny.to_owned());
        prop_assert!(!allowed(&denied) || (guarded && denied.who == root(A)));
    }

    #[test]
    fn order_never_matters(world in world()) {
        let mut other = world.clone();
        other.identity.reverse();
        for policy in other.identity.iter_mut().chain(other.boundary.iter_mut()).chain(other.resource_policy.iter_mut()) {
            policy.reverse();
        }
        if let Some(session) = &mut other.session {
            session.reverse();
        }
        prop_assert_eq!(allowed(&world), allowed(&other));
    }

    #[test]
    fn a_boundary_only_narrows(world in world(), boundary in policy(false, true)) {
        let mut free = world.clone();
        free.boundary = None;
        let mut bound = world;
        bound.boundary = Some(boundary);
        prop_assert!(allowed(&free) || !allowed(&bound));
    }

    #[test]
    fn sessions_and_service_control_only_narrow(world in world()) {
        let mut free = world.clone();
        free.session = None;
        free.service_control = Vec::new();
        prop_assert!(allowed(&free) || !allowed(&world));
    }

    #[test]
    fn without_any_policy_only_the_owners_root_may(world in world()) {
        let bare = case(world.kind, world.who, world.action);
        let owner = bare.who == root(A) && matches!(bare.kind, ResourceKind::Bucket | ResourceKind::Other);
        prop_assert_eq!(allowed(&bare), owner);
    }

    #[test]
    fn a_remedy_opens_the_door_and_there_is_one(world in world()) {
        let changes = world.run(remedy);
        prop_assert!(!changes.is_empty() || allowed(&world) || is_beyond_remedy(&world));
        if !changes.is_empty() {
            prop_assert!(!allowed(&world));
            let after = changed(&world.documents(), &changes);
            let decision = after.run(&world, |check| decide(&check.request, &check.policies));
            prop_assert!(decision.is_allowed(), "{:?} {:?}", changes, after);
        }
    }

    #[test]
    fn parse_and_print_are_inverse(world in world()) {
        let documents = world.documents();
        let printed = documents.clone().map(|text, kind| {
            let printed = Policy::parse(text, kind).unwrap().to_json();
            assert_eq!(Policy::parse(&printed, kind).unwrap().to_json(), printed);
            printed
        }, world.kind);
        let decided = |documents: &Documents| documents.run(&world, |check| decide(&check.request, &check.policies));
        prop_assert_eq!(decided(&documents), decided(&printed));
    }

    #[test]
    fn every_statement_is_explained(world in world()) {
        let trace = world.run(explain);
        let has_policies = world.who.account().is_some();
        let identity: usize = world.identity.iter().map(Vec::len).sum();
        let found = trace.statements.iter().filter(|t| t.policy == crate::PolicyType::Identity).count();
        prop_assert_eq!(found, if has_policies { identity } else { 0 });
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>(), prefix in any::<bool>()) {
        let text = if prefix { format!("{{\"Statement\":{text}") } else { text };
        for kind in KINDS {
            let _ = Policy::parse(&text, kind);
        }
    }

    #[test]
    fn no_json_makes_the_parser_panic(json in json(3)) {
        for kind in KINDS {
            let _ = Policy::parse(&json, kind);
        }
    }

    #[test]
    fn no_pattern_makes_the_matcher_panic(pattern in r"[a*?${}':é,]{0,12}", text in any::<String>()) {
        let statement = serde_json::json!({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*",
            "Resource": &pattern, "Condition": {"ArnLike": {"a:x": &pattern}, "StringNotLike": {"a:x": &pattern}}},
            "Version": "2012-10-17"});
        if let Ok(policy) = Policy::parse(&statement.to_string(), PolicyKind::KeyPolicy) {
            let mut world = case(ResourceKind::KmsKey, user(A, "u"), "kms:Decrypt").with("a:x", &text);
            world.resource = text;
            world.run(|check| {
                let policies = crate::Policies { resource: Some(&policy), ..crate::Policies::default() };
                let _ = crate::decide(&check.request, &policies);
            });
        }
    }
}

const KINDS: [PolicyKind; 9] = [
    PolicyKind::BucketPolicy,
    PolicyKind::Identity,
    PolicyKind::KeyPolicy,
    PolicyKind::PermissionsBoundary,
    PolicyKind::ResourceControl,
    PolicyKind::ServiceControl,
    PolicyKind::Session,
    PolicyKind::TopicPolicy,
    PolicyKind::Trust,
];

/// JSON out of the words of policies, put together anyhow.
fn json(depth: u32) -> impl Strategy<Value = String> {
    let word = select(vec![
        "Version",
        "2012-10-17",
        "Statement",
        "Sid",
        "Effect",
        "Allow",
        "Deny",
        "Principal",
        "NotPrincipal",
        "AWS",
        "Service",
        "*",
        "111111111111",
        "Action",
        "NotAction",
        "kms:*",
        "Resource",
        "arn:aws:s3:::b",
        "Condition",
        "StringEquals",
        "NumericEquals",
        "Null",
        "aws:username",
        "${aws:username}",
        "1",
        "true",
    ]);
    let leaf = prop_oneof![
        word.clone().prop_map(|w| format!("{w:?}")),
        Just("1.5".to_owned()),
        Just("null".to_owned())
    ];
    leaf.prop_recursive(depth, 24, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::vec((word.clone(), inner), 0..5).prop_map(|members| {
                let members: Vec<String> = members.into_iter().map(|(k, v)| format!("{k:?}:{v}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}
