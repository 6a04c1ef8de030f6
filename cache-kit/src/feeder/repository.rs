//! The source of truth, as the cache asks it.

use crate::entity::CacheEntity;
use crate::error::{Error, Result};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Loads entities from the source of truth: a database, an API. This is the trait to implement,
/// with plain `async fn`; to take one, also as an object, say [`DataRepository`].
///
/// ```
/// use cache_kit::prelude::*;
/// use cache_kit::Error;
/// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
/// # #[cache(prefix = "user", key = id)]
/// # struct User { id: u64, name: String }
/// # #[derive(Debug, thiserror::Error)]
/// # #[error("no connection")]
/// # struct DbError;
/// # struct Database;
/// # impl Database {
/// #     async fn user(&self, id: u64) -> Result<Option<User>, DbError> { Ok(Some(User { id, name: "Ada".into() })) }
/// # }
/// struct Users {
///     db: Database,
/// }
///
/// impl Repository<User> for Users {
///     async fn fetch_by_id(&self, id: &u64) -> cache_kit::Result<Option<User>> {
///         self.db.user(*id).await.map_err(|error| Error::RepositoryError(error.into()))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> cache_kit::Result<()> {
/// let cache = CacheExpander::new(InMemoryBackend::new());
/// let mut feeder = GenericFeeder::<User>::new(7);
/// cache.with(&mut feeder, &Users { db: Database }, CacheStrategy::Refresh).await?;
/// assert_eq!(feeder.entity.unwrap().name, "Ada");
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a repository of `{T}`",
    label = "`Repository<{T}>` is not implemented for this type",
    note = "implement `Repository<{T}>` with an `async fn fetch_by_id`; every `Repository` is a `DataRepository`"
)]
pub trait Repository<T: CacheEntity>: Send + Sync {
    /// Loads the entity of an id; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::RepositoryError`], or [`Error::transient`] where asking again may succeed.
    fn fetch_by_id(&self, id: &T::Key) -> impl Future<Output = Result<Option<T>>> + Send;

    /// Loads the entities of several ids, each of which is given once, in any order. One that is
    /// left out does not exist; one that nobody asked for is ignored.
    ///
    /// Unless overridden it asks one by one, and what fails, fails alone. Override it with one
    /// query; where the database limits how many ids that may have, split them.
    ///
    /// # Errors
    /// As [`fetch_by_id`](Self::fetch_by_id): of an overridden one, for all of the ids.
    fn fetch_by_ids(&self, ids: &[T::Key]) -> impl Future<Output = Result<Vec<T>>> + Send {
        async move {
            let mut entities = Vec::new();
            let mut failures = Vec::new();
            for id in ids {
                match self.fetch_by_id(id).await.and_then(|found| own(found, id)) {
                    Ok(entity) => entities.extend(entity),
                    Err(error) => failures.push((id.clone(), error)),
                }
            }
            PartialLoad::result(ids, entities, failures)
        }
    }
}

/// Is a [`Repository`] to those who ask it: dyn-compatible, its futures `Send`. Every `Repository`
/// is one.
///
/// Take it as `&dyn DataRepository<T>`, `Arc<dyn DataRepository<T>>` or `R: DataRepository<T>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a repository of `{T}`",
    label = "`Repository<{T}>` is not implemented for this type",
    note = "implement `Repository<{T}>` with an `async fn fetch_by_id`; every `Repository` is a `DataRepository`"
)]
pub trait DataRepository<T: CacheEntity>: Send + Sync {
    /// Loads the entity of an id, as [`Repository::fetch_by_id`] does.
    fn load<'a>(&'a self, id: &'a T::Key) -> BoxFuture<'a, Result<Option<T>>>;

    /// Loads the entities of several ids, as [`Repository::fetch_by_ids`] does.
    fn load_many<'a>(&'a self, ids: &'a [T::Key]) -> BoxFuture<'a, Result<Vec<T>>>;
}

#[diagnostic::do_not_recommend]
impl<T: CacheEntity, R: Repository<T>> DataRepository<T> for R {
    fn load<'a>(&'a self, id: &'a T::Key) -> BoxFuture<'a, Result<Option<T>>> {
        Box::pin(self.fetch_by_id(id))
    }

