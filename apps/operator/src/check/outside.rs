//! Who outside the account gets at buckets and keys.

use super::{
    Ground, Judgement,
    bucket::{self, acl_is_public},
    known::{self, Known},
    outsiders::{self, Inside, Outsider, Reach},
};
use crate::{
    message,
    message::Message,
    survey::{Acl, Bucket, Fact, Key, Missing},
};
use serde_json::Value;

/// What was found of outsiders: the certain ones, those that a condition narrows, and what could not be read.
#[derive(Default)]
struct Found {
    others: Vec<Message>,
    narrowed: Vec<Message>,
    missing: Vec<Missing>,
}

impl Found {
    fn policy(&mut self, what: [&str; 2], outsiders: Vec<Outsider>) {
        for outsider in outsiders {
            let (who, statement, actions) = (&outsider.who, &outsider.statement, outsider.actions.join(", "));
            let [en, ja] = what;
            let said = match outsider.reach {
                Reach::Public => message!(
                    "Anyone gets {actions} by statement {statement} of {en}.",
                    "{ja}のステートメント {statement} が誰にでも {actions} を許可しています。"
                ),
                Reach::Other => message!(
                    "{who} gets {actions} by statement {statement} of {en}.",
                    "{ja}のステートメント {statement} が {who} に {actions} を許可しています。"
                ),
                Reach::Conditional => message!(
                    "{who} gets {actions} by statement {statement} of {en}, under a condition that does not name the account.",
                    "{ja}のステートメント {statement} が、アカウントを限定しない条件で {who} に {actions} を許可しています。"
                ),
            };
            match outsider.reach {
                Reach::Conditional => self.narrowed.push(said),
                Reach::Public | Reach::Other => self.others.push(said),
            }
        }
    }

    fn judged(self, resource: super::Resource) -> Judgement {
        let nobody = message!(
            "Nobody outside the account gets in.",
            "アカウントの外からのアクセスは許可されていません。"
        );
        let known = match (self.others.is_empty(), self.missing.is_empty()) {
            (false, _) => Known::No(self.others),
            (true, false) => Known::Unknown(self.missing),
            (true, true) if !self.narrowed.is_empty() => {
                return Judgement {
                    reasons: self.narrowed,
                    ..Judgement::warning(resource, nobody)
                };
            }
            (true, true) => Known::Yes,
        };
        Judgement::of(resource, known, nobody)
    }
}

pub(super) fn bucket_outsiders(ground: &Ground<'_>) -> Vec<Judgement> {
    let mut judged: Vec<Judgement> = Vec::new();
    for trail in ground.trails() {
        let bucket = ground.survey.bucket_of(trail);
        let resource = bucket::resource(ground, &trail.bucket, bucket);
        if judged.iter().any(|judgement| judgement.resource.id == resource.id) {
            continue;
        }
        judged.push(match bucket {
            Some(bucket) => of_bucket(ground, bucket).judged(resource),
            None => {
                let missing = vec![Missing::not_asked("s3:HeadBucket")];
                Judgement::of(resource, Known::Unknown(missing), Message::plain(""))
            }
        });
    }
    judged
}

fn of_bucket(ground: &Ground<'_>, bucket: &Bucket) -> Found {
    let mut found = Found::default();
    let owner = bucket
        .acl
        .known()
        .map(|acl| acl.owner.as_str())
        .filter(|owner| !owner.is_empty());
    let inside = ground.inside(owner);
    let restricted = bucket.public_access_block.as_ref();
    let restricted = restricted.map(|block| block.is_some_and(|block| block.restrict_public_buckets));
    match &bucket.policy {
        Fact::Known(policy) => {
            let outsiders = policy.iter().flat_map(|policy| outsiders::of_policy(policy, &inside));
            // A public policy that is restricted lets in the account's own alone.
            let (public, others): (Vec<_>, Vec<_>) = outsiders.partition(|one| one.reach == Reach::Public);
            let what = ["the bucket's policy", "バケットポリシー"];
            let is_public = Fact::Known(!public.is_empty());
            match known::both(is_public, known::not(restricted)) {
                Fact::Known(true) => found.policy(what, public),
                Fact::Known(false) => {}
                Fact::NotAvailable(missing) => found.missing.push(missing),
            }
            found.policy(what, others);
        }
        Fact::NotAvailable(missing) => found.missing.push(missing.clone()),
    }
    match acl_is_public(bucket) {
        Fact::Known(true) => found
            .others
            .push(message!("Its ACL lets anyone in.", "ACL が誰でも許可しています。")),
        Fact::Known(false) => {}
        Fact::NotAvailable(missing) => found.missing.push(missing),
    }
    match (&bucket.acl, bucket.ownership.found().map(String::as_str)) {
        (_, Some("BucketOwnerEnforced")) => {}
        (Fact::Known(acl), _) => found.others.extend(of_acl(acl)),
        (Fact::NotAvailable(missing), _) => found.missing.push(missing.clone()),
    }
    found
}

/// Grants of an ACL to canonical ids other than the owner's.
fn of_acl(acl: &Acl) -> impl Iterator<Item = Message> {
    let is_other = |grant: &&crate::survey::Grant| {
        !grant.grantee.contains("/groups/") && grant.grantee != acl.owner && !acl.owner.is_empty()
    };
    acl.grants.iter().filter(is_other).map(|grant| {
        let (who, permission) = (&grant.grantee, &grant.permission);
        message!(
            "{who} gets {permission} by its ACL.",
            "ACL が {who} に {permission} を許可しています。"
        )
    })
}

pub(super) fn key_outsiders(ground: &Ground<'_>) -> Vec<Judgement> {
    let mut judged: Vec<Judgement> = Vec::new();
    for trail in ground.trails() {
        let Some(arn) = &trail.kms_key else { continue };
        if judged.iter().any(|judgement| judgement.resource.id == *arn) {
            continue;
        }
        let resource = super::Resource {
            kind: "AWS::KMS::Key",
            id: arn.clone(),
            region: trail.home_region.clone(),
        };
        judged.push(match ground.survey.keys.get(arn) {
            Some(key) => of_key(ground, key).judged(resource),
            None => {
                let missing = vec![Missing::not_asked("kms:GetKeyPolicy")];
                Judgement::of(resource, Known::Unknown(missing), Message::plain(""))
            }
        });
    }
    judged
}

fn of_key(ground: &Ground<'_>, key: &Key) -> Found {
    let mut found = Found::default();
    let inside = ground.inside(None);
    match &key.policy {
        Fact::Known(policy) => {
            found.policy(
                ["the key's policy", "キーポリシー"],
                outsiders::of_policy(policy, &inside),
            );
        }
        Fact::NotAvailable(missing) => found.missing.push(missing.clone()),
    }
    match &key.grants {
        Fact::Known(grants) => found
            .others
            .extend(grants.iter().filter_map(|grant| of_grant(grant, &inside))),
        Fact::NotAvailable(missing) => found.missing.push(missing.clone()),
    }
    found
}

fn of_grant(grant: &Value, inside: &Inside<'_>) -> Option<Message> {
    let who = grant["GranteePrincipal"].as_str()?;
    let account = outsiders::account_of(who)?;
    if inside.has(account) {
        return None;
    }
    let actions: Vec<&str> = outsiders::texts(&grant["Operations"]).collect();
    let (actions, id) = (actions.join(", "), grant["GrantId"].as_str().unwrap_or("-"));
    Some(message!(
        "{who} gets {actions} by the grant {id}.",
        "グラント {id} が {who} に {actions} を許可しています。"
    ))
}
