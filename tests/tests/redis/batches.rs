//! Batches of very many keys: what one command and its deadline bound is a part of them.

use super::support::{backend, service};
use cache_kit::prelude::*;
use cache_kit::{Error, RedisConfig};
use cache_kit_tests::{Person, Proxy, RedisServer, Source, Traffic, soon, until};
use std::future::{Ready, ready};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long one step of a batch may take, as the service and the backend count it.
const DEADLINE: Duration = Duration::from_millis(1500);

/// How long an answer of the server is on its way.
const ROUND_TRIP: Duration = Duration::from_millis(20);

/// A cache behind a proxy that delays everything.
struct Line {
    server: RedisServer,
    proxy: Proxy,
    cache: CacheService<RedisBackend>,
    loads: AtomicU64,
}

impl Line {
    async fn start() -> Self {
        let server = RedisServer::start().await;
        let proxy = Proxy::start(server.addr()).await;
        let config: RedisConfig = format!("redis://{}", proxy.addr()).parse().unwrap();
        let builder = CacheService::builder(backend(config.deadline(DEADLINE)));
        let cache = builder.backend_deadline(DEADLINE).build().unwrap();
        cache.health().await.unwrap();
        proxy.set(Traffic::Delayed(ROUND_TRIP / 2)).await;
        Self {
            server,
            proxy,
            cache,
            loads: AtomicU64::new(0),
        }
    }

    fn load(&self, ids: Vec<u64>) -> Ready<Result<Vec<Person>, Error>> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        ready(Ok(ids.into_iter().map(Source::row).collect()))
    }

    fn loads(&self) -> u64 {
        self.loads.swap(0, Ordering::SeqCst)
    }

    /// How many of some people are found, from the cache or the repository.
    async fn find(&self, ids: &[u64]) -> usize {
        let found = self
            .cache
            .get_or_load_many::<Person, _, _>(ids, |ids| self.load(ids));
        found.await.unwrap().iter().flatten().count()
    }

    /// How many of some people the server has, past the proxy.
    async fn stored(&self, ids: &[u64]) -> usize {
        let config: RedisConfig = self.server.url().parse().unwrap();
        let near = service(&backend(config.deadline(DEADLINE)));
        let mut count = 0;
        for ids in ids.chunks(500) {
            let found = near.get_many::<Person>(ids).await;
            count += found.into_iter().filter_map(|it| it.unwrap()).count();
        }
        count
    }
}

fn ids(count: u64) -> Vec<u64> {
    (0..count).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_50_000_keys_is_stored_and_found_again_and_dropped() {
    let (line, ids) = (Line::start().await, ids(50_000));
    // Longer altogether than the deadline of one command.
    assert!(ROUND_TRIP * 50_000 / 512 > DEADLINE);
    assert_eq!(line.find(&ids).await, ids.len());
    assert_eq!(line.loads(), 1);
    line.proxy.set(Traffic::Passes).await;
    line.cache.run_pending_tasks().await.unwrap();
    let stats = line.cache.stats();
    assert_eq!((stats.fills, stats.failures), (50_000, 0));

    line.proxy.set(Traffic::Delayed(ROUND_TRIP / 2)).await;
    assert_eq!(line.find(&ids).await, ids.len());
    assert_eq!(line.loads(), 0, "everything is a hit");
    assert_eq!(line.cache.stats().hits, 50_000);

    line.cache.invalidate_many::<Person>(&ids).await.unwrap();
    line.proxy.set(Traffic::Passes).await;
    assert_eq!(line.stored(&ids).await, 0);
    assert_eq!(line.cache.stats().failures, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_batch_stored_before_redis_was_lost_stays_stored() {
    let (line, ids) = (Line::start().await, ids(20_000));
    assert_eq!(line.find(&ids).await, ids.len());
    // The fill goes on without its caller.
    until("a part is stored, or all has failed", async || {
        let stats = line.cache.stats();
        (stats.fills > 0 || stats.failures > 0).then_some(())
    })
    .await;
    line.proxy.set(Traffic::Refused).await;
    let _ = soon(line.cache.run_pending_tasks()).await;
    let stats = line.cache.stats();
    assert!((1..20_000).contains(&stats.fills), "{stats:?}");
    assert!(stats.failures > 0, "{stats:?}");
    let stored = line.stored(&ids).await;
    assert!(
        stored as u64 >= stats.fills,
        "{stored} are stored of {}",
        stats.fills
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_redis_does_not_answer_is_given_up_soon() {
    let (line, ids) = (Line::start().await, ids(50_000));
    line.proxy.set(Traffic::Swallowed).await;
    // Not after a deadline for each part, 150 s: the first of them tell that Redis is silent.
    let found = tokio::time::timeout(Duration::from_secs(40), line.find(&ids));
    assert_eq!(found.await, Ok(ids.len()));
    assert_eq!(line.loads(), 1);
}
