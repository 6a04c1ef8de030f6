//! One feeder on its way through the read-through, with its hooks and retries.

use crate::engine::call::Call;
use crate::engine::{Answer, DetachedLoad, Read, Reload, Turn};
use crate::entity::CacheEntity;
use crate::error::{Error, Result};
use crate::feeder::feed::CacheFeed;
use crate::feeder::repository::{DataRepository, load_own};
use crate::handle::CacheService;
use crate::output::{AnyError, Asked};
use crate::store::CacheBackend;
use crate::strategy::retry::Retries;
use crate::strategy::{CacheStrategy, OperationConfig};
use std::sync::Arc;
use tracing::Instrument;

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

/// How that comes out of the cache and goes into it.
fn edge<T: CacheEntity>() -> AnyError<Expanded<T>> {
    AnyError::of_any_error()
}

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
        self.run_with(None).await
    }

    async fn run_with(&mut self, reload: Reload<'_>) -> Result<()> {
        loop {
            match self.expand(reload).await {
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
    async fn expand(&mut self, reload: Reload<'_>) -> Result<Option<Arc<T>>, Stop> {
        let mut read = match self.peek()? {
            Ok(entity) => return self.hit(entity),
            Err(asked) => asked.0,
        };
        let span = read.span();
        read.look_up(reload).instrument(span).await;
        match read.take_answer() {
            Some(Answer::Broken(error) | Answer::Refused(error)) => Err(Stop::Broken(error)),
            Some(answer) => {
                let entity = edge::<T>().answer(answer)?;
                self.hit(entity)
            }
            None => self.miss(read, reload).await,
        }
    }

    /// Takes what is in reach at once. (The writer of the key is not kept while the call waits.)
    fn peek(&self) -> Result<Result<Option<Arc<T>>, Asked<'e>>> {
        let mut call = Call::new(self.strategy).within(self.config.timeouts);
        if let Some(ttl) = self.config.ttl {
            call = call.ttl(ttl);
        }
        if let Some(class) = &self.config.ttl_class {
            let kind = AnyError::<Expanded<T>>::kind();
            let age_limit = self.cache.engine().age_limit(kind, self.strategy, class)?;
            call = call.class(class.clone(), age_limit);
        }
        let key = self.cache.writer_for::<T>(&self.key);
        match edge::<T>().peek(self.cache, &key, call) {
            Ok(hit) => hit.map(Ok),
            Err(asked) => Ok(Err(asked)),
        }
    }

    fn hit(&mut self, entity: Option<Arc<T>>) -> Result<Option<Arc<T>>, Stop> {
        self.feeder.on_hit(&self.key)?;
        Ok(entity)
    }

    async fn miss(
        &mut self,
        read: Box<Read<'e>>,
        reload: Reload<'_>,
    ) -> Result<Option<Arc<T>>, Stop> {
        if !self.has_missed {
            self.has_missed = true;
            self.feeder.on_miss(&self.key)?;
        }
        if self.strategy == CacheStrategy::Fresh {
            return Err(Stop::Missed);
        }
        let mut turn = match Turn::of(read, reload).await {
            Ok(turn) => turn,
            Err(answer) => return answered(answer),
        };
        let mut body = Box::pin(load(self.repository, &self.key, &self.retries));
        let output = turn.run(body.as_mut()).await;
        drop(body);
        let says_why = turn.has_fallback();
        let loaded = output
            .as_ref()
            .map(|output| edge().loaded(output, false, says_why));
        match (turn.land(loaded).await, output) {
            (Some(answer), _) => answered(answer),
            (None, Some(output)) => Ok(output?),
            (None, None) => unreachable!("what took too long has an answer"),
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
        let reload = || -> DetachedLoad {
            let (repository, key) = (Arc::clone(repository), key.clone());
            Box::pin(async move {
                let output = load(&*repository, &key, &Retries::new(retry)).await;
                edge().loaded(&output, false, true)
            })
        };
        self.run_with(Some(&reload)).await
    }
}

/// What an answer is to an expansion.
fn answered<T: CacheEntity>(answer: Answer) -> Result<Option<Arc<T>>, Stop> {
    match answer {
        Answer::Broken(error) => Err(Stop::Broken(error)),
        answer => Ok(edge().answer(answer)?),
    }
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
