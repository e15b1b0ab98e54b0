//! The operations, one file each.

mod describe_regions;

use gateway::Route;

/// Everything this room answers.
pub static OPERATIONS: &[Route] = &[Route::of::<describe_regions::DescribeRegions>()];
