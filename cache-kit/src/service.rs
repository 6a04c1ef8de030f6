//! The handle that services hold.

mod batch;
mod builder;
mod definitions;
mod writes;

pub use builder::CacheServiceBuilder;

use crate::backend::{CacheBackend, Lookup, only};
use crate::call::Call;
use crate::entity::CacheEntity;
use crate::error::{Error, Result};
use crate::flight::Flights;
use crate::key::KeyWriter;
use crate::observe::{CacheEvent, CacheStats, Observer, Operation};
use crate::read_through::{Typed, peek, read_through};
use crate::shape::Shape;
use crate::strategy::CacheStrategy;
use crate::ttl::Lifetime;
use definitions::Definitions;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

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

pub(crate) struct Inner<B> {
    pub(crate) backend: B,
    pub(crate) namespace: Option<Box<str>>,
    pub(crate) lifetime: Lifetime,
    pub(crate) flight_deadline: Duration,
    pub(crate) flights: Flights,
    pub(crate) observer: Observer,
    definitions: Definitions,
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

    /// What is known once it has been asked for.
    pub(crate) fn known(answer: Option<Arc<T>>) -> Self {
        answer.map_or(Self::Absent, Self::Hit)
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

    /// Returns a cached entity; `None` if it is absent or not cached. Never asks a repository.
    ///
    /// In memory this neither waits nor allocates, and hands out the `Arc` that was stored; a byte store takes one round trip.
    ///
    /// # Errors
    /// [`Error::BackendError`] if the store could not be asked, [`Error::ConfigError`] for a key that cannot be.
    pub async fn get<T: CacheEntity>(&self, key: &T::Key) -> Result<Option<Arc<T>>> {
        self.look_up(key).await.map(Found::into_option)
    }

    /// Returns what is known of an entity, telling absence from ignorance. Costs what [`get`](Self::get) costs.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn look_up<T: CacheEntity>(&self, key: &T::Key) -> Result<Found<T>> {
        let writer = self.writer_for::<T>(key);
        match writer
            .with_key(|key| self.0.backend.peek(key, Shape::of::<T>()))
            .flatten()
        {
            Some(lookup) => Ok(self.found(lookup)),
            None => self.look_up_far(&writer).await,
        }
    }

    async fn look_up_far<T: CacheEntity>(&self, key: &KeyWriter) -> Result<Found<T>> {
        let key = key.to_key()?;
        let lookup = only(self.0.backend.read(&[key], Shape::of::<T>()).await);
        lookup
            .map(|lookup| self.found(lookup))
            .inspect_err(|error| self.failed::<T>(Operation::Read, error))
    }

    /// Returns the cached entity, or loads and stores it; `None` if the repository has none. The strategy is `Refresh`.
    ///
    /// Callers of one key share a load, whatever API they came through. An invalidation, put or clear while it runs keeps the result
    /// from being stored. If the load fails, those who waited get the same error where it is a [`cache_kit::Error`](Error);
    /// with another error type they load for themselves, a few at a time.
    ///
    /// # Errors
    /// Whatever the load returns; with `E = cache_kit::Error` also [`Error::ValidationError`] and [`Error::ConfigError`].
    ///
    /// # Cancel safety
    /// If the caller that loads is dropped, one that waits takes over.
    pub async fn get_or_load<T, E, F>(
        &self,
        key: &T::Key,
        load: impl FnOnce() -> F,
    ) -> Result<Option<Arc<T>>, E>
    where
        T: CacheEntity,
        E: Send + 'static,
        F: Future<Output = Result<Option<T>, E>>,
    {
        self.get_or_load_with(CacheStrategy::Refresh, key, load)
            .await
    }

