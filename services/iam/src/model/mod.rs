//! The domain, pure: users, groups, roles, managed policies, keys and sessions, names, tags, policy documents.

pub(crate) mod access_key;
pub(crate) mod arns;
pub(crate) mod assumption;
pub(crate) mod aws_managed;
pub(crate) mod context_keys;
pub(crate) mod document;
pub(crate) mod group;
pub(crate) mod lint;
pub(crate) mod managed_policy;
pub(crate) mod name;
pub(crate) mod role;
pub(crate) mod session;
pub(crate) mod spans;
pub(crate) mod tags;
pub(crate) mod user;
