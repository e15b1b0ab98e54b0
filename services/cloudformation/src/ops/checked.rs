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
