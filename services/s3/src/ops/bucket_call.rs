//! The input and the empty answers of operations that say nothing but which bucket they are on.

use crate::{
    S3Error, access,
    request::{Declared, Request},
    table::Bucket,
};
use gateway::{Call, Ctx, Demands, Parse, Render, RenderCtx, Reply};
use record::{Evident, Params};
use serde::de::DeserializeOwned;
use store::ReadView;
use wire::ErrorReply;

/// A call on a bucket without further input. `SUBRESOURCE` stands in the record as S3 writes it.
pub struct BucketCall<const SUBRESOURCE: usize> {
    /// What every call has.
    pub request: Request,
}

/// The sub-resources, by the number that the operations name them with.
pub const SUBRESOURCES: [&str; 13] = [
    "",
    "acl",
    "encryption",
    "location",
    "policy",
    "versioning",
    "object-lock",
    "publicAccessBlock",
    "policyStatus",
    "ownershipControls",
    "tagging",
    "lifecycle",
    "logging",
];
/// None.
pub const PLAIN: usize = 0;
/// `?acl`
pub const ACL: usize = 1;
/// `?encryption`
pub const ENCRYPTION: usize = 2;
/// `?location`
pub const LOCATION: usize = 3;
/// `?policy`
pub const POLICY: usize = 4;
/// `?versioning`
pub const VERSIONING: usize = 5;
/// `?object-lock`
pub const OBJECT_LOCK: usize = 6;
/// `?publicAccessBlock`
pub const PUBLIC_ACCESS_BLOCK: usize = 7;
/// `?policyStatus`
pub const POLICY_STATUS: usize = 8;
/// `?ownershipControls`
pub const OWNERSHIP_CONTROLS: usize = 9;
/// `?tagging`
pub const TAGGING: usize = 10;
/// `?lifecycle`
pub const LIFECYCLE: usize = 11;
/// `?logging`
pub const LOGGING: usize = 12;

impl<const SUBRESOURCE: usize> Parse for BucketCall<SUBRESOURCE> {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(BucketCall {
            request: Request::of_bucket(call)?,
        })
    }
}

impl<const SUBRESOURCE: usize> Evident for BucketCall<SUBRESOURCE> {
    fn evident(&self) -> Params {
        let name = SUBRESOURCES.get(SUBRESOURCE).copied().unwrap_or_default();
        let params = self.request.evident();
        if name.is_empty() { params } else { params.text(name, "") }
    }
}

/// Reads a call that puts a document on a bucket. The digests that it declares of the body hold.
pub fn document_of<T: DeserializeOwned>(call: &Call, root: &str) -> Result<(Request, T), S3Error> {
    let request = Request::of_bucket(call)?;
    Declared::of(&call.head)?.check(&call.body)?;
    Ok((request, wire::xml::parse_as(root, &call.body)?))
}

/// The demand of one action on the bucket.
pub async fn demand(
    ctx: &Ctx,
    view: &ReadView<'_>,
    action: &'static str,
    request: &Request,
) -> Result<Demands, S3Error> {
    let found = access::find(ctx, view, request).await?;
    Ok(found.on_bucket(ctx, action, request).into())
}

/// Refuses who may, but is not of the bucket's account: only its own principals read and change a bucket's policy.
///
/// SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicy.html>
pub fn policy_of_own(ctx: &Ctx, bucket: &Bucket, method: &'static str) -> Result<(), S3Error> {
    match ctx.caller.account() {
        Some(account) if account == bucket.owner => Ok(()),
        _ => Err(S3Error::MethodNotAllowed {
            method,
            resource_type: "BUCKETPOLICY",
        }),
    }
}

/// 200 without a body.
pub struct Done;

/// 204 without a body.
pub struct Gone;

impl Evident for Done {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Evident for Gone {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Render for Done {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        Reply::empty(200)
    }
}

impl Render for Gone {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        Reply::empty(204)
    }
}
