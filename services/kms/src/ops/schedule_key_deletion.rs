//! ScheduleKeyDeletion.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html>

use crate::{
    access::{self, Reach},
    error::KmsError,
    model::{KeyRef, KeyState, state::Act},
    table,
    violations::Violations,
};
use gateway::{Ctx, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use store::ReadView;
use wire::{EpochSeconds, ServiceName};

const WINDOW_DAYS_DEFAULT: i64 = 30;
const WINDOW_DAYS_MIN: i64 = 7;
const WINDOW_DAYS_MAX: i64 = 30;
const DAY: Duration = Duration::from_secs(86_400);

/// ScheduleKeyDeletion.
pub struct ScheduleKeyDeletion;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ScheduleKeyDeletionInput {
    key_id: String,
    pending_window_in_days: Option<i64>,
}

impl ScheduleKeyDeletionInput {
    fn named(&self) -> Result<KeyRef, KmsError> {
        KeyRef::parse_without_alias("keyId", &self.key_id)
    }

    fn window_days(&self) -> Result<u32, KmsError> {
        let days = self.pending_window_in_days.unwrap_or(WINDOW_DAYS_DEFAULT);
        let mut violations = Violations::new();
        violations.range("pendingWindowInDays", days, WINDOW_DAYS_MIN..=WINDOW_DAYS_MAX);
        violations.finish()?;
        Ok(u32::try_from(days).unwrap_or(WINDOW_DAYS_MAX as u32))
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ScheduleKeyDeletionOutput {
    key_id: String,
    /// Nothing as long as there are replicas to be deleted first.
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion_date: Option<EpochSeconds>,
    key_state: &'static str,
    pending_window_in_days: u32,
}

impl Evident for ScheduleKeyDeletionInput {
    fn evident(&self) -> Params {
        Params::new()
            .text("keyId", &self.key_id)
            .maybe_number("pendingWindowInDays", self.pending_window_in_days)
    }
}

impl Evident for ScheduleKeyDeletionOutput {
    fn evident(&self) -> Params {
        let params = Params::new()
            .text("keyId", &self.key_id)
            .text("keyState", self.key_state);
        let params = match self.deletion_date {
            Some(date) => params.moment("deletionDate", date.0),
            None => params,
        };
        params.number("pendingWindowInDays", self.pending_window_in_days)
    }
}

impl Operation for ScheduleKeyDeletion {
    const NAME: &'static str = "ScheduleKeyDeletion";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<ScheduleKeyDeletionInput>;
    type Output = Json<ScheduleKeyDeletionOutput>;
    type Error = KmsError;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        let days = input.window_days()?;
        let named = input.named()?;
        let demand = access::demand_named(ctx, view, "kms:ScheduleKeyDeletion", &named, Reach::OwnAccount).await?;
        Ok(demand
            .with("kms:ScheduleKeyDeletionPendingWindowInDays", days.to_string())
            .into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let days = input.window_days()?;
        let before = access::find(ctx, &txn.view(), &input.named()?).await?;
        before.permit(Act::ScheduleKeyDeletion)?;
        let has_replicas = before
            .multi_region
            .as_ref()
            .is_some_and(|multi| !multi.replicas.is_empty());
        let mut key = before.clone();
        key.state = match !before.is_replica() && has_replicas {
            true => KeyState::PendingReplicaDeletion { window_days: days },
            false => KeyState::PendingDeletion {
                deletion_date: ctx.now().plus(DAY.saturating_mul(days)),
            },
        };
        table::put_key(txn, &key, Some(&before));
        Ok(Json(ScheduleKeyDeletionOutput {
            key_id: key.arn().to_string(),
            deletion_date: key.state.deletion_date().map(EpochSeconds),
            key_state: key.state.as_str(),
            pending_window_in_days: days,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_a_week_to_thirty_days() {
        let check = |days: Option<i64>, expected: Option<u32>| {
            let input = ScheduleKeyDeletionInput {
                key_id: String::new(),
                pending_window_in_days: days,
            };
            assert_eq!(input.window_days().ok(), expected, "{days:?}");
        };
        check(None, Some(30));
        check(Some(7), Some(7));
        check(Some(30), Some(30));
        for days in [i64::MIN, -1, 0, 6, 31, i64::MAX] {
            check(Some(days), None);
        }
    }
}
