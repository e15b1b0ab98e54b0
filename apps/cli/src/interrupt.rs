//! Ctrl-C: it ends the program at once, with 130, unless somebody looks after it, as a question, a change or a wait does.
//!
//! Once tokio hears of interruptions the system's own answer to them is gone for good. So one task hears them all, and asks who is
//! listening.

use std::{
    io::Write,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};
use tokio::sync::watch;

/// The exit status of what was interrupted.
pub(crate) const INTERRUPTED: u8 = 130;

/// How many look after interruptions.
static LISTENERS: AtomicUsize = AtomicUsize::new(0);
/// Counts them.
static HEARD: OnceLock<watch::Sender<u64>> = OnceLock::new();

/// Somebody who looks after interruptions as long as this lives.
pub(crate) struct Listening(watch::Receiver<u64>);

impl Listening {
    pub(crate) fn new() -> Listening {
        LISTENERS.fetch_add(1, Ordering::SeqCst);
        let sender = HEARD.get_or_init(|| {
            tokio::spawn(hear());
            watch::Sender::new(0)
        });
        Listening(sender.subscribe())
    }

    /// Until the next interruption since this was made, or since the last that it told of.
    pub(crate) async fn interrupted(&mut self) {
        if self.0.changed().await.is_err() {
            // The sender lives as long as the program.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        LISTENERS.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn hear() {
    while tokio::signal::ctrl_c().await.is_ok() {
        if LISTENERS.load(Ordering::SeqCst) == 0 {
            let _ = writeln!(std::io::stderr());
            std::process::exit(INTERRUPTED.into());
        }
        if let Some(sender) = HEARD.get() {
            sender.send_modify(|heard| *heard += 1);
        }
    }
}

/// Set once the person interrupts. A second interruption ends the program at once. It looks after interruptions as long as one of its
/// clones lives.
#[derive(Clone)]
pub(crate) struct Interruption {
    is_set: Arc<AtomicBool>,
    _task: Arc<Task>,
}

struct Task(tokio::task::JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Interruption {
    /// From now on an interruption is noted, and answered with these words.
    pub(crate) fn noted(words: String) -> Interruption {
        let is_set = Arc::new(AtomicBool::new(false));
        let set = Arc::clone(&is_set);
        let mut listening = Listening::new();
        let task = tokio::spawn(async move {
            listening.interrupted().await;
            set.store(true, Ordering::SeqCst);
            let _ = writeln!(std::io::stderr(), "\n{words}");
            listening.interrupted().await;
            std::process::exit(INTERRUPTED.into());
        });
        Interruption {
            is_set,
            _task: Arc::new(Task(task)),
        }
    }

    /// Whether it was.
    pub(crate) fn is_set(&self) -> bool {
        self.is_set.load(Ordering::SeqCst)
    }
}
