//! Object lock as calls ask for it: the headers of a new object, what a bucket makes of them, the rights they need.
//!
//! The same for PutObject, CreateMultipartUpload and CopyObject. Time is the domain's, so that a rehearsal sees locks end.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-configure.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html>

use crate::{
    S3Error,
    model::lock::{self, ObjectLock, Retention, RetentionMode},
    request::{self, Declared},
    table::Bucket,
};
use base::Timestamp;
use gateway::{Call, Demand, Reply};
use http::HeaderName;
use record::Params;

const MODE: HeaderName = HeaderName::from_static("x-amz-object-lock-mode");
const UNTIL: HeaderName = HeaderName::from_static("x-amz-object-lock-retain-until-date");
const HOLD: HeaderName = HeaderName::from_static("x-amz-object-lock-legal-hold");

/// `x-amz-bypass-governance-retention`
const BYPASS: &str = "x-amz-bypass-governance-retention";

/// What the headers of a new object ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Its retention.
    pub retention: Option<Retention>,
    /// Whether it is to be held.
    pub legal_hold: Option<bool>,
}

impl Asked {
    /// Reads the headers.
    pub fn of(call: &Call) -> Result<Asked, S3Error> {
        let value = |name: HeaderName| request::amz(&call.head, name.as_str());
        let retention = match (value(MODE), value(UNTIL)) {
            (None, None) => None,
            (Some(mode), Some(until)) => Some(Retention {
                mode: RetentionMode::parse(&mode)
                    .ok_or_else(|| S3Error::argument("Unknown wormMode directive.", MODE_NAME, &*mode))?,
                until: Timestamp::parse(&until).ok_or_else(|| {
                    let text = "The retain until date must be provided in ISO 8601 format";
                    S3Error::argument(text, UNTIL_NAME, &*until)
                })?,
            }),
            (mode, _) => {
                let text = "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied";
                // The one that is missing is named.
                let name = if mode.is_some() { UNTIL_NAME } else { MODE_NAME };
                return Err(S3Error::argument(text, name, ""));
            }
        };
        let legal_hold = match value(HOLD).as_deref() {
            None => None,
            Some("ON") => Some(true),
            Some("OFF") => Some(false),
            Some(other) => {
                let text = "Legal Hold must be either of 'ON' or 'OFF'";
                return Err(S3Error::argument(text, HOLD_NAME, other));
            }
        };
        Ok(Asked { retention, legal_hold })
    }

    /// Whether anything is asked for.
    pub fn is_some(&self) -> bool {
        *self != Asked::default()
    }

    /// The lock of a new version in the bucket: what is asked for, else the bucket's default.
    pub fn lock_in(&self, bucket: &Bucket, now: Timestamp) -> Result<ObjectLock, S3Error> {
        let Some(of_bucket) = bucket.lock else {
            return match self.is_some() {
                true => Err(no_bucket_lock()),
                false => Ok(ObjectLock::default()),
            };
        };
        if let Some(retention) = self.retention {
            must_be_ahead(retention, now)?;
        }
        Ok(ObjectLock {
            retention: self
                .retention
                .or_else(|| of_bucket.default.map(|default| default.from(now))),
            legal_hold: self.legal_hold,
        })
    }

    /// Refuses a client's put of a version that is to be locked and whose bytes nothing vouches for.
    pub fn need_digest(&self, bucket: &Bucket, declared: &Declared) -> Result<(), S3Error> {
        let locks = self.is_some() || bucket.lock.is_some_and(|lock| lock.default.is_some());
        match locks && *declared == Declared::default() {
            true => Err(S3Error::InvalidRequest(
                "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock \
                 parameters"
                    .into(),
            )),
            false => Ok(()),
        }
    }

    /// Adds what of it a record shows.
    pub fn evident(&self, params: Params) -> Params {
        params
            .maybe_text(HOLD_NAME, self.legal_hold.map(hold))
            .maybe_text(MODE_NAME, self.retention.map(|retention| retention.mode.as_str()))
            .maybe_text(UNTIL_NAME, self.retention.map(|retention| retention.until.iso8601()))
    }

    /// Adds the condition keys of what is asked for.
    pub fn conditions(&self, demand: Demand, now: Timestamp) -> Demand {
        with_retention(demand, self.retention, now).with_some("s3:object-lock-legal-hold", self.legal_hold.map(hold))
    }

