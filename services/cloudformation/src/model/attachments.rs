//! What other resources of the same stack attach to one, which is no drift of it: a policy's resource puts itself on a role, a
//! subscription's on a topic. It drifts by itself when it is taken away.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html>

use super::held::Thing;
use crate::types::values::{items, text};
use serde_json::Value;

/// The types that hold policies, with the property of a policy's resource that lists such holders.
const HOLDERS: [(&str, &str); 3] = [
    ("AWS::IAM::Group", "Groups"),
    ("AWS::IAM::Role", "Roles"),
    ("AWS::IAM::User", "Users"),
];

/// Takes out of what was read of `thing` the items that its own properties do not have and that one of `stack`, all that its
/// stack has made, attaches.
pub fn leave_out(thing: &Thing, stack: &[&Thing], actual: &mut Value) {
    let of_type = |name: &'static str| stack.iter().copied().filter(move |other| other.type_name == name);
    let id = thing.physical_id.as_str();
    match thing.type_name.as_str() {
        "AWS::IAM::ManagedPolicy" => {
            for (holder, list) in HOLDERS {
                retain(thing, actual, list, itself, |name| {
                    of_type(holder).any(|other| other.physical_id == *name && has(other, "ManagedPolicyArns", id))
                });
            }
        }
        "AWS::SNS::Topic" => retain(thing, actual, "Subscription", endpoint, |wanted| {
            of_type("AWS::SNS::Subscription").any(|other| {
                text(&other.properties, "TopicArn") == Some(id) && endpoint(&other.properties).as_ref() == Some(wanted)
            })
        }),
        holder => {
            let Some((_, list)) = HOLDERS.iter().find(|(name, _)| *name == holder) else {
                return;
            };
            retain(thing, actual, "Policies", policy_name, |name| {
                of_type("AWS::IAM::Policy")
                    .any(|other| text(&other.properties, "PolicyName") == Some(name.as_str()) && has(other, list, id))
            });
            retain(thing, actual, "ManagedPolicyArns", itself, |arn| {
                of_type("AWS::IAM::ManagedPolicy").any(|other| other.physical_id == *arn && has(other, list, id))
            });
        }
    }
}

fn itself(item: &Value) -> Option<String> {
    item.as_str().map(str::to_owned)
}

fn policy_name(policy: &Value) -> Option<String> {
    text(policy, "PolicyName").map(str::to_owned)
}

fn endpoint(subscription: &Value) -> Option<[String; 2]> {
    let (protocol, endpoint) = text(subscription, "Protocol").zip(text(subscription, "Endpoint"))?;
    Some([protocol.to_owned(), endpoint.to_owned()])
}

fn has(thing: &Thing, list: &str, name: &str) -> bool {
    items(&thing.properties, list)
        .iter()
        .any(|item| item.as_str() == Some(name))
}

/// Leaves out of a list what others attach. Items are the same when they are `told` the same.
fn retain<T: PartialEq>(
    thing: &Thing,
    actual: &mut Value,
    list: &str,
    told: impl Fn(&Value) -> Option<T>,
    is_attached: impl Fn(&T) -> bool,
) {
    let own: Vec<Option<T>> = items(&thing.properties, list).iter().map(&told).collect();
    if let Some(found) = actual.get_mut(list).and_then(Value::as_array_mut) {
        found.retain(|item| {
            let item = told(item);
            own.contains(&item) || !item.as_ref().is_some_and(&is_attached)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn thing(type_name: &str, physical_id: &str, properties: Value) -> Thing {
        Thing {
            type_name: type_name.to_owned(),
            physical_id: physical_id.to_owned(),
            properties,
            ..Thing::default()
        }
    }

    #[test]
    fn what_the_stack_itself_attaches_is_left_out_and_what_others_do_stays() {
        let policy = |name: &str| json!({"PolicyName": name, "PolicyDocument": {}});
        let hook = |at: &str| json!({"Protocol": "http", "Endpoint": at});
        let role = thing(
            "AWS::IAM::Role",
            "r",
            json!({"Policies": [policy("own")], "ManagedPolicyArns": ["arn:own"]}),
        );
        let user = thing("AWS::IAM::User", "r", json!({}));
        let managed = thing("AWS::IAM::ManagedPolicy", "arn:m", json!({"Roles": ["r"], "Users": []}));
        let topic = thing("AWS::SNS::Topic", "arn:t", json!({"Subscription": [hook("a")]}));
        let stack = [
            thing("AWS::IAM::Policy", "p", json!({"PolicyName": "p", "Roles": ["r"]})),
            thing("AWS::IAM::Policy", "q", json!({"PolicyName": "q", "Roles": ["other"]})),
            thing("AWS::IAM::Policy", "o", json!({"PolicyName": "own", "Roles": ["r"]})),
            managed.clone(),
            thing("AWS::IAM::Role", "s", json!({"ManagedPolicyArns": ["arn:m"]})),
            thing(
                "AWS::SNS::Subscription",
                "arn:t:1",
                json!({"TopicArn": "arn:t", "Protocol": "http", "Endpoint": "b"}),
            ),
        ];
        let stack: Vec<&Thing> = stack.iter().collect();
        let check = |thing: &Thing, found: Value, expected: Value| {
            let mut actual = found;
            leave_out(thing, &stack, &mut actual);
            assert_eq!(actual, expected, "{thing:?}");
        };
        check(
            &role,
            json!({"Policies": [policy("own"), policy("p"), policy("q")], "ManagedPolicyArns": ["arn:own", "arn:m", "arn:x"]}),
            json!({"Policies": [policy("own"), policy("q")], "ManagedPolicyArns": ["arn:own", "arn:x"]}),
        );
        let on_user = json!({"Policies": [policy("p")], "ManagedPolicyArns": ["arn:m"]});
        check(&user, on_user.clone(), on_user);
        check(
            &managed,
            json!({"Roles": ["r", "s", "x"], "Users": ["s"]}),
            json!({"Roles": ["r", "x"], "Users": ["s"]}),
        );
        check(
            &topic,
            json!({"Subscription": [hook("a"), hook("b"), hook("c")]}),
            json!({"Subscription": [hook("a"), hook("c")]}),
        );
    }
}
