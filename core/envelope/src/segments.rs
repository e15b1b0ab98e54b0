//! Streams sealed in segments of 64 KiB, so that any range opens without the rest: the STREAM construction over
//! AES-256-GCM.
//!
//! Header: `version 1 | random prefix (7)`. Then segments of 65,536 bytes of ciphertext and 16 of tag each, and always one
//! final segment of 0 to 65,535 bytes and its tag. The nonce of a segment is `prefix | counter (4, big-endian) | final
//! flag`, its associated data a fixed text and the identity of the stream. A stream that is cut, extended, reordered or moved to
//! another identity does not open.
//!
//! Under two keys ([`StreamKey::double`]) each segment is sealed twice, its tag included, and is 16 bytes longer; the version
//! is 2, and the outer layer has an associated text of its own. Neither key alone opens anything.
//!
//! Offsets here count from the first segment: header and segments may be kept apart. A key seals the few streams of one
//! object; it is no keyring key.
//!
//! SPEC: Hoang, Reyhanitabar, Rogaway, Vizár, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance".

use crate::{
    DoesNotOpen, Key256,
    aead::{Cipher, NONCE_BYTES, TAG_BYTES, or_abort},
};
use base::Random;
use std::ops::Range;
use zeroize::Zeroizing;

/// Plaintext bytes of each segment but the final one.
pub const SEGMENT_PLAIN: usize = 65_536;
/// How much longer a layer makes each segment.
pub const SEGMENT_OVERHEAD: usize = TAG_BYTES;
/// Bytes of the longest sealed segment there is: a full one in two layers.
pub const SEGMENT_SEALED_MAX: usize = SEGMENT_PLAIN + 2 * SEGMENT_OVERHEAD;
/// Bytes of the header.
pub const HEADER_BYTES: usize = 1 + PREFIX_BYTES;

const VERSION: u8 = 1;
const VERSION_DOUBLE: u8 = 2;
const PREFIX_BYTES: usize = 7;
const PLAIN: u64 = SEGMENT_PLAIN as u64;

/// What a stream is sealed under: one key, or two for two layers that do not depend on each other.
#[derive(Clone)]
pub struct StreamKey {
    inner: Key256,
    outer: Option<Key256>,
}

impl StreamKey {
    /// Two keys for two layers.
    pub fn double(inner: Key256, outer: Key256) -> StreamKey {
        StreamKey {
            inner,
            outer: Some(outer),
        }
    }

    /// The key that `salt` and `purpose` make of this one, as [`Key256::derive`] does: of two keys two.
    pub fn derive(&self, salt: &[u8], purpose: &str) -> StreamKey {
        StreamKey {
            inner: self.inner.derive(salt, purpose),
            outer: self.outer.as_ref().map(|outer| outer.derive(salt, purpose)),
        }
    }

    fn version(&self) -> u8 {
        match self.outer {
            None => VERSION,
            Some(_) => VERSION_DOUBLE,
        }
    }
}

impl From<Key256> for StreamKey {
    fn from(inner: Key256) -> StreamKey {
        StreamKey { inner, outer: None }
    }
}

/// A cipher and what it authenticates beside each segment.
struct Layer {
    cipher: Cipher,
    aad: Vec<u8>,
}

/// Keys, prefix and identity: what seals or opens the segments of one stream.
struct Stream {
    inner: Layer,
    outer: Option<Layer>,
    prefix: [u8; PREFIX_BYTES],
}

impl Stream {
    fn new(key: &StreamKey, identity: &[u8], prefix: [u8; PREFIX_BYTES]) -> Stream {
        let layer = |key: &Key256, of: &[u8]| Layer {
            cipher: Cipher::new(key),
            aad: [of, identity].concat(),
        };
        Stream {
            inner: layer(&key.inner, b"shoseki segment 1\0"),
            outer: key.outer.as_ref().map(|key| layer(key, b"shoseki outer segment 1\0")),
            prefix,
        }
    }

    /// How much longer each segment is than its plaintext.
    fn overhead(&self) -> usize {
        match self.outer {
            None => SEGMENT_OVERHEAD,
            Some(_) => 2 * SEGMENT_OVERHEAD,
        }
    }

