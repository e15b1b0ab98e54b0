//! GetEventConfiguration: how a trail sums up data events. No trail here does, as PutEventConfiguration says.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetEventConfiguration.html>

use super::{find, get_insight_selectors::trail_named};
use crate::CloudTrailError;
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct GetEventConfiguration;

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

/// A trail's event configuration, which is none.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Configuration {
    #[serde(rename = "TrailARN")]
    pub(super) trail_arn: String,
    pub(super) aggregation_configurations: [(); 0],
}

impl Evident for Configuration {
    fn evident(&self) -> Params {
        Params::new().text("trailARN", &self.trail_arn)
    }
}

impl Operation for GetEventConfiguration {
    const NAME: &'static str = "GetEventConfiguration";
    const SERVICE: ServiceName = ServiceName::CloudTrail;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    const MISSING: &'static str = "aggregated events: no trail has them; event data stores";
    type Input = Json<Input>;
    type Output = Json<Configuration>;
    type Error = CloudTrailError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudTrailError> {
        let name = trail_named(input.trail_name.as_deref(), input.event_data_store.as_deref())?;
        find::demand_on(ctx, view, "cloudtrail:GetEventConfiguration", name).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudTrailError> {
        let name = trail_named(input.trail_name.as_deref(), input.event_data_store.as_deref())?;
        let trail = find::find_visible(ctx, &txn.view(), name).await?;
        Ok(Json(Configuration {
            trail_arn: trail.arn().as_str().to_owned(),
            aggregation_configurations: [],
        }))
    }
}
