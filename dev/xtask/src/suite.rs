//! `cargo xtask test`: every part in order, how long each took, and one closing line with the counts of all.
//!
//! A failing part does not stop the later ones: one run tells all that is wrong. Exceptions: without a binary there is
//! nothing for the stock clients to talk to.

use crate::{setup, tally::Tally, tidy, workspace::Workspace};
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

/// The program with the Rust SDK, a workspace of its own: several hundred crates that only long tests need.
const SDK_RUST: &str = "dev/sdk-rust/Cargo.toml";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Run only this part; may be given several times.
    #[arg(long)]
    only: Vec<Part>,
    /// Run the tests too that take over a minute or need the Rust SDK: `long` in pytest.
    #[arg(long)]
    long: bool,
    /// Passed on to pytest, for instance `-k validate`.
    #[arg(last = true)]
    pytest: Vec<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Part {
    Format,
    Tidy,
    Clippy,
    Rust,
    Clients,
}

/// What a part brought: the tests it counted, and whether it ended well.
struct Outcome {
    tally: Tally,
    ok: bool,
}

impl Outcome {
    /// A check that is no test suite counts as one.
    fn of_check(ok: bool) -> Self {
        Self {
            tally: Tally {
                passed: ok.into(),
                failed: (!ok).into(),
                ..Tally::default()
            },
            ok,
        }
    }

