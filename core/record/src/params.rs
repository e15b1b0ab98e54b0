//! `requestParameters` and its like: an ordered JSON object, built where an operation says what of it may be seen.

use crate::json::{Object, put_text};
use base::Timestamp;
use serde_json::Number;
use std::fmt;

/// What stands where AWS hides a value.
pub const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// What of an input or output may appear in a record.
///
/// [`base::Secret`] does not implement it, nor has [`Params`] a method that takes one, so a secret gets into a record only
/// by an `expose()` that a reader can find:
///
/// ```
/// fn shown(secret: base::Secret<String>) -> record::Params {
///     record::Params::new().text("shown", secret.expose())
/// }
/// ```
///
/// ```compile_fail
/// fn shown(secret: base::Secret<String>) -> record::Params {
///     record::Evident::evident(&secret)
/// }
/// ```
pub trait Evident {
    /// The members to show; none prints `null`.
    fn evident(&self) -> Params;
}

impl Evident for () {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl<T: Evident> Evident for Option<T> {
    fn evident(&self) -> Params {
        self.as_ref().map(T::evident).unwrap_or_default()
    }
}

/// An ordered JSON object under construction. Members print in the order they were added.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Params {
    /// The members as JSON, without the braces.
    members: Vec<u8>,
}

impl Params {
    /// The object without members.
    pub const fn new() -> Params {
        Params { members: Vec::new() }
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Bytes of the object as JSON.
    pub fn len_bytes(&self) -> usize {
        self.members.len() + 2
    }

    fn member(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.members.is_empty() {
            self.members.push(b',');
        }
        put_text(&mut self.members, name);
        self.members.push(b':');
        &mut self.members
    }

    /// Adds a string.
    #[must_use]
    pub fn text(mut self, name: &str, value: impl AsRef<str>) -> Params {
        put_text(self.member(name), value.as_ref());
        self
    }

    /// Adds a string if there is one.
    #[must_use]
    pub fn maybe_text(self, name: &str, value: Option<impl AsRef<str>>) -> Params {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    /// Adds a boolean.
    #[must_use]
    pub fn flag(mut self, name: &str, value: bool) -> Params {
        self.member(name)
            .extend_from_slice(if value { b"true" } else { b"false" });
        self
    }

    /// Adds a boolean if there is one.
    #[must_use]
    pub fn maybe_flag(self, name: &str, value: Option<bool>) -> Params {
        match value {
            Some(value) => self.flag(name, value),
            None => self,
        }
    }

    /// Adds a number.
    #[must_use]
    pub fn number(mut self, name: &str, value: impl Into<Number>) -> Params {
        let digits = value.into().to_string();
        self.member(name).extend_from_slice(digits.as_bytes());
        self
    }

    /// Adds a number if there is one.
    #[must_use]
    pub fn maybe_number(self, name: &str, value: Option<impl Into<Number>>) -> Params {
        match value {
            Some(value) => self.number(name, value),
            None => self,
        }
    }

    /// Adds a moment as responses print it: `Oct 2, 2019, 11:12:29 PM`.
    #[must_use]
    pub fn moment(self, name: &str, value: Timestamp) -> Params {
        self.text(name, long_date(value))
    }

    /// Adds a moment if there is one.
    #[must_use]
    pub fn maybe_moment(self, name: &str, value: Option<Timestamp>) -> Params {
        match value {
            Some(value) => self.moment(name, value),
            None => self,
        }
    }

    /// Adds `null`.
    #[must_use]
    pub fn null(mut self, name: &str) -> Params {
        self.member(name).extend_from_slice(b"null");
        self
    }

    /// Adds a member whose value AWS hides.
    #[must_use]
    pub fn hidden(self, name: &str) -> Params {
        self.text(name, HIDDEN)
    }

    /// Adds an object, also when it has no member.
    #[must_use]
    pub fn object(mut self, name: &str, value: Params) -> Params {
        value.write_to(self.member(name));
        self
    }

    /// Adds an object if there is one.
    #[must_use]
    pub fn maybe_object(self, name: &str, value: Option<Params>) -> Params {
        match value {
            Some(value) => self.object(name, value),
            None => self,
        }
    }

    /// Adds a list of strings.
    #[must_use]
    pub fn texts<T: AsRef<str>>(mut self, name: &str, values: impl IntoIterator<Item = T>) -> Params {
        put_list(self.member(name), values, |out, value| put_text(out, value.as_ref()));
        self
    }

    /// Adds a list of objects.
    #[must_use]
    pub fn objects(mut self, name: &str, values: impl IntoIterator<Item = Params>) -> Params {
        put_list(self.member(name), values, |out, value| value.write_to(out));
        self
    }

    /// Adds a list of objects if there is one.
    #[must_use]
    pub fn maybe_objects(self, name: &str, values: Option<impl IntoIterator<Item = Params>>) -> Params {
        match values {
            Some(values) => self.objects(name, values),
            None => self,
        }
    }

    /// Adds an object of strings, such as an encryption context.
    #[must_use]
    pub fn pairs<N: AsRef<str>, V: AsRef<str>>(
        mut self,
        name: &str,
        values: impl IntoIterator<Item = (N, V)>,
    ) -> Params {
        let mut object = Object::open(self.member(name));
        for (name, value) in values {
            object.text(name.as_ref(), value.as_ref());
        }
        object.close();
        self
    }

    /// Adds all members of another object behind these.
    #[must_use]
    pub fn and(mut self, other: Params) -> Params {
        if !self.members.is_empty() && !other.members.is_empty() {
            self.members.push(b',');
        }
        self.members.extend_from_slice(&other.members);
        self
    }

    /// Writes the object as JSON, `{}` when it has no member.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        out.extend_from_slice(&self.members);
        out.push(b'}');
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}}", String::from_utf8_lossy(&self.members))
    }
}

