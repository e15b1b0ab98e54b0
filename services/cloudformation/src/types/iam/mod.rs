//! IAM's types, and what those of them have in common that hold policies.

mod access_key;
mod group;
mod managed_policy;
mod policy;
mod role;
mod user;

pub use access_key::ACCESS_KEY;
pub use group::GROUP;
pub use managed_policy::MANAGED_POLICY;
pub use policy::POLICY;
pub use role::ROLE;
pub use user::USER;

use super::{Kind, Property, values};
use crate::api::{Api, HandlerError, HandlerErrorCode};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use wire::ServiceName;

/// The longest name of a user or role.
const NAME_CHARS_MAX: usize = 64;
/// The longest name of a group or managed policy.
const LONG_NAME_CHARS_MAX: usize = 128;

/// An inline policy in `Policies`.
const INLINE: Kind = Kind::Object(&[
    Property::new("PolicyName", Kind::Text).required(),
    Property::new("PolicyDocument", Kind::Json).required(),
]);

/// Who holds policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    Group,
    Role,
    User,
}

impl Holder {
    const ALL: [Holder; 3] = [Holder::Group, Holder::Role, Holder::User];

    /// As operations have it in their names.
    fn word(self) -> &'static str {
        match self {
            Holder::Group => "Group",
            Holder::Role => "Role",
            Holder::User => "User",
        }
    }

    /// The property of a policy's resource that lists such holders.
    fn list(self) -> &'static str {
        match self {
            Holder::Group => "Groups",
            Holder::Role => "Roles",
            Holder::User => "Users",
        }
    }
}

/// One holder, by name.
#[derive(Clone, Copy)]
struct Held<'a> {
    holder: Holder,
    name: &'a str,
}

/// A list of the query protocol.
#[derive(Deserialize)]
struct Members<T> {
    #[serde(default = "Vec::new")]
    member: Vec<T>,
}

