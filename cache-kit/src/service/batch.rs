//! Many keys in one call: one read, one load of what is missing, one fill.

mod items;
mod loads;
mod run;

use super::CacheService;
use crate::backend::CacheBackend;
use crate::call::Call;
use crate::entity::CacheEntity;
use crate::error::{Error, Result};
use crate::observe::LoadOutcome;
use crate::outcome::{
    BatchOutput, BatchPayload, EntityOfMany, ItemOf, LoadOf, Payload, Terms, entities,
};
use crate::read_through::Reader;
use crate::repository::{DataRepository, PartialLoad};
use crate::strategy::CacheStrategy;
use items::Answer;
use run::Batch;
use std::future::Future;
use std::sync::Arc;

/// What one load of many keys brought. A key that is in neither is absent.
struct Loaded<T: CacheEntity, E> {
    entities: Vec<(Arc<T>, Terms)>,
    failures: Vec<(T::Key, E)>,
}

impl<T: CacheEntity, E> Loaded<T, E> {
    fn of(entities: impl IntoIterator<Item = T>) -> Self {
        let entities = entities.into_iter();
        Self {
            entities: entities
                .map(|entity| (Arc::new(entity), Terms::default()))
                .collect(),
            failures: Vec::new(),
        }
    }

    fn nothing() -> Self {
        Self::of([])
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
        let mut load = load;
        let load = |ids| {
            let loading = load(ids);
            async { Ok(Loaded::of(loading.await?)) }
        };
        let batch = Batch::new(self, call, Err, load);
        let answers = batch.answers(keys).await?;
        Ok(answers.into_iter().map(Answer::known).collect())
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
        let load = async |ids: Vec<T::Key>| match repository.load_many(&ids).await {
            Ok(entities) => Ok(Loaded::of(entities)),
            Err(error) => Ok(spread(&error, ids)),
        };
        match Batch::new(self, call, Ok, load).answers(keys).await {
            Ok(answers) => answers.into_iter().map(Answer::into_result).collect(),
            Err(error) => vec![Err(error); keys.len()],
        }
    }

    /// Runs a batch that answers as a function of the user's does.
    pub(crate) async fn read_many<O, F>(
        &self,
        keys: Vec<KeyOf<O>>,
        call: Call<LoadOf<O>>,
        unless: Option<fn(&EntityOfMany<O>) -> bool>,
        mut load: impl FnMut(Vec<KeyOf<O>>) -> F,
    ) -> O
    where
        O: BatchOutput,
        F: Future<Output = O>,
    {
        let load = |ids| {
            let loading = load(ids);
            async {
                Ok(Loaded {
                    entities: entities::<O>(loading.await.into_result()?),
                    failures: Vec::new(),
                })
            }
        };
        let batch = Batch {
            says_tags: ItemOf::<O>::TAGS,
            unless,
            ..Batch::new(self, call, Err, load)
        };
        let answers = batch.answers(&keys).await;
        O::from_result(answers.map(|answers| {
            let found = answers.into_iter().map(Answer::known);
            O::Payload::from_found(keys.into_iter().zip(found).collect())
        }))
    }
}

/// The key of what a function of many keys returns.
type KeyOf<O> = <EntityOfMany<O> as CacheEntity>::Key;

/// Gives each key its own failure: those of a repository that loads one by one, or the one of a call for all.
fn spread<T: CacheEntity>(error: &Error, ids: Vec<T::Key>) -> Loaded<T, Error> {
    match PartialLoad::take(error, &ids) {
        Some((entities, failures)) => Loaded {
            failures,
            ..Loaded::of(entities)
        },
        None => Loaded {
            entities: Vec::new(),
            failures: ids.into_iter().map(|id| (id, error.clone())).collect(),
        },
    }
}

fn outcome_of<T: CacheEntity, E>(loaded: &Result<Loaded<T, E>, E>) -> LoadOutcome {
    match loaded {
        Ok(loaded) if !loaded.entities.is_empty() => LoadOutcome::Found,
        Ok(loaded) if loaded.failures.is_empty() => LoadOutcome::Absent,
        _ => LoadOutcome::Failed,
    }
}
