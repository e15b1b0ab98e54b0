//! What a caller must acknowledge before a stack makes what gives rights.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>, `Capabilities`.

use serde_json::Value;

/// What is to be acknowledged; the greater is enough for the less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Capability {
    /// `CAPABILITY_IAM`
    Iam,
    /// `CAPABILITY_NAMED_IAM`
    NamedIam,
}

impl Capability {
    /// As AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Capability::Iam => "CAPABILITY_IAM",
            Capability::NamedIam => "CAPABILITY_NAMED_IAM",
        }
    }
}

/// What a resource of this type needs; its properties may still hold functions. A name that is given is one, whatever it comes to, but for
/// `AWS::NoValue`.
pub fn capability(type_name: &str, properties: &Value) -> Option<Capability> {
    let name = match type_name {
        "AWS::IAM::Group" => "GroupName",
        "AWS::IAM::InstanceProfile" => "InstanceProfileName",
        "AWS::IAM::ManagedPolicy" => "ManagedPolicyName",
        "AWS::IAM::Role" => "RoleName",
        "AWS::IAM::User" => "UserName",
        // These have no name of their own.
        "AWS::IAM::AccessKey" | "AWS::IAM::Policy" | "AWS::IAM::UserToGroupAddition" => return Some(Capability::Iam),
        _ => return None,
    };
    let given = properties.get(name);
    let is_nothing = |value: &Value| value.get("Ref").and_then(Value::as_str) == Some("AWS::NoValue");
    Some(match given.is_some_and(|value| !is_nothing(value)) {
        true => Capability::NamedIam,
        false => Capability::Iam,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_ask_for_more() {
        use Capability::{Iam, NamedIam};
        for (kind, properties, expected) in [
            ("AWS::IAM::Role", json!({}), Some(Iam)),
            ("AWS::IAM::Role", json!({"RoleName": "r"}), Some(NamedIam)),
            (
                "AWS::IAM::Role",
                json!({"RoleName": {"Fn::Sub": "${A}"}}),
                Some(NamedIam),
            ),
            (
                "AWS::IAM::Role",
                json!({"RoleName": {"Ref": "AWS::NoValue"}}),
                Some(Iam),
            ),
            ("AWS::IAM::AccessKey", json!({"UserName": "u"}), Some(Iam)),
            ("AWS::IAM::Policy", json!({"PolicyName": "p"}), Some(Iam)),
            ("AWS::IAM::User", json!({"UserName": "u"}), Some(NamedIam)),
            ("AWS::IAM::Group", json!({"GroupName": "g"}), Some(NamedIam)),
            (
                "AWS::IAM::ManagedPolicy",
                json!({"ManagedPolicyName": "p"}),
                Some(NamedIam),
            ),
            (
                "AWS::IAM::InstanceProfile",
                json!({"InstanceProfileName": "p"}),
                Some(NamedIam),
            ),
            ("AWS::S3::Bucket", json!({"BucketName": "b"}), None),
        ] {
            assert_eq!(capability(kind, &properties), expected, "{kind} {properties}");
        }
        assert!(Iam < NamedIam);
    }
}
