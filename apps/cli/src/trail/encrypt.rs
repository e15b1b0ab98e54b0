//! `shoseki trail encrypt`: a key for a trail that is there, without anyone losing the log files unawares.

use super::{
    proof::{self, WaitArgs},
    report,
};
use crate::{
    changes::{self, ChangeOptions, Done, Planned, Screen},
    operate::{Access, Output, tr},
    style::{Style, say},
};
use anyhow::{Context, Result};
use clap::Args;
use operator::{
    aws::Client,
    delivery::{Folder, LogFile},
    encrypt::{self, KeyWanted, Loser, Order, Prepared},
    message,
    message::{Language, Message},
    setup::{Caller, Check},
};
use serde::Serialize;
use std::{collections::BTreeSet, process::ExitCode};

/// What `--help` ends with.
const AFTER: &str = "\
First the key's policy, then the readers, then the trail: whoever reads the log files now and could not open the next ones is
listed before anything is changed. With --yes that is refused, unless --reader gives them the right or --allow-loss says that
it is meant.

Examples:
  shoseki trail encrypt --trail audit --wait
  shoseki trail encrypt --trail audit --key alias/our-key --reader arn:aws:iam::111122223333:role/auditor
  shoseki trail encrypt --trail audit --key-alias alias/audit --bucket-default --yes

Exit status: 0 the trail has the key; 1 it failed, or was not confirmed, or somebody would lose access; 2 wrong usage; 3 it has
the key, but --wait saw no log file that is sealed by it; 130 interrupted.";

/// The options of `trail encrypt`.
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct EncryptArgs {
    /// The trail's name or ARN.
    #[arg(long, value_name = "NAME", alias = "name")]
    trail: String,
    /// A key that is there: its ARN, id or alias. Its policy gets the statements that it lacks.
    #[arg(long, value_name = "KEY", conflicts_with = "key_alias")]
    key: Option<String>,
    /// The alias of the key to make.
    #[arg(long, value_name = "ALIAS", default_value = "alias/cloudtrail")]
    key_alias: String,
    /// The ARN of a user or role to whom the key's policy gives the right to open log files; may be given again.
    #[arg(long, value_name = "ARN")]
    reader: Vec<String>,
    /// Go on although some lose access, or it cannot be told whether they do.
    #[arg(long)]
    allow_loss: bool,
    /// Make the key the bucket's default encryption, too.
    #[arg(long)]
    bucket_default: bool,
    #[command(flatten)]
    wait: WaitArgs,
    #[command(flatten)]
    change: ChangeOptions,
    #[command(flatten)]
    access: Access,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// The answer as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    caller: &'a Caller,
    trail: &'a str,
    bucket: &'a str,
    key: Option<&'a str>,
    checks: &'a [Check],
    losers: &'a [Loser],
    readers_known: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<&'a Done>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered: Option<&'a LogFile>,
}

pub(crate) async fn run(args: EncryptArgs, language: Language) -> Result<ExitCode> {
    let client = args.access.client()?;
    let order = Order {
        trail: args.trail.clone(),
        key: match &args.key {
            Some(key) => KeyWanted::Existing(key.clone()),
            None => KeyWanted::New {
                alias: args.key_alias.clone(),
            },
        },
        readers: args.reader.clone(),
        bucket_default: args.bucket_default,
    };
    let prepared = encrypt::prepare(&client, &order).await?;
    let screen = Screen::new(args.output, language);
    let style = match args.output {
        Output::Text => Style::of_stdout(),
        Output::Json => Style::of_stderr(),
    };
    report::checks(&screen, style, &prepared.checks, language);
    if !prepared.is_possible() {
        screen.say(tr!(
            language,
            "Nothing was changed: this has to be put right first.",
            "何も変更していません。先に上記の問題を解消してください。"
        ));
        answer(args.output, &prepared, prepared.key.as_deref(), None, None);
        return Ok(ExitCode::FAILURE);
    }
    if prepared.is_loss() && args.change.yes && !args.allow_loss {
        refuse(&screen, &prepared, language);
        answer(args.output, &prepared, prepared.key.as_deref(), None, None);
        return Ok(ExitCode::FAILURE);
    }
    carry_on(&args, &client, &prepared, &screen, language).await
}

