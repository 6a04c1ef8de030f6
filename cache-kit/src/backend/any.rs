use super::{CacheBackend, Fill, Filled, Intent, Lookup, Opened, TagStamps};
use crate::error::{Error, Result};
use crate::key::{CacheKey, KeyRef};
use crate::observe::Watcher;
use crate::shape::Shape;
use crate::tag::{Scope, Tag};
use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
type AnyPermit = Box<dyn Any + Send + Sync>;

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
pub struct AnyBackend(Arc<dyn DynBackend>);

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
}

/// The trait that [`CacheBackend`] would be if its futures had no types of their own.
trait DynBackend: Send + Sync {
    fn name(&self) -> &'static str;
    fn peek(&self, key: KeyRef<'_>, shape: &'static Shape) -> Option<Lookup>;
    fn read<'a>(
        &'a self,
        keys: &'a [CacheKey],
        shape: &'static Shape,
    ) -> BoxFuture<'a, Vec<Result<Lookup>>>;
    fn open<'a>(
        &'a self,
        keys: &'a [CacheKey],
        shape: &'static Shape,
        intent: Intent,
    ) -> BoxFuture<'a, Vec<Result<Opened<AnyPermit>>>>;
    fn fill(
        &self,
        fills: Vec<Fill<AnyPermit>>,
        shape: &'static Shape,
    ) -> BoxFuture<'_, Vec<Result<Filled>>>;
    fn put(
        &self,
        puts: Vec<Fill<AnyPermit>>,
        shape: &'static Shape,
    ) -> BoxFuture<'_, Vec<Result<Filled>>>;
    fn invalidate<'a>(&'a self, keys: &'a [CacheKey]) -> BoxFuture<'a, Vec<Result<()>>>;
    fn clear<'a>(&'a self, scope: Scope<'a>) -> BoxFuture<'a, Result<()>>;
    fn stamp_tags<'a>(
        &'a self,
        namespace: Option<&'a str>,
        tags: &'a [Tag],
        lasts: Option<Duration>,
    ) -> BoxFuture<'a, Result<TagStamps>>;
    fn health(&self) -> BoxFuture<'_, Result<()>>;
    fn run_pending_tasks(&self) -> BoxFuture<'_, Result<()>>;
    fn entries(&self) -> Option<u64>;
    fn watch(&self, watcher: Watcher);
    fn is_remote(&self) -> bool;
}

impl<B: CacheBackend> DynBackend for B {
    fn name(&self) -> &'static str {
        std::any::type_name::<B>()
    }

    fn peek(&self, key: KeyRef<'_>, shape: &'static Shape) -> Option<Lookup> {
        CacheBackend::peek(self, key, shape)
    }

    fn read<'a>(
        &'a self,
        keys: &'a [CacheKey],
        shape: &'static Shape,
    ) -> BoxFuture<'a, Vec<Result<Lookup>>> {
        Box::pin(CacheBackend::read(self, keys, shape))
    }

    fn open<'a>(
        &'a self,
        keys: &'a [CacheKey],
        shape: &'static Shape,
        intent: Intent,
    ) -> BoxFuture<'a, Vec<Result<Opened<AnyPermit>>>> {
        Box::pin(async move {
            let opened = CacheBackend::open(self, keys, shape, intent).await;
            opened.into_iter().map(|one| one.map(erase)).collect()
        })
    }

    fn fill(
        &self,
        fills: Vec<Fill<AnyPermit>>,
        shape: &'static Shape,
    ) -> BoxFuture<'_, Vec<Result<Filled>>> {
        Box::pin(async move {
            let count = fills.len();
            match fills.into_iter().map(restore::<B>).collect() {
                Ok(fills) => CacheBackend::fill(self, fills, shape).await,
                Err(error) => vec![Err(error); count],
            }
        })
    }

    fn put(
        &self,
        puts: Vec<Fill<AnyPermit>>,
        shape: &'static Shape,
    ) -> BoxFuture<'_, Vec<Result<Filled>>> {
        Box::pin(async move {
            let count = puts.len();
            match puts.into_iter().map(restore::<B>).collect() {
                Ok(puts) => CacheBackend::put(self, puts, shape).await,
                Err(error) => vec![Err(error); count],
            }
        })
    }

    fn invalidate<'a>(&'a self, keys: &'a [CacheKey]) -> BoxFuture<'a, Vec<Result<()>>> {
        Box::pin(CacheBackend::invalidate(self, keys))
    }

    fn clear<'a>(&'a self, scope: Scope<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(CacheBackend::clear(self, scope))
    }

    fn stamp_tags<'a>(
        &'a self,
        namespace: Option<&'a str>,
        tags: &'a [Tag],
        lasts: Option<Duration>,
    ) -> BoxFuture<'a, Result<TagStamps>> {
        Box::pin(CacheBackend::stamp_tags(self, namespace, tags, lasts))
    }

    fn health(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(CacheBackend::health(self))
    }

    fn run_pending_tasks(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(CacheBackend::run_pending_tasks(self))
    }

    fn entries(&self) -> Option<u64> {
        CacheBackend::entries(self)
    }

    fn watch(&self, watcher: Watcher) {
        CacheBackend::watch(self, watcher);
    }

    fn is_remote(&self) -> bool {
        CacheBackend::is_remote(self)
    }
}

fn erase<P: Send + Sync + 'static>(opened: Opened<P>) -> Opened<AnyPermit> {
    Opened {
        permit: Box::new(opened.permit),
        stamp: opened.stamp,
        found: opened.found,
        lease: opened.lease,
    }
}

/// Takes back a permit of this backend. One of another backend stores nothing, and says so.
fn restore<B: CacheBackend>(fill: Fill<AnyPermit>) -> Result<Fill<B::Permit>> {
    match fill.permit.downcast::<B::Permit>() {
        Ok(permit) => Ok(Fill {
            permit: *permit,
            entry: fill.entry,
            ttl: fill.ttl,
            stale: fill.stale,
            tags: fill.tags,
        }),
        Err(_) => Err(Error::BackendError(
            "the permit is another backend's".into(),
        )),
    }
}
