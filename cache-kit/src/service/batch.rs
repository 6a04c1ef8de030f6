//! Many keys in one call: one read, one load of what is missing, one fill.

mod items;
mod loads;
mod run;

use super::CacheService;
use crate::backend::CacheBackend;
use crate::call::Call;
use crate::entity::CacheEntity;
use crate::error::{Error, Result};
use crate::observe::{LoadOutcome, Operation};
use crate::read_through::Reader;
use crate::repository::{DataRepository, PartialLoad};
use crate::strategy::CacheStrategy;
use crate::ttl::Lifetime;
use foldhash::HashMap;
use items::Answer;
use run::Batch;
use std::future::Future;
use std::sync::Arc;

/// What one load of many keys brought. A key that is in neither is absent.
struct Loaded<T: CacheEntity, E> {
    entities: Vec<T>,
    failures: Vec<(T::Key, E)>,
}

impl<T: CacheEntity, E> Loaded<T, E> {
    fn of(entities: Vec<T>) -> Self {
        Self {
            entities,
            failures: Vec::new(),
        }
    }
}

impl<B: CacheBackend> CacheService<B> {
    /// Returns cached entities in the order of the keys, duplicates kept; `None` for what is absent or not cached. One round trip.
    ///
    /// # Errors
    /// For each key on its own, as [`get`](Self::get).
    pub async fn get_many<T: CacheEntity>(&self, keys: &[T::Key]) -> Vec<Result<Option<Arc<T>>>> {
        let asked: Vec<_> = keys
            .iter()
            .map(|key| self.writer_for::<T>(key).to_key())
            .collect();
        let known: Vec<_> = asked
            .iter()
            .filter_map(|key| key.as_ref().ok().cloned())
            .collect();
        let reader = Reader::<B, T>::new(self);
        let mut lookups = reader.read_many(&known).await.into_iter();
        asked
            .into_iter()
            .map(|key| {
                key?;
                let lookup = self.tolerate(lookups.next().unwrap_or(Err(Error::Timeout)))?;
                Ok(reader.found(lookup).into_option())
            })
            .collect()
    }

    /// Returns entities in the order of the keys, duplicates kept, loading in one call what is not cached; `None` for what the repository
    /// has not.
    ///
    /// `load` is given the missing keys, each once, and may return the entities in any order; one it leaves out is absent, one nobody asked
    /// for is ignored. It is called again only for keys that another caller was loading and did not bring. Flights are shared with single
    /// reads. Costs one read, and for the misses one open and one fill.
    ///
    /// # Errors
    /// What `load` returns: then nothing of that load is stored. With `E = cache_kit::Error` also [`Error::ValidationError`] and [`Error::ConfigError`],
    /// and under [`FailurePolicy::Propagate`](crate::FailurePolicy::Propagate) what the backend failed with.
    ///
    /// # Cancel safety
    /// As [`get_or_load`](Self::get_or_load), for each key.
    pub async fn get_or_load_many<T, E, F>(
        &self,
        keys: &[T::Key],
        load: impl FnMut(Vec<T::Key>) -> F,
    ) -> Result<Vec<Option<Arc<T>>>, E>
    where
        T: CacheEntity,
        E: Send + 'static,
        F: Future<Output = Result<Vec<T>, E>>,
    {
        let call = Call::direct(CacheStrategy::Refresh);
        if let Err(error) = self.declare::<T>(Lifetime::new()) {
            return self.refuse_many(keys, error, &call, load).await;
        }
        let mut load = load;
        let load = |ids| {
            let loading = load(ids);
            async { Ok(Loaded::of(loading.await?)) }
        };
        let answers = self.run_batch(keys, call, Err, load).await?;
        let known = |answer| match answer {
            Answer::Known(entity) => entity,
            Answer::Wanted | Answer::Failed(_) => None,
        };
        Ok(answers.into_iter().map(known).collect())
    }

