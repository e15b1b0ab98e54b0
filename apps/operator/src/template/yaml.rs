//! YAML out, of the kind that CloudFormation's users write: blocks, short tags, comments.
//!
//! A text is written plainly only when no reader of YAML 1.1 or 1.2 can take it for anything else; else it is quoted.

use super::Tree;
use std::fmt::Write as _;

/// A document to be written.
#[derive(Clone, Debug, PartialEq)]
pub enum Yaml {
    /// Text.
    Text(String),
    /// true or false.
    Bool(bool),
    /// A whole number.
    Number(i64),
    /// With a tag of its own, without the `!`: `Ref`, `Sub`.
    Tagged(&'static str, Box<Yaml>),
    /// A list.
    List(Vec<Yaml>),
    /// Members in their order.
    Map(Vec<Member>),
}

/// A member of a map, with what is said about it in a comment above.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Lines without their `#`.
    pub comment: Vec<String>,
    /// Its name.
    pub name: String,
    /// What it is.
    pub value: Yaml,
}

impl Yaml {
    /// Text.
    pub fn text(text: impl Into<String>) -> Yaml {
        Yaml::Text(text.into())
    }

    /// `!Ref name`.
    pub fn reference(name: &str) -> Yaml {
        Yaml::tagged("Ref", Yaml::text(name))
    }

    /// `!GetAtt name.attribute`.
    pub fn attribute(name: &str, attribute: &str) -> Yaml {
        Yaml::tagged("GetAtt", Yaml::text(format!("{name}.{attribute}")))
    }

    /// With a tag.
    pub fn tagged(tag: &'static str, value: Yaml) -> Yaml {
        Yaml::Tagged(tag, Box::new(value))
    }

    /// Members in this order.
    pub fn map<N: ToString>(members: impl IntoIterator<Item = (N, Yaml)>) -> Yaml {
        Yaml::Map(
            members
                .into_iter()
                .map(|(name, value)| Member::new(name.to_string(), value))
                .collect(),
        )
    }

    /// A document whose texts are written by `text`, which may tag them.
    pub fn of_tree(tree: &Tree, text: &impl Fn(&super::Text) -> Yaml) -> Yaml {
        match tree {
            Tree::Text(value) => text(value),
            Tree::Bool(value) => Yaml::Bool(*value),
            Tree::Number(value) => Yaml::Number(*value),
            Tree::List(items) => Yaml::List(items.iter().map(|item| Yaml::of_tree(item, text)).collect()),
            Tree::Map(members) => Yaml::map(members.iter().map(|(name, value)| (name, Yaml::of_tree(value, text)))),
        }
    }

    /// The document's text.
    pub fn document(&self) -> String {
        let mut out = String::new();
        match self {
            Yaml::Map(members) if !members.is_empty() => block_map(&mut out, members, 0),
            other => {
                out.push_str(other.inline().as_deref().unwrap_or("{}"));
                out.push('\n');
            }
        }
        out
    }

    /// On one line, when it fits on one.
    fn inline(&self) -> Option<String> {
        match self {
            Yaml::Text(text) => Some(scalar(text)),
            Yaml::Bool(value) => Some(value.to_string()),
            Yaml::Number(value) => Some(value.to_string()),
            Yaml::Tagged(tag, value) => value.inline().map(|value| format!("!{tag} {value}")),
            Yaml::List(items) if items.is_empty() => Some("[]".to_owned()),
            Yaml::Map(members) if members.is_empty() => Some("{}".to_owned()),
            Yaml::List(_) | Yaml::Map(_) => None,
        }
    }
}

impl Member {
    /// Without a comment.
    pub fn new(name: impl Into<String>, value: Yaml) -> Member {
        Member {
            comment: Vec::new(),
            name: name.into(),
            value,
        }
    }

    /// With a comment, a line each.
    pub fn commented(comment: &[&str], name: impl Into<String>, value: Yaml) -> Member {
        Member {
            comment: comment.iter().map(|line| (*line).to_owned()).collect(),
            name: name.into(),
            value,
        }
    }
}

