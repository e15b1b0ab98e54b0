//! Blobs: files of sealed bytes that a row names. `blobs/xx/<32 hex>`, where `xx` are the first two of them.
//!
//! A blob is written and synced before the row that names it commits, and unlinked after the row that named it is gone.
//! A crash in between leaves a file that no row names; [`Blobs::sweep`] finds it. Bytes arrive here sealed: this file
//! knows no key.

use crate::lock::{make_private_dir, private, sync_dir};
use base::{Clock, Fault, Random, Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    collections::{HashMap, HashSet},
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::{Duration, UNIX_EPOCH},
};
use tokio::task;

/// Bytes that are gathered before they go to the disk: an object of a mebibyte goes in one piece with its sync.
const PIECE_BYTES: usize = (1 << 20) + (64 << 10);

/// The name of a blob: 16 random bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlobId([u8; 16]);

/// The blobs of one data directory. Cheap to clone.
#[derive(Clone)]
pub struct Blobs(Arc<Inner>);

struct Inner {
    dir: PathBuf,
    random: Random,
    clock: Clock,
    /// Blobs being written. No sweep touches them, however long they take.
    unfinished: Mutex<HashSet<BlobId>>,
    /// Blobs that somebody is going to open. They are not unlinked before that is over.
    held: Mutex<HashMap<BlobId, Holding>>,
    /// The folders, by the first byte of the ids in them, that this process has made durable.
    folders: Mutex<HashSet<u8>>,
    /// Unlinks on a thread of its own: giving back a large file's space takes the file system a while.
    remover: Option<(mpsc::Sender<BlobId>, JoinHandle<()>)>,
}

/// Who holds a blob.
#[derive(Default)]
struct Holding {
    holders: usize,
    /// Whether it is to be unlinked when nobody holds it any more.
    removed: bool,
}

/// Keeps blobs from being unlinked until it is dropped.
pub struct Held {
    blobs: Arc<Inner>,
    ids: Vec<BlobId>,
}

/// A blob being written. Dropped before [`BlobWriter::finish`] has answered, it leaves nothing.
pub struct BlobWriter {
    id: BlobId,
    blobs: Arc<Inner>,
    slot: Slot,
    /// Whether the writer was dropped: who makes the file after that takes it away again.
    abandoned: Arc<AtomicBool>,
    gathered: Vec<u8>,
    spare: Vec<u8>,
    under_way: Option<task::JoinHandle<Written>>,
    length: u64,
    finished: bool,
}

/// The file of a blob being written.
enum Slot {
    /// Not made yet: a blob of one piece is made, written and synced in one go.
    New,
    /// Made.
    Open(File),
    /// With the write under way, or lost by one that failed.
    Taken,
}

/// The file of a piece that was written, and the piece's memory.
type Written = io::Result<(File, Vec<u8>)>;

/// A blob being read. Its bytes stay readable when the blob is removed meanwhile.
#[derive(Clone, Debug)]
pub struct BlobReader {
    file: Arc<File>,
    length: u64,
}

/// What a sweep found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Blobs that a row names, or that are too young to judge.
    pub kept: u64,
    /// Blobs that were removed.
    pub removed: u64,
    /// Files that are no blobs. They are left alone.
    pub strange: u64,
}

