//! Which version of an object a call is on: the one place that knows what `versionId` means, what right a call needs that
//! names a version, and what is told of delete markers.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html>

use crate::{
    S3Error,
    access::Found,
    model::version::{VersionId, Versioning},
    request::Request,
    table::{self, Content, Object, Version},
};
use base::Timestamp;
use gateway::{Call, Ctx, Demand};
use store::ReadView;

/// The version that the query names, if it does.
pub fn named(call: &Call) -> Result<Option<VersionId>, S3Error> {
    call.head
        .query_value("versionId")
        .map(|text| parse(&text, "versionId"))
        .transpose()
}

/// Reads a version's id. `name` is the parameter that holds it.
pub fn parse(text: &str, name: &'static str) -> Result<VersionId, S3Error> {
    if text.is_empty() {
        return Err(S3Error::argument("Version id cannot be the empty string", name, text));
    }
    VersionId::parse(text).ok_or_else(|| S3Error::argument("Invalid version id specified", name, text))
}

/// A version that is an object.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// Its id.
    pub id: VersionId,
    /// The object. What is changed in it is stored by [`Chosen::into_version`] and `table::update_version`.
    pub object: Object,
    order: u64,
    has_older: bool,
    null_older: Option<u64>,
    noncurrent_since: Option<Timestamp>,
}

impl Chosen {
    /// The row, with the object as it is now.
    pub fn into_version(self) -> Version {
        Version {
            content: Content::Object(Box::new(self.object)),
            order: self.order,
            id: self.id,
            has_older: self.has_older,
            null_older: self.null_older,
            noncurrent_since: self.noncurrent_since,
        }
    }
}

/// The object that is read: the named version, else what the key stands for. `method` is what a refusal at a delete marker
/// names.
pub async fn readable(
    view: &ReadView<'_>,
    request: &Request,
    named: Option<&VersionId>,
    method: &'static str,
) -> Result<Chosen, S3Error> {
    let version = find(view, request, named).await?;
    match (&version.content, named) {
        // A key whose latest version is a marker stands for nothing.
        (Content::DeleteMarker { .. }, None) => Err(S3Error::Deleted {
            key: request.key.clone(),
            version: version.id,
        }),
        _ => chosen(version, method),
    }
}

/// The object whose tags, lock or ACL are read or changed: a delete marker has none, named or not.
pub async fn described(
    view: &ReadView<'_>,
    request: &Request,
    named: Option<&VersionId>,
    method: &'static str,
) -> Result<Chosen, S3Error> {
    chosen(find(view, request, named).await?, method)
}

/// The version that is meant, a delete marker too.
pub async fn find(view: &ReadView<'_>, request: &Request, named: Option<&VersionId>) -> Result<Version, S3Error> {
    let at = (request.bucket.as_str(), request.key.as_str());
    let key = || request.key.clone();
    match named {
        None => table::latest(view, at)
            .await?
            .ok_or_else(|| S3Error::NoSuchKey { key: key() }),
        Some(id) => table::version(view, at, id)
            .await?
            .ok_or_else(|| S3Error::NoSuchVersion {
                key: key(),
                version: id.to_string(),
            }),
    }
}

fn chosen(version: Version, method: &'static str) -> Result<Chosen, S3Error> {
    match version.content {
        Content::Object(object) => Ok(Chosen {
            id: version.id,
            object: *object,
            order: version.order,
            has_older: version.has_older,
            null_older: version.null_older,
            noncurrent_since: version.noncurrent_since,
        }),
        Content::DeleteMarker { modified } => Err(S3Error::IsDeleteMarker {
            method,
            version: version.id,
            modified,
        }),
    }
}

/// The id that answers about a version tell: none where the bucket never kept versions.
pub fn told(versioning: Versioning, id: VersionId) -> Option<VersionId> {
    (versioning != Versioning::Off).then_some(id)
}

/// The id that answers to a put tell: only of versions of their own, for AWS tells nothing while versioning is suspended.
pub fn told_of_put(id: VersionId) -> Option<VersionId> {
    (id != VersionId::Null).then_some(id)
}

/// The demand of a call on an object: the first action, or the second when the call names a version.
pub fn demand(
    ctx: &Ctx,
    found: &Found,
    request: &Request,
    named: Option<&VersionId>,
    (plain, of_version): (&'static str, &'static str),
) -> Demand {
    let action = if named.is_some() { of_version } else { plain };
    found
        .on_object(ctx, action, request)
        .with_some("s3:VersionId", named.map(VersionId::to_string))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::call;
    use base::Random;
    use http::Method;
    use wire::AwsError;

    #[test]
    fn versions_are_named_in_the_query() {
        let check = |query: &str, expected: Result<Option<VersionId>, &str>| {
            let named = named(&call(Method::GET, &format!("/bkt/k{query}"), &[], b"")).map_err(|e| e.message());
            assert_eq!(named, expected.map_err(str::to_owned), "{query}");
        };
        let own = VersionId::generate(7, &Random::seeded(1));
        check("", Ok(None));
        check("?versionId=null", Ok(Some(VersionId::Null)));
        check(&format!("?versionId={own}"), Ok(Some(own)));
        check("?versionId", Err("Version id cannot be the empty string"));
        check("?versionId=3", Err("Invalid version id specified"));
        check(
            "?versionId=HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD",
            Err("Invalid version id specified"),
        );
    }
}
