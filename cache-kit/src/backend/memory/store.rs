//! The seam to the store: all that an in-memory backend asks of a map that forgets. moka today;
//! nothing else names it.

use super::evictions::Evictions;
use crate::entity::shape::Erased;
use crate::key::{CacheKey, KeyRef};
use crate::observe::EvictionCause;
use crate::runtime::clock::Clock;
use crate::store::{Fill, Tagged};
use moka::Expiry;
use moka::notification::RemovalCause;
use moka::sync::Cache;
use std::any::TypeId;
use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What an entry costs beside its key and value: the slot, the map's node, the policy's.
const OVERHEAD: usize = 128;

#[derive(Clone, Copy, Debug)]
pub(super) enum Bound {
    Entries(u64),
    Weight(u64),
}

/// A key as the map holds it: the text of a usual one lies beside its length and the map's own
/// reference count, so that comparing it fetches one cache line.
enum StoredKey {
    /// The length, and that of the prefix.
    Short([u8; 2], [u8; Self::SHORT]),
    Long(u16, Box<[u8]>),
}

impl StoredKey {
    /// With the length, the variant and the map's two counts it comes to 64 bytes.
    const SHORT: usize = 45;

    fn new(key: KeyRef<'_>) -> Self {
        let (text, prefix_len) = (key.as_bytes(), key.prefix().len());
        let mut bytes = [0; Self::SHORT];
        let lens = u8::try_from(text.len())
            .ok()
            .zip(u8::try_from(prefix_len).ok());
        match (lens, bytes.get_mut(..text.len())) {
            (Some((len, prefix_len)), Some(start)) => {
                start.copy_from_slice(text);
                Self::Short([len, prefix_len], bytes)
            }
            // No prefix is longer than its limit.
            _ => Self::Long(u16::try_from(prefix_len).unwrap_or(0), text.into()),
        }
    }

    fn prefix(&self) -> &[u8] {
        match self {
            Self::Short([_, len], bytes) => &bytes[..usize::from(*len)],
            Self::Long(len, bytes) => bytes.get(..usize::from(*len)).unwrap_or_default(),
        }
    }

    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Short([len, _], bytes) => &bytes[..usize::from(*len)],
            Self::Long(_, bytes) => bytes,
        }
    }
}

