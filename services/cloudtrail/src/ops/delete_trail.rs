//! DeleteTrail: the trail goes; bucket, files and what was selected but not yet delivered stay.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DeleteTrail.html>

use super::{
    find,
    shapes::{NamedTrail, Nothing},
};
use crate::{CloudTrailError, table, work::chains};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct DeleteTrail;

impl Operation for DeleteTrail {
    const NAME: &'static str = "DeleteTrail";
    const SERVICE: ServiceName = ServiceName::CloudTrail;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<NamedTrail>;
    type Output = Json<Nothing>;
    type Error = CloudTrailError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudTrailError> {
        find::demand_on(ctx, view, "cloudtrail:DeleteTrail", &input.name).await
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
        }
        chains::align(txn, &trail, &ctx.settings().regions, ctx.now()).await?;
        table::delete_trail(txn, &trail, ctx.random());
        Ok(Json(Nothing {}))
    }
}
