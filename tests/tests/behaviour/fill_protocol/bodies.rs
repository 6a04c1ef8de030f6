//! A body is never begun before `open`, also not by a closure that works before it returns its
//! future.

use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{Error, ManualClock, Outcome};
use cache_kit_tests::{Distant, settle, soon};
use std::future::{Ready, ready};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// So eager that every hit that ends is loaded again.
const EAGER: f64 = 1e15;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "row", key = id, index(name))]
struct Row {
    id: u64,
    name: String,
    version: u64,
}

/// A database that answers before the future of its answer is polled. Clones share everything.
#[derive(Clone, Debug, Default)]
struct Database {
    version: Arc<AtomicU64>,
    loads: Arc<AtomicU64>,
}

impl Database {
    fn row(&self, id: u64) -> Row {
        let version = self.version.load(Ordering::SeqCst);
        let name = "Ada".to_owned();
        Row { id, name, version }
    }

    fn load(&self, id: u64) -> Ready<cache_kit::Result<Option<Row>>> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        ready(Ok(Some(self.row(id))))
    }

    fn load_many(&self, ids: &[u64]) -> Ready<cache_kit::Result<Vec<Row>>> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        ready(Ok(ids.iter().map(|id| self.row(*id)).collect()))
    }

    fn loads(&self) -> u64 {
        self.loads.load(Ordering::SeqCst)
    }
}

impl Repository<Row> for Database {
    fn fetch_by_id(&self, id: &u64) -> impl Future<Output = cache_kit::Result<Option<Row>>> + Send {
        self.load(*id)
    }

    fn fetch_by_ids(
        &self,
        ids: &[u64],
    ) -> impl Future<Output = cache_kit::Result<Vec<Row>>> + Send {
        self.load_many(ids)
    }
}

/// How a value may serve while the next one is loaded.
#[derive(Clone, Copy, Debug)]
enum Serves {
    /// It has ended, and a task loads the next one.
    Stale,
    /// It has not ended yet, and a task loads the next one.
    Early,
    /// It has ended, and the caller waits for the next one, for a while.
    Soft,
}

const SERVES: [Serves; 3] = [Serves::Stale, Serves::Early, Serves::Soft];

/// A cache in which the row 1 is stored, in such a state.
async fn cache_with<B: CacheBackend>(
    backend: B,
    clock: &ManualClock,
    serves: Serves,
    database: &Database,
) -> CacheService<B> {
    let lifetime = Lifetime::from(10 * SECOND);
    let builder = CacheService::builder(backend);
    let builder = match serves {
        Serves::Stale => {
            builder.default_lifetime(lifetime.with_stale_while_revalidate(60 * SECOND))
        }
        Serves::Early => builder.default_lifetime(lifetime.with_early_refresh(EAGER)),
        Serves::Soft => builder
            .default_lifetime(lifetime.with_stale_if_error(60 * SECOND))
            .soft_timeout(5 * SECOND),
    };
    let cache = builder.build().unwrap();
    // Loaded, not put: how early a value is loaded again depends on how long a load takes.
    let load = || async { Ok::<_, Error>(Some(database.row(1))) };
    cache.get_or_load(&1, load).await.unwrap();
    cache.run_pending_tasks().await.unwrap();
    clock.advance(match serves {
        Serves::Early => 9 * SECOND,
        Serves::Stale | Serves::Soft => 20 * SECOND,
    });
    cache
}

#[tokio::test]
async fn what_a_refresh_loads_before_an_invalidation_is_not_stored_after_it() {
    for serves in SERVES {
        let (clock, database) = (ManualClock::new(), Database::default());
        let memory = InMemoryBackend::builder().clock(&clock).build().unwrap();
        let cache = cache_with(memory, &clock, serves, &database).await;
        let load = {
            let database = database.clone();
            move || database.load(1)
        };
        let mut call = pin!(cache.get_or_refresh::<Row, _, _>(&1, load));
        // A task may have been started now, and has not run.
        let begun = futures::poll!(&mut call);
        database.version.store(1, Ordering::SeqCst);
        cache.invalidate::<Row>(&1).await.unwrap();
        let found = match begun {
            Poll::Ready(found) => found,
            Poll::Pending => soon(call).await,
        };
        assert!(found.unwrap().is_some(), "{serves:?}");
        soon(cache.run_pending_tasks()).await.unwrap();
        settle().await;
        assert_eq!(database.loads(), 1, "{serves:?}: it was refreshed");
        let stored = cache.get::<Row>(&1).await.unwrap();
        let version = stored.map_or(1, |row| row.version);
        assert_eq!(version, 1, "{serves:?}: the version after the invalidation");
    }
}

