//! Block Public Access: four switches of a bucket.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>

use serde::{Deserialize, Serialize};

/// The four switches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicAccessBlock {
    /// Refuses to put public ACLs.
    pub block_public_acls: bool,
    /// Takes public ACLs for none.
    pub ignore_public_acls: bool,
    /// Refuses to put public policies.
    pub block_public_policy: bool,
    /// A public policy admits only the owner's account and AWS services.
    pub restrict_public_buckets: bool,
}

impl PublicAccessBlock {
    /// As new buckets have it since April 2023.
    pub const ALL: PublicAccessBlock = PublicAccessBlock {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    };
}
