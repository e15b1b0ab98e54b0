//! Rotation: the root key is changed, and what hangs from it, while the server serves.
//!
//! 1. [`begin`]: the root of trust makes a new key and wraps with it from then on; the older one still unwraps. The row of
//!    the rotation is written, so that whoever wrapped under the older one and has not committed yet must repeat.
//! 2. [`Rotate`], the worker, wraps the files and every keyring's row anew, and asked for it gives every account a new
//!    keyring beside the older one. When no row of one snapshot is under the older root any more, the root retires it.
//! 3. With new keyrings it goes through the rooms' tables: what is sealed under an older keyring is sealed anew, in small
//!    transactions that conflict and repeat as others do. When a whole pass over one snapshot finds nothing under an older
//!    keyring any more, those go.
//!
//! A crash anywhere leaves root, rows and files that open: both keys are there until the last thing under the older one is
//! gone, and the row of the rotation tells the next start to go on.
//!
//! INVARIANT: what a pass does not find nobody can still make. A transaction that saw the older keyring sealed under it
//! has read its row and conflicts, and one that moved what is under it has read a row that was changed.

use crate::{
    Boxed, ServiceCaller, Txn, World,
    keyring::{self, KeyringRow, root_fault},
    ports::Worker,
    work::Work,
    world::Snapshot,
};
use base::{AccountId, Fault, Random, Timestamp};
use bytes::Bytes;
use envelope::{Keyring, RootOfTrust, WrappedKey, WrappingId};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use store::{CommitError, Maintenance, NoAncestor, ReadView, Stored};
use tokio::sync::Mutex;
use wire::ServiceName;

const ROTATION: &[u8] = b"keyring-rotation";
/// Keyrings that are read at once.
const KEYRINGS_AT_ONCE: usize = 256;
/// Rows that are read at once, and so at most rewritten in one transaction.
const ROWS_AT_ONCE: usize = 128;
/// Rows that one tick looks at, and rows that it rewrites: other work waits for its turn.
const LOOKED_PER_TICK: usize = 65_536;
const REWRAPPED_PER_TICK: usize = 4_096;
/// More conflicts of one small transaction than this are left to the next tick.
const ATTEMPTS_MAX: u32 = 32;

/// The last rotation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// Counts up from 1; 0 before the first.
    pub number: u64,
    /// Whether every account got a new keyring.
    pub keyrings: bool,
    /// When it began.
    pub begun: Option<Timestamp>,
    /// When nothing was under the older keys any more; `None` while something may be.
    pub done: Option<Timestamp>,
    /// New with each write: who read another has read what is no longer so.
    stamp: [u8; 16],
}

impl Stored for Rotation {
    const VERSION: u8 = 1;
    type Ancestor = NoAncestor;
}

impl Rotation {
    /// Whether something may still be under older keys.
    pub fn is_under_way(&self) -> bool {
        self.number > 0 && self.done.is_none()
    }
}

/// The last rotation, done or under way.
pub async fn state(view: &ReadView<'_>) -> Result<Rotation, Fault> {
    Ok(view.get_row(ROTATION).await?.unwrap_or_default())
}

/// How far the rotation has come since this process works on it.
#[derive(Debug, Default)]
pub struct Progress {
    looked: AtomicU64,
    rewrapped: AtomicU64,
    unreadable: AtomicU64,
}

impl Progress {
    /// Rows that were looked at.
    pub fn looked(&self) -> u64 {
        self.looked.load(Ordering::Relaxed)
    }

    /// Rows that were sealed anew.
    pub fn rewrapped(&self) -> u64 {
        self.rewrapped.load(Ordering::Relaxed)
    }

    /// Rows that no key opens, and that no rotation can help. `shoseki fsck` names them.
    pub fn unreadable(&self) -> u64 {
        self.unreadable.load(Ordering::Relaxed)
    }

