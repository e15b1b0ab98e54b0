//! Temporary credentials: a role that was assumed, or what GetSessionToken gave a user or root.

use super::{
    role::{self, Role},
    tags::Tags,
    user::Owner,
};
use base::{AccountId, Fault, Random, Secret, Timestamp, ids};
use envelope::Keyring;
use gateway::rotation::Renewal;
use policy::Principal;
use serde::{Deserialize, Serialize};

/// What AWS's tokens begin with, and how long ours are.
const TOKEN_PREFIX: &str = "IQoJb3JpZ2luX2Vj";
const TOKEN_RANDOM_CHARS: usize = 240;
const TOKEN_ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Temporary credentials, as they are stored: secret and token sealed under the account's keyring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredSession {
    /// `ASIA…`
    pub(crate) id: String,
    /// The account of whom they speak for.
    pub(crate) account: AccountId,
    pub(crate) owner: SessionOwner,
    pub(crate) facts: SessionFacts,
    sealed_secret: Vec<u8>,
    sealed_token: Vec<u8>,
}

/// Whom the credentials speak for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SessionOwner {
    /// A user or root, by GetSessionToken.
    Caller(Owner),
    /// A session of a role.
    Role {
        /// `AROA…`
        id: String,
        path: String,
        name: String,
        session_name: String,
    },
}

impl SessionOwner {
    /// A session of this role.
    pub(crate) fn of_role(role: &Role, session_name: &str) -> SessionOwner {
        SessionOwner::Role {
            id: role.id.clone(),
            path: role.path.clone(),
            name: role.name.clone(),
            session_name: session_name.to_owned(),
        }
    }
}

/// What is true of a session besides whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SessionFacts {
    /// In domain time.
    pub(crate) issued: Timestamp,
    /// In real time.
    pub(crate) expires: Timestamp,
    pub(crate) mfa: bool,
    pub(crate) source_identity: Option<String>,
    /// The session's own tags.
    pub(crate) tags: Tags,
    pub(crate) transitive_tag_keys: Vec<String>,
    /// `None` when no session policy was given.
    pub(crate) policies: Option<Vec<SessionPolicy>>,
    /// Whether a role's session made it.
    pub(crate) chained: bool,
}

/// A session policy as it was when the session was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SessionPolicy {
    /// The managed policy that it was; `None` for the call's own document.
    pub(crate) arn: Option<String>,
    pub(crate) document: String,
}

impl SessionPolicy {
    /// The document of a call.
    pub(crate) fn given(document: &str) -> SessionPolicy {
        SessionPolicy {
            arn: None,
            document: document.to_owned(),
        }
    }
}

/// The secret parts of a session, to be shown once.
pub(crate) struct SessionSecrets {
    pub(crate) secret: Secret<String>,
    pub(crate) token: Secret<String>,
}

impl StoredSession {
    /// A new session with its secrets, which can be had in clear only here and by [`StoredSession::open`].
    pub(crate) fn generate(
        keyring: &Keyring,
        account: AccountId,
        owner: SessionOwner,
        facts: SessionFacts,
        random: &Random,
    ) -> (StoredSession, SessionSecrets) {
        let id = ids::access_key_id("ASIA", random);
        let secrets = SessionSecrets {
            secret: Secret::new(ids::secret_access_key(random)),
            token: Secret::new(format!(
                "{TOKEN_PREFIX}{}",
                random.text(TOKEN_RANDOM_CHARS, TOKEN_ALPHABET)
            )),
        };
        let seal =
            |part, text: &Secret<String>| keyring.seal(&identity(account, &id, part), text.expose().as_bytes(), random);
        let session = StoredSession {
            sealed_secret: seal("secret", &secrets.secret),
            sealed_token: seal("token", &secrets.token),
            id,
            account,
            owner,
            facts,
        };
        (session, secrets)
    }

