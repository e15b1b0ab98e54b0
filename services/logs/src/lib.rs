//! # CloudWatch Logs: log groups, streams and their events
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/Welcome.html>

mod port;

pub use port::LogGroups;

use gateway::Route;

/// Every operation of this room.
pub static OPERATIONS: &[Route] = &[];
