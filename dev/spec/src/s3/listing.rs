//! What listings show: all items in order, and keys folded at a delimiter.

use super::model::{Bucket, Version};

/// What is listed.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Only keys that begin so.
    pub prefix: String,
    /// Folds keys.
    pub delimiter: Option<char>,
    /// The most items of a page.
    pub max_keys: usize,
}

/// One item of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Keys folded into one.
    Prefix(String),
    /// An object of a listing of objects.
    Object {
        /// The key.
        key: String,
        /// The tag.
        etag: String,
        /// The bytes.
        size: usize,
    },
    /// A version of a listing of versions.
    Version {
        /// The key.
        key: String,
        /// The id.
        id: String,
        /// Whether it is the key's newest.
        latest: bool,
        /// Tag and bytes, unless it is a delete marker.
        object: Option<(String, usize)>,
    },
}

impl Bucket {
    /// What a listing of objects shows in all its pages.
    pub fn objects(&self, listing: &Listing) -> Vec<Entry> {
        self.entries(listing, |key, versions| {
            let object = versions.last().and_then(|version| version.object.as_ref());
            object
                .map(|object| Entry::Object {
                    key: key.to_owned(),
                    etag: object.etag.clone(),
                    size: object.body.len(),
                })
                .into_iter()
                .collect()
        })
    }

    /// What a listing of versions shows in all its pages.
    pub fn versions(&self, listing: &Listing) -> Vec<Entry> {
        self.entries(listing, |key, versions| {
            let newest_first = versions.iter().rev().enumerate();
            let entry = |(place, version): (usize, &Version)| Entry::Version {
                key: key.to_owned(),
                id: version.id.clone(),
                latest: place == 0,
                object: version
                    .object
                    .as_ref()
                    .map(|object| (object.etag.clone(), object.body.len())),
            };
            newest_first.map(entry).collect()
        })
    }

    fn entries(&self, listing: &Listing, of_key: impl Fn(&str, &[Version]) -> Vec<Entry>) -> Vec<Entry> {
        let mut all = Vec::new();
        for (key, versions) in &self.keys {
            let Some(rest) = key.strip_prefix(&listing.prefix) else {
                continue;
            };
            let entries = of_key(key, versions);
            let fold = listing.delimiter.and_then(|delimiter| rest.split_once(delimiter));
            match (fold, listing.delimiter) {
                (Some((head, _)), Some(delimiter)) if !entries.is_empty() => {
                    let prefix = Entry::Prefix(format!("{}{head}{delimiter}", listing.prefix));
                    if all.last() != Some(&prefix) {
                        all.push(prefix);
                    }
                }
                _ => all.extend(entries),
            }
        }
        all
    }
}
