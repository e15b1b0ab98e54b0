//! What the headers of a request say of the object that it makes: how to seal it, what to tell of it, who may have it.
//!
//! The same for PutObject, CreateMultipartUpload and CopyObject.

use crate::{
    S3Error, access,
    asked_acl::HeaderGrants,
    locks,
    model::{
        acl::{self, AclRefusal, CannedAcl, Grant, Grantee, Permission},
        condition::WriteCondition,
        encryption::{AES256, AWS_KMS, Asked, BlockedTypes, Choice, Requested},
        lock::ObjectLock,
        metadata::{self, UserMetadata},
        tagging::Tags,
    },
    request, sse,
    table::{Bucket, Object, ObjectHeaders, Place, Seal},
    tags,
};
use base::{AccountId, Timestamp, arn};
use envelope::segments::HEADER_BYTES;
use gateway::{Call, Caller, Ctx, Demand, ports::ObjectSeal};
use http::header;
use record::Params;
use std::borrow::Cow;
use store::ReadView;

/// Headers of a new object that ask for what is not built.
const UNBUILT: [&str; 1] = ["x-amz-website-redirect-location"];

/// What is asked of a new object.
#[derive(Debug, Default)]
pub struct NewObject {
    /// How it is to be sealed, when that is said.
    pub sse: Asked,
    /// The canned ACL.
    pub acl: Option<CannedAcl>,
    /// The grants of its own.
    pub grants: HeaderGrants,
    /// The headers that its reads answer.
    pub headers: ObjectHeaders,
    /// The `x-amz-meta-` headers.
    pub metadata: UserMetadata,
    /// `x-amz-storage-class`; only `STANDARD` passes.
    pub storage_class: Option<String>,
    /// What is to protect it.
    pub lock: locks::Asked,
    /// Its tags.
    pub tags: Tags,
}

impl NewObject {
    /// Reads the headers.
    pub fn of(call: &Call) -> Result<NewObject, S3Error> {
        request::refuse_headers(call, &UNBUILT)?;
        let head = &call.head;
        let storage_class = request::amz(head, "x-amz-storage-class").map(Cow::into_owned);
        if let Some(class) = storage_class.as_deref().filter(|class| *class != "STANDARD") {
            return Err(S3Error::NotImplemented(format!("x-amz-storage-class: {class}").into()));
        }
        let acl = request::canned_acl(head)?;
        Ok(NewObject {
            grants: HeaderGrants::of(head, acl)?,
            acl,
            sse: sse::asked(call)?,
            headers: object_headers(call),
            metadata: user_metadata(call)?,
            storage_class,
            lock: locks::Asked::of(call)?,
            tags: tags::of_header(head)?,
        })
    }

    /// What a service asks.
    pub fn of_service(seal: ObjectSeal, acl: Option<&str>) -> NewObject {
        let (kind, header) = match seal {
            ObjectSeal::Aes256 => (Requested::S3, AES256),
            ObjectSeal::Kms { key, context } => (
                Requested::Kms {
                    key: Some(key.to_string()),
                    context,
                },
                AWS_KMS,
            ),
        };
        NewObject {
            sse: Asked {
                kind: Some(kind),
                header: Some(header.to_owned()),
                bucket_key: None,
            },
            acl: acl.and_then(CannedAcl::parse),
            ..NewObject::default()
        }
    }

    /// What seals it in this bucket.
    pub fn choice(&self, bucket: &Bucket) -> Choice {
        Choice::of(&self.sse, &bucket.encryption, bucket.bucket_key)
    }

