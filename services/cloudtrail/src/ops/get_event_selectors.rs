//! GetEventSelectors: what a trail selects.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetEventSelectors.html>

use super::{find, shapes::SelectedTrail};
use crate::{CloudTrailError, model::selector::EventSelector};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct GetEventSelectors;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    #[serde(rename = "TrailARN")]
    trail_arn: String,
    event_selectors: Vec<EventSelector>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for GetEventSelectors {
    const NAME: &'static str = "GetEventSelectors";
    const SERVICE: ServiceName = ServiceName::CloudTrail;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<SelectedTrail>;
    type Output = Json<Output>;
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
        let trail_arn = trail.arn().as_str().to_owned();
        Ok(Json(Output {
            trail_arn,
            event_selectors: trail.selectors,
        }))
    }
}
