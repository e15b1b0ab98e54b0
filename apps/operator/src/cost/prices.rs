//! What AWS asks for, as a table with its source and date, which a file can override.

use super::Money;
use crate::trail::Notation;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The day on which the published prices were written down here.
const AS_OF: &str = "2026-11-22";

/// A price of so many things, some of them free each month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Price {
    /// What `per` of them cost.
    pub amount: Money,
    /// How many that pays for; 1 or more.
    pub per: u64,
    /// How many a month cost nothing.
    #[serde(default)]
    pub free: u64,
    /// Where the price is published.
    pub source: String,
}

/// The prices that estimates are made with, in US dollars before tax, of AWS's commercial Regions. None of them depends on
/// the Region there; for other partitions give a table of your own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Prices {
    /// The day of the table.
    pub as_of: String,
    /// One version of a customer managed key for a month.
    pub key_month: Price,
    /// How many rotations of a key are charged; later ones add nothing.
    pub rotations_charged: u32,
    /// Calls of KMS with symmetric keys.
    pub kms_requests: Price,
    /// Management events in the second and each further copy that a Region delivers.
    pub management_copies: Price,
    /// Data events delivered.
    pub data_events: Price,
    /// Network activity events delivered.
    pub network_activity_events: Price,
    /// Events that Insights analyses, counted once for each Insights type.
    pub insights_events: Price,
}

/// Why a table of prices is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("this is no table of prices: {0}")]
pub struct NoPrices(String);

impl Default for Prices {
    /// The published prices.
    fn default() -> Prices {
        let price = |micros: i64, per: u64, free: u64, source: &str| Price {
            amount: Money::of_micros(micros),
            per,
            free,
            source: source.to_owned(),
        };
        let kms = "https://aws.amazon.com/kms/pricing/";
        let cloudtrail = "https://aws.amazon.com/cloudtrail/pricing/";
        Prices {
            as_of: AS_OF.to_owned(),
            key_month: price(1_000_000, 1, 0, kms),
            rotations_charged: 2,
            kms_requests: price(30_000, 10_000, 20_000, kms),
            management_copies: price(2_000_000, 100_000, 0, cloudtrail),
            data_events: price(100_000, 100_000, 0, cloudtrail),
            network_activity_events: price(100_000, 100_000, 0, cloudtrail),
            insights_events: price(350_000, 100_000, 0, cloudtrail),
        }
    }
}

impl Prices {
    /// Reads a table in TOML or JSON. What it does not name is as published; what it names is whole, and names nothing else.
    /// [`Prices::to_toml`] writes such a table.
    pub fn parse(text: &str, notation: Notation) -> Result<Prices, NoPrices> {
        let prices: Prices = match notation {
            Notation::Json => serde_json::from_str(text).map_err(|fault| NoPrices(fault.to_string()))?,
            Notation::Toml => toml::from_str(text).map_err(|fault| NoPrices(fault.to_string()))?,
            Notation::Yaml => {
                return Err(NoPrices(
                    "it is written in TOML or JSON, and its name says so".to_owned(),
                ));
            }
        };
        match prices.rows().iter().find(|(_, price)| price.per == 0) {
            Some((name, _)) => Err(NoPrices(format!("`per` of {name} is 0"))),
            None => Ok(prices),
        }
    }

    /// The table in TOML, to be changed and given back.
    pub fn to_toml(&self) -> String {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let mut text = format!(
            "asOf = {}\nrotationsCharged = {}\n",
            quoted(&self.as_of),
            self.rotations_charged
        );
        for (name, price) in self.rows() {
            let amount = price.amount.to_string();
            text.push_str(&format!(
                "\n[{name}]\namount = {}\nper = {}\nfree = {}\nsource = {}\n",
                quoted(amount.trim_start_matches('$')),
                price.per,
                price.free,
                quoted(&price.source)
            ));
        }
        text
    }

    /// Every price by its name.
    pub fn rows(&self) -> [(&'static str, &Price); 6] {
        [
            ("keyMonth", &self.key_month),
            ("kmsRequests", &self.kms_requests),
            ("managementCopies", &self.management_copies),
            ("dataEvents", &self.data_events),
            ("networkActivityEvents", &self.network_activity_events),
            ("insightsEvents", &self.insights_events),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_written_and_read_back() {
        let published = Prices::default();
        assert_eq!(Prices::parse(&published.to_toml(), Notation::Toml).unwrap(), published);
        let json = serde_json::to_string(&published).unwrap();
        assert_eq!(Prices::parse(&json, Notation::Json).unwrap(), published);
    }

    #[test]
    fn a_table_overrides_what_it_names_and_is_refused_when_it_is_wrong() {
        let some = "[kmsRequests]\namount = \"0.04\"\nper = 10000\nsource = \"a contract\"\n";
        let prices = Prices::parse(some, Notation::Toml).unwrap();
        assert_eq!(prices.kms_requests.amount, Money::of_micros(40_000));
        assert_eq!(prices.kms_requests.free, 0);
        assert_eq!(prices.data_events, Prices::default().data_events);
        let refused = |text: &str| Prices::parse(text, Notation::Toml).unwrap_err().to_string();
        assert!(refused("kmsRequest = 1").contains("kmsRequest"));
        assert!(refused("[keyMonth]\namount = 1.5\nper = 1\nsource = \"\"").contains("string"));
        assert!(refused("[keyMonth]\namount = \"1\"\nper = 0\nsource = \"\"").contains("`per` of keyMonth is 0"));
        assert!(Prices::parse("", Notation::Yaml).is_err());
    }
}
