//! Fixes of what keeps a trail from delivering: the statements that are missing in the policies of bucket and key.

use super::{Bench, Planned, shown, step};
use crate::{
    change::{Call, Step},
    message,
    message::Message,
    rights::World,
    survey::Fact,
};
use serde_json::{Value, json};

/// A policy is changed for one right after the other; there are no more rights than that.
const CHANGES_MAX: usize = 16;
/// The one name that key policies have.
const KEY_POLICY: &str = "default";

impl Bench<'_> {
    pub(super) fn delivery(&mut self, arn: &str) -> Planned {
        let mut steps: Vec<Step> = Vec::new();
        for _ in 0..CHANGES_MAX {
            let Some(trail) = self.survey.trail(arn).cloned() else {
                return Err(None);
            };
            let rights = World::of(&self.survey).trail_rights(&trail);
            let Some(right) = rights.iter().find(|right| right.verdict.is_no()) else {
                break;
            };
            let Some(fix) = &right.fix else {
                return Err(by_hand(&right.action, &right.resource));
            };
            let added = match right.action.split_once(':').map(|(service, _)| service) {
                Some("s3") => self.bucket_policy(&trail.bucket, fix.document.clone()),
                Some("kms") => trail
                    .kms_key
                    .as_deref()
                    .and_then(|key| self.key_policy(key, fix.document.clone())),
                _ => None,
            };
            let Some(added) = added else {
                return Err(by_hand(&right.action, &right.resource));
            };
            // The changes of one policy are one call.
            match steps
                .iter_mut()
                .find(|step| step.call.operation == added.call.operation)
            {
                Some(step) => {
                    step.call = added.call;
                    if let (Some(shown), Some(after)) = (&mut step.shown, added.shown) {
                        shown.after = after.after;
                    }
                }
                None => steps.push(added),
            }
        }
        if steps.is_empty() { Err(None) } else { Ok(steps) }
    }

    fn bucket_policy(&mut self, name: &str, after: Value) -> Option<Step> {
        let bucket = self.survey.buckets.get(name)?.clone();
        let title = message!(
            "Let CloudTrail in by the policy of the bucket {name}.",
            "バケット {name} のポリシーで CloudTrail を許可します。"
        );
        self.put_bucket_policy(bucket, after, title).ok()
    }

    fn key_policy(&mut self, arn: &str, after: Value) -> Option<Step> {
        let key = self.survey.keys.get_mut(arn)?;
        let Fact::Known(before) = key.policy.clone() else {
            return None;
        };
        let put = |policy: &Value| {
            let input = json!({ "KeyId": key.arn, "PolicyName": KEY_POLICY, "Policy": policy.to_string() });
            Call::new("kms", "PutKeyPolicy", &key.region, input)
        };
        let title = message!(
            "Let CloudTrail in by the policy of the key {arn}.",
            "キー {arn} のポリシーで CloudTrail を許可します。"
        );
        let what = message!("The policy of the key {arn}", "キー {arn} のポリシー");
        let planned = step(
            title,
            put(&after),
            shown(what, Some(&before), &after),
            vec![put(&before)],
        );
        key.policy = Fact::Known(after);
        Some(planned)
    }
}

fn by_hand(action: &str, resource: &str) -> Option<Message> {
    Some(message!(
        "Let CloudTrail make {action} on {resource}: no change of one policy that this command makes is enough.",
        "CloudTrail に {resource} への {action} を許可してください。このコマンドによる 1 つのポリシーの変更では足りません。"
    ))
}
