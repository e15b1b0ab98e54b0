//! Programs that come with the machine. On Debian and its children root gets the missing ones by apt; everyone else is told
//! what to install.

use anyhow::{Context, Result, bail};
use std::process::Command;

struct Program {
    name: &'static str,
    /// The oldest version whose behaviour the tests know.
    oldest: (u32, u32),
    /// Prints the version, and fails if the program is not whole.
    probe: &'static [&'static str],
    debian: &'static [&'static str],
    elsewhere: &'static str,
}

const PYTHON: Program = Program {
    name: "python3",
    oldest: (3, 10),
    probe: &["-c", "import sys, venv, ensurepip; print(sys.version)"],
    debian: &["python3", "python3-venv"],
    elsewhere: "on macOS: brew install python3",
};

const RESTIC: Program = Program {
    name: "restic",
    oldest: (0, 14),
    probe: &["version"],
    debian: &["restic"],
    elsewhere: "on macOS: brew install restic",
};

const TMUX: Program = Program {
    name: "tmux",
    oldest: (3, 0),
    probe: &["-V"],
    debian: &["tmux"],
    elsewhere: "on macOS: brew install tmux",
};

const JQ: Program = Program {
    name: "jq",
    oldest: (1, 6),
    probe: &["--version"],
    debian: &["jq"],
    elsewhere: "on macOS: brew install jq",
};

const CHROMIUM: Program = Program {
    name: "chromium",
    oldest: (120, 0),
    probe: &["--version"],
    // Its pages speak Japanese too.
    debian: &["chromium", "fonts-noto-cjk"],
    elsewhere: "on macOS: brew install chromium",
};

impl Program {
    /// What it says of its version, if it is there and whole.
    fn version(&self) -> Option<String> {
        let output = Command::new(self.name).args(self.probe).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success().then_some(text)
    }

    fn is_good(&self) -> bool {
        self.version()
            .as_deref()
            .and_then(first_version)
            .is_some_and(|found| found >= self.oldest)
    }

    fn cure(&self) -> String {
        let (major, minor) = self.oldest;
        format!(
            "{} {major}.{minor} or newer is needed for the tests with the stock clients; on Debian and Ubuntu, as root: \
             apt-get update && apt-get install {}; {}",
            self.name,
            self.debian.join(" "),
            self.elsewhere
        )
    }
}

/// Installs what is missing, if this is root on a machine with apt.
pub(super) fn programs() -> Result<()> {
    for program in [PYTHON, RESTIC, TMUX, JQ, CHROMIUM] {
        if program.is_good() {
            continue;
        }
        if is_root() {
            println!("setup: apt-get install {}", program.debian.join(" "));
            // A fresh machine has no lists yet, an old one lists that name packages that are gone.
            if !apt("install", program.debian) {
                apt("update", &[]);
                apt("install", program.debian);
            }
        }
        if !program.is_good() {
            bail!(program.cure());
        }
    }
    Ok(())
}

pub(super) fn python_version() -> Result<String> {
    PYTHON.version().with_context(|| PYTHON.cure())
}

/// Whether apt-get did it; a machine without it did not.
fn apt(what: &str, packages: &[&str]) -> bool {
    let done = Command::new("apt-get")
        .args(["--quiet=2", "--yes", "--no-install-recommends", what])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .status();
    done.is_ok_and(|status| status.success())
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// The first word of the form `1.2…`, or `name-1.2…`.
fn first_version(text: &str) -> Option<(u32, u32)> {
    text.split_whitespace().find_map(|word| {
        let mut numbers = word.rsplit('-').next()?.split('.');
        let major = numbers.next()?.parse().ok()?;
        // tmux counts on by letters: 3.3a.
        let minor = numbers.next()?.trim_end_matches(|c: char| c.is_ascii_lowercase());
        Some((major, minor.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines are taken from real programs.
    #[test]
    fn versions_are_found_in_what_programs_say() {
        assert_eq!(
            first_version("3.11.7 (main, Nov  5 2026, 10:00:00) [GCC 12.2.0]"),
            Some((3, 11))
        );
        assert_eq!(
            first_version("restic 0.14.0 compiled with go1.19.8 on linux/amd64"),
            Some((0, 14))
        );
        assert_eq!(first_version("tmux 3.3a"), Some((3, 3)));
        assert_eq!(first_version("jq-1.6"), Some((1, 6)));
        assert_eq!(first_version("restic compiled by hand"), None);
        assert!(first_version("restic 0.9.6 compiled") < Some(RESTIC.oldest));
    }
}
