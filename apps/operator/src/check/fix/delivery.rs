//! Fixes of what keeps a trail from delivering: the statements that are missing in the policies of bucket and key.

use super::{Bench, Planned, shown, step};
use crate::{
    change::{Call, Step},
    message,
    message::Message,
    rights::World,
    setup::{
        needs::{self, Adopted},
        place::Place,
    },
    survey::{Fact, Trail},
    template::Text,
    trail::policies::{self, Trails},
};
use policy::PolicyKind;
use serde_json::{Value, json};

/// The one name that key policies have.
const KEY_POLICY: &str = "default";

impl Bench<'_> {
    pub(super) fn delivery(&mut self, arn: &str) -> Planned {
        let Some(trail) = self.survey.trail(arn).cloned() else {
            return Err(None);
        };
        let mut steps: Vec<Step> = Vec::new();
        if trail.account() == self.survey.account && !trail.organization {
            let place = Place {
                account: self.survey.account.clone(),
                partition: self.survey.partition.clone(),
                region: trail.home_region.clone(),
                bucket: trail.bucket.clone(),
                log_group: String::new(),
            };
            steps.extend(self.let_into_bucket(&trail, &place));
            steps.extend(self.let_use_key(&trail, &place));
        }
        let rights = World::of(&self.survey).trail_rights(&trail);
        match rights.iter().find(|right| right.verdict.is_no()) {
            Some(right) => Err(by_hand(&right.action, &right.resource)),
            None if steps.is_empty() => Err(None),
            None => Ok(steps),
        }
    }

    /// The statements that the trail lacks in its bucket's policy: those that a set-up writes.
    fn let_into_bucket(&mut self, trail: &Trail, place: &Place) -> Option<Step> {
        let bucket = self.survey.buckets.get(&trail.bucket)?;
        let Fact::Known(present) = &bucket.policy else {
            return None;
        };
        let present = present.as_ref().map(Value::to_string);
        let prefix = Some(trail.prefix.as_str()).filter(|prefix| !prefix.is_empty());
        let least = place.value(&policies::bucket(&let_in(trail), prefix));
        let needs = [(
            trail.arn.clone(),
            needs::of_bucket(place, prefix, trail.kms_key.as_deref()),
        )];
        let kind = PolicyKind::BucketPolicy;
        match needs::adopt(present.as_deref(), &least, kind, &needs, &place.account) {
            Adopted::With { policy, .. } => self.bucket_policy(&trail.bucket, serde_json::from_str(&policy).ok()?),
            _ => None,
        }
    }

    /// The statements that the trail lacks in its key's policy.
    fn let_use_key(&mut self, trail: &Trail, place: &Place) -> Option<Step> {
        let key = self.survey.keys.get(trail.kms_key.as_deref()?)?;
        let Fact::Known(present) = &key.policy else { return None };
        let arn = key.arn.clone();
        let bucket_key = match self.survey.buckets.get(&trail.bucket).map(|bucket| &bucket.encryption) {
            Some(Fact::Known(Some(encryption))) => encryption.bucket_key,
            _ => false,
        };
        let name = Text::literal(&trail.bucket);
        let least = place.value(&policies::key(&let_in(trail), &[], bucket_key.then_some(&name)));
        let needs = [(trail.arn.clone(), needs::of_key(place, &trail.arn, &arn, bucket_key))];
        let present = present.to_string();
        match needs::adopt(Some(&present), &least, PolicyKind::KeyPolicy, &needs, &place.account) {
            Adopted::With { policy, .. } => self.key_policy(&arn, serde_json::from_str(&policy).ok()?),
            _ => None,
        }
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
            let input =
                json!({ "KeyId": key.arn, "PolicyName": KEY_POLICY, "Policy": crate::text::policy_order(policy) });
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

fn let_in(trail: &Trail) -> Trails {
    Trails {
        name: Text::literal(&trail.name),
        region: Text::literal(&trail.home_region),
    }
}

fn by_hand(action: &str, resource: &str) -> Option<Message> {
    Some(message!(
        "Let CloudTrail make {action} on {resource}: no change of one policy that this command makes is enough.",
        "CloudTrail に {resource} への {action} を許可してください。このコマンドによる 1 つのポリシーの変更では足りません。"
    ))
}
