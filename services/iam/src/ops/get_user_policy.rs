//! GetUserPolicy: an inline policy's document, percent-encoded.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUserPolicy.html>

use super::{find, holder::Held, shapes::NamedPolicy};
use crate::{IamError, model::document};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct GetUserPolicy;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    user_name: String,
    policy_name: String,
    policy_document: String,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for GetUserPolicy {
    const NAME: &'static str = "GetUserPolicy";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<NamedPolicy>;
    type Output = QueryResult<Output>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        find::demand_on(ctx, view, "iam:GetUserPolicy", Some(&input.user_name)).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let view = txn.view();
        let user = find::user(ctx, &view, &input.user_name).await?;
        let document = Held::from(&user).policy(&view, &input.policy_name).await?;
        Ok(QueryResult(Output {
            user_name: user.name,
            policy_name: input.policy_name.clone(),
            policy_document: document::encode(&document),
        }))
    }
}
