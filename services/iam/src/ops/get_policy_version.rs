//! GetPolicyVersion: a version with its document, percent-encoded.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicyVersion.html>

use super::managed::{self, NamedVersion, OneVersion, VersionShape};
use crate::IamError;
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct GetPolicyVersion;

impl Operation for GetPolicyVersion {
    const NAME: &'static str = "GetPolicyVersion";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<NamedVersion>;
    type Output = QueryResult<OneVersion>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        managed::demands(ctx, view, "iam:GetPolicyVersion", &input.policy_arn).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let (arn, version) = (&input.policy_arn, &input.version_id);
        let found = managed::with_version(ctx, &txn.view(), arn, version).await?;
        match VersionShape::whole(&found, version) {
            Some(policy_version) => Ok(QueryResult(OneVersion { policy_version })),
            None => Err(managed::no_such_version(&managed::parse_arn(arn)?, version)),
        }
    }
}
