//! Checks that neither the compiler nor clippy makes.
//!
//! Each check returns findings, a sentence each; no findings means tidy. Nothing is changed.

use crate::workspace::{Crate, Workspace};
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// House style: a file that grows past this is two files.
const NON_TEST_LINES_MAX: usize = 800;

/// Crypto and TLS come from aws-lc-rs and rustls alone; deny.toml says the same to cargo-deny.
const BANNED: &[&str] = &["ring", "openssl", "openssl-sys", "native-tls", "aes-gcm", "rsa", "sha2"];

/// All findings of all checks.
pub(crate) fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let read = |name: &str| {
        let path = workspace.root.join(name);
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let mut findings = edges(&workspace.crates, &read("ARCHITECTURE.md").unwrap_or_default());
    findings.extend(rooms(&workspace.crates));
    findings.extend(banned(&workspace.built_crates()?));
    findings.extend(unpinned(&read("dev/clients/requirements.txt")?));
    for member in &workspace.crates {
        for path in rust_files(&workspace.root.join(&member.folder))? {
            let name = path.strip_prefix(&workspace.root).unwrap_or(&path).to_owned();
            let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            findings.extend(source(&name, &text));
        }
    }
    Ok(findings)
}

/// ARCHITECTURE.md lists the crates a crate may use, in a fenced block named `crate edges`; a new edge edits it.
fn edges(crates: &[Crate], architecture: &str) -> Vec<String> {
    let expected = listing(crates);
    let sorted = |text: &str| {
        text.lines()
            .map(normalised)
            .filter(|line| !line.is_empty())
            .collect::<BTreeSet<_>>()
    };
    let Some(found) = fenced(architecture, "crate edges") else {
        return vec![format!(
            "ARCHITECTURE.md has no fenced block `crate edges`; as it is now:\n{expected}"
        )];
    };
    let (found, expected_lines) = (sorted(&found), sorted(&expected));
    let wrong: Vec<_> = found
        .symmetric_difference(&expected_lines)
        .map(|line| format!("`{line}`"))
        .collect();
    if wrong.is_empty() {
        return Vec::new();
    }
    vec![format!(
        "the crate edges in ARCHITECTURE.md differ in {}; as it is now:\n{expected}",
        wrong.join(", ")
    )]
}

/// One line per crate: its name, a colon, the crates of the workspace it uses, tests not counted.
fn listing(crates: &[Crate]) -> String {
    crates.iter().fold(String::new(), |mut text, member| {
        let edges: Vec<&str> = member.edges.iter().map(String::as_str).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}: {}", member.name, edges.join(" "));
        text
    })
}

/// The same line whatever the order and the spaces of its words.
fn normalised(line: &str) -> String {
    let Some((name, edges)) = line.split_once(':') else {
        return line.trim().to_owned();
    };
    let edges: BTreeSet<&str> = edges.split_whitespace().collect();
    format!("{}: {}", name.trim(), edges.into_iter().collect::<Vec<_>>().join(" "))
        .trim_end()
        .to_owned()
}

/// The text of the first fenced block whose info string holds `name`.
fn fenced(markdown: &str, name: &str) -> Option<String> {
    let mut lines = markdown
        .lines()
        .skip_while(|line| !(line.starts_with("```") && line.contains(name)));
    lines.next()?;
    Some(
        lines
            .take_while(|line| !line.starts_with("```"))
            .map(|line| format!("{line}\n"))
            .collect(),
    )
}

/// No room imports a room, not even in its tests.
fn rooms(crates: &[Crate]) -> Vec<String> {
    let rooms: BTreeSet<&String> = crates
        .iter()
        .filter(|member| member.is_room())
        .map(|member| &member.name)
        .collect();
    let mut findings = Vec::new();
    for room in crates.iter().filter(|member| member.is_room()) {
        for other in room.edges.union(&room.test_edges).filter(|edge| rooms.contains(edge)) {
            findings.push(format!(
                "the room `{}` imports the room `{other}`: go through a port of `gateway`",
                room.name
            ));
        }
    }
    findings
}

fn banned(built: &BTreeSet<String>) -> Vec<String> {
    let found = BANNED.iter().filter(|name| built.contains(**name));
    found
        .map(|name| format!("`{name}` is built in: aws-lc-rs is the one crypto provider (deny.toml)"))
        .collect()
}

