//! How access looks: what is asked about, what a change would do, the matrix, and below it the reasons.

use super::{Access, Cell, Principal, Reason, Target};
use crate::{
    style::{Style, say, wrapped},
    table,
};

/// The rights in the order of the answer, as columns.
const COLUMNS: [&str; 5] = ["read+decrypt", "only read", "deliver", "administer", "delete"];
/// The reasons of more rows are not shown unasked.
const ROWS_WITH_REASONS_MAX: usize = 12;
/// Where reasons begin.
const REASON_INDENT: usize = 18;

/// The answer on its way to the terminal.
pub(super) struct Page<'a> {
    style: Style,
    access: &'a Access,
    all: bool,
    reasons: bool,
    lines: Vec<String>,
}

/// What becomes of an answer by the change.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Gains,
    Keeps,
    Loses,
    Never,
}

impl Turn {
    fn of(before: &Cell, after: Option<&Cell>) -> Turn {
        match (before.allowed, after.map_or(before.allowed, |after| after.allowed)) {
            (false, false) => Turn::Never,
            (false, true) => Turn::Gains,
            (true, false) => Turn::Loses,
            (true, true) => Turn::Keeps,
        }
    }

    fn mark(self) -> &'static str {
        match self {
            Turn::Gains => "GAINS",
            Turn::Keeps => "yes",
            Turn::Loses => "LOSES",
            Turn::Never => "-",
        }
    }
}

/// A principal's answers with those after the change.
fn cells(principal: &Principal) -> impl Iterator<Item = (Turn, &Cell, Option<&Cell>)> {
    principal.access.iter().enumerate().map(|(at, before)| {
        let after = principal.changed_access.as_ref().and_then(|after| after.get(at));
        (Turn::of(before, after), before, after)
    })
}

/// The principal without its account: `root`, `user/alice`, or as it is.
fn short(principal: &Principal) -> &str {
    match principal.kind.as_str() {
        "Root" | "User" | "Role" => base::arn::split(&principal.name).map_or(&principal.name, |arn| arn.resource),
        _ => &principal.name,
    }
}

fn group(principal: &Principal) -> String {
    match (principal.kind.as_str(), &principal.account) {
        ("Root" | "User" | "Role", Some(account)) => format!("account {account}"),
        ("Account", _) => "accounts that are not here".to_owned(),
        ("Service", _) => "services".to_owned(),
        _ => "everybody else".to_owned(),
    }
}

