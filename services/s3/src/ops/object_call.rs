//! What the calls on an object's tags and ACL have in common: which version, which rights, the answer without a body.

use crate::{
    S3Error,
    access::{self, Found},
    answer,
    model::{tagging::Tags, version::VersionId},
    request::Request,
    table::{self, Content},
    versions,
};
use gateway::{Ctx, Demand, Demands, Render, RenderCtx, Reply, Txn};
use record::{Evident, Params};
use store::ReadView;

/// What a record shows of such a call.
pub fn evident(request: &Request, version: Option<&VersionId>, subresource: &str) -> Params {
    request
        .evident()
        .maybe_text("versionId", version.map(VersionId::to_string))
        .text(subresource, "")
}

/// The right to the call, with what counts of the object when it is there; when it is not, the right to know so.
pub async fn demands(
    ctx: &Ctx,
    view: &ReadView<'_>,
    request: &Request,
    named: Option<&VersionId>,
    actions: (&'static str, &'static str),
) -> Result<Demands, S3Error> {
    let found = access::find(ctx, view, request).await?;
    demands_on(ctx, view, found, request, named, actions).await
}

/// The same, in a bucket that was found.
pub async fn demands_on(
    ctx: &Ctx,
    view: &ReadView<'_>,
    found: Found,
    request: &Request,
    named: Option<&VersionId>,
    actions: (&'static str, &'static str),
) -> Result<Demands, S3Error> {
    demands_of(ctx, view, found, request, named, &[actions]).await
}

/// The same, of a call that needs several rights.
pub async fn demands_of(
    ctx: &Ctx,
    view: &ReadView<'_>,
    mut found: Found,
    request: &Request,
    named: Option<&VersionId>,
    actions: &[(&'static str, &'static str)],
) -> Result<Demands, S3Error> {
    let mut missing = None;
    let version = match versions::find(view, request, named).await {
        Err(S3Error::Fault(fault)) => return Err(fault.into()),
        found => found.ok().map(|version| version.content),
    };
    match (&version, named) {
        (Some(Content::Object(object)), _) => found = found.about(request, object)?,
        (Some(Content::DeleteMarker { .. }), Some(_)) => {}
        // Who may not list may not learn from a 404 either.
        _ => missing = Some(found.on_bucket(ctx, "s3:ListBucket", request)),
    }
    let each = actions
        .iter()
        .map(|actions| versions::demand(ctx, &found, request, named, *actions));
    let mut demands: Vec<Demand> = each.collect();
    demands.extend(missing);
    Ok(found.demands(ctx, request, demands))
}

/// The same demands, each with more to it.
pub fn each(demands: Demands, more: impl Fn(Demand) -> Demand) -> Demands {
    match demands {
        Demands::All(all) => Demands::All(all.into_iter().map(more).collect()),
        exempt => exempt,
    }
}

/// An answer that names the version and says no more.
pub struct Changed {
    /// The version, when it is told.
    pub version: Option<VersionId>,
    /// The status.
    pub status: u16,
}

impl Evident for Changed {
    fn evident(&self) -> Params {
        answer::version_params(self.version)
    }
}

impl Render for Changed {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        answer::with_version(Reply::empty(self.status), self.version)
    }
}

/// Gives an object these tags in place of those it had.
pub async fn put_tags(
    txn: &mut Txn,
    request: &Request,
    named: Option<&VersionId>,
    tags: Tags,
    method: &'static str,
) -> Result<Option<VersionId>, S3Error> {
    let bucket = access::row(&txn.view(), &request.bucket).await?;
    let mut chosen = versions::described(&txn.view(), request, named, method).await?;
    chosen.object.tags = tags;
    let version = versions::told(bucket.versioning, chosen.id);
    let at = (request.bucket.as_str(), request.key.as_str());
    table::update_version(txn, at, &chosen.into_version()).await?;
    Ok(version)
}
