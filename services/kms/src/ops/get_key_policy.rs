//! GetKeyPolicy. The text comes back as it was sent, but for users and roles that are no more: of those only ids are left.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html>

use crate::{
    access::{self, Reach},
    error::KmsError,
    model::{KeyRef, key_policy, state::Act},
    principals, table,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// GetKeyPolicy.
pub struct GetKeyPolicy;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetKeyPolicyInput {
    key_id: String,
    policy_name: Option<String>,
}

impl GetKeyPolicyInput {
    fn named(&self) -> Result<KeyRef, KmsError> {
        KeyRef::parse_without_alias("keyId", &self.key_id)
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetKeyPolicyOutput {
    policy: String,
    policy_name: &'static str,
}

impl Evident for GetKeyPolicyInput {
    fn evident(&self) -> Params {
        Params::new()
            .text("keyId", &self.key_id)
            .maybe_text("policyName", self.policy_name.as_deref())
    }
}

impl Evident for GetKeyPolicyOutput {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for GetKeyPolicy {
    const NAME: &'static str = "GetKeyPolicy";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<GetKeyPolicyInput>;
    type Output = Json<GetKeyPolicyOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        let named = input.named()?;
        Ok(
            access::demand_named(ctx, view, "kms:GetKeyPolicy", &named, Reach::OwnAccount)
                .await?
                .into(),
        )
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let key = access::find(ctx, &txn.view(), &input.named()?).await?;
        key.permit(Act::GetKeyPolicy)?;
        key_policy::parse_name(input.policy_name.as_deref())?;
        let kept = table::policy_text(&txn.view(), &key).await?;
        Ok(Json(GetKeyPolicyOutput {
            policy: principals::show_policy(ctx, &txn.view(), &kept).await?,
            policy_name: key_policy::DEFAULT_NAME,
        }))
    }
}
