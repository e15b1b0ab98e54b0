//! What the gateway asks of IAM: whose an access key is, what a user's policies say, who exists.

use crate::{
    model::{access_key::AccessKey, name::UserName},
    table::{self, PoliciesRow},
};
use base::{AccountId, Fault};
use bytes::Bytes;
use gateway::{
    Boxed, SignedCaller, World,
    ports::{Credential, Identities},
};
use policy::{Policy, PolicyKind, Principal};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};
use store::{ReadView, Stored};

/// The most entries that each memory holds. When it is full it is emptied: what is in use comes back at once.
const REMEMBERED_MAX: usize = 1_024;

/// The longest access key id.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKey.html>
const ACCESS_KEY_ID_CHARS_MAX: usize = 128;

/// IAM as the gateway asks it. Remembers opened secrets and parsed policies, each with the row it was made from, so that a
/// call costs one row read and nothing remembered outlives a change.
#[derive(Default)]
pub struct IdentityStore {
    credentials: Remembered<Arc<Credential>>,
    policies: Remembered<Vec<Arc<Policy>>>,
}

impl IdentityStore {
    async fn find_credential(
        &self,
        world: &World,
        view: &ReadView<'_>,
        id: &str,
    ) -> Result<Option<Arc<Credential>>, Fault> {
        if id.len() > ACCESS_KEY_ID_CHARS_MAX || !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Ok(None);
        }
        let Some(row) = table::access_key_row(view, id).await? else {
            self.credentials.forget(id);
            return Ok(None);
        };
        if let Some(credential) = self.credentials.of(id, &row) {
            return Ok(Some(credential));
        }
        let key = AccessKey::decode(&row)?;
        let keyring = world.keyrings.of(view, key.account).await?;
        let credential = Arc::new(Credential {
            caller: Arc::new(SignedCaller {
                principal: key.owner.principal(key.account),
                access_key_id: key.id.clone(),
                principal_id: key.owner.principal_id(key.account),
            }),
            secret: key.open(&keyring)?,
            active: key.active,
        });
        self.credentials.remember(id, row, Arc::clone(&credential));
        Ok(Some(credential))
    }

    async fn find_policies(&self, view: &ReadView<'_>, principal: &Principal) -> Result<Vec<Arc<Policy>>, Fault> {
        let Principal::User { account, id, .. } = principal else {
            return Ok(Vec::new());
        };
        let Some(row) = table::policies_row(view, *account, id).await? else {
            self.policies.forget(id);
            return Ok(Vec::new());
        };
        if let Some(policies) = self.policies.of(id, &row) {
            return Ok(policies);
        }
        let policies = parse_stored(&PoliciesRow::decode(&row)?)?;
        self.policies.remember(id, row, policies.clone());
        Ok(policies)
    }
}

/// A stored policy that no longer parses fails the call: left out, a broken `Deny` would open a door.
fn parse_stored(row: &PoliciesRow) -> Result<Vec<Arc<Policy>>, Fault> {
    row.policies
        .iter()
        .map(|(name, document)| {
            Policy::parse(document, PolicyKind::Identity)
                .map(Arc::new)
                .map_err(|error| Fault::corrupt_by(format!("the stored user policy `{name}`"), error))
        })
        .collect()
}

/// Whether an ARN (or an account's twelve digits) names an account root or a user that exists. There are no roles yet.
async fn exists(view: &ReadView<'_>, arn: &str) -> Result<bool, Fault> {
    if let Ok(account) = AccountId::parse(arn) {
        return Ok(table::account(view, account).await?.is_some());
    }
    let Some(parts) = base::arn::split(arn) else {
        return Ok(false);
    };
    let ("aws", "iam", "", Ok(account)) = (
        parts.partition,
        parts.service,
        parts.region,
        AccountId::parse(parts.account),
    ) else {
        return Ok(false);
    };
    if parts.resource == "root" {
        return Ok(table::account(view, account).await?.is_some());
    }
    let name = parts
        .resource
        .strip_prefix("user/")
        .and_then(|rest| rest.rsplit('/').next())
        .map(UserName::parse);
    let Some(Ok(name)) = name else {
        return Ok(false);
    };
    let user = table::user(view, account, &name).await?;
    Ok(user.is_some_and(|user| user.arn().as_str() == arn))
}

