use super::{CacheEvent, CacheStats, LoadOutcome, Watch};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The counters of a service, and its sink.
pub(crate) struct Observer {
    watch: Arc<Watch>,
    hits: Striped,
    absent_hits: Striped,
    stale_hits: Striped,
    misses: Striped,
    refreshes: AtomicU64,
    stand_ins: AtomicU64,
    loads: AtomicU64,
    load_failures: AtomicU64,
    coalesced: AtomicU64,
    fills: AtomicU64,
    superseded_fills: AtomicU64,
    puts: AtomicU64,
    invalidations: AtomicU64,
    decode_failures: AtomicU64,
    failures: AtomicU64,
}

impl Observer {
    pub(crate) fn new(watch: Arc<Watch>) -> Self {
        Self {
            watch,
            hits: Striped::default(),
            absent_hits: Striped::default(),
            stale_hits: Striped::default(),
            misses: Striped::default(),
            refreshes: AtomicU64::new(0),
            stand_ins: AtomicU64::new(0),
            loads: AtomicU64::new(0),
            load_failures: AtomicU64::new(0),
            coalesced: AtomicU64::new(0),
            fills: AtomicU64::new(0),
            superseded_fills: AtomicU64::new(0),
            puts: AtomicU64::new(0),
            invalidations: AtomicU64::new(0),
            decode_failures: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        }
    }

    /// Counts an event, and passes it on.
    pub(crate) fn record(&self, event: &CacheEvent<'_>) {
        match event {
            CacheEvent::Hit { .. } => self.hits.add(),
            CacheEvent::AbsentHit { .. } => self.absent_hits.add(),
            CacheEvent::StaleHit { .. } => self.stale_hits.add(),
            CacheEvent::Miss { .. } => self.misses.add(),
            CacheEvent::Refresh { .. } => add(&self.refreshes),
            CacheEvent::StandIn { .. } => add(&self.stand_ins),
            CacheEvent::Coalesced { .. } => add(&self.coalesced),
            CacheEvent::Load { outcome, .. } => self.count_load(*outcome),
            CacheEvent::Fill { .. } => add(&self.fills),
            CacheEvent::SupersededFill { .. } => add(&self.superseded_fills),
            CacheEvent::Put { .. } => add(&self.puts),
            CacheEvent::Invalidation { .. } => add(&self.invalidations),
            CacheEvent::DecodeFailure { .. } => add(&self.decode_failures),
            CacheEvent::Failure { .. } => add(&self.failures),
            // What the store does is counted there.
            CacheEvent::Eviction { .. } | CacheEvent::Up { .. } | CacheEvent::Down { .. } => {}
        }
        self.watch.tell(event);
    }

    pub(crate) fn watch(&self) -> &Arc<Watch> {
        &self.watch
    }

    fn count_load(&self, outcome: LoadOutcome) {
        add(&self.loads);
        if !matches!(outcome, LoadOutcome::Found | LoadOutcome::Absent) {
            add(&self.load_failures);
        }
    }

    /// Returns what has been counted; the sink learns how many entries there are.
    pub(crate) fn report(&self, entries: Option<u64>) -> CacheStats {
        if let Some(entries) = entries {
            self.watch.count_entries(entries);
        }
        self.stats(entries)
    }

    fn stats(&self, entries: Option<u64>) -> CacheStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CacheStats {
            hits: self.hits.sum(),
            absent_hits: self.absent_hits.sum(),
            stale_hits: self.stale_hits.sum(),
            misses: self.misses.sum(),
            refreshes: read(&self.refreshes),
            stand_ins: read(&self.stand_ins),
            loads: read(&self.loads),
            load_failures: read(&self.load_failures),
            coalesced: read(&self.coalesced),
            fills: read(&self.fills),
            superseded_fills: read(&self.superseded_fills),
            puts: read(&self.puts),
            invalidations: read(&self.invalidations),
            evictions: self.watch.evictions(),
            decode_failures: read(&self.decode_failures),
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
