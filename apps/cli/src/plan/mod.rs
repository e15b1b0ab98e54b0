//! `shoseki plan`: what would break if something were changed.

mod print;

use crate::{
    operate::{Access, Output, cannot_be_used, cannot_read, cannot_write, tr},
    style::say,
};
use anyhow::{Context, Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use operator::{
    aws::Client,
    message::Language,
    plan::{self, Limits, Plan, Unusable, Wanted, WantedTrail},
    rights::Proposal,
    survey::{self, Survey},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

/// What `--help` ends with.
const EXAMPLES: &str = "\
Examples:
  shoseki plan --key-policy alias/trail=policy.json
  shoseki plan --bucket-policy logs=policy.json --bucket-encryption logs=AES256
  shoseki plan --trail audit --set key=none --set validation=off
  shoseki plan --delete-key alias/trail --count-max 100000
  shoseki plan --save-survey survey.json --disable-key alias/trail
  shoseki plan --from survey.json --delete-key alias/trail

Nothing is changed: the account is read, or a survey that was saved before. What could not be read is named, and no verdict
is guessed from it. Objects are counted by listing the buckets of the trails and asking what seals each object.

Exit status: 0 nothing would break; 1 the plan could not be made; 2 wrong usage; 3 something would break; 130 interrupted.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    change: ChangeArgs,
    #[command(flatten)]
    access: Access,
    /// Plan with a survey that --save-survey wrote, or with a folder of what the AWS CLI printed (trails.json by
    /// describe-trails, bucket-policy.BUCKET.json, key-policy.KEY.json, account-authorization-details.json), and call nothing.
    #[arg(long, value_name = "FILE|DIR", conflicts_with_all = ["profile", "region", "endpoint_url", "save_survey"])]
    from: Option<PathBuf>,
    /// Keep what was read in this new file, for --from.
    #[arg(long, value_name = "FILE")]
    save_survey: Option<PathBuf>,
    /// Read these Regions only [default: all that the account has].
    #[arg(long, value_name = "REGION,…", value_delimiter = ',')]
    regions: Option<Vec<String>>,
    /// Look at so many objects of each bucket at most, when a key is disabled or deleted; 0 counts none.
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::default().count_max)]
    count_max: u64,
    /// For whom the answer is written.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// What would be changed; at least one of these.
#[derive(Args)]
#[group(required = true, multiple = true)]
#[command(next_help_heading = "What would be changed")]
struct ChangeArgs {
    /// Another key policy.
    #[arg(long, value_name = "KEY=FILE", value_parser = named)]
    key_policy: Vec<(String, String)>,
    /// Another bucket policy; `none` in place of the file deletes it.
    #[arg(long, value_name = "BUCKET=FILE", value_parser = named)]
    bucket_policy: Vec<(String, String)>,
    /// Another default encryption of a bucket.
    #[arg(long, value_name = "BUCKET=AES256|KEY", value_parser = named)]
    bucket_encryption: Vec<(String, String)>,
    /// Another lifecycle of a bucket, as put-bucket-lifecycle-configuration takes it.
    #[arg(long, value_name = "BUCKET=FILE", value_parser = named)]
    lifecycle: Vec<(String, String)>,
    /// A key disabled.
    #[arg(long, value_name = "KEY")]
    disable_key: Vec<String>,
    /// A key deleted.
    #[arg(long, value_name = "KEY")]
    delete_key: Vec<String>,
    /// A trail with the settings of --set.
    #[arg(long, value_name = "NAME|ARN", requires = "set")]
    trail: Option<String>,
    /// key, bucket, prefix, topic (`none` takes a key, prefix or topic away), validation, multi-region, global-events (on, off).
    #[arg(long, value_name = "SETTING=VALUE", value_parser = named, requires = "trail")]
    set: Vec<(String, String)>,
}

/// A name and what belongs to it.
fn named(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("it must be NAME=VALUE".to_owned()),
    }
}

pub(crate) async fn run(args: PlanArgs, language: Language) -> Result<ExitCode> {
    let wanted = wanted(&args.change, language)?;
    let planned = tokio::select! {
        planned = planned(&args, &wanted, language) => planned?,
        _ = tokio::signal::ctrl_c() => {
            let _ = writeln!(std::io::stderr(), "{}", tr!(
                language,
                "Interrupted. Nothing was changed: a plan only reads.",
                "中断しました。計画は読み取りのみで、何も変更していません。"
            ));
            return Ok(ExitCode::from(130));
        }
    };
    match args.output {
        Output::Json => say(serde_json::to_string_pretty(&planned)?),
        Output::Text => print::print(&planned, language),
    }
    Ok(match planned.breaks {
        true => ExitCode::from(3),
        false => ExitCode::SUCCESS,
    })
}

