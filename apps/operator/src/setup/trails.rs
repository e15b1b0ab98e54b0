//! The trails themselves.

use super::{Draft, KeyRef, logs::LogsRef, topic::Topics};
use crate::{
    aws::{Client, Error},
    change::Call,
    message,
    trail::EventSelector,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use wire::ServiceName::CloudTrail;

/// CloudTrail's limit on the trails of a Region, which cannot be raised.
/// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html>
const TRAILS_MAX: usize = 5;

impl Draft<'_> {
    pub(super) async fn trails(
        &mut self,
        key: Option<&KeyRef>,
        logs: Option<&LogsRef>,
        topics: &Topics,
    ) -> Result<(), Error> {
        for region in self.regions() {
            let client = self.client.in_region(&region);
            let input = self.create_input(&region, key, logs, topics);
            let answer = client
                .json(CloudTrail, "DescribeTrails", &json!({ "includeShadowTrails": true }))
                .await;
            let mut answer = self
                .found("trail", "cloudtrail:DescribeTrails", answer, &[])?
                .unwrap_or_default();
            let seen: Vec<Value> = match answer["trailList"].take() {
                Value::Array(trails) => trails,
                _ => Vec::new(),
            };
            let name = self.definition.name.clone();
            let present = seen.iter().find(|trail| trail["Name"] == name.as_str());
            match present {
                Some(trail) => self.present(&client, &region, trail, &input).await?,
                None => {
                    self.absent(&region, seen.len(), input);
                    self.room_elsewhere(&region).await?;
                }
            }
        }
        Ok(())
    }

    fn create_input(&self, region: &str, key: Option<&KeyRef>, logs: Option<&LogsRef>, topics: &Topics) -> Value {
        let trail = self.definition;
        let mut input = json!({
            "Name": trail.name,
            "S3BucketName": self.place.bucket,
            "IsMultiRegionTrail": trail.all_regions && !self.is_per_region(),
            "IncludeGlobalServiceEvents": self.takes_global_events(region),
            "EnableLogFileValidation": trail.validation,
        });
        if let Some(prefix) = &trail.bucket.prefix {
            input["S3KeyPrefix"] = prefix.as_str().into();
        }
        if let Some(key) = key {
            input["KmsKeyId"] = key.arn.as_str().into();
        }
        if let Some(logs) = logs {
            input["CloudWatchLogsLogGroupArn"] = self.group_arn(region).into();
            input["CloudWatchLogsRoleArn"] = logs.role_arn.as_str().into();
        }
        if let Some(topic) = topics.get(region) {
            input["SnsTopicName"] = topic.as_str().into();
        }
        if !trail.tags.is_empty() {
            let tags = trail
                .tags
                .iter()
                .map(|(name, value)| json!({ "Key": name, "Value": value }));
            input["TagsList"] = tags.collect();
        }
        input
    }

    /// There is no such trail yet.
    fn absent(&mut self, region: &str, seen: usize, input: Value) {
        let name = self.definition.name.clone();
        if seen >= TRAILS_MAX {
            let says = message!(
                "{region} has {seen} trails already: CloudTrail has room for {TRAILS_MAX}, and more cannot be had.",
                "{region} にはすでに {seen} 個の証跡があります。上限は {TRAILS_MAX} 個で、引き上げられません。",
            );
            self.wrong("quota", says);
        } else {
            let says = message!(
                "{region} has {seen} of at most {TRAILS_MAX} trails; the name {name} is free.",
                "{region} の証跡は {seen} 個 (上限 {TRAILS_MAX}) で、名前 {name} は空いています。",
            );
            self.good("quota", says);
        }
        let title = message!(
            "Make the trail {name} in {region}.",
            "証跡 {name} を {region} に作成します。"
        );
        let undo = Call::new("cloudtrail", "DeleteTrail", region, json!({ "Name": name }));
        self.step(title, Call::new("cloudtrail", "CreateTrail", region, input), vec![undo]);
        self.selectors(region, Vec::new());
        self.start(region, Vec::new());
    }

    /// A trail for all Regions is seen in each: there its name must be free, and room for it.
    async fn room_elsewhere(&mut self, home: &str) -> Result<(), Error> {
        if !self.definition.all_regions || self.is_per_region() {
            return Ok(());
        }
        let regions = super::enabled_regions(self.client).await;
        let regions = self.found("quota", "ec2:DescribeRegions", regions, &[])?;
        let mut asked = JoinSet::new();
        for region in regions.into_iter().flatten().filter(|region| region != home) {
            let client = self.client.in_region(&region);
            asked.spawn(async move {
                let input = json!({ "includeShadowTrails": true });
                (region, client.json(CloudTrail, "DescribeTrails", &input).await)
            });
        }
        let name = self.definition.name.clone();
        let (mut full, mut taken) = (Vec::new(), Vec::new());
        // Who may not ask elsewhere learns it when the trail is made.
        while let Some(answer) = asked.join_next().await {
            let Ok((region, Ok(answer))) = answer else { continue };
            let trails = answer["trailList"].as_array().map(Vec::as_slice).unwrap_or_default();
            if trails.iter().any(|trail| trail["Name"] == name.as_str()) {
                taken.push(region);
            } else if trails.len() >= TRAILS_MAX {
                full.push(region);
            }
        }
        full.sort_unstable();
        taken.sort_unstable();
        if !full.is_empty() {
            let list = full.join(", ");
            let says = message!(
                "A trail of all Regions needs room in each, and these have {TRAILS_MAX} trails already: {list}.",
                "全リージョンの証跡には各リージョンの空きが必要ですが、次のリージョンにはすでに {TRAILS_MAX} 個の証跡があります: {list}。",
            );
            self.wrong("quota", says);
        }
        if !taken.is_empty() {
            let list = taken.join(", ");
            let says = message!(
                "A trail of all Regions needs its name in each, and these have a trail {name} already: {list}.",
                "全リージョンの証跡は各リージョンで同じ名前を使いますが、次のリージョンにはすでに証跡 {name} があります: {list}。",
            );
            self.wrong("trail", says);
        }
        Ok(())
    }

    /// What is there under this name is this trail, or another.
    async fn present(&mut self, client: &Client, region: &str, trail: &Value, input: &Value) -> Result<(), Error> {
        let name = self.definition.name.clone();
        let odd = differences(trail, input, region);
        if !odd.is_empty() {
            let list = odd.join("; ");
            let says = message!(
                "There is another trail {name} already ({list}): give another --name.",
                "別の証跡 {name} がすでに存在します ({list})。別の --name を指定してください。",
            );
            self.wrong("trail", says);
            return Ok(());
        }
        let says = message!(
            "The trail {name} is there in {region} as it is wanted.",
            "証跡 {name} は望む設定で {region} に存在します。",
        );
        self.good("trail", says);
        let of_trail = json!({ "TrailName": name });
        let selectors = client.json(CloudTrail, "GetEventSelectors", &of_trail).await;
        let selectors = self.found("trail", "cloudtrail:GetEventSelectors", selectors, &[])?;
        if let Some(found) = selectors {
            self.present_selectors(region, &found);
        }
        let status = client
            .json(CloudTrail, "GetTrailStatus", &json!({ "Name": name }))
            .await;
        let status = self.found("trail", "cloudtrail:GetTrailStatus", status, &[])?;
        if status.is_some_and(|status| status["IsLogging"] == false) {
            let stop = Call::new("cloudtrail", "StopLogging", region, json!({ "Name": name }));
            self.start(region, vec![stop]);
        }
        Ok(())
    }

    /// The selectors that are wanted, as PutEventSelectors takes them; nothing for CloudTrail's own default.
    fn wanted_selectors(&self, region: &str) -> Option<Value> {
        let trail = self.definition;
        let place = self.place.in_region(region);
        let filled = |value: Value| {
            let tree = crate::template::Tree::of_json(&value, &crate::template::Text::parse);
            place.value(&tree)
        };
        let of = |member: &str, selectors: serde_json::Result<Value>| {
            let selectors = selectors.ok()?;
            Some(json!({ member: filled(selectors) }))
        };
        match (
            trail.event_selectors.as_slice(),
            trail.advanced_event_selectors.as_slice(),
        ) {
            ([], []) => None,
            ([one], []) if *one == EventSelector::default() => None,
            ([], advanced) => of("AdvancedEventSelectors", serde_json::to_value(advanced)),
            (basic, _) => of("EventSelectors", serde_json::to_value(basic)),
        }
    }

    fn present_selectors(&mut self, region: &str, found: &Value) {
        let default = [EventSelector::default()];
        let is_default = serde_json::from_value::<Vec<EventSelector>>(found["EventSelectors"].clone())
            .is_ok_and(|found| found == default);
        let name = self.definition.name.clone();
        match self.wanted_selectors(region) {
            None if is_default => {}
            Some(wanted) if holds(found, &wanted) => {}
            Some(_) if is_default => {
                let former = json!({ "TrailName": name, "EventSelectors": found["EventSelectors"] });
                let undo = Call::new("cloudtrail", "PutEventSelectors", region, former);
                self.selectors(region, vec![undo]);
            }
            _ => {
                let says = message!(
                    "The trail {name} records other events than these: give another --name, or change it by `aws cloudtrail put-event-selectors`.",
                    "証跡 {name} は異なるイベントを記録しています。別の --name を指定するか、`aws cloudtrail put-event-selectors` で変更してください。",
                );
                self.wrong("trail", says);
            }
        }
    }

    fn selectors(&mut self, region: &str, undo: Vec<Call>) {
        let name = self.definition.name.clone();
        if let Some(mut input) = self.wanted_selectors(region) {
            input["TrailName"] = name.as_str().into();
            let title = message!(
                "Say which events the trail {name} records.",
                "証跡 {name} が記録するイベントを設定します。"
            );
            self.step(title, Call::new("cloudtrail", "PutEventSelectors", region, input), undo);
        }
        let kinds = &self.definition.insights;
        if !kinds.is_empty() {
            let kinds: Vec<Value> = kinds.iter().map(|kind| json!({ "InsightType": kind })).collect();
            let input = json!({ "TrailName": name, "InsightSelectors": kinds });
            let title = message!(
                "Say which insights the trail {name} gives.",
                "証跡 {name} のインサイトを設定します。"
            );
            self.step(
                title,
                Call::new("cloudtrail", "PutInsightSelectors", region, input),
                Vec::new(),
            );
        }
    }

    fn start(&mut self, region: &str, undo: Vec<Call>) {
        if !self.definition.logging {
            return;
        }
        let name = self.definition.name.clone();
        let title = message!(
            "Start the trail {name} in {region}.",
            "{region} の証跡 {name} のログ記録を開始します。"
        );
        let call = Call::new("cloudtrail", "StartLogging", region, json!({ "Name": name }));
        self.step(title, call, undo);
    }
}

