//! From files to batches, one record at a time: `{"Records": [...]}`, lists, JSON lines, records one after the other, and
//! all of these in gzip.

use super::{
    send::Batch,
    state::{Known, Summed},
    tally::Tally,
};
use anyhow::{Context, Result};
use flate2::read::MultiGzDecoder;
use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{
    cell::Cell,
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    rc::Rc,
    sync::{Arc, Mutex, OnceLock, PoisonError, atomic::AtomicUsize, atomic::Ordering},
};
use tokio::sync::mpsc;

/// A record takes no more, with the space around it. No record of CloudTrail has more than 256 KB.
const RECORD_BYTES_MAX: u64 = 8 << 20;
const BUFFER_BYTES: usize = 256 << 10;
const GZIP: [u8; 2] = [0x1f, 0x8b];
const ENDINGS: [&str; 4] = [".json", ".jsonl", ".ndjson", ".gz"];

/// Where records are.
pub(crate) enum Source {
    Stdin,
    File(PathBuf),
}

impl Source {
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Source::Stdin => None,
            Source::File(path) => Some(path),
        }
    }
}

/// Finds the files of a path, in order: it itself, or all below it that may hold records.
pub(crate) fn find(path: &Path, found: &mut Vec<Source>) -> Result<()> {
    let what = || format!("cannot read `{}`", path.display());
    if !path.metadata().with_context(what)?.is_dir() {
        found.push(Source::File(path.to_owned()));
        return Ok(());
    }
    let entries = path.read_dir().with_context(what)?.collect::<io::Result<Vec<_>>>();
    let mut entries: Vec<PathBuf> = entries.with_context(what)?.iter().map(|entry| entry.path()).collect();
    entries.sort();
    for entry in entries {
        let name = entry.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        // A link to a directory could lead around in a circle.
        let is_dir = entry.symlink_metadata().with_context(what)?.is_dir();
        if is_dir || ENDINGS.iter().any(|ending| name.ends_with(ending)) {
            find(&entry, found)?;
        }
    }
    Ok(())
}

/// A file whose records are under way. When the last holder lets go, all were answered, unless one failed.
pub(crate) struct UnderWay {
    /// Which file it is, once it was read to its end.
    pub(crate) file: OnceLock<Known>,
    /// Batches that are not answered, and one while the file is read.
    left: AtomicUsize,
}

impl UnderWay {
    /// One batch less. True: it was the last.
    pub(crate) fn finish(&self) -> bool {
        self.left.fetch_sub(1, Ordering::AcqRel) == 1
    }
}

/// Reads everything. Blocks its thread; ends early when nobody sends any more.
pub(crate) fn all(sources: Vec<Source>, to_send: &mpsc::Sender<Batch>, tally: &Mutex<Tally>) {
    for source in sources {
        let under_way = Arc::new(UnderWay {
            file: OnceLock::new(),
            left: AtomicUsize::new(1),
        });
        let mut out = Out {
            batch: Batch::of(&under_way),
            under_way: &under_way,
            to_send,
        };
        let done = read(&source, &mut |record| out.add(record));
        let sent = out.flush();
        let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.files_read += 1;
        let complete = match done {
            Ok(known) => {
                if let Some(known) = known {
                    let _ = under_way.file.set(known);
                }
                true
            }
            Err(error) => {
                let path = source.path().unwrap_or(Path::new("standard input")).to_owned();
                tally.unreadable.push((path, format!("{error:#}")));
                false
            }
        };
        drop(tally);
        if !sent {
            return;
        }
        if complete {
            // Told as an empty batch, so that it is counted behind those that are under way.
            let _ = to_send.blocking_send(Batch::end_of(under_way));
        }
    }
}

struct Out<'a> {
    batch: Batch,
    under_way: &'a Arc<UnderWay>,
    to_send: &'a mpsc::Sender<Batch>,
}

impl Out<'_> {
    /// Adds a record. False: nobody sends any more.
    fn add(&mut self, record: &str) -> bool {
        if self.batch.has_room_for(record) {
            self.batch.add(record);
            return true;
        }
        let sent = self.flush();
        self.batch.add(record);
        sent
    }

    fn flush(&mut self) -> bool {
        let batch = std::mem::replace(&mut self.batch, Batch::of(self.under_way));
        if batch.is_empty() {
            return true;
        }
        self.under_way.left.fetch_add(1, Ordering::AcqRel);
        self.to_send.blocking_send(batch).is_ok()
    }
}

/// Gives every record of a source as it is written, and says of a file what it was.
fn read(source: &Source, each: &mut dyn FnMut(&str) -> bool) -> Result<Option<Known>> {
    match source {
        Source::Stdin => values(io::stdin().lock(), each).map(|()| None),
        Source::File(path) => {
            // Summed up as it is read: what is written into it meanwhile, or after, is not known.
            let mut file = Summed::new(File::open(path)?);
            let mut taken = true;
            values(&mut file, &mut |record| {
                taken = each(record);
                taken
            })?;
            Ok(if taken { file.known(path)? } else { None })
        }
    }
}

fn values(input: impl Read, each: &mut dyn FnMut(&str) -> bool) -> Result<()> {
    let mut input = BufReader::with_capacity(BUFFER_BYTES, input);
    let zipped = input.fill_buf()?.starts_with(&GZIP);
    match zipped {
        true => records(MultiGzDecoder::new(input), each),
        false => records(input, each),
    }
}

