//! What a call replaces, as it is at this moment: somebody else may have changed it since the change was planned or made.
//!
//! AWS has no call that replaces a policy only when it is still a certain one. So it is read just before the call; what somebody
//! does between these two calls is not seen.

use super::Call;
use crate::{
    aws::{Client, Error},
    message,
    message::Message,
    rollback::Encryption,
};
use http::Method;
use serde_json::{Map, Value, json};
use wire::ServiceName::{CloudTrail, Kms, Sns};

/// Something that is not as the change knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Overtaken {
    /// What it is: `the policy of the bucket …`.
    pub what: Message,
    /// As the change knows it; empty when there was none.
    pub expected: String,
    /// As it is; empty when there is none.
    pub found: String,
}

/// What a call replaces whole.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    BucketPolicy(String),
    BucketEncryption(String),
    KeyPolicy(String),
    TopicPolicy(String),
    Trail(String),
}

/// How something is, or is left by a call.
#[derive(Clone, Debug, PartialEq)]
enum State {
    /// A policy; nothing when there is none.
    Policy(Option<Value>),
    /// Settings by their names.
    Settings(Map<String, Value>),
}

impl Target {
    fn of(call: &Call) -> Option<Target> {
        let text = |name: &str| call.input[name].as_str().map(str::to_owned);
        match (call.service.as_str(), call.operation.as_str()) {
            ("s3", "PutBucketPolicy" | "DeleteBucketPolicy") => text("Bucket").map(Target::BucketPolicy),
            ("s3", "PutBucketEncryption" | "DeleteBucketEncryption") => text("Bucket").map(Target::BucketEncryption),
            ("kms", "PutKeyPolicy") => text("KeyId").map(Target::KeyPolicy),
            ("sns", "SetTopicAttributes") if call.input["AttributeName"] == "Policy" => {
                text("TopicArn").map(Target::TopicPolicy)
            }
            ("cloudtrail", "UpdateTrail") => text("Name").map(Target::Trail),
            _ => None,
        }
    }

    fn named(&self) -> Message {
        match self {
            Target::BucketPolicy(name) => message!("the policy of the bucket {name}", "バケット {name} のポリシー"),
            Target::BucketEncryption(name) => message!(
                "the default encryption of the bucket {name}",
                "バケット {name} のデフォルト暗号化"
            ),
            Target::KeyPolicy(id) => message!("the policy of the key {id}", "キー {id} のポリシー"),
            Target::TopicPolicy(arn) => message!("the policy of the topic {arn}", "トピック {arn} のポリシー"),
            Target::Trail(name) => message!("the trail {name}", "証跡 {name}"),
        }
    }

    /// How it is now.
    async fn read(&self, client: &Client) -> Result<State, Error> {
        match self {
            Target::BucketPolicy(bucket) => match client.s3(Method::GET, bucket, "", "policy=", &[], "").await {
                Ok(answer) => Ok(State::Policy(Some(document(&answer.text())))),
                Err(error) if error.is(&["NoSuchBucketPolicy", "NoSuchBucket"]) => Ok(State::Policy(None)),
                Err(error) => Err(error),
            },
            Target::BucketEncryption(bucket) => match Encryption::of(client, bucket).await {
                Ok(found) => Ok(encryption(found.as_ref().map(Encryption::value).unwrap_or_default())),
                Err(error) if error.is(&["NoSuchBucket"]) => Ok(encryption(Value::Null)),
                Err(error) => Err(error),
            },
            Target::KeyPolicy(id) => {
                let input = json!({ "KeyId": id, "PolicyName": "default" });
                match client.json(Kms, "GetKeyPolicy", &input).await {
                    Ok(answer) => Ok(State::Policy(answer["Policy"].as_str().map(document))),
                    Err(error) if error.is(&["NotFoundException"]) => Ok(State::Policy(None)),
                    Err(error) => Err(error),
                }
            }
            Target::TopicPolicy(arn) => match client.query(Sns, "GetTopicAttributes", &[("TopicArn", arn)]).await {
                Ok(answer) => {
                    let text = crate::setup::topic::policy_of(&answer);
                    Ok(State::Policy((!text.is_empty()).then(|| document(&text))))
                }
                Err(error) if error.is(&["NotFound"]) => Ok(State::Policy(None)),
                Err(error) => Err(error),
            },
            Target::Trail(name) => {
                let input = json!({ "trailNameList": [name], "includeShadowTrails": false });
                let mut answer = client.json(CloudTrail, "DescribeTrails", &input).await?;
                Ok(trail(answer["trailList"][0].take()))
            }
        }
    }
}

