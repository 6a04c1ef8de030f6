//! The handle that services hold.

mod batch;
mod builder;
mod reads;
mod writes;

pub use builder::CacheServiceBuilder;

pub use crate::handle::CacheService;

use crate::error::Result;
use crate::observe::CacheStats;
use crate::store::CacheBackend;
use std::sync::Arc;

/// Is what a look-up found: an entity, the knowledge that there is none, or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Found<T> {
    /// The entity is cached.
    Hit(Arc<T>),
    /// It is cached that the repository has no such entity.
    Absent,
    /// Nothing is cached.
    Miss,
}

impl<T> Found<T> {
    /// Returns the entity, if there is one.
    pub fn into_option(self) -> Option<Arc<T>> {
        match self {
            Self::Hit(entity) => Some(entity),
            Self::Absent | Self::Miss => None,
        }
    }
}

impl<B: CacheBackend> CacheService<B> {
    /// Makes a service with default settings.
    #[must_use]
    pub fn new(backend: B) -> Self {
        CacheServiceBuilder::new(backend).into_service()
    }

    /// Sets up a service.
    pub fn builder(backend: B) -> CacheServiceBuilder<B> {
        CacheServiceBuilder::new(backend)
    }

    /// Sets up another service over the same backend, with this one's settings. The two share
    /// entries and loads; what they count is each one's own, but for evictions.
    pub fn to_builder(&self) -> CacheServiceBuilder<B> {
        CacheServiceBuilder::like(self)
    }

    /// Returns what has been counted since the service was made, and tells its sink how many
    /// entries there are.
    ///
    /// Evictions and entries are the store's, of all services that share it (of evictions, those in
    /// this service's namespace).
    pub fn stats(&self) -> CacheStats {
        self.engine().observer.report(self.backend().entries())
    }

    /// Says whether the store can be used now.
    ///
    /// # Errors
    /// Why it cannot.
    pub async fn health(&self) -> Result<()> {
        self.backend().health().await
    }

    /// Waits until what callers did not wait for is done: what was loaded is stored, and a store
    /// far away has been told of every invalidation, also of those that could not reach it before.
    /// Call it when a program ends, after the last request, under a deadline of yours; the service
    /// can be used on.
    ///
    /// ```
    /// use cache_kit::prelude::*;
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # let cache = CacheService::new(InMemoryBackend::new());
    /// match tokio::time::timeout(Duration::from_secs(5), cache.run_pending_tasks()).await {
    ///     Ok(Ok(())) => {}
    ///     Ok(Err(error)) => eprintln!("not every invalidation has reached the cache: {error}"),
    ///     Err(_) => eprintln!("the cache takes too long"),
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// What kept the store from being told of an invalidation. It is still owed, and repeated as
    /// long as the program lives.
    ///
    /// # Cancel safety
    /// Whoever stops waiting loses nothing: what was waited for goes on.
    pub async fn run_pending_tasks(&self) -> Result<()> {
        self.engine().background.finish().await;
        self.backend().run_pending_tasks().await
    }
}
