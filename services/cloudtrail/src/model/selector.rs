//! What a trail selects: basic event selectors, here, or [advanced](super::advanced) ones.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html>

use super::advanced::AdvancedEventSelector;
use serde::{Deserialize, Serialize};

/// The resource type of S3 data events.
pub const S3_OBJECT: &str = "AWS::S3::Object";
/// The resource type of Lambda data events.
pub const LAMBDA_FUNCTION: &str = "AWS::Lambda::Function";
/// The resource type of DynamoDB data events.
pub const DYNAMODB_TABLE: &str = "AWS::DynamoDB::Table";

/// The sources whose management events can be left out.
pub const EXCLUDABLE_SOURCES: &[&str] = &["kms.amazonaws.com", "rdsdata.amazonaws.com"];

/// A trail has at most so many selectors.
pub const SELECTORS_MAX: usize = 5;
/// All selectors of a trail name at most so many data resources.
pub const DATA_RESOURCES_MAX: usize = 250;

/// Which calls, by whether they change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReadWriteType {
    /// Both.
    All,
    /// Calls that change nothing.
    ReadOnly,
    /// Calls that change something.
    WriteOnly,
}

/// Data events of these resources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DataResource {
    /// The resource type.
    #[serde(rename = "Type")]
    pub resource_type: String,
    /// ARNs or their beginnings.
    pub values: Vec<String>,
}

/// One basic selector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EventSelector {
    /// Which calls.
    pub read_write_type: ReadWriteType,
    /// Whether management events are wanted.
    pub include_management_events: bool,
    /// Which data events are wanted.
    pub data_resources: Vec<DataResource>,
    /// Management events of these sources are left out.
    pub exclude_management_event_sources: Vec<String>,
}

/// What is wrong with a list of selectors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSelectors(pub String);

impl EventSelector {
    /// What a trail selects that was told nothing: all management events.
    pub fn standard() -> EventSelector {
        EventSelector {
            read_write_type: ReadWriteType::All,
            include_management_events: true,
            data_resources: Vec::new(),
            exclude_management_event_sources: Vec::new(),
        }
    }
}

/// What a trail selects. Putting selectors of one kind replaces those of the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventSelectors {
    /// Basic ones; never none.
    Basic(Vec<EventSelector>),
    /// Advanced ones; never none.
    Advanced(Vec<AdvancedEventSelector>),
}

impl EventSelectors {
    /// What a trail selects that was told nothing.
    pub fn standard() -> EventSelectors {
        EventSelectors::Basic(vec![EventSelector::standard()])
    }
}

impl DataResource {
    /// Whether a value stands for every resource of the type, in other accounts too.
    pub fn is_all(resource_type: &str, value: &str) -> bool {
        match resource_type {
            S3_OBJECT => matches!(value, "arn:aws:s3" | "arn:aws:s3:::"),
            LAMBDA_FUNCTION => value == "arn:aws:lambda",
            DYNAMODB_TABLE => value == "arn:aws:dynamodb",
            _ => false,
        }
    }
}

/// Checks a list as PutEventSelectors does.
pub fn parse_selectors(selectors: Vec<EventSelector>) -> Result<Vec<EventSelector>, InvalidSelectors> {
    if selectors.is_empty() || selectors.len() > SELECTORS_MAX {
        return Err(InvalidSelectors(
            "The number of event selectors must be between 1 and 5.".to_owned(),
        ));
    }
    // The limit is of what is named: "all of the type" is not.
    let resources = selectors.iter().flat_map(|selector| &selector.data_resources);
    let named = resources.flat_map(|one| {
        one.values
            .iter()
            .filter(|value| !DataResource::is_all(&one.resource_type, value))
    });
    if named.count() > DATA_RESOURCES_MAX {
        return Err(InvalidSelectors(
            "The total number of data resources cannot exceed 250.".to_owned(),
        ));
    }
    for selector in &selectors {
        for source in &selector.exclude_management_event_sources {
            if !EXCLUDABLE_SOURCES.contains(&source.as_str()) {
                return Err(InvalidSelectors(
                    "Event selector ExcludeManagementEventSources is not valid".to_owned(),
                ));
            }
        }
        for resource in &selector.data_resources {
            parse_data_resource(resource)?;
        }
    }
    Ok(selectors)
}

fn parse_data_resource(resource: &DataResource) -> Result<(), InvalidSelectors> {
    let prefix = match resource.resource_type.as_str() {
        S3_OBJECT => "arn:aws:s3",
        LAMBDA_FUNCTION => "arn:aws:lambda",
        DYNAMODB_TABLE => "arn:aws:dynamodb",
        other => {
            return Err(InvalidSelectors(format!(
                "Value {other} for DataResources.Type is invalid."
            )));
        }
    };
    for value in &resource.values {
        let whole = DataResource::is_all(&resource.resource_type, value);
        let one = match resource.resource_type.as_str() {
            S3_OBJECT => value
                .strip_prefix("arn:aws:s3:::")
                .and_then(|rest| rest.split_once('/'))
                .is_some_and(|(bucket, _)| bucket.len() >= 3 && !bucket.contains('*')),
            _ => value.starts_with(&format!("{prefix}:")) && value.split(':').count() >= 6 && !value.contains('*'),
        };
        if !whole && !one {
            return Err(InvalidSelectors(format!(
                "Value {value} for DataResources.Values is invalid."
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(resource_type: &str, values: &[&str]) -> EventSelector {
        EventSelector {
            include_management_events: false,
            data_resources: vec![DataResource {
                resource_type: resource_type.to_owned(),
                values: values.iter().map(|v| (*v).to_owned()).collect(),
            }],
            ..EventSelector::standard()
        }
    }

    #[test]
    fn values_are_judged_as_aws_does() {
        let check = |value: &str, ok: bool| {
            assert_eq!(
                parse_selectors(vec![selector(S3_OBJECT, &[value])]).is_ok(),
                ok,
                "{value}"
            );
        };
        check("arn:aws:s3", true);
        check("arn:aws:s3:::", true);
        check("arn:aws:s3:::bucket/", true);
        check("arn:aws:s3:::bucket/prefix", true);
        check("arn:aws:s3:::bucket", false);
        check("arn:aws:s3:::*/*", false);
        check("bucket/", false);
        let error = parse_selectors(vec![selector(S3_OBJECT, &["arn:aws:s3:::*/*"])]);
        assert_eq!(
            error.err().map(|e| e.0).as_deref(),
            Some("Value arn:aws:s3:::*/* for DataResources.Values is invalid.")
        );
        assert!(parse_selectors(vec![selector(LAMBDA_FUNCTION, &["arn:aws:lambda"])]).is_ok());
        assert!(parse_selectors(vec![selector("AWS::SQS::Queue", &["arn:aws:sqs"])]).is_err());
        assert!(parse_selectors(vec![]).is_err());
        assert!(parse_selectors(vec![EventSelector::standard(); 6]).is_err());
    }
}
