//! A template as calls take it: read, free of static faults, and of types that are here.

use crate::{CloudFormationError, types};
use template::Template;

/// Reads a template.
pub fn template(text: &str) -> Result<Template, CloudFormationError> {
    let template = Template::parse(text)?;
    known_types(&template)?;
    Ok(template)
}

/// Refuses types that are not here, by name. Asked again of a template that was expanded.
pub fn known_types(template: &Template) -> Result<(), CloudFormationError> {
    let unknown = unknown_types(template);
    match unknown.is_empty() {
        true => Ok(()),
        false => Err(CloudFormationError::Validation(format!(
            "Template format error: Unrecognized resource types: [{}]",
            unknown.join(", ")
        ))),
    }
}

/// Refuses a type that none of the entries of `ResourceTypes` covers: the type itself, or all below a `::*`.
pub fn allowed_types<'a>(
    mut names: impl Iterator<Item = &'a str>,
    allowed: Option<&[String]>,
) -> Result<(), CloudFormationError> {
    let Some(allowed) = allowed else {
        return Ok(());
    };
    let covers = |entry: &String, name: &str| match entry.strip_suffix('*') {
        Some(above) => above.ends_with("::") && name.starts_with(above),
        None => entry == name,
    };
    match names.find(|name| !allowed.iter().any(|entry| covers(entry, name))) {
        None => Ok(()),
        Some(name) => Err(CloudFormationError::Validation(format!(
            "Resource type {name} is not allowed by parameter ResourceTypes [{}]",
            allowed.join(", ")
        ))),
    }
}

/// The types that are not here, each once, in the order of the template.
pub fn unknown_types(template: &Template) -> Vec<&str> {
    let mut unknown = Vec::new();
    for resource in &template.resources {
        let name = resource.type_name.as_str();
        if types::find(name).is_none() && !unknown.contains(&name) {
            unknown.push(name);
        }
    }
    unknown
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    #[test]
    fn resource_types_cover_a_type_or_all_below_a_namespace() {
        let check = |entries: &[&str], allowed: bool| {
            let entries: Vec<String> = entries.iter().map(|&entry| entry.to_owned()).collect();
            let found = allowed_types(["AWS::S3::Bucket"].into_iter(), Some(&entries));
            assert_eq!(found.is_ok(), allowed, "{entries:?}");
        };
        check(&["AWS::SNS::Topic", "AWS::S3::Bucket"], true);
        check(&["AWS::S3::*"], true);
        check(&["AWS::*"], true);
        check(&[], false);
        check(&["AWS::S3::BucketPolicy"], false);
        check(&["AWS::S3*"], false);
        check(&["*"], false);
        check(&["AWS::SNS::*"], false);
        assert!(allowed_types(["AWS::S3::Bucket"].into_iter(), None).is_ok());
    }

    #[test]
    fn the_first_type_that_is_not_allowed_is_told() {
        let entries = ["AWS::S3::*".to_owned(), "AWS::SNS::Topic".to_owned()];
        let found = allowed_types(["AWS::S3::Bucket", "AWS::IAM::User"].into_iter(), Some(&entries));
        assert_eq!(
            found.map_err(|error| error.message()),
            Err(
                "Resource type AWS::IAM::User is not allowed by parameter ResourceTypes [AWS::S3::*, AWS::SNS::Topic]"
                    .to_owned()
            )
        );
    }
}
