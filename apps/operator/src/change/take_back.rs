//! A change taken back.

use super::{Call, Overtaken, present::overtaken};
use crate::aws::{Client, Error};
use serde_json::json;
use wire::ServiceName::Logs;

/// How many streams of a log group are looked at for an event.
const STREAMS_MAX: usize = 50;

/// Who watches a change being taken back and may stop it between two calls.
pub trait BackObserver {
    /// A call is about to be made.
    fn before(&mut self, call: &Call);
    /// A call ended so. `left`: the calls that are still to be made, in order, with those that could not be.
    fn after(&mut self, call: &Call, back: &Back, left: &[Call]) -> std::io::Result<()>;
    /// Whether to stop before the next call.
    fn stopped(&self) -> bool;
    /// Whether to take back also what somebody else has changed since the change was made: theirs is lost.
    fn may_overwrite(&self) -> bool {
        false
    }
    /// Whether to delete also a log group with events in it: they are lost.
    fn may_delete_events(&self) -> bool {
        false
    }
}

/// How a call that takes something back ended.
#[derive(Debug)]
pub enum Back {
    /// It was made.
    Made,
    /// What it takes away is not there.
    NotThere,
    /// It cannot be made: what it is about has a name that AWS gave in an answer that never came.
    Nameless,
    /// It failed.
    Failed(Error),
    /// It was not tried, for it takes away what something needs that could not be taken back before.
    Held,
    /// It is not to be tried: a trail may have sealed log files by this key, and they stay where they are; or there are events in this log
    /// group, or it cannot be told whether there are.
    Kept,
    /// It was not tried: somebody else has changed since what it would replace.
    Overtaken(Box<Overtaken>),
}

/// What became of taking a change back.
#[derive(Debug, Default)]
pub struct TakenBack {
    /// Every call that was tried, in order, and how it ended.
    pub tried: Vec<(Call, Back)>,
    /// What still takes the change back: calls that failed, that cannot be made, that wait for one of those, and that were not
    /// tried any more.
    pub left: Vec<Call>,
    /// Whether it was stopped.
    pub stopped: bool,
}

impl TakenBack {
    /// Whether all is as it was, but for keys and log groups that are kept.
    pub fn is_whole(&self) -> bool {
        self.left.is_empty()
    }

    /// The calls that would end keys by which a trail may have sealed log files, and delete log groups with events.
    pub fn kept(&self) -> impl Iterator<Item = &Call> {
        let kept = self.tried.iter().filter(|(_, back)| matches!(back, Back::Kept));
        kept.map(|(call, _)| call)
    }
}

/// Makes the calls that take a change back, also when some fail, until the observer stops it or cannot keep what is left.
///
/// A call that takes away what is not there counts as made: the change may have been stopped before its answer came. What a trail
/// needs stays as long as the trail could not be taken back, and no key is ended while anything failed. A key that a trail was given
/// is not ended at all, unless the bucket goes, too, which S3 only lets go when it is empty: log files that the key has sealed could
/// never be read again. A log group that has events stays, and so does what somebody else has changed since, unless the observer
/// says otherwise.
pub async fn take_back(client: &Client, undo: &[Call], observer: &mut (dyn BackObserver + Send)) -> TakenBack {
    let mut taken = TakenBack::default();
    let keeps_keys = keeps_keys(undo);
    for (at, call) in undo.iter().enumerate() {
        let rest = undo.get(at..).unwrap_or_default();
        if observer.stopped() {
            taken.stopped = true;
            taken.left.extend(rest.iter().cloned());
            break;
        }
        let back = if keeps_keys && ends_key(call) {
            Back::Kept
        } else if taken.left.iter().any(|failed| is_needed(call, failed)) {
            Back::Held
        } else {
            of_call(client, call, observer).await
        };
        if matches!(back, Back::Nameless | Back::Failed(_) | Back::Held | Back::Overtaken(_)) {
            taken.left.push(call.clone());
        }
        let rest = rest.get(1..).unwrap_or_default();
        let left: Vec<Call> = taken.left.iter().chain(rest).cloned().collect();
        let kept = observer.after(call, &back, &left);
        taken.tried.push((call.clone(), back));
        if kept.is_err() {
            taken.stopped = true;
            taken.left = left;
            break;
        }
    }
    taken
}

