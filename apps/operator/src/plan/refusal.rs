//! With which errors the services would refuse: the changes themselves, UpdateTrail, and CloudTrail's deliveries.

use crate::{
    message,
    message::Message,
    rights::{Allowed, Moment, Proposal, Right, Verdict, World},
    survey::{Fact, Key, Trail},
};
use policy::{Context, Policy, PolicyKind, ResourceFault};
use serde::Serialize;

/// An error that a call would get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// Its code, in AWS's words.
    pub code: String,
    /// Whether it is certain.
    pub certain: bool,
    /// Why.
    pub why: Message,
}

impl Refusal {
    fn new(code: &str, why: Message) -> Refusal {
        Refusal {
            code: code.to_owned(),
            certain: true,
            why,
        }
    }

    /// Of a right that is not known to be there; `None` when it is.
    fn of(code: &str, verdict: &Verdict) -> Option<Refusal> {
        (verdict.allowed != Allowed::Yes).then(|| Refusal {
            code: code.to_owned(),
            certain: verdict.is_no(),
            why: verdict.why.clone(),
        })
    }
}

/// The exception of an UpdateTrail that leaves the trail as it is in this world; `None` when it would be taken. CloudTrail
/// looks at the bucket, the topic, the key, then at whether a log file could be put, then at the log group.
pub(super) fn of_update(world: &World, trail: &Trail, rights: &[Right]) -> Option<Refusal> {
    let bucket = world.survey().bucket_of(trail);
    let name = &trail.bucket;
    if bucket.is_some_and(|bucket| bucket.exists == Fact::Known(false)) {
        let why = message!("there is no bucket {name}", "バケット {name} は存在しません");
        return Some(Refusal::new("S3BucketDoesNotExistException", why));
    }
    let of = |at: Moment, action: &str| rights.iter().find(|right| right.at == at && right.action == action);
    let refused = |at: Moment, action: &str, code: &str| Refusal::of(code, &of(at, action)?.verdict);
    let mut found = vec![
        refused(Moment::Change, "s3:GetBucketAcl", "InsufficientS3BucketPolicyException"),
        refused(
            Moment::Notification,
            "sns:Publish",
            "InsufficientSnsTopicPolicyException",
        ),
    ];
    match &trail.kms_key {
        None => found.push(refused(
            Moment::Delivery,
            "s3:PutObject",
            "InsufficientS3BucketPolicyException",
        )),
        Some(arn) => {
            found.push(of_key(world, trail, arn, of(Moment::Change, "kms:DescribeKey")));
            for action in ["s3:PutObject", "kms:GenerateDataKey", "kms:Decrypt"] {
                let Some(right) = of(Moment::Delivery, action) else {
                    continue;
                };
                let code = match (of_state(world.survey().keys.get(arn)), action) {
                    (Some(_), "kms:GenerateDataKey" | "kms:Decrypt") if right.verdict.by_state => "KmsException",
                    _ => "InsufficientEncryptionPolicyException",
                };
                found.push(Refusal::of(code, &right.verdict));
            }
        }
    }
    found.push(refused(
        Moment::Logs,
        "sts:AssumeRole",
        "InvalidCloudWatchLogsRoleArnException",
    ));
    for action in ["logs:CreateLogStream", "logs:PutLogEvents"] {
        found.push(refused(
            Moment::Logs,
            action,
            "InvalidCloudWatchLogsLogGroupArnException",
        ));
    }
    first(found)
}

/// The first that is certain; else the first.
fn first(found: Vec<Option<Refusal>>) -> Option<Refusal> {
    let mut doubtful = None;
    for refusal in found.into_iter().flatten() {
        match refusal.certain {
            // What comes before might be taken or not: of the code nothing is certain then, but that it is refused.
            true => return Some(refusal),
            false => doubtful = doubtful.or(Some(refusal)),
        }
    }
    doubtful
}

fn of_key(world: &World, trail: &Trail, arn: &str, describe: Option<&Right>) -> Option<Refusal> {
    let place = world.survey().bucket_of(trail).and_then(|bucket| bucket.region.known());
    let region = base::arn::split(arn).map_or("", |parts| parts.region);
    if let Some(place) = place.filter(|place| !region.is_empty() && *place != region) {
        let why = message!(
            "the key is in {region}, and must be where the bucket is: {place}",
            "キーは {region} にありますが、バケットのある {place} になければなりません"
        );
        return Some(Refusal::new("KmsKeyNotFoundException", why));
    }
    if world.survey().keys.get(arn).is_some_and(Key::is_gone) {
        let why = message!("there is no key {arn}", "キー {arn} は存在しません");
        return Some(Refusal::new("KmsKeyNotFoundException", why));
    }
    Refusal::of("InsufficientEncryptionPolicyException", &describe?.verdict)
}

/// The code of KMS for a key that cannot be used.
fn of_state(key: Option<&Key>) -> Option<&'static str> {
    let key = key?;
    if key.is_gone() {
        return Some("KMS.NotFoundException");
    }
    match key.metadata.known()?.state.as_str() {
        "Enabled" | "" => None,
        "Disabled" => Some("KMS.DisabledException"),
        _ => Some("KMS.KMSInvalidStateException"),
    }
}

