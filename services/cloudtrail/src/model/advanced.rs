//! Advanced event selectors: which events a trail wants, field by field.
//!
//! The fields of one selector must all agree; of several selectors one is enough. Within a field an event passes when it
//! meets none of the `Not` operators' values and, if there are values of the others, at least one of those.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedEventSelector.html>,
//! <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/filtering-data-events.html>

use super::{
    kinds,
    selector::{EXCLUDABLE_SOURCES, InvalidSelectors, S3_OBJECT},
};
use base::arn;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// All conditions of all advanced selectors of a trail have at most so many values.
pub const VALUES_MAX: usize = 500;
const VALUE_CHARS_MAX: usize = 2048;
const NAME_CHARS_MAX: usize = 1000;

/// One advanced selector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdvancedEventSelector {
    /// What its maker calls it.
    pub name: Option<String>,
    /// What must be so; never empty, no field twice.
    pub field_selectors: Vec<FieldSelector>,
}

/// What must be so of one field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldSelector {
    /// The field's name in AWS's words, such as `resources.ARN`.
    pub field: String,
    /// It is one of these,
    pub equals: Vec<String>,
    /// or begins with one of these,
    pub starts_with: Vec<String>,
    /// or ends with one of these;
    pub ends_with: Vec<String>,
    /// and it is none of these,
    pub not_equals: Vec<String>,
    /// begins with none of these,
    pub not_starts_with: Vec<String>,
    /// and ends with none of these.
    pub not_ends_with: Vec<String>,
}

/// The fields that selectors of trails can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// `eventCategory`
    EventCategory,
    /// `readOnly`
    ReadOnly,
    /// `eventSource`
    EventSource,
    /// `eventName`
    EventName,
    /// `eventType`
    EventType,
    /// `sessionCredentialFromConsole`
    SessionCredentialFromConsole,
    /// `userIdentity.arn`
    UserIdentityArn,
    /// `resources.type`
    ResourcesType,
    /// `resources.ARN`
    ResourcesArn,
    /// `errorCode`
    ErrorCode,
    /// `vpcEndpointId`
    VpcEndpointId,
}

impl Field {
    /// The field of this name.
    pub fn parse(name: &str) -> Option<Field> {
        Some(match name {
            "eventCategory" => Field::EventCategory,
            "readOnly" => Field::ReadOnly,
            "eventSource" => Field::EventSource,
            "eventName" => Field::EventName,
            "eventType" => Field::EventType,
            "sessionCredentialFromConsole" => Field::SessionCredentialFromConsole,
            "userIdentity.arn" => Field::UserIdentityArn,
            "resources.type" => Field::ResourcesType,
            "resources.ARN" => Field::ResourcesArn,
            "errorCode" => Field::ErrorCode,
            "vpcEndpointId" => Field::VpcEndpointId,
            _ => return None,
        })
    }
}

/// What an advanced selector selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Category {
    Management,
    Data,
    NetworkActivity,
}

impl Category {
    fn allows(self, field: Field) -> bool {
        match field {
            Field::EventCategory | Field::EventSource => true,
            Field::ReadOnly => self != Category::NetworkActivity,
            Field::EventName | Field::UserIdentityArn => self != Category::Management,
            Field::EventType | Field::SessionCredentialFromConsole | Field::ResourcesType | Field::ResourcesArn => {
                self == Category::Data
            }
            Field::ErrorCode | Field::VpcEndpointId => self == Category::NetworkActivity,
        }
    }
}