    fn nonce(&self, counter: u32, last: bool) -> [u8; NONCE_BYTES] {
        let [a, b, c, d, e, f, g] = self.prefix;
        let [h, i, j, k] = counter.to_be_bytes();
        [a, b, c, d, e, f, g, h, i, j, k, u8::from(last)]
    }
}

/// Seals a stream as it comes.
pub struct Sealer {
    stream: Stream,
    counter: u64,
    /// Plaintext of a segment that is not full yet; shorter than [`SEGMENT_PLAIN`] between calls.
    pending: Zeroizing<Vec<u8>>,
}

impl Sealer {
    /// A sealer for the stream of `identity`, and its header.
    pub fn new(key: &StreamKey, identity: &[u8], random: &Random) -> (Sealer, [u8; HEADER_BYTES]) {
        let prefix = random.bytes();
        let mut header = [key.version(); HEADER_BYTES];
        for (to, from) in header.iter_mut().skip(1).zip(prefix) {
            *to = from;
        }
        let sealer = Sealer {
            stream: Stream::new(key, identity, prefix),
            counter: 0,
            pending: Zeroizing::new(Vec::new()),
        };
        (sealer, header)
    }

    /// Takes more plaintext and appends every segment that it fills to `out`, which may be emptied between calls.
    pub fn push(&mut self, plain: &[u8], out: &mut Vec<u8>) {
        let mut rest = plain;
        if !self.pending.is_empty() {
            let missing = SEGMENT_PLAIN.saturating_sub(self.pending.len()).min(rest.len());
            let (head, tail) = rest.split_at(missing);
            self.keep(head);
            rest = tail;
            if self.pending.len() < SEGMENT_PLAIN {
                return;
            }
            let mut full = std::mem::take(&mut self.pending);
            self.seal(&full, false, out);
            full.clear();
            self.pending = full;
        }
        let mut whole = rest.chunks_exact(SEGMENT_PLAIN);
        for segment in &mut whole {
            self.seal(segment, false, out);
        }
        self.keep(whole.remainder());
    }

    /// Appends the final segment, which may be empty.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        let last = std::mem::take(&mut self.pending);
        self.seal(&last, true, out);
    }

    /// Keeps plaintext until its segment is full. A stream that is short as a whole takes no more room than it is long;
    /// one that grows is moved once, and what it is moved from is wiped.
    fn keep(&mut self, plain: &[u8]) {
        if self.pending.capacity() - self.pending.len() < plain.len() {
            let room = if self.pending.is_empty() {
                plain.len()
            } else {
                SEGMENT_PLAIN
            };
            let mut larger = Zeroizing::new(Vec::with_capacity(room));
            larger.extend_from_slice(&self.pending);
            self.pending = larger;
        }
        self.pending.extend_from_slice(plain);
    }

    fn seal(&mut self, plain: &[u8], last: bool, out: &mut Vec<u8>) {
        // 2³² segments are 256 TiB, far above any object. INVARIANT: no counter is used twice.
        let counter: u32 = or_abort(self.counter.try_into());
        self.counter += 1;
        let start = out.len();
        out.reserve(plain.len() + self.stream.overhead());
        out.extend_from_slice(plain);
        // Both layers may count alike: their keys are two.
        let nonce = self.stream.nonce(counter, last);
        for layer in std::iter::once(&self.stream.inner).chain(&self.stream.outer) {
            let body = out.get_mut(start..).unwrap_or_default();
            let tag = layer.cipher.seal(nonce, &layer.aad, body);
            out.extend_from_slice(&tag);
        }
    }
}

/// Bytes of all segments of a stream of `plain_len` bytes under one key, without the header.
pub fn sealed_len(plain_len: u64) -> u64 {
    len_with(plain_len, SEGMENT_OVERHEAD)
}

/// The same of the stream that a header begins, of one or two layers; `None` when it begins none.
pub fn sealed_len_after(header: &[u8], plain_len: u64) -> Option<u64> {
    match *header.first()? {
        VERSION => Some(sealed_len(plain_len)),
        VERSION_DOUBLE => Some(len_with(plain_len, 2 * SEGMENT_OVERHEAD)),
        _ => None,
    }
}

