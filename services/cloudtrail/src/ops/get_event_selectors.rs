//! GetEventSelectors: what a trail selects.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetEventSelectors.html>

use super::{
    find,
    shapes::{SelectedTrail, TrailSelectors},
};
use crate::CloudTrailError;
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct GetEventSelectors;

impl Operation for GetEventSelectors {
    const NAME: &'static str = "GetEventSelectors";
    const SERVICE: ServiceName = ServiceName::CloudTrail;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<SelectedTrail>;
    type Output = Json<TrailSelectors>;
    type Error = CloudTrailError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudTrailError> {
        find::demand_on(ctx, view, "cloudtrail:GetEventSelectors", &input.trail_name).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudTrailError> {
        let trail = find::find_visible(ctx, &txn.view(), &input.trail_name).await?;
        Ok(Json(TrailSelectors::from(trail)))
    }
}
