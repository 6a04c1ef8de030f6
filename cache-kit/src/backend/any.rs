use crate::entity::shape::Shape;
use crate::error::Result;
use crate::key::{CacheKey, KeyRef};
use crate::observe::Watcher;
use crate::store::tag::{Scope, Tag};
use crate::store::{AnyPermit, Store};
use crate::store::{CacheBackend, Fill, Filled, Intent, Lookup, Opened, TagStamps};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Is a backend that is chosen at run time.
///
/// A hit costs one virtual call more than the backend itself, other calls an allocation each.
///
/// ```
/// use cache_kit::prelude::*;
/// use cache_kit::AnyBackend;
///
/// let backend = AnyBackend::new(InMemoryBackend::new());
/// let cache = CacheService::new(backend);
/// # let _ = cache;
/// ```
#[derive(Clone)]
pub struct AnyBackend(Arc<dyn Store>);

impl AnyBackend {
    /// Hides which backend this is.
    pub fn new(backend: impl CacheBackend) -> Self {
        Self(Arc::new(backend))
    }
}

impl fmt::Debug for AnyBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AnyBackend").field(&self.0.name()).finish()
    }
}

impl CacheBackend for AnyBackend {
    type Permit = AnyPermit;

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
    ) -> Vec<Result<Opened<AnyPermit>>> {
        self.0.open(keys, shape, intent).await
    }

    async fn fill(
        &self,
        fills: Vec<Fill<AnyPermit>>,
        shape: &'static Shape,
    ) -> Vec<Result<Filled>> {
        self.0.fill(fills, shape).await
    }

    async fn put(&self, puts: Vec<Fill<AnyPermit>>, shape: &'static Shape) -> Vec<Result<Filled>> {
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

    async fn run_pending_tasks(&self) -> Result<()> {
        self.0.run_pending_tasks().await
    }

    fn entries(&self) -> Option<u64> {
        self.0.entries()
    }

    fn watch(&self, watcher: Watcher) {
        self.0.watch(watcher);
    }

    fn is_remote(&self) -> bool {
        self.0.is_remote()
    }

    fn answers_at_once(&self) -> bool {
        self.0.answers_at_once()
    }
}
