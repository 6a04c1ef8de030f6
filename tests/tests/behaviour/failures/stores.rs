//! A store that fails or hangs at one step, under each policy.

use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{
    Error, FailurePolicy, Result,
    store::{Fill, Filled, Intent, KeyRef, Lookup, Opened, Scope, Shape, Tag, TagStamps},
};
use cache_kit_tests::{Person, RepositoryError, settle, soon};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

/// A store of bytes of which each part can be broken, or made to hang.
#[derive(Clone, Default)]
struct Frail {
    store: ByteBackend,
    faults: Arc<Faults>,
}

#[derive(Default)]
struct Faults {
    read: Fault,
    open: Fault,
    fill: Fault,
    invalidate: Fault,
    fills: AtomicUsize,
}

#[derive(Default)]
struct Fault {
    fails: AtomicBool,
    hangs: AtomicBool,
}

impl Fault {
    fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }
    fn hang(&self, hangs: bool) {
        self.hangs.store(hangs, Ordering::SeqCst);
    }
    async fn check<T>(&self, count: usize) -> Option<Vec<Result<T>>> {
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let fails = self.fails.load(Ordering::SeqCst);
        fails.then(|| {
            (0..count)
                .map(|_| Err(Error::BackendError("down".into())))
                .collect()
        })
    }
}

impl CacheBackend for Frail {
    type Permit = <ByteBackend as CacheBackend>::Permit;

    fn peek(&self, _: KeyRef<'_>, _: &'static Shape) -> Option<Lookup> {
        None
    }
    async fn read(&self, keys: &[CacheKey], shape: &'static Shape) -> Vec<Result<Lookup>> {
        match self.faults.read.check(keys.len()).await {
            Some(failed) => failed,
            None => self.store.read(keys, shape).await,
        }
    }
    async fn open(
        &self,
        keys: &[CacheKey],
        shape: &'static Shape,
        intent: Intent,
    ) -> Vec<Result<Opened<Self::Permit>>> {
        match self.faults.open.check(keys.len()).await {
            Some(failed) => failed,
            None => self.store.open(keys, shape, intent).await,
        }
    }
    async fn fill(
        &self,
        fills: Vec<Fill<Self::Permit>>,
        shape: &'static Shape,
    ) -> Vec<Result<Filled>> {
        self.faults.fills.fetch_add(1, Ordering::SeqCst);
        match self.faults.fill.check(fills.len()).await {
            Some(failed) => failed,
            None => self.store.fill(fills, shape).await,
        }
    }
    async fn put(
        &self,
        puts: Vec<Fill<Self::Permit>>,
        shape: &'static Shape,
    ) -> Vec<Result<Filled>> {
        self.store.put(puts, shape).await
    }
    async fn invalidate(&self, keys: &[CacheKey]) -> Vec<Result<()>> {
        match self.faults.invalidate.check(keys.len()).await {
            Some(failed) => failed,
            None => self.store.invalidate(keys).await,
        }
    }
    async fn clear(&self, scope: Scope<'_>) -> Result<()> {
        self.store.clear(scope).await
    }
    async fn stamp_tags(
        &self,
        namespace: Option<&str>,
        tags: &[Tag],
        lasts: Option<Duration>,
    ) -> Result<TagStamps> {
        self.store.stamp_tags(namespace, tags, lasts).await
    }
    async fn health(&self) -> Result<()> {
        Ok(())
    }
}

fn person(id: u64) -> Person {
    Person {
        id,
        name: format!("person {id}"),
    }
}

fn strict() -> (CacheService<Frail>, Arc<Faults>) {
    let backend = Frail::default();
    let faults = Arc::clone(&backend.faults);
    let cache = CacheService::builder(backend).failure_policy(FailurePolicy::Propagate);
    (cache.build().unwrap(), faults)
}

struct People;

impl Repository<Person> for People {
    async fn fetch_by_id(&self, id: &u64) -> Result<Option<Person>> {
        tokio::task::yield_now().await;
        Ok(Some(person(*id)))
    }
}

/// Its error cannot carry one of the cache.
struct Plain(CacheService<Frail>);

impl Plain {
    #[cached(cache = self.0)]
    async fn find(&self, id: u64) -> std::result::Result<Option<Person>, RepositoryError> {
        tokio::task::yield_now().await;
        Ok(Some(person(id)))
    }
}

