//! Text in nested, named places: what both a form and an XML document come down to, and serde's way out of it.

use crate::{
    WireFault,
    fault::{LIST, STRUCTURE},
};
use serde::{
    de::{self, DeserializeSeed, IntoDeserializer, Visitor},
    forward_to_deserialize_any,
};
use std::collections::{BTreeMap, btree_map};

/// The pseudo-field that stands for an element's own text beside its attributes.
pub(crate) const TEXT: &str = "$text";

/// One place: its text and what is below it. At most as deep as the parser that built it allows.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) text: Option<String>,
    pub(crate) children: BTreeMap<String, Vec<Node>>,
}

impl Node {
    fn is_blank(&self) -> bool {
        self.text.as_deref().is_none_or(|text| text.trim().is_empty())
    }

    fn found(&self) -> &'static str {
        if self.children.is_empty() {
            "STRING_VALUE"
        } else {
            STRUCTURE
        }
    }
}

/// How lists are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lists {
    /// The element again for each item.
    Repeated,
    /// `Name.1` or `Name.member.1`.
    Numbered,
}

/// The value of a field: every place of that name (one, unless it is a repeated list).
pub(crate) struct Value {
    pub(crate) nodes: Vec<Node>,
    pub(crate) lists: Lists,
}

impl Value {
    pub(crate) fn root(node: Node, lists: Lists) -> Value {
        Value {
            nodes: vec![node],
            lists,
        }
    }

    fn single(mut self) -> Result<Node, WireFault> {
        match (self.nodes.pop(), self.nodes.is_empty()) {
            (Some(node), true) => Ok(node),
            _ => Err(WireFault::mismatch(LIST, "a single value")),
        }
    }

    /// A text alone. Attributes do not count against it.
    fn text(self) -> Result<String, WireFault> {
        let node = self.single()?;
        match node.children.keys().all(|name| name.starts_with('@')) {
            true => Ok(node.text.unwrap_or_default()),
            false => Err(WireFault::mismatch(STRUCTURE, "a String")),
        }
    }

    fn number<T: std::str::FromStr>(self, expected: &'static str) -> Result<T, WireFault> {
        let text = self.text()?;
        text.trim()
            .parse()
            .map_err(|_| WireFault::mismatch("STRING_VALUE", expected))
    }

    fn items(self) -> Result<Vec<Node>, WireFault> {
        match self.lists {
            Lists::Repeated => Ok(self.nodes),
            Lists::Numbered => self.single().and_then(numbered),
        }
    }

    fn members(self, with_text: bool) -> Result<Members, WireFault> {
        let lists = self.lists;
        let mut node = self.single()?;
        if !with_text && !node.is_blank() {
            return Err(WireFault::mismatch("STRING_VALUE", "a Structure"));
        }
        if with_text && let Some(text) = node.text.take() {
            let text = Node {
                text: Some(text),
                children: BTreeMap::new(),
            };
            node.children.insert(TEXT.to_owned(), vec![text]);
        }
        Ok(Members {
            members: node.children.into_iter(),
            current: None,
            lists,
        })
    }
}

/// The items of `Name.1`, `Name.member.1`, in the order of their numbers. `Name=` is the empty list.
fn numbered(mut node: Node) -> Result<Vec<Node>, WireFault> {
    if !node.is_blank() {
        return Err(WireFault::mismatch(node.found(), "a List"));
    }
    if let Some(member) = node.children.remove("member") {
        if !node.children.is_empty() {
            return Err(WireFault::mismatch(STRUCTURE, "a List"));
        }
        let lists = Lists::Numbered;
        return numbered(Value { nodes: member, lists }.single()?);
    }
    let mut items = BTreeMap::new();
    for (name, nodes) in node.children {
        let number: u32 = name.parse().map_err(|_| WireFault::mismatch(STRUCTURE, "a List"))?;
        let item = Value {
            nodes,
            lists: Lists::Numbered,
        };
        if items.insert(number, item.single()?).is_some() {
            return Err(WireFault::Malformed("a list position is repeated"));
        }
    }
    Ok(items.into_values().collect())
}

impl<'de> IntoDeserializer<'de, WireFault> for Value {
    type Deserializer = Value;
    fn into_deserializer(self) -> Value {
        self
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $name:literal)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireFault> {
            visitor.$visit(self.number($name)?)
        })*
    };
}

impl<'de> de::Deserializer<'de> for Value {
    type Error = WireFault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireFault> {
        match self.nodes.first().is_some_and(|node| !node.children.is_empty()) {
            true => visitor.visit_map(self.members(true)?),
            false => visitor.visit_string(self.text()?),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireFault> {
        let text = self.text()?;
        match text.trim() {
            "1" => visitor.visit_bool(true),
            "0" => visitor.visit_bool(false),
            text if text.eq_ignore_ascii_case("true") => visitor.visit_bool(true),
            text if text.eq_ignore_ascii_case("false") => visitor.visit_bool(false),
            _ => Err(WireFault::mismatch("STRING_VALUE", "a Boolean")),
        }
    }

    numbers! {
        deserialize_i8 visit_i8 "a Byte"
        deserialize_u8 visit_u8 "a Byte"
        deserialize_i16 visit_i16 "a Short"
        deserialize_u16 visit_u16 "an Integer"
        deserialize_i32 visit_i32 "an Integer"
        deserialize_u32 visit_u32 "an Integer"
        deserialize_i64 visit_i64 "a Long"
        deserialize_u64 visit_u64 "a Long"
        deserialize_f32 visit_f32 "a Float"
        deserialize_f64 visit_f64 "a Double"
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireFault> {
        visitor.visit_string(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireFault> {
        visitor.visit_string(self.text()?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireFault> {
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireFault> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireFault> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, WireFault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireFault> {
        let lists = self.lists;
        visitor.visit_seq(Items {
            items: self.items()?.into_iter(),
            next: 0,
            lists,
        })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireFault> {
        visitor.visit_map(self.members(false)?)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, WireFault> {
        visitor.visit_map(self.members(fields.contains(&TEXT))?)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, WireFault> {
        visitor.visit_enum(self.text()?.trim().to_owned().into_deserializer())
    }

    forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit_struct tuple tuple_struct identifier
    }
}

struct Items {
    items: std::vec::IntoIter<Node>,
    next: usize,
    lists: Lists,
}

impl<'de> de::SeqAccess<'de> for Items {
    type Error = WireFault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, WireFault> {
        let Some(node) = self.items.next() else {
            return Ok(None);
        };
        let index = self.next;
        self.next = index.saturating_add(1);
        seed.deserialize(Value::root(node, self.lists))
            .map(Some)
            .map_err(|fault| fault.in_item(index))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Members {
    members: btree_map::IntoIter<String, Vec<Node>>,
    current: Option<(String, Vec<Node>)>,
    lists: Lists,
}

impl<'de> de::MapAccess<'de> for Members {
    type Error = WireFault;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, WireFault> {
        let Some((name, nodes)) = self.members.next() else {
            return Ok(None);
        };
        let key = seed.deserialize(name.clone().into_deserializer())?;
        self.current = Some((name, nodes));
        Ok(Some(key))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, WireFault> {
        let (name, nodes) = self.current.take().unwrap_or_default();
        let lists = self.lists;
        seed.deserialize(Value { nodes, lists })
            .map_err(|fault| fault.in_field(&name))
    }
}