/// Whoever would lose access, and what there is to do about it.
fn refuse(screen: &Screen, prepared: &Prepared, language: Language) {
    for warning in warnings(prepared) {
        report::marked(screen, "!  ", warning.in_language(language));
    }
    screen.say(tr!(
        language,
        "Nothing was changed: give them the right by --reader ARN, or say --allow-loss.",
        "何も変更していません。--reader ARN で復号を許可するか、--allow-loss を指定してください。"
    ));
}

/// What has to be known before the trail gets the key.
fn warnings(prepared: &Prepared) -> Vec<Message> {
    let mut warnings: Vec<Message> = prepared.losers.iter().map(loses).collect();
    if !prepared.readers_known && !prepared.steps.is_empty() {
        warnings.push(message!(
            "It is not known who reads the log files: whoever has no right to kms:Decrypt by this key loses access.",
            "ログファイルの閲覧者を確認できません。このキーの kms:Decrypt 権限がない利用者は閲覧できなくなります。",
        ));
    }
    warnings
}

fn loses(loser: &Loser) -> Message {
    let arn = &loser.arn;
    let why = |language| loser.why.in_language(language).to_owned();
    Message::new(
        format!(
            "{arn} reads the log files now and could not open the next ones: {}",
            why(Language::English)
        ),
        format!(
            "{arn} は現在ログファイルを読めますが、変更後は復号できません: {}",
            why(Language::Japanese)
        ),
    )
}

async fn carry_on(
    args: &EncryptArgs,
    client: &Client,
    prepared: &Prepared,
    screen: &Screen,
    language: Language,
) -> Result<ExitCode> {
    let folder = Folder::new(
        &prepared.bucket,
        &prepared.bucket_region,
        prepared.prefix.as_deref(),
        &prepared.caller.account,
        &prepared.region,
    );
    // What is there before the change proves nothing, unless there is nothing to change.
    let known = match args.wait.wait && !prepared.steps.is_empty() {
        true => folder.latest(client).await.context("log files cannot be listed")?,
        false => BTreeSet::new(),
    };
    let name = &args.trail;
    let planned = Planned {
        title: message!(
            "Seal the log files of the trail {name}",
            "証跡 {name} のログファイルを暗号化"
        ),
        what: "encrypt",
        account: prepared.caller.account.clone(),
        steps: prepared.steps.clone(),
        warnings: warnings(prepared),
        take_back_on_failure: true,
        access: args.access.clone(),
        output: args.output,
    };
    let changed = changes::confirm_and_carry_out(client, &planned, &args.change, language).await?;
    let made = changed.answers.get("keyArn").cloned();
    let key = prepared.key.clone().or(made);
    let mut code = changed.exit_code();
    let mut delivered = None;
    if args.wait.wait && changed.is_good() {
        let minutes = args.wait.wait_minutes;
        let waited = proof::wait(client, &folder, &known, key.as_deref(), minutes).await?;
        if !proof::tell(screen, &waited, minutes, language) {
            code = proof::exit_code(&waited);
        }
        if let proof::Waited::Proven(file) = waited {
            delivered = Some(file);
        }
    }
    answer(
        args.output,
        prepared,
        key.as_deref(),
        Some(&changed),
        delivered.as_ref(),
    );
    Ok(code)
}

fn answer(output: Output, prepared: &Prepared, key: Option<&str>, change: Option<&Done>, delivered: Option<&LogFile>) {
    if output == Output::Text {
        return;
    }
    let answer = Answer {
        caller: &prepared.caller,
        trail: &prepared.trail,
        bucket: &prepared.bucket,
        key,
        checks: &prepared.checks,
        losers: &prepared.losers,
        readers_known: prepared.readers_known,
        change,
        delivered,
    };
    say(serde_json::to_string_pretty(&answer).unwrap_or_default());
}
