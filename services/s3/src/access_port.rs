//! What guards an object, as those ask who want to know who could reach it, and what is told of objects without opening them.
//! Nothing is decided here.

use crate::{
    effective,
    model::{
        encryption::BucketDefault,
        listing::{Item, Listing},
    },
    table::{self, Seal},
};
use base::Fault;
use gateway::ports::{BucketPlace, ObjectFacts, ObjectGuard};
use store::ReadView;

/// The alias of the key that seals where a bucket's default names none.
const MANAGED_KEY: &str = "alias/aws/s3";

/// What guards an object, whether it is there or not; `None` when there is no such bucket.
pub(crate) async fn guard(view: &ReadView<'_>, name: &str, key: &str) -> Result<Option<ObjectGuard>, Fault> {
    let Some(bucket) = table::bucket(view, name).await? else {
        return Ok(None);
    };
    let object = table::object(view, name, key).await?;
    let default_key = match &bucket.encryption {
        BucketDefault::Kms { key } | BucketDefault::Dsse { key } => {
            Some(key.as_deref().unwrap_or(MANAGED_KEY).to_owned())
        }
        BucketDefault::S3 => None,
    };
    let seal = object.as_ref().map(|object| &object.seal);
    let speaks = effective::of_bucket_to_all(view, name, &bucket).await?;
    let speaks = match &object {
        Some(object) => effective::of_object((name, key), &bucket, speaks.as_ref(), object)?,
        None => speaks,
    };
    Ok(Some(ObjectGuard {
        policy: speaks,
        place: BucketPlace {
            owner: bucket.owner,
            region: bucket.region,
        },
        exists: object.is_some(),
        sealed_under: seal
            .and_then(Seal::kms)
            .map(|(key_arn, context)| (key_arn.clone(), context.clone())),
        customer_key: matches!(seal, Some(Seal::Customer { .. })),
        default_key,
        default_by_bucket_key: bucket.bucket_key && matches!(bucket.encryption, BucketDefault::Kms { .. }),
        bucket_key: bucket.bucket_key,
    }))
}

/// What is told of the objects of a page.
pub(crate) async fn facts(
    view: &ReadView<'_>,
    bucket: &str,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<ObjectFacts>, Fault> {
    let listing = Listing {
        prefix: prefix.to_owned(),
        delimiter: None,
        after: after.map(str::to_owned),
        max_keys: limit,
    };
    let (items, _) = table::list(view, bucket, &listing).await?;
    let fact = |item: Item<table::Object>| match item {
        Item::Key(key, object) => Some(ObjectFacts {
            key,
            bytes: object.size,
            modified: object.modified,
            encryption: encryption(&object.seal),
            kms_key: object.seal.kms().map(|(key_arn, _)| key_arn.clone()),
        }),
        // Without a delimiter nothing is folded.
        Item::Prefix(_) => None,
    };
    Ok(items.into_iter().filter_map(fact).collect())
}

/// As the header says it, but for SSE-C, of which the header says an algorithm alone.
fn encryption(seal: &Seal) -> &'static str {
    match seal {
        Seal::S3 { .. } => "AES256",
        Seal::Kms { .. } | Seal::BucketKey { .. } => "aws:kms",
        Seal::Dsse { .. } => "aws:kms:dsse",
        Seal::Customer { .. } => "SSE-C",
    }
}
