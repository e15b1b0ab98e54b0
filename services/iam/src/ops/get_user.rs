//! GetUser: a user or, without a name, the caller.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUser.html>

use super::{
    find::{self, Subject},
    shapes::{MaybeUser, UserShape},
};
use crate::IamError;
use base::arn;
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;
use wire::{Iso8601, ServiceName};

/// The operation.
pub(super) struct GetUser;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    user: UserShape,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

/// Root has no name and no path; its id is the account's.
async fn root(ctx: &Ctx, view: &ReadView<'_>) -> Result<UserShape, IamError> {
    Ok(UserShape {
        path: None,
        user_name: None,
        user_id: ctx.account.as_str().to_owned(),
        arn: arn::root(ctx.account).as_str().to_owned(),
        create_date: Iso8601(find::root_created(ctx, view).await?),
        permissions_boundary: None,
        tags: None,
    })
}

impl Operation for GetUser {
    const NAME: &'static str = "GetUser";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<MaybeUser>;
    type Output = QueryResult<Output>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        find::demand_on(ctx, view, "iam:GetUser", input.user_name.as_deref()).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let view = txn.view();
        let user = match find::subject(ctx, &view, input.user_name.as_deref()).await? {
            Subject::Root => root(ctx, &view).await?,
            Subject::User(user) => UserShape::from(&user),
        };
        Ok(QueryResult(Output { user }))
    }
}
