//! Keys whose read took too long. What is stored there may be larger than any entry, and then it would be so at every read: the next one looks first.

use crate::key::CacheKey;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many are remembered; in an outage every read is late.
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
        if keys.len() < MOST {
            keys.insert(key.clone());
            self.any.store(true, Ordering::Relaxed);
        }
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
