//! XML out: a serde serializer whose shape is the element, and the plain writer under it.

use serde::{
    Serialize,
    ser::{self, Impossible},
};
use std::fmt;

/// What S3 and EC2 documents begin with.
pub(crate) const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListStyle {
    /// The field's element again for each item, and a map's pairs as elements (S3).
    Flat,
    /// `<Field><item>…` (EC2).
    Item,
    /// `<Field><member>…` (query).
    Member,
}

/// A value that XML cannot carry, such as a map whose keys are structures.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unfit(String);

impl ser::Error for Unfit {
    fn custom<T: fmt::Display>(message: T) -> Unfit {
        Unfit(message.to_string())
    }
}

fn unfit<T>(what: &str) -> Result<T, Unfit> {
    Err(Unfit(what.to_owned()))
}

/// Writes a value as the element `root`, without declaration and namespace.
pub fn to_string(root: &str, value: &impl Serialize, lists: ListStyle) -> Result<String, base::Fault> {
    element(root, None, value, lists).map_err(|_| super::UNFIT)
}

/// Writes a value as the element `name`, with `xmlns` when there is one.
pub(crate) fn element(
    name: &str,
    xmlns: Option<&str>,
    value: &(impl Serialize + ?Sized),
    lists: ListStyle,
) -> Result<String, Unfit> {
    let mut out = String::new();
    value.serialize(Element {
        out: &mut out,
        name,
        xmlns,
        lists,
    })?;
    Ok(out)
}

/// Escapes text for an element or an attribute. Characters that XML 1.0 lacks become references, which tell them
/// apart though strict readers refuse them; `\r` too, which readers would turn into `\n`.
fn escape(out: &mut String, text: &str, attribute: bool) {
    let mut rest = text;
    while let Some((plain, from)) = rest
        .bytes()
        .position(may_begin_escaped)
        .and_then(|at| rest.split_at_checked(at))
    {
        out.push_str(plain);
        let mut chars = from.chars();
        if let Some(c) = chars.next() {
            escape_char(out, c, attribute);
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
}

/// Whether a byte is the first of a character that may have to be escaped. None of these is inside of a character.
fn may_begin_escaped(byte: u8) -> bool {
    const FFFE: u8 = 0xef;
    byte < b' ' || matches!(byte, b'&' | b'<' | b'>' | b'"' | FFFE)
}

fn escape_char(out: &mut String, c: char, attribute: bool) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        '\n' | '\t' if !attribute => out.push(c),
        '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push_str(&format!("&#x{:x};", u32::from(c))),
        _ => out.push(c),
    }
}

/// Elements written by hand; characters that XML 1.0 lacks are replaced, so that every reader takes them.
#[derive(Default)]
pub(crate) struct Text(String);

impl Text {
    pub(crate) fn declared() -> Text {
        Text(DECLARATION.to_owned())
    }

    pub(crate) fn open(&mut self, name: &str) {
        self.raw(&format!("<{name}>"));
    }

    pub(crate) fn open_with(&mut self, name: &str, xmlns: &str) {
        self.raw(&format!("<{name} xmlns=\"{xmlns}\">"));
    }

    pub(crate) fn close(&mut self, name: &str) {
        self.raw(&format!("</{name}>"));
    }

    pub(crate) fn element(&mut self, name: &str, text: &str) {
        self.open(name);
        let legal = |c: char| matches!(c, '\t' | '\n' | '\r') || (c >= ' ' && c != '\u{fffe}' && c != '\u{ffff}');
        let text: String = text.chars().map(|c| if legal(c) { c } else { '\u{fffd}' }).collect();
        escape(&mut self.0, &text, false);
        self.close(name);
    }

    pub(crate) fn raw(&mut self, xml: &str) {
        self.0.push_str(xml);
    }

    pub(crate) fn finish(self) -> String {
        self.0
    }
}

/// Serializes one value as one element (or, flat, as many).
struct Element<'a> {
    out: &'a mut String,
    name: &'a str,
    xmlns: Option<&'a str>,
    lists: ListStyle,
}

impl<'a> Element<'a> {
    /// `<name xmlns="…"`, to be ended with `>` or `/>`.
    fn begin(&mut self) {
        self.out.push('<');
        self.out.push_str(self.name);
        if let Some(xmlns) = self.xmlns {
            self.out.push_str(" xmlns=\"");
            escape(self.out, xmlns, true);
            self.out.push('"');
        }
    }

    fn text(mut self, text: &str) -> Result<(), Unfit> {
        self.begin();
        if text.is_empty() {
            self.out.push_str("/>");
            return Ok(());
        }
        self.out.push('>');
        escape(self.out, text, false);
        end(self.out, self.name);
        Ok(())
    }

