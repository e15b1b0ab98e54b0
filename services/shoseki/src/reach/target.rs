//! What is asked about: an object, a key or a trail, with all that guards it.

use crate::ShosekiError;
use base::{AccountId, Arn, Fault, Region, arn};
use envelope::EncryptionContext;
use gateway::{
    Ctx, Ports,
    ports::{KeyGuard, ObjectGuard, TrailPlace},
};
use policy::{Policy, PolicyKind, PolicySource};
use record::LogFileKind;
use std::sync::Arc;
use store::ReadView;

/// What a caller asks about.
pub(crate) enum Asked {
    /// By any of its names.
    Key(String),
    /// Bucket and key.
    Object(String, String),
    /// By name or ARN.
    Trail(String),
}

/// What would be otherwise.
#[derive(Default)]
pub(crate) struct Proposed {
    pub(crate) bucket_policy: Option<Arc<Policy>>,
    pub(crate) key_policy: Option<Arc<Policy>>,
    /// The trail's key; empty: none.
    pub(crate) trail_key: Option<String>,
}

impl Proposed {
    /// Parses the documents.
    pub(crate) fn parse(
        bucket_policy: Option<&str>,
        key_policy: Option<&str>,
        trail_key: Option<&str>,
    ) -> Result<Proposed, ShosekiError> {
        Ok(Proposed {
            bucket_policy: parse_policy(bucket_policy, PolicyKind::BucketPolicy, "bucket policy")?,
            key_policy: parse_policy(key_policy, PolicyKind::KeyPolicy, "key policy")?,
            trail_key: trail_key.map(str::to_owned),
        })
    }

    /// Refuses what the target does not have.
    fn check(&self, asked: &Asked) -> Result<(), ShosekiError> {
        let what = match asked {
            Asked::Key(_) if self.bucket_policy.is_some() => "a bucket policy for a key",
            Asked::Key(_) | Asked::Object(..) if self.trail_key.is_some() => "a trail's key without the trail",
            _ => return Ok(()),
        };
        Err(ShosekiError::Validation(format!("The change proposes {what}.")))
    }
}

fn parse_policy(text: Option<&str>, kind: PolicyKind, name: &str) -> Result<Option<Arc<Policy>>, ShosekiError> {
    let Some(text) = text else { return Ok(None) };
    let policy = Policy::parse(text.trim(), kind)
        .map_err(|error| ShosekiError::Validation(format!("The proposed {name} is none: {error}.")))?;
    Ok(Some(named(&policy, &format!("the proposed {name}"))))
}

/// The policy under a name for people.
fn named(policy: &Policy, name: &str) -> Arc<Policy> {
    Arc::new(policy.clone().with_source(PolicySource {
        arn: None,
        name: name.into(),
    }))
}

/// A bucket, and an object in it.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) bucket: String,
    /// Of a trail: a key such as its log files have.
    pub(crate) key: String,
    pub(crate) owner: AccountId,
    pub(crate) region: Region,
    pub(crate) policy: Option<Arc<Policy>>,
}

/// A key that seals, and how it is asked.
#[derive(Clone)]
pub(crate) struct Seal {
    pub(crate) key: Arc<dyn KeyGuard>,
    /// `None`: asked directly, with no encryption context.
    pub(crate) context: Option<EncryptionContext>,
    /// The service that asks on the caller's behalf.
    pub(crate) via: Option<String>,
}

/// One way in which the target is used; a key has several.
#[derive(Clone, Default)]
pub(crate) struct Way {
    /// In words; empty when there is one way only.
    pub(crate) name: String,
    /// What a read opens.
    pub(crate) read: Option<Seal>,
    /// What a write of anybody's is sealed with.
    pub(crate) write: Option<Seal>,
    /// The trail that writes here, and what seals its log files.
    pub(crate) trail: Option<(TrailPlace, Option<Seal>)>,
}