fn put_list<T>(out: &mut Vec<u8>, values: impl IntoIterator<Item = T>, put: impl Fn(&mut Vec<u8>, T)) {
    out.push(b'[');
    for (index, value) in values.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        put(out, value);
    }
    out.push(b']');
}

/// `Oct 2, 2019, 11:12:29 PM`
fn long_date(moment: Timestamp) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let text = moment.iso8601();
    let mut parts = text
        .split(['-', 'T', ':', 'Z'])
        .map(|part| part.parse::<usize>().unwrap_or(0));
    let mut part = || parts.next().unwrap_or(0);
    let (year, month, day, hour, minute, second) = (part(), part(), part(), part(), part(), part());
    let month = MONTHS.get(month.wrapping_sub(1)).unwrap_or(&"Jan");
    let (half, hour) = (if hour < 12 { "AM" } else { "PM" }, (hour + 11) % 12 + 1);
    format!("{month} {day}, {year}, {hour}:{minute:02}:{second:02} {half}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn members_print_in_order() {
        let params = Params::new()
            .text("name", "a\"b")
            .maybe_text("absent", None::<&str>)
            .flag("multi", true)
            .number("days", 7_u32)
            .object("inner", Params::new())
            .objects("list", [Params::new().null("none"), Params::new().hidden("secret")])
            .texts("texts", ["x", "y"])
            .pairs("context", [("k", "v")])
            .and(Params::new().moment("expiration", Timestamp::from_secs(1_570_057_949)));
        let mut out = Vec::new();
        params.write_to(&mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"name":"a\"b","multi":true,"days":7,"inner":{},"list":[{"none":null},{"secret":"HIDDEN_DUE_TO_SECURITY_REASONS"}],"texts":["x","y"],"context":{"k":"v"},"expiration":"Oct 2, 2019, 11:12:29 PM"}"#
        );
    }

    #[test]
    fn noon_and_midnight_are_twelve() {
        assert_eq!(long_date(Timestamp::EPOCH), "Jan 1, 1970, 12:00:00 AM");
        assert_eq!(long_date(Timestamp::from_secs(43_200)), "Jan 1, 1970, 12:00:00 PM");
    }

    proptest! {
        #[test]
        fn any_text_makes_json(name: String, value: String) {
            let mut out = Vec::new();
            Params::new().text(&name, &value).pairs("p", [(&name, &value)]).write_to(&mut out);
            let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
            prop_assert_eq!(read.get("p").and_then(|p| p.get(&name)).and_then(|v| v.as_str()), Some(value.as_str()));
        }
    }
}
