//! One entity at a time: what is cached, or what the repository has.

use super::{CacheService, Found};
use crate::engine::call::Call;
use crate::engine::{DetachedLoad, Kind};
use crate::entity::CacheEntity;
use crate::error::{Error, Result};
use crate::key::{CacheKey, KeyPart as _};
use crate::output::index::{CacheIndex, peek_by};
use crate::output::{AnyError, FreshOutput, Payload};
use crate::store::{CacheBackend, Lookup};
use crate::strategy::CacheStrategy;
use std::future::Future;
use std::sync::Arc;

impl<B: CacheBackend> CacheService<B> {
    /// Returns a cached entity; `None` if it is absent or not cached. Never asks a repository.
    ///
    /// In memory this neither waits nor allocates, and hands out the `Arc` that was stored; a byte
    /// store takes one round trip. A store that cannot be asked has nothing, unless the service's
    /// policy is [`FailurePolicy::Propagate`](crate::FailurePolicy::Propagate).
    ///
    /// # Errors
    /// [`Error::ConfigError`] for a key that cannot be; under
    /// [`FailurePolicy::Propagate`](crate::FailurePolicy::Propagate) what the store failed with.
    pub async fn get<T: CacheEntity>(&self, key: &T::Key) -> Result<Option<Arc<T>>> {
        self.look_up(key).await.map(Found::into_option)
    }

