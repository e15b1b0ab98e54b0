//! `shoseki trail rollback`: back to S3's keys, and any change of this tool taken back.

use crate::{
    changes::{self, ChangeOptions, Done, Force, Planned},
    operate::{Access, Output, tr},
    style::{Style, say},
    table::aligned,
};
use anyhow::{Context, Result};
use clap::Args;
use operator::{
    aws::Client,
    message,
    message::Language,
    rollback::{Choice, Found, Plan, Remains, plan, read, remaining, warnings},
    survey::Fact,
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, path::PathBuf, process::ExitCode};

/// What `--help` ends with.
const EXAMPLES: &str = "\
Examples:
  shoseki trail rollback --dry-run
  shoseki trail rollback --trail Members --exclude-regions ap-northeast-1
  shoseki trail rollback --undo shoseki-before-rollback-20260801T120000Z.json

--undo takes back any change whose before-state file this tool has written: trail setup, trail encrypt, check --fix, trail rollback.
What somebody else has changed since is left and shown; a log group with events stays.

Exit status: 0 it is rolled back, was so already, or was only shown; 1 it failed or was not confirmed; 2 wrong usage;
130 interrupted: what was made is said, and how to go on or to take it back.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RollbackArgs {
    /// A trail, by name or ARN; may be given again [default: all of the account that have a key].
    #[arg(long, value_name = "NAME")]
    trail: Vec<String>,
    /// Not this trail; may be given again.
    #[arg(long, value_name = "NAME")]
    exclude_trail: Vec<String>,
    /// Only trails whose home is in these Regions.
    #[arg(long, value_name = "REGION,REGION", value_delimiter = ',')]
    regions: Vec<String>,
    /// Not trails whose home is in these Regions.
    #[arg(long, value_name = "REGION,REGION", value_delimiter = ',')]
    exclude_regions: Vec<String>,
    /// Leave the default encryption of the buckets as it is.
    #[arg(long)]
    keep_bucket_default: bool,
    /// Look at so many objects in each bucket to count what stays under the key; 0 counts nothing.
    #[arg(long, value_name = "NUMBER", default_value_t = 1000)]
    count_max: usize,
    /// Take back the change that this file was kept of.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["trail", "exclude_trail", "regions", "exclude_regions", "keep_bucket_default", "before_state"]
    )]
    undo: Option<PathBuf>,
    #[command(flatten)]
    force: Force,
    #[command(flatten)]
    change: ChangeOptions,
    #[command(flatten)]
    access: Access,
    /// For whom the answer is written.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

pub(crate) async fn run(args: RollbackArgs, language: Language) -> Result<ExitCode> {
    let client = args.access.client()?;
    if let Some(path) = &args.undo {
        let undone = changes::undo(
            &client,
            path,
            (&args.change, args.force),
            (&args.access, args.output),
            language,
        )
        .await?;
        if args.output == Output::Json {
            say(serde_json::to_string_pretty(&undone)?);
        }
        return Ok(undone.exit_code());
    }
    rollback(&client, &args, language).await
}

async fn rollback(client: &Client, args: &RollbackArgs, language: Language) -> Result<ExitCode> {
    let found = read(client)
        .await
        .context(tr!(language, "the trails cannot be read", "証跡を読み取れません"))?;
    let choice = Choice {
        trails: args.trail.clone(),
        exclude_trails: args.exclude_trail.clone(),
        regions: args.regions.clone(),
        exclude_regions: args.exclude_regions.clone(),
        keep_bucket_default: args.keep_bucket_default,
    };
    let plan = plan(&found, &choice)?;
    let names = names(&found, &plan, &choice);
    show_state(&found, &names, args.output, language);
    let remains = match plan.trails.is_empty() {
        true => None,
        false => Some(remaining(client, &plan.trails, &plan.keys, args.count_max).await),
    };
    let planned = Planned {
        title: message!(
            "Roll back the encryption of trails to SSE-S3",
            "証跡の暗号化を SSE-S3 に切り戻す"
        ),
        what: "rollback",
        account: found.account.clone(),
        steps: plan.steps.clone(),
        warnings: warnings(&plan, remains.as_ref()),
        take_back_on_failure: false,
        access: args.access.clone(),
        output: args.output,
    };
    let done = changes::confirm_and_carry_out(client, &planned, &args.change, language).await?;
    let after = match done.is_good() && !plan.steps.is_empty() {
        true => read(client).await.ok(),
        false => None,
    };
    if let Some(after) = &after {
        show_state(after, &names, args.output, language);
    }
    if args.output == Output::Json {
        let document = document(&found, &plan, remains.as_ref(), &done, after.as_ref());
        say(serde_json::to_string_pretty(&document)?);
    }
    Ok(done.exit_code())
}

