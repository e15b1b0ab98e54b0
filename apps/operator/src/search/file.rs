//! One file: inflated if it is gzip, and its records given one after the other.

use super::{
    event::Event,
    query::Matcher,
    scan::{Scan, Splitter},
};
use flate2::read::MultiGzDecoder;
use libdeflater::{Crc, Decompressor};
use memchr::memmem::find_iter;
use serde_json::value::RawValue;
use std::{
    io::{self, Cursor, Read},
    ops::ControlFlow,
};

/// A record takes no more, with the space around it. No record of CloudTrail has more than 256 KB.
const RECORD_BYTES_MAX: usize = 8 << 20;
/// What is inflated at once; longer files go through in pieces.
const WHOLE_BYTES_MAX: usize = 128 << 20;
/// So much is read at a time of what goes through in pieces.
const PIECE_BYTES: usize = 4 << 20;
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// With the one method there is; what follows are flags of five bits.
const GZIP_HEAD: [u8; 3] = [0x1f, 0x8b, 8];
const GZIP_FLAGS_MAX: u8 = 0x1f;
/// DEFLATE makes no more of a byte.
const RATIO_MAX: usize = 1032;

/// Why a file was not searched to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// It could not be read.
    #[error("{0}")]
    Unreadable(String),
    /// Its gzip is damaged or cut short.
    #[error("its gzip is damaged: {0}")]
    Gzip(String),
    /// It holds something that is no record, so many bytes from its beginning.
    #[error("byte {0} of its text is not what JSON with records has there")]
    Json(u64),
    /// It ends within a record or a list.
    #[error("its text ends too early")]
    CutShort,
    /// So many of its records that are meant are no JSON, or not in UTF-8; the first begins so many bytes from the beginning.
    #[error("{0}, the first at byte {1} of its text")]
    Records(u64, u64),
}

/// What was seen of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Bytes as they lie.
    pub(super) stored: u64,
    /// Bytes of text.
    pub(super) inflated: u64,
    /// Records that were looked at or passed over as certainly not meant; nothing is known of their number in files that were
    /// passed over as a whole.
    pub(super) matches: u64,
}

/// Searches one file after the other; keeps its memory.
pub(super) struct Searcher<'q> {
    matcher: &'q Matcher,
    inflater: Decompressor,
    text: Vec<u8>,
    small: Vec<u8>,
    bad: Bad,
}

/// Records of a file that are meant and cannot be given.
#[derive(Clone, Copy, Debug, Default)]
struct Bad {
    count: u64,
    first: u64,
}

