//! Wildcards and variables.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html#reference_policies_elements_resource_wildcards>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>

use super::keys::Keys;

/// One place of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// `*`
    Any,
    /// `?`
    One,
    /// Itself.
    Char(char),
}

/// The marks of a text without variables.
pub(super) fn plain(text: &str) -> Vec<Mark> {
    text.chars()
        .map(|c| match c {
            '*' => Mark::Any,
            '?' => Mark::One,
            other => Mark::Char(other),
        })
        .collect()
}

/// The marks of a text, its variables replaced; `None` when one of them has no value.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-no-value>
pub(super) fn expanded(text: &str, keys: &Keys) -> Option<Vec<Mark>> {
    let Some((before, rest)) = text.split_once("${") else {
        return Some(plain(text));
    };
    let Some((inside, after)) = rest.split_once('}') else {
        return Some(plain(text));
    };
    let mut marks = plain(before);
    marks.extend(variable(inside, keys)?.chars().map(Mark::Char));
    marks.extend(expanded(after, keys)?);
    Some(marks)
}

/// What stands for `${inside}`: a special character, the key's only value, or the default.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars>,
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-default-values>
fn variable(inside: &str, keys: &Keys) -> Option<String> {
    if matches!(inside, "*" | "?" | "$") {
        return Some(inside.to_owned());
    }
    let (name, default) = match inside.split_once(", '") {
        Some((name, quoted)) => (name, quoted.strip_suffix('\'')),
        None => (inside, None),
    };
    match keys.values(name) {
        [only] => Some(only.clone()),
        // A key with several values cannot be a variable.
        _ => default.map(str::to_owned),
    }
}

/// The text that marks without wildcards mean: `*` and `?` are themselves.
pub(super) fn literal(marks: &[Mark]) -> String {
    marks
        .iter()
        .map(|mark| match mark {
            Mark::Any => '*',
            Mark::One => '?',
            Mark::Char(c) => *c,
        })
        .collect()
}

/// Whether the whole text is one that the marks describe.
pub(super) fn like(marks: &[Mark], text: &str) -> bool {
    let Some((mark, marks_after)) = marks.split_first() else {
        return text.is_empty();
    };
    let mut rest = text.chars();
    let first = rest.next();
    match (mark, first) {
        (Mark::Any, None) => like(marks_after, text),
        (Mark::Any, Some(_)) => like(marks_after, text) || like(marks, rest.as_str()),
        (Mark::One, Some(_)) => like(marks_after, rest.as_str()),
        (Mark::Char(wanted), Some(c)) => *wanted == c && like(marks_after, rest.as_str()),
        (_, None) => false,
    }
}

/// The six parts of an ARN pattern; colons of variables do not part, and the sixth keeps its own.
pub(super) fn arn_parts(text: &str) -> Option<[String; 6]> {
    let mut parts = vec![String::new()];
    let mut in_variable = false;
    for (place, c) in text.char_indices() {
        let opens = text.get(place..).is_some_and(|rest| rest.starts_with("${"));
        in_variable = (in_variable || opens) && c != '}';
        if c == ':' && !in_variable && parts.len() < 6 {
            parts.push(String::new());
        } else if let Some(last) = parts.last_mut() {
            last.push(c);
        }
    }
    parts.try_into().ok()
}
