//! What a store does unasked, told to the services that use it.

use super::{CacheEvent, CacheMetrics, EvictionCause};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Tells a service what its store does unasked. A backend gets one of each service that uses it, by
/// [`watch`](crate::CacheBackend::watch), and need not tell it anything.
///
/// It holds nothing alive; what is told to a service that is gone is told to nobody.
#[derive(Clone, Debug)]
pub struct Watcher(Weak<Watch>);

impl Watcher {
    /// Tells that an entry was evicted, by the text of its key.
    pub fn evicted(&self, key: &str, cause: EvictionCause) {
        if let Some(watch) = self.0.upgrade() {
            watch.evicted(key, cause);
        }
    }

    /// Tells that a server can be used, or cannot. It should be told when that changes.
    pub fn reaches(&self, server: &str, is_up: bool) {
        if let Some(watch) = self.0.upgrade() {
            watch.tell(&if is_up {
                CacheEvent::Up { server }
            } else {
                CacheEvent::Down { server }
            });
        }
    }

    /// Says whether the service is still there to be told.
    pub fn is_there(&self) -> bool {
        self.0.strong_count() > 0
    }
}

/// What a service, and those made from it that keep its namespace and sink, hear of their store, and whom they tell.
pub(crate) struct Watch {
    namespace: Option<Box<str>>,
    sink: Option<Arc<dyn CacheMetrics>>,
    evictions: AtomicU64,
}

impl Watch {
    pub(crate) fn new(namespace: Option<Box<str>>, sink: Option<Arc<dyn CacheMetrics>>) -> Self {
        Self {
            namespace,
            sink,
            evictions: AtomicU64::new(0),
        }
    }

    pub(crate) fn watcher(self: &Arc<Self>) -> Watcher {
        Watcher(Arc::downgrade(self))
    }

    pub(super) fn evictions(&self) -> u64 {
        self.evictions.load(Ordering::Relaxed)
    }

    /// Passes an event on.
    pub(super) fn tell(&self, event: &CacheEvent<'_>) {
        if let Some(sink) = &self.sink {
            contained(|| sink.record(event));
        }
    }

    pub(super) fn count_entries(&self, entries: u64) {
        if let Some(sink) = &self.sink {
            contained(|| sink.entries(entries));
        }
    }

    fn evicted(&self, key: &str, cause: EvictionCause) {
        if let Some(prefix) = self.prefix_of(key) {
            self.evictions.fetch_add(1, Ordering::Relaxed);
            self.tell(&CacheEvent::Eviction { prefix, cause });
        }
    }

    /// Reads the prefix off a key, if the key is of this namespace.
    fn prefix_of<'k>(&self, key: &'k str) -> Option<&'k str> {
        let own = match &self.namespace {
            Some(namespace) => key.strip_prefix(&**namespace)?.strip_prefix(':')?,
            None => key,
        };
        own.split(':').next()
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch")
            .field("namespace", &self.namespace)
            .field("evictions", &self.evictions)
            .finish_non_exhaustive()
    }
}

#[cold]
fn contained(told: impl FnOnce()) {
    // The sink is the user's: what it leaves behind when it panics is its own.
    if catch_unwind(AssertUnwindSafe(told)).is_err() {
        tracing::error!("a cache metrics sink panicked");
    }
}

/// Those who watch a store.
#[derive(Debug, Default)]
pub(crate) struct Watchers(Mutex<Arc<[Watcher]>>);

impl Watchers {
    pub(crate) fn add(&self, watcher: Watcher) {
        let mut watchers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let there = watchers.iter().filter(|watcher| watcher.is_there());
        *watchers = there.cloned().chain([watcher]).collect();
    }

    /// Tells all of them. They are called without a lock: what a sink does is the user's.
    pub(crate) fn tell(&self, what: impl Fn(&Watcher)) {
        let watchers = Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner));
        watchers.iter().for_each(what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_tells_its_prefix_to_its_own_namespace_only() {
        let prefix = |namespace: Option<&str>, key| {
            let watch = Watch::new(namespace.map(Into::into), None);
            watch.prefix_of(key).map(str::to_owned)
        };
        assert_eq!(prefix(None, "user:7").as_deref(), Some("user"));
        assert_eq!(prefix(Some("app"), "app:user:7").as_deref(), Some("user"));
        assert_eq!(prefix(Some("app"), "apple:user:7"), None);
        assert_eq!(prefix(Some("app"), "user:7"), None);
    }

    #[test]
    fn who_is_gone_is_forgotten() {
        let watchers = Watchers::default();
        let first = Arc::new(Watch::new(None, None));
        watchers.add(first.watcher());
        watchers.tell(|watcher| watcher.evicted("user:7", EvictionCause::Expired));
        assert_eq!(first.evictions(), 1);
        drop(first);
        watchers.add(Arc::new(Watch::new(None, None)).watcher());
        assert_eq!(watchers.0.lock().unwrap().len(), 1);
    }
}
