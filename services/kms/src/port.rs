//! KMS as other rooms ask it: the same operations, decided and recorded like any other call.

use crate::{
    conditions::KeyFacts,
    crypto,
    guard::GuardedKey,
    model::{Alias, AliasName, ClearMaterial, Key, KeyId, KeyManager, KeyRef, KeyState, Rotation, Target, key_policy},
    ops::{
        Decrypt, DescribeKey, GenerateDataKey,
        create_key::new_key,
        decrypt::DecryptInput,
        describe_key::DescribeKeyInput,
        generate_data_key::{DataKeySpec, GenerateDataKeyInput},
    },
    table::{self, Shelf},
};
use base::{AccountId, Arn, Fault, Region};
use envelope::{EncryptionContext, Key256};
use gateway::{
    Boxed, Ctx, Json, PortRefusal, ServiceCaller, Txn, World,
    ctx::{By, Inner},
    pipeline::reenter,
    ports::{DataKey, KeyGuard, Keys},
    work::Work,
};
use std::sync::Arc;
use store::{CommitError, Maintenance, ReadView};
use wire::ServiceName;

/// This room, for the composition root to wire.
pub struct KmsKeys;

/// The account in which a call is made: the caller's, in which a bare key id is looked for; for a service the one on whose
/// behalf it acts.
fn inner(ctx: &Ctx, by: By, region: Region) -> Inner {
    let account = match &by {
        By::Service(service) => service.source_account,
        By::Role(role) => role.caller.principal.account().unwrap_or(ctx.account),
        By::OnBehalf(caller) => caller.principal.account().unwrap_or(ctx.account),
        By::Forward => ctx.caller.account().unwrap_or(ctx.account),
    };
    Inner { by, account, region }
}

impl Keys for KmsKeys {
    fn guard<'a>(
        &'a self,
        view: &'a ReadView<'a>,
        account: AccountId,
        region: &'a Region,
        key_id: &'a str,
    ) -> Boxed<'a, Result<Option<Arc<dyn KeyGuard>>, Fault>> {
        Box::pin(async move {
            let key = GuardedKey::find(view, account, region, key_id).await?;
            Ok(key.map(|key| Arc::new(key) as Arc<dyn KeyGuard>))
        })
    }

    fn generate_data_key<'a>(
        &'a self,
        ctx: &'a Ctx,
        txn: &'a mut Txn,
        by: By,
        region: Region,
        key_id: &'a str,
        context: EncryptionContext,
    ) -> Boxed<'a, Result<DataKey, PortRefusal>> {
        Box::pin(async move {
            see_managed_key(ctx, txn, key_id)
                .await
                .map_err(|fault| ctx.port_fault(ServiceName::Kms, &fault))?;
            let input = GenerateDataKeyInput::of(key_id, DataKeySpec::Aes256, context);
            let made = reenter::<GenerateDataKey>(ctx, txn, inner(ctx, by, region), Json(input))
                .await?
                .0;
            let plain = Key256::from_slice(made.plaintext.expose());
            match (plain, Arn::parse(&made.key_id)) {
                (Some(plain), Some(key_arn)) => Ok(DataKey {
                    plain,
                    ciphertext: made.ciphertext_blob.0,
                    key_arn,
                }),
                _ => Err(ctx.port_fault(ServiceName::Kms, &Fault::Bug("a data key of 256 bits has not 32 bytes"))),
            }
        })
    }

    fn decrypt<'a>(
        &'a self,
        ctx: &'a Ctx,
        txn: &'a mut Txn,
        by: By,
        region: Region,
        ciphertext: &'a [u8],
        context: EncryptionContext,
    ) -> Boxed<'a, Result<Key256, PortRefusal>> {
        Box::pin(async move {
            let input = DecryptInput::of(ciphertext, context);
            let opened = reenter::<Decrypt>(ctx, txn, inner(ctx, by, region), Json(input))
                .await?
                .0;
            Key256::from_slice(opened.plaintext.expose())
                .ok_or_else(|| ctx.port_fault(ServiceName::Kms, &Fault::corrupt("a sealed data key has not 32 bytes")))
        })
    }

    fn describe_key<'a>(
        &'a self,
        ctx: &'a Ctx,
        txn: &'a mut Txn,
        by: By,
        region: Region,
        key_id: &'a str,
    ) -> Boxed<'a, Result<Arn, PortRefusal>> {
        Box::pin(async move {
            let input = DescribeKeyInput::of(key_id);
            let described = reenter::<DescribeKey>(ctx, txn, inner(ctx, by, region), Json(input))
                .await?
                .0;
            Ok(described.key_metadata.arn)
        })
    }

    fn s3_managed_key<'a>(
        &'a self,
        ctx: &'a Ctx,
        account: AccountId,
        region: Region,
    ) -> Boxed<'a, Result<Arn, PortRefusal>> {
        Box::pin(async move {
            s3_managed_key(ctx.world(), account, &region)
                .await
                .map_err(|fault| ctx.port_fault(ServiceName::Kms, &fault))
        })
    }
}

