//! `shoseki trail`: set up, seal, look at, roll back and verify trails, here or on AWS.

mod encrypt;
mod proof;
mod report;
mod rollback;
mod setup;
mod setup_prompts;
mod status;
mod verify;

use anyhow::Result;
use clap::Subcommand;
use operator::message::Language;
use std::process::ExitCode;

#[derive(Subcommand)]
pub(crate) enum TrailCommand {
    /// Make a sealed trail with everything it needs: key, bucket, policies, log group, topic.
    Setup(Box<setup::SetupArgs>),
    /// Give a trail a key that seals its log files, with a look at who could not read them any more.
    Encrypt(Box<encrypt::EncryptArgs>),
    /// Take trails and their buckets back from a key of KMS to S3's own keys, or take a change of this tool back.
    Rollback(Box<rollback::RollbackArgs>),
    /// Say how the trails of all Regions stand: logging, key, validation, bucket, last deliveries, errors.
    Status(Box<status::StatusArgs>),
    /// Verify that log and digest files are what CloudTrail delivered.
    Verify(Box<verify::VerifyArgs>),
}

pub(crate) async fn run(command: TrailCommand, language: Language) -> Result<ExitCode> {
    match command {
        TrailCommand::Setup(args) => setup::run(*args, language).await,
        TrailCommand::Encrypt(args) => encrypt::run(*args, language).await,
        TrailCommand::Rollback(args) => rollback::run(*args, language).await,
        TrailCommand::Status(args) => status::run(*args, language).await,
        TrailCommand::Verify(args) => verify::run(*args, language).await,
    }
}
