//! How often a delivery is tried again, and when: the retry policies of topics and subscriptions.
//!
//! SPEC: <https://docs.aws.amazon.com/sns/latest/dg/creating-delivery-policy.html>,
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html>

use crate::error::SnsError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

/// No delay is longer, in seconds, and no delivery is tried for longer in all.
const DELAY_S_MAX: u32 = 3_600;
const RETRIES_MAX: u32 = 100;

const CONTENT_TYPE: &str = "text/plain; charset=UTF-8";

/// What `headerContentType` may say.
const CONTENT_TYPES: [&str; 9] = [
    "application/atom+xml",
    "application/json",
    "application/octet-stream",
    "application/soap+xml",
    "application/x-www-form-urlencoded",
    "application/xhtml+xml",
    "application/xml",
    "text/html; charset=utf-8",
    "text/plain",
];

/// When what failed is tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Retries {
    min_delay_target: u32,
    max_delay_target: u32,
    num_retries: u32,
    num_max_delay_retries: u32,
    num_no_delay_retries: u32,
    num_min_delay_retries: u32,
    backoff_function: Backoff,
}

/// How delays grow from the least to the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Backoff {
    Arithmetic,
    Exponential,
    Geometric,
    Linear,
}

impl Default for Retries {
    fn default() -> Retries {
        Retries {
            min_delay_target: 20,
            max_delay_target: 20,
            num_retries: 3,
            num_max_delay_retries: 0,
            num_no_delay_retries: 0,
            num_min_delay_retries: 0,
            backoff_function: Backoff::Linear,
        }
    }
}

impl Retries {
    /// How long after the failure of attempt `failed` (the first is 1) the next one is made; `None` after the last.
    ///
    /// The retries come in four phases: without delay, at the least delay, growing, at the greatest delay.
    pub fn delay_after(&self, failed: u32) -> Option<Duration> {
        if failed == 0 || failed > self.num_retries {
            return None;
        }
        let growing = self
            .num_retries
            .saturating_sub(self.num_no_delay_retries)
            .saturating_sub(self.num_min_delay_retries)
            .saturating_sub(self.num_max_delay_retries);
        let mut nth = failed - 1;
        for (retries, delay_s) in [
            (self.num_no_delay_retries, Some(0)),
            (self.num_min_delay_retries, Some(self.min_delay_target)),
            (growing, None),
        ] {
            if nth < retries {
                let delay_s = delay_s.map_or_else(|| self.grown(nth, retries), f64::from);
                return Some(Duration::from_secs_f64(delay_s));
            }
            nth -= retries;
        }
        Some(Duration::from_secs(u64::from(self.max_delay_target)))
    }

    /// The delay of the `nth` of so many growing ones, in seconds.
    fn grown(&self, nth: u32, of: u32) -> f64 {
        let (min, max) = (f64::from(self.min_delay_target), f64::from(self.max_delay_target));
        let part = match of {
            0 | 1 => 0.0,
            of => f64::from(nth) / f64::from(of - 1),
        };
        let part = match self.backoff_function {
            Backoff::Linear => part,
            Backoff::Arithmetic => part * (part + 1.0) / 2.0,
            Backoff::Exponential => (part * 10.0).exp2().mul_add(1.0 / 1023.0, -1.0 / 1023.0),
            Backoff::Geometric => return min * (max / min).powf(part),
        };
        (max - min).mul_add(part, min)
    }

    fn check(&self) -> Result<(), &'static str> {
        let phases = [
            self.num_no_delay_retries,
            self.num_min_delay_retries,
            self.num_max_delay_retries,
        ];
        let in_phases: u64 = phases.iter().map(|n| u64::from(*n)).sum();
        if self.num_retries > RETRIES_MAX {
            return Err("numRetries must be less than or equal to 100");
        }
        if !(1..=DELAY_S_MAX).contains(&self.min_delay_target) {
            return Err("minDelayTarget must be between 1 and 3600");
        }
        if !(1..=DELAY_S_MAX).contains(&self.max_delay_target) {
            return Err("maxDelayTarget must be between 1 and 3600");
        }
        if self.min_delay_target > self.max_delay_target {
            return Err("minDelayTarget must be less than or equal to maxDelayTarget");
        }
        if in_phases > u64::from(self.num_retries) {
            return Err("numRetries must be at least the sum of the retries of its phases");
        }
        let whole: f64 = (1..=self.num_retries)
            .filter_map(|failed| self.delay_after(failed))
            .map(|delay| delay.as_secs_f64())
            .sum();
        match whole > f64::from(DELAY_S_MAX) {
            true => Err("the total retry time must not exceed 3600 seconds"),
            false => Ok(()),
        }
    }

    fn shown(&self) -> Value {
        json!({
            "minDelayTarget": self.min_delay_target,
            "maxDelayTarget": self.max_delay_target,
            "numRetries": self.num_retries,
            "numMaxDelayRetries": self.num_max_delay_retries,
            "numNoDelayRetries": self.num_no_delay_retries,
            "numMinDelayRetries": self.num_min_delay_retries,
            "backoffFunction": self.backoff_function,
        })
    }
}

