//! Work that holds a processor so long that it is done beside the threads that serve: RSA.
//!
//! An RSA signature takes most of a millisecond (2,048 bits) to some (4,096), and a new RSA key up to seconds. On a thread
//! that serves, every other call of that thread would wait as long. Elliptic curves, ML-DSA and HMAC take less than the
//! hand-over is worth, and stay.

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
