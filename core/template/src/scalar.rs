//! What an unquoted scalar of YAML is: YAML 1.1's types as CloudFormation's reader takes them. `yes` and `off` are booleans,
//! `0300` is octal, `1:30` is base 60, `012345678901` (no octal number, for it has an 8) is a float. Dates are texts.
//!
//! SPEC: <https://yaml.org/type/>; <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html>

use serde_json::Number;

use crate::ordered::Ordered;

/// The value of an unquoted scalar without a tag.
pub(crate) fn plain(text: &str) -> Ordered {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Ordered::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Ordered::Bool(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Ordered::Bool(false),
        _ => number(text).unwrap_or_else(|| Ordered::String(text.to_owned())),
    }
}

/// The number that the text is. One that no 64 bits hold stays a text, of its digits.
pub(crate) fn number(text: &str) -> Option<Ordered> {
    // Most texts are none: they are told by their first character, and by any that stands in no number.
    let first = *text.as_bytes().first()?;
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) || !text.is_ascii() {
        return None;
    }
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if let Some(whole) = whole(digits) {
        return Some(signed(negative, whole).unwrap_or_else(|| Ordered::String(text.replace('_', ""))));
    }
    let value = base_60_fraction(digits).or_else(|| fraction(digits))?;
    let value = if negative { -value } else { value };
    Some(Number::from_f64(value).map_or_else(|| Ordered::String(text.to_owned()), Ordered::Number))
}

fn signed(negative: bool, value: Option<u64>) -> Option<Ordered> {
    let value = value?;
    if !negative {
        return Some(Ordered::Number(value.into()));
    }
    i64::try_from(-i128::from(value))
        .ok()
        .map(|value| Ordered::Number(value.into()))
}

/// A whole number without its sign; `Some(None)` for one that is too large.
fn whole(digits: &str) -> Option<Option<u64>> {
    let radix = |text: &str, radix: u32| -> Option<Option<u64>> {
        let all = !text.is_empty() && text.chars().all(|c| c == '_' || c.is_digit(radix));
        all.then(|| match text.replace('_', "").as_str() {
            "" => Some(0),
            digits => u64::from_str_radix(digits, radix).ok(),
        })
    };
    if let Some(binary) = digits.strip_prefix("0b") {
        return radix(binary, 2);
    }
    if let Some(hex) = digits.strip_prefix("0x") {
        return radix(hex, 16);
    }
    match digits.as_bytes() {
        [b'0'] => Some(Some(0)),
        [b'0', ..] => radix(&digits[1..], 8),
        [b'1'..=b'9', ..] if digits.contains(':') => base_60(digits),
        [b'1'..=b'9', ..] => radix(digits, 10),
        _ => None,
    }
}

/// `1:30` is 90.
fn base_60(digits: &str) -> Option<Option<u64>> {
    let mut places = digits.split(':');
    let first = places.next()?;
    if !first.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
        return None;
    }
    let mut value = first.replace('_', "").parse::<u64>().ok();
    for place in places {
        let place = minute(place)?;
        value = value.and_then(|value| value.checked_mul(60)?.checked_add(place));
    }
    Some(value)
}

/// One or two digits, below 60.
fn minute(place: &str) -> Option<u64> {
    match place.as_bytes() {
        [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9'] => place.parse().ok(),
        _ => None,
    }
}

/// `1:30.5` is 90.5.
fn base_60_fraction(digits: &str) -> Option<f64> {
    let (places, fraction) = digits.split_once('.')?;
    if !places.contains(':') || !places.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let digits_only = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let mut places = places.split(':');
    let first = places.next().filter(|first| digits_only(first))?;
    let mut value: f64 = first.replace('_', "").parse().ok()?;
    for place in places {
        value = value * 60.0 + minute(place)? as f64;
    }
    if !digits_only(fraction) {
        return None;
    }
    Some(value + format!("0.{}", fraction.replace('_', "")).parse::<f64>().unwrap_or(0.0))
}

/// Digits, a point and an exponent, all of which may be absent but one digit. So a number with a leading zero that is no
/// octal one is a float, too.
fn fraction(digits: &str) -> Option<f64> {
    let (mantissa, exponent) = match digits.find(['e', 'E']) {
        Some(at) => (&digits[..at], Some(&digits[at + 1..])),
        None => (digits, None),
    };
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let well_formed = match mantissa.strip_prefix('.') {
        Some(after) => !after.is_empty() && all_digits(after),
        None => {
            let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
            before.starts_with(|c: char| c.is_ascii_digit())
                && all_digits(&before.replace('_', ""))
                && all_digits(&after.replace('_', ""))
        }
    };
    let exponent_formed = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && all_digits(digits)
    });
    (well_formed && exponent_formed)
        .then(|| digits.replace('_', "").parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unquoted_scalars_are_of_yaml_1_1() {
        let number = |value: serde_json::Value| Ordered::from(value);
        for (text, expected) in [
            ("", Ordered::Null),
            ("~", Ordered::Null),
            ("NULL", Ordered::Null),
            ("yes", Ordered::Bool(true)),
            ("On", Ordered::Bool(true)),
            ("TRUE", Ordered::Bool(true)),
            ("off", Ordered::Bool(false)),
            ("NO", Ordered::Bool(false)),
            ("0", number(0.into())),
            ("90", number(90.into())),
            ("-7", number((-7).into())),
            ("+7", number(7.into())),
            ("1_000", number(1000.into())),
            ("123456789012", number(123_456_789_012_i64.into())),
            // What the seeds' readers saw on AWS: octal, else a float.
            ("0300", number(192.into())),
            ("012345670123", number(1_402_433_619_i64.into())),
            ("012345678901", number(12_345_678_901.0.into())),
            ("0x1A", number(26.into())),
            ("0b101", number(5.into())),
            ("1:30", number(90.into())),
            ("1:30:15", number(5415.into())),
            ("1:30.5", number(90.5.into())),
            ("1.50", number(1.5.into())),
            (".5", number(0.5.into())),
            ("1e3", number(1000.0.into())),
            ("-1.5E-3", number((-0.0015).into())),
            ("18446744073709551615", number(u64::MAX.into())),
            ("-9223372036854775808", number(i64::MIN.into())),
        ] {
            assert_eq!(plain(text), expected, "{text}");
        }
        for text in [
            "2012-10-17",
            "2010-09-09",
            "2001-12-14 21:59:43.10",
            "y",
            "N",
            "nO",
            "tRUE",
            "10.0.0.0/16",
            "1.2.3",
            "0x",
            "0b2",
            "-",
            "+",
            ".",
            "1:60",
            "03:30",
            "1:",
            "12e",
            "1e+",
            "_1",
            "1,000",
            "۱",
            "0o17",
            ".inf",
            ".nan",
            "-.INF",
            "1e999",
            "٣.٥",
            "arn:aws:s3:::b",
            "1-2",
            "--1",
            "+-1",
            "1.e.1",
            "=",
            "<<",
        ] {
            assert_eq!(plain(text), Ordered::String(text.to_owned()));
        }
        assert_eq!(
            plain("184_46744073709551616"),
            Ordered::String("18446744073709551616".to_owned())
        );
        assert_eq!(
            plain("-99999999999999999999"),
            Ordered::String("-99999999999999999999".to_owned())
        );
    }
}
