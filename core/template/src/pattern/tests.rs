use proptest::prelude::*;

use super::*;

fn check(pattern: &str, matching: &[&str], other: &[&str]) {
    let compiled = Pattern::parse(pattern).unwrap_or_else(|why| panic!("{pattern}: {why}"));
    for text in matching {
        assert!(compiled.matches(text) == Ok(true), "{pattern} matches {text:?}");
    }
    for text in other {
        assert!(compiled.matches(text) == Ok(false), "{pattern} does not match {text:?}");
    }
}

#[test]
fn patterns_match_whole_texts_as_in_java() {
    check("", &[""], &["a"]);
    check("a|bc", &["a", "bc"], &["ab", "b", "abc"]);
    check("[a-zA-Z][-a-zA-Z0-9]*", &["a", "A-9"], &["-a", "a_"]);
    check("^[a-z]+$", &["abc"], &["abc\n", "ab1"]);
    check(
        r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})/(\d{1,2})",
        &["10.0.0.0/16"],
        &["10.0.0/16", "1000.0.0.0/1"],
    );
    check("a{2}", &["aa"], &["a", "aaa"]);
    check("a{2,}?b{0,2}", &["aa", "aaabb"], &["a", "aabbb"]);
    check("(ab)*c+?", &["c", "ababcc"], &["abab", "abac"]);
    check("(a*)*b", &["b", "aaab"], &["a"]);
    check("(|a)+", &["", "aa"], &["b"]);
    // What passwords and names are asked for.
    check(
        "(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9]).{8,16}",
        &["Passw0rd"],
        &["password", "Passw0r", "PASSW0RD"],
    );
    check(
        "^(?!xn--)(?!.*-s3alias$)[a-z0-9][a-z0-9-]{1,61}(?<!-)$",
        &["my-bucket"],
        &["xn--a", "my-", "a-s3alias"],
    );
    check("(?<=a)b|(?<=^)c", &["c"], &["b", "ab"]);
    check(r"(?i)aB(?-i)c", &["Abc", "abc"], &["abC"]);
    check("(?i:a)b", &["Ab"], &["aB"]);
    check(
        r"arn:(aws|aws-cn):s3:::[\w.-]{3,63}",
        &["arn:aws:s3:::a_b.c-d"],
        &["arn:aws:s3:::a"],
    );
    check(r"[\x20-\x7E]+", &["a ~"], &["é", "\t"]);
    check(r"[\u0009\u000A\u000D\u0020-\uD7FF]*", &["a\n\u{d7ff}"], &["\u{e000}"]);
    check(r"\p{Alpha}\p{L}\P{Digit}\p{Punct}", &["aé-!"], &["ééa!", "ab1!"]);
    check("[a-z&&[^aeiou]]+", &["xyz"], &["xaz"]);
    check("[a-c[x-z]]+", &["abxy"], &["d"]);
    check("[^]a]", &["b"], &["]", "a"]);
    check("[]a-]+", &["]a-"], &["b"]);
    check(r"[\]\[\\]+", &["][\\"], &["a"]);
    check(r"\Qa.b*\E+", &["a.b*", "a.b**"], &["axb*", "a.b"]);
    check(r"a\.b\-c", &["a.b-c"], &["axb-c"]);
    check(".", &["é", "𝄞"], &["\n", "\u{2028}", ""]);
    check("(?s).", &["\n"], &[]);
    check(r"\bfoo\b.*\Bx", &["foo ax"], &["foox", "foo x"]);
    check(r"a\Z\n?", &["a", "a\n"], &["a\n\n"]);
    check("(?m)a$\n^b", &["a\nb"], &["ab"]);
    check("(?<name>a)b", &["ab"], &["b"]);
}

#[test]
fn what_is_no_pattern_or_not_supported_is_refused() {
    for pattern in [
        "(",
        ")",
        "a)",
        "[",
        "[]",
        "[a",
        "*a",
        "a**",
        "a{",
        "a{2",
        "a{x}",
        "a{3,2}",
        "a{9999}",
        "[z-a]",
        "\\",
        "(?",
        "(?z)",
        "(?<1>a)",
        "[a&&]",
        r"\x4",
        r"\ud",
        r"\p{Nope}",
        r"\y",
        "a++",
        "(?>a)",
        r"(a)\1",
        "(?x)a",
        "(?<=a+)b",
        "(((a{100}){100}){100})",
        &"(".repeat(2000),
        &"[".repeat(2000),
    ] {
        assert!(Pattern::parse(pattern).is_err(), "{pattern}");
    }
}

#[test]
fn no_pattern_takes_long() {
    let text = "a".repeat(2000);
    for pattern in [
        "(a+)+b",
        "(a|a)*b",
        "(a*)*b",
        "((a*)*)*b",
        "(.*)(.*)(.*)(.*)x",
        "(?=(a+)+b)a*",
    ] {
        assert_eq!(Pattern::parse(pattern).unwrap().matches(&text), Ok(false), "{pattern}");
    }
    // Each place looks at all that follows, and there each place again.
    let looking = Pattern::parse("((?=((?=.*b)|a)*b)|a)*").unwrap();
    assert_eq!(looking.matches(&text), Err("it takes too long"));
}

/// Patterns that both know, of a small alphabet.
fn patterns() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec!["a", "b", ".", "[ab]", "[^a]", r"\d", r"\w", "^", "$", r"\b", ""])
        .prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (
                inner.clone(),
                prop::sample::select(vec!["*", "+", "?", "{2}", "{1,3}", "*?"])
            )
                .prop_map(|(one, times)| format!("(?:{one}){times}")),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|all| all.concat()),
            prop::collection::vec(inner, 1..4).prop_map(|any| format!("({})", any.join("|"))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn another_matcher_says_the_same(pattern in patterns(), text in "[ab1-]{0,8}") {
        let other = regex_lite::Regex::new(&format!(r"\A(?:{pattern})\z")).unwrap();
        assert_eq!(Pattern::parse(&pattern).unwrap().matches(&text), Ok(other.is_match(&text)), "{pattern} {text}");
    }

    #[test]
    fn parsing_is_total(pattern in r"[\[\]()\\^$|*+?{}a-c0-9<=!:&,pPxuQE.-]{0,30}", text in "[a-c\n]{0,6}") {
        if let Ok(pattern) = Pattern::parse(&pattern) {
            assert_eq!(pattern.matches(&text), pattern.matches(&text));
        }
    }
}