impl Identities for IdentityStore {
    fn credential<'a>(
        &'a self,
        world: &'a World,
        view: &'a ReadView<'a>,
        access_key_id: &'a str,
    ) -> Boxed<'a, Result<Option<Arc<Credential>>, Fault>> {
        Box::pin(self.find_credential(world, view, access_key_id))
    }

    fn policies<'a>(
        &'a self,
        view: &'a ReadView<'a>,
        principal: &'a Principal,
    ) -> Boxed<'a, Result<Vec<Arc<Policy>>, Fault>> {
        Box::pin(self.find_policies(view, principal))
    }

    fn exists<'a>(&'a self, view: &'a ReadView<'a>, arn: &'a str) -> Boxed<'a, Result<bool, Fault>> {
        Box::pin(exists(view, arn))
    }
}

/// What was made of rows, by name, good for as long as the row has the same bytes.
struct Remembered<T>(RwLock<HashMap<String, (Bytes, T)>>);

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Remembered(RwLock::default())
    }
}

impl<T: Clone> Remembered<T> {
    fn of(&self, name: &str, row: &Bytes) -> Option<T> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.get(name).filter(|(of, _)| of == row).map(|(_, made)| made.clone())
    }

    fn remember(&self, name: &str, row: Bytes, made: T) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED_MAX {
            all.clear();
        }
        // A copy, so that a remembered row does not keep a whole block of the store's cache alive.
        all.insert(name.to_owned(), (Bytes::copy_from_slice(&row), made));
    }

    fn forget(&self, name: &str) {
        let known = |all: &HashMap<String, (Bytes, T)>| all.contains_key(name);
        if known(&self.0.read().unwrap_or_else(PoisonError::into_inner)) {
            self.0.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bootstrap::bootstrap_root,
        model::{
            document,
            user::{Owner, User},
        },
    };
    use base::{Clock, Random, Region, Timestamp};
    use gateway::{ServiceCaller, Settings, Txn, work::Work};
    use store::{Maintenance, Options, Store};
    use wire::ServiceName;

    const ACCOUNT: AccountId = AccountId::FIRST;

    fn world(directory: &std::path::Path) -> Arc<World> {
        let random = Random::seeded(5);
        let clock = Clock::manual(Timestamp::from_secs(1_000_000));
        let options = Options {
            block_key: envelope::Key256::generate(&random),
            random: random.clone(),
            clock: clock.clone(),
            cache_bytes: 1 << 20,
        };
        let store = Store::open(store::lock(directory).unwrap(), options).unwrap();
        let root = Arc::new(envelope::RootKey::generate(&random));
        Arc::new(World::new(store, clock, random, Settings::standard(), root))
    }

    async fn change(world: &Arc<World>, change: impl AsyncFnOnce(&mut Txn)) {
        let caller = ServiceCaller {
            name: "iam.amazonaws.com",
            source_arn: None,
            source_account: ACCOUNT,
        };
        let mut work = Work::begin(world, ServiceName::Iam, caller, Region::us_east_1());
        change(work.parts().1).await;
        work.commit(Maintenance::Bootstrap).await.unwrap();
    }

    fn bob(id: &str) -> User {
        User {
            account: ACCOUNT,
            name: "Bob".to_owned(),
            path: "/a/".to_owned(),
            id: id.to_owned(),
            created: Timestamp::EPOCH,
            tags: Vec::new(),
        }
    }

    async fn find(identities: &IdentityStore, world: &World, id: &str) -> Option<Arc<Credential>> {
        let snapshot = world.snapshot();
        identities.credential(world, &snapshot.view(), id).await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn keys_are_whose_they_are_until_they_change() {
        let directory = tempfile::tempdir().unwrap();
        let world = world(directory.path());
        let identities = IdentityStore::default();
        let (mut root, mut user) = (None, None);
        change(&world, async |txn| {
            let keyring = world.keyrings.create(txn, ACCOUNT, &world.random).unwrap();
            let now = world.clock.now();
            root = Some(
                bootstrap_root(txn, &keyring, ACCOUNT, &world.random, now)
                    .await
                    .unwrap(),
            );
            let owner = Owner::user(&bob("AIDAX"));
            let (key, secret) = AccessKey::generate(&keyring, ACCOUNT, owner, &world.random, now);
            table::add_access_key(txn, &key).await.unwrap();
            user = Some((key, secret));
        })
        .await;
        let (root, (mut key, secret)) = (root.unwrap(), user.unwrap());

        let found = find(&identities, &world, &root.access_key_id).await.unwrap();
        assert!(found.active && found.secret.expose() == root.secret.expose());
        assert_eq!(found.caller.principal, Principal::Root { account: ACCOUNT });
        assert_eq!(found.caller.principal_id, "000000000000");

        let found = find(&identities, &world, &key.id).await.unwrap();
        assert!(found.active && found.secret.expose() == secret.expose());
        assert_eq!(found.caller.principal_id, "AIDAX");
        assert_eq!(
            found.caller.principal.arn().as_deref(),
            Some("arn:aws:iam::000000000000:user/a/Bob")
        );
        let again = find(&identities, &world, &key.id).await.unwrap();
        assert!(Arc::ptr_eq(&found, &again), "the second time it is remembered");

        key.active = false;
        change(&world, async |txn| table::put_access_key(txn, &key)).await;
        assert!(!find(&identities, &world, &key.id).await.unwrap().active);
        change(&world, async |txn| table::delete_access_key(txn, &key).await.unwrap()).await;
        for id in [key.id.as_str(), "AKIANOTHERE", "", "a/b", &"A".repeat(70_000)] {
            assert!(find(&identities, &world, id).await.is_none());
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn policies_are_the_users_own_and_users_exist_by_their_arn() {
        let directory = tempfile::tempdir().unwrap();
        let world = world(directory.path());
        let identities = IdentityStore::default();
        let (user, same_name) = (bob("AIDAX"), bob("AIDAY"));
        change(&world, async |txn| {
            let keyring = world.keyrings.create(txn, ACCOUNT, &world.random).unwrap();
            drop(
                bootstrap_root(txn, &keyring, ACCOUNT, &world.random, Timestamp::EPOCH)
                    .await
                    .unwrap(),
            );
            table::put_user(txn, &user);
            let mut row = PoliciesRow::default();
            let text = r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
            document::add_policy(&mut row, "Bob", "p".to_owned(), text).unwrap();
            table::put_policies(txn, &user, &row);
        })
        .await;
        let snapshot = world.snapshot();
        let view = snapshot.view();
        let check = async |owner: Owner, expected: usize| {
            let principal = owner.principal(ACCOUNT);
            for _ in 0..2 {
                assert_eq!(identities.policies(&view, &principal).await.unwrap().len(), expected);
            }
        };
        check(Owner::user(&user), 1).await;
        // A user of the same name that was made later has none of the first one's rights.
        check(Owner::user(&same_name), 0).await;
        check(Owner::Root, 0).await;
        for (arn, expected) in [
            ("arn:aws:iam::000000000000:user/a/Bob", true),
            ("arn:aws:iam::000000000000:user/Bob", false),
            ("arn:aws:iam::000000000000:user/a/bob", false),
            ("arn:aws:iam::000000000000:root", true),
            ("000000000000", true),
            ("arn:aws:iam::111111111111:root", false),
            ("arn:aws:iam::111111111111:user/a/Bob", false),
            ("111111111111", false),
            ("arn:aws:iam::000000000000:role/a/Bob", false),
            ("arn:aws:sts::000000000000:assumed-role/a/Bob", false),
            ("arn:aws-cn:iam::000000000000:root", false),
            ("arn:aws:iam::000000000000:user/", false),
            ("*", false),
        ] {
            assert_eq!(identities.exists(&view, arn).await.unwrap(), expected, "{arn}");
        }
    }
}
