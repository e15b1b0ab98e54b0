//! GetContextKeysForCustomPolicy: the context keys in policies that come with the call.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetContextKeysForCustomPolicy.html>

use super::simulation;
use crate::IamError;
use base::arn;
use gateway::{Ctx, Demand, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct GetContextKeysForCustomPolicy;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    policy_input_list: Vec<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new().texts("policyInputList", &self.policy_input_list)
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ContextKeys {
    pub(super) context_key_names: Vec<String>,
}

impl Evident for ContextKeys {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for GetContextKeysForCustomPolicy {
    const NAME: &'static str = "GetContextKeysForCustomPolicy";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<ContextKeys>;
    type Error = IamError;

    async fn demands(_: &Ctx, _: &ReadView<'_>, _: &Self::Input) -> Result<Demands, IamError> {
        Ok(Demand::on("iam:GetContextKeysForCustomPolicy", arn::any()).into())
    }

    async fn run(
        _: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let context_key_names = simulation::context_keys_of(&txn.view(), None, &input.policy_input_list).await?;
        Ok(QueryResult(ContextKeys { context_key_names }))
    }
}
