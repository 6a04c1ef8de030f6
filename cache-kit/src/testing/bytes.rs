//! A store of bytes by the rules that a remote one follows: a guard beside each key, values that
//! carry the guard they were loaded under, and no state for a key that nobody has opened.

#[cfg(feature = "encryption")]
use crate::backend::envelope::Encryption;
use crate::backend::envelope::{self, Header, Sealed, Wrap};
use crate::codec::Encoding;
use crate::entity::shape::Shape;
use crate::error::Result;
use crate::key::CacheKey;
use crate::runtime::clock::Age;
use crate::runtime::clock::Clock;
use crate::store::tag::{Scope, Tag, namespace_of};
use crate::store::{
    CacheBackend, Entry, Fill, Filled, Intent, Lease, Lookup, Opened, Stamp, TagStamps, tags_of,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Keeps entries as bytes in this process. It yields before each answer, as a store across a
/// network would.
///
/// It is for tests: one lock, no bound. It proves that [`CacheBackend`] can be implemented over
/// encoded values.
#[derive(Clone, Debug)]
pub struct ByteBackend {
    tables: Arc<Mutex<Tables>>,
    clock: Clock,
    pub(super) wrap: Wrap,
}

/// Of a millisecond, which is how entries count time.
const NANOS: u64 = 1_000_000;

#[derive(Debug, Default)]
struct Tables {
    /// A guard is a number that is never used again.
    guards: HashMap<CacheKey, u64>,
    prefix_guards: HashMap<String, u64>,
    values: HashMap<CacheKey, Vec<u8>>,
    tag_guards: HashMap<u64, u64>,
    /// By namespace.
    tag_epochs: HashMap<String, u64>,
    last_guard: u64,
}

/// Is the pair of guards that were found at `open`.
#[derive(Debug)]
pub struct BytePermit {
    key: CacheKey,
    guard: u64,
    prefix_guard: u64,
}

impl Default for ByteBackend {
    fn default() -> Self {
        Self::new(Clock::system())
    }
}

impl ByteBackend {
    /// Makes an empty store whose entries end by this clock.
    pub fn new(clock: impl Into<Clock>) -> Self {
        Self {
            tables: Arc::default(),
            clock: clock.into(),
            wrap: Wrap::default(),
        }
    }

    /// Encodes with another codec the entities that do not choose their own.
    #[must_use]
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.wrap.encoding = encoding;
        self
    }

    /// Compresses payloads of more than so many bytes, where that makes them smaller.
    #[cfg(feature = "compression")]
    #[must_use]
    pub fn compress_above(mut self, bytes: usize) -> Self {
        self.wrap.compress_above = Some(bytes);
        self
    }

    /// Encrypts payloads, and believes no others.
    #[cfg(feature = "encryption")]
    #[must_use]
    pub fn encryption(mut self, encryption: Encryption) -> Self {
        self.wrap.encryption = Some(encryption);
        self
    }

    /// Replaces the stored bytes of an entry, to see what a reader makes of them; `false` if there
    /// is no entry.
    pub fn tamper(&self, key: &CacheKey, change: impl FnOnce(&mut Vec<u8>)) -> bool {
        self.tables().values.get_mut(key).map(change).is_some()
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time, as entries have it.
    fn now(&self) -> u64 {
        self.clock.now() / NANOS
    }

    fn encode(&self, fill: &Fill<BytePermit>, shape: &'static Shape) -> Result<Vec<u8>> {
        let permit = &fill.permit;
        let header = Header {
            fingerprint: shape.fingerprint(),
            stamp: permit.guard,
            prefix_stamp: permit.prefix_guard,
            soft: fill.ttl,
            hard: fill.kept(),
            tags: tags_of(fill),
            ..Header::default()
        };
        let mut bytes = self.wrap.seal(&permit.key, header, &fill.entry, shape)?;
        envelope::stamp_time(&mut bytes, self.now());
        Ok(bytes)
    }

    fn read_one(&self, key: &CacheKey, shape: &'static Shape) -> Result<Lookup> {
        let mut locked = self.tables();
        let tables = &mut *locked;
        let Some(guard) = tables.guards.get(key).copied() else {
            return Ok(Lookup::Miss(None));
        };
        let prefix_guard = tables.prefix_guard(key.prefix());
        let miss = Lookup::Miss(Some(stamp_of(guard, prefix_guard)));
        let Some(bytes) = tables.values.get(key) else {
            return Ok(miss);
        };
        let sealed = Sealed::read(bytes)?;
        let age = Duration::from_millis(self.now().saturating_sub(sealed.written));
        let has_ended = sealed.header.hard.is_some_and(|lifetime| age >= lifetime);
        // Before the checksum: what was cleared or has ended is a miss, damaged or not.
        let mut tags = sealed.header.tags.iter();
        let is_tag_live = |(tag, stamp): &(u64, u64)| tables.tag_guards.get(tag) == Some(stamp);
        if has_ended || !sealed.is_current(guard, prefix_guard, shape) || !tags.all(is_tag_live) {
            return Ok(miss);
        }
        let stamp = stamp_of(guard, prefix_guard);
        let found = self
            .wrap
            .look_up(key, sealed, (Age::new(age), stamp), shape)?;
        Ok(found.unwrap_or(miss))
    }

    fn open_one(&self, key: &CacheKey, shape: &'static Shape) -> Opened<BytePermit> {
        let mut tables = self.tables();
        let guard = match tables.guards.get(key) {
            Some(guard) => *guard,
            None => tables.renew_guard(key),
        };
        let prefix_guard = tables.prefix_guard(key.prefix());
        drop(tables);
        Opened {
            permit: BytePermit {
                key: key.clone(),
                guard,
                prefix_guard,
            },
            stamp: stamp_of(guard, prefix_guard),
            found: self.read_one(key, shape).unwrap_or(Lookup::Miss(None)),
            lease: Lease::Held,
        }
    }

    fn fill_one(&self, fill: Fill<BytePermit>, shape: &'static Shape) -> Result<Filled> {
        let bytes = self.encode(&fill, shape)?;
        let mut tables = self.tables();
        if !tables.is_unchanged(&fill.permit) {
            return Ok(Filled::Superseded);
        }
        if let Entry::Gone = fill.entry {
            tables.values.remove(&fill.permit.key);
        } else {
            tables.values.insert(fill.permit.key, bytes);
        }
        Ok(Filled::Stored)
    }

    fn put_one(&self, mut put: Fill<BytePermit>, shape: &'static Shape) -> Result<Filled> {
        let key = put.permit.key.clone();
        let mut tables = self.tables();
        if !tables.is_unchanged(&put.permit) {
            tables.forget(&key);
            return Ok(Filled::Superseded);
        }
        // Under a new guard: whoever is loading now must not overwrite it.
        put.permit.guard = tables.renew_guard(&key);
        drop(tables);
        self.fill_one(put, shape)
    }
}

impl Tables {
    fn next_guard(&mut self) -> u64 {
        self.last_guard += 1;
        self.last_guard
    }

    fn renew_guard(&mut self, key: &CacheKey) -> u64 {
        let guard = self.next_guard();
        self.guards.insert(key.clone(), guard);
        guard
    }

    fn prefix_guard(&mut self, prefix: &str) -> u64 {
        if let Some(guard) = self.prefix_guards.get(prefix) {
            return *guard;
        }
        let guard = self.next_guard();
        self.prefix_guards.insert(prefix.to_owned(), guard);
        guard
    }

    fn tag_guard(&mut self, tag: &Tag) -> Stamp {
        let new = self.next_guard();
        let guard = *self.tag_guards.entry(tag.id()).or_insert(new);
        Stamp::new(guard.into())
    }

    fn tag_epoch(&mut self, namespace: &str) -> Stamp {
        let new = self.next_guard();
        let epoch = self.tag_epochs.entry(namespace.to_owned()).or_insert(new);
        Stamp::new((*epoch).into())
    }

    fn is_unchanged(&mut self, permit: &BytePermit) -> bool {
        self.guards.get(&permit.key) == Some(&permit.guard)
            && self.prefix_guard(permit.key.prefix()) == permit.prefix_guard
    }

    fn forget(&mut self, key: &CacheKey) {
        self.guards.remove(key);
        self.values.remove(key);
    }
}

fn stamp_of(guard: u64, prefix_guard: u64) -> Stamp {
    Stamp::new((u128::from(guard) << 64) | u128::from(prefix_guard))
}

/// As long as a store on the same machine takes, in the scheduler's eyes.
async fn travel() {
    tokio::task::yield_now().await;
}

impl CacheBackend for ByteBackend {
    type Permit = BytePermit;

    async fn read(&self, keys: &[CacheKey], shape: &'static Shape) -> Vec<Result<Lookup>> {
        travel().await;
        keys.iter().map(|key| self.read_one(key, shape)).collect()
    }

    async fn open(
        &self,
        keys: &[CacheKey],
        shape: &'static Shape,
        _: Intent,
    ) -> Vec<Result<Opened<BytePermit>>> {
        travel().await;
        keys.iter()
            .map(|key| Ok(self.open_one(key, shape)))
            .collect()
    }

    async fn fill(
        &self,
        fills: Vec<Fill<BytePermit>>,
        shape: &'static Shape,
    ) -> Vec<Result<Filled>> {
        travel().await;
        fills
            .into_iter()
            .map(|fill| self.fill_one(fill, shape))
            .collect()
    }

    async fn put(&self, puts: Vec<Fill<BytePermit>>, shape: &'static Shape) -> Vec<Result<Filled>> {
        travel().await;
        puts.into_iter()
            .map(|put| self.put_one(put, shape))
            .collect()
    }

    async fn invalidate(&self, keys: &[CacheKey]) -> Vec<Result<()>> {
        travel().await;
        let mut tables = self.tables();
        for key in keys {
            tables.forget(key);
        }
        vec![Ok(()); keys.len()]
    }

    async fn clear(&self, scope: Scope<'_>) -> Result<()> {
        travel().await;
        if let Scope::Tag(tag) = scope {
            // First: who has loaded meanwhile, and learns only now what it has loaded, must see it.
            self.tables()
                .tag_epochs
                .remove(tag.namespace().unwrap_or_default());
            travel().await;
        }
        let mut tables = self.tables();
        match scope {
            Scope::Prefix(prefix) => drop(tables.prefix_guards.remove(prefix)),
            Scope::Namespace(namespace) => {
                let namespace = namespace.unwrap_or_default().as_bytes();
                let guards = &mut tables.prefix_guards;
                guards.retain(|prefix, _| namespace_of(prefix.as_bytes()) != namespace);
            }
            Scope::Tag(tag) => drop(tables.tag_guards.remove(&tag.id())),
        }
        Ok(())
    }

    async fn stamp_tags(
        &self,
        namespace: Option<&str>,
        tags: &[Tag],
        _: Option<Duration>,
    ) -> Result<TagStamps> {
        travel().await;
        let stamps = {
            let mut tables = self.tables();
            tags.iter().map(|tag| tables.tag_guard(tag)).collect()
        };
        travel().await;
        let epoch = self.tables().tag_epoch(namespace.unwrap_or_default());
        Ok(TagStamps {
            tags: stamps,
            epoch,
        })
    }

    async fn health(&self) -> Result<()> {
        travel().await;
        Ok(())
    }

    fn entries(&self) -> Option<u64> {
        Some(self.tables().values.len() as u64)
    }
}

/// Says how long the suite lets an entry live that is to end while it watches.
pub(super) const SHORT: Duration = Duration::from_millis(60);
