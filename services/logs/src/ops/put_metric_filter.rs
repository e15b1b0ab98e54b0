//! PutMetricFilter: makes a filter, or puts another in the place of one. It is checked and kept; there are no metrics here.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutMetricFilter.html>

use super::shapes::NoOutput;
use crate::{
    LogsError,
    access::{self, Named, On},
    model::{
        metric_filter::{DIMENSIONS_MAX, FILTERS_MAX, MetricFilter, Transformation, UNITS},
        pattern::{PATTERN_CHARS_MAX, Pattern, PatternFault},
    },
    table,
    violations::Violations,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct PutMetricFilter;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Input {
    log_group_name: String,
    filter_name: String,
    filter_pattern: String,
    metric_transformations: Vec<MetricTransformation>,
    apply_on_transformed_logs: Option<bool>,
    field_selection_criteria: Option<String>,
    emit_system_field_dimensions: Option<Vec<String>>,
}

/// A transformation, as it is sent and shown.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MetricTransformation {
    metric_name: String,
    metric_namespace: String,
    metric_value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_value: Option<f64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    dimensions: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
}

impl From<Transformation> for MetricTransformation {
    fn from(stored: Transformation) -> MetricTransformation {
        MetricTransformation {
            metric_name: stored.metric_name,
            metric_namespace: stored.metric_namespace,
            metric_value: stored.metric_value,
            default_value: stored.default_value,
            dimensions: stored.dimensions,
            unit: stored.unit,
        }
    }
}

impl Evident for MetricTransformation {
    fn evident(&self) -> Params {
        let params = Params::new()
            .text("metricName", &self.metric_name)
            .text("metricNamespace", &self.metric_namespace)
            .text("metricValue", &self.metric_value)
            .maybe_number(
                "defaultValue",
                self.default_value.and_then(serde_json::Number::from_f64),
            );
        let params = match self.dimensions.is_empty() {
            true => params,
            false => params.pairs("dimensions", &self.dimensions),
        };
        params.maybe_text("unit", self.unit.as_deref())
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("logGroupName", &self.log_group_name)
            .text("filterName", &self.filter_name)
            .text("filterPattern", &self.filter_pattern)
            .objects(
                "metricTransformations",
                self.metric_transformations.iter().map(Evident::evident),
            )
            .maybe_flag("applyOnTransformedLogs", self.apply_on_transformed_logs)
            .maybe_text("fieldSelectionCriteria", self.field_selection_criteria.as_deref())
    }
}

/// A pattern of a metric filter.
pub(super) fn parse_pattern(text: &str) -> Result<Pattern, LogsError> {
    let mut violations = Violations::new();
    violations.length("filterPattern", text, 0..=PATTERN_CHARS_MAX);
    violations.finish()?;
    Pattern::parse(text).map_err(|fault| match fault {
        PatternFault::Invalid => LogsError::invalid("Invalid metric filter pattern"),
        PatternFault::Regex => LogsError::NotImplemented("A regular expression in a filter pattern"),
    })
}

impl MetricTransformation {
    fn check(&self, violations: &mut Violations) {
        let at = |name: &str| format!("metricTransformations.1.member.{name}");
        for (name, text) in [
            ("metricName", &self.metric_name),
            ("metricNamespace", &self.metric_namespace),
        ] {
            violations.length(&at(name), text, 1..=255);
            violations.pattern(&at(name), text, "[^:*$]*", !text.contains([':', '*', '$']));
        }
        violations.length(&at("metricValue"), &self.metric_value, 1..=100);
        violations.choice(&at("unit"), self.unit.as_deref(), UNITS);
        for (name, value) in &self.dimensions {
            violations.length(&at("dimensions"), name, 1..=255);
            violations.length(&at("dimensions"), value, 1..=255);
        }
    }