impl BlobId {
    /// Parses 32 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<BlobId> {
        let mut id = [0; 16];
        hex::decode_to_slice(text, &mut id).ok()?;
        let id = BlobId(id);
        (id.to_string() == text).then_some(id)
    }

    /// The 16 bytes, to be bound into what is sealed.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Blobs {
    pub(crate) fn at(dir: &Path, random: Random, clock: Clock) -> Result<Blobs, Fault> {
        make_private_dir(dir)?;
        let above = dir.parent().unwrap_or(dir);
        sync_dir(above).map_err(|e| Fault::io("syncing the data directory", e))?;
        let (removals, to_remove) = mpsc::channel::<BlobId>();
        let root = dir.to_owned();
        let thread = thread::Builder::new()
            .name("blob-remover".to_owned())
            .spawn(move || {
                for id in to_remove {
                    if let Err(fault) = unlink(&path_of(&root, id)) {
                        tracing::warn!(
                            error = &fault as &dyn std::error::Error,
                            "a blob is left to the next sweep"
                        );
                    }
                }
            })
            .map_err(|e| Fault::io("starting the blob remover", e))?;
        Ok(Blobs(Arc::new(Inner {
            dir: dir.to_owned(),
            random,
            clock,
            unfinished: Mutex::default(),
            held: Mutex::default(),
            folders: Mutex::default(),
            remover: Some((removals, thread)),
        })))
    }

    /// Begins a blob of about `expected` bytes. Its file is made with its first piece.
    pub fn create(&self, expected: u64) -> BlobWriter {
        let id = BlobId(self.0.random.bytes());
        // The drop of the writer takes the id off the list again.
        self.0.unfinished().insert(id);
        let room = usize::try_from(expected).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
        BlobWriter {
            id,
            blobs: self.0.clone(),
            slot: Slot::New,
            abandoned: Arc::default(),
            gathered: Vec::with_capacity(room),
            spare: Vec::new(),
            under_way: None,
            length: 0,
            finished: false,
        }
    }

    /// Keeps blobs that a row names from being unlinked, so that they can be opened one after the other while the row may go.
    ///
    /// A removal that came before does not come back: who holds by an old snapshot must look whether the row is still there
    /// in a snapshot taken after this answered.
    pub fn hold(&self, ids: Vec<BlobId>) -> Held {
        let mut held = self.0.held();
        for id in &ids {
            held.entry(*id).or_default().holders += 1;
        }
        drop(held);
        Held {
            blobs: self.0.clone(),
            ids,
        }
    }

    /// As [`Blobs::open`], of a blob that is [held](Blobs::hold). Blocks the thread for as long as an open takes.
    pub fn open_held(&self, id: BlobId) -> Result<BlobReader, Fault> {
        self.0
            .open(id)?
            .ok_or_else(|| Fault::corrupt("a row names a blob that is not there"))
    }

    /// Opens a blob; `None` when there is none of that name. A reader that holds a row naming it has then an old row:
    /// the blob was replaced meanwhile, and a new snapshot shows by what.
    pub async fn open(&self, id: BlobId) -> Result<Option<BlobReader>, Fault> {
        self.0.open(id)
    }

    /// Removes a blob, present or not. For one that no committed row ever named; one that a row named is removed by
    /// [`crate::Effect::RemoveBlob`] of the transaction that ends the row.
    pub async fn remove(&self, id: BlobId) -> Result<(), Fault> {
        let path = self.0.path(id);
        task::spawn_blocking(move || unlink(&path))
            .await
            .map_err(|e| Fault::io("removing a blob", e))?
    }

    /// Removes blobs that are older than `older_than`, in real time, and that `named` does not know. Blocks the thread
    /// for a walk through all of them.
    ///
    /// `older_than` must exceed the longest time between the finishing of a blob and the commit of its row. `named` must
    /// go by a snapshot that is not older than this call.
    pub fn sweep(&self, named: impl Fn(&BlobId) -> bool, older_than: Duration) -> Result<Swept, Fault> {
        let before = self.0.clock.real_now().minus(older_than);
        let mut swept = Swept::default();
        for first in 0..=u8::MAX {
            let folder = self.0.dir.join(format!("{first:02x}"));
            let files = match fs::read_dir(&folder) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                files => files.map_err(|e| Fault::io("sweeping blobs", e))?,
            };
            for file in files {
                let file = file.map_err(|e| Fault::io("sweeping blobs", e))?;
                let name = file.file_name();
                let id = name.to_str().and_then(BlobId::parse);
                match id.filter(|id| file.path() == self.0.path(*id)) {
                    None => swept.strange += 1,
                    Some(id) if !self.0.is_in_use(id) && is_before(&file, before)? && !named(&id) => {
                        unlink(&file.path())?;
                        swept.removed += 1;
                    }
                    Some(_) => swept.kept += 1,
                }
            }
        }
        Ok(swept)
    }

    /// Every file of the folder of blobs whose id begins with `first`: the blob's id, or `None` of what is no blob, its path
    /// and how many bytes it has. Blocks the thread.
    pub fn in_folder(
        &self,
        first: u8,
        mut each: impl FnMut(Option<BlobId>, &Path, u64) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let folder = self.0.dir.join(format!("{first:02x}"));
        let fault = |e| Fault::io(format!("reading `{}`", folder.display()), e);
        let files = match fs::read_dir(&folder) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            files => files.map_err(fault)?,
        };
        for file in files {
            let file = file.map_err(fault)?;
            let id = file.file_name().to_str().and_then(BlobId::parse);
            let id = id.filter(|id| file.path() == self.0.path(*id));
            each(id, &file.path(), file.metadata().map_err(fault)?.len())?;
        }
        Ok(())
    }

    pub(crate) fn remove_later(&self, id: BlobId) {
        match self.0.held().get_mut(&id) {
            Some(holding) => holding.removed = true,
            None => self.0.unlink_later(id),
        }
    }
}

