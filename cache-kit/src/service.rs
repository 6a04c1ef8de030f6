//! The handle that services hold.

mod batch;
mod builder;
mod definitions;
mod reads;
mod settings;
mod writes;

pub(crate) use batch::Batch;
pub use builder::CacheServiceBuilder;
pub(crate) use definitions::{Definition, Definitions};
pub(crate) use settings::Settings;

use crate::backend::CacheBackend;
use crate::engine::Engine;
use crate::entity::CacheEntity;
use crate::error::Result;
use crate::key::KeyWriter;
use crate::observe::CacheStats;
use std::fmt;
use std::sync::Arc;

/// Reads, loads, stores and invalidates entities in one cache. A cheap handle: clones share everything.
///
/// The attributes of this crate call it; so can you.
///
/// ```
/// use cache_kit::prelude::*;
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
/// #[cache(prefix = "user", ttl = "1h", key = id)]
/// struct User { id: u64, name: String }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> cache_kit::Result<()> {
/// let cache = CacheService::new(InMemoryBackend::new());
/// let load = || async { Ok::<_, cache_kit::Error>(Some(User { id: 7, name: "Ada".into() })) };
///
/// let loaded = cache.get_or_load::<User, _, _>(&7, load).await?;
/// let cached = cache.get::<User>(&7).await?;
/// assert_eq!(loaded, cached);
///
/// cache.invalidate::<User>(&7).await?;
/// assert_eq!(cache.get::<User>(&7).await?, None);
/// # Ok(())
/// # }
/// ```
pub struct CacheService<B: CacheBackend>(Arc<Inner<B>>);

/// A backend with its type, which answers a hit without a virtual call, and the engine.
struct Inner<B> {
    backend: B,
    engine: Arc<Engine>,
}

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

    /// Sets up another service over the same backend, with this one's settings. The two share entries and loads; what they count is each
    /// one's own, but for evictions.
    pub fn to_builder(&self) -> CacheServiceBuilder<B> {
        CacheServiceBuilder::like(&self.0)
    }

    /// Returns what has been counted since the service was made, and tells its sink how many entries there are.
    ///
    /// Evictions and entries are the store's, of all services that share it (of evictions, those in this service's namespace).
    pub fn stats(&self) -> CacheStats {
        self.0.engine.observer.report(self.0.backend.entries())
    }

    /// Says whether the store can be used now.
    ///
    /// # Errors
    /// Why it cannot.
    pub async fn health(&self) -> Result<()> {
        self.0.backend.health().await
    }

    /// Waits until what callers did not wait for is done: what was loaded is stored, and a store far away has been told of every invalidation, also of those
    /// that could not reach it before. Call it when a program ends, after the last request, under a deadline of yours; the service can be used on.
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
    /// What kept the store from being told of an invalidation. It is still owed, and repeated as long as the program lives.
    ///
    /// # Cancel safety
    /// Whoever stops waiting loses nothing: what was waited for goes on.
    pub async fn run_pending_tasks(&self) -> Result<()> {
        self.0.engine.background.finish().await;
        self.0.backend.run_pending_tasks().await
    }

    /// Returns the backend, for what only it can do.
    pub fn backend(&self) -> &B {
        &self.0.backend
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.0.engine
    }

    /// Begins a key below a prefix.
    #[inline]
    pub(crate) fn value_writer(&self, prefix: &str) -> KeyWriter {
        self.0.engine.writer(prefix)
    }

    #[inline]
    pub(crate) fn writer<T: CacheEntity>(&self) -> KeyWriter {
        self.value_writer(T::cache_prefix())
    }

    pub(crate) fn writer_for<T: CacheEntity>(&self, key: &T::Key) -> KeyWriter {
        let mut writer = self.writer::<T>();
        T::write_key(key, &mut writer);
        writer
    }
}

impl<B: CacheBackend> Clone for CacheService<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B: CacheBackend + fmt::Debug> fmt::Debug for CacheService<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheService")
            .field("backend", &self.0.backend)
            .field("settings", &self.0.engine.settings)
            .field("flights", &self.0.engine.flights.len())
            .field("observer", &self.0.engine.observer)
            .finish_non_exhaustive()
    }
}
