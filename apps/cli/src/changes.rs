//! Changes of an account as every command makes them: shown, confirmed, kept in a file, made, and taken back.
//!
//! A command plans its steps and gives them here. What it says goes to standard output; with `--output json`, where that is for
//! the document alone, to standard error. A prompt is always on standard error.

mod show;
mod undo;

pub(crate) use show::Screen;
pub(crate) use undo::undo;

use crate::{
    interrupt::{INTERRUPTED, Interruption, Listening},
    operate::{Access, Output, tr},
};
use anyhow::{Context, Result, bail};
use base::Clock;
use clap::Args;
use operator::{
    aws::Client,
    change::{
        Answers, Back, BackObserver, BeforeFile, BeforeState, Call, Ended, Observer, Overtaken, Step, carry_out,
        take_back,
    },
    message::{Language, Message},
};
use serde::Serialize;
use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

/// How a change is made.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "How to change")]
pub(crate) struct ChangeOptions {
    /// Make the change without asking.
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) yes: bool,
    /// Show the change, and make none.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Show each call as a command of the AWS CLI, too.
    #[arg(long)]
    pub(crate) show_commands: bool,
    /// Keep what takes the change back in this new file [default: shoseki-before-<what>-<time>.json in this directory].
    #[arg(long, value_name = "FILE")]
    pub(crate) before_state: Option<PathBuf>,
}

/// A change that is to be made.
pub(crate) struct Planned {
    /// What it is, as a heading.
    pub(crate) title: Message,
    /// In the name of the file that takes it back: `setup`, `encrypt`, `rollback`, `fix`.
    pub(crate) what: &'static str,
    /// The account.
    pub(crate) account: String,
    /// The calls; none, when all is as it should be.
    pub(crate) steps: Vec<Step>,
    /// What has to be known before.
    pub(crate) warnings: Vec<Message>,
    /// Whether a change that fails is taken back at once, or stays as far as it came.
    pub(crate) take_back_on_failure: bool,
    /// Whom the command calls: it is in the commands that take the change back.
    pub(crate) access: Access,
    /// Where its words go.
    pub(crate) output: Output,
}

/// How a change ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Outcome {
    /// All is as it should be; nothing was changed.
    NothingToDo,
    /// It was only shown.
    DryRun,
    /// It was not confirmed; nothing was changed.
    Declined,
    /// It was made.
    Made,
    /// It was stopped between two steps, or before the first.
    Interrupted,
    /// A step failed.
    Failed,
}

/// Whether a step was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum State {
    /// It was made.
    Made,
    /// It was not made.
    NotMade,
    /// It failed, and had no effect.
    Failed,
    /// It failed, and may have been made all the same.
    Unsure,
}

/// A step, and whether it was made.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct StepDone {
    title: Message,
    call: Call,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// What became of a change. As JSON it is a part of what the command answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Done {
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// Every step.
    pub(crate) steps: Vec<StepDone>,
    /// The file that takes back what was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) before_state: Option<PathBuf>,
    /// Whether a change that failed was taken back whole; absent when it was not tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) taken_back: Option<bool>,
    /// What the calls answered, by the names of the steps.
    #[serde(skip)]
    #[allow(dead_code, reason = "the commands that say what they made are being added")]
    pub(crate) answers: Answers,
}

impl Done {
    fn of(outcome: Outcome, steps: Vec<StepDone>) -> Done {
        Done {
            outcome,
            steps,
            before_state: None,
            taken_back: None,
            answers: Answers::new(),
        }
    }

    /// Whether the account is as it was planned.
    pub(crate) fn is_good(&self) -> bool {
        matches!(self.outcome, Outcome::Made | Outcome::NothingToDo)
    }

    /// The status of a command that has nothing else to find: 0, 1 when it failed or was declined, 130 when it was interrupted.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self.outcome {
            Outcome::NothingToDo | Outcome::DryRun | Outcome::Made => ExitCode::SUCCESS,
            Outcome::Declined | Outcome::Failed => ExitCode::FAILURE,
            Outcome::Interrupted => ExitCode::from(INTERRUPTED),
        }
    }
}

/// Shows the change, asks for it, makes it. What goes wrong with a step is said here and is in the answer.
///
/// # Errors
/// Without a terminal and without `--yes`; when the file that takes the change back cannot be written. Nothing was changed then.
pub(crate) async fn confirm_and_carry_out(
    client: &Client,
    planned: &Planned,
    options: &ChangeOptions,
    language: Language,
) -> Result<Done> {
    let screen = Screen::new(planned.output, language);
    let states = |state: State| planned.steps.iter().map(|step| step_done(step, state)).collect();
    screen.plan(planned, options.show_commands);
    if planned.steps.is_empty() {
        screen.say(tr!(language, "There is nothing to change.", "変更はありません。"));
        return Ok(Done::of(Outcome::NothingToDo, Vec::new()));
    }
    if options.dry_run {
        screen.say(tr!(
            language,
            "This was a dry run: nothing was changed.",
            "ドライランです。何も変更していません。"
        ));
        return Ok(Done::of(Outcome::DryRun, states(State::NotMade)));
    }
    match confirmed(options, &screen).await? {
        Confirmation::Given => {}
        Confirmation::Declined => return Ok(Done::of(Outcome::Declined, states(State::NotMade))),
        Confirmation::Interrupted => return Ok(Done::of(Outcome::Interrupted, states(State::NotMade))),
    }
    let file = before_file(planned, options)?;
    Ok(make(client, planned, file, &screen).await)
}

