//! SimulatePrincipalPolicy: what the policies of a user, group or role would decide.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>

use super::simulation::{self, Input, Output};
use crate::IamError;
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct SimulatePrincipalPolicy;

impl Operation for SimulatePrincipalPolicy {
    const NAME: &'static str = "SimulatePrincipalPolicy";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        let arn = input.policy_source_arn.as_deref();
        let arn = arn.ok_or_else(|| simulation::missing("policySourceArn"))?;
        simulation::demands(ctx, view, "iam:SimulatePrincipalPolicy", arn).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let arn = input.policy_source_arn.as_deref();
        simulation::simulate(ctx, &txn.view(), input, arn)
            .await
            .map(QueryResult)
    }
}
