//! The declarations of parameters. Whether a default keeps to its own constraints is seen when parameters are bound.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>

use crate::TemplateError;
use crate::check::no_dynamic_reference;
use crate::model::ParameterDeclaration;
use crate::ordered::{Ordered, scalar_text};
use crate::read::{Read, at_most, logical_name, refuse, text_member};

const PARAMETERS_MAX: usize = 200;
const DESCRIPTION_CHARS_MAX: usize = 4000;

/// The declared parameters, in order.
pub(crate) fn parameters(section: &[(String, Ordered)]) -> Read<Vec<ParameterDeclaration>> {
    at_most("Parameters", section.len(), PARAMETERS_MAX)?;
    section
        .iter()
        .map(|(name, declaration)| parameter(name, declaration))
        .collect()
}

fn parameter(name: &str, declaration: &Ordered) -> Read<ParameterDeclaration> {
    logical_name("Parameter", name)?;
    let kind = match declaration.member("Type") {
        None => return refuse("Template format error: Every Parameters object must contain a Type member."),
        Some(Ordered::String(kind)) => kind.clone(),
        Some(_) => return refuse("Template format error: Every Type member must be a string."),
    };
    let mut parameter = ParameterDeclaration {
        name: name.to_owned(),
        kind,
        ..ParameterDeclaration::default()
    };
    for (member, value) in declaration.members().unwrap_or_default() {
        let text = || text_member(Some(value), member);
        match member.as_str() {
            "Type" => (),
            "Default" => {
                parameter.default = text()?;
                parameter.default.as_deref().map_or(Ok(()), no_dynamic_reference)?;
            }
            "AllowedValues" => parameter.allowed_values = Some(allowed_values(value)?),
            "AllowedPattern" => parameter.allowed_pattern = text()?,
            "ConstraintDescription" => parameter.constraint_description = text()?,
            "Description" => parameter.description = text()?,
            "MinLength" => parameter.min_length = Some(length(member, value)?),
            "MaxLength" => parameter.max_length = Some(length(member, value)?),
            "MinValue" => parameter.min_value = Some(number(member, value)?),
            "MaxValue" => parameter.max_value = Some(number(member, value)?),
            "NoEcho" => parameter.no_echo = flag(member, value)?,
            _ => return refuse(format!("Invalid template parameter property '{member}'")),
        }
    }
    if parameter
        .description
        .as_ref()
        .is_some_and(|text| text.chars().count() > DESCRIPTION_CHARS_MAX)
    {
        return refuse(format!(
            "Template format error: Parameter '{name}' has a description longer than {DESCRIPTION_CHARS_MAX} characters."
        ));
    }
    Ok(parameter)
}

fn allowed_values(value: &Ordered) -> Read<Vec<String>> {
    let Some(items) = value.items() else {
        return refuse("Template format error: Every AllowedValues member must be a list.");
    };
    let text = |item: &Ordered| {
        scalar_text(item)
            .ok_or_else(|| TemplateError("Template format error: Every AllowedValues value must be a string.".into()))
    };
    items.iter().map(text).collect()
}

fn length(member: &str, value: &Ordered) -> Read<u64> {
    match scalar_text(value).and_then(|text| text.parse().ok()) {
        Some(length) => Ok(length),
        None => refuse(format!(
            "Template format error: Every {member} member must be an integer."
        )),
    }
}

fn number(member: &str, value: &Ordered) -> Read<String> {
    match scalar_text(value) {
        Some(text) if text.parse::<f64>().is_ok_and(f64::is_finite) => Ok(text),
        _ => refuse(format!(
            "Template format error: Every {member} member must be a number."
        )),
    }
}

fn flag(member: &str, value: &Ordered) -> Read<bool> {
    match scalar_text(value).as_deref() {
        Some("true" | "True") => Ok(true),
        Some("false" | "False") => Ok(false),
        _ => refuse(format!(
            "Template format error: Every {member} member must be a boolean."
        )),
    }
}
