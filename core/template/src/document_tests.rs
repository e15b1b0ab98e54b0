//! Properties of documents: YAML and JSON of one tree read to that tree, and nothing that is read panics or takes long.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::Number;

use crate::document::read;
use crate::ordered::Ordered;
use crate::{Template, scalar};

/// A tree as it can stand in a document.
fn tree() -> impl Strategy<Value = Ordered> {
    let text = prop_oneof![
        "[a-zA-Z0-9]{1,8}",
        "[ -~]{0,12}",
        "\\PC{0,8}",
        prop::sample::select(vec![
            "",
            " ",
            "yes",
            "null",
            "~",
            "2012-10-17",
            "0300",
            "1:30",
            "a: b",
            "- a",
            "# c",
            "a #b",
            "a\nb",
            "\n",
            "\t",
            "!Ref x",
            "*a",
            "&a",
            "%a",
            "@a",
            "`a",
            "---",
            "...",
            "'",
            "\"",
            "\\",
            "é",
            "日本\u{1F600}",
            "\u{7f}",
            "\u{0}",
            "\u{85}",
            "{{a}}",
            "<<",
            "=",
        ])
        .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        1 => Just(Ordered::Null),
        1 => any::<bool>().prop_map(Ordered::Bool),
        1 => any::<i64>().prop_map(|number| Ordered::Number(number.into())),
        1 => any::<u64>().prop_map(|number| Ordered::Number(number.into())),
        // serde_json reads numbers of many digits to the last bit but one.
        1 => any::<i32>().prop_map(|number| Ordered::Number(Number::from_f64(f64::from(number) / 64.0).unwrap())),
        5 => text.clone().prop_map(Ordered::String),
    ];
    leaf.prop_recursive(5, 60, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Ordered::Array),
            members(text.clone(), inner.clone()).prop_map(Ordered::Object),
            (
                prop::sample::select(vec!["Ref", "Condition", "Fn::Sub", "Fn::Join", "Fn::If"]),
                inner
            )
                .prop_map(|(function, argument)| Ordered::Object(vec![(function.to_owned(), argument)])),
        ]
    })
}

fn members(
    text: impl Strategy<Value = String>,
    value: impl Strategy<Value = Ordered>,
) -> impl Strategy<Value = Vec<(String, Ordered)>> {
    prop::collection::vec(
        (text.prop_filter("merges are refused", |name| name != "<<"), value),
        0..5,
    )
    .prop_map(|mut members| {
        let mut names = std::collections::HashSet::new();
        members.retain(|(name, _)| names.insert(name.clone()));
        members
    })
}

