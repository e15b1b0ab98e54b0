//! Sealing and opening under a key's material.

use crate::{
    cache,
    error::KmsError,
    model::{ClearMaterial, Key, MaterialId},
};
use base::{Fault, Secret};
use envelope::{
    EncryptionContext, Key256,
    ciphertext::{self, CiphertextHeader},
};
use gateway::Ctx;
use store::ReadView;

/// A new ciphertext, and which material made it.
pub struct SealedBlob {
    /// The ciphertext blob.
    pub blob: Vec<u8>,
    /// The current material of the key.
    pub material: MaterialId,
}

/// An opened ciphertext, and which material opened it.
pub struct OpenedBlob {
    /// The plaintext.
    pub plain: Secret<Vec<u8>>,
    /// The material that the ciphertext names.
    pub material: MaterialId,
}

/// The material of a symmetric key.
fn symmetric(clear: &ClearMaterial) -> Result<&Key256, Fault> {
    match clear {
        ClearMaterial::Key(key) => Ok(key),
        ClearMaterial::Bytes(_) => Err(Fault::Bug("a key that is not symmetric was asked to seal")),
    }
}

/// Seals under the key's current material.
pub async fn seal(
    ctx: &Ctx,
    view: &ReadView<'_>,
    key: &Key,
    context: &EncryptionContext,
    plain: &[u8],
) -> Result<SealedBlob, KmsError> {
    let current = key
        .current()
        .ok_or_else(|| Fault::corrupt(format!("key `{}` has no material", key.arn())))?;
    let clear = cache::material(ctx, view, key, current).await?;
    let header = CiphertextHeader {
        account: key.account,
        region: key.region.clone(),
        key_id: key.id.as_str().to_owned(),
        material_version: current.version,
    };
    let blob = ciphertext::seal(symmetric(&clear)?, &header, context, plain, ctx.random());
    Ok(SealedBlob {
        blob,
        material: current.id,
    })
}

/// Opens what the key sealed. Everything that can be wrong with the blob is one error, so that nobody can probe.
pub async fn open(
    ctx: &Ctx,
    view: &ReadView<'_>,
    key: &Key,
    context: &EncryptionContext,
    blob: &[u8],
) -> Result<OpenedBlob, KmsError> {
    let header = ciphertext::parse_header(blob).map_err(|_| KmsError::InvalidCiphertext)?;
    let material = key
        .version(header.material_version)
        .ok_or(KmsError::InvalidCiphertext)?;
    let clear = cache::material(ctx, view, key, material).await?;
    let plain = ciphertext::open(symmetric(&clear)?, blob, context).map_err(|_| KmsError::InvalidCiphertext)?;
    Ok(OpenedBlob {
        plain,
        material: material.id,
    })
}