fn len_with(plain_len: u64, overhead: usize) -> u64 {
    plain_len.saturating_add((plain_len / PLAIN + 1).saturating_mul(overhead as u64))
}

/// Which segments hold a range of the plaintext, and where they lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The segments' indexes.
    pub segments: Range<u64>,
    /// Where their sealed bytes lie, counted from the first segment.
    pub sealed: Range<u64>,
    /// How many bytes of the first segment's plaintext lie before the range.
    pub skip: u64,
    /// How many bytes of plaintext the range has, after clamping it to the stream.
    pub take: u64,
}

/// Opens segments of one stream, in any order.
pub struct Opener {
    stream: Stream,
    plain_len: u64,
}

impl Opener {
    /// An opener for the stream of `identity`. `plain_len` is the length that its row tells; a wrong one shows when the
    /// final segment is opened, or any that would be the final one by that length.
    pub fn new(key: &StreamKey, identity: &[u8], header: &[u8], plain_len: u64) -> Result<Opener, DoesNotOpen> {
        let (version, prefix) = header.split_first().ok_or(DoesNotOpen)?;
        if *version != key.version() {
            return Err(DoesNotOpen);
        }
        let prefix = prefix.try_into().map_err(|_| DoesNotOpen)?;
        u32::try_from(plain_len / PLAIN).map_err(|_| DoesNotOpen)?;
        Ok(Opener {
            stream: Stream::new(key, identity, prefix),
            plain_len,
        })
    }

    /// Bytes of the whole plaintext.
    pub fn plain_len(&self) -> u64 {
        self.plain_len
    }

    /// Bytes of a sealed segment, but the final one.
    pub fn segment_len(&self) -> usize {
        SEGMENT_PLAIN + self.stream.overhead()
    }

    /// Bytes of all segments, without the header. A stored stream of another length is damaged.
    pub fn sealed_len(&self) -> u64 {
        len_with(self.plain_len, self.stream.overhead())
    }

    /// The segments that hold `range` of the plaintext, clamped to the stream. A range that reaches the end includes the
    /// final segment even when that is empty, so that reading to the end proves that it is the end.
    pub fn segments_for(&self, range: Range<u64>) -> Span {
        let end = range.end.min(self.plain_len);
        let start = range.start.min(end);
        let first = start / PLAIN;
        let past = match (end == self.plain_len, start == end) {
            (true, _) => self.plain_len / PLAIN + 1,
            (false, true) => first,
            (false, false) => end.div_ceil(PLAIN),
        };
        Span {
            segments: first..past,
            sealed: self.segment(first).start..self.segment(past).start,
            skip: start % PLAIN,
            take: end - start,
        }
    }

    /// Where one segment lies, counted from the first; empty when there is none of that index.
    pub fn segment(&self, index: u64) -> Range<u64> {
        let (each, end) = (self.segment_len() as u64, self.sealed_len());
        let start = index.saturating_mul(each).min(end);
        start..start.saturating_add(each).min(end)
    }

