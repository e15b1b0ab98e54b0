//! Events that are in several files: of two trails, of two pages, of two copies of a file.

use super::{engine::Fold, event::Event};
use std::{
    collections::{HashSet, hash_map::RandomState},
    hash::BuildHasher,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// More events are not compared with one another: a search must not need memory without end.
const EVENTS_MAX: usize = 2 << 20;
const PARTS: usize = 16;

/// The events that were found already. An event is the same when its id and its text are: of two that share an id and differ, both are
/// found, for one of them is not what it says. An event without an id is like no other.
pub struct Once {
    hashers: [RandomState; 2],
    seen: [Mutex<HashSet<u128>>; PARTS],
    again: AtomicU64,
    unchecked: AtomicU64,
    events_max: usize,
}

impl Default for Once {
    fn default() -> Once {
        Once {
            hashers: [RandomState::new(), RandomState::new()],
            seen: std::array::from_fn(|_| Mutex::default()),
            again: AtomicU64::new(0),
            unchecked: AtomicU64::new(0),
            events_max: EVENTS_MAX,
        }
    }
}

impl Once {
    /// What names an event here; none when it has no id.
    pub fn name(&self, event: &Event<'_>) -> Option<u128> {
        if event.id().is_empty() {
            return None;
        }
        // Nobody can make two texts of one name, for the hashers are of this run alone.
        let [one, other] =
            [0, 1].map(|half: usize| self.hashers.get(half).map_or(0, |hasher| hasher.hash_one(event.raw())));
        Some(u128::from(one) << 64 | u128::from(other))
    }

    /// Whether an event of this name was not found before.
    pub fn is_first(&self, name: Option<u128>) -> bool {
        let Some(name) = name else { return true };
        let Some(part) = self.seen.get(name as usize % PARTS) else {
            return true;
        };
        let mut part = part.lock().unwrap_or_else(PoisonError::into_inner);
        if part.contains(&name) {
            self.again.fetch_add(1, Relaxed);
            return false;
        }
        match part.len() < self.events_max / PARTS {
            true => drop(part.insert(name)),
            false => drop(self.unchecked.fetch_add(1, Relaxed)),
        }
        true
    }

    /// How many were found again.
    pub fn again(&self) -> u64 {
        self.again.load(Relaxed)
    }

    /// How many could not be remembered, for there are too many.
    pub fn unchecked(&self) -> u64 {
        self.unchecked.load(Relaxed)
    }
}

/// Adds each event once, when it is told which were found.
pub struct Distinct<F> {
    /// What is made of them.
    pub fold: F,
    /// Those that were found.
    pub once: Option<Arc<Once>>,
}

impl<F: Fold> Fold for Distinct<F> {
    type Part = F::Part;

    fn add(&self, part: &mut F::Part, event: &Event<'_>, record: &str) {
        if self.once.as_ref().is_none_or(|once| once.is_first(once.name(event))) {
            self.fold.add(part, event, record);
        }
    }

    fn is_full(&self, part: &F::Part) -> bool {
        self.fold.is_full(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_found_once_and_one_that_differs_too() {
        let once = Once::default();
        let is_first = |text: &str| once.is_first(once.name(&Event::of(text)));
        let event = r#"{"eventID":"a","eventName":"Get"}"#;
        assert!(is_first(event) && !is_first(event) && !is_first(event));
        assert!(
            is_first(r#"{"eventID":"a","eventName":"Put"}"#),
            "another text of the same id"
        );
        assert!(
            is_first(r#"{"eventName":"Get"}"#) && is_first(r#"{"eventName":"Get"}"#),
            "without an id"
        );
        assert_eq!((once.again(), once.unchecked()), (2, 0));
    }

    #[test]
    fn memory_is_bounded_and_what_is_not_compared_is_counted() {
        let once = Once {
            events_max: 160,
            ..Once::default()
        };
        for _ in 0..2 {
            for number in 0..1000 {
                once.is_first(once.name(&Event::of(&format!("{{\"eventID\":\"{number}\"}}"))));
            }
        }
        let kept: usize = once.seen.iter().map(|part| part.lock().unwrap().len()).sum();
        assert!(kept <= 160 && once.again() == kept as u64);
        assert_eq!(once.again() + once.unchecked(), 2000 - kept as u64);
    }
}
