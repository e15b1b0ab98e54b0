//! From names and ARNs to stacks, and to the demands of calls on them.

use crate::{
    CloudFormationError,
    api::{Api, HandlerError, HandlerErrorCode},
    model::{
        held::Deployment,
        stack::{Identity, Stack, StackStatus},
    },
    table::{self, Seal},
    work,
};
use base::{AccountId, Arn, Fault, Region};
use gateway::{Caller, Ctx, Demand};
use store::ReadView;

/// What a call names a stack by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named<'a> {
    /// Its name, which is that of the stack that has it now.
    Name(&'a str),
    /// The id in its ARN, which it keeps after it was deleted.
    Id(&'a str),
    /// An ARN of another account or Region, or no ARN of a stack.
    Elsewhere,
}

fn named<'a>(ctx: &Ctx, text: &'a str) -> Named<'a> {
    if !text.starts_with("arn:") {
        return Named::Name(text);
    }
    let own = base::arn::stack(&ctx.region, ctx.account, "", "");
    let own = own.as_str().trim_end_matches('/');
    let path = text.strip_prefix(own).and_then(|rest| rest.strip_prefix('/'));
    match path.and_then(|path| path.split_once('/')) {
        Some((_, id)) if !id.is_empty() && !id.contains('/') => Named::Id(id),
        _ => Named::Elsewhere,
    }
}

/// The stack of this name or ARN in the call's account and Region; one that was deleted by its ARN alone.
pub async fn stack(ctx: &Ctx, view: &ReadView<'_>, text: &str) -> Result<Option<Stack>, Fault> {
    match named(ctx, text) {
        Named::Name(name) => table::by_name(view, ctx.account, &ctx.region, name).await,
        Named::Id(id) => Ok(table::by_id(view, ctx.account, &ctx.region, id)
            .await?
            .filter(|stack| stack.at.arn().as_str() == text)),
        Named::Elsewhere => Ok(None),
    }
}

/// The same of a call that needs it: `Stack [S] does not exist`.
pub async fn existing(ctx: &Ctx, view: &ReadView<'_>, text: &str) -> Result<Stack, CloudFormationError> {
    stack(ctx, view, text)
        .await?
        .ok_or_else(|| CloudFormationError::Validation(format!("Stack [{text}] does not exist")))
}

/// The same in the other words that AWS has for it: `Stack with id S does not exist`.
pub async fn existing_with_id(ctx: &Ctx, view: &ReadView<'_>, text: &str) -> Result<Stack, CloudFormationError> {
    stack(ctx, view, text)
        .await?
        .ok_or_else(|| CloudFormationError::Validation(format!("Stack with id {text} does not exist")))
}

/// What a call on a stack needs: the action on its ARN, with its tags. Of one that is not there the ARN ends in `*`.
pub async fn demand(
    ctx: &Ctx,
    view: &ReadView<'_>,
    action: &'static str,
    text: &str,
) -> Result<Demand, CloudFormationError> {
    let Some(stack) = stack(ctx, view, text).await? else {
        return Ok(Demand::on(action, arn_of_missing(ctx, text)));
    };
    let demand = Demand::on(action, stack.at.arn());
    let tags = tags(ctx, view, &stack).await?;
    Ok(tags.into_iter().fold(demand, |demand, (key, value)| {
        demand.with(format!("aws:ResourceTag/{key}"), value)
    }))
}

fn arn_of_missing(ctx: &Ctx, text: &str) -> Arn {
    match Arn::parse(text) {
        Some(arn) => arn,
        None => base::arn::stack(&ctx.region, ctx.account, text, "*"),
    }
}

/// The tags of a stack.
pub async fn tags(ctx: &Ctx, view: &ReadView<'_>, stack: &Stack) -> Result<Vec<(String, String)>, Fault> {
    let deployment = deployment(ctx, view, stack).await?;
    let tags = deployment.map(|deployment| deployment.tags).unwrap_or_default();
    Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
}

