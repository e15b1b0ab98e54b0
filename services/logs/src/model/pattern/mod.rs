//! Filter patterns: which log events a metric filter or FilterLogEvents means.
//!
//! Three languages in one: `{ … }` asks JSON by selectors, `[ … ]` names the fields of text between spaces, and everything
//! else is terms that must, may or must not be in the text.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html>

mod condition;
mod fields;
mod json;
mod scan;
mod terms;

use fields::Fields;
use json::Json;
use std::collections::BTreeMap;
use terms::Terms;

/// The longest pattern, in characters.
pub(crate) const PATTERN_CHARS_MAX: usize = 1024;

/// A pattern that can be asked.
#[derive(Debug)]
pub(crate) enum Pattern {
    /// Of no text: every event.
    All,
    Terms(Terms),
    Json(Json),
    Fields(Fields),
}

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PatternFault {
    /// It is not of the language.
    Invalid,
    /// It has a regular expression, which is not here.
    Regex,
}

impl Pattern {
    /// Parses a pattern.
    pub(crate) fn parse(text: &str) -> Result<Pattern, PatternFault> {
        let text = text.trim();
        if text.chars().count() > PATTERN_CHARS_MAX {
            return Err(PatternFault::Invalid);
        }
        match text.chars().next() {
            None => Ok(Pattern::All),
            Some('{') => Json::parse(text).map(Pattern::Json),
            Some('[') => Fields::parse(text).map(Pattern::Fields),
            Some(_) => Terms::parse(text).map(Pattern::Terms),
        }
    }

    /// Whether it means this text.
    pub(crate) fn matches(&self, message: &str) -> bool {
        match self {
            Pattern::All => true,
            Pattern::Terms(terms) => terms.matches(message),
            Pattern::Json(json) => json.matches(message),
            Pattern::Fields(fields) => fields.matches(message),
        }
    }

    /// What it reads out of a text that it means: the values of its selectors or fields.
    pub(crate) fn extract(&self, message: &str) -> BTreeMap<String, String> {
        match self {
            Pattern::All | Pattern::Terms(_) => BTreeMap::new(),
            Pattern::Json(json) => json.extract(message),
            Pattern::Fields(fields) => fields.extract(message),
        }
    }

