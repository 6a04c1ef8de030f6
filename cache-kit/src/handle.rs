//! The handle that services hold: a backend with its type, and the engine without it.

use crate::engine::Engine;
use crate::entity::CacheEntity;
use crate::key::KeyWriter;
use crate::store::CacheBackend;
use std::fmt;
use std::sync::Arc;

/// Reads, loads, stores and invalidates entities in one cache. A cheap handle: clones share
/// everything.
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
pub(crate) struct Inner<B> {
    pub(crate) backend: B,
    pub(crate) engine: Arc<Engine>,
}

impl<B: CacheBackend> CacheService<B> {
    pub(crate) fn of(backend: B, engine: Engine) -> Self {
        let engine = Arc::new(engine);
        Self(Arc::new(Inner { backend, engine }))
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
