//! A key's state and its rotation.

use super::{Asked, asked};
use crate::{
    change::Planned, context::Context, failure::Failure, page::State, pages::making::shown_or_made, router::Outcome,
};
use operator::{
    change::{Call, Step, described},
    message,
    message::Message,
    survey::Depth,
};
use serde_json::{Value, json};
use std::sync::Arc;

/// A step that makes this call.
pub(super) fn step(call: Call, undo: Vec<Call>) -> Step {
    Step {
        title: described(&call),
        call,
        shown: None,
        undo,
        answers: Vec::new(),
    }
}

impl Asked {
    pub(super) fn call(&self, operation: &str, more: Value) -> Call {
        let mut input = json!({ "KeyId": self.key.arn });
        if let (Some(input), Value::Object(more)) = (input.as_object_mut(), more) {
            input.extend(more);
        }
        Call::new("kms", operation, &self.region, input)
    }

    pub(super) fn plain(&self, operation: &str) -> Call {
        self.call(operation, json!({}))
    }

    /// The key's state as AWS names it; empty when it is not known.
    pub(super) fn state(&self) -> &str {
        self.key.metadata.known().map_or("", |metadata| metadata.state.as_str())
    }
}

fn no_such_change() -> Failure {
    Failure::Bad(message!(
        "There is no such change of a key.",
        "キーに対するこのような変更はありません。"
    ))
}

pub(super) async fn set_state(c: Arc<Context>) -> Outcome {
    let asked = asked(&c, Depth::Status).await?;
    let (does, state) = (c.form.get("do"), asked.state());
    let (enable, disable) = (asked.plain("EnableKey"), asked.plain("DisableKey"));
    let (title, steps): (Message, Vec<Step>) = match does {
        "enable" => {
            let steps = (state != "Enabled").then(|| step(enable, vec![disable]));
            (
                message!("Enable a key", "キーを有効にする"),
                steps.into_iter().collect(),
            )
        }
        "disable" => {
            let steps = (state != "Disabled").then(|| step(disable, vec![enable]));
            (
                message!("Disable a key", "キーを無効にする"),
                steps.into_iter().collect(),
            )
        }
        "cancel" => {
            let steps = [
                step(asked.plain("CancelKeyDeletion"), Vec::new()),
                step(enable, Vec::new()),
            ];
            let is_going = state.starts_with("Pending") && state.ends_with("Deletion");
            let title = message!("Cancel the deletion of a key", "キーの削除を取り消す");
            (title, if is_going { steps.to_vec() } else { Vec::new() })
        }
        _ => return Err(no_such_change()),
    };
    let mut planned = Planned::new(&c, title.clone(), "key-state", steps);
    if does == "disable" {
        planned.warnings.push(message!(
            "Trails that seal with this key deliver nothing until it is enabled again, and nobody opens what lies under it. Nothing is lost: delivery catches up.",
            "このキーで暗号化する証跡は、再び有効にするまで配信できません。このキーで暗号化されたものは誰も復号できません。ログは失われず、有効にした後に配信されます。"
        ));
    }
    let (action, back) = (format!("{}/state", asked.place()), asked.place());
    let page = asked
        .page(&c, title)
        .below(Message::plain(asked.title()), asked.place());
    shown_or_made(&c, page, &planned, (&action, &back)).await
}

pub(super) async fn set_rotation(c: Arc<Context>) -> Outcome {
    let asked = asked(&c, Depth::Full).await?;
    let rotation = asked.key.rotation.known();
    let (title, steps) = match c.form.get("do") {
        "on" => {
            let is_off = rotation.is_none_or(|rotation| !rotation.enabled);
            let steps = is_off.then(|| {
                step(
                    asked.plain("EnableKeyRotation"),
                    vec![asked.plain("DisableKeyRotation")],
                )
            });
            (message!("Switch rotation on", "自動ローテーションを有効にする"), steps)
        }
        "off" => {
            let days = rotation.and_then(|rotation| rotation.period_days);
            let more = days.map_or_else(|| json!({}), |days| json!({ "RotationPeriodInDays": days }));
            let is_on = rotation.is_none_or(|rotation| rotation.enabled);
            let steps = is_on.then(|| {
                step(
                    asked.plain("DisableKeyRotation"),
                    vec![asked.call("EnableKeyRotation", more)],
                )
            });
            (message!("Switch rotation off", "自動ローテーションを無効にする"), steps)
        }
        "now" => {
            let steps = Some(step(asked.plain("RotateKeyOnDemand"), Vec::new()));
            (message!("Rotate a key now", "キーを今すぐローテーションする"), steps)
        }
        _ => return Err(no_such_change()),
    };
    let mut planned = Planned::new(&c, title.clone(), "key-rotation", steps.into_iter().collect());
    if c.form.get("do") == "now" {
        planned.warnings.push(message!(
            "This cannot be taken back, and a key is rotated on demand no more than 25 times. Objects stay sealed as they are.",
            "この操作は元に戻せません。オンデマンドのローテーションは 1 つのキーで 25 回までです。既存のオブジェクトの暗号化は変わりません。"
        ));
    }
    if asked.state() != "Enabled" {
        planned.checks.push((
            State::Warn,
            message!(
                "The key is not enabled: KMS will refuse this.",
                "キーが有効ではないため、KMS に拒否されます。"
            ),
        ));
    }
    let (action, back) = (format!("{}/rotation", asked.place()), asked.place());
    let page = asked
        .page(&c, title)
        .below(Message::plain(asked.title()), asked.place());
    shown_or_made(&c, page, &planned, (&action, &back)).await
}
