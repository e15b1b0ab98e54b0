//! What is said to people, in English and in Japanese. What machines read is English.

use serde::{Serialize, Serializer};
use std::fmt;

/// A language that people are spoken to in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// 日本語.
    Japanese,
}

impl Language {
    /// The language of a locale's name as `LANG` has it (`ja_JP.UTF-8`), or of a tag (`ja`). Whatever is not Japanese is English.
    pub fn of_locale(name: &str) -> Language {
        match name.split(['_', '.', '-', '@']).next() {
            Some("ja") => Language::Japanese,
            _ => Language::English,
        }
    }
}

/// A sentence in both languages. It is made by [`message!`](crate::message!), prints and serialises in English.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Message {
    english: String,
    japanese: String,
}

impl Message {
    /// Of the two texts.
    pub fn new(english: impl Into<String>, japanese: impl Into<String>) -> Message {
        Message {
            english: english.into(),
            japanese: japanese.into(),
        }
    }

    /// What is the same in both languages: a name, a number, another program's words.
    pub fn plain(text: impl Into<String>) -> Message {
        let text = text.into();
        Message::new(text.clone(), text)
    }

    /// The text in this language.
    pub fn in_language(&self, language: Language) -> &str {
        match language {
            Language::English => &self.english,
            Language::Japanese => &self.japanese,
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.english)
    }
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.english)
    }
}

/// A [`Message`]: the English and the Japanese text, each as for `format!` with names that are captured.
#[macro_export]
macro_rules! message {
    ($english:literal, $japanese:literal $(,)?) => {
        $crate::message::Message::new(::std::format!($english), ::std::format!($japanese))
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_said_in_the_language_of_the_locale() {
        let name = "audit";
        let message = message!("The trail {name} stops.", "証跡 {name} は停止します。");
        let check = |locale: &str, expected: &str| {
            assert_eq!(message.in_language(Language::of_locale(locale)), expected, "{locale}");
        };
        check("ja_JP.UTF-8", "証跡 audit は停止します。");
        check("ja", "証跡 audit は停止します。");
        check("jam", "The trail audit stops.");
        check("C.UTF-8", "The trail audit stops.");
        check("", "The trail audit stops.");
        assert_eq!(serde_json::to_string(&message).unwrap(), "\"The trail audit stops.\"");
    }
}