/// The names of the trails that are shown: those that were chosen, and those whose key goes.
fn names(found: &Found, plan: &Plan, choice: &Choice) -> BTreeSet<String> {
    let chosen = found.trails.iter().filter(|trail| choice.has(trail));
    chosen.chain(&plan.trails).map(|trail| trail.name.clone()).collect()
}

/// The check of the procedure by hand: each Region, and whether the trails have a key as it sees them; each bucket.
fn show_state(found: &Found, names: &BTreeSet<String>, output: Output, language: Language) {
    if output == Output::Json {
        return;
    }
    let style = Style::of_stdout();
    let heading = tr!(
        language,
        "SSE-KMS of the log files, as each Region tells it",
        "各リージョンから見たログファイルの SSE-KMS 暗号化"
    );
    say(style.bold(heading));
    let mut rows = vec![
        std::iter::once(tr!(language, "Region", "リージョン"))
            .chain(names.iter().cloned())
            .collect::<Vec<_>>(),
    ];
    for region in &found.regions {
        let cell = |name: &String| match &region.trails {
            Fact::Known(trails) => match trails.get(name) {
                Some(true) => tr!(language, "enabled", "有効"),
                Some(false) => tr!(language, "disabled", "無効"),
                None => tr!(language, "no trail", "証跡なし"),
            },
            Fact::NotAvailable(missing) => {
                let code = &missing.code;
                tr!(language, "unknown: {code}", "不明: {code}")
            }
        };
        rows.push(
            std::iter::once(region.region.clone())
                .chain(names.iter().map(cell))
                .collect(),
        );
    }
    aligned(&rows, &[]).iter().for_each(|line| say(format!("  {line}")));
    let trails = found.trails.iter().filter(|trail| names.contains(&trail.name));
    for bucket in trails.map(|trail| &trail.bucket).collect::<BTreeSet<_>>() {
        let state = match found.buckets.get(bucket) {
            Some(Fact::Known(Some(encryption))) if encryption.is_kms() => {
                tr!(language, "SSE-KMS is enabled", "SSE-KMS が有効")
            }
            Some(Fact::Known(Some(_))) => tr!(language, "SSE-S3 is enabled", "SSE-S3 が有効"),
            Some(Fact::NotAvailable(missing)) => {
                let code = &missing.code;
                tr!(language, "unknown: {code}", "不明: {code}")
            }
            Some(Fact::Known(None)) | None => {
                tr!(language, "Default encryption is not set", "デフォルト暗号化は未設定")
            }
        };
        say(tr!(
            language,
            "  Default of the bucket {bucket}: {state}",
            "  バケット {bucket} のデフォルト: {state}"
        ));
    }
    say("");
}

fn document(found: &Found, plan: &Plan, remains: Option<&Remains>, done: &Done, after: Option<&Found>) -> Value {
    let left: Vec<Value> = plan
        .left
        .iter()
        .map(|left| json!({ "name": left.name, "why": left.why }))
        .collect();
    json!({
        "account": found.account,
        "before": found,
        "left": left,
        "warnings": warnings(plan, remains),
        "remains": remains,
        "change": done,
        "after": after,
    })
}
