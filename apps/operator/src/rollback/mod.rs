//! Back from a key of one's own to S3's keys: trails and the default encryption of their buckets, and what stays under the key.
//!
//! The rights that it needs are those of the procedure by hand: `ec2:DescribeRegions`, `cloudtrail:DescribeTrails` and
//! `s3:GetEncryptionConfiguration` to look, `cloudtrail:UpdateTrail` and `s3:PutEncryptionConfiguration` to change. What more can
//! be told (objects, lifecycle, cost) is told as far as the caller's rights go.

mod encryption;
mod plan;
mod read;
mod remain;
mod warnings;

pub use encryption::Encryption;
pub use plan::{Choice, Left, NoChoice, Plan, plan};
pub use read::{Found, RegionTrails, SealedTrail, read, read_bucket};
pub use remain::{Count, Expiry, Remains, remaining};
pub use warnings::warnings;
