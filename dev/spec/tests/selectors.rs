//! The compiled selectors of trails against what AWS's pages say, over random selectors and events.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use base::{AccountId, Arn, Region};
use cloudtrail::selection::{
    AdvancedEventSelector, Compiled, DataResource, EventSelector, EventSelectors, FieldSelector, LoggedTrail,
    ReadWriteType, parse_advanced, parse_selectors,
};
use gateway::ports::Candidate;
use record::EventCategory;
use serde_json::{Value, json};
use spec::{
    choices::Choices,
    selectors::{Event, Trail, wants},
};
use std::collections::BTreeMap;
use store::Selection;

const CASES: u64 = 2_000;
const EVENTS_PER_CASE: usize = 12;
const TYPES: [&str; 6] = [
    "AWS::S3::Object",
    "AWS::Lambda::Function",
    "AWS::DynamoDB::Table",
    "AWS::DynamoDB::Stream",
    "AWS::SNS::Topic",
    "AWS::CloudTrail::Channel",
];
const NAMES: [&str; 6] = [
    "GetObject",
    "PutObject",
    "DeleteObject",
    "ListObjects",
    "Invoke",
    "PutItem",
];
const SOURCES: [&str; 4] = [
    "s3.amazonaws.com",
    "kms.amazonaws.com",
    "lambda.amazonaws.com",
    "rdsdata.amazonaws.com",
];
const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];
const USERS: [&str; 3] = [
    "arn:aws:iam::123456789012:root",
    "arn:aws:iam::123456789012:user/alice",
    "arn:aws:sts::123456789012:assumed-role/scanner/session",
];

fn text(choices: &mut Choices<'_>, of: &[&str]) -> String {
    choices.one(of).to_owned()
}

/// An ARN of few buckets, keys and functions, so that prefixes and ends meet often.
fn arn(choices: &mut Choices<'_>, of_type: &str) -> String {
    match of_type {
        "AWS::S3::Object" => {
            let bucket = choices.one(&["a", "ab", "logs"]);
            let key = choices.one(&["x", "xy", "x/y", "x/y/z", "z.tmp", "\u{e9}t\u{e9}"]);
            format!("arn:aws:s3:::{bucket}/{key}")
        }
        "AWS::S3::Bucket" => format!("arn:aws:s3:::{}", choices.one(&["a", "ab", "logs"])),
        _ => format!(
            "arn:aws:{}:{}:123456789012:thing/{}",
            choices.one(&["lambda", "dynamodb", "sns"]),
            choices.one(&REGIONS),
            choices.one(&["f", "f2", "g", "g/stream/1"]),
        ),
    }
}

/// A piece of a text: whole, its beginning or its end, or something else.
fn piece(choices: &mut Choices<'_>, whole: &str) -> String {
    let chars: Vec<char> = whole.chars().collect();
    let place = choices.below(chars.len().max(1));
    let piece: String = match choices.below(4) {
        0 => whole.to_owned(),
        1 => chars[..=place.min(chars.len().saturating_sub(1))].iter().collect(),
        2 => chars[place.min(chars.len().saturating_sub(1))..].iter().collect(),
        _ => format!("{whole}x"),
    };
    piece
}

const OPERATORS: [&str; 6] = [
    "Equals",
    "StartsWith",
    "EndsWith",
    "NotEquals",
    "NotStartsWith",
    "NotEndsWith",
];

/// A field with operators whose values are pieces of what events have.
fn field(choices: &mut Choices<'_>, name: &str, whole: &mut dyn FnMut(&mut Choices<'_>) -> String) -> Value {
    let mut told = json!({"Field": name});
    for _ in 0..=choices.below(3) {
        let operator = choices.one(&OPERATORS);
        let exact = name == "resources.ARN" && operator.ends_with("Equals");
        let values: Vec<String> = (0..=choices.below(4))
            .map(|_| {
                let whole = whole(choices);
                if exact { whole } else { piece(choices, &whole) }
            })
            .collect();
        told[operator] = json!(values);
    }
    told
}

