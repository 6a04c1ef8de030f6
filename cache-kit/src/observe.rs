//! What happens in a cache, counted always and told to whoever wants to know.

use crate::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Is told of everything that happens in a cache.
///
/// Called on the caller's task, so it should be quick. A sink that panics is contained: the call it was told of goes on.
///
/// | what happens | events |
/// | --- | --- |
/// | a read finds a value | `Hit` |
/// | a read finds that there is none | `AbsentHit` |
/// | a read finds nothing | `Miss` |
/// | the miss loads | then `Load`, and `Fill` or `SupersededFill` if there was something to store |
/// | the miss waits for another's load | then `Coalesced` |
/// | `Invalidate` | `Invalidation`, `Load`, `Fill` |
/// | `Bypass` | `Load` |
/// | a put | `Put`, or `Invalidation` if the entry could not be replaced |
/// | a removal | `Invalidation` |
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
}

impl<M: CacheMetrics + ?Sized> CacheMetrics for Box<M> {
    fn record(&self, event: &CacheEvent<'_>) {
        (**self).record(event);
    }
}

impl<M: CacheMetrics + ?Sized> CacheMetrics for std::sync::Arc<M> {
    fn record(&self, event: &CacheEvent<'_>) {
        (**self).record(event);
    }
}

/// Is one thing that happened. Prefixes are safe as labels; keys and values are never part of an event.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CacheEvent<'a> {
    /// A read found a fresh value.
    #[non_exhaustive]
    Hit {
        /// The entity's prefix.
        prefix: &'a str,
    },
    /// A read found the knowledge that the repository has nothing.
    #[non_exhaustive]
    AbsentHit {
        /// The entity's prefix.
        prefix: &'a str,
    },
    /// A read found nothing fresh.
    #[non_exhaustive]
    Miss {
        /// The entity's prefix.
        prefix: &'a str,
    },
    /// A caller waited for a load that was in progress, and got what it brought.
    #[non_exhaustive]
    Coalesced {
        /// The entity's prefix.
        prefix: &'a str,
    },
    /// The repository was asked, and answered.
    #[non_exhaustive]
    Load {
        /// The entity's prefix.
        prefix: &'a str,
        /// How it answered.
        outcome: LoadOutcome,
        /// How long it took.
        elapsed: Duration,
    },
    /// A loaded value or absence was stored.
    #[non_exhaustive]
    Fill {
        /// The entity's prefix.
        prefix: &'a str,
    },
    /// A loaded value was not stored: an invalidation, put or clear came after the load began.
    #[non_exhaustive]
    SupersededFill {
        /// The entity's prefix.
        prefix: &'a str,
    },
    /// A written value replaced the entry.
    #[non_exhaustive]
    Put {
        /// The entity's prefix.
        prefix: &'a str,
    },
    /// An entry, or a whole prefix, was dropped.
    #[non_exhaustive]
    Invalidation {
        /// The entity's prefix.
        prefix: &'a str,
        /// Why.
        source: InvalidationSource,
    },
    /// The cache itself failed; the caller was served without it where that was possible.
    #[non_exhaustive]
    Failure {
        /// The entity's prefix.
        prefix: &'a str,
        /// What was being done.
        operation: Operation,
        /// What went wrong.
        error: &'a Error,
    },
}

impl CacheEvent<'_> {
    /// Returns the prefix of the entity that this is about.
    pub fn prefix(&self) -> &str {
        match self {
            Self::Hit { prefix }
            | Self::AbsentHit { prefix }
            | Self::Miss { prefix }
            | Self::Coalesced { prefix }
            | Self::Load { prefix, .. }
            | Self::Fill { prefix }
            | Self::SupersededFill { prefix }
            | Self::Put { prefix }
            | Self::Invalidation { prefix, .. }
            | Self::Failure { prefix, .. } => prefix,
        }
    }

    /// Returns the name of what happened, as a label: `hit`, `absent_hit`, `miss`, `coalesced`, `load`, `fill`, `superseded_fill`, `put`,
    /// `invalidation` or `failure`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hit { .. } => "hit",
            Self::AbsentHit { .. } => "absent_hit",
            Self::Miss { .. } => "miss",
            Self::Coalesced { .. } => "coalesced",
            Self::Load { .. } => "load",
            Self::Fill { .. } => "fill",
            Self::SupersededFill { .. } => "superseded_fill",
            Self::Put { .. } => "put",
            Self::Invalidation { .. } => "invalidation",
            Self::Failure { .. } => "failure",
        }
    }
}

/// Says how a load ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoadOutcome {
    /// With an entity.
    Found,
    /// With the answer that there is none.
    Absent,
    /// With an error, or an entity that is not valid.
    Failed,
    /// With a panic.
    Panicked,
    /// Not at all: the caller was dropped.
    Cancelled,
}

/// Says why an entry was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InvalidationSource {
    /// `invalidate` was called.
    Call,
    /// The strategy was `Invalidate`.
    Strategy,
    /// A write whose result could not replace the entry.
    Put,
    /// A removal.
    Evict,
    /// A write or removal was dropped half way.
    Abandoned,
    /// The whole prefix was cleared.
    Clear,
}

