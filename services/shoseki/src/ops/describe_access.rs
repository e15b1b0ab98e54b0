//! DescribeAccess: who can read this, and who could after a change?
//!
//! Every principal known is put before the decisions that its calls would meet: over TLS, from no known address, without
//! MFA and without a session policy, for these belong to a call and not to a caller.

use crate::{
    ShosekiError, access,
    reach::{
        matrix::{self, Cell},
        subject::{self, Subject},
        target::{self, Asked, Finder, Proposed, Target},
    },
};
use base::AccountId;
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(crate) struct DescribeAccess;

/// Its input: one of the first three.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeAccessRequest {
    /// `s3://BUCKET/KEY`
    object: Option<String>,
    /// Id, ARN, alias or alias ARN.
    key_id: Option<String>,
    /// Name or ARN.
    trail: Option<String>,
    /// What would be otherwise.
    change: Option<ProposedChange>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ProposedChange {
    bucket_policy: Option<String>,
    key_policy: Option<String>,
    /// The trail's key; empty: none.
    kms_key_id: Option<String>,
}

/// Its output.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeAccessResponse {
    target: ShownTarget,
    /// The target after the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_target: Option<ShownTarget>,
    principals: Vec<ShownPrincipal>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ShownTarget {
    /// `Object`, `Key` or `Trail`.
    kind: &'static str,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket: Option<String>,
    /// Where a trail's log files lie in the bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    log_files: Option<String>,
    /// The KMS key that seals it; absent for SSE-S3.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_arn: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ShownPrincipal {
    kind: &'static str,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<AccountId>,
    access: Vec<Cell>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_access: Option<Vec<Cell>>,
}

impl Evident for DescribeAccessRequest {
    fn evident(&self) -> Params {
        Params::new()
            .maybe_text("object", self.object.as_deref())
            .maybe_text("keyId", self.key_id.as_deref())
            .maybe_text("trail", self.trail.as_deref())
            .flag("withChange", self.change.is_some())
    }
}

impl Evident for DescribeAccessResponse {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl DescribeAccessRequest {
    fn asked(&self) -> Result<Asked, ShosekiError> {
        match (&self.object, &self.key_id, &self.trail) {
            (Some(object), None, None) => parse_object(object),
            (None, Some(key_id), None) => Ok(Asked::Key(key_id.clone())),
            (None, None, Some(trail)) => Ok(Asked::Trail(trail.clone())),
            _ => Err(ShosekiError::Validation(
                "Give one of Object, KeyId and Trail.".to_owned(),
            )),
        }
    }

    fn proposed(&self) -> Result<Option<Proposed>, ShosekiError> {
        let Some(change) = &self.change else { return Ok(None) };
        let parts = [&change.bucket_policy, &change.key_policy, &change.kms_key_id];
        if parts.iter().all(|part| part.is_none()) {
            let text = "Change needs one of BucketPolicy, KeyPolicy and KmsKeyId.";
            return Err(ShosekiError::Validation(text.to_owned()));
        }
        let [bucket_policy, key_policy, trail_key] = parts.map(Option::as_deref);
        Proposed::parse(bucket_policy, key_policy, trail_key).map(Some)
    }
}

fn parse_object(text: &str) -> Result<Asked, ShosekiError> {
    let place = text
        .strip_prefix("s3://")
        .or_else(|| text.strip_prefix("arn:aws:s3:::"));
    match place.and_then(|place| place.split_once('/')) {
        Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => {
            Ok(Asked::Object(bucket.to_owned(), key.to_owned()))
        }
        _ => Err(ShosekiError::Validation(format!(
            "Object must be s3://BUCKET/KEY, and is `{text}`."
        ))),
    }
}

impl Operation for DescribeAccess {
    const NAME: &'static str = "DescribeAccess";
    const SERVICE: ServiceName = ServiceName::Shoseki;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<DescribeAccessRequest>;
    type Output = Json<DescribeAccessResponse>;
    type Error = ShosekiError;

    async fn demands(ctx: &Ctx, _: &ReadView<'_>, _: &Self::Input) -> Result<Demands, ShosekiError> {
        Ok(access::demands(ctx, "shoseki:DescribeAccess"))
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, ShosekiError> {
        let view = &txn.view();
        let asked = &input.asked()?;
        let find = async |proposed: &Proposed| {
            let finder = Finder {
                ctx,
                view,
                asked,
                proposed,
            };
            finder.find().await
        };
        let before = find(&Proposed::default()).await?;
        let after = match input.proposed()? {
            Some(proposed) => Some(find(&proposed).await?),
            None => None,
        };
        let here = ctx.world().ports()?.identities.principals(view).await?;
        let targets: Vec<&Target> = [Some(&before), after.as_ref()].into_iter().flatten().collect();
        let row = |target: &Target, subject: &Subject| matrix::row(ctx.settings(), ctx.now(), target, subject);
        let principals = subject::all(here, &targets).into_iter().map(|subject| ShownPrincipal {
            access: row(&before, &subject),
            changed_access: after.as_ref().map(|after| row(after, &subject)),
            kind: subject.kind.as_str(),
            name: subject.name,
            account: subject.account,
        });
        Ok(Json(DescribeAccessResponse {
            principals: principals.collect(),
            target: ShownTarget::of(&before),
            changed_target: after.as_ref().map(ShownTarget::of),
        }))
    }
}

impl ShownTarget {
    fn of(target: &Target) -> ShownTarget {
        ShownTarget {
            kind: target.kind,
            name: target.name.clone(),
            bucket: target.place.as_ref().map(|place| place.bucket.clone()),
            log_files: target.trail.as_ref().map(target::log_files),
            key_arn: target.key.as_ref().map(|key| key.arn().to_string()),
            notes: target.notes.clone(),
        }
    }
}
