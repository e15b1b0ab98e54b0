//! From what a request names to the key, and from the key to what the caller needs to be allowed.

use crate::{
    cache,
    error::KmsError,
    model::{
        AWS_KMS, Alias, AliasName, ENCRYPT_DECRYPT, Key, KeyId, KeyRef, PolicyDigest, SYMMETRIC_DEFAULT, Target,
        key_policy,
    },
    table::{self, Shelf},
};
use base::{AccountId, Arn, Fault, arn};
use envelope::{EncryptionContext, ciphertext};
use gateway::{Caller, Ctx, Demand};
use policy::{Policies, Policy, Request, ResourceKind};
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
    let demand = Demand::on(action, name.arn(&ctx.region, ctx.account)).shown_as(RESOURCE_TYPE);
    with_caller(ctx, demand)
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
    match find(ctx, view, named).await {
        Ok(key) => Ok(demand(ctx, view, action, &key, reach)
            .await?
            .with_some("kms:RequestAlias", named.alias())),
        Err(absent @ (KmsError::KeyNotFound { .. } | KmsError::AliasNotFound { .. })) => {
            let (owner, arn) = place(ctx, named)?;
            if owner == ctx.account {
                return Err(absent);
            }
            // No owner is noted: nobody hears of calls on what they do not have.
            Ok(with_caller(
                ctx,
                Demand {
                    kind: ResourceKind::KmsKey,
                    ..Demand::on(action, arn)
                },
            ))
        }
        Err(other) => Err(other),
    }
}

/// What the caller needs to do `action` on a key.
pub async fn demand(
    ctx: &Ctx,
    view: &ReadView<'_>,
    action: &'static str,
    key: &Key,
    reach: Reach,
) -> Result<Demand, KmsError> {
    let policy = match reach {
        Reach::OwnAccount if key.account != ctx.account => None,
        _ => Some(cache::policy(view, key).await?),
    };
    Ok(key_demand(ctx, action, key, policy))
}

fn key_demand(ctx: &Ctx, action: &'static str, key: &Key, policy: Option<Arc<Policy>>) -> Demand {
    let demand = Demand::on(action, key.arn())
        .guarded(ResourceKind::KmsKey, key.account, policy)
        .shown_as(RESOURCE_TYPE);
    let mut demand = with_key_facts(with_caller(ctx, demand), false);
    if !key.aliases.is_empty() {
        demand = demand.with_all("kms:ResourceAliases", key.aliases.clone());
    }
    key.tags.iter().fold(demand, |demand, tag| {
        demand.with(format!("aws:ResourceTag/{}", tag.key), tag.value.as_str())
    })
}

/// The condition keys of what a key is: every key here is of one kind.
pub fn with_key_facts(demand: Demand, multi_region: bool) -> Demand {
    demand
        .with("kms:KeySpec", SYMMETRIC_DEFAULT)
        .with("kms:KeyUsage", ENCRYPT_DECRYPT)
        .with("kms:KeyOrigin", AWS_KMS)
        .with("kms:MultiRegion", multi_region.to_string())
}

/// The condition keys of who asks: for a service acting for itself, the account on whose behalf.
pub fn with_caller(ctx: &Ctx, demand: Demand) -> Demand {
    let via = match &ctx.caller {
        Caller::Forwarded { via, .. } => Some(via.as_str()),
        Caller::Anonymous | Caller::Signed(_) | Caller::Service(_) => None,
    };
    let account = ctx.caller.account();
    demand
        .with_some("kms:CallerAccount", account.as_ref().map(AccountId::as_str))
        .with_some("kms:ViaService", via)
}

/// The condition keys of a cryptographic operation.
pub fn with_crypto(demand: Demand, context: &EncryptionContext) -> Demand {
    let mut demand = demand.with("kms:EncryptionAlgorithm", SYMMETRIC_DEFAULT);
    if context.is_empty() {
        return demand;
    }
    let mut names: Vec<String> = Vec::with_capacity(context.len());
    // Condition keys know no case, so names that differ by case alone are one key of several values.
    let mut keys: Vec<(String, Vec<String>)> = Vec::with_capacity(context.len());
    for (name, value) in context.iter() {
        names.push(name.to_owned());
        let key = format!("kms:EncryptionContext:{name}");
        match keys.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&key)) {
            Some((_, values)) => values.push(value.to_owned()),
            None => keys.push((key, vec![value.to_owned()])),
        }
    }
    for (key, values) in keys {
        demand = demand.with_all(key, values);
    }
    demand.with_all("kms:EncryptionContextKeys", names)
}

/// Takes a text for the policy of a key: it must parse, name only principals that exist, and, unless that check is
/// bypassed, leave the caller able to change it again.
pub async fn accept_policy(
    ctx: &Ctx,
    view: &ReadView<'_>,
    key: &Key,
    text: &str,
    bypass_lockout_check: bool,
) -> Result<PolicyDigest, KmsError> {
    let policy = Arc::new(key_policy::parse(text)?);
    let identities = &ctx.world().ports()?.identities;
    let accounts = policy.named_accounts().map(|account| arn::root(account).to_string());
    let named: Vec<String> = policy.named_principals().map(str::to_owned).chain(accounts).collect();
    for principal in named {
        if !identities.exists(view, &principal).await? {
            return Err(key_policy::INVALID_PRINCIPALS);
        }
    }
    if !bypass_lockout_check && !can_put_again(ctx, view, key, policy).await? {
        return Err(key_policy::LOCKOUT);
    }
    Ok(table::policy_digest(text))
}

/// Decides the caller's next PutKeyPolicy, as it would be decided under the new policy.
async fn can_put_again(ctx: &Ctx, view: &ReadView<'_>, key: &Key, policy: Arc<Policy>) -> Result<bool, KmsError> {
    let demand =
        key_demand(ctx, "kms:PutKeyPolicy", key, Some(policy)).with("kms:BypassPolicyLockoutSafetyCheck", "false");
    let principal = ctx.caller.principal();
    let identity = ctx.world().ports()?.identities.policies(view, &principal).await?;
    let mut context = gateway::event::global_context(ctx, &principal);
    for (name, values) in demand.context {
        context.set_all(name, values);
    }
    context.set("aws:ResourceAccount", key.account.as_str());
    let request = Request {
        principal: &principal,
        action: demand.action,
        resource: demand.resource.as_str(),
        owner: demand.owner,
        kind: demand.kind,
        context: &context,
    };
    let policies = Policies {
        identity: &identity,
        resource: demand.resource_policy.as_deref(),
        ..Policies::default()
    };
    Ok(policy::decide(&request, &policies).is_allowed())
}
