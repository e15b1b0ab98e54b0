//! Shapes that several operations share.

use super::topic;
use crate::model::{
    advanced::{AdvancedEventSelector, FieldSelector},
    selector::{EventSelector, EventSelectors},
    tag::Tag,
    trail::Trail,
};
use gateway::Demand;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};

/// A trail's settings, as CreateTrail and UpdateTrail answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TrailSettings {
    name: String,
    #[serde(rename = "S3BucketName")]
    s3_bucket_name: String,
    #[serde(rename = "S3KeyPrefix", skip_serializing_if = "Option::is_none")]
    s3_key_prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sns_topic_name: Option<String>,
    #[serde(rename = "SnsTopicARN", skip_serializing_if = "Option::is_none")]
    sns_topic_arn: Option<String>,
    include_global_service_events: bool,
    is_multi_region_trail: bool,
    #[serde(rename = "TrailARN")]
    trail_arn: String,
    log_file_validation_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key_id: Option<String>,
    is_organization_trail: bool,
    recursive_logging: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cloud_watch_logs_log_group_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cloud_watch_logs_role_arn: Option<String>,
}

impl From<&Trail> for TrailSettings {
    fn from(trail: &Trail) -> TrailSettings {
        TrailSettings {
            name: trail.name.clone(),
            s3_bucket_name: trail.bucket.clone(),
            s3_key_prefix: trail.prefix.clone(),
            sns_topic_name: trail.sns_topic.as_ref().map(|topic| topic::shown(trail, topic)),
            sns_topic_arn: trail.sns_topic.as_ref().map(|topic| topic.as_str().to_owned()),
            include_global_service_events: trail.include_global,
            is_multi_region_trail: trail.multi_region,
            trail_arn: trail.arn().as_str().to_owned(),
            log_file_validation_enabled: trail.validation,
            kms_key_id: trail.kms_key.as_ref().map(|arn| arn.as_str().to_owned()),
            is_organization_trail: false,
            recursive_logging: trail.recursive_logging,
            cloud_watch_logs_log_group_arn: trail.logs.as_ref().map(|logs| logs.group.as_str().to_owned()),
            cloud_watch_logs_role_arn: trail.logs.as_ref().map(|logs| logs.role.clone()),
        }
    }
}

impl Evident for TrailSettings {
    fn evident(&self) -> Params {
        Params::new()
            .text("name", &self.name)
            .text("s3BucketName", &self.s3_bucket_name)
            .maybe_text("s3KeyPrefix", self.s3_key_prefix.as_deref())
            .maybe_text("snsTopicName", self.sns_topic_name.as_deref())
            .maybe_text("snsTopicARN", self.sns_topic_arn.as_deref())
            .flag("includeGlobalServiceEvents", self.include_global_service_events)
            .flag("isMultiRegionTrail", self.is_multi_region_trail)
            .text("trailARN", &self.trail_arn)
            .flag("logFileValidationEnabled", self.log_file_validation_enabled)
            .maybe_text("kmsKeyId", self.kms_key_id.as_deref())
            .flag("isOrganizationTrail", self.is_organization_trail)
            .flag("recursiveLogging", self.recursive_logging)
            .maybe_text(
                "cloudWatchLogsLogGroupArn",
                self.cloud_watch_logs_log_group_arn.as_deref(),
            )
            .maybe_text("cloudWatchLogsRoleArn", self.cloud_watch_logs_role_arn.as_deref())
    }
}

/// A trail, as DescribeTrails and GetTrail answer: the settings, its home and whether it has selectors of its own.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TrailDescription {
    #[serde(flatten)]
    settings: TrailSettings,
    home_region: String,
    has_custom_event_selectors: bool,
    has_insight_selectors: bool,
}

impl From<&Trail> for TrailDescription {
    fn from(trail: &Trail) -> TrailDescription {
        TrailDescription {
            settings: TrailSettings::from(trail),
            home_region: trail.home.as_str().to_owned(),
            has_custom_event_selectors: trail.has_custom_selectors(),
            has_insight_selectors: false,
        }
    }
}

/// Input that names one trail by `Name`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NamedTrail {
    pub(super) name: String,
}

impl Evident for NamedTrail {
    fn evident(&self) -> Params {
        Params::new().text("name", &self.name)
    }
}

/// Input that names one trail by `TrailName`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SelectedTrail {
    pub(super) trail_name: String,
}

impl Evident for SelectedTrail {
    fn evident(&self) -> Params {
        Params::new().text("trailName", &self.trail_name)
    }
}

/// A trail's selectors, of the one kind that it has, as PutEventSelectors and GetEventSelectors answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TrailSelectors {
    #[serde(rename = "TrailARN")]
    trail_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_selectors: Option<Vec<EventSelector>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advanced_event_selectors: Option<Vec<AdvancedShape>>,
}

impl From<Trail> for TrailSelectors {
    fn from(trail: Trail) -> TrailSelectors {
        let trail_arn = trail.arn().as_str().to_owned();
        let (event_selectors, advanced_event_selectors) = match trail.selectors {
            EventSelectors::Basic(selectors) => (Some(selectors), None),
            EventSelectors::Advanced(selectors) => {
                (None, Some(selectors.into_iter().map(AdvancedShape::from).collect()))
            }
        };
        TrailSelectors {
            trail_arn,
            event_selectors,
            advanced_event_selectors,
        }
    }
}