/// Finds `aws/s3`, or makes it in a transaction of its own.
async fn s3_managed_key(world: &Arc<World>, account: AccountId, region: &Region) -> Result<Arn, Fault> {
    let name = AliasName::aws_s3();
    let shelf = Shelf { account, region };
    let arn = |id: &KeyId| base::arn::kms_key(region, account, id.as_str());
    loop {
        if let Some(alias) = table::alias(&world.snapshot().view(), shelf, name.as_str()).await? {
            return Ok(arn(&alias.target));
        }
        let caller = ServiceCaller {
            name: "kms.amazonaws.com",
            source_arn: None,
            source_account: account,
        };
        let mut work = Work::begin(world, ServiceName::Kms, caller, region.clone());
        let (ctx, txn) = work.parts();
        // Read in this transaction too: of two who make the key at once, one meets a conflict.
        if table::alias(&txn.view(), shelf, name.as_str()).await?.is_some() {
            continue;
        }
        let key = make_managed_key(ctx, txn, shelf, &name).await?;
        match work.commit(Maintenance::KeyGeneration).await {
            Ok(()) => return Ok(arn(&key.id)),
            Err(CommitError::Conflict) => {}
            Err(CommitError::Fault(fault)) => return Err(fault),
        }
    }
}

async fn make_managed_key(ctx: &Ctx, txn: &mut Txn, shelf: Shelf<'_>, name: &AliasName) -> Result<Key, Fault> {
    let policy = key_policy::aws_s3_text(shelf.account, shelf.region);
    let mut key = new_key(ctx, shelf, KeyFacts::COMMON);
    key.manager = KeyManager::Aws;
    key.description = "Default key that protects my S3 objects when no other key is defined".to_owned();
    key.policy = table::policy_digest(&policy);
    key.aliases = vec![name.as_str().to_owned()];
    let clear = ClearMaterial::generate(key.spec, ctx.random())?;
    key.material = vec![crypto::make_material(ctx, &txn.view(), &key, &clear, None).await?];
    key.rotation = Rotation::yearly(key.created);
    let alias = Alias {
        target: key.id.clone(),
        created: key.created,
        updated: key.created,
    };
    table::put_key(txn, &key, None);
    table::put_policy(txn, &key, &policy);
    table::put_alias(txn, shelf, name, &alias);
    Ok(key)
}

/// Lets a transaction see the AWS managed key that was made after its snapshot, by the very call that now uses it.
///
/// Staging throws these writes away; a transaction that keeps them meets a conflict, and its next attempt finds the rows
/// in its snapshot.
async fn see_managed_key(ctx: &Ctx, txn: &mut Txn, key_id: &str) -> Result<(), Fault> {
    let Ok(KeyRef {
        place: Some(place),
        target: Target::Key(id),
    }) = KeyRef::parse("keyId", key_id)
    else {
        return Ok(());
    };
    let shelf = Shelf {
        account: place.account,
        region: &place.region,
    };
    if table::has_key(&txn.view(), shelf, &id).await? {
        return Ok(());
    }
    let snapshot = ctx.world().snapshot();
    let Some(key) = table::key(&snapshot.view(), shelf, &id).await? else {
        return Ok(());
    };
    if key.manager == KeyManager::Aws && key.state == KeyState::Enabled {
        let policy = table::policy_text(&snapshot.view(), &key).await?;
        table::put_key(txn, &key, None);
        table::put_policy(txn, &key, &policy);
    }
    Ok(())
}
