//! PutEventConfiguration: no aggregation is taken for a trail; others are refused by name.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutEventConfiguration.html>

use super::{find, get_event_configuration::Configuration, get_insight_selectors::trail_named};
use crate::CloudTrailError;
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct PutEventConfiguration;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    trail_name: Option<String>,
    event_data_store: Option<String>,
    max_event_size: Option<String>,
    context_key_selectors: Option<Vec<ContextKeySelector>>,
    aggregation_configurations: Option<Vec<AggregationConfiguration>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContextKeySelector {
    #[serde(rename = "Type")]
    kind: Option<String>,
    equals: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AggregationConfiguration {
    templates: Option<Vec<String>>,
    event_category: Option<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let context = |one: &ContextKeySelector| {
            Params::new()
                .maybe_text("type", one.kind.as_deref())
                .texts("equals", one.equals.as_deref().unwrap_or(&[]))
        };
        let aggregation = |one: &AggregationConfiguration| {
            Params::new()
                .texts("templates", one.templates.as_deref().unwrap_or(&[]))
                .maybe_text("eventCategory", one.event_category.as_deref())
        };
        let (contexts, aggregations) = (&self.context_key_selectors, &self.aggregation_configurations);
        Params::new()
            .maybe_text("trailName", self.trail_name.as_deref())
            .maybe_text("eventDataStore", self.event_data_store.as_deref())
            .maybe_text("maxEventSize", self.max_event_size.as_deref())
            .maybe_objects(
                "contextKeySelectors",
                contexts.as_deref().map(|all| all.iter().map(context)),
            )
            .maybe_objects(
                "aggregationConfigurations",
                aggregations.as_deref().map(|all| all.iter().map(aggregation)),
            )
    }
}

impl Operation for PutEventConfiguration {
    const NAME: &'static str = "PutEventConfiguration";
    const SERVICE: ServiceName = ServiceName::CloudTrail;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    const MISSING: &'static str = "aggregated events: only the empty list, which turns them off; event data stores";
    type Input = Json<Input>;
    type Output = Json<Configuration>;
    type Error = CloudTrailError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudTrailError> {
        let name = trail_named(input.trail_name.as_deref(), input.event_data_store.as_deref())?;
        find::demand_on(ctx, view, "cloudtrail:PutEventConfiguration", name).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudTrailError> {
        let name = trail_named(input.trail_name.as_deref(), input.event_data_store.as_deref())?;
        let trail = find::find_home(ctx, &txn.view(), name).await?;
        if input.max_event_size.is_some() || input.context_key_selectors.is_some() {
            return Err(CloudTrailError::InvalidParameterCombination(
                "MaxEventSize and ContextKeySelectors are for event data stores only.",
            ));
        }
        if input.aggregation_configurations.iter().flatten().next().is_some() {
            return Err(CloudTrailError::NotImplemented("AggregationConfigurations"));
        }
        Ok(Json(Configuration {
            trail_arn: trail.arn().as_str().to_owned(),
            aggregation_configurations: [],
        }))
    }
}
