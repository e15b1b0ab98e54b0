//! Starts the bench program with what it measures: the release binary, and moto_server from the pinned venv as the peer.

use crate::{setup, workspace::Workspace};
use anyhow::{Context, Result, bail};
use std::{path::PathBuf, process::Command};

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let programs = setup::clients(workspace)?;
    must(&mut workspace.cargo(&["build", "--release", "--package", "shoseki", "--bin", "shoseki"]))?;
    let mut bench = workspace.cargo(&["run", "--release", "--package", "bench", "--"]);
    bench.arg("--shoseki").arg(workspace.target.join("release/shoseki"));
    bench.arg("--moto-server").arg(programs.join("moto_server"));
    bench.arg("--s3s-fs").arg(s3s_fs(workspace)?);
    must(bench.args(arguments))
}

/// An S3 server over plain files, built from crates.io, for comparison.
fn s3s_fs(workspace: &Workspace) -> Result<PathBuf> {
    const VERSION: &str = "0.14.1";
    let root = workspace.target.join(format!("peers/s3s-fs-{VERSION}"));
    let program = root.join("bin/s3s-fs");
    if !program.is_file() {
        let mut install = workspace.cargo(&[
            "install",
            "s3s-fs",
            "--locked",
            "--features",
            "binary",
            "--version",
            VERSION,
        ]);
        must(install.arg("--root").arg(&root))?;
    }
    Ok(program)
}

fn must(command: &mut Command) -> Result<()> {
    let status = command.status().context("cannot run cargo")?;
    if !status.success() {
        bail!("cargo ended with {status}");
    }
    Ok(())
}
