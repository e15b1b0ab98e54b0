//! The typed values of conditions.

use base::Timestamp;
use base64::{Engine, engine::general_purpose::STANDARD};
use std::{cmp::Ordering, net::IpAddr};

/// A decimal number of any size, compared exactly: `0.digits * 10^point`, no zero at either end of the digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    point: i64,
    digits: Vec<u8>,
}

impl Decimal {
    pub(super) fn parse(text: &str) -> Option<Decimal> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, i64::from(exponent.parse::<i32>().ok()?)),
            None => (text, 0),
        };
        let unsigned = mantissa.strip_prefix(['+', '-']).unwrap_or(mantissa);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if !all_digits(whole) || !all_digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
            return None;
        }
        let all: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        let leading = all.iter().take_while(|b| **b == b'0').count();
        let trailing = all.iter().rev().take_while(|b| **b == b'0').count();
        let digits = all.get(leading..all.len() - trailing).unwrap_or(&[]).to_vec();
        if digits.is_empty() {
            return Some(Decimal {
                negative: false,
                point: 0,
                digits,
            });
        }
        let shift = i64::try_from(whole.len()).ok()? - i64::try_from(leading).ok()?;
        Some(Decimal {
            negative: mantissa.starts_with('-'),
            point: exponent + shift,
            digits,
        })
    }

    fn sign(&self) -> i8 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    pub(super) fn cmp(&self, other: &Decimal) -> Ordering {
        let size = || {
            self.point
                .cmp(&other.point)
                .then_with(|| self.digits.cmp(&other.digits))
        };
        match self.sign().cmp(&other.sign()) {
            Ordering::Equal if self.negative => size().reverse(),
            Ordering::Equal if self.sign() == 0 => Ordering::Equal,
            Ordering::Equal => size(),
            unequal => unequal,
        }
    }
}

/// A date in a form of ISO 8601 that W3C's note has (from a year alone, always in UTC, to a time with a zone), or seconds
/// since the epoch. Four digits are a year.
///
/// SPEC: <https://www.w3.org/TR/NOTE-datetime>
pub(super) fn date(text: &str) -> Option<Timestamp> {
    if let Some(timestamp) = Timestamp::parse(text) {
        return Some(timestamp);
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.len() {
        4 if digits => return Timestamp::parse(&format!("{text}-01-01T00:00:00Z")),
        7 => return Timestamp::parse(&format!("{text}-01T00:00:00Z")).or_else(|| seconds(text)),
        10 if !digits => return Timestamp::parse(&format!("{text}T00:00:00Z")).or_else(|| seconds(text)),
        _ => {}
    }
    seconds(text)
}

fn seconds(text: &str) -> Option<Timestamp> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Some(Timestamp::from_secs(seconds));
    }
    Decimal::parse(text)?;
    text.parse::<f64>().ok().map(Timestamp::from_secs_f64)
}

pub(super) fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

pub(super) fn binary(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// An address; an IPv4 address in IPv6 clothes is the IPv4 address.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// A range of addresses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Network {
    base: IpAddr,
    /// How many of the last bits are free.
    free_bits: u32,
}

impl Network {
    /// `address/prefix`, or one address.
    pub(super) fn parse(text: &str) -> Option<Network> {
        let (base, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let base: IpAddr = base.parse().ok()?;
        let bits = if base.is_ipv4() { 32 } else { 128 };
        let free_bits = match prefix {
            None => 0,
            Some(prefix) if prefix.bytes().all(|b| b.is_ascii_digit()) => {
                u32::checked_sub(bits, prefix.parse::<u32>().ok()?)?
            }
            Some(_) => return None,
        };
        Some(Network { base, free_bits })
    }

    pub(super) fn contains(&self, address: IpAddr) -> bool {
        let differing = match (self.base, address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => u128::from(a.to_bits() ^ b.to_bits()),
            (IpAddr::V6(a), IpAddr::V6(b)) => a.to_bits() ^ b.to_bits(),
            _ => return false,
        };
        differing.checked_shr(self.free_bits).unwrap_or(0) == 0
    }
}
