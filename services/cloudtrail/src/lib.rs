//! CloudTrail: trails, log delivery, digests.
