//! PutGroupPolicy: an inline policy, in the place of one of the same name.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutGroupPolicy.html>

use super::{group, holder::Held, shapes::Done};
use crate::IamError;
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct PutGroupPolicy;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    group_name: String,
    policy_name: String,
    policy_document: String,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .text("groupName", &self.group_name)
            .text("policyName", &self.policy_name)
            .text("policyDocument", &self.policy_document)
    }
}

impl Operation for PutGroupPolicy {
    const NAME: &'static str = "PutGroupPolicy";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = QueryForm<Input>;
    type Output = Done;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        group::demand_on(ctx, view, "iam:PutGroupPolicy", &input.group_name).await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let group = group::find(ctx, &txn.view(), &input.group_name).await?;
        let held = Held::from(&group);
        held.put_policy(txn, &input.policy_name, &input.policy_document).await?;
        Ok(Done)
    }
}
