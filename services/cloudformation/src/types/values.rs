//! Reading properties that were checked, for handlers.

use serde_json::Value;
use std::collections::BTreeMap;

/// A property's text.
pub fn text<'a>(properties: &'a Value, name: &str) -> Option<&'a str> {
    properties.get(name).and_then(Value::as_str)
}

/// A property's truth value.
pub fn flag(properties: &Value, name: &str) -> Option<bool> {
    properties.get(name).and_then(Value::as_bool)
}

/// A property's items; none when it is not given.
pub fn items<'a>(properties: &'a Value, name: &str) -> &'a [Value] {
    properties
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// Whether a property is another than it was.
pub fn changed(before: &Value, after: &Value, name: &str) -> bool {
    before.get(name) != after.get(name)
}

/// Adds a member that there may be.
pub fn put(properties: &mut Value, name: &str, value: Option<impl Into<Value>>) {
    if let (Some(members), Some(value)) = (properties.as_object_mut(), value) {
        members.insert(name.to_owned(), value.into());
    }
}

/// The tags of a list of `{Key, Value}`, by key.
pub fn tags(properties: &Value, name: &str) -> BTreeMap<String, String> {
    let pair = |tag: &Value| {
        Some((
            text(tag, "Key")?.to_owned(),
            text(tag, "Value").unwrap_or_default().to_owned(),
        ))
    };
    items(properties, name).iter().filter_map(pair).collect()
}

/// Which tags are to be set and which keys to be taken away, that `before` becomes `after`.
pub fn tag_changes(
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> (BTreeMap<String, String>, Vec<String>) {
    let set = after
        .iter()
        .filter(|(key, value)| before.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let gone = before.keys().filter(|key| !after.contains_key(*key)).cloned().collect();
    (set, gone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tags_change_by_what_differs() {
        let before = tags(
            &json!({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]}),
            "Tags",
        );
        let after = tags(
            &json!({"Tags": [{"Key": "b", "Value": "3"}, {"Key": "c", "Value": "4"}]}),
            "Tags",
        );
        let (set, gone) = tag_changes(&before, &after);
        assert_eq!(
            set,
            tags(
                &json!({"T": [{"Key": "b", "Value": "3"}, {"Key": "c", "Value": "4"}]}),
                "T"
            )
        );
        assert_eq!(gone, ["a"]);
        assert_eq!(tag_changes(&before, &before), (BTreeMap::new(), Vec::new()));
    }
}