    fn begin(&self) {
        for count in [&self.looked, &self.rewrapped, &self.unreadable] {
            count.store(0, Ordering::Relaxed);
        }
    }
}

/// Something outside of the rows that hangs from the root key, such as a file.
pub trait UnderRoot: Send + Sync {
    /// Wraps it with what the root wraps with now, durably. Safe to repeat.
    fn rewrap(&self, root: &dyn RootOfTrust, random: &Random) -> Result<(), Fault>;
}

/// A table of a room whose rows hold what is sealed under keyrings.
pub struct SealedRows {
    /// What the table's keys begin with.
    pub prefix: &'static str,
    /// See [`Renew`].
    pub renew: Renew,
}

/// Makes of a row's key and bytes the row with everything sealed under current keyrings; `None` when it is so already.
pub type Renew = fn(&Renewal, &[u8], &[u8]) -> Result<Option<Vec<u8>>, Fault>;

/// What makes sealed things current.
pub struct Renewal {
    keyrings: HashMap<AccountId, Keyring>,
    by_older: HashMap<WrappingId, AccountId>,
    first_account: AccountId,
    random: Random,
}

impl Renewal {
    /// Makes current what is under the older keys of these keyrings.
    pub fn new(keyrings: Vec<(AccountId, Keyring)>, first_account: AccountId, random: Random) -> Renewal {
        let mut by_older = HashMap::new();
        for (account, keyring) in &keyrings {
            by_older.extend(keyring.keys().skip(1).map(|key| (WrappingId::of(key), *account)));
        }
        Renewal {
            keyrings: keyrings.into_iter().collect(),
            by_older,
            first_account,
            random,
        }
    }

    /// The account under whose keyring the server's own secrets are.
    pub fn first_account(&self) -> AccountId {
        self.first_account
    }

    /// A wrapped key, wrapped anew; `None` when it is current.
    pub fn wrapped(&self, wrapped: &WrappedKey, purpose: &str) -> Result<Option<WrappedKey>, Fault> {
        let account = wrapped.wrapping_id().and_then(|id| self.by_older.get(&id));
        let Some(keyring) = account.and_then(|account| self.keyrings.get(account)) else {
            return Ok(None);
        };
        Ok(keyring.rewrap(wrapped, purpose, &self.random)?)
    }

    /// A small sealed value of an account, sealed anew; `None` when it is current.
    pub fn sealed(&self, account: AccountId, identity: &[u8], sealed: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let Some(keyring) = self.keyrings.get(&account) else {
            return Ok(None);
        };
        let resealed = keyring.reseal(identity, sealed, &self.random);
        resealed.map_err(|e| Fault::corrupt_by("what is sealed under an account keyring", e))
    }
}

/// Begins a rotation; `None` when one is under way.
pub async fn begin(world: &Arc<World>, keyrings: bool) -> Result<Option<Rotation>, Fault> {
    let _turn = world.keyrings.turn.lock().await;
    if is_under_way(world).await? {
        return Ok(None);
    }
    let (root, random) = (Arc::clone(&world.keyrings.root), world.random.clone());
    blocking(move || root.renew(&random).map_err(root_fault)).await?;
    world.keyrings.progress.begin();
    let begun = world.clock.now();
    change(world, |rotation| {
        *rotation = Rotation {
            number: rotation.number.saturating_add(1),
            keyrings,
            begun: Some(begun),
            ..Rotation::default()
        };
    })
    .await
    .map(Some)
}

async fn is_under_way(world: &World) -> Result<bool, Fault> {
    let snapshot = world.snapshot();
    Ok(world.keyrings.root.is_renewing() || state(&snapshot.view()).await?.is_under_way())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| Fault::io("changing the root key", e))?
}

