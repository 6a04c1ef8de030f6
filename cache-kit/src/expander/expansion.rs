//! One feeder on its way through the read-through, with its hooks and retries.

use crate::backend::CacheBackend;
use crate::call::Call;
use crate::entity::CacheEntity;
use crate::error::{Error, Result};
use crate::feed::CacheFeed;
use crate::read_through::{Detached, InBackground, Inline, Miss, Plan, Refresh, peek};
use crate::repository::{DataRepository, load_own};
use crate::retry::Retries;
use crate::service::CacheService;
use crate::strategy::{CacheStrategy, OperationConfig};
use std::pin::pin;
use std::sync::Arc;

/// One feeder on its way.
pub(super) struct Expansion<'e, B: CacheBackend, T: CacheEntity, F: ?Sized, R: ?Sized> {
    cache: &'e CacheService<B>,
    feeder: &'e mut F,
    key: T::Key,
    repository: &'e R,
    strategy: CacheStrategy,
    config: OperationConfig,
    retries: Retries,
    has_missed: bool,
}

/// Why an expansion got no answer.
enum Stop {
    /// Nothing is cached, and the strategy is `Fresh`.
    Missed,
    /// The cache failed, which may help itself.
    Broken(Error),
    /// Anything else. A repository's failure has been retried where it happened: within the flight.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// What an expansion gets: an entity, or the knowledge that there is none.
type Expanded<T> = Result<Option<Arc<T>>>;

impl<'e, B, T, F, R> Expansion<'e, B, T, F, R>
where
    B: CacheBackend,
    T: CacheEntity,
    F: CacheFeed<T> + ?Sized,
    R: DataRepository<T> + ?Sized,
{
    pub(super) fn new(
        cache: &'e CacheService<B>,
        feeder: &'e mut F,
        repository: &'e R,
        strategy: CacheStrategy,
        config: OperationConfig,
    ) -> Self {
        Self {
            cache,
            key: feeder.entity_id(),
            feeder,
            repository,
            strategy,
            retries: Retries::new(config.retry),
            config,
            has_missed: false,
        }
    }

    /// Feeds; what is stale is refreshed by the caller who comes first.
    pub(super) async fn run(&mut self) -> Result<()> {
        self.run_with(&Inline).await
    }

    async fn run_with(&mut self, refresh: &impl Refresh<B, Expanded<T>>) -> Result<()> {
        loop {
            match self.expand(refresh).await {
                Ok(entity) => return self.feed(entity),
                Err(Stop::Broken(error)) if error.is_transient() && self.retries.next().await => {}
                Err(Stop::Broken(error) | Stop::Failed(error)) => return Err(error),
                Err(Stop::Missed) => {
                    self.feeder.feed(None);
                    return Err(Error::CacheMiss);
                }
            }
        }
    }

    /// The read-through: look up; after a miss ask the repository, or those who do.
    async fn expand(
        &mut self,
        refresh: &impl Refresh<B, Expanded<T>>,
    ) -> Result<Option<Arc<T>>, Stop> {
        let plan = match self.begin()? {
            Begun::Hit(entity) => return self.hit(entity),
            Begun::Plan(plan) => plan,
        };
        match plan.look_up(refresh).await {
            Ok(Ok(entity)) => self.hit(entity),
            Ok(Err(error)) => Err(Stop::Broken(error)),
            Err(miss) => self.miss(plan, miss, refresh).await,
        }
    }

    /// Takes what is in reach at once, else makes a plan. (The writer of the key is not kept while the call waits.)
    fn begin(&self) -> Result<Begun<'e, B, T>> {
        let mut call: Call<Expanded<T>> = Call::direct(self.strategy).within(self.config.timeouts);
        if let Some(ttl) = self.config.ttl {
            call = call.ttl(ttl);
        }
        if let Some(class) = &self.config.ttl_class {
            let age_limit = self.cache.age_limit::<T>(self.strategy, class)?;
            call = call.class(class.clone(), age_limit);
        }
        let key = self.cache.writer_for::<T>(&self.key);
        match peek(self.cache, &key, &call) {
            Some(hit) => Ok(Begun::Hit(hit?)),
            None => Ok(Begun::Plan(Box::new(Plan::of(self.cache, &key, call)))),
        }
    }

    fn hit(&mut self, entity: Option<Arc<T>>) -> Result<Option<Arc<T>>, Stop> {
        self.feeder.on_hit(&self.key)?;
        Ok(entity)
    }

    async fn miss(
        &mut self,
        plan: Box<Plan<'e, B, Expanded<T>>>,
        miss: Miss<T>,
        refresh: &impl Refresh<B, Expanded<T>>,
    ) -> Result<Option<Arc<T>>, Stop> {
        if !self.has_missed {
            self.has_missed = true;
            self.feeder.on_miss(&self.key)?;
        }
        if self.strategy == CacheStrategy::Fresh {
            return Err(Stop::Missed);
        }
        let load = pin!(load(self.repository, &self.key, &self.retries));
        match plan.ask(miss, refresh, load).await {
            Ok(loaded) => Ok(loaded?),
            Err(ended) => Err(Stop::Broken(ended.error)),
        }
    }

    fn feed(&mut self, entity: Option<Arc<T>>) -> Result<()> {
        if let Some(entity) = &entity {
            self.feeder.on_loaded(entity)?;
        }
        self.feeder.feed(entity.map(Arc::unwrap_or_clone));
        Ok(())
    }
}

impl<B, T, F, R> Expansion<'_, B, T, F, R>
where
    B: CacheBackend,
    T: CacheEntity,
    F: CacheFeed<T> + ?Sized,
    R: DataRepository<T> + ?Sized + 'static,
{
    /// Feeds; what is stale is refreshed by a task of its own.
    pub(super) async fn run_shared(&mut self, repository: &Arc<R>) -> Result<()> {
        let (key, retry) = (self.key.clone(), self.config.retry);
        let begin = || -> Detached<Expanded<T>> {
            let (repository, key) = (Arc::clone(repository), key.clone());
            Box::pin(async move { load(&*repository, &key, &Retries::new(retry)).await })
        };
        self.run_with(&InBackground(begin)).await
    }
}

/// How far an expansion came without waiting.
enum Begun<'e, B: CacheBackend, T: CacheEntity> {
    Hit(Option<Arc<T>>),
    Plan(Box<Plan<'e, B, Expanded<T>>>),
}

/// Asks the repository, again where that is wanted and may help.
async fn load<T, R>(repository: &R, key: &T::Key, retries: &Retries) -> Expanded<T>
where
    T: CacheEntity,
    R: DataRepository<T> + ?Sized,
{
    loop {
        match load_own(repository, key).await {
            Err(error) if error.is_transient() && retries.next().await => {}
            loaded => return Ok(loaded?.map(Arc::new)),
        }
    }
}
