//! EC2 DescribeRegions: which Regions there are.
