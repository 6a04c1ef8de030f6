//! A backend that can be taken down, to see what that means for those who read through it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cache_kit::prelude::*;
use cache_kit::{
    Error, Result,
    store::{Fill, Filled, Intent, Lookup, Opened, Scope, Shape, Tag, TagStamps},
};

/// Passes everything on to another backend, unless it is down. Clones go down together.
#[derive(Clone, Debug)]
pub struct Unreliable<B> {
    inner: B,
    is_down: Arc<AtomicBool>,
}

impl<B: CacheBackend> Unreliable<B> {
    /// Makes a backend that is up.
    pub fn new(inner: B) -> Self {
        Self {
            inner,
            is_down: Arc::default(),
        }
    }

    /// Refuses everything from now on.
    pub fn take_down(&self) {
        self.is_down.store(true, Ordering::SeqCst);
    }

    /// Returns the backend that entries are in.
    pub fn inner(&self) -> &B {
        &self.inner
    }

    /// Fails while the backend is down.
    fn check(&self) -> Result<()> {
        if self.is_down.load(Ordering::SeqCst) {
            return Err(Error::BackendError("connection refused".into()));
        }
        Ok(())
    }

    /// Passes a call about several keys on, or refuses each of them.
    async fn pass<T>(
        &self,
        count: usize,
        call: impl Future<Output = Vec<Result<T>>> + Send,
    ) -> Vec<Result<T>> {
        match self.check() {
            Ok(()) => call.await,
            Err(error) => (0..count).map(|_| Err(error.clone())).collect(),
        }
    }
}

impl<B: CacheBackend> CacheBackend for Unreliable<B> {
    type Permit = B::Permit;

    async fn read(&self, keys: &[CacheKey], shape: &'static Shape) -> Vec<Result<Lookup>> {
        self.pass(keys.len(), self.inner.read(keys, shape)).await
    }

    async fn open(
        &self,
        keys: &[CacheKey],
        shape: &'static Shape,
        intent: Intent,
    ) -> Vec<Result<Opened<B::Permit>>> {
        self.pass(keys.len(), self.inner.open(keys, shape, intent))
            .await
    }

    async fn fill(
        &self,
        fills: Vec<Fill<B::Permit>>,
        shape: &'static Shape,
    ) -> Vec<Result<Filled>> {
        self.pass(fills.len(), self.inner.fill(fills, shape)).await
    }

    async fn put(&self, puts: Vec<Fill<B::Permit>>, shape: &'static Shape) -> Vec<Result<Filled>> {
        self.pass(puts.len(), self.inner.put(puts, shape)).await
    }

    async fn invalidate(&self, keys: &[CacheKey]) -> Vec<Result<()>> {
        self.pass(keys.len(), self.inner.invalidate(keys)).await
    }

    async fn clear(&self, scope: Scope<'_>) -> Result<()> {
        self.check()?;
        self.inner.clear(scope).await
    }

    async fn stamp_tags(
        &self,
        namespace: Option<&str>,
        tags: &[Tag],
        lasts: Option<Duration>,
    ) -> Result<TagStamps> {
        self.check()?;
        self.inner.stamp_tags(namespace, tags, lasts).await
    }

    async fn health(&self) -> Result<()> {
        self.check()?;
        self.inner.health().await
    }
}
