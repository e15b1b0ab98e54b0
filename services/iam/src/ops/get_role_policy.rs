//! GetRolePolicy: an inline policy's document, percent-encoded.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html>

use super::role::{self, NamedRolePolicy};
use crate::{IamError, model::document};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct GetRolePolicy;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    role_name: String,
    policy_name: String,
    policy_document: String,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for GetRolePolicy {
    const NAME: &'static str = "GetRolePolicy";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<NamedRolePolicy>;
    type Output = QueryResult<Output>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let demand = role::demand(ctx, view, "iam:GetRolePolicy", &input.role_name).await?;
        Ok(demand.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let view = txn.view();
        let role = role::existing(ctx, &view, &input.role_name).await?;
        let document = role::held(&role).policy(&view, &input.policy_name).await?;
        Ok(QueryResult(Output {
            role_name: role.name,
            policy_name: input.policy_name.clone(),
            policy_document: document::encode(&document),
        }))
    }
}
