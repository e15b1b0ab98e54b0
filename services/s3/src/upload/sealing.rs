//! Sealing a body on its way in: counted, hashed and sealed as it comes, into a row when it is small, else into a blob.

use crate::{S3Error, opened::Content, request::Declared, table::Place};
use base::Fault;
use bytes::Bytes;
use envelope::segments::{self, HEADER_BYTES, Sealer, StreamKey};
use gateway::{Body, Ctx};
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};
use sigv4::checksum::{Checksum, ChecksumAlgorithm, Md5};
use std::io;
use store::BlobWriter;

/// Bodies up to here live in a row and cost no file.
pub const INLINE_BYTES_MAX: u64 = 32 * 1024;
/// So much of a body is sealed before other tasks of the thread get their turn.
const TURN_BYTES: usize = 1024 * 1024;

/// Where a body comes from.
pub enum Source<'a> {
    /// It is here.
    AtHand(&'a Bytes),
    /// From a client.
    Streamed {
        /// To be read to its proven end.
        body: Body,
        /// As declared.
        length: u64,
    },
    /// Another object's.
    Copied(Content),
}

impl Source<'_> {
    fn length(&self) -> u64 {
        match self {
            Source::AtHand(body) => body.len() as u64,
            Source::Streamed { length, .. } => *length,
            Source::Copied(Content::AtHand(body)) => body.len() as u64,
            Source::Copied(Content::Streamed { length, .. }) => *length,
        }
    }
}

/// How a body is sealed and what is computed of it.
pub struct Plan<'a> {
    /// The key of its segments.
    pub key: &'a StreamKey,
    /// What every segment is bound to.
    pub identity: &'a [u8],
    /// Whether its MD5 is seen: MD5 is the slowest part of a put by far.
    pub with_md5: bool,
    /// The checksum that is kept.
    pub checksum: ChecksumAlgorithm,
    /// What was declared of it.
    pub declared: &'a Declared,
}

/// Sealed bytes that no row names yet.
#[derive(Clone)]
pub struct SealedBody {
    /// The header of the segments.
    pub header: [u8; HEADER_BYTES],
    /// Where the segments are.
    pub place: Place,
    /// They themselves, when they are to be in a row.
    pub bytes: Option<Bytes>,
    /// What the body came to.
    pub digests: Digests,
}

/// What a whole body came to.
#[derive(Clone)]
pub struct Digests {
    /// Bytes in clear.
    pub length: u64,
    /// When it was asked for.
    pub md5: Option<[u8; 16]>,
    /// The checksum that is kept, in base64.
    pub checksum: String,
    /// The checksum that was declared, when that is another one.
    pub declared: Option<String>,
}

/// Seals a whole body. What was declared of it holds when this answers; nothing is left behind when it fails.
pub async fn seal_body(ctx: &Ctx, plan: &Plan<'_>, source: Source<'_>) -> Result<SealedBody, S3Error> {
    let sealing = Sealing::new(ctx, plan);
    let header = sealing.header;
    let sealed_len = segments::sealed_len(source.length());
    let (digests, place, bytes) = if source.length() <= INLINE_BYTES_MAX {
        let room = usize::try_from(sealed_len).unwrap_or(0);
        let mut sealed = Vec::with_capacity(room);
        let digests = read(plan.declared, source, sealing, Sink::Row(&mut sealed)).await?;
        (digests, Place::Bytes, Some(Bytes::from(sealed)))
    } else {
        let mut blob = ctx.world().blobs().create(sealed_len);
        let digests = read(plan.declared, source, sealing, Sink::Blob(&mut blob)).await?;
        (digests, Place::Blob(blob.finish().await?), None)
    };
    Ok(SealedBody {
        header,
        place,
        bytes,
        digests,
    })
}

/// A body on its way in.
struct Sealing {
    sealer: Sealer,
    header: [u8; HEADER_BYTES],
    md5: Option<Md5>,
    checksum: Checksum,
    declared: Option<Checksum>,
    length: u64,
}

impl Sealing {
    fn new(ctx: &Ctx, plan: &Plan<'_>) -> Sealing {
        let (sealer, header) = Sealer::new(plan.key, plan.identity, ctx.random());
        let declared = plan
            .declared
            .algorithm()
            .filter(|algorithm| *algorithm != plan.checksum);
        Sealing {
            sealer,
            header,
            md5: (plan.with_md5 || plan.declared.md5.is_some()).then(Md5::new),
            checksum: Checksum::new(plan.checksum),
            declared: declared.map(Checksum::new),
            length: 0,
        }
    }

