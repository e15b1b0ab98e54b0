//! Terraform's language out: blocks, attributes, comments.

use super::{Part, Text, Tree};
use std::fmt::Write as _;

/// What an attribute is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    /// Text, with places.
    Text(Text),
    /// true or false.
    Bool(bool),
    /// A whole number.
    Number(i64),
    /// An attribute of another resource, as it is written.
    Reference(String),
    /// Text that is put together with a reference, in this order.
    Joined(String, &'static str),
    /// A list.
    List(Vec<Expr>),
    /// An object.
    Object(Vec<(String, Expr)>),
    /// A document as its JSON.
    Json(Tree),
}

/// How the places of texts are written.
pub(super) struct Places<'a> {
    /// The text with the names of what is not made here.
    pub(super) named: &'a dyn Fn(&Text) -> Text,
    /// A place as an expression.
    pub(super) place: fn(&Part) -> String,
}

/// A block and what is in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Block {
    comment: Vec<&'static str>,
    kind: &'static str,
    labels: Vec<&'static str>,
    items: Vec<Item>,
}

#[derive(Clone, Debug, PartialEq)]
enum Item {
    Attribute(String, Expr),
    Block(Block),
}

impl Block {
    pub(super) fn new(kind: &'static str, labels: &[&'static str]) -> Block {
        Block {
            kind,
            labels: labels.to_vec(),
            ..Block::default()
        }
    }

    /// Said above it, a line each.
    pub(super) fn comment(mut self, lines: &[&'static str]) -> Block {
        self.comment = lines.to_vec();
        self
    }

    pub(super) fn with(mut self, name: &str, value: Expr) -> Block {
        self.items.push(Item::Attribute(name.to_owned(), value));
        self
    }

    pub(super) fn with_some(self, name: &str, value: Option<Expr>) -> Block {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(super) fn block(mut self, block: Block) -> Block {
        self.items.push(Item::Block(block));
        self
    }

    pub(super) fn blocks(self, blocks: impl IntoIterator<Item = Block>) -> Block {
        blocks.into_iter().fold(self, Block::block)
    }

    /// Its text, indented so far.
    pub(super) fn write(&self, out: &mut String, depth: usize, places: &Places<'_>) {
        let indent = "  ".repeat(depth);
        for line in &self.comment {
            let _ = writeln!(out, "{indent}# {line}");
        }
        let labels: String = self.labels.iter().map(|label| format!(" \"{label}\"")).collect();
        let _ = write!(out, "{indent}{}{labels} {{", self.kind);
        if self.items.is_empty() {
            out.push_str("}\n");
            return;
        }
        out.push('\n');
        let width = self.items.iter().map(Item::width).max().unwrap_or_default();
        for (index, item) in self.items.iter().enumerate() {
            match item {
                Item::Attribute(name, value) => {
                    let pad = if value.is_short() { width } else { 0 };
                    let _ = write!(out, "{indent}  {name:pad$} = ");
                    value.write(out, depth + 1, places);
                    out.push('\n');
                }
                Item::Block(block) => {
                    if index > 0 {
                        out.push('\n');
                    }
                    block.write(out, depth + 1, places);
                }
            }
        }
        let _ = writeln!(out, "{indent}}}");
    }
}

impl Item {
    /// The room that its name needs beside the others.
    fn width(&self) -> usize {
        match self {
            Item::Attribute(name, value) if value.is_short() => name.len(),
            _ => 0,
        }
    }
}

impl Expr {
    pub(super) fn literal(text: impl Into<String>) -> Expr {
        Expr::Text(Text::literal(text))
    }

    fn is_short(&self) -> bool {
        match self {
            Expr::List(items) => items.is_empty(),
            Expr::Object(members) => members.is_empty(),
            Expr::Json(_) => false,
            _ => true,
        }
    }

    fn write(&self, out: &mut String, depth: usize, places: &Places<'_>) {
        match self {
            Expr::Text(text) => out.push_str(&quoted(text, places)),
            Expr::Bool(value) => drop(write!(out, "{value}")),
            Expr::Number(value) => drop(write!(out, "{value}")),
            Expr::Reference(name) => out.push_str(name),
            Expr::Joined(name, end) => drop(write!(out, "\"${{{name}}}{}\"", escaped(end))),
            Expr::List(items) if items.is_empty() => out.push_str("[]"),
            Expr::List(items) => {
                lines(out, depth, ("[", "]"), items, &|out, item| {
                    item.write(out, depth + 1, places);
                    out.push(',');
                });
            }
            Expr::Object(members) if members.is_empty() => out.push_str("{}"),
            Expr::Object(members) => lines(out, depth, ("{", "}"), members, &|out, (name, value)| {
                let _ = write!(out, "{} = ", member_name(name));
                value.write(out, depth + 1, places);
            }),
            Expr::Json(tree) => {
                out.push_str("jsonencode(");
                of_tree(tree).write(out, depth, places);
                out.push(')');
            }
        }
    }
}

fn of_tree(tree: &Tree) -> Expr {
    match tree {
        Tree::Text(text) => Expr::Text(text.clone()),
        Tree::Bool(value) => Expr::Bool(*value),
        Tree::Number(value) => Expr::Number(*value),
        Tree::List(items) => Expr::List(items.iter().map(of_tree).collect()),
        Tree::Map(members) => Expr::Object(
            members
                .iter()
                .map(|(name, value)| (name.clone(), of_tree(value)))
                .collect(),
        ),
    }
}

fn lines<T>(out: &mut String, depth: usize, ends: (&str, &str), items: &[T], write: &dyn Fn(&mut String, &T)) {
    out.push_str(ends.0);
    out.push('\n');
    for item in items {
        out.push_str(&"  ".repeat(depth + 1));
        write(out, item);
        out.push('\n');
    }
    out.push_str(&"  ".repeat(depth));
    out.push_str(ends.1);
}

/// The name of an object's member: as it is, when it is an identifier.
fn member_name(name: &str) -> String {
    let is_identifier = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !["null", "true", "false", "for"].contains(&name);
    match is_identifier {
        true => name.to_owned(),
        false => format!("\"{}\"", escaped(name)),
    }
}

/// A text in quotes. One that is a single place is that place itself.
fn quoted(text: &Text, places: &Places<'_>) -> String {
    let text = (places.named)(text);
    match text.parts() {
        [] => "\"\"".to_owned(),
        [Part::Literal(text)] => format!("\"{}\"", escaped(text)),
        [part] => (places.place)(part),
        _ => format!(
            "\"{}\"",
            text.written(escaped, |part| format!("${{{}}}", (places.place)(part)))
        ),
    }
}

/// The inside of a quoted text: nothing in it is a template or ends it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' | '%' if rest.peek() == Some(&'{') => {
                out.push(c);
                out.push(c);
            }
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts() -> impl Strategy<Value = String> {
        prop_oneof!["[ -~\n\t]{0,10}", "[$%{}\"\\\\~]{0,8}", "\\PC{0,5}"]
    }

    proptest! {
        #[test]
        fn every_text_is_read_back(name in texts(), texts in proptest::collection::vec(texts(), 0..4)) {
            let list = Expr::List(texts.iter().map(Expr::literal).collect());
            let block = Block::new("resource", &["a", "b"]).with("x", Expr::Object(vec![(name.clone(), list)]));
            let mut out = String::new();
            let place = |part: &Part| format!("{part:?}");
            block.write(&mut out, 0, &Places { named: &Text::clone, place });
            let body = hcl::parse(&out).unwrap_or_else(|fault| panic!("{fault}\n{out}"));
            let block = body.blocks().next().unwrap();
            let found = block.body().attributes().next().unwrap().expr();
            let found: hcl::Value = hcl::eval::Evaluate::evaluate(found, &hcl::eval::Context::new()).unwrap();
            let found = found.as_object().unwrap();
            let (key, values) = found.iter().next().unwrap();
            let values: Vec<&str> = values.as_array().unwrap().iter().filter_map(hcl::Value::as_str).collect();
            prop_assert_eq!(key, &name);
            prop_assert_eq!(values, texts);
        }
    }
}
