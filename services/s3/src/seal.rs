//! The data keys of objects: one for each, made and opened here. What is sealed under them is in `upload::sealing` and
//! `opened`.
//!
//! ## Invariants
//! - Each object has its own data key, stored only wrapped: under the owner's keyring (SSE-S3), by KMS (SSE-KMS), under a
//!   bucket key that KMS sealed, or under a key that only the customer has (SSE-C). DSSE-KMS has two, one for each layer.
//! - Bucket, key and a random id are authenticated with every segment, so bytes that are moved to another object's row or
//!   put back from an older one do not open.
//! - What is stored under a keyring is under the current one of the storing transaction: a seal that was made in another
//!   (a staged body, a part) goes through [`current`] first.
//! - The key is asked of KMS with the caller's rights; nothing of S3's own opens an SSE-KMS object. (The check of a closed
//!   directory opens all that the root key opens, to see whether it does, and shows nothing of it.)

use crate::{
    S3Error, bucket_keys,
    model::{
        customer_key::CustomerKey,
        encryption::{self, Choice, Requested},
    },
    sse,
    table::{Bucket, Object, Seal},
};
use base::{Fault, arn};
use envelope::{EncryptionContext, EnvelopeFault, Key256, WrappedKey, segments::StreamKey, unwrap_under, wrap_under};
use gateway::{Caller, Ctx, Txn, check::Checker, ctx::By, rotation::Renewal};
use store::ReadView;

/// A bucket's name and a key.
pub type At<'a> = (&'a str, &'a str);

/// A seal, and the id that its key is bound to: of an object, or of an upload whose parts share a key.
pub type Sealed<'a> = (&'a Seal, &'a [u8; 16]);

/// An object's data key.
pub struct DataKey {
    /// To be used and dropped.
    pub plain: StreamKey,
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
pub fn part_key(object: &StreamKey, part: &[u8; 16]) -> StreamKey {
    object.derive(part, "s3 part")
}

fn purpose(id: &[u8; 16]) -> String {
    format!("s3 object {}", hex::encode(id))
}

/// The purposes of the two layers' keys.
fn layers(id: &[u8; 16]) -> [String; 2] {
    ["inner", "outer"].map(|layer| format!("{} {layer}", purpose(id)))
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
    let place = Place { ctx, bucket, at, id };
    match &choice.encryption {
        Requested::S3 => {
            let keyring = ctx.world().keyrings.of(&txn.view(), bucket.owner).await?;
            let plain = Key256::generate(ctx.random());
            let wrapped = keyring.wrap(&plain, &purpose(id), ctx.random());
            Ok(DataKey {
                plain: plain.into(),
                seal: Seal::wrapped(&wrapped),
            })
        }
        Requested::Customer(key) => {
            sse::refuse_in_clear(ctx, Some(key))?;
            let md5 = key.md5();
            Ok(place.wrapped(key.key(), |wrapped| Seal::Customer { md5, wrapped }))
        }
        Requested::Kms { key, context } if choice.bucket_key => {
            let key = place.kms_key(key.as_deref(), choice).await?;
            let bucket_key = bucket_keys::to_seal(ctx, txn, (at.0, bucket), &key, context).await?;
            Ok(place.wrapped(&bucket_key.plain, |wrapped| Seal::BucketKey {
                key_arn: bucket_key.key_arn.clone(),
                ciphertext: bucket_key.ciphertext.clone(),
                context: bucket_key.context.clone(),
                wrapped,
            }))
        }
        Requested::Kms { key, context } => {
            let key = place.kms_key(key.as_deref(), choice).await?;
            let (made, context) = place.generate(txn, &key, context).await?;
            Ok(DataKey {
                plain: made.plain.into(),
                seal: Seal::Kms {
                    key_arn: made.key_arn,
                    ciphertext: made.ciphertext,
                    context,
                },
            })
        }
        Requested::Dsse { key, context } => {
            let key = place.kms_key(key.as_deref(), choice).await?;
            let (made, context) = place.generate(txn, &key, context).await?;
            let [inner, outer] = layers(id).map(|purpose| {
                let key = Key256::generate(ctx.random());
                let wrapped = wrap_under(&made.plain, &key, &purpose, ctx.random());
                (key, wrapped.as_bytes().to_vec())
            });
            Ok(DataKey {
                plain: StreamKey::double(inner.0, outer.0),
                seal: Seal::Dsse {
                    key_arn: made.key_arn,
                    ciphertext: made.ciphertext,
                    context,
                    inner: inner.1,
                    outer: outer.1,
                },
            })
        }
    }
}

/// Where a new object goes.
struct Place<'a> {
    ctx: &'a Ctx,
    bucket: &'a Bucket,
    at: At<'a>,
    id: &'a [u8; 16],
}

