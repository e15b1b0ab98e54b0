//! What CloudTrail may do for a trail: every call that it makes, decided as the services would.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html>
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html>
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-required-policy-for-cloudwatch-logs.html>
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-permissions-for-sns-notifications.html>

use super::{papers::Paper, query::Query, someone::Someone, verdict::Verdict, world::World};
use crate::{
    message,
    message::Message,
    survey::{Bucket, Fact, Trail},
};
use base::{AccountId, Region, Timestamp};
use policy::{PolicyKind, ResourceKind};
use record::{DigestKind, LogFileKind};
use serde::Serialize;
use serde_json::Value;

/// CloudTrail's service principal.
pub const CLOUDTRAIL: &str = "cloudtrail.amazonaws.com";

/// When CloudTrail makes a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Moment {
    /// When the trail is made or changed.
    Change,
    /// When a log file is delivered.
    Delivery,
    /// When a digest is delivered.
    Digest,
    /// When events go to the log group.
    Logs,
    /// When the topic is told of a log file.
    Notification,
}

/// A call of CloudTrail, and whether it is allowed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Right {
    /// What it is for.
    pub what: Message,
    /// When it is made.
    pub at: Moment,
    /// The action: `s3:PutObject`.
    pub action: String,
    /// The resource's ARN; of files an example of one.
    pub resource: String,
    /// Whether it is allowed.
    pub verdict: Verdict,
}

/// Regions whose log files are asked about: more than AWS has.
const REGIONS_MAX: usize = 64;

impl World {
    /// Every call that CloudTrail makes for a trail, as it is or would be, decided. Log files are asked about for each Region that
    /// the trail covers: those with the same answer are one right.
    pub fn trail_rights(&self, trail: &Trail) -> Vec<Right> {
        let service = Someone::service(CLOUDTRAIL);
        let of = OfTrail {
            world: self,
            trail,
            service: &service,
        };
        let mut rights = of.bucket();
        rights.extend(of.key());
        rights.extend(of.logs());
        rights.extend(of.topic());
        rights
    }
}

struct OfTrail<'a> {
    world: &'a World,
    trail: &'a Trail,
    service: &'a Someone,
}

