//! Many keys in one call: one read, one load of what is missing, one fill.

use super::CacheService;
use crate::engine::call::Call;
use crate::engine::provenance::Overrides;
use crate::engine::{Ask, Kind, Loaded, Subject, Takes};
use crate::entity::CacheEntity;
use crate::error::{Error, Result};
use crate::feeder::repository::{DataRepository, PartialLoad};
use crate::output::{Batch, Brought, IfOwn, batch_failure, batch_takes, failed_as};
use crate::store::CacheBackend;
use crate::strategy::CacheStrategy;
use foldhash::{HashMap, HashMapExt};
use std::future::Future;
use std::sync::Arc;

impl<B: CacheBackend> CacheService<B> {
    /// Returns cached entities in the order of the keys, duplicates kept; `None` for what is absent
    /// or not cached. One round trip.
    ///
    /// # Errors
    /// For each key on its own, as [`get`](Self::get).
    pub async fn get_many<T: CacheEntity>(&self, keys: &[T::Key]) -> Vec<Result<Option<Arc<T>>>> {
        let asked: Vec<_> = keys
            .iter()
            .map(|key| self.writer_for::<T>(key).to_key())
            .collect();
        let known = asked.iter().filter_map(|key| key.as_ref().ok().cloned());
        let known: Vec<_> = known.collect();
        let lookups = self.engine().read(Kind::of::<T>(), &known).await;
        let mut lookups = lookups.into_iter();
        asked
            .into_iter()
            .map(|key| {
                key?;
                let lookup = self.tolerate(lookups.next().unwrap_or(Err(Error::Timeout)))?;
                Ok(self.found(lookup).into_option())
            })
            .collect()
    }

    /// Returns entities in the order of the keys, duplicates kept, loading in one call what is not
    /// cached; `None` for what the repository has not.
    ///
    /// `load` is given the missing keys, each once, and may return the entities in any order; one
    /// it leaves out is absent, one nobody asked for is ignored. It is called again only for keys
    /// that another caller was loading and did not bring. Flights are shared with single reads.
    /// Costs one read, and for the misses one open and one fill.
    ///
    /// # Errors
    /// What `load` returns: then nothing of that load is stored. With `E = cache_kit::Error` also
    /// [`Error::ValidationError`] and [`Error::ConfigError`], and under
    /// [`FailurePolicy::Propagate`](crate::FailurePolicy::Propagate) what the backend failed with.
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
        let mut load = load;
        let takes = batch_takes::<Vec<T>, E, _, _>(IfOwn, IfOwn);
        let mut batch = Batch::<T>::new(self.engine(), asked::<T>(takes, Subject::Many), keys);
        while batch.next().await {
            let missing = batch.missing();
            let mut body = Box::pin(async { load(missing).await });
            let output = batch.run(body.as_mut()).await;
            drop(body);
            let (loaded, failed) = match output {
                None => (batch.all(|| Loaded::TooLate), None),
                Some(Ok(entities)) => (batch.loaded(shared(entities), HashMap::new(), None), None),
                Some(failed) => {
                    let says_why = batch.has_fallback();
                    let loaded = failed_as(IfOwn, IfOwn, &failed, says_why);
                    (batch.all(loaded), failed.err())
                }
            };
            let landing = batch.land(loaded).await;
            if let Some(failed) = failed.filter(|_| landing.has_failed) {
                return Err(failed);
            }
        }
        match batch.failure() {
            Some(failure) => Err(batch_failure::<Vec<T>, E, _, _>(failure, IfOwn, IfOwn)),
            None => Ok(batch.entities().collect()),
        }
    }

    /// Returns entities in the order of the keys, duplicates kept, from a repository where they are
    /// not cached; `Ok(None)` for what it has not.
    ///
    /// The repository's [`fetch_by_ids`](crate::Repository::fetch_by_ids) is asked once for what is
    /// missing, each key once: override it with one query, for by itself it asks one by one.
    /// Flights are shared with single reads. What fails, fails alone: a key's error does not take
    /// the others down. Costs one read, and for the misses one open and one fill.
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
    /// For each key on its own: [`Error::RepositoryError`] or whatever else its load returned,
    /// [`Error::ValidationError`] if what came is not valid, [`Error::ConfigError`] if the key or
    /// the entity's declaration cannot work; under
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
        let takes = batch_takes::<Vec<T>, Error, _, _>(IfOwn, IfOwn);
        let mut batch = Batch::<T>::new(self.engine(), asked::<T>(takes, Subject::Each), keys);
        while batch.next().await {
            let missing = batch.missing();
            let mut body = Box::pin(async { repository.load_many(&missing).await });
            let output = batch.run(body.as_mut()).await;
            drop(body);
            let loaded = match output {
                None => batch.all(|| Loaded::TooLate),
                Some(Ok(entities)) => batch.loaded(shared(entities), HashMap::new(), None),
                Some(Err(error)) => match PartialLoad::take(&error, &missing) {
                    Some((entities, failures)) => {
                        let failures = failures.into_iter();
                        let failures = failures.map(|(id, error)| (id, failed_alone::<T>(error)()));
                        batch.loaded(shared(entities), failures.collect(), None)
                    }
                    None => batch.all(failed_alone::<T>(error)),
                },
            };
            batch.land(loaded).await;
        }
        let answers = batch.answers().zip(batch.entities());
        answers
            .map(|(answer, entity)| match answer {
                Some(answer) if answer.is_failure() => {
                    Err(batch_failure::<Vec<T>, Error, _, _>(answer, IfOwn, IfOwn))
                }
                _ => Ok(entity),
            })
            .collect()
    }
}

/// What a call of many keys asks for by hand.
fn asked<T: CacheEntity>(takes: Takes, subject: Subject) -> Ask {
    Ask {
        subject,
        ..Call::new(CacheStrategy::Refresh).into_ask(Kind::of::<T>(), takes, false)
    }
}

fn shared<T: CacheEntity>(entities: Vec<T>) -> Brought<T> {
    let entities = entities.into_iter();
    entities
        .map(|entity| (Arc::new(entity), Overrides::default()))
        .collect()
}

/// A key's own failure.
fn failed_alone<T: CacheEntity>(error: Error) -> impl Fn() -> Loaded {
    failed_as(IfOwn, IfOwn, &Err::<Vec<T>, _>(error), true)
}
