//! DescribeTrails: settings of the trails of this Region, and of shadows of trails that cover all Regions.
//!
//! A name in the list matches home trails and shadow trails alike: that is how the seeds' roll-back reads one trail in 17
//! Regions, although the API reference says that names match trails of the Region alone.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DescribeTrails.html>

use super::{find, shapes::TrailDescription};
use crate::{CloudTrailError, model::name::TrailReference, model::trail::Trail, table};
use base::arn;
use gateway::{Ctx, Demand, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct DescribeTrails;

/// Members begin in lower case, as AWS has them here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Input {
    trail_name_list: Option<Vec<String>>,
    include_shadow_trails: Option<bool>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let names = self.trail_name_list.as_deref().unwrap_or(&[]);
        let params = match names {
            [] => Params::new(),
            names => Params::new().texts("trailNameList", names),
        };
        params.maybe_flag("includeShadowTrails", self.include_shadow_trails)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    trail_list: Vec<TrailDescription>,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for DescribeTrails {
    const NAME: &'static str = "DescribeTrails";
    const SERVICE: ServiceName = ServiceName::CloudTrail;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<Input>;
    type Output = Json<Output>;
    type Error = CloudTrailError;

    async fn demands(_: &Ctx, _: &ReadView<'_>, _: &Self::Input) -> Result<Demands, CloudTrailError> {
        Ok(Demand::on("cloudtrail:DescribeTrails", arn::any()).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudTrailError> {
        let shadows = input.include_shadow_trails.unwrap_or(true);
        let seen = |trail: &Trail| trail.home == ctx.region || (shadows && trail.is_in(&ctx.region));
        let names = input.trail_name_list.as_deref().unwrap_or(&[]);
        let mut trails: Vec<Trail> = Vec::new();
        if names.is_empty() {
            trails = table::trails_of(&txn.view(), ctx.account).await?;
            trails.retain(seen);
        }
        for name in names {
            let reference = TrailReference::parse(name)?;
            // An unknown name is left out, and a trail named twice is told once.
            let found = find::find(ctx, &txn.view(), &reference).await?.filter(seen);
            trails.extend(found.filter(|trail| !trails.iter().any(|told| told.id == trail.id)));
        }
        Ok(Json(Output {
            trail_list: trails.iter().map(TrailDescription::from).collect(),
        }))
    }
}
