//! DeletePolicy: a managed policy that nobody has and that has no other versions.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html>

use super::{
    managed::{self, NamedManaged},
    shapes::Done,
};
use crate::{
    IamError,
    error::Attached,
    table::{self, holdings},
};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct DeletePolicy;

impl Operation for DeletePolicy {
    const NAME: &'static str = "DeletePolicy";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<NamedManaged>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        managed::demands(ctx, view, "iam:DeletePolicy", &input.policy_arn).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let (view, arn) = (txn.view(), managed::parse_arn(&input.policy_arn)?);
        let policy = table::managed::changeable(&view, ctx.account, &arn).await?;
        let attached = holdings::attached_to(&view, ctx.account, &policy.id).await?;
        let bounded = holdings::bounded_by(&view, ctx.account, &policy.id).await?;
        if !attached.is_empty() || !bounded.is_empty() {
            return Err(IamError::DeleteConflict(Attached::Uses));
        }
        if policy.versions.len() > 1 {
            return Err(IamError::DeleteConflict(Attached::Versions));
        }
        table::managed::delete_policy(txn, &policy);
        Ok(Done)
    }
}