    /// What goes with the pattern, and with each other.
    fn check_meaning(&self, pattern: &Pattern) -> Result<(), LogsError> {
        let is_number = self.metric_value.parse::<f64>().is_ok_and(f64::is_finite);
        if !is_number && !pattern.names(&self.metric_value) {
            return Err(LogsError::invalid(
                "Invalid metric transformation: the metric value must be a number or a selector or field name of the filter pattern",
            ));
        }
        if self.dimensions.len() > DIMENSIONS_MAX {
            return Err(LogsError::invalid(
                "Invalid metric transformation: a metric can have at most 3 dimensions",
            ));
        }
        if !self.dimensions.is_empty() && self.default_value.is_some() {
            return Err(LogsError::invalid(
                "Invalid metric transformation: dimensions and default value are mutually exclusive properties.",
            ));
        }
        match self.dimensions.values().all(|value| pattern.names(value)) {
            true => Ok(()),
            false => Err(LogsError::invalid(
                "Invalid metric transformation: dimensions must be selectors or field names of the filter pattern",
            )),
        }
    }

    fn stored(&self) -> Transformation {
        Transformation {
            metric_name: self.metric_name.clone(),
            metric_namespace: self.metric_namespace.clone(),
            metric_value: self.metric_value.clone(),
            default_value: self.default_value,
            dimensions: self.dimensions.clone(),
            unit: self.unit.clone(),
        }
    }
}

impl Input {
    fn transformation(&self) -> Result<&MetricTransformation, LogsError> {
        let mut violations = Violations::new();
        violations.group("logGroupName", &self.log_group_name);
        violations.stream("filterName", &self.filter_name);
        violations.count_unseen("metricTransformations", self.metric_transformations.len(), 1..=1);
        self.metric_transformations
            .iter()
            .for_each(|given| given.check(&mut violations));
        violations.finish()?;
        if self.apply_on_transformed_logs == Some(true) {
            return Err(LogsError::NotImplemented("applyOnTransformedLogs"));
        }
        if self
            .field_selection_criteria
            .as_ref()
            .is_some_and(|text| !text.is_empty())
        {
            return Err(LogsError::NotImplemented("fieldSelectionCriteria"));
        }
        if self
            .emit_system_field_dimensions
            .as_ref()
            .is_some_and(|names| !names.is_empty())
        {
            return Err(LogsError::NotImplemented("emitSystemFieldDimensions"));
        }
        let given = self.metric_transformations.first();
        let given = given.ok_or_else(|| LogsError::invalid("Invalid metric transformation"))?;
        given.check_meaning(&parse_pattern(&self.filter_pattern)?)?;
        Ok(given)
    }
}

impl Operation for PutMetricFilter {
    const NAME: &'static str = "PutMetricFilter";
    const SERVICE: ServiceName = ServiceName::Logs;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    const MISSING: &'static str = "metrics: filters are checked and kept, and count nothing";
    type Input = Json<Input>;
    type Output = NoOutput;
    type Error = LogsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, LogsError> {
        access::check_group_name(&input.log_group_name)?;
        input.transformation()?;
        let named = Named::here(ctx, &input.log_group_name);
        Ok(named.demand(view, "logs:PutMetricFilter", On::Group).await?.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, LogsError> {
        let before = Named::here(ctx, &input.log_group_name).group(&txn.view()).await?;
        let known = table::filter(&txn.view(), &before.id, &input.filter_name).await?;
        let filter = MetricFilter {
            name: input.filter_name.clone(),
            pattern: input.filter_pattern.clone(),
            created: known.as_ref().map_or(ctx.now(), |known| known.created),
            transformation: input.transformation()?.stored(),
        };
        table::put_filter(txn, &before.id, &filter);
        if known.is_none() {
            if before.metric_filters >= FILTERS_MAX {
                return Err(LogsError::LimitExceeded);
            }
            let mut group = before.clone();
            group.metric_filters = before.metric_filters.saturating_add(1);
            table::put_group(txn, &group, Some(&before));
        }
        Ok(NoOutput)
    }
}
