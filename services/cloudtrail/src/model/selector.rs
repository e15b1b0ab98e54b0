//! Basic event selectors: which events a trail wants.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html>

use gateway::ports::Candidate;
use serde::{Deserialize, Serialize};

/// The resource type of S3 data events.
pub const S3_OBJECT: &str = "AWS::S3::Object";
/// The resource type of Lambda data events.
pub const LAMBDA_FUNCTION: &str = "AWS::Lambda::Function";
/// The resource type of DynamoDB data events.
pub const DYNAMODB_TABLE: &str = "AWS::DynamoDB::Table";

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

    /// Whether this selector wants the event.
    pub fn selects(&self, event: &Candidate<'_>) -> bool {
        let kind = match self.read_write_type {
            ReadWriteType::All => true,
            ReadWriteType::ReadOnly => event.read_only,
            ReadWriteType::WriteOnly => !event.read_only,
        };
        kind && if event.management {
            self.selects_management(event)
        } else {
            self.selects_data(event)
        }
    }

    fn selects_management(&self, event: &Candidate<'_>) -> bool {
        self.include_management_events
            && !self
                .exclude_management_event_sources
                .iter()
                .any(|source| source == event.event_source)
    }

    fn selects_data(&self, event: &Candidate<'_>) -> bool {
        let Some(resource_type) = event.resource_type else {
            return false;
        };
        self.data_resources
            .iter()
            .filter(|wanted| wanted.resource_type == resource_type)
            .flat_map(|wanted| &wanted.values)
            .any(|value| names_resource(resource_type, value, event.resources))
    }
}

/// Whether a selector's value covers one of the event's resources.
fn names_resource(resource_type: &str, value: &str, resources: &[record::Resource]) -> bool {
    match resource_type {
        S3_OBJECT if matches!(value, "arn:aws:s3" | "arn:aws:s3:::") => true,
        S3_OBJECT => resources.iter().any(|resource| covers_s3(value, resource.arn.as_str())),
        LAMBDA_FUNCTION if value == "arn:aws:lambda" => true,
        DYNAMODB_TABLE if value == "arn:aws:dynamodb" => true,
        _ => resources.iter().any(|resource| resource.arn.as_str() == value),
    }
}

/// A value names a bucket with its slash and maybe the beginning of a key. A call on the bucket itself (ListObjects) is
/// covered by a value that names the whole bucket.
fn covers_s3(value: &str, arn: &str) -> bool {
    arn.starts_with(value) || value.strip_suffix('/').is_some_and(|bucket| bucket == arn)
}

/// Checks a list as PutEventSelectors does.
pub fn parse_selectors(selectors: Vec<EventSelector>) -> Result<Vec<EventSelector>, InvalidSelectors> {
    if selectors.is_empty() || selectors.len() > SELECTORS_MAX {
        return Err(InvalidSelectors(
            "The number of event selectors must be between 1 and 5.".to_owned(),
        ));
    }
    let named: usize = selectors
        .iter()
        .flat_map(|s| &s.data_resources)
        .map(|d| d.values.len())
        .sum();
    if named > DATA_RESOURCES_MAX {
        return Err(InvalidSelectors(
            "The total number of data resources cannot exceed 250.".to_owned(),
        ));
    }
    for selector in &selectors {
        for source in &selector.exclude_management_event_sources {
            if !matches!(source.as_str(), "kms.amazonaws.com" | "rdsdata.amazonaws.com") {
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
        let whole = value == prefix || (resource.resource_type == S3_OBJECT && value == "arn:aws:s3:::");
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
    use base::{AccountId, Region};

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

    #[test]
    fn a_prefix_selects_the_objects_under_it() {
        let account = AccountId::FIRST;
        let region = Region::us_east_1();
        let check = |value: &str, arn: &str, expected: bool| {
            let resources = [record::Resource {
                arn: base::Arn::parse(arn).unwrap(),
                account_id: Some(account),
                resource_type: S3_OBJECT.into(),
            }];
            let event = Candidate {
                account,
                region: &region,
                management: false,
                read_only: true,
                event_source: "s3.amazonaws.com",
                event_name: "GetObject",
                resource_type: Some(S3_OBJECT),
                resources: &resources,
                global: false,
                request_id: None,
            };
            assert_eq!(selector(S3_OBJECT, &[value]).selects(&event), expected, "{value} {arn}");
        };
        check("arn:aws:s3", "arn:aws:s3:::b/k", true);
        check("arn:aws:s3:::b/", "arn:aws:s3:::b/k", true);
        check("arn:aws:s3:::b/", "arn:aws:s3:::b", true);
        check("arn:aws:s3:::b/", "arn:aws:s3:::bb/k", false);
        check("arn:aws:s3:::b/x", "arn:aws:s3:::b/xyz", true);
        check("arn:aws:s3:::b/x", "arn:aws:s3:::b/a", false);
    }
}
