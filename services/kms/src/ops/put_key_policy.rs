//! PutKeyPolicy, with the check that keeps its author from locking themselves out.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html>

use crate::{
    access::{self, Reach},
    error::KmsError,
    model::{KeyRef, key_policy, state::Act},
    ops::shapes::NoOutput,
    table,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::ServiceName;

/// PutKeyPolicy.
pub struct PutKeyPolicy;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PutKeyPolicyInput {
    key_id: String,
    policy_name: Option<String>,
    policy: String,
    bypass_policy_lockout_safety_check: Option<bool>,
}

impl PutKeyPolicyInput {
    fn named(&self) -> Result<KeyRef, KmsError> {
        KeyRef::parse_without_alias("keyId", &self.key_id)
    }
}

impl Evident for PutKeyPolicyInput {
    fn evident(&self) -> Params {
        Params::new()
            .text("keyId", &self.key_id)
            .text(
                "policyName",
                self.policy_name.as_deref().unwrap_or(key_policy::DEFAULT_NAME),
            )
            .text("policy", &self.policy)
            .flag(
                "bypassPolicyLockoutSafetyCheck",
                self.bypass_policy_lockout_safety_check.unwrap_or(false),
            )
    }
}

impl Operation for PutKeyPolicy {
    const NAME: &'static str = "PutKeyPolicy";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<PutKeyPolicyInput>;
    type Output = NoOutput;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        let named = input.named()?;
        let bypass = input
            .bypass_policy_lockout_safety_check
            .map(|bypass| bypass.to_string());
        let demand = access::demand_named(ctx, view, "kms:PutKeyPolicy", &named, Reach::OwnAccount).await?;
        Ok(demand.with_some("kms:BypassPolicyLockoutSafetyCheck", bypass).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let before = access::find(ctx, &txn.view(), &input.named()?).await?;
        before.permit(Act::PutKeyPolicy)?;
        key_policy::parse_name(input.policy_name.as_deref())?;
        let bypass = input.bypass_policy_lockout_safety_check.unwrap_or(false);
        let accepted = access::accept_policy(ctx, &txn.view(), &before, &input.policy, bypass).await?;
        let mut key = before.clone();
        key.policy = accepted.digest;
        table::put_key(txn, &key, Some(&before));
        table::put_policy(txn, &key, &accepted.text);
        Ok(NoOutput)
    }
}