/// Writes the row of the rotation. Whoever has read it and has not committed must begin again.
async fn change(world: &Arc<World>, change: impl Fn(&mut Rotation)) -> Result<Rotation, Fault> {
    for _ in 0..ATTEMPTS_MAX {
        let mut work = work(world);
        let txn = work.parts().1;
        let mut rotation = state(&txn.view()).await?;
        change(&mut rotation);
        rotation.stamp = world.random.bytes();
        txn.put_row(ROTATION, &rotation);
        if committed(work).await? {
            return Ok(rotation);
        }
    }
    Err(Fault::Bug("the row of the rotation conflicted without end"))
}

fn work(world: &Arc<World>) -> Work {
    let caller = ServiceCaller {
        name: ServiceName::Shoseki.event_source(),
        source_arn: None,
        source_account: world.settings.first_account,
    };
    Work::begin(world, ServiceName::Shoseki, caller, world.settings.region.clone())
}

/// Commits; `false` after a conflict.
async fn committed(work: Work) -> Result<bool, Fault> {
    match work.commit(Maintenance::Rewrap).await {
        Ok(()) => Ok(true),
        Err(CommitError::Conflict) => Ok(false),
        Err(CommitError::Fault(fault)) => Err(fault),
    }
}

/// The worker that carries a rotation out.
pub struct Rotate {
    files: Vec<Arc<dyn UnderRoot>>,
    tables: Vec<&'static SealedRows>,
    pass: Mutex<Option<Pass>>,
}

/// One look at all tables, by one snapshot.
struct Pass {
    snapshot: Snapshot,
    renewal: Renewal,
    table: usize,
    after: Option<Bytes>,
    found: u64,
}

impl Rotate {
    /// A worker for these files and tables.
    pub fn new(files: Vec<Arc<dyn UnderRoot>>, tables: impl IntoIterator<Item = &'static SealedRows>) -> Rotate {
        Rotate {
            files,
            tables: tables.into_iter().collect(),
            pass: Mutex::default(),
        }
    }

    async fn go_on(&self, world: &Arc<World>, now: Timestamp) -> Result<(), Fault> {
        let _turn = world.keyrings.turn.lock().await;
        let mut rotation = {
            let snapshot = world.snapshot();
            state(&snapshot.view()).await?
        };
        if world.keyrings.root.is_renewing() {
            rotation = self.settle_root(world).await?;
        }
        if !rotation.is_under_way() {
            return Ok(());
        }
        // A root that retired its older key before a crash left this to be seen to.
        renew_keyrings(world, &rotation).await?;
        if !rotation.keyrings || self.reseal(world).await? {
            forget_older(world).await?;
            change(world, |rotation| rotation.done = Some(now)).await?;
            tracing::info!(number = rotation.number, "the rotation of the root key is done");
        }
        Ok(())
    }

    /// Wraps all that hangs from the root with its new key, and retires the older one.
    async fn settle_root(&self, world: &Arc<World>) -> Result<Rotation, Fault> {
        let rotation = change(world, |_| {}).await?;
        let (files, root, random) = (
            self.files.clone(),
            Arc::clone(&world.keyrings.root),
            world.random.clone(),
        );
        blocking(move || files.iter().try_for_each(|file| file.rewrap(root.as_ref(), &random))).await?;
        // The second look finds nothing, by a snapshot of its own.
        while renew_keyrings(world, &rotation).await? {}
        let root = Arc::clone(&world.keyrings.root);
        blocking(move || root.retire().map_err(root_fault)).await?;
        Ok(rotation)
    }

    /// Goes on with a pass for the length of a tick. Whether it came to its end without having found anything.
    async fn reseal(&self, world: &Arc<World>) -> Result<bool, Fault> {
        let mut kept = self.pass.lock().await;
        let mut pass = match kept.take() {
            Some(pass) => pass,
            None => Pass::begin(world).await?,
        };
        let (mut looked, mut rewrapped) = (0, 0);
        while let Some(table) = self.tables.get(pass.table) {
            if looked >= LOOKED_PER_TICK || rewrapped >= REWRAPPED_PER_TICK {
                *kept = Some(pass);
                return Ok(false);
            }
            let (rows, stale) = pass.page(world, table).await?;
            looked += rows;
            rewrapped += stale.len();
            if !stale.is_empty() && !renew_rows(world, &pass.renewal, table, &stale).await? {
                tracing::debug!(table = table.prefix, "rows to be sealed anew are left to the next pass");
            }
            tokio::task::yield_now().await;
        }
        Ok(pass.found == 0)
    }
}

