//! AWS::IAM::Policy: one inline policy on roles, users and groups.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-policy.html>

use super::{Held, Holder, InlineDocument, ask, document_of, texts};
use crate::{
    api::{Api, HandlerError, HandlerErrorCode},
    types::{Desired, Existing, Kind, Made, Property, ResourceType, made, made::handled, values},
};
use serde_json::{Map, Value};

/// The type.
pub static POLICY: ResourceType = ResourceType {
    name: "AWS::IAM::Policy",
    properties: &[
        Property::new("Groups", Kind::Set(&Kind::Text)),
        Property::new("PolicyDocument", Kind::Json).required(),
        Property::new("PolicyName", Kind::Text).required(),
        Property::new("Roles", Kind::Set(&Kind::Text)),
        Property::new("Users", Kind::Set(&Kind::Text)),
    ],
    unsupported: &[],
    attributes: &["Id"],
    secrets: &[],
    tags: None,
    handler: &Policy,
};

handled!(Policy);

/// So much of the stack's name, and of the logical id, is in the physical id, as AWS has it here: `stack-Poli-1A2B3C`.
const STACK_CHARS: usize = 5;
const LOGICAL_ID_CHARS: usize = 4;

/// Who has the policy.
fn holders(properties: &Value) -> Vec<(Holder, String)> {
    let listed = |holder: Holder| {
        texts(properties, holder.list())
            .into_iter()
            .map(move |name| (holder, name))
    };
    Holder::ALL.into_iter().flat_map(listed).collect()
}

fn held((holder, name): &(Holder, String)) -> Held<'_> {
    Held { holder: *holder, name }
}

fn name_of(properties: &Value) -> &str {
    values::text(properties, "PolicyName").unwrap_or_default()
}

fn check(properties: &Value) -> Result<(), HandlerError> {
    match holders(properties).is_empty() {
        false => Ok(()),
        true => Err(HandlerError::of(
            HandlerErrorCode::InvalidRequest,
            "At least one of [Groups,Roles,Users] must be non-empty.",
        )),
    }
}

fn physical_id(desired: &Desired) -> String {
    let first = |text: &str, chars| text.chars().take(chars).collect::<String>();
    let unique = desired.generated_name.rsplit('-').next().unwrap_or_default();
    format!(
        "{}-{}-{unique}",
        first(&desired.stack_name, STACK_CHARS).trim_end_matches('-'),
        first(&desired.logical_id, LOGICAL_ID_CHARS)
    )
}

/// The document of the policy of this name that somebody has.
async fn document_on(api: &mut Api, one: Held<'_>, name: &str) -> Result<Option<Value>, HandlerError> {
    let input = one.input([("PolicyName", Value::from(name))]);
    match ask::<InlineDocument>(api, &one.operation("Get{}Policy"), &input).await {
        Ok(answer) => document_of(&answer.policy_document).map(Some),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Gives somebody the policy. One of its name that is there is another's, would be lost, and is in the way.
async fn give(api: &mut Api, one: Held<'_>, properties: &Value) -> Result<(), HandlerError> {
    let name = name_of(properties);
    match document_on(api, one, name).await? {
        Some(_) => Err(HandlerError::of(
            HandlerErrorCode::AlreadyExists,
            format!("{} {} already has a policy {name}.", one.holder.word(), one.name),
        )),
        None => one.put(api, name, properties.get("PolicyDocument")).await,
    }
}

async fn create(api: &mut Api, desired: &Desired) -> Result<Made, HandlerError> {
    let properties = &desired.properties;
    check(properties)?;
    for one in &holders(properties) {
        give(api, held(one), properties).await?;
    }
    let id = physical_id(desired);
    Ok(made::made_of_texts(&id, &[("Id", &id)]))
}

/// Whoever has it in `after` gets it as it is there, and whoever had it otherwise or under another name has that no more.
async fn update(api: &mut Api, existing: &Existing, desired: &Desired) -> Result<Made, HandlerError> {
    let (before, after) = (&existing.properties, &desired.properties);
    check(after)?;
    let (old, new) = (holders(before), holders(after));
    let renamed = values::changed(before, after, "PolicyName");
    let rewritten = values::changed(before, after, "PolicyDocument");
    for one in &new {
        if renamed || !old.contains(one) {
            give(api, held(one), after).await?;
        } else if rewritten {
            held(one).put(api, name_of(after), after.get("PolicyDocument")).await?;
        }
    }
    for one in old.iter().filter(|one| renamed || !new.contains(one)) {
        held(one).remove(api, name_of(before)).await?;
    }
    Ok(made::same(existing))
}

async fn delete(api: &mut Api, existing: &Existing) -> Result<(), HandlerError> {
    for one in &holders(&existing.properties) {
        held(one).remove(api, name_of(&existing.properties)).await?;
    }
    Ok(())
}

/// Who has it still, and the first document that is not the template's. When nobody has it, it is not there.
async fn read(api: &mut Api, existing: &Existing) -> Result<Value, HandlerError> {
    let properties = &existing.properties;
    let name = name_of(properties);
    let (mut document, mut lists, mut missing) = (None, Map::new(), None);
    for one in holders(properties) {
        let input = held(&one).input([("PolicyName", Value::from(name))]);
        let answer: InlineDocument = match ask(api, &held(&one).operation("Get{}Policy"), &input).await {
            Ok(answer) => answer,
            Err(error) if error.is_not_found() => {
                missing = Some(error);
                continue;
            }
            Err(error) => return Err(error),
        };
        let found = document_of(&answer.policy_document)?;
        if document.is_none() || Some(&found) != properties.get("PolicyDocument") {
            document = Some(found);
        }
        let list = lists.entry(one.0.list()).or_insert_with(|| Value::Array(Vec::new()));
        if let Some(list) = list.as_array_mut() {
            list.push(Value::from(one.1));
        }
    }
    match (document, missing) {
        (Some(document), _) => {
            lists.insert("PolicyDocument".to_owned(), document);
            lists.insert("PolicyName".to_owned(), Value::from(name));
            Ok(Value::Object(lists))
        }
        (None, Some(error)) => Err(error),
        (None, None) => Err(HandlerError::of(HandlerErrorCode::NotFound, "The policy is on nobody.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn somebody_must_have_it() {
        let nobody = json!({"PolicyName": "p", "Roles": []});
        assert_eq!(
            check(&nobody).map_err(|error| error.message),
            Err("At least one of [Groups,Roles,Users] must be non-empty.".to_owned())
        );
        let somebody = json!({"PolicyName": "p", "Roles": ["r", "r"], "Users": ["u"]});
        assert_eq!(check(&somebody), Ok(()));
        assert_eq!(
            holders(&somebody),
            [(Holder::Role, "r".to_owned()), (Holder::User, "u".to_owned())]
        );
    }

    #[test]
    fn its_id_is_short() {
        let desired = Desired {
            stack_name: "a-stack".to_owned(),
            stack_id: String::new(),
            logical_id: "PolicyOfRole".to_owned(),
            properties: Value::Null,
            generated_name: "a-stack-PolicyOfRole-ABCDEFGHIJKL".to_owned(),
        };
        assert_eq!(physical_id(&desired), "a-sta-Poli-ABCDEFGHIJKL");
    }
}
