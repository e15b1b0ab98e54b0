//! The condition keys of one request.

use crate::{Principal, condition::Typed};
use std::{borrow::Cow, sync::OnceLock};

/// Condition keys and their values. Names are case-insensitive, values are not; a key may have several values.
///
/// A key without values is an absent key. The conditions of every statement look here, so a name is found in one step: the
/// keys stand in the order in which they were set, and a table beside them says where, by the names' hashes.
#[derive(Clone, Debug, Default)]
pub struct Context {
    keys: Vec<Entry>,
    /// Places in `keys` counted from one, each in the slot of its name's hash or the next free one behind it. A power of
    /// two in length and at most half full.
    table: Vec<u32>,
}

#[derive(Clone, Debug)]
struct Entry {
    hash: u32,
    name: Cow<'static, str>,
    values: Values,
    /// The only value as conditions of some type read it first.
    typed: OnceLock<Typed>,
}

#[derive(Clone, Debug, PartialEq)]
enum Values {
    One([String; 1]),
    Many(Vec<String>),
}

impl Values {
    fn as_slice(&self) -> &[String] {
        match self {
            Values::One(one) => one,
            Values::Many(many) => many,
        }
    }
}

/// What a context has for a key.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a> {
    /// Never empty.
    pub(crate) values: &'a [String],
    /// Where the first reader of a single value leaves what it read.
    pub(crate) typed: &'a OnceLock<Typed>,
}

/// A key's name without regard to case, as a number. Different names may have the same.
pub(crate) fn hash(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0193)
    })
}

impl PartialEq for Context {
    fn eq(&self, other: &Context) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Context {
    /// No keys.
    pub fn new() -> Context {
        Context::default()
    }

    /// The keys that follow from who asks: `aws:PrincipalArn` (of a session: its role's), `aws:PrincipalAccount`,
    /// `aws:PrincipalType`, `aws:userid`, `aws:username`, `aws:PrincipalIsAWSService`, `aws:PrincipalServiceName`.
    pub fn of(principal: &Principal) -> Context {
        let mut context = Context::new();
        principal.describe(&mut context);
        context
    }

    /// Sets a key to one value, in place of what it had.
    pub fn set(&mut self, key: impl Into<Cow<'static, str>>, value: impl Into<String>) {
        self.put(key.into(), Some(Values::One([value.into()])));
    }

    /// Sets a key to all these values, in place of what it had; with none the key is absent.
    pub fn set_all<V: Into<String>>(&mut self, key: impl Into<Cow<'static, str>>, values: impl IntoIterator<Item = V>) {
        let values: Vec<String> = values.into_iter().map(Into::into).collect();
        let values = (!values.is_empty()).then_some(Values::Many(values));
        self.put(key.into(), values);
    }

    /// The values of a key, never empty; `None` when the key is absent.
    pub fn get(&self, key: &str) -> Option<&[String]> {
        self.find(hash(key), key).map(|found| found.values)
    }

    /// What a key has, by its name and the name's [`hash`].
    pub(crate) fn find(&self, hash: u32, key: &str) -> Option<Found<'_>> {
        let entry = self.keys.get(self.place(hash, key)?)?;
        Some(Found {
            values: entry.values.as_slice(),
            typed: &entry.typed,
        })
    }

    /// Every key as it was set, with its values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.keys
            .iter()
            .map(|entry| (entry.name.as_ref(), entry.values.as_slice()))
    }

    fn place(&self, hash: u32, key: &str) -> Option<usize> {
        let slots = self.table.len();
        let mut slot = self.slot(hash);
        loop {
            // No slot at all, or a free one: the name is nowhere.
            let place = usize::try_from(*self.table.get(slot)?).ok()?.checked_sub(1)?;
            let entry = self.keys.get(place)?;
            if entry.hash == hash && (entry.name == key || entry.name.eq_ignore_ascii_case(key)) {
                return Some(place);
            }
            slot = (slot + 1) & (slots - 1);
        }
    }

    /// The slot of a hash: its highest bits differ most.
    fn slot(&self, hash: u32) -> usize {
        let bits = self.table.len().trailing_zeros();
        usize::try_from(hash >> (32 - bits.clamp(1, 32))).unwrap_or(0)
    }

    fn put(&mut self, key: Cow<'static, str>, values: Option<Values>) {
        let hash = hash(&key);
        match (self.place(hash, &key), values) {
            (Some(place), Some(values)) => {
                if let Some(entry) = self.keys.get_mut(place) {
                    entry.values = values;
                    entry.typed = OnceLock::new();
                }
            }
            (None, Some(values)) => {
                self.keys.push(Entry {
                    hash,
                    name: key,
                    values,
                    typed: OnceLock::new(),
                });
                match self.keys.len() * 2 > self.table.len() {
                    true => self.rebuild(),
                    false => self.enter(self.keys.len(), hash),
                }
            }
            (Some(place), None) => {
                self.keys.remove(place);
                self.rebuild();
            }
            (None, None) => {}
        }
    }

    fn rebuild(&mut self) {
        let slots = (self.keys.len() * 2).next_power_of_two().max(64);
        self.table.clear();
        self.table.resize(slots, 0);
        for at in 0..self.keys.len() {
            if let Some(hash) = self.keys.get(at).map(|entry| entry.hash) {
                self.enter(at + 1, hash);
            }
        }
    }

    /// Enters a place, counted from one, into the first free slot.
    fn enter(&mut self, place: usize, hash: u32) {
        let Ok(place) = u32::try_from(place) else { return };
        let slots = self.table.len();
        let mut slot = self.slot(hash);
        while let Some(taken) = self.table.get_mut(slot) {
            if *taken == 0 {
                *taken = place;
                return;
            }
            slot = (slot + 1) & (slots - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_ignore_case_and_later_values_replace() {
        let mut context = Context::new();
        context.set("aws:SourceArn", "a");
        context.set("AWS:sourcearn", "b");
        context.set_all("aws:TagKeys", ["x", "y"]);
        assert_eq!(context.get("Aws:SourceArn"), Some(&["b".to_owned()][..]));
        assert_eq!(context.get("aws:tagkeys").map(<[_]>::len), Some(2));
        assert_eq!(context.iter().count(), 2);
        context.set_all("aws:TagKeys", Vec::<String>::new());
        assert_eq!(context.get("aws:TagKeys"), None);
        assert_eq!(context.get("aws:SourceArn").map(<[_]>::len), Some(1));
    }

    #[test]
    fn names_of_one_hash_are_kept_apart() {
        // Found by search: the first two names that fold to one number.
        let mut seen = std::collections::HashMap::new();
        let (a, b) = (0_u32..)
            .find_map(|n| {
                let name = format!("a:{n:x}");
                let other = seen.insert(hash(&name), name.clone());
                other.map(|other| (other, name))
            })
            .unwrap();
        let mut context = Context::new();
        context.set(a.clone(), "1");
        assert_eq!(context.get(&b), None);
        context.set(b.clone(), "2");
        assert_eq!(context.get(&a), Some(&["1".to_owned()][..]));
        assert_eq!(context.get(&b), Some(&["2".to_owned()][..]));
    }
}
