//! PutEventSelectors: replaces what a trail selects, from the next call on.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutEventSelectors.html>

use super::find;
use crate::{
    CloudTrailError,
    model::selector::{DataResource, EventSelector, ReadWriteType, parse_selectors},
    table,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct PutEventSelectors;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    trail_name: String,
    event_selectors: Option<Vec<Selector>>,
    advanced_event_selectors: Option<Vec<serde_json::Value>>,
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

fn shown(selector: &EventSelector) -> Params {
    let resources = selector.data_resources.iter().map(|resource| {
        Params::new()
            .text("type", &resource.resource_type)
            .texts("values", &resource.values)
    });
    Params::new()
        .text("readWriteType", format!("{:?}", selector.read_write_type))
        .flag("includeManagementEvents", selector.include_management_events)
        .objects("dataResources", resources)
        .texts(
            "excludeManagementEventSources",
            &selector.exclude_management_event_sources,
        )
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let selectors = self.event_selectors.as_deref().unwrap_or(&[]).iter();
        Params::new()
            .text("trailName", &self.trail_name)
            .objects("eventSelectors", selectors.map(|selector| shown(&selector.typed())))
    }
}

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
            .text("trailARN", &self.trail_arn)
            .objects("eventSelectors", self.event_selectors.iter().map(shown))
    }
}

impl Operation for PutEventSelectors {
    const NAME: &'static str = "PutEventSelectors";
    const SERVICE: ServiceName = ServiceName::CloudTrail;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<Input>;
    type Output = Json<Output>;
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
        if input
            .advanced_event_selectors
            .as_ref()
            .is_some_and(|selectors| !selectors.is_empty())
        {
            return Err(CloudTrailError::NotImplemented("AdvancedEventSelectors"));
        }
        let selectors = input
            .event_selectors
            .as_deref()
            .unwrap_or(&[])
            .iter()
            .map(Selector::typed)
            .collect();
        trail.selectors =
            parse_selectors(selectors).map_err(|fault| CloudTrailError::InvalidEventSelectors(fault.0))?;
        table::put_trail(txn, &trail, ctx.random());
        let trail_arn = trail.arn().as_str().to_owned();
        Ok(Json(Output {
            trail_arn,
            event_selectors: trail.selectors,
        }))
    }
}
