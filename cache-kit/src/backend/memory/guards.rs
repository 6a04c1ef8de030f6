//! The fill protocol in one process: striped generation counters.
//!
//! A permit remembers the generation of its key's stripe. An invalidation and a put raise it; a
//! fill compares it. Comparing and storing happen under the stripe's lock, so that nothing comes
//! between. The shuttle model in `tests` compiles this very file.

use super::sync::Mutex;
use std::hash::BuildHasher;

/// Enough that two keys rarely share one; 64 KiB.
const STRIPES: usize = 4096;

pub(crate) struct Guards {
    generations: Box<[Mutex<u64>]>,
    hasher: foldhash::fast::RandomState,
}

impl Guards {
    /// Makes guards that begin at a generation, which no other backend's permits should have seen.
    pub(crate) fn starting_at(generation: u64) -> Self {
        Self::with_stripes(STRIPES, generation)
    }

    pub(crate) fn with_stripes(stripes: usize, generation: u64) -> Self {
        Self {
            generations: (0..stripes).map(|_| Mutex::new(generation)).collect(),
            hasher: foldhash::fast::RandomState::default(),
        }
    }

    /// The key's generation now, for a permit or a stamp.
    pub(crate) fn generation(&self, key: &[u8]) -> u64 {
        *lock(self.stripe(key))
    }

    /// Stores if nothing has come since `seen`; says whether it did.
    pub(crate) fn fill(&self, key: &[u8], seen: u64, store: impl FnOnce()) -> bool {
        let generation = lock(self.stripe(key));
        let is_unchanged = *generation == seen;
        if is_unchanged {
            store();
        }
        is_unchanged
    }

    /// Raises the generation, and tells `replace` whether something has come since `seen`.
    pub(crate) fn put<R>(&self, key: &[u8], seen: u64, replace: impl FnOnce(bool) -> R) -> R {
        let mut generation = lock(self.stripe(key));
        let is_unchanged = *generation == seen;
        *generation += 1;
        replace(is_unchanged)
    }

    /// Raises the generation and drops the entry.
    pub(crate) fn invalidate(&self, key: &[u8], remove: impl FnOnce()) {
        let mut generation = lock(self.stripe(key));
        *generation += 1;
        remove();
    }

    fn stripe(&self, key: &[u8]) -> &Mutex<u64> {
        let hash = self.hasher.hash_one(key);
        // The remainder is smaller than the number of stripes, which is a `usize`.
        #[expect(clippy::cast_possible_truncation, reason = "a remainder of a usize")]
        let index = (hash % self.generations.len() as u64) as usize;
        &self.generations[index]
    }
}

/// A panic under the lock leaves a number that is right: it was raised before anything was stored
/// or removed.
fn lock(stripe: &Mutex<u64>) -> super::sync::MutexGuard<'_, u64> {
    stripe
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