/// What is asked of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RequestPolicy {
    header_content_type: Option<String>,
}

/// A topic's delivery policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicDelivery {
    http: Option<TopicHttp>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TopicHttp {
    default_healthy_retry_policy: Option<Retries>,
    #[serde(default)]
    disable_subscription_overrides: bool,
    default_throttle_policy: Option<Value>,
    default_sickly_retry_policy: Option<Value>,
    default_request_policy: Option<RequestPolicy>,
}

/// A subscription's delivery policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SubscriptionDelivery {
    healthy_retry_policy: Option<Retries>,
    sickly_retry_policy: Option<Value>,
    throttle_policy: Option<Value>,
    request_policy: Option<RequestPolicy>,
    guaranteed: Option<bool>,
}

/// What holds for one subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// When what failed is tried again.
    pub retries: Retries,
    /// `Content-Type` of messages.
    pub content_type: String,
}

fn invalid(why: impl std::fmt::Display) -> SnsError {
    SnsError::InvalidParameter(format!("DeliveryPolicy: {why}"))
}

fn not_here(given: Option<&Value>, name: &str) -> Result<(), SnsError> {
    match given {
        None | Some(Value::Null) => Ok(()),
        Some(_) => Err(SnsError::NotImplemented(format!("DeliveryPolicy: {name}"))),
    }
}

fn check(retries: Option<&Retries>, request: Option<&RequestPolicy>) -> Result<(), SnsError> {
    retries.map_or(Ok(()), Retries::check).map_err(invalid)?;
    let content_type = request.and_then(|request| request.header_content_type.as_deref());
    match content_type {
        None => Ok(()),
        Some(text) if text == CONTENT_TYPE || CONTENT_TYPES.contains(&text) => Ok(()),
        Some(_) => Err(invalid("headerContentType is not supported")),
    }
}

impl TopicDelivery {
    /// Reads the attribute; the empty text is no policy.
    pub fn parse(text: &str) -> Result<TopicDelivery, SnsError> {
        if text.is_empty() {
            return Ok(TopicDelivery::default());
        }
        let policy: TopicDelivery = serde_json::from_str(text).map_err(|_| invalid("JSON is not well-formed"))?;
        if let Some(http) = &policy.http {
            not_here(http.default_throttle_policy.as_ref(), "defaultThrottlePolicy")?;
            not_here(http.default_sickly_retry_policy.as_ref(), "defaultSicklyRetryPolicy")?;
            check(
                http.default_healthy_retry_policy.as_ref(),
                http.default_request_policy.as_ref(),
            )?;
        }
        Ok(policy)
    }

    /// A topic's stored policy, which was read before it was stored.
    pub fn stored(text: Option<&str>) -> TopicDelivery {
        text.and_then(|text| TopicDelivery::parse(text).ok())
            .unwrap_or_default()
    }

    fn retries(&self) -> Retries {
        let http = self.http.as_ref();
        http.and_then(|http| http.default_healthy_retry_policy.clone())
            .unwrap_or_default()
    }

    fn content_type(&self) -> String {
        let request = self.http.as_ref().and_then(|http| http.default_request_policy.as_ref());
        let named = request.and_then(|request| request.header_content_type.clone());
        named.unwrap_or_else(|| CONTENT_TYPE.to_owned())
    }

    fn overrides_disabled(&self) -> bool {
        self.http
            .as_ref()
            .is_some_and(|http| http.disable_subscription_overrides)
    }

    /// `EffectiveDeliveryPolicy` of the topic.
    pub fn shown(&self) -> String {
        json!({ "http": {
            "defaultHealthyRetryPolicy": self.retries().shown(),
            "disableSubscriptionOverrides": self.overrides_disabled(),
            "defaultRequestPolicy": { "headerContentType": self.content_type() },
        } })
        .to_string()
    }
}

impl SubscriptionDelivery {
    /// Reads the attribute; the empty text is no policy.
    pub fn parse(text: &str) -> Result<SubscriptionDelivery, SnsError> {
        if text.is_empty() {
            return Ok(SubscriptionDelivery::default());
        }
        let policy: SubscriptionDelivery =
            serde_json::from_str(text).map_err(|_| invalid("JSON is not well-formed"))?;
        not_here(policy.throttle_policy.as_ref(), "throttlePolicy")?;
        not_here(policy.sickly_retry_policy.as_ref(), "sicklyRetryPolicy")?;
        if policy.guaranteed == Some(true) {
            return Err(SnsError::NotImplemented("DeliveryPolicy: guaranteed".to_owned()));
        }
        check(policy.healthy_retry_policy.as_ref(), policy.request_policy.as_ref())?;
        Ok(policy)
    }

