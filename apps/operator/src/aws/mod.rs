//! A thin client of the AWS APIs: credentials, endpoints, signatures, retries; no operation of its own.
//!
//! One [`Client`] calls every service in one Region, and may be used by many tasks at once. Where the credentials, the Region
//! and the endpoint come from is what AWS's own clients read, in their order ([`Settings`]). The chain is written here, since
//! `aws-config` brings 47 crates and a second implementation of SHA-2.
//!
//! SPEC: <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>
//! SPEC: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>

mod client;
mod credentials;
mod endpoint;
mod error;
mod http;
mod lines;
mod pool;
mod profile;
mod retry;
mod service;
mod settings;
mod tls;

pub use client::{Answer, Client, elements};
pub use credentials::Provider;
pub(crate) use endpoint::via_s3;
pub use endpoint::{Endpoint, Endpoints};
pub use error::{Error, Refused};
pub use http::Budget;
pub use lines::Lines;
pub(crate) use pool::Pooled;
pub use profile::Profiles;
pub use retry::Retries;
pub use service::Service;
pub use settings::{Environment, Settings};
pub use tls::Trust;
