//! The formulae.

use super::{Money, Price, Prices};
use crate::{message, message::Message};
use serde::Serialize;

/// A month, in the hours by which keys are charged: a twelfth of 365 days.
const HOURS_OF_MONTH: u64 = 730;

/// What the price of a key depends on. [`KeyFacts::default`] is one customer managed key that never rotated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyFacts {
    /// Its ARN, alias or whatever it is called; nothing when it does not exist yet.
    pub name: Option<String>,
    /// An AWS managed or AWS owned key: it costs nothing, only its requests count.
    pub aws_managed: bool,
    /// How often its material was rotated.
    pub rotations: u32,
    /// Replicas in other Regions, each a key with as many versions.
    pub replicas: u32,
    /// It waits for its deletion, and costs nothing unless that is cancelled.
    pub pending_deletion: bool,
    /// For how many hours of the month it exists [default: all].
    pub hours: Option<u16>,
}

/// Management events of a month in one Region (or in several together).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagementEvents {
    /// The Region, when it is one.
    pub region: Option<String>,
    /// How many happen.
    pub events: u64,
    /// How many trails deliver each of them.
    pub copies: u32,
}

/// What Insights analyses in a month, for one trail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Insights {
    /// Management events that only read.
    pub reads: u64,
    /// Management events that write.
    pub writes: u64,
    /// `ApiCallRateInsight` is on: it analyses what writes.
    pub call_rate: bool,
    /// `ApiErrorRateInsight` is on: it analyses all.
    pub error_rate: bool,
}

impl Insights {
    fn analysed(&self) -> u64 {
        let call_rate = if self.call_rate { self.writes } else { 0 };
        let error_rate = match self.error_rate {
            true => self.writes.saturating_add(self.reads),
            false => 0,
        };
        call_rate.saturating_add(error_rate)
    }
}

/// A month.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// The keys that there are.
    pub keys: Vec<KeyFacts>,
    /// Calls of KMS with symmetric keys by this account's principals, in all Regions. CloudTrail's own do not count.
    pub kms_requests: u64,
    /// Log and digest files that are read while they lie under a KMS key without a bucket key: one Decrypt each.
    pub objects_read: u64,
    /// Management events by Region.
    pub management: Vec<ManagementEvents>,
    /// Data events delivered; one that two trails deliver counts twice.
    pub data_events: u64,
    /// Network activity events delivered.
    pub network_activity_events: u64,
    /// What Insights analyses, for each trail that has it on.
    pub insights: Vec<Insights>,
    /// Management events of a further copy whose delivery was tried and failed.
    pub undelivered_management_events: u64,
    /// Data events whose delivery was tried and failed.
    pub undelivered_data_events: u64,
}

/// One item of a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// What is paid for.
    pub what: Message,
    /// How the amount comes about, with the numbers in: `$1.00 × (1 + 1) = $2.00`.
    pub formula: String,
    /// The amount.
    pub amount: Money,
}

/// A month's lines, and what they rest on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Estimate {
    /// The items, none of them left out because it costs nothing.
    pub lines: Vec<Line>,
    /// All lines together.
    pub total: Money,
    /// What is taken to be so.
    pub assumptions: Vec<Message>,
    /// What costs money too and is not in the total.
    pub not_counted: Vec<Message>,
    /// The prices it was made with.
    pub prices: Prices,
}

/// What a key costs a month, by the published prices.
pub fn of_key(key: &KeyFacts) -> Line {
    Prices::default().of_key(key)
}

/// What a month costs, by the published prices.
pub fn monthly(usage: &Usage) -> Estimate {
    Prices::default().monthly(usage)
}