/// What takes records that are meant; its Break ends the search.
pub(super) type Take<'t> = &'t mut dyn FnMut(&Event<'_>, &str) -> ControlFlow<()>;

impl<'q> Searcher<'q> {
    pub(super) fn new(matcher: &'q Matcher) -> Searcher<'q> {
        Searcher {
            matcher,
            inflater: Decompressor::new(),
            text: Vec::new(),
            small: Vec::new(),
            bad: Bad::default(),
        }
    }

    /// Whether all records of the file could be given.
    fn all_given(&mut self) -> Result<(), Fault> {
        match std::mem::take(&mut self.bad) {
            Bad { count: 0, .. } => Ok(()),
            Bad { count, first } => Err(Fault::Records(count, first)),
        }
    }

    /// Bytes that are all there.
    pub(super) fn bytes(&mut self, bytes: &[u8], seen: &mut Seen, take: Take<'_>) -> Result<(), Fault> {
        self.bad = Bad::default();
        if !bytes.starts_with(&GZIP) {
            seen.stored += bytes.len() as u64;
            return self.whole(bytes, seen, take);
        }
        match self.inflate(bytes) {
            Some(length) => {
                seen.stored += bytes.len() as u64;
                let text = std::mem::take(&mut self.text);
                let done = self.whole(text.get(..length).unwrap_or_default(), seen, take);
                self.text = text;
                done
            }
            // Long, of several members, or damaged: then what comes before the damage is searched.
            None => self.stream(Cursor::new(bytes), seen, take),
        }
    }

    /// Inflates a gzip file of one member that says truly how long it is.
    fn inflate(&mut self, bytes: &[u8]) -> Option<usize> {
        let trailer = bytes.last_chunk::<8>()?;
        let (sum, length) = trailer.split_first_chunk::<4>()?;
        let sum = u32::from_le_bytes(*sum);
        let length = u32::from_le_bytes(length.try_into().ok()?) as usize;
        if length > WHOLE_BYTES_MAX.min(bytes.len().saturating_mul(RATIO_MAX)) {
            return None;
        }
        if self.text.len() < length {
            self.text.resize(length, 0);
        }
        let room = self.text.get_mut(..length)?;
        let found = self.inflater.gzip_decompress(bytes, room).ok()?;
        // Several members, or what is none behind the first, end with another sum, unless all members are alike.
        let mut crc = Crc::new();
        crc.update(self.text.get(..found)?);
        let inside = bytes.get(GZIP_HEAD.len()..)?;
        let is_alone = find_iter(inside, &GZIP_HEAD).all(|at| {
            inside
                .get(at + GZIP_HEAD.len())
                .is_none_or(|flags| *flags > GZIP_FLAGS_MAX)
        });
        (found == length && crc.sum() == sum && is_alone).then_some(found)
    }

    fn whole(&mut self, text: &[u8], seen: &mut Seen, take: Take<'_>) -> Result<(), Fault> {
        let before = seen.inflated;
        seen.inflated += text.len() as u64;
        if !self.matcher.may_be_in(text, &mut self.small) {
            return Ok(());
        }
        let mut splitter = Splitter::default();
        let (at, more) = self.records(&mut splitter, (text, before), seen, take);
        match more {
            ControlFlow::Break(None) => Ok(()),
            ControlFlow::Break(Some(at)) => Err(Fault::Json(before + at as u64)),
            ControlFlow::Continue(()) => ends_well(&splitter, text.len() - at).and_then(|()| self.all_given()),
        }
    }

    /// What comes from elsewhere piece by piece, however long it is.
    pub(super) fn stream(&mut self, input: impl Read, seen: &mut Seen, take: Take<'_>) -> Result<(), Fault> {
        self.bad = Bad::default();
        let mut input = io::BufReader::with_capacity(1 << 18, Counted { input, count: 0 });
        let first = io::BufRead::fill_buf(&mut input).map_err(|error| Fault::Unreadable(error.to_string()))?;
        let zipped = first.starts_with(&GZIP);
        let count = |input: &io::BufReader<Counted<_>>| input.get_ref().count;
        match zipped {
            true => {
                let mut inflater = MultiGzDecoder::new(input);
                let done = self.pieces(&mut inflater, seen, take);
                seen.stored += count(inflater.get_ref());
                done.map_err(|fault| match fault {
                    Fault::Unreadable(reason) => Fault::Gzip(reason),
                    fault => fault,
                })
            }
            false => {
                let done = self.pieces(&mut input, seen, take);
                seen.stored += count(&input);
                done
            }
        }
    }

    fn pieces(&mut self, input: &mut dyn Read, seen: &mut Seen, take: Take<'_>) -> Result<(), Fault> {
        let mut splitter = Splitter::default();
        let mut text: Vec<u8> = Vec::new();
        // Where in the whole the first of these bytes is.
        let mut begin = seen.inflated;
        loop {
            let read = input.take(PIECE_BYTES as u64).read_to_end(&mut text);
            let (length, fault) = match read {
                Ok(length) => (length, None),
                // What was read before is in the buffer.
                Err(error) => (0, Some(Fault::Unreadable(error.to_string()))),
            };
            seen.inflated = begin + text.len() as u64;
            let (at, more) = self.records(&mut splitter, (&text, begin), seen, take);
            match more {
                ControlFlow::Break(None) => return Ok(()),
                ControlFlow::Break(Some(at)) => return Err(Fault::Json(begin + at as u64)),
                ControlFlow::Continue(()) => {}
            }
            if let Some(fault) = fault {
                return Err(fault);
            }
            text.drain(..at);
            begin += at as u64;
            if length == 0 {
                return ends_well(&splitter, text.len()).and_then(|()| self.all_given());
            }
            if text.len() > RECORD_BYTES_MAX {
                return Err(Fault::Json(begin));
            }
        }
    }

    /// Gives the records of these bytes that are meant, which begin so far from the beginning of the text. One that cannot be given does not
    /// end the file, for its own end was found. Says from where bytes are still needed, and whether to go on:
    /// Break(Some) is a place where no record can be.
    fn records(
        &mut self,
        splitter: &mut Splitter,
        (text, begin): (&[u8], u64),
        seen: &mut Seen,
        take: Take<'_>,
    ) -> (usize, ControlFlow<Option<usize>>) {
        let mut at = 0;
        loop {
            let from = match splitter.next(text, &mut at) {
                Scan::Done(Some(from)) => from,
                Scan::Bad => return (at, ControlFlow::Break(Some(at))),
                Scan::Done(None) | Scan::More => return (at, ControlFlow::Continue(())),
            };
            let (end, event) = match Event::scan(text, from) {
                Scan::Done(found) => found,
                Scan::More => return (from, ControlFlow::Continue(())),
                Scan::Bad => return (from, ControlFlow::Break(Some(from))),
            };
            if self.matcher.matches(&event, &mut self.small) {
                match serde_json::from_slice::<&RawValue>(event.raw()) {
                    Ok(record) => {
                        seen.matches += 1;
                        if take(&event, record.get()).is_break() {
                            return (end, ControlFlow::Break(None));
                        }
                    }
                    Err(_) => {
                        if self.bad.count == 0 {
                            self.bad.first = begin + from as u64;
                        }
                        self.bad.count += 1;
                    }
                }
            }
            at = end;
        }
    }
}

fn ends_well(splitter: &Splitter, left: usize) -> Result<(), Fault> {
    match splitter.may_end() && left == 0 {
        true => Ok(()),
        false => Err(Fault::CutShort),
    }
}

struct Counted<R> {
    input: R,
    count: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.count += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{pattern::Wildcard, query::Query};
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut zip = GzEncoder::new(Vec::new(), Compression::default());
        zip.write_all(text).unwrap();
        zip.finish().unwrap()
    }

    fn search(bytes: &[u8], name: &str) -> (Vec<String>, Result<(), Fault>, Seen) {
        let matcher = Matcher::new(Query {
            events: vec![Wildcard::new(name)],
            ..Query::default()
        });
        let (mut found, mut seen) = (Vec::new(), Seen::default());
        let mut searcher = Searcher::new(&matcher);
        let done = searcher.bytes(bytes, &mut seen, &mut |_, record| {
            found.push(record.to_owned());
            ControlFlow::Continue(())
        });
        let mut again = Vec::new();
        let streamed = searcher.stream(bytes, &mut Seen::default(), &mut |_, record| {
            again.push(record.to_owned());
            ControlFlow::Continue(())
        });
        assert!(
            found == again && done == streamed,
            "whole and in pieces: {done:?}, {streamed:?}"
        );
        (found, done, seen)
    }

    const TEXT: &str =
        r#"{"Records":[{"eventName":"GetKey","n":1},{"eventName":"PutKey"},{"eventName":"GetKey","n":2}]}"#;

    #[test]
    fn files_of_every_packing_are_searched() {
        let expected = [r#"{"eventName":"GetKey","n":1}"#, r#"{"eventName":"GetKey","n":2}"#];
        for bytes in [TEXT.as_bytes().to_vec(), gzip(TEXT.as_bytes())] {
            let (found, done, seen) = search(&bytes, "GetKey");
            assert_eq!((found.as_slice(), done), (&expected.map(str::to_owned)[..], Ok(())));
            assert_eq!(
                (seen.stored, seen.inflated, seen.matches),
                (bytes.len() as u64, TEXT.len() as u64, 2)
            );
        }
        let two = [gzip(TEXT.as_bytes()), gzip(b"\n{\"eventName\":\"GetKey\"}")].concat();
        assert_eq!(search(&two, "GetKey").0.len(), 3);
        // Even when both members end alike.
        assert_eq!(
            search(&[gzip(TEXT.as_bytes()), gzip(TEXT.as_bytes())].concat(), "Get*")
                .0
                .len(),
            4
        );
        assert_eq!(search(b"", "x"), (vec![], Ok(()), Seen::default()));
    }

    #[test]
    fn damage_is_told_and_what_lies_before_it_is_searched() {
        let long: String = (0..30_000)
            .map(|n| format!("{{\"eventName\":\"GetKey\",\"n\":{n}}}\n"))
            .collect();
        let zipped = gzip(long.as_bytes());
        let (found, done, _) = search(&zipped[..zipped.len() - 20], "GetKey");
        assert!(
            found.len() > 20_000 && matches!(done, Err(Fault::Gzip(_))),
            "{} {done:?}",
            found.len()
        );
        let mut flipped = zipped;
        let last = flipped.len() - 6;
        flipped[last] ^= 1;
        let (_, done, _) = search(&flipped, "GetKey");
        assert!(matches!(done, Err(Fault::Gzip(_))), "{done:?}");
        let (found, done, _) = search(&TEXT.as_bytes()[..TEXT.len() - 1], "GetKey");
        assert_eq!((found.len(), done), (2, Err(Fault::CutShort)));
        let (found, done, _) = search(b"{\"eventName\":\"GetKey\"} GetKey", "GetKey");
        assert_eq!((found.len(), done), (1, Err(Fault::Json(23))));
        let (_, done, _) = search(b"{\"eventName\":\"GetKey\",\"x\":tru}", "GetKey");
        assert_eq!(done, Err(Fault::Records(1, 0)), "what is given is JSON");
    }

    #[test]
    fn a_record_that_cannot_be_given_does_not_end_its_file() {
        let long = "x".repeat(PIECE_BYTES + 1000);
        for (bad, filler) in [(&b"\xff\xfe"[..], ""), (b"\x01", ""), (b"\xff", long.as_str())] {
            let before = format!(r#"{{"Records":[{{"eventName":"GetKey","n":1,"x":"{filler}"}},"#);
            let record = [br#"{"eventName":"GetKey","n":2,"x":""#, bad, br#""}"#].concat();
            let after = br#",{"eventName":"GetKey","n":3},{"eventName":"PutKey"}]}"#;
            let text = [before.as_bytes(), &record, b",", &record, after].concat();
            for bytes in [text.clone(), gzip(&text)] {
                let (found, done, _) = search(&bytes, "GetKey");
                assert_eq!((found.len(), done), (2, Err(Fault::Records(2, before.len() as u64))));
                assert!(found[1].contains("\"n\":3"));
                let (found, done, _) = search(&bytes, "PutKey");
                assert_eq!((found.len(), done), (1, Ok(())), "what is not meant is not looked at");
            }
        }
    }
}
