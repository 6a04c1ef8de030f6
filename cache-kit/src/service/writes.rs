//! What changes entries: puts, removals, invalidations.

use super::CacheService;
use crate::backend::{CacheBackend, Entry, Fill, Filled, Intent, only, padded};
use crate::entity::CacheEntity;
use crate::error::{Error, Result};
use crate::key::CacheKey;
use crate::observe::{CacheEvent, InvalidationSource, Operation};
use crate::outcome::{CachedOutput, EntityOf, Payload};
use crate::read_through::Reader;
use crate::shape::Shape;
use crate::strategy::CacheStrategy;
use crate::ttl::Lifetime;
use crate::write::Write;
use std::future::Future;
use std::sync::Arc;

impl<B: CacheBackend> CacheService<B> {
    /// Stores an entity that the caller knows to be what the repository has now, such as one just read to warm the cache.
    ///
    /// For an entity that is being written use [`put_with`](Self::put_with): between a write and a `put` after it another write may
    /// come, and its value would be replaced by the older one.
    ///
    /// # Errors
    /// [`Error::ValidationError`](crate::Error::ValidationError) or [`Error::ConfigError`](crate::Error::ConfigError) if it must not be stored, [`Error::BackendError`](crate::Error::BackendError) or [`Error::Timeout`](crate::Error::Timeout) if the store failed: then
    /// nothing may have changed.
    pub async fn put<P>(&self, entity: P) -> Result<()>
    where
        P: Payload + Into<Arc<P::Entity>>,
    {
        let entity: Arc<P::Entity> = entity.into();
        entity.validate().map_err(Error::into_validation)?;
        self.declare::<P::Entity>(Lifetime::new())?;
        let key = self.writer_for::<P::Entity>(&entity.cache_key()).to_key()?;
        let keys = std::slice::from_ref(&key);
        let reader = Reader::<B, P::Entity>::new(self);
        let Some(lifetime) = self.put_lifetime::<P::Entity>() else {
            return self.forget::<P::Entity>(keys).await;
        };
        let opened = reader.open(&key, Intent::Write).await?;
        let stored = self.put_under(opened.permit, entity, &lifetime).await;
        self.0.flights.detach(&key);
        if stored.is_err() {
            // Whatever the store has now may be neither the old nor the new one.
            let _ = self.forget::<P::Entity>(keys).await;
        }
        stored
    }

    async fn forget<T: CacheEntity>(&self, keys: &[CacheKey]) -> Result<()> {
        self.drop_entries(T::cache_prefix(), keys, InvalidationSource::Put)
            .await
    }

    /// Says how long what is written lives; `None` if the service's policy does not want it stored.
    pub(crate) fn put_lifetime<T: CacheEntity>(&self) -> Option<Lifetime> {
        self.lifetime::<T>(Lifetime::new(), CacheStrategy::Refresh, None)
    }

    /// Puts an entity under the permit that was taken before it was written.
    pub(crate) async fn put_under<T: CacheEntity>(
        &self,
        permit: B::Permit,
        entity: Arc<T>,
        lifetime: &Lifetime,
    ) -> Result<()> {
        let put = Fill {
            permit,
            entry: Entry::Value(entity),
            ttl: lifetime.draw(),
            stale: lifetime.stale(),
        };
        let answer = only(self.0.backend.put(vec![put], Shape::of::<T>()).await);
        let answer = answer.inspect_err(|error| self.failed::<T>(Operation::Put, error))?;
        let prefix = T::cache_prefix();
        self.record(&match answer {
            Filled::Stored => CacheEvent::Put { prefix },
            Filled::Superseded => CacheEvent::Invalidation {
                prefix,
                source: InvalidationSource::Put,
            },
        });
        Ok(())
    }

    /// Runs a write to the repository, and replaces the entry with the entity it returns.
    ///
    /// The entry is invalidated when the write fails and when this future is dropped, for it may have committed; and when
    /// another write came between, for nobody knows which came last. What `#[cache_put]` does. The body's result is returned in any case; that the cache
    /// could not be told is counted and logged.
    pub async fn put_with<O, F>(
        &self,
        key: &<EntityOf<O> as CacheEntity>::Key,
        write: impl FnOnce() -> F,
    ) -> O
    where
        O: CachedOutput,
        F: Future<Output = O>,
    {
        let key = self.writer_for::<EntityOf<O>>(key);
        let guard = Write::put::<EntityOf<O>>(self, Some(key)).await;
        let output = write().await;
        guard.finish_put(output).await
    }

    /// Runs a removal or any other write to the repository, and invalidates the entry when it is over: done, failed, or dropped.
    /// What `#[cache_evict]` does.
    pub async fn evict_with<T, O, F>(&self, key: &T::Key, write: impl FnOnce() -> F) -> O
    where
        T: CacheEntity,
        F: Future<Output = O>,
    {
        let guard = Write::evict::<T>(self, &self.writer_for::<T>(key));
        let output = write().await;
        guard.finish(output).await
    }

    /// Drops an entry, and keeps loads that are in progress from storing theirs. One round trip; call it after the commit.
    ///
    /// # Errors
    /// [`Error::BackendError`](crate::Error::BackendError) if the store could not be told: readers may see the old entry.
    pub async fn invalidate<T: CacheEntity>(&self, key: &T::Key) -> Result<()> {
        let key = self.writer_for::<T>(key).to_key()?;
        self.drop_entries(T::cache_prefix(), &[key], InvalidationSource::Call)
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
        let dropped = self
            .drop_entries(T::cache_prefix(), &keys, InvalidationSource::Call)
            .await;
        outcome.and(dropped)
    }

    /// Drops all entities of a type (of its prefix), in constant time. Their memory is freed as they expire or are evicted.
    ///
    /// # Errors
    /// [`Error::BackendError`](crate::Error::BackendError) if the store could not be told.
    pub async fn clear_prefix<T: CacheEntity>(&self) -> Result<()> {
        let prefix = self.prefix_of::<T>();
        let cleared = self.0.backend.clear_prefix(&prefix).await;
        // Even if the store could not be told: nobody who comes after this call may be given what was loaded before it.
        self.0.flights.detach_all(|key| key.prefix() == prefix);
        match &cleared {
            Ok(()) => {
                let source = InvalidationSource::Clear;
                self.record(&CacheEvent::Invalidation {
                    prefix: T::cache_prefix(),
                    source,
                });
            }
            Err(error) => self.failed::<T>(Operation::Invalidate, error),
        }
        cleared
    }

    pub(crate) async fn drop_entries(
        &self,
        prefix: &'static str,
        keys: &[CacheKey],
        source: InvalidationSource,
    ) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let results = self.0.backend.invalidate(keys).await;
        let mut outcome = Ok(());
        for (key, result) in keys.iter().zip(padded(results, keys.len())) {
            // Even if the store could not be told: nobody who comes after this call may be given what was loaded before it.
            self.0.flights.detach(key);
            match result {
                Ok(()) => self.record(&CacheEvent::Invalidation { prefix, source }),
                Err(error) => {
                    self.fault(prefix, Operation::Invalidate, &error);
                    outcome = outcome.and(Err(error));
                }
            }
        }
        outcome
    }
}
