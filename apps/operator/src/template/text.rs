//! Text with places that are filled in where it is deployed: the account, the Region, the partition, and names of what the
//! template makes.

use serde::{Deserialize, Serialize};

/// A place in a [`Text`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// As it is.
    Literal(String),
    /// The account's twelve digits.
    Account,
    /// The Region it is deployed in.
    Region,
    /// `aws`, `aws-cn`, `aws-us-gov`.
    Partition,
    /// The name of the trail's bucket.
    Bucket,
    /// The name of the trail's log group.
    LogGroup,
    /// A parameter of the template, by its name. CloudFormation only.
    Parameter(&'static str),
}

/// Text with places. In definitions it is written with `{account}`, `{region}` and `{partition}`; other braces stand for
/// themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Text(Vec<Part>);

/// How places are written in a definition.
const PLACES: [(&str, Part); 3] = [
    ("{account}", Part::Account),
    ("{region}", Part::Region),
    ("{partition}", Part::Partition),
];

impl Text {
    /// Text without places, whatever is in it.
    pub fn literal(text: impl Into<String>) -> Text {
        Text::of([Part::Literal(text.into())])
    }

    /// These parts after one another. Literals that meet become one, empty ones nothing.
    pub fn of(parts: impl IntoIterator<Item = Part>) -> Text {
        let mut text = Text::default();
        text.extend(parts);
        text
    }

    /// As it is written in a definition.
    pub fn parse(text: &str) -> Text {
        let mut parts = Text::default();
        let mut rest = text;
        while !rest.is_empty() {
            let place = PLACES
                .iter()
                .filter_map(|(name, part)| rest.find(name).map(|at| (at, *name, part)))
                .min_by_key(|(at, ..)| *at);
            let Some((at, name, part)) = place else {
                parts.extend([Part::Literal(rest.to_owned())]);
                break;
            };
            let (before, after) = rest.split_at(at);
            parts.extend([Part::Literal(before.to_owned()), part.clone()]);
            rest = after.strip_prefix(name).unwrap_or_default();
        }
        parts
    }

    /// The parts, in order.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// The text, when it has no places.
    pub fn as_literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text with every place written by `place`, every literal by `literal`.
    pub fn written(&self, literal: impl Fn(&str) -> String, place: impl Fn(&Part) -> String) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Literal(text) => literal(text),
            other => place(other),
        });
        parts.collect()
    }

    /// With every place of this kind replaced.
    #[must_use]
    pub fn with(&self, place: &Part, by: &Text) -> Text {
        let mut text = Text::default();
        for part in &self.0 {
            match part == place {
                true => text.extend(by.0.iter().cloned()),
                false => text.extend([part.clone()]),
            }
        }
        text
    }

    /// With every occurrence of `found` in its literals turned into a place.
    #[must_use]
    pub fn generalised(&self, found: &str, place: &Part) -> Text {
        if found.is_empty() {
            return self.clone();
        }
        let mut text = Text::default();
        for part in &self.0 {
            let Part::Literal(literal) = part else {
                text.extend([part.clone()]);
                continue;
            };
            for (index, piece) in literal.split(found).enumerate() {
                if index > 0 {
                    text.extend([place.clone()]);
                }
                text.extend([Part::Literal(piece.to_owned())]);
            }
        }
        text
    }

    fn extend(&mut self, parts: impl IntoIterator<Item = Part>) {
        for part in parts {
            match (self.0.last_mut(), part) {
                (_, Part::Literal(text)) if text.is_empty() => {}
                (Some(Part::Literal(last)), Part::Literal(text)) => last.push_str(&text),
                (_, part) => self.0.push(part),
            }
        }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        Text::parse(&text)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text::parse(text)
    }
}

impl From<Text> for String {
    fn from(text: Text) -> String {
        text.to_string()
    }
}

impl std::fmt::Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = |part: &Part| match part {
            Part::Bucket => "{bucket}".to_owned(),
            Part::LogGroup => "{log group}".to_owned(),
            Part::Parameter(name) => format!("{{{name}}}"),
            other => {
                let known = PLACES.iter().find(|(_, part)| part == other);
                known.map_or_else(String::new, |(name, _)| (*name).to_owned())
            }
        };
        f.write_str(&self.written(str::to_owned, place))
    }
}

/// A document of texts: a policy, or the properties of a resource.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// Text, perhaps with places.
    Text(Text),
    /// true or false.
    Bool(bool),
    /// A whole number.
    Number(i64),
    /// A list.
    List(Vec<Tree>),
    /// Members in their order.
    Map(Vec<(String, Tree)>),
}

