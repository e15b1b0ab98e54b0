//! Questions on the terminal, one line each, with an answer that Enter takes.
//!
//! They go to standard error, so that standard output has the answer of the command alone.

use crate::{changes::asked, operate::tr};
use operator::message::Language;
use std::io::Write;

/// The person ended the questions, by Ctrl-C or Ctrl-D. Nothing was changed.
pub(crate) struct Ended;

/// Asks questions in a language.
pub(crate) struct Prompt {
    language: Language,
}

impl Prompt {
    pub(crate) fn new(language: Language) -> Prompt {
        Prompt { language }
    }

    /// Something that is good to know before an answer.
    pub(crate) fn note(&self, text: &str) {
        for line in crate::style::wrapped(text, 2) {
            crate::style::say_aside(format_args!("  {line}"));
        }
    }

    /// A text; asked again until `fault` finds none in it. An empty answer is the default.
    pub(crate) async fn text(
        &self,
        question: &str,
        default: &str,
        fault: impl Fn(&str) -> Option<String>,
    ) -> Result<String, Ended> {
        let question = match default {
            "" => format!("{question}: "),
            default => format!("{question} [{default}]: "),
        };
        loop {
            let answer = asked(&question).await.ok_or(Ended)?;
            if !answer.ends_with('\n') {
                // The end of input, which leaves the cursor behind the question.
                let _ = writeln!(std::io::stderr());
                return Err(Ended);
            }
            let answer = match answer.trim() {
                "" => default,
                answer => answer,
            };
            match fault(answer) {
                None => return Ok(answer.to_owned()),
                Some(fault) => self.note(&fault),
            }
        }
    }

    /// Yes or no.
    pub(crate) async fn yes(&self, question: &str, default: bool) -> Result<bool, Ended> {
        let default = if default { "yes" } else { "no" };
        let fault = |answer: &str| match is_yes(answer) {
            Some(_) => None,
            None => Some(tr!(self.language, "Answer yes or no.", "yes か no で答えてください。")),
        };
        let answer = self.text(question, default, fault).await?;
        Ok(is_yes(&answer) == Some(true))
    }

    /// One of some words, by its beginning.
    pub(crate) async fn choice<T: Copy>(
        &self,
        question: &str,
        choices: &[(&str, T)],
        default: &str,
    ) -> Result<T, Ended> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let words = words.join(", ");
        let fault = |answer: &str| match chosen(answer, choices) {
            Some(_) => None,
            None => Some(tr!(
                self.language,
                "Answer one of: {words}.",
                "次のいずれかで答えてください: {words}。"
            )),
        };
        let question = format!("{question} ({words})");
        loop {
            let answer = self.text(&question, default, fault).await?;
            if let Some(chosen) = chosen(&answer, choices) {
                return Ok(chosen);
            }
        }
    }
}

fn is_yes(answer: &str) -> Option<bool> {
    match answer.to_lowercase().as_str() {
        "y" | "yes" | "はい" => Some(true),
        "n" | "no" | "いいえ" => Some(false),
        _ => None,
    }
}

/// The one choice that begins with the answer.
fn chosen<T: Copy>(answer: &str, choices: &[(&str, T)]) -> Option<T> {
    let answer = answer.to_lowercase();
    let exact = choices.iter().find(|(word, _)| *word == answer);
    let mut fitting = choices.iter().filter(|(word, _)| word.starts_with(&answer));
    let first = fitting.next();
    let one = first.filter(|_| fitting.next().is_none());
    exact.or(one).map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_taken_by_its_beginning() {
        let choices = [("all", 1), ("read", 2), ("write", 3), ("alls", 4)];
        let check = |answer, expected| assert_eq!(chosen(answer, &choices), expected, "{answer}");
        check("all", Some(1));
        check("R", Some(2));
        check("a", None);
        check("x", None);
    }

    #[test]
    fn yes_and_no_are_said_in_both_languages() {
        let check = |answer, expected| assert_eq!(is_yes(answer), expected, "{answer}");
        check("Y", Some(true));
        check("はい", Some(true));
        check("no", Some(false));
        check("maybe", None);
    }
}