impl Place<'_> {
    /// A new key, wrapped under another.
    fn wrapped(&self, parent: &Key256, seal: impl FnOnce(Vec<u8>) -> Seal) -> DataKey {
        let plain = Key256::generate(self.ctx.random());
        let wrapped = wrap_under(parent, &plain, &purpose(self.id), self.ctx.random());
        DataKey {
            plain: plain.into(),
            seal: seal(wrapped.as_bytes().to_vec()),
        }
    }

    /// The KMS key that is meant, by one of its names.
    async fn kms_key(&self, named: Option<&str>, choice: &Choice) -> Result<String, S3Error> {
        refuse_unsigned(self.ctx)?;
        if let Some(key) = named {
            return Ok(key.to_owned());
        }
        // The bucket's own default means its owner's key, a header without a key the caller's.
        let caller = self.ctx.caller.account().filter(|_| !choice.by_default);
        let account = caller.unwrap_or(self.bucket.owner);
        let keys = &self.ctx.world().ports()?.keys;
        let managed = keys
            .s3_managed_key(self.ctx, account, self.bucket.region.clone())
            .await?;
        Ok(managed.to_string())
    }

    /// A data key of this object alone, and the context it is bound to.
    async fn generate(
        &self,
        txn: &mut Txn,
        key: &str,
        client: &EncryptionContext,
    ) -> Result<(gateway::ports::DataKey, EncryptionContext), S3Error> {
        let context = encryption::context_of(client, &arn::object(self.at.0, self.at.1));
        let (keys, region) = (&self.ctx.world().ports()?.keys, self.bucket.region.clone());
        let made = keys
            .generate_data_key(self.ctx, txn, By::Forward, region, key, context.clone())
            .await?;
        Ok((made, context))
    }
}

/// Opens the data key of an object: in SSE-KMS by a Decrypt call with the caller's rights, in SSE-C by the customer's key,
/// which must not come with objects of other kinds.
pub async fn open_key(
    ctx: &Ctx,
    txn: &mut Txn,
    bucket: &Bucket,
    object: &Object,
    customer: Option<&CustomerKey>,
) -> Result<StreamKey, S3Error> {
    open_seal(ctx, txn, bucket, (&object.seal, &object.id), customer).await
}

/// The same of any seal.
pub async fn open_seal(
    ctx: &Ctx,
    txn: &mut Txn,
    bucket: &Bucket,
    (seal, id): Sealed<'_>,
    customer: Option<&CustomerKey>,
) -> Result<StreamKey, S3Error> {
    if let Some(key) = by_customer(ctx, (seal, id), customer)? {
        return Ok(key.into());
    }
    match seal {
        Seal::S3 { wrapped } => {
            let keyring = ctx.world().keyrings.of(&txn.view(), bucket.owner).await?;
            let wrapped = WrappedKey::from_bytes(wrapped.clone());
            let key = keyring.unwrap(&wrapped, &purpose(id)).map_err(Fault::from)?;
            Ok(key.into())
        }
        Seal::Kms {
            ciphertext, context, ..
        } => Ok(decrypt(ctx, txn, bucket, ciphertext, context).await?.into()),
        Seal::BucketKey {
            key_arn,
            ciphertext,
            context,
            wrapped,
        } => {
            refuse_unsigned(ctx)?;
            let sealed = (key_arn, ciphertext.as_slice(), context);
            let bucket_key = bucket_keys::to_open(ctx, txn, bucket, sealed).await?;
            Ok(unwrap(&bucket_key.plain, wrapped, &purpose(id))?.into())
        }
        Seal::Dsse {
            ciphertext,
            context,
            inner,
            outer,
            ..
        } => {
            let parent = decrypt(ctx, txn, bucket, ciphertext, context).await?;
            let [of_inner, of_outer] = layers(id);
            Ok(StreamKey::double(
                unwrap(&parent, inner, &of_inner)?,
                unwrap(&parent, outer, &of_outer)?,
            ))
        }
        Seal::Customer { .. } => Err(Fault::Bug("a customer's seal came through without its key").into()),
    }
}

/// Opens the data key of an upload for one of its parts. A customer's key comes with each part as it came at the start.
pub async fn open_part_key(
    ctx: &Ctx,
    txn: &mut Txn,
    bucket: &Bucket,
    sealed: Sealed<'_>,
    customer: Option<&CustomerKey>,
) -> Result<StreamKey, S3Error> {
    match (sealed.0, customer) {
        (Seal::Customer { md5, .. }, Some(key)) if key.md5() != *md5 => Err(S3Error::InvalidRequest(
            "The provided encryption parameters did not match the ones used originally.".into(),
        )),
        (Seal::Customer { .. }, None) => Err(S3Error::InvalidRequest(
            "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate \
             encryption parameters."
                .into(),
        )),
        _ => open_seal(ctx, txn, bucket, sealed, customer).await,
    }
}

