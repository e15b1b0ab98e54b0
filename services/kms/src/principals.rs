//! Principals as they are kept and as they are shown: a user or role by its unique id, so that one made again under an old
//! name is nobody whom an old policy or grant knows, and to callers by its ARN, as long as there is one.

use crate::{error::KmsError, model::key_policy};
use base::{Fault, arn};
use gateway::{Ctx, ports::Identities};
use policy::{Policy, rewrite_principals};
use std::{collections::HashMap, sync::Arc};
use store::ReadView;

fn identities(ctx: &Ctx) -> Result<&Arc<dyn Identities>, Fault> {
    Ok(&ctx.world().ports()?.identities)
}

/// The kept form of a principal that a grant names: an account's root, a user, a role or a role's session that exists.
pub async fn keep(ctx: &Ctx, view: &ReadView<'_>, text: &str) -> Result<String, KmsError> {
    let identities = identities(ctx)?;
    if !text.starts_with("arn:") || !identities.exists(view, text).await? {
        return Err(KmsError::InvalidGrantPrincipal { text: text.to_owned() });
    }
    let id = identities.unique_id(view, text).await?;
    Ok(id.unwrap_or_else(|| text.to_owned()))
}

/// The form in which a kept principal is shown: its ARN; the unique id of one that is no more.
pub async fn show(ctx: &Ctx, view: &ReadView<'_>, kept: &str) -> Result<String, Fault> {
    let shown = match is_id(kept) {
        true => identities(ctx)?.arn_of(view, kept).await?,
        false => None,
    };
    Ok(shown.unwrap_or_else(|| kept.to_owned()))
}

/// The kept form of a key policy that was sent, whose principals must all exist.
pub async fn keep_policy(ctx: &Ctx, view: &ReadView<'_>, policy: &Policy, text: &str) -> Result<String, KmsError> {
    let identities = identities(ctx)?;
    let accounts = policy.named_accounts().map(|account| arn::root(account).to_string());
    let named: Vec<String> = policy.named_principals().map(str::to_owned).chain(accounts).collect();
    for principal in named {
        if !identities.exists(view, &principal).await? {
            return Err(key_policy::INVALID_PRINCIPALS);
        }
    }
    let mut ids: HashMap<String, String> = HashMap::new();
    for name in names(text) {
        if is_id(&name) {
            if identities.arn_of(view, &name).await?.is_none() {
                return Err(key_policy::INVALID_PRINCIPALS);
            }
        } else if let Some(id) = identities.unique_id(view, &name).await? {
            ids.insert(name, id);
        }
    }
    Ok(rewrite_principals(text, &mut |name| ids.get(name).cloned()))
}

/// The form in which a kept key policy is shown.
pub async fn show_policy(ctx: &Ctx, view: &ReadView<'_>, kept: &str) -> Result<String, Fault> {
    let identities = identities(ctx)?;
    let mut arns: HashMap<String, String> = HashMap::new();
    for name in names(kept).into_iter().filter(|name| is_id(name)) {
        if let Some(arn) = identities.arn_of(view, &name).await? {
            arns.insert(name, arn);
        }
    }
    Ok(rewrite_principals(kept, &mut |name| arns.get(name).cloned()))
}

/// Every name under `AWS`, in the order of the text.
fn names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let _ = rewrite_principals(text, &mut |name| {
        names.push(name.to_owned());
        None
    });
    names
}

/// Whether a name is a unique id: what a parsed policy names is `*`, an account's digits, an ARN or an id.
fn is_id(name: &str) -> bool {
    name.starts_with("AIDA") || name.starts_with("AROA")
}
