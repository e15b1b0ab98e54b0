//! Randomness as a value: the operating system's in production, a seed's in simulation.

use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};
use std::{
    cell::RefCell,
    sync::{Arc, Mutex, PoisonError},
};
use zeroize::Zeroize;

/// How many bytes of the operating system a thread holds at most.
const POOL_BYTES: usize = 1024;

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; POOL_BYTES], left: 0 }) };
}

/// Random bytes that were not given out yet: the first `left` of `bytes`.
struct Pool {
    bytes: [u8; POOL_BYTES],
    left: usize,
}

impl Pool {
    /// Takes bytes off the end and wipes them. `buffer` is no longer than the pool.
    fn draw(&mut self, buffer: &mut [u8]) {
        if self.left < buffer.len() {
            fill_from_os(&mut self.bytes);
            self.left = POOL_BYTES;
        }
        let from = self.left.saturating_sub(buffer.len());
        if let Some(drawn) = self.bytes.get_mut(from..self.left) {
            buffer.copy_from_slice(drawn);
            drawn.zeroize();
        }
        self.left = from;
    }
}

/// The operating system's generator does not fail once the machine has booted; should it, the process is ended, for no
/// answer that depends on a missing random byte may leave it.
#[expect(clippy::disallowed_methods, reason = "this is the one door to the machine's entropy")]
fn fill_from_os(buffer: &mut [u8]) {
    if getrandom::fill(buffer).is_err() {
        std::process::abort();
    }
}

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
    /// Bytes of the operating system are fetched [`POOL_BYTES`] at a time for each thread, given out once and wiped: a call
    /// needs several small draws, and a system call for each would cost more than what they are for.
    pub fn fill(&self, buffer: &mut [u8]) {
        match &self.0 {
            Source::Os if buffer.len() > POOL_BYTES / 4 => fill_from_os(buffer),
            Source::Os => POOL.with_borrow_mut(|pool| pool.draw(buffer)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_draw_is_given_twice_and_none_is_blank() {
        let random = Random::os();
        let draws: HashSet<[u8; 16]> = (0..10_000).map(|_| random.bytes()).collect();
        assert_eq!(draws.len(), 10_000);
        assert!(!draws.contains(&[0; 16]));
        for length in [0, 1, 255, 256, 257, 1024, 5000] {
            let mut buffer = vec![0; length];
            random.fill(&mut buffer);
            assert!(length < 16 || buffer.iter().any(|byte| *byte != 0), "{length}");
        }
    }

    #[test]
    fn a_seed_repeats_itself() {
        assert_eq!(Random::seeded(7).bytes::<32>(), Random::seeded(7).bytes::<32>());
        assert_ne!(Random::seeded(7).bytes::<32>(), Random::seeded(8).bytes::<32>());
    }
}
