//! Time: one representation, the formats AWS writes it in, and the clock as a value.

use jiff::{civil::DateTime, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A moment in microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Timestamp = Timestamp(0);

    /// From microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Timestamp {
        Timestamp(micros)
    }

    /// From whole seconds since the epoch.
    pub const fn from_secs(seconds: i64) -> Timestamp {
        Timestamp(seconds.saturating_mul(1_000_000))
    }

    /// From seconds since the epoch with a fraction, as AWS's JSON protocol writes times. Not finite or out of range: the
    /// nearest end.
    pub fn from_secs_f64(seconds: f64) -> Timestamp {
        Timestamp((seconds * 1e6) as i64)
    }

    /// Parses ISO 8601 / RFC 3339 with a zone, such as `2015-08-17T14:01:31Z`.
    pub fn parse(text: &str) -> Option<Timestamp> {
        text.parse::<jiff::Timestamp>()
            .ok()
            .map(|t| Timestamp(t.as_microsecond()))
    }

    /// Parses SigV4's `20150817T140131Z`.
    pub fn parse_compact(text: &str) -> Option<Timestamp> {
        if text.len() != 16 || !text.is_ascii() {
            return None;
        }
        DateTime::strptime("%Y%m%dT%H%M%SZ", text)
            .ok()?
            .to_zoned(TimeZone::UTC)
            .ok()
            .map(|z| Timestamp(z.timestamp().as_microsecond()))
    }

    /// Parses an HTTP date (RFC 9110's preferred form), as in `If-Modified-Since`.
    pub fn parse_http(text: &str) -> Option<Timestamp> {
        jiff::fmt::rfc2822::parse(text)
            .ok()
            .map(|z| Timestamp(z.timestamp().as_microsecond()))
    }

    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Milliseconds since the epoch, rounded down.
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Seconds since the epoch with milliseconds, as AWS's JSON protocol writes times.
    pub fn as_secs_f64(self) -> f64 {
        self.as_millis() as f64 / 1e3
    }

    /// The start of the second.
    pub const fn floor_second(self) -> Timestamp {
        Timestamp::from_secs(self.as_secs())
    }

    /// The greatest multiple of `step` since the epoch that is not after this moment; itself when `step` is zero.
    pub fn floor_to(self, step: Duration) -> Timestamp {
        match micros(step) {
            0 => self,
            step => Timestamp(self.0 - self.0.rem_euclid(step)),
        }
    }

    /// Later by `span`, saturating.
    pub fn plus(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(micros(span)))
    }

    /// Earlier by `span`, saturating.
    pub fn minus(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(micros(span)))
    }

    /// How long after `earlier` this is; zero when it is not after.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    fn civil(self) -> DateTime {
        jiff::Timestamp::from_microsecond(self.0)
            .unwrap_or(jiff::Timestamp::MAX)
            .to_zoned(TimeZone::UTC)
            .datetime()
    }

    /// `2015-08-17T14:01:31Z`
    pub fn iso8601(self) -> String {
        let mut out = self.iso8601_seconds();
        out.push('Z');
        out
    }

    /// `2015-08-17T14:01:31.123Z`, as S3 writes dates in XML.
    pub fn iso8601_millis(self) -> String {
        let mut out = self.iso8601_seconds();
        out.push('.');
        put(&mut out, self.civil().millisecond(), 3);
        out.push('Z');
        out
    }

    /// Digit by digit: every event and every listed key has one of these, and the formatter takes four times as long.
    fn iso8601_seconds(self) -> String {
        let c = self.civil();
        let mut out = String::with_capacity("2015-08-17T14:01:31.123Z".len());
        put(&mut out, c.year(), 4);
        for (separator, part) in [
            ('-', c.month()),
            ('-', c.day()),
            ('T', c.hour()),
            (':', c.minute()),
            (':', c.second()),
        ] {
            out.push(separator);
            put(&mut out, part, 2);
        }
        out
    }

    /// `20150817T140131Z`
    pub fn compact(self) -> String {
        let c = self.civil();
        format!(
            "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
            c.year(),
            c.month(),
            c.day(),
            c.hour(),
            c.minute(),
            c.second()
        )
    }

    /// `20150817T1401Z`, the time in a log file's name.
    pub fn compact_minute(self) -> String {
        let c = self.civil();
        format!(
            "{:04}{:02}{:02}T{:02}{:02}Z",
            c.year(),
            c.month(),
            c.day(),
            c.hour(),
            c.minute()
        )
    }

    /// `2015/08/17`, the date folders of a log file's key.
    pub fn date_path(self) -> String {
        let c = self.civil();
        format!("{:04}/{:02}/{:02}", c.year(), c.month(), c.day())
    }

    /// `Mon, 17 Aug 2015 14:01:31 GMT`, as in `Last-Modified`.
    pub fn http_date(self) -> String {
        const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        const MONTHS: [&str; 12] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        let c = self.civil();
        let day = usize::try_from(c.weekday().to_monday_zero_offset()).unwrap_or(0);
        let month = usize::try_from(c.month() - 1).unwrap_or(0);
        format!(
            "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
            DAYS[day % 7],
            c.day(),
            MONTHS[month % 12],
            c.year(),
            c.hour(),
            c.minute(),
            c.second()
        )
    }
}

