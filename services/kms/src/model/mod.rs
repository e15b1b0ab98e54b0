//! The domain, pure: keys and their states, aliases, grants, the forms in which a request names a key, key policies, tags.

mod algorithm;
mod alias;
pub mod asymmetric;
pub mod grant;
mod import;
mod key;
pub mod key_policy;
mod key_ref;
mod material;
mod multi_region;
mod rotation;
mod spec;
pub mod state;
mod tag;

pub use algorithm::{
    DataKeyPairSpec, EncryptionAlgorithm, KeyAgreementAlgorithm, MacAlgorithm, MessageType, SigningAlgorithm,
};
pub use alias::{ALIASES_PER_KEY_MAX, Alias, AliasName};
pub use grant::{Constraint, Grant, GrantId, GrantOperation, GrantTerms};
pub use import::{ImportKind, Place as ImportPlace};
pub use key::{GrantsMark, Key, KeyId, KeyManager, KeyState, PolicyDigest};
pub use key_ref::{KeyRef, Place, Target, parse_region};
pub use material::{ClearMaterial, Import, Material, MaterialId, RotationType, WrappedMaterial};
pub use multi_region::{MultiRegion, MultiRegionKind};
pub use rotation::Rotation;
pub use spec::{KeySpec, KeyUsage, Origin};
pub use tag::{Tag, add_tags, parse_tag_keys, parse_tags};

/// The algorithm of symmetric keys.
pub const SYMMETRIC_DEFAULT: &str = "SYMMETRIC_DEFAULT";
