//! What moka evicts, told when none of our locks is held: those who are told may call the cache.

use crate::observe::{EvictionCause, Watchers};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Evictions that are still to be told of.
#[derive(Default)]
pub(super) struct Evictions {
    watchers: Watchers,
    has_news: AtomicBool,
    news: Mutex<Vec<(Box<str>, EvictionCause)>>,
}

impl Evictions {
    pub(super) fn watchers(&self) -> &Watchers {
        &self.watchers
    }

    /// Notes one, by its prefix. It is moka that calls, under locks of its own and of ours.
    pub(super) fn note(&self, prefix: &[u8], cause: EvictionCause) {
        if self.watchers.is_empty() {
            return;
        }
        let prefix = std::str::from_utf8(prefix).unwrap_or_default();
        self.lock().push((prefix.into(), cause));
        self.has_news.store(true, Ordering::Release);
    }

    /// Tells of those that were noted.
    pub(super) fn tell(&self) {
        if !self.has_news.load(Ordering::Acquire) {
            return;
        }
        self.has_news.store(false, Ordering::Release);
        let news = std::mem::take(&mut *self.lock());
        for (prefix, cause) in news {
            self.watchers
                .tell(|watcher| watcher.evicted(&prefix, cause));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Box<str>, EvictionCause)>> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
