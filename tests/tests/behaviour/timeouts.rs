//! How long callers wait for a load, and how often it is tried.

use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{Error, FailurePolicy, ManualClock, Retry};
use cache_kit_tests::{RecordingMetrics, event_names, settle};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "price", ttl = "10s", stale_if_error = "1m", key = id)]
struct Price {
    id: u64,
    version: u64,
}

/// A repository that takes its time, and fails at first.
#[derive(Clone)]
struct Prices<B: CacheBackend> {
    cache: CacheService<B>,
    loads: Arc<AtomicU64>,
    takes: Arc<AtomicU64>,
    failures: Arc<AtomicU64>,
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
enum DbError {
    #[error("busy")]
    Busy,
    #[error("wrong")]
    Wrong,
    #[error(transparent)]
    Cache(#[from] CacheFailed),
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{0}")]
struct CacheFailed(String);

impl From<Error> for DbError {
    fn from(error: Error) -> Self {
        Self::Cache(CacheFailed(error.to_string()))
    }
}

impl<B: CacheBackend> Prices<B> {
    async fn load(&self, id: u64) -> Option<Price> {
        let version = self.loads.fetch_add(1, Ordering::SeqCst) + 1;
        let takes = Duration::from_millis(self.takes.load(Ordering::SeqCst));
        if !takes.is_zero() {
            tokio::time::sleep(takes).await;
        }
        let fails = self
            .failures
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        fails.is_err().then_some(Price { id, version })
    }

    #[cached(soft_timeout = "50ms", hard_timeout = "2s")]
    async fn find(&self, id: u64) -> Result<Price, Error> {
        let found = self.load(id).await;
        found.ok_or_else(|| Error::transient(Error::RepositoryError("busy".into())))
    }

    #[cached(hard_timeout = "2s")]
    async fn find_inline(&self, id: u64) -> Result<Price, Error> {
        self.find_uncached(id).await
    }

    #[cached(strategy = Bypass, hard_timeout = "2s")]
    async fn find_beside(&self, id: u64) -> Result<Price, Error> {
        self.find_uncached(id).await
    }

    async fn find_uncached(&self, id: u64) -> Result<Price, Error> {
        let found = self.load(id).await;
        found.ok_or_else(|| Error::RepositoryError("busy".into()))
    }

    #[cached(retry = 3)]
    async fn find_again(&self, id: u64) -> Result<Option<Price>, Error> {
        let found = self.load(id).await;
        found
            .map(Some)
            .ok_or_else(|| Error::transient(Error::RepositoryError("busy".into())))
    }

    #[cached(
        retry = Retry::new(2).first_delay(Duration::from_millis(1)),
        retry_if = |error| *error == DbError::Busy,
        skip(is_wrong, notes)
    )]
    async fn find_if_busy(
        &self,
        id: u64,
        is_wrong: bool,
        notes: Vec<String>,
    ) -> Result<Price, DbError> {
        drop(notes);
        let fault = if is_wrong {
            DbError::Wrong
        } else {
            DbError::Busy
        };
        self.load(id).await.ok_or(fault)
    }

    fn loads(&self) -> u64 {
        self.loads.load(Ordering::SeqCst)
    }

    fn take(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap();
        self.takes.store(millis, Ordering::SeqCst);
    }

    fn fail(&self, times: u64) {
        self.failures.store(times, Ordering::SeqCst);
    }
}

struct Bench<B: CacheBackend> {
    prices: Prices<B>,
    clock: ManualClock,
    events: RecordingMetrics,
}

impl<B: CacheBackend> Bench<B> {
    fn new(make: impl FnOnce(&ManualClock) -> B) -> Self {
        let (clock, events) = (ManualClock::new(), RecordingMetrics::default());
        let cache = CacheService::builder(make(&clock)).metrics(events.clone());
        let prices = Prices {
            cache: cache.build().unwrap(),
            loads: Arc::default(),
            takes: Arc::default(),
            failures: Arc::default(),
        };
        Self {
            prices,
            clock,
            events,
        }
    }

