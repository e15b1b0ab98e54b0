//! S3 as a few maps.
//!
//! What a server chooses freely (the id and the tag of a new version) the model takes from the answer, and holds it to that
//! from then on.

use super::lifecycle::{Rule, UNTOLD};
use std::collections::BTreeMap;

/// Days of domain time since the sequence began.
pub type Day = u64;

/// All of S3.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// The buckets by name.
    pub buckets: BTreeMap<String, Bucket>,
    /// Now.
    pub today: Day,
    /// Ids of versions that are gone, to be asked for again.
    pub gone: Vec<String>,
    /// Every id ever told.
    told: Vec<String>,
}

/// A bucket.
#[derive(Clone, Debug, Default)]
pub struct Bucket {
    /// Whether it keeps versions.
    pub versioning: Versioning,
    /// Whether it has object lock.
    pub lock: bool,
    /// Of each key its versions, oldest first.
    pub keys: BTreeMap<String, Vec<Version>>,
    /// The unfinished uploads by id.
    pub uploads: BTreeMap<String, Upload>,
    /// The lifecycle.
    pub rules: Vec<Rule>,
}

/// An upload in parts.
#[derive(Clone, Debug, Default)]
pub struct Upload {
    /// The key that it is for.
    pub key: String,
    /// The parts by number: tag and bytes.
    pub parts: BTreeMap<u32, (String, Vec<u8>)>,
    /// When it began.
    pub began: Day,
}

/// Every part but the last has so many bytes at least.
pub const PART_BYTES_MIN: usize = 5 * 1024 * 1024;

/// Whether a bucket keeps versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Versioning {
    /// It never did.
    #[default]
    Off,
    /// It does.
    Enabled,
    /// It did.
    Suspended,
}

/// A version.
#[derive(Clone, Debug)]
pub struct Version {
    /// Its id, `null` when it has none of its own.
    pub id: String,
    /// `None` for a delete marker.
    pub object: Option<Object>,
    /// When it was made.
    pub made: Day,
    /// Since when it is noncurrent.
    pub since: Option<Day>,
}

/// An object.
#[derive(Clone, Debug, Default)]
pub struct Object {
    /// Its bytes.
    pub body: Vec<u8>,
    /// Its tag.
    pub etag: String,
    /// Its retention.
    pub retention: Option<Retention>,
    /// Whether it is held.
    pub held: bool,
}

/// Until when a version stays, and whether that can be bypassed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// COMPLIANCE rather than GOVERNANCE.
    pub compliance: bool,
    /// The first day on which it is over.
    pub until: Day,
}

/// A condition on the key's current object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// None.
    None,
    /// `If-None-Match: *`
    Absent,
    /// `If-Match`
    Match(String),
}

/// One operation, ready to be sent.
#[derive(Clone, Debug)]
pub enum Operation {
    /// CreateBucket.
    CreateBucket {
        /// With object lock.
        lock: bool,
    },
    /// DeleteBucket.
    DeleteBucket,
    /// PutBucketVersioning.
    PutVersioning {
        /// `Enabled` rather than `Suspended`.
        enabled: bool,
    },
    /// PutBucketLifecycleConfiguration; DeleteBucketLifecycle without rules.
    PutLifecycle {
        /// The rules.
        rules: Vec<Rule>,
    },
    /// PutObject.
    Put {
        /// The key.
        key: String,
        /// The bytes.
        body: Vec<u8>,
        /// The condition.
        condition: Condition,
        /// The retention.
        retention: Option<Retention>,
    },
    /// CopyObject.
    Copy {
        /// The new object's key.
        key: String,
        /// The source's bucket.
        from: String,
        /// The source.
        source: Item,
        /// `x-amz-metadata-directive: REPLACE`
        changes: bool,
    },
    /// GetObject.
    Get {
        /// The key.
        key: String,
        /// The version, as sent.
        version: Option<String>,
    },
    /// DeleteObject.
    Delete {
        /// Which.
        item: Item,
        /// The condition.
        condition: Condition,
        /// `x-amz-bypass-governance-retention: true`
        bypass: bool,
    },
    /// DeleteObjects.
    DeleteMany {
        /// Which.
        items: Vec<Item>,
    },
    /// PutObjectRetention.
    Retain {
        /// Which.
        item: Item,
        /// The new retention.
        retention: Retention,
        /// Whether governance is bypassed.
        bypass: bool,
    },
    /// CreateMultipartUpload.
    Begin {
        /// The key.
        key: String,
    },
    /// UploadPart.
    Part {
        /// Of which upload.
        upload: UploadAt,
        /// Its number.
        number: u32,
        /// Its bytes.
        body: Vec<u8>,
    },
    /// CompleteMultipartUpload.
    Complete {
        /// Which.
        upload: UploadAt,
        /// Numbers and tags, as sent.
        parts: Vec<(u32, String)>,
        /// The condition.
        condition: Condition,
    },
    /// AbortMultipartUpload.
    Abort {
        /// Which.
        upload: UploadAt,
    },
    /// PutObjectLegalHold.
    Hold {
        /// Which.
        item: Item,
        /// ON rather than OFF.
        on: bool,
    },
}