/// Whether what was found has all of what is wanted.
fn holds(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => wanted
            .iter()
            .all(|(name, value)| found.get(name).is_some_and(|found| holds(found, value))),
        (Value::Array(found), Value::Array(wanted)) => {
            found.len() == wanted.len() && found.iter().zip(wanted).all(|(found, wanted)| holds(found, wanted))
        }
        (found, wanted) => found == wanted,
    }
}

/// In what a trail differs from the input that would make it, by DescribeTrails' names.
fn differences(trail: &Value, input: &Value, region: &str) -> Vec<String> {
    let members = [
        ("S3BucketName", "S3BucketName"),
        ("S3KeyPrefix", "S3KeyPrefix"),
        ("KmsKeyId", "KmsKeyId"),
        ("IsMultiRegionTrail", "IsMultiRegionTrail"),
        ("IncludeGlobalServiceEvents", "IncludeGlobalServiceEvents"),
        ("LogFileValidationEnabled", "EnableLogFileValidation"),
        ("CloudWatchLogsLogGroupArn", "CloudWatchLogsLogGroupArn"),
        ("CloudWatchLogsRoleArn", "CloudWatchLogsRoleArn"),
        ("SnsTopicARN", "SnsTopicName"),
    ];
    let said = |value: &Value| match value {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) if text.starts_with("{{") => "new".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let odd = members.iter().filter_map(|(found, wanted)| {
        let (is, should) = (said(&trail[*found]), said(&input[*wanted]));
        (is != should).then(|| format!("{found}: {is}, not {should}"))
    });
    let mut odd: Vec<String> = odd.collect();
    let home = said(&trail["HomeRegion"]);
    if home != region {
        odd.push(format!("HomeRegion: {home}"));
    }
    odd
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trail_is_the_wanted_one_or_differs_by_name() {
        let input = json!({ "S3BucketName": "b", "IsMultiRegionTrail": true, "IncludeGlobalServiceEvents": true,
            "EnableLogFileValidation": true, "KmsKeyId": "{{keyArn}}" });
        let trail = json!({ "S3BucketName": "b", "S3KeyPrefix": "", "IsMultiRegionTrail": true, "HomeRegion": "r",
            "IncludeGlobalServiceEvents": true, "LogFileValidationEnabled": true, "KmsKeyId": "k" });
        assert_eq!(differences(&trail, &input, "r"), ["KmsKeyId: k, not new"]);
        assert_eq!(differences(&trail, &input, "s").len(), 2);
    }

    #[test]
    fn selectors_hold_what_is_wanted() {
        let found = json!({ "TrailARN": "a", "EventSelectors": [{ "ReadWriteType": "All", "More": 1 }] });
        assert!(holds(
            &found,
            &json!({ "EventSelectors": [{ "ReadWriteType": "All" }] })
        ));
        assert!(!holds(
            &found,
            &json!({ "EventSelectors": [{ "ReadWriteType": "ReadOnly" }] })
        ));
        assert!(!holds(&found, &json!({ "EventSelectors": [] })));
    }
}
