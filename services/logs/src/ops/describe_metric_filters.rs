//! DescribeMetricFilters: of a group, or all that feed a metric.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeMetricFilters.html>

use super::put_metric_filter::MetricTransformation;
use crate::{
    LogsError,
    access::{Named, On},
    model::{metric_filter::MetricFilter, token},
    table::{self, ROWS_AT_ONCE},
    violations::Violations,
};
use gateway::{Ctx, Demand, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

const LIMIT_MAX: i64 = 50;

/// The operation.
pub(super) struct DescribeMetricFilters;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Input {
    log_group_name: Option<String>,
    filter_name_prefix: Option<String>,
    next_token: Option<String>,
    limit: Option<i64>,
    metric_name: Option<String>,
    metric_namespace: Option<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .maybe_text("logGroupName", self.log_group_name.as_deref())
            .maybe_text("filterNamePrefix", self.filter_name_prefix.as_deref())
            .maybe_text("nextToken", self.next_token.as_deref())
            .maybe_number("limit", self.limit)
            .maybe_text("metricName", self.metric_name.as_deref())
            .maybe_text("metricNamespace", self.metric_namespace.as_deref())
    }
}

impl Input {
    fn check(&self) -> Result<(), LogsError> {
        let mut violations = Violations::new();
        if let Some(name) = &self.log_group_name {
            violations.group("logGroupName", name);
        }
        if let Some(prefix) = &self.filter_name_prefix {
            violations.stream("filterNamePrefix", prefix);
        }
        for (at, text) in [
            ("metricName", &self.metric_name),
            ("metricNamespace", &self.metric_namespace),
        ] {
            if let Some(text) = text {
                violations.length(at, text, 0..=255);
                violations.pattern(at, text, "[^:*$]*", !text.contains([':', '*', '$']));
            }
        }
        violations.range("limit", self.limit, 1..=LIMIT_MAX);
        violations.finish()?;
        if self.metric_name.is_some() != self.metric_namespace.is_some() {
            return Err(LogsError::invalid(
                "Both metricName and metricNamespace must be specified, or neither.",
            ));
        }
        Ok(())
    }

    fn means(&self, filter: &MetricFilter) -> bool {
        let metric = &filter.transformation;
        let is_named = |asked: &Option<String>, name: &str| asked.as_deref().is_none_or(|asked| asked == name);
        let prefix = self.filter_name_prefix.as_deref().unwrap_or("");
        filter.name.starts_with(prefix)
            && is_named(&self.metric_name, &metric.metric_name)
            && is_named(&self.metric_namespace, &metric.metric_namespace)
    }

    /// What a token of this call belongs to.
    fn checksum(&self, ctx: &Ctx) -> u64 {
        let part = |text: &Option<String>| text.clone().unwrap_or_default().into_bytes();
        let parts = [
            b"filters".to_vec(),
            ctx.account.as_str().as_bytes().to_vec(),
            ctx.region.as_str().as_bytes().to_vec(),
            part(&self.log_group_name),
            part(&self.filter_name_prefix),
            part(&self.metric_name),
            part(&self.metric_namespace),
        ];
        token::checksum(parts.iter().map(Vec::as_slice))
    }

    /// Filters after a group's name and a filter's, by group and name; at least one more than `limit` if there are.
    async fn found(
        &self,
        ctx: &Ctx,
        view: &ReadView<'_>,
        after: Option<(&str, &str)>,
        limit: usize,
    ) -> Result<Vec<(String, MetricFilter)>, LogsError> {
        let mut found = Vec::new();
        let mut groups = match &self.log_group_name {
            Some(name) => vec![Named::here(ctx, name).group(view).await?],
            None => Vec::new(),
        };
        let mut last: Option<String> = None;
        loop {
            if self.log_group_name.is_none() {
                groups = table::groups(view, ctx.account, &ctx.region, "", last.as_deref()).await?;
            }
            for group in &groups {
                if group.metric_filters == 0 || after.is_some_and(|(name, _)| group.name.as_str() < name) {
                    continue;
                }
                let begin = after.filter(|(name, _)| *name == group.name).map(|(_, filter)| filter);
                let filters = table::filters(view, &group.id, "", begin).await?;
                let meant = filters.into_iter().filter(|filter| self.means(filter));
                found.extend(meant.map(|filter| (group.name.clone(), filter)));
            }
            last = groups.last().map(|group| group.name.clone());
            if self.log_group_name.is_some() || groups.len() < ROWS_AT_ONCE || found.len() > limit {
                return Ok(found);
            }
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    metric_filters: Vec<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    filter_name: String,
    filter_pattern: String,
    metric_transformations: [MetricTransformation; 1],
    creation_time: i64,
    log_group_name: String,
    apply_on_transformed_logs: bool,
}

impl Shown {
    fn of((log_group_name, filter): (String, MetricFilter)) -> Shown {
        Shown {
            filter_name: filter.name,
            filter_pattern: filter.pattern,
            metric_transformations: [filter.transformation.into()],
            creation_time: filter.created.as_millis(),
            log_group_name,
            apply_on_transformed_logs: false,
        }
    }
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for DescribeMetricFilters {
    const NAME: &'static str = "DescribeMetricFilters";
    const SERVICE: ServiceName = ServiceName::Logs;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<Input>;
    type Output = Json<Output>;
    type Error = LogsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, LogsError> {
        input.check()?;
        let action = "logs:DescribeMetricFilters";
        match &input.log_group_name {
            Some(name) => Ok(Named::here(ctx, name).demand(view, action, On::Group).await?.into()),
            None => {
                let all = base::arn::log_stream(&ctx.region, ctx.account, "", "");
                Ok(Demand::on(action, all).into())
            }
        }
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, LogsError> {
        let checksum = input.checksum(ctx);
        let parse = |text: &String| token::parse_after_name(checksum, text).ok_or_else(LogsError::bad_token);
        let mark = input.next_token.as_ref().map(parse).transpose()?;
        let after = mark.as_deref().map(|mark| mark.split_once(':').unwrap_or((mark, "")));
        let limit = usize::try_from(input.limit.unwrap_or(LIMIT_MAX)).unwrap_or(0);
        let mut found = input.found(ctx, &txn.view(), after, limit).await?;
        let has_more = found.len() > limit;
        found.truncate(limit);
        // Neither name has a colon.
        let last = found.last().filter(|_| has_more);
        let next_token = last.map(|(group, filter)| token::after_name(checksum, &format!("{group}:{}", filter.name)));
        Ok(Json(Output {
            metric_filters: found.into_iter().map(Shown::of).collect(),
            next_token,
        }))
    }
}