/// The target with what guards it.
pub(crate) struct Target {
    pub(crate) kind: &'static str,
    /// Its ARN, or its place.
    pub(crate) name: String,
    pub(crate) place: Option<Place>,
    /// The key that is administered with it.
    pub(crate) key: Option<Arc<dyn KeyGuard>>,
    pub(crate) trail: Option<TrailPlace>,
    /// Never empty.
    pub(crate) ways: Vec<Way>,
    /// What a reader of the answer should know.
    pub(crate) notes: Vec<String>,
}

impl Target {
    /// The policies that guard it.
    pub(crate) fn policies(&self) -> impl Iterator<Item = &Arc<Policy>> {
        let bucket = self.place.iter().filter_map(|place| place.policy.as_ref());
        bucket.chain(self.key.iter().map(|key| key.policy()))
    }
}

/// Finds targets, as they are and as they would be.
pub(crate) struct Finder<'a> {
    pub(crate) ctx: &'a Ctx,
    pub(crate) view: &'a ReadView<'a>,
    pub(crate) asked: &'a Asked,
    pub(crate) proposed: &'a Proposed,
}

impl Finder<'_> {
    pub(crate) async fn find(&self) -> Result<Target, ShosekiError> {
        self.proposed.check(self.asked)?;
        match self.asked {
            Asked::Key(key_id) => self.key(key_id).await,
            Asked::Object(bucket, key) => self.object(bucket, key).await,
            Asked::Trail(name) => self.trail(name).await,
        }
    }

    fn ports(&self) -> Result<&Ports, Fault> {
        self.ctx.world().ports()
    }

    async fn guard(&self, account: AccountId, region: &Region, id: &str) -> Result<Option<Arc<dyn KeyGuard>>, Fault> {
        let keys = &self.ports()?.keys;
        let Some(key) = keys.guard(self.view, account, region, id).await? else {
            return Ok(None);
        };
        let policy = match &self.proposed.key_policy {
            Some(policy) => Arc::clone(policy),
            None => named(key.policy(), &format!("key policy of {}", key.arn())),
        };
        Ok(Some(key.under(policy)))
    }

    async fn key(&self, key_id: &str) -> Result<Target, ShosekiError> {
        let found = self.guard(self.ctx.account, &self.ctx.region, key_id).await?;
        let key = found.ok_or_else(|| {
            let region = &self.ctx.region;
            ShosekiError::ResourceNotFound(format!("There is no key {key_id} in {region}."))
        })?;
        let mut ways = vec![Way {
            name: "directly".to_owned(),
            read: Some(direct(&key)),
            write: Some(direct(&key)),
            trail: None,
        }];
        for trail in self.ports()?.trails.trails(self.view).await? {
            if trail.kms_key.as_ref() == Some(key.arn()) {
                let file = self.log_file(&trail);
                let bucket = self.ports()?.objects.guard(self.view, &trail.bucket, &file).await?;
                let by_bucket_key = bucket.is_some_and(|bucket| bucket.bucket_key);
                let seal = Seal {
                    key: Arc::clone(&key),
                    context: Some(context_of(&trail, &file, by_bucket_key)),
                    via: Some(via_s3(key.arn().parts().region)),
                };
                ways.push(Way {
                    name: format!("for the log files of {}", trail.arn),
                    read: Some(seal.clone()),
                    write: Some(seal.clone()),
                    trail: Some((trail, Some(seal))),
                });
            }
        }
        Ok(Target {
            kind: "Key",
            name: key.arn().to_string(),
            place: None,
            key: Some(key),
            trail: None,
            ways,
            notes: Vec::new(),
        })
    }

    async fn object(&self, bucket: &str, key: &str) -> Result<Target, ShosekiError> {
        let guard = self.bucket(bucket, key).await?;
        let place = self.place(bucket, key, &guard);
        let mut notes = Vec::new();
        if !guard.exists {
            notes.push("There is no such object; this is what one of this name would meet.".to_owned());
        }
        if guard.customer_key {
            notes.push("The object opens only with the key that it was put with (SSE-C).".to_owned());
        }
        note_bucket_key(&guard, &mut notes);
        let write = self.default_seal(&place, &guard, &mut notes).await?;
        let read = match (&guard.sealed_under, guard.exists) {
            (Some((arn, context)), _) => self.seal(&place, arn.as_str(), context.clone(), &mut notes).await?,
            (None, true) => None,
            (None, false) => write.clone(),
        };
        let mut trails = self.ports()?.trails.trails(self.view).await?;
        trails.retain(|trail| trail.bucket == bucket && key.starts_with(&log_files(trail)));
        let trail = match trails.into_iter().next() {
            Some(trail) => {
                let seal = self.trail_seal(&trail, &place, guard.bucket_key, &mut notes).await?;
                Some((trail, seal))
            }
            None => None,
        };
        Ok(Target {
            kind: "Object",
            name: arn::object(bucket, key).to_string(),
            key: read.as_ref().map(|seal| Arc::clone(&seal.key)),
            place: Some(place),
            trail: None,
            ways: vec![Way {
                name: String::new(),
                read,
                write,
                trail,
            }],
            notes,
        })
    }

    async fn trail(&self, name: &str) -> Result<Target, ShosekiError> {
        let mut trail = self.trail_named(name).await?;
        let mut notes = Vec::new();
        if let Some(proposed) = &self.proposed.trail_key {
            trail.kms_key = self.proposed_key(&trail, proposed).await?;
            notes.push(
                "Log files that are there keep the key that they were sealed with; this is of those to come."
                    .to_owned(),
            );
        }
        let file = self.log_file(&trail);
        let guard = self.bucket(&trail.bucket, &file).await?;
        let place = self.place(&trail.bucket, &file, &guard);
        note_bucket_key(&guard, &mut notes);
        let seal = self.trail_seal(&trail, &place, guard.bucket_key, &mut notes).await?;
        let write = self.default_seal(&place, &guard, &mut notes).await?;
        Ok(Target {
            kind: "Trail",
            name: trail.arn.to_string(),
            key: seal.as_ref().map(|seal| Arc::clone(&seal.key)),
            ways: vec![Way {
                name: String::new(),
                read: seal.clone(),
                write,
                trail: Some((trail.clone(), seal)),
            }],
            place: Some(place),
            trail: Some(trail),
            notes,
        })
    }

    async fn bucket(&self, bucket: &str, key: &str) -> Result<ObjectGuard, ShosekiError> {
        let guard = self.ports()?.objects.guard(self.view, bucket, key).await?;
        guard.ok_or_else(|| ShosekiError::ResourceNotFound(format!("There is no bucket {bucket}.")))
    }

    fn place(&self, bucket: &str, key: &str, guard: &ObjectGuard) -> Place {
        let now = guard
            .policy
            .as_deref()
            .map(|policy| named(policy, &format!("bucket policy of {bucket}")));
        Place {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            owner: guard.place.owner,
            region: guard.place.region.clone(),
            policy: self.proposed.bucket_policy.clone().or(now),
        }
    }

    /// What seals an object of anybody who asks for nothing.
    async fn default_seal(
        &self,
        place: &Place,
        guard: &ObjectGuard,
        notes: &mut Vec<String>,
    ) -> Result<Option<Seal>, Fault> {
        let Some(key) = &guard.default_key else { return Ok(None) };
        let mut context = EncryptionContext::new();
        context.insert("aws:s3:arn", bound_to(place, guard.default_by_bucket_key).as_str());
        self.seal(place, key, context, notes).await
    }

    async fn trail_seal(
        &self,
        trail: &TrailPlace,
        place: &Place,
        by_bucket_key: bool,
        notes: &mut Vec<String>,
    ) -> Result<Option<Seal>, Fault> {
        let Some(key) = &trail.kms_key else { return Ok(None) };
        let context = context_of(trail, &place.key, by_bucket_key);
        self.seal(place, key.as_str(), context, notes).await
    }

    async fn seal(
        &self,
        place: &Place,
        key: &str,
        context: EncryptionContext,
        notes: &mut Vec<String>,
    ) -> Result<Option<Seal>, Fault> {
        let found = self.guard(place.owner, &place.region, key).await?;
        if found.is_none() {
            notes.push(format!("There is no key {key}: what it sealed, nobody can read."));
        }
        Ok(found.map(|key| Seal {
            key,
            context: Some(context),
            via: Some(via_s3(place.region.as_str())),
        }))
    }

    async fn trail_named(&self, name: &str) -> Result<TrailPlace, ShosekiError> {
        let mut trails = self.ports()?.trails.trails(self.view).await?;
        trails.retain(|trail| trail.arn.as_str() == name || trail.name == name);
        let here = |trail: &TrailPlace| trail.account == self.ctx.account && trail.home == self.ctx.region;
        if let Some(at) = trails.iter().position(here) {
            return Ok(trails.swap_remove(at));
        }
        if trails.len() > 1 {
            let arns: Vec<&str> = trails.iter().map(|trail| trail.arn.as_str()).collect();
            let text = format!(
                "Several trails have the name {name}; give the ARN: {}.",
                arns.join(", ")
            );
            return Err(ShosekiError::Validation(text));
        }
        let found = trails.pop();
        found.ok_or_else(|| ShosekiError::ResourceNotFound(format!("There is no trail {name}.")))
    }

    /// The key that a trail is to have: in the Region of its bucket, as CloudTrail asks.
    async fn proposed_key(&self, trail: &TrailPlace, key_id: &str) -> Result<Option<Arn>, ShosekiError> {
        if key_id.is_empty() {
            return Ok(None);
        }
        let guard = self.bucket(&trail.bucket, "").await?;
        let region = guard.place.region;
        let key = self.guard(trail.account, &region, key_id).await?;
        let key = key.filter(|key| key.arn().parts().region == region.as_str());
        let key = key.ok_or_else(|| {
            let bucket = &trail.bucket;
            ShosekiError::ResourceNotFound(format!(
                "There is no key {key_id} in {region}, where the bucket {bucket} is and the trail's key must be."
            ))
        })?;
        Ok(Some(key.arn().clone()))
    }

    /// A key such as the trail's log files have.
    fn log_file(&self, trail: &TrailPlace) -> String {
        let (prefix, kind) = (trail.prefix.as_deref(), LogFileKind::CloudTrail);
        record::log_file_key(
            prefix,
            None,
            trail.account,
            &trail.home,
            kind,
            self.ctx.now(),
            "0000000000000000",
        )
    }
}