/// A key, and an upload's id as sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadAt {
    /// The key.
    pub key: String,
    /// The id.
    pub id: String,
}

/// A key, and a version as sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The key.
    pub key: String,
    /// The version.
    pub version: Option<String>,
}

/// What an answer says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The error's code; empty without an error.
    pub code: String,
    /// The version it is about.
    pub version: Option<String>,
    /// Whether that is a delete marker.
    pub marker: bool,
    /// The tag.
    pub etag: Option<String>,
    /// The body of a read.
    pub body: Option<Vec<u8>>,
    /// The version that was copied.
    pub source: Option<String>,
    /// The id of a new upload.
    pub upload: Option<String>,
    /// The answers of many.
    pub parts: Vec<Answer>,
}

/// An id that can be none.
pub const INVALID_ID: &str = "no-id";

fn refused(status: u16, code: &str) -> Answer {
    Answer {
        status,
        code: code.to_owned(),
        ..Answer::default()
    }
}

fn done(status: u16) -> Answer {
    Answer {
        status,
        ..Answer::default()
    }
}

impl Retention {
    fn is_in_force(self, today: Day) -> bool {
        today < self.until
    }
}

impl Object {
    /// Whether it may be removed.
    pub fn may_go(&self, today: Day, bypass: bool) -> bool {
        let retained = self.retention.filter(|retention| retention.is_in_force(today));
        !self.held && retained.is_none_or(|retention| !retention.compliance && bypass)
    }

    /// Whether another retention may take the place of its own.
    fn may_change(&self, new: Retention, today: Day, bypass: bool) -> bool {
        let Some(old) = self.retention.filter(|old| old.is_in_force(today)) else {
            return true;
        };
        let is_longer = new.compliance == old.compliance && new.until >= old.until;
        is_longer || (bypass && !old.compliance)
    }
}

impl Bucket {
    /// The newest version of a key.
    pub fn latest(&self, key: &str) -> Option<&Version> {
        self.keys.get(key)?.last()
    }

    /// What a key stands for.
    pub fn current(&self, key: &str) -> Option<&Object> {
        self.latest(key)?.object.as_ref()
    }

    fn find(&self, item: &Item) -> Option<&Version> {
        match &item.version {
            None => self.latest(&item.key),
            Some(id) => self.keys.get(&item.key)?.iter().find(|version| version.id == *id),
        }
    }

    /// Removes a version; the newest that is left is current again.
    pub fn remove(&mut self, key: &str, id: &str) {
        if let Some(versions) = self.keys.get_mut(key) {
            versions.retain(|version| version.id != id);
            if let Some(latest) = versions.last_mut() {
                latest.since = None;
            }
            if versions.is_empty() {
                self.keys.remove(key);
            }
        }
    }

    /// Adds a version; a null version takes the place of another. What was current is noncurrent from now on.
    pub fn add(&mut self, key: &str, version: Version, today: Day) {
        let versions = self.keys.entry(key.to_owned()).or_default();
        if let Some(latest) = versions.last_mut() {
            latest.since = Some(today);
        }
        if version.id == "null" {
            versions.retain(|old| old.id != "null");
        }
        versions.push(version);
    }

