//! # Record: what is written, and how it is proved
//!
//! The formats of CloudTrail: one call's event record ([`EventRecord`]), the files that records are delivered in
//! ([`LogFile`]), the signed digests that name those files ([`DigestFile`]), and the verification of a chain of digests
//! ([`verify`]), which writer, demo and operator share. What does not live here: which calls are recorded (`gateway`),
//! which trail selects a record and when it is delivered (the CloudTrail room).
//!
//! ## Invariants
//! - What a caller sent gets into a record only by [`Evident`], which secrets do not implement.
//! - A record that was made elsewhere says so: an [`IngestedRecord`] always carries its channel, and no other record does.
//! - A record is of the published schema ([`RECORD_SCHEMA`]) and at most [`RECORD_BYTES_MAX`] long; a log file is one gzip
//!   member.
//! - Bad data is a finding, never an error or a panic.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>
#![deny(missing_docs)]

mod digest;
mod event;
mod gzip;
mod identity;
mod index;
mod json;
mod log_file;
mod params;
mod schema;
mod served;
mod signing;
mod strict;
mod submission;
pub mod verify;

pub use digest::{
    DigestFile, DigestKind, DigestedLogFile, HASH_ALGORITHM, digest_key, sha256, sha256_hex, string_to_sign,
};
pub use event::{
    EVENT_VERSION, EventCategory, EventError, EventRecord, EventType, RECORD_BYTES_MAX, Resource, TlsDetails,
};
pub use gzip::{Gzip, INFLATED_BYTES_MAX, Inflated, NotGzip, inflate, inflate_within};
pub use identity::{Identity, SessionAttributes, SessionContext, SessionIssuer, UserIdentity};
pub use index::IndexFields;
pub use log_file::{
    DELIVERY_STEP, LOG_FILE_BYTES_MAX, LogFile, LogFileBytes, LogFileKind, NotALogFile, log_file_key, parse_log_file,
    parse_records,
};
pub use params::{Evident, HIDDEN, Params};
pub use schema::{Misfit, RECORD_SCHEMA, check_record};
pub use served::Served;
pub use signing::{
    BACKFILL_METADATA, PublicKey, SIGNATURE_ALGORITHM, SIGNATURE_ALGORITHM_METADATA, SIGNATURE_METADATA,
    SignatureFault, SigningKey,
};
pub use submission::{
    AHEAD_MAX, Admission, FaultCode, IngestedRecord, SUBMISSION_BYTES_MAX, Schema, Seen, Submission, SubmissionFault,
};