fn equals(name: &str, values: &[&str]) -> Value {
    json!({"Field": name, "Equals": values})
}

fn advanced(choices: &mut Choices<'_>) -> Value {
    let mut fields = Vec::new();
    match choices.below(6) {
        0 => {
            fields.push(equals("eventCategory", &["Management"]));
            if choices.chance(50) {
                let excluded = choices.one(&["kms.amazonaws.com", "rdsdata.amazonaws.com"]);
                fields.push(json!({"Field": "eventSource", "NotEquals": [excluded]}));
            }
        }
        1 => {
            fields.push(equals("eventCategory", &["NetworkActivity"]));
            fields.push(equals(
                "eventSource",
                &[choices.one(&["s3.amazonaws.com", "kms.amazonaws.com"])],
            ));
            if choices.chance(40) {
                fields.push(equals("errorCode", &["VpceAccessDenied"]));
            }
            if choices.chance(40) {
                fields.push(field(choices, "vpcEndpointId", &mut |choices| {
                    text(choices, &["vpce-1", "vpce-22"])
                }));
            }
            if choices.chance(40) {
                fields.push(field(choices, "eventName", &mut |choices| text(choices, &NAMES)));
            }
        }
        _ => {
            let of_type = choices.one(&TYPES);
            fields.push(equals("eventCategory", &["Data"]));
            fields.push(equals("resources.type", &[of_type]));
            if choices.chance(60) {
                fields.push(field(choices, "resources.ARN", &mut |choices| arn(choices, of_type)));
            }
            if choices.chance(50) {
                fields.push(field(choices, "eventName", &mut |choices| text(choices, &NAMES)));
            }
            if choices.chance(20) {
                fields.push(field(choices, "eventSource", &mut |choices| text(choices, &SOURCES)));
            }
            if choices.chance(20) {
                fields.push(field(choices, "userIdentity.arn", &mut |choices| text(choices, &USERS)));
            }
            if choices.chance(10) {
                let types = ["AwsApiCall", "AwsServiceEvent"];
                fields.push(field(choices, "eventType", &mut |choices| text(choices, &types)));
            }
            if choices.chance(10) {
                let operator = choices.one(&["Equals", "NotEquals"]);
                fields.push(json!({"Field": "sessionCredentialFromConsole", operator: ["true"]}));
            }
        }
    }
    if fields[0]["Equals"][0] != "NetworkActivity" && choices.chance(40) {
        let both: &[&str] = &["true", "false"];
        let values = choices.one(&[&both[..1], &both[1..], both]);
        fields.push(equals("readOnly", values));
    }
    json!({"FieldSelectors": fields})
}

fn basic(choices: &mut Choices<'_>) -> Value {
    let resources: Vec<Value> = (0..choices.below(3))
        .map(|_| {
            let of_type = choices.one(&TYPES[..3]);
            let all = choices.one(&["arn:aws:s3", "arn:aws:s3:::"]);
            let values: Vec<String> = (0..choices.below(4))
                .map(|_| match (of_type, choices.chance(15)) {
                    ("AWS::S3::Object", true) => all.to_owned(),
                    ("AWS::Lambda::Function", true) => "arn:aws:lambda".to_owned(),
                    (_, true) => "arn:aws:dynamodb".to_owned(),
                    ("AWS::S3::Object", false) => {
                        let whole = arn(choices, of_type);
                        let (bucket, key) = whole.split_once('/').unwrap();
                        let end = key.char_indices().map(|(at, _)| at).nth(choices.below(3)).unwrap_or(0);
                        format!("{bucket}/{}", &key[..end])
                    }
                    (other, false) => {
                        let service = if other == "AWS::Lambda::Function" {
                            "lambda"
                        } else {
                            "dynamodb"
                        };
                        format!(
                            "arn:aws:{service}:us-east-1:123456789012:thing/{}",
                            choices.one(&["f", "f2", "g"])
                        )
                    }
                })
                .collect();
            json!({"Type": of_type, "Values": values})
        })
        .collect();
    let excluded: Vec<&str> = ["kms.amazonaws.com", "rdsdata.amazonaws.com"][..choices.below(3)].to_vec();
    json!({
        "ReadWriteType": choices.one(&["All", "ReadOnly", "WriteOnly"]),
        "IncludeManagementEvents": choices.chance(50),
        "DataResources": resources,
        "ExcludeManagementEventSources": excluded,
    })
}

