//! Putting events into a stream's chunks.

use crate::{
    LogsError,
    model::{
        chunk::{self, CHUNK_BYTES_MAX, Event, GROWING_BYTES_MAX, SPAN_MAX},
        group::LogGroup,
        stream::{Growing, LogStream},
    },
    seal,
    table::{self, At},
};
use base::Fault;
use envelope::Key256;
use gateway::{Ctx, Txn};

/// Adds events, in the order of time, to a stream: to its newest chunk while that is small and they follow it, else to new
/// ones.
pub(crate) async fn append(
    ctx: &Ctx,
    txn: &mut Txn,
    group: &LogGroup,
    before: &LogStream,
    mut events: Vec<Event>,
) -> Result<LogStream, LogsError> {
    let mut stream = before.clone();
    let (Some(first), Some(last)) = (events.first(), events.last()) else {
        return Ok(stream);
    };
    stream.first_event = Some(stream.first_event.map_or(first.time, |known| known.min(first.time)));
    stream.last_event = Some(stream.last_event.map_or(last.time, |known| known.max(last.time)));
    stream.last_ingestion = Some(ctx.now().as_millis());
    stream.bytes = stream.bytes.saturating_add(events.iter().map(Event::bytes).sum());
    let key = seal::open_key(ctx, txn, group, group.key).await?;
    if let Some(growing) = stream.growing {
        let added = fitting(&growing, group, &events);
        if added > 0 {
            let rest = events.split_off(added);
            let more = std::mem::replace(&mut events, rest);
            let sealed = table::chunk(&txn.view(), &group.id, &stream.id, growing.number).await?;
            let packed = seal::open(&key, &stream.id, growing.number, &sealed)?;
            let mut all = chunk::unpack(&packed)?;
            all.extend(more);
            let at = At {
                oldest: growing.oldest,
                number: growing.number,
            };
            write(ctx, txn, (group, &key), &mut stream, at, &all)?;
        }
    }
    for piece in chunk::cut(events) {
        let Some(oldest) = piece.first().map(|event| event.time) else {
            continue;
        };
        let number = stream.next_chunk;
        stream.next_chunk = number.saturating_add(1);
        write(ctx, txn, (group, &key), &mut stream, At { oldest, number }, &piece)?;
    }
    table::put_stream(txn, &group.id, &stream, Some(before));
    Ok(stream)
}

/// How many of the events may be added to the newest chunk.
fn fitting(growing: &Growing, group: &LogGroup, events: &[Event]) -> usize {
    let follows = events.first().is_some_and(|event| event.time >= growing.newest);
    if !follows || growing.key != group.key {
        return 0;
    }
    let fits = chunk::fitting(events, CHUNK_BYTES_MAX.saturating_sub(growing.bytes));
    let in_span = events.partition_point(|event| event.time.saturating_sub(growing.oldest) <= SPAN_MAX);
    fits.min(in_span)
}

fn write(
    ctx: &Ctx,
    txn: &mut Txn,
    (group, key): (&LogGroup, &Key256),
    stream: &mut LogStream,
    at: At,
    events: &[Event],
) -> Result<(), Fault> {
    let span = chunk::span_of(events, group.key).ok_or(Fault::Bug("a chunk without events"))?;
    let sealed = seal::seal(ctx, key, &stream.id, at.number, &chunk::pack(events)?);
    stream.growing = (span.bytes < GROWING_BYTES_MAX).then_some(Growing {
        oldest: at.oldest,
        number: at.number,
        newest: span.newest,
        bytes: span.bytes,
        key: span.key,
    });
    table::put_chunk(txn, (&group.id, &stream.id), at, (&span, sealed));
    Ok(())
}
