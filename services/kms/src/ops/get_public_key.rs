//! GetPublicKey.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html>

use crate::{
    access::{self, Reach},
    crypto,
    error::KmsError,
    model::{KeyRef, KeyUsage, asymmetric::PairKind, state::Act},
    ops::shapes,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::{Blob, ServiceName};

/// GetPublicKey.
pub struct GetPublicKey;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetPublicKeyInput {
    key_id: String,
    #[serde(default)]
    grant_tokens: Vec<String>,
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetPublicKeyOutput {
    key_id: String,
    public_key: Blob,
    customer_master_key_spec: &'static str,
    key_spec: &'static str,
    key_usage: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption_algorithms: Option<&'static [&'static str]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_algorithms: Option<&'static [&'static str]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_agreement_algorithms: Option<&'static [&'static str]>,
}

impl Evident for GetPublicKeyInput {
    fn evident(&self) -> Params {
        Params::new().text("keyId", &self.key_id)
    }
}

impl Evident for GetPublicKeyOutput {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for GetPublicKey {
    const NAME: &'static str = "GetPublicKey";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<GetPublicKeyInput>;
    type Output = Json<GetPublicKeyOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        shapes::accept_tokens(ctx, view, &input.grant_tokens).await?;
        let named = KeyRef::parse("keyId", &input.key_id)?;
        Ok(
            access::demand_named(ctx, view, "kms:GetPublicKey", &named, Reach::AnyAccount)
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
        key.permit(Act::GetPublicKey)?;
        if PairKind::of_key(key.spec).is_none() {
            // AWS says no more than that.
            return Err(KmsError::Unsupported(String::new()));
        }
        let pair = crypto::private_key(ctx, &txn.view(), &key).await?;
        let algorithms = |usage| (key.usage == usage).then(|| key.spec.algorithms(usage));
        Ok(Json(GetPublicKeyOutput {
            key_id: key.arn().to_string(),
            public_key: Blob(pair.public().to_vec()),
            customer_master_key_spec: key.spec.as_str(),
            key_spec: key.spec.as_str(),
            key_usage: key.usage.as_str(),
            encryption_algorithms: algorithms(KeyUsage::EncryptDecrypt),
            signing_algorithms: algorithms(KeyUsage::SignVerify),
            key_agreement_algorithms: algorithms(KeyUsage::KeyAgreement),
        }))
    }
}
