//! What is taken in, what is not, and what becomes of it.

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

const SERVED: Served<'_> = Served(&["kms", "s3", "cloudtrail", "cloudtrail-data"]);
const OUR_ID: &str = "08d43247-084f-459d-88be-9889f3926669";
const CHANNEL: &str = "arn:aws:cloudtrail:us-east-1:111122223333:channel/c";

fn channel() -> Arn {
    Arn::parse(CHANNEL).unwrap()
}

fn admitted(submission: &Submission) -> Checked<Value> {
    let (channel, region) = (channel(), Region::us_east_1());
    let regions = [Region::parse("eu-west-1").unwrap()];
    let under = Admission {
        channel: &channel,
        account: AccountId::parse("111122223333").unwrap(),
        region: &region,
        regions: &regions,
        now: Timestamp::from_secs(1_600_000_000),
    };
    let taken = submission.admit(&under, OUR_ID.to_owned())?;
    crate::check_record(taken.json()).unwrap();
    assert!(!taken.json().contains(&b'\n'));
    Ok(serde_json::from_slice(taken.json()).unwrap())
}

fn taken(event: &Value) -> Checked<Value> {
    admitted(&Submission::parse(event.to_string(), SERVED)?)
}

fn invoke() -> Value {
    json!({
        "eventVersion": "1.08",
        "userIdentity": {"type": "AssumedRole", "principalId": "AROAX:me", "accessKeyId": "ASIAX", "userName": "no"},
        "eventTime": "2020-09-01T10:00:00Z",
        "eventSource": "lambda.amazonaws.com",
        "eventName": "Invoke",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "192.0.2.1",
        "userAgent": "agent",
        "requestParameters": {"functionName": "f", "n": [1, {"deep": null}]},
        "responseElements": null,
        "eventID": "theirs",
        "readOnly": false,
        "resources": [{"accountId": "444455556666", "type": "AWS::Lambda::Function",
            "ARN": "arn:aws:lambda:eu-west-1:444455556666:function:f"}, {"type": "AWS::X::Y", "ARNPrefix": "arn:x"}],
        "eventType": "AwsApiCall",
        "managementEvent": false,
        "recipientAccountId": "444455556666",
        "eventCategory": "Data",
        "someday": {"new": true},
    })
}

fn purchase() -> Value {
    json!({
        "version": "1",
        "userIdentity": {"type": "Customer", "principalId": "c-1", "details": {"tier": 2}},
        "eventSource": "shop.example.com",
        "eventName": "Buy",
        "eventTime": "2020-09-01T10:00:00",
        "UID": "u-1",
        "requestParameters": {"item": "x"},
        "sourceIPAddress": "2001:db8::1",
        "recipientAccountId": "111122223333",
    })
}

#[test]
fn a_record_keeps_its_members_and_says_where_it_came_in() {
    let mut expected = invoke();
    expected["eventID"] = json!(OUR_ID);
    expected["recipientAccountId"] = json!("111122223333");
    expected["metadata"] = json!({
        "originalEventID": "theirs",
        "originalRecipientAccountId": "444455556666",
        "ingestionTime": "2020-09-13T12:26:40Z",
        "channelARN": CHANNEL,
    });
    assert_eq!(taken(&invoke()), Ok(expected));
    let submission = Submission::parse(invoke().to_string(), SERVED).unwrap();
    assert_eq!(submission.schema(), Schema::Record);
    let index = &submission.index;
    assert_eq!(
        (
            index.user_name.as_deref(),
            index.access_key_id.as_deref(),
            index.category,
            index.resources.len()
        ),
        (Some("me"), Some("ASIAX"), EventCategory::Data, 1)
    );
}

#[test]
fn an_event_is_of_its_own_region_where_it_may_be() {
    let region = |named: &str| {
        let event = Value::Object(invoke().as_object().unwrap().clone());
        let mut event = event;
        event["awsRegion"] = json!(named);
        let submission = Submission::parse(event.to_string(), SERVED).unwrap();
        let (channel, home) = (channel(), Region::us_east_1());
        let under = Admission {
            channel: &channel,
            account: AccountId::FIRST,
            region: &home,
            regions: &[Region::parse("eu-west-1").unwrap()],
            now: Timestamp::from_secs(1_600_000_000),
        };
        submission
            .admit(&under, String::new())
            .unwrap()
            .index()
            .aws_region
            .as_str()
            .to_owned()
    };
    assert_eq!(region("eu-west-1"), "eu-west-1");
    assert_eq!(region("eu-west-2"), "us-east-1");
    assert_eq!(region("Nowhere at all"), "us-east-1");
}

