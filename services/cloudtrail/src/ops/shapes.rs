//! Shapes that several operations share.

use crate::model::trail::Trail;
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
    include_global_service_events: bool,
    is_multi_region_trail: bool,
    #[serde(rename = "TrailARN")]
    trail_arn: String,
    log_file_validation_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key_id: Option<String>,
    is_organization_trail: bool,
}

impl From<&Trail> for TrailSettings {
    fn from(trail: &Trail) -> TrailSettings {
        TrailSettings {
            name: trail.name.clone(),
            s3_bucket_name: trail.bucket.clone(),
            s3_key_prefix: trail.prefix.clone(),
            include_global_service_events: trail.include_global,
            is_multi_region_trail: trail.multi_region,
            trail_arn: trail.arn().as_str().to_owned(),
            log_file_validation_enabled: trail.validation,
            kms_key_id: trail.kms_key.as_ref().map(|arn| arn.as_str().to_owned()),
            is_organization_trail: false,
        }
    }
}

impl Evident for TrailSettings {
    fn evident(&self) -> Params {
        Params::new()
            .text("name", &self.name)
            .text("s3BucketName", &self.s3_bucket_name)
            .maybe_text("s3KeyPrefix", self.s3_key_prefix.as_deref())
            .flag("includeGlobalServiceEvents", self.include_global_service_events)
            .flag("isMultiRegionTrail", self.is_multi_region_trail)
            .text("trailARN", &self.trail_arn)
            .flag("logFileValidationEnabled", self.log_file_validation_enabled)
            .maybe_text("kmsKeyId", self.kms_key_id.as_deref())
            .flag("isOrganizationTrail", self.is_organization_trail)
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

/// The answer `{}`.
#[derive(Serialize)]
pub(super) struct Nothing {}

impl Evident for Nothing {
    fn evident(&self) -> Params {
        Params::new()
    }
}