    /// The rights that it needs beside that of the put.
    pub fn actions(&self) -> impl Iterator<Item = &'static str> {
        let retention = self.retention.map(|_| "s3:PutObjectRetention");
        let hold = self.legal_hold.map(|_| "s3:PutObjectLegalHold");
        retention.into_iter().chain(hold)
    }
}

const MODE_NAME: &str = "x-amz-object-lock-mode";
const UNTIL_NAME: &str = "x-amz-object-lock-retain-until-date";
const HOLD_NAME: &str = "x-amz-object-lock-legal-hold";

/// `ON` or `OFF`.
pub fn hold(on: bool) -> &'static str {
    if on { "ON" } else { "OFF" }
}

/// The condition keys of a retention.
pub fn with_retention(demand: Demand, retention: Option<Retention>, now: Timestamp) -> Demand {
    let Some(retention) = retention else { return demand };
    demand
        .with("s3:object-lock-mode", retention.mode.as_str())
        .with("s3:object-lock-retain-until-date", retention.until.iso8601())
        .with(
            "s3:object-lock-remaining-retention-days",
            lock::remaining_days(retention.until, now).to_string(),
        )
}

/// Refuses a retention that is over before it begins.
pub fn must_be_ahead(retention: Retention, now: Timestamp) -> Result<(), S3Error> {
    match retention.is_in_force(now) {
        true => Ok(()),
        false => Err(S3Error::argument(
            "The retain until date must be in the future!",
            UNTIL_NAME,
            retention.until.iso8601_millis(),
        )),
    }
}

/// What is said of a lock in a bucket without.
pub fn no_bucket_lock() -> S3Error {
    S3Error::InvalidRequest("Bucket is missing Object Lock Configuration".into())
}

/// What is said of a version that is protected.
pub fn is_protected() -> S3Error {
    S3Error::AccessDenied("Access Denied because object protected by object lock.".to_owned())
}

/// Whether the call bypasses governance; `None` when it says nothing of it.
pub fn bypass(call: &Call) -> Option<bool> {
    request::amz(&call.head, BYPASS).map(|value| value.eq_ignore_ascii_case("true"))
}

/// Refuses a word on bypassing in a bucket without object lock.
pub fn bypass_in(bypass: Option<bool>, bucket: &Bucket) -> Result<(), S3Error> {
    match (bypass, bucket.lock) {
        (Some(_), None) => Err(S3Error::argument(
            "x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.",
            BYPASS,
            "",
        )),
        _ => Ok(()),
    }
}

/// Adds the headers that tell an object's lock.
pub fn with_lock(reply: Reply, lock: &ObjectLock) -> Reply {
    let reply = match lock.retention {
        Some(retention) => reply
            .header(MODE, retention.mode.as_str())
            .header(UNTIL, &retention.until.iso8601_millis()),
        None => reply,
    };
    match lock.legal_hold {
        Some(on) => reply.header(HOLD, hold(on)),
        None => reply,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::call;
    use http::Method;
    use wire::AwsError;

    #[test]
    fn headers_are_read_whole_or_refused() {
        let check = |headers: &[(&str, &str)], expected: Result<Asked, &str>| {
            let asked = Asked::of(&call(Method::PUT, "/bkt/k", headers, b"")).map_err(|e| e.message());
            assert_eq!(asked, expected.map_err(str::to_owned), "{headers:?}");
        };
        let (mode, until) = ((MODE_NAME, "COMPLIANCE"), (UNTIL_NAME, "2030-01-01T00:00:00Z"));
        let both = "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied";
        let retention = Some(Retention {
            mode: RetentionMode::Compliance,
            until: Timestamp::from_secs(1_893_456_000),
        });
        check(&[], Ok(Asked::default()));
        check(
            &[mode, until, (HOLD_NAME, "ON")],
            Ok(Asked {
                retention,
                legal_hold: Some(true),
            }),
        );
        check(
            &[(HOLD_NAME, "OFF")],
            Ok(Asked {
                retention: None,
                legal_hold: Some(false),
            }),
        );
        check(&[mode], Err(both));
        check(&[until], Err(both));
        check(
            &[("x-amz-object-lock-mode", "STRICT"), until],
            Err("Unknown wormMode directive."),
        );
        check(
            &[mode, (UNTIL_NAME, "soon")],
            Err("The retain until date must be provided in ISO 8601 format"),
        );
        check(&[(HOLD_NAME, "on")], Err("Legal Hold must be either of 'ON' or 'OFF'"));
    }
}