async fn everyone(cache: &CacheService<Frail>) -> (usize, usize, usize) {
    let mut tasks = JoinSet::new();
    for turn in 0..60 {
        let cache = cache.clone();
        tasks.spawn(async move {
            match turn % 3 {
                0 => {
                    let found = Plain(cache).find(1).await;
                    assert_eq!(found, Ok(Some(person(1))), "what it cannot be told");
                    0
                }
                1 => {
                    let mut feeder = GenericFeeder::<Person>::new(1);
                    let fed = cache
                        .execute(&mut feeder, &People, CacheStrategy::Refresh)
                        .await;
                    match fed {
                        Ok(()) => assert_eq!(feeder.entity, Some(person(1))),
                        Err(error) => assert!(
                            matches!(error, Error::BackendError(_) | Error::Timeout),
                            "{error:?}"
                        ),
                    }
                    1
                }
                _ => {
                    for (id, found) in [1, 2, 3]
                        .into_iter()
                        .zip(cache.load_many(&[1, 2, 3], &People).await)
                    {
                        match found {
                            Ok(found) => assert_eq!(found.as_deref(), Some(&person(id))),
                            Err(error) => assert!(
                                matches!(error, Error::BackendError(_) | Error::Timeout),
                                "{error:?}"
                            ),
                        }
                    }
                    2
                }
            }
        });
    }
    let done = soon(tasks.join_all()).await;
    let count = |which| done.iter().filter(|turn| **turn == which).count();
    (count(0), count(1), count(2))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_propagate_nobody_hangs_and_nobody_is_told_another_ones_error() {
    for _ in 0..20 {
        for broken in ["none", "read", "open", "fill", "invalidate"] {
            let (cache, faults) = strict();
            match broken {
                "read" => faults.read.fail(true),
                "open" => faults.open.fail(true),
                "fill" => faults.fill.fail(true),
                "invalidate" => faults.invalidate.fail(true),
                _ => {}
            }
            assert_eq!(everyone(&cache).await, (20, 20, 20), "{broken}");
            assert!(format!("{cache:?}", cache = cache.stats()).contains("misses"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn under_propagate_a_fill_that_hangs_is_a_timeout_for_all() {
    let (cache, faults) = strict();
    faults.fill.hang(true);
    let mut tasks = JoinSet::new();
    for _ in 0..10 {
        let cache = cache.clone();
        tasks.spawn(async move {
            let mut feeder = GenericFeeder::<Person>::new(1);
            cache
                .execute(&mut feeder, &People, CacheStrategy::Refresh)
                .await
        });
    }
    for outcome in soon(tasks.join_all()).await {
        assert!(matches!(outcome, Err(Error::Timeout)), "{outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_costs_deadlines_and_no_call() {
    let backend = Frail::default();
    let faults = Arc::clone(&backend.faults);
    let cache = CacheService::new(backend);
    faults.read.hang(true);
    faults.open.hang(true);
    faults.fill.hang(true);
    let found = soon(cache.load_many(&[1, 2, 3], &People)).await;
    assert!(found.iter().all(|found| matches!(found, Ok(Some(_)))));
    let mut feeder = GenericFeeder::<Person>::new(1);
    soon(cache.execute(&mut feeder, &People, CacheStrategy::Refresh))
        .await
        .unwrap();
}

/// Two services over one store, one of which invalidates while the other cannot read.
#[tokio::test]
async fn who_comes_after_an_invalidation_by_a_sibling_is_not_given_an_older_load() {
    let backend = Frail::default();
    let faults = Arc::clone(&backend.faults);
    let cache = CacheService::new(backend);
    let sibling = cache.to_builder().build().unwrap();
    faults.read.fail(true);
    let gate = Arc::new(tokio::sync::Notify::new());
    let old = tokio::spawn({
        let (cache, gate) = (cache.clone(), Arc::clone(&gate));
        async move {
            let load = || async {
                gate.notified().await;
                Ok::<_, Error>(Some(Person {
                    id: 1,
                    name: "old".into(),
                }))
            };
            cache.get_or_load(&1, load).await
        }
    });
    settle().await;
    sibling.invalidate::<Person>(&1).await.unwrap();
    let new = tokio::spawn(async move {
        let load = || async { Ok::<_, Error>(Some(person(1))) };
        cache.get_or_load(&1, load).await
    });
    settle().await;
    gate.notify_one();
    drop(soon(old).await);
    let new = soon(new).await.unwrap().unwrap().unwrap();
    assert_ne!(new.name, "old");
}

/// `execute` behind a macro caller whose error can be cloned, under a cache that fails.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
enum Cloned {
    #[error("cache: {0}")]
    Cache(String),
    #[error("the pool is empty")]
    Pool,
}

impl From<Error> for Cloned {
    fn from(error: Error) -> Self {
        Self::Cache(error.to_string())
    }
}

struct Cloning(CacheService<Frail>, Arc<tokio::sync::Notify>);

impl Cloning {
    #[cached(cache = self.0)]
    async fn find(&self, id: u64) -> std::result::Result<Option<Person>, Cloned> {
        self.1.notified().await;
        let _ = id;
        Err(Cloned::Pool)
    }
    #[cached(cache = self.0)]
    async fn find_one(&self, id: u64) -> std::result::Result<Option<Person>, Cloned> {
        self.1.notified().await;
        Ok(Some(person(id)))
    }
}

#[tokio::test]
async fn a_failure_says_to_others_what_it_says_to_its_own() {
    let cache = CacheService::new(Frail::default());
    let gate = Arc::new(tokio::sync::Notify::new());
    let leader = tokio::spawn({
        let cloning = Cloning(cache.clone(), Arc::clone(&gate));
        async move { cloning.find(1).await }
    });
    settle().await;
    let follower = tokio::spawn(async move {
        let mut feeder = GenericFeeder::<Person>::new(1);
        cache
            .execute(&mut feeder, &People, CacheStrategy::Refresh)
            .await
    });
    settle().await;
    gate.notify_one();
    assert_eq!(leader.await.unwrap(), Err(Cloned::Pool));
    let told = soon(follower).await.unwrap().unwrap_err().to_string();
    assert!(told.contains("the pool is empty"), "{told}");
}

#[tokio::test]
async fn a_failing_store_is_a_failing_store_to_all_who_wait() {
    let (cache, faults) = strict();
    let gate = Arc::new(tokio::sync::Notify::new());
    let leader = tokio::spawn({
        let cloning = Cloning(cache.clone(), Arc::clone(&gate));
        async move { cloning.find_one(1).await }
    });
    settle().await;
    let follower = tokio::spawn(async move {
        let mut feeder = GenericFeeder::<Person>::new(1);
        cache
            .execute(&mut feeder, &People, CacheStrategy::Refresh)
            .await
    });
    settle().await;
    faults.fill.fail(true);
    gate.notify_one();
    assert!(matches!(leader.await.unwrap(), Err(Cloned::Cache(_))));
    let told = soon(follower).await.unwrap();
    assert!(matches!(told, Err(Error::BackendError(_))), "{told:?}");
}

/// An invalidation between two attempts of a load that is retried.
#[tokio::test(start_paused = true)]
async fn what_was_opened_before_an_invalidation_is_not_stored_however_often_it_was_retried() {
    struct Slow(AtomicUsize, CacheService<InMemoryBackend>);
    impl Repository<Person> for Slow {
        async fn fetch_by_id(&self, id: &u64) -> Result<Option<Person>> {
            let row = person(*id);
            tokio::time::sleep(Duration::from_millis(10)).await;
            if self.0.fetch_add(1, Ordering::SeqCst) == 0 {
                self.1.invalidate::<Person>(id).await?;
                return Err(Error::transient("not now"));
            }
            Ok(Some(row))
        }
    }
    let cache = CacheService::new(InMemoryBackend::new());
    let mut feeder = GenericFeeder::<Person>::new(1);
    let config = OperationConfig::new().with_retry(3);
    let slow = Slow(AtomicUsize::new(0), cache.clone());
    cache
        .execute_with(&mut feeder, &slow, CacheStrategy::Refresh, config)
        .await
        .unwrap();
    assert!(cache.get::<Person>(&1).await.unwrap().is_none());
}

/// Batches and single reads are dropped at every step, and leave nothing behind that waits.
#[tokio::test]
async fn a_call_that_is_dropped_at_any_step_leaves_nobody_waiting() {
    use std::task::{Context, Waker};
    for steps in 0..40 {
        let cache = CacheService::new(Frail::default());
        let keys = [1, 2, 3];
        {
            let mut batch = Box::pin(cache.load_many(&keys, &People));
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..steps {
                if batch.as_mut().poll(&mut context).is_ready() {
                    break;
                }
            }
            let waiting = tokio::spawn({
                let cache = cache.clone();
                async move { cache.load_many(&[3, 2, 1], &People).await }
            });
            let single = tokio::spawn({
                let cache = cache.clone();
                async move {
                    let mut feeder = GenericFeeder::<Person>::new(2);
                    cache
                        .execute(&mut feeder, &People, CacheStrategy::Refresh)
                        .await
                }
            });
            settle().await;
            drop(batch);
            let found = soon(waiting).await.unwrap();
            assert!(
                found.iter().all(|found| matches!(found, Ok(Some(_)))),
                "{steps}"
            );
            soon(single).await.unwrap().unwrap();
        }
        let shown = format!("{:?}", Shown(&cache));
        assert!(shown.contains("flights: 0"), "{steps}: {shown}");
    }
}

struct Shown<'c>(&'c CacheService<Frail>);

impl std::fmt::Debug for Frail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Frail")
    }
}

impl std::fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Panics of the user's code in a load of many.
#[tokio::test]
async fn a_batch_that_panics_leaves_nobody_waiting() {
    struct Panics(AtomicBool);
    impl Repository<Person> for Panics {
        async fn fetch_by_id(&self, id: &u64) -> Result<Option<Person>> {
            tokio::task::yield_now().await;
            assert!(
                *id != 2 || self.0.swap(true, Ordering::SeqCst),
                "the first one"
            );
            Ok(Some(person(*id)))
        }
    }
    let cache = CacheService::new(Frail::default());
    let panics = Arc::new(Panics(AtomicBool::new(false)));
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let (cache, panics) = (cache.clone(), Arc::clone(&panics));
        tasks.push(tokio::spawn(async move {
            cache.load_many(&[1, 2, 3], &panics).await
        }));
    }
    let mut panicked = 0;
    for task in tasks {
        match soon(task).await {
            Ok(found) => assert!(found.iter().all(|found| matches!(found, Ok(Some(_))))),
            Err(_) => panicked += 1,
        }
    }
    assert_eq!(panicked, 1);
}
