//! What cargo knows of the workspace: its root, its target folder, its crates and their edges.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) crates: Vec<Crate>,
}

/// One crate of the workspace and the crates of the workspace it depends on.
pub(crate) struct Crate {
    pub(crate) name: String,
    /// Relative to the root, for instance `services/kms`.
    pub(crate) folder: PathBuf,
    /// Normal and build dependencies: the architecture.
    pub(crate) edges: BTreeSet<String>,
    /// Dev-dependencies: what only tests need.
    pub(crate) test_edges: BTreeSet<String>,
}

impl Crate {
    /// A room is one AWS service; rooms meet only through the gateway's ports.
    pub(crate) fn is_room(&self) -> bool {
        self.folder.starts_with("services")
    }
}

impl Workspace {
    /// Asks `cargo metadata`, which honours `CARGO_TARGET_DIR` and `.cargo/config.toml`.
    pub(crate) fn find() -> Result<Self> {
        let output = Command::new(cargo())
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .output()
            .context("cannot run cargo metadata")?;
        if !output.status.success() {
            bail!(
                "cargo metadata failed: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Self::from_metadata(&serde_json::from_slice(&output.stdout).context("cargo metadata is not JSON")?)
    }

    fn from_metadata(metadata: &Value) -> Result<Self> {
        let root = PathBuf::from(text(metadata, "workspace_root")?);
        let packages = metadata["packages"]
            .as_array()
            .context("cargo metadata names no packages")?;
        let mut folder_to_name = BTreeMap::new();
        for package in packages {
            folder_to_name.insert(folder(package)?, text(package, "name")?.to_owned());
        }
        let crates = packages
            .iter()
            .map(|package| crate_of(package, &root, &folder_to_name))
            .collect::<Result<_>>()?;
        Ok(Self {
            target: PathBuf::from(text(metadata, "target_directory")?),
            root,
            crates,
        })
    }

    /// The names of all crates that are built in. Cargo.lock would also name optional ones that no feature turns on.
    pub(crate) fn built_crates(&self) -> Result<BTreeSet<String>> {
        let mut tree = self.cargo(&[
            "tree",
            "--workspace",
            "--target",
            "all",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ]);
        let output = tree.output().context("cannot run cargo tree")?;
        if !output.status.success() {
            bail!("cargo tree failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let lines = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(lines
            .lines()
            .filter_map(|line| line.split_whitespace().next())
            .map(str::to_owned)
            .collect())
    }

    pub(crate) fn venv(&self) -> PathBuf {
        self.target.join("clients-venv")
    }

    pub(crate) fn clients(&self) -> PathBuf {
        self.root.join("dev/clients")
    }

    /// A cargo command that runs at the root.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(cargo());
        command.args(arguments).current_dir(&self.root);
        command
    }
}

fn crate_of(package: &Value, root: &Path, folder_to_name: &BTreeMap<PathBuf, String>) -> Result<Crate> {
    let (mut edges, mut test_edges) = (BTreeSet::new(), BTreeSet::new());
    for dependency in package["dependencies"].as_array().into_iter().flatten() {
        // Only path dependencies are ours. The folder names the crate, whatever name it is imported under.
        let Some(name) = dependency["path"]
            .as_str()
            .and_then(|path| folder_to_name.get(Path::new(path)))
        else {
            continue;
        };
        let kind = if dependency["kind"] == "dev" {
            &mut test_edges
        } else {
            &mut edges
        };
        kind.insert(name.clone());
    }
    let folder = folder(package)?;
    Ok(Crate {
        name: text(package, "name")?.to_owned(),
        folder: folder.strip_prefix(root).unwrap_or(&folder).to_owned(),
        edges,
        test_edges,
    })
}

fn folder(package: &Value) -> Result<PathBuf> {
    let manifest = Path::new(text(package, "manifest_path")?);
    Ok(manifest.parent().context("a manifest without a folder")?.to_owned())
}

fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str> {
    value[field]
        .as_str()
        .with_context(|| format!("cargo metadata lacks `{field}`"))
}

/// The cargo that runs us, so that a toolchain chosen with `cargo +x` stays chosen.
fn cargo() -> String {
    environment("CARGO").unwrap_or_else(|| "cargo".to_owned())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the ban protects the product; xtask is a tool that cargo starts"
)]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Normal and dev edges are kept apart, and a dependency from a registry is no edge.
    #[test]
    fn edges_are_the_path_dependencies_by_package_name() {
        let metadata = json!({"workspace_root": "/w", "target_directory": "/t", "packages": [
            {"name": "base", "manifest_path": "/w/core/base/Cargo.toml", "dependencies": []},
            {"name": "kms", "manifest_path": "/w/services/kms/Cargo.toml", "dependencies": [
                {"name": "base", "kind": null, "path": "/w/core/base"},
                {"name": "serde", "kind": null},
                {"name": "base", "kind": "dev", "path": "/w/core/base"}]}]});
        let workspace = Workspace::from_metadata(&metadata).unwrap();
        let kms = &workspace.crates[1];
        assert!(kms.is_room());
        assert_eq!(kms.edges, BTreeSet::from(["base".to_owned()]));
        assert_eq!(kms.test_edges, BTreeSet::from(["base".to_owned()]));
        assert_eq!(workspace.venv(), Path::new("/t/clients-venv"));
    }
}
