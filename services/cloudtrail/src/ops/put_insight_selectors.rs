//! PutInsightSelectors: an empty list, which turns Insights off, is taken; others are refused by name.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutInsightSelectors.html>

use super::{find, get_insight_selectors::trail_named};
use crate::CloudTrailError;
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct PutInsightSelectors;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    trail_name: Option<String>,
    insight_selectors: Vec<InsightSelector>,
    event_data_store: Option<String>,
    insights_destination: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InsightSelector {
    insight_type: Option<String>,
    event_categories: Option<Vec<String>>,
}

impl InsightSelector {
    fn is_known(&self) -> bool {
        let known_type = |kind: &str| matches!(kind, "ApiCallRateInsight" | "ApiErrorRateInsight");
        let known_category = |category: &String| matches!(category.as_str(), "Management" | "Data");
        self.insight_type.as_deref().is_some_and(known_type)
            && self.event_categories.iter().flatten().all(known_category)
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let selector = |one: &InsightSelector| {
            let params = Params::new().maybe_text("insightType", one.insight_type.as_deref());
            match &one.event_categories {
                Some(categories) => params.texts("eventCategories", categories),
                None => params,
            }
        };
        Params::new()
            .maybe_text("trailName", self.trail_name.as_deref())
            .maybe_text("eventDataStore", self.event_data_store.as_deref())
            .maybe_text("insightsDestination", self.insights_destination.as_deref())
            .objects("insightSelectors", self.insight_selectors.iter().map(selector))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    #[serde(rename = "TrailARN")]
    trail_arn: String,
    insight_selectors: [(); 0],
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new().text("trailARN", &self.trail_arn)
    }
}

impl Operation for PutInsightSelectors {
    const NAME: &'static str = "PutInsightSelectors";
    const SERVICE: ServiceName = ServiceName::CloudTrail;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    const MISSING: &'static str = "Insights: only the empty list, which turns them off";
    type Input = Json<Input>;
    type Output = Json<Output>;
    type Error = CloudTrailError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudTrailError> {
        let name = trail_named(input.trail_name.as_deref(), input.event_data_store.as_deref())?;
        find::demand_on(ctx, view, "cloudtrail:PutInsightSelectors", name).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudTrailError> {
        let name = trail_named(input.trail_name.as_deref(), input.event_data_store.as_deref())?;
        let trail = find::find_home(ctx, &txn.view(), name).await?;
        if let Some(wrong) = input.insight_selectors.iter().find(|one| !one.is_known()) {
            let kind = wrong.insight_type.as_deref().unwrap_or("");
            return Err(CloudTrailError::InvalidInsightSelectors(kind.to_owned()));
        }
        if !input.insight_selectors.is_empty() {
            return Err(CloudTrailError::NotImplemented("InsightSelectors"));
        }
        Ok(Json(Output {
            trail_arn: trail.arn().as_str().to_owned(),
            insight_selectors: [],
        }))
    }
}
