//! A call in a sentence, for people.

use super::Call;
use crate::{message, message::Message};

/// What the call does. What is not known here is named as AWS names it.
pub fn described(call: &Call) -> Message {
    let text = |name: &str| call.input[name].as_str().unwrap_or_default().to_owned();
    match (call.service.as_str(), call.operation.as_str()) {
        ("cloudtrail", operation) => of_trail(call, operation, &text("Name")),
        ("s3", operation) => of_bucket(call, operation, &text("Bucket")),
        ("kms", operation) => of_key(call, operation, &text("KeyId")),
        _ => named(call),
    }
}

fn named(call: &Call) -> Message {
    let Call {
        service,
        operation,
        region,
        ..
    } = call;
    message!(
        "Call {service}:{operation} in {region}.",
        "{region} で {service}:{operation} を呼び出します。"
    )
}

fn of_trail(call: &Call, operation: &str, trail: &str) -> Message {
    let region = &call.region;
    match (operation, call.input["KmsKeyId"].as_str()) {
        ("UpdateTrail", Some("")) => message!(
            "Take the key away from the trail {trail} in {region}: new log files are sealed by S3's own keys.",
            "{region} の証跡 {trail} から鍵を外します。新しいログファイルは S3 の鍵(SSE-S3)で暗号化されます。"
        ),
        ("UpdateTrail", Some(key)) => message!(
            "Give the trail {trail} in {region} the key {key}.",
            "{region} の証跡 {trail} に鍵 {key} を設定します。"
        ),
        ("UpdateTrail", None) => message!(
            "Set the trail {trail} in {region}.",
            "{region} の証跡 {trail} を設定します。"
        ),
        ("DeleteTrail", _) => message!(
            "Delete the trail {trail} in {region}.",
            "{region} の証跡 {trail} を削除します。"
        ),
        ("StopLogging", _) => message!(
            "Stop the trail {trail} in {region}.",
            "{region} の証跡 {trail} のログ記録を停止します。"
        ),
        ("StartLogging", _) => message!(
            "Start the trail {trail} in {region}.",
            "{region} の証跡 {trail} のログ記録を開始します。"
        ),
        _ => named(call),
    }
}

/// The settings of a bucket by the ends of their operations' names.
const SETTINGS: [(&str, &str, &str); 9] = [
    ("BucketPolicy", "policy", "ポリシー"),
    ("BucketEncryption", "default encryption", "デフォルト暗号化"),
    ("PublicAccessBlock", "public access block", "パブリックアクセスブロック"),
    ("BucketVersioning", "versioning", "バージョニング"),
    ("BucketLogging", "access logging", "アクセスログ"),
    ("BucketLifecycleConfiguration", "lifecycle", "ライフサイクル"),
    ("BucketLifecycle", "lifecycle", "ライフサイクル"),
    ("BucketOwnershipControls", "object ownership", "オブジェクト所有権"),
    ("BucketTagging", "tags", "タグ"),
];

fn of_bucket(call: &Call, operation: &str, bucket: &str) -> Message {
    let setting = |start: &str| {
        let end = operation.strip_prefix(start)?;
        SETTINGS.iter().find(|(name, _, _)| *name == end)
    };
    let algorithm = call
        .input
        .pointer("/ServerSideEncryptionConfiguration/Rules/0/ApplyServerSideEncryptionByDefault");
    if let (Some((_, name, japanese)), None) = (setting("Delete"), algorithm) {
        return message!(
            "Delete the {name} of the bucket {bucket}.",
            "バケット {bucket} の{japanese}を削除します。"
        );
    }
    match (operation, algorithm, setting("Put")) {
        ("DeleteBucket", ..) => message!("Delete the bucket {bucket}.", "バケット {bucket} を削除します。"),
        (_, Some(default), _) => {
            let algorithm = default["SSEAlgorithm"].as_str().unwrap_or_default();
            let by = match default["KMSMasterKeyID"].as_str() {
                Some(key) => format!("{algorithm}, {key}"),
                None => algorithm.to_owned(),
            };
            message!(
                "Set the default encryption of the bucket {bucket} to {by}.",
                "バケット {bucket} のデフォルト暗号化を {by} にします。"
            )
        }
        (_, None, Some((_, name, japanese))) => message!(
            "Set the {name} of the bucket {bucket}.",
            "バケット {bucket} の{japanese}を設定します。"
        ),
        _ => named(call),
    }
}