    /// What the condition of a write or a delete says.
    fn refuses(&self, key: &str, condition: &Condition) -> Option<Answer> {
        match (condition, self.current(key)) {
            (Condition::None, _) | (Condition::Absent, None) => None,
            (Condition::Absent, Some(_)) => Some(refused(412, "PreconditionFailed")),
            (Condition::Match(_), None) => Some(refused(404, "NoSuchKey")),
            (Condition::Match(tag), Some(object)) if tag == "*" || *tag == object.etag => None,
            (Condition::Match(_), Some(_)) => Some(refused(412, "PreconditionFailed")),
        }
    }

    /// What is said of a version that is not an object.
    fn object_of(&self, item: &Item) -> Result<&Version, Box<Answer>> {
        match (self.find(item), &item.version) {
            (None, None) => Err(Box::new(refused(404, "NoSuchKey"))),
            (None, Some(_)) => Err(Box::new(refused(404, "NoSuchVersion"))),
            (Some(version), _) if version.object.is_none() => Err(Box::new(Answer {
                version: Some(version.id.clone()),
                marker: true,
                ..refused(405, "MethodNotAllowed")
            })),
            (Some(version), _) => Ok(version),
        }
    }

    fn upload(&mut self, at: &UploadAt) -> Option<&mut Upload> {
        self.uploads.get_mut(&at.id).filter(|upload| upload.key == at.key)
    }

    fn told(&self, id: &str) -> Option<String> {
        (self.versioning != Versioning::Off).then(|| id.to_owned())
    }
}

