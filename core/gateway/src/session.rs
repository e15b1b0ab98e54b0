//! What temporary credentials need to be taken, and where those of GetSessionToken do not reach.

use crate::{Session, SignedCaller, ports::Credential};
use base::Timestamp;
use sigv4::AuthFault;
use wire::ServiceName;

/// A temporary key comes with its token, and a long-term one with none: a token beside it belongs to some other key.
pub(crate) fn check_token(given: Option<&str>, credential: &Credential, now: Timestamp) -> Result<(), AuthFault> {
    match (given, &credential.session_token) {
        (None, None) => {}
        // Without its token a temporary key is no key.
        (None, Some(_)) => return Err(unknown(&credential.caller)),
        (Some(given), Some(token)) if sigv4::same_secret(given.as_bytes(), token.expose().as_bytes()) => {}
        _ => return Err(AuthFault::InvalidToken),
    }
    match &credential.caller.session {
        Some(session) if session.expires <= now => Err(AuthFault::ExpiredToken),
        _ => Ok(()),
    }
}

/// The fault of a key that is not known, or is taken for one that is not.
pub(crate) fn unknown(caller: &SignedCaller) -> AuthFault {
    AuthFault::UnknownKey {
        access_key_id: caller.access_key_id.clone(),
    }
}

/// What GetSessionToken gives without MFA opens neither IAM nor, but for two operations, STS.
///
/// SPEC: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>
pub(crate) fn reaches(caller: &SignedCaller, service: ServiceName, operation: &str) -> bool {
    let plain = |session: &Session| session.issuer.is_none() && !session.mfa;
    if !caller.session.as_deref().is_some_and(plain) {
        return true;
    }
    match service {
        ServiceName::Iam => false,
        // GetSessionToken is refused by its room, in its own words.
        ServiceName::Sts => ["AssumeRole", "GetCallerIdentity", "GetSessionToken"].contains(&operation),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{AccountId, Secret};
    use policy::Principal;
    use std::sync::Arc;

    /// A key; temporary when it has a token, and then good until second 100.
    fn credential(token: Option<&str>) -> Credential {
        let session = Session {
            issued: Timestamp::EPOCH,
            expires: Timestamp::from_secs(100),
            mfa: false,
            source_identity: None,
            tags: Vec::new(),
            transitive_tag_keys: Vec::new(),
            policies: None,
            chained: false,
            issuer: None,
        };
        Credential {
            caller: Arc::new(SignedCaller {
                principal: Principal::Root {
                    account: AccountId::FIRST,
                },
                access_key_id: "AKID".to_owned(),
                principal_id: String::new(),
                session: token.map(|_| Arc::new(session)),
            }),
            secret: Secret::new(String::new()),
            active: true,
            session_token: token.map(|token| Secret::new(token.to_owned())),
        }
    }

    #[test]
    fn a_token_belongs_to_its_key_and_ends() {
        let check = |given, of, at, expected: Result<(), AuthFault>| {
            let found = check_token(given, &credential(of), Timestamp::from_secs(at));
            assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{given:?} {of:?} {at}");
        };
        let unknown = || AuthFault::UnknownKey {
            access_key_id: "AKID".to_owned(),
        };
        check(None, None, 1_000, Ok(()));
        check(Some("t"), Some("t"), 99, Ok(()));
        check(Some("t"), Some("t"), 100, Err(AuthFault::ExpiredToken));
        check(Some("u"), Some("t"), 99, Err(AuthFault::InvalidToken));
        check(Some("t"), None, 99, Err(AuthFault::InvalidToken));
        check(None, Some("t"), 99, Err(unknown()));
    }

    #[test]
    fn a_session_token_of_a_user_reaches_neither_iam_nor_most_of_sts() {
        let check = |token, service, operation, expected| {
            assert_eq!(
                reaches(&credential(token).caller, service, operation),
                expected,
                "{operation}"
            );
        };
        check(None, ServiceName::Iam, "GetUser", true);
        check(Some("t"), ServiceName::Iam, "GetUser", false);
        check(Some("t"), ServiceName::Sts, "AssumeRole", true);
        check(Some("t"), ServiceName::Sts, "GetAccessKeyInfo", false);
        check(Some("t"), ServiceName::Kms, "Decrypt", true);
    }
}
