//! # The binary `shoseki`
//!
//! `serve` runs the server; everything else is a client of a running one, over the same wire as any other client. The
//! exceptions are `demo`, which starts a server in its own process and then is nothing but its client, and `fsck`, which looks
//! at a data directory that no server uses.
//!
//! A command that fails says what failed, why, and how to go on, and ends with status 1;
//! `serve` ends with status 70 when its store takes no more writes until the next start.

mod access;
mod account;
mod changes;
mod check;
mod client;
mod clock;
mod console;
mod corpus;
mod cost;
mod demo;
mod env;
mod explain;
mod fsck;
mod guard;
mod help;
mod ingest;
mod interrupt;
#[allow(dead_code, reason = "the commands that use it are being added")]
mod operate;
mod plan;
mod prompt;
mod rootkey;
mod search;
mod serve;
mod style;
mod table;
mod template;
mod trail;
mod trail_args;

use clap::{FromArgMatches, Parser, Subcommand};
use operator::message::Language;
use std::{
    io::{IsTerminal, Write, stderr},
    process::ExitCode,
    time::Duration,
};
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Threads of a command that is a client, for what waits: files, names, terminals.
const CLIENT_THREADS_MAX: usize = 8;
/// What still runs on threads of its own when a command is done has so long to end.
const STOP_TIME_MAX: Duration = Duration::from_secs(5);

/// Room for the deepest of tasks: what the operator's commands read side by side is one future in another. Taken only as it
/// is used.
const THREAD_STACK_BYTES: usize = 8 << 20;

/// A sealed, signed, verifiable audit trail on AWS's own wire protocols.
#[derive(Parser)]
#[command(name = "shoseki", version, disable_help_subcommand = true)]
struct Cli {
    /// The language to speak in [default: by LC_ALL, LC_MESSAGES or LANG].
    #[arg(long, global = true, value_enum)]
    lang: Option<operate::Lang>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server until it is told to stop.
    Serve(Box<serve::ServeArgs>),
    /// Start a server and play the whole story on it: a trail set up, used, delivered, verified, tampered with.
    Demo(demo::DemoArgs),
    /// Print the exports with which AWS's clients use a running server: eval "$(shoseki env --data-dir DIR)".
    Env(env::EnvArgs),
    /// Print a link to the console of a running server that signs in as its root: once, within a quarter of an hour.
    Console(console::ConsoleArgs),
    /// Move the clock of a server that runs in rehearsal mode.
    #[command(subcommand)]
    Clock(clock::ClockCommand),
    /// Make and list the accounts of a running server.
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// Bring records of services that are not here, from files or standard input, into a trail.
    Ingest(Box<ingest::IngestArgs>),
    /// Check a data directory that no server uses: rows, blobs and the journal, both ways.
    Fsck(fsck::FsckArgs),
    /// Give a running server a new root key.
    #[command(subcommand)]
    Rootkey(rootkey::RootkeyCommand),
    /// Say why a call was refused, and which smallest change of which policy would allow it.
    Explain(explain::ExplainArgs),
    /// Say who can read, deliver, administer and delete an object, a key or a trail's log files, now and after a change.
    Access(access::AccessArgs),
    /// Write sound and tampered trails for tests of validators.
    #[command(subcommand)]
    Corpus(corpus::CorpusCommand),
    /// Search log files in a bucket, on this machine, or the event history: by time, caller, event, resource, error, text.
    Search(Box<search::SearchArgs>),
    /// Say what trails and their keys cost in a month, with the formulae.
    Cost(Box<cost::CostArgs>),
    /// Say what would break if a policy, a key, a trail or a bucket were changed: trails, readers, objects, cost.
    Plan(Box<plan::PlanArgs>),
    /// Check the trails of an account against CIS, Security Hub, PCI, NIST and more, and put right what fails.
    Check(Box<check::CheckArgs>),
    /// Write a sealed trail down, for CloudFormation, Terraform or the AWS CLI to deploy.
    Template(Box<template::TemplateArgs>),
    /// Keep settings as a baseline says: report what differs, or put it back, every week.
    #[command(subcommand)]
    Guard(guard::GuardCommand),
    /// Set up, look at, roll back and verify trails, here or on AWS.
    #[command(subcommand)]
    Trail(trail::TrailCommand),
    /// Print what makes a shell complete the names of commands and options.
    Completions(help::CompletionsArgs),
    /// Print the manual page of a command, or write those of all.
    Man(help::ManArgs),
}

