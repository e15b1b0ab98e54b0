//! What a file proposes: it says so itself, or it is a policy and follows from what is asked about.

use super::TargetKind;
use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

const MEMBERS: [&str; 3] = ["BucketPolicy", "KeyPolicy", "KmsKeyId"];

/// The change as DescribeAccess takes it.
pub(super) fn parse(text: &str, target: TargetKind) -> Result<Value> {
    let file: Value = serde_json::from_str(text).context("it is not JSON")?;
    let Value::Object(members) = &file else {
        bail!("it is no JSON object");
    };
    if members.contains_key("Statement") {
        return plain(&file, target);
    }
    // What get-key-policy and get-bucket-policy answer.
    if let Some(policy) = members.get("Policy") {
        return plain(&document(policy)?, target);
    }
    if let Some(name) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        bail!(
            "`{name}` is none of {}, and there is no `Statement` as in a policy",
            MEMBERS.join(", ")
        );
    }
    let mut change = Map::new();
    for (name, value) in members {
        let text = match (name.as_str(), value) {
            (_, Value::String(text)) => text.clone(),
            ("BucketPolicy" | "KeyPolicy", Value::Object(_)) => value.to_string(),
            _ => bail!("`{name}` is neither text nor a policy"),
        };
        change.insert(name.clone(), text.into());
    }
    Ok(change.into())
}

fn document(policy: &Value) -> Result<Value> {
    match policy {
        Value::String(text) => serde_json::from_str(text).context("its `Policy` is not JSON"),
        policy => Ok(policy.clone()),
    }
}

fn plain(policy: &Value, target: TargetKind) -> Result<Value> {
    let name = match target {
        TargetKind::Key => "KeyPolicy",
        TargetKind::Object => "BucketPolicy",
        TargetKind::Trail => match service(policy) {
            Some("kms") => "KeyPolicy",
            Some("s3") => "BucketPolicy",
            _ => bail!(
                "a trail has a key policy and a bucket policy, and the file does not say which it is; \
                 write {{\"KeyPolicy\": ...}} or {{\"BucketPolicy\": ...}}"
            ),
        },
    };
    Ok(json!({ name: policy.to_string() }))
}

/// The service of all its actions.
fn service(policy: &Value) -> Option<&str> {
    fn listed(value: &Value) -> &[Value] {
        match value {
            Value::Array(items) => items,
            one => std::slice::from_ref(one),
        }
    }
    let statements = listed(&policy["Statement"]).iter();
    let actions = statements.flat_map(|statement| listed(&statement["Action"]));
    let mut services = actions.map(|action| action.as_str().and_then(|action| Some(action.split_once(':')?.0)));
    let first = services.next()??;
    services.all(|service| service == Some(first)).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_it_proposes_or_it_follows_from_the_target() {
        let check = |text: &str, target, expected: Result<Value, &str>| {
            let found = parse(text, target).map_err(|error| error.to_string());
            match (&found, &expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{text}"),
                (Err(found), Err(expected)) => assert!(found.contains(expected), "{text}: {found}"),
                _ => panic!("{text}: {found:?}, not {expected:?}"),
            }
        };
        let kms = r#"{"Statement":[{"Action":["kms:Decrypt","kms:Encrypt"]}]}"#;
        let both = r#"{"Statement":[{"Action":"kms:*"},{"Action":"s3:*"}]}"#;
        let policy = |name: &str, text: &str| {
            let value: Value = serde_json::from_str(text).unwrap();
            Ok(json!({ name: value.to_string() }))
        };
        check(kms, TargetKind::Key, policy("KeyPolicy", kms));
        check(kms, TargetKind::Object, policy("BucketPolicy", kms));
        check(kms, TargetKind::Trail, policy("KeyPolicy", kms));
        check(both, TargetKind::Trail, Err("does not say which"));
        check(
            r#"{"Statement":{"NotAction":"kms:*"}}"#,
            TargetKind::Trail,
            Err("does not say which"),
        );
        check(
            r#"{"KmsKeyId":"alias/a"}"#,
            TargetKind::Trail,
            Ok(json!({"KmsKeyId": "alias/a"})),
        );
        check(
            &format!(r#"{{"KeyPolicy":{kms}}}"#),
            TargetKind::Trail,
            policy("KeyPolicy", kms),
        );
        let answered = json!({ "Policy": kms, "PolicyName": "default" }).to_string();
        check(&answered, TargetKind::Key, policy("KeyPolicy", kms));
        check(r#"{"Keypolicy":{}}"#, TargetKind::Key, Err("`Keypolicy` is none of"));
        check(r#"{"KmsKeyId":1}"#, TargetKind::Trail, Err("neither text nor a policy"));
        check("[]", TargetKind::Key, Err("no JSON object"));
        check("x", TargetKind::Key, Err("not JSON"));
    }
}
