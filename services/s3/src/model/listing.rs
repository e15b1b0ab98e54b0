//! Which keys and common prefixes a listing shows: one rule for ListObjects and ListObjectsV2.
//!
//! The items of a listing are the keys that begin with the prefix, where all keys that share the text up to the first
//! delimiter after the prefix are one item, the common prefix. Items are in the order of their UTF-8 bytes; a page is the
//! first `max_keys` items after `after`. [`Page`] is fed keys in order and says how far to jump, so that a common prefix of
//! a million keys costs one step.

/// What a listing asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Only keys that begin so.
    pub prefix: String,
    /// Folds keys; not empty.
    pub delimiter: Option<String>,
    /// Only items greater than this.
    pub after: Option<String>,
    /// The most items.
    pub max_keys: usize,
}

/// One item of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item<T> {
    /// A key with what belongs to it.
    Key(String, T),
    /// A common prefix.
    Prefix(String),
}

impl<T> Item<T> {
    /// The key or the common prefix.
    pub fn name(&self) -> &str {
        match self {
            Item::Key(name, _) | Item::Prefix(name) => name,
        }
    }
}

/// How to go on after a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The page is complete: no further key changes it.
    Done,
    /// On to the next key.
    Next,
    /// No key before this one (as bytes) can matter.
    Seek(Vec<u8>),
}

/// A page being filled.
pub struct Page<'a, T> {
    listing: &'a Listing,
    items: Vec<Item<T>>,
    truncated: bool,
}

impl Listing {
    /// The first key, as bytes, that can matter.
    pub fn start(&self) -> Vec<u8> {
        let prefix = self.prefix.as_bytes().to_vec();
        let Some(after) = &self.after else { return prefix };
        let after = match self.common_prefix(after) {
            // Everything that this prefix folds is not greater than `after`.
            Some(common) => past(common),
            None => [after.as_bytes(), &[0]].concat(),
        };
        after.max(prefix)
    }

    /// The first key, as bytes, that no longer begins with the prefix; `None` when there is no such key.
    pub fn end(&self) -> Option<Vec<u8>> {
        (!self.prefix.is_empty()).then(|| past(&self.prefix))
    }

    /// Whether a key is an item of its own.
    pub fn shows(&self, key: &str) -> bool {
        key.starts_with(&self.prefix) && self.common_prefix(key).is_none()
    }

    /// What the delimiter folds a key into.
    fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter.as_deref()?;
        let rest = key.strip_prefix(self.prefix.as_str())?;
        let at = rest.find(delimiter)?;
        key.get(..self.prefix.len() + at + delimiter.len())
    }
}

/// The least byte string that is greater than everything that begins with `prefix`. UTF-8 never has the byte 255, so
/// the last byte can always be raised.
fn past(prefix: &str) -> Vec<u8> {
    let mut out = prefix.as_bytes().to_vec();
    if let Some(last) = out.last_mut() {
        *last = last.saturating_add(1);
    }
    out
}