#[test]
fn an_activity_event_is_wrapped() {
    assert_eq!(
        taken(&purchase()),
        Ok(json!({
            "eventVersion": EVENT_VERSION,
            "eventCategory": "ActivityAuditLog",
            "eventType": "ActivityLog",
            "eventID": OUR_ID,
            "eventTime": "2020-09-01T10:00:00Z",
            "awsRegion": "us-east-1",
            "recipientAccountId": "111122223333",
            "metadata": {"ingestionTime": "2020-09-13T12:26:40Z", "channelARN": CHANNEL},
            "eventData": purchase(),
        }))
    );
}

/// Sets members (`null` takes one out) and expects a refusal.
fn refuses(event: Value, changes: Value, code: FaultCode) {
    let mut event = event;
    for (name, value) in changes.as_object().unwrap() {
        event[name] = value.clone();
    }
    let found = taken(&event).map_err(|fault| fault.code);
    assert_eq!(found, Err(code), "{changes}");
}

#[test]
fn what_a_record_must_not_say() {
    use FaultCode::*;
    for (changes, code) in [
        (json!({"eventSource": "kms.amazonaws.com"}), InvalidEventSource),
        (json!({"eventSource": "KMS.amazonaws.com"}), InvalidEventSource),
        (json!({"eventSource": " kms.amazonaws.com."}), InvalidEventSource),
        (
            json!({"eventSource": "kms.us-east-1.amazonaws.com"}),
            InvalidEventSource,
        ),
        (
            json!({"eventSource": "kms-fips.us-east-1.amazonaws.com"}),
            InvalidEventSource,
        ),
        (json!({"eventSource": "s3.amazonaws.com.cn"}), InvalidEventSource),
        (json!({"eventSource": "s3.us-east-1.api.aws"}), InvalidEventSource),
        (
            json!({"eventSource": "cloudtrail-data.amazonaws.com"}),
            InvalidEventSource,
        ),
        (json!({"eventSource": "kms"}), InvalidEventSource),
        (json!({"eventSource": "ｋms.amazonaws.com"}), InvalidEventSource),
        (json!({"eventSource": "a..b"}), InvalidEventSource),
        (json!({"eventSource": null}), FieldNotFound),
        (json!({"eventSource": ""}), FieldNotFound),
        (json!({"eventSource": 1}), InvalidData),
        (json!({"metadata": {"channelARN": "x"}}), InvalidData),
        (json!({"metaData": {"channelARN": "x"}}), InvalidData),
        (json!({"EventSource": "kms.amazonaws.com"}), InvalidData),
        (json!({"version": "1"}), InvalidData),
        (json!({"userIdentity": null}), FieldNotFound),
        (json!({"userIdentity": []}), InvalidData),
        (json!({"userIdentity": {"userName": 1}}), InvalidData),
        (json!({"resources": [1]}), InvalidData),
        (json!({"eventType": "AwsCloudTrailInsight"}), InvalidData),
        (json!({"eventType": "ActivityLog"}), InvalidData),
        (json!({"eventCategory": "NetworkActivity"}), InvalidData),
        (json!({"eventCategory": "ActivityAuditLog"}), InvalidData),
        (json!({"managementEvent": true}), InvalidData),
        (json!({"readOnly": 1}), InvalidData),
        (json!({"eventTime": "2020-09-13T12:42:00Z"}), InvalidData),
        (json!({"eventTime": "1960-01-01T00:00:00Z"}), InvalidData),
        (json!({"eventTime": "yesterday"}), InvalidData),
        (json!({"eventVersion": "2.0"}), InvalidData),
        (json!({"eventVersion": "1.x"}), InvalidData),
        (json!({"eventName": "n".repeat(1025)}), FieldTooLong),
        (json!({"requestParameters": "x".repeat(100 * 1024)}), FieldTooLong),
        (json!({"additionalEventData": "x".repeat(28 * 1024)}), FieldTooLong),
        (json!({"someday": "x".repeat(256 * 1024)}), FieldTooLong),
    ] {
        refuses(invoke(), changes, code);
    }
}