impl<'a> Page<'a> {
    pub(super) fn new(access: &'a Access, all: bool, reasons: bool) -> Page<'a> {
        Page {
            style: Style::of_stdout(),
            access,
            all,
            reasons,
            lines: Vec::new(),
        }
    }

    pub(super) fn say(self) {
        for line in self.lines() {
            say(line);
        }
    }

    fn lines(mut self) -> Vec<String> {
        self.target();
        if self.access.changed_target.is_some() {
            self.summary();
        }
        let shown: Vec<&Principal> = self.access.principals.iter().filter(|p| self.is_shown(p)).collect();
        self.matrix(&shown);
        self.why(&shown);
        self.lines
    }

    fn is_shown(&self, principal: &Principal) -> bool {
        let is_named = !matches!(principal.kind.as_str(), "User" | "Role");
        self.all || is_named || cells(principal).any(|(turn, ..)| turn != Turn::Never)
    }

    fn title(&mut self, text: &str) {
        if !self.lines.is_empty() {
            self.lines.push(String::new());
        }
        self.lines.push(self.style.bold(text));
    }

    fn target(&mut self) {
        let target = &self.access.target;
        let what = match target.kind.as_str() {
            "Trail" => "the log files of the trail",
            "Key" => "the key",
            _ => "the object",
        };
        self.title(&format!("Who can do what with {what}"));
        self.lines.push(format!("  {}", target.name));
        if let (Some(bucket), Some(files)) = (&target.bucket, &target.log_files) {
            self.lines.push(format!("  in s3://{bucket}/{files}"));
        }
        if target.kind != "Key" {
            self.lines.push(format!("  {}", sealed(target)));
        }
        if let Some(after) = &self.access.changed_target
            && after.key_arn != target.key_arn
        {
            self.lines.push(format!("  with the change {}", sealed(after)));
        }
        let after = self.access.changed_target.iter().flat_map(|target| &target.notes);
        let mut notes: Vec<&String> = target.notes.iter().chain(after).collect();
        notes.dedup();
        for note in notes {
            self.lines
                .extend(wrapped(note, 2).into_iter().map(|line| format!("  {line}")));
        }
    }

    /// Who gains and who loses what by the change.
    fn summary(&mut self) {
        self.title("What the change does");
        let mut quiet = true;
        for (verb, turn) in [("lose", Turn::Loses), ("gain", Turn::Gains)] {
            for (at, right) in COLUMNS.iter().enumerate() {
                let turned = |principal: &&Principal| cells(principal).nth(at).is_some_and(|(found, ..)| found == turn);
                let names: Vec<String> = self.access.principals.iter().filter(turned).map(full).collect();
                if names.is_empty() {
                    continue;
                }
                quiet = false;
                let count = names.len();
                let verb = if count == 1 {
                    format!("{verb}s")
                } else {
                    verb.to_owned()
                };
                let start = self.style.bold(format!("{count} {verb} {right}:"));
                let text = wrapped(&names.join(", "), 4);
                self.lines.push(format!("  {start}"));
                self.lines.extend(text.into_iter().map(|line| format!("    {line}")));
            }
        }
        if quiet {
            self.lines.push("  Nobody gains or loses anything.".to_owned());
        }
    }

    fn matrix(&mut self, shown: &[&Principal]) {
        self.lines.push(String::new());
        let mut rows = vec![
            std::iter::once("")
                .chain(COLUMNS)
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        ];
        let mut last = String::new();
        for principal in shown {
            let group = group(principal);
            if group != last {
                rows.push(vec![group.clone()]);
                last = group;
            }
            let marks = cells(principal).map(|(turn, ..)| turn.mark().to_owned());
            rows.push(
                std::iter::once(format!("  {}", short(principal)))
                    .chain(marks)
                    .collect(),
            );
        }
        for (at, line) in table::aligned(&rows, &[]).into_iter().enumerate() {
            self.lines.push(if at == 0 { self.style.dim(line) } else { line });
        }
        self.lines.push(String::new());
        let legend = match self.access.target.kind.as_str() {
            "Key" => "read+decrypt: kms:Decrypt; only read: kms:DescribeKey; deliver: kms:GenerateDataKey",
            _ => "only read: S3 gives it, and KMS does not open it",
        };
        self.lines
            .extend(wrapped(legend, 0).into_iter().map(|line| self.style.dim(line)));
        let hidden = self.access.principals.len() - shown.len();
        if hidden > 0 {
            let who = if hidden == 1 { "user or role" } else { "users and roles" };
            let text = format!("{hidden} {who} can do nothing with it; --all shows them.");
            self.lines.push(self.style.dim(text));
        }
    }

    fn why(&mut self, shown: &[&Principal]) {
        let many = shown.len() > ROWS_WITH_REASONS_MAX && !self.reasons;
        let turned = |turn: Turn| matches!(turn, Turn::Gains | Turn::Loses);
        let changes = self.access.changed_target.is_some();
        let is_told = |turn: Turn| self.reasons || turned(turn) || turn == Turn::Keeps && !many && !changes;
        let mut told = Vec::new();
        for principal in shown {
            let mut lines = Vec::new();
            for ((turn, before, after), right) in cells(principal).zip(COLUMNS) {
                if !is_told(turn) || (before.right == "OnlyRead" && turn == Turn::Never) {
                    continue;
                }
                lines.extend(self.reasons(right, after.filter(|_| turned(turn)).unwrap_or(before)));
            }
            if !lines.is_empty() {
                told.push(format!("  {}", full(principal)));
                told.extend(lines);
            }
        }
        if !told.is_empty() {
            self.title("Why");
            self.lines.extend(told);
        }
        if many {
            self.lines.push(String::new());
            self.lines.push(self.style.dim("--reasons says why, for each."));
        }
    }

    /// The decisions that an answer rests on: of a yes those that allow, of a no those that do not.
    fn reasons(&self, right: &str, cell: &Cell) -> Vec<String> {
        let only_read = cell.right == "OnlyRead";
        let deciding = |reason: &&Reason| only_read || reason.allowed == cell.allowed;
        let mut lines = Vec::new();
        for reason in cell.reasons.iter().filter(deciding) {
            let no = if reason.allowed { "" } else { "no, " };
            let way = match reason.way.as_str() {
                "" => String::new(),
                way => format!(" {way}"),
            };
            let text = format!("{}{way}: {no}{}", reason.action, self.plain(&reason.reason));
            for line in wrapped(&text, REASON_INDENT + 2) {
                let name = if lines.is_empty() { right } else { "" };
                lines.push(format!("    {name:<width$}{line}", width = REASON_INDENT - 4));
            }
        }
        lines
    }

    /// Without the names of the policies that the page is about.
    fn plain(&self, reason: &str) -> String {
        let targets = [Some(&self.access.target), self.access.changed_target.as_ref()];
        let mut text = reason.to_owned();
        for target in targets.into_iter().flatten() {
            if let Some(key) = &target.key_arn {
                text = text.replace(&format!("key policy of {key}"), "the key policy");
            }
            if let Some(bucket) = &target.bucket {
                text = text.replace(&format!("bucket policy of {bucket}"), "the bucket policy");
            }
        }
        text
    }
}

fn sealed(target: &Target) -> String {
    match &target.key_arn {
        Some(key) => format!("sealed under {key}"),
        None => "sealed by S3 (SSE-S3), under no KMS key".to_owned(),
    }
}

/// The principal with its account, where that is not in its name.
fn full(principal: &Principal) -> String {
    match (principal.kind.as_str(), &principal.account) {
        ("Root" | "User" | "Role", Some(account)) => format!("{} of {account}", short(principal)),
        ("Account", _) => format!("account {}", principal.name),
        _ => principal.name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::{Value, json};

    fn answer(changed: bool) -> Value {
        let cell = |right: &str, allowed: bool, reason: &str| {
            let reason = json!({"Action": "kms:Decrypt", "Allowed": allowed, "Reason": reason});
            json!({"Right": right, "Allowed": allowed, "Reasons": [reason]})
        };
        let row = |allowed: bool| {
            let reason = if allowed {
                "statement 1 of key policy of K"
            } else {
                "no policy of its own allows it"
            };
            let no = |right| cell(right, false, "denied");
            json!([
                cell("ReadAndDecrypt", allowed, reason),
                no("OnlyRead"),
                no("Deliver"),
                no("Administer"),
                no("Delete")
            ])
        };
        let mut answer = json!({
            "Target": {"Kind": "Object", "Name": "arn:aws:s3:::b/k", "Bucket": "b", "KeyArn": "K"},
            "Principals": [
                {"Kind": "Root", "Name": "arn:aws:iam::000000000000:root", "Account": "000000000000", "Access": row(true)},
                {"Kind": "User", "Name": "arn:aws:iam::000000000000:user/a/bob", "Account": "000000000000", "Access": row(false)},
                {"Kind": "Anonymous", "Name": "anonymous", "Access": row(false)}]
        });
        if changed {
            answer["ChangedTarget"] = answer["Target"].clone();
            for (at, allowed) in [false, true, false].into_iter().enumerate() {
                answer["Principals"][at]["ChangedAccess"] = row(allowed);
            }
        }
        answer
    }

    fn page(answer: &Value, all: bool, reasons: bool) -> String {
        let access = Access::deserialize(answer).unwrap();
        let page = Page {
            style: Style::plain(),
            ..Page::new(&access, all, reasons)
        };
        page.lines().join("\n")
    }

    #[test]
    fn the_matrix_has_those_who_can_do_something_and_everybody_else() {
        let expected = "\
Who can do what with the object
  arn:aws:s3:::b/k
  sealed under K

             read+decrypt  only read  deliver  administer  delete
account 000000000000
  root       yes           -          -        -           -
everybody else
  anonymous  -             -          -        -           -

only read: S3 gives it, and KMS does not open it
1 user or role can do nothing with it; --all shows them.

Why
  root of 000000000000
    read+decrypt  kms:Decrypt: statement 1 of the key policy";
        let found = page(&answer(false), false, false);
        assert_eq!(found, expected);
        assert!(page(&answer(false), true, false).contains("  user/a/bob "));
        assert!(
            page(&answer(false), true, true).contains("read+decrypt  kms:Decrypt: no, no policy of its own allows it")
        );
    }

    #[test]
    fn a_change_tells_first_who_loses_and_who_gains() {
        let found = page(&answer(true), false, false);
        let at = |text: &str| found.find(text).unwrap_or_else(|| panic!("{text}\nis not in\n{found}"));
        assert!(at("1 loses read+decrypt:\n    root of 000000000000") < at("1 gains read+decrypt:\n    user/a/bob of"));
        assert!(at("LOSES") < at("GAINS"));
        let mut same = answer(true);
        for at in 0..3 {
            same["Principals"][at]["ChangedAccess"] = same["Principals"][at]["Access"].clone();
        }
        assert!(page(&same, false, false).contains("Nobody gains or loses anything."));
    }
}
