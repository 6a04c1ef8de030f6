//! Feeders: asked which entity they want, and fed with it, from the cache or a repository.

mod expansion;

use crate::entity::CacheEntity;
use crate::error::Result;
use crate::feeder::feed::CacheFeed;
use crate::feeder::repository::DataRepository;
use crate::handle::CacheService;
use crate::observe::CacheMetrics;
use crate::store::CacheBackend;
use crate::strategy::{CacheStrategy, OperationConfig};
use crate::ttl::TtlPolicy;
use expansion::Expansion;
use std::fmt;
use std::sync::Arc;

/// Feeds feeders. It is a [`CacheService`] by another name, for those who work with
/// [feeders](CacheFeed) and [repositories](DataRepository); both run the same read-through, and
/// share loads, metrics and policies. Clones share everything.
///
/// ```
/// use cache_kit::prelude::*;
/// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
/// # #[cache(prefix = "user", key = id)]
/// # struct User { id: u64 }
/// struct Users;
///
/// impl Repository<User> for Users {
///     async fn fetch_by_id(&self, id: &u64) -> cache_kit::Result<Option<User>> {
///         Ok(Some(User { id: *id }))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> cache_kit::Result<()> {
/// let expander = CacheExpander::new(InMemoryBackend::new());
/// let mut feeder = GenericFeeder::<User>::new(7);
/// expander.with(&mut feeder, &Users, CacheStrategy::Refresh).await?;
/// assert_eq!(feeder.entity, Some(User { id: 7 }));
/// # Ok(())
/// # }
/// ```
pub struct CacheExpander<B: CacheBackend>(CacheService<B>);

impl<B: CacheBackend> CacheExpander<B> {
    /// Makes an expander with default settings. For others, set up a [`CacheService`] and turn it
    /// `.into()` one.
    #[must_use]
    pub fn new(backend: B) -> Self {
        Self(CacheService::new(backend))
    }

    /// Tells a sink of everything that happens from now on. The expander counts anew; entries and
    /// loads it shares with its clones.
    #[must_use]
    pub fn with_metrics(self, sink: impl CacheMetrics) -> Self {
        Self(self.0.to_builder().metrics(sink).into_service())
    }

    /// Sets how long entries live, whatever their entities declare. The expander counts anew, as
    /// [`with_metrics`](Self::with_metrics) says. A fixed TTL of zero, which a builder refuses,
    /// stores nothing.
    #[must_use]
    pub fn with_ttl_policy(self, policy: TtlPolicy) -> Self {
        Self(self.0.to_builder().ttl_policy(policy).into_service())
    }

    /// Feeds a feeder, as [`CacheService::execute`] does.
    ///
    /// # Errors
    /// As [`CacheService::execute`].
    pub async fn with<T, F, R>(
        &self,
        feeder: &mut F,
        repository: &R,
        strategy: CacheStrategy,
    ) -> Result<()>
    where
        T: CacheEntity,
        F: CacheFeed<T> + ?Sized,
        R: DataRepository<T> + ?Sized,
    {
        self.0.execute(feeder, repository, strategy).await
    }

    /// Feeds a feeder, with settings of this operation's own.
    ///
    /// # Errors
    /// As [`CacheService::execute_with`].
    pub async fn with_config<T, F, R>(
        &self,
        feeder: &mut F,
        repository: &R,
        strategy: CacheStrategy,
        config: OperationConfig,
    ) -> Result<()>
    where
        T: CacheEntity,
        F: CacheFeed<T> + ?Sized,
        R: DataRepository<T> + ?Sized,
    {
        self.0
            .execute_with(feeder, repository, strategy, config)
            .await
    }

    /// Feeds a feeder from a repository that is shared. What is stale, and serves, is refreshed by
    /// a task of its own.
    ///
    /// # Errors
    /// As [`CacheService::execute`].
    pub async fn with_shared<T, F, R>(
        &self,
        feeder: &mut F,
        repository: Arc<R>,
        strategy: CacheStrategy,
    ) -> Result<()>
    where
        T: CacheEntity,
        F: CacheFeed<T> + ?Sized,
        R: DataRepository<T> + ?Sized + 'static,
    {
        let config = OperationConfig::new();
        Expansion::new(&self.0, feeder, &*repository, strategy, config)
            .run_shared(&repository)
            .await
    }

    /// Returns the service, for what is done without feeders.
    pub fn service(&self) -> &CacheService<B> {
        &self.0
    }
}

impl<B: CacheBackend> CacheService<B> {
    /// Feeds a feeder: asks it for a key, reads through the cache as the strategy says, asks the
    /// repository where that is needed, and feeds what was found; `None` if there is no such
    /// entity.
    ///
    /// The feeder is asked for its key once, and fed once if the call succeeds; a `Fresh` miss
    /// feeds `None` and is an error. Otherwise a call that fails leaves the feeder as it was. It
    /// costs what [`get_or_load`](Self::get_or_load) costs, and shares loads with it.
    ///
    /// # Errors
    /// [`Error::RepositoryError`](crate::Error::RepositoryError), or whatever else the repository
    /// returned, also if it returned an entity with another key;
    /// [`Error::CacheMiss`](crate::Error::CacheMiss) for a `Fresh` miss;
    /// [`Error::ValidationError`](crate::Error::ValidationError) if what was loaded is not valid,
    /// [`Error::ConfigError`](crate::Error::ConfigError) for a declaration, a setting or a key that
    /// cannot work; what the feeder's hooks return; and under
    /// [`FailurePolicy::Propagate`](crate::FailurePolicy::Propagate) what the backend failed with.
    ///
    /// # Cancel safety
    /// A call that is dropped has not fed. If it was loading, one of those who wait for the load
    /// takes over.
    pub async fn execute<T, F, R>(
        &self,
        feeder: &mut F,
        repository: &R,
        strategy: CacheStrategy,
    ) -> Result<()>
    where
        T: CacheEntity,
        F: CacheFeed<T> + ?Sized,
        R: DataRepository<T> + ?Sized,
    {
        let config = OperationConfig::new();
        self.execute_with(feeder, repository, strategy, config)
            .await
    }

    /// Feeds a feeder, with settings of this operation's own.
    ///
    /// # Errors
    /// As [`execute`](Self::execute); [`Error::ConfigError`](crate::Error::ConfigError) also for a
    /// setting that cannot work, and for a `ttl_class` where the service has no [`TtlPolicy`].
    pub async fn execute_with<T, F, R>(
        &self,
        feeder: &mut F,
        repository: &R,
        strategy: CacheStrategy,
        config: OperationConfig,
    ) -> Result<()>
    where
        T: CacheEntity,
        F: CacheFeed<T> + ?Sized,
        R: DataRepository<T> + ?Sized,
    {
        config.check()?;
        Expansion::new(self, feeder, repository, strategy, config)
            .run()
            .await
    }
}

impl<B: CacheBackend> From<CacheService<B>> for CacheExpander<B> {
    fn from(service: CacheService<B>) -> Self {
        Self(service)
    }
}

impl<B: CacheBackend> Clone for CacheExpander<B> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<B: CacheBackend + fmt::Debug> fmt::Debug for CacheExpander<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CacheExpander").field(&self.0).finish()
    }
}
