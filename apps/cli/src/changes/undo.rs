//! A change taken back by the file that was kept of it.

use super::{Backer, ChangeOptions, Confirmation, Force, Outcome, Screen, confirmed, finishing};
use crate::{
    interrupt::{INTERRUPTED, Interruption},
    operate::{Access, Output, tr},
};
use anyhow::{Result, bail};
use operator::{
    aws::Client,
    change::{Back, BeforeFile, Call, TakenBack, deletes_events, has_events, take_back},
    message::Language,
};
use serde::Serialize;
use serde_json::{Value, json};
use std::{path::Path, process::ExitCode};
use wire::ServiceName;

/// What became of taking a change back.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Undone {
    outcome: Outcome,
    /// The change, as its file names it.
    change: String,
    account: String,
    /// Every call that was tried, and how it ended.
    tried: Vec<Value>,
    /// What still takes the change back.
    left: Vec<operator::change::Call>,
}

impl Undone {
    /// 0 when all is as it was, or was only shown; 130 when it was interrupted; else 1.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self.outcome {
            Outcome::Made | Outcome::NothingToDo | Outcome::DryRun => ExitCode::SUCCESS,
            Outcome::Interrupted => ExitCode::from(INTERRUPTED),
            Outcome::Declined | Outcome::Failed => ExitCode::FAILURE,
        }
    }
}

/// Shows what takes the change of this file back, asks, and does it. What could not be taken back stays in the file.
///
/// # Errors
/// When the file is of another account or format, or no such file; when the caller's account cannot be had; without a terminal
/// and without `--yes`. Nothing was changed then.
pub(crate) async fn undo(
    client: &Client,
    path: &Path,
    (options, force): (&ChangeOptions, Force),
    (access, output): (&Access, Output),
    language: Language,
) -> Result<Undone> {
    let screen = Screen::new(output, language);
    let mut file = BeforeFile::open(path)?;
    let state = file.state().clone();
    let mut undone = Undone {
        outcome: Outcome::NothingToDo,
        change: state.change.clone(),
        account: state.account.clone(),
        tried: Vec::new(),
        left: state.undo.clone(),
    };
    let (change, made_at, account) = (&state.change, &state.made_at, &state.account);
    let caller = caller_account(client).await?;
    if caller != *account {
        bail!(tr!(
            language,
            "nothing was changed: the file is of the account {account}, and these credentials are of the account {caller}",
            "何も変更していません: ファイルはアカウント {account} のものですが、認証情報はアカウント {caller} のものです"
        ));
    }
    screen.heading(&tr!(language, "Take back: {change}", "元に戻す変更: {change}"));
    screen.remark(&tr!(
        language,
        "account {account}, changed {made_at}",
        "アカウント {account}、変更日時 {made_at}"
    ));
    if state.undo.is_empty() {
        screen.say(tr!(
            language,
            "There is nothing to take back.",
            "元に戻すものはありません。"
        ));
        return Ok(undone);
    }
    screen.say("");
    for (at, call) in state.undo.iter().enumerate() {
        screen.numbered_call(at, call, options.show_commands);
    }
    screen.say("");
    warn_of_events(client, &state.undo, force, &screen).await;
    if options.dry_run {
        screen.say(tr!(
            language,
            "This was a dry run: nothing was changed.",
            "ドライランです。何も変更していません。"
        ));
        undone.outcome = Outcome::DryRun;
        return Ok(undone);
    }
    undone.outcome = match confirmed(options, &screen).await? {
        Confirmation::Declined => Outcome::Declined,
        Confirmation::Interrupted => Outcome::Interrupted,
        Confirmation::Given => {
            let mut observer = Backer {
                file: &mut file,
                screen: &screen,
                interruption: Interruption::noted(finishing(language)),
                force,
            };
            let taken = take_back(client, &state.undo, &mut observer).await;
            screen.taken_back(&taken, path, access);
            undone.note(taken)
        }
    };
    Ok(undone)
}

/// Says of each log group that would be deleted what becomes of the events in it.
async fn warn_of_events(client: &Client, undo: &[Call], force: Force, screen: &Screen) {
    let language = screen.language;
    for call in undo.iter().filter(|call| deletes_events(call)) {
        let group = call.input["logGroupName"].as_str().unwrap_or_default();
        let says = match (has_events(client, call).await, force.delete_logs) {
            (Ok(false), _) => continue,
            (Ok(true), true) => tr!(
                language,
                "There are events in the log group {group}: they are deleted with it.",
                "ロググループ {group} にはイベントがあり、グループとともに削除されます。"
            ),
            (Ok(true), false) => tr!(
                language,
                "There are events in the log group {group}: it stays, unless --delete-logs is given.",
                "ロググループ {group} にはイベントがあるため残します。削除するには --delete-logs を指定してください。"
            ),
            (Err(why), true) => tr!(
                language,
                "Whether there are events in the log group {group} cannot be told ({why}): if there are, they are deleted with it.",
                "ロググループ {group} のイベントの有無を確認できません ({why})。あればグループとともに削除されます。"
            ),
            (Err(why), false) => tr!(
                language,
                "Whether there are events in the log group {group} cannot be told ({why}): it stays, unless --delete-logs is given.",
                "ロググループ {group} のイベントの有無を確認できないため ({why}) 残します。削除するには --delete-logs を指定してください。"
            ),
        };
        screen.marked("  ! ", &says);
    }
}

impl Undone {
    fn note(&mut self, taken: TakenBack) -> Outcome {
        let outcome = match (taken.is_whole(), taken.stopped) {
            (true, _) => Outcome::Made,
            (false, true) => Outcome::Interrupted,
            (false, false) => Outcome::Failed,
        };
        self.tried = taken
            .tried
            .iter()
            .map(|(call, back)| match back {
                Back::Made => json!({ "call": call, "ended": "made" }),
                Back::NotThere => json!({ "call": call, "ended": "notThere" }),
                Back::Nameless => json!({ "call": call, "ended": "nameless" }),
                Back::Held => json!({ "call": call, "ended": "held" }),
                Back::Kept => json!({ "call": call, "ended": "kept" }),
                Back::Overtaken(overtaken) => {
                    json!({ "call": call, "ended": "overtaken", "expected": overtaken.expected,
                    "found": overtaken.found })
                }
                Back::Failed(error) => json!({ "call": call, "ended": "failed", "error": error.to_string() }),
            })
            .collect();
        self.left = taken.left;
        outcome
    }
}

/// The account of the caller.
async fn caller_account(client: &Client) -> Result<String> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Identity {
        account: String,
    }
    let identity: Identity = client.ask_query(ServiceName::Sts, "GetCallerIdentity", &[]).await?;
    Ok(identity.account)
}
