//! The domain, pure: keys and their states, aliases, grants, the forms in which a request names a key, key policies, tags.

mod alias;
pub mod grant;
mod key;
pub mod key_policy;
mod key_ref;
pub mod state;
mod tag;

pub use alias::{ALIASES_PER_KEY_MAX, Alias, AliasName};
pub use grant::{Constraint, Grant, GrantId, GrantOperation, GrantTerms};
pub use key::{GrantsMark, Key, KeyId, KeyManager, KeyState, Material, MaterialId, PolicyDigest};
pub use key_ref::{KeyRef, Place, Target};
pub use tag::{Tag, parse_tags};

/// The one key spec that is here.
pub const SYMMETRIC_DEFAULT: &str = "SYMMETRIC_DEFAULT";
/// The one key usage that is here.
pub const ENCRYPT_DECRYPT: &str = "ENCRYPT_DECRYPT";
/// The one origin of key material that is here.
pub const AWS_KMS: &str = "AWS_KMS";
