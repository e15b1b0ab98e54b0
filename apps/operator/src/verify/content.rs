//! The work on a file's bytes: inflate and hash. Runs on threads for blocking work, as many at once as there are cores.

use super::compat::stock::{self, Ended};
use aws_lc_rs::digest::{Context, SHA256};
use libdeflater::{Crc, Decompressor};
use memchr::memmem::Finder;
use std::sync::{Mutex, PoisonError};

/// A file that inflates to no more than this is inflated in one piece, which is the fast way.
const ONE_PIECE_MAX: usize = 64 * 1024 * 1024;
/// What came out is hashed and searched in pieces that the processor has at hand.
const PIECE: usize = 16 * 1024;
/// A buffer larger than this is given back.
const KEPT_MAX: usize = 8 * 1024 * 1024;

/// What a gzip member holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    /// Lower-hex SHA-256 of what came out.
    pub(crate) sha256: String,
    /// How many bytes came out.
    pub(crate) bytes: u64,
    /// How the member ended.
    pub(crate) ended: Ended,
}

/// Why there is no content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoContent {
    /// No gzip, or a damaged one.
    Damaged,
    /// More would come out than is allowed.
    TooLong,
}

/// An inflater and the memory for what comes out.
struct Tools {
    decompressor: Decompressor,
    buffer: Vec<u8>,
}

/// Tools that nobody uses now: as many as were ever in use together.
static IDLE: Mutex<Vec<Tools>> = Mutex::new(Vec::new());

fn with_tools<T>(work: impl FnOnce(&mut Tools) -> T) -> T {
    let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let mut tools = idle.unwrap_or_else(|| Tools {
        decompressor: Decompressor::new(),
        buffer: Vec::new(),
    });
    let done = work(&mut tools);
    if tools.buffer.len() > KEPT_MAX {
        tools.buffer = Vec::new();
    }
    IDLE.lock().unwrap_or_else(PoisonError::into_inner).push(tools);
    done
}

/// What is looked for in the content while it is hashed, and what is done with content that has it.
pub(crate) struct Look<'a, F> {
    /// A text that the content must have to be looked at.
    pub(crate) only_with: &'a Finder<'static>,
    /// Is shown the content.
    pub(crate) look: F,
}

/// Inflates the first gzip member, at most so many bytes, and hashes what it holds. `look` is shown the bytes where they come
/// out in one piece.
pub(crate) fn read<T>(
    gzip: &[u8],
    bytes_max: u64,
    look: Option<Look<'_, impl FnOnce(&[u8]) -> T>>,
) -> Result<(Content, Option<T>), NoContent> {
    // The last four bytes of a member say how long its content is, unless something follows.
    let said = gzip
        .last_chunk::<4>()
        .map_or(0, |last| u32::from_le_bytes(*last) as usize);
    // Deflate makes nothing more than 1032 times smaller.
    let possible = said <= gzip.len().saturating_mul(1032) && said <= ONE_PIECE_MAX && said as u64 <= bytes_max;
    if possible {
        let whole = with_tools(|Tools { decompressor, buffer }| {
            if buffer.len() < said {
                buffer.resize(said, 0);
            }
            let out = buffer.get_mut(..said)?;
            // Fewer bytes than were said, or bytes after the member, are looked at the slow way.
            let length = decompressor
                .gzip_decompress(gzip, out)
                .ok()
                .filter(|length| *length == said)?;
            let plain = out.get(..length)?;
            let seen = seen(plain, look.as_ref().map(|look| look.only_with));
            if !ends_with(gzip, seen.crc, length) {
                return None;
            }
            let content = Content {
                sha256: seen.sha256,
                bytes: length as u64,
                ended: Ended::Whole,
            };
            let looked = look.filter(|_| seen.has_text).map(|look| (look.look)(plain));
            Some((content, looked))
        });
        // The closure is used up; a member that is not this simple is not looked at.
        if let Some(whole) = whole {
            return Ok(whole);
        }
    }
    streamed(gzip, bytes_max).map(|content| (content, None))
}

