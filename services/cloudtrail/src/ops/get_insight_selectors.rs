//! GetInsightSelectors: which Insights events a trail logs. No trail here does, as PutInsightSelectors says.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetInsightSelectors.html>

use super::find;
use crate::CloudTrailError;
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct GetInsightSelectors;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    trail_name: Option<String>,
    event_data_store: Option<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .maybe_text("trailName", self.trail_name.as_deref())
            .maybe_text("eventDataStore", self.event_data_store.as_deref())
    }
}

/// The trail that is meant, where an event data store could be meant too.
pub(super) fn trail_named<'a>(trail: Option<&'a str>, store: Option<&str>) -> Result<&'a str, CloudTrailError> {
    match (trail, store) {
        (Some(trail), None) => Ok(trail),
        (None, Some(_)) => Err(CloudTrailError::NotImplemented("EventDataStore")),
        _ => Err(CloudTrailError::InvalidParameterCombination(
            "Specify either a trail name or an event data store, but not both.",
        )),
    }
}

impl Operation for GetInsightSelectors {
    const NAME: &'static str = "GetInsightSelectors";
    const SERVICE: ServiceName = ServiceName::CloudTrail;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    const MISSING: &'static str = "Insights: no trail has them";
    type Input = Json<Input>;
    type Output = Json<super::shapes::Nothing>;
    type Error = CloudTrailError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudTrailError> {
        let name = trail_named(input.trail_name.as_deref(), input.event_data_store.as_deref())?;
        find::demand_on(ctx, view, "cloudtrail:GetInsightSelectors", name).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudTrailError> {
        let name = trail_named(input.trail_name.as_deref(), input.event_data_store.as_deref())?;
        let trail = find::find_visible(ctx, &txn.view(), name).await?;
        Err(CloudTrailError::InsightNotEnabled(trail.arn()))
    }
}
