//! Opening the bytes of objects: any range of them, in bounded memory.

use crate::{
    seal::{At, identity, part_identity, part_key},
    table::{self, Object, Part, Place},
};
use base::Fault;
use bytes::Bytes;
use envelope::segments::{Opener, StreamKey};
use gateway::Ctx;
use http_body::{Body, Frame};
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};
use std::{
    collections::VecDeque,
    io,
    ops::Range,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};
use store::{BlobReader, Blobs, Held, ReadView};
use tokio::task::{JoinHandle, spawn_blocking};

/// Sealed bytes at hand.
pub enum SealedBytes {
    /// An open file.
    Blob(BlobReader),
    /// From a row.
    Row(Bytes),
    /// Those of the object's parts.
    Parts,
}

/// What is given of an object.
pub enum Content {
    /// It is here.
    AtHand(Bytes),
    /// It opens as it is taken.
    Streamed {
        /// The bytes.
        body: UnsyncBoxBody<Bytes, io::Error>,
        /// How many.
        length: u64,
    },
}

impl Content {
    fn of(opened: impl Body<Data = Bytes, Error = io::Error> + Send + 'static, length: u64) -> Content {
        Content::Streamed {
            body: opened.boxed_unsync(),
            length,
        }
    }
}

/// Opens a range of an object under its data key.
pub async fn content(
    ctx: &Ctx,
    view: &ReadView<'_>,
    at: At<'_>,
    object: &Object,
    key: &StreamKey,
    sealed: SealedBytes,
    range: Range<u64>,
) -> Result<Content, Fault> {
    match sealed {
        SealedBytes::Row(sealed) => {
            let opened = open_range(&opener(key, at, object)?, &sealed, range)?;
            Ok(Content::AtHand(opened))
        }
        SealedBytes::Blob(reader) => {
            let opened = Opened::new(reader, opener(key, at, object)?, range);
            let length = opened.take;
            Ok(Content::of(opened, length))
        }
        SealedBytes::Parts => {
            let opened = OpenedParts::new(ctx, view, at, object, key, range).await?;
            let length = opened.left;
            Ok(Content::of(opened, length))
        }
    }
}

/// An opener of an object's segments.
fn opener(key: &StreamKey, at: At<'_>, object: &Object) -> Result<Opener, Fault> {
    Opener::new(key, &identity(&object.id, at), &object.segments_header, object.size)
        .map_err(|e| Fault::corrupt_by("the header of an object's segments", e))
}

fn does_not_open(e: envelope::DoesNotOpen) -> Fault {
    Fault::corrupt_by("a segment of an object", e)
}

/// Opens a range of an object whose segments are at hand.
fn open_range(opener: &Opener, sealed: &[u8], range: Range<u64>) -> Result<Bytes, Fault> {
    let span = opener.segments_for(range);
    let mut out = Vec::with_capacity(usize::try_from(span.take).unwrap_or(0));
    let mut skip = usize::try_from(span.skip).unwrap_or(usize::MAX);
    for index in span.segments {
        let place = opener.segment(index);
        let bounds = (usize::try_from(place.start), usize::try_from(place.end));
        let (Ok(start), Ok(end)) = bounds else {
            return Err(Fault::Bug("a segment beyond memory"));
        };
        let segment = sealed
            .get(start..end)
            .ok_or_else(|| Fault::corrupt("a body row is too short"))?;
        let mut segment = segment.to_vec();
        let plain = opener.open_segment(index, &mut segment).map_err(does_not_open)?;
        out.extend_from_slice(plain.get(skip..).unwrap_or_default());
        skip = 0;
    }
    out.truncate(usize::try_from(span.take).unwrap_or(usize::MAX));
    Ok(Bytes::from(out))
}

/// How many segments are read at once: half a mebibyte.
const SEGMENTS_AT_ONCE: u64 = 8;

/// A range of an object in a blob, opened piece by piece as the client takes it. Holds two pieces at most.
///
/// The blob stays readable when the object is deleted or replaced meanwhile.
struct Opened {
    reader: BlobReader,
    opener: Arc<Opener>,
    /// Segments that were not asked for yet.
    segments: Range<u64>,
    /// Bytes before the range in the next segment.
    skip: u64,
    /// Bytes of the range still to give.
    take: u64,
    /// Whether the disk must be waited for. While the operating system has the sealed bytes in memory, they are read and
    /// opened right here, one segment at a time, so that each is still in the processor's cache when it is sent.
    cold: bool,
    under_way: Option<JoinHandle<Result<Vec<Bytes>, Fault>>>,
    ready: VecDeque<Bytes>,
}

/// Memory of one segment, lent from a stock: fresh memory would cost about as much as to open what it holds.
struct Lent(Vec<u8>);

