//! The controls of keys.

use super::{Ground, Judgement, Resource, known::Known};
use crate::{
    message,
    survey::{Fact, Key, KeyMetadata, Missing},
};

fn resource(key: &Key) -> Resource {
    Resource {
        kind: "AWS::KMS::Key",
        id: key.arn.clone(),
        region: key.region.clone(),
    }
}

/// The keys of customers; those of which it is not known are judged as unknown.
fn each_customer_key(
    ground: &Ground<'_>,
    mut judge: impl FnMut(&Key, &KeyMetadata) -> Option<(Known, crate::message::Message)>,
) -> Vec<Judgement> {
    let mut found = Vec::new();
    for key in ground.survey.keys.values() {
        let judged = match &key.metadata {
            Fact::Known(metadata) if metadata.manager == "AWS" => None,
            Fact::Known(metadata) => judge(key, metadata),
            Fact::NotAvailable(missing) => Some((
                Known::Unknown(vec![missing.clone()]),
                crate::message::Message::plain(""),
            )),
        };
        found.extend(judged.map(|(known, reason)| Judgement::of(resource(key), known, reason)));
    }
    found
}

pub(super) fn not_scheduled_for_deletion(ground: &Ground<'_>) -> Vec<Judgement> {
    each_customer_key(ground, |_, metadata| {
        let state = &metadata.state;
        let is_kept = !matches!(state.as_str(), "PendingDeletion" | "PendingReplicaDeletion");
        let known = Known::of(is_kept, || match metadata.deletion_date {
            Some(date) => {
                let date = date.iso8601();
                message!(
                    "It will be deleted at {date}. What is sealed by it can never be read again.",
                    "{date} に削除されます。このキーで暗号化されたものは二度と読めなくなります。"
                )
            }
            None => message!(
                "It is {state}. What is sealed by it can never be read again once it is deleted.",
                "状態は {state} です。削除されると、このキーで暗号化されたものは二度と読めなくなります。"
            ),
        });
        Some((known, message!("It is {state}.", "状態は {state} です。")))
    })
}

pub(super) fn rotated(ground: &Ground<'_>) -> Vec<Judgement> {
    each_customer_key(ground, |key, metadata| {
        // Only such keys can be rotated by KMS, and none that is about to go.
        let is_kept = !metadata.state.starts_with("Pending");
        if metadata.spec != "SYMMETRIC_DEFAULT" || metadata.origin != "AWS_KMS" || !is_kept {
            return None;
        }
        let known = Known::by(&key.rotation, |rotation| {
            Known::of(rotation.enabled, || {
                message!("It is not rotated.", "ローテーションされません。")
            })
        });
        Some((known, message!("It is rotated.", "ローテーションされます。")))
    })
}

pub(super) fn usable(ground: &Ground<'_>) -> Vec<Judgement> {
    let mut found: Vec<Judgement> = Vec::new();
    for trail in ground.trails() {
        let Some(arn) = &trail.kms_key else { continue };
        if found.iter().any(|judgement| judgement.resource.id == *arn) {
            continue;
        }
        let name = &trail.name;
        let judged = match ground.survey.keys.get(arn) {
            Some(key) if key.is_gone() => {
                let gone = message!(
                    "There is no such key: the trail {name} cannot deliver.",
                    "このキーは存在しません。証跡 {name} は配信できません。"
                );
                Judgement::of(resource(key), Known::No(vec![gone.clone()]), gone)
            }
            Some(key) => {
                let known = Known::by(&key.metadata, |metadata| {
                    let state = &metadata.state;
                    Known::of(metadata.is_usable(), || {
                        message!(
                            "It is {state}: the trail {name} cannot deliver, and what is sealed by it cannot be read.",
                            "状態は {state} です。証跡 {name} は配信できず、このキーで暗号化されたものは読めません。"
                        )
                    })
                });
                Judgement::of(resource(key), known, message!("It is enabled.", "有効です。"))
            }
            None => {
                let resource = Resource {
                    kind: "AWS::KMS::Key",
                    id: arn.clone(),
                    region: trail.home_region.clone(),
                };
                let missing = vec![Missing::not_asked("kms:DescribeKey")];
                Judgement::of(resource, Known::Unknown(missing), crate::message::Message::plain(""))
            }
        };
        found.push(judged);
    }
    found
}
