//! Numbers, instants and addresses as conditions write them.

use std::net::IpAddr;

/// An integer or a decimal.
pub(super) fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// Milliseconds since 1970, from seconds or from a date by <https://www.w3.org/TR/NOTE-datetime>.
pub(super) fn instant(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Some(seconds * 1000);
    }
    let (date, time) = text.split_once('T').unwrap_or((text, "00:00Z"));
    let mut numbers = date.split('-').map(str::parse::<i64>);
    let year = numbers.next()?.ok()?;
    let month = numbers.next().unwrap_or(Ok(1)).ok()?;
    let day = numbers.next().unwrap_or(Ok(1)).ok()?;
    let days: i64 =
        (1970..year).map(days_in_year).sum::<i64>() + (1..month).map(|m| days_in_month(year, m)).sum::<i64>();
    let zone_at = time.find(['Z', '+', '-'])?;
    let (clock, zone) = time.split_at_checked(zone_at)?;
    Some((days + day - 1) * 86_400_000 + clock_millis(clock)? - zone_millis(zone)?)
}

fn days_in_year(year: i64) -> i64 {
    (1..=12).map(|month| days_in_month(year, month)).sum()
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// `hh:mm`, `hh:mm:ss` or `hh:mm:ss.s`
fn clock_millis(clock: &str) -> Option<i64> {
    let mut parts = clock.split(':');
    let hours: i64 = parts.next()?.parse().ok()?;
    let minutes: i64 = parts.next()?.parse().ok()?;
    let seconds: f64 = parts.next().unwrap_or("0").parse().ok()?;
    let millis = format!("{:.0}", seconds * 1000.0).parse::<i64>().ok()?;
    Some((hours * 60 + minutes) * 60_000 + millis)
}

/// `Z`, `+hh:mm` or `-hh:mm`
fn zone_millis(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    Some(sign * (hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?) * 60_000)
}

/// The bits of an address, 32 or 128 of them.
pub(super) fn address(text: &str) -> Option<Vec<bool>> {
    let bytes = match text.parse().ok()? {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    let bits = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1));
    Some(bits.collect())
}

/// Whether the address is in the range; an address without a length is a range of one.
pub(super) fn address_in(asked: Vec<bool>, range: &str) -> bool {
    let (start, length) = range.split_once('/').unwrap_or((range, "128"));
    let (Some(start), Ok(length)) = (address(start), length.parse::<usize>()) else {
        return false;
    };
    start.len() == asked.len() && start.iter().zip(&asked).take(length).all(|(a, b)| a == b)
}
