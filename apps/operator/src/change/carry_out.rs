//! Steps made one after the other.

use super::{
    Answers, Call, Overtaken, Step,
    call::answered,
    present::{is_of_same, makes, overtaken},
};
use crate::{
    aws::{Client, Error},
    message::{Language, Message},
};
use serde_json::Value;
use std::time::Duration;

/// Who watches a change and may stop it between two steps.
pub trait Observer {
    /// A step is about to be made, with its input filled. `undo`: all calls that take the change back once this step is made, the
    /// latest first; what they need of this step's own answer is still a place. When they cannot be kept, the change stops here.
    fn before(&mut self, at: usize, call: &Call, undo: &[Call]) -> std::io::Result<()>;
    /// A step was made; `undo` as it is now, without places.
    fn after(&mut self, at: usize, undo: &[Call]) -> std::io::Result<()>;
    /// Whether to stop before the next step.
    fn stopped(&self) -> bool;
    /// A step found that what an earlier one made is not known everywhere yet; it is tried again after so many seconds.
    fn waiting(&mut self, _at: usize, _error: &Error, _seconds: u64) {}
    /// A step is not made, for somebody else has changed since the plan what it would replace. The change fails by it.
    fn overtaken(&mut self, _at: usize, _overtaken: &Overtaken) {}
}

/// Pauses in seconds before a step is tried again that needs what an earlier one has just made: AWS knows it everywhere only after a
/// while. SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency>
const PAUSES: [u64; 4] = [3, 5, 10, 10];
/// How CloudTrail says that it cannot use what it was given, by the service of which that is.
const NOT_YET: [(&str, &str); 11] = [
    ("iam", "InvalidCloudWatchLogsRoleArnException"),
    ("iam", "InvalidCloudWatchLogsLogGroupArnException"),
    ("logs", "InvalidCloudWatchLogsLogGroupArnException"),
    ("kms", "InsufficientEncryptionPolicyException"),
    ("kms", "KmsException"),
    ("kms", "KmsKeyNotFoundException"),
    ("s3", "InsufficientEncryptionPolicyException"),
    ("s3", "InsufficientS3BucketPolicyException"),
    ("s3", "S3BucketDoesNotExistException"),
    ("sns", "InsufficientSnsTopicPolicyException"),
    ("sns", "InvalidSnsTopicNameException"),
];

/// How a change ended.
#[derive(Debug)]
pub enum Ended {
    /// All steps were made; what the calls answered.
    Done(Answers),
    /// It was stopped before the step of this number. `undo` takes back what was made.
    Stopped {
        /// The first step that was not made.
        at: usize,
        /// What takes back what was made, the latest first.
        undo: Vec<Call>,
    },
    /// The step of this number failed.
    Failed {
        /// The step.
        at: usize,
        /// Why.
        error: Error,
        /// Whether the step may have been made all the same, or in part: no answer came, or the service had a failure of its own.
        is_unsure: bool,
        /// What takes back what was made, the latest first; also this step, when it may have been.
        undo: Vec<Call>,
    },
}

/// Makes the steps one after the other until one fails or the observer stops them. Takes nothing back by itself.
pub async fn carry_out(client: &Client, steps: &[Step], observer: &mut (dyn Observer + Send)) -> Ended {
    let mut answers = Answers::new();
    let mut undo: Vec<Call> = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        if observer.stopped() {
            return Ended::Stopped { at, undo };
        }
        let (error, is_made) = match make(
            client,
            (at, step, steps.get(..at).unwrap_or_default()),
            &mut answers,
            &mut undo,
            observer,
        )
        .await
        {
            Ok(()) => continue,
            Err(Failure::BeforeCall(error)) => (error, Made::No),
            Err(Failure::Call(error)) if may_be_made(&error) => (error, Made::Perhaps),
            Err(Failure::Call(error)) => (error, Made::No),
            Err(Failure::AfterCall(error)) => (error, Made::Yes),
        };
        if is_made == Made::Perhaps {
            undo = with_this(step, &answers, &undo);
        }
        let is_unsure = is_made != Made::No;
        return Ended::Failed {
            at,
            error,
            is_unsure,
            undo,
        };
    }
    Ended::Done(answers)
}

/// Whether a step that failed was made.
#[derive(PartialEq, Eq)]
enum Made {
    No,
    Perhaps,
    Yes,
}

enum Failure {
    BeforeCall(Error),
    Call(Error),
    AfterCall(Error),
}