async fn of_call(client: &Client, call: &Call, observer: &mut (dyn BackObserver + Send)) -> Back {
    if call.has_places() {
        return Back::Nameless;
    }
    if let Some(made) = call.takes_back.as_deref().filter(|_| !observer.may_overwrite()) {
        match overtaken(client, call, made).await {
            Ok(None) => {}
            Ok(Some(overtaken)) => return Back::Overtaken(Box::new(overtaken)),
            Err(error) => return Back::Failed(error),
        }
    }
    if deletes_events(call) && !observer.may_delete_events() && has_events(client, call).await != Ok(false) {
        return Back::Kept;
    }
    observer.before(call);
    match call.send(client).await {
        Ok(_) => Back::Made,
        Err(error) if is_gone(call, &error) => Back::NotThere,
        Err(error) => Back::Failed(error),
    }
}

/// Whether the call deletes a log group.
pub fn deletes_events(call: &Call) -> bool {
    call.service == "logs" && call.operation == "DeleteLogGroup"
}

/// Whether there is an event in the log group that the call would delete. A group that is not there has none; the error is that of
/// whoever may not look.
pub async fn has_events(client: &Client, call: &Call) -> Result<bool, String> {
    let client = client.in_region(&call.region);
    let group = &call.input["logGroupName"];
    let said = |error: Error| error.to_string();
    let input = json!({ "logGroupName": group, "limit": STREAMS_MAX });
    let answer = match client.json(Logs, "DescribeLogStreams", &input).await {
        Err(error) if error.is(&["ResourceNotFoundException"]) => return Ok(false),
        answer => answer.map_err(said)?,
    };
    // What streams say of their events may be an hour late. SPEC: API_LogStream.html of CloudWatch Logs
    let streams = answer["logStreams"].as_array().cloned().unwrap_or_default();
    if streams.len() >= STREAMS_MAX || streams.iter().any(|stream| stream["lastEventTimestamp"].is_number()) {
        return Ok(true);
    }
    for stream in streams {
        let input = json!({ "logGroupName": group, "logStreamName": stream["logStreamName"], "limit": 1, "startFromHead": true });
        let answer = client.json(Logs, "GetLogEvents", &input).await.map_err(said)?;
        if answer["events"].as_array().is_some_and(|events| !events.is_empty()) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn ends_key(call: &Call) -> bool {
    call.operation == "ScheduleKeyDeletion"
}

/// Whether the call takes a trail or its key away again.
fn is_of_trail(call: &Call) -> bool {
    call.service == "cloudtrail" && matches!(call.operation.as_str(), "DeleteTrail" | "UpdateTrail")
}

/// Whether log files may stay that a key of this change has sealed.
fn keeps_keys(undo: &[Call]) -> bool {
    undo.iter().any(is_of_trail) && !undo.iter().any(|call| call.operation == "DeleteBucket")
}

/// Whether what the call takes away is needed by what another one, which failed, has left.
fn is_needed(call: &Call, failed: &Call) -> bool {
    let is_of_others = call.service != "cloudtrail" && call.operation != "PutBucketEncryption";
    // What somebody has put into the policy of a bucket would go with the bucket.
    let goes_with_it = call.operation == "DeleteBucket" && call.input["Bucket"] == failed.input["Bucket"];
    ends_key(call) || (is_of_trail(failed) && is_of_others) || goes_with_it
}

/// Whether what the call takes away is not there, or going already.
fn is_gone(call: &Call, error: &Error) -> bool {
    let takes_away = ["Delete", "Remove", "Detach", "ScheduleKeyDeletion"]
        .iter()
        .any(|start| call.operation.starts_with(start));
    let is_absent = error.refused().is_some_and(|refused| {
        let code = refused.code.as_str();
        let is_going = code == "KMSInvalidStateException" && refused.message.contains("pending deletion");
        refused.status == 404 || code.contains("NotFound") || code.starts_with("NoSuch") || is_going
    });
    takes_away && is_absent
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::Refused;
    use serde_json::json;

    fn call(service: &str, operation: &str) -> Call {
        Call::new(service, operation, "r", json!({}))
    }

    #[test]
    fn what_a_trail_needs_stays_as_long_as_the_trail() {
        let check =
            |of: Call, failed: Call, expected: bool| assert_eq!(is_needed(&of, &failed), expected, "{of:?} {failed:?}");
        let trail = || call("cloudtrail", "DeleteTrail");
        check(call("kms", "ScheduleKeyDeletion"), trail(), true);
        check(call("kms", "PutKeyPolicy"), call("cloudtrail", "UpdateTrail"), true);
        check(call("s3", "DeleteBucketPolicy"), trail(), true);
        check(call("iam", "DeleteRole"), trail(), true);
        check(trail(), call("cloudtrail", "UpdateTrail"), false);
        // A roll-back's own way back: trails and defaults of buckets, each for itself.
        check(
            call("s3", "PutBucketEncryption"),
            call("cloudtrail", "UpdateTrail"),
            false,
        );
        check(call("iam", "DeleteRole"), call("logs", "DeleteLogGroup"), false);
        check(call("kms", "ScheduleKeyDeletion"), call("s3", "DeleteBucket"), true);
        let of = |operation, name: &str| Call::new("s3", operation, "r", json!({ "Bucket": name }));
        check(of("DeleteBucket", "a"), of("DeleteBucketPolicy", "a"), true);
        check(of("DeleteBucket", "a"), of("DeleteBucketPolicy", "b"), false);
    }

    #[test]
    fn a_key_that_a_trail_was_given_is_kept_unless_its_bucket_goes() {
        let (trail, key) = (call("cloudtrail", "UpdateTrail"), call("kms", "ScheduleKeyDeletion"));
        assert!(keeps_keys(&[trail.clone(), key.clone()]));
        assert!(!keeps_keys(&[trail, call("s3", "DeleteBucket"), key.clone()]));
        assert!(!keeps_keys(&[call("kms", "DeleteAlias"), key]));
    }

    #[test]
    fn only_what_takes_away_may_find_nothing() {
        let check = |operation: &str, status: u16, code: &str, message: &str, expected: bool| {
            let call = Call::new("x", operation, "r", json!({}));
            let error = Error::Refused(Refused {
                status,
                code: code.to_owned(),
                message: message.to_owned(),
                request_id: String::new(),
            });
            assert_eq!(is_gone(&call, &error), expected, "{operation} {code}");
        };
        check("DeleteTrail", 400, "TrailNotFoundException", "", true);
        check("DeleteBucketPolicy", 404, "NoSuchBucket", "", true);
        check("DeleteAlias", 400, "NotFoundException", "", true);
        check(
            "ScheduleKeyDeletion",
            400,
            "KMSInvalidStateException",
            "arn is pending deletion.",
            true,
        );
        check(
            "ScheduleKeyDeletion",
            400,
            "KMSInvalidStateException",
            "arn is unavailable.",
            false,
        );
        check("DeleteTrail", 403, "AccessDenied", "", false);
        check("UpdateTrail", 400, "TrailNotFoundException", "", false);
        check("PutBucketEncryption", 404, "NoSuchBucket", "", false);
        let call = Call::new("x", "DeleteTrail", "r", json!({}));
        assert!(!is_gone(&call, &Error::Credentials("none".to_owned())));
    }
}
