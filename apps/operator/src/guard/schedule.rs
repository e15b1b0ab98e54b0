//! When the maintenance runs: a weekday and a time of day in a time zone.

use base::Timestamp;
use jiff::{ToSpan, civil, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// Days in which a weekday comes again, and one more for a day that a zone has left out.
const DAYS_MAX: i64 = 15;

/// Once a week. Where clocks go forward over the time, it runs as much later as they go; where they go back over it, it runs at
/// the earlier of the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// `saturday`.
    pub day: Day,
    /// `02:00`, of 24 hours.
    pub time: String,
    /// `Asia/Tokyo`, by the names of the IANA database, which is built in.
    pub time_zone: String,
}

impl Default for Schedule {
    fn default() -> Schedule {
        Schedule {
            day: Day::Saturday,
            time: "02:00".to_owned(),
            time_zone: "Asia/Tokyo".to_owned(),
        }
    }
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "they are days")]
pub enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Day {
    fn weekday(self) -> civil::Weekday {
        match self {
            Day::Monday => civil::Weekday::Monday,
            Day::Tuesday => civil::Weekday::Tuesday,
            Day::Wednesday => civil::Weekday::Wednesday,
            Day::Thursday => civil::Weekday::Thursday,
            Day::Friday => civil::Weekday::Friday,
            Day::Saturday => civil::Weekday::Saturday,
            Day::Sunday => civil::Weekday::Sunday,
        }
    }
}

impl Schedule {
    fn parts(&self) -> Result<(civil::Time, TimeZone), String> {
        let time = civil::Time::strptime("%H:%M", &self.time)
            .map_err(|_| format!("`{}` is no time of day such as 02:00", self.time))?;
        let zone = TimeZone::get(&self.time_zone)
            .map_err(|_| format!("there is no time zone `{}`; one is Asia/Tokyo", self.time_zone))?;
        Ok((time, zone))
    }

    /// Whether it can be used.
    pub(super) fn check(&self) -> Result<(), String> {
        self.parts().map(drop)
    }

    /// A moment by the zone's clocks: `2026-11-28 02:00 JST`.
    pub fn shown(&self, at: Timestamp) -> String {
        let moment = jiff::Timestamp::from_microsecond(at.as_micros());
        match (moment, self.parts()) {
            (Ok(moment), Ok((_, zone))) => moment.to_zoned(zone).strftime("%Y-%m-%d %H:%M %Z").to_string(),
            _ => at.iso8601(),
        }
    }

    /// The first run after this moment; nothing at the end of time.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let (time, zone) = self.parts().ok()?;
        let moment = jiff::Timestamp::from_microsecond(after.as_micros()).ok()?;
        let today = moment.to_zoned(zone.clone()).date();
        // A day before, for a zone that moved its clocks by a day.
        (-1..DAYS_MAX).find_map(|days| {
            let date = today.checked_add(days.days()).ok()?;
            let run = zone.to_ambiguous_zoned(date.to_datetime(time)).compatible().ok()?;
            let is_next = date.weekday() == self.day.weekday() && run.timestamp() > moment;
            is_next.then(|| Timestamp::from_micros(run.timestamp().as_microsecond()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn schedule(day: Day, time: &str, zone: &str) -> Schedule {
        Schedule {
            day,
            time: time.to_owned(),
            time_zone: zone.to_owned(),
        }
    }

    #[test]
    fn the_default_is_saturday_two_in_tokyo() {
        let next = |after: &str| Schedule::default().next_after(at(after)).unwrap().iso8601();
        assert_eq!(next("2026-11-22T00:00:00Z"), "2026-11-27T17:00:00Z");
        assert_eq!(next("2026-11-27T16:59:59Z"), "2026-11-27T17:00:00Z");
        assert_eq!(next("2026-11-27T17:00:00Z"), "2026-12-04T17:00:00Z");
    }

    #[test]
    fn clocks_that_move_neither_skip_a_run_nor_double_it() {
        // Berlin: 2026-03-29 has no 02:30; 2026-10-25 has it twice.
        let sunday = schedule(Day::Sunday, "02:30", "Europe/Berlin");
        let next = |after: &str| sunday.next_after(at(after)).unwrap().iso8601();
        assert_eq!(
            next("2026-03-28T00:00:00Z"),
            "2026-03-29T01:30:00Z",
            "03:30 in summer time"
        );
        assert_eq!(next("2026-03-29T01:30:00Z"), "2026-04-05T00:30:00Z");
        assert_eq!(next("2026-10-24T00:00:00Z"), "2026-10-25T00:30:00Z", "the earlier one");
        assert_eq!(
            next("2026-10-25T00:30:00Z"),
            "2026-11-01T01:30:00Z",
            "and not again an hour later"
        );
        let new_york = schedule(Day::Sunday, "02:00", "America/New_York");
        let next = |after: &str| new_york.next_after(at(after)).unwrap().iso8601();
        assert_eq!(next("2026-03-08T00:00:00Z"), "2026-03-08T07:00:00Z");
    }

    #[test]
    fn what_is_no_time_or_zone_is_named() {
        let fault = |time: &str, zone: &str| schedule(Day::Monday, time, zone).check().unwrap_err();
        assert!(fault("25:00", "UTC").contains("25:00"));
        assert!(fault("2", "UTC").contains("`2`"));
        assert!(fault("02:00", "Asia/Tokio").contains("Asia/Tokio"));
    }

    proptest! {
        /// In every zone runs are a week apart, but for what its clocks moved, and a run is never due at once again.
        #[test]
        fn runs_are_a_week_apart(seconds in 1_500_000_000_i64..2_000_000_000, hour in 0..24_u8, zone in 0..5_usize) {
            let zone = ["Asia/Tokyo", "Europe/London", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo"][zone];
            let schedule = schedule(Day::Saturday, &format!("{hour:02}:30"), zone);
            let after = Timestamp::from_micros(seconds * 1_000_000);
            let first = schedule.next_after(after).unwrap();
            let second = schedule.next_after(first).unwrap();
            let week = 7 * 86_400;
            prop_assert!(first > after && first.since(after).as_secs() <= week + 3_600);
            prop_assert!(second.since(first).as_secs().abs_diff(week) <= 3_600);
        }
    }
}
