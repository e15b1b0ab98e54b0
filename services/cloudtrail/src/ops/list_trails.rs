//! ListTrails: ARN, name and home of the account's trails in all Regions, shadows once.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_ListTrails.html>

use crate::{CloudTrailError, table};
use base::arn;
use gateway::{Ctx, Demand, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct ListTrails;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    next_token: Option<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new().maybe_text("nextToken", self.next_token.as_deref())
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    trails: Vec<TrailInfo>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TrailInfo {
    #[serde(rename = "TrailARN")]
    trail_arn: String,
    name: String,
    home_region: String,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for ListTrails {
    const NAME: &'static str = "ListTrails";
    const SERVICE: ServiceName = ServiceName::CloudTrail;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<Input>;
    type Output = Json<Output>;
    type Error = CloudTrailError;

    async fn demands(_: &Ctx, _: &ReadView<'_>, _: &Self::Input) -> Result<Demands, CloudTrailError> {
        Ok(Demand::on("cloudtrail:ListTrails", arn::any()).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudTrailError> {
        // All trails of an account fit one page, so no token was ever given out.
        if input.next_token.as_ref().is_some_and(|token| !token.is_empty()) {
            return Err(CloudTrailError::InvalidNextToken);
        }
        let trails = table::trails_of(&txn.view(), ctx.account).await?;
        let info = trails.into_iter().map(|trail| TrailInfo {
            trail_arn: trail.arn().as_str().to_owned(),
            name: trail.name,
            home_region: trail.home.as_str().to_owned(),
        });
        Ok(Json(Output { trails: info.collect() }))
    }
}
