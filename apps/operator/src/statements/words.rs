//! The words for the parts of a statement.

use super::texts;
use crate::{
    message,
    message::{
        Language::{English, Japanese},
        Message,
    },
};
use serde_json::{Map, Value};

type Statement = Map<String, Value>;

/// Several together: `a, b and c`.
fn joined(all: &[Message]) -> Message {
    let texts = |language| all.iter().map(|one| one.in_language(language)).collect::<Vec<_>>();
    let (english, japanese) = (texts(English), texts(Japanese));
    let english = match english.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    };
    Message::new(english, japanese.join(" と "))
}

/// The account that a condition binds the caller to, when it is one.
pub(super) fn callers_account(statement: &Statement) -> Option<&str> {
    let conditions = statement.get("Condition")?.as_object()?;
    let equals = conditions.iter().filter(|(name, _)| name.as_str() == "StringEquals");
    let mut keys = equals.filter_map(|(_, keys)| keys.as_object()).flatten();
    let (_, values) = keys.find(|(key, _)| is_callers_account(key))?;
    match texts(Some(values)).as_slice() {
        [one] => Some(*one),
        _ => None,
    }
}

fn is_callers_account(key: &str) -> bool {
    ["kms:CallerAccount", "aws:PrincipalAccount"]
        .iter()
        .any(|name| key.eq_ignore_ascii_case(name))
}

/// Whether everybody is meant, as far as the element says.
pub(super) fn is_everybody(principal: &Value) -> bool {
    principal == "*" || texts(principal.get("AWS")).contains(&"*")
}

/// Who.
pub(super) fn principals(statement: &Statement) -> Message {
    match (statement.get("Principal"), statement.get("NotPrincipal")) {
        (Some(principal), _) if is_everybody(principal) => match callers_account(statement) {
            Some(account) => message!("everybody of the account {account}", "アカウント {account} の全員"),
            None => message!("everybody, also without an account,", "誰でも (アカウントなしでも)"),
        },
        (Some(principal), _) => of_element(principal),
        (None, Some(others)) => {
            let others = of_element(others);
            let (english, japanese) = (others.in_language(English), others.in_language(Japanese));
            message!("everybody but {english}", "{japanese} 以外の全員")
        }
        (None, None) => message!("whoever has this policy", "このポリシーを持つ人"),
    }
}

fn of_element(principal: &Value) -> Message {
    let mut all = Vec::new();
    for (kind, names) in principal.as_object().into_iter().flatten() {
        all.extend(texts(Some(names)).into_iter().map(|name| of_name(kind, name)));
    }
    match all.is_empty() {
        true => message!("nobody", "誰にも該当しない相手"),
        false => joined(&all),
    }
}

fn of_name(kind: &str, name: &str) -> Message {
    match kind {
        "Service" => return message!("the service {name}", "サービス {name}"),
        "Federated" => {
            return message!(
                "users of the identity provider {name}",
                "ID プロバイダー {name} のユーザー"
            );
        }
        "CanonicalUser" => return message!("the canonical user {name}", "正規ユーザー {name}"),
        _ => {}
    }
    let Some(parts) = base::arn::split(name) else {
        return match name.len() == 12 && name.bytes().all(|digit| digit.is_ascii_digit()) {
            true => of_account(name),
            false => message!("{name}", "{name}"),
        };
    };
    let (account, last) = (parts.account, parts.resource.rsplit('/').next().unwrap_or_default());
    match parts.resource.split('/').next() {
        Some("root") => of_account(account),
        Some("user") => message!(
            "the user {last} (account {account})",
            "ユーザー {last} (アカウント {account})"
        ),
        Some("role") => message!(
            "the role {last} (account {account})",
            "ロール {last} (アカウント {account})"
        ),
        _ => message!("{name}", "{name}"),
    }
}

fn of_account(account: &str) -> Message {
    message!(
        "the account {account} (its root, and whom its IAM policies allow it)",
        "アカウント {account} (ルートと、IAM ポリシーで許可された人)"
    )
}

