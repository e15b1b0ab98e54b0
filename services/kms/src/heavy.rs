//! Work that holds a processor for a millisecond or more, done beside the threads that serve.
//!
//! An RSA signature of 3,072 or 4,096 bits takes one to three milliseconds, a new RSA key up to seconds: on a thread that
//! serves, every other call of that thread would wait as long. RSA of 2,048 bits takes a third of a millisecond, as much as
//! any other call takes in all, and the hand-over would add a fifth of it; curves, ML-DSA and HMAC take less or little more.
//! They stay.

use base::Fault;
use std::{sync::LazyLock, thread};
use tokio::{
    sync::Semaphore,
    task::{self, JoinError},
};

/// New keys are made on half of the processors at most, so that the other half serves.
static MAKING: LazyLock<Semaphore> = LazyLock::new(|| {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    Semaphore::new((processors / 2).max(1))
});

/// Searches of the journal that go on at once: each reads as fast as the disk gives.
static SEARCHING: Semaphore = Semaphore::const_new(1);

/// Does work beside the threads that serve.
pub async fn compute<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    let lost = |_: JoinError| Fault::Bug("work beside the serving threads was lost");
    task::spawn_blocking(work).await.map_err(lost)
}

/// The same for work that takes up to seconds, of which only so much goes on at a time.
pub async fn make<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    let _turn = MAKING
        .acquire()
        .await
        .map_err(|_| Fault::Bug("the turn to make keys was closed"))?;
    compute(work).await
}

/// The same for a search that may read all of the journal.
pub async fn search<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    let _turn = SEARCHING
        .acquire()
        .await
        .map_err(|_| Fault::Bug("the turn to search was closed"))?;
    compute(work).await
}
