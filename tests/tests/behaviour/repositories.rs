//! DESIGN §3: repositories as they are written, passed and asked.

mod sharing;

use cache_kit::Error;
use cache_kit::prelude::*;
use cache_kit_tests::{Bulk, Person, person, soon};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

const REFRESH: CacheStrategy = CacheStrategy::Refresh;

fn memory() -> CacheService<InMemoryBackend> {
    CacheService::new(InMemoryBackend::new())
}

/// As most are written: one `async fn`. Odd ids are here, 13 fails.
#[derive(Default)]
struct Odd {
    asked: Mutex<Vec<u64>>,
}

impl Repository<Person> for Odd {
    async fn fetch_by_id(&self, id: &u64) -> cache_kit::Result<Option<Person>> {
        self.asked.lock().unwrap().push(*id);
        tokio::task::yield_now().await;
        match id {
            13 => Err(Error::RepositoryError("unlucky".into())),
            id => Ok((id % 2 == 1).then(|| person(*id))),
        }
    }
}

impl Odd {
    fn take(&self) -> Vec<u64> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

/// Feeds from a repository however it is passed.
async fn fed_from<R: DataRepository<Person> + ?Sized>(repository: &R) -> Option<Person> {
    let cache = CacheExpander::from(memory());
    let mut feeder = GenericFeeder::new(3);
    cache.with(&mut feeder, repository, REFRESH).await.unwrap();
    let found = cache.service().load_many(&[3, 4], repository).await;
    assert_eq!(
        found[0].as_ref().unwrap().as_deref(),
        feeder.entity.as_ref()
    );
    feeder.entity
}

#[tokio::test]
async fn a_repository_is_asked_however_it_is_passed() {
    let odd = Arc::new(Odd::default());
    let as_dyn: &dyn DataRepository<Person> = &*odd;
    let in_arc: Arc<dyn DataRepository<Person>> = odd.clone();
    let in_send_arc: Arc<dyn DataRepository<Person> + Send + Sync> = odd.clone();
    let in_box: Box<dyn DataRepository<Person>> = Box::<Odd>::default();
    let in_send_box: Box<dyn DataRepository<Person> + Send + Sync> = Box::<Odd>::default();
    let three = Some(person(3));
    assert_eq!(fed_from(&Odd::default()).await, three);
    assert_eq!(fed_from(as_dyn).await, three);
    assert_eq!(fed_from(&odd).await, three);
    assert_eq!(fed_from(&in_arc).await, three);
    assert_eq!(fed_from(&*in_arc).await, three);
    assert_eq!(fed_from(&in_send_arc).await, three);
    assert_eq!(fed_from(&in_box).await, three);
    assert_eq!(fed_from(&in_send_box).await, three);
    let asked = odd.take();
    assert_eq!(
        asked,
        [3, 4].repeat(5),
        "once for each of the five that share it"
    );
}

#[tokio::test]
async fn a_pointer_passes_an_overridden_batch_on() {
    let bulk = Arc::new(Bulk::below(10));
    let pointers: [Box<dyn DataRepository<Person>>; 3] = [
        Box::new(Arc::clone(&bulk)),
        Box::new(Arc::clone(&bulk) as Arc<dyn DataRepository<Person>>),
        Box::new(Box::new(Arc::clone(&bulk)) as Box<dyn DataRepository<Person> + Send + Sync>),
    ];
    for pointer in pointers {
        memory().load_many(&[1, 2], &pointer).await;
        assert_eq!(bulk.take(), [[1, 2]]);
    }
}

#[tokio::test]
async fn a_shared_repository_leaves_the_future_without_borrows() {
    let (cache, odd) = (CacheExpander::from(memory()), Arc::new(Odd::default()));
    let in_arc: Arc<dyn DataRepository<Person>> = odd.clone();
    for repository in [in_arc.clone(), in_arc] {
        let cache = cache.clone();
        let task = tokio::spawn(async move {
            let mut feeder = GenericFeeder::<Person>::new(3);
            let fed = cache.with_shared(&mut feeder, repository, REFRESH);
            fed.await.map(|()| feeder.entity)
        });
        assert_eq!(soon(task).await.unwrap().unwrap(), Some(person(3)));
    }
    let mut feeder = GenericFeeder::<Person>::new(5);
    let fed = cache.with_shared(&mut feeder, Arc::clone(&odd), REFRESH);
    fed.await.unwrap();
    assert_eq!(odd.take(), [3, 5]);
}

/// Generic code can spawn what it asks for: the futures are `Send` whatever the types are.
fn spawn_execute<T, R, B>(cache: CacheService<B>, repository: R, key: T::Key) -> Fetching<T>
where
    T: CacheEntity,
    R: DataRepository<T> + 'static,
    B: CacheBackend,
{
    tokio::spawn(async move {
        let mut feeder = GenericFeeder::<T>::new(key);
        cache.execute(&mut feeder, &repository, REFRESH).await?;
        Ok(feeder.entity)
    })
}

fn spawn_fetch<T, R, B>(cache: CacheService<B>, repository: R, key: T::Key) -> Fetching<T>
where
    T: CacheEntity,
    R: Repository<T> + 'static,
    B: CacheBackend,
{
    tokio::spawn(async move {
        let registry = CacheRegistry::builder(cache).repository::<T>(repository);
        let found = registry.build()?.fetch::<T>(&key).await?;
        Ok(found.map(Arc::unwrap_or_clone))
    })
}

fn spawn_load_many<T, R, B>(cache: CacheService<B>, repository: R, key: T::Key) -> Fetching<T>
where
    T: CacheEntity,
    R: Repository<T> + 'static,
    B: CacheBackend,
{
    tokio::spawn(async move {
        let mut found = cache.load_many(&[key], &repository).await;
        Ok(found.remove(0)?.map(Arc::unwrap_or_clone))
    })
}

type Fetching<T> = tokio::task::JoinHandle<cache_kit::Result<Option<T>>>;

#[tokio::test]
async fn generic_code_can_spawn_what_it_asks_for() {
    let cache = memory();
    for fetching in [
        spawn_execute(cache.clone(), Odd::default(), 3),
        spawn_fetch(cache.clone(), Odd::default(), 3),
        spawn_load_many(cache.clone(), Arc::new(Odd::default()), 3),
        spawn_execute(
            CacheService::new(AnyBackend::new(InMemoryBackend::new())),
            Odd::default(),
            3,
        ),
    ] {
        let found: Option<Person> = soon(fetching).await.unwrap().unwrap();
        assert_eq!(found, Some(person(3)));
    }
    assert_eq!(cache.stats().loads, 1);
}

#[tokio::test]
async fn unless_overridden_a_batch_asks_one_by_one_and_what_fails_fails_alone() {
    let (cache, odd) = (memory(), Odd::default());
    let found = cache.load_many(&[1, 13, 2, 3, 13], &odd).await;
    assert_eq!(odd.take(), [1, 13, 2, 3], "each once, the last one too");
    assert_eq!(found[0].as_ref().unwrap().as_deref(), Some(&person(1)));
    assert_eq!(found[2].as_ref().unwrap().as_deref(), None);
    assert_eq!(found[3].as_ref().unwrap().as_deref(), Some(&person(3)));
    for failed in [&found[1], &found[4]] {
        let Err(Error::RepositoryError(cause)) = failed else {
            panic!("{failed:?}");
        };
        assert_eq!(cause.to_string(), "unlucky", "its own error");
    }
    cache.load_many(&[1, 2, 3, 13], &odd).await;
    assert_eq!(odd.take(), [13], "the others are cached");
}

#[tokio::test]
async fn what_a_batch_of_loads_says_of_its_failures_leads_to_the_first() {
    let asked: cache_kit::Result<Vec<Person>> = Odd::default().fetch_by_ids(&[1, 13]).await;
    let error = asked.unwrap_err();
    assert!(error.to_string().contains("unlucky"), "{error}");
    let cause = std::error::Error::source(&error).unwrap();
    let first = std::error::Error::source(cause).unwrap();
    assert_eq!(first.to_string(), "repository failed: unlucky");
}

#[tokio::test]
async fn an_overridden_batch_is_asked_once_for_what_is_missing() {
    let (cache, bulk) = (memory(), Bulk::below(10));
    cache.put(person(2)).await.unwrap();
    let found = cache.load_many(&[3, 2, 99, 3, 1], &bulk).await;
    let ids = found
        .into_iter()
        .map(|found| found.unwrap().map(|person| person.id));
    let ids: Vec<_> = ids.collect();
    assert_eq!(ids, [Some(3), Some(2), None, Some(3), Some(1)]);
    assert_eq!(bulk.take(), [[3, 99, 1]]);
}

#[tokio::test]
async fn a_failure_of_an_overridden_batch_is_everyones() {
    let (cache, down) = (memory(), Bulk::new(|_| Err(Error::transient("down"))));
    cache.put(person(2)).await.unwrap();
    let found = cache.load_many(&[1, 2, 3], &down).await;
    assert!(found[0].as_ref().unwrap_err().is_transient());
    assert!(found[1].is_ok(), "it is cached");
    assert!(found[2].as_ref().unwrap_err().is_transient());
    let found = cache.load_many(&[1, 3], &Bulk::below(10)).await;
    assert!(found.iter().all(Result::is_ok), "nothing was stored");
}

#[tokio::test]
async fn rows_may_come_in_any_order_number_and_kind() {
    type Rows = fn(&[u64]) -> Vec<u64>;
    let rows: [(&str, Rows, [bool; 3]); 6] = [
        ("in another order", |_| vec![3, 1, 2], [true; 3]),
        ("twice", |_| vec![2, 1, 2, 3, 3], [true; 3]),
        ("fewer", |_| vec![2], [false, true, false]),
        ("none", |_| vec![], [false; 3]),
        ("more", |_| (0..50).collect(), [true; 3]),
        ("others", |_| vec![7, 8], [false; 3]),
    ];
    for (what, rows, wanted) in rows {
        let cache = memory();
        let bulk = Bulk::new(move |ids| Ok(rows(ids).into_iter().map(person).collect()));
        let found = cache.load_many(&[1, 2, 3], &bulk).await;
        for ((id, found), is_there) in [1, 2, 3].into_iter().zip(found).zip(wanted) {
            let row = is_there.then(|| person(id));
            assert_eq!(found.unwrap().as_deref(), row.as_ref(), "{what}: {id}");
            let cached = cache.look_up::<Person>(&id).await.unwrap();
            assert_eq!(cached.into_option().as_deref(), row.as_ref(), "{what}");
        }
        assert_eq!(cache.stats().entries, Some(3), "{what}: what was asked for");
        assert_eq!(bulk.take(), [[1, 2, 3]], "{what}: asked once");
    }
}

/// Returns the person after the one that was asked for.
struct OffByOne;

impl Repository<Person> for OffByOne {
    async fn fetch_by_id(&self, id: &u64) -> cache_kit::Result<Option<Person>> {
        Ok(Some(person(id + 1)))
    }
}

#[tokio::test]
async fn an_entity_with_another_key_is_refused_and_not_stored() {
    use CacheStrategy::{Bypass, Invalidate, Refresh};
    let cache = memory();
    for strategy in [Refresh, Invalidate, Bypass] {
        let mut feeder = GenericFeeder::<Person>::new(1);
        let fed = cache.execute(&mut feeder, &OffByOne, strategy).await;
        assert!(
            matches!(fed, Err(Error::RepositoryError(_))),
            "{strategy:?}"
        );
        assert_eq!(feeder.entity, None);
    }
    let registry = CacheRegistry::builder(cache.clone()).repository::<Person>(OffByOne);
    let fetched = registry.build().unwrap().fetch::<Person>(&1).await;
    assert!(matches!(fetched, Err(Error::RepositoryError(_))));
    assert_eq!(cache.stats().entries, Some(0));
    let found = cache.load_many::<Person, _>(&[1], &OffByOne).await;
    assert!(matches!(found[0], Err(Error::RepositoryError(_))));
    assert_eq!(cache.get::<Person>(&2).await.unwrap(), None);
}

/// Asks the cache for what it is just loading.
struct Recursive {
    cache: CacheService<InMemoryBackend>,
    depth: AtomicU64,
}

impl Repository<Person> for Recursive {
    async fn fetch_by_id(&self, id: &u64) -> cache_kit::Result<Option<Person>> {
        if self.depth.fetch_add(1, Ordering::SeqCst) > 0 {
            return Ok(Some(person(*id)));
        }
        let mut feeder = GenericFeeder::<Person>::new(*id);
        Box::pin(self.cache.execute(&mut feeder, self, REFRESH)).await?;
        Ok(feeder.entity)
    }
}

#[tokio::test]
async fn a_repository_that_asks_the_cache_for_its_own_key_does_not_wait_for_itself() {
    let cache = memory();
    let depth = AtomicU64::new(0);
    let repository = Recursive {
        cache: cache.clone(),
        depth,
    };
    let mut feeder = GenericFeeder::<Person>::new(1);
    let fed = cache.execute(&mut feeder, &repository, REFRESH);
    soon(fed).await.unwrap();
    assert_eq!(feeder.entity, Some(person(1)));
    assert_eq!(repository.depth.into_inner(), 2);
}
