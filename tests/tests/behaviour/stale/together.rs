//! Stale values, timeouts, early refreshes and events where they meet.

use cache_kit::prelude::*;
use cache_kit::{Cached, Error, ManualClock};
use cache_kit_tests::{clocked_cache, settle, soon};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "rate", ttl = "1s", stale_while_revalidate = "1d", key = id)]
struct Rate {
    id: u64,
}

/// How a repository is.
const WELL: u8 = 0;
const FAILS: u8 = 1;
const PANICS: u8 = 2;
const HANGS: u8 = 3;

#[derive(Clone)]
struct Rates {
    cache: CacheService<InMemoryBackend>,
    state: Arc<AtomicU8>,
    loads: Arc<AtomicU64>,
}

impl Rates {
    /// With one value, which is stale.
    async fn stale() -> (Self, ManualClock) {
        let (cache, clock) = clocked_cache();
        let rates = Self {
            cache,
            state: Arc::default(),
            loads: Arc::default(),
        };
        rates.find(1).await.unwrap();
        clock.advance(10 * SECOND);
        (rates, clock)
    }

    #[cached(refresh = background)]
    async fn find(&self, id: u64) -> Result<Rate, Error> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        match self.state.load(Ordering::SeqCst) {
            FAILS => Err(Error::RepositoryError("down".into())),
            PANICS => panic!("a bug"),
            HANGS => std::future::pending().await,
            _ => Ok(Rate { id }),
        }
    }

    fn set(&self, state: u8) {
        self.state.store(state, Ordering::SeqCst);
    }

    fn loads(&self) -> u64 {
        self.loads.load(Ordering::SeqCst)
    }
}

/// The refresh hung for ever, and with it the key, for as long as its value served.
#[tokio::test(start_paused = true)]
async fn a_refresh_that_hangs_holds_its_key_no_longer_than_a_flight_may_take() {
    let (rates, clock) = Rates::stale().await;
    rates.set(HANGS);
    rates.find(1).await.unwrap();
    settle().await;
    rates.set(WELL);
    rates.find(1).await.unwrap();
    settle().await;
    assert_eq!(rates.loads(), 2, "it is being refreshed");
    clock.advance(60 * SECOND);
    tokio::time::advance(60 * SECOND).await;
    settle().await;
    rates.find(1).await.unwrap();
    settle().await;
    assert_eq!(rates.loads(), 3, "somebody else may");
}

#[tokio::test]
async fn a_refresh_that_panics_is_throttled_like_one_that_fails() {
    for state in [FAILS, PANICS] {
        let (rates, _clock) = Rates::stale().await;
        rates.set(state);
        for _ in 0..20 {
            rates.find(1).await.unwrap();
            settle().await;
        }
        assert_eq!(rates.loads(), 2, "{state}");
    }
}

/// The task counted what it returned, which nobody was given.
#[tokio::test]
async fn a_refresh_by_a_task_counts_no_answer_of_its_own() {
    let (rates, _clock) = Rates::stale().await;
    rates.set(FAILS);
    rates.find(1).await.unwrap();
    settle().await;
    let stats = rates.cache.stats();
    assert_eq!((stats.stale_hits, stats.stand_ins), (1, 0));
}

#[derive(Clone, Debug)]
enum OwnError {
    Cache,
}

impl From<Error> for OwnError {
    fn from(_: Error) -> Self {
        Self::Cache
    }
}

