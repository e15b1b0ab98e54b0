//! `shoseki trail`: set up, look at and roll back trails, here or on AWS.

mod rollback;
mod status;

use anyhow::Result;
use clap::Subcommand;
use operator::message::Language;
use std::process::ExitCode;

#[derive(Subcommand)]
pub(crate) enum TrailCommand {
    /// Take trails and their buckets back from a key of KMS to S3's own keys, or take a change of this tool back.
    Rollback(Box<rollback::RollbackArgs>),
    /// Say how the trails of all Regions stand: logging, key, validation, bucket, last deliveries, errors.
    Status(Box<status::StatusArgs>),
}

pub(crate) async fn run(command: TrailCommand, language: Language) -> Result<ExitCode> {
    match command {
        TrailCommand::Rollback(args) => rollback::run(*args, language).await,
        TrailCommand::Status(args) => status::run(*args, language).await,
    }
}
