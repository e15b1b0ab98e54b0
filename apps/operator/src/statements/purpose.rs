//! What statements are there for, as far as trails need them.

use super::{texts, words};
use crate::{message, message::Message};
use serde_json::{Map, Value};

const CLOUDTRAIL: &str = "cloudtrail.amazonaws.com";

/// What a statement is there for; nothing when it is none of those that trails, keys and buckets of logs have.
pub(super) fn of(statement: &Map<String, Value>) -> Option<Message> {
    if statement.contains_key("NotAction") || statement.contains_key("NotPrincipal") {
        return None;
    }
    let actions = texts(statement.get("Action"));
    let has = |names: &[&str]| {
        actions
            .iter()
            .any(|action| names.iter().any(|name| name.eq_ignore_ascii_case(action)))
    };
    if statement.get("Effect").and_then(Value::as_str) == Some("Deny") {
        return denied(statement);
    }
    let principal = statement.get("Principal");
    let Some(principal) = principal else {
        return has(&["logs:CreateLogStream", "logs:PutLogEvents"]).then(of_logs);
    };
    if texts(principal.get("Service")).contains(&CLOUDTRAIL) {
        return of_cloudtrail(statement, &has);
    }
    let is_managed = texts(principal.get("AWS"))
        .iter()
        .any(|name| name.ends_with(":root") || (name.len() == 12 && !name.contains('*')));
    if has(&["kms:*"]) && is_managed {
        return Some(message!(
            "Keeps the key manageable: without it nobody could change its policy any more.",
            "キーを管理できる状態に保ちます。これがないと、誰もポリシーを変更できなくなります。"
        ));
    }
    if has(&["kms:CreateAlias"]) && has_condition(statement, "kms:ViaService") {
        return Some(message!(
            "Lets a console name the key while it sets it up. Nothing needs it afterwards.",
            "セットアップ時にコンソールがキーにエイリアスを付けるためのものです。その後は不要です。"
        ));
    }
    if has(&["kms:Decrypt"]) {
        return Some(
            match words::is_everybody(principal) && words::callers_account(statement).is_none() {
                true => message!(
                    "Whoever meets the conditions reads what the key has sealed, whatever account they are of: look at them well.",
                    "条件を満たせば、どのアカウントの誰でも復号できます。条件をよく確認してください。"
                ),
                false => message!(
                    "Who may also read the objects in S3 reads the log files: S3 decrypts in their name.",
                    "S3 のオブジェクトも読める人は、ログファイルを読めます (S3 がその人の権限で復号します)。"
                ),
            },
        );
    }
    has(&["s3:GetObject"]).then(|| {
        message!(
            "Lets them fetch the objects. Sealed ones open only to who may also decrypt by their key.",
            "オブジェクトを取得できます。暗号化されたものを読むには、キーでの復号の権限も必要です。"
        )
    })
}

fn has_condition(statement: &Map<String, Value>, wanted: &str) -> bool {
    let operators = statement.get("Condition").and_then(Value::as_object);
    let mut keys = operators
        .into_iter()
        .flatten()
        .filter_map(|(_, keys)| keys.as_object())
        .flatten();
    keys.any(|(key, _)| key.eq_ignore_ascii_case(wanted))
}

fn of_cloudtrail(statement: &Map<String, Value>, has: &dyn Fn(&[&str]) -> bool) -> Option<Message> {
    let of_bucket_key = has_condition(statement, "kms:EncryptionContext:aws:s3:arn");
    if has(&["kms:GenerateDataKey", "kms:GenerateDataKey*"]) && !of_bucket_key {
        return Some(message!(
            "CloudTrail seals each file that it delivers by a data key of its own. Without this the trail cannot be given the key, and delivery fails.",
            "CloudTrail は配信するファイルごとにデータキーで暗号化します。これがないと証跡にキーを設定できず、配信も失敗します。"
        ));
    }
    if of_bucket_key {
        return Some(message!(
            "The bucket has an S3 Bucket Key: data keys are bound to the bucket, and CloudTrail needs them, too.",
            "バケットで S3 バケットキーが有効なため、バケットに結び付いたデータキーも CloudTrail に必要です。"
        ));
    }
    if has(&["kms:DescribeKey"]) {
        return Some(message!(
            "CloudTrail looks whether the key is there and can be used before it takes it.",
            "CloudTrail はキーを使う前に、存在して使用できることを確認します。"
        ));
    }
    if has(&["s3:GetBucketAcl"]) {
        return Some(message!(
            "CloudTrail looks whether it may deliver to the bucket. Without this the trail cannot be made.",
            "CloudTrail はバケットに配信してよいかを確認します。これがないと証跡を作成できません。"
        ));
    }
    if has(&["s3:PutObject"]) {
        return Some(message!(
            "CloudTrail delivers log files and digests below this place, and makes them the bucket owner's.",
            "CloudTrail はこの場所にログファイルとダイジェストファイルを配信し、バケット所有者のものにします。"
        ));
    }
    if has(&["sns:Publish"]) {
        return Some(message!(
            "CloudTrail tells the topic of each log file that it has delivered.",
            "CloudTrail は配信したログファイルごとにトピックへ通知します。"
        ));
    }
    has(&["sts:AssumeRole"]).then(|| {
        message!(
            "CloudTrail takes this role to write to the log group.",
            "CloudTrail はこのロールを引き受けてロググループに書き込みます。"
        )
    })
}

fn of_logs() -> Message {
    message!(
        "Writes what a trail records to the log group.",
        "証跡が記録したイベントをロググループに書き込むためのものです。"
    )
}

fn denied(statement: &Map<String, Value>) -> Option<Message> {
    has_condition(statement, "aws:SecureTransport").then(|| {
        message!(
            "What is sent in the clear is refused.",
            "暗号化されていない通信を拒否します。"
        )
    })
}
