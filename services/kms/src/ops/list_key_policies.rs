//! ListKeyPolicies. A key has one policy, `default`.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyPolicies.html>

use crate::{
    access::{self, Reach},
    error::KmsError,
    model::{KeyRef, key_policy, state::Act},
    ops::shapes::{self, Paging},
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

const LIMIT_DEFAULT: usize = 100;
const LIMIT_MAX: usize = 1000;

/// ListKeyPolicies.
pub struct ListKeyPolicies;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListKeyPoliciesInput {
    key_id: String,
    limit: Option<i64>,
    marker: Option<String>,
}

impl ListKeyPoliciesInput {
    fn named(&self) -> Result<KeyRef, KmsError> {
        KeyRef::parse_without_alias("keyId", &self.key_id)
    }

    fn paging(&self) -> Result<Paging, KmsError> {
        Paging::parse(self.limit, self.marker.as_deref(), LIMIT_DEFAULT, LIMIT_MAX)
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListKeyPoliciesOutput {
    policy_names: Vec<&'static str>,
    truncated: bool,
}

impl Evident for ListKeyPoliciesInput {
    fn evident(&self) -> Params {
        let params = Params::new().text("keyId", &self.key_id);
        shapes::evident_paging(params, self.limit, self.marker.as_deref())
    }
}

impl Evident for ListKeyPoliciesOutput {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for ListKeyPolicies {
    const NAME: &'static str = "ListKeyPolicies";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<ListKeyPoliciesInput>;
    type Output = Json<ListKeyPoliciesOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        input.paging()?;
        let named = input.named()?;
        Ok(
            access::demand_named(ctx, view, "kms:ListKeyPolicies", &named, Reach::OwnAccount)
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
        key.permit(Act::ListKeyPolicies)?;
        let after = input.paging()?.after;
        let mut policy_names = vec![key_policy::DEFAULT_NAME];
        policy_names.retain(|name| after.as_deref().is_none_or(|after| *name > after));
        Ok(Json(ListKeyPoliciesOutput {
            policy_names,
            truncated: false,
        }))
    }
}
