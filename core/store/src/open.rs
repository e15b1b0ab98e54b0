//! The store: opening, closing, and what its parts share.

use crate::{
    blobs::Blobs,
    commit::Committer,
    conflict::KeyHash,
    engine::{Engine, Snapshot, Space},
    history::{self, History},
    journal::{Journal, Volume, progress},
    lock::{DirLock, Found, OpenError},
    queue::Queue,
    txn::{Effect, Txn},
};
use base::{Clock, Fault, Random, Timestamp};
use envelope::{Key256, KeyedHash, small};
use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError, RwLock},
    thread::{self, JoinHandle},
};
use tokio::sync::watch;

const KEY_PROOF: &[u8] = b"key-proof";
const KEY_PROOF_IDENTITY: &[u8] = b"shoseki journal key\0";

/// What a store is opened with.
pub struct Options {
    /// Seals the blocks of journal and history. The same at every open of a directory.
    pub block_key: Key256,
    /// For nonces and blob ids.
    pub random: Random,
    /// Dates the journal's blocks.
    pub clock: Clock,
    /// Memory for blocks of rows that were read.
    pub cache_bytes: u64,
}

/// An open data directory. Cheap to clone; the directory is released when the last clone, transaction and reader is gone.
#[derive(Clone)]
pub struct Store(Arc<Handle>);

/// What clones, transactions and readers hold; ends the committer when the last of them goes.
pub(crate) struct Handle {
    pub(crate) core: Arc<Core>,
    committer: Mutex<Option<JoinHandle<()>>>,
}

/// What the committer and its askers share.
pub(crate) struct Core {
    // Dropped in this order: the lock is released after all else.
    published: RwLock<Arc<Published>>,
    pub(crate) engine: Engine,
    pub(crate) blobs: Blobs,
    pub(crate) block_key: Key256,
    pub(crate) random: Random,
    pub(crate) clock: Clock,
    pub(crate) hash: KeyHash,
    pub(crate) history_hash: KeyedHash,
    pub(crate) committed: Volume,
    pub(crate) head: watch::Sender<u64>,
    pub(crate) queue: Arc<Queue>,
    failed: OnceLock<Failed>,
    #[cfg(any(test, feature = "faults"))]
    pub(crate) faults: crate::faults::Faults,
    _lock: DirLock,
}

/// A durable moment.
pub(crate) struct Published {
    pub(crate) seq: u64,
    pub(crate) snapshot: Snapshot,
}

