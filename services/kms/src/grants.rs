//! The grants of a key as a call meets them.

use crate::{
    conditions::CryptoUse,
    model::{Constraint, Grant, GrantTerms, Key},
};
use base::{Fault, arn};
use envelope::EncryptionContext;
use policy::Principal;
use std::{collections::HashMap, sync::Arc};

/// Up to this many grants of a key all are put before the judge, so that a refusal tells of each of them; of more only those
/// to the caller.
const TOLD_MAX: usize = 32;

/// What a call is about, as far as grants limit it.
#[derive(Clone, Copy)]
pub enum Purpose<'a> {
    /// A cryptographic operation.
    Crypto(CryptoUse<'a>),
    /// CreateGrant, on these terms.
    CreateGrant(&'a GrantTerms),
    /// Anything else: constraints do not bind it.
    Other,
}

/// The grants of one key, read once for many calls.
pub struct GrantSet {
    /// Which state of the key's grants this is.
    stamp: [u8; 16],
    held: Vec<Held>,
    by_grantee: HashMap<String, Vec<usize>>,
}

struct Held {
    grant: Arc<policy::Grant>,
    terms: GrantTerms,
}

impl GrantSet {
    /// Reads rows into a set.
    pub fn of(key: &Key, stamp: [u8; 16], grants: &[Grant]) -> Result<GrantSet, Fault> {
        let mut set = GrantSet {
            stamp,
            held: Vec::with_capacity(grants.len()),
            by_grantee: HashMap::new(),
        };
        for grant in grants {
            let actions = grant.operations.iter().map(|operation| operation.action());
            let given = policy::Grant::new(grant.id.as_str(), &grant.grantee, actions)
                .ok_or_else(|| Fault::corrupt(format!("grant `{}` of key `{}` is to nobody", grant.id, key.arn())))?;
            let at = set.held.len();
            set.by_grantee.entry(grant.grantee.clone()).or_default().push(at);
            set.held.push(Held {
                grant: Arc::new(given),
                terms: grant.terms(),
            });
        }
        Ok(set)
    }

    /// Which state of the key's grants this is.
    pub fn stamp(&self) -> [u8; 16] {
        self.stamp
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.held.len()
    }

    /// The grants to put before the judge of a call: `who` is who asks, or `None` for whoever it may be.
    pub fn before(&self, purpose: Purpose<'_>, who: Option<&Principal>) -> Vec<Arc<policy::Grant>> {
        let meet = |held: &Held| match held.terms.unmet(purpose) {
            None => Arc::clone(&held.grant),
            Some(why) => Arc::new(policy::Grant::clone(&held.grant).unmet(why)),
        };
        match who {
            Some(who) if self.held.len() > TOLD_MAX => {
                let mut places: Vec<usize> = names(who)
                    .iter()
                    .filter_map(|name| self.by_grantee.get(name))
                    .flatten()
                    .copied()
                    .collect();
                places.sort_unstable();
                places.iter().filter_map(|at| self.held.get(*at)).map(meet).collect()
            }
            _ => self.held.iter().map(meet).collect(),
        }
    }
}

/// Every form in which a grant can be to a principal.
pub fn names(who: &Principal) -> Vec<String> {
    match who {
        Principal::Anonymous => Vec::new(),
        Principal::Root { account } => vec![arn::root(*account).to_string()],
        Principal::Service { name } => vec![name.clone()],
        Principal::User { id, .. } => vec![id.clone()],
        Principal::Session {
            role_id, session_arn, ..
        } => vec![role_id.clone(), session_arn.clone()],
    }
}

impl GrantTerms {
    /// Why a call does not meet these terms; `None` when it does.
    fn unmet(&self, purpose: Purpose<'_>) -> Option<String> {
        match (purpose, &self.constraint) {
            (Purpose::CreateGrant(terms), _) => terms.beyond(self),
            (Purpose::Crypto(crypto), Some(constraint)) if !constraint.is_met_by(crypto.context) => {
                Some(mismatch(constraint, crypto.context))
            }
            (Purpose::Crypto(_) | Purpose::Other, _) => None,
        }
    }
}

fn mismatch(constraint: &Constraint, context: &EncryptionContext) -> String {
    let text = |context: &EncryptionContext| serde_json::to_string(context).unwrap_or_default();
    format!(
        "its {} is {}, and the request's encryption context is {}",
        constraint.kind(),
        text(constraint.pairs()),
        text(context)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{GrantId, GrantOperation, KeyId};
    use base::{AccountId, Random, Timestamp};

    fn user(n: usize) -> String {
        format!("AIDA{n:017}")
    }

    fn principal(n: usize) -> Principal {
        Principal::User {
            account: AccountId::FIRST,
            arn: format!("arn:aws:iam::{}:user/u{n}", AccountId::FIRST),
            id: user(n),
            name: format!("u{n}"),
        }
    }

    fn set(grants: usize, constraint: Option<Constraint>) -> GrantSet {
        let random = Random::seeded(1);
        let key = crate::table::tests::key();
        let grants: Vec<Grant> = (0..grants)
            .map(|n| Grant {
                id: GrantId::generate(&random),
                key: KeyId::generate(&random),
                name: None,
                created: Timestamp::EPOCH,
                issuer: AccountId::FIRST,
                grantee: user(n),
                retiring: None,
                operations: vec![GrantOperation::Decrypt, GrantOperation::CreateGrant],
                constraint: constraint.clone(),
            })
            .collect();
        GrantSet::of(&key, [1; 16], &grants).unwrap()
    }

    fn context(value: &str) -> EncryptionContext {
        let mut context = EncryptionContext::new();
        context.insert("a", value);
        context
    }

    fn crypto(context: &EncryptionContext) -> Purpose<'_> {
        Purpose::Crypto(CryptoUse {
            context,
            algorithm: "SYMMETRIC_DEFAULT",
        })
    }

    #[test]
    fn few_grants_are_all_told_of_and_many_only_to_the_caller() {
        let check = |grants: usize, who: Option<usize>, told: &[usize], all: bool| {
            let who = who.map(principal);
            let found: Vec<String> = set(grants, None)
                .before(Purpose::Other, who.as_ref())
                .iter()
                .map(|grant| grant.grantee().to_owned())
                .collect();
            let expected: Vec<String> = match all {
                true => (0..grants).map(user).collect(),
                false => told.iter().map(|n| user(*n)).collect(),
            };
            assert_eq!(found, expected, "{grants} {who:?}");
        };
        check(0, Some(0), &[], true);
        check(TOLD_MAX, Some(99), &[], true);
        check(TOLD_MAX + 1, Some(7), &[7], false);
        check(TOLD_MAX + 1, Some(99), &[], false);
        check(TOLD_MAX + 1, None, &[], true);
    }

    #[test]
    fn constraints_bind_cryptography_and_new_grants_alone() {
        let bound = set(1, Some(Constraint::Equals(context("1"))));
        let why = |purpose: Purpose<'_>| {
            let grants = bound.before(purpose, None);
            grants[0].why_unmet().map(str::to_owned)
        };
        assert_eq!(why(Purpose::Other), None);
        assert_eq!(why(crypto(&context("1"))), None);
        assert_eq!(
            why(crypto(&context("2"))).as_deref(),
            Some("its EncryptionContextEquals is {\"a\":\"1\"}, and the request's encryption context is {\"a\":\"2\"}")
        );
        let terms = |constraint: Option<Constraint>| GrantTerms {
            operations: vec![GrantOperation::Decrypt],
            constraint,
        };
        assert_eq!(
            why(Purpose::CreateGrant(&terms(Some(Constraint::Equals(context("1")))))),
            None
        );
        assert_eq!(
            why(Purpose::CreateGrant(&terms(None))).as_deref(),
            Some("the new grant is not as strict as this grant's EncryptionContextEquals")
        );
    }
}
