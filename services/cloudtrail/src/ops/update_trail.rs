//! UpdateTrail: changes what is given, leaves what is not, and repeats every check.
//!
//! An empty `KmsKeyId` ends encryption under a key; files are SSE-S3 from then on.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_UpdateTrail.html>

use super::{
    check::{check_resources, store_trail},
    create_trail::{Input, check_combination, check_room, parse_bucket, parse_prefix},
    find, logs,
    shapes::TrailSettings,
};
use crate::{CloudTrailError, model::trail::Trail};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct UpdateTrail;

fn change(trail: &mut Trail, input: &Input) -> Result<(), CloudTrailError> {
    input.refuse_unsupported()?;
    if let Some(bucket) = &input.s3_bucket_name {
        trail.bucket = parse_bucket(bucket)?;
    }
    if let Some(prefix) = &input.s3_key_prefix {
        trail.prefix = parse_prefix(prefix)?;
    }
    trail.include_global = input.include_global_service_events.unwrap_or(trail.include_global);
    trail.multi_region = input.is_multi_region_trail.unwrap_or(trail.multi_region);
    trail.validation = input.enable_log_file_validation.unwrap_or(trail.validation);
    trail.recursive_logging = input.recursive_logging.unwrap_or(trail.recursive_logging);
    check_combination(trail)
}

impl Operation for UpdateTrail {
    const NAME: &'static str = "UpdateTrail";
    const SERVICE: ServiceName = ServiceName::CloudTrail;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    const MISSING: &'static str = "organization trails";
    type Input = Json<Input>;
    type Output = Json<TrailSettings>;
    type Error = CloudTrailError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudTrailError> {
        let mut demands = vec![find::demand(ctx, view, "cloudtrail:UpdateTrail", &input.name).await?];
        demands.extend(logs::pass_role(input));
        Ok(Demands::All(demands))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudTrailError> {
        let mut trail = find::find_home(ctx, &txn.view(), &input.name).await?;
        let was_everywhere = trail.multi_region;
        change(&mut trail, input)?;
        if trail.multi_region && !was_everywhere {
            check_room(ctx, &txn.view(), &trail).await?;
        }
        check_resources(ctx, txn, &mut trail, input).await?;
        logs::check(ctx, txn, &mut trail, input).await?;
        store_trail(ctx, txn, &trail).await?;
        Ok(Json(TrailSettings::from(&trail)))
    }
}
