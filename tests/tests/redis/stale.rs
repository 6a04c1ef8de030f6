//! What has ended serves all processes while one of them loads the next, and where none can; what
//! was invalidated serves nobody.

use super::fixtures::Store;
use super::support::{Service, backend, config};
use cache_kit::Error;
use cache_kit::prelude::*;
use cache_kit_tests::{RedisServer, until};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;

const TTL: Duration = Duration::from_millis(150);

/// Longer than any test.
const LONG: Duration = Duration::from_secs(60);

/// Fresh for a moment, and kept for longer than any test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Rate {
    id: u64,
    version: u64,
}

impl CacheEntity for Rate {
    type Key = u64;
    fn cache_key(&self) -> u64 {
        self.id
    }
    fn cache_prefix() -> &'static str {
        "rate"
    }
    fn lifetime() -> Lifetime {
        Lifetime::from(TTL)
            .with_stale_while_revalidate(LONG)
            .with_stale_if_error(LONG)
            .with_error_throttle(LONG)
    }
}

/// A repository that all processes share.
#[derive(Clone, Default)]
struct Source {
    loads: Arc<AtomicU64>,
    fails: Arc<AtomicBool>,
    is_held: Arc<watch::Sender<bool>>,
}

impl Source {
    fn loads(&self) -> u64 {
        self.loads.load(Ordering::SeqCst)
    }
}

/// One process.
#[derive(Clone)]
struct Rates {
    cache: Service,
    source: Source,
}

impl Rates {
    fn new(server: &RedisServer, source: &Source) -> Self {
        let config = config(server.addr()).deadline(LONG).lease(LONG);
        let cache = CacheService::builder(backend(config))
            .backend_deadline(LONG)
            .lease_deadline(LONG);
        Self {
            cache: cache.build().expect("settings that work"),
            source: source.clone(),
        }
    }

    #[cached(refresh = background)]
    async fn find(&self, id: u64) -> Result<Option<Rate>, Error> {
        self.load(id).await
    }

    #[cached]
    async fn find_inline(&self, id: u64) -> Result<Option<Rate>, Error> {
        self.load(id).await
    }

    async fn load(&self, id: u64) -> Result<Option<Rate>, Error> {
        let version = self.source.loads.fetch_add(1, Ordering::SeqCst) + 1;
        let mut is_held = self.source.is_held.subscribe();
        let _ = is_held.wait_for(|is_held| !is_held).await;
        if self.source.fails.load(Ordering::SeqCst) {
            return Err(Error::RepositoryError("down".into()));
        }
        Ok(Some(Rate { id, version }))
    }

    async fn version(&self) -> u64 {
        self.find(1).await.unwrap().unwrap().version
    }

    /// Stores a version, and lets it go stale.
    async fn age(&self) {
        self.find(1).await.unwrap();
        self.cache.run_pending_tasks().await.unwrap();
        tokio::time::sleep(TTL * 2).await;
    }

    async fn until_version(&self, version: u64) {
        until("the next version is read", || async {
            (self.version().await == version).then_some(())
        })
        .await;
    }
}

async fn two(server: &RedisServer) -> (Rates, Rates, Source) {
    let source = Source::default();
    let (a, b) = (Rates::new(server, &source), Rates::new(server, &source));
    a.age().await;
    (a, b, source)
}

#[tokio::test]
async fn of_all_processes_one_refreshes_and_nobody_waits() {
    let server = RedisServer::start().await;
    let (a, b, source) = two(&server).await;
    source.is_held.send_replace(true);
    for _ in 0..20 {
        assert_eq!((a.version().await, b.version().await), (1, 1));
    }
    until("somebody refreshes", || async {
        (source.loads() == 2).then_some(())
    })
    .await;
    for _ in 0..20 {
        assert_eq!((a.version().await, b.version().await), (1, 1));
    }
    assert_eq!(source.loads(), 2);
    source.is_held.send_replace(false);
    a.until_version(2).await;
    b.until_version(2).await;
}

#[tokio::test]
async fn inline_the_process_without_the_lease_has_the_stale_value() {
    let server = RedisServer::start().await;
    let (a, b, source) = two(&server).await;
    source.is_held.send_replace(true);
    let first = tokio::spawn({
        let a = a.clone();
        async move { a.find_inline(1).await }
    });
    until("the first caller refreshes", || async {
        (source.loads() == 2).then_some(())
    })
    .await;
    let other = b.find_inline(1).await.unwrap().unwrap();
    assert_eq!((other.version, source.loads()), (1, 2));
    let batch = b.cache.load_many(&[1], &Nobody).await.remove(0).unwrap();
    assert_eq!(batch.unwrap().version, 1);
    source.is_held.send_replace(false);
    assert_eq!(first.await.unwrap().unwrap().unwrap().version, 2);
}

/// A repository that must not be asked.
struct Nobody;

impl Repository<Rate> for Nobody {
    async fn fetch_by_id(&self, _: &u64) -> cache_kit::Result<Option<Rate>> {
        panic!("it was asked")
    }
}

#[tokio::test]
async fn each_process_asks_a_failing_repository_once_per_interval() {
    let server = RedisServer::start().await;
    let (a, b, source) = two(&server).await;
    source.fails.store(true, Ordering::SeqCst);
    for _ in 0..10 {
        assert_eq!((a.version().await, b.version().await), (1, 1));
        a.cache.run_pending_tasks().await.unwrap();
        b.cache.run_pending_tasks().await.unwrap();
    }
    assert!(source.loads() <= 3, "{}", source.loads());
}

#[tokio::test]
async fn what_another_process_invalidated_serves_nobody() {
    let server = RedisServer::start().await;
    let (a, b, source) = two(&server).await;
    source.fails.store(true, Ordering::SeqCst);
    assert_eq!(a.version().await, 1);
    b.cache.invalidate::<Rate>(&1).await.unwrap();
    assert!(a.find(1).await.is_err());

    source.fails.store(false, Ordering::SeqCst);
    a.age().await;
    source.fails.store(true, Ordering::SeqCst);
    assert!(b.find(1).await.is_ok());
    a.cache.clear_prefix::<Rate>().await.unwrap();
    assert!(b.find(1).await.is_err());
}

/// A guard that went before the entry would end what is kept.
#[tokio::test]
async fn what_is_kept_ends_after_its_windows_and_its_guard_after_that() {
    let store = Store::start().await;
    let rates = Rates::new(&store.server, &Source::default());
    rates.age().await;
    let parts = store.parts::<Rate>(&1).await;
    let [value, guard] = [parts.value, parts.guard].map(|name| {
        let store = &store;
        async move { store.ask::<u64>(redis::cmd("PTTL").arg(&name)).await }
    });
    let (value, guard) = (value.await, guard.await);
    let kept = u64::try_from((TTL + LONG).as_millis()).unwrap();
    assert!(value <= kept && value + 5_000 > kept, "{value}");
    assert!(guard > value, "{guard}");
}
