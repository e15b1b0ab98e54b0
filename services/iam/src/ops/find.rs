//! Whom a call is about, and the demand on them.

use super::tagging;
use crate::{
    IamError,
    error::Entity,
    model::{
        access_key::AccessKey,
        name::{self, UserName},
        user::{Owner, User},
    },
    table,
};
use base::{Arn, Fault, arn};
use gateway::{Ctx, Demand, Demands};
use policy::Principal;
use store::ReadView;

/// The shape of an access key id.
///
/// SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccessKey.html>
const ACCESS_KEY_ID_CHARS_MIN: usize = 16;
const ACCESS_KEY_ID_CHARS_MAX: usize = 128;

/// Whom a call is about: a user by name or, without a name, the caller.
pub(super) enum Subject {
    Root,
    User(User),
}

impl Subject {
    pub(super) fn owner(&self) -> Owner {
        match self {
            Subject::Root => Owner::Root,
            Subject::User(user) => Owner::user(user),
        }
    }
}

/// Finds whom a call is about.
pub(super) async fn subject(ctx: &Ctx, view: &ReadView<'_>, name: Option<&str>) -> Result<Subject, IamError> {
    let name = match (name, ctx.caller.principal()) {
        (Some(name), _) => UserName::parse(name)?,
        (None, Principal::Root { .. }) => return Ok(Subject::Root),
        (None, Principal::User { name, .. }) => UserName::parse(&name)?,
        (None, _) => {
            return Err(IamError::Validation(
                "Must specify userName when calling with non-User credentials".to_owned(),
            ));
        }
    };
    Ok(Subject::User(table::existing_user(view, ctx.account, &name).await?))
}

/// The user of a name.
pub(super) async fn user(ctx: &Ctx, view: &ReadView<'_>, name: &str) -> Result<User, IamError> {
    table::existing_user(view, ctx.account, &UserName::parse(name)?).await
}

/// Refuses an access key id that none can have.
pub(super) fn parse_access_key_id(id: &str) -> Result<(), IamError> {
    name::length("accessKeyId", id, ACCESS_KEY_ID_CHARS_MIN, ACCESS_KEY_ID_CHARS_MAX)
}

/// An access key of an owner.
pub(super) async fn access_key(ctx: &Ctx, view: &ReadView<'_>, owner: &Owner, id: &str) -> Result<AccessKey, IamError> {
    parse_access_key_id(id)?;
    let keys = table::access_keys(view, ctx.account, owner).await?;
    keys.into_iter()
        .find(|key| key.id == id)
        .ok_or_else(|| IamError::NoSuchEntity(Entity::AccessKey(id.to_owned())))
}

/// The demand on the user of a name or, without one, on the caller: on the user's ARN with the user's tags if it exists,
/// else on the ARN that the name would have without a path.
pub(super) async fn demand_on(
    ctx: &Ctx,
    view: &ReadView<'_>,
    action: &'static str,
    name: Option<&str>,
) -> Result<Demands, IamError> {
    let name = match (name, ctx.caller.principal()) {
        (Some(name), _) => UserName::parse(name)?,
        (None, Principal::User { name, .. }) => UserName::parse(&name)?,
        (None, principal) => {
            let own = principal.arn().as_deref().and_then(Arn::parse);
            return Ok(Demand::on(action, own.unwrap_or_else(arn::any)).into());
        }
    };
    let found = table::user(view, ctx.account, &name).await?;
    Ok(demand_on_found(ctx, action, &name, found.as_ref()).into())
}

/// The demand on the user of a name for a call about what the user may do: its boundary is a condition key.
pub(super) async fn bounded_demand(
    ctx: &Ctx,
    view: &ReadView<'_>,
    action: &'static str,
    name: &str,
) -> Result<Demand, IamError> {
    let name = UserName::parse(name)?;
    let found = table::user(view, ctx.account, &name).await?;
    let boundary = found.as_ref().and_then(|user| user.boundary.as_deref());
    Ok(demand_on_found(ctx, action, &name, found.as_ref()).with_some("iam:PermissionsBoundary", boundary))
}

/// The demand on a user that may not exist.
pub(super) fn demand_on_found(ctx: &Ctx, action: &'static str, name: &UserName, found: Option<&User>) -> Demand {
    let Some(user) = found else {
        return Demand::on(action, arn::user(ctx.account, "/", name.as_str()));
    };
    tagging::of_resource(Demand::on(action, user.arn()), &user.tags)
}

/// When an account's root was made. That the account is missing is corruption: the caller is its root.
pub(super) async fn root_created(ctx: &Ctx, view: &ReadView<'_>) -> Result<base::Timestamp, Fault> {
    let account = table::account(view, ctx.account).await?;
    account
        .map(|account| account.created)
        .ok_or_else(|| Fault::corrupt(format!("account {} is not known to IAM", ctx.account)))
}