    /// Takes more of the body and appends the segments that it fills.
    fn push(&mut self, plain: &[u8], out: &mut Vec<u8>) {
        if let Some(md5) = &mut self.md5 {
            md5.update(plain);
        }
        if let Some(declared) = &mut self.declared {
            declared.update(plain);
        }
        self.checksum.update(plain);
        self.sealer.push(plain, out);
        self.length += plain.len() as u64;
    }

    /// Appends the final segment.
    fn finish(self, out: &mut Vec<u8>) -> Digests {
        self.sealer.finish(out);
        Digests {
            length: self.length,
            md5: self.md5.map(Md5::finish),
            checksum: self.checksum.finish(),
            declared: self.declared.map(Checksum::finish),
        }
    }
}

/// Where sealed segments go.
enum Sink<'a> {
    Blob(&'a mut BlobWriter),
    Row(&'a mut Vec<u8>),
}

/// Reads a body to its proven end.
async fn read(
    declared: &Declared,
    source: Source<'_>,
    mut sealing: Sealing,
    mut sink: Sink<'_>,
) -> Result<Digests, S3Error> {
    let mut trailer = None;
    match source {
        Source::AtHand(body) => read_at_hand(body, &mut sealing, &mut sink).await?,
        Source::Copied(Content::AtHand(body)) => read_at_hand(&body, &mut sealing, &mut sink).await?,
        Source::Streamed { body, length } => trailer = read_streamed(body, length, &mut sealing, &mut sink).await?,
        Source::Copied(Content::Streamed { body, length }) => {
            read_opened(body, length, &mut sealing, &mut sink).await?;
        }
    }
    let digests = match &mut sink {
        Sink::Row(out) => sealing.finish(out),
        Sink::Blob(blob) => {
            let digests = sealing.finish(blob.buffer());
            blob.advance().await?;
            digests
        }
    };
    check(declared, &digests, trailer.as_deref())?;
    Ok(digests)
}

/// Reads what a client sends and gives back the checksum of the trailer.
async fn read_streamed(
    mut body: Body,
    length: u64,
    sealing: &mut Sealing,
    sink: &mut Sink<'_>,
) -> Result<Option<String>, S3Error> {
    let mut turn = 0;
    let mut came = 0_u64;
    while let Some(piece) = body.next().await? {
        came = came.saturating_add(piece.len() as u64);
        if came > length {
            return Err(S3Error::IncompleteBody);
        }
        take(sealing, &piece, sink).await?;
        turn += piece.len();
        if turn >= TURN_BYTES {
            turn = 0;
            tokio::task::yield_now().await;
        }
    }
    if came != length {
        return Err(S3Error::IncompleteBody);
    }
    let trailer = body.trailers().and_then(|trailers| trailers.checksum.as_ref());
    Ok(trailer.map(|(_, value)| value.clone()))
}

async fn read_at_hand(body: &[u8], sealing: &mut Sealing, sink: &mut Sink<'_>) -> Result<(), S3Error> {
    for piece in body.chunks(TURN_BYTES) {
        take(sealing, piece, sink).await?;
    }
    Ok(())
}

async fn read_opened(
    mut body: UnsyncBoxBody<Bytes, io::Error>,
    length: u64,
    sealing: &mut Sealing,
    sink: &mut Sink<'_>,
) -> Result<(), S3Error> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| Fault::io("reading the source of a copy", e))?;
        if let Ok(piece) = frame.into_data() {
            take(sealing, &piece, sink).await?;
            tokio::task::yield_now().await;
        }
    }
    match sealing.length == length {
        true => Ok(()),
        false => Err(Fault::corrupt("the source of a copy is shorter than its row says").into()),
    }
}

async fn take(sealing: &mut Sealing, piece: &[u8], sink: &mut Sink<'_>) -> Result<(), S3Error> {
    match sink {
        Sink::Row(out) => sealing.push(piece, out),
        Sink::Blob(blob) => {
            sealing.push(piece, blob.buffer());
            blob.advance().await?;
        }
    }
    Ok(())
}

/// Compares what came with what was declared.
fn check(declared: &Declared, digests: &Digests, trailer: Option<&str>) -> Result<(), S3Error> {
    if declared.md5.is_some_and(|md5| digests.md5 != Some(md5)) {
        return Err(S3Error::BadDigest("Content-MD5".to_owned()));
    }
    if declared.trailer.is_some() && trailer.is_none() {
        let text = "The trailer that x-amz-trailer announces did not come.";
        return Err(S3Error::InvalidRequest(text.into()));
    }
    let value = declared.checksum.as_ref().map(|(_, value)| value.as_str()).or(trailer);
    let computed = digests.declared.as_ref().unwrap_or(&digests.checksum);
    match (value, declared.algorithm()) {
        (Some(value), Some(algorithm)) if value != computed => Err(S3Error::BadDigest(algorithm.name().to_owned())),
        _ => Ok(()),
    }
}
