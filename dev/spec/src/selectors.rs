//! Which events a trail wants, by AWS's pages: the request of PutEventSelectors as it is sent, read for every event anew.

use serde_json::Value;

/// A resource of an event: its type and its ARN.
pub type Resource = (String, String);

/// What selectors can ask of an event.
#[derive(Clone, Debug, Default)]
pub struct Event {
    /// `eventCategory`
    pub category: String,
    /// `readOnly`
    pub read_only: bool,
    /// `eventSource`
    pub source: String,
    /// `eventName`
    pub name: String,
    /// `eventType`
    pub event_type: String,
    /// `errorCode`
    pub error_code: Option<String>,
    /// `userIdentity.arn`
    pub user_arn: Option<String>,
    /// `userIdentity.invokedBy`
    pub invoked_by: Option<String>,
    /// `sessionCredentialFromConsole`
    pub from_console: bool,
    /// `vpcEndpointId`
    pub vpc_endpoint: Option<String>,
    /// The type of the resource that the data event is of, where it is told apart.
    pub resource_type: Option<String>,
    /// `resources`
    pub resources: Vec<Resource>,
    /// `awsRegion`
    pub region: String,
    /// Whether it is an event of a global service.
    pub global: bool,
}

/// A trail that logs.
#[derive(Clone, Debug)]
pub struct Trail {
    /// Its home.
    pub home: String,
    /// Whether it covers all Regions.
    pub multi_region: bool,
    /// `IncludeGlobalServiceEvents`
    pub include_global: bool,
    /// `RecursiveLogging`
    pub recursive: bool,
    /// The request of PutEventSelectors: `EventSelectors` or `AdvancedEventSelectors`.
    pub request: Value,
}

/// Whether the trail selects the event.
pub fn wants(trail: &Trail, event: &Event) -> bool {
    let here = trail.multi_region || trail.home == event.region;
    let local = !event.global || trail.include_global;
    let called = trail.recursive || !is_delivery(event);
    here && local && called && {
        list(&trail.request, "EventSelectors")
            .iter()
            .any(|one| basic(one, event))
            || list(&trail.request, "AdvancedEventSelectors")
                .iter()
                .any(|one| advanced(one, event))
    }
}

/// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-trail-recursive-logging.html>
fn is_delivery(event: &Event) -> bool {
    let call = (event.source.as_str(), event.name.as_str());
    event.invoked_by.as_deref() == Some("cloudtrail.amazonaws.com")
        && (call == ("s3.amazonaws.com", "PutObject") || call == ("logs.amazonaws.com", "PutLogEvents"))
}

/// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html>
fn basic(selector: &Value, event: &Event) -> bool {
    let kind = match selector["ReadWriteType"].as_str() {
        Some("ReadOnly") => event.read_only,
        Some("WriteOnly") => !event.read_only,
        _ => true,
    };
    kind && match event.category.as_str() {
        "Management" => {
            selector["IncludeManagementEvents"].as_bool().unwrap_or(true)
                && !texts(&selector["ExcludeManagementEventSources"]).contains(&event.source.as_str())
        }
        "Data" => list(selector, "DataResources")
            .iter()
            .any(|resource| data_resource(resource, event)),
        _ => false,
    }
}

/// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DataResource.html>
fn data_resource(resource: &Value, event: &Event) -> bool {
    let of_type = resource["Type"].as_str().unwrap_or("");
    is_of(event, of_type)
        && texts(&resource["Values"]).into_iter().any(|value| {
            matches!(
                value,
                "arn:aws:s3" | "arn:aws:s3:::" | "arn:aws:lambda" | "arn:aws:dynamodb"
            ) || arns(event, of_type).iter().any(|arn| match of_type {
                "AWS::S3::Object" => arn.starts_with(value),
                _ => arn == value,
            })
        })
}

/// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/filtering-data-events.html>
fn advanced(selector: &Value, event: &Event) -> bool {
    let fields = list(selector, "FieldSelectors");
    let of_type = fields.iter().find(|field| field["Field"] == "resources.type");
    let of_type = of_type.and_then(|field| field["Equals"][0].as_str()).unwrap_or("");
    fields.iter().all(|field| {
        let one = |text: Option<&str>| passes(field, text);
        match field["Field"].as_str().unwrap_or("") {
            "eventCategory" => one(Some(&event.category)),
            "readOnly" => one(Some(if event.read_only { "true" } else { "false" })),
            "eventSource" => one(Some(&event.source)),
            "eventName" => one(Some(&event.name)),
            "eventType" => one(Some(&event.event_type)),
            "sessionCredentialFromConsole" => one(event.from_console.then_some("true")),
            "userIdentity.arn" => one(event.user_arn.as_deref()),
            "errorCode" => one(event.error_code.as_deref()),
            "vpcEndpointId" => one(event.vpc_endpoint.as_deref()),
            "resources.type" => is_of(event, of_type),
            // One of several resources is enough.
            "resources.ARN" => match arns(event, of_type).as_slice() {
                [] => one(None),
                arns => arns.iter().any(|arn| one(Some(arn))),
            },
            _ => false,
        }
    })
}

/// "DESELECT operators are AND'd together, SELECT operators are OR'd together, and both groups are AND'd."
fn passes(field: &Value, text: Option<&str>) -> bool {
    let meets = |operator: &str, test: fn(&str, &str) -> bool| {
        let values = texts(&field[operator]);
        text.is_some_and(|text| values.iter().any(|value| test(text, value)))
    };
    let equal: fn(&str, &str) -> bool = |text, value| text == value;
    let starts: fn(&str, &str) -> bool = |text, value| text.starts_with(value);
    let ends: fn(&str, &str) -> bool = |text, value| text.ends_with(value);
    let deselected = meets("NotEquals", equal) || meets("NotStartsWith", starts) || meets("NotEndsWith", ends);
    let selects = ["Equals", "StartsWith", "EndsWith"]
        .iter()
        .any(|operator| !texts(&field[*operator]).is_empty());
    let selected = meets("Equals", equal) || meets("StartsWith", starts) || meets("EndsWith", ends);
    !deselected && (selected || !selects)
}

/// Whether the event is of a type of resource, by itself or by one of its resources.
fn is_of(event: &Event, of_type: &str) -> bool {
    event.resource_type.as_deref() == Some(of_type) || event.resources.iter().any(|(one, _)| one == of_type)
}

/// The ARNs that a selector of a type compares. A call on a bucket that makes a data event of objects is one on the
/// bucket's whole; where no resource tells its type, each counts.
fn arns(event: &Event, of_type: &str) -> Vec<String> {
    let of = |wanted: &str| -> Vec<String> {
        let found = event.resources.iter().filter(|(one, _)| one == wanted);
        found.map(|(_, arn)| arn.clone()).collect()
    };
    let direct = of(of_type);
    if !direct.is_empty() {
        return direct;
    }
    let buckets: Vec<String> = of("AWS::S3::Bucket").iter().map(|arn| format!("{arn}/")).collect();
    match of_type == "AWS::S3::Object" && !buckets.is_empty() {
        true => buckets,
        false => event.resources.iter().map(|(_, arn)| arn.clone()).collect(),
    }
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

fn texts(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}
