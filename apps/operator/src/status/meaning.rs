//! What the error codes of GetTrailStatus mean.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetTrailStatus.html>

use crate::{message, message::Message};

/// What did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Delivery,
    Digest,
    Logs,
    Notification,
}

impl Told {
    fn what(self) -> Message {
        match self {
            Told::Delivery => message!("Log files are not delivered", "ログファイルを配信できません"),
            Told::Digest => message!("Digest files are not delivered", "ダイジェストファイルを配信できません"),
            Told::Logs => message!("The log group gets no events", "ロググループにイベントを送れません"),
            Told::Notification => message!("The topic is not told", "トピックに通知できません"),
        }
    }
}

/// A sentence about an error. What it says is the code and, behind it, whatever words the service has put there.
pub(super) fn sentence(told: Told, error: &str) -> Message {
    let what = told.what();
    let code = error.split([' ', ':', ';']).next().unwrap_or(error);
    let why = why(told, code);
    Message::new(
        format!(
            "{what} ({error}){}",
            after(why.as_ref().map(ToString::to_string), ": ", ".")
        ),
        format!(
            "{} ({error}){}",
            what.in_language(crate::message::Language::Japanese),
            after(
                why.map(|why| why.in_language(crate::message::Language::Japanese).to_owned()),
                ": ",
                "。"
            )
        ),
    )
}

fn after(text: Option<String>, before: &str, end: &str) -> String {
    match text {
        Some(text) => format!("{before}{text}{end}"),
        None => end.to_owned(),
    }
}

/// What is wrong, when the code tells.
fn why(told: Told, code: &str) -> Option<Message> {
    let files = matches!(told, Told::Delivery | Told::Digest);
    Some(match code {
        "AccessDenied" if files => message!(
            "the policy of the bucket or of the key does not let CloudTrail in",
            "バケットポリシーまたはキーポリシーが CloudTrail を許可していません"
        ),
        "NoSuchBucket" if files => message!("the bucket is gone", "バケットがありません"),
        "InvalidBucketName" | "PermanentRedirect" | "AuthorizationHeaderMalformed" if files => message!(
            "the bucket is no longer where the trail knows it",
            "バケットが証跡の設定した場所にありません"
        ),
        "SlowDown" | "ServiceUnavailable" | "InternalError" => message!(
            "the service was busy; CloudTrail tries again",
            "サービスが混雑しています。CloudTrail が再試行します"
        ),
        "InvalidObjectState" | "AllAccessDisabled" if files => {
            message!("the bucket takes no objects", "バケットがオブジェクトを受け付けません")
        }
        _ if code.starts_with("KMS") || code.starts_with("Kms") => key(code),
        "AccessDenied" | "AccessDeniedException" | "AuthorizationError" => match told {
            Told::Logs => message!(
                "the role of the trail may not write to the log group, or CloudTrail may not take it",
                "証跡のロールがロググループに書き込めないか、CloudTrail がロールを引き受けられません"
            ),
            _ => message!(
                "the policy of the topic does not let CloudTrail publish",
                "トピックポリシーが CloudTrail の発行を許可していません"
            ),
        },
        "ResourceNotFoundException" => message!("the log group is gone", "ロググループがありません"),
        "NotFound" | "NotFoundException" => message!("the topic is gone", "トピックがありません"),
        _ => return None,
    })
}

fn key(code: &str) -> Message {
    match code.trim_start_matches("KMS.").trim_start_matches("Kms.") {
        "NotFoundException" => message!("the key is gone", "キーがありません"),
        "DisabledException" => message!("the key is disabled", "キーが無効です"),
        "KMSInvalidStateException" | "InvalidStateException" | "KMSInvalidState" => message!(
            "the key is waiting for its deletion, or has no material",
            "キーが削除待ちか、キーマテリアルがありません"
        ),
        "AccessDeniedException" => message!(
            "the policy of the key does not let CloudTrail seal by it",
            "キーポリシーが CloudTrail による暗号化を許可していません"
        ),
        _ => message!("the key cannot be used", "キーを使用できません"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Language;

    #[test]
    fn codes_have_sentences() {
        let check = |told, error: &str, english: &str, japanese: &str| {
            let sentence = sentence(told, error);
            assert_eq!(
                (
                    sentence.in_language(Language::English),
                    sentence.in_language(Language::Japanese)
                ),
                (english, japanese)
            );
        };
        check(
            Told::Delivery,
            "NoSuchBucket",
            "Log files are not delivered (NoSuchBucket): the bucket is gone.",
            "ログファイルを配信できません (NoSuchBucket): バケットがありません。",
        );
        check(
            Told::Digest,
            "KMS.DisabledException",
            "Digest files are not delivered (KMS.DisabledException): the key is disabled.",
            "ダイジェストファイルを配信できません (KMS.DisabledException): キーが無効です。",
        );
        check(
            Told::Notification,
            "Strange words",
            "The topic is not told (Strange words).",
            "トピックに通知できません (Strange words)。",
        );
        check(
            Told::Logs,
            "AccessDenied",
            "The log group gets no events (AccessDenied): the role of the trail may not write to the log group, or \
             CloudTrail may not take it.",
            "ロググループにイベントを送れません (AccessDenied): 証跡のロールがロググループに書き込めないか、CloudTrail がロールを引き受けられません。",
        );
    }
}
