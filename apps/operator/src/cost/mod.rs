//! # What trails and their keys cost
//!
//! Estimates of a month by AWS's published formulae ([`Prices`]), each line with the numbers in it, in exact decimals
//! ([`Money`]). What is estimated: customer managed keys with their rotations and replicas, requests to KMS, further copies of
//! management events, data events, network activity events, what Insights analyses, and events whose delivery fails.
//!
//! Not estimated, because it depends on more than the trail: storage and requests of S3, transfer between Regions,
//! CloudWatch Logs, SNS, event data stores, the cluster of a custom key store, taxes and discounts. [`Estimate::not_counted`] says so.
//!
//! Sources: <https://aws.amazon.com/kms/pricing/>, <https://aws.amazon.com/cloudtrail/pricing/>, and CloudTrail's user guide
//! on the costs of Insights events.

mod estimate;
mod money;
mod prices;
mod surveyed;

pub use estimate::{Estimate, Insights, KeyFacts, Line, ManagementEvents, Usage, monthly, of_key};
pub use money::{Money, NoAmount};
pub use prices::{NoPrices, Price, Prices};
pub use surveyed::Surveyed;
