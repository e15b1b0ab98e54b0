//! DeleteObject: of a key, also one without an object, or of one version for good.
//!
//! Where the bucket keeps versions a delete of a key puts a delete marker above them. What object lock protects is a
//! version; a marker may always be put.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html>

use crate::{
    S3Error, access, answer, locks,
    model::{
        condition::WriteCondition,
        version::{VersionId, Versioning},
    },
    request::{self, Request},
    table::{self, Bucket, Content, Version},
    versions,
};
use gateway::{Call, Ctx, Demands, EventClass, Operation, Parse, Render, RenderCtx, Reply, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// DeleteObject.
pub struct DeleteObject;

/// Which object.
pub struct Input {
    request: Request,
    version: Option<VersionId>,
    condition: Option<WriteCondition>,
    /// `x-amz-bypass-governance-retention`
    bypass: Option<bool>,
}

impl Input {
    /// One of the objects of a DeleteObjects. `if_match` is what its current version's tag must be.
    pub fn one_of(
        request: Request,
        version: Option<VersionId>,
        if_match: Option<String>,
        bypass: Option<bool>,
    ) -> Input {
        Input {
            request,
            version,
            condition: if_match.map(WriteCondition::Tag),
            bypass,
        }
    }
}

/// Conditions that AWS takes for directory buckets only, and a device that no bucket here asks for.
const UNBUILT: [&str; 3] = ["x-amz-mfa", "x-amz-if-match-last-modified-time", "x-amz-if-match-size"];

fn parse(call: &Call) -> Result<Input, S3Error> {
    request::refuse_headers(call, &UNBUILT)?;
    let condition = request::header(&call.head.headers, http::header::IF_MATCH).map(WriteCondition::Tag);
    Ok(Input {
        request: Request::of_object(call)?,
        version: versions::named(call)?,
        condition,
        bypass: locks::bypass(call),
    })
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(parse(call)?)
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        self.request
            .evident()
            .maybe_text("versionId", self.version.map(|version| version.to_string()))
            .maybe_text(
                "x-amz-bypass-governance-retention",
                self.bypass.map(|bypass| bypass.to_string()),
            )
    }
}

/// What is gone, or what now stands above it.
pub struct Output {
    /// The version that was removed, or the marker that was put, where that is told.
    pub version: Option<VersionId>,
    /// Whether it is a delete marker.
    pub is_marker: bool,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        answer::version_params(self.version)
            .maybe_text(answer::DELETE_MARKER.as_str(), self.is_marker.then_some("true"))
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        let reply = answer::with_version(Reply::empty(204), self.version);
        match self.is_marker {
            true => reply.header(answer::DELETE_MARKER, "true"),
            false => reply,
        }
    }
}

impl Operation for DeleteObject {
    const NAME: &'static str = "DeleteObject";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Data {
        resource_type: access::OBJECT,
        read_only: false,
    };
    const MISSING: &'static str = "MFA delete";

    type Input = Input;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        let request = &input.request;
        let found = access::find(ctx, view, request).await?;
        let named = input.version.as_ref();
        let actions = ("s3:DeleteObject", "s3:DeleteObjectVersion");
        let if_match = input.condition.as_ref().and_then(WriteCondition::if_match);
        let demand = versions::demand(ctx, &found, request, named, actions).with_some("s3:if-match", if_match);
        let mut demands = vec![demand];
        // Whoever may compare tags learns the object's.
        if if_match.is_some_and(|tag| tag != "*") {
            demands.push(found.on_object(ctx, "s3:GetObject", request));
        }
        if input.bypass == Some(true) && governed(ctx, view, input).await? {
            demands.push(found.on_object(ctx, "s3:BypassGovernanceRetention", request));
        }
        Ok(found.demands(ctx, request, demands))
    }

    async fn run(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Output, S3Error> {
        let (name, key) = (input.request.bucket.as_str(), input.request.key.as_str());
        let bucket = access::row(&txn.view(), name).await?;
        locks::bypass_in(input.bypass, &bucket)?;
        let current = match input.condition {
            // Also when a version is named: conditions are on the current one.
            Some(_) => table::object(&txn.view(), name, key).await?,
            None => None,
        };
        access::allow_write(
            input.condition.as_ref(),
            key,
            current.as_ref().map(|object| object.etag.as_str()),
        )?;
        match (input.version, bucket.versioning) {
            (Some(version), _) => remove(ctx, txn, input, &bucket, version).await,
            (None, Versioning::Off) => remove(ctx, txn, input, &bucket, VersionId::Null).await,
            (None, versioning) => {
                let marker = Content::DeleteMarker { modified: ctx.now() };
                let version =
                    table::put_version(txn, (name, key), versioning, marker, None, (ctx.now(), ctx.random())).await?;
                Ok(Output {
                    version: Some(version.id),
                    is_marker: true,
                })
            }
        }
    }
}

/// Whether the named version is under a retention that can be bypassed.
async fn governed(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<bool, S3Error> {
    let Some(id) = &input.version else { return Ok(false) };
    let found = table::version(view, (&input.request.bucket, &input.request.key), id).await?;
    let lock = found.as_ref().and_then(Version::object).map(|object| object.lock);
    Ok(lock.is_some_and(|lock| lock.needs_bypass(ctx.now())))
}

/// Removes a version for good. One that is not there is as good as removed.
async fn remove(ctx: &Ctx, txn: &mut Txn, input: &Input, bucket: &Bucket, id: VersionId) -> Result<Output, S3Error> {
    let at = (input.request.bucket.as_str(), input.request.key.as_str());
    let found = table::version(&txn.view(), at, &id).await?;
    let is_allowed = |object: &table::Object| object.lock.allows_removal(ctx.now(), input.bypass.unwrap_or(false));
    if !found.as_ref().and_then(Version::object).is_none_or(is_allowed) {
        return Err(locks::is_protected());
    }
    if found.is_some() {
        table::delete_version(txn, at, &id).await?;
    }
    Ok(Output {
        version: versions::told(bucket.versioning, id),
        is_marker: found.is_some_and(|version| version.object().is_none()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::call;
    use http::Method;
    use wire::AwsError;

    #[test]
    fn what_is_not_built_is_refused_by_name() {
        let check = |path: &str, headers: &[(&str, &str)], expected: Option<&str>| {
            let error = parse(&call(Method::DELETE, path, headers, b"")).err();
            assert_eq!(error.map(|e| e.code().into_owned()).as_deref(), expected, "{path}");
        };
        check("/bkt/k", &[], None);
        check("/bkt/k?versionId=null", &[], None);
        check("/bkt/k?versionId=3", &[], Some("InvalidArgument"));
        check("/bkt/k", &[("x-amz-mfa", "serial 123456")], Some("NotImplemented"));
        check("/bkt/k?x-amz-mfa=1", &[], Some("NotImplemented"));
        check("/bkt/k", &[("x-amz-if-match-size", "1")], Some("NotImplemented"));
    }
}
