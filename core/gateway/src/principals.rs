//! The principals of stored policies.
//!
//! A policy that is saved keeps users and roles by their unique ids, and shows their ARNs for as long as they exist. So a
//! user that is made again under an old name is nobody whom an old policy knows.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>

use crate::{Ctx, ports::Identities};
use base::Fault;
use std::collections::HashMap;
use store::ReadView;

/// The text of a policy as it is to be stored: the ARNs of users and roles that exist as their unique ids.
pub async fn to_ids(ctx: &Ctx, view: &ReadView<'_>, text: &str) -> Result<String, Fault> {
    let identities = ctx.world().ports()?.identities.as_ref();
    ids_for(identities, view, text).await
}

/// As [`to_ids`], for IAM, which is its own port.
pub async fn ids_for(identities: &dyn Identities, view: &ReadView<'_>, text: &str) -> Result<String, Fault> {
    let mut ids = HashMap::new();
    for name in named(text) {
        if let Some(id) = identities.unique_id(view, &name).await? {
            ids.insert(name, id);
        }
    }
    Ok(rewritten(text, &ids))
}

/// The text of a stored policy as it is to be shown: the unique ids of users and roles that still exist as their ARNs.
pub async fn to_arns(ctx: &Ctx, view: &ReadView<'_>, text: &str) -> Result<String, Fault> {
    let identities = ctx.world().ports()?.identities.as_ref();
    arns_for(identities, view, text).await
}

/// As [`to_arns`], for IAM, which is its own port.
pub async fn arns_for(identities: &dyn Identities, view: &ReadView<'_>, text: &str) -> Result<String, Fault> {
    let mut arns = HashMap::new();
    for name in named(text) {
        if name.starts_with('A')
            && let Some(arn) = identities.arn_of(view, &name).await?
        {
            arns.insert(name, arn);
        }
    }
    Ok(rewritten(text, &arns))
}

/// Every text under `AWS` in the policy's principals.
fn named(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    policy::rewrite_principals(text, &mut |name| {
        names.push(name.to_owned());
        None
    });
    names
}

fn rewritten(text: &str, names: &HashMap<String, String>) -> String {
    match names.is_empty() {
        true => text.to_owned(),
        false => policy::rewrite_principals(text, &mut |name| names.get(name).cloned()),
    }
}
