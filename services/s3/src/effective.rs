//! What speaks for a bucket or an object: its policy, its ACL where that counts, less what Block Public Access takes away.
//!
//! An ACL is read as statements of a policy ([`acl::statements`]), so that one decision weighs both and one explanation tells
//! of both. A bucket whose ACL says nothing, which is nearly every one, costs nothing here.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-s3-evaluates-access-control.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>

use crate::{
    model::acl::{self, AclResource},
    table::{self, Bucket, Object},
};
use base::{AccountId, Fault, arn};
use gateway::{Caller, Ctx};
use policy::{Policy, PolicyKind};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, PoisonError, RwLock},
};
use store::ReadView;

/// A policy with what was found out about it.
#[derive(Clone)]
pub struct Parsed {
    /// It.
    pub policy: Arc<Policy>,
    /// Whether it is public.
    pub public: bool,
}

/// Policies by the hash of their text, or of what they were composed of. A bucket's row has the hash, so a hit costs neither
/// a read nor a hash.
static PARSED: LazyLock<RwLock<HashMap<[u8; 32], Parsed>>> = LazyLock::new(RwLock::default);

/// When so many are kept, all are forgotten and parsed again when needed.
const PARSED_MAX: usize = 4096;

fn known(sha256: &[u8; 32]) -> Option<Parsed> {
    PARSED
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(sha256)
        .cloned()
}

fn keep(sha256: [u8; 32], text: &str, whose: impl FnOnce() -> String) -> Result<Parsed, Fault> {
    // What was put was within its limit; with an ACL's statements it may have grown beyond.
    let policy =
        Policy::parse_composed(text, PolicyKind::BucketPolicy).map_err(|error| Fault::corrupt_by(whose(), error))?;
    let public = serde_json::from_str(text).is_ok_and(|json| policy::is_public(&json));
    let found = Parsed {
        policy: Arc::new(policy),
        public,
    };
    let mut parsed = PARSED.write().unwrap_or_else(PoisonError::into_inner);
    if parsed.len() >= PARSED_MAX {
        parsed.clear();
    }
    parsed.insert(sha256, found.clone());
    Ok(found)
}

/// A bucket's policy, parsed.
///
/// A stored policy that does not parse is a fault, never as good as none: a deny in it must not be lost.
pub async fn policy_of(view: &ReadView<'_>, name: &str, bucket: &Bucket) -> Result<Option<Parsed>, Fault> {
    let Some(sha256) = bucket.policy_sha256 else {
        return Ok(None);
    };
    if let Some(found) = known(&sha256) {
        return Ok(Some(found));
    }
    let text = table::policy_text(view, name).await?;
    let text = text.ok_or_else(|| Fault::corrupt(format!("bucket `{name}` has lost its policy")))?;
    keep(sha256, &text, || format!("the policy of bucket `{name}`")).map(Some)
}

/// What speaks for a bucket to this caller.
pub async fn of_bucket(
    ctx: &Ctx,
    view: &ReadView<'_>,
    name: &str,
    bucket: &Bucket,
) -> Result<Option<Arc<Policy>>, Fault> {
    let policy = policy_of(view, name, bucket).await?;
    let restricted = bucket.blocks(|block| block.restrict_public_buckets)
        && is_foreign(ctx, bucket.owner)
        && policy.as_ref().is_some_and(|policy| policy.public);
    compose(
        policy.as_ref().map(|parsed| &parsed.policy),
        !restricted,
        bucket_statements(name, bucket),
    )
}

/// As [`of_bucket`] for no caller: with all that the policy allows.
pub async fn of_bucket_to_all(view: &ReadView<'_>, name: &str, bucket: &Bucket) -> Result<Option<Arc<Policy>>, Fault> {
    let policy = policy_of(view, name, bucket).await?;
    compose(
        policy.as_ref().map(|parsed| &parsed.policy),
        true,
        bucket_statements(name, bucket),
    )
}

