//! # Regions: which Regions there are
//!
//! One operation of EC2, DescribeRegions, because scripts ask it before they set up trails and keys in every Region.
//! Which Regions are enabled is the server's setting; what AWS has beyond them is `model::region`.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRegions.html>

mod error;
mod model;
mod ops;

pub use error::Ec2Error;
pub use ops::OPERATIONS;
