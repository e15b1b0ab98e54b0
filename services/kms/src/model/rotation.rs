//! Whether and when a key's material is replaced. What it sealed before stays readable: the old versions are kept.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html>

use crate::{
    error::KmsError,
    model::{Key, KeySpec, KeyState, Material},
    violations::Violations,
};
use base::Timestamp;
use serde::{Deserialize, Serialize};
use std::{ops::RangeInclusive, time::Duration};

/// SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_RotateKeyOnDemand.html>
pub const ON_DEMAND_MAX: u32 = 25;

/// So long before an automatic rotation none is made on demand.
const QUIET: Duration = Duration::from_secs(20 * 60);

const DAY: Duration = Duration::from_secs(86_400);

const PERIODS: RangeInclusive<i64> = 90..=2560;

/// A key's rotation, which related keys of several Regions share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// Whether the material is replaced by itself.
    pub enabled: bool,
    /// How often, in days.
    pub period_days: u32,
    /// When next. INVARIANT: there if and only if it is enabled.
    pub next: Option<Timestamp>,
    /// How often RotateKeyOnDemand has been called.
    pub on_demand_count: u32,
}

impl Rotation {
    /// SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html>
    pub const PERIOD_DAYS_DEFAULT: u32 = 365;

    /// None, and none yet.
    pub fn off() -> Rotation {
        Rotation {
            enabled: false,
            period_days: Rotation::PERIOD_DAYS_DEFAULT,
            next: None,
            on_demand_count: 0,
        }
    }

    /// Every year from `now`, as AWS managed keys are.
    pub fn yearly(now: Timestamp) -> Rotation {
        let mut rotation = Rotation::off();
        rotation.enable(now, Rotation::PERIOD_DAYS_DEFAULT);
        rotation
    }

    /// Takes the period of a request, or the default.
    pub fn parse_period(days: Option<i64>) -> Result<u32, KmsError> {
        let days = days.unwrap_or(i64::from(Rotation::PERIOD_DAYS_DEFAULT));
        let mut violations = Violations::new();
        violations.range("rotationPeriodInDays", days, PERIODS);
        violations.finish()?;
        Ok(u32::try_from(days).unwrap_or(Rotation::PERIOD_DAYS_DEFAULT))
    }

    /// Rotates a period from now, and every period after that.
    pub fn enable(&mut self, now: Timestamp, period_days: u32) {
        self.enabled = true;
        self.period_days = period_days;
        self.next = Some(now.plus(DAY.saturating_mul(period_days)));
    }

    /// Rotates no more by itself.
    pub fn disable(&mut self) {
        self.enabled = false;
        self.next = None;
    }

    /// What was due is done: the next is the first of the schedule that is still to come.
    fn advance(&mut self, now: Timestamp) {
        let period = DAY.saturating_mul(self.period_days.max(1));
        while let Some(next) = self.next.filter(|next| *next <= now) {
            self.next = Some(next.plus(period));
        }
    }
}

impl Key {
    /// Goes on only with a key of a spec that can be rotated.
    pub fn permit_rotation(&self) -> Result<(), KmsError> {
        match self.spec {
            KeySpec::SymmetricDefault => Ok(()),
            // AWS says no more.
            _ => Err(KmsError::Unsupported(String::new())),
        }
    }

    /// Goes on only where rotation is set: on the primary of a key of several Regions.
    pub fn permit_rotation_here(&self) -> Result<(), KmsError> {
        match self.is_replica() {
            true => Err(KmsError::NotPrimary { key: self.arn() }),
            false => Ok(()),
        }
    }

    /// When its material is replaced by itself, as long as it is in use: a key that is disabled or about to go waits.
    pub fn rotation_due(&self) -> Option<Timestamp> {
        let in_use = matches!(self.state, KeyState::Enabled | KeyState::Updating);
        self.rotation.next.filter(|_| in_use && !self.is_replica())
    }

    /// Makes new material the current one because its time has come.
    pub fn rotate(&mut self, material: Material, now: Timestamp) {
        self.material.push(material);
        self.rotation.advance(now);
    }