impl Pass {
    async fn begin(world: &Arc<World>) -> Result<Pass, Fault> {
        let snapshot = world.snapshot();
        let mut keyrings = Vec::new();
        for (account, row) in all_keyrings(&snapshot.view()).await? {
            if !row.older.is_empty() {
                keyrings.push((account, world.keyrings.opened(account, &row)?));
            }
        }
        Ok(Pass {
            snapshot,
            renewal: Renewal::new(keyrings, world.settings.first_account, world.random.clone()),
            table: 0,
            after: None,
            found: 0,
        })
    }

    /// The next rows: how many, and the keys of those that are under an older keyring.
    async fn page(&mut self, world: &World, table: &SealedRows) -> Result<(usize, Vec<Bytes>), Fault> {
        let view = self.snapshot.view();
        let rows = view
            .scan_prefix(table.prefix.as_bytes(), self.after.as_deref(), ROWS_AT_ONCE)
            .await?;
        let progress = &world.keyrings.progress;
        progress.looked.fetch_add(rows.len() as u64, Ordering::Relaxed);
        let mut stale = Vec::new();
        for (key, row) in &rows {
            match (table.renew)(&self.renewal, key, row) {
                Ok(None) => {}
                Ok(Some(_)) => stale.push(key.clone()),
                // It would not open under the older keyring either: nothing is lost with that.
                Err(fault) => {
                    progress.unreadable.fetch_add(1, Ordering::Relaxed);
                    tracing::error!(error = %crate::error::Chain(&fault), "a row cannot be sealed anew");
                }
            }
        }
        self.found = self.found.saturating_add(stale.len() as u64);
        match rows.last() {
            Some((key, _)) if rows.len() == ROWS_AT_ONCE => self.after = Some(key.clone()),
            _ => (self.table, self.after) = (self.table.saturating_add(1), None),
        }
        Ok((rows.len(), stale))
    }
}

/// Seals rows anew, as they are now; `false` when others changed them again and again meanwhile.
async fn renew_rows(world: &Arc<World>, renewal: &Renewal, table: &SealedRows, keys: &[Bytes]) -> Result<bool, Fault> {
    for _ in 0..ATTEMPTS_MAX {
        let mut work = work(world);
        let txn = work.parts().1;
        for key in keys {
            renew_row(txn, renewal, table, key).await?;
        }
        if committed(work).await? {
            let count = &world.keyrings.progress.rewrapped;
            count.fetch_add(keys.len() as u64, Ordering::Relaxed);
            return Ok(true);
        }
    }
    Ok(false)
}

async fn renew_row(txn: &mut Txn, renewal: &Renewal, table: &SealedRows, key: &Bytes) -> Result<(), Fault> {
    if let Some(row) = txn.view().get(key).await?
        && let Some(renewed) = (table.renew)(renewal, key, &row)?
    {
        txn.put(key.clone(), renewed);
    }
    Ok(())
}

async fn all_keyrings(view: &ReadView<'_>) -> Result<Vec<(AccountId, KeyringRow)>, Fault> {
    let mut all: Vec<(AccountId, KeyringRow)> = Vec::new();
    loop {
        let after = all.last().map(|(account, _)| *account);
        let page = keyring::rows(view, after, KEYRINGS_AT_ONCE).await?;
        let ended = page.len() < KEYRINGS_AT_ONCE;
        all.extend(page);
        if ended {
            return Ok(all);
        }
    }
}