/// What GetTrailStatus would show as LatestDeliveryError, or as LatestDigestDeliveryError, after a delivery was tried; `None` when
/// it would succeed.
pub(super) fn of_delivery(world: &World, trail: &Trail, rights: &[Right], at: Moment) -> Option<Refusal> {
    let bucket = world.survey().bucket_of(trail);
    let name = &trail.bucket;
    if bucket.is_some_and(|bucket| bucket.exists == Fact::Known(false)) {
        let why = message!("there is no bucket {name}", "バケット {name} は存在しません");
        return Some(Refusal::new("NoSuchBucket", why));
    }
    let needed = rights.iter().filter(|right| right.at == at);
    let found = needed.map(|right| match &trail.kms_key {
        Some(arn) if right.verdict.by_state => {
            let code = of_state(world.survey().keys.get(arn)).unwrap_or("AccessDenied");
            Refusal::of(code, &right.verdict)
        }
        _ => Refusal::of("AccessDenied", &right.verdict),
    });
    first(found.collect())
}

/// Whether the service would refuse a change for itself, whatever it does to trails.
pub(super) fn of_change(before: &World, after: &World, change: &Proposal) -> Option<Refusal> {
    match change {
        Proposal::KeyPolicy { key, document } => {
            if let Err(error) = Policy::parse(&document.to_string(), PolicyKind::KeyPolicy) {
                return Some(Refusal::new(
                    "MalformedPolicyDocumentException",
                    Message::plain(error.to_string()),
                ));
            }
            locks_out(after, key)
        }
        Proposal::BucketPolicy {
            bucket,
            document: Some(document),
        } => of_bucket_policy(before, bucket, document),
        Proposal::KeyState { key, .. } if before.survey().keys.get(key).is_some_and(Key::is_gone) => {
            let why = message!("there is no key {key}", "キー {key} は存在しません");
            Some(Refusal::new("NotFoundException", why))
        }
        Proposal::BucketPolicy { .. }
        | Proposal::KeyState { .. }
        | Proposal::BucketEncryption { .. }
        | Proposal::Lifecycle { .. }
        | Proposal::InlinePolicy { document: None, .. }
        | Proposal::Trail { .. } => None,
        Proposal::InlinePolicy {
            document: Some(document),
            ..
        }
        | Proposal::ManagedPolicy { document, .. } => of_iam(document, PolicyKind::Identity),
        Proposal::TrustPolicy { document, .. } => of_iam(document, PolicyKind::Trust).or_else(|| {
            let policy = Policy::parse(&document.to_string(), PolicyKind::Trust).ok()?;
            of_nobody(before, &policy, "MalformedPolicyDocument")
        }),
    }
}

/// Of a document that IAM keeps.
fn of_iam(document: &serde_json::Value, kind: PolicyKind) -> Option<Refusal> {
    let error = Policy::parse(&document.to_string(), kind).err()?;
    Some(Refusal::new(
        "MalformedPolicyDocument",
        Message::plain(error.to_string()),
    ))
}

fn of_bucket_policy(before: &World, bucket: &str, document: &serde_json::Value) -> Option<Refusal> {
    const MALFORMED: &str = "MalformedPolicy";
    let policy = match Policy::parse(&document.to_string(), PolicyKind::BucketPolicy) {
        Ok(policy) => policy,
        Err(error) => return Some(Refusal::new(MALFORMED, Message::plain(error.to_string()))),
    };
    for (index, statement) in policy.statements().iter().enumerate() {
        let resources: Vec<&str> = statement.resources().collect();
        let place = index + 1;
        let why = match policy::check_statement(bucket, statement.actions(), resources.iter().copied()) {
            Ok(()) => continue,
            Err(ResourceFault::ActionWithoutResource) => message!(
                "statement {place} has an action that applies to none of its resources",
                "ステートメント {place} に、どのリソースにも当てはまらないアクションがあります"
            ),
            Err(ResourceFault::Foreign) => message!(
                "statement {place} has a resource that is not of the bucket",
                "ステートメント {place} に、このバケット以外のリソースがあります"
            ),
        };
        return Some(Refusal::new(MALFORMED, why));
    }
    if let Some(refusal) = of_nobody(before, &policy, MALFORMED) {
        return Some(refusal);
    }
    let known = before.survey().buckets.get(bucket)?;
    let block = known.public_access_block.found()?;
    (block.block_public_policy && policy::is_public(document)).then(|| {
        Refusal::new(
            "AccessDenied",
            message!(
                "the policy is public, and Block Public Access of {bucket} refuses such policies",
                "公開ポリシーのため {bucket} のブロックパブリックアクセスが拒否します"
            ),
        )
    })
}

/// Of a policy that names a user or role of the account that is not there.
fn of_nobody(before: &World, policy: &Policy, code: &str) -> Option<Refusal> {
    before.survey().principals.known()?;
    let known = before.known_principals();
    let of_here = |arn: &&str| {
        base::arn::split(arn).is_some_and(|parts| parts.service == "iam" && parts.account == before.survey().account)
    };
    let mut named = policy.named_principals().filter(of_here);
    let nobody = named.find(|arn| !known.iter().any(|one| one == arn))?;
    let why = message!("there is no principal {nobody}", "プリンシパル {nobody} は存在しません");
    Some(Refusal::new(code, why))
}

/// The safety check of PutKeyPolicy: whoever puts a policy must be able to put another, unless the call says
/// BypassPolicyLockoutSafetyCheck. SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html>
fn locks_out(after: &World, key: &str) -> Option<Refusal> {
    let again = after.may(&after.survey().caller, "kms:PutKeyPolicy", key, &Context::new());
    Refusal::of("MalformedPolicyDocumentException", &again)
}
