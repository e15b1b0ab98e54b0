//! Trails: what each Region sees, and what their home Regions say of them.

use super::{
    Trail,
    ask::{self, Asker, together},
};
use crate::{
    aws::Error,
    survey::{Fact, Missing, Selectors, Status},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wire::ServiceName::CloudTrail;

/// ListTags takes so many ARNs.
const TAGGED_MAX: usize = 20;

/// The trails that one Region sees.
pub(super) struct Seen {
    pub(super) region: String,
    pub(super) trails: Fact<Vec<Found>>,
}

/// A trail as DescribeTrails has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Found {
    pub(super) name: String,
    #[serde(rename = "TrailARN")]
    pub(super) arn: String,
    pub(super) home_region: String,
    #[serde(rename = "S3BucketName", default)]
    pub(super) bucket: String,
    #[serde(rename = "S3KeyPrefix", default)]
    prefix: Option<String>,
    #[serde(rename = "SnsTopicARN", default)]
    pub(super) topic: Option<String>,
    #[serde(rename = "IncludeGlobalServiceEvents", default)]
    global_events: bool,
    #[serde(rename = "IsMultiRegionTrail", default)]
    multi_region: bool,
    #[serde(rename = "LogFileValidationEnabled", default)]
    validation: bool,
    #[serde(rename = "CloudWatchLogsLogGroupArn", default)]
    pub(super) log_group: Option<String>,
    #[serde(rename = "CloudWatchLogsRoleArn", default)]
    log_role: Option<String>,
    #[serde(rename = "KmsKeyId", default)]
    pub(super) kms_key: Option<String>,
    #[serde(rename = "IsOrganizationTrail", default)]
    organization: bool,
    #[serde(default)]
    has_insight_selectors: Option<bool>,
    /// The Regions that have named it.
    #[serde(skip)]
    seen_in: Vec<String>,
}

/// What the Region sees, shadow trails too.
pub(super) async fn seen(asker: &Asker) -> Result<Vec<Found>, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Trails {
        trail_list: Vec<Found>,
    }
    let input = json!({ "includeShadowTrails": true });
    let answer: Trails = asker
        .turn(asker.client().ask(CloudTrail, "DescribeTrails", &input))
        .await?;
    Ok(answer.trail_list)
}

/// Each trail once, by home Region and name. `wanted` are names and ARNs.
pub(super) fn merged(seen: &[Seen], wanted: Option<&[String]>) -> Vec<Found> {
    let mut by_arn: BTreeMap<&str, Found> = BTreeMap::new();
    for Seen { region, trails } in seen {
        for found in trails.known().into_iter().flatten() {
            let is_wanted = |wanted: &[String]| wanted.iter().any(|name| [&found.name, &found.arn].contains(&name));
            if !wanted.is_none_or(is_wanted) {
                continue;
            }
            let trail = by_arn.entry(&found.arn).or_insert_with(|| found.clone());
            let seen_in = std::mem::take(&mut trail.seen_in);
            // Its home knows it best; shadows may lag behind.
            if found.home_region == *region {
                *trail = found.clone();
            }
            trail.seen_in = seen_in;
            trail.seen_in.push(region.clone());
        }
    }
    let mut trails: Vec<Found> = by_arn.into_values().collect();
    trails.sort_by(|a, b| (&a.home_region, &a.name, &a.arn).cmp(&(&b.home_region, &b.name, &b.arn)));
    trails
}

/// The trails with what their home Regions say.
pub(super) async fn trails(asker: &Asker, found: Vec<Found>, full: bool) -> Vec<Trail> {
    let tags = tags(asker, &found, full);
    let trails = together(found.iter().cloned().map(|found| {
        let asker = asker.in_region(&found.home_region);
        async move { trail(&asker, found, full).await }
    }));
    let (mut trails, tags) = tokio::join!(trails, tags);
    for (trail, tags) in trails.iter_mut().zip(tags) {
        trail.tags = tags;
    }
    trails
}

async fn trail(asker: &Asker, found: Found, full: bool) -> Trail {
    let of_name = json!({ "Name": found.arn });
    let of_trail = json!({ "TrailName": found.arn });
    let (status, selectors, insights) = tokio::join!(
        asker.json(CloudTrail, "GetTrailStatus", &of_name),
        ask::when(
            full,
            "cloudtrail:GetEventSelectors",
            asker.json(CloudTrail, "GetEventSelectors", &of_trail)
        ),
        ask::when(full, "cloudtrail:GetInsightSelectors", insights(asker, &found)),
    );
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    Trail {
        name: found.name,
        arn: found.arn,
        home_region: found.home_region,
        multi_region: found.multi_region,
        organization: found.organization,
        global_events: found.global_events,
        bucket: found.bucket,
        prefix: found.prefix.unwrap_or_default(),
        kms_key: some(found.kms_key),
        validation: found.validation,
        log_group: some(found.log_group),
        log_role: some(found.log_role),
        topic: some(found.topic),
        seen_in: found.seen_in,
        status: status.and_then(|answer| status_of(asker, &answer)).into(),
        selectors: selectors.ok().and_then(|answer| selectors_of(asker, answer)).into(),
        insights,
        tags: Fact::NotAvailable(Missing::not_asked("cloudtrail:ListTags")),
    }
}

