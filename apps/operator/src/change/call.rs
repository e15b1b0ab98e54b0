//! A call of AWS as data: kept in a file, shown as a command of the AWS CLI, made by a [`Client`].
//!
//! The input has the members that the API's own model and the AWS CLI's `--cli-input-json` have, so that what is shown, what is
//! kept and what is done are one thing.

use super::s3_wire;
use crate::aws::{Client, Error, Service, elements};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A call of an operation of AWS.
///
/// Texts in its input may hold `{{name}}`: what an earlier call of the same change answered under that name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The service, as signatures name it: `cloudtrail`, `kms`, `s3`, `iam`, `logs`, `sns`.
    pub service: String,
    /// The operation: `UpdateTrail`.
    pub operation: String,
    /// The Region.
    pub region: String,
    /// Its input, with AWS's names of members.
    pub input: Value,
    /// Of a call that takes something back: the call that it takes back. When by now something else is there than that one has left,
    /// somebody else has changed it.
    #[serde(default, rename = "takesBack", skip_serializing_if = "Option::is_none")]
    pub takes_back: Option<Box<Call>>,
}

/// What calls of a change answered, by the names that later calls use.
pub type Answers = BTreeMap<String, String>;

impl Call {
    /// A call.
    pub fn new(service: &str, operation: &str, region: &str, input: Value) -> Call {
        Call {
            service: service.to_owned(),
            operation: operation.to_owned(),
            region: region.to_owned(),
            input,
            takes_back: None,
        }
    }

    /// The same with the answers of earlier calls in its places. A name without an answer is an error.
    pub fn filled(&self, answers: &Answers) -> Result<Call, Error> {
        Ok(Call {
            input: filled(&self.input, answers)?,
            ..self.clone()
        })
    }

    /// Whether it needs an answer that it was not filled with.
    pub fn has_places(&self) -> bool {
        filled(&self.input, &Answers::new()).is_err()
    }

    /// Makes the call. The answer is that of a JSON service; of the others, `{"Text": …}` with its body.
    ///
    /// # Errors
    /// The service's, and [`Error::Unsendable`] when there is no such service or an operation of S3 that is not known here.
    pub async fn send(&self, client: &Client) -> Result<Value, Error> {
        let client = client.in_region(&self.region);
        // A second one would be another key, or would be refused for the first, as if it were somebody else's.
        let client = if self.operation.starts_with("Create") {
            client.once()
        } else {
            client
        };
        let unknown = || Error::Unsendable(format!("{}:{} is not known here", self.service, self.operation));
        match self.service.as_str() {
            "s3" => {
                let request = s3_wire::request(&self.operation, &self.input).ok_or_else(unknown)?;
                let answer = request.send(&client).await?;
                Ok(json!({ "Text": answer.text() }))
            }
            "iam" | "sns" | "sts" => {
                let service = Service::named(&self.service).ok_or_else(unknown)?;
                let members = query_members(&self.input);
                let members: Vec<(&str, &str)> = members
                    .iter()
                    .map(|(name, text)| (name.as_str(), text.as_str()))
                    .collect();
                let answer = client.query(service, &self.operation, &members).await?;
                Ok(json!({ "Text": answer }))
            }
            name => {
                let service = Service::named(name).ok_or_else(unknown)?;
                // Operations without a result answer with an empty body.
                client.json_or_nothing(service, &self.operation, &self.input).await
            }
        }
    }

    /// The command of the AWS CLI that makes this call, for a POSIX shell.
    pub fn command(&self) -> String {
        let service = if self.service == "s3" { "s3api" } else { &self.service };
        let operation = kebab(&self.operation);
        let input = quoted(&self.input.to_string());
        let region = &self.region;
        format!("aws {service} {operation} --region {region} --cli-input-json {input}")
    }
}

/// What an answer has under a name: the member of a JSON answer (`KeyMetadata.KeyId`), or the first XML element of that name.
pub(super) fn answered(answer: &Value, name: &str) -> Option<String> {
    let member = name.split('.').try_fold(answer, |value, part| value.get(part));
    match (member.and_then(Value::as_str), answer["Text"].as_str()) {
        (Some(text), _) => Some(text.to_owned()),
        (None, Some(xml)) => elements(xml, name).into_iter().next(),
        (None, None) => None,
    }
}

