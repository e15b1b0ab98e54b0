//! Dates as the stock validator reads them: with python-dateutil, which takes nearly any order and spelling.
//!
//! What is written without a date is of today, what is written without a time is of midnight. A zone other than UTC by name
//! is refused by [`Date::read`] here, where dateutil would guess it from the machine's settings.
//!
//! SPEC: <https://dateutil.readthedocs.io/en/stable/parser.html>

use jiff::{
    Span,
    civil::{Date as Day, DateTime},
};

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const MONTHS_WHOLE: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];
/// Words that mean nothing.
const JUMP: [&str; 18] = [
    " ", ".", ",", ";", "-", "/", "'", "at", "on", "and", "ad", "m", "t", "of", "st", "nd", "rd", "th",
];
const HOUR_WORDS: [&[&str]; 3] = [
    &["h", "hour", "hours"],
    &["m", "minute", "minutes"],
    &["s", "second", "seconds"],
];
const UTC: [&str; 4] = ["UTC", "GMT", "Z", "z"];

/// A date with its time as written, and how far that is from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Date {
    local: DateTime,
    /// In seconds; none of a time that was written without a zone.
    offset: Option<i32>,
}

impl Date {
    /// A moment in UTC.
    pub(crate) fn utc(local: DateTime) -> Date {
        Date { local, offset: Some(0) }
    }

    /// Reads a date; `today` stands in for what is not written.
    pub(crate) fn read(text: &str, today: Day) -> Result<Date, String> {
        parse(text, today).ok_or_else(|| format!("Unable to parse date value: {text}"))
    }

    /// The same digits, taken as UTC.
    pub(crate) fn normalized(self) -> Date {
        Date::utc(self.local)
    }

    /// So many seconds later, as far as the calendar goes.
    pub(crate) fn plus(self, seconds: i64) -> Date {
        let local = self.local.checked_add(Span::new().seconds(seconds));
        Date {
            local: local.unwrap_or(self.local),
            ..self
        }
    }

    /// Which is earlier; a time with a zone and one without cannot be compared.
    pub(crate) fn compare(self, other: Date) -> Result<std::cmp::Ordering, String> {
        match (self.offset, other.offset) {
            (Some(mine), Some(its)) => {
                let (mine, its) = (self.plus(-i64::from(mine)), other.plus(-i64::from(its)));
                Ok(mine.local.cmp(&its.local))
            }
            (None, None) => Ok(self.local.cmp(&other.local)),
            _ => Err("can't compare offset-naive and offset-aware datetimes".to_owned()),
        }
    }

