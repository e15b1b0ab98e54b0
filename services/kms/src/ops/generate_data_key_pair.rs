//! GenerateDataKeyPair. GenerateDataKeyPairWithoutPlaintext takes the same and answers less.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyPair.html>

use crate::{
    access,
    conditions::{self, CryptoUse},
    crypto::{self, SealedBlob},
    error::KmsError,
    heavy,
    model::{
        DataKeyPairSpec, Key, KeyRef, SYMMETRIC_DEFAULT,
        asymmetric::{NewPair, PairKind},
        state::Act,
    },
    ops::shapes::{self, PlaintextBlob},
};
use base::Secret;
use envelope::EncryptionContext;
use gateway::{Body, Ctx, Demand, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use store::ReadView;
use wire::{Blob, ServiceName};

/// GenerateDataKeyPair.
pub struct GenerateDataKeyPair;

/// The request of either operation.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GenerateDataKeyPairInput {
    #[serde(default)]
    encryption_context: EncryptionContext,
    key_id: String,
    key_pair_spec: DataKeyPairSpec,
    #[serde(default)]
    grant_tokens: Vec<String>,
    recipient: Option<IgnoredAny>,
    #[serde(default)]
    dry_run: bool,
}

impl GenerateDataKeyPairInput {
    fn kind(&self) -> Result<PairKind, KmsError> {
        let unsupported = || KmsError::not_supported(&format!("KeyPairSpec {}", self.key_pair_spec.as_str()));
        PairKind::of_data_key(self.key_pair_spec).ok_or_else(unsupported)
    }

    /// What either operation needs to be allowed.
    pub(crate) async fn demand(
        &self,
        ctx: &Ctx,
        view: &ReadView<'_>,
        action: &'static str,
    ) -> Result<Demand, KmsError> {
        self.kind()?;
        shapes::refuse_recipient(self.recipient.as_ref())?;
        shapes::accept_tokens(ctx, view, &self.grant_tokens).await?;
        shapes::parse_context("encryptionContext", &self.encryption_context)?;
        let named = KeyRef::parse("keyId", &self.key_id)?;
        let crypto = CryptoUse {
            context: &self.encryption_context,
            algorithm: SYMMETRIC_DEFAULT,
        };
        let demand = access::demand_use_named(ctx, view, action, &named, crypto).await?;
        Ok(conditions::with_data_key_pair(demand, self.key_pair_spec))
    }

    async fn permit(&self, ctx: &Ctx, view: &ReadView<'_>, act: Act, operation: &'static str) -> Result<Key, KmsError> {
        let key = access::find(ctx, view, &KeyRef::parse("keyId", &self.key_id)?).await?;
        key.permit(act)?;
        key.permit_symmetric(operation)?;
        match self.dry_run {
            true => Err(KmsError::DryRun),
            false => Ok(key),
        }
    }

    /// Makes the pair: before the transaction, for RSA takes its time.
    pub(crate) async fn stage(
        &self,
        ctx: &Ctx,
        view: &ReadView<'_>,
        act: Act,
        operation: &'static str,
    ) -> Result<Staged, KmsError> {
        self.permit(ctx, view, act, operation).await?;
        let kind = self.kind()?;
        Ok(Staged::of(match kind.takes_long() {
            true => heavy::make(move || kind.generate()).await??,
            false => kind.generate()?,
        }))
    }

    /// Seals the private key of the pair that was made.
    pub(crate) async fn seal(
        &self,
        ctx: &Ctx,
        view: &ReadView<'_>,
        act: Act,
        operation: &'static str,
        staged: &Staged,
    ) -> Result<MadeDataKeyPair, KmsError> {
        let key = self.permit(ctx, view, act, operation).await?;
        let pair = staged.get::<NewPair>()?;
        let sealed = crypto::seal(ctx, view, &key, &self.encryption_context, pair.private.expose()).await?;
        shapes::note_material(ctx, Some(sealed.material));
        Ok(MadeDataKeyPair {
            key_id: key.arn().to_string(),
            key_pair_spec: self.key_pair_spec,
            private: pair.private.clone(),
            public: pair.public.clone(),
            sealed,
        })
    }
}

/// A pair as it was made.
pub(crate) struct MadeDataKeyPair {
    pub(crate) key_id: String,
    pub(crate) key_pair_spec: DataKeyPairSpec,
    pub(crate) private: Secret<Vec<u8>>,
    pub(crate) public: Vec<u8>,
    pub(crate) sealed: SealedBlob,
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GenerateDataKeyPairOutput {
    private_key_ciphertext_blob: Blob,
    private_key_plaintext: PlaintextBlob,
    public_key: Blob,
    key_id: String,
    key_pair_spec: DataKeyPairSpec,
    key_material_id: String,
}

impl Evident for GenerateDataKeyPairInput {
    fn evident(&self) -> Params {
        let params = Params::new().text("keyPairSpec", self.key_pair_spec.as_str());
        shapes::evident_context(params, "encryptionContext", &self.encryption_context).text("keyId", &self.key_id)
    }
}

impl Evident for GenerateDataKeyPairOutput {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for GenerateDataKeyPair {
    const NAME: &'static str = "GenerateDataKeyPair";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    const MISSING: &'static str = "Recipient (Nitro Enclaves), KeyPairSpec SM2 and ML_KEM";
    const STAGED: bool = true;
    type Input = Json<GenerateDataKeyPairInput>;
    type Output = Json<GenerateDataKeyPairOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        Ok(input.demand(ctx, view, "kms:GenerateDataKeyPair").await?.into())
    }

    async fn stage(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Self::Input>, _: Body) -> Result<Staged, KmsError> {
        input
            .stage(ctx, &txn.view(), Act::GenerateDataKeyPair, Self::NAME)
            .await
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        staged: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let made = input
            .seal(ctx, &txn.view(), Act::GenerateDataKeyPair, Self::NAME, staged)
            .await?;
        Ok(Json(GenerateDataKeyPairOutput {
            private_key_ciphertext_blob: Blob(made.sealed.blob),
            private_key_plaintext: made.private.into(),
            public_key: Blob(made.public),
            key_id: made.key_id,
            key_pair_spec: made.key_pair_spec,
            key_material_id: made.sealed.material.to_string(),
        }))
    }
}