/// An error that is cloned, but not from the runtime's: those who waited took it for none, and
/// waited for the next load, one after another.
#[tokio::test(start_paused = true)]
async fn a_load_that_takes_too_long_has_for_all_who_wait_for_it() {
    #[cached(hard_timeout = "200ms", skip(loads))]
    async fn find(
        cache: &CacheService<InMemoryBackend>,
        id: u64,
        loads: &AtomicU64,
    ) -> Result<Rate, OwnError> {
        loads.fetch_add(1, Ordering::SeqCst);
        let _ = id;
        std::future::pending().await
    }
    let cache = CacheService::new(InMemoryBackend::new());
    let loads = AtomicU64::new(0);
    let begun = tokio::time::Instant::now();
    let calls = (0..10).map(|_| find(&cache, 1, &loads));
    let failed = futures::future::join_all(calls).await;
    assert!(failed.iter().all(Result::is_err));
    assert_eq!(loads.load(Ordering::SeqCst), 1);
    assert!(begun.elapsed() < 2 * Duration::from_millis(200));
}

/// Nothing was stored, and so nothing took the stale value away.
#[tokio::test]
async fn what_is_not_to_be_stored_does_not_leave_an_older_value_to_serve() {
    let (cache, clock) = clocked_cache();
    cache.put(Rate { id: 1 }).await.unwrap();
    let gone = || async { Ok::<_, Error>(Cached::new(None::<Rate>).ttl(Duration::ZERO)) };
    clock.advance(10 * SECOND);
    let first = cache
        .get_or_load_as(CacheStrategy::Refresh, &1, gone)
        .await
        .unwrap();
    assert!(first.value.is_none(), "the caller loads it itself");
    let second = cache
        .get_or_load_as(CacheStrategy::Refresh, &1, gone)
        .await
        .unwrap();
    assert!(second.value.is_none());
    assert_eq!(cache.get::<Rate>(&1).await.unwrap(), None);
    assert_eq!(cache.stats().stale_hits, 0);
}

#[tokio::test]
async fn a_policy_that_stores_nothing_does_not_leave_a_stale_value_to_serve() {
    let (cache, clock) = clocked_cache();
    let is_stored = Arc::new(AtomicU64::new(1));
    let decides = Arc::clone(&is_stored);
    let policy = TtlPolicy::Custom(Box::new(move |_| {
        (decides.load(Ordering::SeqCst) > 0).then_some(SECOND)
    }));
    let cache = cache.to_builder().ttl_policy(policy).build().unwrap();
    let load = |row: Option<Rate>| move || async move { Ok::<_, Error>(row) };
    cache
        .get_or_load(&1, load(Some(Rate { id: 1 })))
        .await
        .unwrap();
    is_stored.store(0, Ordering::SeqCst);
    clock.advance(10 * SECOND);
    for _ in 0..3 {
        assert_eq!(cache.get_or_load(&1, load(None)).await.unwrap(), None);
    }
    let many = |_: Vec<u64>| async { Ok::<_, Error>(Vec::<Rate>::new()) };
    is_stored.store(1, Ordering::SeqCst);
    cache
        .get_or_load(&1, load(Some(Rate { id: 1 })))
        .await
        .unwrap();
    is_stored.store(0, Ordering::SeqCst);
    clock.advance(10 * SECOND);
    for _ in 0..3 {
        let found = cache.get_or_load_many(&[1], many).await.unwrap();
        assert_eq!(found, [None]);
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "spare", ttl = "1s", stale_if_error = "1d", key = id)]
struct Spare {
    id: u64,
}

/// Whoever took the load over from a caller who had gone waited for it without a limit.
#[tokio::test(start_paused = true)]
async fn a_soft_timeout_holds_also_for_who_takes_a_load_over() {
    let (cache, clock) = clocked_cache();
    let soft = Duration::from_millis(50);
    let cache = cache.to_builder().soft_timeout(soft).build().unwrap();
    cache.put(Spare { id: 1 }).await.unwrap();
    clock.advance(10 * SECOND);
    let load = |takes: Duration| {
        move || async move {
            tokio::time::sleep(takes).await;
            Ok::<_, Error>(Some(Spare { id: 1 }))
        }
    };
    let first = tokio::spawn({
        let cache = cache.clone();
        async move { cache.get_or_load(&1, load(3600 * SECOND)).await }
    });
    settle().await;
    let begun = tokio::time::Instant::now();
    let second = tokio::spawn({
        let cache = cache.clone();
        async move { cache.get_or_refresh(&1, load(3 * SECOND)).await }
    });
    settle().await;
    first.abort();
    assert!(second.await.unwrap().unwrap().is_some());
    assert!(begun.elapsed() < 2 * soft, "{:?}", begun.elapsed());
    tokio::time::sleep(4 * SECOND).await;
    settle().await;
    assert!(
        cache.get::<Spare>(&1).await.unwrap().is_some(),
        "a task went on"
    );
}

