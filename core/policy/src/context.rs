//! The condition keys of one request.

use crate::Principal;
use std::borrow::Cow;

/// Condition keys and their values. Names are case-insensitive, values are not; a key may have several values.
///
/// A key without values is an absent key. Built anew for every call: a short list that is searched from the front, which
/// for the one or two dozen keys of a request is faster than any map.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    keys: Vec<(Cow<'static, str>, Values)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Values {
    One([String; 1]),
    Many(Vec<String>),
}

impl Values {
    fn as_slice(&self) -> &[String] {
        match self {
            Values::One(one) => one,
            Values::Many(many) => many,
        }
    }
}

impl Context {
    /// No keys.
    pub fn new() -> Context {
        Context::default()
    }

    /// The keys that follow from who asks: `aws:PrincipalArn` (of a session: its role's), `aws:PrincipalAccount`,
    /// `aws:PrincipalType`, `aws:userid`, `aws:username`, `aws:PrincipalIsAWSService`, `aws:PrincipalServiceName`.
    pub fn of(principal: &Principal) -> Context {
        let mut context = Context::new();
        principal.describe(&mut context);
        context
    }

    /// Sets a key to one value, in place of what it had.
    pub fn set(&mut self, key: impl Into<Cow<'static, str>>, value: impl Into<String>) {
        self.put(key.into(), Some(Values::One([value.into()])));
    }

    /// Sets a key to all these values, in place of what it had; with none the key is absent.
    pub fn set_all<V: Into<String>>(&mut self, key: impl Into<Cow<'static, str>>, values: impl IntoIterator<Item = V>) {
        let values: Vec<String> = values.into_iter().map(Into::into).collect();
        let values = (!values.is_empty()).then_some(Values::Many(values));
        self.put(key.into(), values);
    }

    /// The values of a key, never empty; `None` when the key is absent.
    pub fn get(&self, key: &str) -> Option<&[String]> {
        self.keys
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key))
            .map(|(_, values)| values.as_slice())
    }

    /// Every key as it was set, with its values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.keys
            .iter()
            .map(|(name, values)| (name.as_ref(), values.as_slice()))
    }

    fn put(&mut self, key: Cow<'static, str>, values: Option<Values>) {
        let place = self.keys.iter().position(|(name, _)| name.eq_ignore_ascii_case(&key));
        match (place.and_then(|place| self.keys.get_mut(place)), values) {
            (Some(entry), Some(values)) => entry.1 = values,
            (None, Some(values)) => self.keys.push((key, values)),
            (_, None) => self.keys.retain(|(name, _)| !name.eq_ignore_ascii_case(&key)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_ignore_case_and_later_values_replace() {
        let mut context = Context::new();
        context.set("aws:SourceArn", "a");
        context.set("AWS:sourcearn", "b");
        context.set_all("aws:TagKeys", ["x", "y"]);
        assert_eq!(context.get("Aws:SourceArn"), Some(&["b".to_owned()][..]));
        assert_eq!(context.get("aws:tagkeys").map(<[_]>::len), Some(2));
        assert_eq!(context.iter().count(), 2);
        context.set_all("aws:TagKeys", Vec::<String>::new());
        assert_eq!(context.get("aws:TagKeys"), None);
    }
}
