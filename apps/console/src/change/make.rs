//! A change made, and one taken back. Both go on when the browser goes away.

use super::{
    DIGEST, Kept, NotKept, ONCE, Planned, digest_of_calls,
    kept::{Entry, id_of},
};
use crate::{context::Context, failure::Failure};
use operator::{
    aws::{Client, Error},
    change::{self, Answers, Back, BackObserver, BeforeFile, Call, Ended, Observer, Step, TakenBack},
    message,
    message::Message,
};
use std::{io, sync::Arc};

/// What became of a confirmation.
pub(crate) enum Carried {
    /// What would be done is not what was shown. Nothing was changed.
    Differs,
    /// It was sent before. Nothing was changed.
    SentBefore,
    /// The change was tried.
    Done(Box<Done>),
}

/// A step, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StepDone {
    Made,
    NotMade,
    /// It failed, and had no effect.
    Failed,
    /// It failed, and may have been made all the same.
    Unsure,
}

/// How a change ended.
pub(crate) enum Ending {
    /// All steps were made.
    Made(Answers),
    /// A step failed.
    Failed(Error),
}

/// What became of a change.
pub(crate) struct Done {
    pub(crate) title: Message,
    pub(crate) ending: Ending,
    pub(crate) steps: Vec<(Step, StepDone)>,
    /// The name of the file that takes back what was made; none, when nothing is left to be taken back.
    pub(crate) kept: Option<String>,
    /// What became of taking back a change that failed; none, when it was not tried.
    pub(crate) taken_back: Option<TakenBack>,
}

impl Done {
    /// Whether all steps were made.
    pub(crate) fn is_made(&self) -> bool {
        matches!(self.ending, Ending::Made(_))
    }

    /// What a call answered under this name.
    pub(crate) fn answer(&self, name: &str) -> Option<&str> {
        match &self.ending {
            Ending::Made(answers) => answers.get(name).map(String::as_str),
            Ending::Failed(_) => None,
        }
    }
}

/// Makes the change, if it is the one that was shown and its preview was not sent before. What fails is in the answer.
///
/// # Errors
/// When the file that takes the change back cannot be written: nothing was changed.
pub(crate) async fn carry_out(c: &Arc<Context>, planned: &Planned) -> Result<Carried, Failure> {
    if !planned.is_possible() || !crate::session::same(&planned.digest(c), c.form.get(DIGEST)) {
        return Ok(Carried::Differs);
    }
    if !c.console.sent.first(c.form.get(ONCE)) {
        return Ok(Carried::SentBefore);
    }
    let file = Kept::of(c).create(c, planned.what, &planned.title).map_err(unkept)?;
    let work = Work {
        client: c.client(),
        title: planned.title.clone(),
        steps: planned.steps.clone(),
        take_back: planned.take_back_on_failure,
    };
    // A task of its own: what is begun is ended though the browser goes away.
    let done = tokio::spawn(work.done(file)).await.map_err(|_| broken())?;
    Ok(Carried::Done(Box::new(done)))
}

fn unkept(NotKept(fault): NotKept) -> Failure {
    tracing::error!(%fault, "what takes a change back cannot be kept");
    Failure::Own(message!(
        "Nothing was changed: what takes the change back cannot be written ({fault}).",
        "何も変更していません。変更を元に戻すためのファイルを書き込めません ({fault})。"
    ))
}

fn broken() -> Failure {
    Failure::Own(message!(
        "The change ended without an answer. What takes it back is among the changes.",
        "変更の結果が得られませんでした。元に戻すための情報は変更履歴にあります。"
    ))
}

struct Work {
    client: Client,
    title: Message,
    steps: Vec<Step>,
    take_back: bool,
}

impl Work {
    async fn done(self, file: BeforeFile) -> Done {
        let mut keeper = Keeper(file);
        let ended = change::carry_out(&self.client, &self.steps, &mut keeper).await;
        let Keeper(file) = keeper;
        let kept = id_of(file.path());
        match ended {
            Ended::Done(answers) => Done {
                steps: self.steps.into_iter().map(|step| (step, StepDone::Made)).collect(),
                title: self.title,
                ending: Ending::Made(answers),
                kept,
                taken_back: None,
            },
            Ended::Failed {
                at,
                error,
                is_unsure,
                undo,
            } => {
                let failed = if is_unsure { StepDone::Unsure } else { StepDone::Failed };
                self.failed(file, (at, failed), error, &undo).await
            }
            // Nobody stops a change here but a file that cannot be kept, which is a failure.
            Ended::Stopped { at, undo } => {
                let error = Error::Settings("stopped".to_owned());
                self.failed(file, (at, StepDone::NotMade), error, &undo).await
            }
        }
    }

