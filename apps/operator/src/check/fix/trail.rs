//! Fixes of trails.

use super::{Bench, Planned, shown, step};
use crate::{
    change::{Call, Step},
    message,
    survey::{Fact, Selectors, Trail},
};
use serde_json::{Value, json};

impl Bench<'_> {
    /// The trail that is to be the account's own of all Regions.
    fn main_trail(&self) -> Result<Trail, Option<crate::message::Message>> {
        self.own_trails().into_iter().next().ok_or_else(|| {
            Some(message!(
                "There is no trail to change: run `shoseki trail setup`.",
                "変更できる証跡がありません。`shoseki trail setup` を実行してください。"
            ))
        })
    }

    pub(super) fn multi_region(&mut self) -> Planned {
        let trail = self.main_trail()?;
        let mut steps = self.all_regions(&trail);
        steps.extend(self.all_management(&trail)?);
        steps.extend(self.started(&trail));
        Ok(steps)
    }

    pub(super) fn security_trail(&mut self) -> Planned {
        let mut steps = self.multi_region()?;
        let arn = self.main_trail()?.arn;
        steps.extend(self.validation(&arn)?);
        let trail = self.main_trail()?;
        if !trail.global_events {
            steps.push(update(&trail, "IncludeGlobalServiceEvents", false.into(), true.into()));
            self.change(&arn, |trail| trail.global_events = true);
        }
        steps.extend(self.encryption(&arn)?);
        Ok(steps)
    }

    pub(super) fn start(&mut self) -> Planned {
        let trail = self.main_trail()?;
        Ok(self.started(&trail))
    }

    fn change(&mut self, arn: &str, change: impl FnOnce(&mut Trail)) {
        if let Some(trail) = self.trail_mut(arn) {
            change(trail);
        }
    }

    fn all_regions(&mut self, trail: &Trail) -> Vec<Step> {
        if trail.multi_region {
            return Vec::new();
        }
        self.change(&trail.arn, |trail| {
            trail.multi_region = true;
            trail.global_events = true;
        });
        let mut step = update(trail, "IsMultiRegionTrail", false.into(), true.into());
        // A trail of all Regions has the global services' events.
        if !trail.global_events {
            step.call.input["IncludeGlobalServiceEvents"] = true.into();
            for call in &mut step.undo {
                call.input["IncludeGlobalServiceEvents"] = false.into();
            }
        }
        vec![step]
    }

    fn started(&mut self, trail: &Trail) -> Vec<Step> {
        if trail.status.known().is_some_and(|status| status.is_logging) {
            return Vec::new();
        }
        self.change(&trail.arn, |trail| {
            if let Fact::Known(status) = &mut trail.status {
                status.is_logging = true;
            }
        });
        let (name, input) = (&trail.name, json!({ "Name": trail.arn }));
        let call = |operation| Call::new("cloudtrail", operation, &trail.home_region, input.clone());
        let title = message!("Start the trail {name}.", "証跡 {name} のログ記録を開始します。");
        vec![step(title, call("StartLogging"), None, vec![call("StopLogging")])]
    }

    pub(super) fn validation(&mut self, arn: &str) -> Planned {
        let Some(trail) = self.survey.trail(arn).cloned() else {
            return Err(None);
        };
        if trail.validation {
            return Ok(Vec::new());
        }
        self.change(arn, |trail| trail.validation = true);
        Ok(vec![update(
            &trail,
            "EnableLogFileValidation",
            false.into(),
            true.into(),
        )])
    }

    pub(super) fn encryption(&mut self, arn: &str) -> Planned {
        let Some(trail) = self.survey.trail(arn).cloned() else {
            return Err(None);
        };
        if trail.kms_key.is_some() {
            return Ok(Vec::new());
        }
        let name = &trail.name;
        let Some(key) = self.options.key.clone() else {
            let region = &trail.home_region;
            return Err(Some(message!(
                "Name the key with --key, or run `shoseki trail encrypt --trail {name} --region {region}`, which sees to its policy, too.",
                "--key でキーを指定するか、キーポリシーも整える `shoseki trail encrypt --trail {name} --region {region}` を実行してください。"
            )));
        };
        self.change(arn, |trail| trail.kms_key = Some(key.clone()));
        Ok(vec![update(&trail, "KmsKeyId", "".into(), key.into())])
    }

    pub(super) fn tags(&mut self, arn: &str) -> Planned {
        let Some(trail) = self.survey.trail(arn) else {
            return Err(None);
        };
        if self.options.tags.is_empty() {
            return Err(Some(message!(
                "Name the tags with --tag KEY=VALUE.",
                "--tag キー=値 でタグを指定してください。"
            )));
        }
        let had = trail.tags.known().cloned().unwrap_or_default();
        let tag = |(key, value): (&String, &String)| json!({ "Key": key, "Value": value });
        let given = self.options.tags.iter().map(|(key, value)| (key, value));
        let new: Vec<Value> = given.clone().map(tag).collect();
        let replaced: Vec<Value> = given
            .clone()
            .filter_map(|(key, _)| Some(tag((key, had.get(key)?))))
            .collect();
        let (name, region) = (&trail.name, &trail.home_region);
        let call = |operation, tags: &[Value]| {
            Call::new(
                "cloudtrail",
                operation,
                region,
                json!({ "ResourceId": arn, "TagsList": tags }),
            )
        };
        let mut undo = vec![call("RemoveTags", &new)];
        if !replaced.is_empty() {
            undo.push(call("AddTags", &replaced));
        }
        let title = message!("Give the trail {name} tags.", "証跡 {name} にタグを付けます。");
        let what = message!("The tags of the trail {name}", "証跡 {name} のタグ");
        let before = json!(had);
        let mut after = had.clone();
        after.extend(self.options.tags.iter().cloned());
        let planned = step(
            title,
            call("AddTags", &new),
            shown(what, Some(&before), &json!(after)),
            undo,
        );
        self.change(arn, |trail| trail.tags = Fact::Known(after));
        Ok(vec![planned])
    }

    fn all_management(&mut self, trail: &Trail) -> Planned {
        self.select(trail, |selectors| {
            if super::super::selection::management(selectors).is_whole() {
                return None;
            }
            let mut raw = selectors.raw.clone();
            if let Some(advanced) = raw["AdvancedEventSelectors"]
                .as_array_mut()
                .filter(|all| !all.is_empty())
            {
                let narrowed = |selector: &Value| has(selector, "eventCategory", "Management");
                advanced.retain(|selector| !narrowed(selector));
                advanced.push(json!({
                    "Name": "All management events",
                    "FieldSelectors": [{ "Field": "eventCategory", "Equals": ["Management"] }],
                }));
                return Some(raw);
            }
            match raw["EventSelectors"].as_array_mut().and_then(|all| all.first_mut()) {
                Some(first) => {
                    first["ReadWriteType"] = "All".into();
                    first["IncludeManagementEvents"] = true.into();
                    first["ExcludeManagementEventSources"] = json!([]);
                }
                None => raw["EventSelectors"] = json!([{ "ReadWriteType": "All", "IncludeManagementEvents": true }]),
            }
            Some(raw)
        })
    }

    /// Data events of the objects of all buckets; of a trail of all Regions, when it has to be one. Reads when `reads`, else
    /// writes; a trail that logs one of them is made to log both.
    pub(super) fn objects(&mut self, multi_region: bool, reads: bool) -> Planned {
        let trail = self.main_trail()?;
        let mut steps = Vec::new();
        if multi_region {
            steps.extend(self.all_regions(&trail));
        }
        let partition = self.survey.partition.clone();
        steps.extend(self.select(&trail, |selectors| {
            let selected = super::super::selection::objects(selectors, &partition);
            if if reads { selected.is_whole() } else { selected.writes } {
                return None;
            }
            let mut raw = selectors.raw.clone();
            if let Some(advanced) = raw["AdvancedEventSelectors"]
                .as_array_mut()
                .filter(|all| !all.is_empty())
            {
                advanced.push(json!({
                    "Name": "Objects of all buckets",
                    "FieldSelectors": [
                        { "Field": "eventCategory", "Equals": ["Data"] },
                        { "Field": "resources.type", "Equals": ["AWS::S3::Object"] },
                    ],
                }));
                return Some(raw);
            }
            let all = json!({ "Type": "AWS::S3::Object", "Values": [format!("arn:{partition}:s3")] });
            let whole = |selector: &&mut Value| selector["ReadWriteType"].as_str().is_none_or(|kind| kind == "All");
            let basic = raw["EventSelectors"].as_array_mut();
            match basic.and_then(|all| all.iter_mut().find(whole)) {
                Some(selector) => {
                    let mut resources = selector["DataResources"].as_array().cloned().unwrap_or_default();
                    // A trail has one entry for the objects; all buckets take in the ones that were named.
                    resources.retain(|one| one["Type"].as_str() != Some("AWS::S3::Object"));
                    resources.push(all);
                    selector["DataResources"] = resources.into();
                }
                None => {
                    let mut selectors = raw["EventSelectors"].as_array().cloned().unwrap_or_default();
                    selectors.push(json!({
                        "ReadWriteType": "All", "IncludeManagementEvents": false, "DataResources": [all],
                    }));
                    raw["EventSelectors"] = selectors.into();
                }
            }
            Some(raw)
        })?);
        steps.extend(self.started(&trail));
        Ok(steps)
    }

    /// Changes the selectors of a trail by what `change` makes of the answer of GetEventSelectors.
    fn select(&mut self, trail: &Trail, change: impl FnOnce(&Selectors) -> Option<Value>) -> Planned {
        let current = self.survey.trail(&trail.arn).map(|trail| trail.selectors.clone());
        let Some(Fact::Known(selectors)) = current else {
            return Err(None);
        };
        let Some(raw) = change(&selectors) else {
            return Ok(Vec::new());
        };
        let input = |raw: &Value| {
            let mut input = json!({ "TrailName": trail.arn });
            for member in ["EventSelectors", "AdvancedEventSelectors"] {
                if raw[member].as_array().is_some_and(|all| !all.is_empty()) {
                    input[member] = raw[member].clone();
                }
            }
            input
        };
        let (before, after) = (input(&selectors.raw), input(&raw));
        let parsed = |member: &str| raw[member].clone();
        let (basic, advanced) = (parsed("EventSelectors"), parsed("AdvancedEventSelectors"));
        self.change(&trail.arn, |trail| {
            trail.selectors = Fact::Known(Selectors {
                basic: serde_json::from_value(basic).unwrap_or_default(),
                advanced: serde_json::from_value(advanced).unwrap_or_default(),
                raw,
            });
        });
        let name = &trail.name;
        let call = |input: &Value| Call::new("cloudtrail", "PutEventSelectors", &trail.home_region, input.clone());
        let title = message!(
            "Set the event selectors of the trail {name}.",
            "証跡 {name} のイベントセレクターを設定します。"
        );
        let what = message!(
            "The event selectors of the trail {name}",
            "証跡 {name} のイベントセレクター"
        );
        let planned = step(
            title,
            call(&after),
            shown(what, Some(&before), &after),
            vec![call(&before)],
        );
        Ok(vec![planned])
    }
}

fn has(selector: &Value, field: &str, value: &str) -> bool {
    let fields = selector["FieldSelectors"].as_array();
    fields.into_iter().flatten().any(|one| {
        one["Field"].as_str() == Some(field)
            && one["Equals"]
                .as_array()
                .is_some_and(|all| all.iter().any(|equal| equal.as_str() == Some(value)))
    })
}

/// Sets one member of a trail.
fn update(trail: &Trail, member: &str, before: Value, after: Value) -> Step {
    let call = |value: &Value| {
        let mut input = json!({ "Name": trail.arn });
        input[member] = value.clone();
        Call::new("cloudtrail", "UpdateTrail", &trail.home_region, input)
    };
    let (name, said) = (&trail.name, after.to_string());
    let title = message!(
        "Set {member} of the trail {name} to {said}.",
        "証跡 {name} の {member} を {said} にします。"
    );
    let what = message!("The trail {name}", "証跡 {name}");
    let of = |value: &Value| {
        let mut setting = json!({});
        setting[member] = value.clone();
        setting
    };
    step(
        title,
        call(&after),
        shown(what, Some(&of(&before)), &of(&after)),
        vec![call(&before)],
    )
}