fn of_key(call: &Call, operation: &str, key: &str) -> Message {
    let alias = call.input["AliasName"].as_str().unwrap_or_default();
    match operation {
        "PutKeyPolicy" => message!("Set the policy of the key {key}.", "鍵 {key} のポリシーを設定します。"),
        "ScheduleKeyDeletion" => message!(
            "Schedule the deletion of the key {key}.",
            "鍵 {key} の削除をスケジュールします。"
        ),
        "CancelKeyDeletion" => message!(
            "Cancel the deletion of the key {key}: it is disabled then.",
            "鍵 {key} の削除を取り消します。鍵は無効の状態になります。"
        ),
        "EnableKey" => message!("Enable the key {key}.", "鍵 {key} を有効にします。"),
        "DisableKey" => message!(
            "Disable the key {key}: nothing is sealed or opened with it until it is enabled again.",
            "鍵 {key} を無効にします。再び有効にするまで、この鍵で暗号化も復号もできません。"
        ),
        "RotateKeyOnDemand" => message!(
            "Give the key {key} new key material now; what it has sealed is still opened with the old.",
            "鍵 {key} のキーマテリアルを今すぐローテーションします。これまでに暗号化したものは以前のマテリアルで復号できます。"
        ),
        "DeleteAlias" => message!("Delete the alias {alias}.", "エイリアス {alias} を削除します。"),
        "DisableKeyRotation" => message!(
            "Switch the rotation of the key {key} off.",
            "鍵 {key} の自動ローテーションを無効にします。"
        ),
        "EnableKeyRotation" => message!(
            "Switch the rotation of the key {key} on.",
            "鍵 {key} の自動ローテーションを有効にします。"
        ),
        _ => named(call),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn calls_are_said_in_sentences() {
        let check = |service: &str, operation: &str, input: serde_json::Value, expected: &str| {
            let found = described(&Call::new(service, operation, "eu-west-1", input)).to_string();
            assert!(found.starts_with(expected), "{found}");
        };
        let default = |rule: serde_json::Value| {
            json!({ "Bucket": "b", "ServerSideEncryptionConfiguration": { "Rules": [
                { "ApplyServerSideEncryptionByDefault": rule }] } })
        };
        check(
            "cloudtrail",
            "UpdateTrail",
            json!({ "Name": "a", "KmsKeyId": "" }),
            "Take the key away from the trail a in eu-west-1",
        );
        check(
            "cloudtrail",
            "UpdateTrail",
            json!({ "Name": "a", "KmsKeyId": "k" }),
            "Give the trail a in eu-west-1 the key k.",
        );
        check(
            "s3",
            "PutBucketEncryption",
            default(json!({ "SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "k" })),
            "Set the default encryption of the bucket b to aws:kms, k.",
        );
        check(
            "s3",
            "PutBucketPolicy",
            json!({ "Bucket": "b" }),
            "Set the policy of the bucket b.",
        );
        check(
            "s3",
            "DeleteBucketLifecycle",
            json!({ "Bucket": "b" }),
            "Delete the lifecycle of",
        );
        check("s3", "DeleteBucket", json!({ "Bucket": "b" }), "Delete the bucket b.");
        check(
            "kms",
            "DeleteAlias",
            json!({ "AliasName": "alias/a" }),
            "Delete the alias alias/a.",
        );
        check(
            "iam",
            "DeleteRole",
            json!({ "RoleName": "r" }),
            "Call iam:DeleteRole in eu-west-1.",
        );
    }
}
