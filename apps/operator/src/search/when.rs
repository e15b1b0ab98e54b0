//! Times as people write them.

use base::Timestamp;
use jiff::{civil::Date, tz::TimeZone};
use std::time::Duration;

const UNITS: [(char, u64); 5] = [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400), ('w', 7 * 86_400)];

/// Which end of a span of time is meant: a date alone is its beginning or its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The first moment that belongs to it.
    Since,
    /// The first moment that does not.
    Until,
}

/// Reads `2026-11-22T15:04:05Z` (RFC 3339), `2026-11-22` (a day of UTC, which belongs to the span) or `90m`, `2h`, `3d`, `1w`
/// (so long before now).
pub fn time(text: &str, end: End, now: Timestamp) -> Result<Timestamp, String> {
    if let Some(found) = Timestamp::parse(text) {
        return Ok(found);
    }
    if let Ok(date) = text.parse::<Date>()
        && text.len() == 10
    {
        let day = match end {
            End::Since => Ok(date),
            End::Until => date.tomorrow(),
        };
        let start = day.and_then(|day| day.to_zoned(TimeZone::UTC));
        return start
            .map(|start| Timestamp::from_micros(start.timestamp().as_microsecond()))
            .map_err(|_| format!("`{text}` is out of range"));
    }
    let ago = text.char_indices().next_back().and_then(|(at, unit)| {
        let number = text.get(..at)?.parse::<u64>().ok()?;
        let (_, seconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
        number.checked_mul(*seconds)
    });
    match ago {
        Some(seconds) => Ok(now.minus(Duration::from_secs(seconds))),
        None => Err(format!(
            "`{text}` is no time; write 2026-11-22T15:04:05Z, 2026-11-22, or how long ago: 90m, 2h, 3d, 1w"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_people_write_them() {
        let now = Timestamp::parse("2026-11-22T12:00:00Z").unwrap();
        let check = |text: &str, end: End, expected: &str| {
            assert_eq!(time(text, end, now).unwrap().iso8601(), expected, "{text}");
        };
        check("2026-11-01T10:00:00+09:00", End::Since, "2026-11-01T01:00:00Z");
        check("2026-11-01", End::Since, "2026-11-01T00:00:00Z");
        check("2026-11-01", End::Until, "2026-11-02T00:00:00Z");
        check("2h", End::Since, "2026-11-22T10:00:00Z");
        check("90m", End::Until, "2026-11-22T10:30:00Z");
        check("3d", End::Since, "2026-11-19T12:00:00Z");
        check("1w", End::Since, "2026-11-15T12:00:00Z");
        for wrong in [
            "",
            "h",
            "2",
            "2y",
            "2026-13-01",
            "yesterday",
            "-3d",
            "99999999999999999999d",
            "2026-11",
            "３日",
        ] {
            assert!(time(wrong, End::Since, now).is_err(), "{wrong}");
        }
    }
}
