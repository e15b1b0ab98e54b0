//! # S3: buckets and sealed objects
//!
//! A bucket belongs to an account and a Region, has a policy that speaks for it and a default that seals what is put into
//! it. An object is a row with its metadata, and sealed bytes: in a row beside it when small, in a blob when not. Who may
//! do what is `policy`'s decision, how bytes are sealed is `envelope`'s, which key seals an SSE-KMS object is KMS's answer
//! to a call with the caller's own rights.
//!
//! Start reading at [`OPERATIONS`], then `ops::put_object` and `ops::get_object`, then `seal` (data keys), `upload` (what
//! every upload does) and `opened` (what every read does). What every call asks of its
//! bucket is in `access`; the rules without IO are in `model`; what other services may ask is in `port`.
//!
//! ## Invariants
//! - No byte of an object reaches the disk in clear: a body is sealed as it comes, in memory bounded by a few segments.
//! - A body becomes an object only after its length, signature and every declared digest were found right.
//! - A blob is durable before the row that names it, and unlinked after that row is gone.
//! - Each object has its own data key. HeadObject never asks for it.
//! - A stored policy that cannot be read refuses; it is never taken for none.
//! - What is not built is refused by its name, never ignored, when ignoring it would store or show less than was asked.

mod access;
mod access_logs;
mod access_port;
mod answer;
mod asked_acl;
mod bucket_keys;
mod effective;
mod error;
mod expiry;
mod locks;
pub mod model;
mod opened;
pub mod ops;
mod port;
mod published;
mod request;
mod rules;
mod seal;
mod sse;
mod table;
mod tags;
#[cfg(test)]
mod tests;
mod upload;
mod versions;
pub mod work;

pub use error::S3Error;
pub use port::S3Objects;
pub use table::{CHECKS, SEALED};

use gateway::Route;

/// Every operation of the room.
pub static OPERATIONS: &[Route] = &[
    Route::of::<ops::abort_multipart_upload::AbortMultipartUpload>(),
    Route::of::<ops::complete_multipart_upload::CompleteMultipartUpload>(),
    Route::of::<ops::copy_object::CopyObject>(),
    Route::of::<ops::create_bucket::CreateBucket>(),
    Route::of::<ops::create_multipart_upload::CreateMultipartUpload>(),
    Route::of::<ops::delete_bucket::DeleteBucket>(),
    Route::of::<ops::delete_bucket_encryption::DeleteBucketEncryption>(),
    Route::of::<ops::delete_bucket_lifecycle::DeleteBucketLifecycle>(),
    Route::of::<ops::delete_bucket_ownership_controls::DeleteBucketOwnershipControls>(),
    Route::of::<ops::delete_bucket_policy::DeleteBucketPolicy>(),
    Route::of::<ops::delete_bucket_tagging::DeleteBucketTagging>(),
    Route::of::<ops::delete_object::DeleteObject>(),
    Route::of::<ops::delete_object_tagging::DeleteObjectTagging>(),
    Route::of::<ops::delete_objects::DeleteObjects>(),
    Route::of::<ops::delete_public_access_block::DeletePublicAccessBlock>(),
    Route::of::<ops::get_bucket_acl::GetBucketAcl>(),
    Route::of::<ops::get_bucket_encryption::GetBucketEncryption>(),
    Route::of::<ops::get_bucket_lifecycle_configuration::GetBucketLifecycleConfiguration>(),
    Route::of::<ops::get_bucket_location::GetBucketLocation>(),
    Route::of::<ops::get_bucket_logging::GetBucketLogging>(),
    Route::of::<ops::get_bucket_ownership_controls::GetBucketOwnershipControls>(),
    Route::of::<ops::get_bucket_policy::GetBucketPolicy>(),
    Route::of::<ops::get_bucket_policy_status::GetBucketPolicyStatus>(),
    Route::of::<ops::get_bucket_tagging::GetBucketTagging>(),
    Route::of::<ops::get_bucket_versioning::GetBucketVersioning>(),
    Route::of::<ops::get_object::GetObject>(),
    Route::of::<ops::get_object_acl::GetObjectAcl>(),
    Route::of::<ops::get_object_attributes::GetObjectAttributes>(),
    Route::of::<ops::get_object_legal_hold::GetObjectLegalHold>(),
    Route::of::<ops::get_object_lock_configuration::GetObjectLockConfiguration>(),
    Route::of::<ops::get_object_retention::GetObjectRetention>(),
    Route::of::<ops::get_object_tagging::GetObjectTagging>(),
    Route::of::<ops::get_public_access_block::GetPublicAccessBlock>(),
    Route::of::<ops::head_bucket::HeadBucket>(),
    Route::of::<ops::head_object::HeadObject>(),
    Route::of::<ops::list_buckets::ListBuckets>(),
    Route::of::<ops::list_multipart_uploads::ListMultipartUploads>(),
    Route::of::<ops::list_object_versions::ListObjectVersions>(),
    Route::of::<ops::list_objects::ListObjects>(),
    Route::of::<ops::list_objects_v2::ListObjectsV2>(),
    Route::of::<ops::list_parts::ListParts>(),
    Route::of::<ops::put_bucket_acl::PutBucketAcl>(),
    Route::of::<ops::put_bucket_encryption::PutBucketEncryption>(),
    Route::of::<ops::put_bucket_lifecycle_configuration::PutBucketLifecycleConfiguration>(),
    Route::of::<ops::put_bucket_logging::PutBucketLogging>(),
    Route::of::<ops::put_bucket_ownership_controls::PutBucketOwnershipControls>(),
    Route::of::<ops::put_bucket_policy::PutBucketPolicy>(),
    Route::of::<ops::put_bucket_tagging::PutBucketTagging>(),
    Route::of::<ops::put_bucket_versioning::PutBucketVersioning>(),
    Route::of::<ops::put_object::PutObject>(),
    Route::of::<ops::put_object_acl::PutObjectAcl>(),
    Route::of::<ops::put_object_legal_hold::PutObjectLegalHold>(),
    Route::of::<ops::put_object_lock_configuration::PutObjectLockConfiguration>(),
    Route::of::<ops::put_object_retention::PutObjectRetention>(),
    Route::of::<ops::put_object_tagging::PutObjectTagging>(),
    Route::of::<ops::put_public_access_block::PutPublicAccessBlock>(),
    Route::of::<ops::unset::GetUnset<0>>(),
    Route::of::<ops::unset::GetUnset<10>>(),
    Route::of::<ops::unset::GetUnset<11>>(),
    Route::of::<ops::unset::GetUnset<12>>(),
    Route::of::<ops::unset::GetUnset<13>>(),
    Route::of::<ops::unset::GetUnset<1>>(),
    Route::of::<ops::unset::GetUnset<2>>(),
    Route::of::<ops::unset::GetUnset<3>>(),
    Route::of::<ops::unset::GetUnset<4>>(),
    Route::of::<ops::unset::GetUnset<5>>(),
    Route::of::<ops::unset::GetUnset<6>>(),
    Route::of::<ops::unset::GetUnset<7>>(),
    Route::of::<ops::unset::GetUnset<8>>(),
    Route::of::<ops::unset::GetUnset<9>>(),
    Route::of::<ops::upload_part::UploadPart>(),
    Route::of::<ops::upload_part_copy::UploadPartCopy>(),
];