    /// Adds what of it a record shows.
    pub fn evident(&self, params: Params) -> Params {
        let params = self.grants.evident(params);
        self.lock
            .evident(params)
            .maybe_text("x-amz-acl", self.acl.map(CannedAcl::as_str))
            .maybe_text("x-amz-server-side-encryption", self.sse.header.as_ref())
            .maybe_text("x-amz-server-side-encryption-aws-kms-key-id", self.sse.kms_key())
            .maybe_text(
                "x-amz-server-side-encryption-bucket-key-enabled",
                self.sse.bucket_key.map(|on| on.to_string()),
            )
            .maybe_text(
                "x-amz-server-side-encryption-customer-algorithm",
                self.sse.customer_algorithm(),
            )
            .maybe_text("x-amz-storage-class", self.storage_class.as_ref())
            .maybe_text("x-amz-tagging", tags::shown(&self.tags))
    }

    /// The rights that making it needs; `on` begins the demand of an action on the object.
    pub fn demands(&self, now: Timestamp, on: impl Fn(&'static str) -> Demand) -> Vec<Demand> {
        let on = |action| {
            let demand = tags::conditions(self.grants.conditions(on(action)), &self.tags);
            self.lock
                .conditions(demand, now)
                .with_some("s3:x-amz-acl", self.acl.map(CannedAcl::as_str))
                .with_some("s3:x-amz-server-side-encryption", self.sse.header.as_deref())
                .with_some("s3:x-amz-server-side-encryption-aws-kms-key-id", self.sse.kms_key())
                .with_some(
                    "s3:x-amz-server-side-encryption-customer-algorithm",
                    self.sse.customer_algorithm(),
                )
                .with_some("s3:x-amz-storage-class", self.storage_class.as_deref())
        };
        let mut demands = vec![on("s3:PutObject")];
        // These two give away nothing that the bucket's owner would not have.
        if self
            .acl
            .is_some_and(|acl| !matches!(acl, CannedAcl::BucketOwnerFullControl | CannedAcl::Private))
            || !self.grants.is_empty()
        {
            demands.push(on("s3:PutObjectAcl"));
        }
        if !self.tags.is_empty() {
            demands.push(on("s3:PutObjectTagging"));
        }
        demands.extend(self.lock.actions().map(on));
        demands
    }

    /// The object, before anything is known of its bytes.
    pub fn object(&self, ctx: &Ctx, id: [u8; 16], seal: Seal, shared: Shared) -> Object {
        Object {
            id,
            size: 0,
            modified: ctx.now(),
            etag: String::new(),
            seal,
            segments_header: [0; HEADER_BYTES],
            place: Place::Bytes,
            headers: self.headers.clone(),
            metadata: self.metadata.clone(),
            checksum: None,
            acl: shared.acl,
            tags: self.tags.clone(),
            lock: ObjectLock::default(),
            owner: shared.owner,
            grants: shared.grants,
        }
    }

    /// Whose it is and whom it is for, or the refusal of an ACL that the bucket does not let it have.
    pub async fn allow_in(
        &self,
        ctx: &Ctx,
        view: &ReadView<'_>,
        (bucket_name, key): (&str, &str),
        bucket: &Bucket,
    ) -> Result<Shared, S3Error> {
        let resource = arn::object(bucket_name, key);
        if self.sse.customer_key().is_some() && bucket.blocked == BlockedTypes::CustomerKeys {
            let who = access::who(ctx);
            return Err(S3Error::AccessDenied(format!(
                "User: {who} is not authorized to perform: s3:PutObject on resource: \"{resource}\" because this bucket \
                 has blocked upload requests that specify Server Side Encryption with Customer provided keys (SSE-C). \
                 Please specify a different server-side encryption type"
            )));
        }
        let block = bucket.blocks(|block| block.block_public_acls);
        let refused = |refusal: AclRefusal, acl: CannedAcl| {
            request::acl_refusal(refusal, acl, &access::who(ctx), "s3:PutObject", resource.as_str())
        };
        if let Some(acl) = self.acl {
            acl::of_object(acl, bucket.ownership, block).map_err(|refusal| refused(refusal, acl))?;
        }
        let mut grants = self.grants.resolve(ctx, view).await?;
        if let Some(asked) = &grants {
            let full = Grant {
                grantee: Grantee::Account(bucket.owner),
                permission: Permission::FullControl,
            };
            if !bucket.ownership.has_acls() {
                // What says no more than the bucket's owner has anyway is taken for nothing said.
                if *asked != [full] {
                    return Err(S3Error::AccessControlListNotSupported);
                }
                grants = None;
            } else if block && acl::is_public(asked) {
                return Err(refused(AclRefusal::Public, CannedAcl::PublicRead));
            }
        }
        Ok(Shared {
            acl: self.acl,
            grants,
            owner: self.owner(ctx, bucket),
        })
    }

    /// Whose it is when not the bucket's owner's. What a service or nobody puts is the bucket's owner's.
    fn owner(&self, ctx: &Ctx, bucket: &Bucket) -> Option<AccountId> {
        let writer = match &ctx.caller {
            Caller::Signed(_) | Caller::Forwarded { .. } | Caller::Role(_) => ctx.caller.account(),
            Caller::Anonymous | Caller::Service(_) => None,
        };
        bucket.ownership.owner_of(writer?, bucket.owner, self.acl)
    }
}

/// Whose a new object is, and whom it is for.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The canned ACL.
    pub acl: Option<CannedAcl>,
    /// The grants of its own.
    pub grants: Option<Vec<Grant>>,
    /// Whose, when not the bucket's owner's.
    pub owner: Option<AccountId>,
}