impl<T> Default for Members<T> {
    fn default() -> Self {
        Members { member: Vec::new() }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Boundary {
    permissions_boundary_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InlineDocument {
    policy_document: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attached {
    policy_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InlinePage {
    #[serde(default)]
    policy_names: Members<String>,
    marker: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AttachedPage {
    #[serde(default)]
    attached_policies: Members<Attached>,
    marker: Option<String>,
}

async fn ask<T: DeserializeOwned>(api: &mut Api, operation: &str, input: &Value) -> Result<T, HandlerError> {
    api.query(ServiceName::Iam, operation, input).await
}

async fn tell(api: &mut Api, operation: &str, input: &Value) -> Result<(), HandlerError> {
    api.query_done(ServiceName::Iam, operation, input).await
}

/// A call that takes something away: what is not there is done.
async fn take_away(api: &mut Api, operation: &str, input: &Value) -> Result<(), HandlerError> {
    match tell(api, operation, input).await {
        Err(error) if error.is_not_found() => Ok(()),
        result => result,
    }
}

/// A policy document as IAM takes it.
fn document_text(document: Option<&Value>) -> String {
    document.map(Value::to_string).unwrap_or_default()
}

/// A policy document as IAM answers it: percent-encoded JSON.
fn document_of(encoded: &str) -> Result<Value, HandlerError> {
    let text = wire::decode_percent(encoded).ok();
    let document = text.and_then(|text| serde_json::from_str(&text).ok());
    document.ok_or_else(|| {
        HandlerError::of(
            HandlerErrorCode::ServiceInternalError,
            "A policy document of IAM's could not be read.",
        )
    })
}

/// The texts of a list, each once.
fn texts(properties: &Value, name: &str) -> BTreeSet<String> {
    let items = values::items(properties, name).iter();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The tags of a property as calls have them; `null` when there are none.
fn tag_list(properties: &Value) -> Value {
    match values::items(properties, "Tags") {
        [] => Value::Null,
        tags => Value::from(tags),
    }
}

/// Tags as a template has them.
fn shown_tags(tags: Members<Tag>) -> Value {
    let pair = |tag: Tag| json!({"Key": tag.key, "Value": tag.value});
    tags.member.into_iter().map(pair).collect()
}

impl Held<'_> {
    /// A call's input with the holder's name and these members.
    fn input<const N: usize>(self, members: [(&str, Value); N]) -> Value {
        let mut input = Map::new();
        input.insert(format!("{}Name", self.holder.word()), Value::from(self.name));
        input.extend(members.into_iter().map(|(name, value)| (name.to_owned(), value)));
        Value::Object(input)
    }

    /// The name of an operation on holders of this kind: `{}` stands for the kind.
    fn operation(self, pattern: &str) -> String {
        pattern.replace("{}", self.holder.word())
    }

    async fn put(self, api: &mut Api, policy: &str, document: Option<&Value>) -> Result<(), HandlerError> {
        let members = [
            ("PolicyName", Value::from(policy)),
            ("PolicyDocument", Value::from(document_text(document))),
        ];
        tell(api, &self.operation("Put{}Policy"), &self.input(members)).await
    }

    async fn remove(self, api: &mut Api, policy: &str) -> Result<(), HandlerError> {
        let input = self.input([("PolicyName", Value::from(policy))]);
        take_away(api, &self.operation("Delete{}Policy"), &input).await
    }

    async fn attach(self, api: &mut Api, arn: &str) -> Result<(), HandlerError> {
        let input = self.input([("PolicyArn", Value::from(arn))]);
        tell(api, &self.operation("Attach{}Policy"), &input).await
    }

    async fn detach(self, api: &mut Api, arn: &str) -> Result<(), HandlerError> {
        let input = self.input([("PolicyArn", Value::from(arn))]);
        take_away(api, &self.operation("Detach{}Policy"), &input).await
    }

    /// Makes `Policies` and `ManagedPolicyArns` what they are in `after`, where they were as in `before`.
    async fn change_policies(self, api: &mut Api, before: &Value, after: &Value) -> Result<(), HandlerError> {
        let (old, new) = (values::items(before, "Policies"), values::items(after, "Policies"));
        let name = |policy: &'_ Value| values::text(policy, "PolicyName").unwrap_or_default().to_owned();
        let kept: BTreeSet<String> = new.iter().map(name).collect();
        for gone in old.iter().map(name).filter(|name| !kept.contains(name)) {
            self.remove(api, &gone).await?;
        }
        for policy in new.iter().filter(|policy| !old.contains(policy)) {
            self.put(api, &name(policy), policy.get("PolicyDocument")).await?;
        }
        let (old, new) = (texts(before, "ManagedPolicyArns"), texts(after, "ManagedPolicyArns"));
        // Those that go make room for those that come.
        for gone in old.difference(&new) {
            self.detach(api, gone).await?;
        }
        for come in new.difference(&old) {
            self.attach(api, come).await?;
        }
        Ok(())
    }

    /// The same of `PermissionsBoundary`.
    async fn change_boundary(self, api: &mut Api, before: &Value, after: &Value) -> Result<(), HandlerError> {
        const NAME: &str = "PermissionsBoundary";
        if !values::changed(before, after, NAME) {
            return Ok(());
        }
        match values::text(after, NAME) {
            Some(arn) => {
                let input = self.input([(NAME, Value::from(arn))]);
                tell(api, &self.operation("Put{}PermissionsBoundary"), &input).await
            }
            None => {
                let operation = self.operation("Delete{}PermissionsBoundary");
                take_away(api, &operation, &self.input([])).await
            }
        }
    }

    /// The same of `Tags`. Keys go first, for they are told apart without their case.
    async fn change_tags(self, api: &mut Api, before: &Value, after: &Value) -> Result<(), HandlerError> {
        let (set, gone) = values::tag_changes(&values::tags(before, "Tags"), &values::tags(after, "Tags"));
        if !gone.is_empty() {
            let input = self.input([("TagKeys", Value::from(gone))]);
            tell(api, &self.operation("Untag{}"), &input).await?;
        }
        if set.is_empty() {
            return Ok(());
        }
        let tags = set.iter().map(|(key, value)| json!({"Key": key, "Value": value}));
        let input = self.input([("Tags", tags.collect())]);
        tell(api, &self.operation("Tag{}"), &input).await
    }

    /// The inline policies as `Policies` has them.
    async fn inline_policies(self, api: &mut Api) -> Result<Value, HandlerError> {
        let (mut policies, mut marker) = (Vec::new(), Value::Null);
        loop {
            let input = self.input([("Marker", marker)]);
            let page: InlinePage = ask(api, &self.operation("List{}Policies"), &input).await?;
            for name in page.policy_names.member {
                let input = self.input([("PolicyName", Value::from(name.as_str()))]);
                let answer: InlineDocument = ask(api, &self.operation("Get{}Policy"), &input).await?;
                let document = document_of(&answer.policy_document)?;
                policies.push(json!({"PolicyName": name, "PolicyDocument": document}));
            }
            match page.marker {
                Some(next) => marker = Value::from(next),
                None => return Ok(Value::from(policies)),
            }
        }
    }

    /// The attached policies as `ManagedPolicyArns` has them.
    async fn attached_policies(self, api: &mut Api) -> Result<Value, HandlerError> {
        let (mut arns, mut marker) = (Vec::new(), Value::Null);
        loop {
            let input = self.input([("Marker", marker)]);
            let page: AttachedPage = ask(api, &self.operation("ListAttached{}Policies"), &input).await?;
            arns.extend(page.attached_policies.member.into_iter().map(|one| one.policy_arn));
            match page.marker {
                Some(next) => marker = Value::from(next),
                None => return Ok(Value::from(arns)),
            }
        }
    }

    /// Takes off what the resource put on its holder, so that it can be deleted. What others put on stays, and then IAM refuses.
    async fn strip(self, api: &mut Api, properties: &Value) -> Result<(), HandlerError> {
        self.change_policies(api, properties, &Value::Null).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_come_back_from_their_escapes() {
        let document = json!({"Version": "2012-10-17", "Statement": [{"Sid": "a b+c"}]});
        let encoded = document_text(Some(&document)).replace(' ', "%20").replace('"', "%22");
        assert_eq!(document_of(&encoded).ok(), Some(document));
        assert!(document_of("%7B").is_err());
    }

    #[test]
    fn inputs_name_their_holder() {
        let held = Held {
            holder: Holder::Group,
            name: "g",
        };
        assert_eq!(
            held.input([("PolicyName", Value::from("p"))]),
            json!({"GroupName": "g", "PolicyName": "p"})
        );
        assert_eq!(held.operation("ListAttached{}Policies"), "ListAttachedGroupPolicies");
    }

    #[test]
    fn lists_of_the_query_protocol_are_read() {
        let page: AttachedPage = wire::xml::parse(
            b"<R><AttachedPolicies><member><PolicyName>p</PolicyName><PolicyArn>arn:p</PolicyArn></member></AttachedPolicies><IsTruncated>false</IsTruncated></R>",
        )
        .expect("it is read");
        assert_eq!((page.attached_policies.member.len(), page.marker), (1, None));
        let none: InlinePage = wire::xml::parse(b"<R><PolicyNames/></R>").expect("it is read");
        assert!(none.policy_names.member.is_empty());
    }
}
