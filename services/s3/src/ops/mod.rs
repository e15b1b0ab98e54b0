//! One file for each operation.

pub mod create_bucket;
pub mod delete_bucket;
pub mod delete_bucket_encryption;
pub mod delete_bucket_policy;
pub mod delete_object;
pub mod delete_objects;
pub mod get_bucket_acl;
pub mod get_bucket_encryption;
pub mod get_bucket_location;
pub mod get_bucket_policy;
pub mod get_bucket_versioning;
pub mod get_object;
pub mod get_object_legal_hold;
pub mod get_object_lock_configuration;
pub mod get_object_retention;
pub mod head_bucket;
pub mod head_object;
pub mod list_buckets;
pub mod list_object_versions;
pub mod list_objects;
pub mod list_objects_v2;
pub mod put_bucket_encryption;
pub mod put_bucket_policy;
pub mod put_bucket_versioning;
pub mod put_object;
pub mod put_object_legal_hold;
pub mod put_object_lock_configuration;
pub mod put_object_retention;

mod bucket_call;
mod listed;
mod lock_call;
pub(crate) mod read;
