//! RemoveTags: takes tags from a trail or a channel, by their keys; a value that is given says nothing.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_RemoveTags.html>

use super::{
    add_tags::Tagging,
    shapes::{Nothing, TagShape},
    tagged::{self, Tagged},
};
use crate::{CloudTrailError, model::tag::parse_key};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct RemoveTags;

impl Operation for RemoveTags {
    const NAME: &'static str = "RemoveTags";
    const SERVICE: ServiceName = ServiceName::CloudTrail;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    const MISSING: &'static str = "event data stores, dashboards";
    type Input = Json<Tagging>;
    type Output = Json<Nothing>;
    type Error = CloudTrailError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudTrailError> {
        let demand = tagged::demand_on(ctx, view, "cloudtrail:RemoveTags", &input.resource_id).await?;
        let keys: Vec<String> = input.tags_list.iter().map(|tag| tag.key().to_owned()).collect();
        Ok(match keys.is_empty() {
            true => demand.into(),
            false => demand.with_all("aws:TagKeys", keys).into(),
        })
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudTrailError> {
        let resource = Tagged::find(ctx, &txn.view(), &input.resource_id).await?;
        let keys = || input.tags_list.iter().map(TagShape::key);
        keys().try_for_each(parse_key)?;
        let mut tags = resource.tags().to_vec();
        tags.retain(|(key, _)| !keys().any(|gone| gone == key));
        resource.put(ctx, txn, tags)?;
        Ok(Json(Nothing {}))
    }
}
