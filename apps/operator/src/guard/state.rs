//! What a guard remembers from run to run.

use super::Baseline;
use base::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The format.
const VERSION: u32 = 1;

/// Which baseline ran, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct State {
    version: u32,
    /// Of the baseline that ran last.
    baseline: String,
    /// When it ran to its end, in RFC 3339.
    last_run: Option<String>,
    /// From when on runs are owed.
    since: Option<String>,
}

impl State {
    /// The state in a file; that of a guard that never ran, when there is none.
    ///
    /// # Errors
    /// When there is a file that cannot be read or is something else: it must not be taken for a first run.
    pub fn read(path: &Path) -> Result<State, String> {
        let name = path.display();
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(State::default()),
            Err(fault) => return Err(format!("the state file `{name}` cannot be read: {fault}")),
        };
        let state: State =
            serde_json::from_slice(&text).map_err(|fault| format!("`{name}` is no state file of a guard: {fault}"))?;
        match state.version {
            VERSION => Ok(state),
            version => Err(format!(
                "the state file `{name}` is of the format {version}; this program knows {VERSION}"
            )),
        }
    }

    /// Writes it whole, or leaves what was there.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        let text = serde_json::to_vec_pretty(self).map_err(std::io::Error::other)?;
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(format!(".{}", std::process::id()));
        std::fs::write(&temporary, text)?;
        std::fs::rename(&temporary, path)
    }

    /// Whether this baseline has run to its end before. One that was changed has not.
    pub fn knows(&self, baseline: &Baseline) -> bool {
        self.last_run.is_some() && self.baseline == baseline.identity()
    }

    /// From when on a run is owed: the last run, or when the guard first looked at its clock.
    pub fn since(&self) -> Option<Timestamp> {
        let since = self.last_run.as_deref().or(self.since.as_deref());
        since.and_then(Timestamp::parse)
    }

    /// A guard that never ran begins to owe runs.
    pub fn begin(&mut self, now: Timestamp) {
        if self.since().is_none() {
            self.version = VERSION;
            self.since = Some(now.iso8601());
        }
    }

    /// A run of the baseline came to its end.
    pub fn ran(&mut self, baseline: &Baseline, now: Timestamp) {
        self.version = VERSION;
        self.baseline = baseline.identity();
        self.last_run = Some(now.iso8601());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_kept_and_a_changed_baseline_is_new() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let mut state = State::read(&path).unwrap();
        let baseline = Baseline::default();
        assert!(!state.knows(&baseline) && state.since().is_none());
        let now = Timestamp::parse("2026-11-22T00:00:00Z").unwrap();
        state.begin(now);
        assert!(!state.knows(&baseline) && state.since() == Some(now));
        state.ran(&baseline, now.plus(std::time::Duration::from_secs(60)));
        state.write(&path).unwrap();
        let read = State::read(&path).unwrap();
        assert_eq!(read, state);
        assert!(read.knows(&baseline));
        let changed = Baseline {
            exclude_regions: vec!["eu-west-1".to_owned()],
            ..baseline
        };
        assert!(!read.knows(&changed));
        std::fs::write(&path, "{").unwrap();
        assert!(State::read(&path).unwrap_err().contains("no state file"));
    }
}
