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
    /// Tells that an entry was evicted, by its prefix, with its namespace where there is one
    /// ([`CacheKey::prefix`](crate::CacheKey::prefix)). The service's sink is called at once, and
    /// may call the cache: no lock that this needs should be held.
    pub fn evicted(&self, prefix: &str, cause: EvictionCause) {
        if let Some(watch) = self.0.upgrade() {
            watch.evicted(prefix, cause);
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

/// What a service, and those made from it that keep its namespace and sink, hear of their store,
/// and whom they tell.
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

    fn evicted(&self, prefix: &str, cause: EvictionCause) {
        if let Some(prefix) = self.own(prefix) {
            self.evictions.fetch_add(1, Ordering::Relaxed);
            self.tell(&CacheEvent::Eviction { prefix, cause });
        }
    }

    /// Takes the namespace off a prefix, if it is this one.
    fn own<'p>(&self, prefix: &'p str) -> Option<&'p str> {
        match (&self.namespace, prefix.split_once(':')) {
            (None, None) => Some(prefix),
            (Some(own), Some((namespace, prefix))) if **own == *namespace => Some(prefix),
            _ => None,
        }
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

    /// Says whether there is nobody to tell.
    pub(crate) fn is_empty(&self) -> bool {
        let watchers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.is_empty()
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
    fn an_eviction_is_told_to_its_own_namespace_only() {
        let own = |namespace: Option<&str>, prefix| {
            let watch = Watch::new(namespace.map(Into::into), None);
            watch.own(prefix).map(str::to_owned)
        };
        assert_eq!(own(None, "user").as_deref(), Some("user"));
        assert_eq!(own(Some("app"), "app:user").as_deref(), Some("user"));
        assert_eq!(own(Some("app"), "apple:user"), None);
        assert_eq!(own(Some("app"), "user"), None);
        assert_eq!(own(None, "app:user"), None);
    }

    #[test]
    fn who_is_gone_is_forgotten() {
        let watchers = Watchers::default();
        let first = Arc::new(Watch::new(None, None));
        watchers.add(first.watcher());
        watchers.tell(|watcher| watcher.evicted("user", EvictionCause::Expired));
        assert_eq!(first.evictions(), 1);
        drop(first);
        watchers.add(Arc::new(Watch::new(None, None)).watcher());
        assert_eq!(watchers.0.lock().unwrap().len(), 1);
    }
}
