//! Keys whose read took too long. What is stored there may be larger than any entry, and then it
//! would be so at every read: the next one looks first.

use crate::key::CacheKey;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many are remembered; in an outage every read is late. A new one takes the place of another.
const MOST: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct Suspects {
    keys: Mutex<HashSet<CacheKey>>,
    any: AtomicBool,
}

impl Suspects {
    pub(super) fn contains(&self, key: &CacheKey) -> bool {
        self.any.load(Ordering::Relaxed) && self.lock().contains(key)
    }

    pub(super) fn suspect(&self, key: &CacheKey) {
        let mut keys = self.lock();
        if keys.len() >= MOST
            && let Some(other) = keys.iter().next().cloned()
        {
            keys.remove(&other);
        }
        keys.insert(key.clone());
        self.any.store(true, Ordering::Relaxed);
    }

    pub(super) fn clear_of(&self, key: &CacheKey) {
        if self.any.load(Ordering::Relaxed) {
            let mut keys = self.lock();
            keys.remove(key);
            self.any.store(!keys.is_empty(), Ordering::Relaxed);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<CacheKey>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: usize) -> CacheKey {
        CacheKey::new(format!("user:{id}").into(), 4)
    }

    #[test]
    fn the_latest_are_remembered_however_many_there_were() {
        let suspects = Suspects::default();
        for id in 0..=2 * MOST {
            suspects.suspect(&key(id));
            assert!(suspects.contains(&key(id)));
        }
        assert!(suspects.lock().len() <= MOST);
    }

    #[test]
    fn a_key_that_was_read_is_suspected_no_more() {
        let suspects = Suspects::default();
        suspects.suspect(&key(1));
        suspects.clear_of(&key(2));
        assert!(suspects.contains(&key(1)));
        suspects.clear_of(&key(1));
        assert!(!suspects.contains(&key(1)));
    }
}
