//! # xtask: what people build the product with
//!
//! `cargo xtask <task>` is the one place for checks and tools; there is no shell folklore beside it. A task runs ordinary
//! programs (cargo, python3, pytest) and says which of them it runs. Nothing here is part of the product.

mod bench;
mod setup;
mod suite;
mod tally;
mod tidy;
mod workspace;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;
use workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Tasks for people who build shoseki")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install the pinned stock clients (aws CLI, boto3, rclone, s3cmd, DuckDB, the JavaScript SDK, pytest, …) under the
    /// target folder, and what is missing of Debian's programs.
    Setup,
    /// Run every check and every test there is; with `--long` also those that take over a minute.
    Test(suite::Arguments),
    /// Build the release binary and measure it beside moto_server; arguments go to the bench program.
    Bench {
        /// Passed on as they are.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Rewrite the golden files from what the code does now; review them as a diff.
    Bless {
        /// Passed on to `cargo test`, for instance `-p wire`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Check what the compiler does not: crate edges, file sizes, pinned tools, one crypto provider.
    Tidy,
}

fn run(task: Task) -> Result<bool> {
    let workspace = Workspace::find()?;
    match task {
        Task::Setup => setup::clients(&workspace).map(|_| true),
        Task::Test(arguments) => suite::run(&workspace, &arguments),
        Task::Bench { arguments } => bench::run(&workspace, &arguments).map(|()| true),
        Task::Bless { arguments } => suite::bless(&workspace, &arguments).map(|()| true),
        Task::Tidy => {
            let findings = tidy::check(&workspace)?;
            findings.iter().for_each(|finding| eprintln!("tidy: {finding}"));
            println!("tidy: {} findings", findings.len());
            Ok(findings.is_empty())
        }
    }
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
