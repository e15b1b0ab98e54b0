//! Topic policies: the one that every topic begins with, what may become one, and the statements that AddPermission writes.

use super::TopicRef;
use crate::error::SnsError;
use base::{AccountId, arn};
use policy::{Malformed, Policy, PolicyKind};
use serde_json::{Map, Value, json};

/// What a topic policy can speak of.
///
/// SPEC: <https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html>
pub const ACTIONS: [&str; 9] = [
    "AddPermission",
    "DeleteTopic",
    "GetTopicAttributes",
    "ListSubscriptionsByTopic",
    "Publish",
    "Receive",
    "RemovePermission",
    "SetTopicAttributes",
    "Subscribe",
];

/// The policy of a topic that was made without one, as AWS writes it: its owner.
pub fn default_text(topic: &TopicRef) -> String {
    format!(
        r#"{{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{{"Sid":"__default_statement_ID","Effect":"Allow","Principal":{{"AWS":"*"}},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],"Resource":"{}","Condition":{{"StringEquals":{{"AWS:SourceOwner":"{}"}}}}}}]}}"#,
        topic.arn(),
        topic.account
    )
}

fn out_of_scope() -> SnsError {
    SnsError::invalid("Policy statement action out of service scope!")
}

fn refused(what: impl std::fmt::Display) -> SnsError {
    SnsError::InvalidParameter(format!("Policy Error: {what}"))
}

/// What a policy names that does not exist.
pub fn principal_not_found() -> SnsError {
    refused("PrincipalNotFound")
}

/// Reads a policy as a caller sends it.
pub fn parse(text: &str) -> Result<Policy, SnsError> {
    let policy = Policy::parse(text, PolicyKind::TopicPolicy).map_err(|error| match error.what {
        Malformed::NotJson { .. } => refused("null"),
        Malformed::InvalidAction { .. } => out_of_scope(),
        Malformed::InvalidPrincipal { .. } => principal_not_found(),
        what => refused(what),
    })?;
    let known = |action: &str| {
        let name = action.split_once(':').map_or("", |(_, name)| name);
        ACTIONS.iter().any(|known| known.eq_ignore_ascii_case(name))
    };
    let document: Value = serde_json::from_str(text).unwrap_or_default();
    match statements(&document).flat_map(actions).all(known) {
        true => Ok(policy),
        false => Err(out_of_scope()),
    }
}

fn statements(document: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    let all = match document.get("Statement") {
        Some(Value::Array(statements)) => statements.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    all.iter().filter_map(Value::as_object)
}

fn actions(statement: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let element = statement.get("Action").or_else(|| statement.get("NotAction"));
    let all = match element {
        Some(Value::Array(actions)) => actions.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    all.iter().filter_map(Value::as_str)
}

fn one_or_many(mut values: Vec<Value>) -> Value {
    match values.len() {
        1 => values.remove(0),
        _ => Value::Array(values),
    }
}

/// The policy with one more statement: these accounts may do these actions.
pub fn with_permission(
    topic: &TopicRef,
    text: &str,
    label: &str,
    accounts: &[AccountId],
    actions: &[String],
) -> Result<String, SnsError> {
    if actions.iter().any(|action| !ACTIONS.contains(&action.as_str())) {
        return Err(out_of_scope());
    }
    edited(text, |statements| {
        if statements.iter().any(|statement| is_labelled(statement, label)) {
            return Err(SnsError::invalid("Statement already exists"));
        }
        let roots = accounts.iter().map(|account| json!(arn::root(*account).as_str()));
        let actions = actions.iter().map(|action| json!(format!("SNS:{action}")));
        statements.push(json!({
            "Sid": label,
            "Effect": "Allow",
            "Principal": { "AWS": one_or_many(roots.collect()) },
            "Action": one_or_many(actions.collect()),
            "Resource": topic.arn().as_str(),
        }));
        Ok(())
    })
}

/// The policy without the statement of this label; as it was when there is none.
pub fn without_permission(text: &str, label: &str) -> Result<String, SnsError> {
    edited(text, |statements| {
        statements.retain(|statement| !is_labelled(statement, label));
        Ok(())
    })
}

fn is_labelled(statement: &Value, label: &str) -> bool {
    statement.get("Sid").and_then(Value::as_str) == Some(label)
}

fn edited(text: &str, edit: impl FnOnce(&mut Vec<Value>) -> Result<(), SnsError>) -> Result<String, SnsError> {
    let mut document: Value = serde_json::from_str(text).map_err(|_| refused("null"))?;
    let statements = document
        .as_object_mut()
        .ok_or_else(|| refused("null"))?
        .entry("Statement")
        .or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Object(_) = statements {
        *statements = Value::Array(vec![statements.take()]);
    }
    if let Value::Array(statements) = statements {
        edit(statements)?;
    }
    Ok(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Region;
    use wire::AwsError;

    fn topic() -> TopicRef {
        TopicRef {
            account: AccountId::parse("111122223333").unwrap(),
            region: Region::us_east_1(),
            name: "t".to_owned(),
        }
    }

    #[test]
    fn the_default_is_a_policy() {
        assert!(parse(&default_text(&topic())).is_ok());
    }

    #[test]
    fn a_topic_policy_speaks_of_topics() {
        let check = |action: &str, expected: Option<&str>| {
            let text = json!({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": action, "Resource": "*"}]});
            let found = parse(&text.to_string()).err().map(|error| error.message());
            assert_eq!(found.as_deref(), expected, "{action}");
        };
        let out = Some("Invalid parameter: Policy statement action out of service scope!");
        check("SNS:Publish", None);
        check("sns:publish", None);
        check("SNS:*", out);
        check("SNS:Pub*", out);
        check("*", out);
        check("s3:GetObject", out);
        check("SNS:CreateTopic", out);
        assert_eq!(
            parse("no").unwrap_err().message(),
            "Invalid parameter: Policy Error: null"
        );
    }

    #[test]
    fn permissions_come_and_go_by_their_label() {
        let (topic, before) = (topic(), default_text(&topic()));
        let accounts = [AccountId::parse("444455556666").unwrap()];
        let add = |text: &str, action: &str| with_permission(&topic, text, "l", &accounts, &[action.to_owned()]);
        let after = add(&before, "Publish").unwrap();
        assert!(parse(&after).is_ok());
        assert!(after.contains(r#""Action":"SNS:Publish""#) && after.contains("arn:aws:iam::444455556666:root"));
        assert_eq!(
            add(&after, "Publish").unwrap_err().message(),
            "Invalid parameter: Statement already exists"
        );
        assert!(add(&before, "*").is_err());
        let gone: Value = serde_json::from_str(&without_permission(&after, "l").unwrap()).unwrap();
        assert_eq!(gone, serde_json::from_str::<Value>(&before).unwrap());
    }
}
