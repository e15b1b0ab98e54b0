//! What a channel's policy may say.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/lake-cli-create-integration.html>

use policy::{Policy, PolicyKind};
use serde_json::Value;

/// Characters of a policy.
pub const LENGTH_MAX: usize = 8192;
const STATEMENTS_MAX: usize = 20;
const PRINCIPALS_MAX: usize = 50;
/// What may be allowed: AWS's action, and this server's own that CloudTrail records need besides.
const ACTIONS: [&str; 2] = ["cloudtrail-data:PutAuditEvents", INGEST];

/// The right to bring in records of CloudTrail's own form.
pub const INGEST: &str = "shoseki:IngestEvents";

/// Reads a policy for the channel of this ARN, or says what is wrong with it.
pub fn parse(text: &str, channel: &str) -> Result<Policy, String> {
    if text.is_empty() || text.chars().count() > LENGTH_MAX {
        return Err(format!("A resource policy has 1 to {LENGTH_MAX} characters."));
    }
    let policy = Policy::parse(text, PolicyKind::Resource).map_err(|error| error.to_string())?;
    let document: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let statements = match &document["Statement"] {
        Value::Array(all) => all.iter().collect(),
        one => vec![one],
    };
    if statements.len() > STATEMENTS_MAX {
        return Err(format!("A channel's policy has at most {STATEMENTS_MAX} statements."));
    }
    for statement in statements {
        for absent in ["NotAction", "NotPrincipal", "NotResource"] {
            if !statement[absent].is_null() {
                return Err(format!("A channel's policy has no {absent}."));
            }
        }
        if principals(&statement["Principal"]) > PRINCIPALS_MAX {
            return Err(format!(
                "A statement of a channel's policy has at most {PRINCIPALS_MAX} principals."
            ));
        }
    }
    for statement in policy.statements() {
        if let Some(other) = statement
            .actions()
            .find(|action| !ACTIONS.iter().any(|known| known.eq_ignore_ascii_case(action)))
        {
            return Err(format!(
                "The action {other} is not one of a channel's policy: {}.",
                ACTIONS.join(", ")
            ));
        }
        if let Some(other) = statement.resources().find(|resource| *resource != channel) {
            return Err(format!("The resource {other} is not the channel {channel}."));
        }
    }
    Ok(policy)
}

fn principals(value: &Value) -> usize {
    match value {
        Value::Object(kinds) => kinds.values().map(principals).sum(),
        Value::Array(names) => names.len(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const CHANNEL: &str = "arn:aws:cloudtrail:us-east-1:111122223333:channel/c";

    fn statement(action: &str, resource: &str) -> Value {
        json!({"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": action, "Resource": resource})
    }

    #[test]
    fn a_channels_policy_speaks_of_the_channel_and_of_putting_events() {
        let check = |statements: Value, wrong: Option<&str>| {
            let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
            let found = parse(&text, CHANNEL).map(drop);
            match wrong {
                None => assert_eq!(found, Ok(()), "{text}"),
                Some(word) => assert!(
                    found.clone().is_err_and(|error| error.contains(word)),
                    "{text}: {found:?}"
                ),
            }
        };
        let good = || statement("cloudtrail-data:PutAuditEvents", CHANNEL);
        check(good(), None);
        check(json!([good(), statement(INGEST, CHANNEL)]), None);
        check(statement("cloudtrail-data:*", CHANNEL), Some("cloudtrail-data:*"));
        check(
            statement("cloudtrail:GetChannel", CHANNEL),
            Some("cloudtrail:GetChannel"),
        );
        check(statement("cloudtrail-data:PutAuditEvents", "*"), Some("resource"));
        check(json!(vec![good(); 21]), Some("20 statements"));
        let mut crowd = good();
        crowd["Principal"] = json!({"AWS": vec!["444455556666"; 51]});
        check(crowd, Some("50 principals"));
        let mut other = good();
        other["NotAction"] = other["Action"].take();
        other.as_object_mut().unwrap().remove("Action");
        check(other, Some("NotAction"));
        let mut nobody = good();
        nobody.as_object_mut().unwrap().remove("Principal");
        check(nobody, Some(""));
        assert!(parse("", CHANNEL).is_err() && parse("{", CHANNEL).is_err());
        assert!(parse(&" ".repeat(LENGTH_MAX + 1), CHANNEL).is_err());
    }
}
