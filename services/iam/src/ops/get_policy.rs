//! GetPolicy: a managed policy, without its document.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicy.html>

use super::managed::{self, NamedManaged, OnePolicy, PolicyShape};
use crate::{IamError, table};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct GetPolicy;

impl Operation for GetPolicy {
    const NAME: &'static str = "GetPolicy";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<NamedManaged>;
    type Output = QueryResult<OnePolicy>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        managed::demands(ctx, view, "iam:GetPolicy", &input.policy_arn).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let (view, arn) = (txn.view(), managed::parse_arn(&input.policy_arn)?);
        let found = table::managed::existing(&view, ctx.account, &arn).await?;
        Ok(QueryResult(OnePolicy {
            policy: PolicyShape::whole(ctx, &view, &found).await?,
        }))
    }
}
