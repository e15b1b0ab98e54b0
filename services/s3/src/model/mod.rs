//! The domain, pure: what a bucket's name may be, which encryption wins, which keys a listing shows.

pub mod access_log;
pub mod acl;
pub mod bucket_name;
pub mod condition;
pub mod customer_key;
pub mod encryption;
pub mod etag;
pub mod key;
pub mod lifecycle;
pub mod listing;
pub mod location;
pub mod lock;
pub mod metadata;
pub mod public_access;
pub mod range;
pub mod tagging;
pub mod version;