/// At most so much memory waits to be lent again: four mebibytes.
const STOCK_MAX: usize = 64;

static STOCK: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

impl Lent {
    fn of(length: usize) -> Lent {
        let spare = STOCK.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut memory = spare.unwrap_or_default();
        memory.resize(length, 0);
        Lent(memory)
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut stock = STOCK.lock().unwrap_or_else(PoisonError::into_inner);
        if stock.len() < STOCK_MAX {
            stock.push(std::mem::take(&mut self.0));
        }
    }
}

impl Opened {
    /// The bytes of `range`.
    fn new(reader: BlobReader, opener: Opener, range: Range<u64>) -> Opened {
        let span = opener.segments_for(range);
        Opened {
            reader,
            opener: Arc::new(opener),
            segments: span.segments,
            skip: span.skip,
            take: span.take,
            cold: false,
            under_way: None,
            ready: VecDeque::new(),
        }
    }

    /// The next segment, if the operating system has it in memory; `None` when the disk must be waited for.
    fn at_hand(&mut self) -> Option<Result<Bytes, Fault>> {
        let index = self.segments.start;
        if self.cold || self.under_way.is_some() || self.segments.is_empty() {
            return None;
        }
        let place = self.opener.segment(index);
        let length = usize::try_from(place.end.saturating_sub(place.start)).ok()?;
        let mut memory = Lent::of(length);
        if !self.reader.read_at_hand(place.start, &mut memory.0) {
            self.cold = true;
            return None;
        }
        self.segments.start += 1;
        let opened = self.opener.open_segment(index, &mut memory.0).map(<[u8]>::len);
        Some(opened.map_err(does_not_open).map(|length| {
            let mut segment = Bytes::from_owner(memory);
            segment.truncate(length);
            segment
        }))
    }

    /// The head of the answer is out: all that is left is to log, and to end the connection.
    fn fail(&mut self, error: io::Error) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        tracing::error!(error = %gateway::error::Chain(&error), "an object could not be read to its end");
        self.segments = 0..0;
        Poll::Ready(Some(Err(error)))
    }

    fn read_ahead(&mut self) {
        if self.under_way.is_some() || self.segments.is_empty() {
            return;
        }
        let end = self
            .segments
            .end
            .min(self.segments.start.saturating_add(SEGMENTS_AT_ONCE));
        let piece = self.segments.start..end;
        self.segments.start = end;
        let (reader, opener) = (self.reader.clone(), Arc::clone(&self.opener));
        self.under_way = Some(spawn_blocking(move || open_piece(&reader, &opener, piece)));
    }

    /// Cuts what lies outside of the range off an opened segment.
    fn cut(&mut self, mut segment: Bytes) -> Bytes {
        let skip = usize::try_from(self.skip).unwrap_or(usize::MAX).min(segment.len());
        self.skip = 0;
        let mut segment = segment.split_off(skip);
        segment.truncate(usize::try_from(self.take).unwrap_or(usize::MAX));
        self.take -= segment.len() as u64;
        segment
    }
}

/// Reads and opens neighbouring segments. Blocks the thread.
fn open_piece(reader: &BlobReader, opener: &Opener, piece: Range<u64>) -> Result<Vec<Bytes>, Fault> {
    let first = opener.segment(piece.start).start;
    let last = opener.segment(piece.end.saturating_sub(1)).end;
    let length = usize::try_from(last.saturating_sub(first)).map_err(|_| Fault::Bug("a piece beyond memory"))?;
    let mut sealed = vec![0; length];
    reader.read_exact_at(first, &mut sealed)?;
    let mut lengths = Vec::new();
    for (index, segment) in piece.zip(sealed.chunks_mut(opener.segment_len())) {
        lengths.push(opener.open_segment(index, segment).map_err(does_not_open)?.len());
    }
    let mut rest = Bytes::from(sealed);
    let mut opened = Vec::with_capacity(lengths.len());
    for length in lengths {
        let mut segment = rest.split_to(rest.len().min(opener.segment_len()));
        segment.truncate(length);
        opened.push(segment);
    }
    Ok(opened)
}

impl Body for Opened {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        loop {
            while let Some(segment) = self.ready.pop_front() {
                let data = self.cut(segment);
                if !data.is_empty() {
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
            }
            match self.at_hand() {
                Some(Ok(segment)) => {
                    self.ready.push_back(segment);
                    continue;
                }
                Some(Err(fault)) => return self.fail(io::Error::other(fault)),
                None => self.read_ahead(),
            }
            let Some(under_way) = &mut self.under_way else {
                return Poll::Ready(None);
            };
            let opened = ready!(Pin::new(under_way).poll(cx)).map_err(io::Error::other);
            self.under_way = None;
            match opened.and_then(|opened| opened.map_err(io::Error::other)) {
                Ok(segments) => self.ready.extend(segments),
                Err(error) => return self.fail(error),
            }
            self.read_ahead();
        }
    }
}