    /// Returns what is known of an entity, telling absence from ignorance. Costs what
    /// [`get`](Self::get) costs.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn look_up<T: CacheEntity>(&self, key: &T::Key) -> Result<Found<T>> {
        let (writer, shape) = (self.writer_for::<T>(key), Kind::of::<T>().shape);
        let peeked = writer.with_key(|key| self.backend().peek(key, shape));
        match peeked.flatten() {
            Some(lookup) => Ok(self.found(lookup)),
            None => self.look_up_far(writer.to_key()).await,
        }
    }

    async fn look_up_far<T: CacheEntity>(&self, key: Result<CacheKey>) -> Result<Found<T>> {
        let key = key?;
        let keys = std::slice::from_ref(&key);
        let lookup = self.engine().read(Kind::of::<T>(), keys).await.pop();
        let lookup = self.tolerate(lookup.unwrap_or(Err(Error::Timeout)));
        lookup.map(|lookup| self.found(lookup))
    }

    /// Takes a look-up that failed for one that found nothing, where failures are not the caller's.
    pub(super) fn tolerate(&self, lookup: Result<Lookup>) -> Result<Lookup> {
        if self.engine().is_strict() {
            lookup
        } else {
            Ok(lookup.unwrap_or(Lookup::Miss(None)))
        }
    }

    /// Counts a look-up and says what is known. What is stale is not, nor what is of another type.
    pub(super) fn found<T: CacheEntity>(&self, lookup: Lookup) -> Found<T> {
        let (engine, kind) = (self.engine(), Kind::of::<T>());
        let entity = match lookup {
            Lookup::Hit { value, .. } => value.downcast::<T>().ok(),
            Lookup::Absent { .. } => {
                engine.record_absent_hit(kind);
                return Found::Absent;
            }
            Lookup::Stale(_) | Lookup::Miss(_) => None,
        };
        if let Some(entity) = entity {
            engine.record_hit(kind);
            return Found::Hit(entity);
        }
        engine.record_miss(kind);
        Found::Miss
    }

    /// Returns the cached entity, or loads and stores it; `None` if the repository has none. The
    /// strategy is `Refresh`.
    ///
    /// Callers of one key share a load, whatever API they came through. An invalidation, put or
    /// clear while it runs keeps the result from being stored. If the load fails, those who waited
    /// get the same error where it is a [`cache_kit::Error`](crate::Error); with another error type
    /// they load for themselves, a few at a time.
    ///
    /// # Errors
    /// Whatever the load returns; with `E = cache_kit::Error` also
    /// [`Error::ValidationError`] and
    /// [`Error::ConfigError`], and under
    /// [`FailurePolicy::Propagate`](crate::FailurePolicy::Propagate) what the backend failed with.
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

    /// Returns the entity with another field than its key, or loads it. Costs one round trip more
    /// than [`get_or_load`](Self::get_or_load).
    ///
    /// What is loaded is stored if its key was known before, that is from the second load on: see
    /// [`CacheIndex`]. Absence is not remembered.
    ///
    /// ```
    /// use cache_kit::prelude::*;
    /// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
    /// # #[cache(prefix = "user", ttl = "1m", key = id, index(email))]
    /// # struct User { id: u64, email: String }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> cache_kit::Result<()> {
    /// let cache = CacheService::new(InMemoryBackend::new());
    /// let ada = User { id: 7, email: "ada@example.org".into() };
    /// let load = || async { Ok::<_, cache_kit::Error>(Some(ada.clone())) };
    /// let found = cache.get_or_load_by::<UserByEmail, _, _>(&ada.email, load).await?;
    /// assert_eq!(found.as_deref(), Some(&ada));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`get_or_load`](Self::get_or_load).
    ///
    /// # Cancel safety
    /// As [`get_or_load`](Self::get_or_load).
    pub async fn get_or_load_by<I, E, F>(
        &self,
        field: &I::Field,
        load: impl FnOnce() -> F,
    ) -> Result<Option<Arc<I::Entity>>, E>
    where
        I: CacheIndex,
        E: Send + 'static,
        F: Future<Output = Result<Option<I::Entity>, E>>,
    {
        let mut key = self.value_writer(I::PREFIX);
        field.write(&mut key);
        let edge = AnyError::<Result<Option<Arc<I::Entity>>, E>>::of_any_error();
        let call = Call::new(CacheStrategy::Refresh);
        let asked = match peek_by::<I, B, _, _, _, _>(edge, self, &key, call) {
            Ok(hit) => return hit,
            Err(asked) => asked,
        };
        let mut turn = match asked.begin().await {
            Ok(turn) => turn,
            Err(answer) => return edge.answer(answer),
        };
        let mut body = Box::pin(async { Ok(load().await?.map(Arc::new)) });
        let loaded = turn.run(body.as_mut()).await;
        drop(body);
        edge.land_by_index(turn, loaded).await
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
        let edge = AnyError::<Result<Option<Arc<T>>, E>>::of_any_error();
        let asked = {
            let key = self.writer_for::<T>(key);
            match edge.peek(self, &key, Call::new(strategy)) {
                Ok(hit) => return hit,
                Err(asked) => asked,
            }
        };
        let mut turn = match edge.begin(asked).await {
            Ok(turn) => turn,
            Err(answer) => return edge.answer_or(answer, || Ok(None)),
        };
        let mut body = Box::pin(async { Ok(load().await?.map(Arc::new)) });
        let loaded = turn.run(body.as_mut()).await;
        drop(body);
        edge.land(turn, loaded).await
    }

    /// Returns what a cached function may return, as a strategy says: an
    /// [`Outcome`](crate::Outcome) that tells where the entity comes from, or what a load says of
    /// itself in a [`Cached`](crate::Cached).
    ///
    /// ```
    /// use cache_kit::prelude::*;
    /// use cache_kit::{Cached, Outcome, output::Source};
    /// use std::time::Duration;
    /// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
    /// # #[cache(prefix = "user", ttl = "1m", key = id)]
    /// # struct User { id: u64 }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> cache_kit::Result<()> {
    /// let cache = CacheService::new(InMemoryBackend::new());
    /// let load = || async {
    ///     let user = Cached::new(Some(User { id: 7 })).ttl(Duration::from_secs(5));
    ///     Ok::<_, cache_kit::Error>(Outcome::loaded(user))
    /// };
    /// let loaded = cache.get_or_load_as(CacheStrategy::Refresh, &7, load).await?;
    /// let found = cache.get_or_load_as(CacheStrategy::Refresh, &7, load).await?;
    /// assert_eq!((loaded.source, found.source), (Source::Loaded, Source::Hit));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`get_or_load`](Self::get_or_load); with the strategy `Fresh` a miss is the output's own
    /// way to say so.
    pub async fn get_or_load_as<P, E, F>(
        &self,
        strategy: CacheStrategy,
        key: &<P::Entity as CacheEntity>::Key,
        load: impl FnOnce() -> F,
    ) -> Result<P, E>
    where
        P: Payload,
        E: Send + 'static,
        F: Future<Output = Result<P, E>>,
        Result<P, E>: FreshOutput,
    {
        let edge = AnyError::<Result<P, E>>::of_any_error();
        let asked = {
            let key = self.writer_for::<P::Entity>(key);
            match edge.peek(self, &key, Call::new(strategy)) {
                Ok(hit) => return hit,
                Err(asked) => asked,
            }
        };
        let mut turn = match edge.begin(asked).await {
            Ok(turn) => turn,
            Err(answer) => return edge.answer_or(answer, <Result<P, E>>::miss),
        };
        let mut body = Box::pin(async { load().await });
        let loaded = turn.run(body.as_mut()).await;
        drop(body);
        edge.land(turn, loaded).await
    }

    /// Returns the cached entity, or loads and stores it, as [`get_or_load`](Self::get_or_load)
    /// does; what is stale, and serves by
    /// [`stale_while_revalidate`](crate::Lifetime::with_stale_while_revalidate), is refreshed by a
    /// task of its own, and nobody waits for it.
    ///
    /// `load` is called when the load begins, by this call or by the task, which may outlive the
    /// call: so neither `load` nor what it returns borrows anything.
    ///
    /// ```
    /// use cache_kit::prelude::*;
    /// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
    /// # #[cache(prefix = "user", ttl = "1m", stale_while_revalidate = "1h", key = id)]
    /// # struct User { id: u64 }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> cache_kit::Result<()> {
    /// let cache = CacheService::new(InMemoryBackend::new());
    /// let load = || async { Ok::<_, cache_kit::Error>(Some(User { id: 7 })) };
    /// let user = cache.get_or_refresh::<User, _, _>(&7, load).await?;
    /// # assert_eq!(user.as_deref(), Some(&User { id: 7 }));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`get_or_load`](Self::get_or_load). What a refresh fails with is counted and logged.
    ///
    /// # Cancel safety
    /// As [`get_or_load`](Self::get_or_load); a refresh goes on without its caller.
    pub async fn get_or_refresh<T, E, F>(
        &self,
        key: &T::Key,
        load: impl Fn() -> F + Send + Sync + 'static,
    ) -> Result<Option<Arc<T>>, E>
    where
        T: CacheEntity,
        E: Send + 'static,
        F: Future<Output = Result<Option<T>, E>> + Send + 'static,
    {
        let edge = AnyError::<Result<Option<Arc<T>>, E>>::of_any_error();
        let asked = {
            let key = self.writer_for::<T>(key);
            match edge.peek(self, &key, Call::new(CacheStrategy::Refresh)) {
                Ok(hit) => return hit,
                Err(asked) => asked,
            }
        };
        let load = Arc::new(load);
        // The closure is called inside the load, which is after `open`: it may ask the repository
        // before it returns its own future.
        let reload = || -> DetachedLoad {
            let load = Arc::clone(&load);
            Box::pin(async move {
                let output = load().await.map(|loaded| loaded.map(Arc::new));
                edge.loaded(&output, false, true)
            })
        };
        let mut turn = match edge.begin_or_refresh(asked, &reload).await {
            Ok(turn) => turn,
            Err(answer) => return edge.answer(answer),
        };
        let mut body = Box::pin(async { Ok(load().await?.map(Arc::new)) });
        let loaded = turn.run(body.as_mut()).await;
        drop(body);
        edge.land(turn, loaded).await
    }
}
