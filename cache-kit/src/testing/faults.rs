//! A backend that fails when it is told to.

use crate::entity::shape::Shape;
use crate::error::{Error, Result};
use crate::key::{CacheKey, KeyRef};
use crate::observe::{Operation, Watcher};
use crate::store::tag::{Scope, Tag};
use crate::store::{CacheBackend, Fill, Filled, Intent, Lookup, Opened, TagStamps, only};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Passes everything on to another backend, and has operations fail or take their time as a test
/// says. Clones share what was said.
///
/// The operations are [`Read`](Operation::Read) (also of `health`; what can be answered at once is
/// not one), [`Open`](Operation::Open) (also of tags), [`Fill`](Operation::Fill),
/// [`Put`](Operation::Put) and [`Invalidate`](Operation::Invalidate) (also of clears).
///
/// ```
/// use cache_kit::prelude::*;
/// use cache_kit::observe::Operation;
/// use cache_kit::testing::{Fault, FaultyBackend};
/// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
/// # #[cache(prefix = "user", key = id)]
/// # struct User { id: u64 }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> cache_kit::Result<()> {
/// let backend = FaultyBackend::new(InMemoryBackend::new());
/// let cache = CacheService::new(backend.clone());
/// backend.inject(&[Operation::Put], Fault::Fails);
/// assert!(cache.put(User { id: 7 }).await.is_err());
/// backend.heal();
/// assert!(cache.put(User { id: 7 }).await.is_ok());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct FaultyBackend<B> {
    backend: B,
    desks: Arc<Mutex<HashMap<Operation, Desk>>>,
}

/// Says what is wrong with an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It fails, with [`Error::BackendError`].
    Fails,
    /// It does what it should, after so long. This needs a Tokio runtime with time.
    Slow(Duration),
}

/// One operation.
#[derive(Debug, Default)]
struct Desk {
    fault: Option<Fault>,
    /// For how many calls; then it works again.
    left: Option<u32>,
    calls: u64,
}

impl<B> FaultyBackend<B> {
    /// Wraps a backend, which works until something else is said.
    pub fn new(backend: B) -> Self {
        Self {
            backend,
            desks: Arc::default(),
        }
    }

    /// Has operations go wrong from now on.
    pub fn inject(&self, operations: &[Operation], fault: Fault) {
        self.set(operations, Some(fault), None);
    }

    /// Has the next calls of operations go wrong, so many of each; those after them work.
    pub fn inject_next(&self, calls: u32, operations: &[Operation], fault: Fault) {
        self.set(operations, Some(fault), Some(calls));
    }

    /// Has everything work from now on.
    pub fn heal(&self) {
        for desk in self.desks().values_mut() {
            (desk.fault, desk.left) = (None, None);
        }
    }

    /// Has operations work from now on.
    pub fn heal_only(&self, operations: &[Operation]) {
        self.set(operations, None, None);
    }

    /// Returns how often an operation was asked for, whatever came of it.
    pub fn calls(&self, operation: Operation) -> u64 {
        self.desks().get(&operation).map_or(0, |desk| desk.calls)
    }

    /// Returns the backend, which does not fail.
    pub fn inner(&self) -> &B {
        &self.backend
    }

    fn set(&self, operations: &[Operation], fault: Option<Fault>, left: Option<u32>) {
        let mut desks = self.desks();
        for operation in operations {
            let desk = desks.entry(*operation).or_default();
            (desk.fault, desk.left) = (fault, left);
        }
    }

    async fn act<A>(
        &self,
        operation: Operation,
        count: usize,
        work: impl Future<Output = Vec<Result<A>>>,
    ) -> Vec<Result<A>> {
        match self.begin(operation) {
            None => work.await,
            Some(Fault::Fails) => {
                // The refusal travels too: who comes in the meantime finds a flight to join.
                tokio::task::yield_now().await;
                let refused = || Err(Error::BackendError("a fault was injected".into()));
                (0..count).map(|_| refused()).collect()
            }
            Some(Fault::Slow(time)) => {
                tokio::time::sleep(time).await;
                work.await
            }
        }
    }

    /// Counts a call, and says what is wrong with it.
    fn begin(&self, operation: Operation) -> Option<Fault> {
        let mut desks = self.desks();
        let desk = desks.entry(operation).or_default();
        desk.calls += 1;
        match &mut desk.left {
            None => desk.fault,
            Some(0) => None,
            Some(left) => {
                *left -= 1;
                desk.fault
            }
        }
    }

    fn desks(&self) -> MutexGuard<'_, HashMap<Operation, Desk>> {
        self.desks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: CacheBackend> CacheBackend for FaultyBackend<B> {
    type Permit = B::Permit;

    fn peek(&self, key: KeyRef<'_>, shape: &'static Shape) -> Option<Lookup> {
        self.backend.peek(key, shape)
    }

    async fn read(&self, keys: &[CacheKey], shape: &'static Shape) -> Vec<Result<Lookup>> {
        let read = self.backend.read(keys, shape);
        self.act(Operation::Read, keys.len(), read).await
    }

    async fn open(
        &self,
        keys: &[CacheKey],
        shape: &'static Shape,
        intent: Intent,
    ) -> Vec<Result<Opened<B::Permit>>> {
        let open = self.backend.open(keys, shape, intent);
        self.act(Operation::Open, keys.len(), open).await
    }

    async fn fill(
        &self,
        fills: Vec<Fill<B::Permit>>,
        shape: &'static Shape,
    ) -> Vec<Result<Filled>> {
        let count = fills.len();
        let fill = self.backend.fill(fills, shape);
        self.act(Operation::Fill, count, fill).await
    }

    async fn put(&self, puts: Vec<Fill<B::Permit>>, shape: &'static Shape) -> Vec<Result<Filled>> {
        let count = puts.len();
        let put = self.backend.put(puts, shape);
        self.act(Operation::Put, count, put).await
    }

    async fn invalidate(&self, keys: &[CacheKey]) -> Vec<Result<()>> {
        let invalidate = self.backend.invalidate(keys);
        self.act(Operation::Invalidate, keys.len(), invalidate)
            .await
    }

    async fn clear(&self, scope: Scope<'_>) -> Result<()> {
        let clear = async { vec![self.backend.clear(scope).await] };
        only(self.act(Operation::Invalidate, 1, clear).await)
    }

    async fn stamp_tags(
        &self,
        namespace: Option<&str>,
        tags: &[Tag],
        lasts: Option<Duration>,
    ) -> Result<TagStamps> {
        let stamp = async { vec![self.backend.stamp_tags(namespace, tags, lasts).await] };
        only(self.act(Operation::Open, 1, stamp).await)
    }

    async fn health(&self) -> Result<()> {
        let health = async { vec![self.backend.health().await] };
        only(self.act(Operation::Read, 1, health).await)
    }

    async fn run_pending_tasks(&self) -> Result<()> {
        self.backend.run_pending_tasks().await
    }

    fn entries(&self) -> Option<u64> {
        self.backend.entries()
    }

    fn watch(&self, watcher: Watcher) {
        self.backend.watch(watcher);
    }

    fn is_remote(&self) -> bool {
        self.backend.is_remote()
    }
}