impl Inner {
    /// Makes a blob's folder, once in the life of the process, and makes it durable before any blob in it is, so that a
    /// blob needs only its own folder synced. Whoever comes meanwhile waits.
    fn make_folder(&self, id: BlobId) -> Result<(), Fault> {
        let first = id.0[0];
        let mut made = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if !made.contains(&first) {
            make_private_dir(&self.dir.join(format!("{first:02x}")))?;
            sync_dir(&self.dir).map_err(|e| Fault::io("syncing the blobs' folders", e))?;
            made.insert(first);
        }
        Ok(())
    }

    fn open(&self, id: BlobId) -> Result<Option<BlobReader>, Fault> {
        let file = match File::open(self.path(id)) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Fault::io(format!("opening blob {id}"), e)),
        };
        let length = file
            .metadata()
            .map_err(|e| Fault::io(format!("measuring blob {id}"), e))?
            .len();
        Ok(Some(BlobReader {
            file: Arc::new(file),
            length,
        }))
    }

    fn unlink_later(&self, id: BlobId) {
        if let Some((removals, _)) = &self.remover {
            let _ = removals.send(id);
        }
    }

    fn is_in_use(&self, id: BlobId) -> bool {
        self.unfinished().contains(&id) || self.held().contains_key(&id)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<BlobId, Holding>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, id: BlobId) -> PathBuf {
        path_of(&self.dir, id)
    }

    fn unfinished(&self) -> MutexGuard<'_, HashSet<BlobId>> {
        self.unfinished.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some((removals, thread)) = self.remover.take() {
            drop(removals);
            let _ = thread.join();
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut held = self.blobs.held();
        for id in &self.ids {
            let Some(holding) = held.get_mut(id) else { continue };
            holding.holders = holding.holders.saturating_sub(1);
            if holding.holders == 0 {
                let removed = holding.removed;
                held.remove(id);
                if removed {
                    self.blobs.unlink_later(*id);
                }
            }
        }
    }
}

impl BlobWriter {
    /// The name that it will have, to be bound into what is sealed.
    pub fn id(&self) -> BlobId {
        self.id
    }

    /// The bytes given so far.
    pub fn length(&self) -> u64 {
        self.length + self.gathered.len() as u64
    }

    /// Where sealed bytes are appended, by whoever makes them, so that they are not copied. [`BlobWriter::advance`] follows.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.gathered
    }

    /// Appends sealed bytes.
    pub async fn write(&mut self, sealed: &[u8]) -> Result<(), Fault> {
        self.gathered.extend_from_slice(sealed);
        self.advance().await
    }

    /// Sends what was gathered to the disk when it is a large piece; it is written while the next gathers.
    pub async fn advance(&mut self) -> Result<(), Fault> {
        if self.gathered.len() < PIECE_BYTES {
            return Ok(());
        }
        let making = self.making().await?;
        let mut piece = std::mem::replace(&mut self.gathered, std::mem::take(&mut self.spare));
        self.length += piece.len() as u64;
        self.under_way = Some(task::spawn_blocking(move || {
            let mut file = making.file()?;
            file.write_all(&piece)?;
            piece.clear();
            Ok((file, piece))
        }));
        Ok(())
    }

    /// Writes the rest and syncs file and folder. From here on it is there after a crash, and a row may name it.
    pub async fn finish(mut self) -> Result<BlobId, Fault> {
        let making = self.making().await?;
        let rest = std::mem::take(&mut self.gathered);
        let path = self.blobs.path(self.id);
        let synced = task::spawn_blocking(move || {
            let mut file = making.file()?;
            file.write_all(&rest)?;
            file.sync_all()?;
            path.parent().map_or(Ok(()), sync_dir)
        });
        let synced = synced.await.map_err(|e| Fault::io("finishing a blob", e))?;
        synced.map_err(|e| Fault::io("finishing a blob", e))?;
        self.finished = true;
        Ok(self.id)
    }

    /// The file, once the write under way is done, or how to make it.
    async fn making(&mut self) -> Result<Making, Fault> {
        if let Some(under_way) = &mut self.under_way {
            let written = under_way.await;
            self.under_way = None;
            let written = written.map_err(|e| Fault::io("writing a blob", e))?;
            let (file, spare) = written.map_err(|e| Fault::io("writing a blob", e))?;
            self.slot = Slot::Open(file);
            self.spare = spare;
        }
        match std::mem::replace(&mut self.slot, Slot::Taken) {
            Slot::Open(file) => Ok(Making::Made(file)),
            Slot::New => Ok(Making::New {
                id: self.id,
                blobs: self.blobs.clone(),
                abandoned: self.abandoned.clone(),
            }),
            Slot::Taken => Err(Fault::Bug("a blob was written on after a write of it failed")),
        }
    }
}