/// Says what the cache was doing when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Checking the entity's declaration or a key.
    Declare,
    /// Reading entries.
    Read,
    /// Asking for a permit.
    Open,
    /// Validating what was loaded.
    Load,
    /// Waiting for another caller's load.
    Wait,
    /// Storing what was loaded.
    Fill,
    /// Storing what was written.
    Put,
    /// Dropping entries.
    Invalidate,
}

/// Counts what has happened in a cache since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// Reads that found a fresh value.
    pub hits: u64,
    /// Reads that found that there is none.
    pub absent_hits: u64,
    /// Reads that found nothing fresh.
    pub misses: u64,
    /// Times the repository was asked.
    pub loads: u64,
    /// Loads that failed, panicked, were dropped, or brought an invalid entity.
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
    /// Times the cache itself failed.
    pub failures: u64,
    /// Entries that occupy memory now, where the backend knows. Cleared and ended ones count until they are freed.
    pub entries: Option<u64>,
}

impl CacheStats {
    /// Returns the share of reads that the cache answered, absences included, from 0 to 1; `None` before the first read. `Bypass` and
    /// `Invalidate` are no reads.
    pub fn hit_ratio(&self) -> Option<f64> {
        let answered = self.hits + self.absent_hits;
        let reads = answered + self.misses;
        #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
        let ratio = answered as f64 / reads as f64;
        (reads > 0).then_some(ratio)
    }
}

/// The counters of a service, and its sink.
pub(crate) struct Observer {
    sink: Option<Box<dyn CacheMetrics>>,
    hits: Striped,
    absent_hits: Striped,
    misses: Striped,
    loads: AtomicU64,
    load_failures: AtomicU64,
    coalesced: AtomicU64,
    fills: AtomicU64,
    superseded_fills: AtomicU64,
    puts: AtomicU64,
    invalidations: AtomicU64,
    failures: AtomicU64,
}

impl Observer {
    pub(crate) fn new(sink: Option<Box<dyn CacheMetrics>>) -> Self {
        Self {
            sink,
            hits: Striped::default(),
            absent_hits: Striped::default(),
            misses: Striped::default(),
            loads: AtomicU64::new(0),
            load_failures: AtomicU64::new(0),
            coalesced: AtomicU64::new(0),
            fills: AtomicU64::new(0),
            superseded_fills: AtomicU64::new(0),
            puts: AtomicU64::new(0),
            invalidations: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        }
    }

    /// Counts an event, and passes it on.
    pub(crate) fn record(&self, event: &CacheEvent<'_>) {
        match event {
            CacheEvent::Hit { .. } => self.hits.add(),
            CacheEvent::AbsentHit { .. } => self.absent_hits.add(),
            CacheEvent::Miss { .. } => self.misses.add(),
            CacheEvent::Coalesced { .. } => add(&self.coalesced),
            CacheEvent::Load { outcome, .. } => self.count_load(*outcome),
            CacheEvent::Fill { .. } => add(&self.fills),
            CacheEvent::SupersededFill { .. } => add(&self.superseded_fills),
            CacheEvent::Put { .. } => add(&self.puts),
            CacheEvent::Invalidation { .. } => add(&self.invalidations),
            CacheEvent::Failure { .. } => add(&self.failures),
        }
        if let Some(sink) = &self.sink {
            tell(&**sink, event);
        }
    }

    fn count_load(&self, outcome: LoadOutcome) {
        add(&self.loads);
        if !matches!(outcome, LoadOutcome::Found | LoadOutcome::Absent) {
            add(&self.load_failures);
        }
    }

    pub(crate) fn stats(&self, entries: Option<u64>) -> CacheStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CacheStats {
            hits: self.hits.sum(),
            absent_hits: self.absent_hits.sum(),
            misses: self.misses.sum(),
            loads: read(&self.loads),
            load_failures: read(&self.load_failures),
            coalesced: read(&self.coalesced),
            fills: read(&self.fills),
            superseded_fills: read(&self.superseded_fills),
            puts: read(&self.puts),
            invalidations: read(&self.invalidations),
            failures: read(&self.failures),
            entries,
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer")
            .field("stats", &self.stats(None))
            .finish_non_exhaustive()
    }
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

#[cold]
fn tell(sink: &dyn CacheMetrics, event: &CacheEvent<'_>) {
    // The sink is the user's: what it leaves behind when it panics is its own.
    if catch_unwind(AssertUnwindSafe(|| sink.record(event))).is_err() {
        tracing::error!("a cache metrics sink panicked");
    }
}

/// A counter that threads on different cores can raise without passing a cache line back and forth.
#[derive(Default)]
struct Striped([Padded; Self::STRIPES]);

#[derive(Default)]
#[repr(align(128))]
struct Padded(AtomicU64);

impl Striped {
    const STRIPES: usize = 16;

    fn add(&self) {
        thread_local! {
            static STRIPE: usize = next_stripe();
        }
        add(&self.0[STRIPE.with(|stripe| *stripe)].0);
    }

    fn sum(&self) -> u64 {
        self.0
            .iter()
            .map(|stripe| stripe.0.load(Ordering::Relaxed))
            .sum()
    }
}

fn next_stripe() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    THREADS.fetch_add(1, Ordering::Relaxed) % Striped::STRIPES
}
