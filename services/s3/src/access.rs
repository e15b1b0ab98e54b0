//! What every call asks of its bucket before anything else, and how its demands look.

use crate::{
    S3Error,
    model::condition::{WriteCondition, WriteRefusal},
    request::{Auth, Request},
    table::{self, Bucket},
};
use base::{Arn, Fault, Region, arn};
use gateway::{Caller, Ctx, Demand, Demands};
use policy::{Policy, PolicyKind, ResourceKind};
use record::{Params, Resource};
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, PoisonError, RwLock},
};
use store::ReadView;

/// The type of an object in events.
pub const OBJECT: &str = "AWS::S3::Object";
/// The type of a bucket in events.
pub const BUCKET: &str = "AWS::S3::Bucket";

/// A bucket that may be spoken of: it exists, the call came to its Region, and its owner is who the caller expects.
pub struct Found {
    /// Its row.
    pub bucket: Bucket,
    /// Its policy.
    pub policy: Option<Arc<Policy>>,
}

/// Finds the bucket of a call.
pub async fn find(ctx: &Ctx, view: &ReadView<'_>, request: &Request) -> Result<Found, S3Error> {
    let bucket = find_anywhere(ctx, view, request).await?;
    if bucket.region != ctx.region {
        return Err(elsewhere(ctx, request, &bucket));
    }
    let policy = policy_of(view, &request.bucket, &bucket).await?;
    Ok(Found { bucket, policy })
}

/// As [`find`], from any Region.
pub async fn find_anywhere(ctx: &Ctx, view: &ReadView<'_>, request: &Request) -> Result<Bucket, S3Error> {
    note(ctx, request, (request.bytes_in, 0), Params::new());
    let bucket = row(view, &request.bucket).await?;
    ctx.notes().owners.push(bucket.owner);
    if request
        .expected_owner
        .as_deref()
        .is_some_and(|expected| expected != bucket.owner.as_str())
    {
        return Err(S3Error::AccessDenied("Access Denied".to_owned()));
    }
    Ok(bucket)
}

/// The row of a bucket that an authorised call is on. It may have gone since staging.
pub async fn row(view: &ReadView<'_>, name: &str) -> Result<Bucket, S3Error> {
    let found = table::bucket(view, name).await?;
    found.ok_or_else(|| S3Error::NoSuchBucket {
        bucket: name.to_owned(),
    })
}

/// What a caller is told who asks in another Region than the bucket's.
pub fn elsewhere(ctx: &Ctx, request: &Request, bucket: &Bucket) -> S3Error {
    let region = bucket.region.clone();
    match ctx.caller {
        Caller::Anonymous => S3Error::PermanentRedirect {
            bucket: request.bucket.clone(),
            region,
        },
        _ => S3Error::AuthorizationHeaderMalformed {
            got: ctx.region.clone(),
            expected: region,
        },
    }
}

/// Policies by the hash of their text. A bucket's row has the hash, so a hit costs neither a read nor a hash.
static PARSED: LazyLock<RwLock<HashMap<[u8; 32], Arc<Policy>>>> = LazyLock::new(RwLock::default);

/// When so many are kept, all are forgotten and parsed again when needed.
const PARSED_MAX: usize = 4096;

/// A bucket's policy, parsed.
///
/// A stored policy that does not parse is a fault, never as good as none: a deny in it must not be lost.
pub async fn policy_of(view: &ReadView<'_>, name: &str, bucket: &Bucket) -> Result<Option<Arc<Policy>>, Fault> {
    let Some(sha256) = bucket.policy_sha256 else {
        return Ok(None);
    };
    if let Some(policy) = PARSED.read().unwrap_or_else(PoisonError::into_inner).get(&sha256) {
        return Ok(Some(Arc::clone(policy)));
    }
    let text = table::policy_text(view, name).await?;
    let text = text.ok_or_else(|| Fault::corrupt(format!("bucket `{name}` has lost its policy")))?;
    let policy = Policy::parse(&text, PolicyKind::BucketPolicy)
        .map_err(|error| Fault::corrupt_by(format!("the policy of bucket `{name}`"), error))?;
    let policy = Arc::new(policy);
    let mut parsed = PARSED.write().unwrap_or_else(PoisonError::into_inner);
    if parsed.len() >= PARSED_MAX {
        parsed.clear();
    }
    parsed.insert(sha256, Arc::clone(&policy));
    Ok(Some(policy))
}

