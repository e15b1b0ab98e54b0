//! Who can read a trail's log files.

use super::{
    document::{Document, several, statements},
    someone::{Kind, Someone},
    trail::{Moment, example_file, sealed},
    verdict::Verdict,
    world::World,
};
use crate::survey::{Fact, Trail};
use serde::Serialize;
use std::collections::BTreeSet;

/// Somebody who might read.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reader {
    /// The ARN of a root, user or role, an account's number, a service's name, or `anonymous`.
    pub arn: String,
    /// What it is.
    pub kind: Kind,
    /// Whether S3 gives them the log files.
    pub s3: Verdict,
    /// Whether KMS opens them; absent when no key of KMS seals them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms: Option<Verdict>,
}

impl Reader {
    /// Whether they read: both S3 and KMS must let them.
    pub fn reads(&self) -> Verdict {
        match &self.kms {
            None => self.s3.clone(),
            Some(kms) => self.s3.clone().and(kms.clone()),
        }
    }
}

impl World {
    /// Everybody known, with whether they can read the trail's log files to come: the account's root, users and roles, whom the
    /// policies of bucket and key name, and callers without a signature.
    pub fn readers(&self, trail: &Trail) -> Vec<Reader> {
        self.readers_in(trail, &trail.home_region)
    }

    /// The same for the log files of one Region, which policies may tell apart by their prefix.
    pub fn readers_in(&self, trail: &Trail, region: &str) -> Vec<Reader> {
        let everyone = self.everyone(trail);
        everyone
            .iter()
            .filter_map(|who| self.reader(trail, region, who))
            .collect()
    }

    /// Whether one principal can read the trail's log files of a Region. `None` when it is no principal.
    pub fn reader_in(&self, trail: &Trail, region: &str, principal: &str) -> Option<Reader> {
        self.reader(trail, region, &self.someone(principal)?)
    }

    fn reader(&self, trail: &Trail, region: &str, who: &Someone) -> Option<Reader> {
        let file = example_file(self, trail, Moment::Delivery, region)?;
        let object = base::arn::object(&trail.bucket, &file);
        let s3 = self.decide(&self.query(who, "s3:GetObject", object.as_str()), who);
        let kms = trail.kms_key.as_ref().map(|key| self.opens(trail, key, &file, who));
        Some(Reader {
            arn: who.name.clone(),
            kind: who.kind,
            s3,
            kms,
        })
    }

    /// Whether KMS opens a log file to somebody who asks S3 for it.
    fn opens(&self, trail: &Trail, key: &str, file: &str, who: &Someone) -> Verdict {
        if who.kind == Kind::Anonymous {
            return Verdict::no(crate::message!(
                "KMS is asked by nobody who did not sign",
                "署名のない呼び出しでは KMS を利用できません"
            ));
        }
        let bucket = self.survey().bucket_of(trail);
        // A trail's key is in the Region of its bucket.
        let of_key = base::arn::split(key).map(|parts| parts.region);
        let region = bucket.and_then(|bucket| bucket.region.known()).map(String::as_str);
        let region = region.or(of_key).unwrap_or(&trail.home_region);
        let by = |by_bucket_key: bool| {
            let query = self.query(who, "kms:Decrypt", key);
            let query = match who.kind {
                Kind::Service => query,
                _ => query
                    .through("s3.amazonaws.com")
                    .with("kms:ViaService", crate::aws::via_s3(&self.survey().partition, region)),
            };
            self.decide(&sealed(query, trail, file, by_bucket_key), who)
        };
        match bucket.map(|bucket| &bucket.encryption) {
            Some(Fact::Known(encryption)) => by(encryption.as_ref().is_some_and(|encryption| encryption.bucket_key)),
            _ => by(false).and(by(true)),
        }
    }

    /// Whom to ask about: everybody of the account, and whom the policies name.
    fn everyone(&self, trail: &Trail) -> Vec<Someone> {
        let mut everyone = vec![Someone::root(self.account())];
        everyone.extend(self.principals().cloned());
        let known: BTreeSet<String> = everyone.iter().map(|one| one.name.clone()).collect();
        let others = self.named(trail).into_iter().filter(|name| !known.contains(name));
        everyone.extend(
            others
                .filter(|name| name != self.account().as_str())
                .filter_map(|name| self.someone(&name)),
        );
        everyone.push(Someone::anonymous());
        everyone
    }

    /// The principals that the policies of a trail's bucket and key name.
    fn named(&self, trail: &Trail) -> BTreeSet<String> {
        let key = trail.kms_key.as_ref().and_then(|key| self.key_policy(key));
        let papers = self.bucket_policy(&trail.bucket).into_iter().chain(key);
        let mut named = named_in(papers.filter_map(|paper| paper.document()));
        named.remove("000000000000");
        named
    }
}

/// The principals that documents name, but for `*`.
pub(super) fn named_in<'a>(documents: impl Iterator<Item = &'a Document>) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for document in documents {
        let Ok(json) = serde_json::from_str::<serde_json::Value>(document.policy().document()) else {
            continue;
        };
        for statement in statements(&json) {
            for element in ["Principal", "NotPrincipal"] {
                let principal = &statement[element];
                let all = several(&principal["AWS"]).chain(several(&principal["Service"]));
                named.extend(
                    all.filter_map(|name| name.as_str())
                        .filter(|name| *name != "*")
                        .map(str::to_owned),
                );
            }
        }
    }
    named
}