async fn make(
    client: &Client,
    (at, step, earlier): (usize, &Step, &[Step]),
    answers: &mut Answers,
    undo: &mut Vec<Call>,
    observer: &mut (dyn Observer + Send),
) -> Result<(), Failure> {
    let unkept = |fault| Error::Settings(format!("what takes the change back cannot be kept: {fault}"));
    let call = step.call.filled(answers).map_err(Failure::BeforeCall)?;
    is_as_planned(client, (at, step, earlier), &call, observer)
        .await
        .map_err(Failure::BeforeCall)?;
    let kept = observer.before(at, &call, &with_this(step, answers, undo));
    kept.map_err(|fault| Failure::BeforeCall(unkept(fault)))?;
    let answer = sent(client, (at, &call, earlier), observer)
        .await
        .map_err(Failure::Call)?;
    for (name, path) in &step.answers {
        if let Some(text) = answered(&answer, path) {
            answers.insert(name.clone(), text);
        }
    }
    *undo = with_this(step, answers, undo);
    observer
        .after(at, undo)
        .map_err(|fault| Failure::AfterCall(unkept(fault)))
}

/// Fails when somebody has changed what the step would replace since it was planned: what the plan has seen is what would be put back.
/// What an earlier step has made or replaced is this change's own, and may not be told everywhere yet.
async fn is_as_planned(
    client: &Client,
    (at, step, earlier): (usize, &Step, &[Step]),
    call: &Call,
    observer: &mut (dyn Observer + Send),
) -> Result<(), Error> {
    let is_own = |earlier: &Step| is_of_same(&earlier.call, call) || makes(&earlier.call, call);
    let Some(seen) = step.undo.iter().find(|undo| is_of_same(undo, call)) else {
        return Ok(());
    };
    if earlier.iter().any(is_own) {
        return Ok(());
    }
    let Some(overtaken) = overtaken(client, call, seen).await? else {
        return Ok(());
    };
    observer.overtaken(at, &overtaken);
    let (english, japanese) = (
        overtaken.what.in_language(Language::English),
        overtaken.what.in_language(Language::Japanese),
    );
    Err(Error::Overtaken(Message::new(
        format!("somebody has changed {english} since this was planned; nothing of it was replaced"),
        format!("{japanese}が計画後に他者によって変更されたため、上書きしませんでした"),
    )))
}

/// Makes a call; again when it needs what an earlier step has just made and finds that it cannot be used yet.
async fn sent(
    client: &Client,
    (at, call, earlier): (usize, &Call, &[Step]),
    observer: &mut (dyn Observer + Send),
) -> Result<Value, Error> {
    for seconds in PAUSES {
        let error = match call.send(client).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        if observer.stopped() || !may_settle(call, &error, earlier) {
            return Err(error);
        }
        observer.waiting(at, &error, seconds);
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }
    call.send(client).await
}

/// Whether CloudTrail refuses what an earlier step of the change has made.
fn may_settle(call: &Call, error: &Error, earlier: &[Step]) -> bool {
    let made = |service: &str| earlier.iter().any(|step| step.call.service == service);
    call.service == "cloudtrail" && NOT_YET.iter().any(|(service, code)| made(service) && error.is(&[code]))
}

/// What takes the change back with this step, filled as far as answers go.
fn with_this(step: &Step, answers: &Answers, undo: &[Call]) -> Vec<Call> {
    let filled = |call: &Call| call.filled(answers).unwrap_or_else(|_| call.clone());
    let made = filled(&step.call);
    let of_this = step.undo.iter().map(|undo| {
        let undo = filled(undo);
        let takes_back = is_of_same(&undo, &made).then(|| Box::new(made.clone()));
        Call { takes_back, ..undo }
    });
    of_this.chain(undo.iter().cloned()).collect()
}

/// Whether a call that failed so may have had its effect.
fn may_be_made(error: &Error) -> bool {
    match error {
        Error::Unreachable { .. } | Error::Unreadable { .. } => true,
        Error::Refused(refused) => refused.status >= 500,
        Error::Credentials(_) | Error::Settings(_) | Error::NoRegion | Error::Unsendable(_) | Error::Overtaken(_) => {
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{aws::Refused, message::Message};
    use serde_json::json;

    #[test]
    fn only_what_the_change_itself_made_is_waited_for() {
        let step = |service: &str| Step {
            title: Message::plain("x"),
            call: Call::new(service, "X", "r", json!({})),
            shown: None,
            undo: Vec::new(),
            answers: Vec::new(),
        };
        let check = |service: &str, code: &str, earlier: &str, expected| {
            let error = Error::Refused(Refused {
                status: 400,
                code: code.to_owned(),
                message: String::new(),
                request_id: String::new(),
            });
            let call = Call::new(service, "CreateTrail", "r", json!({}));
            assert_eq!(
                may_settle(&call, &error, &[step(earlier)]),
                expected,
                "{code} after {earlier}"
            );
        };
        check("cloudtrail", "InsufficientS3BucketPolicyException", "s3", true);
        check("cloudtrail", "InsufficientS3BucketPolicyException", "kms", false);
        check("cloudtrail", "InvalidCloudWatchLogsRoleArnException", "iam", true);
        check("cloudtrail", "AccessDeniedException", "s3", false);
        check("kms", "KmsException", "kms", false);
    }
}
