//! StartLogging: from the next call on, events are selected. Starting a started trail is no error.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_StartLogging.html>

use super::{
    check::store_trail,
    find,
    shapes::{NamedTrail, Nothing},
};
use crate::{
    CloudTrailError,
    table::{self, CursorRow},
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct StartLogging;

impl Operation for StartLogging {
    const NAME: &'static str = "StartLogging";
    const SERVICE: ServiceName = ServiceName::CloudTrail;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<NamedTrail>;
    type Output = Json<Nothing>;
    type Error = CloudTrailError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudTrailError> {
        find::demand_on(ctx, view, "cloudtrail:StartLogging", &input.name).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudTrailError> {
        let mut trail = find::find_home(ctx, &txn.view(), &input.name).await?;
        if !trail.logging {
            trail.logging = true;
            trail.started = Some(ctx.now());
            trail.stopped_by = None;
            trail.generation += 1;
            if table::cursor(&txn.view(), &trail.id).await?.is_none() {
                // Nothing before this call can have been selected: delivery starts looking here.
                let row = CursorRow {
                    through: txn.view().seq(),
                    ..CursorRow::default()
                };
                table::put_cursor(txn, &trail.id, &row);
            }
            store_trail(ctx, txn, &trail).await?;
        }
        Ok(Json(Nothing {}))
    }
}
