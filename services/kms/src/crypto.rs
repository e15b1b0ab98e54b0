//! Sealing, opening, signing and the like under a key's material.

use crate::{
    cache,
    error::KmsError,
    heavy,
    model::{
        ClearMaterial, EncryptionAlgorithm, Key, KeySpec, MacAlgorithm, Material, MaterialId, MessageType,
        RotationType, SigningAlgorithm, WrappedMaterial,
        asymmetric::{self, PrivateKey},
    },
};
use base::{Fault, Secret};
use envelope::{
    EncryptionContext, Key256,
    ciphertext::{self, CiphertextHeader},
};
use gateway::Ctx;
use std::sync::Arc;
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
    /// The material that the ciphertext names; `None` of a key pair, of whose material AWS shows no id.
    pub material: Option<MaterialId>,
}

/// The material of a symmetric key.
fn symmetric(clear: &ClearMaterial) -> Result<&Key256, Fault> {
    match clear {
        ClearMaterial::Key(key) => Ok(key),
        ClearMaterial::Bytes(_) => Err(Fault::Bug("a key that is not symmetric was asked to seal")),
    }
}

fn current(key: &Key) -> Result<&Material, Fault> {
    key.current()
        .ok_or_else(|| Fault::corrupt(format!("key `{}` has no material", key.arn())))
}

/// Seals under the current material of a symmetric key.
pub async fn seal(
    ctx: &Ctx,
    view: &ReadView<'_>,
    key: &Key,
    context: &EncryptionContext,
    plain: &[u8],
) -> Result<SealedBlob, KmsError> {
    let current = current(key)?;
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

/// Opens what a symmetric key sealed. Everything that can be wrong with the blob is one error, so that nobody can probe.
async fn open(
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
        material: Some(material.id),
    })
}

/// Encrypts by an algorithm that the key has; the plaintext fits. Answers the material of a symmetric key.
pub async fn encrypt(
    ctx: &Ctx,
    view: &ReadView<'_>,
    key: &Key,
    algorithm: EncryptionAlgorithm,
    context: &EncryptionContext,
    plain: &[u8],
) -> Result<(Vec<u8>, Option<MaterialId>), KmsError> {
    if algorithm.is_symmetric() {
        let sealed = seal(ctx, view, key, context, plain).await?;
        return Ok((sealed.blob, Some(sealed.material)));
    }
    let private = private_key(ctx, view, key).await?;
    Ok((private.encrypt(algorithm, plain)?, None))
}

/// Decrypts by an algorithm that the key has.
pub async fn decrypt(
    ctx: &Ctx,
    view: &ReadView<'_>,
    key: &Key,
    algorithm: EncryptionAlgorithm,
    context: &EncryptionContext,
    blob: &[u8],
) -> Result<OpenedBlob, KmsError> {
    if algorithm.is_symmetric() {
        return open(ctx, view, key, context, blob).await;
    }
    let private = private_key(ctx, view, key).await?;
    let plain = if is_heavy(key.spec) {
        let blob = blob.to_vec();
        heavy::compute(move || private.decrypt(algorithm, &blob)).await?
    } else {
        private.decrypt(algorithm, blob)
    };
    Ok(OpenedBlob {
        plain: plain.ok_or(KmsError::InvalidCiphertext)?,
        material: None,
    })
}

/// The private key of a key pair.
pub async fn private_key(ctx: &Ctx, view: &ReadView<'_>, key: &Key) -> Result<Arc<PrivateKey>, KmsError> {
    cache::private_key(ctx, view, key, current(key)?).await
}

/// Signs by an algorithm that the key has a message that it takes.
pub async fn sign(
    ctx: &Ctx,
    view: &ReadView<'_>,
    key: &Key,
    algorithm: SigningAlgorithm,
    kind: MessageType,
    message: &[u8],
) -> Result<Vec<u8>, KmsError> {
    let private = private_key(ctx, view, key).await?;
    if !is_heavy(key.spec) {
        return Ok(private.sign(algorithm, kind, message)?);
    }
    let message = Secret::new(message.to_vec());
    Ok(heavy::compute(move || private.sign(algorithm, kind, message.expose())).await??)
}

/// Whether a use of the private key is worth to be done beside the threads that serve.
fn is_heavy(spec: KeySpec) -> bool {
    matches!(spec, KeySpec::Rsa3072 | KeySpec::Rsa4096)
}

/// The material of an HMAC key, to make codes with.
pub struct MacKey(Arc<ClearMaterial>);

impl MacKey {
    /// That of a key.
    pub async fn of(ctx: &Ctx, view: &ReadView<'_>, key: &Key) -> Result<MacKey, KmsError> {
        Ok(MacKey(cache::material(ctx, view, key, current(key)?).await?))
    }

    fn bytes(&self) -> Result<&[u8], Fault> {
        match self.0.as_ref() {
            ClearMaterial::Bytes(bytes) => Ok(bytes.expose()),
            ClearMaterial::Key(_) => Err(Fault::Bug("a symmetric key was asked for a code")),
        }
    }

    /// The code of a message.
    pub fn mac(&self, algorithm: MacAlgorithm, message: &[u8]) -> Result<Vec<u8>, Fault> {
        Ok(asymmetric::mac(algorithm, self.bytes()?, message))
    }

    /// Goes on only if the code is that of the message.
    pub fn verify(&self, algorithm: MacAlgorithm, message: &[u8], code: &[u8]) -> Result<(), KmsError> {
        match asymmetric::mac_verifies(algorithm, self.bytes()?, message, code) {
            true => Ok(()),
            false => Err(KmsError::InvalidMac),
        }
    }
}

/// Makes the next version of a key's material, wrapped under the account's keyring. `rotation` is why; nothing for the
/// first.
pub async fn make_material(
    ctx: &Ctx,
    view: &ReadView<'_>,
    key: &Key,
    clear: &ClearMaterial,
    rotation: Option<RotationType>,
) -> Result<Material, Fault> {
    Ok(Material {
        version: key.next_version(),
        id: MaterialId::generate(ctx.random()),
        created: ctx.now(),
        wrapped: Some(wrap_material(ctx, view, key, key.next_version(), clear).await?),
        rotation,
        import: None,
    })
}

/// Wraps a version of a key's material under the account's keyring.
pub async fn wrap_material(
    ctx: &Ctx,
    view: &ReadView<'_>,
    key: &Key,
    version: u32,
    clear: &ClearMaterial,
) -> Result<WrappedMaterial, Fault> {
    let keyring = ctx.world().keyrings.of(view, key.account).await?;
    let purpose = Material::purpose(&key.id, version);
    Ok(WrappedMaterial::wrap(&keyring, clear, &purpose, ctx.random()))
}
