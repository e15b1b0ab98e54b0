//! What the four operations on one version's lock have in common.

use crate::{
    S3Error, access,
    access::Found,
    locks,
    model::version::VersionId,
    request::Request,
    versions::{self, Chosen},
};
use gateway::{Call, Ctx, Demand, Parse};
use record::{Evident, Params};
use store::ReadView;
use wire::ErrorReply;

/// Which version.
pub struct LockCall {
    /// What every call has.
    pub request: Request,
    /// The version; the latest when none is named.
    pub version: Option<VersionId>,
}

impl LockCall {
    /// Reads the head of a call.
    pub fn of(call: &Call) -> Result<LockCall, S3Error> {
        Ok(LockCall {
            request: Request::of_object(call)?,
            version: versions::named(call)?,
        })
    }

    /// What of it a record shows.
    pub fn evident(&self, subresource: &str) -> Params {
        self.request
            .evident()
            .text(subresource, "")
            .maybe_text("versionId", self.version.map(|version| version.to_string()))
    }

    /// The demand of an action on the version. One right is for all versions.
    pub fn demand(&self, ctx: &Ctx, found: &Found, action: &'static str) -> Demand {
        versions::demand(ctx, found, &self.request, self.version.as_ref(), (action, action))
    }

    /// The version, in a bucket with object lock. `method` is what a refusal at a delete marker names.
    pub async fn chosen(&self, view: &ReadView<'_>, method: &'static str) -> Result<Chosen, S3Error> {
        let bucket = access::row(view, &self.request.bucket).await?;
        if bucket.lock.is_none() {
            return Err(locks::no_bucket_lock());
        }
        versions::described(view, &self.request, self.version.as_ref(), method).await
    }

    /// What is said of a version to which nobody ever gave what is asked for.
    pub fn has_none(&self) -> S3Error {
        S3Error::NoSuchObjectLock {
            key: self.request.key.clone(),
        }
    }
}

/// The input of the two that read. `SUBRESOURCE` stands in the record.
pub struct LockRead<const SUBRESOURCE: usize>(pub LockCall);

/// `?retention`
pub const RETENTION: usize = 0;
/// `?legal-hold`
pub const LEGAL_HOLD: usize = 1;

/// The sub-resources, by those numbers.
pub const SUBRESOURCES: [&str; 2] = ["retention", "legal-hold"];

impl<const SUBRESOURCE: usize> Parse for LockRead<SUBRESOURCE> {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(LockRead(LockCall::of(call)?))
    }
}

impl<const SUBRESOURCE: usize> Evident for LockRead<SUBRESOURCE> {
    fn evident(&self) -> Params {
        self.0
            .evident(SUBRESOURCES.get(SUBRESOURCE).copied().unwrap_or_default())
    }
}
