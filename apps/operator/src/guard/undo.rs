//! What takes back a call of the guard.

use crate::{aws::Client, change::Call, rollback::Encryption};
use serde_json::{Value, json};

/// The calls that make a setting again what it is now, before this call puts it back. Nothing for what cannot be read.
pub async fn undo(client: &Client, call: &Call) -> Vec<Call> {
    let with = |operation: &str, input: Value| Call::new(&call.service, operation, &call.region, input);
    match call.operation.as_str() {
        "UpdateTrail" => of_trail(client, call).await.into_iter().collect(),
        "StartLogging" => vec![with("StopLogging", call.input.clone())],
        "StartConfigurationRecorder" => vec![with("StopConfigurationRecorder", call.input.clone())],
        "PutBucketEncryption" => {
            let Some(bucket) = call.input["Bucket"].as_str() else {
                return Vec::new();
            };
            match Encryption::of(&client.in_region(&call.region), bucket).await {
                Ok(Some(before)) => vec![before.put(bucket, &call.region)],
                Ok(None) => vec![with("DeleteBucketEncryption", json!({ "Bucket": bucket }))],
                Err(_) => Vec::new(),
            }
        }
        _ => Vec::new(),
    }
}

/// UpdateTrail with the values that the trail has of what the call sets.
async fn of_trail(client: &Client, call: &Call) -> Option<Call> {
    const MEMBERS: [(&str, &str); 4] = [
        ("EnableLogFileValidation", "LogFileValidationEnabled"),
        ("IncludeGlobalServiceEvents", "IncludeGlobalServiceEvents"),
        ("IsMultiRegionTrail", "IsMultiRegionTrail"),
        ("KmsKeyId", "KmsKeyId"),
    ];
    let name = json!({ "Name": call.input["Name"] });
    let get = Call::new("cloudtrail", "GetTrail", &call.region, name.clone());
    let answer = get.send(client).await.ok()?;
    let trail = &answer["Trail"];
    let mut input = name;
    for (setting, member) in MEMBERS {
        if call.input.get(setting).is_none() {
            continue;
        }
        input[setting] = match &trail[member] {
            // A trail without a key is told without the member, and set so by an empty text.
            Value::Null if setting == "KmsKeyId" => json!(""),
            value => value.clone(),
        };
    }
    Some(Call::new("cloudtrail", "UpdateTrail", &call.region, input))
}