    /// Counts a rotation on demand, if there may be one more now. The schedule stays as it is.
    pub fn count_on_demand(&mut self, now: Timestamp) -> Result<(), KmsError> {
        if self.rotation_due().is_some_and(|due| due <= now.plus(QUIET)) {
            return Err(KmsError::RotationIsNear { key: self.arn() });
        }
        if self.rotation.on_demand_count >= ON_DEMAND_MAX {
            return Err(KmsError::OnDemandRotationsUsedUp { key: self.arn() });
        }
        self.rotation.on_demand_count += 1;
        Ok(())
    }

    /// The version that its next material has.
    pub fn next_version(&self) -> u32 {
        let last = self.material.iter().map(|material| material.version).max();
        last.unwrap_or_default().saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::MultiRegion, table::tests::key};
    use base::Region;
    use proptest::prelude::*;
    use wire::AwsError;

    const START: Timestamp = Timestamp::from_secs(1_700_000_000);

    fn days(count: u32) -> Timestamp {
        START.plus(DAY * count)
    }

    fn enabled() -> Key {
        let mut key = key();
        key.state = KeyState::Enabled;
        key.rotation.enable(START, 90);
        key
    }

    #[test]
    fn a_period_is_90_to_2560_days() {
        let check = |days: Option<i64>, expected: Option<u32>| {
            assert_eq!(Rotation::parse_period(days).ok(), expected, "{days:?}");
        };
        check(None, Some(365));
        check(Some(90), Some(90));
        check(Some(2560), Some(2560));
        for out in [i64::MIN, 0, 89, 2561, i64::MAX] {
            check(Some(out), None);
        }
    }

    #[test]
    fn only_a_key_in_use_is_due_and_only_the_primary() {
        let check = |state: KeyState, due: bool| {
            let mut key = enabled();
            key.state = state;
            assert_eq!(key.rotation_due().is_some(), due, "{state:?}");
        };
        check(KeyState::Enabled, true);
        check(KeyState::Updating, true);
        check(KeyState::Disabled, false);
        check(KeyState::PendingImport, false);
        check(KeyState::PendingReplicaDeletion { window_days: 7 }, false);
        let mut replica = enabled();
        replica.multi_region = Some(MultiRegion::primary(Region::us_east_1()));
        assert!(replica.rotation_due().is_some());
        replica.region = Region::parse("eu-west-1").unwrap();
        replica.take_shared(&enabled_primary());
        assert_eq!(replica.rotation_due(), None);
        assert_eq!(replica.rotation, enabled_primary().rotation);
    }

    fn enabled_primary() -> Key {
        let mut key = enabled();
        key.multi_region =
            Some(MultiRegion::primary(Region::us_east_1()).with_replica(&Region::parse("eu-west-1").unwrap()));
        key
    }

    #[test]
    fn on_demand_leaves_the_schedule_and_ends_after_25() {
        let mut key = enabled();
        for _ in 0..ON_DEMAND_MAX {
            key.count_on_demand(days(1)).unwrap();
        }
        assert_eq!(key.rotation.next, Some(days(90)));
        assert_eq!(
            key.count_on_demand(days(1)).unwrap_err().code(),
            "LimitExceededException"
        );
        let mut near = enabled();
        let soon = Timestamp::from_micros(days(90).as_micros() - 19 * 60 * 1_000_000);
        assert_eq!(near.count_on_demand(soon).unwrap_err().code(), "ConflictException");
        near.rotation.disable();
        assert!(near.count_on_demand(soon).is_ok());
    }

    proptest! {
        #[test]
        fn the_schedule_is_kept_however_late_a_rotation_is(period in 90_u32..2560, late in 0_u32..10_000) {
            let mut key = enabled();
            key.rotation.enable(START, period);
            let now = days(period + late);
            let material = key.material[0].clone();
            key.rotate(material, now);
            let next = key.rotation.next.unwrap();
            prop_assert!(next > now && next <= now.plus(DAY * period));
            let passed = (next.as_micros() - START.as_micros()) / (i64::from(period) * 86_400_000_000);
            prop_assert_eq!(days(period * u32::try_from(passed).unwrap()), next);
        }
    }
}
