//! The IAM policy language: parse, match, decide.