impl Evident for TrailSelectors {
    fn evident(&self) -> Params {
        let params = Params::new().text("trailARN", &self.trail_arn);
        let params = match &self.event_selectors {
            Some(selectors) => params.objects("eventSelectors", selectors.iter().map(shown)),
            None => params,
        };
        match &self.advanced_event_selectors {
            Some(selectors) => params.objects("advancedEventSelectors", selectors.iter().map(AdvancedShape::shown)),
            None => params,
        }
    }
}

/// A basic selector as a record shows it.
pub(super) fn shown(selector: &EventSelector) -> Params {
    let resources = selector.data_resources.iter().map(|resource| {
        Params::new()
            .text("type", &resource.resource_type)
            .texts("values", &resource.values)
    });
    Params::new()
        .text("readWriteType", format!("{:?}", selector.read_write_type))
        .flag("includeManagementEvents", selector.include_management_events)
        .objects("dataResources", resources)
        .texts(
            "excludeManagementEventSources",
            &selector.exclude_management_event_sources,
        )
}

/// An advanced selector on the wire.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AdvancedShape {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    field_selectors: Vec<FieldShape>,
}

/// What an advanced selector says of a field, on the wire. An operator that has no values is not there.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct FieldShape {
    field: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    equals: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    starts_with: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_with: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_equals: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_starts_with: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_ends_with: Option<Vec<String>>,
}

impl From<AdvancedEventSelector> for AdvancedShape {
    fn from(selector: AdvancedEventSelector) -> AdvancedShape {
        let some = |values: Vec<String>| (!values.is_empty()).then_some(values);
        let field = |told: FieldSelector| FieldShape {
            field: told.field,
            equals: some(told.equals),
            starts_with: some(told.starts_with),
            ends_with: some(told.ends_with),
            not_equals: some(told.not_equals),
            not_starts_with: some(told.not_starts_with),
            not_ends_with: some(told.not_ends_with),
        };
        AdvancedShape {
            name: selector.name,
            field_selectors: selector.field_selectors.into_iter().map(field).collect(),
        }
    }
}

impl From<AdvancedShape> for AdvancedEventSelector {
    fn from(shape: AdvancedShape) -> AdvancedEventSelector {
        let field = |told: FieldShape| FieldSelector {
            field: told.field,
            equals: told.equals.unwrap_or_default(),
            starts_with: told.starts_with.unwrap_or_default(),
            ends_with: told.ends_with.unwrap_or_default(),
            not_equals: told.not_equals.unwrap_or_default(),
            not_starts_with: told.not_starts_with.unwrap_or_default(),
            not_ends_with: told.not_ends_with.unwrap_or_default(),
        };
        AdvancedEventSelector {
            name: shape.name,
            field_selectors: shape.field_selectors.into_iter().map(field).collect(),
        }
    }
}

impl AdvancedShape {
    /// As a record shows it.
    pub(super) fn shown(&self) -> Params {
        let field = |told: &FieldShape| {
            let texts = |params: Params, name: &'static str, values: &Option<Vec<String>>| match values {
                Some(values) => params.texts(name, values),
                None => params,
            };
            let params = Params::new().text("field", &told.field);
            let params = texts(params, "equals", &told.equals);
            let params = texts(params, "startsWith", &told.starts_with);
            let params = texts(params, "endsWith", &told.ends_with);
            let params = texts(params, "notEquals", &told.not_equals);
            let params = texts(params, "notStartsWith", &told.not_starts_with);
            texts(params, "notEndsWith", &told.not_ends_with)
        };
        Params::new()
            .maybe_text("name", self.name.as_deref())
            .objects("fieldSelectors", self.field_selectors.iter().map(field))
    }
}

/// A tag on the wire. A key may have no value.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TagShape {
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

impl From<Tag> for TagShape {
    fn from((key, value): Tag) -> TagShape {
        TagShape { key, value }
    }
}

impl TagShape {
    /// Its key.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// The tags of a list.
    pub(super) fn typed(tags: &[TagShape]) -> impl Iterator<Item = Tag> {
        tags.iter().map(|tag| (tag.key.clone(), tag.value.clone()))
    }

    /// A list as a record shows it.
    pub(super) fn shown(tags: &[TagShape]) -> impl Iterator<Item = Params> {
        let one = |tag: &TagShape| {
            Params::new()
                .text("key", &tag.key)
                .maybe_text("value", tag.value.as_deref())
        };
        tags.iter().map(one)
    }

    /// A demand with the condition keys that tell of the request's tags.
    pub(super) fn on(demand: Demand, tags: &[TagShape]) -> Demand {
        if tags.is_empty() {
            return demand;
        }
        let demand = demand.with_all("aws:TagKeys", tags.iter().map(|tag| tag.key.clone()).collect());
        tags.iter().fold(demand, |demand, tag| {
            demand.with(
                format!("aws:RequestTag/{}", tag.key),
                tag.value.clone().unwrap_or_default(),
            )
        })
    }
}

/// The answer `{}`.
#[derive(Serialize)]
pub(super) struct Nothing {}

impl Evident for Nothing {
    fn evident(&self) -> Params {
        Params::new()
    }
}
