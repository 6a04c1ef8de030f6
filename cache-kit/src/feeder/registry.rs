//! All repositories and feeders of a program in one place, by the entity they are for.

use crate::engine::Kind;
use crate::entity::CacheEntity;
use crate::error::{Error, Result};
use crate::feeder::feed::CacheFeed;
use crate::feeder::repository::{DataRepository, load_own};
use crate::handle::CacheService;
use crate::store::CacheBackend;
use crate::strategy::CacheStrategy;
use crate::ttl::Lifetime;
use foldhash::HashMap;
use std::any::{Any, TypeId, type_name};
use std::fmt;
use std::sync::Arc;

/// Knows for each entity which repository it comes from, and how its feeder is made. Clones share
/// everything.
///
/// ```
/// use cache_kit::prelude::*;
/// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
/// # #[cache(prefix = "user", key = id)]
/// # struct User { id: u64 }
/// # struct Users;
/// # impl Repository<User> for Users {
/// #     async fn fetch_by_id(&self, id: &u64) -> cache_kit::Result<Option<User>> { Ok(Some(User { id: *id })) }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> cache_kit::Result<()> {
/// let registry = CacheRegistry::builder(CacheService::new(InMemoryBackend::new()))
///     .repository::<User>(Users)
///     .feeder::<User, _>(UserFeeder::new)
///     .build()?;
///
/// let user = registry.fetch::<User>(&7).await?;
/// assert_eq!(user.unwrap().id, 7);
///
/// let mut feeder: UserFeeder = registry.feeder(7)?;
/// registry.with(&mut feeder, CacheStrategy::Refresh).await?;
/// assert_eq!(feeder.entity, Some(User { id: 7 }));
/// # Ok(())
/// # }
/// ```
pub struct CacheRegistry<B: CacheBackend> {
    cache: CacheService<B>,
    entries: Arc<Entries>,
}

/// An `Arc<dyn DataRepository<T>>` for each entity, a [`MakeFeeder`] for each entity and feeder.
#[derive(Default)]
struct Entries {
    repositories: HashMap<TypeId, Registered>,
    /// By entity and feeder: one feeder may serve several entities, whose keys may be of one type.
    feeders: HashMap<TypeId, Registered>,
}

struct Registered {
    name: &'static str,
    item: Box<dyn Any + Send + Sync>,
}

type MakeFeeder<T, F> = Box<dyn Fn(<T as CacheEntity>::Key) -> F + Send + Sync>;

/// Sets up a [`CacheRegistry`].
#[must_use]
pub struct CacheRegistryBuilder<B: CacheBackend> {
    cache: CacheService<B>,
    entries: Entries,
    faults: Vec<String>,
}

impl<B: CacheBackend> CacheRegistry<B> {
    /// Sets up a registry over a cache.
    pub fn builder(cache: CacheService<B>) -> CacheRegistryBuilder<B> {
        CacheRegistryBuilder {
            cache,
            entries: Entries::default(),
            faults: Vec::new(),
        }
    }

    /// Returns an entity from the cache or its repository; `None` if there is none.
    ///
    /// # Errors
    /// As [`CacheService::get_or_load`] with the repository's load, and [`Error::ConfigError`] if
    /// no repository is registered for the entity.
    pub async fn fetch<T: CacheEntity>(&self, key: &T::Key) -> Result<Option<Arc<T>>> {
        let repository = self.repository::<T>()?;
        let load = || load_own(&*repository, key);
        self.cache.get_or_load(key, load).await
    }

    /// Returns entities in the order of the keys, as [`CacheService::load_many`] does from their
    /// repository.
    ///
    /// # Errors
    /// For each key on its own, as [`CacheService::load_many`]; for all of them if no repository is
    /// registered.
    pub async fn fetch_many<T: CacheEntity>(&self, keys: &[T::Key]) -> Vec<Result<Option<Arc<T>>>> {
        match self.repository::<T>() {
            Ok(repository) => self.cache.load_many(keys, &*repository).await,
            Err(error) => vec![Err(error); keys.len()],
        }
    }

    /// Feeds a feeder from the cache or the repository of its entity.
    ///
    /// # Errors
    /// As [`CacheService::execute`], and [`Error::ConfigError`] if no repository is registered for
    /// the entity.
    pub async fn with<T, F>(&self, feeder: &mut F, strategy: CacheStrategy) -> Result<()>
    where
        T: CacheEntity,
        F: CacheFeed<T> + ?Sized,
    {
        let repository = self.repository::<T>()?;
        self.cache.execute(feeder, &*repository, strategy).await
    }

