//! What happens in a cache, counted always and told to whoever wants to know.

mod counters;
mod event;
#[cfg(feature = "metrics")]
mod exporter;
mod watch;

pub(crate) use counters::Observer;
pub use event::{CacheEvent, EvictionCause, InvalidationSource, LoadOutcome, Operation, Tier};
#[cfg(feature = "metrics")]
pub use exporter::MetricsExporter;
pub use watch::Watcher;
pub(crate) use watch::{Watch, Watchers};

/// The span of a question to the store.
pub(crate) fn store_span(prefix: &str, operation: Operation, keys: usize) -> tracing::Span {
    tracing::debug_span!("cache_store", prefix, %operation, keys)
}

/// Is told of everything that happens in a cache.
///
/// Called on the caller's task (of an `Eviction` any caller's, whose write or read made the store
/// tidy up), so it should be quick. It may call the cache. A sink that panics is contained: the
/// call it was told of goes on.
///
/// | what happens | events |
/// | --- | --- |
/// | a read finds a value | `Hit` |
/// | a read finds that there is none | `AbsentHit` |
/// | a read finds a stale value, and returns it while the next is loaded | `StaleHit` |
/// | a read finds nothing fresh | `Miss` |
/// | the miss loads | then `Load`, and `Fill` or `SupersededFill` if there was something to store |
/// | the miss waits for another's load | then `Coalesced` |
/// | the load fails, or did not long ago, and a stale value is returned | then `StandIn` |
/// | what is stale is refreshed, by a task | `Refresh`, `Load`, and `Fill` or `SupersededFill` |
/// | by the caller | `Refresh`, `Miss`, and as after a miss |
/// | `Invalidate` | `Invalidation`, `Load`, `Fill` |
/// | `Bypass` | `Load` |
/// | a put | `Put`, or `Invalidation` if the entry could not be replaced |
/// | a removal | `Invalidation` |
/// | a read finds something that cannot be decoded | `DecodeFailure`, and as after a miss |
/// | the store frees an entry | `Eviction` |
/// | the store begins to answer, or ceases to | `Up`, `Down` |
/// | the cache itself fails | `Failure` |
///
/// A load is never a hit.
///
/// ```
/// use cache_kit::prelude::*;
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// #[derive(Default)]
/// struct Misses(AtomicU64);
///
/// impl CacheMetrics for Misses {
///     fn record(&self, event: &CacheEvent<'_>) {
///         if let CacheEvent::Miss { .. } = event {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
///
/// let cache = CacheService::builder(InMemoryBackend::new()).metrics(Misses::default()).build()?;
/// # let _ = cache;
/// # Ok::<(), cache_kit::Error>(())
/// ```
pub trait CacheMetrics: Send + Sync + 'static {
    /// Takes note of one event.
    fn record(&self, event: &CacheEvent<'_>);

    /// Takes note of how many entries the store holds. It is told whenever somebody asks for the
    /// service's [`stats`](crate::CacheService::stats), if the store knows.
    fn entries(&self, entries: u64) {
        let _ = entries;
    }
}

impl<M: CacheMetrics + ?Sized> CacheMetrics for Box<M> {
    fn record(&self, event: &CacheEvent<'_>) {
        (**self).record(event);
    }

    fn entries(&self, entries: u64) {
        (**self).entries(entries);
    }
}

impl<M: CacheMetrics + ?Sized> CacheMetrics for std::sync::Arc<M> {
    fn record(&self, event: &CacheEvent<'_>) {
        (**self).record(event);
    }

    fn entries(&self, entries: u64) {
        (**self).entries(entries);
    }
}

/// Counts what has happened in a cache since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct CacheStats {
    /// Reads that found a fresh value.
    pub hits: u64,
    /// Reads that found that there is none.
    pub absent_hits: u64,
    /// Reads that found a stale value, and returned it while the next one is loaded.
    pub stale_hits: u64,
    /// Reads that found nothing fresh, or nothing that serves.
    pub misses: u64,
    /// Loads that were to replace a stale value that serves.
    pub refreshes: u64,
    /// Stale values that were returned because the load of the next one failed, or had failed not
    /// long ago.
    pub stand_ins: u64,
    /// Times the repository was asked.
    pub loads: u64,
    /// Loads that failed, panicked, were dropped, or, of a single key, brought an invalid entity.
    /// (A batch goes on with the others, and counts that under `failures`.)
    pub load_failures: u64,
    /// Misses that another caller's load answered.
    pub coalesced: u64,
    /// Loaded values and absences that were stored.
    pub fills: u64,
    /// Loaded values that something newer kept from being stored.
    pub superseded_fills: u64,
    /// Written values that replaced an entry.
    pub puts: u64,
    /// Entries dropped on purpose, a cleared prefix counting as one.
    pub invalidations: u64,
    /// Entries that ended, or made room for others, and were freed. Of a store that says so:
    /// [`InMemoryBackend`](crate::InMemoryBackend).
    pub evictions: u64,
    /// Entries that could not be decoded.
    pub decode_failures: u64,
    /// Times the cache itself failed.
    pub failures: u64,
    /// Entries that occupy memory now, where the backend knows. Cleared and ended ones count until
    /// they are freed.
    pub entries: Option<u64>,
}

impl CacheStats {
    /// Returns the share of reads that the cache answered, absences included, from 0 to 1; `None`
    /// before the first read. `Bypass` and `Invalidate` are no reads.
    pub fn hit_ratio(&self) -> Option<f64> {
        let answered = self.hits + self.absent_hits + self.stale_hits;
        let reads = answered + self.misses;
        #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
        let ratio = answered as f64 / reads as f64;
        (reads > 0).then_some(ratio)
    }
}