/// Inflates and hashes, however long the content is.
pub(crate) fn hashed(gzip: &[u8]) -> Result<Content, NoContent> {
    read(gzip, u64::MAX, None::<Look<'_, fn(&[u8])>>).map(|(content, _)| content)
}

/// What one passage over content tells.
struct Seen {
    sha256: String,
    crc: u32,
    has_text: bool,
}

fn seen(plain: &[u8], text: Option<&Finder<'static>>) -> Seen {
    let (mut hash, mut crc, mut has_text) = (Context::new(&SHA256), Crc::new(), false);
    for at in (0..plain.len()).step_by(PIECE) {
        let end = plain.len().min(at + PIECE);
        let piece = plain.get(at..end).unwrap_or_default();
        hash.update(piece);
        crc.update(piece);
        if let Some(text) = text.filter(|_| !has_text) {
            // One that lies across two pieces begins in the first.
            let end = plain.len().min(end + text.needle().len());
            has_text = text.find(plain.get(at..end).unwrap_or_default()).is_some();
        }
    }
    Seen {
        sha256: hex::encode(hash.finish()),
        crc: crc.sum(),
        has_text,
    }
}

/// Whether nothing follows the member with this content. The library passes over what follows, but has seen the sums of the content
/// (its CRC and length) behind the deflated bytes: where they stand just once, and last, nothing follows.
fn ends_with(gzip: &[u8], crc: u32, length: usize) -> bool {
    let sums = [crc.to_le_bytes(), (length as u32).to_le_bytes()].concat();
    memchr::memmem::find(gzip, &sums) == gzip.len().checked_sub(sums.len())
}

fn streamed(gzip: &[u8], bytes_max: u64) -> Result<Content, NoContent> {
    let mut hash = Context::new(&SHA256);
    let mut bytes = 0_u64;
    let ended = stock::inflate_within(gzip, bytes_max, |piece| {
        hash.update(piece);
        bytes += piece.len() as u64;
    })?;
    Ok(Content {
        sha256: hex::encode(hash.finish()),
        bytes,
        ended,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use record::{Gzip, sha256_hex};

    fn read_plain(gzip: &[u8], bytes_max: u64) -> Result<Content, NoContent> {
        read(gzip, bytes_max, None::<Look<'_, fn(&[u8])>>).map(|(content, _)| content)
    }

    #[test]
    fn content_with_a_text_is_looked_at_wherever_the_text_lies() {
        let finder = Finder::new("needle");
        for at in [
            0,
            1,
            PIECE - 6,
            PIECE - 5,
            PIECE - 1,
            PIECE,
            3 * PIECE - 3,
            4 * PIECE - 6,
        ] {
            let mut plain = vec![b'.'; 4 * PIECE];
            let without = Gzip::new().compress(&plain).unwrap();
            plain[at..at + 6].copy_from_slice(b"needle");
            let with = Gzip::new().compress(&plain).unwrap();
            let looked = |gzip: &[u8]| {
                let look = Look {
                    only_with: &finder,
                    look: |content: &[u8]| content == plain.as_slice(),
                };
                read(gzip, 1 << 20, Some(look)).unwrap().1
            };
            assert_eq!((looked(&with), looked(&without)), (Some(true), None), "at {at}");
        }
    }

    #[test]
    fn a_bomb_is_refused_and_holds_no_memory() {
        let bomb = Gzip::new().compress(&vec![0; 1 << 20]).unwrap();
        assert_eq!(read_plain(&bomb, 1 << 19), Err(NoContent::TooLong));
        let content = read_plain(&bomb, 1 << 20).unwrap();
        assert_eq!(content.bytes, 1 << 20);
        // A member that says that it is short and is long.
        let mut liar = bomb.clone();
        let end = liar.len();
        liar[end - 4..].copy_from_slice(&[1, 0, 0, 0]);
        assert_eq!(read_plain(&liar, 1 << 30), Err(NoContent::Damaged));
    }

    #[test]
    fn what_follows_a_member_is_seen_however_it_ends() {
        let plain = b"{\"Records\":[]}".repeat(50);
        let gzip = Gzip::new().compress(&plain).unwrap();
        let sums = &gzip[gzip.len() - 8..];
        for tail in [gzip.as_slice(), sums, &[b"junk", sums].concat(), b"\0"] {
            let content = read_plain(&[gzip.as_slice(), tail].concat(), 1 << 20).unwrap();
            assert_eq!((content.ended, content.sha256), (Ended::Trailing, sha256_hex(&plain)));
        }
    }

    proptest! {
        #[test]
        fn both_ways_of_reading_agree(plain in prop::collection::vec(0_u8..8, 0..5000), tail in prop::collection::vec(any::<u8>(), 0..6)) {
            let gzip = Gzip::new().compress(&plain).unwrap();
            let with_tail = [gzip.as_slice(), &tail].concat();
            let content = read_plain(&with_tail, 1 << 20).unwrap();
            prop_assert_eq!(&content, &streamed(&with_tail, 1 << 20).unwrap());
            prop_assert_eq!(content.sha256, sha256_hex(&plain));
            prop_assert_eq!(content.ended == Ended::Trailing, !tail.is_empty());
        }
    }
}