fn json(tree: &Ordered) -> String {
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    match tree {
        Ordered::Null => "null".to_owned(),
        Ordered::Bool(is) => is.to_string(),
        Ordered::Number(number) => number.to_string(),
        Ordered::String(text) => quoted(text),
        Ordered::Array(items) => format!("[{}]", items.iter().map(json).collect::<Vec<_>>().join(", ")),
        Ordered::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| format!("{}: {}", quoted(name), json(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
    }
}

/// YAML, whose styles are chosen by the bytes.
struct Yaml<'a>(std::iter::Cycle<std::slice::Iter<'a, u8>>);

impl Yaml<'_> {
    fn choice(&mut self) -> u8 {
        self.0.next().copied().unwrap_or_default()
    }

    fn text(&mut self, text: &str) -> String {
        let plain =
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') && !text.starts_with('-');
        let single = !text.is_empty()
            && text
                .chars()
                .all(|c| c == ' ' || c.is_alphanumeric() || c.is_ascii_punctuation());
        match self.choice() % 3 {
            0 if plain && scalar::plain(text) == Ordered::String(text.to_owned()) => text.to_owned(),
            1 if single => format!("'{}'", text.replace('\'', "''")),
            _ => serde_json::to_string(text)
                .unwrap()
                .replace('\u{7f}', "\\x7f")
                .replace('\u{85}', "\\N"),
        }
    }

    fn flow(&mut self, tree: &Ordered) -> String {
        match tree {
            Ordered::String(text) => self.text(text),
            Ordered::Array(items) => format!(
                "[{}]",
                items.iter().map(|item| self.flow(item)).collect::<Vec<_>>().join(", ")
            ),
            Ordered::Object(members) => match self.tagged(members) {
                Some((tag, argument)) => format!("!{tag} {}", self.flow(argument)),
                None => {
                    let members = members
                        .iter()
                        .map(|(name, value)| format!("{}: {}", self.text(name), self.flow(value)));
                    format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
                }
            },
            other => json(other),
        }
    }

    /// The short tag of a function, if it is to be written so. A tagged scalar is a text, and one tag stands before one node.
    fn tagged<'t>(&mut self, members: &'t [(String, Ordered)]) -> Option<(&'t str, &'t Ordered)> {
        let [(name, argument)] = members else { return None };
        let tag = match name.as_str() {
            "Ref" | "Condition" => name.as_str(),
            "Fn::Sub" | "Fn::Join" | "Fn::If" => name.strip_prefix("Fn::")?,
            _ => return None,
        };
        let fits = match argument {
            Ordered::Object(inner) => inner.len() != 1,
            Ordered::Array(_) | Ordered::String(_) => true,
            _ => false,
        };
        (fits && self.choice().is_multiple_of(2)).then_some((tag, argument))
    }

    /// A value after `name:` or `-`, at the indentation of what is in it.
    fn block(&mut self, tree: &Ordered, indent: usize) -> String {
        let pad = " ".repeat(indent);
        match tree {
            Ordered::Array(items) if !items.is_empty() && !self.choice().is_multiple_of(3) => {
                let items = items
                    .iter()
                    .map(|item| format!("\n{pad}-{}", self.block(item, indent + 2)));
                items.collect()
            }
            Ordered::Object(members) if !members.is_empty() && !self.choice().is_multiple_of(3) => {
                match self.tagged(members) {
                    Some((tag, argument)) => format!(" !{tag}{}", self.block(argument, indent)),
                    None => {
                        let members = members.iter().map(|(name, value)| {
                            let comment = if self.choice().is_multiple_of(5) {
                                "\n  # a comment"
                            } else {
                                ""
                            };
                            let inner = indent + 1 + usize::from(self.choice() % 3);
                            format!("{comment}\n{pad}{}:{}", self.text(name), self.block(value, inner))
                        });
                        members.collect()
                    }
                }
            }
            other => format!(" {}", self.flow(other)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn yaml_and_json_of_a_tree_read_to_it(value in tree(), styles in prop::collection::vec(any::<u8>(), 1..40)) {
        let document = Ordered::Object(vec![("root".to_owned(), value)]);
        prop_assert_eq!(read(&json(&document)), Ok(document.clone()));
        let yaml = match &document {
            Ordered::Object(members) => {
                let mut writer = Yaml(styles.iter().cycle());
                members.iter().map(|(name, value)| format!("{name}:{}\n", writer.block(value, 1))).collect::<String>()
            }
            _ => String::new(),
        };
        prop_assert_eq!(read(&yaml), Ok(document), "{}", yaml);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,64}") {
        let _ = Template::parse(&text);
    }

    #[test]
    fn no_heap_of_marks_panics(marks in prop::collection::vec(prop::sample::select(MARKS.to_vec()), 0..40)) {
        let text = marks.concat();
        let _ = Template::parse(&text);
        let _ = Template::parse(&format!("Resources:\n  A:\n    Type: T\n    Properties:\n      P: {text}"));
        let _ = Template::parse(&format!("{{\"Resources\": {text}"));
    }

    #[test]
    fn no_damaged_template_panics(cut in 0_usize..900, to in 0_usize..900, mark in prop::sample::select(MARKS.to_vec())) {
        let (from, to) = (cut.min(to).min(WHOLE.len()), cut.max(to).min(WHOLE.len()));
        let _ = Template::parse(&format!("{}{mark}{}", &WHOLE[..from], &WHOLE[to..]));
        let json = json(&read(WHOLE).unwrap());
        let _ = Template::parse(&format!("{}{mark}{}", &json[..from.min(json.len())], &json[to.min(json.len())..]));
    }
}

const MARKS: [&str; 48] = [
    " ",
    "  ",
    "\n",
    "\n  ",
    "\r\n",
    "\t",
    "- ",
    "? ",
    ": ",
    ":",
    ",",
    "[",
    "]",
    "{",
    "}",
    "'",
    "\"",
    "|",
    ">",
    "|2-",
    ">+",
    "#",
    " # ",
    "&a ",
    "*a ",
    "!Ref ",
    "!GetAtt ",
    "!!str ",
    "!!int ",
    "!",
    "!<x> ",
    "%YAML 1.1\n",
    "---\n",
    "...\n",
    "<<",
    "~",
    "a",
    "b: c\n",
    "\\",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "\0",
    "é",
    "0x",
    "1:2",
    "1.e",
    "Fn::Sub",
];

/// Of all that a template may have.
const WHOLE: &str = r#"AWSTemplateFormatVersion: 2010-09-09
Description: All there is
Metadata: {A: [b]}
Parameters:
  P: {Type: String, Default: p, AllowedValues: [p, q]}
Rules:
  R: {RuleCondition: !Equals [!Ref P, p], Assertions: [{Assert: !Contains [[p], !Ref P]}]}
Mappings:
  M: {us-east-1: {K: v}}
Conditions:
  C: !Or [!Equals [!Ref P, p], !Not [!Condition D]]
  D: !And [!Equals [a, b], !Equals [c, d]]
Resources:
  A:
    Type: AWS::S3::Bucket
    Condition: C
    DeletionPolicy: Retain
    Properties: {Name: !FindInMap [M, !Ref "AWS::Region", K], Other: !If [C, !Ref "AWS::NoValue", x]}
  B:
    Type: AWS::S3::Bucket
    DependsOn: [A]
    Properties:
      Text: !Sub ["${A.Arn}-${V}", {V: !Join [",", [a, !GetAtt A.Arn]]}]
Outputs:
  O: {Value: !Ref B, Export: {Name: !Sub "${AWS::StackName}-o"}}
"#;

#[test]
fn the_whole_template_is_one() {
    Template::parse(WHOLE).unwrap();
}

/// Long texts that would take a reader long which looks again and again at what it has.
#[test]
fn long_documents_take_no_long_time() {
    const BYTES: usize = 250_000;
    let of = |start: &str, unit: &str| format!("{start}{}", unit.repeat(BYTES / unit.len()));
    let numbered = |start: &str, unit: &str| {
        let lines = (0..BYTES / (unit.len() + 5)).map(|at| unit.replace('#', &at.to_string()));
        format!("{start}{}", lines.collect::<String>())
    };
    let properties = "Resources:\n  A:\n    Type: T\n    Properties:\n      P:\n";
    let variables = (0..12_000).map(|at| format!(", v{at}: x")).collect::<String>();
    for text in [
        of("", "["),
        of("a: ", "{"),
        of("[", "a: b, "),
        of("[", "? a, "),
        of("a: ", "x: "),
        of("a: ", "x "),
        of("a: |\n", " x\n\n"),
        of("a: \"", "\\\n"),
        of("", "- &a x\n"),
        of("", "&a "),
        of("", "%TAG !a! b\n"),
        of("a: ", "9"),
        of("a: 1", ":30"),
        of("", "#\n"),
        of("{\"a\": ", "["),
        of("{", "\n"),
        numbered("", "k#: 1\n"),
        numbered("a: {", "k#: 1, "),
        numbered("{", "\"k#\": 1, "),
        numbered(properties, "      - !Ref x#\n"),
        numbered(properties, "      - !Sub '${x#}'\n"),
        numbered("Conditions:\n", "  C#: !Not [!Condition C0]\n"),
        format!(
            "{properties}        !Sub ['{}', {{a: b{variables}}}]",
            "${v7}".repeat(25_000)
        ),
    ] {
        let start = Instant::now();
        let _ = Template::parse(&text);
        assert!(start.elapsed() < Duration::from_secs(10), "{:.60}", text);
    }
}
