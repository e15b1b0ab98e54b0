//! Steps made one after the other.

use super::{Answers, Call, Step, call::answered};
use crate::aws::{Client, Error};

/// Who watches a change and may stop it between two steps.
pub trait Observer {
    /// A step is about to be made, with its input filled. `undo`: all calls that take the change back once this step is made, the
    /// latest first; what they need of this step's own answer is still a place. When they cannot be kept, the change stops here.
    fn before(&mut self, at: usize, call: &Call, undo: &[Call]) -> std::io::Result<()>;
    /// A step was made; `undo` as it is now, without places.
    fn after(&mut self, at: usize, undo: &[Call]) -> std::io::Result<()>;
    /// Whether to stop before the next step.
    fn stopped(&self) -> bool;
}

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
pub async fn carry_out(client: &Client, steps: &[Step], observer: &mut dyn Observer) -> Ended {
    let mut answers = Answers::new();
    let mut undo: Vec<Call> = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        if observer.stopped() {
            return Ended::Stopped { at, undo };
        }
        let (error, is_made) = match make(client, at, step, &mut answers, &mut undo, observer).await {
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
    at: usize,
    step: &Step,
    answers: &mut Answers,
    undo: &mut Vec<Call>,
    observer: &mut dyn Observer,
) -> Result<(), Failure> {
    let unkept = |fault| Error::Settings(format!("what takes the change back cannot be kept: {fault}"));
    let call = step.call.filled(answers).map_err(Failure::BeforeCall)?;
    let kept = observer.before(at, &call, &with_this(step, answers, undo));
    kept.map_err(|fault| Failure::BeforeCall(unkept(fault)))?;
    let answer = call.send(client).await.map_err(Failure::Call)?;
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

/// What takes the change back with this step, filled as far as answers go.
fn with_this(step: &Step, answers: &Answers, undo: &[Call]) -> Vec<Call> {
    let of_this = step
        .undo
        .iter()
        .map(|call| call.filled(answers).unwrap_or_else(|_| call.clone()));
    of_this.chain(undo.iter().cloned()).collect()
}

/// Whether a call that failed so may have had its effect.
fn may_be_made(error: &Error) -> bool {
    match error {
        Error::Unreachable { .. } | Error::Unreadable { .. } => true,
        Error::Refused(refused) => refused.status >= 500,
        Error::Credentials(_) | Error::Settings(_) | Error::Unsendable(_) => false,
    }
}
