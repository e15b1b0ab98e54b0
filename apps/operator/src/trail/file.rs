//! Definitions out of files: YAML, JSON or TOML.

use super::{Definition, InvalidDefinition};
use saphyr::{ScalarStyle, Yaml, YamlLoader};
use saphyr_parser::Parser;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// How deep a document may be nested.
const DEPTH_MAX: usize = 32;
/// The longest number that an unquoted text is taken for; an account's twelve digits are text, with or without quotes.
const DIGITS_MAX: usize = 10;

/// What a definition is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// YAML.
    Yaml,
    /// JSON.
    Json,
    /// TOML.
    Toml,
}

impl Notation {
    /// By the end of a file's name; YAML when it says nothing.
    pub fn of_name(name: &str) -> Notation {
        let name = name.to_ascii_lowercase();
        match name.rsplit_once('.') {
            Some((_, "json")) => Notation::Json,
            Some((_, "toml")) => Notation::Toml,
            _ => Notation::Yaml,
        }
    }
}

impl Definition {
    /// Reads and checks a definition. What it does not say is as in [`Definition::default`].
    pub fn parse(text: &str, notation: Notation) -> Result<Definition, InvalidDefinition> {
        let invalid = |fault| InvalidDefinition(format!("this is no definition of a trail: {fault}"));
        let definition: Definition = parsed(text, notation).map_err(invalid)?;
        definition.check()?;
        Ok(definition)
    }
}

/// A document of some kind, with its fault when it is none.
pub(crate) fn parsed<T: DeserializeOwned>(text: &str, notation: Notation) -> Result<T, String> {
    match notation {
        Notation::Json => serde_json::from_str(text).map_err(|fault| fault.to_string()),
        Notation::Toml => toml::from_str(text).map_err(|fault| fault.to_string()),
        Notation::Yaml => serde_json::from_value(yaml(text)?).map_err(|fault| fault.to_string()),
    }
}

/// A YAML document without tags, anchors and surprises: `on` is a text, and so is what looks like a date.
fn yaml(text: &str) -> Result<Value, String> {
    let mut loader = YamlLoader::<Yaml<'_>>::default();
    loader.early_parse(false);
    let mut parser = Parser::new_from_str(text);
    parser.load(&mut loader, true).map_err(|fault| fault.to_string())?;
    if let Some(fault) = loader.error() {
        return Err(fault.to_string());
    }
    match loader.into_documents().as_slice() {
        [] => Ok(Value::Object(serde_json::Map::new())),
        [document] => json(document, 0),
        _ => Err("it is more than one document".to_owned()),
    }
}

fn json(node: &Yaml<'_>, depth: usize) -> Result<Value, String> {
    if depth > DEPTH_MAX {
        return Err(format!("it is nested deeper than {DEPTH_MAX}"));
    }
    match node {
        Yaml::Representation(text, style, None) => Ok(scalar(text, *style)),
        Yaml::Representation(_, _, Some(tag)) | Yaml::Tagged(tag, _) => {
            Err(format!("the tag `!{}` means nothing in a definition", tag.suffix))
        }
        Yaml::Sequence(items) => items.iter().map(|item| json(item, depth + 1)).collect(),
        Yaml::Mapping(members) => {
            let members = members.iter().map(|(name, value)| match name {
                Yaml::Representation(name, _, None) => Ok((name.to_string(), json(value, depth + 1)?)),
                _ => Err("the name of a member is no text".to_owned()),
            });
            members.collect::<Result<_, String>>().map(Value::Object)
        }
        Yaml::Value(_) | Yaml::Alias(_) | Yaml::BadValue => Err("a value in it has no meaning".to_owned()),
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    let is_number = || {
        let digits = text.bytes().all(|b| b.is_ascii_digit()) && (1..=DIGITS_MAX).contains(&text.len());
        digits && (text == "0" || !text.starts_with('0'))
    };
    match text {
        _ if style != ScalarStyle::Plain => text.into(),
        "" | "~" | "null" => Value::Null,
        "true" => true.into(),
        "false" => false.into(),
        _ if is_number() => text.parse::<u64>().map_or_else(|_| text.into(), Value::from),
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trail::DefaultEncryption;

    const YAML: &str = "
name: audit
account: 012345678901
region: ap-northeast-1
bucket:
  name: logs-{account}
  encryption: trail_key
  lifecycle:
    - { id: end, expire_days: 1095 }
  policy: { Version: 2012-10-17, Statement: [] }
key: { alias: alias/audit, readers: ['arn:aws:iam::{account}:role/auditor'] }
logs: { retention_days: 365 }
event_selectors:
  - ReadWriteType: WriteOnly
    DataResources: [{ Type: 'AWS::S3::Object', Values: ['arn:aws:s3'] }]
";

    #[test]
    fn the_three_notations_say_the_same() {
        let of_yaml = Definition::parse(YAML, Notation::Yaml).unwrap();
        assert_eq!(of_yaml.account.as_deref(), Some("012345678901"));
        assert_eq!(of_yaml.bucket.encryption, DefaultEncryption::TrailKey);
        assert!(
            of_yaml.bucket.versioning && of_yaml.all_regions && of_yaml.event_selectors[0].include_management_events
        );
        let json = serde_json::to_string(&of_yaml).unwrap();
        assert_eq!(Definition::parse(&json, Notation::Json).unwrap(), of_yaml);
        let toml = toml::to_string(&of_yaml).unwrap();
        assert_eq!(Definition::parse(&toml, Notation::Toml).unwrap(), of_yaml);
    }

    #[test]
    fn what_is_no_definition_is_refused_with_its_fault() {
        for (text, fault) in [
            ("nam: x", "unknown field `nam`"),
            ("name: x", "3 to 128"),
            ("name: [", "this is no definition"),
            ("name: abc\nname: def", "duplicate"),
            ("name: !Ref abc", "the tag `!Ref`"),
            ("account: 12345", "invalid type"),
            ("account: '12345'", "twelve digits"),
            ("all_regions: true\nglobal_events: false", "global events"),
            ("bucket: { name: UPPER }", "lower-case"),
            ("bucket: { prefix: x/ }", "without a slash"),
            ("bucket: { lifecycle: [{ id: x }] }", "does nothing"),
            ("bucket: { encryption: trail_key }\nkey: null", "no key"),
            ("key: { alias: alias/aws/s3 }", "alias/aws/"),
            ("key: { rotation_days: 30 }", "90 to 2560"),
            ("logs: { retention_days: 42 }", "not for 42"),
            ("event_selectors: [{ ReadWriteType: Some }]", "none of All"),
            ("a: b\n---\nc: d", "more than one"),
        ] {
            let found = Definition::parse(text, Notation::Yaml).unwrap_err().to_string();
            assert!(found.contains(fault), "{text}: {found}");
        }
    }
}
