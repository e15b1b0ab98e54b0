//! From what a caller wrote to a trail.

use crate::{
    CloudTrailError,
    model::{name::TrailReference, trail::Trail},
    table,
};
use base::Arn;
use gateway::{Ctx, Demand, Demands};
use store::ReadView;

/// The trail that a name or ARN means in the Region that is called: a home trail, or the shadow of one.
pub(super) async fn find(
    ctx: &Ctx,
    view: &ReadView<'_>,
    reference: &TrailReference,
) -> Result<Option<Trail>, CloudTrailError> {
    let mut trails = table::trails_of(view, ctx.account).await?;
    trails.retain(|trail| trail.is_in(&ctx.region) && means(reference, trail));
    // A home trail comes before a shadow of the same name.
    trails.sort_by_key(|trail| trail.home != ctx.region);
    Ok(trails.into_iter().next())
}

fn means(reference: &TrailReference, trail: &Trail) -> bool {
    match reference {
        TrailReference::Name(name) => trail.name == name.as_str(),
        TrailReference::Arn { home, account, name } => {
            trail.name == name.as_str() && trail.home == *home && trail.account == *account
        }
    }
}

/// The same, which must exist. A shadow has to be named by its ARN.
pub(super) async fn find_visible(ctx: &Ctx, view: &ReadView<'_>, text: &str) -> Result<Trail, CloudTrailError> {
    let reference = TrailReference::parse(text)?;
    let by_arn = matches!(reference, TrailReference::Arn { .. });
    find(ctx, view, &reference)
        .await?
        .filter(|trail| by_arn || trail.home == ctx.region)
        .ok_or_else(|| not_found(ctx, &reference))
}

/// The same, which must have its home here: a shadow cannot be changed.
pub(super) async fn find_home(ctx: &Ctx, view: &ReadView<'_>, text: &str) -> Result<Trail, CloudTrailError> {
    let reference = TrailReference::parse(text)?;
    let found = find(ctx, view, &reference).await?;
    let trail = found.ok_or_else(|| not_found(ctx, &reference))?;
    at_home(ctx, &trail)?;
    Ok(trail)
}

/// A shadow cannot be changed.
pub(super) fn at_home(ctx: &Ctx, trail: &Trail) -> Result<(), CloudTrailError> {
    match trail.home == ctx.region {
        true => Ok(()),
        false => Err(CloudTrailError::InvalidHomeRegion {
            name: trail.name.clone(),
            home: trail.home.clone(),
        }),
    }
}

/// The error echoes an ARN built from the Region that was called when a bare name was given.
fn not_found(ctx: &Ctx, reference: &TrailReference) -> CloudTrailError {
    CloudTrailError::TrailNotFound {
        reference: reference.arn(&ctx.region, ctx.account).as_str().to_owned(),
        account: ctx.account,
    }
}

/// A call's only demand: see [`demand`].
pub(super) async fn demand_on(
    ctx: &Ctx,
    view: &ReadView<'_>,
    action: &'static str,
    text: &str,
) -> Result<Demands, CloudTrailError> {
    demand(ctx, view, action, text).await.map(Demands::one)
}

/// A demand on a trail: on its ARN if it is known, else on the one that the caller's words stand for.
pub(super) async fn demand(
    ctx: &Ctx,
    view: &ReadView<'_>,
    action: &'static str,
    text: &str,
) -> Result<Demand, CloudTrailError> {
    let reference = TrailReference::parse(text)?;
    let arn: Arn = match find(ctx, view, &reference).await? {
        Some(trail) => trail.arn(),
        None => reference.arn(&ctx.region, ctx.account),
    };
    Ok(Demand::on(action, arn))
}
