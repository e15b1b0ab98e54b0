//! Log groups, what counts their events, the alarms on those counts, and topics.

use super::{
    LogGroup, Topic,
    ask::{self, Asker, Page, absent, together, when},
};
use crate::{
    aws::Service,
    survey::{Alarm, Fact, LogGroupSettings, MetricFilter, Missing, Subscription, TopicSettings},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use wire::ServiceName::{Logs, Sns};

const TOKENS: (&str, &str) = ("nextToken", "nextToken");

/// These log groups, by their ARNs without `:*`.
pub(super) async fn groups(asker: &Asker, arns: BTreeSet<String>, full: bool) -> Vec<LogGroup> {
    together(arns.into_iter().map(|arn| {
        let parts = base::arn::split(&arn);
        let region = parts.map_or_else(|| asker.region().to_owned(), |parts| parts.region.to_owned());
        let resource = parts.map_or("", |parts| parts.resource);
        let name = resource.strip_prefix("log-group:").unwrap_or(resource).to_owned();
        let asker = asker.in_region(&region);
        async move {
            let (settings, metric_filters) = tokio::join!(
                when(full, "logs:DescribeLogGroups", group(&asker, &name)),
                when(full, "logs:DescribeMetricFilters", filters(&asker, &name)),
            );
            LogGroup {
                arn,
                name,
                region,
                settings,
                metric_filters,
            }
        }
    }))
    .await
}

async fn group(asker: &Asker, name: &str) -> Result<Option<LogGroupSettings>, Missing> {
    let input = json!({ "logGroupNamePrefix": name });
    let found = asker
        .json_list(Logs, "DescribeLogGroups", &input, "logGroups", TOKENS)
        .await?;
    let found = found.iter().find(|found| found["logGroupName"] == *name);
    Ok(found.map(|found| LogGroupSettings {
        retention_days: ask::number(&found["retentionInDays"]),
        kms_key: ask::text(&found["kmsKeyId"]),
    }))
}

async fn filters(asker: &Asker, name: &str) -> Result<Vec<MetricFilter>, Missing> {
    let input = json!({ "logGroupName": name });
    let found = asker
        .json_list(Logs, "DescribeMetricFilters", &input, "metricFilters", TOKENS)
        .await?;
    let metric = |metric: &Value| {
        Some((
            ask::text(&metric["metricNamespace"])?,
            ask::text(&metric["metricName"])?,
        ))
    };
    let filter = |found: &Value| {
        let metrics = found["metricTransformations"].as_array().into_iter().flatten();
        MetricFilter {
            name: ask::text(&found["filterName"]).unwrap_or_default(),
            pattern: ask::text(&found["filterPattern"]).unwrap_or_default(),
            metrics: metrics.filter_map(metric).collect(),
        }
    };
    Ok(found.iter().map(filter).collect())
}

#[derive(Default, Deserialize)]
struct Members<T> {
    #[serde(default = "Vec::new")]
    member: Vec<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Alarms {
    #[serde(default)]
    metric_alarms: Option<Members<AlarmXml>>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AlarmXml {
    alarm_name: String,
    #[serde(default)]
    actions_enabled: bool,
    alarm_actions: Option<Members<String>>,
    namespace: Option<String>,
    metric_name: Option<String>,
    metrics: Option<Members<MetricQuery>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MetricQuery {
    metric_stat: Option<MetricStat>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MetricStat {
    metric: Metric,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    metric_name: String,
}

impl AlarmXml {
    /// One for each metric that it looks at.
    fn known(self) -> Vec<Alarm> {
        let own = self.metric_name.map(|name| (self.namespace.unwrap_or_default(), name));
        let queries = self.metrics.map_or_else(Vec::new, |metrics| metrics.member);
        let of_queries = queries
            .into_iter()
            .filter_map(|query| query.metric_stat)
            .map(|stat| (stat.metric.namespace, stat.metric.metric_name));
        let actions = self.alarm_actions.map_or_else(Vec::new, |actions| actions.member);
        own.into_iter()
            .chain(of_queries)
            .map(|(namespace, metric)| Alarm {
                name: self.alarm_name.clone(),
                namespace,
                metric,
                actions_enabled: self.actions_enabled,
                actions: actions.clone(),
            })
            .collect()
    }
}

/// The alarms of these Regions.
pub(super) async fn alarms(asker: &Asker, regions: BTreeSet<String>) -> Vec<(String, Fact<Vec<Alarm>>)> {
    together(regions.into_iter().map(|region| {
        let asker = asker.in_region(&region);
        async move {
            let page = |page: Alarms| Page {
                items: page.metric_alarms.map_or_else(Vec::new, |alarms| alarms.member),
                next: page.next_token,
            };
            let input = [("MaxRecords", "100")];
            let found = asker
                .query_list(Service::CLOUDWATCH, "DescribeAlarms", &input, "NextToken", page)
                .await;
            let alarms = found.map(|found| found.into_iter().flat_map(AlarmXml::known).collect());
            (region, alarms.into())
        }
    }))
    .await
}

/// These topics.
pub(super) async fn topics(asker: &Asker, arns: BTreeSet<String>, full: bool) -> Vec<Topic> {
    together(arns.into_iter().map(|arn| {
        let region = base::arn::split(&arn).map_or("", |parts| parts.region).to_owned();
        let asker = asker.in_region(&region);
        async move {
            let (settings, subscriptions) = tokio::join!(
                when(full, "sns:GetTopicAttributes", topic(&asker, &arn)),
                when(full, "sns:ListSubscriptionsByTopic", subscriptions(&asker, &arn)),
            );
            Topic {
                arn,
                region,
                settings,
                subscriptions,
            }
        }
    }))
    .await
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes {
    attributes: Entries,
}

#[derive(Deserialize)]
struct Entries {
    #[serde(default)]
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    key: String,
    #[serde(default)]
    value: String,
}

async fn topic(asker: &Asker, arn: &str) -> Result<Option<TopicSettings>, Missing> {
    let input = [("TopicArn", arn)];
    let found = asker.query::<Attributes>(Sns, "GetTopicAttributes", &input).await;
    let Some(found) = absent(found, &["NotFound", "NotFoundException"])? else {
        return Ok(None);
    };
    let value = |key: &str| {
        let entry = found.attributes.entry.iter().find(|entry| entry.key == key);
        entry
            .map(|entry| entry.value.as_str())
            .filter(|value| !value.is_empty())
    };
    let policy = value("Policy").map(serde_json::from_str).transpose();
    let policy = policy.map_err(|fault| {
        let odd = crate::aws::Error::Unreadable {
            operation: "GetTopicAttributes".to_owned(),
            reason: fault.to_string(),
        };
        Missing::of("sns:GetTopicAttributes", asker.region(), &odd)
    })?;
    Ok(Some(TopicSettings {
        policy,
        kms_key: value("KmsMasterKeyId").map(str::to_owned),
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Subscriptions {
    #[serde(default)]
    subscriptions: Option<Members<SubscriptionXml>>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SubscriptionXml {
    #[serde(default)]
    subscription_arn: String,
    #[serde(default)]
    protocol: String,
    #[serde(default)]
    endpoint: String,
}

async fn subscriptions(asker: &Asker, arn: &str) -> Result<Vec<Subscription>, Missing> {
    let page = |page: Subscriptions| Page {
        items: page.subscriptions.map_or_else(Vec::new, |found| found.member),
        next: page.next_token,
    };
    let input = [("TopicArn", arn)];
    let found = asker
        .query_list(Sns, "ListSubscriptionsByTopic", &input, "NextToken", page)
        .await?;
    let known = |found: SubscriptionXml| Subscription {
        arn: found.subscription_arn,
        protocol: found.protocol,
        endpoint: found.endpoint,
    };
    Ok(found.into_iter().map(known).collect())
}