    fn fields(mut self) -> Fields<'a> {
        self.begin();
        Fields {
            out: self.out,
            name: self.name,
            lists: self.lists,
            open: false,
            key: None,
        }
    }

    fn list(mut self) -> List<'a> {
        let item = match self.lists {
            ListStyle::Flat => None,
            ListStyle::Item => Some("item"),
            ListStyle::Member => Some("member"),
        };
        if item.is_some() {
            self.begin();
        }
        List {
            out: self.out,
            name: self.name,
            xmlns: self.xmlns,
            lists: self.lists,
            item,
            open: false,
        }
    }
}

fn end(out: &mut String, name: &str) {
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

macro_rules! displayed {
    ($($method:ident $type:ty)*) => {
        $(fn $method(self, value: $type) -> Result<(), Unfit> {
            self.text(&value.to_string())
        })*
    };
}

impl<'a> ser::Serializer for Element<'a> {
    type Ok = ();
    type Error = Unfit;
    type SerializeSeq = List<'a>;
    type SerializeTuple = List<'a>;
    type SerializeTupleStruct = List<'a>;
    type SerializeTupleVariant = Impossible<(), Unfit>;
    type SerializeMap = Fields<'a>;
    type SerializeStruct = Fields<'a>;
    type SerializeStructVariant = Impossible<(), Unfit>;

    displayed! {
        serialize_bool bool serialize_i8 i8 serialize_i16 i16 serialize_i32 i32 serialize_i64 i64
        serialize_u8 u8 serialize_u16 u16 serialize_u32 u32 serialize_u64 u64
        serialize_f32 f32 serialize_f64 f64 serialize_char char
    }

    fn serialize_str(self, text: &str) -> Result<(), Unfit> {
        self.text(text)
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Unfit> {
        unfit("bytes")
    }

    fn serialize_none(self) -> Result<(), Unfit> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unfit> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unfit> {
        self.text("")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unfit> {
        self.text("")
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Unfit> {
        self.text(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Unfit> {
        value.serialize(self)
    }

    /// The variant is the one element inside.
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Unfit> {
        let mut fields = self.fields();
        fields.field(variant, value)?;
        fields.close();
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List<'a>, Unfit> {
        Ok(self.list())
    }

    fn serialize_tuple(self, _: usize) -> Result<List<'a>, Unfit> {
        Ok(self.list())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List<'a>, Unfit> {
        Ok(self.list())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unfit> {
        unfit("a tuple variant")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Fields<'a>, Unfit> {
        Ok(self.fields())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields<'a>, Unfit> {
        Ok(self.fields())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unfit> {
        unfit("a struct variant")
    }
}

/// The inside of an element whose start tag is still open for attributes until the first element or text.
struct Fields<'a> {
    out: &'a mut String,
    name: &'a str,
    lists: ListStyle,
    open: bool,
    key: Option<String>,
}

impl Fields<'_> {
    fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), Unfit> {
        if let Some(attribute) = key.strip_prefix('@') {
            return self.attribute(attribute, value);
        }
        if key == crate::tree::TEXT {
            let text = scalar(value)?.unwrap_or_default();
            if !text.is_empty() {
                self.open();
                escape(self.out, &text, false);
            }
            return Ok(());
        }
        let before = self.out.len();
        let was_open = self.open;
        self.open();
        let inside = self.out.len();
        value.serialize(Element {
            out: self.out,
            name: key,
            xmlns: None,
            lists: self.lists,
        })?;
        if self.out.len() == inside {
            // An absent value leaves the start tag as it was.
            self.out.truncate(before);
            self.open = was_open;
        }
        Ok(())
    }

    fn attribute<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Unfit> {
        if self.open {
            return unfit("an attribute after an element");
        }
        if let Some(text) = scalar(value)? {
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push_str("=\"");
            escape(self.out, &text, true);
            self.out.push('"');
        }
        Ok(())
    }

    /// A map's pair: flat, an element of its own, as S3 has no maps; else as the query protocol writes one.
    fn entry<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), Unfit> {
        if self.lists == ListStyle::Flat {
            let is_name =
                key.starts_with(|c: char| c.is_ascii_alphabetic()) && key.bytes().all(|c| c.is_ascii_alphanumeric());
            return match is_name {
                true => self.field(key, value),
                false => unfit("a map's key that is no element's name"),
            };
        }
        self.open();
        self.out.push_str("<entry>");
        let lists = self.lists;
        self.out.push_str(&element("key", None, key, lists)?);
        self.out.push_str(&element("value", None, value, lists)?);
        self.out.push_str("</entry>");
        Ok(())
    }

    fn open(&mut self) {
        if !std::mem::replace(&mut self.open, true) {
            self.out.push('>');
        }
    }

    fn close(self) {
        match self.open {
            true => end(self.out, self.name),
            false => self.out.push_str("/>"),
        }
    }
}

/// A value's bare text: what stands in an attribute or is a map's key. `None` is absent.
fn scalar<T: Serialize + ?Sized>(value: &T) -> Result<Option<String>, Unfit> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::Null) => Ok(None),
        Ok(serde_json::Value::String(text)) => Ok(Some(text)),
        Ok(value @ (serde_json::Value::Bool(_) | serde_json::Value::Number(_))) => Ok(Some(value.to_string())),
        _ => unfit("a structure where text belongs"),
    }
}

