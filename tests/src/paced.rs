use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{
    ManualClock, Result,
    store::{Fill, Filled, Intent, KeyRef, Lookup, Opened, Scope, Shape, Tag, TagStamps},
};
use std::time::Duration;
use tokio::task::yield_now;

/// A store whose operations suspend the caller once before they are done and once after it.
#[derive(Clone, Debug)]
pub struct Paced<B> {
    inner: B,
    is_remote: bool,
}

impl Paced<InMemoryBackend> {
    /// Makes a store in memory, whose entries end by this clock.
    ///
    /// # Panics
    /// If the settings are refused, which a test would want to know.
    #[must_use]
    pub fn in_memory(clock: &ManualClock) -> Self {
        let builder = InMemoryBackend::builder().clock(clock);
        Self {
            inner: builder.build().expect("settings that work"),
            is_remote: false,
        }
    }
}

impl Paced<ByteBackend> {
    /// Makes a byte store that is as near as memory, whose entries end by this clock.
    #[must_use]
    pub fn near(clock: &ManualClock) -> Self {
        Self {
            inner: ByteBackend::new(clock),
            is_remote: false,
        }
    }

    /// Makes a byte store that is far away, whose entries end by this clock.
    #[must_use]
    pub fn far(clock: &ManualClock) -> Self {
        Self {
            is_remote: true,
            ..Self::near(clock)
        }
    }
}

/// Suspends before and after.
async fn paced<F: Future>(work: F) -> F::Output {
    yield_now().await;
    let answer = work.await;
    yield_now().await;
    answer
}

impl<B: CacheBackend> CacheBackend for Paced<B> {
    type Permit = B::Permit;

    fn peek(&self, key: KeyRef<'_>, shape: &'static Shape) -> Option<Lookup> {
        self.inner.peek(key, shape)
    }

    async fn read(&self, keys: &[CacheKey], shape: &'static Shape) -> Vec<Result<Lookup>> {
        paced(self.inner.read(keys, shape)).await
    }

    async fn open(
        &self,
        keys: &[CacheKey],
        shape: &'static Shape,
        intent: Intent,
    ) -> Vec<Result<Opened<B::Permit>>> {
        paced(self.inner.open(keys, shape, intent)).await
    }

    async fn fill(
        &self,
        fills: Vec<Fill<B::Permit>>,
        shape: &'static Shape,
    ) -> Vec<Result<Filled>> {
        paced(self.inner.fill(fills, shape)).await
    }

    async fn put(&self, puts: Vec<Fill<B::Permit>>, shape: &'static Shape) -> Vec<Result<Filled>> {
        paced(self.inner.put(puts, shape)).await
    }

    async fn invalidate(&self, keys: &[CacheKey]) -> Vec<Result<()>> {
        paced(self.inner.invalidate(keys)).await
    }

    async fn clear(&self, scope: Scope<'_>) -> Result<()> {
        paced(self.inner.clear(scope)).await
    }

    async fn stamp_tags(
        &self,
        namespace: Option<&str>,
        tags: &[Tag],
        lasts: Option<Duration>,
    ) -> Result<TagStamps> {
        paced(self.inner.stamp_tags(namespace, tags, lasts)).await
    }

    async fn health(&self) -> Result<()> {
        paced(self.inner.health()).await
    }

    async fn run_pending_tasks(&self) -> Result<()> {
        paced(self.inner.run_pending_tasks()).await
    }

    fn entries(&self) -> Option<u64> {
        self.inner.entries()
    }

    fn is_remote(&self) -> bool {
        self.is_remote
    }
}
