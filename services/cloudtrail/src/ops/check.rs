//! What CreateTrail and UpdateTrail check before they change anything: the bucket, its policy, the topic, the key, its
//! policy.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html>
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html>

use super::{create_trail::Input, topic};
use crate::{
    CloudTrailError,
    model::trail::Trail,
    table::{self, LogsRow},
    work::chains,
};
use base::{Arn, Region, arn, ids};
use envelope::EncryptionContext;
use gateway::{
    Ctx, PortRefusal, ServiceCaller, Txn,
    ctx::By,
    ports::{ObjectSeal, ServiceObject},
};
use record::LogFileKind;

/// The longest way to write a key.
const KEY_ID_LENGTH_MAX: usize = 2048;

/// CloudTrail's service principal.
pub(crate) const PRINCIPAL: &str = "cloudtrail.amazonaws.com";

/// CloudTrail acting for a trail.
pub(crate) fn as_cloudtrail(trail: &Trail) -> ServiceCaller {
    ServiceCaller {
        name: PRINCIPAL,
        source_arn: Some(trail.arn()),
        source_account: trail.account,
    }
}

/// How a trail's log files are sealed: under its key with its ARN as context, or SSE-S3 whatever the bucket's default.
pub(crate) fn seal_of(trail: &Trail) -> ObjectSeal {
    match &trail.kms_key {
        None => ObjectSeal::Aes256,
        Some(key) => {
            let mut context = EncryptionContext::new();
            context.insert("aws:cloudtrail:arn", trail.arn().as_str());
            ObjectSeal::Kms {
                key: key.clone(),
                context,
            }
        }
    }
}

/// Resolves the key that a caller wrote (`None`: the trail's own; empty: none) to its ARN in the bucket's Region, and proves that CloudTrail can check and
/// write the bucket and use the key, by the same decisions that delivery will meet.
///
/// Without a key a refusal is InsufficientS3BucketPolicy; with one a refused write may be the key's or the bucket's
/// fault, and AWS does not say which: InsufficientEncryptionPolicy.
pub(super) async fn check_resources(
    ctx: &Ctx,
    txn: &mut Txn,
    trail: &mut Trail,
    input: &Input,
) -> Result<(), CloudTrailError> {
    let ports = ctx.world().ports()?;
    let place = ports
        .objects
        .place(&txn.view(), &trail.bucket)
        .await?
        .ok_or_else(|| CloudTrailError::S3BucketDoesNotExist(trail.bucket.clone()))?;
    let service = |trail: &Trail| By::Service(as_cloudtrail(trail));
    ports
        .objects
        .check_bucket_acl(ctx, txn, service(trail), &trail.bucket)
        .await
        .map_err(|_| CloudTrailError::InsufficientS3BucketPolicy(trail.bucket.clone()))?;
    topic::check(ctx, txn, trail, input.sns_topic_name.as_deref()).await?;
    let wanted_key = input.kms_key_id.as_deref();
    let own_key = trail.kms_key.take().map(|arn| arn.as_str().to_owned());
    let key = wanted_key.map(str::to_owned).or(own_key).filter(|key| !key.is_empty());
    if let Some(key) = key {
        trail.kms_key = Some(resolve_key(ctx, txn, trail, &key, &place.region).await?);
    }
    let probe = ServiceObject {
        bucket: trail.bucket.clone(),
        key: probe_key(ctx, trail),
        body: bytes::Bytes::new(),
        seal: seal_of(trail),
        acl: Some("bucket-owner-full-control"),
        content_type: "application/json",
        content_encoding: None,
        metadata: Vec::new(),
    };
    let probed = ports.objects.probe_put_object(ctx, txn, service(trail), &probe).await;
    probed.map_err(|refusal| match &trail.kms_key {
        None => CloudTrailError::InsufficientS3BucketPolicy(trail.bucket.clone()),
        Some(key) => key_refusal(refusal, &trail.bucket, key.as_str()),
    })
}

/// A key such as the trail's log files will have.
fn probe_key(ctx: &Ctx, trail: &Trail) -> String {
    let suffix = ids::log_file_suffix(ctx.random());
    let (prefix, kind) = (trail.prefix.as_deref(), LogFileKind::CloudTrail);
    record::log_file_key(prefix, None, trail.account, &trail.home, kind, ctx.now(), &suffix)
}

/// The ARN of the key in the Region of the bucket. An ARN of another Region is a key that is not there.
async fn resolve_key(
    ctx: &Ctx,
    txn: &mut Txn,
    trail: &Trail,
    text: &str,
    region: &Region,
) -> Result<Arn, CloudTrailError> {
    if text.len() > KEY_ID_LENGTH_MAX || text.chars().any(char::is_whitespace) {
        return Err(CloudTrailError::InvalidKmsKeyId(text.to_owned()));
    }
    if let Some(parts) = arn::split(text) {
        if parts.service != "kms" {
            return Err(CloudTrailError::InvalidKmsKeyId(text.to_owned()));
        }
        if parts.region != region.as_str() {
            return Err(CloudTrailError::KmsKeyNotFound(text.to_owned()));
        }
    }
    let keys = &ctx.world().ports()?.keys;
    keys.describe_key(ctx, txn, By::Service(as_cloudtrail(trail)), region.clone(), text)
        .await
        .map_err(|refusal| key_refusal(refusal, &trail.bucket, text))
}

fn key_refusal(refusal: PortRefusal, bucket: &str, key: &str) -> CloudTrailError {
    if refusal.denied {
        return CloudTrailError::InsufficientEncryptionPolicy {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        };
    }
    let code = refusal.code.strip_prefix("KMS.").unwrap_or(&refusal.code);
    match code {
        "NotFoundException" => CloudTrailError::KmsKeyNotFound(key.to_owned()),
        "InvalidArnException" | "ValidationException" => CloudTrailError::InvalidKmsKeyId(key.to_owned()),
        _ => CloudTrailError::Kms(refusal.message),
    }
}

/// Stores a changed trail with its digest chains in step: one per Region that it covers while it logs with validation.
pub(super) async fn store_trail(ctx: &Ctx, txn: &mut Txn, trail: &Trail) -> Result<(), CloudTrailError> {
    table::put_trail(txn, trail, ctx.random());
    if trail.logs.is_none() {
        table::delete_logs(txn, &trail.id);
    } else if trail.generation > 0 && table::logs(&txn.view(), &trail.id).await?.is_none() {
        // Nothing before this call is for the group: delivery starts looking here.
        let through = txn.view().seq();
        table::put_logs(
            txn,
            &trail.id,
            &LogsRow {
                through,
                ..LogsRow::default()
            },
        );
    }
    chains::align(txn, trail, &ctx.settings().regions, ctx.now()).await?;
    Ok(())
}
