use cache_kit::prelude::*;
use cache_kit::store::{Fill, Filled, Intent, Lookup, Opened, Scope, Shape, Tag, TagStamps};
use cache_kit::testing::ByteBackend;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// A byte store far away: the answer to one read or one open can be held back on its way, and so
/// can a fill.
#[derive(Clone, Debug, Default)]
pub struct Distant {
    /// The store itself, for those who are near it.
    pub near: ByteBackend,
    reads: Arc<Hold>,
    opens: Arc<Hold>,
    fills: Arc<Hold>,
}

#[derive(Debug, Default)]
struct Hold {
    is_next: AtomicBool,
    release: Notify,
}

impl Hold {
    async fn pass(&self) {
        if self.is_next.swap(false, Ordering::SeqCst) {
            self.release.notified().await;
        }
    }
}

impl Distant {
    /// Puts a way between a store and its callers.
    #[must_use]
    pub fn new(near: ByteBackend) -> Self {
        Self {
            near,
            ..Self::default()
        }
    }

    /// Holds back the answer to the next read until `release_read`.
    pub fn hold_next_read(&self) {
        self.reads.is_next.store(true, Ordering::SeqCst);
    }

    /// Lets the read that is held go on.
    pub fn release_read(&self) {
        self.reads.release.notify_one();
    }

    /// Holds back the answer to the next open until `release_open`.
    pub fn hold_next_open(&self) {
        self.opens.is_next.store(true, Ordering::SeqCst);
    }

    /// Lets the open that is held go on.
    pub fn release_open(&self) {
        self.opens.release.notify_one();
    }

    /// Holds back the next fill until `release_fill`.
    pub fn hold_next_fill(&self) {
        self.fills.is_next.store(true, Ordering::SeqCst);
    }

    /// Lets the fill that is held go on.
    pub fn release_fill(&self) {
        self.fills.release.notify_one();
    }
}

impl CacheBackend for Distant {
    type Permit = <ByteBackend as CacheBackend>::Permit;

    async fn read(
        &self,
        keys: &[CacheKey],
        shape: &'static Shape,
    ) -> Vec<cache_kit::Result<Lookup>> {
        let answer = self.near.read(keys, shape).await;
        self.reads.pass().await;
        answer
    }

    async fn open(
        &self,
        keys: &[CacheKey],
        shape: &'static Shape,
        intent: Intent,
    ) -> Vec<cache_kit::Result<Opened<Self::Permit>>> {
        let answer = self.near.open(keys, shape, intent).await;
        self.opens.pass().await;
        answer
    }

    async fn fill(
        &self,
        fills: Vec<Fill<Self::Permit>>,
        shape: &'static Shape,
    ) -> Vec<cache_kit::Result<Filled>> {
        self.fills.pass().await;
        self.near.fill(fills, shape).await
    }

    async fn put(
        &self,
        puts: Vec<Fill<Self::Permit>>,
        shape: &'static Shape,
    ) -> Vec<cache_kit::Result<Filled>> {
        self.near.put(puts, shape).await
    }

    async fn invalidate(&self, keys: &[CacheKey]) -> Vec<cache_kit::Result<()>> {
        self.near.invalidate(keys).await
    }

    async fn clear(&self, scope: Scope<'_>) -> cache_kit::Result<()> {
        self.near.clear(scope).await
    }

    async fn stamp_tags(
        &self,
        namespace: Option<&str>,
        tags: &[Tag],
        lasts: Option<Duration>,
    ) -> cache_kit::Result<TagStamps> {
        self.near.stamp_tags(namespace, tags, lasts).await
    }

    async fn health(&self) -> cache_kit::Result<()> {
        self.near.health().await
    }

    fn is_remote(&self) -> bool {
        true
    }
}