/// What a call leaves; nothing of one that is not looked after here.
fn left_by(call: &Call) -> Option<State> {
    let policy = |name: &str| {
        call.input[name]
            .as_str()
            .map(|text| State::Policy(Some(document(text))))
    };
    match (Target::of(call)?, call.operation.as_str()) {
        (Target::BucketPolicy(_), "DeleteBucketPolicy") => Some(State::Policy(None)),
        (Target::BucketPolicy(_) | Target::KeyPolicy(_), _) => policy("Policy"),
        (Target::TopicPolicy(_), _) => policy("AttributeValue"),
        (Target::BucketEncryption(_), _) => Some(encryption(call.input["ServerSideEncryptionConfiguration"].clone())),
        (Target::Trail(_), _) => {
            let mut settings = call.input.as_object()?.clone();
            settings.remove("Name");
            Some(State::Settings(settings))
        }
    }
}

/// A policy as it is compared.
fn document(text: &str) -> Value {
    let mut document = serde_json::from_str(text).map_or_else(|_| Value::from(text), plain);
    if document.get("Statement").is_some_and(Value::is_object) {
        document["Statement"] = Value::Array(vec![document["Statement"].take()]);
    }
    document
}

/// Where the order says nothing, and a list of one is the one.
fn plain(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(plain).collect();
            if items.iter().all(Value::is_string) {
                items.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
                items.dedup();
            }
            match items.len() {
                1 => items.remove(0),
                _ => Value::Array(items),
            }
        }
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, plain(value))).collect(),
        scalar => scalar,
    }
}

/// A bucket's default encryption. One without any has S3's own keys, as every bucket has since 2023; kinds that are blocked are not
/// compared, for S3 blocks some by itself.
fn encryption(configuration: Value) -> State {
    let rule = &configuration["Rules"][0];
    let default = &rule["ApplyServerSideEncryptionByDefault"];
    let mut settings = Map::new();
    let algorithm = default["SSEAlgorithm"].as_str().unwrap_or("AES256");
    settings.insert("SSEAlgorithm".to_owned(), algorithm.into());
    settings.insert(
        "KMSMasterKeyID".to_owned(),
        default["KMSMasterKeyID"].as_str().unwrap_or_default().into(),
    );
    let bucket_key = rule["BucketKeyEnabled"].as_bool().unwrap_or(false);
    settings.insert("BucketKeyEnabled".to_owned(), bucket_key.into());
    State::Settings(settings)
}

/// What DescribeTrails says, by the names that UpdateTrail has for it.
fn trail(found: Value) -> State {
    let mut settings = Map::new();
    let members = [
        ("S3BucketName", "S3BucketName"),
        ("S3KeyPrefix", "S3KeyPrefix"),
        ("SnsTopicName", "SnsTopicName"),
        ("IncludeGlobalServiceEvents", "IncludeGlobalServiceEvents"),
        ("IsMultiRegionTrail", "IsMultiRegionTrail"),
        ("EnableLogFileValidation", "LogFileValidationEnabled"),
        ("CloudWatchLogsLogGroupArn", "CloudWatchLogsLogGroupArn"),
        ("CloudWatchLogsRoleArn", "CloudWatchLogsRoleArn"),
        ("KmsKeyId", "KmsKeyId"),
        ("IsOrganizationTrail", "IsOrganizationTrail"),
    ];
    for (name, told) in members {
        settings.insert(name.to_owned(), found[told].clone());
    }
    State::Settings(settings)
}

impl State {
    /// Whether `found` is this, as far as this says anything.
    fn is(&self, found: &State) -> bool {
        match (self, found) {
            (State::Policy(one), State::Policy(other)) => one == other,
            (State::Settings(wanted), State::Settings(found)) => wanted
                .iter()
                .all(|(name, value)| found.get(name).is_none_or(|found| is_same(value, found))),
            _ => false,
        }
    }