/// What speaks for an object, `speaks` being what speaks for its bucket. A bucket's policy lets nobody at what another
/// account owns.
pub fn of_object(
    (name, key): (&str, &str),
    bucket: &Bucket,
    speaks: Option<&Arc<Policy>>,
    object: &Object,
) -> Result<Option<Arc<Policy>>, Fault> {
    if !bucket.ownership.has_acls() {
        return Ok(speaks.map(Arc::clone));
    }
    let owner = object.owner(bucket);
    let public = !bucket.blocks(|block| block.ignore_public_acls);
    let arn = arn::object(name, key);
    let grants = object.granted(bucket.owner);
    let statements = acl::statements(&grants, owner, public, &AclResource::Object(arn.as_str()));
    compose(speaks, owner == bucket.owner, statements)
}

fn bucket_statements(name: &str, bucket: &Bucket) -> Vec<Value> {
    // Nothing is made where the ACL says nothing.
    if !bucket.ownership.has_acls() || (bucket.grants.is_none() && bucket.acl == acl::CannedAcl::Private) {
        return Vec::new();
    }
    let public = !bucket.blocks(|block| block.ignore_public_acls);
    let arn = arn::bucket(name);
    acl::statements(
        &bucket.granted(),
        bucket.owner,
        public,
        &AclResource::Bucket(arn.as_str()),
    )
}

/// Whether a caller is neither of the owner's account nor a service.
fn is_foreign(ctx: &Ctx, owner: AccountId) -> bool {
    !matches!(ctx.caller, Caller::Service(_)) && ctx.caller.account() != Some(owner)
}

/// A policy with more statements, and with or without those of its own that allow.
fn compose(base: Option<&Arc<Policy>>, with_allows: bool, more: Vec<Value>) -> Result<Option<Arc<Policy>>, Fault> {
    if more.is_empty() && (with_allows || base.is_none()) {
        return Ok(base.map(Arc::clone));
    }
    let document = base.map_or("", |policy| policy.document());
    let added = Value::Array(more.clone()).to_string();
    let composed = format!("{with_allows}\n{added}\n{document}");
    let sha256 = sigv4::sha256(composed.as_bytes());
    if let Some(found) = known(&sha256) {
        return Ok(Some(found.policy));
    }
    let mut policy = match document {
        "" => json!({"Version": "2012-10-17"}),
        text => serde_json::from_str(text).map_err(|error| Fault::corrupt_by("a bucket's policy", error))?,
    };
    let own = match policy.get("Statement").cloned().unwrap_or_default() {
        Value::Array(statements) => statements,
        Value::Null => Vec::new(),
        one => vec![one],
    };
    let denies = |one: &Value| one.get("Effect").and_then(Value::as_str) == Some("Deny");
    let kept = own.into_iter().filter(|one| with_allows || denies(one));
    let statements: Vec<Value> = kept.chain(more).collect();
    if statements.is_empty() {
        return Ok(None);
    }
    if let Value::Object(members) = &mut policy {
        members.insert("Statement".to_owned(), Value::Array(statements));
    }
    let found = keep(sha256, &policy.to_string(), || "a policy composed of an ACL".to_owned())?;
    Ok(Some(found.policy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_composed() {
        let base = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"},{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::b/*"}]}"#;
        let base = Arc::new(Policy::parse(base, PolicyKind::BucketPolicy).unwrap());
        let read =
            json!({"Effect": "Allow", "Principal": "*", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b"});
        let check = |with_base: bool, with_allows: bool, more: &[Value], expected: Option<usize>| {
            let base = with_base.then_some(&base);
            let found = compose(base, with_allows, more.to_vec()).unwrap();
            assert_eq!(found.map(|policy| policy.statements().len()), expected);
        };
        check(false, true, &[], None);
        check(false, false, &[], None);
        check(true, true, &[], Some(2));
        check(true, false, &[], Some(1));
        check(true, true, std::slice::from_ref(&read), Some(3));
        check(true, false, std::slice::from_ref(&read), Some(2));
        check(false, true, std::slice::from_ref(&read), Some(1));
    }
}
