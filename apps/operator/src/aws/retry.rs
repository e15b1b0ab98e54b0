//! When a call is made again, and how long to wait before.

use super::{Error, Refused};
use base::Random;
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The first pause is at most so long, each further one twice as long.
const PAUSE_FIRST: Duration = Duration::from_millis(200);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(20);

/// The codes by which AWS says that calls come too fast.
const THROTTLED: [&str; 12] = [
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "Throttling",
    "ThrottledException",
    "ThrottlingException",
];
/// Codes of failures that pass.
const PASSING: [&str; 5] = [
    "InternalError",
    "InternalFailure",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
];

/// How often a call is made again. What is throttled slows all calls of the client down.
pub struct Retries {
    attempts: u32,
    random: Random,
    not_before: Mutex<Option<Instant>>,
}

impl Retries {
    /// At most so many attempts of a call, one at least.
    pub fn new(attempts: u32) -> Retries {
        Retries {
            attempts: attempts.max(1),
            random: Random::os(),
            not_before: Mutex::new(None),
        }
    }

    /// Every call once.
    pub fn none() -> Retries {
        Retries::new(1)
    }

    /// Waits until calls may be made.
    pub(super) async fn turn(&self) {
        let until = *self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = until {
            tokio::time::sleep_until(until.into()).await;
        }
    }

    /// Whether to make the call again after this attempt, counted from one; waits before it says yes.
    pub(super) async fn again(&self, attempt: u32, error: &Error) -> bool {
        if attempt >= self.attempts || !passes(error) {
            return false;
        }
        let pause = self.pause(attempt);
        if error.refused().is_some_and(is_throttled) {
            let mut not_before = self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
            let until = Instant::now() + pause;
            *not_before = Some(not_before.map_or(until, |before| before.max(until)));
        }
        tokio::time::sleep(pause).await;
        true
    }

    /// Anything up to the longest pause of this attempt, so that callers that failed together do not come back together.
    fn pause(&self, attempt: u32) -> Duration {
        let longest = PAUSE_FIRST
            .saturating_mul(1_u32 << attempt.saturating_sub(1).min(10))
            .min(PAUSE_MAX);
        let part = f64::from(u32::from_be_bytes(self.random.bytes())) / f64::from(u32::MAX);
        longest.mul_f64(part)
    }
}

fn passes(error: &Error) -> bool {
    match error {
        Error::Unreachable { .. } => true,
        Error::Refused(refused) => {
            is_throttled(refused)
                || PASSING.contains(&refused.code.as_str())
                || matches!(refused.status, 429 | 500 | 502 | 503 | 504)
        }
        _ => false,
    }
}

/// Whether a call was refused for there were too many: it was not made.
pub(super) fn is_throttled(refused: &Refused) -> bool {
    // CloudWatch Logs and CloudTrail have quotas of this name, too; those do not pass.
    let is_quota = refused.code == "LimitExceededException" && !refused.message.to_ascii_lowercase().contains("rate");
    THROTTLED.contains(&refused.code.as_str()) && !is_quota
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: &str, message: &str) -> Error {
        Error::Refused(Refused {
            status,
            code: code.to_owned(),
            message: message.to_owned(),
            request_id: String::new(),
        })
    }

    #[test]
    fn only_what_passes_is_tried_again() {
        assert!(passes(&refused(400, "ThrottlingException", "Rate exceeded")));
        assert!(passes(&refused(503, "SlowDown", "")));
        assert!(passes(&refused(500, "", "")));
        assert!(!passes(&refused(
            400,
            "LimitExceededException",
            "Resource limit exceeded"
        )));
        assert!(!passes(&refused(403, "AccessDenied", "")));
        assert!(!passes(&Error::Credentials("none".to_owned())));
    }

    #[test]
    fn pauses_are_bounded() {
        let retries = Retries::new(5);
        assert!((1..40).all(|attempt| retries.pause(attempt) <= PAUSE_MAX));
        assert!(retries.pause(1) <= PAUSE_FIRST);
    }
}
