//! Amounts of money, exactly.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{
    fmt,
    iter::Sum,
    ops::{Add, Sub},
};
use thiserror::Error;

/// Millionths in one dollar.
const MICRO: i128 = 1_000_000;

/// An amount of US dollars, a whole number of millionths; never a float. What would not fit (beyond some nine million
/// million dollars) stays at the greatest amount. In JSON it is a decimal text: `"2.09"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Money(i64);

impl Money {
    /// Nothing.
    pub const ZERO: Money = Money(0);

    /// Of whole millionths of a dollar.
    pub const fn of_micros(micros: i64) -> Money {
        Money(micros)
    }

    /// The millionths of a dollar.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// `self × count ÷ per`, rounded to the nearest millionth, halves up. A `per` of nothing counts as one.
    pub fn times(self, count: u64, per: u64) -> Money {
        let per = i128::from(per.max(1));
        let product = i128::from(self.0) * i128::from(count);
        Money::clamped((product + per / 2).div_euclid(per))
    }

    /// As few decimals as say it exactly, two at least, without the dollar sign.
    fn decimal(self) -> String {
        let micros = i128::from(self.0).unsigned_abs();
        let (whole, part) = (micros / MICRO.unsigned_abs(), micros % MICRO.unsigned_abs());
        let part = format!("{part:06}");
        let shown = part.trim_end_matches('0').len().max(2);
        let part = part.get(..shown).unwrap_or(&part);
        let sign = if self.0 < 0 { "-" } else { "" };
        format!("{sign}{whole}.{part}")
    }

    fn clamped(micros: i128) -> Money {
        let least = i128::from(i64::MIN);
        let most = i128::from(i64::MAX);
        Money(i64::try_from(micros.clamp(least, most)).unwrap_or(i64::MAX))
    }
}

/// Why a text is no amount.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is no amount of dollars: digits and at most six decimals are, such as 0.03")]
pub struct NoAmount(String);

impl std::str::FromStr for Money {
    type Err = NoAmount;

    /// `2`, `0.03`, `$1.00`: not less than nothing, with at most six decimals.
    fn from_str(text: &str) -> Result<Money, NoAmount> {
        let fault = || NoAmount(text.to_owned());
        let digits = text.strip_prefix('$').unwrap_or(text);
        let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
        let numeric = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !numeric(whole) || !numeric(part) || part.len() > 6 {
            return Err(fault());
        }
        let micros: i64 = format!("{whole}{part:0<6}").parse().map_err(|_| fault())?;
        Ok(Money(micros))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.decimal().strip_prefix('-') {
            Some(amount) => write!(f, "-${amount}"),
            None => write!(f, "${}", self.decimal()),
        }
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.decimal())
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Money, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl Add for Money {
    type Output = Money;

    fn add(self, other: Money) -> Money {
        Money(self.0.saturating_add(other.0))
    }
}

impl Sub for Money {
    type Output = Money;

    fn sub(self, other: Money) -> Money {
        Money(self.0.saturating_sub(other.0))
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Money>>(amounts: I) -> Money {
        amounts.fold(Money::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn money_is_exact() {
        let check = |text: &str, shown: &str| assert_eq!(text.parse::<Money>().unwrap().to_string(), shown);
        check("2", "$2.00");
        check("0.03", "$0.03");
        check("$0.000003", "$0.000003");
        check("1.100000", "$1.10");
        for text in ["", "-1", "1.", ".5", "1.0000001", "1e3", "０", "99999999999999999999"] {
            assert_eq!(text.parse::<Money>(), Err(NoAmount(text.to_owned())));
        }
        assert_eq!((Money::ZERO - Money::of_micros(90_000)).to_string(), "-$0.09");
        assert_eq!(serde_json::to_string(&Money::of_micros(2_090_000)).unwrap(), "\"2.09\"");
    }

    #[test]
    fn a_share_of_a_price_is_rounded_to_the_nearest_millionth() {
        let check = |price: i64, count, per, micros| assert_eq!(Money(price).times(count, per).micros(), micros);
        check(350_000, 1, 100_000, 4); // 3.5
        check(350_000, 3, 100_000, 11); // 10.5
        check(1, 1, 3, 0);
        check(2, 1, 3, 1);
        check(i64::MAX, u64::MAX, 1, i64::MAX);
        check(5, 2, 0, 10);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same_amount(micros in 0..i64::MAX / 2) {
            prop_assert_eq!(Money(micros).to_string().parse::<Money>().unwrap(), Money(micros));
        }
    }
}
