//! The source of truth, as the cache asks it.

use crate::entity::CacheEntity;
use crate::error::{Error, Result};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Loads entities from the source of truth: a database, an API. This is the trait to implement, with plain `async fn`.
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
    note = "implement `Repository<{T}>` with an `async fn fetch_by_id`; `DataRepository<{T}>` comes with it"
)]
pub trait Repository<T: CacheEntity>: Send + Sync {
    /// Loads the entity of an id; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::RepositoryError`], or [`Error::transient`] where asking again may succeed.
    fn fetch_by_id(&self, id: &T::Key) -> impl Future<Output = Result<Option<T>>> + Send;

    /// Loads the entities of several ids, each of which is given once, in any order. One that is left out does not exist; one that nobody
    /// asked for is ignored.
    ///
    /// Unless overridden it asks one by one, and what fails, fails alone. Override it with one query; where the database limits how many
    /// ids that may have, split them.
    ///
    /// # Errors
    /// As [`fetch_by_id`](Self::fetch_by_id): of an overridden one, for all of the ids.
    fn fetch_by_ids(&self, ids: &[T::Key]) -> impl Future<Output = Result<Vec<T>>> + Send {
        async move {
            let mut loaded = PartialLoad {
                entities: Vec::new(),
                failures: Vec::new(),
            };
            for id in ids {
                let found = self.fetch_by_id(id).await;
                match found.and_then(|entity| own(entity, id)) {
                    Ok(entity) => loaded.entities.extend(entity),
                    Err(error) => loaded.failures.push((id.clone(), error)),
                }
            }
            loaded.into_result()
        }
    }
}

/// Is a [`Repository`] to those who ask it: dyn-compatible, its futures `Send`. Every `Repository` is one.
///
/// Take it as `&dyn DataRepository<T>`, `Arc<dyn DataRepository<T>>` or `R: DataRepository<T>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a repository of `{T}`",
    label = "`Repository<{T}>` is not implemented for this type",
    note = "implement `Repository<{T}>` with an `async fn fetch_by_id`; `DataRepository<{T}>` comes with it"
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
pub(crate) struct PartialLoad<T: CacheEntity> {
    pub(crate) entities: Vec<T>,
    pub(crate) failures: Vec<(T::Key, Error)>,
}

impl<T: CacheEntity> PartialLoad<T> {
    /// Finds it in what a repository returned.
    pub(crate) fn of(error: &Error) -> Option<&Self> {
        match error {
            Error::RepositoryError(cause) => cause.downcast_ref(),
            _ => None,
        }
    }

    fn into_result(self) -> Result<Vec<T>> {
        if self.failures.is_empty() {
            Ok(self.entities)
        } else {
            Err(Error::RepositoryError(self.into()))
        }
    }
}

impl<T: CacheEntity> fmt::Display for PartialLoad<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed = self.failures.len();
        write!(f, "{failed} of several loads failed")?;
        match self.failures.first() {
            Some((_, error)) => write!(f, ", the first with: {error}"),
            None => Ok(()),
        }
    }
}

impl<T: CacheEntity> fmt::Debug for PartialLoad<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartialLoad")
            .field("loaded", &self.entities.len())
            .field("failed", &self.failures.len())
            .finish()
    }
}

impl<T: CacheEntity> std::error::Error for PartialLoad<T> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let (_, first) = self.failures.first()?;
        Some(first)
    }
}
