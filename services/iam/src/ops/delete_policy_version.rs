//! DeletePolicyVersion: a version that is not the default goes.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicyVersion.html>

use super::{
    managed::{self, NamedVersion},
    shapes::Done,
};
use crate::{IamError, table};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct DeletePolicyVersion;

impl Operation for DeletePolicyVersion {
    const NAME: &'static str = "DeletePolicyVersion";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<NamedVersion>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        managed::demands(ctx, view, "iam:DeletePolicyVersion", &input.policy_arn).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let (arn, version) = (&input.policy_arn, &input.version_id);
        let mut policy = managed::changeable_with_version(ctx, &txn.view(), arn, version).await?;
        policy.remove_version(&input.version_id)?;
        table::managed::put_policy(txn, &policy);
        Ok(Done)
    }
}