fn object_headers(call: &Call) -> ObjectHeaders {
    let value = |name| request::header(&call.head.headers, name);
    // The framing of the upload is no property of the object.
    let encoding = value(header::CONTENT_ENCODING).map(|encoding| {
        let kept = encoding
            .split(',')
            .map(str::trim)
            .filter(|one| !one.eq_ignore_ascii_case("aws-chunked"));
        kept.collect::<Vec<_>>().join(",")
    });
    ObjectHeaders {
        cache_control: value(header::CACHE_CONTROL),
        content_disposition: value(header::CONTENT_DISPOSITION),
        content_encoding: encoding.filter(|encoding| !encoding.is_empty()),
        content_language: value(header::CONTENT_LANGUAGE),
        content_type: value(header::CONTENT_TYPE).filter(|kind| !kind.is_empty()),
        expires: value(header::EXPIRES),
    }
}

fn user_metadata(call: &Call) -> Result<UserMetadata, S3Error> {
    let mut metadata = UserMetadata::new();
    for (name, value) in &call.head.headers {
        if let Some(name) = name.as_str().strip_prefix(metadata::PREFIX) {
            metadata::add(&mut metadata, name, &request::text(value));
        }
    }
    for (name, value) in call.head.query_pairs() {
        if let Some(name) = name.to_ascii_lowercase().strip_prefix(metadata::PREFIX)
            && !metadata.iter().any(|(known, _)| known == name)
        {
            metadata.push((name.to_owned(), value.into_owned()));
        }
    }
    match metadata::size_bytes(&metadata) {
        size if size > metadata::METADATA_BYTES_MAX => Err(S3Error::MetadataTooLarge { size }),
        _ => Ok(metadata),
    }
}

/// The condition of a write.
pub fn write_condition(call: &Call) -> Result<Option<WriteCondition>, S3Error> {
    let value = |name| request::header(&call.head.headers, name);
    let refused = |header, more| Err(S3Error::UnacceptedCondition { header, more });
    match (value(header::IF_NONE_MATCH), value(header::IF_MATCH)) {
        (None, None) => Ok(None),
        (Some(star), None) if star == "*" => Ok(Some(WriteCondition::Absent)),
        (None, Some(tag)) if tag != "*" => Ok(Some(WriteCondition::Tag(tag))),
        (None, Some(_)) => refused(
            "If-Match",
            "We don't accept the provided value of If-Match header for this API",
        ),
        (Some(_), None) => refused(
            "If-None-Match",
            "We don't accept the provided value of If-None-Match header for this API",
        ),
        (Some(_), Some(_)) => refused(
            "If-Match,If-None-Match",
            "Multiple conditional request headers present in the request",
        ),
    }
}
