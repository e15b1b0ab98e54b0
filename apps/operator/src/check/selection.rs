//! What a trail's selectors select, as far as controls ask for it.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html>

use crate::survey::{AdvancedSelector, BasicSelector, Selectors};

/// Whether all reads, and all writes, are selected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Selection {
    pub(super) reads: bool,
    pub(super) writes: bool,
}

impl Selection {
    pub(super) fn is_whole(self) -> bool {
        self.reads && self.writes
    }

    fn and(self, more: Selection) -> Selection {
        Selection {
            reads: self.reads || more.reads,
            writes: self.writes || more.writes,
        }
    }

    fn of_type(read_write_type: &str) -> Selection {
        Selection {
            reads: matches!(read_write_type, "All" | "ReadOnly"),
            writes: matches!(read_write_type, "All" | "WriteOnly"),
        }
    }
}

/// The management events that are selected with nothing left out.
pub(super) fn management(selectors: &Selectors) -> Selection {
    let basic = selectors
        .basic
        .iter()
        .filter(|selector| selector.include_management_events && selector.exclude_management_event_sources.is_empty());
    let basic = basic.map(|selector| Selection::of_type(&selector.read_write_type));
    let advanced = selectors
        .advanced
        .iter()
        .map(|selector| of_advanced(selector, "Management", &[]));
    basic.chain(advanced).fold(Selection::default(), Selection::and)
}

/// Whether the management events that change trails are selected; what is left out of other services does not matter.
pub(super) fn changes_of_trails(selectors: &Selectors) -> bool {
    const SOURCE: &str = "cloudtrail.amazonaws.com";
    let mut selectors = selectors.clone();
    for selector in &mut selectors.basic {
        selector
            .exclude_management_event_sources
            .retain(|source| source == SOURCE);
    }
    for selector in &mut selectors.advanced {
        selector.field_selectors.retain(|field| {
            let leaves_out_alone = field.equals.is_empty()
                && field.starts_with.is_empty()
                && field.ends_with.is_empty()
                && field.not_starts_with.is_empty()
                && field.not_ends_with.is_empty();
            let of_others = !field.not_equals.iter().any(|source| source == SOURCE);
            !(field.field == "eventSource" && leaves_out_alone && of_others)
        });
    }
    management(&selectors).writes
}

/// The sources of management events that a selector leaves out.
pub(super) fn excluded(selectors: &Selectors) -> Vec<String> {
    let basic = selectors
        .basic
        .iter()
        .flat_map(|selector| &selector.exclude_management_event_sources);
    let of_management = |selector: &&AdvancedSelector| {
        let mut fields = selector.field_selectors.iter();
        fields.any(|field| field.field == "eventCategory" && field.equals.iter().any(|value| value == "Management"))
    };
    let advanced = selectors
        .advanced
        .iter()
        .filter(of_management)
        .flat_map(|selector| &selector.field_selectors);
    let advanced = advanced
        .filter(|field| field.field == "eventSource")
        .flat_map(|field| &field.not_equals);
    basic.chain(advanced).cloned().collect()
}

/// The data events of S3 objects of all buckets, now and later.
pub(super) fn objects(selectors: &Selectors, partition: &str) -> Selection {
    let all = [format!("arn:{partition}:s3"), format!("arn:{partition}:s3:::")];
    let has_all = |selector: &&BasicSelector| {
        let mut resources = selector.data_resources.iter();
        resources.any(|one| one.kind == "AWS::S3::Object" && one.values.iter().any(|value| all.contains(value)))
    };
    let basic = selectors.basic.iter().filter(has_all);
    let basic = basic.map(|selector| Selection::of_type(&selector.read_write_type));
    let s3 = [("resources.type", "AWS::S3::Object")];
    let advanced = selectors
        .advanced
        .iter()
        .map(|selector| of_advanced(selector, "Data", &s3));
    basic.chain(advanced).fold(Selection::default(), Selection::and)
}