impl<'a, T> Page<'a, T> {
    /// An empty page.
    pub fn new(listing: &'a Listing) -> Page<'a, T> {
        Page {
            listing,
            items: Vec::new(),
            truncated: false,
        }
    }

    /// Takes the next key in order. A key before [`Listing::start`] or without the prefix must not come.
    pub fn offer(&mut self, key: &str, value: impl FnOnce() -> T) -> Step {
        if self.items.len() >= self.listing.max_keys {
            // Asked for nothing, a listing is never truncated.
            self.truncated = self.listing.max_keys > 0;
            return Step::Done;
        }
        match self.listing.common_prefix(key) {
            Some(common) => {
                self.items.push(Item::Prefix(common.to_owned()));
                Step::Seek(past(common))
            }
            None => {
                self.items.push(Item::Key(key.to_owned(), value()));
                Step::Next
            }
        }
    }

    /// The items, and whether there are more.
    pub fn finish(self) -> (Vec<Item<T>>, bool) {
        (self.items, self.truncated)
    }
}

/// Encodes a key as `encoding-type=url` asks: all but letters, digits and `-_.*/`; a space becomes `+`.
pub fn url_encoded(text: &str) -> String {
    const KEPT: percent_encoding::AsciiSet = percent_encoding::NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'*')
        .remove(b'/')
        .remove(b' ');
    percent_encoding::utf8_percent_encode(text, &KEPT)
        .to_string()
        .replace(' ', "+")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn by_steps(keys: &BTreeSet<String>, listing: &Listing) -> (Vec<String>, bool) {
        let mut page = Page::new(listing);
        let mut from = listing.start();
        let end = listing.end();
        'seek: loop {
            let within = |k: &&String| {
                k.as_bytes() >= from.as_slice() && end.as_ref().is_none_or(|e| k.as_bytes() < e.as_slice())
            };
            for key in keys.iter().filter(within) {
                match page.offer(key, || ()) {
                    Step::Done => break 'seek,
                    Step::Next => {}
                    Step::Seek(to) => {
                        assert!(to.as_slice() > key.as_bytes(), "a step goes forward");
                        from = to;
                        continue 'seek;
                    }
                }
            }
            break;
        }
        let (items, truncated) = page.finish();
        (items.iter().map(|i| i.name().to_owned()).collect(), truncated)
    }

    /// All items, sorted, then cut: what the words of the module say.
    fn naively(keys: &BTreeSet<String>, listing: &Listing) -> (Vec<String>, bool) {
        let fold = |key: &String| match &listing.delimiter {
            Some(delimiter) => {
                let rest = &key[listing.prefix.len()..];
                match rest.find(delimiter.as_str()) {
                    Some(at) => key[..listing.prefix.len() + at + delimiter.len()].to_owned(),
                    None => key.clone(),
                }
            }
            None => key.clone(),
        };
        let items: BTreeSet<String> = keys
            .iter()
            .filter(|k| k.starts_with(&listing.prefix))
            .map(fold)
            .collect();
        let after: Vec<String> = items
            .into_iter()
            .filter(|i| listing.after.as_ref().is_none_or(|a| i > a))
            .collect();
        let truncated = listing.max_keys > 0 && after.len() > listing.max_keys;
        (after.into_iter().take(listing.max_keys).collect(), truncated)
    }

    proptest! {
        #[test]
        fn pages_agree_with_the_naive_model(
            keys in proptest::collection::btree_set("[ab/é]{1,5}", 0..30),
            prefix in "[ab/é]{0,2}",
            delimiter in proptest::option::of("[/bé]{1,2}"),
            after in proptest::option::of("[ab/é]{0,4}"),
            max_keys in 0_usize..8,
        ) {
            let listing = Listing { prefix, delimiter, after, max_keys };
            prop_assert_eq!(by_steps(&keys, &listing), naively(&keys, &listing));
        }

        #[test]
        fn pages_chain_to_the_whole(
            keys in proptest::collection::btree_set("[ab/é]{1,5}", 0..30),
            delimiter in proptest::option::of("[/b]"),
            max_keys in 1_usize..5,
        ) {
            let whole = Listing { delimiter: delimiter.clone(), max_keys: 1000, ..Listing::default() };
            let mut chained = Vec::new();
            let mut after = None;
            loop {
                let listing = Listing { delimiter: delimiter.clone(), after, max_keys, ..Listing::default() };
                let (items, truncated) = by_steps(&keys, &listing);
                after = items.last().cloned();
                chained.extend(items);
                if !truncated { break; }
            }
            prop_assert_eq!(chained, naively(&keys, &whole).0);
        }
    }

    #[test]
    fn url_encoding_keeps_what_aws_keeps() {
        assert_eq!(url_encoded("a b/c+d&é*~\u{1}-_."), "a+b/c%2Bd%26%C3%A9*%7E%01-_.");
    }
}
