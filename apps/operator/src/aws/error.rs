//! What can go wrong with a call.

use crate::{
    message,
    message::{Language, Message},
};

/// What is said when nothing has credentials.
pub(super) const NO_CREDENTIALS: &str = "no credentials are found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a \
                                         profile (--profile); for a shoseki server: eval \"$(shoseki env)\"";

/// A call that has no good answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The service said no.
    #[error("{0}")]
    Refused(Refused),
    /// There are no credentials, or they cannot be had.
    #[error("{0}")]
    Credentials(String),
    /// Something in the settings cannot be used.
    #[error("{0}")]
    Settings(String),
    /// No Region is set anywhere.
    #[error("no Region is set: give --region, or set AWS_REGION or the profile's region")]
    NoRegion,
    /// No answer came.
    #[error("cannot reach {endpoint}: {reason}")]
    Unreachable {
        /// Where to.
        endpoint: String,
        /// Why not.
        reason: String,
    },
    /// An answer came that is none.
    #[error("the answer to {operation} cannot be read: {reason}")]
    Unreadable {
        /// The operation.
        operation: String,
        /// Why not.
        reason: String,
    },
    /// The request cannot be made: the caller's mistake.
    #[error("the call cannot be made: {0}")]
    Unsendable(String),
    /// The request was not made, since it would have replaced what somebody else has changed meanwhile.
    #[error("{0}")]
    Overtaken(Message),
}

/// An answer that says no, in AWS's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// The error code.
    pub code: String,
    /// The message; empty when there is none.
    pub message: String,
    /// The request's id, by which AWS finds it; empty when the answer has none.
    pub request_id: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.message.as_str() {
            "" => write!(f, "{} ({})", self.code, self.status),
            message => write!(f, "{}: {message}", self.code),
        }
    }
}

impl Error {
    /// What went wrong and, where it is known, what to do, for people. AWS's own words stay as they are.
    pub fn message(&self) -> Message {
        let english = self.to_string();
        let japanese = match self {
            Error::Refused(_) => english.clone(),
            Error::Credentials(reason) if reason == NO_CREDENTIALS => {
                "認証情報が見つかりません。AWS_ACCESS_KEY_ID と AWS_SECRET_ACCESS_KEY を設定するか、--profile でプロファイルを指定してください。shoseki サーバーでは eval \"$(shoseki env)\" を使えます。".to_owned()
            }
            Error::Credentials(reason) => format!(
                "認証情報を取得できません: {reason}"
            ),
            Error::NoRegion => "リージョンが指定されていません。--region、AWS_REGION、プロファイルの region のいずれかで指定してください。".to_owned(),
            Error::Settings(reason) => format!("設定に問題があります: {reason}"),
            Error::Unreachable { endpoint, reason } => format!("{endpoint} に接続できません: {reason}"),
            Error::Unreadable { operation, reason } => format!("{operation} の応答を解釈できません: {reason}"),
            Error::Overtaken(message) => message.in_language(Language::Japanese).to_owned(),
            Error::Unsendable(reason) => format!("リクエストを組み立てられません: {reason}"),
        };
        message!("{english}", "{japanese}")
    }

    /// What the service said, when it was the service.
    pub fn refused(&self) -> Option<&Refused> {
        match self {
            Error::Refused(refused) => Some(refused),
            _ => None,
        }
    }

    /// Whether the service said that there is no such thing, by one of these codes.
    pub fn is(&self, codes: &[&str]) -> bool {
        self.refused()
            .is_some_and(|refused| codes.contains(&refused.code.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Language::{English, Japanese};

    #[test]
    fn an_error_is_told_in_both_languages_and_in_aws_own_words() {
        let error = Error::NoRegion.message();
        assert!(error.in_language(English).contains("--region"), "{error}");
        assert!(error.in_language(Japanese).starts_with("リージョンが"), "{error}");
        let refused = Error::Refused(Refused {
            status: 403,
            code: "AccessDenied".to_owned(),
            message: "no".to_owned(),
            request_id: String::new(),
        });
        assert_eq!(refused.message().in_language(Japanese), "AccessDenied: no");
    }
}