impl Prices {
    /// What a key costs a month: each of its versions that is charged, in each Region that has it, by the hour.
    pub fn of_key(&self, key: &KeyFacts) -> Line {
        let what = match &key.name {
            Some(name) => message!("the key {name}", "キー {name}"),
            None => message!("a customer managed key", "カスタマーマネージドキー"),
        };
        if key.aws_managed {
            return Line::free(what, "AWS managed key: $0.00");
        }
        if key.pending_deletion {
            return Line::free(what, "pending deletion: $0.00");
        }
        let rotations = key.rotations.min(self.rotations_charged);
        let regions = u64::from(key.replicas) + 1;
        let versions = u64::from(rotations) + 1;
        let price = &self.key_month;
        let hours = key.hours.map(|hours| u64::from(hours).min(HOURS_OF_MONTH));
        let count = versions * regions * hours.unwrap_or(1);
        let per = price.per.saturating_mul(hours.map_or(1, |_| HOURS_OF_MONTH));
        let amount = price.amount.times(count, per);
        let mut formula = format!("{}{} × (1 key", price.amount, each(price.per));
        match (rotations, key.rotations) {
            (0, _) => {}
            (1, _) => formula.push_str(" + 1 rotation"),
            (charged, all) if charged == all => formula.push_str(&format!(" + {charged} rotations")),
            (charged, all) => formula.push_str(&format!(" + {charged} of {all} rotations")),
        }
        formula.push(')');
        if key.replicas > 0 {
            formula.push_str(&format!(" × {regions} Regions"));
        }
        if let Some(hours) = hours {
            formula.push_str(&format!(" × {hours} ÷ {HOURS_OF_MONTH} hours"));
        }
        formula.push_str(&format!(" = {amount}"));
        Line { what, formula, amount }
    }

    /// What a month costs.
    pub fn monthly(&self, usage: &Usage) -> Estimate {
        let alike = usage.keys.chunk_by(|one, next| one == next);
        let mut lines: Vec<Line> = alike.filter_map(|keys| self.of_keys(keys)).collect();
        lines.push(self.requests(usage));
        lines.extend(usage.management.iter().map(|events| self.management(events)));
        lines.push(self.data_events.line(
            message!("data events delivered", "配信されたデータイベント"),
            usage.data_events,
        ));
        let counted = [
            (
                &self.network_activity_events,
                usage.network_activity_events,
                message!(
                    "network activity events delivered",
                    "配信されたネットワークアクティビティイベント"
                ),
            ),
            (
                &self.insights_events,
                usage
                    .insights
                    .iter()
                    .map(Insights::analysed)
                    .fold(0, u64::saturating_add),
                message!("events analysed by Insights", "Insights が分析したイベント"),
            ),
            (
                &self.management_copies,
                usage.undelivered_management_events,
                message!(
                    "management events of further copies whose delivery failed (tried for 30 days, charged as delivered)",
                    "配信に失敗した追加コピーの管理イベント (30 日間再試行され、配信されたものとして課金)"
                ),
            ),
            (
                &self.data_events,
                usage.undelivered_data_events,
                message!(
                    "data events whose delivery failed (tried for 30 days, charged as delivered)",
                    "配信に失敗したデータイベント (30 日間再試行され、配信されたものとして課金)"
                ),
            ),
        ];
        let counted = counted.into_iter().filter(|(_, count, _)| *count > 0);
        lines.extend(counted.map(|(price, count, what)| price.line(what, count)));
        Estimate {
            total: lines.iter().map(|line| line.amount).sum(),
            lines,
            assumptions: assumptions(usage),
            not_counted: not_counted(),
            prices: self.clone(),
        }
    }

    /// One line for keys that are alike.
    fn of_keys(&self, keys: &[KeyFacts]) -> Option<Line> {
        let line = self.of_key(keys.first()?);
        let count = keys.len();
        if count == 1 {
            return Some(line);
        }
        let amount = line.amount.times(count as u64, 1);
        let one = line
            .formula
            .rsplit_once(" = ")
            .map_or(line.formula.as_str(), |(one, _)| one);
        Some(Line {
            what: message!("{count} customer managed keys", "カスタマーマネージドキー {count} 個"),
            formula: format!("{} × {one} = {amount}", grouped(count as u64)),
            amount,
        })
    }

    fn requests(&self, usage: &Usage) -> Line {
        let count = usage.kms_requests.saturating_add(usage.objects_read);
        let what = match usage.objects_read {
            0 => message!("requests to KMS", "KMS へのリクエスト"),
            objects => {
                let objects = grouped(objects);
                message!(
                    "requests to KMS, of them {objects} to read log files",
                    "KMS へのリクエスト (うち {objects} 件はログファイルの読み取り)"
                )
            }
        };
        self.kms_requests.line(what, count)
    }