impl OfTrail<'_> {
    fn survey_bucket(&self) -> Option<&Bucket> {
        self.world.survey().bucket_of(self.trail)
    }

    /// The question of CloudTrail's own call for the trail.
    fn query(&self, action: &str, resource: &str) -> Query {
        let account = self.trail.account();
        let mut query = self
            .world
            .query(self.service, action, resource)
            .with("aws:SourceArn", self.trail.arn.as_str())
            .with("aws:SourceAccount", account);
        if query.kind == ResourceKind::KmsKey {
            query = query.with("kms:CallerAccount", account);
        }
        query
    }

    fn right(&self, at: Moment, what: Message, query: &Query, paper: Option<&Paper>) -> Right {
        let verdict = match query.kind {
            ResourceKind::Bucket | ResourceKind::KmsKey => self.world.decide(query, self.service),
            ResourceKind::Other | ResourceKind::RoleTrust => self.world.decide_by(query, self.service, paper),
        };
        Right {
            what,
            at,
            action: query.action.clone(),
            resource: query.resource.clone(),
            verdict,
        }
    }

    fn bucket(&self) -> Vec<Right> {
        let bucket = &self.trail.bucket;
        let paper = self.world.bucket_policy(bucket);
        let acl = self.query("s3:GetBucketAcl", base::arn::bucket(bucket).as_str());
        let look = message!("CloudTrail looks at the bucket", "CloudTrail がバケットを確認します");
        let mut rights = vec![self.right(Moment::Change, look, &acl, paper)];
        let kms = self.trail.kms_key.as_deref();
        rights.extend(self.files(Moment::Delivery, paper, &[kms]));
        if self.trail.validation {
            // Digests were sealed with SSE-S3 whatever the trail's key is, until May 2025; since then as the log files are.
            // SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-document-history.html>
            let seals: &[Option<&str>] = if kms.is_some() { &[None, kms] } else { &[None] };
            rights.extend(self.files(Moment::Digest, paper, seals));
        }
        rights
    }

    /// The right to put files of one kind, under one of several seals: what holds for all of them.
    fn files(&self, at: Moment, paper: Option<&Paper>, seals: &[Option<&str>]) -> Vec<Right> {
        let mut rights: Vec<(Right, Vec<String>)> = Vec::new();
        for region in self.regions() {
            let Some(key) = self.file(at, &region) else { continue };
            let resource = base::arn::object(&self.trail.bucket, &key);
            let mut found: Option<Right> = None;
            for seal in seals {
                let right = self.right(at, Message::plain(""), &self.put(resource.as_str(), *seal), paper);
                found = Some(match found {
                    None => right,
                    Some(before) if before.verdict.allowed == right.verdict.allowed => before,
                    Some(before) => differing(before, right),
                });
            }
            let Some(right) = found else { continue };
            match rights.iter_mut().find(|(known, _)| known.verdict == right.verdict) {
                Some((_, regions)) => regions.push(region),
                None => rights.push((right, vec![region])),
            }
        }
        let one = rights.len() == 1;
        let said = |(right, regions): (Right, Vec<String>)| Right {
            what: what_of_files(at, &regions, one),
            ..right
        };
        rights.into_iter().map(said).collect()
    }

    fn put(&self, resource: &str, seal: Option<&str>) -> Query {
        let put = self
            .query("s3:PutObject", resource)
            .with("s3:x-amz-acl", "bucket-owner-full-control")
            .with("s3:ObjectCreationOperation", "true");
        match seal {
            None => put.with("s3:x-amz-server-side-encryption", "AES256"),
            Some(key) => put
                .with("s3:x-amz-server-side-encryption", "aws:kms")
                .with("s3:x-amz-server-side-encryption-aws-kms-key-id", key),
        }
    }

    fn regions(&self) -> Vec<String> {
        match self.trail.multi_region {
            false => vec![self.trail.home_region.clone()],
            true => {
                let home = std::iter::once(self.trail.home_region.clone());
                let others = self
                    .world
                    .survey()
                    .regions
                    .iter()
                    .filter(|region| **region != self.trail.home_region);
                home.chain(others.cloned()).take(REGIONS_MAX).collect()
            }
        }
    }

    /// A key such as the trail's files of a Region have.
    fn file(&self, at: Moment, region: &str) -> Option<String> {
        example_file(self.world, self.trail, at, region)
    }

    fn key(&self) -> Vec<Right> {
        let Some(key) = &self.trail.kms_key else {
            return Vec::new();
        };
        let paper = self.world.key_policy(key);
        let describe = self.query("kms:DescribeKey", key);
        let seen = message!("CloudTrail looks at the key", "CloudTrail がキーを確認します");
        let mut rights = vec![self.right(Moment::Change, seen, &describe, paper)];
        let Some(file) = self.file(Moment::Delivery, &self.trail.home_region) else {
            return rights;
        };
        let seal =
            |action: &str, by_bucket_key: bool| sealed(self.query(action, key), self.trail, &file, by_bucket_key);
        let makes = message!(
            "a data key seals each log file",
            "データキーで各ログファイルを封印します"
        );
        let bucket_key = self.survey_bucket().map(|bucket| &bucket.encryption);
        match bucket_key {
            Some(Fact::Known(Some(encryption))) if encryption.bucket_key => {
                let makes = message!(
                    "a data key of the bucket key seals log files",
                    "バケットキーのデータキーでログファイルを封印します"
                );
                let opens = message!(
                    "CloudTrail opens the data key of the bucket key",
                    "CloudTrail がバケットキーのデータキーを開きます"
                );
                rights.push(self.right(Moment::Delivery, makes, &seal("kms:GenerateDataKey", true), paper));
                rights.push(self.right(Moment::Delivery, opens, &seal("kms:Decrypt", true), paper));
            }
            Some(Fact::Known(_)) => {
                rights.push(self.right(Moment::Delivery, makes, &seal("kms:GenerateDataKey", false), paper));
            }
            Some(Fact::NotAvailable(_)) | None => {
                let plain = self.right(
                    Moment::Delivery,
                    makes.clone(),
                    &seal("kms:GenerateDataKey", false),
                    paper,
                );
                let bound = self.right(Moment::Delivery, makes, &seal("kms:GenerateDataKey", true), paper);
                rights.push(match plain.verdict.allowed == bound.verdict.allowed {
                    true => plain,
                    false => differing(plain, bound),
                });
            }
        }
        rights
    }

    fn logs(&self) -> Vec<Right> {
        let (Some(group), Some(role)) = (&self.trail.log_group, &self.trail.log_role) else {
            return Vec::new();
        };
        let mut rights = Vec::new();
        let principals = self.world.survey().principals.as_ref();
        let paper = match principals {
            Fact::Known(principals) => {
                let found = principals.roles.iter().find(|known| known.arn == *role);
                found.map(|role| {
                    Paper::read(
                        &role.trust,
                        PolicyKind::Trust,
                        &format!("trust policy of role {}", role.name),
                        None,
                    )
                })
            }
            Fact::NotAvailable(missing) => {
                Some(Paper::missing(&missing, PolicyKind::Trust, "trust policy of the role"))
            }
        };
        let mut assume = self.query("sts:AssumeRole", role);
        assume.kind = ResourceKind::RoleTrust;
        let takes = message!(
            "CloudTrail takes the role of the log group",
            "CloudTrail がロググループ用のロールを引き受けます"
        );
        let mut right = self.right(Moment::Logs, takes, &assume, paper.as_ref());
        if paper.is_none() {
            right.verdict = Verdict::no(message!("there is no role {role}", "ロール {role} は存在しません"));
        }
        rights.push(right);
        let stream = format!(
            "{}:log-stream:{}_CloudTrail_{}",
            group.trim_end_matches(":*"),
            self.trail.account(),
            self.trail.home_region
        );
        let what = [
            (
                "logs:CreateLogStream",
                message!("the role makes the log stream", "ロールがログストリームを作成します"),
            ),
            (
                "logs:PutLogEvents",
                message!("the role writes the events", "ロールがイベントを書き込みます"),
            ),
        ];
        for (action, what) in what {
            let Some(someone) = self.world.someone(role) else {
                continue;
            };
            let query = self.world.query(&someone, action, &stream);
            rights.push(Right {
                what,
                at: Moment::Logs,
                action: action.to_owned(),
                resource: stream.clone(),
                verdict: self.world.decide(&query, &someone),
            });
        }
        rights
    }

    fn topic(&self) -> Vec<Right> {
        let Some(topic) = &self.trail.topic else {
            return Vec::new();
        };
        let name = format!("policy of topic {topic}");
        let settings = self.world.survey().topic_of(self.trail).map(|topic| &topic.settings);
        let mut none = None;
        let paper = match settings {
            Some(Fact::Known(Some(settings))) => {
                let read = |policy: &Value| Paper::read(policy, PolicyKind::TopicPolicy, &name, None);
                settings.policy.as_ref().map(read)
            }
            Some(Fact::Known(None)) => {
                none = Some(Verdict::no(message!(
                    "there is no topic {topic}",
                    "トピック {topic} は存在しません"
                )));
                None
            }
            Some(Fact::NotAvailable(missing)) => Some(Paper::missing(missing, PolicyKind::TopicPolicy, &name)),
            None => Some(Paper::missing(
                &crate::survey::Missing::not_asked("sns:GetTopicAttributes"),
                PolicyKind::TopicPolicy,
                &name,
            )),
        };
        let what = message!(
            "the topic is told of each log file",
            "トピックに各ログファイルを通知します"
        );
        let mut right = self.right(
            Moment::Notification,
            what,
            &self.query("sns:Publish", topic),
            paper.as_ref(),
        );
        right.verdict = none.unwrap_or(right.verdict);
        vec![right]
    }
}

