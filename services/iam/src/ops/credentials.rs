//! Temporary credentials, as the answers that make them show them.

use crate::model::session::{SessionSecrets, StoredSession};
use base::Secret;
use record::{Evident, Params};
use serde::{Serialize, Serializer};
use wire::Iso8601;

/// The credentials of a session.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Credentials {
    access_key_id: String,
    #[serde(serialize_with = "show_once")]
    secret_access_key: Secret<String>,
    #[serde(serialize_with = "show_once")]
    session_token: Secret<String>,
    expiration: Iso8601,
}

/// No other answer shows them.
fn show_once<S: Serializer>(secret: &Secret<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

impl Credentials {
    pub(super) fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    pub(super) fn of(session: &StoredSession, secrets: SessionSecrets) -> Credentials {
        Credentials {
            access_key_id: session.id.clone(),
            secret_access_key: secrets.secret,
            session_token: secrets.token,
            expiration: Iso8601(session.facts.expires),
        }
    }
}

/// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html>: all but the secret key, without
/// which the token opens nothing.
impl Evident for Credentials {
    fn evident(&self) -> Params {
        Params::new()
            .text("accessKeyId", &self.access_key_id)
            .text("sessionToken", self.session_token.expose())
            .moment("expiration", self.expiration.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::shapes::tests::{result, shown};
    use super::*;
    use crate::model::session;
    use base::{Random, Timestamp};
    use envelope::Keyring;

    #[test]
    fn the_answer_shows_the_secret_and_the_record_does_not() {
        let random = Random::seeded(1);
        let expires = Timestamp::from_secs(1_570_057_949);
        let (stored, secrets) = session::tests::of_role(&Keyring::generate(&random), &random, expires);
        let (secret, token) = (secrets.secret.expose().clone(), secrets.token.expose().clone());
        let id = stored.id.clone();
        let credentials = Credentials::of(&stored, secrets);
        assert_eq!(
            result("AssumeRole", &credentials),
            format!(
                "<AccessKeyId>{id}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey><SessionToken>{token}</SessionToken><Expiration>2019-10-02T23:12:29Z</Expiration>"
            )
        );
        assert_eq!(
            shown(&credentials),
            format!(r#"{{"accessKeyId":"{id}","sessionToken":"{token}","expiration":"Oct 2, 2019, 11:12:29 PM"}}"#)
        );
    }
}
