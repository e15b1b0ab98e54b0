//! From the text of a document to its tree: YAML with CloudFormation's short tags, which become the long form here, or JSON.
//!
//! A text that begins with `{` is JSON, in which CloudFormation takes a comma before a closing bracket. The YAML that CloudFormation takes is YAML 1.1 without aliases, merges and the tags
//! `binary`, `omap`, `pairs`, `set` and `timestamp`. So a tree is never larger than its text makes it.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html>

use std::collections::HashSet;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, Tag};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::TemplateError;
use crate::ordered::{Ordered, scalar_text};
use crate::scalar;

/// How many lists and objects may stand in one another. A short tag stands for an object of its own.
pub(crate) const DEPTH_MAX: usize = 100;

/// The tree of a document.
///
/// Errors: the document is not well-formed, names a member twice, is nested too deeply, or uses what CloudFormation does not take.
pub(crate) fn read(text: &str) -> Result<Ordered, TemplateError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with('{') {
        json(text)
    } else {
        yaml(text)
    }
}

fn json(text: &str) -> Result<Ordered, TemplateError> {
    let read = |text: &str| {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let tree = JsonSeed.deserialize(&mut deserializer)?;
        deserializer.end().map(|()| tree)
    };
    let lenient = |fault| without_last_commas(text).map_or(Err(fault), |text| read(&text));
    read(text).or_else(lenient).map_err(|error| {
        // serde_json counts bytes.
        let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
        let column = line
            .char_indices()
            .take_while(|(at, _)| *at < error.column())
            .count()
            .max(1);
        TemplateError(format!(
            "Template format error: JSON not well-formed. (line {}, column {column})",
            error.line()
        ))
    })
}

/// The text with a blank for each comma before a closing bracket; `None` where there is none.
fn without_last_commas(text: &str) -> Option<String> {
    let mut lenient = String::with_capacity(text.len());
    let (mut quoted, mut escaped, mut any) = (false, false, false);
    for (at, c) in text.char_indices() {
        let last = !quoted && c == ',' && text[at + 1..].trim_start().starts_with(['}', ']']);
        any |= last;
        lenient.push(if last { ' ' } else { c });
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
    }
    any.then_some(lenient)
}

/// Reads any JSON value and refuses a member that is there twice. serde_json bounds the depth.
struct JsonSeed;

