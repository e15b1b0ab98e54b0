//! Starts the bench program with what it measures: the release binary, and moto_server from the pinned venv as the peer.

use crate::{setup, workspace::Workspace};
use anyhow::{Context, Result, bail};
use std::process::Command;

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let programs = setup::clients(workspace)?;
    must(&mut workspace.cargo(&["build", "--release", "--package", "shoseki", "--bin", "shoseki"]))?;
    let mut bench = workspace.cargo(&["run", "--release", "--package", "bench", "--"]);
    bench.arg("--shoseki").arg(workspace.target.join("release/shoseki"));
    bench.arg("--moto-server").arg(programs.join("moto_server"));
    must(bench.args(arguments))
}

fn must(command: &mut Command) -> Result<()> {
    let status = command.status().context("cannot run cargo")?;
    if !status.success() {
        bail!("cargo ended with {status}");
    }
    Ok(())
}