    /// `YYYYMMDDTHHMMSSZ`
    pub(crate) fn compact(self) -> String {
        let (d, t) = (self.local.date(), self.local.time());
        let (year, month, day) = (d.year(), d.month(), d.day());
        let (hour, minute, second) = (t.hour(), t.minute(), t.second());
        format!("{year}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
    }

    /// `YYYY-MM-DDTHH:MM:SSZ`
    pub(crate) fn display(self) -> String {
        let (d, t) = (self.local.date(), self.local.time());
        let (year, month, day) = (d.year(), d.month(), d.day());
        let (hour, minute, second) = (t.hour(), t.minute(), t.second());
        format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// `YYYY/MM/DD`
    pub(crate) fn folder(self) -> String {
        let day = self.local.date();
        format!("{}/{:02}/{:02}", day.year(), day.month(), day.day())
    }

    /// Whole seconds since 1970, of the digits taken as UTC.
    pub(crate) fn epoch(self) -> i64 {
        let at = self.local.to_zoned(jiff::tz::TimeZone::UTC);
        at.map(|at| at.timestamp().as_second()).unwrap_or_default()
    }
}

/// What was understood so far.
#[derive(Default)]
struct Read {
    day: Days,
    weekday: Option<i8>,
    hour: Option<i64>,
    minute: Option<i64>,
    second: Option<i64>,
    micro: Option<i64>,
    afternoon: Option<bool>,
    zone: Option<String>,
    offset: Option<i64>,
}

/// Numbers that are of a date, in the order of writing.
#[derive(Default)]
struct Days {
    numbers: Vec<i64>,
    has_century: bool,
    month_at: Option<usize>,
    year_at: Option<usize>,
}

impl Days {
    fn push(&mut self, text: &str) -> Option<()> {
        let value: i64 = match text.parse() {
            Ok(value) => value,
            // A decimal counts by its whole part.
            Err(_) => text.parse::<f64>().ok()? as i64,
        };
        let is_year = (text.len() > 2 && text.bytes().all(|byte| byte.is_ascii_digit())) || value > 100;
        if is_year {
            return self.push_year(value);
        }
        self.numbers.push(value);
        Some(())
    }

    fn push_year(&mut self, value: i64) -> Option<()> {
        self.has_century = true;
        if self.year_at.replace(self.numbers.len()).is_some() {
            return None;
        }
        self.numbers.push(value);
        Some(())
    }

    fn push_month(&mut self, value: i64) -> Option<()> {
        if self.month_at.replace(self.numbers.len()).is_some() {
            return None;
        }
        self.numbers.push(value);
        Some(())
    }

    fn could_be_day(&self, value: f64) -> bool {
        self.numbers.len() < 3 && (1.0..=31.0).contains(&value)
    }

    /// Year, month and day.
    fn resolved(&self) -> Option<[Option<i64>; 3]> {
        let n = &self.numbers;
        if let (Some(year), Some(month)) = (self.year_at, self.month_at)
            && (n.len() == 2 || n.len() == 3)
        {
            let day = (0..n.len()).find(|at| *at != year && *at != month);
            return Some([n.get(year).copied(), n.get(month).copied(), day.map(|at| n[at])]);
        }
        if self.year_at.is_some() && n.len() == 1 {
            return Some([Some(n[0]), None, None]);
        }
        match (n.as_slice(), self.month_at) {
            ([], _) => Some([None; 3]),
            ([month], Some(0)) => Some([None, Some(*month), None]),
            ([one], _) => Some(year_or_day(*one, None)),
            ([month, other], Some(0)) | ([other, month], Some(1)) => Some(year_or_day(*other, Some(*month))),
            ([a, b], _) if *a > 31 => Some([Some(*a), Some(*b), None]),
            ([a, b], _) if *b > 31 => Some([Some(*b), Some(*a), None]),
            ([a, b], _) => Some([None, Some(*a), Some(*b)]),
            (&[a, b, c], month_at) => {
                let [year, month, day] = match month_at {
                    Some(0) if b > 31 => [b, a, c],
                    Some(0) => [c, a, b],
                    Some(1) if a > 31 => [a, b, c],
                    Some(1) => [c, b, a],
                    Some(2) if b > 31 => [b, c, a],
                    Some(2) => [a, c, b],
                    _ if a > 31 || self.year_at == Some(0) => [a, b, c],
                    _ if a > 12 => [c, b, a],
                    _ => [c, a, b],
                };
                Some([Some(year), Some(month), Some(day)])
            }
            _ => None,
        }
    }
}

fn year_or_day(value: i64, month: Option<i64>) -> [Option<i64>; 3] {
    match value > 31 {
        true => [Some(value), month, None],
        false => [None, month, Some(value)],
    }
}

fn parse(text: &str, today: Day) -> Option<Date> {
    let words = words(text);
    let mut read = Read::default();
    let mut at = 0;
    while at < words.len() {
        at = if number(&words[at]).is_some() {
            read.number(&words, at)?
        } else {
            read.word(&words, at)?
        };
        at += 1;
    }
    read.finish(today)
}

impl Read {
    /// Takes the number at this place, and answers with the place of the last word that it took.
    fn number(&mut self, words: &[String], at: usize) -> Option<usize> {
        let text = words[at].as_str();
        let value = number(text)?;
        let length = text.len();
        let word = |ahead: usize| words.get(at + ahead).map(String::as_str);
        let two = |from: usize| text.get(from..from + 2).and_then(|part| part.parse::<i64>().ok());
        if self.day.numbers.len() == 3
            && matches!(length, 2 | 4)
            && self.hour.is_none()
            && word(1).is_none_or(|next| next != ":" && unit(next).is_none())
        {
            self.hour = Some(two(0)?);
            if length == 4 {
                self.minute = Some(two(2)?);
            }
            return Some(at);
        }
        if length == 6 || (length > 6 && text.find('.') == Some(6)) {
            if self.day.numbers.is_empty() && !text.contains('.') {
                for part in [0, 2, 4] {
                    self.day.push(text.get(part..part + 2)?)?;
                }
            } else {
                (self.hour, self.minute) = (Some(two(0)?), Some(two(2)?));
                self.seconds(text.get(4..)?)?;
            }
            return Some(at);
        }
        if matches!(length, 8 | 12 | 14) {
            self.day.push_year(text.get(..4)?.parse().ok()?)?;
            self.day.push(text.get(4..6)?)?;
            self.day.push(text.get(6..8)?)?;
            if length > 8 {
                (self.hour, self.minute) = (Some(two(8)?), Some(two(10)?));
            }
            if length > 12 {
                self.second = Some(two(12)?);
            }
            return Some(at);
        }
        if let Some((place, unit)) = self.unit_of(words, at) {
            return self.counted(text, value, unit).map(|()| place);
        }
        if word(1) == Some(":") && word(2).is_some() {
            self.hour = Some(value as i64);
            let minutes = number(word(2)?)?;
            self.minutes(minutes);
            if word(3) == Some(":") && word(4).is_some() {
                self.seconds(word(4)?)?;
                return Some(at + 4);
            }
            return Some(at + 2);
        }
        if let Some(separator @ ("-" | "/" | ".")) = word(1) {
            return self.separated(words, at, separator);
        }
        match word(1) {
            None => {
                self.day.push(text)?;
                Some(at + 1)
            }
            Some(next) if is_jump(next) => match word(2).and_then(half) {
                Some(afternoon) => {
                    self.hour = Some(adjusted(value as i64, afternoon));
                    Some(at + 2)
                }
                None => {
                    self.day.push(text)?;
                    Some(at + 1)
                }
            },
            Some(next) if half(next).is_some() && (0.0..24.0).contains(&value) => {
                self.hour = Some(adjusted(value as i64, half(next)?));
                Some(at + 1)
            }
            Some(_) if self.day.could_be_day(value) => {
                self.day.push(text)?;
                Some(at)
            }
            Some(_) => None,
        }
    }

    /// A day with its separators: `2015-01-08`, `8/jan/2015`.
    fn separated(&mut self, words: &[String], at: usize, separator: &str) -> Option<usize> {
        self.day.push(&words[at])?;
        let Some(second) = words.get(at + 2).filter(|next| !is_jump(next)) else {
            return Some(at + 1);
        };
        match second.bytes().all(|byte| byte.is_ascii_digit()) {
            true => self.day.push(second)?,
            false => self.day.push_month(month(second)?)?,
        }
        if words.get(at + 3).is_some_and(|next| next == separator) {
            let third = words.get(at + 4)?;
            match month(third) {
                Some(value) => self.day.push_month(value)?,
                None => self.day.push(third)?,
            }
            return Some(at + 4);
        }
        Some(at + 2)
    }

    /// Where the unit of the number at this place stands, and which it is: `10 h`, `36m`, `5.5s`.
    fn unit_of(&self, words: &[String], at: usize) -> Option<(usize, usize)> {
        let word = |place: usize| words.get(place).map(String::as_str);
        if let Some(found) = word(at + 1).and_then(unit) {
            return Some((at + 1, found));
        }
        if word(at + 1) == Some(" ")
            && let Some(found) = word(at + 2).and_then(unit)
        {
            return Some((at + 2, found));
        }
        // After `12h` the next number is of the next unit.
        if at > 0
            && let Some(found) = word(at - 1).and_then(unit)
        {
            return Some((at, found + 1));
        }
        if at > 1
            && at == words.len() - 1
            && word(at - 1) == Some(" ")
            && let Some(found) = word(at - 2).and_then(unit)
        {
            return Some((at, found + 1));
        }
        None
    }

    fn counted(&mut self, text: &str, value: f64, unit: usize) -> Option<()> {
        match unit {
            0 => {
                self.hour = Some(value as i64);
                if value.fract() != 0.0 {
                    self.minute = Some((60.0 * value.fract()) as i64);
                }
            }
            1 => self.minutes(value),
            2 => self.seconds(text)?,
            _ => {}
        }
        Some(())
    }

    fn minutes(&mut self, value: f64) {
        self.minute = Some(value as i64);
        if value.fract() != 0.0 {
            self.second = Some((60.0 * value.fract()) as i64);
        }
    }

    fn seconds(&mut self, text: &str) -> Option<()> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        self.second = Some(whole.parse().ok()?);
        let digits: String = part.chars().chain("000000".chars()).take(6).collect();
        self.micro = Some(digits.parse().ok()?);
        Some(())
    }

    /// Takes what is no number, and answers with the place of the last word that it took.
    fn word(&mut self, words: &[String], at: usize) -> Option<usize> {
        let text = words[at].as_str();
        let word = |ahead: usize| words.get(at + ahead).map(String::as_str);
        if let Some(day) = weekday(text) {
            self.weekday = Some(day);
            return Some(at);
        }
        if let Some(value) = month(text) {
            self.day.push_month(value)?;
            if let Some(separator @ ("-" | "/")) = word(1) {
                self.day.push(word(2)?)?;
                if word(3) == Some(separator) {
                    self.day.push(word(4)?)?;
                    return Some(at + 4);
                }
                return Some(at + 2);
            }
            // Jan of 01
            if word(1) == Some(" ") && word(3) == Some(" ") && word(2) == Some("of") && word(4).is_some() {
                if let Some(year) = word(4).and_then(|year| year.parse::<i64>().ok()) {
                    let century = year
                        + if year < 50 {
                            2000
                        } else if year < 100 {
                            1900
                        } else {
                            0
                        };
                    self.day.push_year(century)?;
                }
                return Some(at + 4);
            }
            return Some(at);
        }
        if let Some(afternoon) = half(text) {
            let hour = self.hour?;
            if self.afternoon.is_some() || !(0..=12).contains(&hour) {
                return None;
            }
            self.hour = Some(adjusted(hour, afternoon));
            self.afternoon = Some(afternoon);
            return Some(at);
        }
        if self.could_be_zone(text) {
            let is_utc = UTC.contains(&text);
            self.zone = Some(text.to_owned());
            self.offset = is_utc.then_some(0);
            if matches!(word(1), Some("+" | "-")) {
                // UTC+3 is three hours east of UTC as people write it.
                self.offset = None;
                self.zone = (!is_utc).then(|| text.to_owned());
            }
            return Some(at);
        }
        if self.hour.is_some() && matches!(text, "+" | "-") {
            return self.offset(words, at, if text == "+" { 1 } else { -1 });
        }
        is_jump(text).then_some(at)
    }

    fn could_be_zone(&self, text: &str) -> bool {
        self.hour.is_some()
            && self.zone.is_none()
            && self.offset.is_none()
            && text.len() <= 5
            && (text.bytes().all(|byte| byte.is_ascii_uppercase()) || UTC.contains(&text))
    }

    fn offset(&mut self, words: &[String], at: usize, sign: i64) -> Option<usize> {
        let digits = words.get(at + 1)?;
        let (hours, minutes, last) = match digits.len() {
            4 => (digits.get(..2)?, digits.get(2..)?, at + 1),
            _ if words.get(at + 2).is_some_and(|next| next == ":") => {
                (digits.as_str(), words.get(at + 3)?.as_str(), at + 3)
            }
            0..=2 => (digits.as_str(), "0", at + 1),
            _ => return None,
        };
        let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
        self.offset = Some(sign * (hours * 3600 + minutes * 60));
        Some(last)
    }

    fn finish(self, today: Day) -> Option<Date> {
        let [year, month, day] = self.day.resolved()?;
        let said = [year, month, day, self.hour, self.minute, self.second, self.offset];
        if said.iter().all(Option::is_none) && self.weekday.is_none() && self.zone.is_none() {
            return None;
        }
        // A zone by name means what the machine's settings say; none but UTC is read here.
        if self.zone.as_deref().is_some_and(|zone| !UTC.contains(&zone)) {
            return None;
        }
        let year = year.map(|year| match self.day.has_century {
            true => year,
            false => of_this_century(year, i64::from(today.year())),
        });
        let year = i16::try_from(year.unwrap_or_else(|| i64::from(today.year()))).ok()?;
        let month = i8::try_from(month.unwrap_or_else(|| i64::from(today.month()))).ok()?;
        let first = Day::new(year, month, 1).ok().filter(|_| year > 0)?;
        let date = match day {
            Some(day) => Day::new(year, month, i8::try_from(day).ok()?).ok()?,
            None => {
                let date = Day::new(year, month, today.day().min(first.days_in_month())).ok()?;
                self.next_weekday(date)?
            }
        };
        let part = |value: Option<i64>| i8::try_from(value.unwrap_or(0)).ok();
        let nanos = i32::try_from(self.micro.unwrap_or(0)).ok()? * 1000;
        let (hour, minute, second) = (part(self.hour)?, part(self.minute)?, part(self.second)?);
        if !(0..24).contains(&hour) || !(0..60).contains(&minute) || !(0..60).contains(&second) {
            return None;
        }
        let offset = self.offset.map(i32::try_from).transpose().ok()?;
        if offset.is_some_and(|offset| offset.abs() >= 86400) {
            return None;
        }
        Some(Date {
            local: date.at(hour, minute, second, nanos),
            offset,
        })
    }

    /// The next day that is the weekday that was named, this one included.
    fn next_weekday(&self, date: Day) -> Option<Day> {
        let Some(weekday) = self.weekday else {
            return Some(date);
        };
        let ahead = (i64::from(weekday) - i64::from(date.weekday().to_monday_zero_offset())).rem_euclid(7);
        date.checked_add(Span::new().days(ahead)).ok()
    }
}

/// A year of two digits is the nearest one.
fn of_this_century(year: i64, now: i64) -> i64 {
    if year >= 100 {
        return year;
    }
    let year = year + now / 100 * 100;
    if year >= now + 50 {
        year - 100
    } else if year < now - 50 {
        year + 100
    } else {
        year
    }
}

fn adjusted(hour: i64, afternoon: bool) -> i64 {
    match (hour, afternoon) {
        (12, false) => 0,
        (hour, true) if hour < 12 => hour + 12,
        _ => hour,
    }
}

fn number(word: &str) -> Option<f64> {
    word.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        .then(|| word.parse().ok())
        .flatten()
}

fn unit(word: &str) -> Option<usize> {
    let word = word.to_ascii_lowercase();
    HOUR_WORDS.iter().position(|words| words.contains(&word.as_str()))
}

fn half(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "am" | "a" => Some(false),
        "pm" | "p" => Some(true),
        _ => None,
    }
}

