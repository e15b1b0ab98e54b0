//! Steps made one after the other, and taken back.

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
        /// What takes back what was made before it, the latest first.
        undo: Vec<Call>,
    },
}

/// What became of taking a change back.
#[derive(Debug, Default)]
pub struct TakenBack {
    /// How many calls were made.
    pub done: usize,
    /// The calls that failed, and why. The others were made all the same.
    pub failed: Vec<(Call, Error)>,
}

/// Makes the steps one after the other until one fails or the observer stops them. Takes nothing back by itself.
pub async fn carry_out(client: &Client, steps: &[Step], observer: &mut dyn Observer) -> Ended {
    let mut answers = Answers::new();
    let mut undo: Vec<Call> = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        if observer.stopped() {
            return Ended::Stopped { at, undo };
        }
        let failed = |error, undo| Ended::Failed { at, error, undo };
        let call = match step.call.filled(&answers) {
            Ok(call) => call,
            Err(error) => return failed(error, undo),
        };
        let with_this: Vec<Call> = step.undo.iter().chain(&undo).cloned().collect();
        if let Err(fault) = observer.before(at, &call, &with_this) {
            let error = Error::Settings(format!("what takes the change back cannot be kept: {fault}"));
            return failed(error, undo);
        }
        let answer = match call.send(client).await {
            Ok(answer) => answer,
            Err(error) => return failed(error, undo),
        };
        for (name, path) in &step.answers {
            if let Some(text) = answered(&answer, path) {
                answers.insert(name.clone(), text);
            }
        }
        let of_this: Result<Vec<Call>, Error> = step.undo.iter().map(|call| call.filled(&answers)).collect();
        match of_this {
            Ok(of_this) => undo = of_this.into_iter().chain(undo).collect(),
            Err(error) => return failed(error, undo),
        }
        if let Err(fault) = observer.after(at, &undo) {
            let error = Error::Settings(format!("what takes the change back cannot be kept: {fault}"));
            return failed(error, undo);
        }
    }
    Ended::Done(answers)
}

/// Makes the calls that take a change back, all of them, also when some fail.
pub async fn take_back(client: &Client, undo: &[Call]) -> TakenBack {
    let mut taken = TakenBack::default();
    for call in undo {
        match call.send(client).await {
            Ok(_) => taken.done += 1,
            Err(error) => taken.failed.push((call.clone(), error)),
        }
    }
    taken
}
