//! A JSON value whose objects keep the order in which their members were written: of that order AWS makes the order of names
//! in its errors, of resources and of outputs.

use serde_json::{Map, Number, Value};

/// A value that keeps the order of its members.
#[derive(Clone, Debug, PartialEq)]
pub enum Ordered {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    String(String),
    /// A list.
    Array(Vec<Ordered>),
    /// Members in the order of the document, each name once.
    Object(Vec<(String, Ordered)>),
}

impl Ordered {
    /// The member of that name; `None` where there is none or this is no object.
    pub fn member(&self, name: &str) -> Option<&Ordered> {
        self.members()?
            .iter()
            .find(|(is, _)| is == name)
            .map(|(_, value)| value)
    }

    /// The members; `None` where this is no object.
    pub fn members(&self) -> Option<&[(String, Ordered)]> {
        match self {
            Ordered::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The items; `None` where this is no list.
    pub fn items(&self) -> Option<&[Ordered]> {
        match self {
            Ordered::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The text; `None` where this is none.
    pub fn text(&self) -> Option<&str> {
        match self {
            Ordered::String(text) => Some(text),
            _ => None,
        }
    }

    /// The one member of an object that has only one: what an intrinsic function looks like.
    pub fn only(&self) -> Option<(&str, &Ordered)> {
        match self.members()? {
            [(name, value)] => Some((name, value)),
            _ => None,
        }
    }
}

impl From<&Ordered> for Value {
    fn from(tree: &Ordered) -> Value {
        match tree {
            Ordered::Null => Value::Null,
            Ordered::Bool(is) => Value::Bool(*is),
            Ordered::Number(number) => Value::Number(number.clone()),
            Ordered::String(text) => Value::String(text.clone()),
            Ordered::Array(items) => Value::Array(items.iter().map(Value::from).collect()),
            Ordered::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(name, value)| (name.clone(), Value::from(value)))
                    .collect::<Map<_, _>>(),
            ),
        }
    }
}

/// In serde_json's order of members.
impl From<Value> for Ordered {
    fn from(value: Value) -> Ordered {
        match value {
            Value::Null => Ordered::Null,
            Value::Bool(is) => Ordered::Bool(is),
            Value::Number(number) => Ordered::Number(number),
            Value::String(text) => Ordered::String(text),
            Value::Array(items) => Ordered::Array(items.into_iter().map(Ordered::from).collect()),
            Value::Object(members) => Ordered::Object(
                members
                    .into_iter()
                    .map(|(name, value)| (name, Ordered::from(value)))
                    .collect(),
            ),
        }
    }
}
