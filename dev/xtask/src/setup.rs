//! What the tests with people's ordinary tools need, installed once: Debian's programs by apt, all else under the target
//! folder.
//!
//! | from | what | pinned by |
//! |---|---|---|
//! | Debian | python3 with venv, restic, tmux, Chromium with a Japanese font, jq (for the bench) | a lowest version |
//! | PyPI | aws CLI, boto3, moto, pytest, rclone, s3cmd, DuckDB with its httpfs extension, Playwright, Node.js with npm | `dev/clients/requirements.txt` |
//! | npm | the JavaScript SDK, the CDK, axe-core | `dev/clients/js/package-lock.json` |
//! | crates.io | the Rust SDK, for the long tests only | `dev/sdk-rust/Cargo.lock` |
//!
//! Each folder carries a stamp with all that it was made from. The stamp is written last, so an interrupted installation
//! is made again from nothing. What cannot be had is an error with its cure: no test is left out for want of a tool.

mod system;

use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Installs what is missing or was made from something else. Returns the folder of the pinned programs.
pub(crate) fn clients(workspace: &Workspace) -> Result<PathBuf> {
    system::programs()?;
    let programs = python(workspace)?;
    javascript(workspace, &programs)?;
    Ok(programs)
}

/// The venv with everything that PyPI has.
fn python(workspace: &Workspace) -> Result<PathBuf> {
    let requirements = workspace.clients().join("requirements.txt");
    let venv = workspace.venv();
    let programs = venv.join("bin");
    let made_from = format!(
        "{}\n{}\n{}",
        system::python_version()?,
        venv.display(),
        read(&requirements)?
    );
    made(&venv, &made_from, || {
        must(
            Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv),
            "is its venv module whole?",
        )?;
        must(
            Command::new(programs.join("python"))
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .args(["--no-deps", "--requirement"])
                .arg(&requirements),
            "the pinned packages come from PyPI: is it reachable, and does it still hold these versions?",
        )
    })?;
    Ok(programs)
}

/// The JavaScript SDK, by the npm of the venv.
fn javascript(workspace: &Workspace, programs: &Path) -> Result<()> {
    let source = workspace.clients().join("js");
    let folder = workspace.target.join("clients-js");
    let manifests = ["package.json", "package-lock.json"];
    let mut made_from = String::new();
    for name in manifests {
        made_from += &read(&source.join(name))?;
    }
    made(&folder, &made_from, || {
        remove(&folder)?;
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        for name in manifests {
            std::fs::copy(source.join(name), folder.join(name)).with_context(|| format!("cannot copy {name}"))?;
        }
        must(
            Command::new(programs.join("npm"))
                .args([
                    "ci",
                    "--ignore-scripts",
                    "--no-audit",
                    "--no-fund",
                    "--no-update-notifier",
                ])
                .current_dir(&folder),
            "the pinned packages come from npm: is it reachable, and does it still hold these versions?",
        )
    })
}

/// Runs `make` unless the folder says that it was made from this.
fn made(folder: &Path, made_from: &str, make: impl FnOnce() -> Result<()>) -> Result<()> {
    let stamp = folder.join("made-from.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == made_from) {
        return Ok(());
    }
    println!("setup: installing stock clients in {}", folder.display());
    make()?;
    std::fs::write(&stamp, made_from).with_context(|| format!("cannot write {}", stamp.display()))
}

fn must(command: &mut Command, cure: &str) -> Result<()> {
    let status = command.status().with_context(|| cure.to_owned())?;
    if !status.success() {
        bail!("{:?} ended with {status}; {cure}", command.get_program());
    }
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}