impl Tree {
    /// Members in this order.
    pub fn map<const N: usize>(members: [(&str, Tree); N]) -> Tree {
        Tree::Map(
            members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    }

    /// Texts of this kind.
    pub fn list<T: Into<Text>>(items: impl IntoIterator<Item = T>) -> Tree {
        Tree::List(items.into_iter().map(|item| Tree::Text(item.into())).collect())
    }

    /// Text without places.
    pub fn literal(text: impl Into<String>) -> Tree {
        Tree::Text(Text::literal(text))
    }

    /// A document that exists, with every text in it made by `text`. Numbers that are not whole become texts, null an
    /// empty text: IAM's language has neither.
    pub fn of_json(value: &serde_json::Value, text: &impl Fn(&str) -> Text) -> Tree {
        match value {
            serde_json::Value::Null => Tree::literal(""),
            serde_json::Value::Bool(value) => Tree::Bool(*value),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(number) => Tree::Number(number),
                None => Tree::literal(number.to_string()),
            },
            serde_json::Value::String(value) => Tree::Text(text(value)),
            serde_json::Value::Array(items) => Tree::List(items.iter().map(|item| Tree::of_json(item, text)).collect()),
            serde_json::Value::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                members.sort_by_key(|(name, _)| crate::text::POLICY_ORDER.iter().position(|known| known == name));
                let members = members
                    .into_iter()
                    .map(|(name, value)| (name.clone(), Tree::of_json(value, text)));
                Tree::Map(members.collect())
            }
        }
    }

    /// As JSON, every text written by `write`, which escapes what is literal as it needs; two blanks a level.
    pub fn json(&self, write: &impl Fn(&Text) -> String) -> String {
        let mut out = String::new();
        self.write_json(&mut out, 0, write);
        out
    }

    fn write_json(&self, out: &mut String, depth: usize, write: &impl Fn(&Text) -> String) {
        match self {
            Tree::Text(text) => out.push_str(&format!("\"{}\"", write(text))),
            Tree::Bool(value) => out.push_str(&value.to_string()),
            Tree::Number(value) => out.push_str(&value.to_string()),
            Tree::List(items) if items.is_empty() => out.push_str("[]"),
            Tree::Map(members) if members.is_empty() => out.push_str("{}"),
            Tree::List(items) => {
                enclosed(out, depth, ('[', ']'), items, |out, item| {
                    item.write_json(out, depth + 1, write)
                });
            }
            Tree::Map(members) => enclosed(out, depth, ('{', '}'), members, |out, (name, value)| {
                out.push_str(&format!("\"{}\": ", write(&Text::literal(name))));
                value.write_json(out, depth + 1, write);
            }),
        }
    }
}

fn enclosed<T>(out: &mut String, depth: usize, ends: (char, char), items: &[T], write: impl Fn(&mut String, &T)) {
    out.push(ends.0);
    for (index, item) in items.iter().enumerate() {
        out.push_str(if index == 0 { "\n" } else { ",\n" });
        out.push_str(&"  ".repeat(depth + 1));
        write(out, item);
    }
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
    out.push(ends.1);
}

impl From<Text> for Tree {
    fn from(text: Text) -> Tree {
        Tree::Text(text)
    }
}

impl From<&str> for Tree {
    fn from(text: &str) -> Tree {
        Tree::Text(Text::parse(text))
    }
}

/// The inside of a JSON string.
pub(crate) fn json_inner(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_and_written_back() {
        for text in [
            "",
            "{",
            "a{account}b{region}",
            "{account}{account}",
            "{accounts}",
            "{partition",
            "${account}",
        ] {
            assert_eq!(Text::parse(text).to_string(), text);
        }
        assert_eq!(
            Text::parse("a-{account}").parts(),
            [Part::Literal("a-".into()), Part::Account]
        );
        assert_eq!(Text::literal("{account}").as_literal(), Some("{account}"));
    }

    #[test]
    fn what_is_known_becomes_a_place() {
        let arn = Text::literal("arn:aws:iam::111122223333:user/x-111122223333");
        let general = arn.generalised("111122223333", &Part::Account);
        assert_eq!(general.to_string(), "arn:aws:iam::{account}:user/x-{account}");
        assert_eq!(general.with(&Part::Account, &Text::literal("111122223333")), arn);
    }
}
