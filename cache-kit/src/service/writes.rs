//! What changes entries: puts, removals, invalidations.

use super::CacheService;
use crate::backend::{CacheBackend, Entry, Filled, Intent, only, padded};
use crate::entity::CacheEntity;
use crate::error::{Error, Result};
use crate::key::CacheKey;
use crate::observe::{CacheEvent, InvalidationSource, Operation, store_span};
use crate::outcome::{CachedOutput, EntityOf, Payload};
use crate::read_through::{Filling, Reader, to_fill};
use crate::shape::Shape;
use crate::strategy::CacheStrategy;
use crate::tag::{Scope, namespace_of};
use crate::ttl::Lifetime;
use crate::write::Write;
use std::future::Future;
use std::sync::Arc;
use tracing::Instrument;

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
        P: Payload + CachedOutput<Payload = P> + Into<Arc<P::Entity>>,
    {
        let terms = entity.terms();
        let entity: Arc<P::Entity> = entity.into();
        entity.validate().map_err(Error::into_validation)?;
        self.declare::<P::Entity>(Lifetime::new())?;
        let key = self.writer_for::<P::Entity>(&entity.cache_key()).to_key()?;
        let keys = std::slice::from_ref(&key);
        let reader = Reader::<B, P::Entity>::new(self);
        let lifetime = self.put_lifetime::<P::Entity>();
        let Some(lifetime) = lifetime.and_then(|lifetime| terms.applied(lifetime)) else {
            return self.forget::<P::Entity>(keys).await;
        };
        let opened = reader.open(&key, Intent::Write).await?;
        let foretold = reader.foretell(&[], P::TAGS, || None).await?;
        let put = to_fill(opened.permit, Entry::Value(entity.clone()), &lifetime);
        let put = Filling::new(put, &foretold, reader.tags_of(Some(&entity), &terms));
        let stored = self.put_under::<P::Entity>(&key, put).await;
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
        key: &CacheKey,
        put: Filling<B::Permit>,
    ) -> Result<()> {
        let prefix = T::cache_prefix();
        let reader = Reader::<B, T>::new(self);
        let stamped = reader.stamp_fills(vec![put]).await.pop();
        let answer = match stamped {
            Some(Ok(put)) => {
                let span = store_span(prefix, Operation::Put, 1);
                let put = self.0.backend.put(vec![put], Shape::of::<T>());
                only(put.instrument(span).await)
            }
            Some(Err(Ok(_))) | None => {
                // A tag may have been cleared while this was written. What is stored is older than that.
                return self.forget::<T>(std::slice::from_ref(key)).await;
            }
            Some(Err(Err(error))) => Err(error),
        };
        let answer = answer.inspect_err(|error| self.failed::<T>(Operation::Put, error))?;
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
        let guard = Write::put::<O>(self, Some(key)).await;
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
        self.clear_entities(T::cache_prefix()).await
    }

    pub(crate) async fn clear_entities(&self, prefix: &str) -> Result<()> {
        let whole = self.whole_prefix(prefix);
        let scope = Scope::Prefix(&whole);
        let source = InvalidationSource::Clear;
        self.clear(scope, prefix, source, |key| key.prefix() == whole)
            .await
    }

    /// Drops everything of this service's namespace, in constant time; without a namespace, everything that is in none. In Redis other processes serve
    /// what they have for `clear_lag` (of `RedisConfig`, 1 s) at most.
    ///
    /// # Errors
    /// [`Error::BackendError`](crate::Error::BackendError) if the store could not be told.
    pub async fn clear_namespace(&self) -> Result<()> {
        let namespace = self.0.settings.namespace();
        let source = InvalidationSource::Clear;
        let scope = Scope::Namespace(namespace);
        self.clear(scope, "", source, |key| is_in(key, namespace))
            .await
    }

    /// Drops every entity that carries a tag, whatever its type, in constant time; loads that are in progress do not store theirs. Call it after the commit. In Redis
    /// other processes serve what they have for `clear_lag` (of `RedisConfig`, 1 s) at most.
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
        let tag = self.tag(tag);
        let source = InvalidationSource::Tag;
        // Nobody knows which of them will bring the tag.
        let may_bring = |key: &CacheKey| is_in(key, tag.namespace());
        self.clear(Scope::Tag(&tag), "", source, may_bring).await
    }

    pub(crate) async fn clear(
        &self,
        scope: Scope<'_>,
        prefix: &str,
        source: InvalidationSource,
        is_meant: impl Fn(&CacheKey) -> bool,
    ) -> Result<()> {
        let span = store_span(prefix, Operation::Invalidate, 1);
        let cleared = self.0.backend.clear(scope).instrument(span).await;
        // Even if the store could not be told: nobody who comes after this call may be given what was loaded before it.
        self.0.flights.detach_all(is_meant);
        match &cleared {
            Ok(()) => self.record(&CacheEvent::Invalidation { prefix, source }),
            Err(error) => self.fault(prefix, Operation::Invalidate, error),
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
        let span = store_span(prefix, Operation::Invalidate, keys.len());
        let results = self.0.backend.invalidate(keys).instrument(span).await;
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

fn is_in(key: &CacheKey, namespace: Option<&str>) -> bool {
    namespace_of(key.prefix().as_bytes()) == namespace.unwrap_or_default().as_bytes()
}