fn main() -> ExitCode {
    let cli = match Cli::from_arg_matches(&help::command().get_matches()) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let language = operate::language(cli.lang);
    log_to_stderr();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if !matches!(cli.command, Command::Serve(_) | Command::Demo(_)) {
        // Each thread keeps some of the memory that it used: where much is read, many threads would keep much.
        builder.max_blocking_threads(CLIENT_THREADS_MAX);
    }
    let runtime = match builder.enable_all().thread_stack_size(THREAD_STACK_BYTES).build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::new(error).context("cannot start"), language),
    };
    let done = runtime.block_on(async {
        match cli.command {
            Command::Serve(args) => serve::run(*args).await,
            Command::Demo(args) => demo::run(args).await,
            Command::Env(args) => env::run(args),
            Command::Console(args) => console::run(&args),
            Command::Clock(command) => clock::run(command).await,
            Command::Account(command) => account::run(command).await,
            Command::Fsck(args) => fsck::run(args).await,
            Command::Ingest(args) => ingest::run(*args).await,
            Command::Rootkey(command) => rootkey::run(command).await,
            Command::Explain(args) => explain::run(args).await,
            Command::Access(args) => access::run(args).await,
            Command::Corpus(command) => corpus::run(command, language),
            Command::Search(args) => search::run(*args, language).await,
            Command::Cost(args) => cost::run(*args, language).await,
            Command::Plan(args) => plan::run(*args, language).await,
            Command::Check(args) => check::run(*args, language).await,
            Command::Template(args) => template::run(*args).await,
            Command::Guard(command) => guard::run(command, language).await,
            Command::Trail(command) => trail::run(command, language).await,
            Command::Completions(args) => help::completions(&args),
            Command::Man(args) => help::man(&args),
        }
    });
    // Not for ever: a name that is asked for keeps its thread until the resolver gives up.
    runtime.shutdown_timeout(STOP_TIME_MAX);
    match done {
        Ok(code) => code,
        Err(error) => failed(&error, language),
    }
}

fn failed(error: &anyhow::Error, language: Language) -> ExitCode {
    let mut text = format!("shoseki: {}\n", told(error.as_ref(), language));
    for cause in error.chain().skip(1) {
        let cause = told(cause, language);
        text.push_str(&operate::tr!(language, "  because: {cause}\n", "  原因: {cause}\n"));
    }
    let _ = stderr().write_all(style::harmless(&text).as_bytes());
    ExitCode::FAILURE
}

/// An error in this language, when its kind knows how.
fn told(error: &(dyn std::error::Error + 'static), language: Language) -> String {
    match error.downcast_ref::<operator::aws::Error>() {
        Some(error) => error.message().in_language(language).to_owned(),
        None => error.to_string(),
    }
}

fn complain(error: &anyhow::Error) {
    failed(error, Language::English);
}

/// Warnings and errors go to the log, and what `SHOSEKI_LOG` asks for, in the notation of `RUST_LOG`.
fn log_to_stderr() {
    let filter = EnvFilter::builder()
        .with_env_var("SHOSEKI_LOG")
        .with_default_directive(tracing_subscriber::filter::LevelFilter::WARN.into())
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        // A log that cannot be written is no reason to panic, which is how its own complaint would end.
        .log_internal_errors(false)
        .with_ansi(stderr().is_terminal() && !style::no_color())
        .init();
}
