//! The domain, pure: users and their keys, names, policy documents.

pub(crate) mod access_key;
pub(crate) mod document;
pub(crate) mod name;
pub(crate) mod user;