fn status_of(asker: &Asker, answer: &Value) -> Result<Status, Missing> {
    let Some(is_logging) = answer["IsLogging"].as_bool() else {
        return Err(unreadable(asker, "GetTrailStatus", "it does not say IsLogging"));
    };
    let (time, text) = (
        |name: &str| ask::time(&answer[name]),
        |name: &str| ask::text(&answer[name]),
    );
    Ok(Status {
        is_logging,
        latest_delivery_time: time("LatestDeliveryTime"),
        latest_delivery_error: text("LatestDeliveryError"),
        latest_digest_delivery_time: time("LatestDigestDeliveryTime"),
        latest_digest_delivery_error: text("LatestDigestDeliveryError"),
        latest_cloud_watch_logs_delivery_time: time("LatestCloudWatchLogsDeliveryTime"),
        latest_cloud_watch_logs_delivery_error: text("LatestCloudWatchLogsDeliveryError"),
        latest_notification_time: time("LatestNotificationTime"),
        latest_notification_error: text("LatestNotificationError"),
        start_logging_time: time("StartLoggingTime"),
        stop_logging_time: time("StopLoggingTime"),
    })
}

fn selectors_of(asker: &Asker, answer: Value) -> Result<Selectors, Missing> {
    Ok(Selectors {
        basic: list(asker, &answer["EventSelectors"])?,
        advanced: list(asker, &answer["AdvancedEventSelectors"])?,
        raw: answer,
    })
}

fn list<T: DeserializeOwned>(asker: &Asker, value: &Value) -> Result<Vec<T>, Missing> {
    let items = value.as_array().into_iter().flatten();
    let items: Result<Vec<T>, _> = items.map(|item| serde_json::from_value(item.clone())).collect();
    items.map_err(|fault| unreadable(asker, "GetEventSelectors", &fault.to_string()))
}

fn unreadable(asker: &Asker, operation: &str, reason: &str) -> Missing {
    let odd = Error::Unreadable {
        operation: operation.to_owned(),
        reason: reason.to_owned(),
    };
    Missing::of(&format!("cloudtrail:{operation}"), asker.region(), &odd)
}

async fn insights(asker: &Asker, found: &Found) -> Result<Vec<String>, Missing> {
    if found.has_insight_selectors == Some(false) {
        return Ok(Vec::new());
    }
    let input = json!({ "TrailName": found.arn });
    let none = ["InsightNotEnabledException"];
    let answer = asker
        .json_or_none(CloudTrail, "GetInsightSelectors", &input, &none)
        .await?;
    let answer = answer.unwrap_or_default();
    let selectors = answer["InsightSelectors"].as_array().into_iter().flatten();
    Ok(selectors
        .filter_map(|selector| ask::text(&selector["InsightType"]))
        .collect())
}

/// The tags of each trail. Trails of one home and account are asked for together.
async fn tags(asker: &Asker, found: &[Found], full: bool) -> Vec<Fact<BTreeMap<String, String>>> {
    let not_asked = || Fact::NotAvailable(Missing::not_asked("cloudtrail:ListTags"));
    let mut facts: Vec<_> = found.iter().map(|_| not_asked()).collect();
    if !full {
        return facts;
    }
    let mut homes: BTreeMap<(String, String), Vec<(usize, String)>> = BTreeMap::new();
    for (at, trail) in found.iter().enumerate() {
        let account = base::arn::split(&trail.arn).map_or_else(String::new, |parts| parts.account.to_owned());
        let home = homes.entry((trail.home_region.clone(), account)).or_default();
        home.push((at, trail.arn.clone()));
    }
    let mut chunks = Vec::new();
    for ((region, _), trails) in homes {
        chunks.extend(
            trails
                .chunks(TAGGED_MAX)
                .map(|trails| (asker.in_region(&region), trails.to_vec())),
        );
    }
    let answers = together(chunks.into_iter().map(|(asker, trails)| async move {
        let arns: Vec<&String> = trails.iter().map(|(_, arn)| arn).collect();
        let input = json!({ "ResourceIdList": arns });
        let tokens = ("NextToken", "NextToken");
        let answer = asker
            .json_list(CloudTrail, "ListTags", &input, "ResourceTagList", tokens)
            .await;
        (trails, answer)
    }));
    for (trails, answer) in answers.await {
        for (at, arn) in trails {
            facts[at] = answer.clone().map(|resources| tags_of(&resources, &arn)).into();
        }
    }
    facts
}

fn tags_of(resources: &[Value], arn: &str) -> BTreeMap<String, String> {
    let of_trail = resources.iter().filter(|resource| resource["ResourceId"] == *arn);
    let tags = of_trail.flat_map(|resource| resource["TagsList"].as_array().into_iter().flatten());
    tags.filter_map(|tag| Some((ask::text(&tag["Key"])?, ask::text(&tag["Value"]).unwrap_or_default())))
        .collect()
}
