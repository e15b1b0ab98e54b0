//! Object lock: what keeps a version from being deleted or overwritten.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html>

use base::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A day.
const DAY: Duration = Duration::from_secs(86_400);

/// The longest default retention.
const PERIOD_DAYS_MAX: u32 = 36_500;

/// How strict a retention is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RetentionMode {
    /// Who has `s3:BypassGovernanceRetention` and says so may delete.
    Governance,
    /// Nobody may.
    Compliance,
}

impl RetentionMode {
    /// Reads `GOVERNANCE` or `COMPLIANCE`.
    pub fn parse(text: &str) -> Option<RetentionMode> {
        match text {
            "GOVERNANCE" => Some(RetentionMode::Governance),
            "COMPLIANCE" => Some(RetentionMode::Compliance),
            _ => None,
        }
    }

    /// As headers and documents write it.
    pub fn as_str(self) -> &'static str {
        match self {
            RetentionMode::Governance => "GOVERNANCE",
            RetentionMode::Compliance => "COMPLIANCE",
        }
    }
}

/// Until when a version stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// How strict.
    pub mode: RetentionMode,
    /// Until when.
    pub until: Timestamp,
}

/// What protects one version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectLock {
    /// Its retention.
    pub retention: Option<Retention>,
    /// Whether it is held, without an end; `None` when nobody ever said.
    pub legal_hold: Option<bool>,
}

impl Retention {
    /// Whether it still holds.
    pub fn is_in_force(self, now: Timestamp) -> bool {
        self.until > now
    }
}

impl ObjectLock {
    /// Whether only who bypasses governance may remove the version now.
    pub fn needs_bypass(&self, now: Timestamp) -> bool {
        let governed = |retention: Retention| retention.mode == RetentionMode::Governance && retention.is_in_force(now);
        self.retention.is_some_and(governed)
    }

    /// Whether the version may be removed now.
    pub fn allows_removal(&self, now: Timestamp, bypass: bool) -> bool {
        let in_force = self.retention.filter(|retention| retention.is_in_force(now));
        match in_force.map(|retention| retention.mode) {
            _ if self.legal_hold == Some(true) => false,
            None => true,
            Some(RetentionMode::Governance) => bypass,
            Some(RetentionMode::Compliance) => false,
        }
    }

    /// Whether another retention may take the place of this one now: what is in force is only ever made longer, in its own
    /// mode, unless it is governance and bypassed.
    pub fn allows_retention(&self, new: Option<Retention>, now: Timestamp, bypass: bool) -> bool {
        let Some(old) = self.retention.filter(|retention| retention.is_in_force(now)) else {
            return true;
        };
        let longer = new.is_some_and(|new| new.mode == old.mode && new.until >= old.until);
        longer || (bypass && old.mode == RetentionMode::Governance)
    }
}

/// How many days a retention still has, begun ones counted whole.
pub fn remaining_days(until: Timestamp, now: Timestamp) -> u64 {
    let left = until.since(now);
    left.as_secs()
        .div_ceil(DAY.as_secs())
        .max(u64::from(left > Duration::ZERO))
}

/// How long a bucket's new versions are kept when their put says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultRetention {
    /// How strict.
    pub mode: RetentionMode,
    /// How long.
    pub period: Period,
}

/// A length of time as the configuration writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Period {
    /// In days.
    Days(u32),
    /// In years.
    Years(u32),
}

impl Period {
    /// As a duration; a year has 365 days.
    pub fn length(self) -> Duration {
        match self {
            Period::Days(days) => DAY.saturating_mul(days),
            Period::Years(years) => DAY.saturating_mul(years.saturating_mul(365)),
        }
    }

    /// Whether a configuration may have it: neither nothing nor more than a hundred years.
    pub fn fits(self) -> bool {
        self.length() > Duration::ZERO && self.length() <= DAY.saturating_mul(PERIOD_DAYS_MAX)
    }
}

impl DefaultRetention {
    /// The retention of a version that is made now.
    pub fn from(self, now: Timestamp) -> Retention {
        Retention {
            mode: self.mode,
            until: now.plus(self.period.length()),
        }
    }
}

/// The object lock of a bucket. Once on, it stays on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketLock {
    /// What new versions get.
    pub default: Option<DefaultRetention>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use RetentionMode::{Compliance, Governance};

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);

    fn retention(mode: RetentionMode, seconds: i64) -> Option<Retention> {
        let until = Timestamp::from_secs(1_000_000 + seconds);
        Some(Retention { mode, until })
    }

    #[test]
    fn removal_follows_the_table() {
        let check = |retention, legal_hold, plain: bool, bypassed: bool| {
            let legal_hold = Some(legal_hold);
            let lock = ObjectLock { retention, legal_hold };
            assert_eq!(lock.allows_removal(NOW, false), plain, "{lock:?}");
            assert_eq!(lock.allows_removal(NOW, true), bypassed, "{lock:?}");
        };
        check(None, false, true, true);
        check(None, true, false, false);
        check(retention(Governance, 1), false, false, true);
        check(retention(Governance, 1), true, false, false);
        check(retention(Governance, 0), false, true, true);
        check(retention(Compliance, 1), false, false, false);
        check(retention(Compliance, 0), false, true, true);
        check(retention(Compliance, -1), true, false, false);
    }

    #[test]
    fn changes_follow_the_table() {
        let check = |old, new, plain: bool, bypassed: bool| {
            let lock = ObjectLock {
                retention: old,
                legal_hold: Some(true),
            };
            assert_eq!(lock.allows_retention(new, NOW, false), plain, "{old:?} {new:?}");
            assert_eq!(lock.allows_retention(new, NOW, true), bypassed, "{old:?} {new:?}");
        };
        check(None, retention(Compliance, 9), true, true);
        check(retention(Governance, 5), retention(Governance, 6), true, true);
        check(retention(Governance, 5), retention(Governance, 4), false, true);
        check(retention(Governance, 5), retention(Compliance, 9), false, true);
        check(retention(Governance, 5), None, false, true);
        check(retention(Governance, 0), None, true, true);
        check(retention(Compliance, 5), retention(Compliance, 5), true, true);
        check(retention(Compliance, 5), retention(Compliance, 6), true, true);
        check(retention(Compliance, 5), retention(Compliance, 4), false, false);
        check(retention(Compliance, 5), retention(Governance, 9), false, false);
        check(retention(Compliance, 5), None, false, false);
        check(retention(Compliance, -5), retention(Governance, 1), true, true);
    }

    #[test]
    fn periods_and_days() {
        assert!(!Period::Days(0).fits() && !Period::Years(0).fits());
        assert!(Period::Days(36_500).fits() && Period::Years(100).fits());
        assert!(!Period::Days(36_501).fits() && !Period::Years(101).fits() && !Period::Years(u32::MAX).fits());
        let days = |micros| remaining_days(Timestamp::from_micros(NOW.as_micros() + micros), NOW);
        let day = 86_400_000_000;
        assert_eq!(
            [-1, 0, 1, day, day + 1_000_000, 10 * day].map(days),
            [0, 0, 1, 1, 2, 10]
        );
        let default = DefaultRetention {
            mode: Governance,
            period: Period::Days(1),
        };
        assert_eq!(Some(default.from(NOW)), retention(Governance, 86_400));
    }
}
