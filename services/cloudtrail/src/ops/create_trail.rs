//! CreateTrail: a trail that does not log yet.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html>

use super::{
    check::{check_resources, store_trail},
    logs,
    shapes::{TagShape, TrailSettings},
};
use crate::{
    CloudTrailError,
    model::{
        name::TrailName,
        selector::EventSelectors,
        tag::parse_tags,
        trail::{TRAILS_PER_REGION_MAX, Trail},
    },
    table,
    work::regions_of,
};
use base::ids;
use gateway::{Ctx, Demand, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

const PREFIX_LENGTH_MAX: usize = 200;

/// The operation.
pub(super) struct CreateTrail;

/// The settings that CreateTrail and UpdateTrail share; an absent one is the default there and unchanged here.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    pub(super) name: String,
    #[serde(rename = "S3BucketName")]
    pub(super) s3_bucket_name: Option<String>,
    #[serde(rename = "S3KeyPrefix")]
    pub(super) s3_key_prefix: Option<String>,
    pub(super) sns_topic_name: Option<String>,
    pub(super) include_global_service_events: Option<bool>,
    pub(super) is_multi_region_trail: Option<bool>,
    pub(super) enable_log_file_validation: Option<bool>,
    pub(super) cloud_watch_logs_log_group_arn: Option<String>,
    pub(super) cloud_watch_logs_role_arn: Option<String>,
    pub(super) kms_key_id: Option<String>,
    is_organization_trail: Option<bool>,
    pub(super) recursive_logging: Option<bool>,
    tags_list: Option<Vec<TagShape>>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("name", &self.name)
            .maybe_text("s3BucketName", self.s3_bucket_name.as_deref())
            .maybe_text("s3KeyPrefix", self.s3_key_prefix.as_deref())
            .maybe_text("snsTopicName", self.sns_topic_name.as_deref())
            .maybe_flag("includeGlobalServiceEvents", self.include_global_service_events)
            .maybe_flag("isMultiRegionTrail", self.is_multi_region_trail)
            .maybe_flag("enableLogFileValidation", self.enable_log_file_validation)
            .maybe_text(
                "cloudWatchLogsLogGroupArn",
                self.cloud_watch_logs_log_group_arn.as_deref(),
            )
            .maybe_text("cloudWatchLogsRoleArn", self.cloud_watch_logs_role_arn.as_deref())
            .maybe_text("kmsKeyId", self.kms_key_id.as_deref())
            .maybe_flag("isOrganizationTrail", self.is_organization_trail)
            .maybe_flag("recursiveLogging", self.recursive_logging)
            .maybe_objects("tagsList", self.tags_list.as_deref().map(TagShape::shown))
    }
}

impl Input {
    fn tags(&self) -> &[TagShape] {
        self.tags_list.as_deref().unwrap_or(&[])
    }

    /// Refuses by name what this server does not do yet.
    pub(super) fn refuse_unsupported(&self) -> Result<(), CloudTrailError> {
        if self.is_organization_trail == Some(true) {
            return Err(CloudTrailError::NotImplemented("IsOrganizationTrail"));
        }
        Ok(())
    }
}

/// A key prefix; the empty one is none.
pub(super) fn parse_prefix(text: &str) -> Result<Option<String>, CloudTrailError> {
    if text.chars().count() > PREFIX_LENGTH_MAX {
        return Err(CloudTrailError::InvalidS3Prefix);
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// A bucket name by shape; whether it exists is asked later.
pub(super) fn parse_bucket(text: &str) -> Result<String, CloudTrailError> {
    let shaped = (3..=63).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'));
    if shaped {
        Ok(text.to_owned())
    } else {
        Err(CloudTrailError::InvalidS3BucketName(text.to_owned()))
    }
}

/// A multi-Region trail must have the global events too.
pub(super) fn check_combination(trail: &Trail) -> Result<(), CloudTrailError> {
    if trail.multi_region && !trail.include_global {
        return Err(CloudTrailError::InvalidParameterCombination(
            "Multi-Region trail must include global service events.",
        ));
    }
    Ok(())
}

fn trail_of(ctx: &Ctx, input: &Input) -> Result<Trail, CloudTrailError> {
    let name = TrailName::parse(&input.name).map_err(CloudTrailError::InvalidTrailName)?;
    input.refuse_unsupported()?;
    let trail = Trail {
        id: ids::ordered_uuid(ctx.now(), ctx.random()),
        account: ctx.account,
        name: name.as_str().to_owned(),
        home: ctx.region.clone(),
        bucket: parse_bucket(input.s3_bucket_name.as_deref().unwrap_or(""))?,
        prefix: parse_prefix(input.s3_key_prefix.as_deref().unwrap_or(""))?,
        kms_key: None,
        include_global: input.include_global_service_events.unwrap_or(true),
        multi_region: input.is_multi_region_trail.unwrap_or(false),
        validation: input.enable_log_file_validation.unwrap_or(false),
        selectors: EventSelectors::standard(),
        recursive_logging: input.recursive_logging.unwrap_or(true),
        logging: false,
        started: None,
        stopped: None,
        stopped_by: None,
        generation: 0,
        tags: parse_tags(TagShape::typed(input.tags()))?,
        sns_topic: None,
        logs: None,
    };
    check_combination(&trail)?;
    Ok(trail)
}

/// In every Region where the trail will be seen its name must be free and fewer than five others be there. A trail for all
/// Regions casts its shadow into each.
pub(super) async fn check_room(ctx: &Ctx, view: &ReadView<'_>, trail: &Trail) -> Result<(), CloudTrailError> {
    let mut others = table::trails_of(view, ctx.account).await?;
    others.retain(|other| other.id != trail.id);
    for region in regions_of(trail, &ctx.settings().regions) {
        let here = || others.iter().filter(|other| other.is_in(&region));
        if here().any(|other| other.name == trail.name) {
            return Err(CloudTrailError::TrailAlreadyExists {
                name: trail.name.clone(),
                account: ctx.account,
            });
        }
        if here().count() >= TRAILS_PER_REGION_MAX {
            let account = ctx.account;
            return Err(CloudTrailError::MaximumNumberOfTrailsExceeded { account, region });
        }
    }
    Ok(())
}

impl Operation for CreateTrail {
    const NAME: &'static str = "CreateTrail";
    const SERVICE: ServiceName = ServiceName::CloudTrail;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    const MISSING: &'static str = "organization trails";
    type Input = Json<Input>;
    type Output = Json<TrailSettings>;
    type Error = CloudTrailError;

    async fn demands(ctx: &Ctx, _: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudTrailError> {
        let arn = base::arn::trail(&ctx.region, ctx.account, &input.name);
        let made = TagShape::on(Demand::on("cloudtrail:CreateTrail", arn.clone()), input.tags());
        let mut demands = vec![made];
        if !input.tags().is_empty() {
            demands.push(TagShape::on(Demand::on("cloudtrail:AddTags", arn), input.tags()));
        }
        demands.extend(logs::pass_role(input));
        Ok(Demands::All(demands))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudTrailError> {
        let mut trail = trail_of(ctx, input)?;
        check_room(ctx, &txn.view(), &trail).await?;
        check_resources(ctx, txn, &mut trail, input).await?;
        logs::check(ctx, txn, &mut trail, input).await?;
        store_trail(ctx, txn, &trail).await?;
        Ok(Json(TrailSettings::from(&trail)))
    }
}
