//! The lines of a stream: each a JSON object of one member, by whose name it is told what it is.

use base::{Arn, Timestamp};
use bytes::{BufMut, Bytes, BytesMut};
use gateway::{Delivery, DeliveryKind, ports::TrailStanding};
use serde::Serialize;
use std::time::Duration;
use store::EntryPos;
use wire::EpochSeconds;

/// A place among all that was committed, behind an event or behind all of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(EntryPos);

impl Place {
    /// Behind an event.
    pub(super) fn of(pos: EntryPos) -> Place {
        Place(pos)
    }

    /// Behind everything of a commit.
    pub(crate) fn after_all_of(seq: u64) -> Place {
        Place(EntryPos { seq, index: u32::MAX })
    }

    pub(super) fn seq(self) -> u64 {
        self.0.seq
    }

    /// Whether it is behind all of its commit.
    pub(super) fn is_whole(self) -> bool {
        self.0.index == u32::MAX
    }

    /// Where reading goes on.
    pub(super) fn next_seq(self) -> u64 {
        self.0.seq + u64::from(self.is_whole())
    }

    /// As it is told.
    pub(crate) fn parse(text: &str) -> Option<Place> {
        let (seq, index) = text.split_once('-')?;
        let seq = u64::from_str_radix(seq, 16).ok().filter(|seq| *seq < u64::MAX)?;
        match index {
            "" => Some(Place::after_all_of(seq)),
            index => Some(Place(EntryPos {
                seq,
                index: u32::from_str_radix(index, 16).ok()?,
            })),
        }
    }

    fn text(self) -> String {
        let EntryPos { seq, index } = self.0;
        match self.is_whole() {
            true => format!("{seq:x}-"),
            false => format!("{seq:x}-{index:x}"),
        }
    }
}

/// Why a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    UpToNow,
    Stopping,
    Credentials,
    Denied(&'static str),
    Fault,
}

#[derive(Serialize)]
enum Line<'l> {
    #[serde(rename_all = "PascalCase")]
    Open {
        position: String,
        time: EpochSeconds,
        heartbeat_seconds: u64,
    },
    #[serde(rename_all = "PascalCase")]
    Heartbeat { position: String, time: EpochSeconds },
    #[serde(rename_all = "PascalCase")]
    Lost { from: String, to: String },
    #[serde(rename_all = "PascalCase")]
    Trail {
        #[serde(rename = "TrailARN")]
        trail_arn: &'l Arn,
        exists: bool,
        is_logging: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        latest_delivery_time: Option<EpochSeconds>,
        #[serde(skip_serializing_if = "Option::is_none")]
        latest_digest_delivery_time: Option<EpochSeconds>,
    },
    #[serde(rename_all = "PascalCase")]
    Delivery {
        #[serde(rename = "TrailARN")]
        trail_arn: &'l Arn,
        region: &'l str,
        kind: &'static str,
        bucket: &'l str,
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<&'l str>,
        time: EpochSeconds,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<&'l str>,
    },
    #[serde(rename_all = "PascalCase")]
    End { reason: &'static str, message: String },
}

fn write(out: &mut BytesMut, line: &Line<'_>) {
    // Writing into memory does not fail, nor does a shape of ours.
    if serde_json::to_writer(out.writer(), line).is_ok() {
        out.put_u8(b'\n');
    }
}

pub(super) fn open(out: &mut BytesMut, at: Place, time: Timestamp, heartbeat: Duration) {
    let line = Line::Open {
        position: at.text(),
        time: EpochSeconds(time),
        heartbeat_seconds: heartbeat.as_secs(),
    };
    write(out, &line);
}

pub(super) fn heartbeat(out: &mut BytesMut, at: Place, time: Timestamp) {
    let line = Line::Heartbeat {
        position: at.text(),
        time: EpochSeconds(time),
    };
    write(out, &line);
}

pub(super) fn lost(out: &mut BytesMut, from: Place, to: Place) {
    let line = Line::Lost {
        from: from.text(),
        to: to.text(),
    };
    write(out, &line);
}

/// The record stands as it stands in the journal, on one line: outside its texts, where alone an end of a line can be, a space
/// means the same.
pub(super) fn event(out: &mut BytesMut, at: Place, json: &[u8]) {
    let head = format!("{{\"Event\":{{\"Position\":\"{}\",\"Record\":", at.text());
    out.reserve(head.len() + json.len() + 3);
    out.put_slice(head.as_bytes());
    match json.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        false => out.put_slice(json),
        true => out.extend(json.iter().map(|byte| match byte {
            b'\n' | b'\r' => b' ',
            byte => *byte,
        })),
    }
    out.put_slice(b"}}\n");
}

pub(super) fn trail(out: &mut BytesMut, arn: &Arn, standing: Option<TrailStanding>) {
    let line = Line::Trail {
        trail_arn: arn,
        exists: standing.is_some(),
        is_logging: standing.is_some_and(|standing| standing.is_logging),
        latest_delivery_time: standing.and_then(|standing| standing.delivered).map(EpochSeconds),
        latest_digest_delivery_time: standing.and_then(|standing| standing.digested).map(EpochSeconds),
    };
    write(out, &line);
}

pub(super) fn delivery(out: &mut BytesMut, delivery: &Delivery) {
    let line = Line::Delivery {
        trail_arn: &delivery.trail,
        region: delivery.region.as_str(),
        kind: match delivery.kind {
            DeliveryKind::LogFile => "LogFile",
            DeliveryKind::Digest => "Digest",
        },
        bucket: &delivery.bucket,
        key: delivery.key.as_deref(),
        time: EpochSeconds(delivery.time),
        error: delivery.error.as_deref(),
    };
    write(out, &line);
}

impl Ending {
    pub(super) fn line(self) -> Bytes {
        let (reason, message) = match self {
            Ending::UpToNow => ("UpToNow", "Everything is told that there was.".to_owned()),
            Ending::Stopping => ("ServerStopping", "The server is stopping.".to_owned()),
            Ending::Credentials => (
                "ExpiredToken",
                "The credentials are over, or were taken back.".to_owned(),
            ),
            Ending::Denied(action) => ("AccessDenied", format!("The caller may not {action} any more.")),
            Ending::Fault => ("InternalFailure", "An internal error occurred.".to_owned()),
        };
        let mut out = BytesMut::new();
        write(&mut out, &Line::End { reason, message });
        out.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_they_are_told() {
        let places = [
            Place::of(EntryPos { seq: 255, index: 16 }),
            Place::of(EntryPos { seq: 0, index: 0 }),
            Place::after_all_of(300),
        ];
        for place in places {
            assert_eq!(Place::parse(&place.text()), Some(place));
        }
        assert_eq!(places.map(Place::text), ["ff-10", "0-0", "12c-"]);
        assert_eq!(places.map(Place::next_seq), [255, 0, 301]);
        assert!(places[0] < places[2] && Place::after_all_of(255) > places[0]);
        for wrong in ["", "-", "x-1", "1", "1-x", "ffffffffffffffff-", "1-1-1"] {
            assert_eq!(Place::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_record_is_one_line() {
        let mut out = BytesMut::new();
        let place = Place::of(EntryPos { seq: 1, index: 0 });
        event(&mut out, place, b"{\"a\":\n \"b\\n\"}");
        assert_eq!(
            out,
            "{\"Event\":{\"Position\":\"1-0\",\"Record\":{\"a\":  \"b\\n\"}}}\n"
        );
    }
}