    /// Begins with version 1, which has ended.
    async fn aged(self) -> Self {
        assert_eq!(self.prices.find(1).await.unwrap().version, 1);
        self.clock.advance(SECOND * 10);
        let _ = self.events.take();
        self
    }
}

macro_rules! on_each_store {
    ($($name:ident)*) => {$(
        mod $name {
            use super::*;

            #[tokio::test(start_paused = true)]
            async fn in_memory() {
                let make = |clock: &ManualClock| {
                    InMemoryBackend::builder().clock(clock).build().unwrap()
                };
                super::$name(Bench::new(make)).await;
            }

            #[tokio::test(start_paused = true)]
            async fn in_bytes() {
                super::$name(Bench::new(|clock| ByteBackend::new(clock))).await;
            }
        }
    )*};
}

on_each_store! {
    after_the_soft_timeout_the_stale_value_is_there_and_the_load_goes_on
    what_comes_before_the_soft_timeout_is_the_next_value
    without_a_stale_value_there_is_no_soft_timeout
    a_load_that_fails_before_the_soft_timeout_has_the_stale_value
    who_waits_for_an_inline_load_has_a_soft_timeout
    after_the_hard_timeout_a_load_has_failed
    with_a_stale_value_the_hard_timeout_is_nobodys_failure
    who_waits_for_a_load_that_takes_too_long_is_told_so
    beside_the_cache_there_is_a_hard_timeout_too
    by_hand_timeouts_are_the_operations_or_the_services
    what_cannot_be_told_of_a_timeout_waits
    batches_have_a_hard_timeout
    a_transient_failure_is_retried
    what_is_not_transient_is_not_retried
    a_function_says_what_may_help_itself
    a_refresh_is_retried_as_well
}

async fn after_the_soft_timeout_the_stale_value_is_there_and_the_load_goes_on<B: CacheBackend>(
    bench: Bench<B>,
) {
    let bench = bench.aged().await;
    bench.prices.take(SECOND);
    let begun = Instant::now();
    for _ in 0..3 {
        assert_eq!(bench.prices.find(1).await.unwrap().version, 1);
    }
    assert_eq!(begun.elapsed().as_millis() / 50, 3);
    assert_eq!(bench.prices.loads(), 2);
    tokio::time::sleep(SECOND).await;
    assert_eq!(bench.prices.find(1).await.unwrap().version, 2);
    assert_eq!(bench.prices.loads(), 2);
}

async fn what_comes_before_the_soft_timeout_is_the_next_value<B: CacheBackend>(bench: Bench<B>) {
    let bench = bench.aged().await;
    bench.prices.take(MILLI * 49);
    assert_eq!(bench.prices.find(1).await.unwrap().version, 2);
    assert_eq!(bench.prices.loads(), 2);
}

async fn without_a_stale_value_there_is_no_soft_timeout<B: CacheBackend>(bench: Bench<B>) {
    bench.prices.take(SECOND);
    assert_eq!(bench.prices.find(1).await.unwrap().version, 1);
}

async fn a_load_that_fails_before_the_soft_timeout_has_the_stale_value<B: CacheBackend>(
    bench: Bench<B>,
) {
    let bench = bench.aged().await;
    bench.prices.fail(1);
    for _ in 0..2 {
        assert_eq!(bench.prices.find(1).await.unwrap().version, 1);
    }
    assert_eq!(bench.prices.loads(), 2, "it is throttled");
}

async fn who_waits_for_an_inline_load_has_a_soft_timeout<B: CacheBackend>(bench: Bench<B>) {
    let bench = bench.aged().await;
    bench.prices.take(SECOND);
    let prices = bench.prices.clone();
    let first = tokio::spawn(async move { prices.find_inline(1).await });
    settle().await;
    assert_eq!(bench.prices.find(1).await.unwrap().version, 1);
    assert_eq!(first.await.unwrap().unwrap().version, 2);
    assert_eq!(bench.prices.loads(), 2);
}

async fn after_the_hard_timeout_a_load_has_failed<B: CacheBackend>(bench: Bench<B>) {
    bench.prices.take(SECOND * 3);
    let begun = Instant::now();
    let failed = bench.prices.find_inline(1).await;
    assert_eq!(begun.elapsed().as_secs(), 2);
    assert!(matches!(failed, Err(Error::Timeout)), "{failed:?}");
    assert_eq!(
        bench.events.take(),
        event_names(&["miss", "load:timedout", "failure:load"])
    );
    assert_eq!(bench.prices.cache.stats().load_failures, 1);
    bench.prices.take(Duration::ZERO);
    assert_eq!(bench.prices.find_inline(1).await.unwrap().version, 2);
}

async fn with_a_stale_value_the_hard_timeout_is_nobodys_failure<B: CacheBackend>(bench: Bench<B>) {
    let bench = bench.aged().await;
    bench.prices.take(SECOND * 3);
    for _ in 0..3 {
        assert_eq!(bench.prices.find_inline(1).await.unwrap().version, 1);
    }
    assert_eq!(bench.prices.loads(), 2, "it is throttled");
}

async fn who_waits_for_a_load_that_takes_too_long_is_told_so<B: CacheBackend>(bench: Bench<B>) {
    bench.prices.take(SECOND * 3);
    let callers: Vec<_> = (0..5)
        .map(|_| {
            let prices = bench.prices.clone();
            tokio::spawn(async move { prices.find_inline(1).await })
        })
        .collect();
    for caller in callers {
        assert!(matches!(caller.await.unwrap(), Err(Error::Timeout)));
    }
    assert_eq!(bench.prices.loads(), 1);
}

async fn beside_the_cache_there_is_a_hard_timeout_too<B: CacheBackend>(bench: Bench<B>) {
    bench.prices.take(SECOND * 3);
    let failed = bench.prices.find_beside(1).await;
    assert!(matches!(failed, Err(Error::Timeout)), "{failed:?}");
}

impl<B: CacheBackend> Repository<Price> for Prices<B> {
    async fn fetch_by_id(&self, id: &u64) -> cache_kit::Result<Option<Price>> {
        Ok(self.load(*id).await)
    }
}

async fn by_hand_timeouts_are_the_operations_or_the_services<B: CacheBackend>(bench: Bench<B>) {
    let bench = bench.aged().await;
    let builder = bench.prices.cache.to_builder();
    let builder = builder.soft_timeout(MILLI * 100).hard_timeout(SECOND * 2);
    let expander = CacheExpander::from(builder.build().unwrap());
    bench.prices.take(SECOND);
    let mut feeder = GenericFeeder::<Price>::new(1);
    let shared = Arc::new(bench.prices.clone());
    let begun = Instant::now();
    let fed = expander.with_shared(&mut feeder, shared, CacheStrategy::Refresh);
    fed.await.unwrap();
    assert_eq!(feeder.entity.map(|price| price.version), Some(1));
    assert_eq!(begun.elapsed().as_millis() / 100, 1);
    tokio::time::sleep(SECOND).await;
    let mut feeder = GenericFeeder::<Price>::new(2);
    let config = OperationConfig::new().with_hard_timeout(MILLI * 500);
    let fed = expander.with_config(&mut feeder, &bench.prices, CacheStrategy::Refresh, config);
    assert!(matches!(fed.await, Err(Error::Timeout)));
    let config = OperationConfig::new()
        .with_soft_timeout(SECOND)
        .with_hard_timeout(MILLI);
    let fed = expander.with_config(&mut feeder, &bench.prices, CacheStrategy::Refresh, config);
    assert!(matches!(fed.await, Err(Error::ConfigError(_))));
}

async fn what_cannot_be_told_of_a_timeout_waits<B: CacheBackend>(bench: Bench<B>) {
    let builder = bench.prices.cache.to_builder().hard_timeout(MILLI);
    let cache = builder.build().unwrap();
    bench.prices.take(SECOND);
    let load = || async { Ok::<_, DbError>(bench.prices.load(1).await) };
    let found = cache.get_or_load::<Price, _, _>(&1, load).await.unwrap();
    assert_eq!(found.unwrap().version, 1);
}

async fn batches_have_a_hard_timeout<B: CacheBackend>(bench: Bench<B>) {
    let builder = bench.prices.cache.to_builder().hard_timeout(SECOND);
    let strict = builder.failure_policy(FailurePolicy::Propagate);
    let cache = strict.build().unwrap();
    bench.prices.take(SECOND * 2);
    let found = cache.load_many::<Price, _>(&[1, 2], &bench.prices).await;
    assert!(
        found
            .iter()
            .all(|found| matches!(found, Err(Error::Timeout))),
        "{found:?}"
    );
    bench.prices.take(Duration::ZERO);
    let found = cache.load_many::<Price, _>(&[1, 2], &bench.prices).await;
    assert!(found.iter().all(Result::is_ok), "{found:?}");
    bench.clock.advance(SECOND * 10);
    bench.prices.take(SECOND * 2);
    let found = cache.load_many::<Price, _>(&[1, 2], &bench.prices).await;
    assert!(
        found.iter().all(Result::is_ok),
        "they have ended: {found:?}"
    );
}

async fn a_transient_failure_is_retried<B: CacheBackend>(bench: Bench<B>) {
    bench.prices.fail(3);
    assert_eq!(
        bench.prices.find_again(1).await.unwrap().unwrap().version,
        4
    );
    bench.prices.fail(4);
    assert!(bench.prices.find_again(2).await.is_err());
    assert_eq!(bench.prices.loads(), 8);
    let stats = bench.prices.cache.stats();
    assert_eq!(
        (stats.loads, stats.load_failures),
        (2, 1),
        "retries are of one load"
    );
}

async fn what_is_not_transient_is_not_retried<B: CacheBackend>(bench: Bench<B>) {
    bench.prices.fail(1);
    assert!(bench.prices.find_if_busy(1, true, vec![]).await == Err(DbError::Wrong));
    assert_eq!(bench.prices.loads(), 1);
}

async fn a_function_says_what_may_help_itself<B: CacheBackend>(bench: Bench<B>) {
    bench.prices.fail(2);
    let found = bench
        .prices
        .find_if_busy(1, false, vec![String::new()])
        .await;
    assert_eq!(found.unwrap().version, 3);
    bench.prices.fail(3);
    assert!(bench.prices.find_if_busy(2, false, vec![]).await == Err(DbError::Busy));
}

async fn a_refresh_is_retried_as_well<B: CacheBackend>(bench: Bench<B>) {
    let bench = bench.aged().await;
    let builder = bench.prices.cache.to_builder();
    let lifetime = Lifetime::new().with_stale_while_revalidate(SECOND * 60);
    let cache = builder.default_lifetime(lifetime).build().unwrap();
    let prices = Prices {
        cache,
        ..bench.prices.clone()
    };
    prices.fail(2);
    assert_eq!(prices.find_again(1).await.unwrap().unwrap().version, 1);
    prices.cache.run_pending_tasks().await.unwrap();
    assert_eq!(prices.find_again(1).await.unwrap().unwrap().version, 4);
}

#[tokio::test]
async fn timeouts_that_cannot_work_are_refused() {
    let builder = || CacheService::builder(InMemoryBackend::new());
    assert!(builder().hard_timeout(Duration::ZERO).build().is_err());
    let wrong = builder().hard_timeout(SECOND).soft_timeout(SECOND * 2);
    assert!(wrong.build().is_err());
    let right = builder().hard_timeout(SECOND).soft_timeout(Duration::ZERO);
    assert!(right.build().is_ok());
}