    /// Returns entities in the order of the keys, duplicates kept, from a repository where they are not cached; `Ok(None)` for what it has
    /// not.
    ///
    /// The repository's [`fetch_by_ids`](crate::Repository::fetch_by_ids) is asked once for what is missing, each key once: override it with one query, for
    /// by itself it asks one by one. Flights are shared with single reads. What fails, fails alone: a key's error does not take the others down. Costs
    /// one read, and for the misses one open and one fill.
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
    ///         Ok((*id < 100).then_some(User { id: *id }))
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let cache = CacheService::new(InMemoryBackend::new());
    /// let found = cache.load_many(&[3, 500, 3], &Users).await;
    /// let ids: Vec<_> = found.into_iter().map(|user| user.unwrap().map(|user| user.id)).collect();
    /// assert_eq!(ids, [Some(3), None, Some(3)]);
    /// # }
    /// ```
    ///
    /// # Errors
    /// For each key on its own: [`Error::RepositoryError`] or whatever else its load returned, [`Error::ValidationError`] if what came is not valid,
    /// [`Error::ConfigError`] if the key or the entity's declaration cannot work; under
    /// [`FailurePolicy::Propagate`](crate::FailurePolicy::Propagate) what the backend failed with.
    ///
    /// # Cancel safety
    /// As [`get_or_load`](Self::get_or_load), for each key.
    pub async fn load_many<T, R>(
        &self,
        keys: &[T::Key],
        repository: &R,
    ) -> Vec<Result<Option<Arc<T>>>>
    where
        T: CacheEntity,
        R: DataRepository<T> + ?Sized,
    {
        let call = Call::direct(CacheStrategy::Refresh);
        if let Err(error) = self.declare::<T>(Lifetime::new()) {
            self.failed::<T>(Operation::Declare, &error);
            return vec![Err(error); keys.len()];
        }
        let load = async |ids: Vec<T::Key>| match repository.load_many(&ids).await {
            Ok(entities) => Ok(Loaded::of(entities)),
            Err(error) => Ok(spread(&error, ids)),
        };
        match self.run_batch(keys, call, Ok, load).await {
            Ok(answers) => answers.into_iter().map(into_result).collect(),
            Err(error) => vec![Err(error); keys.len()],
        }
    }

    async fn run_batch<T, E, F>(
        &self,
        keys: &[T::Key],
        call: Call<Result<Vec<T>, E>>,
        spare: fn(E) -> Result<Error, E>,
        load: impl FnMut(Vec<T::Key>) -> F,
    ) -> Result<Vec<Answer<T>>, E>
    where
        T: CacheEntity,
        E: Send + 'static,
        F: Future<Output = Result<Loaded<T, E>, E>>,
    {
        let mut batch = Batch {
            reader: Reader::new(self),
            call,
            spare,
            load,
            items: Vec::new(),
        };
        let order = batch.enter(keys)?;
        batch.run().await?;
        let answer = |index: usize| batch.items[index].answer.clone();
        Ok(order.into_iter().map(answer).collect())
    }

    /// Serves a batch of a type that cannot be cached.
    async fn refuse_many<T, E, F>(
        &self,
        keys: &[T::Key],
        error: Error,
        call: &Call<Result<Vec<T>, E>>,
        mut load: impl FnMut(Vec<T::Key>) -> F,
    ) -> Result<Vec<Option<Arc<T>>>, E>
    where
        T: CacheEntity,
        F: Future<Output = Result<Vec<T>, E>>,
    {
        self.failed::<T>(Operation::Declare, &error);
        if let Some(carry) = call.carry {
            return carry(error).map(|_| Vec::new());
        }
        let reader = Reader::<B, T>::new(self);
        let outcome = |loaded: &Result<Vec<T>, E>| match loaded {
            Ok(entities) if entities.is_empty() => LoadOutcome::Absent,
            Ok(_) => LoadOutcome::Found,
            Err(_) => LoadOutcome::Failed,
        };
        let loaded: HashMap<T::Key, Arc<T>> = reader
            .load(vec![], load(keys.to_vec()), outcome)
            .await?
            .into_iter()
            .map(|entity| (entity.cache_key(), Arc::new(entity)))
            .collect();
        Ok(keys.iter().map(|key| loaded.get(key).cloned()).collect())
    }
}

/// Gives each key its own failure: those of a repository that loads one by one, or the one of a call for all.
fn spread<T: CacheEntity>(error: &Error, ids: Vec<T::Key>) -> Loaded<T, Error> {
    match PartialLoad::take(error, &ids) {
        Some((entities, failures)) => Loaded { entities, failures },
        None => Loaded {
            entities: Vec::new(),
            failures: ids.into_iter().map(|id| (id, error.clone())).collect(),
        },
    }
}

fn into_result<T>(answer: Answer<T>) -> Result<Option<Arc<T>>> {
    match answer {
        Answer::Known(entity) => Ok(entity),
        Answer::Failed(error) => Err(error),
        Answer::Wanted => Ok(None),
    }
}

fn outcome_of<T: CacheEntity, E>(loaded: &Result<Loaded<T, E>, E>) -> LoadOutcome {
    match loaded {
        Ok(loaded) if !loaded.entities.is_empty() => LoadOutcome::Found,
        Ok(loaded) if loaded.failures.is_empty() => LoadOutcome::Absent,
        _ => LoadOutcome::Failed,
    }
}