    /// Whether a metric's value may name this selector or field.
    pub(crate) fn names(&self, selector: &str) -> bool {
        match self {
            Pattern::All | Pattern::Terms(_) => false,
            Pattern::Json(_) => json::is_selector(selector),
            Pattern::Fields(fields) => fields.names(selector),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(pattern: &str, hits: &[&str], misses: &[&str]) {
        let parsed = Pattern::parse(pattern).unwrap_or_else(|fault| panic!("{pattern}: {fault:?}"));
        for message in hits {
            assert!(parsed.matches(message), "{pattern} means {message}");
        }
        for message in misses {
            assert!(!parsed.matches(message), "{pattern} does not mean {message}");
        }
    }

    #[test]
    fn terms_are_texts_that_must_may_or_must_not_be_there() {
        check("", &["", "x"], &[]);
        check("ERROR", &["[ERROR] x", "Exiting with ERRORCODE: -1"], &["error", ""]);
        check(
            "ERROR Exception",
            &["[ERROR] IllegalArgumentException"],
            &["ERROR", "Exception"],
        );
        check("ERROR -Exiting", &["[ERROR] x"], &["Exiting with ERRORCODE: -1"]);
        check(
            r#""Failed to process" "-x""#,
            &["I Failed to process -x"],
            &["Failed -x to process"],
        );
        check("?ERROR ?WARN", &["a WARN", "an ERROR"], &["INFO"]);
        // Optional terms beside others say nothing.
        check("?ERROR WARN", &["WARN"], &["ERROR"]);
        check(r#"-"a b""#, &["ab"], &["x a b"]);
        check(r#""say \"x\"""#, &[r#"say "x""#], &["say x"]);
    }

    #[test]
    fn json_is_asked_by_selectors() {
        let login = r#"{"eventName":"ConsoleLogin","n":4.5,"ok":true,"no":null,"list":[{"f":"x"},{"f":"y"}],
            "deep":{"a.b":"c","ip":"10.0.0.7"},"responseElements":{"ConsoleLogin":"Failure"}}"#;
        for pattern in [
            r#"{ $.eventName = "ConsoleLogin" }"#,
            r#"{ $.eventName = ConsoleLogin }"#,
            r#"{($.eventName=ConsoleLogin) && ($.responseElements.ConsoleLogin = "Failure")}"#,
            r#"{ $.eventName = "Console*" && $.eventName != "*Logout" }"#,
            r#"{ $.eventName = "x" || $.n > 4 && $.n <= 4.5 }"#,
            r#"{ ($.eventName = "x" || $.n >= 4.5) && $.ok IS TRUE }"#,
            "{ $.n = 4.5 }",
            "{ $.n < 1e1 }",
            "{ $.n > -1 }",
            "{ $.no IS NULL }",
            "{ $.none NOT EXISTS }",
            "{ $.no EXISTS }",
            r#"{ $.list[1].f = "y" }"#,
            r#"{ $.list[*].f = "y" }"#,
            r#"{ $.deep['a.b'] = "c" }"#,
            r#"{ $.deep.["a.b"] = "c" }"#,
            r#"{ $.*.ip = 10.0.* }"#,
        ] {
            let misses: &[&str] = match pattern.contains("NOT EXISTS") {
                true => &["not json", "[1]"],
                false => &["{}", "not json", "[1]"],
            };
            check(pattern, &[login], misses);
        }
        for pattern in [
            r#"{ $.eventName = "consolelogin" }"#,
            r#"{ $.none != "x" }"#,
            r#"{ $.none = "*" }"#,
            "{ $.deep = \"*\" }",
            "{ $.ok IS FALSE }",
            "{ $.no NOT EXISTS }",
            "{ $.eventName > 3 }",
            "{ $.n != 4.5 }",
            r#"{ $.list[2].f = "y" }"#,
        ] {
            check(pattern, &[], &[login]);
        }
    }

    #[test]
    fn fields_between_spaces_have_names_and_conditions() {
        let line = r#"127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /x.gif HTTP/1.0" 404 1534"#;
        for pattern in [
            "[ip, id, user, time, request, status, bytes]",
            "[ip, id, user, time, request, status = 4*, bytes]",
            "[ip, id, user, time, request = *x.gif*, status=404, bytes > 1000]",
            "[..., status = 4* || status = 5*, bytes]",
            "[ip, ..., bytes]",
            r#"[ip = "127.0.0.1", user != root && user != admin, ...]"#,
            "[...]",
        ] {
            check(pattern, &[line], if pattern == "[...]" { &[] } else { &["one"] });
        }
        for pattern in [
            "[a, b]",
            "[ip, id, user, time, request, status = 2*, bytes]",
            "[..., bytes < 1000]",
            "[ip, id = x*, ...]",
        ] {
            check(pattern, &[], &[line]);
        }
        let pattern = Pattern::parse("[ip, id, user, time, request, status, bytes]").unwrap();
        let found = pattern.extract(line);
        assert_eq!(found["$time"], "10/Oct/2000:13:25:15 -0700");
        assert_eq!(found["$request"], "GET /x.gif HTTP/1.0");
        assert_eq!(found["$bytes"], "1534");
        assert!(pattern.names("$bytes") && !pattern.names("$size") && !pattern.names("bytes"));
    }

    #[test]
    fn values_are_read_out_of_json() {
        let pattern = Pattern::parse(r#"{ $.a = "x*" && $.b > 1 }"#).unwrap();
        let found = pattern.extract(r#"{"a":"xy","b":2}"#);
        assert_eq!(
            found.into_iter().collect::<Vec<_>>(),
            [("$.a".to_owned(), "xy".to_owned()), ("$.b".to_owned(), "2".to_owned())]
        );
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in [
            "{",
            "{}",
            "{ $.a }",
            "{ $.a = }",
            "{ $.a = \"x\" ",
            "{ a = 1 }",
            "{ $.a = 1 } x",
            "{ $.a IS MAYBE }",
            "{ ($.a = 1 }",
            "{ $.a = 1 && }",
            "{ $.a > x }",
            "{ $.a[x] = 1 }",
            "{ $. = 1 }",
            "{ $.a = \"x }",
            "[",
            "[]",
            "[a",
            "[a b]",
            "[a,,b]",
            "[a = ]",
            "[a, ..., b, ...]",
            "[a] x",
            "[a=1 || b=2]",
            "[a > x]",
            "\"a",
            "-",
            "?",
            "a:b",
            "\"event\": \"x\"",
            "--a",
        ] {
            assert_eq!(Pattern::parse(text).unwrap_err(), PatternFault::Invalid, "{text}");
        }
        for text in ["%a.c%", "{ $.a = %x% }", "[a = %x%]", "?%x%"] {
            assert_eq!(Pattern::parse(text).unwrap_err(), PatternFault::Regex, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_them_panic(
            pattern in r#"[{}\[\]()$.*"'=!<>&|%?,ab1 -]{0,40}"#, message in r#"[{}\[\]":,ab1 .]{0,40}"#,
        ) {
            if let Ok(pattern) = Pattern::parse(&pattern) {
                let _ = (pattern.matches(&message), pattern.extract(&message));
            }
        }

        #[test]
        fn an_excluded_term_is_the_opposite_of_a_wanted_one(term in "[a-c]{1,3}", message in "[a-c ]{0,12}") {
            let wanted = Pattern::parse(&term).unwrap().matches(&message);
            let excluded = Pattern::parse(&format!("-{term}")).unwrap().matches(&message);
            let phrase = Pattern::parse(&format!("\"{term}\"")).unwrap().matches(&message);
            prop_assert_eq!(wanted, message.contains(&term));
            prop_assert_eq!(wanted, !excluded);
            prop_assert_eq!(wanted, phrase);
        }

        #[test]
        fn and_binds_closer_than_or(a: bool, b: bool, c: bool) {
            let json = format!(r#"{{"a":{a},"b":{b},"c":{c}}}"#);
            let check = |text: &str, expected: bool| {
                assert_eq!(Pattern::parse(text).unwrap().matches(&json), expected, "{text} {json}");
            };
            check("{ $.a IS TRUE || $.b IS TRUE && $.c IS TRUE }", a || b && c);
            check("{ ($.a IS TRUE || $.b IS TRUE) && $.c IS TRUE }", (a || b) && c);
            check("{ $.a IS FALSE && $.b IS TRUE || $.c IS FALSE }", !a && b || !c);
        }

        #[test]
        fn numbers_compare_as_numbers(one in -50_i32..50, other in -50_i32..50) {
            let json = format!(r#"{{"n":{one}}}"#);
            let line = format!("n {one}");
            for (op, expected) in [
                ("=", one == other), ("!=", one != other), ("<", one < other), ("<=", one <= other),
                (">", one > other), (">=", one >= other),
            ] {
                let asked = Pattern::parse(&format!("{{ $.n {op} {other} }}")).unwrap();
                prop_assert_eq!(asked.matches(&json), expected, "{} {} {}", one, op, other);
                let asked = Pattern::parse(&format!("[w, n {op} {other}]")).unwrap();
                prop_assert_eq!(asked.matches(&line), expected, "{} {} {}", one, op, other);
            }
        }
    }
}
