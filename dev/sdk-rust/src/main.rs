//! # sdk-rust: the Rust SDK on a server
//!
//! Goes through the steps that it is told and prints the name of each when it is done. What it does not find as it should
//! be ends it. `dev/clients/test_tools_sdks.py` starts it, as it does the same tour in JavaScript.

mod steps;

use anyhow::{Context, Result};
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, SharedHttpClient, retry::RetryConfig};
use aws_smithy_http_client::{
    Builder,
    tls::{self, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns};
use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;

/// Names of buckets are in no DNS; everything here is on this machine.
#[derive(Clone, Debug)]
struct Loopback;

impl ResolveDns for Loopback {
    fn resolve_dns<'a>(&'a self, _name: &'a str) -> DnsFuture<'a> {
        DnsFuture::ready(Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]))
    }
}

impl reqwest::dns::Resolve for Loopback {
    fn resolve(&self, _name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let addresses: reqwest::dns::Addrs = Box::new(std::iter::once((Ipv4Addr::LOCALHOST, 0).into()));
        Box::pin(std::future::ready(Ok(addresses)))
    }
}

/// What the steps work with.
struct Tour {
    s3: aws_sdk_s3::Client,
    kms: aws_sdk_kms::Client,
    plain: reqwest::Client,
    bucket: String,
    encryption: String,
}

impl Tour {
    fn from_environment() -> Result<Self> {
        let ca = match variable("TOUR_CA")? {
            path if path.is_empty() => None,
            path => Some(std::fs::read(&path).with_context(|| format!("cannot read {path}"))?),
        };
        let http = http_client(ca.as_deref())?;
        let endpoint = variable("AWS_ENDPOINT_URL")?;
        let credentials = Credentials::new(
            variable("AWS_ACCESS_KEY_ID")?,
            variable("AWS_SECRET_ACCESS_KEY")?,
            None,
            None,
            "tour",
        );
        let region = Region::new(variable("AWS_REGION")?);
        let s3 = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(http.clone())
            .endpoint_url(&endpoint)
            .region(region.clone())
            .retry_config(RetryConfig::disabled())
            .force_path_style(variable("TOUR_VIRTUAL")?.is_empty())
            .credentials_provider(credentials.clone());
        let kms = aws_sdk_kms::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(http)
            .endpoint_url(endpoint)
            .region(region)
            .retry_config(RetryConfig::disabled())
            .credentials_provider(credentials);
        let mut plain = reqwest::Client::builder().dns_resolver(Loopback).no_proxy();
        if let Some(ca) = &ca {
            plain = plain.tls_certs_only([reqwest::Certificate::from_pem(ca)?]);
        }
        Ok(Self {
            s3: aws_sdk_s3::Client::from_conf(s3.build()),
            kms: aws_sdk_kms::Client::from_conf(kms.build()),
            plain: plain.build()?,
            bucket: variable("TOUR_BUCKET")?,
            encryption: variable("TOUR_ENCRYPTION")?,
        })
    }
}

fn http_client(ca: Option<&[u8]>) -> Result<SharedHttpClient> {
    let trust = match ca {
        Some(ca) => TrustStore::empty().with_pem_certificate(ca),
        None => TrustStore::empty(),
    };
    let tls = TlsContext::builder().with_trust_store(trust).build()?;
    Ok(Builder::new()
        .tls_provider(tls::Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(tls)
        .build_with_resolver(Loopback))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the ban protects the product; this is a tool that its test starts"
)]
fn variable(name: &str) -> Result<String> {
    std::env::var(name).with_context(|| format!("{name} is not set"))
}

async fn run() -> Result<()> {
    let tour = Tour::from_environment()?;
    for name in std::env::args().skip(1) {
        tour.step(&name).await.with_context(|| format!("step {name}"))?;
        println!("{name}");
    }
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:?}");
            ExitCode::FAILURE
        }
    }
}