fn block_map(out: &mut String, members: &[Member], depth: usize) {
    for (index, member) in members.iter().enumerate() {
        // What has a comment stands by itself, and so do sections.
        let is_section = depth == 0 && member.value.inline().is_none();
        if index > 0 && (is_section || !member.comment.is_empty()) {
            out.push('\n');
        }
        for line in &member.comment {
            indent(out, depth);
            out.push_str(&comment_line(line));
        }
        indent(out, depth);
        map_member(out, member, depth);
    }
}

fn map_member(out: &mut String, member: &Member, depth: usize) {
    out.push_str(&scalar(&member.name));
    out.push(':');
    value(out, &member.value, depth);
}

/// What follows `name:` or a tag, at the depth of the name.
fn value(out: &mut String, value: &Yaml, depth: usize) {
    if let Some(text) = value.inline() {
        let _ = writeln!(out, " {text}");
        return;
    }
    if let Yaml::Tagged(tag, inner) = value {
        let _ = write!(out, " !{tag}");
        return self::value(out, inner, depth);
    }
    out.push('\n');
    block(out, value, depth + 1);
}

fn block(out: &mut String, value: &Yaml, depth: usize) {
    match value {
        Yaml::Map(members) => block_map(out, members, depth),
        Yaml::List(items) => items.iter().for_each(|item| list_item(out, item, depth)),
        // Everything else is written on one line.
        _ => {}
    }
}

fn list_item(out: &mut String, item: &Yaml, depth: usize) {
    indent(out, depth);
    out.push('-');
    match item {
        // The first member stands beside the dash, the others below it: the dash and its blank are as wide as a level.
        Yaml::Map(members) if members.first().is_some_and(|first| first.comment.is_empty()) => {
            let (first, rest) = members.split_at(1);
            out.push(' ');
            first.iter().for_each(|member| map_member(out, member, depth + 1));
            block_map(out, rest, depth + 1);
        }
        item => value(out, item, depth),
    }
}

fn indent(out: &mut String, depth: usize) {
    out.push_str(&"  ".repeat(depth));
}

/// A comment, whatever its text: characters that end a line for some reader do not.
pub(super) fn comment_line(text: &str) -> String {
    let text: String = text.chars().map(|c| if is_special(c) { ' ' } else { c }).collect();
    format!("# {text}").trim_end().to_owned() + "\n"
}

/// Words that some reader takes for something else than text.
const WORDS: [&str; 10] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "~"];