fn trail(choices: &mut Choices<'_>) -> Trail {
    let request = match choices.chance(70) {
        true => {
            let selectors: Vec<Value> = (0..=choices.below(6)).map(|_| advanced(choices)).collect();
            json!({"AdvancedEventSelectors": selectors})
        }
        false => {
            let selectors: Vec<Value> = (0..=choices.below(3)).map(|_| basic(choices)).collect();
            json!({"EventSelectors": selectors})
        }
    };
    Trail {
        home: text(choices, &REGIONS),
        multi_region: choices.chance(60),
        include_global: choices.chance(80),
        recursive: choices.chance(80),
        request,
    }
}

fn event(choices: &mut Choices<'_>) -> Event {
    let category = choices.one(&["Management", "Data", "Data", "Data", "Data", "NetworkActivity"]);
    let mut event = Event {
        category: category.to_owned(),
        read_only: choices.chance(50),
        source: text(choices, &SOURCES),
        name: text(choices, &NAMES),
        event_type: text(choices, &["AwsApiCall", "AwsApiCall", "AwsServiceEvent"]),
        error_code: choices
            .chance(40)
            .then(|| text(choices, &["VpceAccessDenied", "AccessDenied"])),
        user_arn: choices.chance(80).then(|| text(choices, &USERS)),
        invoked_by: choices.chance(20).then(|| "cloudtrail.amazonaws.com".to_owned()),
        from_console: choices.chance(20),
        vpc_endpoint: choices.chance(50).then(|| text(choices, &["vpce-1", "vpce-22"])),
        resource_type: None,
        resources: Vec::new(),
        region: text(choices, &REGIONS),
        global: choices.chance(10),
    };
    if category == "Data" {
        let of_type = choices.one(&TYPES);
        event.resource_type = choices.chance(70).then(|| of_type.to_owned());
        for _ in 0..choices.below(4) {
            let of_type = match choices.below(4) {
                0 => choices.one(&TYPES),
                1 => "AWS::S3::Bucket",
                _ => of_type,
            };
            let arn = arn(choices, of_type);
            event.resources.push((of_type.to_owned(), arn));
        }
    }
    event
}

fn strings(value: &Value) -> Vec<String> {
    let values = value.as_array().into_iter().flatten();
    values.map(|value| value.as_str().unwrap().to_owned()).collect()
}

/// What the server keeps of the request, after its own checks.
fn kept(request: &Value) -> Option<EventSelectors> {
    if let Some(selectors) = request["AdvancedEventSelectors"].as_array() {
        let typed = |selector: &Value| AdvancedEventSelector {
            name: None,
            field_selectors: selector["FieldSelectors"]
                .as_array()
                .unwrap()
                .iter()
                .map(|field| FieldSelector {
                    field: field["Field"].as_str().unwrap().to_owned(),
                    equals: strings(&field["Equals"]),
                    starts_with: strings(&field["StartsWith"]),
                    ends_with: strings(&field["EndsWith"]),
                    not_equals: strings(&field["NotEquals"]),
                    not_starts_with: strings(&field["NotStartsWith"]),
                    not_ends_with: strings(&field["NotEndsWith"]),
                })
                .collect(),
        };
        return parse_advanced(selectors.iter().map(typed).collect())
            .ok()
            .map(EventSelectors::Advanced);
    }
    let typed = |selector: &Value| EventSelector {
        read_write_type: match selector["ReadWriteType"].as_str() {
            Some("ReadOnly") => ReadWriteType::ReadOnly,
            Some("WriteOnly") => ReadWriteType::WriteOnly,
            _ => ReadWriteType::All,
        },
        include_management_events: selector["IncludeManagementEvents"].as_bool().unwrap(),
        data_resources: selector["DataResources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|resource| DataResource {
                resource_type: resource["Type"].as_str().unwrap().to_owned(),
                values: strings(&resource["Values"]),
            })
            .collect(),
        exclude_management_event_sources: strings(&selector["ExcludeManagementEventSources"]),
    };
    let selectors = request["EventSelectors"].as_array().unwrap();
    parse_selectors(selectors.iter().map(typed).collect())
        .ok()
        .map(EventSelectors::Basic)
}

