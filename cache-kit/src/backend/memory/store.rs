//! The seam to the store: all that an in-memory backend asks of a map that forgets. moka today; nothing else names it.

use crate::clock::Clock;
use crate::key::CacheKey;
use crate::shape::Erased;
use moka::Expiry;
use moka::sync::Cache;
use std::time::{Duration, Instant};

/// What an entry costs beside its key and value: the slot, the map's node, the policy's.
const OVERHEAD: usize = 128;

#[derive(Clone, Copy, Debug)]
pub(super) enum Bound {
    Entries(u64),
    Weight(u64),
}

/// One entry; `None` is an absent one.
#[derive(Clone)]
pub(super) struct Slot {
    pub(super) value: Option<Erased>,
    pub(super) ends: u64,
    pub(super) epoch: u64,
    pub(super) weight: usize,
}

pub(super) struct Store {
    entries: Cache<CacheKey, Slot, foldhash::fast::RandomState>,
    weighs: bool,
}

impl Store {
    pub(super) fn new(bound: Bound, clock: Clock) -> Self {
        let builder = Cache::builder().expire_after(FreeWhenEnded { clock });
        let (builder, weighs) = match bound {
            Bound::Entries(entries) => (builder.max_capacity(entries), false),
            Bound::Weight(bytes) => (builder.max_capacity(bytes).weigher(weigh), true),
        };
        Self {
            entries: builder.build_with_hasher(foldhash::fast::RandomState::default()),
            weighs,
        }
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<Slot> {
        self.entries.get(key)
    }

    pub(super) fn insert(&self, key: CacheKey, slot: Slot) {
        self.entries.insert(key, slot);
    }

    pub(super) fn remove(&self, key: &[u8]) {
        self.entries.invalidate(key);
    }

    pub(super) fn len(&self) -> u64 {
        self.entries.run_pending_tasks();
        self.entries.entry_count()
    }

    pub(super) fn weighs(&self) -> bool {
        self.weighs
    }
}

fn weigh(key: &CacheKey, slot: &Slot) -> u32 {
    u32::try_from(key.as_str().len() + slot.weight + OVERHEAD).unwrap_or(u32::MAX)
}

/// Has moka free the memory of what has ended. Whether an entry *may be read* is decided by the backend's own clock.
struct FreeWhenEnded {
    clock: Clock,
}

impl FreeWhenEnded {
    fn left(&self, slot: &Slot) -> Option<Duration> {
        // moka's time is the system's: under a turned clock it would forget what has not ended.
        (slot.ends != Clock::NEVER && self.clock.runs())
            .then(|| Duration::from_nanos(slot.ends.saturating_sub(self.clock.now())))
    }
}

impl Expiry<CacheKey, Slot> for FreeWhenEnded {
    fn expire_after_create(&self, _: &CacheKey, slot: &Slot, _: Instant) -> Option<Duration> {
        self.left(slot)
    }

    // Without this a replaced entry would keep the end of the old one.
    fn expire_after_update(
        &self,
        _: &CacheKey,
        slot: &Slot,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        self.left(slot)
    }
}
