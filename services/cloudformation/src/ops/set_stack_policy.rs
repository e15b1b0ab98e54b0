//! SetStackPolicy: what updates may do to the resources of a stack.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_SetStackPolicy.html>

use super::{
    find,
    shapes::Done,
    source::{self, GivenPolicy},
};
use crate::{CloudFormationError, table};
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct SetStackPolicy;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    stack_name: String,
    stack_policy_body: Option<String>,
    #[serde(rename = "StackPolicyURL")]
    stack_policy_url: Option<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("stackName", &self.stack_name)
            .maybe_text("stackPolicyBody", self.stack_policy_body.as_deref())
            .maybe_text("stackPolicyURL", self.stack_policy_url.as_deref())
    }
}

impl Operation for SetStackPolicy {
    const NAME: &'static str = "SetStackPolicy";
    const SERVICE: ServiceName = ServiceName::CloudFormation;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = Done;
    type Error = CloudFormationError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, CloudFormationError> {
        let demand = find::demand(ctx, view, "cloudformation:SetStackPolicy", &input.stack_name).await?;
        Ok(demand
            .with_some("cloudformation:StackPolicyUrl", input.stack_policy_url.as_deref())
            .into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, CloudFormationError> {
        let (body, url) = (input.stack_policy_body.as_deref(), input.stack_policy_url.as_deref());
        let given = source::stack_policy(ctx, txn, "StackPolicy", body, url).await?;
        let mut stack = find::living(ctx, &txn.view(), &input.stack_name).await?;
        stack.policy = match given {
            GivenPolicy::None => {
                return Err(CloudFormationError::invalid(
                    "You must specify either StackPolicyURL or StackPolicyBody",
                ));
            }
            GivenPolicy::Empty => None,
            GivenPolicy::Policy(policy) => Some(policy),
        };
        table::put_stack(txn, &stack);
        Ok(Done)
    }
}