/// A range of an object that was uploaded in parts, part after part. Of the sealed bytes it holds what one blob's reader
/// holds; of each part that is still to come a few dozen bytes.
///
/// The parts stay readable when the object is deleted or replaced meanwhile.
struct OpenedParts {
    blobs: Blobs,
    _held: Held,
    key: StreamKey,
    object: [u8; 16],
    bucket: String,
    object_key: String,
    parts: VecDeque<Span>,
    current: Option<Opened>,
    /// Bytes of the range still to give.
    left: u64,
}

/// What is read of a part.
struct Span {
    number: u16,
    part: Part,
    /// Its bytes, if they were in a row.
    bytes: Option<Bytes>,
    range: Range<u64>,
}

impl OpenedParts {
    async fn new(
        ctx: &Ctx,
        view: &ReadView<'_>,
        at: At<'_>,
        object: &Object,
        key: &StreamKey,
        range: Range<u64>,
    ) -> Result<OpenedParts, Fault> {
        let left = range.end.saturating_sub(range.start);
        let parts = spans(view, at.0, &object.id, range).await?;
        let blob = |span: &Span| match span.part.place {
            Place::Blob(id) => Some(id),
            _ => None,
        };
        let blobs = ctx.world().blobs().clone();
        let held = blobs.hold(parts.iter().filter_map(blob).collect());
        // What was removed before is not held: then the object is gone by now.
        let newest = ctx.world().snapshot();
        if table::index(&newest.view(), at.0, &object.id).await?.is_none() {
            return Err(Fault::Stale);
        }
        Ok(OpenedParts {
            blobs,
            _held: held,
            key: key.clone(),
            object: object.id,
            bucket: at.0.to_owned(),
            object_key: at.1.to_owned(),
            parts,
            current: None,
            left,
        })
    }

    /// Begins a part: gives its bytes when they are at hand, else they come from the blob.
    fn begin(&mut self, span: Span) -> Result<Option<Bytes>, Fault> {
        let Span {
            number,
            part,
            bytes,
            range,
        } = span;
        let identity = part_identity(&self.object, (&self.bucket, &self.object_key), number);
        let key = part_key(&self.key, &part.id);
        let opener = Opener::new(&key, &identity, &part.segments_header, part.size)
            .map_err(|e| Fault::corrupt_by("the header of a part's segments", e))?;
        match (part.place, bytes) {
            (Place::Blob(id), _) => {
                self.current = Some(Opened::new(self.blobs.open_held(id)?, opener, range));
                Ok(None)
            }
            (_, Some(bytes)) => open_range(&opener, &bytes, range).map(Some),
            (_, None) => Err(Fault::Bug("a part without a blob was read without its bytes")),
        }
    }
}

/// The parts that a range touches, with what it takes of each.
async fn spans(
    view: &ReadView<'_>,
    bucket: &str,
    object: &[u8; 16],
    range: Range<u64>,
) -> Result<VecDeque<Span>, Fault> {
    let index = table::index(view, bucket, object).await?;
    let index = index.ok_or_else(|| Fault::corrupt("an object has lost the index of its parts"))?;
    let mut wanted = VecDeque::new();
    let mut offset = 0_u64;
    for (number, size) in index.0 {
        let end = offset.saturating_add(size);
        let within = range.start.max(offset)..range.end.min(end);
        if within.start < within.end {
            wanted.push_back((number, within.start - offset..within.end - offset));
        }
        offset = end;
    }
    let (Some((first, _)), count) = (wanted.front(), wanted.len()) else {
        return Ok(VecDeque::new());
    };
    let found = table::parts(view, bucket, object, first.saturating_sub(1), count).await?;
    let mut spans = VecDeque::with_capacity(count);
    for ((number, range), (found, part)) in wanted.into_iter().zip(found) {
        if number != found {
            break;
        }
        let bytes = match part.place {
            Place::Blob(_) => None,
            _ => Some(table::part_bytes(view, bucket, &part).await?),
        };
        spans.push_back(Span {
            number,
            part,
            bytes,
            range,
        });
    }
    match spans.len() == count {
        true => Ok(spans),
        false => Err(Fault::corrupt("an object has lost a part")),
    }
}