fn filled(value: &Value, answers: &Answers) -> Result<Value, Error> {
    Ok(match value {
        Value::String(text) => Value::String(filled_text(text, answers)?),
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| filled(item, answers))
                .collect::<Result<_, _>>()?,
        ),
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| Ok::<_, Error>((name.clone(), filled(value, answers)?)));
            Value::Object(members.collect::<Result<_, _>>()?)
        }
        scalar => scalar.clone(),
    })
}

fn filled_text(text: &str, answers: &Answers) -> Result<String, Error> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else {
            break;
        };
        let answer = answers
            .get(name)
            .ok_or_else(|| Error::Unsendable(format!("no call has answered `{name}` yet")))?;
        out.push_str(before);
        out.push_str(answer);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// The members of a Query call: `Tags.member.1.Key`.
fn query_members(input: &Value) -> Vec<(String, String)> {
    fn walk(name: String, value: &Value, members: &mut Vec<(String, String)>) {
        match value {
            Value::Null => {}
            Value::String(text) => members.push((name, text.clone())),
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    walk(format!("{name}.member.{}", at + 1), item, members);
                }
            }
            Value::Object(object) => {
                for (member, value) in object {
                    let name = if name.is_empty() {
                        member.clone()
                    } else {
                        format!("{name}.{member}")
                    };
                    walk(name, value, members);
                }
            }
            scalar => members.push((name, scalar.to_string())),
        }
    }
    let mut members = Vec::new();
    walk(String::new(), input, &mut members);
    members
}

/// `PutBucketPolicy` as `put-bucket-policy`.
fn kebab(operation: &str) -> String {
    let mut out = String::new();
    for (at, letter) in operation.chars().enumerate() {
        if letter.is_ascii_uppercase() && at > 0 {
            out.push('-');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_shown_as_a_command() {
        let check = |call: Call, expected: &str| assert_eq!(call.command(), expected);
        check(
            Call::new(
                "s3",
                "PutBucketPolicy",
                "eu-west-1",
                json!({ "Bucket": "b", "Policy": "it's" }),
            ),
            r#"aws s3api put-bucket-policy --region eu-west-1 --cli-input-json '{"Bucket":"b","Policy":"it'\''s"}'"#,
        );
        check(
            Call::new(
                "cloudtrail",
                "UpdateTrail",
                "eu-west-1",
                json!({ "Name": "a", "KmsKeyId": "" }),
            ),
            r#"aws cloudtrail update-trail --region eu-west-1 --cli-input-json '{"KmsKeyId":"","Name":"a"}'"#,
        );
    }

    #[test]
    fn answers_fill_their_places() {
        let answers = Answers::from([("key".to_owned(), "K".to_owned())]);
        let call = Call::new(
            "kms",
            "CreateAlias",
            "r",
            json!({ "TargetKeyId": "{{key}}", "x": [1, "a{{key}}b"] }),
        );
        assert_eq!(
            call.filled(&answers).unwrap().input,
            json!({ "TargetKeyId": "K", "x": [1, "aKb"] })
        );
        assert!(call.filled(&Answers::new()).is_err());
        assert_eq!(filled_text("{{open", &answers).unwrap(), "{{open");
    }

    #[test]
    fn answers_are_found_in_both_forms() {
        let check = |answer: Value, name: &str, expected: Option<&str>| {
            assert_eq!(answered(&answer, name).as_deref(), expected, "{name}");
        };
        check(json!({ "KeyMetadata": { "Arn": "a" } }), "KeyMetadata.Arn", Some("a"));
        check(json!({ "Text": "<R><Arn>b</Arn></R>" }), "Arn", Some("b"));
        check(json!({}), "Arn", None);
    }

    #[test]
    fn query_members_are_numbered() {
        let members = query_members(
            &json!({ "RoleName": "r", "MaxSessionDuration": 3600, "Tags": [{ "Key": "k" }], "Path": null }),
        );
        let members: Vec<(&str, &str)> = members.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(
            members,
            [
                ("MaxSessionDuration", "3600"),
                ("RoleName", "r"),
                ("Tags.member.1.Key", "k")
            ]
        );
    }
}
