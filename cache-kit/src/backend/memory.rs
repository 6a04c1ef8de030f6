mod builder;
mod evictions;
mod guards;
mod scopes;
mod store;

pub use builder::InMemoryBuilder;

use crate::entity::shape::Shape;
use crate::error::Result;
use crate::key::{CacheKey, KeyRef};
use crate::observe::Watcher;
use crate::runtime::clock::Clock;
use crate::store::tag::{Scope, Tag};
use crate::store::{
    CacheBackend, Entry, Fill, Filled, Intent, Lease, Lookup, Opened, Stale, Stamp, TagStamps,
};
use evictions::Evictions;
use guards::Guards;
use scopes::Scopes;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use store::{Bound, Content, Lifespan, Slot, Store};

/// What `guards` locks with; the model puts its own in this place.
mod sync {
    pub(super) use std::sync::{Mutex, MutexGuard};
}

/// Keeps entries in this process: a hit hands out the very `Arc` that was stored, without decoding
/// and without a future.
///
/// Which entries stay, and when one ends, is moka's to decide (`TinyLFU`, and a clock that tests
/// can turn). The fill protocol runs on striped generation counters: an invalidation bumps the
/// counter of its key's stripe, a fill is stored only if the counter is the one its permit saw. Two
/// keys of one stripe (there are 4096) void each other's permits, which costs a load and never
/// correctness.
///
/// Clones share the entries.
///
/// ```
/// use cache_kit::prelude::*;
///
/// let bounded = InMemoryBackend::builder().capacity(10_000).build()?;
/// let heavy = InMemoryBackend::builder().max_weight(64 << 20).build()?;
/// # let _ = (bounded, heavy);
/// # Ok::<(), cache_kit::Error>(())
/// ```
#[derive(Clone)]
pub struct InMemoryBackend(Arc<Shared>);

struct Shared {
    store: Store,
    guards: Guards,
    scopes: Scopes,
    clock: Clock,
    evictions: Arc<Evictions>,
}

/// Is the right to store under one key, while nothing invalidates it.
pub struct MemoryPermit {
    key: CacheKey,
    generation: u64,
    epoch: u64,
}

impl fmt::Debug for MemoryPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryPermit")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

impl InMemoryBackend {
    /// How many entries a backend holds unless its builder says otherwise.
    pub const DEFAULT_CAPACITY: u64 = 100_000;

    /// Makes a backend for [`DEFAULT_CAPACITY`](Self::DEFAULT_CAPACITY) entries.
    #[must_use]
    pub fn new() -> Self {
        Self::from_parts(Bound::Entries(Self::DEFAULT_CAPACITY), Clock::system())
    }

    /// Sets up a backend.
    pub fn builder() -> InMemoryBuilder {
        InMemoryBuilder::new()
    }

    fn from_parts(bound: Bound, clock: Clock) -> Self {
        let evictions = Arc::<Evictions>::default();
        Self(Arc::new(Shared {
            store: Store::new(bound, clock.clone(), Arc::clone(&evictions)),
            guards: Guards::starting_at(first_generation()),
            scopes: Scopes::default(),
            clock,
            evictions,
        }))
    }
}

impl Default for InMemoryBackend {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for InMemoryBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemoryBackend")
            .field("entries", &self.0.store.len())
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// Looks again, after a peek has: the store has noted already that the key was asked for, and
    /// must not count it thrice.
    fn look_again(&self, key: &CacheKey, shape: &'static Shape) -> Lookup {
        let key = key.borrowed();
        if self.store.contains(key.as_bytes()) {
            self.look_up(key, shape)
        } else {
            Lookup::Miss(Some(self.stamp(key)))
        }
    }

