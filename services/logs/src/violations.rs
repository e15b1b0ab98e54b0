//! What AWS's front finds wrong with an input, all of it in one message.

use crate::{
    LogsError,
    model::name::{self, NAME_CHARS_MAX},
};
use std::{fmt::Display, ops::RangeInclusive};

/// More violations than these are not looked for: what an input does wrong must not cost more than the input.
const TOLD_MAX: usize = 10;

/// Collects violations of an input's constraints, to be told together in AWS's form: the first ten.
#[derive(Default)]
pub(crate) struct Violations(Vec<String>);

impl Violations {
    pub(crate) fn new() -> Violations {
        Violations::default()
    }

    /// The length of a text, in characters.
    pub(crate) fn length(&mut self, at: &str, text: &str, allowed: RangeInclusive<usize>) {
        if let Some(constraint) = length(text.chars().count(), &allowed) {
            self.value(at, text, &constraint);
        }
    }

    /// The length of something that is not shown.
    pub(crate) fn count_unseen(&mut self, at: &str, found: usize, allowed: RangeInclusive<usize>) {
        if let Some(constraint) = length(found, &allowed) {
            self.add(format!("Value at '{at}' failed to satisfy constraint: {constraint}"));
        }
    }

    /// A number.
    pub(crate) fn range(&mut self, at: &str, value: Option<i64>, allowed: RangeInclusive<i64>) {
        let Some(value) = value else { return };
        if value < *allowed.start() {
            let bound = allowed.start();
            self.value(
                at,
                value,
                &format!("Member must have value greater than or equal to {bound}"),
            );
        } else if value > *allowed.end() {
            let bound = allowed.end();
            self.value(
                at,
                value,
                &format!("Member must have value less than or equal to {bound}"),
            );
        }
    }

    /// A moment in milliseconds.
    pub(crate) fn moment(&mut self, at: &str, value: Option<i64>) {
        self.range(at, value, 0..=i64::MAX);
    }

    /// A text that does not have the form it must have.
    pub(crate) fn pattern(&mut self, at: &str, text: &str, pattern: &str, is_shaped: bool) {
        if !is_shaped {
            self.value(
                at,
                text,
                &format!("Member must satisfy regular expression pattern: {pattern}"),
            );
        }
    }

    /// A text that is none of those it may be.
    pub(crate) fn choice(&mut self, at: &str, text: Option<&str>, allowed: &[&str]) {
        if let Some(text) = text.filter(|text| !allowed.contains(text)) {
            self.value(
                at,
                text,
                &format!("Member must satisfy enum value set: [{}]", allowed.join(", ")),
            );
        }
    }

    /// A group's name, or what one begins with.
    pub(crate) fn group(&mut self, at: &str, name: &str) {
        self.length(at, name, 1..=NAME_CHARS_MAX);
        self.pattern(at, name, name::GROUP_PATTERN, name::is_group_text(name));
    }

    /// A name of a stream or a metric filter, or what one begins with.
    pub(crate) fn stream(&mut self, at: &str, name: &str) {
        self.length(at, name, 1..=NAME_CHARS_MAX);
        self.pattern(at, name, name::STREAM_PATTERN, name::is_stream_text(name));
    }

    /// A value that does not meet a constraint.
    pub(crate) fn value(&mut self, at: &str, value: impl Display, constraint: &str) {
        if !self.is_full() {
            self.add(format!(
                "Value '{value}' at '{at}' failed to satisfy constraint: {constraint}"
            ));
        }
    }

    /// Whether so many were found that no more are told.
    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= TOLD_MAX
    }

    fn add(&mut self, violation: String) {
        if !self.is_full() {
            self.0.push(violation);
        }
    }

    /// The length of a list whose members are checked only when that is right.
    pub(crate) fn count_first(
        mut self,
        at: &str,
        found: usize,
        allowed: RangeInclusive<usize>,
    ) -> Result<Violations, LogsError> {
        self.count_unseen(at, found, allowed);
        match self.0.is_empty() {
            true => Ok(self),
            false => self.finish().map(|()| Violations::new()),
        }
    }

    /// Nothing, or all violations together.
    pub(crate) fn finish(self) -> Result<(), LogsError> {
        let word = match self.0.len() {
            0 => return Ok(()),
            1 => "error",
            _ => "errors",
        };
        Err(LogsError::invalid(format!(
            "{} validation {word} detected: {}",
            self.0.len(),
            self.0.join("; ")
        )))
    }
}

fn length(found: usize, allowed: &RangeInclusive<usize>) -> Option<String> {
    if found < *allowed.start() {
        let bound = allowed.start();
        Some(format!("Member must have length greater than or equal to {bound}"))
    } else if found > *allowed.end() {
        let bound = allowed.end();
        Some(format!("Member must have length less than or equal to {bound}"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    #[test]
    fn violations_are_told_together() {
        let mut violations = Violations::new();
        violations.group("logGroupName", "a b");
        violations.range("limit", Some(51), 1..=50);
        assert_eq!(
            violations.finish().unwrap_err().message(),
            "2 validation errors detected: Value 'a b' at 'logGroupName' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+; Value '51' at 'limit' failed to satisfy \
             constraint: Member must have value less than or equal to 50"
        );
        assert!(Violations::new().finish().is_ok());
        let mut violations = Violations::new();
        (0..100_000).for_each(|n| violations.range(&format!("logEvents.{n}"), Some(-1), 0..=1));
        let told = violations.finish().unwrap_err().message().to_string();
        assert!(told.starts_with("10 validation errors detected: ") && told.len() < 2_000);
        assert!(Violations::new().count_first("logEvents", 0, 1..=2).is_err());
        assert!(Violations::new().count_first("logEvents", 2, 1..=2).is_ok());
    }
}