    fn management(&self, management: &ManagementEvents) -> Line {
        let further = u64::from(management.copies.saturating_sub(1));
        let price = &self.management_copies;
        let mut line = price.line(
            match &management.region {
                Some(region) => message!(
                    "further copies of management events in {region}",
                    "{region} の管理イベントの追加コピー"
                ),
                None => message!("further copies of management events", "管理イベントの追加コピー"),
            },
            management.events.saturating_mul(further),
        );
        let (events, copies) = (grouped(management.events), management.copies);
        line.formula = match copies {
            0 => format!("no copy of {events} events: $0.00"),
            1 => format!("first copy of {events} events: $0.00"),
            _ => {
                let (amount, price_text, each) = (line.amount, price.amount, each(price.per));
                format!("{events} × ({copies} − 1) copies × {price_text}{each} = {amount}")
            }
        };
        line
    }
}

impl Price {
    fn line(&self, what: Message, count: u64) -> Line {
        let amount = self.amount.times(count.saturating_sub(self.free), self.per);
        let (price, each, counted) = (self.amount, each(self.per), grouped(count));
        let formula = match self.free {
            0 => format!("{counted} × {price}{each} = {amount}"),
            free => format!("max(0, {counted} − {}) × {price}{each} = {amount}", grouped(free)),
        };
        Line { what, formula, amount }
    }
}

impl Line {
    fn free(what: Message, formula: &str) -> Line {
        Line {
            what,
            formula: formula.to_owned(),
            amount: Money::ZERO,
        }
    }
}

/// What a price is for, when it is not for one.
fn each(per: u64) -> String {
    match per {
        1 => String::new(),
        per => format!(" ÷ {}", grouped(per)),
    }
}

/// The number with its thousands set off.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn assumptions(usage: &Usage) -> Vec<Message> {
    let mut assumptions = vec![
        message!(
            "CloudTrail's own use of a trail's key costs nothing.",
            "CloudTrail 自身による証跡のキーの使用は無料です。"
        ),
        message!(
            "The free requests of KMS are this account's in all Regions; other uses of KMS take part of them.",
            "KMS の無料リクエストは、このアカウントの全リージョンの合計に対するものです。KMS の他の用途もこれを消費します。"
        ),
    ];
    if usage.objects_read > 0 {
        assumptions.push(message!(
            "Reading a log file is one Decrypt, charged to the reader's account; a bucket key makes it fewer.",
            "ログファイルの読み取り 1 回は Decrypt 1 回で、読み取る側のアカウントに課金されます。バケットキーを使うと減ります。"
        ));
    }
    if usage.keys.iter().any(|key| key.replicas > 0) {
        assumptions.push(message!(
            "Each replica of a key is charged like the key itself, rotations too.",
            "キーの各レプリカは、ローテーションも含めてキー自体と同様に課金されます。"
        ));
    }
    if usage.keys.iter().any(|key| key.hours.is_some()) {
        assumptions.push(message!(
            "A month has {HOURS_OF_MONTH} hours.",
            "1 か月は {HOURS_OF_MONTH} 時間とします。"
        ));
    }
    if usage.keys.iter().any(|key| key.pending_deletion) {
        assumptions.push(message!(
            "A key that waits for its deletion costs nothing; if the deletion is cancelled, it is charged for that time too.",
            "削除待ちのキーは無料です。削除を取り消すと、その期間の分も課金されます。"
        ));
    }
    assumptions
}

