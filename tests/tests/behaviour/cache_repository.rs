//! `#[cache_repository]`: a block of methods is a `Repository`, and their bodies can be called past
//! the cache.

use cache_kit::prelude::*;
use cache_kit::{Error, Outcome};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "employment", ttl = "1h", key = (person_id, year))]
struct Employment {
    person_id: String,
    year: i32,
    load: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", ttl = "1h", key = id)]
struct User {
    id: u64,
    load: u64,
}

#[derive(Debug, thiserror::Error)]
#[error("the database is down")]
struct DbError;

/// Counts its loads, and puts their number into what it loads.
#[derive(Clone, Debug, Default)]
struct Db(Arc<AtomicU64>);

impl Db {
    fn load(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn loads(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

fn cache() -> CacheService<InMemoryBackend> {
    CacheService::new(InMemoryBackend::new())
}

async fn fetch<T: CacheEntity>(repository: &impl Repository<T>, id: T::Key) -> Option<T> {
    repository.fetch_by_id(&id).await.unwrap()
}

struct Registry {
    cache: CacheService<InMemoryBackend>,
    db: Db,
}

#[cache_repository(audit)]
impl Registry {
    /// How many there may be.
    const MOST: u64 = 1 << 20;

    #[cache(exempt)]
    fn new() -> Self {
        let (cache, db) = (cache(), Db::default());
        Self { cache, db }
    }

    /// Finds one.
    #[cached]
    async fn find(&self, person_id: &str, year: i32) -> Result<Option<Employment>, DbError> {
        let (person_id, load) = (person_id.to_owned(), self.db.load());
        assert!(load < Self::MOST);
        if person_id == "nobody" {
            return Ok(None);
        }
        if person_id == "fails" {
            Err(DbError)?;
        }
        Ok(Some(Employment {
            person_id,
            year,
            load,
        }))
    }

    /// Another entity: the block is a repository of both.
    #[cached(strategy = strategy)]
    async fn find_user(&self, mut id: u64, strategy: CacheStrategy) -> Option<Arc<User>> {
        id += 0;
        let _ = strategy;
        let load = self.db.load();
        (id < 100).then(|| Arc::new(User { id, load }))
    }

    #[cache_put]
    async fn save(&self, employment: Employment) -> Result<Employment, DbError> {
        Ok(employment)
    }

    #[cache_evict(entity = Employment)]
    async fn remove(&self, person_id: &str, year: i32) -> Result<(), DbError> {
        let _ = (person_id, year);
        Ok(())
    }
}

#[tokio::test]
async fn a_twin_goes_past_the_cache_and_the_method_does_not() {
    let registry = Registry::new();
    for _ in 0..3 {
        let found = registry.find("p", 1).await.unwrap().unwrap();
        assert_eq!(found.load, 1);
    }
    for load in 2..4 {
        let found = registry.find_uncached("p", 1).await.unwrap().unwrap();
        assert_eq!(found.load, load);
    }
    assert_eq!(registry.find("p", 1).await.unwrap().unwrap().load, 1);
    registry.remove("p", 1).await.unwrap();
    assert_eq!(registry.find("p", 1).await.unwrap().unwrap().load, 4);
    let saved = Employment {
        load: 100,
        ..registry.find("p", 1).await.unwrap().unwrap()
    };
    registry.save(saved).await.unwrap();
    assert_eq!(registry.find("p", 1).await.unwrap().unwrap().load, 100);
}

#[tokio::test]
async fn the_block_is_a_repository_of_each_entity_it_finds() {
    let registry = Registry::new();
    let found = fetch::<Employment>(&registry, EmploymentKey::new("p", 1)).await;
    assert_eq!(found.unwrap().load, 1);
    assert_eq!(
        fetch::<Employment>(&registry, EmploymentKey::new("nobody", 1)).await,
        None
    );
    assert_eq!(
        fetch::<User>(&registry, 7).await,
        Some(User { id: 7, load: 3 })
    );
    assert_eq!(fetch::<User>(&registry, 700).await, None);
    let mut feeder = GenericFeeder::<User>::new(8);
    for _ in 0..2 {
        let strategy = CacheStrategy::Refresh;
        registry
            .cache
            .execute(&mut feeder, &registry, strategy)
            .await
            .unwrap();
        assert_eq!(feeder.entity.as_ref().unwrap().load, 5);
    }
    // Both ways share the entry.
    let found = registry.find_user(8, CacheStrategy::Fresh).await;
    assert_eq!(found.unwrap().load, 5);
    let users: &dyn DataRepository<User> = &registry;
    assert_eq!(users.load_many(&[1, 2]).await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_a_finder_fails_with_is_the_repositorys_error() {
    let registry = Registry::new();
    let id = EmploymentKey::new("fails", 1);
    let failed = Repository::<Employment>::fetch_by_id(&registry, &id)
        .await
        .unwrap_err();
    assert_eq!(
        failed.to_string(),
        "repository failed: the database is down"
    );
    let source = std::error::Error::source(&failed);
    let mut sources = std::iter::successors(source, |source| source.source());
    assert!(sources.any(<dyn std::error::Error>::is::<DbError>));
}

/// One repository for each kind of error.
macro_rules! failing {
    ($($name:ident, $error:ty, $value:expr, $said:literal;)*) => {$(
        mod $name {
            use super::*;

            pub(super) struct Users(pub(super) CacheService<InMemoryBackend>);

            #[cache_repository]
            impl Users {
                #[cached(cache = self.0)]
                pub(super) async fn find(&self, id: u64) -> Result<User, $error> {
                    let _ = id;
                    Err($value)
                }
            }
        }

        #[tokio::test]
        async fn $name() {
            let users = $name::Users(cache());
            assert!(users.find(1).await.is_err());
            let failed = users.fetch_by_id(&1).await.unwrap_err();
            assert_eq!(failed.to_string(), $said);
        }
    )*};
}

/// An error that shows itself, and is none.
#[derive(Debug)]
struct Shown;

/// An error that does nothing at all.
struct Dumb;

failing! {
    an_error_of_the_runtime_is_itself, Error, Error::transient("busy"), "repository failed: busy";
    a_text_is_an_error, &'static str, "no such table", "repository failed: no such table";
    any_error_of_anyhow_is_one, anyhow::Error, anyhow::anyhow!("no route"), "repository failed: no route";
    what_can_be_shown_is_shown, Shown, Shown, "repository failed: Shown";
    what_says_nothing_is_named, Dumb, Dumb, "repository failed: it failed with a `behaviour::cache_repository::Dumb`";
}

trait Find {
    async fn find(&self, id: u64) -> Result<Option<User>, DbError>;
}

#[derive(Clone)]
struct Generic<B: CacheBackend> {
    cache: CacheService<B>,
    db: Db,
}

#[cache_repository]
impl<B> Find for Generic<B>
where
    B: CacheBackend,
{
    #[cached(stale_while_revalidate = "1h", ttl = "1s")]
    async fn find(&self, id: u64) -> Result<Option<User>, DbError> {
        let load = self.db.load();
        Ok(Some(User { id, load }))
    }
}

#[tokio::test]
async fn a_block_of_a_trait_has_its_twins_beside_it() {
    let (cache, clock) = cache_kit_tests::clocked_cache();
    let users = Generic {
        cache,
        db: Db::default(),
    };
    assert_eq!(Find::find(&users, 7).await.unwrap().unwrap().load, 1);
    assert_eq!(users.find_uncached(7).await.unwrap().unwrap().load, 2);
    assert_eq!(fetch::<User>(&users, 7).await.unwrap().load, 3);
    clock.advance(std::time::Duration::from_secs(2));
    assert_eq!(
        Find::find(&users, 7).await.unwrap().unwrap().load,
        1,
        "it is stale, and serves"
    );
    users.cache.run_pending_tasks().await.unwrap();
    assert_eq!(Find::find(&users, 7).await.unwrap().unwrap().load, 4);
}

#[async_trait::async_trait]
trait Boxed: Send + Sync {
    async fn find(&self, id: u64) -> Option<User>;
    async fn rename(&self, id: u64, name: &str) -> Option<User>;
}

struct Above(Generic<InMemoryBackend>);
struct Below(Generic<InMemoryBackend>);

#[cache_repository]
#[async_trait::async_trait]
impl Boxed for Above {
    #[cached(cache = self.0.cache)]
    async fn find(&self, id: u64) -> Option<User> {
        let load = self.0.db.load();
        Some(User { id, load })
    }

    async fn rename(&self, id: u64, name: &str) -> Option<User> {
        let _ = name;
        self.find_uncached(id).await
    }
}

#[async_trait::async_trait]
#[cache_repository]
impl Boxed for Below {
    #[cached(cache = self.0.cache)]
    async fn find(&self, id: u64) -> Option<User> {
        let load = self.0.db.load();
        Some(User { id, load })
    }

    async fn rename(&self, id: u64, name: &str) -> Option<User> {
        let _ = name;
        self.find_uncached(id).await
    }
}

#[tokio::test]
async fn boxed_methods_are_found_on_either_side_of_async_trait() {
    let users = || Generic {
        cache: cache(),
        db: Db::default(),
    };
    let (above, below) = (Above(users()), Below(users()));
    let blocks: [(&dyn Boxed, &dyn DataRepository<User>, &Db); 2] =
        [(&above, &above, &above.0.db), (&below, &below, &below.0.db)];
    for (boxed, repository, db) in blocks {
        for _ in 0..2 {
            assert_eq!(boxed.find(7).await.unwrap().load, 1);
        }
        assert_eq!(boxed.rename(7, "Ada").await.unwrap().load, 2);
        assert_eq!(repository.load(&7).await.unwrap().unwrap().load, 3);
        assert_eq!(db.loads(), 3);
    }
}

/// Methods that no key is enough for, beside the one that is.
struct Several {
    cache: CacheService<InMemoryBackend>,
    db: Db,
}

#[cache_repository(finder(find))]
impl Several {
    #[cached]
    async fn find(&self, id: u64) -> Result<Outcome<Option<User>>, Error> {
        let load = self.db.load();
        Ok(Outcome::loaded(Some(User { id, load })))
    }

    #[cached(skip(connection))]
    async fn find_by(&self, id: u64, connection: &mut String) -> Result<Option<User>, Error> {
        connection.push('.');
        self.find_uncached(id).await.map(|found| found.value)
    }

    #[cached(key = request.0)]
    async fn find_requested(&self, request: (u64, &str)) -> Option<User> {
        Some(User {
            id: request.0,
            load: self.db.load(),
        })
    }

    #[cached]
    async fn find_like(
        &self,
        id: impl Into<u64> + cache_kit::output::KeyArg<u64> + Send,
    ) -> Option<User> {
        Some(User {
            id: id.into(),
            load: self.db.load(),
        })
    }
}

#[tokio::test]
async fn methods_that_need_more_than_a_key_have_twins_and_are_no_finders() {
    let several = Several {
        cache: cache(),
        db: Db::default(),
    };
    let mut connection = String::new();
    assert_eq!(
        several
            .find_by(1, &mut connection)
            .await
            .unwrap()
            .unwrap()
            .load,
        1
    );
    assert_eq!(
        several
            .find_by_uncached(1, &mut connection)
            .await
            .unwrap()
            .unwrap()
            .load,
        2
    );
    assert_eq!(connection, "..");
    assert_eq!(
        several
            .find_requested_uncached((1, "x"))
            .await
            .unwrap()
            .load,
        3
    );
    assert_eq!(several.find_like_uncached(1_u64).await.unwrap().load, 4);
    assert_eq!(fetch::<User>(&several, 1).await.unwrap().load, 5);
    assert_eq!(several.find(1).await.unwrap().value.unwrap().load, 1);
    assert_eq!(several.find_requested((1, "x")).await.unwrap().load, 1);
    assert_eq!(several.find_like(1_u64).await.unwrap().load, 1);
}

/// A method for one key and one for many.
struct Both {
    cache: CacheService<InMemoryBackend>,
    asked: Mutex<Vec<Vec<u64>>>,
}

#[cache_repository]
impl Both {
    #[cached]
    async fn find(&self, id: u64) -> Result<Option<User>, DbError> {
        self.asked.lock().unwrap().push(vec![id]);
        Ok(Some(user(id)))
    }

    #[cached]
    async fn find_many(&self, ids: &[u64]) -> Result<Vec<User>, DbError> {
        self.asked.lock().unwrap().push(ids.to_vec());
        if ids.contains(&13) {
            return Err(DbError);
        }
        Ok(ids.iter().map(|id| user(*id)).collect())
    }
}

/// One for many only, whose keys are collected.
struct OnlyMany {
    cache: CacheService<InMemoryBackend>,
}

#[cache_repository]
impl OnlyMany {
    #[cached]
    async fn find_many(&self, ids: impl Iterator<Item = u64> + Send) -> HashMap<u64, User> {
        ids.filter(|id| *id < 100)
            .map(|id| (id, user(id)))
            .collect()
    }
}

fn user(id: u64) -> User {
    User { id, load: 0 }
}

#[tokio::test]
async fn a_method_for_many_keys_is_how_a_repository_loads_many() {
    let both = Both {
        cache: CacheService::new(InMemoryBackend::new()),
        asked: Mutex::default(),
    };
    let found = both.fetch_by_ids(&[3, 1]).await.unwrap();
    assert_eq!(found, [user(3), user(1)]);
    let other = CacheService::new(InMemoryBackend::new());
    other.load_many(&[5, 6], &both).await;
    assert_eq!(*both.asked.lock().unwrap(), [vec![3, 1], vec![5, 6]]);
    let error = both.fetch_by_ids(&[13]).await.unwrap_err();
    assert!(matches!(error, Error::RepositoryError(_)), "{error:?}");
    assert_eq!(both.find_many_uncached(&[7]).await.unwrap(), [user(7)]);
    both.find(5).await.unwrap();
    both.find_many(&[5, 8]).await.unwrap();
    assert_eq!(both.asked.lock().unwrap().last(), Some(&vec![8]));
}

#[tokio::test]
async fn one_for_many_keys_alone_is_a_repository_too() {
    let only = OnlyMany {
        cache: CacheService::new(InMemoryBackend::new()),
    };
    assert_eq!(only.fetch_by_id(&7).await.unwrap(), Some(user(7)));
    assert_eq!(only.fetch_by_id(&700).await.unwrap(), None);
    assert_eq!(only.fetch_by_ids(&[7, 700]).await.unwrap(), [user(7)]);
    assert_eq!(only.find_many([7, 700].into_iter()).await.len(), 1);
}
