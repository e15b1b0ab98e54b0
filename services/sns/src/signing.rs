//! The Regions' signing keys: made on first need, each with a certificate that says whose signatures these are, and replaced
//! before their time is over. Certificates are kept and served for good, for messages are.

use crate::{
    model::topic::SignatureVersion,
    rsa_sha1::Sha1Key,
    table::{self, SigningRow, signing_identity},
};
use aws_lc_rs::digest::{SHA256, digest};
use base::{Fault, Region, Secret, Timestamp};
use base64::{Engine, engine::general_purpose::STANDARD};
use gateway::{ServiceCaller, World, work::Work};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, date_time_ymd};
use record::SigningKey;
use rustls::pki_types::PrivatePkcs8KeyDer;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use store::{CommitError, Maintenance};
use wire::ServiceName;

/// A key signs for a year,
const VALIDITY: Duration = Duration::from_secs(365 * 24 * 3600);
/// and is replaced this long before its end.
const OVERLAP: Duration = Duration::from_secs(30 * 24 * 3600);
/// So often is making a key begun, when others make it too.
const ATTEMPTS_MAX: usize = 8;

/// What the path of a certificate begins and ends with, around its fingerprint.
const PATH: (&str, &str) = ("SimpleNotificationService-", ".pem");

/// SNS's own principal.
pub(crate) const PRINCIPAL: &str = "sns.amazonaws.com";

/// A Region's signing key, open.
pub(crate) struct Signer {
    key: SigningKey,
    sha1: Sha1Key,
    fingerprint: String,
    not_before: Timestamp,
    not_after: Timestamp,
}

/// The keys that are open, by Region.
#[derive(Default)]
struct Open(Mutex<HashMap<Region, Arc<Signer>>>);

impl Signer {
    /// Signs a text. Answers base64.
    pub(crate) fn sign(&self, text: &str, version: SignatureVersion) -> Result<String, Fault> {
        let signature = match version {
            SignatureVersion::One => self.sha1.sign(text)?,
            SignatureVersion::Two => {
                hex::decode(self.key.sign(text)?).map_err(|_| Fault::Bug("a signature is no hex"))?
            }
        };
        Ok(STANDARD.encode(signature))
    }

    /// The path of its certificate, without the slash.
    pub(crate) fn certificate(&self) -> String {
        format!("{}{}{}", PATH.0, self.fingerprint, PATH.1)
    }

    fn is_fresh(&self, now: Timestamp) -> bool {
        is_fresh(self.not_before, self.not_after, now)
    }
}

fn is_fresh(not_before: Timestamp, not_after: Timestamp, now: Timestamp) -> bool {
    not_before <= now && now.plus(OVERLAP) < not_after
}

/// The certificate that is served under a path, which begins with a slash: PEM. `None` for every other path.
pub async fn certificate(world: &World, path: &str) -> Result<Option<String>, Fault> {
    let name = path.strip_prefix('/').and_then(|path| path.strip_prefix(PATH.0));
    let Some(fingerprint) = name.and_then(|name| name.strip_suffix(PATH.1)) else {
        return Ok(None);
    };
    let snapshot = world.snapshot();
    table::certificate(&snapshot.view(), fingerprint).await
}

/// The key that signs in a Region now.
pub(crate) async fn current(world: &Arc<World>, region: &Region, now: Timestamp) -> Result<Arc<Signer>, Fault> {
    let open = world.kept::<Open>();
    let known = {
        let all = open.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(region).filter(|signer| signer.is_fresh(now)).cloned()
    };
    if let Some(signer) = known {
        return Ok(signer);
    }
    for _ in 0..ATTEMPTS_MAX {
        let newest = {
            let snapshot = world.snapshot();
            table::signing_keys(&snapshot.view(), region).await?.pop()
        };
        match newest.filter(|row| is_fresh(row.not_before, row.not_after, now)) {
            Some(row) => {
                let signer = Arc::new(opened(world, region, row).await?);
                let mut all = open.0.lock().unwrap_or_else(PoisonError::into_inner);
                all.insert(region.clone(), Arc::clone(&signer));
                return Ok(signer);
            }
            None => make(world, region, now).await?,
        }
    }
    Err(Fault::Bug("making a signing key conflicted without end"))
}

