//! Where a generator takes its choices from: a seed, or a fuzzer's bytes.

/// A source of choices that never runs dry.
#[derive(Clone, Debug)]
pub struct Choices<'a> {
    state: u64,
    bytes: Option<&'a [u8]>,
}

impl<'a> Choices<'a> {
    /// The same seed gives the same choices.
    pub fn seeded(seed: u64) -> Choices<'static> {
        Choices {
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            bytes: None,
        }
    }

    /// One byte for each choice; after the last every choice is the first.
    pub fn of_bytes(bytes: &'a [u8]) -> Choices<'a> {
        Choices {
            state: 0,
            bytes: Some(bytes),
        }
    }

    /// A number below `end`, which is at most 256 for bytes to reach all of them; 0 when `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        let next = match self.bytes.as_mut() {
            Some(bytes) => match bytes.split_first() {
                Some((first, rest)) => {
                    *bytes = rest;
                    u64::from(*first)
                }
                None => 0,
            },
            None => self.next(),
        };
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(next % end).unwrap_or(0)
    }

    /// True `percent` times of a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of these; `T`'s default when there is none.
    pub fn one<T: Clone + Default>(&mut self, of: &[T]) -> T {
        let place = self.below(of.len());
        of.get(place).cloned().unwrap_or_default()
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
