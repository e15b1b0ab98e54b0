//! The files that take changes back, a folder for each account.

use crate::{context::Context, session::Session};
use operator::{
    change::{BeforeFile, BeforeState, Unusable},
    message::Message,
};
use std::{
    fs::DirBuilder,
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

/// The files of the account of who is signed in.
pub(crate) struct Kept {
    folder: PathBuf,
}

/// One of them.
pub(crate) struct Entry {
    /// Its name without its ending; a name that this console gave.
    pub(crate) id: String,
    /// What it says, or why it cannot be used.
    pub(crate) state: Result<BeforeState, Unusable>,
}

impl Entry {
    /// Whether who is signed in may see what is in it, and take it back: policies are in it, so it is for who made the change and for
    /// the account's root.
    pub(crate) fn is_for(&self, session: &Session) -> bool {
        let caller = &session.caller;
        let Ok(state) = &self.state else { return false };
        let is_root = caller.arn.ends_with(":root");
        let is_maker = state
            .by
            .as_deref()
            .is_some_and(|by| principal(by) == principal(&caller.arn));
        state.account == caller.account && (is_root || is_maker)
    }
}

/// The role of a session: it is the same somebody under another session's name.
fn principal(arn: &str) -> &str {
    match arn.contains(":assumed-role/") {
        true => arn.rsplit_once('/').map_or(arn, |(role, _)| role),
        false => arn,
    }
}

/// Why a change cannot be kept.
#[derive(Debug)]
pub(crate) struct NotKept(pub(crate) io::Error);

impl Kept {
    pub(crate) fn of(c: &Context) -> Kept {
        let account = &c.session.caller.account;
        let harmless = account.chars().all(|letter| letter.is_ascii_alphanumeric());
        let name = if harmless && !account.is_empty() {
            account
        } else {
            "other"
        };
        Kept {
            folder: c.settings().before_states.join(name),
        }
    }

    /// A new file of a change of who is signed in, that nothing is made of yet.
    pub(crate) fn create(&self, c: &Context, what: &str, change: &Message) -> Result<BeforeFile, NotKept> {
        let mut folders = DirBuilder::new();
        folders.recursive(true).mode(0o700);
        folders.create(&self.folder).map_err(NotKept)?;
        let caller = &c.session.caller;
        let now = c.now();
        let some = hex::encode(c.settings().random.bytes::<6>());
        let id = format!("{}-{what}-{some}", now.compact());
        let state = BeforeState::of(&caller.account, change, Some(&caller.arn), &now.iso8601());
        BeforeFile::create(&self.path(&id), state).map_err(NotKept)
    }

    /// At most so many of the files, the latest first, and only those that are earlier than the one of this name; and whether there are
    /// more. What was changed and failed leaves none.
    pub(crate) fn list(&self, before: Option<&str>, most: usize) -> (Vec<Entry>, bool) {
        let mut ids: Vec<String> = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries
                .filter_map(|entry| id_of(&entry.ok()?.path()))
                .filter(|id| before.is_none_or(|before| id.as_str() < before))
                .collect(),
            // Nothing was ever changed here.
            Err(_) => Vec::new(),
        };
        ids.sort_unstable_by(|one, other| other.cmp(one));
        let more = ids.len() > most;
        ids.truncate(most);
        (ids.into_iter().filter_map(|id| self.entry(&id)).collect(), more)
    }

    /// The file of this name.
    pub(crate) fn entry(&self, id: &str) -> Option<Entry> {
        let opened = self.open(id)?;
        Some(Entry {
            id: id.to_owned(),
            state: opened.map(|file| file.state().clone()),
        })
    }

    /// The same, to be worked with; nothing when there is none.
    pub(crate) fn open(&self, id: &str) -> Option<Result<BeforeFile, Unusable>> {
        let path = self.path(id);
        (is_id(id) && path.is_file()).then(|| BeforeFile::open(&path))
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }
}

/// The name in the console of a file.
pub(crate) fn id_of(path: &Path) -> Option<String> {
    let id = path.file_name()?.to_str()?.strip_suffix(".json")?;
    is_id(id).then(|| id.to_owned())
}

/// Names lead nowhere else.
fn is_id(id: &str) -> bool {
    let plain = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'-';
    !id.is_empty() && id.len() <= 128 && id.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_nowhere_else() {
        let check =
            |path: &str, expected: Option<&str>| assert_eq!(id_of(Path::new(path)).as_deref(), expected, "{path}");
        check(
            "/x/20260801T120000Z-setup-00ff.json",
            Some("20260801T120000Z-setup-00ff"),
        );
        check("/x/.20260801T120000Z-setup-00ff.json.12", None);
        check("/x/..json", None);
        check("/x/a.b.json", None);
        assert!(!is_id("../a") && !is_id("") && !is_id(&"a".repeat(200)));
    }

    #[test]
    fn sessions_of_a_role_are_the_same_somebody() {
        let check = |one: &str, other: &str, expected: bool| assert_eq!(principal(one) == principal(other), expected);
        let role = "arn:aws:sts::111111111111:assumed-role/admin";
        check(&format!("{role}/a"), &format!("{role}/b"), true);
        check(&format!("{role}/a"), &format!("{role}2/a"), false);
        check(
            "arn:aws:iam::111111111111:user/x/a",
            "arn:aws:iam::111111111111:user/x/b",
            false,
        );
    }
}
