//! What AWS's front finds wrong with an input, all of it in one message.

use crate::error::KmsError;
use std::{fmt::Display, ops::RangeInclusive};

/// Collects violations of an input's constraints, to be told together in AWS's form.
#[derive(Default)]
pub struct Violations(Vec<String>);

impl Violations {
    /// None so far.
    pub fn new() -> Violations {
        Violations::default()
    }

    /// The length of a text, in characters; the text is repeated in the message.
    pub fn length(&mut self, at: &str, text: &str, allowed: RangeInclusive<usize>) {
        if let Some(constraint) = length(text.chars().count(), &allowed) {
            self.value(at, text, &constraint);
        }
    }

    /// The length of bytes or of text that is not repeated in the message.
    pub fn length_unseen(&mut self, at: &str, length_found: usize, allowed: RangeInclusive<usize>) {
        if let Some(constraint) = length(length_found, &allowed) {
            self.unseen(at, &constraint);
        }
    }

    /// A number.
    pub fn range(&mut self, at: &str, value: i64, allowed: RangeInclusive<i64>) {
        if value < *allowed.start() {
            self.value(
                at,
                value,
                &format!("Member must have value greater than or equal to {}", allowed.start()),
            );
        } else if value > *allowed.end() {
            self.value(
                at,
                value,
                &format!("Member must have value less than or equal to {}", allowed.end()),
            );
        }
    }

    /// A text that does not have the form it must have.
    pub fn pattern(&mut self, at: &str, text: &str, pattern: &str) {
        self.value(
            at,
            text,
            &format!("Member must satisfy regular expression pattern: {pattern}"),
        );
    }

    /// A text that is none of those it may be.
    pub fn choice(&mut self, at: &str, text: &str, allowed: impl Iterator<Item = &'static str>) {
        let names: Vec<&str> = allowed.collect();
        self.value(
            at,
            text,
            &format!("Member must satisfy enum value set: [{}]", names.join(", ")),
        );
    }

    /// A violation of a value that is not repeated in the message.
    pub fn unseen(&mut self, at: &str, constraint: &str) {
        self.0
            .push(format!("Value at '{at}' failed to satisfy constraint: {constraint}"));
    }

    /// A value that does not meet a constraint.
    pub fn value(&mut self, at: &str, value: impl Display, constraint: &str) {
        self.0.push(format!(
            "Value '{value}' at '{at}' failed to satisfy constraint: {constraint}"
        ));
    }

    /// Nothing, or all violations together.
    pub fn finish(self) -> Result<(), KmsError> {
        let word = match self.0.len() {
            0 => return Ok(()),
            1 => "error",
            _ => "errors",
        };
        Err(KmsError::Validation(format!(
            "{} validation {word} detected: {}",
            self.0.len(),
            self.0.join("; ")
        )))
    }
}

fn length(found: usize, allowed: &RangeInclusive<usize>) -> Option<String> {
    if found < *allowed.start() {
        Some(format!(
            "Member must have length greater than or equal to {}",
            allowed.start()
        ))
    } else if found > *allowed.end() {
        Some(format!(
            "Member must have length less than or equal to {}",
            allowed.end()
        ))
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
        violations.length_unseen("plaintext", 4097, 1..=4096);
        violations.range("pendingWindowInDays", 5, 7..=30);
        violations.range("limit", 1000, 1..=1000);
        violations.length("keyId", "", 1..=2048);
        assert_eq!(
            violations.finish().unwrap_err().message(),
            "3 validation errors detected: Value at 'plaintext' failed to satisfy constraint: Member must have length \
             less than or equal to 4096; Value '5' at 'pendingWindowInDays' failed to satisfy constraint: Member must \
             have value greater than or equal to 7; Value '' at 'keyId' failed to satisfy constraint: Member must have \
             length greater than or equal to 1"
        );
        assert!(Violations::new().finish().is_ok());
    }
}