/// Every way in which a body is run on a miss.
#[derive(Clone, Copy, Debug)]
enum Way {
    Load,
    LoadWith,
    LoadAs,
    LoadBy,
    Refresh,
    Many,
    Repository,
    Feeder,
    SharedFeeder,
    Put,
}

const WAYS: [Way; 10] = [
    Way::Load,
    Way::LoadWith,
    Way::LoadAs,
    Way::LoadBy,
    Way::Refresh,
    Way::Many,
    Way::Repository,
    Way::Feeder,
    Way::SharedFeeder,
    Way::Put,
];

async fn run(way: Way, cache: CacheService<Distant>, database: Database) {
    let strategy = CacheStrategy::Refresh;
    let load = {
        let database = database.clone();
        move || database.load(1)
    };
    match way {
        Way::Load => drop(cache.get_or_load(&1, load).await.unwrap()),
        Way::LoadWith => drop(cache.get_or_load_with(strategy, &1, load).await.unwrap()),
        Way::LoadAs => {
            let load = || {
                ready(Ok::<_, Error>(Outcome::loaded(
                    load().into_inner().unwrap(),
                )))
            };
            drop(cache.get_or_load_as(strategy, &1, load).await.unwrap());
        }
        Way::LoadBy => {
            let name = "Ada".to_owned();
            let found = cache.get_or_load_by::<RowByName, _, _>(&name, load);
            drop(found.await.unwrap());
        }
        Way::Refresh => drop(cache.get_or_refresh(&1, load).await.unwrap()),
        Way::Many => {
            let load = |ids: Vec<u64>| database.load_many(&ids);
            drop(cache.get_or_load_many(&[1], load).await.unwrap());
        }
        Way::Repository => drop(cache.load_many(&[1], &database).await),
        Way::Feeder => {
            let mut feeder = GenericFeeder::<Row>::new(1);
            let fed = cache.execute(&mut feeder, &database, strategy);
            fed.await.unwrap();
        }
        Way::SharedFeeder => {
            let mut feeder = GenericFeeder::<Row>::new(1);
            let expander = CacheExpander::from(cache);
            let fed = expander.with_shared(&mut feeder, Arc::new(database), strategy);
            fed.await.unwrap();
        }
        Way::Put => drop(cache.put_with(&1, load).await.unwrap()),
    }
}

#[tokio::test]
async fn no_closure_is_called_before_its_key_is_open() {
    for way in WAYS {
        let store = Distant::new(ByteBackend::default());
        let (cache, database) = (CacheService::new(store.clone()), Database::default());
        store.hold_next_open();
        let running = tokio::spawn(run(way, cache, database.clone()));
        settle().await;
        assert_eq!(database.loads(), 0, "{way:?} before the answer");
        store.release_open();
        soon(running).await.unwrap();
        assert_eq!(database.loads(), 1, "{way:?}");
    }
}

#[tokio::test]
async fn no_closure_of_a_refresh_is_called_before_its_key_is_open() {
    for serves in SERVES {
        let (clock, database) = (ManualClock::new(), Database::default());
        let store = Distant::new(ByteBackend::new(&clock));
        let cache = cache_with(store.clone(), &clock, serves, &database).await;
        store.hold_next_open();
        let running = tokio::spawn(run(Way::Refresh, cache.clone(), database.clone()));
        settle().await;
        assert_eq!(database.loads(), 0, "{serves:?} before the answer");
        store.release_open();
        soon(running).await.unwrap();
        soon(cache.run_pending_tasks()).await.unwrap();
        assert_eq!(database.loads(), 1, "{serves:?}");
    }
}

/// A load that panics before it returns its future is the task's, and not the caller's.
#[tokio::test]
async fn a_closure_that_panics_harms_no_caller_of_what_serves() {
    let (clock, database) = (ManualClock::new(), Database::default());
    let memory = InMemoryBackend::builder().clock(&clock).build().unwrap();
    let cache = cache_with(memory, &clock, Serves::Stale, &database).await;
    let panics = || -> Ready<cache_kit::Result<Option<Row>>> { panic!("the closure panics") };
    let found = cache.get_or_refresh::<Row, _, _>(&1, panics).await;
    assert_eq!(found.unwrap().as_deref(), Some(&database.row(1)));
    soon(cache.run_pending_tasks()).await.unwrap();
}