impl Borrow<[u8]> for StoredKey {
    fn borrow(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl Hash for StoredKey {
    // As the borrowed bytes hash: the map is asked with those.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl PartialEq for StoredKey {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for StoredKey {}

/// One entry.
#[derive(Clone)]
pub(super) struct Slot {
    pub(super) content: Content,
    pub(super) lifespan: Lifespan,
    pub(super) epoch: u64,
    /// The ids of its tags. Few entries have any: a hit that copies a slot should not copy a list.
    pub(super) tags: Option<Arc<[u64]>>,
    pub(super) weight: usize,
}

impl Slot {
    pub(super) fn tags(&self) -> &[u64] {
        self.tags.as_deref().unwrap_or_default()
    }

    pub(super) fn ids_of(tags: &[Tagged]) -> Option<Arc<[u64]>> {
        (!tags.is_empty()).then(|| tags.iter().map(|tagged| tagged.tag.id()).collect())
    }
}

/// From when to when an entry lives, in times of the store's clock.
#[derive(Clone, Copy)]
pub(super) struct Lifespan {
    pub(super) written: u64,
    /// When it is fresh no longer, and when it is gone.
    stales: u64,
    ends: u64,
}

impl Lifespan {
    pub(super) fn beginning<P>(now: u64, fill: &Fill<P>) -> Self {
        Self {
            written: now,
            stales: Clock::end_of(now, fill.ttl),
            ends: Clock::end_of(now, fill.kept()),
        }
    }

    /// For how long altogether the entry is fresh; zero is for ever.
    pub(super) fn ttl(&self) -> u64 {
        if self.stales == Clock::NEVER {
            return 0;
        }
        self.stales.saturating_sub(self.written)
    }

    /// Says how long an entry that is not gone has been stale, if it is. One that is not kept any
    /// longer than it is fresh needs no clock.
    pub(super) fn stale_since(&self, clock: &Clock) -> Option<Duration> {
        if self.stales == self.ends {
            return None;
        }
        let since = clock.now().checked_sub(self.stales)?;
        Some(Duration::from_nanos(since))
    }
}

/// What an entry says; of which type there is none matters as much as of which there is one.
#[derive(Clone)]
pub(super) enum Content {
    Value(Erased),
    Absent(TypeId),
}

pub(super) struct Store {
    entries: Cache<StoredKey, Slot, foldhash::fast::RandomState>,
    weighs: bool,
    /// A clock that tests turn. moka knows only the system's, and ends nothing by this one.
    turned: Option<Clock>,
}

impl Store {
    pub(super) fn new(bound: Bound, clock: Clock, evictions: Arc<Evictions>) -> Self {
        let turned = (!clock.runs()).then(|| clock.clone());
        let builder = Cache::builder()
            .expire_after(End { clock })
            .eviction_listener(move |key: Arc<StoredKey>, _, cause| {
                if let Some(cause) = cause_of(cause) {
                    evictions.note(key.prefix(), cause);
                }
            });
        let (builder, weighs) = match bound {
            Bound::Entries(entries) => (builder.max_capacity(entries), false),
            Bound::Weight(bytes) => (builder.max_capacity(bytes).weigher(weigh), true),
        };
        Self {
            entries: builder.build_with_hasher(foldhash::fast::RandomState::default()),
            weighs,
            turned,
        }
    }

    /// Returns an entry that has not ended. With the system's clock that is moka's to see: to read
    /// the clock again would be a quarter of our own cost.
    pub(super) fn get(&self, key: &[u8]) -> Option<Slot> {
        let slot = self.entries.get(key)?;
        let has_ended = self
            .turned
            .as_ref()
            .is_some_and(|clock| clock.now() >= slot.lifespan.ends);
        (!has_ended).then_some(slot)
    }

    /// Says whether there is an entry, without counting that it was asked for. Under a turned clock
    /// it may have ended.
    pub(super) fn contains(&self, key: &[u8]) -> bool {
        self.entries.contains_key(key)
    }

    pub(super) fn insert(&self, key: &CacheKey, slot: Slot) {
        let key = StoredKey::new(key.borrowed());
        self.entries.insert(key, slot);
    }

    pub(super) fn remove(&self, key: &[u8]) {
        self.entries.invalidate(key);
    }

    /// Drops what has expired or is too much.
    pub(super) fn tidy(&self) {
        self.entries.run_pending_tasks();
    }

    pub(super) fn len(&self) -> u64 {
        self.tidy();
        self.entries.entry_count()
    }

    pub(super) fn weighs(&self) -> bool {
        self.weighs
    }
}

fn weigh(key: &StoredKey, slot: &Slot) -> u32 {
    let weight = slot.weight.saturating_add(key.as_bytes().len() + OVERHEAD);
    u32::try_from(weight).unwrap_or(u32::MAX)
}

/// What moka did by itself; the rest was asked for.
fn cause_of(cause: RemovalCause) -> Option<EvictionCause> {
    match cause {
        RemovalCause::Expired => Some(EvictionCause::Expired),
        RemovalCause::Size => Some(EvictionCause::Capacity),
        RemovalCause::Explicit | RemovalCause::Replaced => None,
    }
}

/// Tells moka when an entry ends.
struct End {
    clock: Clock,
}

impl End {
    fn left(&self, slot: &Slot) -> Option<Duration> {
        // moka's time is the system's: under a turned clock it would forget what has not ended.
        let ends = slot.lifespan.ends;
        (ends != Clock::NEVER && self.clock.runs())
            .then(|| Duration::from_nanos(ends.saturating_sub(self.clock.now())))
    }
}

impl Expiry<StoredKey, Slot> for End {
    fn expire_after_create(&self, _: &StoredKey, slot: &Slot, _: Instant) -> Option<Duration> {
        self.left(slot)
    }

    // Without this a replaced entry would keep the end of the old one.
    fn expire_after_update(
        &self,
        _: &StoredKey,
        slot: &Slot,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        self.left(slot)
    }
}
