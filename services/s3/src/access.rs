//! What every call asks of its bucket before anything else, and how its demands look.

use crate::{
    S3Error, effective,
    model::condition::{WriteCondition, WriteRefusal},
    published,
    request::Request,
    table::{self, Bucket, Object},
};
use base::{AccountId, Arn, Fault, Region, Timestamp, arn};
use gateway::{Caller, Ctx, Demand, Demands, Signature};
use policy::{Policy, ResourceKind};
use record::{Params, Resource};
use std::sync::Arc;
use store::ReadView;

/// The type of an object in events.
pub const OBJECT: &str = "AWS::S3::Object";
/// The type of a bucket in events.
pub const BUCKET: &str = "AWS::S3::Bucket";

/// A bucket that may be spoken of: it exists, the call came to its Region, and its owner is who the caller expects.
pub struct Found {
    /// Its row.
    pub bucket: Bucket,
    /// What speaks for it.
    pub policy: Option<Arc<Policy>>,
    /// What is known of the object that the call is on.
    about: Option<About>,
}

/// What counts of an object that is there.
struct About {
    owner: AccountId,
    policy: Option<Arc<Policy>>,
    tags: Vec<(String, String)>,
}

/// Finds the bucket of a call.
pub async fn find(ctx: &Ctx, view: &ReadView<'_>, request: &Request) -> Result<Found, S3Error> {
    let bucket = find_anywhere(ctx, view, request).await?;
    if bucket.region != ctx.region {
        return Err(elsewhere(ctx, request, &bucket.region));
    }
    Ok(found(ctx, view, &request.bucket, bucket).await?)
}

/// A bucket with what speaks for it.
pub async fn found(ctx: &Ctx, view: &ReadView<'_>, name: &str, bucket: Bucket) -> Result<Found, Fault> {
    let policy = effective::of_bucket(ctx, view, name, &bucket).await?;
    Ok(Found {
        bucket,
        policy,
        about: None,
    })
}