/// What is allowed in one way and not in the other: which of them holds is not known.
fn differing(one: Right, other: Right) -> Right {
    let less = match one.verdict.allowed < other.verdict.allowed {
        true => one,
        false => other,
    };
    let why = super::verdict::join(
        &message!(
            "it depends on how the file is sealed, which differs between the versions of AWS",
            "ファイルの封印方法 (AWS の時期により異なる) に依存します"
        ),
        &less.verdict.why,
    );
    Right {
        verdict: Verdict::unknown(why),
        ..less
    }
}

fn what_of_files(at: Moment, regions: &[String], all: bool) -> Message {
    let regions = regions.join(", ");
    match (at, all) {
        (Moment::Digest, true) => message!("digests are delivered", "ダイジェストを配信します"),
        (Moment::Digest, false) => message!(
            "digests of {regions} are delivered",
            "{regions} のダイジェストを配信します"
        ),
        (_, true) => message!("log files are delivered", "ログファイルを配信します"),
        (_, false) => message!(
            "log files of {regions} are delivered",
            "{regions} のログファイルを配信します"
        ),
    }
}

/// A key such as a trail's files of a Region have; `None` when account or Region is none.
pub(super) fn example_file(world: &World, trail: &Trail, at: Moment, region: &str) -> Option<String> {
    let account = AccountId::parse(trail.account()).ok()?;
    let (region, home) = (Region::parse(region).ok()?, Region::parse(&trail.home_region).ok()?);
    let now = world.survey().made_at.unwrap_or(Timestamp::EPOCH);
    let prefix = (!trail.prefix.is_empty()).then_some(trail.prefix.as_str());
    Some(match at {
        Moment::Digest => record::digest_key(
            prefix,
            None,
            account,
            &region,
            &trail.name,
            &home,
            now,
            DigestKind::Standard,
        ),
        _ => record::log_file_key(
            prefix,
            None,
            account,
            &region,
            LogFileKind::CloudTrail,
            now,
            "ExampleOfAFile00",
        ),
    })
}

/// A call that seals or opens a trail's log file: with the encryption context that the file has.
/// SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/encrypting-cloudtrail-log-files-with-aws-kms.html>
pub(super) fn sealed(query: Query, trail: &Trail, file: &str, by_bucket_key: bool) -> Query {
    let bound_to = match by_bucket_key {
        true => base::arn::bucket(&trail.bucket),
        false => base::arn::object(&trail.bucket, file),
    };
    let mut query = query
        .with("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT")
        .with("kms:EncryptionContext:aws:cloudtrail:arn", trail.arn.as_str())
        .with("kms:EncryptionContext:aws:s3:arn", bound_to.as_str());
    query
        .context
        .set_all("kms:EncryptionContextKeys", ["aws:cloudtrail:arn", "aws:s3:arn"]);
    query
}