/// An error type that can say nothing of a timeout: the load before the end held a caller who had
/// something fresh.
#[tokio::test(start_paused = true)]
async fn an_early_load_holds_a_fresh_hit_no_longer_than_the_timeouts() {
    #[derive(Debug)]
    struct Dumb;
    let (cache, _clock) = clocked_cache();
    let lifetime = Lifetime::new().with_early_refresh(1e15);
    let cache = cache
        .to_builder()
        .default_lifetime(lifetime)
        .hard_timeout(SECOND)
        .build()
        .unwrap();
    let load = || async { Ok::<_, Dumb>(Some(Spare { id: 1 })) };
    cache.get_or_load(&1, load).await.unwrap();
    let hanging = || std::future::pending::<Result<Option<Spare>, Dumb>>();
    let found = tokio::time::timeout(10 * SECOND, cache.get_or_load(&1, hanging)).await;
    assert!(found.expect("it is in time").unwrap().is_some());
}

/// A sink that asks the cache whenever something is evicted.
struct Curious {
    cache: Arc<OnceLock<CacheService<InMemoryBackend>>>,
    evictions: Arc<AtomicU64>,
}

impl CacheMetrics for Curious {
    fn record(&self, event: &CacheEvent<'_>) {
        let (CacheEvent::Eviction { .. }, Some(cache)) = (event, self.cache.get()) else {
            return;
        };
        self.evictions.fetch_add(1, Ordering::SeqCst);
        let _ = cache.stats();
        // One of these shares the stripe of what is being written.
        for id in 1_000_000..1_005_000_u64 {
            let look_up = cache.get::<Rate>(&id);
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(Box::pin(look_up).as_mut().poll(&mut context).is_ready());
        }
    }
}

/// It was told under locks that it then waited for.
#[tokio::test]
async fn a_sink_may_ask_the_cache_what_it_is_told_of() {
    let (slot, evictions) = (Arc::new(OnceLock::new()), Arc::<AtomicU64>::default());
    let sink = Curious {
        cache: Arc::clone(&slot),
        evictions: Arc::clone(&evictions),
    };
    let backend = InMemoryBackend::builder().capacity(10).build().unwrap();
    let cache = CacheService::builder(backend)
        .metrics(sink)
        .build()
        .unwrap();
    slot.set(cache.clone()).ok().unwrap();
    let work = tokio::task::spawn_blocking(move || {
        futures::executor::block_on(async {
            for id in 0..40 {
                cache.put(Rate { id }).await.unwrap();
                cache.run_pending_tasks().await.unwrap();
            }
        });
    });
    soon(work).await.unwrap();
    assert!(evictions.load(Ordering::SeqCst) >= 20);
}

/// It took a namespace for a prefix.
#[tokio::test]
async fn a_service_without_a_namespace_hears_nothing_of_those_with_one() {
    let backend = InMemoryBackend::builder().capacity(1).build().unwrap();
    let plain = CacheService::new(backend.clone());
    let tenant = CacheService::builder(backend)
        .namespace("tenant")
        .build()
        .unwrap();
    for id in 0..10 {
        tenant.put(Rate { id }).await.unwrap();
    }
    tenant.run_pending_tasks().await.unwrap();
    assert_eq!(plain.stats().evictions, 0);
    assert_eq!(tenant.stats().evictions, 9);
}
