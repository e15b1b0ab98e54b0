//! GenerateDataKey. GenerateDataKeyWithoutPlaintext takes the same and answers less.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html>

use crate::{
    access,
    conditions::CryptoUse,
    crypto::{self, SealedBlob},
    error::KmsError,
    model::{Key, KeyRef, SYMMETRIC_DEFAULT, state::Act},
    ops::shapes::{self, PlaintextBlob},
    violations::Violations,
};
use envelope::EncryptionContext;
use gateway::{Ctx, Demand, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use store::ReadView;
use wire::{Blob, ServiceName};

const DATA_KEY_BYTES_MAX: i64 = 1024;

/// GenerateDataKey.
pub struct GenerateDataKey;

/// The length of a data key, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum DataKeySpec {
    /// 16 bytes.
    #[serde(rename = "AES_128")]
    Aes128,
    /// 32 bytes.
    #[serde(rename = "AES_256")]
    Aes256,
}

impl DataKeySpec {
    fn as_str(self) -> &'static str {
        match self {
            DataKeySpec::Aes128 => "AES_128",
            DataKeySpec::Aes256 => "AES_256",
        }
    }

    fn bytes(self) -> usize {
        match self {
            DataKeySpec::Aes128 => 16,
            DataKeySpec::Aes256 => 32,
        }
    }
}

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GenerateDataKeyInput {
    key_id: String,
    #[serde(default)]
    encryption_context: EncryptionContext,
    number_of_bytes: Option<i64>,
    key_spec: Option<DataKeySpec>,
    #[serde(default)]
    grant_tokens: Vec<String>,
    recipient: Option<IgnoredAny>,
    #[serde(default)]
    dry_run: bool,
}

impl GenerateDataKeyInput {
    /// The request for a data key by spec.
    pub(crate) fn of(key_id: &str, spec: DataKeySpec, context: EncryptionContext) -> GenerateDataKeyInput {
        GenerateDataKeyInput {
            key_id: key_id.to_owned(),
            encryption_context: context,
            number_of_bytes: None,
            key_spec: Some(spec),
            grant_tokens: Vec::new(),
            recipient: None,
            dry_run: false,
        }
    }

    /// How long the data key is to be: one of two members says so, and not both.
    fn length(&self) -> Result<usize, KmsError> {
        let mut violations = Violations::new();
        if let Some(bytes) = self.number_of_bytes {
            violations.range("numberOfBytes", bytes, 1..=DATA_KEY_BYTES_MAX);
        }
        violations.finish()?;
        match (self.key_spec, self.number_of_bytes.map(usize::try_from)) {
            (Some(spec), None) => Ok(spec.bytes()),
            (None, Some(Ok(bytes))) => Ok(bytes),
            _ => Err(KmsError::Validation(
                "Please specify either number of bytes or key spec.".to_owned(),
            )),
        }
    }

    /// What either operation needs to be allowed.
    pub(crate) async fn demand(
        &self,
        ctx: &Ctx,
        view: &ReadView<'_>,
        action: &'static str,
    ) -> Result<Demand, KmsError> {
        self.length()?;
        shapes::refuse_recipient(self.recipient.as_ref())?;
        shapes::accept_tokens(ctx, view, &self.grant_tokens).await?;
        shapes::parse_context("encryptionContext", &self.encryption_context)?;
        let named = KeyRef::parse("keyId", &self.key_id)?;
        let crypto = CryptoUse {
            context: &self.encryption_context,
            algorithm: SYMMETRIC_DEFAULT,
        };
        access::demand_use_named(ctx, view, action, &named, crypto).await
    }

    /// Makes a data key and seals it.
    pub(crate) async fn generate(
        &self,
        ctx: &Ctx,
        view: &ReadView<'_>,
        act: Act,
        operation: &'static str,
    ) -> Result<MadeDataKey, KmsError> {
        let key = access::find(ctx, view, &KeyRef::parse("keyId", &self.key_id)?).await?;
        key.permit(act)?;
        key.permit_symmetric(operation)?;
        if self.dry_run {
            return Err(KmsError::DryRun);
        }
        let mut plain = vec![0; self.length()?];
        ctx.random().fill(&mut plain);
        let plain = PlaintextBlob::new(plain);
        let sealed = crypto::seal(ctx, view, &key, &self.encryption_context, plain.expose()).await?;
        ctx.notes().additional = Some(Params::new().text("keyMaterialId", sealed.material.to_string()));
        Ok(MadeDataKey { key, plain, sealed })
    }
}

/// A data key as it was made.
pub(crate) struct MadeDataKey {
    pub(crate) key: Key,
    pub(crate) plain: PlaintextBlob,
    pub(crate) sealed: SealedBlob,
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GenerateDataKeyOutput {
    pub(crate) ciphertext_blob: Blob,
    pub(crate) plaintext: PlaintextBlob,
    pub(crate) key_id: String,
    key_material_id: String,
}

impl Evident for GenerateDataKeyInput {
    fn evident(&self) -> Params {
        let params = Params::new()
            .text("keyId", &self.key_id)
            .maybe_text("keySpec", self.key_spec.map(DataKeySpec::as_str))
            .maybe_number("numberOfBytes", self.number_of_bytes);
        shapes::evident_context(params, "encryptionContext", &self.encryption_context)
    }
}

impl Evident for GenerateDataKeyOutput {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for GenerateDataKey {
    const NAME: &'static str = "GenerateDataKey";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    const MISSING: &'static str = "Recipient (Nitro Enclaves)";
    type Input = Json<GenerateDataKeyInput>;
    type Output = Json<GenerateDataKeyOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        Ok(input.demand(ctx, view, "kms:GenerateDataKey").await?.into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let made = input
            .generate(ctx, &txn.view(), Act::GenerateDataKey, Self::NAME)
            .await?;
        Ok(Json(GenerateDataKeyOutput {
            ciphertext_blob: Blob(made.sealed.blob),
            plaintext: made.plain,
            key_id: made.key.arn().to_string(),
            key_material_id: made.sealed.material.to_string(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    #[test]
    fn one_member_says_how_long_the_key_is() {
        let either = "Please specify either number of bytes or key spec.";
        let range = "1 validation error detected: Value '1025' at 'numberOfBytes' failed to satisfy constraint: Member \
                     must have value less than or equal to 1024";
        let check = |members: &str, expected: Result<usize, &str>| {
            let body = format!(r#"{{"KeyId":"alias/a"{members}}}"#);
            let input: GenerateDataKeyInput = wire::json::parse(body.as_bytes()).unwrap();
            let found = input.length().map_err(|e| e.message());
            assert_eq!(found, expected.map_err(str::to_owned), "{members}");
        };
        check(r#","KeySpec":"AES_256""#, Ok(32));
        check(r#","KeySpec":"AES_128""#, Ok(16));
        check(r#","NumberOfBytes":64"#, Ok(64));
        check("", Err(either));
        check(r#","KeySpec":"AES_256","NumberOfBytes":64"#, Err(either));
        check(r#","NumberOfBytes":1025"#, Err(range));
    }
}