impl Found {
    /// A demand on the bucket.
    pub fn on_bucket(&self, ctx: &Ctx, action: &'static str, request: &Request) -> Demand {
        self.on(ctx, action, arn::bucket(&request.bucket), request)
            .shown_as(BUCKET)
    }

    /// A demand on the object.
    pub fn on_object(&self, ctx: &Ctx, action: &'static str, request: &Request) -> Demand {
        self.on_key(ctx, action, request, &request.key)
    }

    /// A demand on an object of the bucket.
    pub fn on_key(&self, ctx: &Ctx, action: &'static str, request: &Request, key: &str) -> Demand {
        self.on(ctx, action, arn::object(&request.bucket, key), request)
            .shown_as(OBJECT)
    }

    fn on(&self, ctx: &Ctx, action: &'static str, resource: Arn, request: &Request) -> Demand {
        let owner = self.bucket.owner;
        let demand = Demand::on(action, resource).guarded(ResourceKind::Bucket, owner, self.policy.clone());
        conditions(ctx, demand, request).with("s3:ResourceAccount", owner.as_str())
    }

    /// The demands of a call on an object, with the bucket shown beside.
    pub fn demands(&self, ctx: &Ctx, request: &Request, demands: Vec<Demand>) -> Demands {
        ctx.notes().resources.push(Resource {
            arn: arn::bucket(&request.bucket),
            account_id: Some(self.bucket.owner),
            resource_type: BUCKET.into(),
        });
        Demands::All(demands)
    }
}

/// The condition keys that every call to S3 has.
///
/// SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/bucket-policy-s3-sigv4-conditions.html>
pub fn conditions(ctx: &Ctx, demand: Demand, request: &Request) -> Demand {
    let tls = ctx
        .source
        .tls
        .as_ref()
        .map(|tls| tls.version.trim_start_matches("TLSv").to_owned());
    let demand = demand.with_some("s3:TlsVersion", tls);
    if request.auth == Auth::Internal || matches!(ctx.caller, Caller::Anonymous) {
        return demand;
    }
    let age = request
        .signed_at
        .map(|at| ctx.world().clock.real_now().since(at).as_millis().to_string());
    demand
        .with(
            "s3:authType",
            if request.auth == Auth::Query {
                "REST-QUERY-STRING"
            } else {
                "REST-HEADER"
            },
        )
        .with("s3:signatureversion", "AWS4-HMAC-SHA256")
        .with_some("s3:signatureAge", age)
        .with_some("s3:x-amz-content-sha256", request.content_sha256.clone())
}

/// Sets the record's `additionalEventData`. `transferred` is in bytes, in and out.
pub fn note(ctx: &Ctx, request: &Request, transferred: (u64, u64), more: Params) {
    let signed = request.auth != Auth::Internal && !matches!(ctx.caller, Caller::Anonymous);
    let method = if request.auth == Auth::Query {
        "QueryString"
    } else {
        "AuthHeader"
    };
    let params = Params::new()
        .maybe_text("SignatureVersion", signed.then_some("SigV4"))
        .maybe_text(
            "CipherSuite",
            ctx.source.tls.as_ref().map(|tls| tls.cipher_suite.as_str()),
        )
        .number("bytesTransferredIn", transferred.0)
        .maybe_text("AuthenticationMethod", signed.then_some(method))
        .text("x-amz-id-2", host_id(ctx))
        .number("bytesTransferredOut", transferred.1);
    ctx.notes().additional = Some(params.and(more));
}

/// The second id of the answer, as the pipeline derives it from the first.
pub fn host_id(ctx: &Ctx) -> String {
    gateway::pipeline::host_id(&ctx.request_id)
}

/// The caller as refusals name it.
pub fn who(ctx: &Ctx) -> String {
    match &ctx.caller {
        Caller::Service(service) => service.name.to_owned(),
        caller => caller.principal().arn().unwrap_or_else(|| "anonymous".to_owned()),
    }
}

/// Whether a condition on a write holds.
pub fn allow_write(condition: Option<&WriteCondition>, key: &str, existing: Option<&str>) -> Result<(), S3Error> {
    match condition.map(|condition| condition.allows(existing)) {
        None | Some(Ok(())) => Ok(()),
        Some(Err(WriteRefusal::NoObject)) => Err(S3Error::NoSuchKey { key: key.to_owned() }),
        Some(Err(WriteRefusal::Failed(header))) => Err(S3Error::PreconditionFailed(header)),
    }
}

/// The Region in which clients find a bucket whose constraint is empty.
pub fn is_global(region: &Region) -> bool {
    *region == Region::us_east_1()
}