fn wanted(args: &ChangeArgs, language: Language) -> Result<Wanted> {
    let documents = |given: &[(String, String)], may_be_none: bool| -> Result<Vec<_>> {
        let read = |(name, file): &(String, String)| match file.as_str() {
            "none" if may_be_none => Ok((name.clone(), serde_json::Value::Null)),
            file => Ok((name.clone(), document(Path::new(file), language)?)),
        };
        given.iter().map(read).collect()
    };
    let trail = args.trail.iter().map(|name| WantedTrail {
        name: name.clone(),
        settings: args.set.clone(),
    });
    Ok(Wanted {
        key_policies: documents(&args.key_policy, false)?,
        bucket_policies: documents(&args.bucket_policy, true)?,
        trails: trail.collect(),
        bucket_encryption: args.bucket_encryption.clone(),
        lifecycles: documents(&args.lifecycle, false)?,
        disabled_keys: args.disable_key.clone(),
        deleted_keys: args.delete_key.clone(),
    })
}

fn document<T: serde::de::DeserializeOwned>(file: &Path, language: Language) -> Result<T> {
    let text = std::fs::read(file).with_context(|| cannot_read(file, language))?;
    serde_json::from_slice(&text).with_context(|| cannot_be_used(file, language))
}

async fn planned(args: &PlanArgs, wanted: &Wanted, language: Language) -> Result<Plan> {
    let (survey, client) = match &args.from {
        Some(file) if file.is_dir() => (folder(file, language)?, None),
        Some(file) => (document::<Survey>(file, language)?, None),
        None => {
            let client = args.access.client()?;
            (read(args, wanted, &client, language).await?, Some(client))
        }
    };
    let said = |unusable: Unusable| anyhow::anyhow!(unusable.0.in_language(language).to_owned());
    let proposed = wanted.proposed(&survey).map_err(said)?;
    let planned = plan::make(&survey, &proposed);
    let keys: BTreeSet<String> = proposed
        .changes
        .iter()
        .filter_map(|change| match change {
            Proposal::KeyState { key, .. } => Some(key.clone()),
            _ => None,
        })
        .collect();
    let Some(client) = client.filter(|_| args.count_max > 0 && !keys.is_empty()) else {
        return Ok(planned);
    };
    let bar = progress(tr!(language, "objects looked at", "件のオブジェクトを確認"));
    let limits = Limits {
        count_max: args.count_max,
        ..Limits::default()
    };
    let objects = plan::count(&client, &survey, &keys, limits, &|count| bar.inc(count)).await;
    bar.finish_and_clear();
    Ok(planned.with_objects(objects))
}

/// The survey that the documents of a folder make.
fn folder(folder: &Path, language: Language) -> Result<Survey> {
    let shown = folder.display();
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).with_context(|| cannot_read(folder, language))? {
        let path = entry.with_context(|| cannot_read(folder, language))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".json") {
            files.insert(name, document(&path, language)?);
        }
    }
    plan::survey_of(&files).map_err(|unusable| anyhow::anyhow!("{shown}: {}", unusable.0.in_language(language)))
}

async fn read(args: &PlanArgs, wanted: &Wanted, client: &Client, language: Language) -> Result<Survey> {
    let mut what = wanted.what();
    what.regions.clone_from(&args.regions);
    let bar = progress(tr!(language, "reading the account", "アカウントを読み取り中"));
    let survey = survey::read(client, &what).await;
    bar.finish_and_clear();
    let survey = survey?;
    if let Some(file) = &args.save_survey {
        let shown = file.display();
        if file.exists() {
            bail!(tr!(
                language,
                "{shown} is already there",
                "{shown} はすでにあります。別の名前を指定してください。"
            ));
        }
        let text = serde_json::to_string_pretty(&survey)?;
        std::fs::write(file, text).with_context(|| cannot_write(file, language))?;
    }
    Ok(survey)
}

/// A counter on a terminal; elsewhere nothing.
fn progress(what: String) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner().with_message(what);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {human_pos} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