/// What actions do, in words.
const ACTIONS: [(&str, &str, &str); 34] = [
    ("*", "do everything", "すべての操作"),
    ("kms:*", "do everything with the key", "キーのすべての操作"),
    ("s3:*", "do everything in S3", "S3 のすべての操作"),
    ("kms:CreateAlias", "give the key an alias", "エイリアスの作成"),
    ("kms:CreateGrant", "let others use the key by grants", "グラントの作成"),
    ("kms:Decrypt", "decrypt", "復号"),
    ("kms:DescribeKey", "look at the key's description", "キー情報の参照"),
    ("kms:Describe*", "look at the key's description", "キー情報の参照"),
    ("kms:DisableKey", "disable the key", "キーの無効化"),
    ("kms:EnableKey", "enable the key", "キーの有効化"),
    ("kms:Encrypt", "encrypt", "暗号化"),
    ("kms:GenerateDataKey", "have data keys made", "データキーの生成"),
    ("kms:GenerateDataKey*", "have data keys made", "データキーの生成"),
    ("kms:PutKeyPolicy", "change the key's policy", "キーポリシーの変更"),
    ("kms:ReEncrypt*", "re-encrypt", "再暗号化"),
    (
        "kms:ReEncryptFrom",
        "re-encrypt what it has sealed",
        "暗号化済みデータの再暗号化",
    ),
    (
        "kms:ReEncryptTo",
        "re-encrypt with it what others have sealed",
        "このキーでの再暗号化",
    ),
    (
        "kms:ScheduleKeyDeletion",
        "schedule the key's deletion",
        "キー削除のスケジュール",
    ),
    ("logs:CreateLogStream", "make log streams", "ログストリームの作成"),
    ("logs:PutLogEvents", "write log events", "ログイベントの書き込み"),
    ("s3:DeleteBucket", "delete the bucket", "バケットの削除"),
    ("s3:DeleteObject", "delete objects", "オブジェクトの削除"),
    (
        "s3:DeleteObjectVersion",
        "delete versions of objects",
        "オブジェクトバージョンの削除",
    ),
    ("s3:GetBucketAcl", "read the bucket's ACL", "バケット ACL の読み取り"),
    (
        "s3:GetBucketLocation",
        "ask for the bucket's Region",
        "バケットのリージョンの参照",
    ),
    ("s3:GetObject", "read objects", "オブジェクトの読み取り"),
    ("s3:GetObject*", "read objects", "オブジェクトの読み取り"),
    (
        "s3:GetObjectVersion",
        "read versions of objects",
        "オブジェクトバージョンの読み取り",
    ),
    ("s3:ListBucket", "list objects", "オブジェクトの一覧表示"),
    (
        "s3:PutBucketPolicy",
        "change the bucket's policy",
        "バケットポリシーの変更",
    ),
    ("s3:PutObject", "put objects", "オブジェクトの保存"),
    ("sns:Publish", "publish messages", "メッセージの発行"),
    ("sqs:SendMessage", "send messages", "メッセージの送信"),
    ("sts:AssumeRole", "take the role", "ロールの引き受け"),
];

/// What.
pub(super) fn actions(statement: &Statement) -> Message {
    let others = texts(statement.get("NotAction"));
    if !others.is_empty() {
        let others = others.join(", ");
        return message!("do everything but {others},", "{others} 以外のすべての操作");
    }
    let all: Vec<Message> = texts(statement.get("Action")).into_iter().map(of_action).collect();
    match all.is_empty() {
        true => message!("do nothing", "何もしないこと"),
        false => joined(&all),
    }
}

fn of_action(action: &str) -> Message {
    let known = ACTIONS.iter().find(|(name, ..)| name.eq_ignore_ascii_case(action));
    match known {
        Some((_, english, japanese)) => message!("{english} ({action})", "{japanese} ({action})"),
        None => message!("call {action}", "{action}"),
    }
}

/// With what. A key's policy is about the key whose policy it is.
pub(super) fn resources(statement: &Statement) -> Message {
    let others = texts(statement.get("NotResource"));
    if !others.is_empty() {
        let others = others.join(", ");
        return message!(" on everything but {others}", "{others} 以外のすべてでの ");
    }
    let named = texts(statement.get("Resource"));
    let is_of_resource = statement.contains_key("Principal") || statement.contains_key("NotPrincipal");
    match named.as_slice() {
        [] => message!("", ""),
        ["*"] if is_of_resource => message!("", ""),
        ["*"] => message!(" on everything", "すべてのリソースでの "),
        named => {
            let named: Vec<Message> = named.iter().map(|one| Message::plain(*one)).collect();
            let named = joined(&named);
            let (english, japanese) = (named.in_language(English), named.in_language(Japanese));
            message!(" on {english}", "{japanese} での ")
        }
    }
}

/// When.
pub(super) fn conditions(statement: &Statement) -> Message {
    let everybody = statement.get("Principal").is_some_and(is_everybody);
    let bound = everybody.then(|| callers_account(statement)).flatten();
    let mut all = Vec::new();
    let operators = statement.get("Condition").and_then(Value::as_object);
    for (operator, keys) in operators.into_iter().flatten() {
        for (key, values) in keys.as_object().into_iter().flatten() {
            let said_already = bound.is_some() && operator == "StringEquals" && is_callers_account(key);
            if !said_already {
                all.push(condition(operator, key, values));
            }
        }
    }
    if all.is_empty() {
        return message!("", "");
    }
    let english: Vec<&str> = all.iter().map(|one| one.in_language(English)).collect();
    let japanese: Vec<&str> = all.iter().map(|one| one.in_language(Japanese)).collect();
    Message::new(
        format!(", only where {}", english.join(" and ")),
        format!("。条件: {}", japanese.join("、かつ ")),
    )
}

