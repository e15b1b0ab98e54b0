//! The world that calls run in: store, clock, randomness, settings, keyrings, ports.

use crate::{
    Calls, Settings, Txn,
    keyring::Keyrings,
    ports::{Identities, Keys, Logs, Objects, Roles, Topics, TrailSelection, Worker},
};
use base::{Clock, Fault, Random};
use envelope::RootOfTrust;
use sigv4::SigningKeys;
use std::{
    any::{Any, TypeId},
    collections::HashMap,
    sync::{
        Arc, OnceLock, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};
use store::{Blobs, History, Journal, Store};
use tokio::sync::watch;

/// The ports, each implemented by one room and wired in the composition root.
pub struct Ports {
    /// IAM.
    pub identities: Arc<dyn Identities>,
    /// STS, for services that act under roles.
    pub roles: Arc<dyn Roles>,
    /// KMS.
    pub keys: Arc<dyn Keys>,
    /// S3.
    pub objects: Arc<dyn Objects>,
    /// CloudWatch Logs.
    pub logs: Arc<dyn Logs>,
    /// SNS.
    pub topics: Arc<dyn Topics>,
    /// CloudTrail's selectors.
    pub trails: Arc<dyn TrailSelection>,
    /// Every operation, for a service that calls them as a client would.
    pub calls: Calls,
    /// Background work, in the order in which it is done when several are due at one moment.
    pub workers: Vec<Arc<dyn Worker>>,
}

/// Everything a call may reach. Made once by the composition root.
pub struct World {
    store: Store,
    /// Time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
    /// Settings.
    pub settings: Settings,
    /// The accounts' keyrings, opened under the root of trust.
    pub keyrings: Keyrings,
    pub(crate) signing_keys: SigningKeys,
    ports: OnceLock<Ports>,
    refused: AtomicU64,
    pub(crate) explanations: crate::decision::Rings,
    kept: RwLock<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    stopping: watch::Sender<bool>,
}

impl World {
    /// A world without ports; [`World::wire`] them before the first call.
    pub fn new(store: Store, clock: Clock, random: Random, settings: Settings, root: Arc<dyn RootOfTrust>) -> World {
        World {
            store,
            clock,
            random,
            settings,
            keyrings: Keyrings::new(root),
            signing_keys: SigningKeys::new(),
            ports: OnceLock::new(),
            refused: AtomicU64::new(0),
            explanations: Default::default(),
            kept: RwLock::default(),
            stopping: watch::Sender::new(false),
        }
    }

    /// Ends what goes on by itself: answers without an end.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Becomes true when what goes on by itself is to end.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    /// Sets the ports, once.
    pub fn wire(&self, ports: Ports) -> Result<(), Fault> {
        self.ports.set(ports).map_err(|_| Fault::Bug("ports are wired twice"))
    }

    /// The ports.
    pub fn ports(&self) -> Result<&Ports, Fault> {
        self.ports.get().ok_or(Fault::Bug("ports are not wired"))
    }

    /// What a room keeps in memory for as long as this world lives: one value of each type, empty at first.
    pub fn kept<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let id = TypeId::of::<T>();
        let found = self
            .kept
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .cloned();
        let kept = found.unwrap_or_else(|| {
            let mut all = self.kept.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry(id).or_insert_with(|| Arc::new(T::default())))
        });
        // INVARIANT: under the id of a type lies a value of that type.
        kept.downcast().unwrap_or_default()
    }

    /// The journal, for its readers: delivery and lookup.
    pub fn journal(&self) -> Journal {
        self.store.journal()
    }

    /// The event history, for its readers: see [`crate::history::search`].
    pub fn history(&self) -> History {
        self.store.history()
    }

    /// The blob directory: sealed bytes only.
    pub fn blobs(&self) -> &Blobs {
        self.store.blobs()
    }

    /// A transaction for reading. Rooms get no way to commit it.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.store.begin())
    }

    pub(crate) fn begin(&self) -> Txn {
        Txn::new(self.store.begin(), Vec::new())
    }

    /// Counts a request that was refused before it became a call: bad signature, unknown key, unknown operation, or an
    /// anonymous call on nothing, which concerns no account.
    pub(crate) fn count_refused(&self, code: &str) {
        let count = self.refused.fetch_add(1, Ordering::Relaxed) + 1;
        // A flood of bad requests must not become a flood of log lines: the 1st, 2nd, 4th, 8th ... are told.
        if count.is_power_of_two() {
            tracing::info!(count, code, "requests refused before they became calls");
        }
    }

    /// How many requests were refused before they became calls.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Whether a conflict-free start is possible: the first account's keyring exists.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }
}

/// A snapshot to read from, for workers and ports outside a call.
pub struct Snapshot(store::Txn);

impl Snapshot {
    /// The view.
    pub fn view(&self) -> store::ReadView<'_> {
        self.0.view()
    }
}
