//! The handle that services hold.

mod batch;
mod builder;
mod definitions;
mod reads;
mod settings;
mod writes;

pub use builder::CacheServiceBuilder;

use crate::backend::CacheBackend;
use crate::background::Background;
use crate::early::Early;
use crate::entity::CacheEntity;
use crate::error::{Error, Result};
use crate::flight::Flights;
use crate::key::KeyWriter;
use crate::observe::{CacheEvent, CacheStats, Observer, Operation};
use crate::strategy::CacheStrategy;
use crate::tag::Tag;
use crate::throttle::Throttle;
use crate::timeouts::Timeouts;
use crate::ttl::Lifetime;
use definitions::Definitions;
use settings::Settings;
use std::fmt;
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
    pub(crate) settings: Settings,
    pub(crate) flights: Arc<Flights>,
    pub(crate) throttle: Arc<Throttle>,
    pub(crate) early: Arc<Early>,
    pub(crate) background: Background,
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

    /// Sets up another service over the same backend, with this one's settings. The two share entries and loads; what they count is each
    /// one's own, but for evictions.
    pub fn to_builder(&self) -> CacheServiceBuilder<B> {
        CacheServiceBuilder::like(&self.0)
    }

    /// Returns what has been counted since the service was made, and tells its sink how many entries there are.
    ///
    /// Evictions and entries are the store's, of all services that share it (of evictions, those in this service's namespace).
    pub fn stats(&self) -> CacheStats {
        self.0.observer.report(self.0.backend.entries())
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
        self.0.background.finish().await;
        self.0.backend.run_pending_tasks().await
    }

    /// Returns the backend, for what only it can do.
    pub fn backend(&self) -> &B {
        &self.0.backend
    }

    pub(crate) fn inner(&self) -> &Inner<B> {
        &self.0
    }

    /// Tells apart, in what a task is loading, services that do not share loads.
    pub(crate) fn id(&self) -> usize {
        Arc::as_ptr(&self.0.flights) as usize
    }

    pub(crate) fn writer<T: CacheEntity>(&self) -> KeyWriter {
        self.value_writer(T::cache_prefix())
    }

    pub(crate) fn definitions(&self) -> &Definitions {
        &self.0.definitions
    }

    pub(crate) fn value_writer(&self, prefix: &str) -> KeyWriter {
        KeyWriter::new(self.0.settings.namespace.as_deref(), prefix)
    }

    pub(crate) fn writer_for<T: CacheEntity>(&self, key: &T::Key) -> KeyWriter {
        let mut writer = self.writer::<T>();
        T::write_key(key, &mut writer);
        writer
    }

    /// How early what an operation reads is loaded again, if it is.
    pub(crate) fn early_refresh<T: CacheEntity>(&self, operation: Lifetime) -> Option<f64> {
        let declared = T::lifetime().early_refresh();
        let beta = operation.early_refresh().or(declared);
        let beta = beta.or(self.0.settings.early_refresh());
        beta.filter(|beta| *beta > 0.0)
    }

    /// How long an operation waits for a load.
    pub(crate) fn timeouts(&self, operation: Timeouts) -> Timeouts {
        operation.or(self.0.settings.timeouts)
    }

    /// Builds a tag of this service's namespace.
    pub(crate) fn tag(&self, text: &str) -> Tag {
        Tag::new(self.0.settings.namespace(), text)
    }

    fn whole_prefix(&self, prefix: &str) -> String {
        self.0.settings.namespace.as_deref().map_or_else(
            || prefix.to_owned(),
            |namespace| format!("{namespace}:{prefix}"),
        )
    }

    /// Checks an entity's declaration before anything is stored under it.
    pub(crate) fn declare<T: CacheEntity>(&self, operation: Lifetime) -> Result<()> {
        self.0.settings.check_declared::<T>(operation)?;
        self.0.definitions.check::<T>()
    }

    /// What an operation's entries live by, unless a policy knows better.
    pub(crate) fn declared<T: CacheEntity>(&self, operation: Lifetime) -> Lifetime {
        self.0.settings.declared::<T>(operation)
    }

    /// Says how long what an operation stores lives; `None` if it is not to be stored.
    pub(crate) fn lifetime<T: CacheEntity>(
        &self,
        operation: Lifetime,
        strategy: CacheStrategy,
        ttl_class: Option<&str>,
    ) -> Option<Lifetime> {
        let settings = &self.0.settings;
        let context = settings.context::<T>(strategy, ttl_class);
        settings
            .decided::<T>(operation, &context)
            .unwrap_or_else(|error| {
                self.failed::<T>(Operation::Policy, &error);
                Some(settings.declared::<T>(operation))
            })
    }

    /// Says how old an entry may be that an operation of a class accepts.
    pub(crate) fn age_limit<T: CacheEntity>(
        &self,
        strategy: CacheStrategy,
        ttl_class: &str,
    ) -> Result<Option<Duration>> {
        let settings = &self.0.settings;
        let context = settings.context::<T>(strategy, Some(ttl_class));
        match settings.age_limit(&context) {
            Some(limit) => Ok(limit.unwrap_or_else(|error| {
                self.failed::<T>(Operation::Policy, &error);
                // How much the class may see is not known: it sees what is in the repository.
                Some(Duration::ZERO)
            })),
            None => Err(Error::ConfigError(
                "an operation has a `ttl_class`, and the service no `ttl_policy` to ask about it"
                    .into(),
            )),
        }
    }

    pub(crate) fn record(&self, event: &CacheEvent<'_>) {
        self.0.observer.record(event);
    }

    pub(crate) fn failed<T: CacheEntity>(&self, operation: Operation, error: &Error) {
        self.fault(T::cache_prefix(), operation, error);
    }

    pub(crate) fn fault(&self, prefix: &str, operation: Operation, error: &Error) {
        if let Some(reason) = error.damage() {
            tracing::warn!(prefix, %reason, %error, "an entry cannot be decoded");
            return self.record(&CacheEvent::DecodeFailure {
                prefix,
                reason,
                error,
            });
        }
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
            .field("settings", &self.0.settings)
            .field("flights", &self.0.flights.len())
            .field("observer", &self.0.observer)
            .finish_non_exhaustive()
    }
}
