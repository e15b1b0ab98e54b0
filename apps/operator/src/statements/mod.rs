//! Policies in sentences: what each statement allows or denies, to whom and when, and what that is good for.
//!
//! What is said follows from a statement's principals, actions, resources and conditions; its id plays no part. A sentence is there for
//! people who look at a policy; whether something is allowed is decided by [`crate::rights`].

mod purpose;
mod words;

use crate::{message, message::Message};
use serde_json::{Map, Value};

/// A statement in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// Its place, counted from one.
    pub number: usize,
    /// Its id, if it has one.
    pub sid: Option<String>,
    /// Whether it denies.
    pub denies: bool,
    /// Who may, or may not, do what, with what and when.
    pub says: Message,
    /// What it is there for, where that is known.
    pub purpose: Option<Message>,
    /// The statement as it is written.
    pub json: String,
}

/// The statements of a policy in words. What is no policy has none.
pub fn explained(document: &str) -> Vec<Explained> {
    let texts = crate::text::statements(document);
    let values: Vec<Value> = texts
        .iter()
        .map(|text| serde_json::from_str(text).unwrap_or_default())
        .collect();
    let all = texts.into_iter().zip(&values).enumerate();
    let explained = all.filter_map(|(at, (json, value))| {
        let statement = value.as_object()?;
        let same = values.iter().take(at).position(|earlier| is_same(earlier, value));
        Some(Explained {
            number: at + 1,
            sid: statement.get("Sid").and_then(Value::as_str).map(str::to_owned),
            denies: statement.get("Effect").and_then(Value::as_str) == Some("Deny"),
            says: says(statement),
            purpose: match same {
                Some(earlier) => Some(repeated(earlier + 1)),
                None => purpose::of(statement),
            },
            json,
        })
    });
    explained.collect()
}

fn repeated(number: usize) -> Message {
    message!(
        "It allows nothing that statement {number} does not.",
        "ステートメント {number} と同じ内容です。"
    )
}

/// Whether two statements differ in nothing but their ids.
fn is_same(one: &Value, other: &Value) -> bool {
    let without_id = |value: &Value| {
        let mut members = value.as_object().cloned().unwrap_or_default();
        members.remove("Sid");
        members
    };
    without_id(one) == without_id(other)
}

/// The texts of an element that is one text or a list.
fn texts(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(text)) => vec![text],
        _ => Vec::new(),
    }
}

fn says(statement: &Map<String, Value>) -> Message {
    let denies = statement.get("Effect").and_then(Value::as_str) == Some("Deny");
    let who = words::principals(statement);
    let what = words::actions(statement);
    let on = words::resources(statement);
    let when = words::conditions(statement);
    let (who, what, on, when) = (parts(&who), parts(&what), parts(&on), parts(&when));
    let (english, japanese) = match denies {
        false => ("may", "許可します"),
        true => ("may not", "拒否します"),
    };
    Message::new(
        format!("{} {english} {}{}{}.", capital(who.0), what.0, on.0, when.0),
        format!("{}に対して、{}{}を{japanese}{}。", who.1, on.1, what.1, when.1),
    )
}