/// Where a trail's log files lie in its bucket.
pub(crate) fn log_files(trail: &TrailPlace) -> String {
    let prefix = trail
        .prefix
        .as_ref()
        .map_or_else(String::new, |prefix| format!("{prefix}/"));
    format!("{prefix}AWSLogs/{}/CloudTrail/", trail.account)
}

fn direct(key: &Arc<dyn KeyGuard>) -> Seal {
    Seal {
        key: Arc::clone(key),
        context: None,
        via: None,
    }
}

fn via_s3(region: &str) -> String {
    format!("s3.{region}.amazonaws.com")
}

/// What the data key of a place's object is bound to: the object, or the bucket of its bucket key.
fn bound_to(place: &Place, by_bucket_key: bool) -> Arn {
    match by_bucket_key {
        true => arn::bucket(&place.bucket),
        false => arn::object(&place.bucket, &place.key),
    }
}

/// What binds a trail's log file: the trail, and the object or, with a bucket key, its bucket.
fn context_of(trail: &TrailPlace, file: &str, by_bucket_key: bool) -> EncryptionContext {
    let bound_to = match by_bucket_key {
        true => arn::bucket(&trail.bucket),
        false => arn::object(&trail.bucket, file),
    };
    let mut context = EncryptionContext::new();
    context.insert("aws:cloudtrail:arn", trail.arn.as_str());
    context.insert("aws:s3:arn", bound_to.as_str());
    context
}

fn note_bucket_key(guard: &ObjectGuard, notes: &mut Vec<String>) {
    if guard.bucket_key {
        notes.push(
            "The bucket has bucket keys: who was let use the KMS key is not asked again for five minutes, whatever its \
             policy says meanwhile."
                .to_owned(),
        );
    }
}
