//! The pinned stock clients, installed once under the target folder.
//!
//! The venv carries a stamp with all that it was made from. The stamp is written last, so an interrupted installation is
//! made again from nothing.

use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

const NO_PYTHON: &str = "python3 (3.10 or newer) with its venv module is needed for the tests with the stock clients; \
    on Debian and Ubuntu: apt-get install python3 python3-venv; on macOS: brew install python3";

/// Makes the venv if it is missing or was made from something else. Returns its folder of programs.
pub(crate) fn clients(workspace: &Workspace) -> Result<PathBuf> {
    let requirements = workspace.clients().join("requirements.txt");
    let venv = workspace.venv();
    let programs = venv.join("bin");
    let stamp = venv.join("made-from.txt");
    let made_from = format!("{}\n{}\n{}", python_version()?, venv.display(), read(&requirements)?);
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == made_from) {
        return Ok(programs);
    }
    println!("setup: installing the stock clients in {}", venv.display());
    must(
        Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv),
        NO_PYTHON,
    )?;
    must(
        Command::new(programs.join("python"))
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-deps",
                "--requirement",
            ])
            .arg(&requirements),
        "the pinned packages come from PyPI: is it reachable, and does it still hold these versions?",
    )?;
    std::fs::write(&stamp, made_from).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(programs)
}

/// Also the check that there is a python3 at all, with the modules a venv needs.
fn python_version() -> Result<String> {
    let output = Command::new("python3")
        .args(["-c", "import sys, venv, ensurepip; print(sys.version)"])
        .output()
        .context(NO_PYTHON)?;
    if !output.status.success() {
        bail!("{NO_PYTHON}");
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
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
