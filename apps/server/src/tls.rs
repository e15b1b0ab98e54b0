//! TLS: a certificate from two files, or from a local CA that the data directory keeps.
//!
//! The local CA's certificate is `ca.pem`, for clients to trust; its private key is `ca.key`, sealed. The server's own
//! certificate is made anew at each start and is never on the disk.

use crate::{config::TlsMode, data_dir::DataDir};
use anyhow::{Context, Result, bail};
use base::{Secret, Timestamp};
use gateway::Settings;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject},
};
use std::{net::IpAddr, path::Path, sync::Arc};
use wire::TlsDetails;

pub(crate) const CA_FILE: &str = "ca.pem";
pub(crate) const CA_KEY_FILE: &str = "ca.key";
const CA_YEARS: i32 = 20;

/// A certificate chain with its key.
type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The TLS side of the listener; `None` when connections are plain.
pub(crate) fn server_config(
    mode: &TlsMode,
    dir: &DataDir,
    settings: &Settings,
    listen: IpAddr,
    now: Timestamp,
) -> Result<Option<Arc<ServerConfig>>> {
    let (chain, key) = match mode {
        TlsMode::Off => return Ok(None),
        TlsMode::Auto => by_local_ca(dir, settings, listen, now).context("cannot make the local certificate")?,
        TlsMode::Files { cert, key } => from_files(cert, key)?,
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .context("the certificate and its key cannot be used")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(Arc::new(config)))
}

fn from_files(cert: &Path, key: &Path) -> Result<Identity> {
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("cannot read the certificate `{}`", cert.display()))?;
    if chain.is_empty() {
        bail!("`{}` has no certificate in PEM form", cert.display());
    }
    let key = PrivateKeyDer::from_pem_file(key).with_context(|| format!("cannot read the key `{}`", key.display()))?;
    Ok((chain, key))
}

fn by_local_ca(dir: &DataDir, settings: &Settings, listen: IpAddr, now: Timestamp) -> Result<Identity> {
    let year = now
        .date_path()
        .get(..4)
        .and_then(|year| year.parse().ok())
        .unwrap_or(2026);
    let issuer = local_ca(dir, year)?;
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names(settings))?;
    let loopback = [IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])];
    let own = Some(listen).filter(|ip| !ip.is_unspecified() && !loopback.contains(ip));
    params
        .subject_alt_names
        .extend(loopback.into_iter().chain(own).map(SanType::IpAddress));
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, settings.domain.as_str());
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    // Some clients take no server certificate that is good for more than 825 days.
    params.not_before = date_time_ymd(year - 1, 12, 31);
    params.not_after = date_time_ymd(year + 2, 1, 1);
    let cert = params.signed_by(&key, &issuer)?;
    Ok((
        vec![cert.der().clone()],
        PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
    ))
}

/// The CA of the data directory, made when there is none.
fn local_ca(dir: &DataDir, year: i32) -> Result<Issuer<'static, KeyPair>> {
    match (dir.read(CA_FILE)?, dir.read_sealed(CA_KEY_FILE)?) {
        (Some(_), Some(key)) => {
            let key = Secret::new(String::from_utf8(key).context("the CA's key is no text")?);
            // Of the CA's certificate an issuer needs the name and the key's id, and both follow from this.
            Ok(Issuer::new(ca_params(year), KeyPair::from_pem(key.expose())?))
        }
        (Some(_), None) => bail!(
            "`{CA_KEY_FILE}` is missing beside `{CA_FILE}` in `{}`; remove `{CA_FILE}` too to have a new CA made",
            dir.path().display()
        ),
        // A key without its certificate was never used: the start that made it did not come further.
        (None, _) => {
            let key = KeyPair::generate()?;
            let cert = ca_params(year).self_signed(&key)?;
            dir.write_sealed(CA_KEY_FILE, Secret::new(key.serialize_pem()).expose().as_bytes())?;
            dir.write(CA_FILE, cert.pem().as_bytes())?;
            Ok(Issuer::new(ca_params(year), key))
        }
    }
}

fn ca_params(year: i32) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "shoseki local CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = date_time_ymd(year - 1, 1, 1);
    params.not_after = date_time_ymd(year + CA_YEARS, 1, 1);
    params
}

/// Every name under which the server can be called. A wildcard stands for one label, and many clients take none directly
/// under a top-level name; so the S3 names are said for each Region.
fn names(settings: &Settings) -> Vec<String> {
    let domain = &settings.domain;
    let mut names = vec![];
    for base in ["localhost", domain] {
        names.extend([
            base.to_owned(),
            format!("*.{base}"),
            format!("s3.{base}"),
            format!("*.s3.{base}"),
        ]);
    }
    for region in &settings.regions {
        names.extend([format!("*.{region}.{domain}"), format!("*.s3.{region}.{domain}")]);
    }
    names.sort();
    names.dedup();
    names
}

/// Where systems keep the certificates of the roots that they trust.
const SYSTEM_BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The roots that SNS's endpoints of https must be known to: those of this file, else the system's. Without either none is known.
pub(crate) fn sns_roots(bundle: Option<&Path>) -> Result<RootCertStore> {
    let system = || SYSTEM_BUNDLES.iter().map(Path::new).find(|path| path.exists());
    let mut roots = RootCertStore::empty();
    let Some(path) = bundle.or_else(system) else {
        return Ok(roots);
    };
    let unread = || format!("cannot read the certificates in `{}`", path.display());
    let pem = std::fs::read(path).with_context(unread)?;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let added = roots.add(certificate.with_context(unread)?);
        // A system's bundle may hold some that are too odd to be used; those are not trusted.
        if bundle.is_some() {
            added.with_context(unread)?;
        }
    }
    Ok(roots)
}

/// What a connection agreed on, in the words of an event's `tlsDetails`.
pub(crate) fn details(connection: &rustls::ServerConnection) -> Option<TlsDetails> {
    let version = match connection.protocol_version()? {
        rustls::ProtocolVersion::TLSv1_3 => "TLSv1.3",
        rustls::ProtocolVersion::TLSv1_2 => "TLSv1.2",
        _ => return None,
    };
    let suite = format!("{:?}", connection.negotiated_cipher_suite()?.suite());
    let group = connection.negotiated_key_exchange_group()?;
    Some(TlsDetails {
        version: version.to_owned(),
        cipher_suite: cipher_name(&suite),
        key_exchange: format!("{:?}", group.name()),
    })
}

/// Records name TLS 1.3's suites by their registered names and TLS 1.2's as OpenSSL does.
fn cipher_name(suite: &str) -> String {
    match suite.strip_prefix("TLS13_") {
        Some(rest) => format!("TLS_{rest}"),
        None => {
            let name = suite.trim_start_matches("TLS_").replace("_WITH_", "-");
            name.replace("AES_", "AES")
                .replace("_POLY1305_SHA256", "-POLY1305")
                .replace('_', "-")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_have_the_names_of_records() {
        for (suite, name) in [
            ("TLS13_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
            ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"),
            (
                "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
                "ECDHE-ECDSA-CHACHA20-POLY1305",
            ),
        ] {
            assert_eq!(cipher_name(suite), name);
        }
    }

    #[test]
    fn every_way_to_name_a_bucket_is_in_the_certificate() {
        let names = names(&Settings {
            domain: "logs.example".to_owned(),
            ..Settings::standard()
        });
        for name in [
            "localhost",
            "*.s3.localhost",
            "logs.example",
            "*.s3.logs.example",
            "*.s3.us-east-1.logs.example",
        ] {
            assert!(names.iter().any(|n| n == name), "{name}");
        }
    }
}
