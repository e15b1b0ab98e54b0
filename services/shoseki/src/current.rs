//! What the policies say now that an explanation speaks of. A patch is of the policy as it was; only what is current can
//! be put back without undoing what somebody did since.

use crate::model::explained::CurrentDocument;
use base::{AccountId, Fault, Region, arn};
use gateway::{
    Ctx,
    decision::{self, Denied, Who},
    ports::Rights,
    principals,
};
use policy::{Change, Policy, PolicyType, Principal, TraceOutcome};
use serde_json::Value;
use std::sync::Arc;
use store::ReadView;

/// The current documents of a denial's changes, in their order; `None` for one that is no longer what it was, or that cannot
/// be read.
pub(crate) async fn documents(ctx: &Ctx, view: &ReadView<'_>, denied: &Denied) -> Result<Vec<CurrentDocument>, Fault> {
    let mut documents = Vec::with_capacity(denied.changes.len());
    for (at, change) in denied.changes.iter().enumerate() {
        let stored = document(ctx, view, denied, change).await?;
        let was = denied.documents.get(at).and_then(Option::as_deref);
        let same = stored.filter(|text| was.is_none_or(|was| decision::fingerprint(text) == was));
        documents.push(match same {
            // With its principals as people write them.
            Some(text) if change.policy == PolicyType::Resource => Some(principals::to_arns(ctx, view, &text).await?),
            other => other,
        });
    }
    Ok(documents)
}

async fn document(ctx: &Ctx, view: &ReadView<'_>, denied: &Denied, change: &Change) -> Result<CurrentDocument, Fault> {
    let is_new = change.nth.is_none();
    let source = change.source.as_deref();
    let policies = match change.policy {
        PolicyType::Identity if is_new => return Ok(Some(String::new())),
        PolicyType::Identity => rights(ctx, view, &denied.who)
            .await?
            .map_or_else(Vec::new, |rights| rights.identity.clone()),
        PolicyType::PermissionsBoundary => rights(ctx, view, &denied.who)
            .await?
            .and_then(|rights| rights.boundary.clone())
            .into_iter()
            .collect(),
        PolicyType::ServiceControl | PolicyType::ResourceControl => control(ctx, denied, change.policy),
        PolicyType::Resource => return resource(ctx, view, denied, is_new).await,
        PolicyType::RoleTrust | PolicyType::Session => Vec::new(),
    };
    let named = |policy: &&Arc<Policy>| policy.source().is_some_and(|known| Some(known.name.as_ref()) == source);
    Ok(policies.iter().find(named).map(|policy| policy.document().to_owned()))
}

/// Puts the ARNs of users and roles that are still here in the place of the unique ids that stored policies keep.
pub(crate) async fn name_principals(ctx: &Ctx, view: &ReadView<'_>, denied: &mut Denied) -> Result<(), Fault> {
    let identities = &ctx.world().ports()?.identities;
    for text in texts(denied) {
        if (text.starts_with("AIDA") || text.starts_with("AROA"))
            && let Some(arn) = identities.arn_of(view, text).await?
        {
            *text = arn;
        }
    }
    Ok(())
}

/// Every text in which a principal may stand.
fn texts(denied: &mut Denied) -> Vec<&mut String> {
    let mut texts = Vec::new();
    for statement in &mut denied.trace.statements {
        if let TraceOutcome::Principal { wanted, .. } = &mut statement.outcome {
            texts.extend(wanted);
        }
    }
    let ops = denied.changes.iter_mut().flat_map(|change| &mut change.patch);
    let mut values: Vec<&mut Value> = ops.filter_map(|op| op.value.as_mut()).collect();
    while let Some(value) = values.pop() {
        match value {
            Value::String(text) => texts.push(text),
            Value::Array(items) => values.extend(items),
            Value::Object(members) => values.extend(members.values_mut()),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    texts
}

/// What the one who was refused holds now; a session stands for its role.
async fn rights(ctx: &Ctx, view: &ReadView<'_>, who: &Who) -> Result<Option<Arc<Rights>>, Fault> {
    let role_id = who.id.split(':').next().unwrap_or_default();
    let is_meant = |principal: &Principal| match principal {
        Principal::User { id, .. } => *id == who.id,
        Principal::Session { role_id: id, .. } => id == role_id,
        Principal::Root { account } => account.as_str() == who.id,
        Principal::Anonymous | Principal::Service { .. } => false,
    };
    let all = ctx.world().ports()?.identities.principals(view).await?;
    Ok(all
        .into_iter()
        .find(|(principal, _)| is_meant(principal))
        .map(|(_, rights)| rights))
}

fn control(ctx: &Ctx, denied: &Denied, policy: PolicyType) -> Vec<Arc<Policy>> {
    let organization = ctx.settings().organization.as_ref();
    let member = |account| organization.and_then(|all| all.member(account));
    let levels = match policy {
        PolicyType::ServiceControl => member(denied.who.account).map(|member| &member.service_control),
        _ => member(denied.owner).map(|member| &member.resource_control),
    };
    levels.into_iter().flatten().flatten().cloned().collect()
}

/// The policy of the resource as it is stored. One that is to be made must still not be there.
async fn resource(ctx: &Ctx, view: &ReadView<'_>, denied: &Denied, is_new: bool) -> Result<CurrentDocument, Fault> {
    let ports = ctx.world().ports()?;
    let Some(parts) = arn::split(&denied.resource) else {
        return Ok(None);
    };
    let policy = match parts.service {
        "s3" => {
            let bucket = parts.resource.split('/').next().unwrap_or_default();
            match ports.objects.guard(view, bucket, "").await? {
                Some(guard) => guard.policy,
                None => return Ok(None),
            }
        }
        "kms" => match (AccountId::parse(parts.account), Region::parse(parts.region)) {
            (Ok(account), Ok(region)) => {
                let guard = ports.keys.guard(view, account, &region, &denied.resource).await?;
                guard.map(|guard| Arc::clone(guard.policy()))
            }
            _ => None,
        },
        _ => return Ok(None),
    };
    match policy {
        Some(_) if is_new => Ok(None),
        Some(policy) => Ok(Some(policy.document().to_owned())),
        None => Ok(is_new.then(String::new)),
    }
}
