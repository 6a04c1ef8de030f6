//! What changes entries: puts, removals, invalidations.

use super::CacheService;
use crate::engine::{Kind, Write};
use crate::entity::CacheEntity;
use crate::error::Result;
use crate::observe::InvalidationSource;
use crate::output::{CachedOutput, EntityOf, Payload, written_by};
use crate::store::CacheBackend;
use std::future::Future;
use std::sync::Arc;

impl<B: CacheBackend> CacheService<B> {
    /// Stores an entity that the caller knows to be what the repository has now, such as one just
    /// read to warm the cache.
    ///
    /// For an entity that is being written use [`put_with`](Self::put_with): between a write and a
    /// `put` after it another write may come, and its value would be replaced by the older one.
    ///
    /// # Errors
    /// [`Error::ValidationError`](crate::Error::ValidationError) or
    /// [`Error::ConfigError`](crate::Error::ConfigError) if it must not be stored,
    /// [`Error::BackendError`](crate::Error::BackendError) or
    /// [`Error::Timeout`](crate::Error::Timeout) if the store failed: then nothing may have
    /// changed.
    pub async fn put<P>(&self, entity: P) -> Result<()>
    where
        P: Payload + CachedOutput<Payload = P> + Into<Arc<P::Entity>>,
    {
        let (kind, engine) = (Kind::of::<P::Entity>(), self.engine());
        let terms = entity.overrides();
        let entity: Arc<P::Entity> = entity.into();
        let key = self.writer_for::<P::Entity>(&entity.cache_key());
        engine
            .store_now(kind, key.to_key(), (entity, terms), P::TAGS)
            .await
    }

    /// Runs a write to the repository, and replaces the entry with the entity it returns.
    ///
    /// The entry is invalidated when the write fails and when this future is dropped, for it may
    /// have committed; and when another write came between, for nobody knows which came last. What
    /// `#[cache_put]` does. The body's result is returned in any case; that the cache could not be
    /// told is counted and logged.
    pub async fn put_with<O, F>(
        &self,
        key: &<EntityOf<O> as CacheEntity>::Key,
        write: impl FnOnce() -> F,
    ) -> O
    where
        O: CachedOutput,
        F: Future<Output = O>,
    {
        let key = self.writer_for::<EntityOf<O>>(key).to_key();
        let (kind, brings_tags) = (Kind::of::<EntityOf<O>>(), O::Payload::TAGS);
        let guard = Write::put(self.engine(), kind, Some(key), brings_tags).await;
        let output = write().await;
        // Counted and logged where it happens.
        let _ = guard.finish_put(kind, written_by(&output)).await;
        output
    }

    /// Runs a removal or any other write to the repository, and invalidates the entry when it is
    /// over: done, failed, or dropped. What `#[cache_evict]` does.
    pub async fn evict_with<T, O, F>(&self, key: &T::Key, write: impl FnOnce() -> F) -> O
    where
        T: CacheEntity,
        F: Future<Output = O>,
    {
        let key = self.writer_for::<T>(key);
        let prefix = T::cache_prefix();
        let guard = Write::evict(self.engine(), prefix, Some(&key), Vec::new());
        let output = write().await;
        let _ = guard.finish().await;
        output
    }

    /// Drops an entry, and keeps loads that are in progress from storing theirs. One round trip;
    /// call it after the commit.
    ///
    /// # Errors
    /// [`Error::BackendError`](crate::Error::BackendError) if the store could not be told: readers
    /// may see the old entry.
    pub async fn invalidate<T: CacheEntity>(&self, key: &T::Key) -> Result<()> {
        let key = self.writer_for::<T>(key).to_key()?;
        let source = InvalidationSource::Call;
        self.engine()
            .drop_entries(T::cache_prefix(), &[key], source)
            .await
    }

    /// Drops several entries in one call.
    ///
    /// # Errors
    /// The first of the keys' errors; the other keys are invalidated all the same.
    pub async fn invalidate_many<T: CacheEntity>(&self, keys: &[T::Key]) -> Result<()> {
        let mut outcome = Ok(());
        let keys = keys.iter().map(|key| self.writer_for::<T>(key).to_key());
        let keys: Vec<_> = keys
            .filter_map(|key| key.map_err(|error| outcome = Err(error)).ok())
            .collect();
        let source = InvalidationSource::Call;
        let dropped = self
            .engine()
            .drop_entries(T::cache_prefix(), &keys, source)
            .await;
        outcome.and(dropped)
    }

    /// Drops all entities of a type (of its prefix), in constant time. Their memory is freed as
    /// they expire or are evicted.
    ///
    /// # Errors
    /// [`Error::BackendError`](crate::Error::BackendError) if the store could not be told.
    pub async fn clear_prefix<T: CacheEntity>(&self) -> Result<()> {
        self.engine().clear_prefix(T::cache_prefix()).await
    }

    /// Drops everything of this service's namespace, in constant time; without a namespace,
    /// everything that is in none. In Redis other processes serve what they have for `clear_lag`
    /// (of `RedisConfig`, 1 s) at most.
    ///
    /// # Errors
    /// [`Error::BackendError`](crate::Error::BackendError) if the store could not be told.
    pub async fn clear_namespace(&self) -> Result<()> {
        self.engine().clear_namespace().await
    }

    /// Drops every entity that carries a tag, whatever its type, in constant time; loads that are
    /// in progress do not store theirs. Call it after the commit. In Redis other processes serve
    /// what they have for `clear_lag` (of `RedisConfig`, 1 s) at most.
    ///
    /// ```
    /// use cache_kit::prelude::*;
    ///
    /// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
    /// #[cache(prefix = "employment", ttl = "1h", key = id, tags = ["employer:{employer}"])]
    /// struct Employment { id: u64, employer: String }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> cache_kit::Result<()> {
    /// let cache = CacheService::new(InMemoryBackend::new());
    /// cache.put(Employment { id: 7, employer: "Acme".into() }).await?;
    /// cache.invalidate_tag("employer:Acme").await?;
    /// assert_eq!(cache.get::<Employment>(&7).await?, None);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::BackendError`](crate::Error::BackendError) if the store could not be told.
    pub async fn invalidate_tag(&self, tag: &str) -> Result<()> {
        self.engine().invalidate_tag(tag).await
    }
}
