//! Condition operators, compiled once and tested against a [`Context`].
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>

mod arn;
mod value;

use crate::{
    Context,
    context::{Found, hash},
    pattern::{Case, InvalidVariable, Pattern, Syntax},
};
use arn::{ArnPattern, Parts};
use base::Timestamp;
use std::{borrow::Cow, cmp::Ordering, net::IpAddr, sync::OnceLock};
use value::{Decimal, Network};

/// One key of a `Condition` element with its operator and values.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    /// The operator as the policy writes it.
    pub(crate) operator: Box<str>,
    pub(crate) key: Box<str>,
    hash: u32,
    /// The values as the policy writes them.
    pub(crate) wanted: Box<[Box<str>]>,
    test: Test,
    negated: bool,
    if_exists: bool,
    quantifier: Quantifier,
}

/// What a condition says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Truth {
    Yes,
    No,
    /// The request's value is not of the operator's type: counts against the caller.
    Unreadable,
}

/// Why a condition cannot be compiled.
#[derive(Debug, PartialEq)]
pub(crate) enum Uncompiled {
    Operator,
    Value(String),
    Variable(String),
}

impl From<InvalidVariable> for Uncompiled {
    fn from(invalid: InvalidVariable) -> Self {
        Uncompiled::Variable(invalid.0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantifier {
    /// None is written: some value for positive operators, every value for negated ones.
    Plain,
    ForAllValues,
    ForAnyValue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Compare {
    fn holds(self, request_to_policy: Ordering) -> bool {
        match self {
            Compare::Equal => request_to_policy.is_eq(),
            Compare::Less => request_to_policy.is_lt(),
            Compare::LessOrEqual => request_to_policy.is_le(),
            Compare::Greater => request_to_policy.is_gt(),
            Compare::GreaterOrEqual => request_to_policy.is_ge(),
        }
    }
}

#[derive(Clone, Debug)]
enum Test {
    Text(Box<[Pattern]>, Case),
    Number(Compare, Box<[Decimal]>),
    Date(Compare, Box<[Timestamp]>),
    Bool(Box<[bool]>),
    Binary(Box<[Vec<u8>]>),
    Ip(Box<[Network]>),
    Arn(Box<[ArnPattern]>),
    Null(Box<[bool]>),
}

/// The operators by family, before they have values.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Family {
    Text { wildcards: bool, case: Case },
    Number(Compare),
    Date(Compare),
    Bool,
    Binary,
    Ip,
    Arn,
    Null,
}

impl Condition {
    /// Compiles one operator, key and its values. Operator names are taken in any case.
    pub(crate) fn compile(
        operator: &str,
        key: &str,
        values: &[&str],
        variables: bool,
    ) -> Result<Condition, Uncompiled> {
        let (quantifier, rest) = quantifier(operator);
        let (if_exists, name) = match strip_suffix(rest, "IfExists") {
            Some(name) => (true, name),
            None => (false, rest),
        };
        let (family, negated) = family(name).ok_or(Uncompiled::Operator)?;
        if family == Family::Null && (if_exists || quantifier != Quantifier::Plain) {
            return Err(Uncompiled::Operator);
        }
        Ok(Condition {
            operator: operator.into(),
            key: key.into(),
            hash: hash(key),
            wanted: values.iter().map(|value| Box::from(*value)).collect(),
            test: Test::compile(family, values, variables)?,
            negated,
            if_exists,
            quantifier,
        })
    }

    /// Tests the condition.
    pub(crate) fn test(&self, context: &Context) -> Truth {
        let found = context.find(self.hash, &self.key);
        if let Test::Null(wanted) = &self.test {
            return truth(wanted.contains(&found.is_none()));
        }
        match (found, self.quantifier) {
            // What nearly all conditions are.
            (Some(found), Quantifier::Plain) if let [value] = found.values => {
                match self.test.some(value, Some(found.typed), context) {
                    Some(hit) => truth(hit != self.negated),
                    None => Truth::Unreadable,
                }
            }
            (None, _) if self.if_exists => Truth::Yes,
            (None, Quantifier::Plain) => truth(self.negated),
            (None, Quantifier::ForAllValues) => Truth::Yes,
            (None, Quantifier::ForAnyValue) => Truth::No,
            // An empty text is a set of nothing.
            (Some(found), Quantifier::ForAllValues) if found.values.iter().all(String::is_empty) => Truth::Yes,
            (Some(found), Quantifier::ForAllValues) => self.over(found, false, context),
            (Some(found), Quantifier::ForAnyValue) => self.over(found, true, context),
            (Some(found), Quantifier::Plain) => self.over(found, !self.negated, context),
        }
    }

    /// Whether some (`any`) or all of the request's values hold. A value that settles the answer does so, also beside one
    /// that cannot be read.
    fn over(&self, found: Found<'_>, any: bool, context: &Context) -> Truth {
        let mut unreadable = false;
        let kept = (found.values.len() == 1).then_some(found.typed);
        for value in found.values {
            match self.test.some(value, kept, context) {
                Some(hit) if (hit != self.negated) == any => return truth(any),
                Some(_) => {}
                None => unreadable = true,
            }
        }
        if unreadable { Truth::Unreadable } else { truth(!any) }
    }
}

fn truth(holds: bool) -> Truth {
    if holds { Truth::Yes } else { Truth::No }
}

fn quantifier(operator: &str) -> (Quantifier, &str) {
    for (prefix, quantifier) in [
        ("ForAllValues:", Quantifier::ForAllValues),
        ("ForAnyValue:", Quantifier::ForAnyValue),
    ] {
        if let Some((head, rest)) = operator.split_at_checked(prefix.len())
            && head.eq_ignore_ascii_case(prefix)
        {
            return (quantifier, rest);
        }
    }
    (Quantifier::Plain, operator)
}

fn strip_suffix<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let (head, tail) = text.split_at_checked(text.len().checked_sub(suffix.len())?)?;
    tail.eq_ignore_ascii_case(suffix).then_some(head)
}

/// The family of an operator, and whether it is a negated one.
fn family(name: &str) -> Option<(Family, bool)> {
    const fn text(wildcards: bool, case: Case) -> Family {
        Family::Text { wildcards, case }
    }
    Some(match name.to_ascii_lowercase().as_str() {
        "stringequals" => (text(false, Case::Sensitive), false),
        "stringnotequals" => (text(false, Case::Sensitive), true),
        "stringequalsignorecase" => (text(false, Case::Ignored), false),
        "stringnotequalsignorecase" => (text(false, Case::Ignored), true),
        "stringlike" => (text(true, Case::Sensitive), false),
        "stringnotlike" => (text(true, Case::Sensitive), true),
        "numericequals" => (Family::Number(Compare::Equal), false),
        "numericnotequals" => (Family::Number(Compare::Equal), true),
        "numericlessthan" => (Family::Number(Compare::Less), false),
        "numericlessthanequals" => (Family::Number(Compare::LessOrEqual), false),
        "numericgreaterthan" => (Family::Number(Compare::Greater), false),
        "numericgreaterthanequals" => (Family::Number(Compare::GreaterOrEqual), false),
        "dateequals" => (Family::Date(Compare::Equal), false),
        "datenotequals" => (Family::Date(Compare::Equal), true),
        "datelessthan" => (Family::Date(Compare::Less), false),
        "datelessthanequals" => (Family::Date(Compare::LessOrEqual), false),
        "dategreaterthan" => (Family::Date(Compare::Greater), false),
        "dategreaterthanequals" => (Family::Date(Compare::GreaterOrEqual), false),
        "bool" => (Family::Bool, false),
        "binaryequals" => (Family::Binary, false),
        "ipaddress" => (Family::Ip, false),
        "notipaddress" => (Family::Ip, true),
        "arnequals" | "arnlike" => (Family::Arn, false),
        "arnnotequals" | "arnnotlike" => (Family::Arn, true),
        "null" => (Family::Null, false),
        _ => return None,
    })
}

impl Test {
    fn compile(family: Family, values: &[&str], variables: bool) -> Result<Test, Uncompiled> {
        Ok(match family {
            Family::Text { wildcards, case } => {
                let syntax = Syntax { wildcards, variables };
                let patterns: Result<_, InvalidVariable> =
                    values.iter().map(|value| Pattern::compile(value, syntax)).collect();
                Test::Text(patterns?, case)
            }
            Family::Number(compare) => Test::Number(compare, all(values, Decimal::parse)?),
            Family::Date(compare) => Test::Date(compare, all(values, value::date)?),
            Family::Bool => Test::Bool(all(values, value::boolean)?),
            Family::Binary => Test::Binary(all(values, value::binary)?),
            Family::Ip => Test::Ip(all(values, Network::parse)?),
            Family::Arn => {
                let patterns: Result<_, InvalidVariable> = values
                    .iter()
                    .map(|value| ArnPattern::compile(value, variables))
                    .collect();
                Test::Arn(patterns?)
            }
            Family::Null => Test::Null(all(values, value::boolean)?),
        })
    }

    /// Whether some of the policy's values match this value of the request; `None` when the value cannot be read. What was
    /// read is kept, when there is a place for it.
    fn some(&self, found: &str, kept: Option<&OnceLock<Typed>>, context: &Context) -> Option<bool> {
        Some(match self {
            // What rests on a variable without a value is equal to nothing and like nothing: a negated operator holds.
            // SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-no-value>
            Test::Text(patterns, case) => patterns
                .iter()
                .any(|pattern| pattern.matches(found, *case, context) == Some(true)),
            Test::Arn(patterns) => match typed::<Parts>(found, kept).as_deref() {
                None => false,
                Some(parts) => patterns.iter().any(|pattern| pattern.matches(found, parts, context)),
            },
            Test::Number(compare, values) => {
                let found = typed::<Decimal>(found, kept)?;
                values.iter().any(|value| compare.holds(found.cmp(value)))
            }
            Test::Date(compare, values) => {
                let found = typed::<Timestamp>(found, kept)?;
                values.iter().any(|value| compare.holds(found.as_ref().cmp(value)))
            }
            Test::Bool(values) => values.contains(&*typed::<bool>(found, kept)?),
            Test::Binary(values) => values.contains(&value::binary(found)?),
            Test::Ip(networks) => {
                let found = typed::<IpAddr>(found, kept)?;
                networks.iter().any(|network| network.contains(*found))
            }
            // Decided before any value is looked at.
            Test::Null(_) => false,
        })
    }
}

/// A value of a request, read as a type; `None` in it when it is no value of that type.
#[derive(Clone, Debug)]
pub(crate) enum Typed {
    Arn(Option<Parts>),
    Bool(Option<bool>),
    Date(Option<Timestamp>),
    Ip(Option<IpAddr>),
    Number(Option<Decimal>),
}

/// A type that values of requests are read as.
trait Read: Clone + Sized {
    fn read(text: &str) -> Option<Self>;
    fn keep(read: Option<Self>) -> Typed;
    /// What is kept, when it was read as this type.
    fn kept(typed: &Typed) -> Option<&Option<Self>>;
}

macro_rules! read {
    ($type:ty, $form:ident, $read:path) => {
        impl Read for $type {
            fn read(text: &str) -> Option<Self> {
                $read(text)
            }
            fn keep(read: Option<Self>) -> Typed {
                Typed::$form(read)
            }
            fn kept(typed: &Typed) -> Option<&Option<Self>> {
                match typed {
                    Typed::$form(read) => Some(read),
                    _ => None,
                }
            }
        }
    };
}

read!(Parts, Arn, Parts::of);
read!(bool, Bool, value::boolean);
read!(Timestamp, Date, value::date);
read!(IpAddr, Ip, value::address);
read!(Decimal, Number, Decimal::parse);

/// Reads a value, or takes what the first reader kept. A key is nearly always tested as one type.
fn typed<'a, T: Read>(text: &str, kept: Option<&'a OnceLock<Typed>>) -> Option<Cow<'a, T>> {
    match kept.and_then(|kept| T::kept(kept.get_or_init(|| T::keep(T::read(text))))) {
        Some(read) => read.as_ref().map(Cow::Borrowed),
        None => T::read(text).map(Cow::Owned),
    }
}

