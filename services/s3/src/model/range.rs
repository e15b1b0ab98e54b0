//! Byte ranges of a read.
//!
//! SPEC: RFC 9110, section 14; S3 serves one range per request and ignores a header that it cannot read.

use std::ops::Range;

/// One range, before the object's length is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteRange {
    /// `bytes=a-`
    From(u64),
    /// `bytes=a-b`, both ends included.
    Between(u64, u64),
    /// `bytes=-n`
    Last(u64),
}

/// No byte of the object lies in the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsatisfiable;

impl ByteRange {
    /// Reads a `Range` header; `None` means that the header is as good as absent.
    pub fn parse(header: &str) -> Option<ByteRange> {
        let (unit, set) = header.trim().split_once('=')?;
        let (first, last) = set.trim().split_once('-')?;
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return None;
        }
        match (number(first)?, number(last)?) {
            (Some(first), Some(last)) => (first <= last).then_some(ByteRange::Between(first, last)),
            (Some(first), None) => Some(ByteRange::From(first)),
            (None, Some(last)) => Some(ByteRange::Last(last)),
            (None, None) => None,
        }
    }

    /// The bytes of an object of `length` that the range selects.
    pub fn within(self, length: u64) -> Result<Range<u64>, Unsatisfiable> {
        let range = match self {
            ByteRange::From(first) => first..length,
            ByteRange::Between(first, last) => first..last.saturating_add(1).min(length),
            ByteRange::Last(count) => length.saturating_sub(count)..length,
        };
        if range.start < range.end {
            Ok(range)
        } else {
            Err(Unsatisfiable)
        }
    }
}

/// A number that may be missing; `None` when it is something else.
fn number(text: &str) -> Option<Option<u64>> {
    match text.trim() {
        "" => Some(None),
        text if text.bytes().all(|b| b.is_ascii_digit()) => {
            // More digits than a u64 has lie behind every object.
            Some(Some(text.parse().unwrap_or(u64::MAX)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_become_ranges() {
        let check = |header, length, expected: Option<Result<Range<u64>, Unsatisfiable>>| {
            assert_eq!(ByteRange::parse(header).map(|r| r.within(length)), expected, "{header}");
        };
        check("bytes=0-4", 10, Some(Ok(0..5)));
        check("bytes=4-100", 10, Some(Ok(4..10)));
        check("bytes=9-", 10, Some(Ok(9..10)));
        check("bytes=-3", 10, Some(Ok(7..10)));
        check("bytes=-30", 10, Some(Ok(0..10)));
        check("bytes=10-", 10, Some(Err(Unsatisfiable)));
        check("bytes=-0", 10, Some(Err(Unsatisfiable)));
        check("bytes=0-0", 0, Some(Err(Unsatisfiable)));
        check("bytes=0-99999999999999999999999", 3, Some(Ok(0..3)));
        check(
            "bytes=18446744073709551615-18446744073709551615",
            3,
            Some(Err(Unsatisfiable)),
        );
        for ignored in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-4",
            "bytes=a-b",
            "chars=0-1",
            "bytes=0-1,3-4",
            "bytes=+1-2",
        ] {
            check(ignored, 10, None);
        }
    }
}