impl Model {
    /// Days pass. Answers what happened at their midnights.
    pub fn advance(&mut self, days: Day) -> Vec<&'static str> {
        let mut outcomes = Vec::new();
        for _ in 0..days {
            for bucket in self.buckets.values_mut() {
                let ended = bucket.midnight(self.today + 1);
                self.gone
                    .extend(ended.ids.into_iter().filter(|id| id != "null" && id != UNTOLD));
                outcomes.extend(ended.outcomes);
            }
            self.today += 1;
        }
        outcomes
    }

    /// Takes the id of a marker that a rule laid from a listing.
    pub fn learn(&mut self, bucket: &str, key: &str, id: &str) {
        let versions = self.buckets.get_mut(bucket).and_then(|bucket| bucket.keys.get_mut(key));
        let marker = versions.and_then(|versions| versions.iter_mut().find(|version| version.id == UNTOLD));
        if let Some(marker) = marker.filter(|_| !self.told.iter().any(|told| told == id)) {
            marker.id = id.to_owned();
            self.told.push(id.to_owned());
        }
    }

    /// Does the operation, and says what its answer must be. `answer` is the server's: what is free is taken from it.
    pub fn apply(&mut self, bucket: &str, operation: &Operation, answer: &Answer) -> Answer {
        if let Operation::CreateBucket { lock } = operation {
            return self.create(bucket, *lock);
        }
        if operation.versions().any(|id| id == INVALID_ID) {
            return refused(400, "InvalidArgument");
        }
        let Some(mut changed) = self.buckets.get(bucket).cloned() else {
            return refused(404, "NoSuchBucket");
        };
        if operation.copies_onto_itself(bucket) {
            return refused(400, "InvalidRequest");
        }
        let expected = self.on_bucket(&mut changed, operation, answer);
        match operation {
            Operation::DeleteBucket if expected.code.is_empty() => drop(self.buckets.remove(bucket)),
            _ => drop(self.buckets.insert(bucket.to_owned(), changed)),
        }
        expected
    }

    fn create(&mut self, bucket: &str, lock: bool) -> Answer {
        // In us-east-1 a bucket of one's own may be made again, to no effect.
        self.buckets.entry(bucket.to_owned()).or_insert_with(|| Bucket {
            versioning: if lock { Versioning::Enabled } else { Versioning::Off },
            lock,
            ..Bucket::default()
        });
        done(200)
    }

    fn on_bucket(&mut self, bucket: &mut Bucket, operation: &Operation, answer: &Answer) -> Answer {
        match operation {
            Operation::CreateBucket { .. } => done(200),
            Operation::DeleteBucket if bucket.keys.is_empty() => done(204),
            Operation::DeleteBucket => refused(409, "BucketNotEmpty"),
            Operation::PutVersioning { enabled: false } if bucket.lock => refused(409, "InvalidBucketState"),
            Operation::PutVersioning { enabled } => {
                bucket.versioning = if *enabled {
                    Versioning::Enabled
                } else {
                    Versioning::Suspended
                };
                done(200)
            }
            Operation::PutLifecycle { rules } => {
                bucket.rules.clone_from(rules);
                done(if rules.is_empty() { 204 } else { 200 })
            }
            Operation::Put {
                key,
                body,
                condition,
                retention,
            } => {
                let made = self.today;
                self.put(bucket, (key, body, made), condition, *retention, answer)
            }
            Operation::Copy { key, from, source, .. } => self.copy(bucket, key, (from, source), answer),
            Operation::Get { key, version } => get(bucket, key, version.clone()),
            Operation::Delete {
                item,
                condition,
                bypass,
            } => match (*bypass && !bucket.lock, bucket.refuses(&item.key, condition)) {
                (true, _) => refused(400, "InvalidArgument"),
                (false, Some(refusal)) => refusal,
                (false, None) => self.delete(bucket, item, *bypass, answer),
            },
            Operation::DeleteMany { items } => {
                let nothing = Answer::default();
                let answers = answer.parts.iter().chain(std::iter::repeat(&nothing));
                let parts = items.iter().zip(answers);
                Answer {
                    parts: parts
                        .map(|(item, answer)| self.delete(bucket, item, false, answer))
                        .collect(),
                    ..done(200)
                }
            }
            Operation::Begin { key } => {
                let id = answer.upload.clone().unwrap_or_else(|| "an id".to_owned());
                let upload = Upload {
                    key: key.clone(),
                    began: self.today,
                    ..Upload::default()
                };
                let is_new = bucket.uploads.insert(id.clone(), upload).is_none();
                Answer {
                    upload: Some(if is_new { id } else { "an id of its own".to_owned() }),
                    ..done(200)
                }
            }
            Operation::Part { upload, number, body } => match bucket.upload(upload) {
                None => refused(404, "NoSuchUpload"),
                Some(upload) => {
                    let etag = answer.etag.clone().unwrap_or_else(|| "a tag".to_owned());
                    upload.parts.insert(*number, (etag.clone(), body.clone()));
                    Answer {
                        etag: Some(etag),
                        ..done(200)
                    }
                }
            },
            Operation::Complete {
                upload,
                parts,
                condition,
            } => self.complete(bucket, upload, parts, condition, answer),
            Operation::Abort { upload } => match bucket.upload(upload) {
                None => refused(404, "NoSuchUpload"),
                Some(_) => {
                    bucket.uploads.remove(&upload.id);
                    done(204)
                }
            },
            Operation::Retain { item, .. } | Operation::Hold { item, .. } => {
                if !bucket.lock {
                    return refused(400, "InvalidRequest");
                }
                if let Err(refusal) = bucket.object_of(item) {
                    return *refusal;
                }
                self.protect(bucket, item, operation)
            }
        }
    }

    fn put(
        &mut self,
        bucket: &mut Bucket,
        (key, body, made): (&str, &[u8], Day),
        condition: &Condition,
        retention: Option<Retention>,
        answer: &Answer,
    ) -> Answer {
        if retention.is_some() && !bucket.lock {
            return refused(400, "InvalidRequest");
        }
        if let Some(refusal) = bucket.refuses(key, condition) {
            return refusal;
        }
        let id = self.new_id(bucket, answer);
        let etag = answer.etag.clone().unwrap_or_else(|| "a tag".to_owned());
        let object = Object {
            body: body.to_vec(),
            etag: etag.clone(),
            retention,
            held: false,
        };
        bucket.add(
            key,
            Version {
                id: id.clone(),
                object: Some(object),
                made,
                since: None,
            },
            self.today,
        );
        Answer {
            // The null version goes without saying.
            version: Some(id).filter(|id| id != "null"),
            etag: Some(etag),
            ..done(200)
        }
    }

    /// The bytes become an object of their own; locks stay where they are.
    fn copy(&mut self, bucket: &mut Bucket, key: &str, (from, source): (&str, &Item), answer: &Answer) -> Answer {
        let Some(from) = self.buckets.get(from) else {
            return refused(404, "NoSuchBucket");
        };
        let (id, object) = match from.object_of(source) {
            Ok(version) => (from.told(&version.id), version.object.clone().unwrap_or_default()),
            // As of a read: AWS's pages do not say whether the refusal of a copy tells of the marker.
            Err(refusal) if refusal.marker && source.version.is_none() => {
                return Answer {
                    status: 404,
                    code: "NoSuchKey".to_owned(),
                    ..*refusal
                };
            }
            Err(refusal) if refusal.marker => return refused(400, "InvalidRequest"),
            Err(refusal) => return *refusal,
        };
        // The same bytes have the same tag, but the tag of an object of parts is that of its parts.
        let is_of_whole = |tag: &String| !tag.contains('-');
        let etag = Some(object.etag).filter(is_of_whole);
        let answer = Answer {
            etag: etag.or(answer.etag.clone().filter(is_of_whole)),
            ..answer.clone()
        };
        let made = self.today;
        Answer {
            source: id,
            ..self.put(bucket, (key, &object.body, made), &Condition::None, None, &answer)
        }
    }

    /// The parts that are named, in their order, become an object; the others go.
    fn complete(
        &mut self,
        bucket: &mut Bucket,
        at: &UploadAt,
        parts: &[(u32, String)],
        condition: &Condition,
        answer: &Answer,
    ) -> Answer {
        let Some(upload) = bucket.upload(at) else {
            return refused(404, "NoSuchUpload");
        };
        let numbers: Vec<u32> = parts.iter().map(|(number, _)| *number).collect();
        if !numbers.is_sorted_by(|one, next| one < next) {
            return refused(400, "InvalidPartOrder");
        }
        let found: Option<Vec<&Vec<u8>>> = parts
            .iter()
            .map(|(number, tag)| match upload.parts.get(number) {
                Some((known, body)) if known == tag => Some(body),
                _ => None,
            })
            .collect();
        let Some(bodies) = found else {
            return refused(400, "InvalidPart");
        };
        if bodies.iter().rev().skip(1).any(|body| body.len() < PART_BYTES_MIN) {
            return refused(400, "EntityTooSmall");
        }
        // An object of parts is as old as its upload.
        let began = upload.began;
        let whole: Vec<u8> = bodies.into_iter().flatten().copied().collect();
        let expected = self.put(bucket, (&at.key, &whole, began), condition, None, answer);
        if expected.code.is_empty() {
            bucket.uploads.remove(&at.id);
        }
        expected
    }

    /// The id of a new version: the server's, if it is new.
    fn new_id(&mut self, bucket: &Bucket, answer: &Answer) -> String {
        if bucket.versioning != Versioning::Enabled {
            return "null".to_owned();
        }
        match &answer.version {
            Some(id) if id != "null" && !self.told.contains(id) => {
                self.told.push(id.clone());
                id.clone()
            }
            _ => "an id that no version ever had".to_owned(),
        }
    }

    fn delete(&mut self, bucket: &mut Bucket, item: &Item, bypass: bool, answer: &Answer) -> Answer {
        if item.version.as_deref() == Some(INVALID_ID) {
            return refused(404, "NoSuchVersion");
        }
        match (&item.version, bucket.versioning) {
            (None, Versioning::Enabled | Versioning::Suspended) => {
                let id = self.new_id(bucket, answer);
                let marker = Version {
                    id: id.clone(),
                    object: None,
                    made: self.today,
                    since: None,
                };
                bucket.add(&item.key, marker, self.today);
                Answer {
                    version: Some(id),
                    marker: true,
                    ..done(204)
                }
            }
            (version, _) => {
                let id = version.clone().unwrap_or_else(|| "null".to_owned());
                self.remove(bucket, &item.key, &id, bypass)
            }
        }
    }

    fn remove(&mut self, bucket: &mut Bucket, key: &str, id: &str, bypass: bool) -> Answer {
        let found = bucket.find(&Item {
            key: key.to_owned(),
            version: Some(id.to_owned()),
        });
        let object = found.and_then(|version| version.object.as_ref());
        if object.is_some_and(|object| !object.may_go(self.today, bypass)) {
            return refused(403, "AccessDenied");
        }
        let marker = found.is_some_and(|version| version.object.is_none());
        if found.is_some() && id != "null" {
            self.gone.push(id.to_owned());
        }
        bucket.remove(key, id);
        Answer {
            version: bucket.told(id),
            marker,
            ..done(204)
        }
    }

    fn protect(&self, bucket: &mut Bucket, item: &Item, operation: &Operation) -> Answer {
        let versions = bucket.keys.get_mut(&item.key);
        let version = versions.and_then(|versions| match &item.version {
            None => versions.last_mut(),
            Some(id) => versions.iter_mut().find(|version| version.id == *id),
        });
        let Some(object) = version.and_then(|version| version.object.as_mut()) else {
            return refused(404, "NoSuchKey");
        };
        match operation {
            Operation::Retain { retention, bypass, .. } => {
                if !object.may_change(*retention, self.today, *bypass) {
                    return refused(403, "AccessDenied");
                }
                object.retention = Some(*retention);
            }
            Operation::Hold { on, .. } => object.held = *on,
            _ => {}
        }
        done(200)
    }
}

