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

/// A number as the text that CloudFormation makes of it: a whole number in digits; any other as Java writes a double, `1.5`,
/// `1.2345678901E10`.
pub fn number_text(number: &Number) -> String {
    let Some(value) = number.as_f64().filter(|_| number.is_f64()) else {
        return number.to_string();
    };
    if value == 0.0 || (1e-3..1e7).contains(&value.abs()) {
        return format!("{value:?}");
    }
    let text = format!("{value:E}");
    match text.split_once('E') {
        Some((mantissa, exponent)) if !mantissa.contains('.') => format!("{mantissa}.0E{exponent}"),
        _ => text,
    }
}

/// The text of a scalar: itself, a number's digits, `true` or `false`. `None` for all else.
pub fn scalar_text(tree: &Ordered) -> Option<String> {
    match tree {
        Ordered::String(text) => Some(text.clone()),
        Ordered::Number(number) => Some(number_text(number)),
        Ordered::Bool(is) => Some(is.to_string()),
        Ordered::Null | Ordered::Array(_) | Ordered::Object(_) => None,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_java_writes_them() {
        for (number, text) in [
            (Number::from(90), "90"),
            (Number::from(-1), "-1"),
            (Number::from(123_456_789_012_u64), "123456789012"),
        ] {
            assert_eq!(number_text(&number), text);
        }
        for (value, text) in [
            (1.0, "1.0"),
            (1.5, "1.5"),
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (0.001, "0.001"),
            (0.0001, "1.0E-4"),
            (9_999_999.5, "9999999.5"),
            (10_000_000.0, "1.0E7"),
            (12_345_678_901.0, "1.2345678901E10"),
            (-1.5e300, "-1.5E300"),
        ] {
            assert_eq!(
                Number::from_f64(value).map(|number| number_text(&number)).as_deref(),
                Some(text)
            );
        }
    }
}