impl<'de> DeserializeSeed<'de> for JsonSeed {
    type Value = Ordered;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Ordered, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for JsonSeed {
    type Value = Ordered;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Ordered, E> {
        Ok(Ordered::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Ordered, E> {
        Ok(Ordered::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Ordered, E> {
        Ok(Ordered::Number(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Ordered, E> {
        Ok(Ordered::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Ordered, E> {
        serde_json::Number::from_f64(value)
            .map(Ordered::Number)
            .ok_or_else(|| E::custom("no number"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Ordered, E> {
        Ok(Ordered::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Ordered, E> {
        Ok(Ordered::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Ordered, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(JsonSeed)? {
            items.push(item);
        }
        Ok(Ordered::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered, A::Error> {
        let mut members = Vec::new();
        let mut names = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !names.insert(name.clone()) {
                return Err(A::Error::custom("a member is there twice"));
            }
            members.push((name, map.next_value_seed(JsonSeed)?));
        }
        Ok(Ordered::Object(members))
    }
}

fn yaml(text: &str) -> Result<Ordered, TemplateError> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error: ScanError| unscanned(text, error.marker()))?;
        builder.take(event, span)?;
    }
    Ok(builder.root.unwrap_or(Ordered::Null))
}

/// What could not be read. A tab in the indentation is the fault of its line, and is told by its own place.
fn unscanned(text: &str, at: &Marker) -> TemplateError {
    let line = text.lines().nth(at.line().saturating_sub(1)).unwrap_or_default();
    match line.find(|c: char| c != ' ') {
        Some(indent) if line[indent..].starts_with('\t') && indent <= at.col() => {
            malformed(&Marker::new(at.index(), at.line(), indent))
        }
        _ => malformed(at),
    }
}

fn malformed(at: &Marker) -> TemplateError {
    TemplateError(format!(
        "Template format error: YAML not well-formed. (line {}, column {})",
        at.line(),
        at.col() + 1
    ))
}

/// A tree that is being built of YAML's events, without recursion.
#[derive(Default)]
struct Builder {
    /// The lists and objects that are open, the outermost first.
    open: Vec<Open>,
    root: Option<Ordered>,
}

struct Open {
    function: Option<Function>,
    kind: OpenKind,
}

enum OpenKind {
    List(Vec<Ordered>),
    Object {
        members: Vec<(String, Ordered)>,
        names: HashSet<String>,
        name: Option<String>,
    },
}

/// What a short tag stands for.
#[derive(Clone, Copy)]
struct Function(&'static str);

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), TemplateError> {
        let at = span.start;
        match event {
            // A second document.
            Event::DocumentStart(_) if self.root.is_some() => Err(malformed(&at)),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
            Event::Alias(_) => Err(TemplateError(
                "Template error: YAML aliases are not allowed in CloudFormation templates".into(),
            )),
            Event::Scalar(text, style, _, tag) => self.scalar(&text, style, tag.as_deref(), &at),
            Event::SequenceStart(_, tag) => {
                let function = collection_tag(tag.as_deref(), "seq", &at)?;
                self.begin(function, OpenKind::List(Vec::new()), &at)
            }
            Event::MappingStart(_, tag) => {
                let function = collection_tag(tag.as_deref(), "map", &at)?;
                self.begin(
                    function,
                    OpenKind::Object {
                        members: Vec::new(),
                        names: HashSet::new(),
                        name: None,
                    },
                    &at,
                )
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(&at),
        }
    }

    fn begin(&mut self, function: Option<Function>, kind: OpenKind, at: &Marker) -> Result<(), TemplateError> {
        if self.awaits_name() {
            return Err(malformed(at));
        }
        if self.open.len() >= DEPTH_MAX {
            let (line, column) = (at.line(), at.col() + 1);
            return Err(TemplateError(format!(
                "Template format error: nested more than {DEPTH_MAX} levels deep. (line {line}, column {column})"
            )));
        }
        self.open.push(Open { function, kind });
        Ok(())
    }

    fn end(&mut self, at: &Marker) -> Result<(), TemplateError> {
        let Some(open) = self.open.pop() else {
            return Err(malformed(at));
        };
        let value = match open.kind {
            OpenKind::List(items) => Ordered::Array(items),
            OpenKind::Object { members, .. } => Ordered::Object(members),
        };
        self.put(wrapped(open.function, value));
        Ok(())
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, at: &Marker) -> Result<(), TemplateError> {
        let value = scalar_value(text, style, tag).ok_or_else(|| malformed(at))?;
        if !self.awaits_name() {
            self.put(value);
            return Ok(());
        }
        let name = self.name_of(value, at)?;
        if let Some(Open {
            kind: OpenKind::Object {
                names, name: pending, ..
            },
            ..
        }) = self.open.last_mut()
        {
            if !names.insert(name.clone()) {
                return Err(malformed(at));
            }
            *pending = Some(name);
        }
        Ok(())
    }

    /// Whether the next node is a member's name.
    fn awaits_name(&self) -> bool {
        matches!(
            self.open.last(),
            Some(Open {
                kind: OpenKind::Object { name: None, .. },
                ..
            })
        )
    }

    /// A name is a text: what YAML reads as a number is refused, for its digits may not be those that were written.
    fn name_of(&self, value: Ordered, at: &Marker) -> Result<String, TemplateError> {
        let received = |kind: &str, value: &Ordered| {
            TemplateError(format!(
                "Template format error: [{}] map keys must be strings; received {kind} [{}] instead",
                self.path(),
                scalar_text(value).unwrap_or_default()
            ))
        };
        match value {
            Ordered::String(name) if name == "<<" => Err(TemplateError(
                "Template error: YAML merge keys (<<) are not allowed in CloudFormation templates".into(),
            )),
            Ordered::String(name) => Ok(name),
            Ordered::Number(_) => Err(received("numeric", &value)),
            Ordered::Bool(_) => Err(received("boolean", &value)),
            Ordered::Null | Ordered::Array(_) | Ordered::Object(_) => Err(malformed(at)),
        }
    }

    /// Where the open list or object stands.
    fn path(&self) -> String {
        let Some((_, outer)) = self.open.split_last() else {
            return String::new();
        };
        outer
            .iter()
            .map(|open| match &open.kind {
                OpenKind::List(items) => format!("/{}", items.len()),
                OpenKind::Object { name, .. } => format!("/{}", name.as_deref().unwrap_or_default()),
            })
            .collect()
    }

    fn put(&mut self, value: Ordered) {
        match self.open.last_mut().map(|open| &mut open.kind) {
            Some(OpenKind::List(items)) => items.push(value),
            Some(OpenKind::Object { members, name, .. }) => {
                if let Some(name) = name.take() {
                    members.push((name, value));
                }
            }
            None => self.root = Some(value),
        }
    }
}

/// `None` where the tag is none that CloudFormation knows.
fn scalar_value(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Option<Ordered> {
    let string = || Ordered::String(text.to_owned());
    let Some(tag) = tag else {
        return Some(if style == ScalarStyle::Plain {
            scalar::plain(text)
        } else {
            string()
        });
    };
    if tag.is_yaml_core_schema() {
        return core_value(text, &tag.suffix);
    }
    if tag.suffix.is_empty() || tag.suffix == "!" {
        return Some(string());
    }
    function(tag).map(|function| wrapped(Some(function), string()))
}

/// A scalar under one of YAML's own tags.
fn core_value(text: &str, tag: &str) -> Option<Ordered> {
    let value = scalar::plain(text);
    match tag {
        "str" => Some(Ordered::String(text.to_owned())),
        "null" => matches!(value, Ordered::Null).then_some(value),
        "bool" => matches!(value, Ordered::Bool(_)).then_some(value),
        "int" => matches!(&value, Ordered::Number(number) if !number.is_f64()).then_some(value),
        "float" => matches!(value, Ordered::Number(_)).then_some(value),
        _ => None,
    }
}

fn collection_tag(tag: Option<&Tag>, own: &str, at: &Marker) -> Result<Option<Function>, TemplateError> {
    match tag {
        None => Ok(None),
        Some(tag) if tag.is_yaml_core_schema() && tag.suffix == own => Ok(None),
        Some(tag) => function(tag).map(Some).ok_or_else(|| malformed(at)),
    }
}

fn function(tag: &Tag) -> Option<Function> {
    let long = match tag.suffix.as_str() {
        _ if tag.handle != "!" => return None,
        "Ref" => "Ref",
        "Condition" => "Condition",
        "And" => "Fn::And",
        "Base64" => "Fn::Base64",
        "Cidr" => "Fn::Cidr",
        "Contains" => "Fn::Contains",
        "EachMemberEquals" => "Fn::EachMemberEquals",
        "EachMemberIn" => "Fn::EachMemberIn",
        "Equals" => "Fn::Equals",
        "FindInMap" => "Fn::FindInMap",
        "GetAZs" => "Fn::GetAZs",
        "GetAtt" => "Fn::GetAtt",
        "If" => "Fn::If",
        "ImportValue" => "Fn::ImportValue",
        "Join" => "Fn::Join",
        "Length" => "Fn::Length",
        "Not" => "Fn::Not",
        "Or" => "Fn::Or",
        "RefAll" => "Fn::RefAll",
        "Select" => "Fn::Select",
        "Split" => "Fn::Split",
        "Sub" => "Fn::Sub",
        "ToJsonString" => "Fn::ToJsonString",
        "Transform" => "Fn::Transform",
        "ValueOf" => "Fn::ValueOf",
        "ValueOfAll" => "Fn::ValueOfAll",
        _ => return None,
    };
    Some(Function(long))
}

fn wrapped(function: Option<Function>, value: Ordered) -> Ordered {
    match function {
        Some(Function(name)) => Ordered::Object(vec![(name.to_owned(), value)]),
        None => value,
    }
}