/// As [`find`], from any Region.
pub async fn find_anywhere(ctx: &Ctx, view: &ReadView<'_>, request: &Request) -> Result<Bucket, S3Error> {
    note(ctx, request, (request.bytes_in, 0), Params::new());
    published::refuse(ctx, view, request).await?;
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
pub fn elsewhere(ctx: &Ctx, request: &Request, region: &Region) -> S3Error {
    let region = region.clone();
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
        let demand = self.on(ctx, action, arn::object(&request.bucket, key), request);
        match &self.about {
            Some(about) => about.in_demand(demand),
            None => demand,
        }
        .shown_as(OBJECT)
    }

    /// The same where the call's object is there: its tags, its owner and its ACL count in demands on it.
    pub fn about(mut self, request: &Request, object: &Object) -> Result<Found, Fault> {
        let at = (request.bucket.as_str(), request.key.as_str());
        self.about = Some(About {
            owner: object.owner(&self.bucket),
            policy: effective::of_object(at, &self.bucket, self.policy.as_ref(), object)?,
            tags: object.tags.clone(),
        });
        Ok(self)
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

impl About {
    fn in_demand(&self, demand: Demand) -> Demand {
        let demand = demand.guarded(ResourceKind::Bucket, self.owner, self.policy.clone());
        self.tags.iter().fold(demand, |demand, (key, value)| {
            demand.with(format!("s3:ExistingObjectTag/{key}"), value)
        })
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
    match &request.signature {
        Some(signature) => signed(demand, signature, ctx.world().clock.real_now()),
        None => demand,
    }
}

/// The keys that follow from what was signed; never from headers or parameters, which nobody may have signed.
fn signed(demand: Demand, signature: &Signature, now: Timestamp) -> Demand {
    let auth_type = if signature.presigned {
        "REST-QUERY-STRING"
    } else {
        "REST-HEADER"
    };
    let hash = Some(signature.content_sha256.as_str()).filter(|hash| !hash.is_empty());
    demand
        .with("s3:authType", auth_type)
        .with("s3:signatureversion", "AWS4-HMAC-SHA256")
        .with(
            "s3:signatureAge",
            now.since(signature.signed_at).as_millis().to_string(),
        )
        .with_some("s3:x-amz-content-sha256", hash)
}

/// Sets the record's `additionalEventData`. `transferred` is in bytes, in and out.
pub fn note(ctx: &Ctx, request: &Request, transferred: (u64, u64), more: Params) {
    let signature = request.signature.as_ref();
    let method = signature.map(|signature| {
        if signature.presigned {
            "QueryString"
        } else {
            "AuthHeader"
        }
    });
    let params = Params::new()
        .maybe_text("SignatureVersion", signature.map(|_| "SigV4"))
        .maybe_text(
            "CipherSuite",
            ctx.source.tls.as_ref().map(|tls| tls.cipher_suite.as_str()),
        )
        .number("bytesTransferredIn", transferred.0)
        .maybe_text("AuthenticationMethod", method)
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

/// Whether a call makes an object: so a policy can ask conditions of those that do and not of the parts before them.
pub const CREATION: &str = "s3:ObjectCreationOperation";

/// Adds the condition keys of a conditional write.
///
/// SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html>
pub fn with_condition(demand: Demand, condition: Option<&WriteCondition>) -> Demand {
    demand
        .with_some("s3:if-match", condition.and_then(WriteCondition::if_match))
        .with_some("s3:if-none-match", condition.and_then(WriteCondition::if_none_match))
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

#[cfg(test)]
mod tests {
    use super::*;
    use base::AccountId;
    use policy::{Context, Policies, PolicyKind, Principal};

    /// AWS's "deny unsigned payload" and its kin hold presigned requests too.
    #[test]
    fn policies_see_what_was_signed() {
        let check = |condition: &str, content_sha256: &str, presigned: bool, denied: bool| {
            let at = Timestamp::from_secs(1_800_000_000);
            let signature = Signature {
                content_sha256: content_sha256.to_owned(),
                presigned,
                signed_at: at,
            };
            let demand = Demand::on("s3:PutObject", arn::object("bkt", "k"));
            let demand = signed(demand, &signature, Timestamp::from_secs(1_800_000_601));
            let text = format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}},{{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{condition}}}]}}"#
            );
            let policy = Policy::parse(&text, PolicyKind::BucketPolicy).unwrap();
            let mut context = Context::new();
            for (key, values) in demand.context {
                context.set_all(key, values);
            }
            let decision = policy::decide(
                &policy::Request {
                    principal: &Principal::Root {
                        account: AccountId::FIRST,
                    },
                    action: demand.action,
                    resource: demand.resource.as_str(),
                    owner: Some(AccountId::FIRST),
                    kind: ResourceKind::Bucket,
                    context: &context,
                },
                &Policies {
                    resource: Some(&policy),
                    ..Policies::default()
                },
            );
            assert_eq!(
                !decision.is_allowed(),
                denied,
                "{condition} {content_sha256} {presigned}"
            );
        };
        let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let unsigned = r#"{"StringEquals":{"s3:x-amz-content-sha256":"UNSIGNED-PAYLOAD"}}"#;
        check(unsigned, "UNSIGNED-PAYLOAD", true, true);
        check(unsigned, "UNSIGNED-PAYLOAD", false, true);
        check(unsigned, hash, true, false);
        check(r#"{"Null":{"s3:x-amz-content-sha256":"true"}}"#, "", false, true);
        let query = r#"{"StringEquals":{"s3:authType":"REST-QUERY-STRING"}}"#;
        check(query, hash, true, true);
        check(query, hash, false, false);
        check(
            r#"{"NumericGreaterThan":{"s3:signatureAge":"600000"}}"#,
            hash,
            true,
            true,
        );
        check(
            r#"{"NumericGreaterThan":{"s3:signatureAge":"601000"}}"#,
            hash,
            true,
            false,
        );
    }
}
