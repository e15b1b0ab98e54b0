//! The encryption context of a KMS call.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Names and values that a ciphertext is bound to: exact and whole, in no order. Not secret: it is shown in events.
///
/// SPEC: <https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html>
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EncryptionContext(BTreeMap<String, String>);

impl EncryptionContext {
    /// The context with no pair.
    pub const fn new() -> EncryptionContext {
        EncryptionContext(BTreeMap::new())
    }

    /// Adds a pair, in the place of one of the same name.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), value.into());
    }

    /// The value of a name, in its exact case.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The pairs, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there is no pair.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Bytes of all names and values together, for KMS's limit on them.
    pub fn size_bytes(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.len()).sum()
    }

    /// The one byte form of this context: the number of pairs, then each name and value behind its length, by name.
    /// Lengths come first so that no two contexts share a form.
    pub fn canonical(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(4 + self.size_bytes() + 8 * self.0.len());
        put_length(&mut out, self.0.len());
        for (name, value) in &self.0 {
            for text in [name, value] {
                put_length(&mut out, text.len());
                out.extend_from_slice(text.as_bytes());
            }
        }
        out
    }
}

fn put_length(out: &mut Vec<u8>, length: usize) {
    // 64 bits: no length is ever cut.
    out.extend_from_slice(&(length as u64).to_be_bytes());
}

impl From<BTreeMap<String, String>> for EncryptionContext {
    fn from(pairs: BTreeMap<String, String>) -> Self {
        EncryptionContext(pairs)
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for EncryptionContext {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        EncryptionContext(pairs.into_iter().map(|(n, v)| (n.into(), v.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs() -> impl Strategy<Value = BTreeMap<String, String>> {
        proptest::collection::btree_map("[ab\0]{0,3}", "[ab\0]{0,3}", 0..4)
    }

    proptest! {
        #[test]
        fn only_equal_contexts_share_a_form(one in pairs(), other in pairs()) {
            let same = one == other;
            let (one, other) = (EncryptionContext::from(one), EncryptionContext::from(other));
            prop_assert_eq!(one.canonical() == other.canonical(), same);
        }
    }
}