    /// Returns an entity as a strategy says. `Fresh` returns `None` for a miss.
    ///
    /// # Errors
    /// As [`get_or_load`](Self::get_or_load).
    pub async fn get_or_load_with<T, E, F>(
        &self,
        strategy: CacheStrategy,
        key: &T::Key,
        load: impl FnOnce() -> F,
    ) -> Result<Option<Arc<T>>, E>
    where
        T: CacheEntity,
        E: Send + 'static,
        F: Future<Output = Result<Option<T>, E>>,
    {
        let writer = self.writer_for::<T>(key);
        let call = Call::direct(strategy).or_miss(|| Ok(None));
        if let Some(hit) = peek(self, &writer, &call) {
            return hit;
        }
        let body = pin!(async { Ok(load().await?.map(Arc::new)) });
        read_through(self, writer, call, body).await
    }

    /// Returns what has been counted since the service was made.
    pub fn stats(&self) -> CacheStats {
        self.0.observer.stats(self.0.backend.entries())
    }

    /// Says whether the store can be used now.
    ///
    /// # Errors
    /// Why it cannot.
    pub async fn health(&self) -> Result<()> {
        self.0.backend.health().await
    }

    /// Returns the backend, for what only it can do.
    pub fn backend(&self) -> &B {
        &self.0.backend
    }

    pub(crate) fn inner(&self) -> &Inner<B> {
        &self.0
    }

    /// Tells services apart in what a task is loading.
    pub(crate) fn id(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    pub(crate) fn writer<T: CacheEntity>(&self) -> KeyWriter {
        KeyWriter::new(self.0.namespace.as_deref(), T::cache_prefix())
    }

    pub(crate) fn writer_for<T: CacheEntity>(&self, key: &T::Key) -> KeyWriter {
        let mut writer = self.writer::<T>();
        T::write_key(key, &mut writer);
        writer
    }

    fn prefix_of<T: CacheEntity>(&self) -> String {
        let prefix = T::cache_prefix();
        self.0.namespace.as_deref().map_or_else(
            || prefix.to_owned(),
            |namespace| format!("{namespace}:{prefix}"),
        )
    }

    /// Checks an entity's declaration before anything is stored under it, and returns how long its entries live.
    pub(crate) fn declare<T: CacheEntity>(&self, call: Lifetime) -> Result<Lifetime> {
        let lifetime = call.or(T::lifetime()).or(self.0.lifetime);
        lifetime.check()?;
        self.0.definitions.check::<T>()?;
        Ok(lifetime)
    }

    fn found<T: CacheEntity>(&self, lookup: Lookup) -> Found<T> {
        match Typed::<T>::from(lookup) {
            Typed::Hit(entity) => {
                self.record(&CacheEvent::Hit {
                    prefix: T::cache_prefix(),
                });
                Found::Hit(entity)
            }
            Typed::Absent => {
                self.record(&CacheEvent::AbsentHit {
                    prefix: T::cache_prefix(),
                });
                Found::Absent
            }
            Typed::Miss(_) => {
                self.record(&CacheEvent::Miss {
                    prefix: T::cache_prefix(),
                });
                Found::Miss
            }
        }
    }

    pub(crate) fn record(&self, event: &CacheEvent<'_>) {
        self.0.observer.record(event);
    }

    pub(crate) fn failed<T: CacheEntity>(&self, operation: Operation, error: &Error) {
        self.fault(T::cache_prefix(), operation, error);
    }

    pub(crate) fn fault(&self, prefix: &str, operation: Operation, error: &Error) {
        if let Error::ConfigError(_) = error {
            // A mistake in the program, which waiting does not mend.
            tracing::error!(prefix, ?operation, %error, "the cache cannot work");
        } else {
            tracing::warn!(prefix, ?operation, %error, "the cache failed");
        }
        self.record(&CacheEvent::Failure {
            prefix,
            operation,
            error,
        });
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
            .field("namespace", &self.0.namespace)
            .field("flights", &self.0.flights.len())
            .field("observer", &self.0.observer)
            .finish_non_exhaustive()
    }
}
