//! The rules of a trail, found by what they want: of many rules only those are looked at of which a value is the event's.
//!
//! A rule is filed under one of its fields, the one whose values the fewest others want: under each whole value, beginning
//! and end that it wants of it. An event that has none of them cannot be wanted by the rule.

use super::{
    Asked, PlainRule, Rule, Text, Values,
    symbols::{Numbering, Value},
};
use std::collections::BTreeMap;

/// The rules of one kind that a trail has.
#[derive(Default)]
pub(super) struct Rules {
    rules: Vec<Rule>,
    /// The places of those that are looked at for every event.
    always: Vec<usize>,
    filed: Vec<Filed>,
}

/// The places of the rules that are filed under a field, by the numbers of the values that they want.
struct Filed {
    field: Text,
    whole: Places,
    starts: Places,
    ends: Places,
}

/// In the order of numbers.
type Places = Vec<(u32, usize)>;

impl Rules {
    pub(super) fn of(plain: &[PlainRule], numbering: &mut Numbering) -> Rules {
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
            rules.rules.push(Rule::of(rule, numbering));
        }
        let filed = by_field
            .into_iter()
            .map(|(field, rules)| Filed::of(field, &rules, numbering));
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
    fn of(field: Text, rules: &[(usize, &Values)], numbering: &mut Numbering) -> Filed {
        let mut filed = Filed {
            field,
            whole: Places::new(),
            starts: Places::new(),
            ends: Places::new(),
        };
        for (place, wanted) in rules {
            let with = |number: u32| (number, *place);
            filed
                .whole
                .extend(wanted.equals.iter().map(|text| with(numbering.whole(text))));
            filed
                .starts
                .extend(wanted.starts.iter().map(|text| with(numbering.start(text))));
            filed
                .ends
                .extend(wanted.ends.iter().map(|text| with(numbering.end(text))));
        }
        for places in [&mut filed.whole, &mut filed.starts, &mut filed.ends] {
            places.sort_unstable();
        }
        filed
    }

    /// Whether `look` is content with one of the rules that want the value.
    fn any(&self, value: &Value<'_>, look: impl Fn(usize) -> bool) -> bool {
        let any = |places: &Places, has: &[u32]| {
            has.iter().any(|number| {
                let from = places.partition_point(|(other, _)| other < number);
                let mut same = places.iter().skip(from).take_while(|(other, _)| other == number);
                same.any(|(_, place)| look(*place))
            })
        };
        (!self.whole.is_empty() && any(&self.whole, value.whole().as_slice()))
            || (!self.starts.is_empty() && any(&self.starts, value.starts()))
            || (!self.ends.is_empty() && any(&self.ends, value.ends()))
    }
}
