//! # Wire: AWS protocols as bytes
//!
//! Which service and operation a request means ([`route_service`], [`operation_json`], [`Form`], [`s3_operation`]),
//! its input out of JSON, form pairs or XML ([`json`], [`query`], [`xml`]), and results and errors back into bytes
//! ([`Reply`], [`render_error`]). Signatures are `sigv4`'s, decisions are `policy`'s; nothing here does IO or knows
//! what an operation does.
//!
//! ## Invariants
//! - No input makes a parser panic, recurse without bound or take memory out of proportion to its length.
//! - What is odd is refused, not repaired: bytes that are not UTF-8, a repeated parameter, an entity, a structure where
//!   a list belongs.
//! - Text of the caller is escaped in every answer.
#![deny(missing_docs)]

mod error;
mod fault;
mod head;
pub mod json;
mod operations;
pub mod query;
mod reply;
mod s3_host;
mod s3_target;
mod service;
mod tree;
mod values;
pub mod xml;

pub use error::{AwsError, ErrorReply, not_implemented, render_error};
pub use fault::{At, WireFault};
pub use head::{Head, TlsDetails, decode_percent};
pub use operations::{CLOUDFORMATION_OPERATIONS, CLOUDTRAIL_OPERATIONS, LOGS_OPERATIONS, SNS_OPERATIONS};
pub use query::Form;
pub use reply::Reply;
pub use s3_host::{S3Host, host_region, s3_host};
pub use s3_target::{S3Target, s3_operation, s3_operation_names};
pub use service::{
    Protocol, RouteFault, ServiceName, needs_no_signature, operation_json, operation_rest_json, route_service,
    service_for_fault,
};
pub use values::{Blob, EpochSeconds, Iso8601, Iso8601Millis};
