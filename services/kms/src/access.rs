//! From what a request names to the key, and from the key to what the caller needs to be allowed.

use crate::{
    cache,
    conditions::{self, Asking, CryptoUse, KeyFacts},
    error::KmsError,
    grants::{GrantSet, Purpose},
    model::{
        Alias, AliasName, GrantOperation, GrantTerms, Key, KeyId, KeyManager, KeyRef, PolicyDigest, Target, key_policy,
    },
    principals,
    table::{self, Shelf},
};
use base::{AccountId, Arn, Fault, arn};
use envelope::ciphertext;
use gateway::{Ctx, Demand};
use policy::{Policy, ResourceKind};
use std::sync::Arc;
use store::ReadView;

/// The type under which keys and aliases stand in a record's `resources`.
pub const RESOURCE_TYPE: &str = "AWS::KMS::Key";

/// Whether an operation can be done on a key of another account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Where the key policy and the caller's own policies allow it.
    AnyAccount,
    /// Never, whatever the key policy says.
    OwnAccount,
}

/// The account and Region in which a name without a place is meant.
pub fn shelf(ctx: &Ctx) -> Shelf<'_> {
    Shelf {
        account: ctx.account,
        region: &ctx.region,
    }
}

/// Where a name points: the owner, and the ARN of what is named.
fn place(ctx: &Ctx, named: &KeyRef) -> Result<(AccountId, Arn), KmsError> {
    let account = match &named.place {
        Some(place) if place.region != ctx.region => {
            return Err(KmsError::OtherRegion {
                region: place.region.to_string(),
            });
        }
        Some(place) => place.account,
        None => ctx.account,
    };
    let arn = match &named.target {
        Target::Alias(name) => arn::kms_alias(&ctx.region, account, name),
        Target::Key(id) => arn::kms_key(&ctx.region, account, id.as_str()),
    };
    Ok((account, arn))
}

/// The key that a request names.
pub async fn find(ctx: &Ctx, view: &ReadView<'_>, named: &KeyRef) -> Result<Key, KmsError> {
    let (account, arn) = place(ctx, named)?;
    let shelf = Shelf {
        account,
        region: &ctx.region,
    };
    let alias;
    let id = match &named.target {
        Target::Key(id) => id,
        Target::Alias(name) => match table::alias(view, shelf, name).await? {
            None => return Err(KmsError::AliasNotFound { alias: arn }),
            Some(found) => {
                alias = found;
                &alias.target
            }
        },
    };
    table::key(view, shelf, id)
        .await?
        .ok_or(KmsError::KeyNotFound { key: arn })
}

/// The key that a ciphertext was sealed with. Malformed bytes are told apart from those of a key that is not here: the
/// first is no secret, and of the second nothing more is told.
pub async fn find_sealer(ctx: &Ctx, view: &ReadView<'_>, blob: &[u8]) -> Result<Key, KmsError> {
    let header = ciphertext::parse_header(blob).map_err(|_| KmsError::InvalidCiphertext)?;
    let id = KeyId::parse(&header.key_id).ok_or(KmsError::InvalidCiphertext)?;
    let shelf = Shelf {
        account: header.account,
        region: &ctx.region,
    };
    table::key(view, shelf, &id).await?.ok_or(KmsError::CiphertextOfNoKey)
}

/// An alias of the caller's own account and Region, and its key.
pub async fn find_aliased(ctx: &Ctx, view: &ReadView<'_>, name: &AliasName) -> Result<(Alias, Key), KmsError> {
    let shelf = shelf(ctx);
    let absent = || KmsError::AliasNotFound {
        alias: name.arn(shelf.region, shelf.account),
    };
    let alias = table::alias(view, shelf, name.as_str()).await?.ok_or_else(absent)?;
    let key = table::key(view, shelf, &alias.target).await?;
    let key = key.ok_or_else(|| Fault::corrupt(format!("alias `{}` stands for no key", name.as_str())))?;
    Ok((alias, key))
}

/// What the caller needs to do `action` on an alias: a right of the account's own policies, for an alias has no policy.
pub fn demand_alias(ctx: &Ctx, action: &'static str, name: &AliasName) -> Demand {
    Demand::on(action, name.arn(&ctx.region, ctx.account)).shown_as(RESOURCE_TYPE)
}

/// What the caller needs to do `action` on the key that a request names.
///
/// Of a key that is not there, the owner's principals are told so; others are refused by its missing policy, as they are
/// by the policy of a key that is there and not theirs.
pub async fn demand_named(
    ctx: &Ctx,
    view: &ReadView<'_>,
    action: &'static str,
    named: &KeyRef,
    reach: Reach,
) -> Result<Demand, KmsError> {
    named_for(ctx, view, (action, reach, Purpose::Other), named).await
}

/// What the caller needs to do `action` on a key.
pub async fn demand(
    ctx: &Ctx,
    view: &ReadView<'_>,
    action: &'static str,
    key: &Key,
    reach: Reach,
) -> Result<Demand, KmsError> {
    key_for(ctx, view, (action, reach, Purpose::Other), key).await
}

/// What the caller needs for a cryptographic operation with the key that a request names.
pub async fn demand_use_named(
    ctx: &Ctx,
    view: &ReadView<'_>,
    action: &'static str,
    named: &KeyRef,
    crypto: CryptoUse<'_>,
) -> Result<Demand, KmsError> {
    let want = (action, Reach::AnyAccount, Purpose::Crypto(crypto));
    Ok(conditions::with_crypto(
        named_for(ctx, view, want, named).await?,
        crypto,
    ))
}