    /// Makes the registered feeder of an entity.
    ///
    /// # Errors
    /// [`Error::ConfigError`] if this feeder is not registered for it.
    pub fn feeder<T, F>(&self, key: T::Key) -> Result<F>
    where
        T: CacheEntity,
        F: CacheFeed<T> + 'static,
    {
        let registered = self.entries.feeders.get(&TypeId::of::<(T, F)>());
        match registered.and_then(|feeder| feeder.item.downcast_ref::<MakeFeeder<T, F>>()) {
            Some(make) => Ok(make(key)),
            None => Err(missing("feeder", type_name::<F>())),
        }
    }

    /// Returns the repository of an entity.
    ///
    /// # Errors
    /// [`Error::ConfigError`] if none is registered.
    pub fn repository<T: CacheEntity>(&self) -> Result<Arc<dyn DataRepository<T>>> {
        let registered = self.entries.repositories.get(&TypeId::of::<T>());
        registered
            .and_then(|repository| repository.item.downcast_ref())
            .cloned()
            .ok_or_else(|| missing("repository", type_name::<T>()))
    }

    /// Returns the cache, for what is done without repositories.
    pub fn service(&self) -> &CacheService<B> {
        &self.cache
    }
}

impl<B: CacheBackend> CacheRegistryBuilder<B> {
    /// Registers where an entity is loaded from.
    pub fn repository<T: CacheEntity>(
        mut self,
        repository: impl DataRepository<T> + 'static,
    ) -> Self {
        if let Err(error) = self
            .cache
            .engine()
            .declare(Kind::of::<T>(), Lifetime::new())
        {
            self.faults.push(error.to_string());
        }
        let repository: Arc<dyn DataRepository<T>> = Arc::new(repository);
        let registered = Registered {
            name: type_name::<T>(),
            item: Box::new(repository),
        };
        let repositories = &mut self.entries.repositories;
        if let Some(first) = repositories.insert(TypeId::of::<T>(), registered) {
            self.faults.push(format!(
                "two repositories are registered for `{}`",
                first.name
            ));
        }
        self
    }

    /// Registers how a feeder of an entity is made from its key.
    pub fn feeder<T, F>(mut self, make: impl Fn(T::Key) -> F + Send + Sync + 'static) -> Self
    where
        T: CacheEntity,
        F: CacheFeed<T> + 'static,
    {
        let make: MakeFeeder<T, F> = Box::new(make);
        let registered = Registered {
            name: type_name::<F>(),
            item: Box::new(make),
        };
        let feeders = &mut self.entries.feeders;
        if let Some(first) = feeders.insert(TypeId::of::<(T, F)>(), registered) {
            self.faults
                .push(format!("feeder `{}` is registered twice", first.name));
        }
        self
    }

    /// Makes the registry.
    ///
    /// # Errors
    /// [`Error::ConfigError`] that lists everything that was registered twice, and every entity
    /// whose declaration cannot work or whose prefix belongs to another.
    pub fn build(self) -> Result<CacheRegistry<B>> {
        if !self.faults.is_empty() {
            return Err(Error::ConfigError(self.faults.join("; ").into()));
        }
        Ok(CacheRegistry {
            cache: self.cache,
            entries: Arc::new(self.entries),
        })
    }
}

fn missing(what: &str, name: &str) -> Error {
    Error::ConfigError(format!("no {what} is registered for `{name}`").into())
}

impl<B: CacheBackend> Clone for CacheRegistry<B> {
    fn clone(&self) -> Self {
        Self {
            cache: self.cache.clone(),
            entries: Arc::clone(&self.entries),
        }
    }
}

impl<B: CacheBackend> fmt::Debug for CacheRegistry<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries.fmt(f)
    }
}

impl<B: CacheBackend> fmt::Debug for CacheRegistryBuilder<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries.fmt(f)
    }
}

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |entries: &HashMap<_, Registered>| {
            let mut names: Vec<_> = entries.values().map(|entry| entry.name).collect();
            names.sort_unstable();
            names
        };
        f.debug_struct("CacheRegistry")
            .field("repositories", &names(&self.repositories))
            .field("feeders", &names(&self.feeders))
            .finish_non_exhaustive()
    }
}