/// Whether a customer's key came where one must, and opens; nothing is asked of KMS. For reads of no bytes.
pub fn check_customer_key(ctx: &Ctx, object: &Object, customer: Option<&CustomerKey>) -> Result<(), S3Error> {
    by_customer(ctx, (&object.seal, &object.id), customer).map(drop)
}

/// The key of an object of SSE-C; `None` for other kinds, whose requests have no key.
fn by_customer(ctx: &Ctx, (seal, id): Sealed<'_>, customer: Option<&CustomerKey>) -> Result<Option<Key256>, S3Error> {
    sse::refuse_in_clear(ctx, customer)?;
    match (seal, customer) {
        (Seal::Customer { wrapped, .. }, Some(key)) => {
            let wrapped = WrappedKey::from_bytes(wrapped.clone());
            match unwrap_under(key.key(), &wrapped, &purpose(id)) {
                Ok(key) => Ok(Some(key)),
                Err(EnvelopeFault::WrappedUnderAnotherKey) => Err(S3Error::AccessDenied(
                    "Requests specifying Server Side Encryption with Customer provided keys must provide the correct \
                     secret key."
                        .to_owned(),
                )),
                Err(fault) => Err(Fault::from(fault).into()),
            }
        }
        (Seal::Customer { .. }, None) => Err(S3Error::InvalidRequest(
            "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to \
             retrieve the object."
                .into(),
        )),
        (_, Some(_)) => Err(S3Error::InvalidRequest(
            "The encryption parameters are not applicable to this object.".into(),
        )),
        (_, None) => Ok(None),
    }
}

async fn decrypt(
    ctx: &Ctx,
    txn: &mut Txn,
    bucket: &Bucket,
    ciphertext: &[u8],
    context: &EncryptionContext,
) -> Result<Key256, S3Error> {
    refuse_unsigned(ctx)?;
    let keys = &ctx.world().ports()?.keys;
    Ok(keys
        .decrypt(
            ctx,
            txn,
            By::Forward,
            bucket.region.clone(),
            ciphertext,
            context.clone(),
        )
        .await?)
}

fn unwrap(parent: &Key256, wrapped: &[u8], purpose: &str) -> Result<Key256, Fault> {
    unwrap_under(parent, &WrappedKey::from_bytes(wrapped.to_vec()), purpose).map_err(Fault::from)
}

/// The seal under the current keyring of its owner; `None` when it is, and of other kinds, which are under
/// no keyring.
pub fn renewed(seal: &Seal, id: &[u8; 16], renewal: &Renewal) -> Result<Option<Seal>, Fault> {
    match seal {
        Seal::Kms { .. } | Seal::BucketKey { .. } | Seal::Dsse { .. } | Seal::Customer { .. } => Ok(None),
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

/// What a check of a closed data directory has of a data key.
pub enum OfflineKey {
    /// It.
    Opened(StreamKey),
    /// Its KMS key, or that one's material, is no more: nobody opens the object again.
    Gone,
    /// Only the customer has the key that it is wrapped under.
    Customers,
}

/// The data key of an object, opened without asking anybody: for the check of a directory that no server uses.
pub async fn open_offline(
    checker: &Checker<'_>,
    bucket: &Bucket,
    id: &[u8; 16],
    seal: &Seal,
) -> Result<OfflineKey, Fault> {
    let (ciphertext, context) = match seal {
        Seal::S3 { wrapped } => {
            let keyring = checker.world.keyrings.of(&checker.view, bucket.owner).await?;
            let wrapped = WrappedKey::from_bytes(wrapped.clone());
            return Ok(OfflineKey::Opened(keyring.unwrap(&wrapped, &purpose(id))?.into()));
        }
        Seal::Customer { .. } => return Ok(OfflineKey::Customers),
        Seal::Kms {
            ciphertext, context, ..
        }
        | Seal::BucketKey {
            ciphertext, context, ..
        }
        | Seal::Dsse {
            ciphertext, context, ..
        } => (ciphertext, context),
    };
    let Some(parent) = checker.open_data_key(&bucket.region, ciphertext, context).await? else {
        return Ok(OfflineKey::Gone);
    };
    Ok(OfflineKey::Opened(match seal {
        Seal::BucketKey { wrapped, .. } => unwrap(&parent, wrapped, &purpose(id))?.into(),
        Seal::Dsse { inner, outer, .. } => {
            let [of_inner, of_outer] = layers(id);
            StreamKey::double(unwrap(&parent, inner, &of_inner)?, unwrap(&parent, outer, &of_outer)?)
        }
        Seal::S3 { .. } | Seal::Kms { .. } | Seal::Customer { .. } => parent.into(),
    }))
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