/// Wraps every keyring's row with what the root wraps with now, and makes the new keyrings of this rotation. Whether there
/// was any to do.
async fn renew_keyrings(world: &Arc<World>, rotation: &Rotation) -> Result<bool, Fault> {
    let is_done = |row: &KeyringRow| is_current(world, row) && !needs_key(row, rotation);
    let to_do: Vec<AccountId> = {
        let snapshot = world.snapshot();
        let all = all_keyrings(&snapshot.view()).await?;
        all.iter()
            .filter(|(_, row)| !is_done(row))
            .map(|(account, _)| *account)
            .collect()
    };
    for account in &to_do {
        change_keyring(world, *account, |row, keyring| {
            let mut row = rewrapped(world, *account, row, keyring)?;
            if needs_key(&row, rotation) {
                let fresh = envelope::Key256::generate(&world.random);
                let before = std::mem::replace(&mut row.wrapped, world.keyrings.wrap(*account, &fresh, &world.random)?);
                row.older.insert(0, before);
                row.rotation = rotation.number;
            }
            Ok(row)
        })
        .await?;
    }
    Ok(!to_do.is_empty())
}

fn is_current(world: &World, row: &KeyringRow) -> bool {
    let root = &world.keyrings.root;
    std::iter::once(&row.wrapped)
        .chain(&row.older)
        .all(|wrapped| root.is_current(wrapped))
}

/// Whether the account is still to get a keyring of its own from this rotation.
fn needs_key(row: &KeyringRow, rotation: &Rotation) -> bool {
    rotation.keyrings && rotation.is_under_way() && row.rotation < rotation.number
}

fn rewrapped(world: &World, account: AccountId, row: KeyringRow, keyring: &Keyring) -> Result<KeyringRow, Fault> {
    let mut wrapped = keyring
        .keys()
        .map(|key| world.keyrings.wrap(account, key, &world.random));
    Ok(KeyringRow {
        wrapped: wrapped.next().ok_or(Fault::Bug("a keyring has no key"))??,
        older: wrapped.collect::<Result<_, _>>()?,
        rotation: row.rotation,
    })
}

/// Gives up the keyrings under which nothing is any more.
async fn forget_older(world: &Arc<World>) -> Result<(), Fault> {
    let all = {
        let snapshot = world.snapshot();
        all_keyrings(&snapshot.view()).await?
    };
    for (account, _) in all.iter().filter(|(_, row)| !row.older.is_empty()) {
        change_keyring(world, *account, |mut row, _| {
            row.older.clear();
            Ok(row)
        })
        .await?;
    }
    Ok(())
}

async fn change_keyring(
    world: &Arc<World>,
    account: AccountId,
    change: impl Fn(KeyringRow, &Keyring) -> Result<KeyringRow, Fault>,
) -> Result<(), Fault> {
    for _ in 0..ATTEMPTS_MAX {
        let mut work = work(world);
        let txn = work.parts().1;
        let Some(row) = keyring::row(&txn.view(), account).await? else {
            return Ok(());
        };
        let keyring = world.keyrings.opened(account, &row)?;
        keyring::put_row(txn, account, &change(row, &keyring)?);
        if committed(work).await? {
            return Ok(());
        }
    }
    Err(Fault::Bug("a keyring's row conflicted without end"))
}

impl Worker for Rotate {
    fn name(&self) -> &'static str {
        "rotation of the root key"
    }

    fn next_due<'a>(&'a self, world: &'a Arc<World>) -> Boxed<'a, Result<Option<Timestamp>, Fault>> {
        // Since it began, which is a time that has come for whoever asks.
        Box::pin(async move { Ok(is_under_way(world).await?.then_some(Timestamp::EPOCH)) })
    }

    fn tick<'a>(&'a self, world: &'a Arc<World>, now: Timestamp) -> Boxed<'a, Result<(), Fault>> {
        Box::pin(self.go_on(world, now))
    }
}
