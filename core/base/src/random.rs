//! Randomness as a value: the operating system's in production, a seed's in simulation.

use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};
use std::sync::{Arc, Mutex, PoisonError};

/// A source of random bytes. Cheap to clone; clones share one source.
#[derive(Clone)]
pub struct Random(Source);

#[derive(Clone)]
enum Source {
    Os,
    Seeded(Arc<Mutex<ChaCha20Rng>>),
}

impl Random {
    /// The operating system's generator. Every id, nonce and key of a real server comes from here.
    pub fn os() -> Random {
        Random(Source::Os)
    }

    /// A reproducible stream, for simulation and tests only.
    pub fn seeded(seed: u64) -> Random {
        Random(Source::Seeded(Arc::new(Mutex::new(ChaCha20Rng::seed_from_u64(seed)))))
    }

    /// Fills the buffer with random bytes.
    ///
    /// The operating system's generator does not fail once the machine has booted; should it, the process is ended,
    /// for no answer that depends on a missing random byte may leave it.
    #[expect(clippy::disallowed_methods, reason = "this is the one door to the machine's entropy")]
    pub fn fill(&self, buffer: &mut [u8]) {
        match &self.0 {
            Source::Os => {
                if getrandom::fill(buffer).is_err() {
                    std::process::abort();
                }
            }
            Source::Seeded(rng) => rng.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(buffer),
        }
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut buffer = [0; N];
        self.fill(&mut buffer);
        buffer
    }

    /// `length` characters drawn evenly from `alphabet` (at most 256 of them, not empty).
    pub fn text(&self, length: usize, alphabet: &[u8]) -> String {
        let mut out = String::with_capacity(length);
        let whole = 256 - 256 % alphabet.len().max(1);
        while out.len() < length {
            for byte in self.bytes::<32>() {
                if usize::from(byte) < whole && out.len() < length {
                    out.push(char::from(alphabet[usize::from(byte) % alphabet.len()]));
                }
            }
        }
        out
    }
}