fn month(word: &str) -> Option<i64> {
    let word = word.to_ascii_lowercase();
    let short = MONTHS.iter().position(|month| *month == word);
    let whole = || MONTHS_WHOLE.iter().position(|month| *month == word);
    let month = short.or_else(whole).or_else(|| (word == "sept").then_some(8))?;
    Some(month as i64 + 1)
}

fn weekday(word: &str) -> Option<i8> {
    let word = word.to_ascii_lowercase();
    let found = WEEKDAYS
        .iter()
        .position(|day| *day == word || day.get(..3) == Some(&word));
    found.and_then(|day| i8::try_from(day).ok())
}

fn is_jump(word: &str) -> bool {
    JUMP.contains(&word.to_ascii_lowercase().as_str())
}

/// Splits a text into words, numbers (with a fraction after a dot or a comma), blanks and single signs.
fn words(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().filter(|letter| *letter != '\0').collect();
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(&first) = letters.get(at) {
        let start = at;
        at += 1;
        if first.is_ascii_digit() {
            let mut dots = 0;
            while let Some(&next) = letters.get(at) {
                let is_dot = next == '.' || (next == ',' && dots == 0 && at - start >= 2);
                let goes_on = is_dot && letters.get(at + 1).is_some_and(char::is_ascii_digit);
                if !(next.is_ascii_digit() || goes_on) {
                    break;
                }
                dots += usize::from(is_dot);
                at += 1;
            }
            let word: String = letters[start..at].iter().collect();
            match dots {
                0 | 1 => words.push(word.replace(',', ".")),
                // 2015.01.08 is three numbers.
                _ => words.extend(split_dots(&word)),
            }
        } else if first.is_alphabetic() {
            while letters.get(at).is_some_and(|letter| letter.is_alphabetic()) {
                at += 1;
            }
            words.push(letters[start..at].iter().collect());
        } else if first.is_whitespace() {
            words.push(" ".to_owned());
        } else {
            words.push(first.to_string());
        }
    }
    words
}

