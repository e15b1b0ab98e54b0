//! The topics that are told of log files: each Region's trail tells one of its own Region.

use super::{Draft, place::same_policy, shown};
use crate::{
    aws::{Error, elements},
    change::Call,
    message,
    trail::{Topic, policies},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wire::ServiceName::Sns;

/// The id of the policy that every new topic has.
const DEFAULT_POLICY: &str = "__default_policy_ID";

/// The topics by their Regions, as the trails are given them.
pub(super) type Topics = BTreeMap<String, String>;

impl Draft<'_> {
    pub(super) async fn topics(&mut self) -> Result<Topics, Error> {
        let mut topics = Topics::new();
        let Some(topic) = &self.definition.topic else {
            return Ok(topics);
        };
        for region in self.regions() {
            let name = self.place.in_region(&region).text(&topic.name);
            let arn = match name.starts_with("arn:") {
                true => name.clone(),
                false => format!(
                    "arn:{}:sns:{region}:{}:{name}",
                    self.place.partition, self.place.account
                ),
            };
            if topic.existing {
                let says = message!(
                    "The topic {arn} is taken as it is: its policy must let the trail publish.",
                    "トピック {arn} をそのまま使います。ポリシーで証跡の発行が許可されている必要があります。",
                );
                self.good("topic", says);
            } else {
                self.topic(topic, &region, &name, &arn).await?;
            }
            topics.insert(region, arn);
        }
        Ok(topics)
    }

    async fn topic(&mut self, topic: &Topic, region: &str, name: &str, arn: &str) -> Result<(), Error> {
        let policy = self.topic_policy(topic, region);
        let client = self.client.in_region(region);
        let answer = client.query(Sns, "GetTopicAttributes", &[("TopicArn", arn)]).await;
        let present = self.found(
            "topic",
            "sns:GetTopicAttributes",
            answer,
            &["NotFound", "NotFoundException"],
        )?;
        let Some(present) = present else {
            let says = message!(
                "The topic {name} is made; its name is free.",
                "トピック {name} を作成します。この名前は空いています。"
            );
            self.good("topic", says);
            let title = message!(
                "Make the topic {name} in {region}.",
                "トピック {name} を {region} に作成します。"
            );
            let undo = Call::new("sns", "DeleteTopic", region, json!({ "TopicArn": arn }));
            let call = Call::new("sns", "CreateTopic", region, json!({ "Name": name }));
            self.step(title, call, vec![undo]);
            self.put_topic_policy(region, arn, &policy);
            return Ok(());
        };
        let document = policy_of(&present);
        let id = serde_json::from_str::<Value>(&document).map(|document| document["Id"].clone());
        if same_policy(&document, &policy) {
            let says = message!(
                "The topic {name} is there with just this policy.",
                "トピック {name} は同じポリシーで作成済みです。"
            );
            self.good("topic", says);
        } else if id.is_ok_and(|id| id == DEFAULT_POLICY) {
            let says = message!(
                "The topic {name} is there as an earlier run has left it.",
                "トピック {name} は以前の実行で作成済みです。"
            );
            self.good("topic", says);
            self.put_topic_policy(region, arn, &policy);
            if let Some(step) = self.steps.last_mut() {
                let former = json!({ "TopicArn": arn, "AttributeName": "Policy", "AttributeValue": document });
                step.undo = vec![Call::new("sns", "SetTopicAttributes", region, former)];
            }
        } else {
            let says = message!(
                "The topic {name} is there already, with another policy: give another --topic, or take it by `existing` in a definition.",
                "トピック {name} は異なるポリシーですでに存在します。別の --topic を指定するか、定義の `existing` で使ってください。",
            );
            self.wrong("topic", says);
        }
        Ok(())
    }

    fn topic_policy(&self, topic: &Topic, region: &str) -> String {
        let least = || policies::topic(&self.let_in(), &topic.name);
        let policy = topic.policy.clone().unwrap_or_else(least);
        self.place.in_region(region).document(&policy)
    }

    fn put_topic_policy(&mut self, region: &str, arn: &str, policy: &str) {
        let input = json!({ "TopicArn": arn, "AttributeName": "Policy", "AttributeValue": policy });
        let title = message!(
            "Let the trail publish to the topic.",
            "証跡がトピックに発行できるようにします。"
        );
        let what = message!("The policy of the topic {arn}", "トピック {arn} のポリシー");
        let call = Call::new("sns", "SetTopicAttributes", region, input);
        self.step(title, call, Vec::new()).shown = shown(what, "", policy);
    }
}

/// The policy among a topic's attributes. Some of the others are empty elements.
pub(crate) fn policy_of(answer: &str) -> String {
    let mut entries = answer.split("<entry>");
    let entry = entries.find(|entry| entry.contains("<key>Policy</key>"));
    let values = entry.map(|entry| elements(entry, "value")).unwrap_or_default();
    values.into_iter().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_found_beside_empty_attributes() {
        let answer = "<Attributes><entry><key>DisplayName</key><value/></entry><entry><key>Policy</key>\
                      <value>{&quot;Id&quot;:1}</value></entry></Attributes>";
        assert_eq!(policy_of(answer), r#"{"Id":1}"#);
        assert_eq!(policy_of("<Attributes/>"), "");
    }
}