/// What an advanced selector selects of a category whole: nothing when any field narrows it beside those required and `readOnly`.
fn of_advanced(selector: &AdvancedSelector, category: &str, required: &[(&str, &str)]) -> Selection {
    let mut selection = Selection {
        reads: true,
        writes: true,
    };
    let mut found = 0;
    for field in &selector.field_selectors {
        let is_plain = field.starts_with.is_empty()
            && field.ends_with.is_empty()
            && field.not_equals.is_empty()
            && field.not_starts_with.is_empty()
            && field.not_ends_with.is_empty();
        let is_required =
            |(name, value): &(&str, &str)| field.field == *name && field.equals.iter().any(|equal| equal == value);
        let is_needed = is_required(&("eventCategory", category)) || required.iter().any(is_required);
        match field.field.as_str() {
            _ if is_plain && is_needed => found += 1,
            "readOnly" if is_plain => {
                selection.reads &= field.equals.iter().any(|value| value == "true");
                selection.writes &= field.equals.iter().any(|value| value == "false");
            }
            _ => return Selection::default(),
        }
    }
    if found == required.len() + 1 {
        selection
    } else {
        Selection::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn selectors(basic: Value, advanced: Value) -> Selectors {
        Selectors {
            basic: serde_json::from_value(basic).unwrap(),
            advanced: serde_json::from_value(advanced).unwrap(),
            raw: Value::Null,
        }
    }

    fn advanced(fields: Value) -> Selectors {
        selectors(json!([]), json!([{ "FieldSelectors": fields }]))
    }

    #[test]
    fn management_events_are_whole_when_nothing_narrows_them() {
        let check = |selectors: Selectors, reads: bool, writes: bool| {
            assert_eq!(management(&selectors), Selection { reads, writes }, "{selectors:?}");
        };
        check(selectors(json!([{}]), json!([])), true, true);
        check(
            selectors(json!([{ "ReadWriteType": "ReadOnly" }]), json!([])),
            true,
            false,
        );
        check(
            selectors(
                json!([{ "ReadWriteType": "ReadOnly" }, { "ReadWriteType": "WriteOnly" }]),
                json!([]),
            ),
            true,
            true,
        );
        check(
            selectors(json!([{ "IncludeManagementEvents": false }]), json!([])),
            false,
            false,
        );
        let excluding = json!([{ "ExcludeManagementEventSources": ["kms.amazonaws.com"] }]);
        check(selectors(excluding, json!([])), false, false);
        let category = json!({ "Field": "eventCategory", "Equals": ["Management"] });
        check(advanced(json!([category])), true, true);
        check(
            advanced(json!([category, { "Field": "readOnly", "Equals": ["false"] }])),
            false,
            true,
        );
        let without_kms = json!({ "Field": "eventSource", "NotEquals": ["kms.amazonaws.com"] });
        check(advanced(json!([category, without_kms])), false, false);
        assert_eq!(
            excluded(&advanced(json!([category, without_kms]))),
            ["kms.amazonaws.com"]
        );
        check(advanced(json!([])), false, false);
    }

    #[test]
    fn changes_of_trails_are_management_events_of_cloudtrail() {
        let check = |selectors: Selectors, expected: bool| {
            assert_eq!(changes_of_trails(&selectors), expected, "{selectors:?}");
        };
        let basic = |selector: Value| selectors(json!([selector]), json!([]));
        check(
            basic(json!({ "ExcludeManagementEventSources": ["kms.amazonaws.com"] })),
            true,
        );
        check(basic(json!({ "ReadWriteType": "ReadOnly" })), false);
        check(basic(json!({ "IncludeManagementEvents": false })), false);
        let category = json!({ "Field": "eventCategory", "Equals": ["Management"] });
        let without = |source: &str| json!({ "Field": "eventSource", "NotEquals": [source] });
        check(advanced(json!([category, without("kms.amazonaws.com")])), true);
        check(advanced(json!([category, without("cloudtrail.amazonaws.com")])), false);
        check(advanced(json!([without("kms.amazonaws.com")])), false);
    }

    #[test]
    fn object_events_are_whole_for_all_buckets_only() {
        let check = |selectors: Selectors, reads: bool, writes: bool| {
            assert_eq!(objects(&selectors, "aws"), Selection { reads, writes }, "{selectors:?}");
        };
        let basic = |value: &str| {
            let resources = json!([{ "Type": "AWS::S3::Object", "Values": [value] }]);
            selectors(
                json!([{ "ReadWriteType": "WriteOnly", "DataResources": resources }]),
                json!([]),
            )
        };
        check(basic("arn:aws:s3"), false, true);
        check(basic("arn:aws:s3:::"), false, true);
        check(basic("arn:aws:s3:::one/"), false, false);
        let all = json!([
            { "Field": "eventCategory", "Equals": ["Data"] },
            { "Field": "resources.type", "Equals": ["AWS::S3::Object"] },
        ]);
        check(advanced(all.clone()), true, true);
        let mut one = all;
        one.as_array_mut()
            .unwrap()
            .push(json!({ "Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::one/"] }));
        check(advanced(one), false, false);
    }
}
