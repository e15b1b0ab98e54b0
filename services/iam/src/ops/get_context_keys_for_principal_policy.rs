//! GetContextKeysForPrincipalPolicy: the context keys in the policies of a user, group or role.
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetContextKeysForPrincipalPolicy.html>

use super::{get_context_keys_for_custom_policy::ContextKeys, simulation};
use crate::IamError;
use gateway::{Ctx, Demands, EventClass, Operation, QueryForm, QueryResult, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// The operation.
pub(super) struct GetContextKeysForPrincipalPolicy;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    policy_source_arn: String,
    #[serde(default)]
    policy_input_list: Vec<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let params = Params::new().text("policySourceArn", &self.policy_source_arn);
        match self.policy_input_list.is_empty() {
            true => params,
            false => params.texts("policyInputList", &self.policy_input_list),
        }
    }
}

impl Operation for GetContextKeysForPrincipalPolicy {
    const NAME: &'static str = "GetContextKeysForPrincipalPolicy";
    const SERVICE: ServiceName = ServiceName::Iam;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = QueryForm<Input>;
    type Output = QueryResult<ContextKeys>;
    type Error = IamError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, IamError> {
        simulation::demands(
            ctx,
            view,
            "iam:GetContextKeysForPrincipalPolicy",
            &input.policy_source_arn,
        )
        .await
    }

    async fn run(
        _: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, IamError> {
        let (arn, given) = (&input.policy_source_arn, &input.policy_input_list);
        let context_key_names = simulation::context_keys_of(&txn.view(), Some(arn), given).await?;
        Ok(QueryResult(ContextKeys { context_key_names }))
    }
}