    /// The secret access key and the session token.
    pub(crate) fn open(&self, keyring: &Keyring) -> Result<SessionSecrets, Fault> {
        let open = |part: &'static str, sealed: &[u8]| {
            let what = || format!("the {part} of temporary key {}", self.id);
            let plain = keyring
                .open(&identity(self.account, &self.id, part), sealed)
                .map_err(|fault| Fault::corrupt_by(what(), fault))?;
            String::from_utf8(plain)
                .map(Secret::new)
                .map_err(|_| Fault::corrupt(what()))
        };
        Ok(SessionSecrets {
            secret: open("secret", &self.sealed_secret)?,
            token: open("token", &self.sealed_token)?,
        })
    }

    /// The same with its secrets under the account's current keyring; `None` when they are.
    pub(crate) fn renewed(mut self, renewal: &Renewal) -> Result<Option<StoredSession>, Fault> {
        let renew = |part: &'static str, sealed: &[u8]| {
            renewal.sealed(self.account, &identity(self.account, &self.id, part), sealed)
        };
        let secret = renew("secret", &self.sealed_secret)?;
        let token = renew("token", &self.sealed_token)?;
        if secret.is_none() && token.is_none() {
            return Ok(None);
        }
        self.sealed_secret = secret.unwrap_or(self.sealed_secret);
        self.sealed_token = token.unwrap_or(self.sealed_token);
        Ok(Some(self))
    }

    /// Who calls with these credentials.
    pub(crate) fn principal(&self) -> Principal {
        match &self.owner {
            SessionOwner::Caller(owner) => owner.principal(self.account),
            SessionOwner::Role {
                id,
                path,
                name,
                session_name,
            } => role::session_principal(self.account, path, name, id, session_name),
        }
    }

    /// A record's `principalId`.
    pub(crate) fn principal_id(&self) -> String {
        match &self.owner {
            SessionOwner::Caller(owner) => owner.principal_id(self.account),
            SessionOwner::Role { id, session_name, .. } => format!("{id}:{session_name}"),
        }
    }
}

/// A sealed part opens only as that part of this session of this account.
fn identity(account: AccountId, id: &str, part: &str) -> Vec<u8> {
    format!("iam/session/{account}/{id}/{part}").into_bytes()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use store::Stored;

    /// A session of a role.
    pub(crate) fn of_role(keyring: &Keyring, random: &Random, expires: Timestamp) -> (StoredSession, SessionSecrets) {
        let owner = SessionOwner::Role {
            id: "AROAX".to_owned(),
            path: "/a/".to_owned(),
            name: "R".to_owned(),
            session_name: "s".to_owned(),
        };
        of(keyring, random, owner, expires)
    }

    /// A session of whom you like.
    pub(crate) fn of(
        keyring: &Keyring,
        random: &Random,
        owner: SessionOwner,
        expires: Timestamp,
    ) -> (StoredSession, SessionSecrets) {
        let facts = SessionFacts {
            issued: Timestamp::from_secs(5),
            expires,
            mfa: false,
            source_identity: None,
            tags: Tags::new(),
            transitive_tag_keys: Vec::new(),
            policies: None,
            chained: false,
        };
        StoredSession::generate(keyring, AccountId::FIRST, owner, facts, random)
    }

    #[test]
    fn secrets_are_sealed_to_their_session_and_place() {
        let random = Random::seeded(3);
        let (keyring, other) = (Keyring::generate(&random), Keyring::generate(&random));
        let (session, secrets) = of_role(&keyring, &random, Timestamp::from_secs(9));
        let opened = session.open(&keyring).unwrap();
        assert_eq!(opened.secret.expose(), secrets.secret.expose());
        assert_eq!(opened.token.expose(), secrets.token.expose());
        assert!(session.open(&other).is_err());
        let swapped = StoredSession {
            sealed_secret: session.sealed_token.clone(),
            ..session.clone()
        };
        assert!(swapped.open(&keyring).is_err());
        let row = session.encode().unwrap();
        let inside = |text: &str| row.windows(text.len()).any(|bytes| bytes == text.as_bytes());
        assert!(inside(&session.id) && !inside(secrets.secret.expose()) && !inside(secrets.token.expose()));
        assert_eq!(StoredSession::decode(&row).unwrap(), session);
        assert_eq!(
            session.principal().arn().as_deref(),
            Some("arn:aws:sts::000000000000:assumed-role/R/s")
        );
        assert_eq!(session.principal_id(), "AROAX:s");
    }
}