    /// After a failure: what was made is taken back, or stays and can be taken back later.
    async fn failed(self, mut file: BeforeFile, (at, failed): (usize, StepDone), error: Error, undo: &[Call]) -> Done {
        let taken_back = match self.take_back && !undo.is_empty() {
            true => {
                let mut backer = Backer {
                    file: &mut file,
                    overwrite: false,
                    delete_events: false,
                };
                Some(change::take_back(&self.client, undo, &mut backer).await)
            }
            false => None,
        };
        let nothing_left = undo.is_empty() || taken_back.as_ref().is_some_and(TakenBack::is_whole);
        let kept = match nothing_left {
            true => {
                file.discard();
                None
            }
            false => {
                if taken_back.is_none()
                    && let Err(fault) = file.keep(undo)
                {
                    // What was kept before takes back the same, with a step that was not made.
                    tracing::error!(%fault, "the last state of a change cannot be kept");
                }
                id_of(file.path())
            }
        };
        let steps = self.steps.into_iter().enumerate().map(|(number, step)| {
            let done = match number.cmp(&at) {
                std::cmp::Ordering::Less => StepDone::Made,
                std::cmp::Ordering::Equal => failed,
                std::cmp::Ordering::Greater => StepDone::NotMade,
            };
            (step, done)
        });
        Done {
            title: self.title,
            ending: Ending::Failed(error),
            steps: steps.collect(),
            kept,
            taken_back,
        }
    }
}

struct Keeper(BeforeFile);

impl Observer for Keeper {
    fn before(&mut self, _: usize, _: &Call, undo: &[Call]) -> io::Result<()> {
        self.0.keep(undo)
    }

    fn after(&mut self, _: usize, undo: &[Call]) -> io::Result<()> {
        self.0.keep(undo)
    }

    fn stopped(&self) -> bool {
        false
    }
}

struct Backer<'a> {
    file: &'a mut BeforeFile,
    overwrite: bool,
    delete_events: bool,
}

impl BackObserver for Backer<'_> {
    fn before(&mut self, _: &Call) {}

    fn after(&mut self, _: &Call, _: &Back, left: &[Call]) -> io::Result<()> {
        self.file.keep(left)
    }

    fn stopped(&self) -> bool {
        false
    }

    fn may_overwrite(&self) -> bool {
        self.overwrite
    }

    fn may_delete_events(&self) -> bool {
        self.delete_events
    }
}

/// Held by who takes a change back.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The digest under which what takes this change back is confirmed.
pub(crate) fn would_take_back(c: &Context, entry: &Entry) -> Option<String> {
    let state = entry.state.as_ref().ok()?;
    Some(digest_of_calls(c, &entry.id, &state.undo))
}

/// Takes the change of this name back, if what does so is what was shown. Nothing: it is not, or was sent before; nothing was changed.
///
/// # Errors
/// When there is no such change of who is signed in.
pub(crate) async fn take_back(c: &Arc<Context>, id: &str) -> Result<Option<TakenBack>, Failure> {
    // One at a time: two confirmations of one change would both find it to be taken back.
    let turn = TURN.lock().await;
    let kept = Kept::of(c);
    let none = || Failure::Missing(message!("There is no such change.", "この変更は存在しません。"));
    let entry = kept
        .entry(id)
        .filter(|entry| entry.is_for(&c.session))
        .ok_or_else(none)?;
    let digest = would_take_back(c, &entry).ok_or_else(none)?;
    if !crate::session::same(&digest, c.form.get(DIGEST)) || !c.console.sent.first(c.form.get(ONCE)) {
        return Ok(None);
    }
    let mut file = kept.open(id).and_then(Result::ok).ok_or_else(none)?;
    let client = c.client();
    let (overwrite, delete_events) = (c.form.is_on("overwrite"), c.form.is_on("delete-logs"));
    let work = async move {
        let _turn = turn;
        let undo = file.state().undo.clone();
        let mut backer = Backer {
            file: &mut file,
            overwrite,
            delete_events,
        };
        change::take_back(&client, &undo, &mut backer).await
    };
    let taken = tokio::spawn(work).await.map_err(|_| broken())?;
    Ok(Some(taken))
}