/// A text as YAML, on one line.
pub fn scalar(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    if !text.chars().any(|c| is_special(c) || c == '\t') {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_special(c) => match u32::from(c) {
                code @ ..=0xff => drop(write!(out, "\\x{code:02x}")),
                code @ ..=0xffff => drop(write!(out, "\\u{code:04x}")),
                code => drop(write!(out, "\\U{code:08x}")),
            },
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Letters first, so that it is no number and no date; nothing that means something to YAML.
fn is_plain(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || "_-./:*@=+ ".contains(c);
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(inner)
        && !text.contains(": ")
        && !text.ends_with([':', ' '])
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

/// What a quoted text cannot hold as it is: controls, other line ends, what is no character.
fn is_special(c: char) -> bool {
    c.is_control() && c != '\t'
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
        || (u32::from(c) > 0xffff && u32::from(c) & 0xfffe == 0xfffe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use saphyr::{ScalarStyle, YamlLoader};

    fn read(text: &str) -> Yaml {
        let mut loader = YamlLoader::<saphyr::Yaml<'_>>::default();
        loader.early_parse(false);
        saphyr_parser::Parser::new_from_str(text)
            .load(&mut loader, true)
            .unwrap_or_else(|fault| panic!("{fault}\n{text}"));
        assert!(loader.error().is_none(), "{:?}\n{text}", loader.error());
        let documents = loader.into_documents();
        assert_eq!(documents.len(), 1, "{text}");
        of_read(&documents[0])
    }

    /// As a reader of YAML 1.1 takes it: what is plain may be a number or a word, and must not be.
    fn of_read(node: &saphyr::Yaml<'_>) -> Yaml {
        match node {
            saphyr::Yaml::Representation(text, style, tag) => {
                let value = match text.as_ref() {
                    "true" | "false" if *style == ScalarStyle::Plain => Yaml::Bool(text == "true"),
                    text if *style == ScalarStyle::Plain && text.parse::<i64>().is_ok() => {
                        Yaml::Number(text.parse().unwrap())
                    }
                    text => {
                        let odd = ["null", "~", "yes", "no", "on", "off", "y", "n", ""];
                        let is_odd = odd.contains(&text.to_lowercase().as_str()) || text.parse::<f64>().is_ok();
                        assert!(*style != ScalarStyle::Plain || !is_odd, "{text}");
                        Yaml::text(text)
                    }
                };
                match tag {
                    Some(tag) => Yaml::tagged(known(&tag.suffix), value),
                    None => value,
                }
            }
            saphyr::Yaml::Tagged(tag, value) => Yaml::tagged(known(&tag.suffix), of_read(value)),
            saphyr::Yaml::Sequence(items) => Yaml::List(items.iter().map(of_read).collect()),
            saphyr::Yaml::Mapping(members) => Yaml::map(members.iter().map(|(name, value)| match of_read(name) {
                Yaml::Text(name) => (name, of_read(value)),
                other => panic!("{other:?} names a member"),
            })),
            other => panic!("{other:?}"),
        }
    }

    fn known(tag: &str) -> &'static str {
        ["Ref", "Sub", "If"].into_iter().find(|known| *known == tag).unwrap()
    }

    fn texts() -> impl Strategy<Value = String> {
        prop_oneof![
            "[ -~]{0,12}",
            "[a-z0-9:# '\"\\\\{}$!&*?|>@%,-]{0,8}",
            proptest::collection::vec(any::<char>(), 0..6).prop_map(|chars| chars.into_iter().collect()),
            proptest::sample::select(vec![
                "2012-10-17",
                "0123",
                "1e3",
                "0x1f",
                "1_000",
                "12:30:45",
                "yes",
                "No",
                "NULL",
                "~",
                "",
                " ",
                "- a",
                "a: b",
                "a #b",
                "<<",
                "=",
                "---",
                "...",
                "!Ref",
                "&a",
                "*a",
                "%a",
                "@a",
                "`a",
                "true",
                "1",
                "-1",
                ".inf",
                "a\nb",
                "\t",
                "key:",
                "? a",
                "\u{85}",
                "\u{feff}x",
                "\u{2028}",
            ])
            .prop_map(str::to_owned),
        ]
    }

    fn trees() -> impl Strategy<Value = Yaml> {
        let leaf = prop_oneof![
            4 => texts().prop_map(Yaml::Text),
            1 => any::<bool>().prop_map(Yaml::Bool),
            1 => any::<i64>().prop_map(Yaml::Number),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            let list = proptest::collection::vec(inner.clone(), 0..4).prop_map(Yaml::List);
            let map = proptest::collection::btree_map(texts(), inner, 0..4).prop_map(Yaml::map);
            let tag = proptest::sample::select(vec!["Ref", "Sub", "If"]);
            let value = prop_oneof![list, map];
            prop_oneof![
                3 => value.clone(),
                1 => (tag.clone(), value).prop_map(|(tag, value)| Yaml::tagged(tag, value)),
                1 => (tag, texts()).prop_map(|(tag, text)| Yaml::tagged(tag, Yaml::Text(text))),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_tree_is_read_back(tree in proptest::collection::btree_map(texts(), trees(), 1..4)) {
            let tree = Yaml::map(tree);
            prop_assert_eq!(read(&tree.document()), tree);
        }

        #[test]
        fn a_comment_is_one_line(text in texts()) {
            let line = comment_line(&text);
            prop_assert!(line.starts_with('#') && line.ends_with('\n') && line.matches('\n').count() == 1);
        }
    }
}
