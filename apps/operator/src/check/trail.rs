//! The controls of a trail.

use super::{Ground, Judgement, known::Known};
use crate::message;

pub(super) fn encryption(ground: &Ground<'_>) -> Vec<Judgement> {
    ground.each_trail(|trail| match &trail.kms_key {
        Some(key) => (
            Known::Yes,
            message!(
                "Its log files are sealed by {key}.",
                "ログファイルは {key} で暗号化されます。"
            ),
        ),
        None => {
            let none = message!(
                "It has no key: its log files are sealed by S3's own keys.",
                "キーが設定されていません。ログファイルは S3 の管理するキーで暗号化されます。"
            );
            (Known::No(vec![none.clone()]), none)
        }
    })
}

pub(super) fn validation(ground: &Ground<'_>) -> Vec<Judgement> {
    ground.each_trail(|trail| {
        let on = message!("Log file validation is on.", "ログファイル検証は有効です。");
        let off = || message!("Log file validation is off.", "ログファイル検証は無効です。");
        (Known::of(trail.validation, off), on)
    })
}

pub(super) fn log_group(ground: &Ground<'_>) -> Vec<Judgement> {
    ground.each_trail(|trail| {
        let Some(group) = &trail.log_group else {
            let none = message!("It has no log group.", "ロググループが設定されていません。");
            return (Known::No(vec![none.clone()]), none);
        };
        let set = message!("Its events go to {group}.", "イベントは {group} に送られます。");
        let Some(hours) = ground.options.delivery_window_hours else {
            return (Known::Yes, set);
        };
        let known = Known::by(&trail.status, |status| {
            let earliest = ground
                .now
                .minus(std::time::Duration::from_secs(u64::from(hours) * 3600));
            let latest = status.latest_cloud_watch_logs_delivery_time;
            Known::of(latest.is_some_and(|at| at >= earliest), || match latest {
                Some(at) => {
                    let at = at.iso8601();
                    message!(
                        "The last events went to {group} at {at}, more than {hours} hours ago.",
                        "{group} への最後の配信は {at} で、{hours} 時間より前です。"
                    )
                }
                None => message!(
                    "No event has gone to {group} yet.",
                    "{group} への配信はまだありません。"
                ),
            })
        });
        (known, set)
    })
}

pub(super) fn tagged(ground: &Ground<'_>) -> Vec<Judgement> {
    ground.each_trail(|trail| {
        let required = &ground.options.required_tags;
        let known = Known::by(&trail.tags, |tags| {
            let own = || tags.keys().filter(|key| !key.starts_with("aws:"));
            if required.is_empty() {
                return Known::of(own().next().is_some(), || {
                    message!("It has no tags.", "タグがありません。")
                });
            }
            let lacking: Vec<&str> = required
                .iter()
                .map(String::as_str)
                .filter(|key| !tags.contains_key(*key))
                .collect();
            let lacking = lacking.join(", ");
            Known::of(lacking.is_empty(), || {
                message!("It lacks the tags {lacking}.", "タグ {lacking} がありません。")
            })
        });
        (known, message!("It has tags.", "タグがあります。"))
    })
}
