//! The newest files of a trail: whether digests come, and whether log files are sealed by the trail's key.

use super::{Ground, Judgement, evidence, known::Known};
use crate::{
    message,
    message::Message,
    survey::{Fact, Missing, Status, Trail},
};
use base::Timestamp;
use std::time::Duration;

/// A digest covers an hour and is delivered within the next.
const DIGEST_AGE_MAX: Duration = Duration::from_secs(2 * 3600);
const LIST: &str = "s3:ListObjectsV2";

pub(super) fn digest_tail(ground: &Ground<'_>) -> Vec<Judgement> {
    let validated = ground.trails().filter(|trail| trail.validation);
    let judged = validated.map(|trail| {
        let known = Known::by(&trail.status, |status| tail_of(ground, trail, status));
        let good = message!(
            "Each Region has its newest digest.",
            "各リージョンに最新のダイジェストがあります。"
        );
        Judgement::of(ground.trail_resource(trail), known, good)
    });
    judged.collect()
}

/// The time by which digests are counted: now, or when the trail was stopped; later when CloudTrail says that it delivered later.
fn due(ground: &Ground<'_>, status: &Status) -> Timestamp {
    let until = match status.is_logging {
        true => ground.now,
        false => status.stop_logging_time.unwrap_or(ground.now),
    };
    status
        .latest_digest_delivery_time
        .map_or(until, |delivered| delivered.max(until))
}

fn tail_of(ground: &Ground<'_>, trail: &Trail, status: &Status) -> Known {
    let due = due(ground, status).minus(DIGEST_AGE_MAX);
    let is_young = status.start_logging_time.is_some_and(|start| start > due);
    let found = ground.evidence.digests.get(&trail.arn);
    Known::all(evidence::regions(trail, ground.survey).into_iter().map(|region| {
        let Some(newest) = found.and_then(|found| found.get(&region)) else {
            return Known::Unknown(vec![Missing::not_asked(LIST)]);
        };
        Known::by(newest, |newest| match newest {
            None if is_young => Known::Yes,
            None => Known::No(vec![message!(
                "{region} has no digest of the last two days.",
                "{region} には過去 2 日のダイジェストがありません。"
            )]),
            Some(digest) => {
                let end = &digest.end;
                // One that was started again has not come to its next hour.
                let is_new = is_young || Timestamp::parse(end).is_some_and(|end| end >= due);
                let due = due.iso8601();
                Known::of(is_new, || {
                    message!(
                        "The newest digest of {region} ends at {end}; one that ends at {due} or later must be there.",
                        "{region} の最新のダイジェストは {end} までです。{due} 以降のものがあるはずです。"
                    )
                })
            }
        })
    }))
}

pub(super) fn sealed(ground: &Ground<'_>) -> Vec<Judgement> {
    let mut judged = Vec::new();
    for trail in ground.trails() {
        let Some(own) = &trail.kms_key else { continue };
        let resource = ground.trail_resource(trail);
        let files = match ground.evidence.log_files.get(&trail.arn) {
            Some(Fact::Known(files)) => files,
            Some(Fact::NotAvailable(missing)) => {
                judged.push(Judgement::of(
                    resource,
                    Known::Unknown(vec![missing.clone()]),
                    Message::plain(""),
                ));
                continue;
            }
            None => {
                let missing = vec![Missing::not_asked(LIST)];
                judged.push(Judgement::of(resource, Known::Unknown(missing), Message::plain("")));
                continue;
            }
        };
        let Some(newest) = files.first() else {
            let none = message!(
                "There is no log file yet to look at.",
                "確認できるログファイルがまだありません。"
            );
            judged.push(Judgement::warning(resource, none));
            continue;
        };
        let is_sealed = newest.kms_key.as_ref() == Some(own);
        let key = &newest.key;
        let by = newest.kms_key.as_deref().unwrap_or(match newest.encryption.as_str() {
            "" => "-",
            other => other,
        });
        let known = Known::of(is_sealed, || {
            message!(
                "The newest log file {key} is sealed by {by}.",
                "最新のログファイル {key} は {by} で暗号化されています。"
            )
        });
        let older = files.iter().filter(|file| file.kms_key.as_ref() != Some(own)).count();
        let good = match older {
            0 => message!(
                "The newest log files are sealed by it.",
                "最新のログファイルはこのキーで暗号化されています。"
            ),
            count => message!(
                "The newest log file is sealed by it; {count} before it are not, as when the key is new.",
                "最新のログファイルはこのキーで暗号化されています。その前の {count} 個は異なります(キー設定前のもの)。"
            ),
        };
        judged.push(Judgement::of(resource, known, good));
    }
    judged
}
