//! gzip, one member at a time.

use base::Fault;
use flate2::bufread::GzDecoder;
use libdeflater::{CompressionLvl, Compressor};
use std::io::{ErrorKind, Read};

/// Inflating stops here: far above any log file, so that a hostile one cannot fill the memory.
pub const INFLATED_BYTES_MAX: usize = 512 * 1024 * 1024;

/// Level 6 of libdeflate: nearly the ratio of its slowest levels at a multiple of their speed.
const LEVEL: i32 = 6;

/// A compressor, to be kept and used again.
pub struct Gzip(Compressor);

impl Gzip {
    /// A compressor.
    pub fn new() -> Gzip {
        Gzip(Compressor::new(CompressionLvl::new(LEVEL).unwrap_or_default()))
    }

    /// Compresses `plain` into one gzip member.
    pub fn compress(&mut self, plain: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut out = vec![0; self.0.gzip_compress_bound(plain.len())];
        let length = self
            .0
            .gzip_compress(plain, &mut out)
            .map_err(|_| Fault::Bug("gzip needs more than its own bound"))?;
        out.truncate(length);
        out.shrink_to_fit();
        Ok(out)
    }
}

impl Default for Gzip {
    fn default() -> Self {
        Gzip::new()
    }
}

/// The first gzip member of some bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inflated {
    /// What it holds.
    pub bytes: Vec<u8>,
    /// Whether anything follows the member. Other readers may not look there, so nothing may hide in it.
    pub trailing: bool,
}

/// Why bytes cannot be inflated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotGzip {
    /// No gzip, or damaged.
    #[error("not a gzip member, or a damaged one")]
    Damaged,
    /// The bytes end before the member does.
    #[error("gzip member is cut short")]
    CutShort,
    /// More come out than may.
    #[error("gzip member holds more bytes than may come out")]
    TooLong,
}

/// A member of more bytes is inflated twice where its bound is less than the usual one.
const COUNTED_FIRST: usize = 1024 * 1024;

/// Inflates the first gzip member.
pub fn inflate(gzip: &[u8]) -> Result<Inflated, NotGzip> {
    inflate_within(gzip, INFLATED_BYTES_MAX)
}

/// The same, where no more than so many bytes may come out.
pub fn inflate_within(gzip: &[u8], bytes_max: usize) -> Result<Inflated, NotGzip> {
    // What is packed so large is counted before it is kept: one that holds too much takes no memory.
    if gzip.len() > COUNTED_FIRST && bytes_max < INFLATED_BYTES_MAX {
        let mut counted = GzDecoder::new(gzip).take(bytes_max as u64 + 1);
        let count = std::io::copy(&mut counted, &mut std::io::sink());
        if count.is_ok_and(|count| count > bytes_max as u64) {
            return Err(NotGzip::TooLong);
        }
    }
    let mut bytes = Vec::with_capacity(gzip.len().saturating_mul(8).min(bytes_max / 16));
    let mut member = GzDecoder::new(gzip).take(bytes_max as u64 + 1);
    member.read_to_end(&mut bytes).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => NotGzip::CutShort,
        _ => NotGzip::Damaged,
    })?;
    if bytes.len() > bytes_max {
        return Err(NotGzip::TooLong);
    }
    let trailing = !member.into_inner().into_inner().is_empty();
    Ok(Inflated { bytes, trailing })
}