fn all<T>(values: &[&str], parse: impl Fn(&str) -> Option<T>) -> Result<Box<[T]>, Uncompiled> {
    values
        .iter()
        .map(|value| parse(value).ok_or_else(|| Uncompiled::Value((*value).to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `found` is what the request has for the key: a list, parts split at `|`; `-` is an absent key.
    #[track_caller]
    fn check(operator: &str, wanted: &[&str], found: &str, expected: Truth) {
        let condition = Condition::compile(operator, "a:Key", wanted, true).unwrap();
        let mut context = Context::new();
        context.set("aws:username", "alice");
        if found != "-" {
            context.set_all("A:key", found.split('|'));
        }
        assert_eq!(condition.test(&context), expected, "{operator} {wanted:?} {found}");
    }

    #[test]
    fn strings() {
        use Truth::*;
        for (operator, wanted, found, expected) in [
            ("StringEquals", "a", "a", Yes),
            ("StringEquals", "a", "A", No),
            ("StringEquals", "a*", "ab", No),
            ("StringEquals", "a*", "a*", Yes),
            ("StringEquals", "a", "-", No),
            ("StringEquals", "a", "b|a", Yes),
            ("stringequals", "a", "a", Yes),
            ("StringNotEquals", "a", "b", Yes),
            ("StringNotEquals", "a", "b|a", No),
            ("StringNotEquals", "a", "-", Yes),
            ("StringEqualsIgnoreCase", "aB", "Ab", Yes),
            ("StringNotEqualsIgnoreCase", "aB", "Ab", No),
            ("StringLike", "a*c?", "abbcd", Yes),
            ("StringLike", "a*", "B", No),
            ("StringNotLike", "a*", "ab", No),
            ("StringNotLike", "a*", "-", Yes),
            ("StringEquals", "${aws:username}", "alice", Yes),
            ("StringLike", "${aws:username}/*", "alice/x", Yes),
            ("StringEquals", "${aws:userid}", "alice", No),
            ("StringNotEquals", "${aws:userid}", "alice", Yes),
            ("StringLike", "*${aws:userid}*", "alice", No),
            ("StringNotLike", "*${aws:userid}*", "alice", Yes),
            ("StringEquals", "${aws:userid, 'x'}", "x", Yes),
            ("StringEqualsIfExists", "a", "-", Yes),
            ("StringEqualsIfExists", "a", "b", No),
            ("StringNotEqualsIfExists", "a", "-", Yes),
        ] {
            check(operator, &[wanted], found, expected);
        }
        check("StringEquals", &["a", "b"], "b", Yes);
        check("StringNotEquals", &["a", "b"], "b", No);
        check("StringNotEquals", &["a", "b"], "c", Yes);
        check("StringEquals", &[], "a", No);
        check("StringEquals", &["${aws:userid}", "b"], "b", Yes);
    }

    #[test]
    fn sets() {
        use Truth::*;
        for (operator, wanted, found, expected) in [
            ("ForAllValues:StringEquals", ["a", "b"], "a|b|a", Yes),
            ("ForAllValues:StringEquals", ["a", "b"], "a|c", No),
            ("ForAllValues:StringEquals", ["a", "b"], "-", Yes),
            ("ForAllValues:StringEquals", ["a", "b"], "", Yes),
            ("ForAllValues:StringEquals", ["a", "b"], "|a", No),
            ("ForAllValues:StringNotEquals", ["a", "b"], "-", Yes),
            ("ForAllValues:StringEqualsIfExists", ["a", "b"], "c", No),
            ("forallvalues:stringlike", ["a*", "b"], "ax|b", Yes),
            ("ForAnyValue:StringEquals", ["a", "b"], "", No),
            ("ForAllValues:StringNotEquals", ["a", "b"], "c|d", Yes),
            ("ForAllValues:StringNotEquals", ["a", "b"], "c|a", No),
            ("ForAnyValue:StringEquals", ["a", "b"], "c|b", Yes),
            ("ForAnyValue:StringEquals", ["a", "b"], "c|d", No),
            ("ForAnyValue:StringEquals", ["a", "b"], "-", No),
            ("ForAnyValue:StringNotEquals", ["a", "b"], "a|c", Yes),
            ("ForAnyValue:StringNotEquals", ["a", "b"], "a|b", No),
            ("ForAnyValue:StringNotEquals", ["a", "b"], "-", No),
            ("ForAnyValue:StringLikeIfExists", ["a*", "b"], "-", Yes),
        ] {
            check(operator, &wanted, found, expected);
        }
    }

    #[test]
    fn numbers_and_dates() {
        use Truth::*;
        for (operator, wanted, found, expected) in [
            ("NumericEquals", "10", "10.0", Yes),
            ("NumericEquals", "10", "1e1", Yes),
            ("NumericNotEquals", "10", "10.0", No),
            ("NumericLessThan", "10", "9.99", Yes),
            ("NumericLessThan", "-1", "-2", Yes),
            ("NumericLessThanEquals", "10", "10", Yes),
            ("NumericGreaterThan", "9", "10", Yes),
            ("NumericGreaterThan", "90071992547409930", "90071992547409931", Yes),
            ("NumericGreaterThanEquals", "0.1", "0.10", Yes),
            ("NumericGreaterThan", "9", "x", Unreadable),
            ("NumericGreaterThan", "9", "-", No),
            ("NumericNotEquals", "9", "-", Yes),
            ("DateEquals", "2020-01-01", "2020-01-01T00:00:00Z", Yes),
            ("DateNotEquals", "2020-01-01", "2020-01-01T00:00:01Z", Yes),
            ("DateLessThan", "2020-01-01T00:00:00Z", "1577836799", Yes),
            ("DateLessThanEquals", "1577836800", "2020-01-01T09:00:00+09:00", Yes),
            ("DateGreaterThan", "2020-01-01T00:00:00Z", "2019-12-31T23:59:59Z", No),
            (
                "DateGreaterThanEquals",
                "2020-01-01T00:00:00Z",
                "2020-01-01T00:00:00Z",
                Yes,
            ),
            ("DateGreaterThan", "2020-01-01T00:00:00Z", "soon", Unreadable),
            ("DateEquals", "2020", "2020-01-01T00:00:00Z", Yes),
            ("DateEquals", "2020-02", "2020-02-01", Yes),
            ("DateEquals", "2020-02-01T10:30Z", "2020-02-01T10:30:00Z", Yes),
            ("DateEquals", "2020-02-01T10:30+09:00", "2020-02-01T01:30:00.000Z", Yes),
            ("DateEquals", "1577836800.5", "2020-01-01T00:00:00.5Z", Yes),
        ] {
            check(operator, &[wanted], found, expected);
        }
    }

    #[test]
    fn every_family_takes_quantifiers_and_if_exists() {
        use Truth::*;
        for (name, wanted, hit, miss, negated) in [
            ("StringEquals", "a", "a", "b", false),
            ("StringNotEquals", "a", "b", "a", true),
            ("StringEqualsIgnoreCase", "a", "A", "b", false),
            ("StringNotEqualsIgnoreCase", "a", "b", "A", true),
            ("StringLike", "a*", "ab", "b", false),
            ("StringNotLike", "a*", "b", "ab", true),
            ("NumericEquals", "1", "1.0", "2", false),
            ("NumericNotEquals", "1", "2", "1.0", true),
            ("NumericLessThan", "1", "0", "1", false),
            ("NumericLessThanEquals", "1", "1", "2", false),
            ("NumericGreaterThan", "1", "2", "1", false),
            ("NumericGreaterThanEquals", "1", "1", "0", false),
            ("DateEquals", "2020-01-01", "1577836800", "1", false),
            ("DateNotEquals", "2020-01-01", "1", "1577836800", true),
            ("DateLessThan", "2020-01-01", "1", "1577836800", false),
            ("DateLessThanEquals", "2020-01-01", "1577836800", "1577836801", false),
            ("DateGreaterThan", "2020-01-01", "1577836801", "1577836800", false),
            ("DateGreaterThanEquals", "2020-01-01", "1577836800", "1", false),
            ("Bool", "true", "true", "false", false),
            ("BinaryEquals", "aGk=", "aGk=", "aGo=", false),
            ("IpAddress", "10.0.0.0/8", "10.1.1.1", "11.0.0.0", false),
            ("NotIpAddress", "10.0.0.0/8", "11.0.0.0", "10.1.1.1", true),
            ("ArnEquals", "arn:a:b:::*", "arn:a:b:::c", "arn:a:c:::c", false),
            ("ArnLike", "arn:a:b:::*", "arn:a:b:::c", "arn:a:c:::c", false),
            ("ArnNotEquals", "arn:a:b:::*", "arn:a:c:::c", "arn:a:b:::c", true),
            ("ArnNotLike", "arn:a:b:::*", "arn:a:c:::c", "arn:a:b:::c", true),
        ] {
            let both = format!("{hit}|{miss}");
            let check = |operator: &str, found: &str, expected| check(operator, &[wanted], found, expected);
            check(name, hit, Yes);
            check(name, miss, No);
            check(name, "-", if negated { Yes } else { No });
            // Without a quantifier a positive operator wants some value, a negated one every value.
            check(name, &both, if negated { No } else { Yes });
            let with = |prefix: &str, suffix: &str| format!("{prefix}{name}{suffix}");
            for (found, all, any) in [(hit, Yes, Yes), (miss, No, No), (&*both, No, Yes)] {
                check(&with("ForAllValues:", ""), found, all);
                check(&with("ForAnyValue:", ""), found, any);
                check(&with("ForAllValues:", "IfExists"), found, all);
                check(&with("ForAnyValue:", "IfExists"), found, any);
            }
            check(&with("ForAllValues:", ""), "-", Yes);
            check(&with("ForAnyValue:", ""), "-", No);
            for absent in [
                with("", "IfExists"),
                with("ForAllValues:", "IfExists"),
                with("ForAnyValue:", "IfExists"),
            ] {
                check(&absent, "-", Yes);
            }
        }
    }

    #[test]
    fn a_value_read_as_one_type_is_still_read_as_another() {
        let mut context = Context::new();
        context.set("a:k", "1");
        for (operator, wanted, expected) in [
            ("NumericEquals", "1.0", Truth::Yes),
            ("DateEquals", "1970-01-01T00:00:01Z", Truth::Yes),
            ("IpAddress", "10.0.0.0/8", Truth::Unreadable),
            ("Bool", "true", Truth::Unreadable),
            ("ArnLike", "*", Truth::No),
            ("NumericEquals", "2", Truth::No),
        ] {
            let condition = Condition::compile(operator, "a:k", &[wanted], true).unwrap();
            assert_eq!(condition.test(&context), expected, "{operator}");
            assert_eq!(condition.test(&context.clone()), expected, "{operator}");
        }
        context.set("a:k", "2");
        let two = Condition::compile("NumericEquals", "a:k", &["2"], true).unwrap();
        assert_eq!(two.test(&context), Truth::Yes);
    }

    #[test]
    fn the_other_types() {
        use Truth::*;
        for (operator, wanted, found, expected) in [
            ("Bool", "true", "TRUE", Yes),
            ("Bool", "false", "true", No),
            ("Bool", "false", "-", No),
            ("BoolIfExists", "false", "-", Yes),
            ("Bool", "false", "perhaps", Unreadable),
            ("BinaryEquals", "aGk=", "aGk=", Yes),
            ("BinaryEquals", "aGk=", "aGo=", No),
            ("Null", "true", "-", Yes),
            ("Null", "true", "x", No),
            ("Null", "false", "x", Yes),
            ("Null", "false", "-", No),
            ("IpAddress", "203.0.113.0/24", "203.0.113.77", Yes),
            ("IpAddress", "203.0.113.0/24", "203.0.114.1", No),
            ("IpAddress", "203.0.113.7", "203.0.113.7", Yes),
            ("IpAddress", "203.0.113.0/24", "::ffff:203.0.113.7", Yes),
            ("IpAddress", "0.0.0.0/0", "203.0.113.7", Yes),
            ("IpAddress", "0.0.0.0/0", "::1", No),
            ("IpAddress", "2001:db8::/32", "2001:db8:1::5", Yes),
            ("IpAddress", "2001:db8::/32", "2001:db9::", No),
            ("NotIpAddress", "10.0.0.0/8", "11.0.0.1", Yes),
            ("NotIpAddress", "10.0.0.0/8", "10.0.0.1", No),
            ("NotIpAddress", "10.0.0.0/8", "-", Yes),
            ("IpAddress", "10.0.0.0/8", "a service", Unreadable),
        ] {
            check(operator, &[wanted], found, expected);
        }
    }

    #[test]
    fn arns_match_part_by_part() {
        use Truth::*;
        const TRAIL: &str = "arn:aws:cloudtrail:us-east-1:123456789012:trail/T";
        for (operator, wanted, found, expected) in [
            ("ArnEquals", TRAIL, TRAIL, Yes),
            ("ArnLike", "arn:aws:cloudtrail:*:123456789012:trail/*", TRAIL, Yes),
            ("ArnEquals", "arn:aws:cloudtrail:*:123456789012:trail/*", TRAIL, Yes),
            ("ArnLike", "arn:aws:cloudtrail:*:trail/*", TRAIL, No),
            ("StringLike", "arn:aws:cloudtrail:*:trail/*", TRAIL, Yes),
            ("ArnLike", "arn:*:*:*:*:*", TRAIL, Yes),
            ("ArnLike", "*", TRAIL, Yes),
            (
                "ArnLike",
                "arn:aws:logs:*:1:log-group:*:x",
                "arn:aws:logs:r:1:log-group:g:h:x",
                Yes,
            ),
            (
                "ArnLike",
                "arn:aws:iam::1:user/${aws:username}",
                "arn:aws:iam::1:user/alice",
                Yes,
            ),
            (
                "ArnLike",
                "arn:aws:iam::1:user/${aws:userid}",
                "arn:aws:iam::1:user/alice",
                No,
            ),
            (
                "ArnLike",
                "arn:aws:iam::2:user/${aws:userid}",
                "arn:aws:iam::1:user/alice",
                No,
            ),
            ("ArnNotLike", "arn:aws:cloudtrail:*:123456789012:trail/*", TRAIL, No),
            ("ArnNotEquals", "arn:aws:cloudtrail:*:2:trail/*", TRAIL, Yes),
            ("ArnLike", "arn:aws:s3:::*", "no arn", No),
            (
                "ArnNotLike",
                "arn:aws:iam::1:user/${aws:userid}",
                "arn:aws:iam::1:user/alice",
                Yes,
            ),
            ("ArnNotLike", "arn:aws:s3:::*", "-", Yes),
        ] {
            check(operator, &[wanted], found, expected);
        }
    }

    #[test]
    fn what_cannot_be_compiled_is_told() {
        for (operator, wanted, expected) in [
            ("StringIs", "a", Uncompiled::Operator),
            ("IfExists", "a", Uncompiled::Operator),
            ("NullIfExists", "true", Uncompiled::Operator),
            ("ForAllValues:Null", "true", Uncompiled::Operator),
            ("ForSomeValues:StringEquals", "a", Uncompiled::Operator),
            ("NumericEquals", "x", Uncompiled::Value("x".into())),
            ("DateEquals", "x", Uncompiled::Value("x".into())),
            ("Bool", "x", Uncompiled::Value("x".into())),
            ("Null", "x", Uncompiled::Value("x".into())),
            ("IpAddress", "10.0.0.0/33", Uncompiled::Value("10.0.0.0/33".into())),
            (
                "IpAddress",
                "2001:db8::/129",
                Uncompiled::Value("2001:db8::/129".into()),
            ),
            ("BinaryEquals", "!", Uncompiled::Value("!".into())),
            ("StringEquals", "${", Uncompiled::Variable("${".into())),
        ] {
            let compiled = Condition::compile(operator, "a:k", &[wanted], true).map(|_| ());
            assert_eq!(compiled, Err(expected), "{operator} {wanted}");
        }
    }
}
