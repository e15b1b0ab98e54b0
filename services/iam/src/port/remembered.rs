//! What was made of rows.

use bytes::Bytes;
use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

/// The most entries that each memory holds. When it is full it is emptied: what is in use comes back at once.
const REMEMBERED_MAX: usize = 1_024;

/// What was made of rows, by name, good for as long as the row has the same bytes.
pub(super) struct Remembered<T>(RwLock<HashMap<String, (Bytes, T)>>);

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Remembered(RwLock::default())
    }
}

impl<T: Clone> Remembered<T> {
    pub(super) fn of(&self, name: &str, row: &Bytes) -> Option<T> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.get(name).filter(|(of, _)| of == row).map(|(_, made)| made.clone())
    }

    pub(super) fn remember(&self, name: &str, row: Bytes, made: T) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED_MAX {
            all.clear();
        }
        // A copy, so that a remembered row does not keep a whole block of the store's cache alive.
        all.insert(name.to_owned(), (Bytes::copy_from_slice(&row), made));
    }

    pub(super) fn forget(&self, name: &str) {
        let known = |all: &HashMap<String, (Bytes, T)>| all.contains_key(name);
        if known(&self.0.read().unwrap_or_else(PoisonError::into_inner)) {
            self.0.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        }
    }
}
