//! `shoseki corpus`: sound and tampered trails, for those who test validators.

use crate::{
    operate::{Output, tr},
    style::say,
};
use anyhow::Result;
use clap::{Args, Subcommand};
use operator::{corpus, message::Language};
use std::{path::PathBuf, process::ExitCode};

/// What `corpus write --help` ends with.
const EXAMPLES: &str = "\
Examples:
  shoseki corpus write corpus
  shoseki corpus write one --case log-second-member

Each case is a folder: case.json says what was done, how a validator is called, what the AWS CLI prints and what a careful
validator says; public-keys.json is what ListPublicKeys answers; objects/BUCKET/KEY are the files, each digest with its user
metadata in KEY.metadata.json.

Exit status: 0 all is written; 1 it is not; 2 wrong usage.";

#[derive(Subcommand)]
pub(crate) enum CorpusCommand {
    /// Write the cases into a folder that is empty or not there yet. Nothing is called; the same files are written each time.
    Write(WriteArgs),
}

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct WriteArgs {
    /// The folder.
    dir: PathBuf,
    /// Only this case; may be given several times.
    #[arg(long, value_name = "NAME")]
    case: Vec<String>,
    /// For whom the answer is written.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

pub(crate) fn run(command: CorpusCommand, language: Language) -> Result<ExitCode> {
    let CorpusCommand::Write(args) = command;
    let cases = corpus::write(&args.dir, &args.case)?;
    let (count, sound, dir) = (
        cases.len(),
        cases.iter().filter(|case| case.valid).count(),
        args.dir.display(),
    );
    match args.output {
        Output::Json => say(serde_json::to_string_pretty(&cases)?),
        Output::Text => say(tr!(
            language,
            "{count} cases, {sound} of them sound, are in {dir}",
            "{count} 件のケース (うち正常なもの {sound} 件) を {dir} に書き込みました"
        )),
    }
    Ok(ExitCode::SUCCESS)
}
