//! What comes with a request: names and values.

/// The fields of a form or of a query, in order; a name may be there several times.
#[derive(Clone, Debug, Default)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Of `application/x-www-form-urlencoded` bytes. Line ends are made `\n`.
    pub fn parse(bytes: &[u8]) -> Form {
        let pairs = form_urlencoded::parse(bytes);
        Form(
            pairs
                .map(|(name, value)| (name.into_owned(), value.replace("\r\n", "\n")))
                .collect(),
        )
    }

    /// The first value of this name, without space around it; empty when there is none.
    pub fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value.trim())
    }

    /// The same; nothing when it is empty.
    pub fn given(&self, name: &str) -> Option<&str> {
        Some(self.get(name)).filter(|value| !value.is_empty())
    }

    /// Whether a box of this name is ticked.
    pub fn is_on(&self, name: &str) -> bool {
        matches!(self.get(name), "on" | "true" | "1" | "yes")
    }

    /// All values of this name that are not empty.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(key, _)| key == name);
        named.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// All fields.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// As a query's text, with these values in place of those of the same names; an empty value leaves the name out.
    pub fn with(&self, changed: &[(&str, &str)]) -> String {
        let mut out = form_urlencoded::Serializer::new(String::new());
        let kept = self
            .fields()
            .filter(|(name, _)| changed.iter().all(|(other, _)| other != name));
        for (name, value) in kept
            .chain(changed.iter().copied())
            .filter(|(_, value)| !value.is_empty())
        {
            out.append_pair(name, value);
        }
        out.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_by_name() {
        let form = Form::parse(b"name=+audit%20logs+&box=on&list=a&list=&list=b&text=one%0D%0Atwo");
        assert_eq!(form.get("name"), "audit logs");
        assert_eq!((form.given("none"), form.get("none")), (None, ""));
        assert!(form.is_on("box") && !form.is_on("name"));
        assert_eq!(form.all("list").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(form.get("text"), "one\ntwo");
        assert_eq!(
            Form::parse(b"a=1&b=2&c=3").with(&[("b", "x y"), ("c", "")]),
            "a=1&b=x+y"
        );
    }
}