fn compiled(trails: &[(Trail, EventSelectors, Region)]) -> Compiled {
    Compiled::of(
        trails
            .iter()
            .enumerate()
            .map(|(number, (trail, selectors, home))| LoggedTrail {
                account: AccountId::FIRST,
                selection: Selection {
                    trail: number.to_string(),
                    generation: 1,
                },
                only_in: (!trail.multi_region).then_some(home),
                include_global: trail.include_global,
                recursive: trail.recursive,
                stopped_by: None,
                selectors,
            }),
    )
}

fn selected(compiled: &Compiled, event: &Event) -> Vec<String> {
    let region = Region::parse(&event.region).unwrap();
    let resources: Vec<record::Resource> = event
        .resources
        .iter()
        .map(|(of_type, arn)| record::Resource {
            arn: Arn::parse(arn).unwrap(),
            account_id: None,
            resource_type: of_type.clone().into(),
        })
        .collect();
    let candidate = Candidate {
        account: AccountId::FIRST,
        region: &region,
        category: match event.category.as_str() {
            "Management" => EventCategory::Management,
            "Data" => EventCategory::Data,
            _ => EventCategory::NetworkActivity,
        },
        read_only: event.read_only,
        event_source: &event.source,
        event_name: &event.name,
        event_type: &event.event_type,
        error_code: event.error_code.as_deref(),
        user_arn: event.user_arn.as_deref().map(Into::into),
        invoked_by: event.invoked_by.as_deref(),
        from_console: event.from_console,
        vpc_endpoint: event.vpc_endpoint.as_deref(),
        resource_type: event.resource_type.as_deref(),
        resources: &resources,
        global: event.global,
        request_id: None,
    };
    let mut chosen: Vec<String> = compiled.select(&candidate).into_iter().map(|one| one.trail).collect();
    chosen.sort_unstable();
    chosen
}

#[test]
fn the_compiled_form_selects_what_the_pages_say() {
    let mut counts: BTreeMap<(String, bool), u32> = BTreeMap::new();
    let mut refused = 0;
    for seed in 0..CASES {
        let mut choices = Choices::seeded(seed);
        let trails: Vec<_> = (0..3)
            .filter_map(|_| {
                let trail = trail(&mut choices);
                let Some(selectors) = kept(&trail.request) else {
                    refused += 1;
                    return None;
                };
                let home = Region::parse(&trail.home).unwrap();
                Some((trail, selectors, home))
            })
            .collect();
        let compiled = compiled(&trails);
        for _ in 0..EVENTS_PER_CASE {
            let event = event(&mut choices);
            let by_the_pages: Vec<String> = trails
                .iter()
                .enumerate()
                .filter(|(_, (trail, ..))| wants(trail, &event))
                .map(|(number, _)| number.to_string())
                .collect();
            let chosen = selected(&compiled, &event);
            let requests: Vec<_> = trails.iter().map(|(trail, ..)| trail).collect();
            assert_eq!(chosen, by_the_pages, "seed {seed}\n{event:#?}\n{requests:#?}");
            *counts.entry((event.category, !chosen.is_empty())).or_default() += 1;
        }
    }
    // A comparison that never selects, or always does, proves nothing.
    for category in ["Management", "Data", "NetworkActivity"] {
        for hit in [true, false] {
            let count = counts.get(&(category.to_owned(), hit)).copied().unwrap_or(0);
            assert!(count > 100, "{category} {hit}: {counts:?}");
        }
    }
    assert!(refused < CASES / 2, "{refused} of three requests a case were refused");
}
