//! The client of a running server: that of the operator's tool, as the server's root.

pub(crate) use operator::aws::{Client, Refused, elements};

use anyhow::Result;
use base::Secret;
use operator::aws::{Endpoint, Endpoints, Retries, Trust};
use server::Announced;
use sigv4::sign::Credentials;

/// A client of a running server, as its root. Every call is made once: whoever makes calls here knows how to go on.
pub(crate) fn of(announced: &Announced) -> Result<Client> {
    let credentials = Credentials::new(
        announced.key.access_key_id.as_str(),
        announced.key.secret_access_key.expose().as_str(),
    );
    let trust = match (&announced.ca_bundle, &announced.certificate) {
        (Some(bundle), _) => Trust::Bundle(bundle.clone()),
        (None, Some(certificate)) => Trust::Certificate(certificate.clone()),
        (None, None) => Trust::System,
    };
    let endpoints = Endpoints::at(Endpoint::parse(&announced.endpoint)?);
    Ok(Client::new(
        credentials,
        &announced.region,
        endpoints,
        trust,
        Retries::none(),
    ))
}

/// The credentials of a long-term access key.
pub(crate) fn key(access_key_id: &str, secret: Secret<String>) -> Credentials {
    Credentials {
        access_key_id: access_key_id.to_owned(),
        secret,
        session_token: None,
    }
}
