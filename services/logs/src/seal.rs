//! The keys that seal events: data keys of a group, numbered, each under the account's keyring or sealed by KMS.
//!
//! ## Invariants
//! - Events are sealed before they are in a row, each chunk bound to its stream and number.
//! - A key under KMS is opened by a Decrypt call of `logs.REGION.amazonaws.com` with the group's ARN as `aws:logs:arn`, and
//!   kept for [`WINDOW`] at most, once that call's event is durable: who takes the KMS key away takes the events away.
//! - A group that leaves its KMS key gets a new data key; what older ones sealed stays under them.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html>

use crate::{
    LogsError,
    model::group::LogGroup,
    table::{self, GroupKey, KeySeal},
};
use base::{AccountId, Arn, Fault, Region, Timestamp};
use envelope::{EncryptionContext, Key256, WrappedKey, small};
use gateway::{Ctx, PortRefusal, ServiceCaller, Txn, ctx::By};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

/// How long a key under KMS is kept in clear, in domain time: AWS says that a change of a KMS key takes up to five minutes.
pub(crate) const WINDOW: Duration = Duration::from_secs(300);

/// So many are kept at once.
const KEYS_MAX: usize = 4096;

type Name = ([u8; 16], u32);

/// Keys under KMS that are in clear now.
#[derive(Default)]
pub(crate) struct OpenKeys(RwLock<HashMap<Name, (Arc<Key256>, Timestamp)>>);

impl OpenKeys {
    fn find(&self, name: &Name, now: Timestamp) -> Option<Arc<Key256>> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.get(name)
            .filter(|(_, until)| *until > now)
            .map(|(key, _)| Arc::clone(key))
    }

    fn keep(&self, name: Name, key: Arc<Key256>, until: Timestamp, now: Timestamp) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, (_, until)| *until > now);
        if all.len() < KEYS_MAX {
            all.entry(name).or_insert((key, until));
        }
    }

    /// Wipes what has ended.
    pub(crate) fn forget(&self, now: Timestamp) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, (_, until)| *until > now);
    }

    /// When the next one ends.
    pub(crate) fn next_end(&self) -> Option<Timestamp> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.values().map(|(_, until)| *until).min()
    }
}

/// The service principal of a Region, in texts that live as long as the process: one for each Region that is asked for.
fn principal(region: &Region) -> &'static str {
    static NAMES: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());
    let name = format!("logs.{region}.amazonaws.com");
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.iter().find(|known| **known == name) {
        return known;
    }
    let kept: &'static str = Box::leak(name.into_boxed_str());
    names.push(kept);
    kept
}

/// Logs acting for a group.
fn as_logs(account: AccountId, region: &Region, group: &Arn) -> By {
    By::Service(ServiceCaller {
        name: principal(region),
        source_arn: Some(group.clone()),
        source_account: account,
    })
}

pub(crate) fn context_of(group: &Arn) -> EncryptionContext {
    let mut context = EncryptionContext::new();
    context.insert("aws:logs:arn", group.as_str());
    context
}

/// Gives a group a new data key: under this KMS key, or under the account's keyring.
pub(crate) async fn new_key(
    ctx: &Ctx,
    txn: &mut Txn,
    group: &mut LogGroup,
    number: u32,
    kms_key: Option<&str>,
) -> Result<(), LogsError> {
    let arn = group.arn();
    let seal = match kms_key {
        None => {
            let keyring = ctx.world().keyrings.of(&txn.view(), group.account).await?;
            let key = Key256::generate(ctx.random());
            let wrapped = keyring.wrap(&key, &table::key_purpose(&group.id, number), ctx.random());
            group.kms_key = None;
            KeySeal::Keyring {
                wrapped: wrapped.as_bytes().to_vec(),
            }
        }
        Some(kms_key) => {
            let by = as_logs(group.account, &group.region, &arn);
            let keys = &ctx.world().ports()?.keys;
            let made = keys.generate_data_key(ctx, txn, by, group.region.clone(), kms_key, context_of(&arn));
            let made = made.await.map_err(|refusal| refused(refusal, &arn))?;
            // The service must be able to open what it seals, or events would be lost as they are put.
            let by = as_logs(group.account, &group.region, &arn);
            let opened = keys.decrypt(ctx, txn, by, group.region.clone(), &made.ciphertext, context_of(&arn));
            opened.await.map_err(|refusal| refused(refusal, &arn))?;
            group.kms_key = Some(made.key_arn.clone());
            KeySeal::Kms {
                key_arn: made.key_arn,
                ciphertext: made.ciphertext,
            }
        }
    };
    group.key = number;
    let row = GroupKey {
        account: group.account,
        group: arn,
        seal,
    };
    table::put_group_key(txn, &group.id, number, &row);
    Ok(())
}

fn refused(refusal: PortRefusal, group: &Arn) -> LogsError {
    match refusal {
        PortRefusal { status: 500.., .. } => refusal.into(),
        PortRefusal { denied: true, .. } => LogsError::KmsDenied(group.clone()),
        _ => LogsError::KmsUnusable(group.clone()),
    }
}

/// Opens a group's data key.
pub(crate) async fn open_key(
    ctx: &Ctx,
    txn: &mut Txn,
    group: &LogGroup,
    number: u32,
) -> Result<Arc<Key256>, LogsError> {
    let row = table::group_key(&txn.view(), &group.id, number).await?;
    let row = row.ok_or_else(|| Fault::corrupt("the data key of a log group is not there"))?;
    let ciphertext = match &row.seal {
        KeySeal::Keyring { wrapped } => {
            let keyring = ctx.world().keyrings.of(&txn.view(), row.account).await?;
            let wrapped = WrappedKey::from_bytes(wrapped.clone());
            let key = keyring.unwrap(&wrapped, &table::key_purpose(&group.id, number));
            return Ok(Arc::new(key.map_err(Fault::from)?));
        }
        KeySeal::Kms { ciphertext, .. } => ciphertext,
    };
    let (kept, name, now) = (ctx.world().kept::<OpenKeys>(), (group.id, number), ctx.now());
    if let Some(key) = kept.find(&name, now) {
        return Ok(key);
    }
    let by = as_logs(group.account, &group.region, &row.group);
    let keys = &ctx.world().ports()?.keys;
    let opened = keys.decrypt(ctx, txn, by, group.region.clone(), ciphertext, context_of(&row.group));
    let key = Arc::new(opened.await.map_err(|refusal| refused(refusal, &row.group))?);
    let kept_key = Arc::clone(&key);
    txn.once_recorded(Arc::new(move || {
        kept.keep(name, Arc::clone(&kept_key), now.plus(WINDOW), now);
    }));
    Ok(key)
}

/// What a chunk is bound to.
fn identity(stream: &[u8; 16], chunk: u64) -> Vec<u8> {
    [b"logs chunk ", &stream[..], &chunk.to_be_bytes()].concat()
}

/// Seals the events of a chunk.
pub(crate) fn seal(ctx: &Ctx, key: &Key256, stream: &[u8; 16], chunk: u64, packed: &[u8]) -> Vec<u8> {
    small::seal(key, &identity(stream, chunk), packed, ctx.random())
}

/// Opens them.
pub(crate) fn open(key: &Key256, stream: &[u8; 16], chunk: u64, sealed: &[u8]) -> Result<Vec<u8>, Fault> {
    small::open(key, &identity(stream, chunk), sealed)
        .map_err(|e| Fault::corrupt_by("a chunk of log events does not open", e))
}
