//! The rules of a trail, found by what they want: of many rules only those are looked at of which a value is the event's.
//!
//! A rule is filed under one of its fields, the one whose values the fewest others want: under each whole value, beginning
//! and end that it wants of it. An event that has none of them cannot be wanted by the rule.

use super::{Asked, PlainRule, Rule, Symbols, Text, Value, Values};
use std::collections::BTreeMap;

/// The rules of one kind that a trail has.
#[derive(Default)]
pub(super) struct Rules {
    rules: Vec<Rule>,
    /// The places of those that are looked at for every event.
    always: Vec<usize>,
    filed: Vec<Filed>,
}

/// The places of the rules that are filed under a field.
struct Filed {
    field: Text,
    whole: Vec<(u32, usize)>,
    starts: Chains,
    ends: Chains,
}

impl Rules {
    pub(super) fn of(plain: &[PlainRule], symbols: &mut Symbols) -> Rules {
        let crowds = crowds(plain);
        let mut rules = Rules::default();
        let mut by_field: BTreeMap<Text, Vec<(usize, &Values)>> = BTreeMap::new();
        for (place, rule) in plain.iter().enumerate() {
            match best_field(rule, &crowds) {
                // To find a rule that stands among most others is not worth the search.
                Some((crowd, field, wanted)) if crowd * 2 <= plain.len() => {
                    by_field.entry(field).or_default().push((place, wanted));
                }
                _ => rules.always.push(place),
            }
            rules.rules.push(Rule::of(rule, symbols));
        }
        let filed = by_field
            .into_iter()
            .map(|(field, rules)| Filed::of(field, &rules, symbols));
        rules.filed = filed.collect();
        rules
    }

    /// Whether one of them wants the event.
    pub(super) fn want(&self, asked: &Asked<'_>) -> bool {
        let look = |place: usize| self.rules.get(place).is_some_and(|rule| rule.wants(asked));
        self.always.iter().copied().any(look)
            || self.filed.iter().any(|filed| {
                let mut values = asked.values(filed.field);
                values.any(|value| filed.any(value, look))
            })
    }
}

/// How many rules want the same of a field.
type Crowds<'a> = BTreeMap<(Text, Kind, &'a str), usize>;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Whole,
    Start,
    End,
}

fn kinds(values: &Values) -> impl Iterator<Item = (Kind, &str)> {
    let of = |kind, texts| std::iter::repeat(kind).zip(texts);
    let all = of(Kind::Whole, &values.equals)
        .chain(of(Kind::Start, &values.starts))
        .chain(of(Kind::End, &values.ends));
    all.map(|(kind, text)| (kind, text.as_str()))
}

fn crowds(plain: &[PlainRule]) -> Crowds<'_> {
    let mut crowds = Crowds::new();
    for (field, conditions) in plain.iter().flat_map(|rule| &rule.texts) {
        for (kind, text) in kinds(&conditions.wanted) {
            *crowds.entry((*field, kind, text)).or_default() += 1;
        }
    }
    crowds
}

/// The field of whose values the most crowded is the least so.
fn best_field<'a>(rule: &'a PlainRule, crowds: &Crowds<'_>) -> Option<(usize, Text, &'a Values)> {
    let fields = rule.texts.iter().filter_map(|(field, conditions)| {
        let wanted = &conditions.wanted;
        let crowd = kinds(wanted).filter_map(|(kind, text)| crowds.get(&(*field, kind, text)));
        Some((*crowd.max()?, *field, wanted))
    });
    fields.min_by_key(|(crowd, field, _)| (*crowd, *field))
}

impl Filed {
    fn of(field: Text, rules: &[(usize, &Values)], symbols: &mut Symbols) -> Filed {
        let mut whole = Vec::new();
        let (mut starts, mut ends) = (BTreeMap::new(), BTreeMap::new());
        for (place, wanted) in rules {
            whole.extend(wanted.equals.iter().map(|text| (symbols.number(text), *place)));
            for text in &wanted.starts {
                let text: Box<[u8]> = text.as_bytes().into();
                starts.entry(text).or_insert_with(Vec::new).push(*place);
            }
            for text in &wanted.ends {
                let text: Box<[u8]> = text.bytes().rev().collect();
                ends.entry(text).or_insert_with(Vec::new).push(*place);
            }
        }
        whole.sort_unstable();
        Filed {
            field,
            whole,
            starts: Chains::of(starts),
            ends: Chains::of(ends),
        }
    }

    /// Whether `look` is content with one of the rules that want the value.
    fn any(&self, value: &Value<'_>, look: impl Fn(usize) -> bool) -> bool {
        let of_whole = |symbol: u32| {
            let from = self.whole.partition_point(|(other, _)| *other < symbol);
            let mut same = self.whole.iter().skip(from).take_while(|(other, _)| *other == symbol);
            same.any(|(_, place)| look(*place))
        };
        value.symbol.is_some_and(of_whole)
            || self.starts.any(value.text.as_bytes(), &look)
            || (!self.ends.is_empty() && self.ends.any(value.backwards(), &look))
    }
}

/// Beginnings in order, each with the longest other one that it begins with, so that all beginnings of a text are on one
/// way from the last that is not after it.
struct Chains {
    links: Vec<Link>,
}

struct Link {
    text: Box<[u8]>,
    /// The place of the longest shorter beginning of this one.
    up: Option<usize>,
    rules: Vec<usize>,
}

impl Chains {
    fn of(sorted: BTreeMap<Box<[u8]>, Vec<usize>>) -> Chains {
        let mut links: Vec<Link> = Vec::with_capacity(sorted.len());
        for (text, rules) in sorted {
            // INVARIANT: what is on the way up from the last before it, and nothing else, may begin it.
            let mut up = links.len().checked_sub(1);
            while let Some(link) = up
                .and_then(|place| links.get(place))
                .filter(|link| !text.starts_with(&link.text))
            {
                up = link.up;
            }
            links.push(Link { text, up, rules });
        }
        Chains { links }
    }

    fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// Whether `look` is content with a rule of a beginning of the text.
    fn any(&self, text: &[u8], look: impl Fn(usize) -> bool) -> bool {
        let after = self.links.partition_point(|link| *link.text <= *text);
        let mut at = after.checked_sub(1);
        while let Some(link) = at.and_then(|place| self.links.get(place)) {
            if text.starts_with(&link.text) && link.rules.iter().copied().any(&look) {
                return true;
            }
            at = link.up;
        }
        false
    }
}