fn split_dots(word: &str) -> Vec<String> {
    let mut parts = Vec::new();
    for (place, part) in word.split('.').enumerate() {
        if place > 0 {
            parts.push(".".to_owned());
        }
        parts.push(part.to_owned());
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn today() -> Day {
        Day::constant(2026, 11, 22)
    }

    #[test]
    fn dates_are_read_as_dateutil_reads_them() {
        // The right sides are what dateutil 2.9.0 answers on 22 November 2026.
        for (text, expected) in [
            ("2015-01-08T05:21:42Z", "2015-01-08T05:21:42Z"),
            ("2015-01-08T05:21:42+09:00", "2015-01-08T05:21:42Z"),
            ("2015-01-08T05:21:42.123-0300", "2015-01-08T05:21:42Z"),
            ("2015-01-08", "2015-01-08T00:00:00Z"),
            ("2015-01-08 05:21", "2015-01-08T05:21:00Z"),
            ("20150108", "2015-01-08T00:00:00Z"),
            ("20150108T052142Z", "2015-01-08T05:21:42Z"),
            ("20150108T0521", "2015-01-08T05:21:00Z"),
            ("201501080521", "2015-01-08T05:21:00Z"),
            ("20150108052142", "2015-01-08T05:21:42Z"),
            ("01/08/2015", "2015-01-08T00:00:00Z"),
            ("13/08/2015", "2015-08-13T00:00:00Z"),
            ("8 Jan 2015", "2015-01-08T00:00:00Z"),
            ("Jan 8, 2015 5:21pm", "2015-01-08T17:21:00Z"),
            ("January 8 2015 12 am", "2015-01-08T00:00:00Z"),
            ("Thu, 08 Jan 2015 05:21:42 GMT", "2015-01-08T05:21:42Z"),
            ("8-Jan-2015", "2015-01-08T00:00:00Z"),
            ("2015.01.08", "2015-01-08T00:00:00Z"),
            ("2015", "2015-11-22T00:00:00Z"),
            ("2015-01", "2015-01-22T00:00:00Z"),
            ("10:15", "2026-11-22T10:15:00Z"),
            ("10h36m28.5s", "2026-11-22T10:36:28Z"),
            ("8", "2026-11-08T00:00:00Z"),
            ("150108", "2008-01-15T00:00:00Z"),
            ("Monday", "2026-11-23T00:00:00Z"),
            ("2015-02", "2015-02-22T00:00:00Z"),
        ] {
            let read = Date::read(text, today()).map(Date::display);
            assert_eq!(read.as_deref(), Ok(expected), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "1420694502",
            "2015-13-40",
            "2015-01-08T25:00:00Z",
            "2015-02-30",
            "now",
            "2015-01-08T05:21:42+123",
        ] {
            let refused = format!("Unable to parse date value: {text}");
            assert_eq!(Date::read(text, today()), Err(refused), "{text}");
        }
    }

    #[test]
    fn only_times_of_one_kind_compare() {
        let read = |text| Date::read(text, today()).unwrap();
        let (zoned, bare) = (read("2015-01-08T05:00:00+09:00"), read("2015-01-08T05:00:00"));
        assert!(zoned.compare(read("2015-01-07T20:00:00Z")).unwrap().is_eq());
        assert!(zoned.compare(bare).is_err());
        assert!(bare.normalized().compare(zoned).unwrap().is_gt());
        assert_eq!(zoned.normalized().plus(-60).compact(), "20150108T045900Z");
        assert_eq!(read("1970-01-02T00:00:00Z").epoch(), 86400);
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "[0-9a-zA-Z:./, +\\-]{0,24}|\\PC{0,12}") {
            let _ = Date::read(&text, today());
        }

        #[test]
        fn what_is_displayed_reads_back(seconds in 0_i64..4_000_000_000) {
            let date = Date::utc(Day::constant(1970, 1, 1).at(0, 0, 0, 0)).plus(seconds);
            prop_assert_eq!(Date::read(&date.display(), today()).unwrap(), date);
            prop_assert_eq!(Date::read(&date.compact(), today()).unwrap(), date);
            prop_assert_eq!(date.epoch(), seconds);
        }
    }
}