/// What the stack was asked to be last and has, or is getting; `None` before it was asked to be anything.
pub async fn deployment(ctx: &Ctx, view: &ReadView<'_>, stack: &Stack) -> Result<Option<Deployment>, Fault> {
    let seal = Seal::of(ctx.world(), view, stack.at.account).await?;
    table::deployment(view, &seal, &stack.at, work::shown_deployment(stack)).await
}

/// The stack of an ARN, deleted or not.
pub(crate) async fn by_arn(
    view: &ReadView<'_>,
    account: AccountId,
    region: &Region,
    arn: &str,
) -> Result<Option<Stack>, Fault> {
    let Some(parts) = base::arn::split(arn) else {
        return Ok(None);
    };
    let mut resource = parts.resource.split('/');
    let (Some("stack"), Some(name), Some(id), None) =
        (resource.next(), resource.next(), resource.next(), resource.next())
    else {
        return Ok(None);
    };
    if parts.service != "cloudformation" || parts.region != region.as_str() || parts.account != account.as_str() {
        return Ok(None);
    }
    let found = table::by_id(view, account, region, id).await?;
    Ok(found.filter(|stack| stack.at.name == name))
}

/// The same as [`existing`] of a call that changes it: a deleted one is none.
pub(crate) async fn living(ctx: &Ctx, view: &ReadView<'_>, text: &str) -> Result<Stack, CloudFormationError> {
    let found = existing(ctx, view, text).await?;
    match found.status == StackStatus::DeleteComplete {
        true => Err(CloudFormationError::Validation(format!(
            "Stack [{text}] does not exist"
        ))),
        false => Ok(found),
    }
}

/// The same as [`demand`] of a call that may name no stack: on all of them.
pub(crate) async fn demand_or_all(
    ctx: &Ctx,
    view: &ReadView<'_>,
    action: &'static str,
    text: Option<&str>,
) -> Result<Demand, CloudFormationError> {
    match text {
        Some(text) => demand(ctx, view, action, text).await,
        None => Ok(Demand::on(action, base::arn::stack(&ctx.region, ctx.account, "*", "*"))),
    }
}

/// With whose rights the caller's stack is made, when no role is passed.
pub(crate) fn identity(ctx: &Ctx) -> Result<Identity, Fault> {
    match &ctx.caller {
        Caller::Signed(caller) | Caller::Forwarded { caller, .. } => Ok(Identity::Key(caller.access_key_id.clone())),
        Caller::Role(session) => {
            let session = session.caller.session.as_ref();
            let issuer = session.and_then(|session| session.issuer.as_ref());
            let issuer = issuer.ok_or(Fault::Bug("a service acts under a session of no role"))?;
            Ok(Identity::Role(issuer.role_arn.to_string()))
        }
        Caller::Anonymous | Caller::Service(_) => Err(Fault::Bug("a stack of nobody's")),
    }
}

/// Whether the stack is protected from being deleted. Of a nested one its outermost stack says so.
pub(crate) async fn is_protected(view: &ReadView<'_>, stack: &Stack) -> Result<bool, Fault> {
    let root = match &stack.parent {
        Some((_, root)) => by_arn(view, stack.at.account, &stack.at.region, root).await?,
        None => None,
    };
    Ok(root.as_ref().unwrap_or(stack).termination_protection)
}

/// Says that a stack is nested in another.
pub(crate) async fn adopt(api: &mut Api, child: &str, parent: &str) -> Result<(), HandlerError> {
    let (account, region) = (api.account(), api.region().clone());
    let (_, txn) = api.parts();
    let lost = |_| HandlerError::of(HandlerErrorCode::ServiceInternalError, "The nested stack is not there.");
    let outer = by_arn(&txn.view(), account, &region, parent).await.map_err(lost)?;
    let root = outer.and_then(|outer| outer.parent).map(|(_, root)| root);
    if let Some(mut stack) = by_arn(&txn.view(), account, &region, child).await.map_err(lost)? {
        let root = root.unwrap_or_else(|| parent.to_owned());
        stack.parent = Some((parent.to_owned(), root));
        table::put_stack(txn, &stack);
    }
    Ok(())
}