fn unpinned(requirements: &str) -> Vec<String> {
    let lines = requirements
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let is_pinned = |line: &&str| {
        line.split_once("==").is_some_and(|(name, version)| {
            !name.is_empty() && version.starts_with(|c: char| c.is_ascii_digit()) && !version.contains('*')
        })
    };
    lines
        .filter(|line| !is_pinned(line))
        .map(|line| format!("dev/clients/requirements.txt does not pin `{line}` with =="))
        .collect()
}

fn source(name: &Path, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let lines = non_test_lines(text);
    let is_test = name.components().any(|part| part.as_os_str() == "tests");
    if lines > NON_TEST_LINES_MAX && !is_test {
        findings.push(format!(
            "{} has {lines} lines without its tests, at most {NON_TEST_LINES_MAX}",
            name.display()
        ));
    }
    // Spelt in two halves, so that this file does not find itself.
    let unfinished = concat!("to", "do!(");
    for (number, line) in text.lines().enumerate() {
        if line.contains(unfinished) {
            findings.push(format!("{}:{} holds {unfinished})", name.display(), number + 1));
        }
    }
    findings
}

/// Tests stand at the foot of a file: what follows the first `#[cfg(test)]` on a `mod` does not count.
fn non_test_lines(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let foot = lines
        .windows(2)
        .position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{'));
    foot.unwrap_or(lines.len())
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
            let path = entry.context("cannot list a folder")?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, folder: &str, edges: &[&str]) -> Crate {
        let edges = edges.iter().map(|edge| (*edge).to_owned()).collect();
        Crate {
            name: name.to_owned(),
            folder: PathBuf::from(folder),
            edges,
            test_edges: BTreeSet::new(),
        }
    }

    fn check_edges(architecture: &str, findings: usize) {
        let crates = [
            member("base", "core/base", &[]),
            member("kms", "services/kms", &["base", "gateway"]),
        ];
        assert_eq!(edges(&crates, architecture).len(), findings, "{architecture}");
    }

    /// Order and spaces are free; a missing, extra or unlisted edge, or no block at all, is found.
    #[test]
    fn the_listed_edges_must_be_the_edges() {
        check_edges("# A\n```text crate edges\nkms:  gateway base\nbase:\n```\n", 0);
        check_edges("```crate edges\nbase:\nkms: base\n```", 1);
        check_edges("```crate edges\nbase: kms\nkms: base gateway\n```", 1);
        check_edges("```crate edges\nkms: base gateway\n```", 1);
        check_edges("```\nbase:\nkms: base gateway\n```", 1);
    }

    #[test]
    fn a_room_that_imports_a_room_is_found() {
        let kms = || member("kms", "services/kms", &["base"]);
        assert_eq!(rooms(&[kms(), member("s3", "services/s3", &["base"])]).len(), 0);
        assert_eq!(rooms(&[kms(), member("s3", "services/s3", &["base", "kms"])]).len(), 1);
        assert_eq!(rooms(&[kms(), member("server", "apps/server", &["kms"])]).len(), 0);
    }

    #[test]
    fn a_requirement_without_an_exact_version_is_found() {
        assert_eq!(unpinned("# why\nboto3==1.2.3\n\nmoto>=5\npytest\nrsa==4.*\n").len(), 3);
    }

    #[test]
    fn a_second_crypto_provider_is_found() {
        let built = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(banned(&built(&["ring", "aws-lc-rs"])).len(), 1);
        assert_eq!(banned(&built(&["aws-lc-rs", "string", "rsa-export"])).len(), 0);
    }

    #[test]
    fn tests_at_the_foot_do_not_count() {
        let long = "fn f() {}\n".repeat(NON_TEST_LINES_MAX);
        let path = Path::new("core/base/src/lib.rs");
        assert_eq!(source(path, &long).len(), 0);
        assert_eq!(
            source(path, &format!("{long}#[cfg(test)]\nmod tests {{\n{long}}}\n")).len(),
            0
        );
        assert_eq!(source(path, &format!("{long}{long}")).len(), 1);
        assert_eq!(
            source(Path::new("core/base/tests/all.rs"), &format!("{long}{long}")).len(),
            0
        );
        assert_eq!(source(path, concat!("fn f() { to", "do!() }")).len(), 1);
    }
}
