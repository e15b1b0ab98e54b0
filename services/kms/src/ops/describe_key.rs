//! DescribeKey.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html>

use crate::{
    access::{self, Reach},
    error::KmsError,
    model::{KeyRef, state::Act},
    ops::shapes::{self, KeyMetadata},
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// DescribeKey.
pub struct DescribeKey;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeKeyInput {
    key_id: String,
    #[serde(default)]
    grant_tokens: Vec<String>,
}

impl DescribeKeyInput {
    /// The request for a key by any of its names.
    pub(crate) fn of(key_id: &str) -> DescribeKeyInput {
        DescribeKeyInput {
            key_id: key_id.to_owned(),
            grant_tokens: Vec::new(),
        }
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeKeyOutput {
    pub(crate) key_metadata: KeyMetadata,
}

impl Evident for DescribeKeyInput {
    fn evident(&self) -> Params {
        Params::new().text("keyId", &self.key_id)
    }
}

impl Evident for DescribeKeyOutput {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for DescribeKey {
    const NAME: &'static str = "DescribeKey";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<DescribeKeyInput>;
    type Output = Json<DescribeKeyOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        shapes::accept_tokens(ctx, view, &input.grant_tokens).await?;
        let named = KeyRef::parse("keyId", &input.key_id)?;
        Ok(
            access::demand_named(ctx, view, "kms:DescribeKey", &named, Reach::AnyAccount)
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
        let key = access::find(ctx, &txn.view(), &KeyRef::parse("keyId", &input.key_id)?).await?;
        key.permit(Act::DescribeKey)?;
        Ok(Json(DescribeKeyOutput {
            key_metadata: KeyMetadata::from(&key),
        }))
    }
}