/// What the caller needs for a cryptographic operation with a key.
pub async fn demand_use(
    ctx: &Ctx,
    view: &ReadView<'_>,
    action: &'static str,
    key: &Key,
    crypto: CryptoUse<'_>,
) -> Result<Demand, KmsError> {
    let want = (action, Reach::AnyAccount, Purpose::Crypto(crypto));
    Ok(conditions::with_crypto(key_for(ctx, view, want, key).await?, crypto))
}

/// What the caller needs to make a grant on these terms on the key that a request names.
pub async fn demand_grant_named(
    ctx: &Ctx,
    view: &ReadView<'_>,
    named: &KeyRef,
    terms: &GrantTerms,
) -> Result<Demand, KmsError> {
    let want = ("kms:CreateGrant", Reach::AnyAccount, Purpose::CreateGrant(terms));
    named_for(ctx, view, want, named).await
}

/// An action, how far it reaches, and what it is about.
type Want<'a> = (&'static str, Reach, Purpose<'a>);

async fn named_for(ctx: &Ctx, view: &ReadView<'_>, want: Want<'_>, named: &KeyRef) -> Result<Demand, KmsError> {
    match find(ctx, view, named).await {
        Ok(key) => Ok(key_for(ctx, view, want, &key)
            .await?
            .with_some("kms:RequestAlias", named.alias())),
        Err(absent @ (KmsError::KeyNotFound { .. } | KmsError::AliasNotFound { .. })) => {
            // Shown as what most keys are, so that a condition hardly tells whether there is one.
            let demand = demand_absent(ctx, want.0, named, absent)?;
            Ok(conditions::with_key_facts(demand, KeyFacts::COMMON).with_some("kms:RequestAlias", named.alias()))
        }
        Err(other) => Err(other),
    }
}

/// What is demanded of a key that is not there: of the caller's own, nothing but to hear that it is `absent`.
pub fn demand_absent(ctx: &Ctx, action: &'static str, named: &KeyRef, absent: KmsError) -> Result<Demand, KmsError> {
    let (owner, arn) = place(ctx, named)?;
    if owner == ctx.account {
        return Err(absent);
    }
    let mut demand = Demand::on(action, arn).guarded(ResourceKind::KmsKey, owner, None);
    // Nobody hears of calls on what they do not have.
    demand.absent = true;
    Ok(conditions::with_caller(demand, Asking::of(ctx)))
}

async fn key_for(
    ctx: &Ctx,
    view: &ReadView<'_>,
    (action, reach, purpose): Want<'_>,
    key: &Key,
) -> Result<Demand, KmsError> {
    if reach == Reach::OwnAccount && key.account != ctx.account {
        return Ok(key_demand(action, key, None, Asking::of(ctx)));
    }
    let policy = cache::policy(view, key).await?;
    let mut demand = key_demand(action, key, Some(policy), Asking::of(ctx));
    if let Some(grants) = grants_of(view, action, key).await? {
        demand.grants = grants.before(purpose, Some(&ctx.caller.principal()));
    }
    Ok(demand)
}

/// The grants of a key that has some, for an action that a grant can allow.
async fn grants_of(view: &ReadView<'_>, action: &str, key: &Key) -> Result<Option<Arc<GrantSet>>, Fault> {
    match key.grants {
        Some(_) if GrantOperation::of_action(action).is_some() => cache::grants(view, key).await,
        _ => Ok(None),
    }
}

/// A demand on a key, with the condition keys that every demand on one has.
pub fn key_demand(action: &'static str, key: &Key, policy: Option<Arc<Policy>>, asking: Asking<'_>) -> Demand {
    conditions::with_key_facts(bare_key_demand(action, key, policy, asking), KeyFacts::of(key))
}

/// The same without what the key is, which RetireGrant does not show.
pub fn bare_key_demand(action: &'static str, key: &Key, policy: Option<Arc<Policy>>, asking: Asking<'_>) -> Demand {
    let mut demand = Demand::on(action, key.arn())
        .guarded(ResourceKind::KmsKey, key.account, policy)
        .shown_as(RESOURCE_TYPE);
    // SPEC: <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html>
    demand.uncontrolled = key.manager == KeyManager::Aws;
    conditions::with_key_names(conditions::with_caller(demand, asking), key)
}

/// A key policy that was taken.
pub struct AcceptedPolicy {
    /// The text to keep.
    pub text: String,
    /// Its digest, for the key's row.
    pub digest: PolicyDigest,
}

/// Takes a text for the policy of a key: it must parse, name only principals that exist, and, unless that check is
/// bypassed, leave the caller able to change it again.
pub async fn accept_policy(
    ctx: &Ctx,
    view: &ReadView<'_>,
    key: &Key,
    text: &str,
    bypass_lockout_check: bool,
) -> Result<AcceptedPolicy, KmsError> {
    let sent = key_policy::parse(text)?;
    let text = principals::keep_policy(ctx, view, &sent, text).await?;
    if !bypass_lockout_check {
        let kept = Arc::new(key_policy::parse(&text)?);
        let again = key_demand("kms:PutKeyPolicy", key, Some(kept), Asking::of(ctx));
        // Decided as the caller's next PutKeyPolicy would be under the new policy.
        if !gateway::authorise::would_allow(ctx, view, &again).await? {
            return Err(key_policy::LOCKOUT);
        }
    }
    let digest = table::policy_digest(&text);
    Ok(AcceptedPolicy { text, digest })
}