impl FieldSelector {
    /// The six operators with their values.
    pub fn operators(&self) -> [(&'static str, &[String]); 6] {
        [
            ("Equals", &self.equals),
            ("StartsWith", &self.starts_with),
            ("EndsWith", &self.ends_with),
            ("NotEquals", &self.not_equals),
            ("NotStartsWith", &self.not_starts_with),
            ("NotEndsWith", &self.not_ends_with),
        ]
    }

    fn has_only(&self, operators: &[&str]) -> bool {
        self.operators()
            .iter()
            .all(|(operator, values)| values.is_empty() || operators.contains(operator))
    }
}

fn invalid<T>(message: String) -> Result<T, InvalidSelectors> {
    Err(InvalidSelectors(message))
}

fn invalid_value<T>(value: &str, field: &str) -> Result<T, InvalidSelectors> {
    invalid(format!("Value {value} for field {field} is invalid."))
}

/// Checks a list as PutEventSelectors does for a trail.
pub fn parse_advanced(selectors: Vec<AdvancedEventSelector>) -> Result<Vec<AdvancedEventSelector>, InvalidSelectors> {
    let lists = || selectors.iter().flat_map(|selector| &selector.field_selectors);
    let values = lists().flat_map(|field| field.operators().map(|(_, values)| values.len()));
    if values.sum::<usize>() > VALUES_MAX {
        return invalid(format!(
            "The total number of values for all conditions in all advanced event selectors cannot exceed {VALUES_MAX}."
        ));
    }
    selectors.iter().try_for_each(check_selector)?;
    Ok(selectors)
}

fn check_selector(selector: &AdvancedEventSelector) -> Result<(), InvalidSelectors> {
    let name = selector.name.as_deref().unwrap_or("");
    if name.chars().count() > NAME_CHARS_MAX {
        return invalid(format!(
            "The name of an advanced event selector cannot be longer than {NAME_CHARS_MAX} characters."
        ));
    }
    let mut seen = HashSet::new();
    let mut fields = Vec::with_capacity(selector.field_selectors.len());
    for told in &selector.field_selectors {
        let Some(field) = Field::parse(&told.field) else {
            return invalid(format!(
                "Field {} is not valid for the event selectors of a trail.",
                told.field
            ));
        };
        if !seen.insert(field) {
            return invalid(format!(
                "Field {} is given more than once in an advanced event selector.",
                told.field
            ));
        }
        check_values(told)?;
        fields.push((field, told));
    }
    let of = |wanted: Field| fields.iter().find(|(field, _)| *field == wanted).map(|(_, told)| *told);
    let category = match of(Field::EventCategory) {
        Some(told) if told.has_only(&["Equals"]) => match told.equals.as_slice() {
            [one] if one == "Management" => Category::Management,
            [one] if one == "Data" => Category::Data,
            [one] if one == "NetworkActivity" => Category::NetworkActivity,
            several => return invalid_value(&several.join(","), "eventCategory"),
        },
        Some(_) => return invalid("Field eventCategory can only use the Equals operator.".to_owned()),
        None => return invalid("An advanced event selector must have the field eventCategory.".to_owned()),
    };
    for (field, told) in &fields {
        if !category.allows(*field) {
            let field = &told.field;
            return invalid(format!(
                "Field {field} is not valid for event selectors of category {category:?}."
            ));
        }
        check_field(category, *field, told)?;
    }
    match category {
        Category::Management => Ok(()),
        Category::Data => match of(Field::ResourcesType) {
            Some(of_type) => check_arns(of(Field::ResourcesArn), of_type),
            None => invalid("An event selector of category Data must have the field resources.type.".to_owned()),
        },
        Category::NetworkActivity => match of(Field::EventSource) {
            Some(_) => Ok(()),
            None => {
                invalid("An event selector of category NetworkActivity must have the field eventSource.".to_owned())
            }
        },
    }
}

fn check_values(told: &FieldSelector) -> Result<(), InvalidSelectors> {
    let operators = told.operators();
    let mut values = operators.iter().flat_map(|(_, values)| values.iter()).peekable();
    if values.peek().is_none() {
        return invalid(format!("Field {} has no operator.", told.field));
    }
    match values.find(|value| value.is_empty() || value.chars().count() > VALUE_CHARS_MAX) {
        Some(value) => invalid_value(value, &told.field),
        None => Ok(()),
    }
}

/// What each field takes beside the category, which is checked by then.
fn check_field(category: Category, field: Field, told: &FieldSelector) -> Result<(), InvalidSelectors> {
    let only = |operators: &[&str]| match told.has_only(operators) {
        true => Ok(()),
        false => invalid(format!(
            "Field {} can only use the {} operator.",
            told.field,
            operators.join(" or ")
        )),
    };
    let each = |right: &dyn Fn(&str) -> bool| {
        let operators = told.operators();
        let mut values = operators.iter().flat_map(|(_, values)| values.iter());
        match values.find(|value| !right(value)) {
            Some(value) => invalid_value(value, &told.field),
            None => Ok(()),
        }
    };
    let one = || match told.equals.as_slice() {
        [_] => Ok(()),
        several => invalid_value(&several.join(","), &told.field),
    };
    match field {
        Field::EventCategory | Field::EventName | Field::EventType | Field::UserIdentityArn => Ok(()),
        Field::ResourcesArn | Field::VpcEndpointId => Ok(()),
        Field::ReadOnly => {
            only(&["Equals"])?;
            each(&|value| matches!(value, "true" | "false"))
        }
        Field::SessionCredentialFromConsole => {
            only(&["Equals", "NotEquals"])?;
            each(&|value| value == "true")
        }
        Field::ResourcesType => {
            only(&["Equals"])?;
            one()?;
            each(&kinds::has_data_events)
        }
        Field::ErrorCode => {
            only(&["Equals"])?;
            each(&|value| value == "VpceAccessDenied")
        }
        Field::EventSource => match category {
            Category::Management => {
                only(&["NotEquals"])?;
                each(&|value| EXCLUDABLE_SOURCES.contains(&value))
            }
            Category::Data => Ok(()),
            Category::NetworkActivity => {
                only(&["Equals"])?;
                one()?;
                each(&kinds::has_network_activity)
            }
        },
    }
}

/// `Equals` and `NotEquals` take whole ARNs; of S3 objects such as have a key.
fn check_arns(arns: Option<&FieldSelector>, of_type: &FieldSelector) -> Result<(), InvalidSelectors> {
    let Some(told) = arns else { return Ok(()) };
    let objects = of_type.equals.iter().any(|one| one == S3_OBJECT);
    let whole = |value: &str| {
        arn::split(value).is_some_and(|parts| !objects || (parts.service == "s3" && parts.resource.contains('/')))
    };
    match told.equals.iter().chain(&told.not_equals).find(|value| !whole(value)) {
        Some(value) => invalid_value(value, &told.field),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field with its operators' values.
    type Row = (String, Vec<(String, Vec<String>)>);

    fn selector(json: &str) -> AdvancedEventSelector {
        let fields: Vec<Row> = serde_json::from_str(json).unwrap();
        let mut field_selectors = Vec::new();
        for (field, operators) in fields {
            let mut told = FieldSelector {
                field,
                ..FieldSelector::default()
            };
            for (operator, values) in operators {
                match operator.as_str() {
                    "Equals" => told.equals = values,
                    "StartsWith" => told.starts_with = values,
                    "EndsWith" => told.ends_with = values,
                    "NotEquals" => told.not_equals = values,
                    "NotStartsWith" => told.not_starts_with = values,
                    _ => told.not_ends_with = values,
                }
            }
            field_selectors.push(told);
        }
        AdvancedEventSelector {
            name: None,
            field_selectors,
        }
    }

    fn check(json: &str, expected: Result<(), &str>) {
        let parsed = parse_advanced(vec![selector(json)]);
        assert_eq!(
            parsed.map(drop).map_err(|fault| fault.0),
            expected.map_err(str::to_owned),
            "{json}"
        );
    }

    #[test]
    fn what_aws_documents_is_taken() {
        for json in [
            r#"[["eventCategory", [["Equals", ["Management"]]]]]"#,
            r#"[["eventCategory", [["Equals", ["Management"]]]], ["readOnly", [["Equals", ["true"]]]],
                ["eventSource", [["NotEquals", ["kms.amazonaws.com", "rdsdata.amazonaws.com"]]]]]"#,
            r#"[["eventCategory", [["Equals", ["Data"]]]], ["resources.type", [["Equals", ["AWS::S3::Object"]]]],
                ["resources.ARN", [["Equals", ["arn:aws:s3:::b/k"]], ["StartsWith", ["arn:aws:s3:::b/"]],
                                   ["EndsWith", ["x"]], ["NotStartsWith", ["arn:aws:s3:::b/no"]]]],
                ["eventName", [["NotEndsWith", ["Object"]]]], ["userIdentity.arn", [["NotStartsWith", ["arn:"]]]],
                ["eventType", [["NotEquals", ["AwsServiceEvent"]]]],
                ["sessionCredentialFromConsole", [["NotEquals", ["true"]]]]]"#,
            r#"[["eventCategory", [["Equals", ["NetworkActivity"]]]], ["eventSource", [["Equals", ["kms.amazonaws.com"]]]],
                ["errorCode", [["Equals", ["VpceAccessDenied"]]]], ["vpcEndpointId", [["StartsWith", ["vpce-"]]]]]"#,
        ] {
            check(json, Ok(()));
        }
    }

    #[test]
    fn what_aws_documents_as_wrong_is_refused_in_words() {
        check(
            "[]",
            Err("An advanced event selector must have the field eventCategory."),
        );
        check(
            r#"[["eventCategory", [["Equals", ["Insight"]]]]]"#,
            Err("Value Insight for field eventCategory is invalid."),
        );
        check(
            r#"[["eventCategory", [["StartsWith", ["Management"]]]]]"#,
            Err("Field eventCategory can only use the Equals operator."),
        );
        check(
            r#"[["eventCategory", [["Equals", ["Management"]]]], ["eventName", [["Equals", ["CreateKey"]]]]]"#,
            Err("Field eventName is not valid for event selectors of category Management."),
        );
        check(
            r#"[["eventCategory", [["Equals", ["Management"]]]], ["eventSource", [["Equals", ["kms.amazonaws.com"]]]]]"#,
            Err("Field eventSource can only use the NotEquals operator."),
        );
        check(
            r#"[["eventCategory", [["Equals", ["Management"]]]], ["eventSource", [["NotEquals", ["s3.amazonaws.com"]]]]]"#,
            Err("Value s3.amazonaws.com for field eventSource is invalid."),
        );
        check(
            r#"[["eventCategory", [["Equals", ["Data"]]]]]"#,
            Err("An event selector of category Data must have the field resources.type."),
        );
        check(
            r#"[["eventCategory", [["Equals", ["Data"]]]], ["resources.type", [["Equals", ["AWS::KMS::Key"]]]]]"#,
            Err("Value AWS::KMS::Key for field resources.type is invalid."),
        );
        check(
            r#"[["eventCategory", [["Equals", ["Data"]]]],
                ["resources.type", [["Equals", ["AWS::S3::Object", "AWS::SNS::Topic"]]]]]"#,
            Err("Value AWS::S3::Object,AWS::SNS::Topic for field resources.type is invalid."),
        );
        check(
            r#"[["eventCategory", [["Equals", ["Data"]]]], ["resources.type", [["Equals", ["AWS::S3::Object"]]]],
                ["resources.ARN", [["NotEquals", ["arn:aws:s3:::b"]]]]]"#,
            Err("Value arn:aws:s3:::b for field resources.ARN is invalid."),
        );
        check(
            r#"[["eventCategory", [["Equals", ["NetworkActivity"]]]]]"#,
            Err("An event selector of category NetworkActivity must have the field eventSource."),
        );
        check(
            r#"[["eventCategory", [["Equals", ["Data"]]]], ["eventCategory", [["Equals", ["Data"]]]]]"#,
            Err("Field eventCategory is given more than once in an advanced event selector."),
        );
        check(
            r#"[["eventCategory", [["Equals", ["Data"]]]], ["region", [["Equals", ["x"]]]]]"#,
            Err("Field region is not valid for the event selectors of a trail."),
        );
        check(
            r#"[["eventCategory", [["Equals", ["Data"]]]], ["resources.type", [["Equals", ["AWS::S3::Object"]]]], ["readOnly", []]]"#,
            Err("Field readOnly has no operator."),
        );
    }

    #[test]
    fn five_hundred_values_are_taken_and_one_more_is_not() {
        let many = |count: usize| {
            let mut one = selector(
                r#"[["eventCategory", [["Equals", ["Data"]]]], ["resources.type", [["Equals", ["AWS::S3::Object"]]]]]"#,
            );
            one.field_selectors.push(FieldSelector {
                field: "eventName".to_owned(),
                equals: (2..count).map(|number| format!("Name{number}")).collect(),
                ..FieldSelector::default()
            });
            parse_advanced(vec![one])
        };
        assert!(many(500).is_ok());
        assert!(many(501).is_err());
    }
}