/// Appends the last `width` digits of a number that is not negative, four at most.
fn put(out: &mut String, number: impl Into<i32>, width: usize) {
    let number = u32::try_from(number.into()).unwrap_or(0);
    for place in [1000, 100, 10, 1].into_iter().skip(4 - width) {
        out.push(char::from_digit(number / place % 10, 10).unwrap_or('0'));
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso8601())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso8601_millis())
    }
}

/// The clock. Cheap to clone; clones share one time.
///
/// [`Clock::real_now`] is the machine's time and rules signatures, sessions and the HTTP `Date` header.
/// [`Clock::now`] is domain time: real time plus the rehearsal offset, zero outside rehearsal; everything stored,
/// delivered or scheduled goes by it. Domain time never goes back.
#[derive(Clone)]
pub struct Clock(Arc<Inner>);

struct Inner {
    source: ClockSource,
    offset_micros: AtomicI64,
}

enum ClockSource {
    System,
    Manual(AtomicI64),
}

impl Clock {
    /// The machine's clock, with no offset.
    pub fn system() -> Clock {
        Clock(Arc::new(Inner {
            source: ClockSource::System,
            offset_micros: AtomicI64::new(0),
        }))
    }

    /// A clock that stands still at `now` until [`Clock::advance`], for tests and simulation.
    pub fn manual(now: Timestamp) -> Clock {
        Clock(Arc::new(Inner {
            source: ClockSource::Manual(AtomicI64::new(now.0)),
            offset_micros: AtomicI64::new(0),
        }))
    }

    /// The machine's time.
    #[expect(clippy::disallowed_methods, reason = "this is the one door to the machine's time")]
    pub fn real_now(&self) -> Timestamp {
        match &self.0.source {
            ClockSource::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp(micros(since))
            }
            ClockSource::Manual(now) => Timestamp(now.load(Ordering::SeqCst)),
        }
    }

    /// Domain time: real time plus the offset.
    pub fn now(&self) -> Timestamp {
        Timestamp(
            self.real_now()
                .0
                .saturating_add(self.0.offset_micros.load(Ordering::SeqCst)),
        )
    }

    /// How far domain time is ahead of real time.
    pub fn offset(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.offset_micros.load(Ordering::SeqCst)).unwrap_or(0))
    }

    /// Moves domain time forward by `span`.
    pub fn advance(&self, span: Duration) {
        let _ = self
            .0
            .offset_micros
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |o| {
                Some(o.saturating_add(micros(span)))
            });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_awss() {
        let t = Timestamp::from_secs(1_439_820_091);
        assert_eq!(t.iso8601(), "2015-08-17T14:01:31Z");
        assert_eq!(t.compact(), "20150817T140131Z");
        assert_eq!(t.compact_minute(), "20150817T1401Z");
        assert_eq!(t.date_path(), "2015/08/17");
        assert_eq!(t.http_date(), "Mon, 17 Aug 2015 14:01:31 GMT");
        assert_eq!(Timestamp::parse("2015-08-17T14:01:31Z"), Some(t));
        assert_eq!(Timestamp::parse_compact("20150817T140131Z"), Some(t));
        assert_eq!(Timestamp::parse_http("Mon, 17 Aug 2015 14:01:31 GMT"), Some(t));
        assert_eq!(Timestamp::parse_compact("20150817T140161Z"), None);
    }

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = Clock::manual(Timestamp::from_secs(100));
        assert_eq!(clock.now(), Timestamp::from_secs(100));
        clock.advance(Duration::from_secs(5));
        assert_eq!(clock.clone().now(), Timestamp::from_secs(105));
        assert_eq!(clock.real_now(), Timestamp::from_secs(100));
    }

    #[test]
    fn floor_to_steps() {
        let t = Timestamp::from_secs(1_439_820_091);
        assert_eq!(t.floor_to(Duration::from_secs(300)).iso8601(), "2015-08-17T14:00:00Z");
        assert_eq!(t.floor_to(Duration::ZERO), t);
    }
}