#[test]
fn what_an_activity_event_must_not_say() {
    use FaultCode::*;
    for (changes, code) in [
        (json!({"recipientAccountId": "444455556666"}), InvalidRecipient),
        (json!({"recipientAccountId": null}), FieldNotFound),
        (json!({"UID": null}), FieldNotFound),
        (json!({"userIdentity": {"type": "x"}}), FieldNotFound),
        (
            json!({"userIdentity": {"type": "x", "principalId": "y", "details": 1}}),
            InvalidData,
        ),
        (
            json!({"userIdentity": {"type": "x".repeat(129), "principalId": "y"}}),
            FieldTooLong,
        ),
        (json!({"eventSource": "Lambda.amazonaws.com"}), InvalidEventSource),
        (json!({"eventSource": "s3"}), InvalidEventSource),
        (json!({"version": "v".repeat(257)}), FieldTooLong),
        (json!({"errorMessage": "v".repeat(257)}), FieldTooLong),
        (json!({"requestParameters": [1]}), InvalidData),
        (
            json!({"requestParameters": {"x": "x".repeat(100 * 1024)}}),
            FieldTooLong,
        ),
        (json!({"sourceIPAddress": "here"}), InvalidData),
        (json!({"eventType": "AwsApiCall"}), InvalidData),
        (json!({"metadata": {}}), InvalidData),
    ] {
        refuses(purchase(), changes, code);
    }
    let no_json = Submission::parse("x".to_owned(), SERVED).map_err(|fault| fault.code);
    assert_eq!(no_json.err(), Some(InvalidData));
    let twice =
        r#"{"eventVersion":"1.08","eventSource":"kms.amazonaws.com","event\u0053ource":"lambda.amazonaws.com"}"#;
    let twice = Submission::parse(twice.to_owned(), SERVED).map_err(|fault| fault.code);
    assert_eq!(twice.err(), Some(InvalidData));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-zA-Z\"\\\\é]{0,12}", inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is sent: what is taken in is one line of JSON, says its channel, has our id and account, and no source
    /// that is served stands where a record of ours has its source.
    #[test]
    fn nothing_passes_for_one_of_ours(
        base in prop_oneof![Just(invoke()), Just(purchase()), Just(json!({}))],
        changes in prop::collection::vec((
            prop_oneof![
                prop::sample::select(&RECORD[..]).prop_map(str::to_owned),
                prop::sample::select(&ACTIVITY[..]).prop_map(str::to_owned),
                "[a-zA-Z\"]{1,8}",
            ],
            prop_oneof![
                any_json(),
                prop::sample::select(&["kms.amazonaws.com", "KMS.amazonaws.com", "x.example", "Data"][..]).prop_map(Value::from),
            ],
        ), 0..4),
        pretty: bool,
    ) {
        let mut event = base;
        for (name, value) in changes {
            event[&name] = value;
        }
        let text = if pretty { serde_json::to_string_pretty(&event).unwrap() } else { event.to_string() };
        let Ok(found) = Submission::parse(text, SERVED).and_then(|submission| admitted(&submission)) else {
            return Ok(());
        };
        prop_assert_eq!(&found["metadata"]["channelARN"], CHANNEL);
        prop_assert_eq!(&found["eventID"], OUR_ID);
        prop_assert_eq!(&found["recipientAccountId"], "111122223333");
        let source = found["eventSource"].as_str().unwrap_or_default();
        prop_assert!(!SERVED.has(source), "{}", source);
    }

    #[test]
    fn no_bytes_make_it_panic(text in ".{0,200}", at in 0..800_usize, with in any::<char>()) {
        let _ = Submission::parse(text, SERVED);
        let mut damaged = invoke().to_string();
        let at = damaged.floor_char_boundary(at.min(damaged.len()));
        damaged.insert(at, with);
        let _ = Submission::parse(damaged, SERVED).and_then(|submission| admitted(&submission));
    }
}