    /// Opens one segment where it lies and answers its plaintext. `sealed` must be exactly that segment.
    pub fn open_segment<'a>(&self, index: u64, sealed: &'a mut [u8]) -> Result<&'a [u8], DoesNotOpen> {
        let last = self.plain_len / PLAIN;
        let place = self.segment(index);
        if index > last || sealed.len() as u64 != place.end - place.start {
            return Err(DoesNotOpen);
        }
        let counter = u32::try_from(index).map_err(|_| DoesNotOpen)?;
        let nonce = self.stream.nonce(counter, index == last);
        let mut opened = sealed;
        for layer in self.stream.outer.iter().chain(std::iter::once(&self.stream.inner)) {
            opened = layer.cipher.open(nonce, &layer.aad, opened)?;
        }
        Ok(opened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const IDENTITY: &[u8] = b"bucket/object/1";
    const SEGMENT_SEALED: usize = SEGMENT_PLAIN + SEGMENT_OVERHEAD;

    fn key() -> StreamKey {
        Key256::from_bytes([7; 32]).into()
    }

    fn double() -> StreamKey {
        StreamKey::double(Key256::from_bytes([7; 32]), Key256::from_bytes([8; 32]))
    }

    fn plain(length: usize) -> Vec<u8> {
        (0..length).map(|i| (i % 251) as u8).collect()
    }

    fn sealed(plain: &[u8], cuts: &[usize], seed: u64) -> ([u8; HEADER_BYTES], Vec<u8>) {
        sealed_under(&key(), plain, cuts, seed)
    }

    fn sealed_under(key: &StreamKey, plain: &[u8], cuts: &[usize], seed: u64) -> ([u8; HEADER_BYTES], Vec<u8>) {
        let (mut sealer, header) = Sealer::new(key, IDENTITY, &Random::seeded(seed));
        let (mut out, mut rest) = (Vec::new(), plain);
        for cut in cuts {
            let (head, tail) = rest.split_at((*cut).min(rest.len()));
            sealer.push(head, &mut out);
            rest = tail;
        }
        sealer.push(rest, &mut out);
        sealer.finish(&mut out);
        (header, out)
    }

    fn read(opener: &Opener, body: &[u8], range: Range<u64>) -> Result<Vec<u8>, DoesNotOpen> {
        let span = opener.segments_for(range);
        let mut out = Vec::new();
        for index in span.segments.clone() {
            let place = opener.segment(index);
            let bytes = body.get(place.start as usize..place.end as usize).ok_or(DoesNotOpen)?;
            out.extend_from_slice(opener.open_segment(index, &mut bytes.to_vec())?);
        }
        Ok(out
            .into_iter()
            .skip(span.skip as usize)
            .take(span.take as usize)
            .collect())
    }

    fn read_all(header: &[u8], body: &[u8], identity: &[u8], length: u64) -> Result<Vec<u8>, DoesNotOpen> {
        let opener = Opener::new(&key(), identity, header, length)?;
        if body.len() as u64 != opener.sealed_len() {
            return Err(DoesNotOpen);
        }
        read(&opener, body, 0..length)
    }

    /// Lengths at and around the borders of segments.
    fn lengths() -> impl Strategy<Value = usize> {
        (0..4_usize, -2..=2_isize).prop_map(|(n, d)| (n * SEGMENT_PLAIN).saturating_add_signed(d))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn any_split_gives_the_same_bytes(
            length in lengths(),
            cuts in proptest::collection::vec(0..100_000_usize, 0..6),
            seed: u64,
        ) {
            let plain = plain(length);
            let whole = sealed(&plain, &[], seed);
            prop_assert_eq!(whole.1.len() as u64, sealed_len(length as u64));
            prop_assert_eq!(sealed_len_after(&whole.0, length as u64), Some(whole.1.len() as u64));
            prop_assert!(whole == sealed(&plain, &cuts, seed));
            prop_assert!(read_all(&whole.0, &whole.1, IDENTITY, length as u64) == Ok(plain));
        }

        #[test]
        fn a_range_is_the_slice(length in lengths(), ends: [prop::sample::Index; 2]) {
            let plain = plain(length);
            let (header, body) = sealed(&plain, &[], 1);
            let opener = Opener::new(&key(), IDENTITY, &header, length as u64).unwrap();
            let [one, other] = ends.map(|end| end.index(length + 1));
            let (start, end) = (one.min(other), one.max(other));
            let span = opener.segments_for(start as u64..end as u64);
            prop_assert_eq!(span.sealed.end - span.sealed.start, span.segments.clone().map(|i| {
                let place = opener.segment(i);
                place.end - place.start
            }).sum::<u64>());
            prop_assert!(read(&opener, &body, start as u64..end as u64).as_deref() == Ok(&plain[start..end]));
            prop_assert!(read(&opener, &body, start as u64..u64::MAX).as_deref() == Ok(&plain[start..]));
        }

        #[test]
        fn two_layers_open_with_both_keys_only(length in lengths(), ends: [prop::sample::Index; 2], at: prop::sample::Index) {
            let plain = plain(length);
            let (header, mut body) = sealed_under(&double(), &plain, &[70_000], 1);
            let opener = Opener::new(&double(), IDENTITY, &header, length as u64).unwrap();
            prop_assert_eq!(body.len() as u64, opener.sealed_len());
            let [one, other] = ends.map(|end| end.index(length + 1));
            let (start, end) = (one.min(other), one.max(other));
            prop_assert!(read(&opener, &body, start as u64..end as u64).as_deref() == Ok(&plain[start..end]));
            // One layer's key, the keys exchanged, a header that says one layer: nothing opens.
            prop_assert!(Opener::new(&key(), IDENTITY, &header, length as u64).is_err());
            let exchanged = StreamKey::double(Key256::from_bytes([8; 32]), Key256::from_bytes([7; 32]));
            let exchanged = Opener::new(&exchanged, IDENTITY, &header, length as u64).unwrap();
            prop_assert!(read(&exchanged, &body, 0..length as u64).is_err());
            let bit = at.index(body.len() * 8);
            body[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(read(&opener, &body, 0..length as u64).is_err());
        }

        #[test]
        fn any_bytes_are_refused_without_panic(
            header in proptest::collection::vec(0_u8..4, 0..10),
            body in proptest::collection::vec(any::<u8>(), 0..100),
            length: u64,
            index: u64,
        ) {
            let one = || Key256::from_bytes([7; 32]);
            for key in [one().into(), StreamKey::double(one(), one())] {
                if let Ok(opener) = Opener::new(&key, IDENTITY, &header, length) {
                    for index in [0, index, length / PLAIN] {
                        let place = opener.segment(index);
                        prop_assert!(place.start <= place.end && place.end <= opener.sealed_len());
                        prop_assert!(opener.open_segment(index, &mut body.clone()).is_err());
                    }
                }
            }
        }

        #[test]
        fn any_flipped_bit_shows(length in lengths(), at: prop::sample::Index) {
            let plain = plain(length);
            let (mut header, mut body) = sealed(&plain, &[], 1);
            let bit = at.index((HEADER_BYTES + body.len()) * 8);
            match header.get_mut(bit / 8) {
                Some(byte) => *byte ^= 1 << (bit % 8),
                None => body[bit / 8 - HEADER_BYTES] ^= 1 << (bit % 8),
            }
            prop_assert!(read_all(&header, &body, IDENTITY, length as u64).is_err());
        }

        #[test]
        fn cut_or_extended_streams_do_not_open(length in lengths(), other in lengths()) {
            prop_assume!(length != other);
            let (header, mut body) = sealed(&plain(length), &[], 1);
            prop_assert!(read_all(&header, &body, IDENTITY, other as u64).is_err());
            body.resize(sealed_len(other as u64) as usize, 0);
            prop_assert!(read_all(&header, &body, IDENTITY, other as u64).is_err());
        }
    }

    #[test]
    fn reordered_and_moved_segments_do_not_open() {
        let (header, mut body) = sealed(&plain(3 * SEGMENT_PLAIN), &[], 1);
        let length = 3 * SEGMENT_PLAIN as u64;
        assert!(read_all(&header, &body, b"bucket/object/2", length).is_err());
        let (first, second) = body.split_at_mut(SEGMENT_SEALED);
        first.swap_with_slice(&mut second[..SEGMENT_SEALED]);
        assert!(read_all(&header, &body, IDENTITY, length).is_err());
    }

    /// The format is stored, so it may not move.
    #[test]
    fn format_stands_still() {
        let (header, body) = sealed(b"value", &[], 1);
        assert_eq!(hex::encode(header), "019a374450456063");
        assert_eq!(hex::encode(&body), "97909d15473345c8c7dbb63cdb5f7993944e024f52");
        let (header, doubled) = sealed_under(&double(), b"value", &[], 1);
        assert_eq!(hex::encode(header), "029a374450456063");
        assert_eq!(
            hex::encode(doubled),
            "810365e790604d989644a5b84ea2c91fd4ae7b332a36de61d3142880b3492db4f27b1d3b9e"
        );
    }

    #[test]
    fn an_impossible_length_is_refused() {
        for (header, length) in [(&[1; 8][..], u64::MAX), (&[2; 8], 0), (&[1; 7], 0), (&[], 0)] {
            assert!(Opener::new(&key(), IDENTITY, header, length).is_err());
        }
    }
}
