//! PutEventSelectors: replaces what a trail selects, from the next call on.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutEventSelectors.html>

use super::{
    find,
    shapes::{AdvancedShape, TrailSelectors, shown},
};
use crate::{
    CloudTrailError,
    model::{
        advanced::{AdvancedEventSelector, parse_advanced},
        selector::{DataResource, EventSelector, EventSelectors, InvalidSelectors, ReadWriteType, parse_selectors},
    },
    table,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct PutEventSelectors;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    trail_name: String,
    event_selectors: Option<Vec<Selector>>,
    advanced_event_selectors: Option<Vec<AdvancedShape>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Selector {
    read_write_type: Option<ReadWriteType>,
    include_management_events: Option<bool>,
    data_resources: Option<Vec<Resource>>,
    exclude_management_event_sources: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Resource {
    #[serde(rename = "Type")]
    resource_type: Option<String>,
    values: Option<Vec<String>>,
}

impl Selector {
    fn typed(&self) -> EventSelector {
        let resources = self.data_resources.as_deref().unwrap_or(&[]).iter();
        EventSelector {
            read_write_type: self.read_write_type.unwrap_or(ReadWriteType::All),
            include_management_events: self.include_management_events.unwrap_or(true),
            data_resources: resources
                .map(|resource| DataResource {
                    resource_type: resource.resource_type.clone().unwrap_or_default(),
                    values: resource.values.clone().unwrap_or_default(),
                })
                .collect(),
            exclude_management_event_sources: self.exclude_management_event_sources.clone().unwrap_or_default(),
        }
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let params = Params::new().text("trailName", &self.trail_name);
        let params = match &self.event_selectors {
            Some(selectors) => params.objects("eventSelectors", selectors.iter().map(|one| shown(&one.typed()))),
            None => params,
        };
        match &self.advanced_event_selectors {
            Some(selectors) => params.objects("advancedEventSelectors", selectors.iter().map(AdvancedShape::shown)),
            None => params,
        }
    }
}

impl Input {
    /// The selectors of the one kind that is given.
    fn selectors(&self) -> Result<EventSelectors, InvalidSelectors> {
        let basic = self.event_selectors.as_deref().unwrap_or(&[]);
        let advanced = self.advanced_event_selectors.as_deref().unwrap_or(&[]);
        match (basic, advanced) {
            ([_, ..], [_, ..]) => Err(InvalidSelectors(
                "You can use either AdvancedEventSelectors or EventSelectors, but not both.".to_owned(),
            )),
            ([], [_, ..]) => parse_advanced(advanced.iter().cloned().map(AdvancedEventSelector::from).collect())
                .map(EventSelectors::Advanced),
            (basic, []) => parse_selectors(basic.iter().map(Selector::typed).collect()).map(EventSelectors::Basic),
        }
    }
}

impl Operation for PutEventSelectors {
    const NAME: &'static str = "PutEventSelectors";
    const SERVICE: ServiceName = ServiceName::CloudTrail;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<Input>;
    type Output = Json<TrailSelectors>;
    type Error = CloudTrailError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudTrailError> {
        find::demand_on(ctx, view, "cloudtrail:PutEventSelectors", &input.trail_name).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudTrailError> {
        let mut trail = find::find_home(ctx, &txn.view(), &input.trail_name).await?;
        trail.selectors = input
            .selectors()
            .map_err(|fault| CloudTrailError::InvalidEventSelectors(fault.0))?;
        table::put_trail(txn, &trail, ctx.random());
        Ok(Json(TrailSelectors::from(trail)))
    }
}