/// The fault that ended writing, told to everyone who asks afterwards.
#[derive(Clone, Debug, thiserror::Error)]
#[error("a write failed")]
struct Failed(#[source] Arc<Fault>);

impl Store {
    /// Opens the locked directory, making it a data directory when it is empty. Rows and blocks of every commit that was
    /// answered are there, also after a crash. Refuses a directory that it cannot explain, or a key that is not its own.
    pub fn open(lock: DirLock, options: Options) -> Result<Store, OpenError> {
        let found = lock.inspect()?;
        let engine = Engine::open(&lock.engine_dir(), options.cache_bytes)?;
        let blobs = Blobs::at(&lock.blobs_dir(), options.random.clone(), options.clock.clone())?;
        if found == Found::New {
            begin_directory(&engine, &options)?;
            lock.mark_ready()?;
        }
        let snapshot = engine.snapshot();
        let (seq, time) = check_directory(&engine, &snapshot, &options, &lock)?;
        let core = Arc::new(Core {
            published: RwLock::new(Arc::new(Published { seq, snapshot })),
            engine,
            blobs,
            history_hash: history::hash_under(&options.block_key),
            committed: Volume::default(),
            block_key: options.block_key,
            random: options.random,
            clock: options.clock,
            hash: KeyHash::default(),
            head: watch::Sender::new(seq),
            queue: Arc::default(),
            failed: OnceLock::new(),
            #[cfg(any(test, feature = "faults"))]
            faults: crate::faults::Faults::default(),
            _lock: lock,
        });
        Ok(Store(Arc::new(Handle::start(core, seq, time)?)))
    }

    /// A transaction on the latest durable state. Never waits and never fails, also while commits do.
    pub fn begin(&self) -> Txn {
        Txn::new(self.0.clone())
    }

    /// Finishes the commits already asked for, syncs, and ends the committer. Other clones can still read; their commits
    /// answer [`Fault::Stopping`].
    pub async fn close(self) -> Result<(), Fault> {
        let stopped = tokio::task::spawn_blocking(move || {
            self.0.stop();
            match self.0.core.failed.get() {
                Some(_) => Err(self.0.core.why_stopped()),
                None => self.0.core.engine.settle(),
            }
        });
        stopped.await.map_err(|e| Fault::io("closing the store", e))?
    }

    /// The reading side of the journal.
    pub fn journal(&self) -> Journal {
        Journal::new(self.0.clone())
    }

    /// The event history, beyond what the journal holds.
    pub fn history(&self) -> History {
        History::new(self.0.clone())
    }

    /// The sealed blobs.
    pub fn blobs(&self) -> &Blobs {
        &self.0.core.blobs
    }

    /// Whether a write failed: reads go on from what was durable before, and every commit is refused until the directory
    /// is opened again.
    pub fn has_failed(&self) -> bool {
        self.0.core.has_failed()
    }

    /// Makes commits of this store fail on demand.
    #[cfg(any(test, feature = "faults"))]
    pub fn faults(&self) -> crate::faults::Faults {
        self.0.core.faults.clone()
    }
}

impl Handle {
    fn start(core: Arc<Core>, seq: u64, time: Timestamp) -> Result<Handle, Fault> {
        let committer = Committer::new(core.clone(), seq, time)?;
        let thread = thread::Builder::new()
            .name("committer".to_owned())
            .spawn(|| committer.run())
            .map_err(|e| Fault::io("starting the committer", e))?;
        Ok(Handle {
            core,
            committer: Mutex::new(Some(thread)),
        })
    }

    fn stop(&self) {
        let thread = self.committer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            self.core.queue.close();
            let _ = thread.join();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Core {
    pub(crate) fn published(&self) -> Arc<Published> {
        self.published.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Shows what the engine holds now. Called by the committer only, after a sync.
    pub(crate) fn publish(&self, seq: u64) {
        let snapshot = self.engine.snapshot();
        let published = Arc::new(Published { seq, snapshot });
        // The old one is dropped after the lock is free: giving back a snapshot takes locks of the engine.
        let before = {
            let mut place = self.published.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *place, published)
        };
        drop(before);
        self.head.send_replace(seq);
    }

    pub(crate) fn perform(&self, effect: Effect) {
        match effect {
            Effect::RemoveBlob(id) => self.blobs.remove_later(id),
        }
    }

    pub(crate) fn fail(&self, fault: Fault) {
        tracing::error!(
            error = &fault as &dyn std::error::Error,
            "a commit failed; no more writes until restart"
        );
        let _ = self.failed.set(Failed(Arc::new(fault)));
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.get().is_some()
    }

    /// Why there is no committer, or why it refuses.
    pub(crate) fn why_stopped(&self) -> Fault {
        match self.failed.get() {
            Some(failed) => Fault::io(
                "the store takes no more writes until it is opened again",
                failed.clone(),
            ),
            None => Fault::Stopping,
        }
    }
}

/// The first rows of a directory. Done again when a crash came between this and the mark that it is ready.
fn begin_directory(engine: &Engine, options: &Options) -> Result<(), Fault> {
    let mut batch = engine.batch(2);
    let proof = small::seal(&options.block_key, KEY_PROOF_IDENTITY, b"", &options.random);
    batch.put(Space::Meta, KEY_PROOF, &proof);
    progress::put(&mut batch, 0, options.clock.now());
    batch.commit()
}

/// That the key is the directory's own, and how far the directory has come.
fn check_directory(
    engine: &Engine,
    at: &Snapshot,
    options: &Options,
    lock: &DirLock,
) -> Result<(u64, Timestamp), OpenError> {
    let proof = engine.get(at, Space::Meta, KEY_PROOF)?;
    let progress = progress::read(engine, at)?;
    let (Some(proof), Some(progress)) = (proof, progress) else {
        return Err(lock.unexplained("its rows do not say how far they have come"));
    };
    match small::open(&options.block_key, KEY_PROOF_IDENTITY, &proof) {
        Ok(_) => Ok(progress),
        Err(_) => Err(OpenError::WrongKey {
            dir: lock.dir().to_owned(),
        }),
    }
}
