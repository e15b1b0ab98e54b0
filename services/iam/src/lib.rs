//! IAM and STS: users, access keys, identity policies.
