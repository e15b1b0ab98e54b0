//! What a check of a closed data directory asks of this room's rows.

use super::{
    Doomed, GroupKey, KeySeal, LogGroup, LogStream, MetricFilter, Span, chunk, group_key, id_of, key_purpose,
    number_of, parse_doomed_row, parse_key_row, parse_span_row, parts,
};
use crate::{
    model::{chunk as chunks, pattern::Pattern},
    seal,
};
use base::Fault;
use envelope::{Key256, WrappedKey};
use gateway::check::{Checker, Kind, Name, RowCheck};
use store::Stored;

/// Rows that belong to a group, and to a stream, of an id.
const OF_GROUP: u8 = 32;
const OF_STREAM: u8 = 33;

/// The tables of this room.
pub const CHECKS: &[RowCheck] = &[
    RowCheck::new("logs/group/", |checker, key, row| {
        Box::pin(check_group(checker, key, row))
    })
    .naming(|_, row| Ok(vec![Name::Row(OF_GROUP, LogGroup::decode(row)?.id)])),
    RowCheck::new("logs/key/", |checker, key, row| Box::pin(check_key(checker, key, row)))
        .named(|key| of_group(key, "logs/key/")),
    RowCheck::new("logs/filter/", |_, _, row| {
        Box::pin(std::future::ready(check_filter(row)))
    })
    .named(|key| of_group(key, "logs/filter/")),
    RowCheck::new("logs/stream/", |checker, key, row| {
        Box::pin(check_stream(checker, key, row))
    })
    .naming(|_, row| Ok(vec![Name::Row(OF_STREAM, LogStream::decode(row)?.id)]))
    .named(|key| of_group(key, "logs/stream/")),
    RowCheck::new("logs/latest/", |checker, key, _| Box::pin(check_latest(checker, key)))
        .named(|key| of_group(key, "logs/latest/")),
    RowCheck::new("logs/span/", |checker, key, row| {
        Box::pin(check_span(checker, key, row))
    })
    .named(|key| of_stream(key, "logs/span/")),
    RowCheck::new("logs/chunk/", |_, _, _| Box::pin(std::future::ready(Ok(()))))
        .named(|key| of_stream(key, "logs/chunk/")),
    RowCheck::new("logs/due/", |checker, key, row| Box::pin(check_due(checker, key, row))),
    RowCheck::new("logs/doomed/", |_, _, _| Box::pin(std::future::ready(Ok(())))).naming(|key, _| {
        Ok(match parse_doomed_row(key)? {
            Doomed { group, stream: None } => vec![Name::Row(OF_GROUP, group)],
            Doomed {
                stream: Some(stream), ..
            } => vec![Name::Row(OF_STREAM, stream)],
        })
    }),
];

fn of_group(key: &[u8], table: &str) -> Option<Name> {
    let parts = parts(key, table).ok()?;
    Some(Name::Row(OF_GROUP, id_of(parts.first()).ok()?))
}

fn of_stream(key: &[u8], table: &str) -> Option<Name> {
    let parts = parts(key, table).ok()?;
    Some(Name::Row(OF_STREAM, id_of(parts.get(1)).ok()?))
}