fn step_done(step: &Step, state: State) -> StepDone {
    StepDone {
        title: step.title.clone(),
        call: step.call.clone(),
        state,
        error: None,
    }
}

enum Confirmation {
    Given,
    Declined,
    Interrupted,
}

/// Asks on the terminal; says what was not confirmed.
async fn confirmed(options: &ChangeOptions, screen: &Screen) -> Result<Confirmation> {
    let language = screen.language;
    if options.yes {
        return Ok(Confirmation::Given);
    }
    if !std::io::stdin().is_terminal() {
        bail!(tr!(
            language,
            "nothing was changed: there is no terminal to ask on; give --yes to make the change, or --dry-run to only see it",
            "何も変更していません: 確認する端末がありません。変更するには --yes を、表示だけなら --dry-run を指定してください"
        ));
    }
    let question = tr!(
        language,
        "Type yes to make the change: ",
        "変更するには yes と入力してください: "
    );
    let declined = tr!(language, "Nothing was changed.", "何も変更していません。");
    let answer = match asked(&question).await {
        Some(answer) => answer,
        None => {
            screen.say(format!("\n{declined}"));
            return Ok(Confirmation::Interrupted);
        }
    };
    if answer.trim().eq_ignore_ascii_case("yes") {
        return Ok(Confirmation::Given);
    }
    screen.say(declined);
    Ok(Confirmation::Declined)
}

/// A line from the terminal; nothing when the person interrupts instead. The end of input is an empty line.
pub(crate) async fn asked(question: &str) -> Option<String> {
    let mut listening = Listening::new();
    let question = crate::style::harmless(question);
    let _ = write!(std::io::stderr(), "{question}").and_then(|()| std::io::stderr().flush());
    let (answer, asked) = tokio::sync::oneshot::channel();
    // A thread of its own: nobody waits for it when the person interrupts.
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = std::io::stdin().read_line(&mut line);
        let _ = answer.send(line);
    });
    tokio::select! {
        answer = asked => Some(answer.unwrap_or_default()),
        () = listening.interrupted() => None,
    }
}

fn before_file(planned: &Planned, options: &ChangeOptions) -> Result<BeforeFile> {
    let now = Clock::system().real_now();
    let path = options.before_state.clone().unwrap_or_else(|| {
        let name = format!("shoseki-before-{}-{}", planned.what, now.compact());
        let named = |more: &str| PathBuf::from(format!("{name}{more}.json"));
        let mut others = (2..100).map(|number| named(&format!("-{number}")));
        match named("") {
            free if !free.exists() => free,
            taken => others.find(|path| !path.exists()).unwrap_or(taken),
        }
    });
    let state = BeforeState::of(&planned.account, &planned.title, None, &now.iso8601());
    let file = BeforeFile::create(&path, state);
    file.with_context(|| {
        format!(
            "nothing was changed: what takes the change back cannot be written to `{}`",
            path.display()
        )
    })
}

fn finishing(language: Language) -> String {
    tr!(
        language,
        "Interrupted: the call in flight is finished first. Interrupt again to end at once.",
        "中断します。実行中の呼び出しが終わるまでお待ちください。もう一度中断するとすぐに終了します。"
    )
}

/// Keeps the file of the change, says what is made, and looks for an interruption.
struct Maker<'a> {
    file: BeforeFile,
    screen: &'a Screen,
    steps: &'a [Step],
    interruption: Interruption,
}

impl Observer for Maker<'_> {
    fn before(&mut self, _: usize, _: &Call, undo: &[Call]) -> std::io::Result<()> {
        self.file.keep(undo)
    }

    fn after(&mut self, at: usize, undo: &[Call]) -> std::io::Result<()> {
        if let Some(step) = self.steps.get(at) {
            self.screen.made(at, &step.title);
        }
        self.file.keep(undo)
    }

    fn stopped(&self) -> bool {
        self.interruption.is_set()
    }

    fn waiting(&mut self, at: usize, error: &operator::aws::Error, seconds: u64) {
        self.screen.waiting(at, error, seconds);
    }

    fn overtaken(&mut self, _: usize, overtaken: &Overtaken) {
        self.screen.overtaken(overtaken);
    }
}

