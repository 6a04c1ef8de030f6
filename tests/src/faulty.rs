use cache_kit::prelude::*;
use cache_kit::testing::{ByteBackend, Fault, FaultyBackend};
use cache_kit::{
    Result,
    observe::Operation,
    store::{
        Clock, Fill, Filled, Intent, KeyRef, Lookup, Opened, Scope, Shape, Stamp, Tag, TagStamps,
    },
};
use std::time::Duration;

/// What a store does when it is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behaviour {
    /// What it should.
    #[default]
    Works,
    /// It fails at once, as far as a store across a network can.
    Down,
    /// It does what it should, after so long.
    Slow(Duration),
}

/// A byte store whose behaviour is switched at run time, for each operation on its own. Clones
/// share everything.
///
/// `clear` behaves as `invalidate` does, `health` as `read`.
#[derive(Clone, Debug, Default)]
pub struct Faulty(FaultyBackend<ByteBackend>);

impl Faulty {
    /// Makes a store that works, and whose entries end by this clock.
    pub fn new(clock: impl Into<Clock>) -> Self {
        Self(FaultyBackend::new(ByteBackend::new(clock)))
    }

    /// Makes every operation behave so from now on.
    pub fn set_all(&self, behaviour: Behaviour) {
        use Operation::{Fill, Invalidate, Open, Put, Read};
        self.set(&[Read, Open, Fill, Put, Invalidate], behaviour);
    }

    /// Makes some operations behave so from now on.
    pub fn set(&self, operations: &[Operation], behaviour: Behaviour) {
        match behaviour.fault() {
            Some(fault) => self.0.inject(operations, fault),
            None => self.0.heal_only(operations),
        }
    }

    /// Makes the next calls of an operation behave so; those after them work.
    pub fn set_next(&self, calls: u32, operation: Operation, behaviour: Behaviour) {
        match behaviour.fault() {
            Some(fault) => self.0.inject_next(calls, &[operation], fault),
            None => self.0.heal_only(&[operation]),
        }
    }

    /// How often an operation was asked for, whatever came of it.
    #[must_use]
    pub fn calls(&self, operation: Operation) -> u64 {
        self.0.calls(operation)
    }

    /// Damages a stored entry, as a disk would.
    ///
    /// # Panics
    /// If there is none.
    pub fn damage<T: CacheEntity>(&self, id: &T::Key) {
        let key = CacheKey::of::<T>(None, id).expect("a key that can be");
        let flip = |bytes: &mut Vec<u8>| *bytes.last_mut().expect("never empty") ^= 0xFF;
        assert!(self.0.inner().tamper(&key, flip), "nothing is stored there");
    }

    /// What is stored under a key now, seen without asking anyone who may fail.
    ///
    /// # Errors
    /// That it is damaged.
    ///
    /// # Panics
    /// If the key cannot be.
    pub async fn stored<T: CacheEntity>(&self, id: &T::Key) -> Result<Lookup> {
        let key = CacheKey::of::<T>(None, id).expect("a key that can be");
        let mut found = self.0.inner().read(&[key], Shape::of::<T>()).await;
        found.pop().unwrap_or(Ok(Lookup::Miss(None::<Stamp>)))
    }
}

impl Behaviour {
    fn fault(self) -> Option<Fault> {
        match self {
            Self::Works => None,
            Self::Down => Some(Fault::Fails),
            Self::Slow(time) => Some(Fault::Slow(time)),
        }
    }
}

impl CacheBackend for Faulty {
    type Permit = <ByteBackend as CacheBackend>::Permit;

    fn peek(&self, key: KeyRef<'_>, shape: &'static Shape) -> Option<Lookup> {
        self.0.peek(key, shape)
    }

    async fn read(&self, keys: &[CacheKey], shape: &'static Shape) -> Vec<Result<Lookup>> {
        self.0.read(keys, shape).await
    }

    async fn open(
        &self,
        keys: &[CacheKey],
        shape: &'static Shape,
        intent: Intent,
    ) -> Vec<Result<Opened<Self::Permit>>> {
        self.0.open(keys, shape, intent).await
    }

    async fn fill(
        &self,
        fills: Vec<Fill<Self::Permit>>,
        shape: &'static Shape,
    ) -> Vec<Result<Filled>> {
        self.0.fill(fills, shape).await
    }

    async fn put(
        &self,
        puts: Vec<Fill<Self::Permit>>,
        shape: &'static Shape,
    ) -> Vec<Result<Filled>> {
        self.0.put(puts, shape).await
    }

    async fn invalidate(&self, keys: &[CacheKey]) -> Vec<Result<()>> {
        self.0.invalidate(keys).await
    }

    async fn clear(&self, scope: Scope<'_>) -> Result<()> {
        self.0.clear(scope).await
    }

    async fn stamp_tags(
        &self,
        namespace: Option<&str>,
        tags: &[Tag],
        lasts: Option<Duration>,
    ) -> Result<TagStamps> {
        self.0.stamp_tags(namespace, tags, lasts).await
    }

    async fn health(&self) -> Result<()> {
        self.0.health().await
    }
}