async fn check_group(checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<(), Fault> {
    let group = LogGroup::decode(row)?;
    checker.count("log groups", 1);
    if super::group_row(group.account, &group.region, &group.name) != key {
        checker.row(Kind::Disagrees, key, "it is the row of another log group");
    }
    if group_key(&checker.view, &group.id, group.key).await?.is_none() {
        checker.row(Kind::Missing, key, "the key that seals its events is not there");
    }
    if group.retention_days.is_some() != group.retention_due.is_some() {
        checker.row(
            Kind::Disagrees,
            key,
            "its retention and when it is looked through do not agree",
        );
    }
    if let Some(due) = group.retention_due
        && checker.view.get(&super::due_row(due, &group.id)).await?.is_none()
    {
        checker.row(Kind::Missing, key, "the schedule does not have it");
    }
    Ok(())
}

async fn check_key(checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<(), Fault> {
    let (group, number) = parse_key_row(key)?;
    match opened(checker, &group, number, &GroupKey::decode(row)?).await? {
        Some(_) => checker.count("log keys", 1),
        None => checker.count("log keys whose KMS key is gone", 1),
    }
    Ok(())
}

/// A group's data key; `None` when the KMS key that sealed it is gone.
async fn opened(checker: &Checker<'_>, group: &[u8; 16], number: u32, row: &GroupKey) -> Result<Option<Key256>, Fault> {
    match &row.seal {
        KeySeal::Keyring { wrapped } => {
            let keyring = checker.world.keyrings.of(&checker.view, row.account).await?;
            let wrapped = WrappedKey::from_bytes(wrapped.clone());
            Ok(Some(keyring.unwrap(&wrapped, &key_purpose(group, number))?))
        }
        KeySeal::Kms { ciphertext, .. } => {
            let region = base::Region::parse(row.group.parts().region);
            let region = region.map_err(|_| Fault::corrupt("the ARN of a log group"))?;
            let context = seal::context_of(&row.group);
            checker.open_data_key(&region, ciphertext, &context).await
        }
    }
}

fn check_filter(row: &[u8]) -> Result<(), Fault> {
    match Pattern::parse(&MetricFilter::decode(row)?.pattern) {
        Ok(_) => Ok(()),
        Err(_) => Err(Fault::corrupt("the pattern of a metric filter")),
    }
}

async fn check_stream(checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<(), Fault> {
    let stream = LogStream::decode(row)?;
    checker.count("log streams", 1);
    let group = id_of(parts(key, "logs/stream/")?.first())?;
    if super::stream_row(&group, &stream.name) != key {
        checker.row(Kind::Disagrees, key, "it is the row of another log stream");
    }
    if checker.view.get(&super::latest_row(&group, &stream)).await?.is_none() {
        checker.row(Kind::Missing, key, "the order of streams by time does not have it");
    }
    Ok(())
}

async fn check_latest(checker: &Checker<'_>, key: &[u8]) -> Result<(), Fault> {
    let parts = parts(key, "logs/latest/")?;
    let group = id_of(parts.first())?;
    number_of(parts.get(1))?;
    let name = parts.get(2..).unwrap_or_default().join("/");
    let stream = super::stream(&checker.view, &group, &name).await?;
    if stream.is_none_or(|stream| super::latest_row(&group, &stream) != key) {
        checker.orphan(key, "the order of streams by time has one that is not there");
    }
    Ok(())
}

async fn check_span(checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<(), Fault> {
    let (group, stream, at) = parse_span_row(key)?;
    let span = Span::decode(row)?;
    let sealed = chunk(&checker.view, &group, &stream, at.number).await?;
    let Some(row) = group_key(&checker.view, &group, span.key).await? else {
        checker.row(Kind::Missing, key, "the key that seals it is not there");
        return Ok(());
    };
    let Some(data_key) = opened(checker, &group, span.key, &row).await? else {
        checker.count("log events whose KMS key is gone", u64::from(span.count));
        return Ok(());
    };
    let events = chunks::unpack(&seal::open(&data_key, &stream, at.number, &sealed)?)?;
    checker.count("log events", events.len() as u64);
    let agrees = chunks::span_of(&events, span.key).is_some_and(|found| found == span)
        && events.first().is_some_and(|event| event.time == at.oldest)
        && events.is_sorted_by_key(|event| event.time);
    if !agrees {
        checker.row(Kind::Disagrees, key, "its events are not those that it tells of");
    }
    Ok(())
}

async fn check_due(checker: &Checker<'_>, key: &[u8], row: &[u8]) -> Result<(), Fault> {
    let due = super::Due::decode(row)?;
    let group = super::group(&checker.view, due.account, &due.region, &due.name).await?;
    let is_its = |group: &LogGroup| {
        group
            .retention_due
            .is_some_and(|at| super::due_row(at, &group.id) == key)
    };
    if !group.is_some_and(|group| is_its(&group)) {
        checker.orphan(key, "the schedule has a log group that is not there");
    }
    Ok(())
}