impl Body for OpenedParts {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        loop {
            if let Some(current) = &mut self.current {
                match ready!(Pin::new(current).poll_frame(cx)) {
                    Some(Ok(frame)) => {
                        let length = frame.data_ref().map_or(0, Bytes::len) as u64;
                        self.left = self.left.saturating_sub(length);
                        return Poll::Ready(Some(Ok(frame)));
                    }
                    Some(Err(error)) => {
                        self.parts.clear();
                        return Poll::Ready(Some(Err(error)));
                    }
                    None => self.current = None,
                }
            }
            let Some(span) = self.parts.pop_front() else {
                return Poll::Ready(None);
            };
            match self.begin(span) {
                Ok(None) => {}
                Ok(Some(bytes)) if bytes.is_empty() => {}
                Ok(Some(bytes)) => {
                    self.left = self.left.saturating_sub(bytes.len() as u64);
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Err(fault) => {
                    self.parts.clear();
                    let error = io::Error::other(fault);
                    tracing::error!(error = %gateway::error::Chain(&error), "an object could not be read to its end");
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{table::Seal, tests::House};
    use base::Random;
    use envelope::{
        Key256,
        segments::{HEADER_BYTES, Sealer},
    };
    use proptest::prelude::*;

    fn object(size: u64) -> Object {
        Object {
            id: [7; 16],
            size,
            modified: base::Timestamp::EPOCH,
            etag: String::new(),
            seal: Seal::S3 { wrapped: Vec::new() },
            segments_header: [0; HEADER_BYTES],
            place: crate::table::Place::Row,
            headers: Default::default(),
            metadata: Vec::new(),
            checksum: None,
            acl: None,
            tags: Vec::new(),
            lock: Default::default(),
            owner: None,
            grants: None,
        }
    }

    fn sealed(plain: &[u8]) -> (StreamKey, Object, Vec<u8>) {
        let random = Random::seeded(3);
        let key = StreamKey::from(Key256::generate(&random));
        let mut object = object(plain.len() as u64);
        let (mut sealer, header) = Sealer::new(&key, &identity(&object.id, ("b", "k")), &random);
        object.segments_header = header;
        let mut out = Vec::new();
        sealer.push(plain, &mut out);
        sealer.finish(&mut out);
        (key, object, out)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn any_range_opens(length in 0_usize..150_000, ends in (0_u64..150_000, 0_u64..150_000)) {
            let plain: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let (key, object, out) = sealed(&plain);
            let opener = opener(&key, ("b", "k"), &object).unwrap();
            let (start, end) = (ends.0.min(ends.1).min(length as u64), ends.0.max(ends.1).min(length as u64));
            let opened = open_range(&opener, &out, start..end).unwrap();
            prop_assert_eq!(&opened[..], &plain[start as usize..end as usize]);
        }
    }

    async fn opened(
        reader: &BlobReader,
        key: &StreamKey,
        object: &Object,
        range: Range<u64>,
        cold: bool,
    ) -> Option<Vec<u8>> {
        let mut body = Opened::new(reader.clone(), opener(key, ("b", "k"), object).unwrap(), range);
        body.cold = cold;
        Some(body.collect().await.ok()?.to_bytes().to_vec())
    }

    #[tokio::test]
    async fn a_blob_opens_alike_from_memory_and_from_the_disk() {
        let house = House::new().await;
        let blobs = house.world.blobs();
        let plain: Vec<u8> = (0..1_200_000_u32).map(|i| (i / 7) as u8).collect();
        let (key, object, out) = sealed(&plain);
        let write = async |bytes: &[u8]| {
            let mut writer = blobs.create(bytes.len() as u64);
            writer.write(bytes).await.unwrap();
            blobs.open(writer.finish().await.unwrap()).await.unwrap().unwrap()
        };
        let whole = write(&out).await;
        let cut = write(&out[..out.len() - 70_000]).await;
        for (start, end) in [
            (0, 1_200_000),
            (0, 0),
            (65_535, 65_537),
            (65_536, 131_072),
            (700_001, 1_199_999),
        ] {
            for cold in [false, true] {
                let found = opened(&whole, &key, &object, start..end, cold).await;
                assert_eq!(
                    found.as_deref(),
                    plain.get(start as usize..end as usize),
                    "{start}..{end}, cold: {cold}"
                );
            }
        }
        for cold in [false, true] {
            assert_eq!(
                opened(&cut, &key, &object, 0..1_200_000, cold).await,
                None,
                "cold: {cold}"
            );
            let other = StreamKey::from(Key256::from_bytes([1; 32]));
            assert_eq!(
                opened(&whole, &other, &object, 0..70_000, cold).await,
                None,
                "cold: {cold}"
            );
        }
    }

    #[test]
    fn another_objects_bytes_do_not_open() {
        let (key, mut object, out) = sealed(b"hello");
        let elsewhere = opener(&key, ("b", "other"), &object).unwrap();
        assert!(open_range(&elsewhere, &out, 0..5).is_err());
        object.id = [8; 16];
        let older = opener(&key, ("b", "k"), &object).unwrap();
        assert!(open_range(&older, &out, 0..5).is_err());
        assert_ne!(identity(&[0; 16], ("a", "b/c")), identity(&[0; 16], ("a", "b")));
    }
}