    /// For people, with just the settings that `by` has.
    fn shown(&self, by: &State) -> String {
        match (self, by) {
            (State::Policy(None), _) => String::new(),
            (State::Policy(Some(document)), _) => crate::text::policy(&document.to_string()),
            (State::Settings(settings), State::Settings(named)) => {
                let of = |name: &String| (name.clone(), settings.get(name).cloned().unwrap_or_default());
                let settings: Map<String, Value> = named.keys().map(of).collect();
                crate::text::policy(&Value::Object(settings).to_string())
            }
            (State::Settings(settings), _) => Value::Object(settings.clone()).to_string(),
        }
    }
}

/// Whether a setting is what was asked for: what is not there is an empty text or false; a name may stand for the ARN that ends with it,
/// and an alias for a key that is not known here.
fn is_same(asked: &Value, found: &Value) -> bool {
    if asked == found {
        return true;
    }
    if asked.is_boolean() || found.is_boolean() {
        return asked.as_bool().unwrap_or(false) == found.as_bool().unwrap_or(false);
    }
    let (asked, found) = (asked.as_str().unwrap_or_default(), found.as_str().unwrap_or_default());
    let ends = |whole: &str, end: &str| {
        !end.is_empty() && whole.strip_suffix(end).is_some_and(|start| start.ends_with([':', '/']))
    };
    let is_alias = |name: &str| name.starts_with("alias/") || name.contains(":alias/");
    asked == found
        || ends(found, asked)
        || ends(asked, found)
        || (!asked.is_empty() && !found.is_empty() && (is_alias(asked) || is_alias(found)))
}

/// Whether both calls replace the same thing.
pub(super) fn is_of_same(one: &Call, other: &Call) -> bool {
    match (Target::of(one), Target::of(other)) {
        (Some(this), Some(that)) => this == that && one.region == other.region,
        _ => false,
    }
}

/// Whether the call makes what the other one replaces: what is so new is nobody else's yet.
pub(super) fn makes(call: &Call, other: &Call) -> bool {
    match Target::of(other) {
        Some(Target::BucketPolicy(name) | Target::BucketEncryption(name)) => {
            call.operation == "CreateBucket" && call.input["Bucket"] == name.as_str()
        }
        Some(Target::TopicPolicy(arn)) => {
            let name = call.input["Name"].as_str();
            call.operation == "CreateTopic" && name.is_some_and(|name| arn.ends_with(&format!(":{name}")))
        }
        _ => false,
    }
}

