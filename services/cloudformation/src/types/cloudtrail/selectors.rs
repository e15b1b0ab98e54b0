//! A trail's event selectors, in templates and in answers.

use crate::types::{Kind, Property, values};
use serde_json::{Value, json};

const TEXTS: Kind = Kind::Set(&Kind::Text);

/// A basic selector.
pub(super) const EVENT_SELECTOR: Kind = Kind::Object(&[
    Property::new("DataResources", Kind::Set(&DATA_RESOURCE)),
    Property::new("ExcludeManagementEventSources", TEXTS),
    Property::new("IncludeManagementEvents", Kind::Boolean),
    Property::new("ReadWriteType", Kind::OneOf(&["All", "ReadOnly", "WriteOnly"])),
]);

const DATA_RESOURCE: Kind = Kind::Object(&[
    Property::new("Type", Kind::Text).required(),
    Property::new("Values", TEXTS),
]);

/// An advanced selector.
pub(super) const ADVANCED_EVENT_SELECTOR: Kind = Kind::Object(&[
    Property::new("FieldSelectors", Kind::Set(&FIELD_SELECTOR)).required(),
    Property::new("Name", Kind::Text),
]);

const FIELD_SELECTOR: Kind = Kind::Object(&[
    Property::new("EndsWith", TEXTS),
    Property::new("Equals", TEXTS),
    Property::new("Field", Kind::Text).required(),
    Property::new("NotEndsWith", TEXTS),
    Property::new("NotEquals", TEXTS),
    Property::new("NotStartsWith", TEXTS),
    Property::new("StartsWith", TEXTS),
]);

/// What a call that puts selectors is given: those of the template; a trail that has none gets what a new one has. `None` when
/// nothing is to be put on a new trail.
pub(super) fn to_put(properties: &Value) -> Option<Value> {
    let (basic, advanced) = (
        values::items(properties, "EventSelectors"),
        values::items(properties, "AdvancedEventSelectors"),
    );
    match (basic, advanced) {
        ([], []) => None,
        (basic, []) => Some(json!({"EventSelectors": basic})),
        ([], advanced) => Some(json!({"AdvancedEventSelectors": advanced})),
        // CloudTrail says what is wrong with this.
        (basic, advanced) => Some(json!({"EventSelectors": basic, "AdvancedEventSelectors": advanced})),
    }
}

/// What a trail selects that was told nothing.
pub(super) fn standard() -> Value {
    json!({"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": true, "DataResources": []}]})
}

/// Basic selectors as CloudTrail answers them, less what is at its default and not said in the template.
pub(super) fn as_said(answered: &[Value], said: &[Value]) -> Value {
    let shown = answered.iter().enumerate().map(|(at, selector)| {
        let said = said.get(at);
        let mut selector = selector.clone();
        if let Some(members) = selector.as_object_mut() {
            members.retain(|name, value| !is_default(name, value) || said.is_some_and(|said| said.get(name).is_some()));
        }
        selector
    });
    shown.collect()
}

fn is_default(name: &str, value: &Value) -> bool {
    match name {
        "ReadWriteType" => value == "All",
        "IncludeManagementEvents" => value == true,
        _ => value.as_array().is_some_and(Vec::is_empty),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_kind_is_put() {
        assert_eq!(to_put(&json!({"EventSelectors": []})), None);
        let basic = json!({"EventSelectors": [{"ReadWriteType": "All"}]});
        assert_eq!(to_put(&basic), Some(basic));
        let advanced = json!({"EventSelectors": [], "AdvancedEventSelectors": [{"FieldSelectors": []}]});
        assert_eq!(
            to_put(&advanced),
            Some(json!({"AdvancedEventSelectors": [{"FieldSelectors": []}]}))
        );
    }

    #[test]
    fn defaults_that_nobody_wrote_are_not_told() {
        let answered = [
            json!({"ReadWriteType": "All", "IncludeManagementEvents": true, "DataResources": [{"Type": "T", "Values": ["v"]}], "ExcludeManagementEventSources": []}),
            json!({"ReadWriteType": "ReadOnly", "IncludeManagementEvents": true, "DataResources": [], "ExcludeManagementEventSources": []}),
        ];
        let said = [
            json!({"ReadWriteType": "All", "IncludeManagementEvents": true, "DataResources": [{"Type": "T", "Values": ["v"]}]}),
            json!({"DataResources": [], "ReadWriteType": "WriteOnly"}),
        ];
        assert_eq!(
            as_said(&answered, &said),
            json!([said[0], {"ReadWriteType": "ReadOnly", "DataResources": []}])
        );
        assert_eq!(as_said(&answered[1..], &[]), json!([{"ReadWriteType": "ReadOnly"}]));
    }
}
