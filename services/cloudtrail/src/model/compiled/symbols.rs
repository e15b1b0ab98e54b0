//! The numbers of an account's values, so that an event's text is looked up once for all trails: as a whole value, and for
//! the beginnings and the ends that selectors name. What a selector wants is then compared as numbers.

use std::{
    borrow::Cow,
    cell::OnceCell,
    collections::{BTreeMap, HashMap},
};

/// The numbers of an account's whole values, beginnings and ends.
#[derive(Default)]
pub(super) struct Symbols {
    whole: HashMap<Box<str>, u32>,
    starts: Tree,
    ends: Tree,
}

/// The same while selectors are compiled.
#[derive(Default)]
pub(super) struct Numbering {
    whole: HashMap<Box<str>, u32>,
    starts: BTreeMap<Box<[u8]>, u32>,
    /// Backwards.
    ends: BTreeMap<Box<[u8]>, u32>,
}

fn next(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

impl Numbering {
    /// The number of a whole value.
    pub(super) fn whole(&mut self, text: &str) -> u32 {
        let next = next(self.whole.len());
        *self.whole.entry(text.into()).or_insert(next)
    }

    /// The number of a beginning.
    pub(super) fn start(&mut self, text: &str) -> u32 {
        let next = next(self.starts.len());
        *self.starts.entry(text.as_bytes().into()).or_insert(next)
    }

    /// The number of an end.
    pub(super) fn end(&mut self, text: &str) -> u32 {
        let next = next(self.ends.len());
        *self.ends.entry(text.bytes().rev().collect()).or_insert(next)
    }

    /// All numbers are given.
    pub(super) fn done(self) -> Symbols {
        Symbols {
            whole: self.whole,
            starts: Tree::of(&self.starts),
            ends: Tree::of(&self.ends),
        }
    }
}

/// A text of an event with its numbers, each looked up when it is first asked for.
pub(super) struct Value<'a> {
    text: Cow<'a, str>,
    symbols: &'a Symbols,
    whole: OnceCell<Option<u32>>,
    starts: OnceCell<Vec<u32>>,
    ends: OnceCell<Vec<u32>>,
}

impl<'a> Value<'a> {
    pub(super) fn of(text: Cow<'a, str>, symbols: &'a Symbols) -> Value<'a> {
        Value {
            text,
            symbols,
            whole: OnceCell::new(),
            starts: OnceCell::new(),
            ends: OnceCell::new(),
        }
    }

    /// Its number, if a selector names the whole of it.
    pub(super) fn whole(&self) -> Option<u32> {
        *self.whole.get_or_init(|| self.symbols.whole.get(&*self.text).copied())
    }

    /// The numbers of the beginnings that it has.
    pub(super) fn starts(&self) -> &[u32] {
        let find = || self.symbols.starts.find(self.text.bytes());
        self.starts.get_or_init(find)
    }

    /// The numbers of the ends that it has.
    pub(super) fn ends(&self) -> &[u32] {
        let find = || self.symbols.ends.find(self.text.bytes().rev());
        self.ends.get_or_init(find)
    }
}

/// Beginnings as a tree: what several have in common is compared once, and all beginnings of a text are on one way down.
///
/// INVARIANT: the first node is the root; those below a node have edges whose first bytes differ, and are in their order.
#[derive(Default)]
struct Tree {
    nodes: Vec<Node>,
}

#[derive(Default)]
struct Node {
    /// What a text has here beyond the node above.
    edge: Box<[u8]>,
    /// The beginning that ends here.
    number: Option<u32>,
    /// The first bytes of the edges below, and their nodes.
    heads: Vec<u8>,
    below: Vec<usize>,
}

impl Tree {
    fn of(numbers: &BTreeMap<Box<[u8]>, u32>) -> Tree {
        let sorted: Vec<(&[u8], u32)> = numbers.iter().map(|(text, number)| (&**text, *number)).collect();
        let mut tree = Tree::default();
        tree.add(&sorted);
        tree
    }

    /// Adds the node of sorted texts, all different, and those below it.
    fn add(&mut self, mut sorted: &[(&[u8], u32)]) -> usize {
        let place = self.nodes.len();
        let (Some((first, number)), Some((last, _))) = (sorted.first(), sorted.last()) else {
            return place;
        };
        let common = first.iter().zip(*last).take_while(|(a, b)| a == b).count();
        self.nodes.push(Node {
            edge: first.get(..common).unwrap_or_default().into(),
            ..Node::default()
        });
        let ends_here = first.len() == common;
        if ends_here {
            sorted = sorted.get(1..).unwrap_or_default();
        }
        let rest: Vec<(&[u8], u32)> = sorted
            .iter()
            .map(|(text, number)| (text.get(common..).unwrap_or_default(), *number))
            .collect();
        let (mut heads, mut below) = (Vec::new(), Vec::new());
        for group in rest.chunk_by(|(a, _), (b, _)| a.first() == b.first()) {
            heads.extend(group.first().and_then(|(text, _)| text.first()));
            below.push(self.add(group));
        }
        if let Some(node) = self.nodes.get_mut(place) {
            node.number = ends_here.then_some(*number);
            (node.heads, node.below) = (heads, below);
        }
        place
    }

    /// The numbers of all that begin the text.
    fn find(&self, text: impl Iterator<Item = u8> + Clone) -> Vec<u32> {
        let mut found = Vec::new();
        let (mut text, mut at) = (text, Some(0));
        while let Some(node) = at.and_then(|place| self.nodes.get(place)) {
            if !node.edge.iter().all(|byte| text.next() == Some(*byte)) {
                break;
            }
            found.extend(node.number);
            let head = text.clone().next();
            let below = head.and_then(|head| node.heads.binary_search(&head).ok());
            at = below.and_then(|below| node.below.get(below)).copied();
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// All texts of two letters that are no longer than this.
    fn texts(longest: usize) -> Vec<String> {
        let mut all = vec![String::new()];
        let mut from = 0;
        for _ in 0..longest {
            let longer: Vec<String> = all[from..]
                .iter()
                .flat_map(|text| [format!("{text}a"), format!("{text}b")])
                .collect();
            from = all.len();
            all.extend(longer);
        }
        all
    }

    #[test]
    fn every_beginning_and_end_is_found_and_no_other() {
        let (values, asked) = (texts(3), texts(5));
        for chosen in (0_u32..1 << values.len()).step_by(41) {
            let mut numbering = Numbering::default();
            let named = values.iter().enumerate().filter(|(place, _)| chosen >> place & 1 == 1);
            let named: Vec<(&String, [u32; 3])> = named
                .map(|(_, text)| {
                    (
                        text,
                        [numbering.whole(text), numbering.start(text), numbering.end(text)],
                    )
                })
                .collect();
            let symbols = numbering.done();
            for text in &asked {
                let value = Value::of(Cow::Borrowed(text), &symbols);
                let numbers = |kind: usize, has: &dyn Fn(&str) -> bool| -> BTreeSet<u32> {
                    let of = named.iter().filter(|(text, _)| has(text));
                    of.map(|(_, numbers)| numbers[kind]).collect()
                };
                let found = |numbers: &[u32]| -> BTreeSet<u32> { numbers.iter().copied().collect() };
                assert_eq!(found(value.whole().as_slice()), numbers(0, &|other| text == other));
                assert_eq!(found(value.starts()), numbers(1, &|other| text.starts_with(other)));
                assert_eq!(found(value.ends()), numbers(2, &|other| text.ends_with(other)));
            }
        }
    }
}