/// A file to write to, on a thread that may block.
enum Making {
    Made(File),
    New {
        id: BlobId,
        blobs: Arc<Inner>,
        abandoned: Arc<AtomicBool>,
    },
}

impl Making {
    fn file(self) -> io::Result<File> {
        let (id, blobs, abandoned) = match self {
            Making::Made(file) => return Ok(file),
            Making::New { id, blobs, abandoned } => (id, blobs, abandoned),
        };
        blobs.make_folder(id).map_err(io::Error::other)?;
        let path = blobs.path(id);
        let file = private(OpenOptions::new().write(true).create_new(true)).open(&path)?;
        // The writer says so before it unlinks: one of the two sees the other.
        if abandoned.load(Ordering::SeqCst) {
            fs::remove_file(&path)?;
        }
        Ok(file)
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        self.abandoned.store(!self.finished, Ordering::SeqCst);
        if !self.finished
            && let Err(fault) = unlink(&self.blobs.path(self.id))
        {
            tracing::warn!(
                error = &fault as &dyn std::error::Error,
                "a blob is left to the next sweep"
            );
        }
        self.blobs.unfinished().remove(&self.id);
    }
}

impl BlobReader {
    /// How many bytes it has.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Fills the buffer from `offset`. Blocks the thread. An end before that is corruption.
    pub fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Fault> {
        read_exact_at(&self.file, offset, buffer).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => Fault::corrupt_by("a blob is shorter than its row says", e),
            _ => Fault::io("reading a blob", e),
        })
    }

    /// Fills the buffer from `offset` with what the operating system holds in memory, without waiting for the disk. Says
    /// whether it could; if not, some of the buffer may have been written, and [`BlobReader::read_exact_at`] gives it all.
    pub fn read_at_hand(&self, offset: u64, buffer: &mut [u8]) -> bool {
        read_at_hand(&self.file, offset, buffer)
    }

    /// As [`BlobReader::read_exact_at`] on a thread that may block; gives the buffer back filled to its length.
    pub async fn read_at(&self, offset: u64, mut buffer: Vec<u8>) -> Result<Vec<u8>, Fault> {
        let reader = self.clone();
        let read = task::spawn_blocking(move || reader.read_exact_at(offset, &mut buffer).map(|()| buffer));
        read.await.map_err(|e| Fault::io("reading a blob", e))?
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut offset: u64, mut buffer: &mut [u8]) -> io::Result<()> {
    while !buffer.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, buffer, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => {
                buffer = buffer.get_mut(n..).unwrap_or_default();
                offset += n as u64;
            }
        }
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn read_at_hand(file: &File, mut offset: u64, mut buffer: &mut [u8]) -> bool {
    use rustix::io::{ReadWriteFlags, preadv2};
    while !buffer.is_empty() {
        match preadv2(file, &mut [io::IoSliceMut::new(buffer)], offset, ReadWriteFlags::NOWAIT) {
            Ok(read @ 1..) => {
                buffer = buffer.get_mut(read..).unwrap_or_default();
                offset += read as u64;
            }
            Ok(0) | Err(_) => return false,
        }
    }
    true
}

#[cfg(not(target_os = "linux"))]
fn read_at_hand(_: &File, _: u64, _: &mut [u8]) -> bool {
    false
}

fn path_of(dir: &Path, id: BlobId) -> PathBuf {
    let name = id.to_string();
    dir.join(name.get(..2).unwrap_or_default()).join(name)
}

fn is_before(file: &fs::DirEntry, before: Timestamp) -> Result<bool, Fault> {
    let modified = match file.metadata().and_then(|data| data.modified()) {
        Ok(modified) => modified.duration_since(UNIX_EPOCH).unwrap_or_default(),
        // Removed meanwhile.
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(Fault::io("sweeping blobs", e)),
    };
    Ok(Timestamp::EPOCH.plus(modified) < before)
}

fn unlink(path: &Path) -> Result<(), Fault> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Fault::io(format!("removing `{}`", path.display()), e)),
        _ => Ok(()),
    }
}