    fn look_up(&self, key: KeyRef<'_>, shape: &'static Shape) -> Lookup {
        // Read before the entry: what a clear in between kills is then looked up in the scopes.
        let epoch = self.scopes.epoch();
        let live = self.store.get(key.as_bytes()).filter(|slot| {
            slot.epoch >= epoch || self.scopes.is_live(key.prefix(), slot.tags(), slot.epoch)
        });
        if let Some(slot) = live {
            let age = self.clock.age(slot.lifespan.written);
            let age = age.lasting(slot.lifespan.ttl());
            match slot.content {
                Content::Value(value) if shape.describes(&value) => {
                    return match slot.lifespan.stale_since(&self.clock) {
                        None => Lookup::Hit { value, age },
                        Some(since) => Lookup::Stale(Stale {
                            value,
                            age,
                            since,
                            stamp: self.stamp(key),
                        }),
                    };
                }
                Content::Absent(type_id) if type_id == shape.type_id() => {
                    return Lookup::Absent { age };
                }
                _ => {}
            }
        }
        Lookup::Miss(Some(self.stamp(key)))
    }

    fn stamp(&self, key: KeyRef<'_>) -> Stamp {
        let cleared = self.scopes.cleared_at(key.prefix());
        stamp_of(self.guards.generation(key.as_bytes()), cleared)
    }

    fn open(&self, key: &CacheKey, shape: &'static Shape) -> Opened<MemoryPermit> {
        let generation = self.guards.generation(key.borrowed().as_bytes());
        let epoch = self.scopes.epoch();
        let cleared = self.scopes.cleared_at(key.borrowed().prefix());
        Opened {
            found: self.look_again(key, shape),
            permit: MemoryPermit {
                key: key.clone(),
                generation,
                epoch,
            },
            stamp: stamp_of(generation, cleared),
            lease: Lease::Held,
        }
    }

    /// Makes the slot of what is to be stored, if anything is. An entry carries the epoch of its
    /// permit: what was loaded before a clear is dead, even if it is stored after it.
    fn slot(&self, fill: &Fill<MemoryPermit>, shape: &'static Shape) -> Option<Slot> {
        let (content, weight) = match &fill.entry {
            Entry::Value(value) => {
                let weight = self.store.weighs().then(|| shape.weigh(value));
                (Content::Value(Arc::clone(value)), weight.unwrap_or(0))
            }
            Entry::Absent => (Content::Absent(shape.type_id()), 0),
            Entry::Gone => return None,
        };
        Some(Slot {
            content,
            lifespan: Lifespan::beginning(self.clock.now(), fill),
            epoch: fill.permit.epoch,
            tags: Slot::ids_of(&fill.tags),
            weight,
        })
    }

    fn replace(&self, key: &CacheKey, slot: Option<Slot>) {
        match slot {
            Some(slot) => self.store.insert(key, slot),
            None => self.store.remove(key.borrowed().as_bytes()),
        }
    }

    fn fill(&self, fill: Fill<MemoryPermit>, shape: &'static Shape) -> Filled {
        let slot = self.slot(&fill, shape);
        let tags: Vec<_> = fill.tags.iter().map(|tagged| tagged.tag.id()).collect();
        let MemoryPermit {
            key,
            generation,
            epoch,
        } = fill.permit;
        if !self.scopes.is_live(key.borrowed().prefix(), &tags, epoch) {
            return Filled::Superseded;
        }
        let is_stored = self.guards.fill(key.borrowed().as_bytes(), generation, || {
            self.replace(&key, slot);
        });
        if is_stored {
            Filled::Stored
        } else {
            Filled::Superseded
        }
    }

    fn put(&self, put: Fill<MemoryPermit>, shape: &'static Shape) -> Filled {
        let slot = self.slot(&put, shape);
        let tags: Vec<_> = put.tags.iter().map(|tagged| tagged.tag.id()).collect();
        let MemoryPermit {
            key,
            generation,
            epoch,
        } = put.permit;
        let is_live = self.scopes.is_live(key.borrowed().prefix(), &tags, epoch);
        let is_stored = self
            .guards
            .put(key.borrowed().as_bytes(), generation, |is_unchanged| {
                if is_unchanged && is_live {
                    self.replace(&key, slot);
                    true
                } else {
                    self.store.remove(key.borrowed().as_bytes());
                    false
                }
            });
        if is_stored {
            Filled::Stored
        } else {
            Filled::Superseded
        }
    }

