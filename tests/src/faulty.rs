use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{
    Clock, Error, Fill, Filled, Intent, KeyRef, Lookup, Opened, Operation, Result, Scope, Shape,
    Stamp, Tag, TagStamps,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
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

/// A byte store whose behaviour is switched at run time, for each operation on its own. Clones share everything.
///
/// `clear` behaves as `invalidate` does, `health` as `read`.
#[derive(Clone, Debug, Default)]
pub struct Faulty {
    store: ByteBackend,
    desks: Arc<Mutex<HashMap<Operation, Desk>>>,
}

/// One operation.
#[derive(Debug, Default)]
struct Desk {
    behaviour: Behaviour,
    /// For how many calls; then it works again.
    left: Option<u32>,
    calls: u64,
}

impl Faulty {
    /// Makes a store that works, and whose entries end by this clock.
    pub fn new(clock: impl Into<Clock>) -> Self {
        Self {
            store: ByteBackend::new(clock),
            desks: Arc::default(),
        }
    }

    /// Makes every operation behave so from now on.
    pub fn set_all(&self, behaviour: Behaviour) {
        use Operation::{Fill, Invalidate, Open, Put, Read};
        self.set(&[Read, Open, Fill, Put, Invalidate], behaviour);
    }

    /// Makes some operations behave so from now on.
    pub fn set(&self, operations: &[Operation], behaviour: Behaviour) {
        let mut desks = self.desks();
        for operation in operations {
            let desk = desks.entry(*operation).or_default();
            (desk.behaviour, desk.left) = (behaviour, None);
        }
    }

    /// Makes the next calls of an operation behave so; those after them work.
    pub fn set_next(&self, calls: u32, operation: Operation, behaviour: Behaviour) {
        let mut desks = self.desks();
        let desk = desks.entry(operation).or_default();
        (desk.behaviour, desk.left) = (behaviour, Some(calls));
    }

    /// How often an operation was asked for, whatever came of it.
    #[must_use]
    pub fn calls(&self, operation: Operation) -> u64 {
        self.desks().get(&operation).map_or(0, |desk| desk.calls)
    }

    /// Damages a stored entry, as a disk would.
    ///
    /// # Panics
    /// If there is none.
    pub fn damage<T: CacheEntity>(&self, id: &T::Key) {
        let key = CacheKey::of::<T>(None, id).expect("a key that can be");
        let flip = |bytes: &mut Vec<u8>| *bytes.last_mut().expect("never empty") ^= 0xFF;
        assert!(self.store.tamper(&key, flip), "nothing is stored there");
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
        let mut found = self.store.read(&[key], Shape::of::<T>()).await;
        found.pop().unwrap_or(Ok(Lookup::Miss(None::<Stamp>)))
    }

    async fn act<A>(
        &self,
        operation: Operation,
        count: usize,
        work: impl Future<Output = Vec<Result<A>>>,
    ) -> Vec<Result<A>> {
        match self.begin(operation) {
            Behaviour::Works => work.await,
            Behaviour::Down => {
                // The refusal travels too: who comes in the meantime finds a flight to join.
                tokio::task::yield_now().await;
                let refused = || Err(Error::BackendError("unplugged".into()));
                (0..count).map(|_| refused()).collect()
            }
            Behaviour::Slow(time) => {
                tokio::time::sleep(time).await;
                work.await
            }
        }
    }

    /// Counts a call, and says how it goes.
    fn begin(&self, operation: Operation) -> Behaviour {
        let mut desks = self.desks();
        let desk = desks.entry(operation).or_default();
        desk.calls += 1;
        match &mut desk.left {
            None => desk.behaviour,
            Some(0) => Behaviour::Works,
            Some(left) => {
                *left -= 1;
                desk.behaviour
            }
        }
    }

    fn desks(&self) -> MutexGuard<'_, HashMap<Operation, Desk>> {
        self.desks.lock().expect("no panic")
    }
}

fn only<A>(mut answers: Vec<Result<A>>) -> Result<A> {
    answers.pop().expect("one was asked for")
}

impl CacheBackend for Faulty {
    type Permit = <ByteBackend as CacheBackend>::Permit;

    fn peek(&self, key: KeyRef<'_>, shape: &'static Shape) -> Option<Lookup> {
        self.store.peek(key, shape)
    }

    async fn read(&self, keys: &[CacheKey], shape: &'static Shape) -> Vec<Result<Lookup>> {
        let read = self.store.read(keys, shape);
        self.act(Operation::Read, keys.len(), read).await
    }

    async fn open(
        &self,
        keys: &[CacheKey],
        shape: &'static Shape,
        intent: Intent,
    ) -> Vec<Result<Opened<Self::Permit>>> {
        let open = self.store.open(keys, shape, intent);
        self.act(Operation::Open, keys.len(), open).await
    }

    async fn fill(
        &self,
        fills: Vec<Fill<Self::Permit>>,
        shape: &'static Shape,
    ) -> Vec<Result<Filled>> {
        let count = fills.len();
        let fill = self.store.fill(fills, shape);
        self.act(Operation::Fill, count, fill).await
    }

    async fn put(
        &self,
        puts: Vec<Fill<Self::Permit>>,
        shape: &'static Shape,
    ) -> Vec<Result<Filled>> {
        let count = puts.len();
        let put = self.store.put(puts, shape);
        self.act(Operation::Put, count, put).await
    }

    async fn invalidate(&self, keys: &[CacheKey]) -> Vec<Result<()>> {
        let invalidate = self.store.invalidate(keys);
        self.act(Operation::Invalidate, keys.len(), invalidate)
            .await
    }

    async fn clear(&self, scope: Scope<'_>) -> Result<()> {
        let clear = async { vec![self.store.clear(scope).await] };
        only(self.act(Operation::Invalidate, 1, clear).await)
    }

    async fn stamp_tags(
        &self,
        namespace: Option<&str>,
        tags: &[Tag],
        lasts: Option<Duration>,
    ) -> Result<TagStamps> {
        let stamp = async { vec![self.store.stamp_tags(namespace, tags, lasts).await] };
        only(self.act(Operation::Open, 1, stamp).await)
    }

    async fn health(&self) -> Result<()> {
        let health = async { vec![self.store.health().await] };
        only(self.act(Operation::Read, 1, health).await)
    }
}
