//! Clearing a prefix in constant time: each clear begins an epoch, and an entry of the prefix that is older is dead.

use foldhash::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

#[derive(Default)]
pub(super) struct Prefixes {
    /// Raised by every clear; what is at least this young needs no further check.
    epoch: AtomicU64,
    /// The epoch that began with the last clear of each prefix.
    cleared: RwLock<HashMap<Box<[u8]>, u64>>,
}

impl Prefixes {
    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// The epoch that began with the last clear of this prefix; 0 if there was none.
    pub(super) fn cleared_at(&self, prefix: &[u8]) -> u64 {
        if self.epoch() == 0 {
            return 0;
        }
        let cleared = self.cleared.read().unwrap_or_else(PoisonError::into_inner);
        cleared.get(prefix).copied().unwrap_or(0)
    }

    pub(super) fn is_live(&self, prefix: &[u8], epoch: u64) -> bool {
        epoch >= self.epoch() || epoch >= self.cleared_at(prefix)
    }

    pub(super) fn clear(&self, prefix: &str) {
        let mut cleared = self.cleared.write().unwrap_or_else(PoisonError::into_inner);
        let epoch = self.epoch() + 1;
        cleared.insert(prefix.as_bytes().into(), epoch);
        // After the prefix: who sees the new epoch finds the prefix.
        self.epoch.store(epoch, Ordering::Release);
    }
}