fn not_counted() -> Vec<Message> {
    vec![
        message!(
            "storage of log files in S3, and requests to S3",
            "S3 でのログファイルの保管と、S3 へのリクエスト"
        ),
        message!(
            "transfer between Regions, where a trail of all Regions has one bucket",
            "全リージョンの証跡が 1 つのバケットを使う場合の、リージョン間のデータ転送"
        ),
        message!(
            "CloudWatch Logs, SNS, event data stores, custom key stores, taxes and discounts",
            "CloudWatch Logs、SNS、イベントデータストア、カスタムキーストア、税金と割引"
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(rotations: u32) -> KeyFacts {
        KeyFacts {
            rotations,
            ..KeyFacts::default()
        }
    }

    /// A trail's key that has rotated once, and fifty thousand reads in a month.
    #[test]
    fn a_key_and_its_readers_cost_two_dollars_and_nine_cents() {
        let estimate = monthly(&Usage {
            keys: vec![key(1)],
            objects_read: 50_000,
            ..Usage::default()
        });
        let formulae: Vec<&str> = estimate.lines.iter().map(|line| line.formula.as_str()).collect();
        assert_eq!(
            formulae,
            [
                "$1.00 × (1 key + 1 rotation) = $2.00",
                "max(0, 50,000 − 20,000) × $0.03 ÷ 10,000 = $0.09",
                "0 × $0.10 ÷ 100,000 = $0.00"
            ]
        );
        assert_eq!(estimate.total.to_string(), "$2.09");
    }

    #[test]
    fn keys_cost_by_version_replica_and_hour() {
        let check = |key: KeyFacts, formula: &str| assert_eq!(of_key(&key).formula, formula);
        check(key(0), "$1.00 × (1 key) = $1.00");
        check(key(2), "$1.00 × (1 key + 2 rotations) = $3.00");
        check(key(9), "$1.00 × (1 key + 2 of 9 rotations) = $3.00");
        let replicas = KeyFacts { replicas: 2, ..key(1) };
        check(replicas, "$1.00 × (1 key + 1 rotation) × 3 Regions = $6.00");
        let hours = |hours| KeyFacts {
            hours: Some(hours),
            ..key(0)
        };
        check(hours(73), "$1.00 × (1 key) × 73 ÷ 730 hours = $0.10");
        check(hours(744), "$1.00 × (1 key) × 730 ÷ 730 hours = $1.00");
        let managed = KeyFacts {
            aws_managed: true,
            ..key(3)
        };
        check(managed, "AWS managed key: $0.00");
        let deleted = KeyFacts {
            pending_deletion: true,
            ..key(3)
        };
        check(deleted, "pending deletion: $0.00");
    }

    #[test]
    fn events_cost_by_copy_and_kind() {
        let management = |region: &str, events, copies| ManagementEvents {
            region: Some(region.to_owned()),
            events,
            copies,
        };
        let estimate = monthly(&Usage {
            management: vec![management("us-east-1", 150_000, 2), management("eu-west-1", 9, 1)],
            data_events: 2_000_000,
            network_activity_events: 1,
            insights: vec![Insights {
                reads: 270_000,
                writes: 30_000,
                call_rate: true,
                error_rate: true,
            }],
            undelivered_management_events: 50_000,
            undelivered_data_events: 100_000,
            ..Usage::default()
        });
        let formulae: Vec<&str> = estimate.lines.iter().map(|line| line.formula.as_str()).collect();
        assert_eq!(
            formulae,
            [
                "max(0, 0 − 20,000) × $0.03 ÷ 10,000 = $0.00",
                "150,000 × (2 − 1) copies × $2.00 ÷ 100,000 = $3.00",
                "first copy of 9 events: $0.00",
                "2,000,000 × $0.10 ÷ 100,000 = $2.00",
                "1 × $0.10 ÷ 100,000 = $0.000001",
                "330,000 × $0.35 ÷ 100,000 = $1.155",
                "50,000 × $2.00 ÷ 100,000 = $1.00",
                "100,000 × $0.10 ÷ 100,000 = $0.10",
            ]
        );
        assert_eq!(estimate.total.to_string(), "$7.255001");
    }

    #[test]
    fn keys_that_are_alike_are_one_line() {
        let named = KeyFacts {
            name: Some("alias/audit".to_owned()),
            ..key(0)
        };
        let estimate = monthly(&Usage {
            keys: vec![key(1), key(1), key(1), named],
            ..Usage::default()
        });
        assert_eq!(estimate.lines[0].formula, "3 × $1.00 × (1 key + 1 rotation) = $6.00");
        assert_eq!(estimate.lines[1].what.to_string(), "the key alias/audit");
        assert_eq!(estimate.total.to_string(), "$7.00");
    }

    #[test]
    fn other_prices_are_used_when_given() {
        let prices = Prices {
            rotations_charged: 0,
            ..Prices::default()
        };
        assert_eq!(prices.of_key(&key(5)).amount.to_string(), "$1.00");
    }
}