    fn load_many<'a>(&'a self, ids: &'a [T::Key]) -> BoxFuture<'a, Result<Vec<T>>> {
        Box::pin(self.fetch_by_ids(ids))
    }
}

#[diagnostic::do_not_recommend]
impl<T: CacheEntity, R: Repository<T>> Repository<T> for Arc<R> {
    async fn fetch_by_id(&self, id: &T::Key) -> Result<Option<T>> {
        R::fetch_by_id(self, id).await
    }

    async fn fetch_by_ids(&self, ids: &[T::Key]) -> Result<Vec<T>> {
        R::fetch_by_ids(self, ids).await
    }
}

macro_rules! pointers_to_dyn {
    ($($pointer:ty),*) => {$(
        #[diagnostic::do_not_recommend]
        impl<T: CacheEntity> Repository<T> for $pointer {
            async fn fetch_by_id(&self, id: &T::Key) -> Result<Option<T>> {
                (**self).load(id).await
            }

            async fn fetch_by_ids(&self, ids: &[T::Key]) -> Result<Vec<T>> {
                (**self).load_many(ids).await
            }
        }
    )*};
}

pointers_to_dyn!(
    Arc<dyn DataRepository<T>>,
    Arc<dyn DataRepository<T> + Send + Sync>,
    Box<dyn DataRepository<T>>,
    Box<dyn DataRepository<T> + Send + Sync>
);

/// Asks a repository for one entity.
pub(crate) async fn load_own<T, R>(repository: &R, key: &T::Key) -> Result<Option<T>>
where
    T: CacheEntity,
    R: DataRepository<T> + ?Sized,
{
    own(repository.load(key).await?, key)
}

/// Refuses an entity with another key: it would be shown to someone who did not ask for it.
fn own<T: CacheEntity>(entity: Option<T>, key: &T::Key) -> Result<Option<T>> {
    let is_own = |entity: &T| entity.cache_key() == *key;
    if entity.as_ref().is_none_or(is_own) {
        return Ok(entity);
    }
    let fault = "the repository returned an entity with another key than it was asked for";
    Err(Error::RepositoryError(fault.into()))
}

/// Is the error of several loads, some of which failed; those that did not are in it.
///
/// It is the user's to pass on, and so may come back as the error of other loads: of a larger batch
/// that was split, or of a later one.
pub(crate) struct PartialLoad<T: CacheEntity> {
    asked: Vec<T::Key>,
    /// Given out once: later they may be out of date.
    entities: Mutex<Option<Vec<T>>>,
    failures: Failures<T>,
}

/// What failed, and how.
type Failures<T> = Vec<(<T as CacheEntity>::Key, Error)>;

impl<T: CacheEntity> PartialLoad<T> {
    /// Takes from what a repository returned what was loaded, and what failed; `None` if it says
    /// nothing of just these ids.
    pub(crate) fn take(error: &Error, ids: &[T::Key]) -> Option<(Vec<T>, Failures<T>)> {
        let Error::RepositoryError(cause) = error else {
            return None;
        };
        let partial = cause.downcast_ref::<Self>()?;
        if partial.asked != ids {
            return None;
        }
        let entities = partial.entities().take()?;
        Some((entities, partial.failures.clone()))
    }

    fn result(ids: &[T::Key], entities: Vec<T>, failures: Failures<T>) -> Result<Vec<T>> {
        if failures.is_empty() {
            return Ok(entities);
        }
        let partial = Self {
            asked: ids.to_vec(),
            entities: Mutex::new(Some(entities)),
            failures,
        };
        Err(Error::RepositoryError(partial.into()))
    }

    fn entities(&self) -> MutexGuard<'_, Option<Vec<T>>> {
        self.entities.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: CacheEntity> fmt::Display for PartialLoad<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (failed, asked) = (self.failures.len(), self.asked.len());
        write!(f, "{failed} of {asked} loads failed")?;
        match self.failures.first() {
            Some((_, error)) => write!(f, ", the first with: {error}"),
            None => Ok(()),
        }
    }
}

impl<T: CacheEntity> fmt::Debug for PartialLoad<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartialLoad")
            .field("asked", &self.asked.len())
            .field("failed", &self.failures.len())
            .finish_non_exhaustive()
    }
}

impl<T: CacheEntity> std::error::Error for PartialLoad<T> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let (_, first) = self.failures.first()?;
        Some(first)
    }
}