    /// What holds under a topic's policy. Both were read before they were stored.
    pub fn effective(stored: Option<&str>, topic: &TopicDelivery) -> Effective {
        let own = stored
            .filter(|_| !topic.overrides_disabled())
            .and_then(|text| SubscriptionDelivery::parse(text).ok())
            .unwrap_or_default();
        let named = own.request_policy.and_then(|request| request.header_content_type);
        Effective {
            retries: own.healthy_retry_policy.unwrap_or_else(|| topic.retries()),
            content_type: named.unwrap_or_else(|| topic.content_type()),
        }
    }
}

impl Effective {
    /// `EffectiveDeliveryPolicy` of the subscription.
    pub fn shown(&self) -> String {
        json!({
            "healthyRetryPolicy": self.retries.shown(),
            "sicklyRetryPolicy": null,
            "throttlePolicy": null,
            "requestPolicy": { "headerContentType": self.content_type },
            "guaranteed": false,
        })
        .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    fn delays(policy: &str) -> Vec<f64> {
        let text = format!(r#"{{"healthyRetryPolicy":{policy}}}"#);
        SubscriptionDelivery::parse(&text).unwrap();
        let retries = SubscriptionDelivery::effective(Some(&text), &TopicDelivery::default()).retries;
        (1..)
            .map_while(|failed| retries.delay_after(failed))
            .map(|d| d.as_secs_f64())
            .collect()
    }

    #[test]
    fn retries_come_in_four_phases() {
        assert_eq!(delays("{}"), [20.0, 20.0, 20.0]);
        assert_eq!(delays(r#"{"numRetries":0}"#), [0.0; 0]);
        assert_eq!(
            delays(
                r#"{"minDelayTarget":1,"maxDelayTarget":7,"numRetries":8,"numNoDelayRetries":1,"numMinDelayRetries":2,"numMaxDelayRetries":1,"backoffFunction":"linear"}"#
            ),
            [0.0, 1.0, 1.0, 1.0, 3.0, 5.0, 7.0, 7.0]
        );
    }

    /// Whatever the function, delays grow from the least to the greatest.
    #[test]
    fn delays_grow_between_their_bounds() {
        for function in ["arithmetic", "exponential", "geometric", "linear"] {
            let delays = delays(&format!(
                r#"{{"minDelayTarget":2,"maxDelayTarget":60,"numRetries":10,"backoffFunction":"{function}"}}"#
            ));
            assert_eq!(delays.len(), 10, "{function}");
            assert!(delays.is_sorted(), "{function}: {delays:?}");
            assert!(
                (delays[0] - 2.0).abs() < 0.01 && (delays[9] - 60.0).abs() < 0.01,
                "{function}: {delays:?}"
            );
        }
    }

    #[test]
    fn a_topic_decides_where_a_subscription_does_not_or_may_not() {
        let own = r#"{"healthyRetryPolicy":{"numRetries":5},"requestPolicy":{"headerContentType":"application/json"}}"#;
        let topic = |disable: bool| {
            TopicDelivery::parse(&format!(
                r#"{{"http":{{"defaultHealthyRetryPolicy":{{"numRetries":7}},"disableSubscriptionOverrides":{disable}}}}}"#
            ))
            .unwrap()
        };
        let num = |own, topic: &TopicDelivery| {
            let effective = SubscriptionDelivery::effective(own, topic);
            (effective.retries.num_retries, effective.content_type)
        };
        assert_eq!(num(Some(own), &topic(false)), (5, "application/json".to_owned()));
        assert_eq!(num(Some(own), &topic(true)), (7, CONTENT_TYPE.to_owned()));
        assert_eq!(num(None, &topic(false)).0, 7);
    }

    #[test]
    fn bad_policies_are_refused() {
        for (text, expected) in [
            ("{", "Invalid parameter: DeliveryPolicy: JSON is not well-formed"),
            (
                r#"{"healthyRetryPolicy":{"numRetries":101}}"#,
                "Invalid parameter: DeliveryPolicy: numRetries must",
            ),
            (
                r#"{"healthyRetryPolicy":{"minDelayTarget":0}}"#,
                "Invalid parameter: DeliveryPolicy: minDelayTarget",
            ),
            (
                r#"{"healthyRetryPolicy":{"minDelayTarget":9,"maxDelayTarget":8}}"#,
                "Invalid parameter: DeliveryPolicy: minDelayTarget must be less",
            ),
            (
                r#"{"healthyRetryPolicy":{"minDelayTarget":3600,"maxDelayTarget":3600}}"#,
                "Invalid parameter: DeliveryPolicy: the total retry time",
            ),
            (
                r#"{"healthyRetryPolicy":{"numNoDelayRetries":4}}"#,
                "Invalid parameter: DeliveryPolicy: numRetries must be at least",
            ),
            (
                r#"{"throttlePolicy":{"maxReceivesPerSecond":1}}"#,
                "DeliveryPolicy: throttlePolicy is not implemented",
            ),
            (
                r#"{"requestPolicy":{"headerContentType":"x"}}"#,
                "Invalid parameter: DeliveryPolicy: headerContentType",
            ),
        ] {
            let message = SubscriptionDelivery::parse(text).unwrap_err().message();
            assert!(message.starts_with(expected), "{text}: {message}");
        }
    }
}
