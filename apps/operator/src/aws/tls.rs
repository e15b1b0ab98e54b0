//! Whom the client believes to be the service.

use super::Error;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Whose certificates are good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Those that lead to the roots of this machine.
    System,
    /// Those that lead to the roots in this file, in PEM form (`AWS_CA_BUNDLE`).
    Bundle(PathBuf),
    /// The first in this file, and no other. Under `serve --tls CERT,KEY` this machine calls the server by its address, which
    /// the certificate need not name, and nobody says which root it leads to; but here is the very file that it is from.
    Certificate(PathBuf),
}

impl Trust {
    pub(super) fn config(&self) -> Result<ClientConfig, Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|fault| Error::Settings(format!("TLS cannot be used: {fault}")))?;
        let roots = match self {
            Trust::System => system_roots()?,
            Trust::Bundle(path) => bundle(path)?,
            Trust::Certificate(path) => {
                let cert = certificates(path)?.into_iter().next();
                let none = || Error::Settings(format!("`{}` has no certificate in PEM form", path.display()));
                let cert = cert.ok_or_else(none)?;
                let pinned = Arc::new(Pinned { cert, provider });
                return Ok(builder
                    .dangerous()
                    .with_custom_certificate_verifier(pinned)
                    .with_no_client_auth());
            }
        };
        Ok(builder.with_root_certificates(roots).with_no_client_auth())
    }
}

fn system_roots() -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    // A root that cannot be read is one that nothing leads to.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    match roots.is_empty() {
        true => Err(Error::Settings(
            "this machine has no root certificates: install ca-certificates, or set AWS_CA_BUNDLE".to_owned(),
        )),
        false => Ok(roots),
    }
}

fn bundle(path: &Path) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for cert in certificates(path)? {
        let odd = |fault| Error::Settings(format!("a certificate in `{}` is no root: {fault}", path.display()));
        roots.add(cert).map_err(odd)?;
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|fault| Error::Settings(format!("cannot read certificates from `{}`: {fault}", path.display())))
}

#[derive(Debug)]
struct Pinned {
    cert: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *end_entity == self.cert {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
