//! What came of it all: counted while it runs, told at the end.

use crate::{
    style::{Style, say, wrapped},
    table,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::PathBuf, time::Duration};

/// So many reasons are told apart; the rest of a code's are counted together.
const REASONS_MAX: usize = 40;
const SERVED: &str = "InvalidEventSource";
const OTHERS: &str = "for other reasons";

/// The counts.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) files: usize,
    /// Left out, for they were taken in before.
    pub(crate) files_known: usize,
    pub(crate) files_read: usize,
    pub(crate) accepted: u64,
    pub(crate) repeated_calls: u64,
    /// By code, by reason.
    refused: BTreeMap<String, BTreeMap<String, u64>>,
    pub(crate) unreadable: Vec<(PathBuf, String)>,
}

impl Tally {
    /// Nothing yet, of so many files, besides so many that were taken in before.
    pub(crate) fn of_files(files: usize, files_known: usize) -> Tally {
        Tally {
            files,
            files_known,
            ..Tally::default()
        }
    }

    /// Counts a refusal.
    pub(crate) fn refuse(&mut self, code: &str, reason: &str) {
        self.refuse_all(code, reason, 1);
    }

    /// Counts a refusal of so many.
    pub(crate) fn refuse_all(&mut self, code: &str, reason: &str, count: u64) {
        let reasons: usize = self.refused.values().map(BTreeMap::len).sum();
        let of_code = self.refused.entry(code.to_owned()).or_default();
        let reason = match of_code.contains_key(reason) || reasons < REASONS_MAX {
            true => reason,
            false => OTHERS,
        };
        *of_code.entry(reason.to_owned()).or_default() += count;
    }

    fn refused(&self) -> u64 {
        self.refused.values().flat_map(BTreeMap::values).sum()
    }

    /// Refused for another reason than that nobody else may tell of what services do that are here.
    pub(crate) fn refused_otherwise(&self) -> u64 {
        let others = self.refused.iter().filter(|(code, _)| *code != SERVED);
        others.flat_map(|(_, reasons)| reasons.values()).sum()
    }

    /// A line for the terminal.
    pub(crate) fn progress(&self, elapsed: Duration) -> String {
        let rate = self.accepted as f64 / elapsed.as_secs_f64().max(0.001);
        format!(
            "{} accepted, {} refused, {} of {} files, {rate:.0} a second",
            self.accepted,
            self.refused(),
            self.files_read,
            self.files
        )
    }

    /// The summary, for programs.
    pub(crate) fn summary(&self, channel: &str, elapsed: Duration) -> Value {
        let refused: Vec<Value> = self
            .refused
            .iter()
            .flat_map(|(code, reasons)| {
                reasons
                    .iter()
                    .map(move |(reason, count)| json!({"Code": code, "Reason": reason, "Count": count}))
            })
            .collect();
        let unreadable: Vec<Value> = self
            .unreadable
            .iter()
            .map(|(path, error)| json!({"Path": path.display().to_string(), "Error": error}))
            .collect();
        json!({
            "Channel": channel,
            "Accepted": self.accepted,
            "Refused": self.refused(),
            "RefusedByReason": refused,
            "Files": self.files_read,
            "FilesTakenInBefore": self.files_known,
            "Unreadable": unreadable,
            "RepeatedCalls": self.repeated_calls,
            "Seconds": elapsed.as_secs_f64(),
        })
    }

    /// The summary, for people.
    pub(crate) fn tell(&self, summary: &Value) {
        let style = Style::of_stdout();
        let seconds = summary["Seconds"].as_f64().unwrap_or_default().max(0.001);
        say(style.bold(format_args!(
            "{} accepted, {} refused, in {seconds:.1} s ({:.0} a second)",
            self.accepted,
            self.refused(),
            self.accepted as f64 / seconds
        )));
        say(format_args!(
            "  channel {}",
            summary["Channel"].as_str().unwrap_or_default()
        ));
        if self.files_known > 0 {
            say(format_args!(
                "  {} files were taken in before and left out",
                self.files_known
            ));
        }
        if self.repeated_calls > 0 {
            say(format_args!(
                "  {} calls were repeated, so some records may be there twice",
                self.repeated_calls
            ));
        }
        let rows: Vec<Vec<String>> = self
            .refused
            .iter()
            .flat_map(|(code, reasons)| {
                reasons
                    .iter()
                    .map(move |(reason, count)| vec![count.to_string(), code.clone(), reason.clone()])
            })
            .collect();
        if !rows.is_empty() {
            say("\nRefused:");
            for line in table::aligned(&rows, &[0]) {
                say(format_args!("  {line}"));
            }
        }
        for (path, error) in &self.unreadable {
            say(format_args!("\nNot read to its end: {}", path.display()));
            for line in wrapped(error, 2) {
                say(format_args!("  {line}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_told_apart_up_to_a_number() {
        let mut tally = Tally::default();
        for n in 0..100 {
            tally.refuse("InvalidData", &format!("reason {n}"));
        }
        tally.refuse_all(SERVED, "kms", 2);
        assert_eq!((tally.refused(), tally.refused_otherwise()), (102, 100));
        assert_eq!(tally.refused["InvalidData"].len(), REASONS_MAX + 1);
        assert_eq!(tally.refused["InvalidData"][OTHERS], 60);
    }
}