/// What `call` is about to replace, when it is neither as `known` leaves it nor as the call itself would. Nothing of calls that are
/// not looked after here.
///
/// # Errors
/// Those of the reading call: then it is not known what would be replaced.
pub(super) async fn overtaken(client: &Client, call: &Call, known: &Call) -> Result<Option<Overtaken>, Error> {
    let (Some(target), Some(expected), Some(wanted)) = (Target::of(call), left_by(known), left_by(call)) else {
        return Ok(None);
    };
    if Target::of(known).as_ref() != Some(&target) || call.has_places() {
        return Ok(None);
    }
    let found = target.read(&client.in_region(&call.region)).await?;
    if expected.is(&found) || wanted.is(&found) {
        return Ok(None);
    }
    Ok(Some(Overtaken {
        what: target.named(),
        expected: expected.shown(&expected),
        found: found.shown(&expected),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(service: &str, operation: &str, input: Value) -> Call {
        Call::new(service, operation, "r", input)
    }

    fn policy_of_bucket(text: &str) -> Call {
        call("s3", "PutBucketPolicy", json!({ "Bucket": "b", "Policy": text }))
    }

    #[test]
    fn policies_are_compared_by_what_they_say() {
        let check = |one: &str, other: &str, same| {
            let (one, other) = (left_by(&policy_of_bucket(one)), left_by(&policy_of_bucket(other)));
            assert_eq!(one.unwrap().is(&other.unwrap()), same);
        };
        check(
            r#"{"Statement":[{"Action":["b","a"],"Sid":"s"}],"Version":"v"}"#,
            r#"{ "Version": "v", "Statement": { "Sid": "s", "Action": ["a", "b"] } }"#,
            true,
        );
        check(
            r#"{"Statement":[{"Sid":"a"},{"Sid":"b"}]}"#,
            r#"{"Statement":[{"Sid":"a"}]}"#,
            false,
        );
        let none = left_by(&call("s3", "DeleteBucketPolicy", json!({ "Bucket": "b" }))).unwrap();
        assert!(none.is(&State::Policy(None)) && !none.is(&left_by(&policy_of_bucket("{}")).unwrap()));
    }

    #[test]
    fn settings_of_a_trail_are_compared_as_far_as_they_are_asked_for() {
        let found = trail(
            json!({ "Name": "t", "S3BucketName": "b", "LogFileValidationEnabled": true,
            "KmsKeyId": "arn:aws:kms:r:1:key/k" }),
        );
        let check = |input: Value, same| {
            let left = left_by(&call("cloudtrail", "UpdateTrail", input.clone())).unwrap();
            assert_eq!(left.is(&found), same, "{input}");
        };
        check(json!({ "Name": "t", "KmsKeyId": "arn:aws:kms:r:1:key/k" }), true);
        check(json!({ "Name": "t", "KmsKeyId": "k" }), true);
        check(json!({ "Name": "t", "KmsKeyId": "alias/k" }), true);
        check(json!({ "Name": "t", "KmsKeyId": "arn:aws:kms:r:1:key/other" }), false);
        check(json!({ "Name": "t", "KmsKeyId": "" }), false);
        check(json!({ "Name": "t", "S3KeyPrefix": "" }), true);
        check(json!({ "Name": "t", "EnableLogFileValidation": false }), false);
        check(json!({ "Name": "t", "IsMultiRegionTrail": false }), true);
        let plain = trail(json!({ "Name": "t", "S3BucketName": "b" }));
        assert!(
            left_by(&call(
                "cloudtrail",
                "UpdateTrail",
                json!({ "KmsKeyId": "", "Name": "t" })
            ))
            .unwrap()
            .is(&plain)
        );
    }

    #[test]
    fn default_encryption_is_compared_without_what_s3_adds() {
        let put = |rule: Value| {
            let input = json!({ "Bucket": "b", "ServerSideEncryptionConfiguration": { "Rules": [rule] } });
            left_by(&call("s3", "PutBucketEncryption", input)).unwrap()
        };
        let s3 = || put(json!({ "ApplyServerSideEncryptionByDefault": { "SSEAlgorithm": "AES256" } }));
        let told = put(
            json!({ "ApplyServerSideEncryptionByDefault": { "SSEAlgorithm": "AES256" },
            "BucketKeyEnabled": false, "BlockedEncryptionTypes": { "EncryptionType": ["SSE-C"] } }),
        );
        assert!(s3().is(&told));
        let none = left_by(&call("s3", "DeleteBucketEncryption", json!({ "Bucket": "b" }))).unwrap();
        assert!(none.is(&told));
        let kms =
            put(json!({ "ApplyServerSideEncryptionByDefault": { "SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "k" } }));
        assert!(!kms.is(&told) && !s3().is(&kms));
        let shown = kms.shown(&s3());
        assert!(shown.contains("aws:kms") && shown.contains("\"k\""), "{shown}");
    }

    #[test]
    fn what_a_change_has_made_itself_is_known() {
        let made = call("s3", "CreateBucket", json!({ "Bucket": "b" }));
        assert!(makes(&made, &policy_of_bucket("{}")));
        assert!(!makes(
            &made,
            &call("s3", "PutBucketPolicy", json!({ "Bucket": "c", "Policy": "{}" }))
        ));
        let topic = call("sns", "CreateTopic", json!({ "Name": "t" }));
        let of_topic = json!({ "TopicArn": "arn:aws:sns:r:1:t", "AttributeName": "Policy", "AttributeValue": "{}" });
        assert!(makes(&topic, &call("sns", "SetTopicAttributes", of_topic)));
        assert!(is_of_same(
            &policy_of_bucket("{}"),
            &call("s3", "DeleteBucketPolicy", json!({ "Bucket": "b" }))
        ));
    }
}
