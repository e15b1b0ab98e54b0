//! What is wrong with a document, in words, and the code that the service answers.

use crate::{message, message::Message};
use policy::{Malformed, PolicyKind};

/// The code of the error of the service that keeps policies of this kind.
pub(super) fn code(kind: PolicyKind, what: &Malformed) -> &'static str {
    match (kind, what) {
        (PolicyKind::BucketPolicy, _) => "MalformedPolicy",
        (PolicyKind::KeyPolicy, Malformed::TooLong { .. }) => "LimitExceededException",
        (PolicyKind::KeyPolicy, Malformed::InvalidCharacter { .. }) => "ValidationException",
        (PolicyKind::KeyPolicy, _) => "MalformedPolicyDocumentException",
        (_, Malformed::TooLong { .. }) => "LimitExceeded",
        _ => "MalformedPolicyDocument",
    }
}

/// What is wrong, for people.
pub(super) fn said(what: &Malformed) -> Message {
    match what {
        Malformed::BadVersion { text } => message!(
            "the version is `{text}`; there are 2012-10-17 and 2008-10-17",
            "バージョン `{text}` は使えません。2012-10-17 か 2008-10-17 を指定してください"
        ),
        Malformed::Contradiction { element } => message!(
            "there are both `{element}` and `Not{element}`; a statement has one of them",
            "`{element}` と `Not{element}` は同時に指定できません"
        ),
        Malformed::DuplicateField { name } => {
            message!("`{name}` is given twice", "`{name}` が二重に指定されています")
        }
        Malformed::DuplicateSid { sid } => message!(
            "two statements have the Sid `{sid}`",
            "Sid `{sid}` が複数のステートメントで使われています"
        ),
        Malformed::EmptyStatement => message!("there is no statement", "ステートメントがありません"),
        Malformed::InvalidAction { text } => message!(
            "`{text}` is no action of such a policy: it is `*` or `service:Action`",
            "`{text}` はこの種類のポリシーのアクションとして使えません。`*` か `サービス:アクション` の形で書きます"
        ),
        Malformed::InvalidCharacter { .. } => message!(
            "a key policy has no characters outside U+0020 to U+00FF",
            "キーポリシーには U+0020 から U+00FF までの文字しか使えません"
        ),
        Malformed::InvalidConditionKey { key } => message!(
            "`{key}` is no condition key: there is no service before a colon",
            "`{key}` は条件キーではありません。コロンの前にサービス名が必要です"
        ),
        Malformed::InvalidConditionValue { operator, text } => message!(
            "`{text}` is no value that {operator} compares with",
            "`{text}` は {operator} で比較できる値ではありません"
        ),
        Malformed::InvalidEffect { text } => message!(
            "the effect is `{text}`; it is Allow or Deny",
            "Effect `{text}` は使えません。Allow か Deny を指定してください"
        ),
        Malformed::InvalidPartition { partition, text } => message!(
            "`{text}` is of the partition `{partition}`, which is another",
            "`{text}` は別のパーティション `{partition}` のものです"
        ),
        Malformed::InvalidPrincipal { text, .. } => message!(
            "`{text}` is no principal as AWS takes it",
            "`{text}` はプリンシパルとして使えません"
        ),
        Malformed::InvalidResource { text } => message!(
            "`{text}` is no resource of such a policy: it is `*` or an ARN",
            "`{text}` はこの種類のポリシーのリソースとして使えません。`*` か ARN を指定してください"
        ),
        Malformed::InvalidSid { sid } => message!(
            "the Sid `{sid}` has other characters than letters and digits",
            "Sid `{sid}` に英数字以外の文字があります"
        ),
        Malformed::InvalidVariable { text } => message!(
            "`{text}` is no policy variable",
            "`{text}` はポリシー変数ではありません"
        ),
        Malformed::MissingAction => message!("there is no `Action`", "`Action` がありません"),
        Malformed::MissingEffect => message!("there is no `Effect`", "`Effect` がありません"),
        Malformed::MissingPrincipal => message!(
            "there is no `Principal`: the policy of a resource says whom it is about",
            "`Principal` がありません。リソースのポリシーには対象者の指定が必要です"
        ),
        Malformed::MissingResource => message!("there is no `Resource`", "`Resource` がありません"),
        Malformed::MissingStatement => message!("there is no `Statement`", "`Statement` がありません"),
        Malformed::MissingVersion => message!("there is no `Version`", "`Version` がありません"),
        Malformed::NotJson { .. } => message!(
            "from here on it is no JSON object",
            "ここから先が JSON オブジェクトではありません"
        ),
        Malformed::ProhibitedPrincipal => message!(
            "there is a `Principal`: such a policy is about whoever has it",
            "`Principal` は書けません。この種類のポリシーの対象は、それを持つ本人です"
        ),
        Malformed::ProhibitedResource => message!(
            "there is a `Resource`: a trust policy is about its role",
            "`Resource` は書けません。信頼ポリシーの対象はそのロール自身です"
        ),
        Malformed::TooLong { size, max } => message!(
            "it has {size} characters, and may have {max}",
            "長さが {size} 文字で、上限の {max} 文字を超えています"
        ),
        Malformed::UnknownField { name } => message!(
            "a policy has no member `{name}`",
            "ポリシーに `{name}` という要素はありません"
        ),
        Malformed::UnsupportedElement { name } => message!(
            "policies of this kind have no `{name}`",
            "この種類のポリシーに `{name}` は書けません"
        ),
        Malformed::UnknownOperator { name } => message!(
            "there is no condition operator `{name}`",
            "条件演算子 `{name}` はありません"
        ),
        Malformed::WrongType { expected } => {
            message!("here should be {expected}", "値の型が違います (必要な型: {expected})")
        }
        other => Message::plain(other.to_string()),
    }
}