impl ser::SerializeStruct for Fields<'_> {
    type Ok = ();
    type Error = Unfit;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Unfit> {
        self.field(key, value)
    }

    fn end(self) -> Result<(), Unfit> {
        self.close();
        Ok(())
    }
}

impl ser::SerializeMap for Fields<'_> {
    type Ok = ();
    type Error = Unfit;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unfit> {
        self.key = scalar(key)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unfit> {
        match self.key.take() {
            Some(key) => self.entry(&key, value),
            None => unfit("a map's value without its key"),
        }
    }

    fn end(self) -> Result<(), Unfit> {
        self.close();
        Ok(())
    }
}

/// The items of a list. `item` is `None` when flat.
struct List<'a> {
    out: &'a mut String,
    name: &'a str,
    xmlns: Option<&'a str>,
    lists: ListStyle,
    item: Option<&'static str>,
    open: bool,
}

impl List<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unfit> {
        if self.item.is_some() && !std::mem::replace(&mut self.open, true) {
            self.out.push('>');
        }
        value.serialize(Element {
            out: self.out,
            name: self.item.unwrap_or(self.name),
            xmlns: if self.item.is_none() { self.xmlns } else { None },
            lists: self.lists,
        })
    }

    fn close(self) {
        match (self.item, self.open) {
            (None, _) => {}
            (Some(_), true) => end(self.out, self.name),
            (Some(_), false) => self.out.push_str("/>"),
        }
    }
}

macro_rules! lists {
    ($($trait:ident $method:ident)*) => {
        $(impl ser::$trait for List<'_> {
            type Ok = ();
            type Error = Unfit;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unfit> {
                self.item(value)
            }

            fn end(self) -> Result<(), Unfit> {
                self.close();
                Ok(())
            }
        })*
    };
}

lists! { SerializeSeq serialize_element SerializeTuple serialize_element SerializeTupleStruct serialize_field }

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[derive(Serialize)]
    struct Inner {
        #[serde(rename = "@xmlns:xsi")]
        xsi: &'static str,
        #[serde(rename = "@xsi:type")]
        kind: Option<&'static str>,
        #[serde(rename = "ID")]
        id: Option<&'static str>,
    }

    #[derive(Serialize)]
    struct Outer {
        a: bool,
        b: Vec<u32>,
        c: Option<Inner>,
        d: BTreeMap<&'static str, u32>,
        e: f64,
    }

    fn outer() -> Outer {
        Outer {
            a: true,
            b: vec![1, 2],
            c: Some(Inner {
                xsi: "u",
                kind: Some("a\"\n"),
                id: Some("<\r\u{1}"),
            }),
            d: BTreeMap::from([("k", 1)]),
            e: 1.5,
        }
    }

    #[test]
    fn styles_and_shapes() {
        let check = |value: &Outer, lists, expected: &str| assert_eq!(to_string("X", value, lists).unwrap(), expected);
        let c = "<c xmlns:xsi=\"u\" xsi:type=\"a&quot;&#xa;\"><ID>&lt;&#xd;&#x1;</ID></c>";
        let tail = format!("{c}<d><entry><key>k</key><value>1</value></entry></d><e>1.5</e></X>");
        let flat = format!("<X><a>true</a><b>1</b><b>2</b>{c}<d><k>1</k></d><e>1.5</e></X>");
        check(&outer(), ListStyle::Flat, &flat);
        check(
            &outer(),
            ListStyle::Member,
            &format!("<X><a>true</a><b><member>1</member><member>2</member></b>{tail}"),
        );
        check(
            &outer(),
            ListStyle::Item,
            &format!("<X><a>true</a><b><item>1</item><item>2</item></b>{tail}"),
        );
        let mut empty = outer();
        empty.b.clear();
        empty.d.clear();
        empty.c = Some(Inner {
            xsi: "u",
            kind: None,
            id: None,
        });
        check(
            &empty,
            ListStyle::Flat,
            "<X><a>true</a><c xmlns:xsi=\"u\"/><d/><e>1.5</e></X>",
        );
        empty.c = None;
        check(&empty, ListStyle::Member, "<X><a>true</a><b/><d/><e>1.5</e></X>");
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        #[derive(Serialize)]
        struct Late {
            a: u8,
            #[serde(rename = "@b")]
            b: u8,
        }
        assert!(to_string("X", &Late { a: 1, b: 2 }, ListStyle::Flat).is_err());
        assert!(to_string("X", &BTreeMap::from([("a>", 1)]), ListStyle::Flat).is_err());
    }
}