    fn invalidate(&self, key: &CacheKey) {
        let bytes = key.borrowed().as_bytes();
        self.guards.invalidate(bytes, || self.store.remove(bytes));
    }
}

/// Far from where any other backend of this process began: a permit of one is void in another.
fn first_generation() -> u64 {
    static BACKENDS: AtomicU64 = AtomicU64::new(0);
    BACKENDS.fetch_add(1, Ordering::Relaxed) << 40
}

fn stamp_of(generation: u64, cleared: u64) -> Stamp {
    Stamp::new((u128::from(generation) << 64) | u128::from(cleared))
}

impl CacheBackend for InMemoryBackend {
    type Permit = MemoryPermit;

    fn peek(&self, key: KeyRef<'_>, shape: &'static Shape) -> Option<Lookup> {
        let found = self.0.look_up(key, shape);
        self.0.evictions.tell();
        Some(found)
    }

    async fn read(&self, keys: &[CacheKey], shape: &'static Shape) -> Vec<Result<Lookup>> {
        let read = keys.iter().map(|key| Ok(self.0.look_again(key, shape)));
        let read = read.collect();
        self.0.evictions.tell();
        read
    }

    async fn open(
        &self,
        keys: &[CacheKey],
        shape: &'static Shape,
        _: Intent,
    ) -> Vec<Result<Opened<MemoryPermit>>> {
        keys.iter().map(|key| Ok(self.0.open(key, shape))).collect()
    }

    async fn fill(
        &self,
        fills: Vec<Fill<MemoryPermit>>,
        shape: &'static Shape,
    ) -> Vec<Result<Filled>> {
        let filled = fills.into_iter().map(|fill| Ok(self.0.fill(fill, shape)));
        let filled = filled.collect();
        self.0.evictions.tell();
        filled
    }

    async fn put(
        &self,
        puts: Vec<Fill<MemoryPermit>>,
        shape: &'static Shape,
    ) -> Vec<Result<Filled>> {
        let stored = puts.into_iter().map(|put| Ok(self.0.put(put, shape)));
        let stored = stored.collect();
        self.0.evictions.tell();
        stored
    }

    async fn invalidate(&self, keys: &[CacheKey]) -> Vec<Result<()>> {
        for key in keys {
            self.0.invalidate(key);
        }
        self.0.evictions.tell();
        vec![Ok(()); keys.len()]
    }

    async fn clear(&self, scope: Scope<'_>) -> Result<()> {
        self.0.scopes.clear(scope);
        Ok(())
    }

    /// A permit knows since when it is: what was cleared after that voids it, and nothing has to be
    /// asked.
    async fn stamp_tags(
        &self,
        _: Option<&str>,
        tags: &[Tag],
        _: Option<Duration>,
    ) -> Result<TagStamps> {
        Ok(TagStamps {
            tags: vec![Stamp::new(0); tags.len()],
            epoch: Stamp::new(0),
        })
    }

    async fn health(&self) -> Result<()> {
        Ok(())
    }

    async fn run_pending_tasks(&self) -> Result<()> {
        self.0.store.tidy();
        self.0.evictions.tell();
        Ok(())
    }

    fn entries(&self) -> Option<u64> {
        let entries = self.0.store.len();
        self.0.evictions.tell();
        Some(entries)
    }

    fn answers_at_once(&self) -> bool {
        true
    }

    fn watch(&self, watcher: Watcher) {
        watcher.reaches("memory", true);
        self.0.evictions.watchers().add(watcher);
    }
}
