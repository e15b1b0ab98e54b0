//! The members of what was sent, each read as what it should be or refused by its name.

use super::{Checked, FaultCode, fault};
use base::Timestamp;
use serde_json::value::RawValue;
use std::borrow::Cow;

pub(super) fn missing<T>(name: &str) -> Checked<T> {
    fault(FaultCode::FieldNotFound, format!("eventData has no {name}."))
}

/// A member's value; `null` counts as none.
pub(super) type Value<'a> = Option<&'a str>;

pub(super) fn text<'a>(name: &str, value: Value<'a>, bytes_max: usize) -> Checked<Option<Cow<'a, str>>> {
    let Some(raw) = value else { return Ok(None) };
    let inner = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"'));
    let text = match inner {
        Some(plain) if !plain.contains('\\') => Cow::Borrowed(plain),
        Some(_) => match serde_json::from_str::<String>(raw) {
            Ok(text) => Cow::Owned(text),
            Err(_) => return fault(FaultCode::InvalidData, format!("{name} is not a string.")),
        },
        None => return fault(FaultCode::InvalidData, format!("{name} is not a string.")),
    };
    match text.len() > bytes_max {
        true => fault(
            FaultCode::FieldTooLong,
            format!("{name} has more than {bytes_max} bytes."),
        ),
        false => Ok(Some(text)),
    }
}

pub(super) fn required<'a>(name: &str, value: Value<'a>, bytes_max: usize) -> Checked<Cow<'a, str>> {
    match text(name, value, bytes_max)? {
        Some(text) if text.is_empty() => missing(name),
        Some(text) => Ok(text),
        None => missing(name),
    }
}

pub(super) fn flag(name: &str, value: Value<'_>) -> Checked<Option<bool>> {
    match value {
        None => Ok(None),
        Some("true" | "\"true\"") => Ok(Some(true)),
        Some("false" | "\"false\"") => Ok(Some(false)),
        Some(_) => fault(FaultCode::InvalidData, format!("{name} is not a boolean.")),
    }
}

/// A value of free form, no longer than this.
pub(super) fn free(name: &str, value: Value<'_>, bytes_max: usize) -> Checked<()> {
    match value {
        Some(raw) if raw.len() > bytes_max => fault(
            FaultCode::FieldTooLong,
            format!("{name} has more than {bytes_max} bytes."),
        ),
        _ => Ok(()),
    }
}

pub(super) fn object(name: &str, value: Value<'_>, bytes_max: usize) -> Checked<()> {
    match value {
        Some(raw) if !raw.starts_with('{') => fault(FaultCode::InvalidData, format!("{name} is not an object.")),
        value => free(name, value, bytes_max),
    }
}

pub(super) fn time(name: &str, text: &str) -> Checked<Timestamp> {
    let parsed = Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}Z")));
    match parsed {
        Some(time) if time >= Timestamp::EPOCH => Ok(time),
        _ => fault(
            FaultCode::InvalidData,
            format!("{name} is not a time as 2015-08-17T14:01:31Z."),
        ),
    }
}

pub(super) fn value_of<'a>(members: &[(Cow<'_, str>, &'a RawValue)], name: &str) -> Value<'a> {
    let found = members.iter().find(|(other, _)| other == name)?;
    Some(found.1.get()).filter(|raw| *raw != "null")
}

/// Refuses a member that a reader who ignores case would take for another.
pub(super) fn check_case(name: &str, known: &[&str]) -> Checked<()> {
    match known.iter().find(|known| known.eq_ignore_ascii_case(name)) {
        Some(meant) => fault(
            FaultCode::InvalidData,
            format!("The member {name} is to be written {meant}."),
        ),
        None => Ok(()),
    }
}