fn parts(message: &Message) -> (&str, &str) {
    use crate::message::Language::{English, Japanese};
    (message.in_language(English), message.in_language(Japanese))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Language::Japanese;

    /// The key policy that AWS's console writes (seed 000).
    const CONSOLE: &str = r#"{"Version":"2012-10-17","Id":"Key policy created by CloudTrail","Statement":[
      {"Sid":"Enable IAM User Permissions","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111111111111:user/alice","arn:aws:iam::111111111111:root"]},"Action":"kms:*","Resource":"*"},
      {"Sid":"Allow CloudTrail to encrypt logs","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"kms:GenerateDataKey*","Resource":"*","Condition":{"StringLike":{"kms:EncryptionContext:aws:cloudtrail:arn":"arn:aws:cloudtrail:*:111111111111:trail/*"}}},
      {"Sid":"Allow CloudTrail to describe key","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"kms:DescribeKey","Resource":"*"},
      {"Sid":"Allow principals in the account to decrypt log files","Effect":"Allow","Principal":{"AWS":"*"},"Action":["kms:Decrypt","kms:ReEncryptFrom"],"Resource":"*","Condition":{"StringEquals":{"kms:CallerAccount":"111111111111"},"StringLike":{"kms:EncryptionContext:aws:cloudtrail:arn":"arn:aws:cloudtrail:*:111111111111:trail/*"}}},
      {"Sid":"Allow alias creation during setup","Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:CreateAlias","Resource":"*","Condition":{"StringEquals":{"kms:ViaService":"ec2.eu-west-1.amazonaws.com","kms:CallerAccount":"111111111111"}}},
      {"Sid":"Enable cross account log decryption","Effect":"Allow","Principal":{"AWS":"*"},"Action":["kms:Decrypt","kms:ReEncryptFrom"],"Resource":"*","Condition":{"StringEquals":{"kms:CallerAccount":"111111111111"},"StringLike":{"kms:EncryptionContext:aws:cloudtrail:arn":"arn:aws:cloudtrail:*:111111111111:trail/*"}}}]}"#;

    #[test]
    fn the_policy_of_the_console_is_said_in_sentences() {
        let said: Vec<String> = explained(CONSOLE)
            .iter()
            .map(|one| {
                format!(
                    "{} — {}",
                    one.says,
                    one.purpose
                        .as_ref()
                        .map_or("", |p| p.in_language(crate::message::Language::English))
                )
            })
            .collect();
        let expected = [
            "The user alice (account 111111111111) and the account 111111111111 (its root, and whom its IAM policies allow it) may do everything with \
             the key (kms:*). — Keeps the key manageable: without it nobody could change its policy any more.",
            "The service cloudtrail.amazonaws.com may have data keys made (kms:GenerateDataKey*), only where the encryption context aws:cloudtrail:arn \
             is like arn:aws:cloudtrail:*:111111111111:trail/*. — CloudTrail seals each file that it delivers by a data key of its own. Without this \
             the trail cannot be given the key, and delivery fails.",
            "The service cloudtrail.amazonaws.com may look at the key's description (kms:DescribeKey). — CloudTrail looks whether the key is there and \
             can be used before it takes it.",
            "Everybody of the account 111111111111 may decrypt (kms:Decrypt) and re-encrypt what it has sealed (kms:ReEncryptFrom), only where the \
             encryption context aws:cloudtrail:arn is like arn:aws:cloudtrail:*:111111111111:trail/*. — Who may also read the objects in S3 \
             reads the log files: S3 decrypts in their name.",
            "Everybody of the account 111111111111 may give the key an alias (kms:CreateAlias), only where it is called through \
             ec2.eu-west-1.amazonaws.com. — Lets a console name the key while it sets it up. Nothing needs it afterwards.",
            "Everybody of the account 111111111111 may decrypt (kms:Decrypt) and re-encrypt what it has sealed (kms:ReEncryptFrom), only where the \
             encryption context aws:cloudtrail:arn is like arn:aws:cloudtrail:*:111111111111:trail/*. — It allows nothing that statement 4 \
             does not.",
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn other_statements_are_said_as_they_are() {
        let check = |statement: &str, english: &str, japanese: &str| {
            let found = explained(&format!(r#"{{"Statement":{statement}}}"#));
            let found = &found.first().unwrap().says;
            assert_eq!(
                (found.to_string().as_str(), found.in_language(Japanese)),
                (english, japanese)
            );
        };
        check(
            r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}"#,
            "Everybody, also without an account, may not do everything in S3 (s3:*) on arn:aws:s3:::b and arn:aws:s3:::b/*, only where TLS is not used.",
            "誰でも (アカウントなしでも)に対して、arn:aws:s3:::b と arn:aws:s3:::b/* での S3 のすべての操作 (s3:*)を拒否します。条件: TLS が使われていない場合。",
        );
        check(
            r#"{"Effect":"Allow","NotAction":["iam:*"],"Resource":"*"}"#,
            "Whoever has this policy may do everything but iam:*, on everything.",
            "このポリシーを持つ人に対して、すべてのリソースでの iam:* 以外のすべての操作を許可します。",
        );
        check(
            r#"{"Effect":"Allow","NotPrincipal":{"AWS":"arn:aws:iam::222222222222:role/a/b"},"Action":"x:Y","NotResource":"r","Condition":{"NumericLessThan":{"k":["5"]},"Null":{"j":"true"}}}"#,
            "Everybody but the role b (account 222222222222) may call x:Y on everything but r, only where j is not given and k is less than 5.",
            "ロール b (アカウント 222222222222) 以外の全員に対して、r 以外のすべてでの x:Yを許可します。条件: j が与えられていない場合、かつ k が 5 より小さい場合。",
        );
        assert!(explained("[").is_empty() && explained("{}").is_empty());
        assert!(explained(r#"{"Statement":["a"]}"#).is_empty());
    }
}