async fn opened(world: &Arc<World>, region: &Region, row: SigningRow) -> Result<Signer, Fault> {
    let snapshot = world.snapshot();
    let keyring = world
        .keyrings
        .of(&snapshot.view(), world.settings.first_account)
        .await?;
    let der = keyring
        .open(&signing_identity(region.as_str(), &row.fingerprint), &row.sealed)
        .map(Secret::new)
        .map_err(|_| Fault::corrupt(format!("the signing key of SNS in {region} does not open")))?;
    let key = SigningKey::from_pkcs8(der.expose())?;
    Ok(Signer {
        sha1: Sha1Key::from_pkcs8(der.expose(), key.public_key().as_der())?,
        key,
        fingerprint: row.fingerprint,
        not_before: row.not_before,
        not_after: row.not_after,
    })
}

/// Begins work of SNS's own.
pub(crate) fn begin(world: &Arc<World>, account: base::AccountId, region: &Region) -> Work {
    let caller = ServiceCaller {
        name: PRINCIPAL,
        source_arn: None,
        source_account: account,
    };
    Work::begin(world, ServiceName::Sns, caller, region.clone())
}

/// Makes a key with its certificate and stores it, sealed. Another that was stored meanwhile wins.
async fn make(world: &Arc<World>, region: &Region, now: Timestamp) -> Result<(), Fault> {
    let year = now
        .date_path()
        .get(..4)
        .and_then(|year| year.parse().ok())
        .unwrap_or(2026);
    // A key takes a tenth of a second or more; the runtime's threads have other work.
    let (der, pem) = tokio::task::spawn_blocking(move || generate(year))
        .await
        .map_err(|error| Fault::io("making a signing key", error))??;
    let mut work = begin(world, world.settings.first_account, region);
    let (_, txn) = work.parts();
    let newest = table::signing_keys(&txn.view(), region).await?.pop();
    if newest.is_some_and(|row| is_fresh(row.not_before, row.not_after, now)) {
        return Ok(());
    }
    let keyring = world.keyrings.of(&txn.view(), world.settings.first_account).await?;
    let hash = digest(&SHA256, pem.as_bytes());
    let fingerprint = hex::encode(hash.as_ref().get(..16).unwrap_or_default());
    let row = SigningRow {
        sealed: keyring.seal(
            &signing_identity(region.as_str(), &fingerprint),
            der.expose(),
            &world.random,
        ),
        certificate: pem,
        fingerprint,
        not_before: now.floor_second(),
        not_after: now.plus(VALIDITY).floor_second(),
    };
    table::put_signing_key(txn, region, &row);
    match work.commit(Maintenance::KeyGeneration).await {
        Ok(()) | Err(CommitError::Conflict) => Ok(()),
        Err(CommitError::Fault(fault)) => Err(fault),
    }
}

/// A key in PKCS#8, and its certificate in PEM, which is good in this year and the two beside it.
fn generate(year: i32) -> Result<(Secret<Vec<u8>>, String), Fault> {
    let der = SigningKey::generate()?.to_pkcs8()?;
    let made = |_| Fault::Bug("the library makes no certificate");
    let pkcs8 = PrivatePkcs8KeyDer::from(der.expose().as_slice());
    let key = KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8, &PKCS_RSA_SHA256).map_err(made)?;
    let mut params = CertificateParams::new(vec![PRINCIPAL.to_owned()]).map_err(made)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, PRINCIPAL);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.not_before = date_time_ymd(year - 1, 12, 31);
    params.not_after = date_time_ymd(year + 2, 1, 1);
    let pem = params.self_signed(&key).map_err(made)?.pem();
    Ok((der, pem))
}

/// Where messages say that this server is.
pub(crate) fn server(world: &World) -> &str {
    &world.settings.endpoint
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_made_for_a_key() {
        let (der, pem) = generate(2026).unwrap();
        assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"));
        assert!(SigningKey::from_pkcs8(der.expose()).is_ok());
    }
}