fn records(input: impl Read, each: &mut dyn FnMut(&str) -> bool) -> Result<()> {
    let since = Rc::new(Cell::new(0));
    let input = Bounded {
        input,
        since: Rc::clone(&since),
    };
    let mut values = serde_json::Deserializer::from_reader(BufReader::with_capacity(BUFFER_BYTES, input));
    let mut stopped = false;
    let mut take = |record: &str| {
        since.set(0);
        let more = each(record);
        stopped |= !more;
        more
    };
    loop {
        // Not the end: another value, or what is none, which reading it says better.
        if values.end().is_ok() {
            return Ok(());
        }
        if let Err(error) = (Top { each: &mut take }).deserialize(&mut values) {
            return if stopped { Ok(()) } else { Err(error.into()) };
        }
    }
}

/// Reads no further when a record does not end.
struct Bounded<R> {
    input: R,
    since: Rc<Cell<u64>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since.get() > RECORD_BYTES_MAX {
            let text = format!("a record has more than {} MiB", RECORD_BYTES_MAX >> 20);
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        let count = self.input.read(buffer)?;
        self.since.set(self.since.get() + count as u64);
        Ok(count)
    }
}

/// A value that stands by itself: a file's whole, a list of records, a record.
struct Top<'a> {
    each: &'a mut dyn FnMut(&str) -> bool,
}

const NOBODY: &str = "nobody takes more records";

impl Top<'_> {
    fn give<E: Error>(&mut self, record: &str) -> Result<(), E> {
        match (self.each)(record) {
            true => Ok(()),
            false => Err(E::custom(NOBODY)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Top<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Top<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CloudTrail's JSON")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        while let Some(record) = seq.next_element::<Box<RawValue>>()? {
            self.give(record.get())?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut record = String::new();
        while let Some(name) = map.next_key::<String>()? {
            if name == "Records" && record.is_empty() {
                map.next_value_seed(List(&mut self))?;
                while map.next_key::<IgnoredAny>()?.is_some() {
                    map.next_value::<IgnoredAny>()?;
                }
                return Ok(());
            }
            let value = map.next_value::<Box<RawValue>>()?;
            record.push(if record.is_empty() { '{' } else { ',' });
            record.push_str(&serde_json::to_string(&name).map_err(A::Error::custom)?);
            record.push(':');
            record.push_str(value.get());
        }
        record.push_str(if record.is_empty() { "{}" } else { "}" });
        self.give(&record)
    }
}

/// The list of a file's records.
struct List<'a, 'b>(&'a mut Top<'b>);

impl<'de> DeserializeSeed<'de> for List<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(Top { each: self.0.each })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn found(text: &str) -> Result<Vec<String>> {
        let mut found = Vec::new();
        records(text.as_bytes(), &mut |record| {
            found.push(record.to_owned());
            true
        })?;
        Ok(found)
    }

    #[test]
    fn every_form_gives_its_records() {
        let check = |text: &str, expected: &[&str]| assert_eq!(found(text).unwrap(), expected, "{text}");
        check("", &[]);
        check(
            r#"{"Records":[{"a":1}, {"b":[2]}],"more":{}}"#,
            &[r#"{"a":1}"#, r#"{"b":[2]}"#],
        );
        check("{\"Records\":[]}\n", &[]);
        check("{\"a\":1}\n{\"b\":\"\\\"\"}\n\n", &[r#"{"a":1}"#, r#"{"b":"\""}"#]);
        check(
            r#"[{"a":1},{"b":2}] {"c":3}"#,
            &[r#"{"a":1}"#, r#"{"b":2}"#, r#"{"c":3}"#],
        );
        check(r#"{"a":1,"Records":[1]}"#, &[r#"{"a":1,"Records":[1]}"#]);
        check("{}", &["{}"]);
        assert!(found("{\"Records\":[{\"a\":1},").is_err() && found("nonsense").is_err() && found("7").is_err());
    }

    #[test]
    fn a_record_without_end_is_given_up() {
        let endless = io::Read::chain("{\"a\":\"".as_bytes(), io::repeat(b'x'));
        let error = records(endless, &mut |_| true).unwrap_err();
        assert!(format!("{error:#}").contains("8 MiB"), "{error:#}");
        // Many short ones may be as long as they like.
        let many = "{\"a\":1}\n".repeat(2_000_000);
        let mut count = 0;
        records(many.as_bytes(), &mut |_| {
            count += 1;
            true
        })
        .unwrap();
        assert_eq!(count, 2_000_000);
    }

    #[test]
    fn directories_are_read_in_order_and_gzip_is_seen_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a");
        std::fs::create_dir(&inner).unwrap();
        let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        zip.write_all(br#"{"Records":[{"zipped":true}]}"#).unwrap();
        std::fs::write(inner.join("2.json.gz"), zip.finish().unwrap()).unwrap();
        std::fs::write(inner.join("1.json"), "{\"plain\":true}").unwrap();
        std::fs::write(folder.path().join("notes.txt"), "no JSON").unwrap();
        let mut sources = Vec::new();
        find(folder.path(), &mut sources).unwrap();
        let mut all = Vec::new();
        for source in &sources {
            read(source, &mut |record| {
                all.push(record.to_owned());
                true
            })
            .unwrap();
        }
        assert_eq!(all, [r#"{"plain":true}"#, r#"{"zipped":true}"#]);
    }
}
