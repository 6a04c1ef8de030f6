//! Many keys in one call: one read, one load of what is missing, one fill.

mod run;

use super::CacheService;
use crate::backend::CacheBackend;
use crate::call::Call;
use crate::entity::CacheEntity;
use crate::error::{Error, Result};
use crate::observe::{LoadOutcome, Operation};
use crate::read_through::Reader;
use crate::strategy::CacheStrategy;
use crate::ttl::Lifetime;
use foldhash::HashMap;
use run::Batch;
use std::future::Future;
use std::sync::Arc;

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
        let mut lookups = reader.look_up_many(&known).await.into_iter();
        asked
            .into_iter()
            .map(|key| {
                key?;
                let lookup = lookups.next().unwrap_or(Err(Error::CacheMiss));
                let found = lookup.inspect_err(|error| self.failed::<T>(Operation::Read, error))?;
                Ok(reader.count(found.into()).ok().flatten())
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
    /// What `load` returns: then nothing of that load is stored. A failure of the cache costs a load, not the call.
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
        let reader = Reader::<B, T>::new(self);
        let call = Call::direct(CacheStrategy::Refresh);
        let lifetime = match self.declare::<T>(Lifetime::new()) {
            Ok(lifetime) => lifetime,
            Err(error) => return self.refuse_many(keys, error, &call, load).await,
        };
        let mut batch = Batch {
            reader,
            lifetime,
            call,
            load,
            items: Vec::new(),
        };
        let order = batch.enter(keys);
        batch.run().await?;
        Ok(order
            .into_iter()
            .map(|index| batch.items[index].answer.clone().into_option())
            .collect())
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
        let loaded: HashMap<T::Key, Arc<T>> = reader
            .load(vec![], load(keys.to_vec()), outcome_of)
            .await?
            .into_iter()
            .map(|entity| (entity.cache_key(), Arc::new(entity)))
            .collect();
        Ok(keys.iter().map(|key| loaded.get(key).cloned()).collect())
    }
}

fn outcome_of<T, E>(loaded: &Result<Vec<T>, E>) -> LoadOutcome {
    match loaded {
        Ok(entities) if entities.is_empty() => LoadOutcome::Absent,
        Ok(_) => LoadOutcome::Found,
        Err(_) => LoadOutcome::Failed,
    }
}
