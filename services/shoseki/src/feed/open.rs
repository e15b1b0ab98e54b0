//! How many streams are open, which is bounded: each has a task and a piece of memory.

use gateway::World;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Of one access key, and of all together.
const OF_ONE_MAX: usize = 64;
const OF_ALL_MAX: usize = 1_024;

/// Those that are open, by access key.
#[derive(Default)]
struct All(Mutex<HashMap<String, usize>>);

impl All {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that is open; dropped, it makes room.
pub(super) struct Open {
    all: Arc<All>,
    access_key: String,
}

impl Open {
    /// Takes a place; `None` when all are taken.
    pub(super) fn take(world: &World, access_key: &str) -> Option<Open> {
        Open::among(world.kept::<All>(), access_key)
    }

    fn among(all: Arc<All>, access_key: &str) -> Option<Open> {
        {
            let mut open = all.lock();
            let count = open.get(access_key).copied().unwrap_or_default();
            if count >= OF_ONE_MAX || open.values().sum::<usize>() >= OF_ALL_MAX {
                return None;
            }
            open.insert(access_key.to_owned(), count + 1);
        }
        let access_key = access_key.to_owned();
        Some(Open { all, access_key })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut open = self.all.lock();
        match open.get_mut(&self.access_key) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.remove(&self.access_key)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_taken_and_given_back() {
        let all = Arc::<All>::default();
        let mut open: Vec<Open> = (0..OF_ONE_MAX)
            .map(|_| Open::among(Arc::clone(&all), "a").unwrap())
            .collect();
        assert!(Open::among(Arc::clone(&all), "a").is_none());
        assert!(Open::among(Arc::clone(&all), "b").is_some());
        open.pop();
        assert!(Open::among(Arc::clone(&all), "a").is_some());
        drop(open);
        assert!(all.lock().is_empty());
    }
}
