//! Fixes of keys.

use super::{Bench, Planned, step};
use crate::{change::Call, message, survey::Fact};
use serde_json::json;

impl Bench<'_> {
    pub(super) fn rotation(&mut self, arn: &str) -> Planned {
        let Some(key) = self.survey.keys.get_mut(arn) else {
            return Err(None);
        };
        if let Fact::Known(rotation) = &mut key.rotation {
            rotation.enabled = true;
        }
        let call = |operation| Call::new("kms", operation, &key.region, json!({ "KeyId": key.arn }));
        let title = message!(
            "Rotate the key {arn} every year.",
            "キー {arn} の自動ローテーションを有効にします。"
        );
        Ok(vec![step(
            title,
            call("EnableKeyRotation"),
            None,
            vec![call("DisableKeyRotation")],
        )])
    }

    /// Lets the key be used again. A deletion that is cancelled stays so when the change is taken back.
    pub(super) fn enable_key(&mut self, arn: &str) -> Planned {
        let Some(key) = self.survey.keys.get_mut(arn) else {
            return Err(None);
        };
        let Fact::Known(metadata) = &mut key.metadata else {
            return Err(None);
        };
        let (region, id) = (key.region.clone(), key.arn.clone());
        let call = |operation| Call::new("kms", operation, &region, json!({ "KeyId": id }));
        let mut steps = Vec::new();
        match metadata.state.as_str() {
            "Enabled" => return Ok(steps),
            "Disabled" => {}
            "PendingDeletion" => {
                let title = message!(
                    "Cancel the deletion of the key {arn}.",
                    "キー {arn} の削除予定を取り消します。"
                );
                steps.push(step(title, call("CancelKeyDeletion"), None, Vec::new()));
            }
            // Replicas, imported material, key stores: not by one call.
            _ => return Err(None),
        }
        metadata.state = "Enabled".to_owned();
        metadata.deletion_date = None;
        let title = message!("Enable the key {arn}.", "キー {arn} を有効にします。");
        steps.push(step(title, call("EnableKey"), None, vec![call("DisableKey")]));
        Ok(steps)
    }
}
