//! What a caller must acknowledge before a template is made.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>, `Capabilities`.

use crate::{
    CloudFormationError,
    ops::source::constraint,
    types::{Capability, capability},
};
use template::Template;

/// What acknowledges that a template is one that others expand.
pub const AUTO_EXPAND: &str = "CAPABILITY_AUTO_EXPAND";

/// What a template asks to be acknowledged, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needed {
    /// For what its resources give.
    pub capability: Option<&'static str>,
    /// The types that ask for it, by name, each once.
    pub types: Vec<String>,
}

impl Needed {
    /// What the template needs.
    pub fn of(template: &Template) -> Needed {
        let mut most: Option<Capability> = None;
        let mut types = Vec::new();
        for resource in &template.resources {
            if let Some(needed) = capability(&resource.type_name, &resource.properties) {
                most = most.max(Some(needed));
                types.push(resource.type_name.clone());
            }
        }
        types.sort_unstable();
        types.dedup();
        Needed {
            capability: most.map(Capability::as_str),
            types,
        }
    }

    /// `CapabilitiesReason`
    pub fn reason(&self) -> Option<String> {
        (!self.types.is_empty()).then(|| {
            format!(
                "The following resource(s) require capabilities: [{}]",
                self.types.join(", ")
            )
        })
    }
}

/// Refuses a template, expanded, whose capabilities were not acknowledged. `expands` says that its expansion must be, too.
pub fn check(template: &Template, expands: bool, given: &[String]) -> Result<(), CloudFormationError> {
    const KNOWN: [&str; 3] = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", AUTO_EXPAND];
    for one in given {
        if !KNOWN.contains(&one.as_str()) {
            let all =
                "Member must satisfy enum value set: [CAPABILITY_AUTO_EXPAND, CAPABILITY_IAM, CAPABILITY_NAMED_IAM]";
            let value = format!("[{}]", given.join(", "));
            return Err(constraint(
                &value,
                "capabilities",
                &format!("Member must satisfy constraint: [{all}]"),
            ));
        }
    }
    let needed = Needed::of(template);
    let has = |capability: &str| given.iter().any(|one| one == capability);
    let mut missing = Vec::new();
    match needed.capability {
        Some("CAPABILITY_IAM") if has("CAPABILITY_IAM") || has("CAPABILITY_NAMED_IAM") => {}
        Some(capability) if has(capability) => {}
        Some(capability) => missing.push(capability),
        None => {}
    }
    if expands && !has(AUTO_EXPAND) {
        missing.push(AUTO_EXPAND);
    }
    match missing.is_empty() {
        true => Ok(()),
        false => Err(CloudFormationError::InsufficientCapabilities(format!(
            "Requires capabilities : [{}]",
            missing.join(", ")
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CloudFormationError;

    #[track_caller]
    fn checked(template: &str, given: &[&str], expands: bool, expected: Option<&str>) {
        let template = Template::parse(template).unwrap();
        let given: Vec<String> = given.iter().map(|&one| one.to_owned()).collect();
        let found = match check(&template, expands, &given) {
            Ok(()) => None,
            Err(CloudFormationError::InsufficientCapabilities(text) | CloudFormationError::Validation(text)) => {
                Some(text)
            }
            Err(other) => panic!("{other:?}"),
        };
        match (found, expected) {
            (Some(found), Some(expected)) => assert!(found.contains(expected), "{found}"),
            (found, expected) => assert_eq!(found.as_deref(), expected),
        }
    }

    const PLAIN: &str = "Resources: {B: {Type: AWS::S3::Bucket}}";
    const ROLE: &str = "Resources: {R: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}}}}";
    const NAMED: &str =
        "Resources: {R: {Type: AWS::IAM::Role, Properties: {RoleName: r}}, P: {Type: AWS::IAM::Policy}}";

    #[test]
    fn what_gives_rights_must_be_acknowledged() {
        checked(PLAIN, &[], false, None);
        checked(ROLE, &[], false, Some("Requires capabilities : [CAPABILITY_IAM]"));
        checked(ROLE, &["CAPABILITY_IAM"], false, None);
        checked(ROLE, &["CAPABILITY_NAMED_IAM"], false, None);
        checked(
            NAMED,
            &["CAPABILITY_IAM"],
            false,
            Some("Requires capabilities : [CAPABILITY_NAMED_IAM]"),
        );
        checked(NAMED, &["CAPABILITY_NAMED_IAM"], false, None);
        checked(
            PLAIN,
            &[],
            true,
            Some("Requires capabilities : [CAPABILITY_AUTO_EXPAND]"),
        );
        checked(PLAIN, &[AUTO_EXPAND], true, None);
        checked(PLAIN, &["CAPABILITY_ALL"], false, Some("enum value set"));
        assert_eq!(
            Needed::of(&Template::parse(NAMED).unwrap()).reason().as_deref(),
            Some("The following resource(s) require capabilities: [AWS::IAM::Policy, AWS::IAM::Role]")
        );
    }
}
