//! The context keys that a policy document speaks of: in conditions and as variables.

use serde_json::Value;

/// A key that a statement asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyUse {
    /// As written.
    pub(crate) name: String,
    /// Without it the statement cannot be told; a variable with a default can.
    pub(crate) required: bool,
}

/// The keys of each statement, in order, of a document that parses.
pub(crate) fn by_statement(document: &str) -> Vec<Vec<KeyUse>> {
    let document: Value = serde_json::from_str(document).unwrap_or(Value::Null);
    let variables = document.get("Version").and_then(Value::as_str) == Some("2012-10-17");
    let of = |statement: &Value| keys(statement, variables);
    match document.get("Statement") {
        Some(Value::Array(statements)) => statements.iter().map(of).collect(),
        Some(statement) => vec![of(statement)],
        None => Vec::new(),
    }
}

/// Every key of these documents once, whatever its case, in the order of appearance.
pub(crate) fn all<'a>(documents: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut names = Vec::new();
    for key in documents.into_iter().flat_map(by_statement).flatten() {
        add(&mut names, key.name);
    }
    names
}

/// Adds a name that is not there in any case.
pub(crate) fn add(names: &mut Vec<String>, name: String) {
    if !names.iter().any(|other| other.eq_ignore_ascii_case(&name)) {
        names.push(name);
    }
}

fn keys(statement: &Value, variables: bool) -> Vec<KeyUse> {
    let mut keys = Vec::new();
    let mut texts = Vec::new();
    for element in ["Resource", "NotResource"] {
        texts.extend(statement.get(element).into_iter().flat_map(strings));
    }
    let conditions = statement.get("Condition").and_then(Value::as_object);
    for (name, values) in conditions
        .into_iter()
        .flatten()
        .filter_map(|(_, keys)| keys.as_object())
        .flatten()
    {
        keys.push(KeyUse {
            name: name.clone(),
            required: true,
        });
        texts.extend(strings(values));
    }
    if variables {
        keys.extend(texts.into_iter().flat_map(variables_of));
    }
    keys
}

fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

/// The variables of a text: `${key}` and `${key, 'default'}`, but not the escapes `${*}`, `${?}`, `${$}`.
pub(crate) fn variables_of(text: &str) -> Vec<KeyUse> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("${") {
        let Some((body, behind)) = variable_body(after) else {
            break;
        };
        let (name, default) = match body.split_once(',') {
            Some((name, _)) => (name.trim(), true),
            None => (body.trim(), false),
        };
        if !matches!(name, "" | "*" | "?" | "$") {
            found.push(KeyUse {
                name: name.to_owned(),
                required: !default,
            });
        }
        rest = behind;
    }
    found
}

/// Up to the brace that closes, which is none inside single quotes.
fn variable_body(text: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let end = text.find(|c| {
        quoted ^= c == '\'';
        c == '}' && !quoted
    })?;
    let (body, behind) = text.split_at(end);
    Some((body, behind.strip_prefix('}').unwrap_or(behind)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_conditions_and_variables() {
        let check = |version: &str, statement: &str, expected: &[&str]| {
            let document = format!(r#"{{"Version":"{version}","Statement":{statement}}}"#);
            assert_eq!(all([document.as_str()]), expected, "{document}");
        };
        let statement = r#"{"Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::b/${aws:username}/*","a${*}${$}"],
            "Condition":{"StringLike":{"aws:PrincipalArn":"x/${aws:userid, 'a}b'}","AWS:UserName":["b"]},"Bool":{"aws:SecureTransport":"true"}}}"#;
        let keys = ["aws:SecureTransport", "AWS:UserName", "aws:PrincipalArn", "aws:userid"];
        check("2012-10-17", statement, &keys);
        check("2008-10-17", statement, &keys[..3]);
        check(
            "2012-10-17",
            r#"[{"Action":"a:b"},{"Condition":{"Null":{"a:b":"true"}}}]"#,
            &["a:b"],
        );
    }

    #[test]
    fn a_default_makes_a_variable_optional() {
        let found = variables_of("${a:b}-${c:d, 'x'}-${");
        let found: Vec<_> = found.iter().map(|key| (key.name.as_str(), key.required)).collect();
        assert_eq!(found, [("a:b", true), ("c:d", false)]);
    }

    #[test]
    fn keys_are_told_by_statement() {
        let document = r#"{"Statement":[{},{"Condition":{"Bool":{"a:b":"true"}}}]}"#;
        let counts: Vec<usize> = by_statement(document).iter().map(Vec::len).collect();
        assert_eq!(counts, [0, 1]);
    }
}
