//! DescribeAccountLimits: how many stacks and outputs there may be.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeAccountLimits.html>

use super::begin::STACKS_MAX;
use crate::CloudFormationError;
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The most outputs of a template.
const STACK_OUTPUTS_MAX: usize = 200;

/// The operation.
pub(super) struct DescribeAccountLimits;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    account_limits: Vec<LimitShape>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct LimitShape {
    name: &'static str,
    value: usize,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for DescribeAccountLimits {
    const NAME: &'static str = "DescribeAccountLimits";
    const SERVICE: ServiceName = ServiceName::CloudFormation;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<Output>;
    type Error = CloudFormationError;

    async fn demands(_: &Ctx, _: &ReadView<'_>, _: &Self::Input) -> Result<Demands, CloudFormationError> {
        Ok(Demand::on("cloudformation:DescribeAccountLimits", base::arn::any()).into())
    }

    async fn run(
        _: &Ctx,
        _: &mut Txn,
        _: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudFormationError> {
        let limit = |(name, value)| LimitShape { name, value };
        let limits = [("StackLimit", STACKS_MAX), ("StackOutputsLimit", STACK_OUTPUTS_MAX)];
        Ok(QueryResult(Output {
            account_limits: limits.map(limit).into(),
        }))
    }
}
