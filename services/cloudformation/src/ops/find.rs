//! From names and ARNs to stacks, and to the demands of calls on them.

use crate::{
    CloudFormationError,
    model::{held::Deployment, stack::Stack},
    table::{self, Seal},
};
use base::{Arn, Fault};
use gateway::{Ctx, Demand};
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
    table::deployment(view, &seal, &stack.at, stack.wanted).await
}
