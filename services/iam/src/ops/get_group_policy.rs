//! GetGroupPolicy: an inline policy's document, percent-encoded.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetGroupPolicy.html>

use super::{
    group::{self, GroupPolicy},
    holder::Held,
};
use crate::{IamError, model::document};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct GetGroupPolicy;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    group_name: String,
    policy_name: String,
    policy_document: String,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for GetGroupPolicy {
    const NAME: &'static str = "GetGroupPolicy";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<GroupPolicy>;
    type Output = QueryResult<Output>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        group::demand_on(ctx, view, "iam:GetGroupPolicy", &input.group_name).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let view = txn.view();
        let group = group::find(ctx, &view, &input.group_name).await?;
        let document = Held::from(&group).policy(&view, &input.policy_name).await?;
        Ok(QueryResult(Output {
            group_name: group.name,
            policy_name: input.policy_name.clone(),
            policy_document: document::encode(&document),
        }))
    }
}