fn get(bucket: &Bucket, key: &str, version: Option<String>) -> Answer {
    let item = Item {
        key: key.to_owned(),
        version,
    };
    match (bucket.object_of(&item), &item.version) {
        // Without a version, a marker hides what is below it.
        (Err(refusal), None) if refusal.marker => Answer {
            status: 404,
            code: "NoSuchKey".to_owned(),
            ..*refusal
        },
        (Err(refusal), _) => *refusal,
        (Ok(version), _) => Answer {
            version: bucket.told(&version.id),
            etag: version.object.as_ref().map(|object| object.etag.clone()),
            body: version.object.as_ref().map(|object| object.body.clone()),
            ..done(200)
        },
    }
}

impl Operation {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Operation::CreateBucket { .. } => "CreateBucket",
            Operation::DeleteBucket => "DeleteBucket",
            Operation::PutVersioning { .. } => "PutVersioning",
            Operation::PutLifecycle { .. } => "PutLifecycle",
            Operation::Put { .. } => "Put",
            Operation::Copy { .. } => "Copy",
            Operation::Get { .. } => "Get",
            Operation::Delete { .. } => "Delete",
            Operation::DeleteMany { .. } => "DeleteMany",
            Operation::Retain { .. } => "Retain",
            Operation::Begin { .. } => "Begin",
            Operation::Part { .. } => "Part",
            Operation::Complete { .. } => "Complete",
            Operation::Abort { .. } => "Abort",
            Operation::Hold { .. } => "Hold",
        }
    }

    /// Whether it copies an object onto itself and changes nothing.
    fn copies_onto_itself(&self, bucket: &str) -> bool {
        match self {
            Operation::Copy {
                key,
                from,
                source,
                changes,
            } => from == bucket && source.key == *key && source.version.is_none() && !changes,
            _ => false,
        }
    }

    /// The ids that are sent where a wrong one is refused before anything else.
    fn versions(&self) -> impl Iterator<Item = &str> {
        let version = match self {
            Operation::Get { version, .. } => version.as_deref(),
            Operation::Copy { source, .. } => source.version.as_deref(),
            Operation::Delete { item, .. } | Operation::Retain { item, .. } | Operation::Hold { item, .. } => {
                item.version.as_deref()
            }
            _ => None,
        };
        version.into_iter()
    }
}
