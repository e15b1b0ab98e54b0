//! What guards a key, for those who ask not whether a call may be made, but who could make it.

use crate::{
    access, cache,
    conditions::{self, Asking, CryptoUse},
    grants::{GrantSet, Purpose},
    model::{GrantOperation, Key, KeyRef, SYMMETRIC_DEFAULT, Target},
    table::{self, Shelf},
};
use base::{AccountId, Arn, Fault, Region};
use envelope::EncryptionContext;
use gateway::{Demand, ports::KeyGuard};
use policy::Policy;
use std::sync::Arc;
use store::ReadView;

/// A key with all that speaks about who may use it, as it was at one moment.
#[derive(Clone)]
pub struct GuardedKey {
    key: Key,
    arn: Arn,
    /// The alias by which it was found.
    alias: Option<String>,
    policy: Arc<Policy>,
    grants: Option<Arc<GrantSet>>,
}

impl GuardedKey {
    /// The key by any of its names (id, ARN, alias, alias ARN), as the account means it in the Region; an ARN may be of any
    /// account and Region. `None` when there is no such key.
    pub async fn find(
        view: &ReadView<'_>,
        account: AccountId,
        region: &Region,
        key_id: &str,
    ) -> Result<Option<GuardedKey>, Fault> {
        let Ok(named) = KeyRef::parse("keyId", key_id) else {
            return Ok(None);
        };
        let shelf = match &named.place {
            Some(place) => Shelf {
                account: place.account,
                region: &place.region,
            },
            None => Shelf { account, region },
        };
        let id = match &named.target {
            Target::Key(id) => Some(id.clone()),
            Target::Alias(name) => table::alias(view, shelf, name).await?.map(|alias| alias.target),
        };
        let key = match id {
            Some(id) => table::key(view, shelf, &id).await?,
            None => None,
        };
        let Some(key) = key else {
            return Ok(None);
        };
        Ok(Some(GuardedKey {
            arn: key.arn(),
            alias: named.alias().map(str::to_owned),
            policy: cache::policy(view, &key).await?,
            grants: cache::grants(view, &key).await?,
            key,
        }))
    }
}

impl KeyGuard for GuardedKey {
    fn arn(&self) -> &Arn {
        &self.arn
    }

    fn owner(&self) -> AccountId {
        self.key.account
    }

    fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    fn under(&self, policy: Arc<Policy>) -> Arc<dyn KeyGuard> {
        Arc::new(GuardedKey { policy, ..self.clone() })
    }

    fn demand(
        &self,
        action: &'static str,
        context: Option<&EncryptionContext>,
        via: Option<&str>,
        caller: Option<AccountId>,
    ) -> Demand {
        let asking = Asking { account: caller, via };
        let crypto = context.map(|context| CryptoUse {
            context,
            algorithm: SYMMETRIC_DEFAULT,
        });
        let mut demand = access::key_demand(action, &self.key, Some(Arc::clone(&self.policy)), asking)
            .with_some("kms:RequestAlias", self.alias.as_deref());
        if let Some(crypto) = crypto {
            demand = conditions::with_crypto(demand, crypto);
        }
        if let Some(grants) = self
            .grants
            .as_ref()
            .filter(|_| GrantOperation::of_action(action).is_some())
        {
            demand.grants = grants.before(crypto.map_or(Purpose::Other, Purpose::Crypto), None);
        }
        demand
    }
}
