//! The data keys of objects: one for each, made and opened here. What is sealed under them is in `upload::sealing` and
//! `opened`.
//!
//! ## Invariants
//! - Each object has its own data key, stored only wrapped: under the owner's keyring (SSE-S3) or by KMS (SSE-KMS).
//! - Bucket, key and a random id are authenticated with every segment, so bytes that are moved to another object's row or
//!   put back from an older one do not open.
//! - What is stored under a keyring is under the current one of the storing transaction: a seal that was made in another
//!   (a staged body, a part) goes through [`current`] first.
//! - The key is asked of KMS with the caller's rights; nothing of S3's own opens an SSE-KMS object.

use crate::{
    S3Error,
    model::encryption::{self, Choice, Requested},
    table::{Bucket, Object, Seal},
};
use base::{Fault, arn};
use envelope::{EncryptionContext, Key256, WrappedKey};
use gateway::{Caller, Ctx, Txn, ctx::By, rotation::Renewal};
use store::ReadView;

/// A bucket's name and a key.
pub type At<'a> = (&'a str, &'a str);

/// An object's data key.
pub struct DataKey {
    /// To be used and dropped.
    pub plain: Key256,
    /// To be stored.
    pub seal: Seal,
}

/// What every segment of an object is bound to.
pub fn identity(id: &[u8; 16], (bucket, key): At<'_>) -> Vec<u8> {
    // The id is of fixed length and a bucket's name has no `/`, so no two objects share a form.
    [&id[..], bucket.as_bytes(), b"/", key.as_bytes()].concat()
}

/// What every segment of a part is bound to.
pub fn part_identity(object: &[u8; 16], at: At<'_>, number: u16) -> Vec<u8> {
    [b"part ", &number.to_be_bytes()[..], &identity(object, at)].concat()
}

/// The key of a part, whose id is the salt: the object's data key seals none of its bytes itself.
pub fn part_key(object: &Key256, part: &[u8; 16]) -> Key256 {
    object.derive(part, "s3 part")
}

fn purpose(id: &[u8; 16]) -> String {
    format!("s3 object {}", hex::encode(id))
}

/// Makes the data key of a new object.
pub async fn make_key(
    ctx: &Ctx,
    txn: &mut Txn,
    bucket: &Bucket,
    at: At<'_>,
    id: &[u8; 16],
    choice: &Choice,
) -> Result<DataKey, S3Error> {
    let Requested::Kms { key, context } = &choice.encryption else {
        let keyring = ctx.world().keyrings.of(&txn.view(), bucket.owner).await?;
        let plain = Key256::generate(ctx.random());
        let wrapped = keyring.wrap(&plain, &purpose(id), ctx.random());
        return Ok(DataKey {
            plain,
            seal: Seal::wrapped(&wrapped),
        });
    };
    refuse_unsigned(ctx)?;
    let keys = &ctx.world().ports()?.keys;
    let key = match key {
        Some(key) => key.clone(),
        None => {
            // The bucket's own default means its owner's key, a header without a key the caller's.
            let caller = ctx.caller.account().filter(|_| !choice.by_default);
            let account = caller.unwrap_or(bucket.owner);
            keys.s3_managed_key(ctx, account, bucket.region.clone())
                .await?
                .to_string()
        }
    };
    let context = encryption::object_context(context, &arn::object(at.0, at.1));
    let made = keys
        .generate_data_key(ctx, txn, By::Forward, bucket.region.clone(), &key, context.clone())
        .await?;
    Ok(DataKey {
        plain: made.plain,
        seal: Seal::Kms {
            key_arn: made.key_arn,
            ciphertext: made.ciphertext,
            context,
        },
    })
}

/// Opens the data key of an object, in SSE-KMS by a Decrypt call with the caller's rights.
pub async fn open_key(ctx: &Ctx, txn: &mut Txn, bucket: &Bucket, object: &Object) -> Result<Key256, S3Error> {
    match &object.seal {
        Seal::S3 { wrapped } => {
            let keyring = ctx.world().keyrings.of(&txn.view(), bucket.owner).await?;
            let wrapped = WrappedKey::from_bytes(wrapped.clone());
            Ok(keyring.unwrap(&wrapped, &purpose(&object.id)).map_err(Fault::from)?)
        }
        Seal::Kms {
            ciphertext, context, ..
        } => {
            refuse_unsigned(ctx)?;
            let keys = &ctx.world().ports()?.keys;
            let context: EncryptionContext = context.clone();
            Ok(keys
                .decrypt(ctx, txn, By::Forward, bucket.region.clone(), ciphertext, context)
                .await?)
        }
    }
}

/// The seal under the current keyring of its owner; `None` when it is, and of SSE-KMS, which is under no keyring.
pub fn renewed(seal: &Seal, id: &[u8; 16], renewal: &Renewal) -> Result<Option<Seal>, Fault> {
    match seal {
        Seal::Kms { .. } => Ok(None),
        Seal::S3 { wrapped } => {
            let wrapped = WrappedKey::from_bytes(wrapped.clone());
            let renewed = renewal.wrapped(&wrapped, &purpose(id))?;
            Ok(renewed.as_ref().map(Seal::wrapped))
        }
    }
}

/// The seal of a body that was sealed in another transaction, fit to be stored by this one: a rotation may have given the
/// owner a new keyring meanwhile.
pub async fn current(
    ctx: &Ctx,
    view: &ReadView<'_>,
    bucket: &Bucket,
    id: &[u8; 16],
    seal: &Seal,
) -> Result<Seal, Fault> {
    let Seal::S3 { wrapped } = seal else {
        return Ok(seal.clone());
    };
    let keyring = ctx.world().keyrings.of(view, bucket.owner).await?;
    let wrapped = WrappedKey::from_bytes(wrapped.clone());
    let renewed = keyring.rewrap(&wrapped, &purpose(id), ctx.random())?;
    Ok(renewed.as_ref().map_or_else(|| seal.clone(), Seal::wrapped))
}

fn refuse_unsigned(ctx: &Ctx) -> Result<(), S3Error> {
    match ctx.caller {
        Caller::Anonymous => Err(S3Error::argument(
            "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.",
            "Authorization",
            "null",
        )),
        _ => Ok(()),
    }
}
