//! Condition operators, compiled once and tested against a [`Context`].
//!
//! SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>

mod arn;
mod value;

use crate::{
    Context,
    pattern::{Case, InvalidVariable, Pattern, Syntax},
};
use arn::ArnPattern;
use base::Timestamp;
use std::cmp::Ordering;
use value::{Decimal, Network};

/// One key of a `Condition` element with its operator and values.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    /// The operator as the policy writes it.
    pub(crate) operator: Box<str>,
    pub(crate) key: Box<str>,
    /// The values as the policy writes them.
    pub(crate) wanted: Vec<Box<str>>,
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
    /// A policy variable has no value: the statement does not match, whatever its effect.
    Unbound,
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
    Text(Vec<Pattern>, Case),
    Number(Compare, Vec<Decimal>),
    Date(Compare, Vec<Timestamp>),
    Bool(Vec<bool>),
    Binary(Vec<Vec<u8>>),
    Ip(Vec<Network>),
    Arn(Vec<ArnPattern>),
    Null(Vec<bool>),
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
            wanted: values.iter().map(|value| Box::from(*value)).collect(),
            test: Test::compile(family, values, variables)?,
            negated,
            if_exists,
            quantifier,
        })
    }

    /// Tests the condition.
    pub(crate) fn test(&self, context: &Context) -> Truth {
        let found = context.get(&self.key);
        if let Test::Null(wanted) = &self.test {
            return truth(wanted.contains(&found.is_none()));
        }
        match (found, self.quantifier) {
            (None, _) if self.if_exists => Truth::Yes,
            (None, Quantifier::Plain) => truth(self.negated),
            (None, Quantifier::ForAllValues) => Truth::Yes,
            (None, Quantifier::ForAnyValue) => Truth::No,
            (Some(found), Quantifier::ForAllValues) => self.over(found, false, context),
            (Some(found), Quantifier::ForAnyValue) => self.over(found, true, context),
            (Some(found), Quantifier::Plain) => self.over(found, !self.negated, context),
        }
    }

    /// Whether some (`any`) or all of the request's values hold. A value that settles the answer does so, also beside one
    /// that cannot be read.
    fn over(&self, found: &[String], any: bool, context: &Context) -> Truth {
        let mut trouble = None;
        for value in found {
            match self.test.some(value, context) {
                Ok(hit) if (hit != self.negated) == any => return truth(any),
                Ok(_) => {}
                Err(troubled) => trouble = Some(troubled),
            }
        }
        trouble.unwrap_or(truth(!any))
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

    /// Whether some of the policy's values match this value of the request.
    fn some(&self, found: &str, context: &Context) -> Result<bool, Truth> {
        Ok(match self {
            Test::Text(patterns, case) => {
                return some_bound(patterns.iter().map(|pattern| pattern.matches(found, *case, context)));
            }
            Test::Arn(patterns) => {
                return some_bound(patterns.iter().map(|pattern| pattern.matches(found, context)));
            }
            Test::Number(compare, values) => {
                let found = Decimal::parse(found).ok_or(Truth::Unreadable)?;
                values.iter().any(|value| compare.holds(found.cmp(value)))
            }
            Test::Date(compare, values) => {
                let found = value::date(found).ok_or(Truth::Unreadable)?;
                values.iter().any(|value| compare.holds(found.cmp(value)))
            }
            Test::Bool(values) => values.contains(&value::boolean(found).ok_or(Truth::Unreadable)?),
            Test::Binary(values) => values.contains(&value::binary(found).ok_or(Truth::Unreadable)?),
            Test::Ip(networks) => {
                let found = value::address(found).ok_or(Truth::Unreadable)?;
                networks.iter().any(|network| network.contains(found))
            }
            // Decided before any value is looked at.
            Test::Null(_) => false,
        })
    }
}

fn all<T>(values: &[&str], parse: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, Uncompiled> {
    values
        .iter()
        .map(|value| parse(value).ok_or_else(|| Uncompiled::Value((*value).to_owned())))
        .collect()
}

/// True when some match; unbound when none does and some could not be told.
fn some_bound(mut matches: impl Iterator<Item = Option<bool>>) -> Result<bool, Truth> {
    let mut unbound = false;
    let hit = matches.any(|matched| {
        unbound |= matched.is_none();
        matched == Some(true)
    });
    match (hit, unbound) {
        (true, _) => Ok(true),
        (false, true) => Err(Truth::Unbound),
        (false, false) => Ok(false),
    }
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
            ("StringEquals", "${aws:userid}", "alice", Unbound),
            ("StringNotEquals", "${aws:userid}", "alice", Unbound),
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
        ] {
            check(operator, &[wanted], found, expected);
        }
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
                Unbound,
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
