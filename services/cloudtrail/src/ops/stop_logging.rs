//! StopLogging: from the next call on, nothing is selected. What was selected before is still delivered.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_StopLogging.html>

use super::{
    check::store_trail,
    find,
    shapes::{NamedTrail, Nothing},
};
use crate::CloudTrailError;
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct StopLogging;

impl Operation for StopLogging {
    const NAME: &'static str = "StopLogging";
    const SERVICE: ServiceName = ServiceName::CloudTrail;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<NamedTrail>;
    type Output = Json<Nothing>;
    type Error = CloudTrailError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudTrailError> {
        find::demand_on(ctx, view, "cloudtrail:StopLogging", &input.name).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudTrailError> {
        let mut trail = find::find_home(ctx, &txn.view(), &input.name).await?;
        if trail.logging {
            trail.logging = false;
            trail.stopped = Some(ctx.now());
            trail.stopped_by = Some(ctx.request_id.clone());
            store_trail(ctx, txn, &trail).await?;
        }
        Ok(Json(Nothing {}))
    }
}