/// The keys of conditions in words.
const KEYS: [(&str, &str, &str); 9] = [
    ("kms:CallerAccount", "the caller's account", "呼び出し元のアカウント"),
    ("aws:PrincipalAccount", "the caller's account", "呼び出し元のアカウント"),
    ("aws:PrincipalArn", "the caller", "呼び出し元"),
    ("aws:PrincipalOrgID", "the caller's organization", "呼び出し元の組織"),
    (
        "aws:SourceAccount",
        "the account for which it is called",
        "依頼元のアカウント",
    ),
    (
        "aws:SourceArn",
        "the resource for which it is called",
        "依頼元のリソース",
    ),
    ("aws:SourceIp", "the caller's address", "呼び出し元の IP アドレス"),
    ("aws:SourceVpce", "the VPC endpoint", "VPC エンドポイント"),
    ("s3:x-amz-acl", "the object's ACL", "オブジェクトの ACL"),
];

/// Operators of conditions in words: before the values, and in Japanese after them.
const OPERATORS: [(&str, &str, &str); 22] = [
    ("StringEquals", "is", "である"),
    ("StringNotEquals", "is not", "でない"),
    (
        "StringEqualsIgnoreCase",
        "is (in any case of letters)",
        "である (大文字小文字は区別しない)",
    ),
    (
        "StringNotEqualsIgnoreCase",
        "is not (in any case of letters)",
        "でない (大文字小文字は区別しない)",
    ),
    ("StringLike", "is like", "に一致する"),
    ("StringNotLike", "is not like", "に一致しない"),
    ("ArnEquals", "is like", "に一致する"),
    ("ArnLike", "is like", "に一致する"),
    ("ArnNotEquals", "is not like", "に一致しない"),
    ("ArnNotLike", "is not like", "に一致しない"),
    ("IpAddress", "is in", "の範囲内である"),
    ("NotIpAddress", "is not in", "の範囲外である"),
    ("NumericEquals", "is", "である"),
    ("NumericNotEquals", "is not", "でない"),
    ("NumericLessThan", "is less than", "より小さい"),
    ("NumericLessThanEquals", "is at most", "以下である"),
    ("NumericGreaterThan", "is greater than", "より大きい"),
    ("NumericGreaterThanEquals", "is at least", "以上である"),
    ("DateLessThan", "is before", "より前である"),
    ("DateGreaterThan", "is after", "より後である"),
    ("Bool", "is", "である"),
    ("BinaryEquals", "is", "である"),
];

fn condition(operator: &str, key: &str, values: &Value) -> Message {
    let is = |name: &str, value: &str| key.eq_ignore_ascii_case(name) && *values == value;
    match operator {
        "Bool" if is("aws:SecureTransport", "false") => return message!("TLS is not used", "TLS が使われていない場合"),
        "Bool" if is("aws:SecureTransport", "true") => return message!("TLS is used", "TLS が使われている場合"),
        "Null" if *values == "true" => return message!("{key} is not given", "{key} が与えられていない場合"),
        "Null" if *values == "false" => return message!("{key} is given", "{key} が与えられている場合"),
        "StringEquals" | "StringLike" if key.eq_ignore_ascii_case("kms:ViaService") => {
            let services = texts(Some(values)).join(" or ");
            return message!("it is called through {services}", "{services} を経由した場合");
        }
        _ => {}
    }
    let (english_key, japanese_key) = named_key(key);
    let (plain, is_optional) = match operator.strip_suffix("IfExists") {
        Some(plain) => (plain, true),
        None => (operator, false),
    };
    let values = match values {
        Value::Array(items) => items.iter().map(plain_value).collect::<Vec<_>>(),
        one => vec![plain_value(one)],
    };
    let (any, either) = (values.join(" or "), values.join(" または "));
    let (optional, japanese_optional) = match is_optional {
        true => (" (or is not given)", " (または与えられていない)"),
        false => ("", ""),
    };
    match OPERATORS.iter().find(|(name, ..)| *name == plain) {
        Some((_, english, japanese)) => message!(
            "{english_key} {english} {any}{optional}",
            "{japanese_key} が {either} {japanese}{japanese_optional}場合"
        ),
        None => message!(
            "{english_key} holds by {plain} with {any}{optional}",
            "{japanese_key} が {plain} により {either} を満たす{japanese_optional}場合"
        ),
    }
}

fn plain_value(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn named_key(key: &str) -> (String, String) {
    if let Some(known) = KEYS.iter().find(|(name, ..)| name.eq_ignore_ascii_case(key)) {
        return (known.1.to_owned(), known.2.to_owned());
    }
    match key.strip_prefix("kms:EncryptionContext:") {
        Some(name) => (
            format!("the encryption context {name}"),
            format!("暗号化コンテキスト {name}"),
        ),
        None => (key.to_owned(), key.to_owned()),
    }
}