async fn make(client: &Client, planned: &Planned, file: BeforeFile, screen: &Screen) -> Done {
    let path = file.path().to_owned();
    screen.kept_in(&path);
    let mut maker = Maker {
        file,
        screen,
        steps: &planned.steps,
        interruption: Interruption::noted(finishing(screen.language)),
    };
    let ended = carry_out(client, &planned.steps, &mut maker).await;
    let reached = match &ended {
        Ended::Done(_) => planned.steps.len(),
        Ended::Stopped { at, .. } | Ended::Failed { at, .. } => *at,
    };
    let mut steps: Vec<StepDone> = planned
        .steps
        .iter()
        .enumerate()
        .map(|(at, step)| step_done(step, if at < reached { State::Made } else { State::NotMade }))
        .collect();
    match ended {
        Ended::Done(answers) => {
            screen.all_made(&path, &planned.access);
            Done {
                before_state: Some(path),
                answers,
                ..Done::of(Outcome::Made, steps)
            }
        }
        Ended::Stopped { undo, .. } => {
            screen.stopped(&steps);
            let before_state = left_over(planned, maker.file, &undo, screen);
            Done {
                before_state,
                ..Done::of(Outcome::Interrupted, steps)
            }
        }
        Ended::Failed {
            at,
            error,
            is_unsure,
            undo,
        } => {
            if let Some(step) = steps.get_mut(at) {
                step.state = if is_unsure { State::Unsure } else { State::Failed };
                step.error = Some(error.to_string());
            }
            screen.failed(&steps, at, &error);
            failed(client, planned, maker, &undo, steps).await
        }
    }
}

/// After a failure: what was made is taken back, or stays and it is said how to go on.
async fn failed(client: &Client, planned: &Planned, maker: Maker<'_>, undo: &[Call], steps: Vec<StepDone>) -> Done {
    let (mut file, screen) = (maker.file, maker.screen);
    // Who interrupts while a step fails has interrupted all the same.
    let outcome = match maker.interruption.is_set() {
        true => Outcome::Interrupted,
        false => Outcome::Failed,
    };
    let done = Done::of(outcome, steps);
    if undo.is_empty() || !planned.take_back_on_failure {
        let before_state = left_over(planned, file, undo, screen);
        return Done { before_state, ..done };
    }
    screen.say(tr!(
        screen.language,
        "What was made is taken back:",
        "行った変更を元に戻します:"
    ));
    let mut back = Backer {
        file: &mut file,
        screen,
        interruption: maker.interruption,
        force: Force::default(),
    };
    let taken = take_back(client, undo, &mut back).await;
    let is_whole = taken.is_whole();
    let is_as_before = is_whole && taken.kept().next().is_none();
    let path = file.path().to_owned();
    screen.taken_back(&taken, &path, &planned.access);
    if is_whole {
        file.discard();
    }
    Done {
        before_state: (!is_whole).then_some(path),
        taken_back: Some(is_as_before),
        ..done
    }
}

/// The file of a change that stays as far as it came; none, when nothing was made.
fn left_over(planned: &Planned, mut file: BeforeFile, undo: &[Call], screen: &Screen) -> Option<PathBuf> {
    if undo.is_empty() {
        file.discard();
        return None;
    }
    let path = file.path().to_owned();
    if let Err(fault) = file.keep(undo) {
        // What was kept before takes back the same, with a step that was not made.
        screen.complain(&tr!(
            screen.language,
            "the last state could not be written: {fault}",
            "最後の状態を書き込めませんでした: {fault}"
        ));
    }
    screen.how_to_go_on(&path, &planned.access);
    Some(path)
}

/// Keeps what is still to be taken back, says what was.
struct Backer<'a> {
    file: &'a mut BeforeFile,
    screen: &'a Screen,
    interruption: Interruption,
    force: Force,
}

/// What is taken back though something is lost by it.
#[derive(Args, Clone, Copy, Debug, Default)]
#[command(next_help_heading = "How to take back")]
pub(crate) struct Force {
    /// With --undo: take back also what somebody else has changed since; their change is lost.
    #[arg(long, requires = "undo")]
    overwrite: bool,
    /// With --undo: delete also a log group that has events; they are lost.
    #[arg(long, requires = "undo")]
    delete_logs: bool,
}

impl BackObserver for Backer<'_> {
    fn before(&mut self, _: &Call) {}

    fn after(&mut self, call: &Call, back: &Back, left: &[Call]) -> std::io::Result<()> {
        self.screen.back(call, back);
        self.file.keep(left)
    }

    fn may_overwrite(&self) -> bool {
        self.force.overwrite
    }

    fn may_delete_events(&self) -> bool {
        self.force.delete_logs
    }

    fn stopped(&self) -> bool {
        self.interruption.is_set()
    }
}
