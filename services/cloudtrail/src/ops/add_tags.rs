//! AddTags: gives a trail or a channel tags, or new values to those it has.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AddTags.html>

use super::{
    shapes::{Nothing, TagShape},
    tagged::{self, Tagged},
};
use crate::{
    CloudTrailError,
    model::tag::{add_tags, parse_tags},
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct AddTags;

/// What AddTags and RemoveTags are told.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tagging {
    pub(super) resource_id: String,
    pub(super) tags_list: Vec<TagShape>,
}

impl Evident for Tagging {
    fn evident(&self) -> Params {
        Params::new()
            .text("resourceId", &self.resource_id)
            .objects("tagsList", TagShape::shown(&self.tags_list))
    }
}

impl Operation for AddTags {
    const NAME: &'static str = "AddTags";
    const SERVICE: ServiceName = ServiceName::CloudTrail;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    const MISSING: &'static str = "event data stores, dashboards";
    type Input = Json<Tagging>;
    type Output = Json<Nothing>;
    type Error = CloudTrailError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudTrailError> {
        let demand = tagged::demand_on(ctx, view, "cloudtrail:AddTags", &input.resource_id).await?;
        Ok(TagShape::on(demand, &input.tags_list).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudTrailError> {
        let resource = Tagged::find(ctx, &txn.view(), &input.resource_id).await?;
        let tags = add_tags(resource.tags(), parse_tags(TagShape::typed(&input.tags_list))?)?;
        resource.put(ctx, txn, tags)?;
        Ok(Json(Nothing {}))
    }
}