    /// A suite that failed without naming a failed test (it did not build, it was killed) counts as one failure.
    fn of_suite(mut tally: Tally, ok: bool) -> Self {
        if !ok && tally.failed == 0 {
            tally.failed = 1;
        }
        Self {
            tally,
            ok: ok && tally.failed == 0,
        }
    }
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<bool> {
    let mut tally = Tally::default();
    let mut failed = Vec::new();
    for part in Part::value_variants() {
        if !arguments.only.is_empty() && !arguments.only.contains(part) {
            continue;
        }
        println!("==> {part:?}");
        let start = Instant::now();
        let outcome = run_part(*part, workspace, arguments).unwrap_or_else(|error| {
            eprintln!("error: {error:#}");
            Outcome::of_check(false)
        });
        let word = if outcome.ok { "ok" } else { "FAILED" };
        println!("==> {part:?}: {word}, {:.1} s", start.elapsed().as_secs_f64());
        tally += outcome.tally;
        if !outcome.ok {
            failed.push(*part);
        }
    }
    if !failed.is_empty() {
        println!("failed: {failed:?}");
    }
    if tally.left_out > 0 {
        println!(
            "{} more were left out: --long runs the long ones, pytest's arguments may leave out others",
            tally.left_out
        );
    }
    println!(
        "{} passed, {} failed, {} skipped",
        tally.passed, tally.failed, tally.skipped
    );
    Ok(failed.is_empty())
}

fn run_part(part: Part, workspace: &Workspace, arguments: &Arguments) -> Result<Outcome> {
    match part {
        Part::Format => {
            let own = check(&mut workspace.cargo(&["fmt", "--all", "--check"]))?;
            let sdk = check(&mut workspace.cargo(&["fmt", "--check", "--manifest-path", SDK_RUST]))?;
            Ok(Outcome::of_check(own.ok && sdk.ok))
        }
        Part::Tidy => {
            let findings = tidy::check(workspace)?;
            findings.iter().for_each(|finding| eprintln!("tidy: {finding}"));
            Ok(Outcome::of_check(findings.is_empty()))
        }
        Part::Clippy => {
            check(&mut workspace.cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
        }
        Part::Rust => {
            // What `cargo test` alone leaves out because it takes longer is marked as ignored.
            let mut cargo = workspace.cargo(&["test", "--workspace", "--no-fail-fast", "--", "--include-ignored"]);
            if arguments.long {
                cargo.env("SHOSEKI_LONG", "1");
            }
            suite(&mut cargo)
        }
        Part::Clients => clients(workspace, arguments),
    }
}

fn clients(workspace: &Workspace, arguments: &Arguments) -> Result<Outcome> {
    // The tests of the command have built the binary; alone it would be built with other features of what it depends on.
    let tested = arguments.only.is_empty() || arguments.only.contains(&Part::Rust);
    let mut build = match tested {
        true => workspace.cargo(&["test", "--workspace", "--no-run"]),
        false => binary(workspace),
    };
    let mut pytest = pytest(workspace, &mut build)?;
    if arguments.long {
        // pytest.ini leaves them out.
        pytest.args(["-m", ""]).env("SHOSEKI_SDK_RUST", rust_sdk(workspace)?);
    }
    suite(pytest.args(&arguments.pytest))
}

/// Builds the program with the Rust SDK and says where it is.
fn rust_sdk(workspace: &Workspace) -> Result<PathBuf> {
    let target = workspace.target.join("sdk-rust");
    let mut build = workspace.cargo(&[
        "build",
        "--locked",
        "--manifest-path",
        "dev/sdk-rust/Cargo.toml",
        "--target-dir",
    ]);
    let status = build.arg(&target).status().context("cannot run cargo")?;
    if !status.success() {
        bail!("dev/sdk-rust does not build; its crates come from crates.io: is it reachable?");
    }
    Ok(target.join("debug/sdk-rust"))
}

/// Builds the binary and nothing else.
fn binary(workspace: &Workspace) -> Command {
    workspace.cargo(&["build", "--workspace", "--bin", "shoseki"])
}

/// The tests with the stock clients, on a binary that is built first.
fn pytest(workspace: &Workspace, build: &mut Command) -> Result<Command> {
    let programs = setup::clients(workspace)?;
    let build = build.status().context("cannot run cargo")?;
    if !build.success() {
        bail!("the binary does not build");
    }
    let mut pytest = Command::new(programs.join("python"));
    pytest.args(["-m", "pytest"]).current_dir(workspace.clients());
    pytest
        .env("SHOSEKI_BIN", workspace.target.join("debug/shoseki"))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(pytest)
}

/// Runs the tests with the variable that makes golden tests write what they would compare.
pub(crate) fn bless(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let mut command = workspace.cargo(&["test"]);
    if arguments.is_empty() {
        command.arg("--workspace");
    }
    let status = command
        .args(arguments)
        .env("SHOSEKI_BLESS", "1")
        .status()
        .context("cannot run cargo")?;
    if !status.success() {
        bail!("cargo test ended with {status}");
    }
    if arguments.is_empty() {
        bless_clients(workspace)?;
    }
    println!("bless: done; read `git diff` before you commit");
    Ok(())
}

/// The golden files that tests with the stock clients write: the matrix of authorisation, what the stock validator prints, and the screens of all tests that
/// import `screens`.
fn bless_clients(workspace: &Workspace) -> Result<()> {
    let mut files = ["test_authorization_matrix.py", "test_operator_corpus.py"]
        .map(str::to_owned)
        .to_vec();
    for entry in std::fs::read_dir(workspace.clients()).context("cannot read dev/clients")? {
        let entry = entry.context("cannot read dev/clients")?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // That of the screens themselves blesses only files of its own.
        if name.starts_with("test_") && name.ends_with(".py") && name != "test_screens.py" {
            let text = std::fs::read_to_string(entry.path()).with_context(|| format!("cannot read {name}"))?;
            if text.lines().any(|line| line.starts_with("from screens import")) {
                files.push(name);
            }
        }
    }
    files.sort();
    let mut tests = pytest(workspace, &mut binary(workspace))?;
    tests.arg("-q").args(&files).env("SHOSEKI_BLESS", "1");
    if !tests.status().context("cannot run pytest")?.success() {
        bail!("not all of {} could be blessed", files.join(", "));
    }
    Ok(())
}

fn check(command: &mut Command) -> Result<Outcome> {
    Ok(Outcome::of_check(
        command.status().context("cannot run cargo")?.success(),
    ))
}

/// Runs a test suite, passes its output on line by line and counts as it goes.
fn suite(command: &mut Command) -> Result<Outcome> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {name}"))?;
    let output = child.stdout.take().with_context(|| format!("{name} has no output"))?;
    let mut tally = Tally::default();
    for line in BufReader::new(output).split(b'\n') {
        let line = line.with_context(|| format!("cannot read what {name} prints"))?;
        let line = String::from_utf8_lossy(&line);
        writeln!(std::io::stdout(), "{line}").context("cannot print")?;
        tally += Tally::of_line(line.trim_end());
    }
    let status = child.wait().with_context(|| format!("cannot wait for {name}"))?;
    Ok(Outcome::of_suite(tally, status.success()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A suite that does not build prints no closing line; it must still count as failed.
    #[test]
    fn a_failed_run_never_counts_as_none_failed() {
        let outcome = Outcome::of_suite(Tally::default(), false);
        assert!(!outcome.ok);
        assert_eq!(outcome.tally.failed, 1);
        assert!(
            Outcome::of_suite(
                Tally {
                    passed: 3,
                    ..Tally::default()
                },
                true
            )
            .ok
        );
    }
}
