//! What is asked for often is loaded again before it ends, by one caller at a time.

use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{Error, ManualClock, Outcome, output::Source};
use cache_kit_tests::settle;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;

const SECOND: Duration = Duration::from_secs(1);

/// So eager that every read near the end loads, however short a load was.
const EAGER: f64 = 1e15;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "score", ttl = "10s", key = id)]
struct Score {
    id: u64,
    version: u64,
}

#[derive(Clone)]
struct Scores<B: CacheBackend> {
    cache: CacheService<B>,
    loads: Arc<AtomicU64>,
    fails: Arc<AtomicBool>,
    is_held: Arc<watch::Sender<bool>>,
}

type Told = Result<Outcome<Option<Score>>, Error>;

impl<B: CacheBackend> Scores<B> {
    async fn load(&self, id: u64) -> Told {
        let version = self.loads.fetch_add(1, Ordering::SeqCst) + 1;
        let mut is_held = self.is_held.subscribe();
        let _ = is_held.wait_for(|is_held| !is_held).await;
        if self.fails.load(Ordering::SeqCst) {
            return Err(Error::RepositoryError("down".into()));
        }
        Ok(Some(Score { id, version }).into())
    }

    #[cached(early_refresh = EAGER)]
    async fn find(&self, id: u64) -> Told {
        self.load(id).await
    }

    #[cached(early_refresh = EAGER, refresh = inline)]
    async fn find_inline(&self, id: u64) -> Told {
        self.load(id).await
    }

    #[cached]
    async fn find_late(&self, id: u64) -> Told {
        self.load(id).await
    }

    #[cached(early_refresh = 0.0, strategy = Refresh)]
    async fn find_never_early(&self, id: u64) -> Told {
        self.load(id).await
    }

    fn loads(&self) -> u64 {
        self.loads.load(Ordering::SeqCst)
    }
}

fn told(told: Told) -> (Source, u64) {
    let told = told.unwrap();
    (told.source, told.value.unwrap().version)
}

macro_rules! on_each_store {
    ($($name:ident)*) => {$(
        mod $name {
            use super::*;

            #[tokio::test(start_paused = true)]
            async fn in_memory() {
                let clock = ManualClock::new();
                let backend = InMemoryBackend::builder().clock(&clock).build().unwrap();
                super::$name(scores(CacheService::new(backend)), clock).await;
            }

            #[tokio::test(start_paused = true)]
            async fn in_bytes() {
                let clock = ManualClock::new();
                let backend = ByteBackend::new(&clock);
                super::$name(scores(CacheService::new(backend)), clock).await;
            }
        }
    )*};
}

fn scores<B: CacheBackend>(cache: CacheService<B>) -> Scores<B> {
    Scores {
        cache,
        loads: Arc::default(),
        fails: Arc::default(),
        is_held: Arc::default(),
    }
}

on_each_store! {
    a_value_near_its_end_is_loaded_by_a_task_and_returned
    inline_the_caller_who_draws_it_loads
    one_load_is_under_way_at_a_time
    where_it_is_not_said_nothing_is_loaded_early
    an_early_load_that_fails_harms_nobody_and_is_throttled
    what_was_invalidated_meanwhile_is_not_stored
    an_entity_or_a_service_can_say_it
    other_strategies_do_not_take_part
}

async fn a_value_near_its_end_is_loaded_by_a_task_and_returned<B: CacheBackend>(
    scores: Scores<B>,
    clock: ManualClock,
) {
    assert_eq!(told(scores.find(1).await), (Source::Loaded, 1));
    clock.advance(SECOND * 9);
    assert_eq!(told(scores.find(1).await), (Source::Hit, 1));
    scores.cache.run_pending_tasks().await.unwrap();
    assert_eq!(scores.loads(), 2);
    let found = scores.find_late(1).await.unwrap();
    assert_eq!(
        (found.source, found.age),
        (Source::Hit, Some(Duration::ZERO))
    );
    assert_eq!(found.value.unwrap().version, 2);
    assert_eq!(scores.cache.stats().refreshes, 1);
    assert_eq!(scores.cache.stats().misses, 1);
}

async fn inline_the_caller_who_draws_it_loads<B: CacheBackend>(
    scores: Scores<B>,
    clock: ManualClock,
) {
    scores.find_inline(1).await.unwrap();
    clock.advance(SECOND * 9);
    assert_eq!(told(scores.find_inline(1).await), (Source::Loaded, 2));
    assert_eq!(told(scores.find_late(1).await), (Source::Hit, 2));
    let stats = scores.cache.stats();
    assert_eq!((stats.hits, stats.misses, stats.refreshes), (1, 2, 1));
}

async fn one_load_is_under_way_at_a_time<B: CacheBackend>(scores: Scores<B>, clock: ManualClock) {
    scores.find(1).await.unwrap();
    clock.advance(SECOND * 9);
    scores.is_held.send_replace(true);
    for _ in 0..20 {
        assert_eq!(told(scores.find(1).await), (Source::Hit, 1));
        assert_eq!(told(scores.find_late(1).await), (Source::Hit, 1));
        settle().await;
    }
    assert_eq!(told(scores.find_inline(1).await), (Source::Hit, 1));
    assert_eq!(scores.loads(), 2);
    scores.is_held.send_replace(false);
    scores.cache.run_pending_tasks().await.unwrap();
    assert_eq!(told(scores.find_late(1).await), (Source::Hit, 2));
}

async fn where_it_is_not_said_nothing_is_loaded_early<B: CacheBackend>(
    scores: Scores<B>,
    clock: ManualClock,
) {
    scores.find(1).await.unwrap();
    clock.advance(Duration::from_millis(9999));
    for _ in 0..20 {
        assert_eq!(told(scores.find_late(1).await), (Source::Hit, 1));
        assert_eq!(told(scores.find_never_early(1).await), (Source::Hit, 1));
    }
    assert!(scores.cache.get::<Score>(&1).await.unwrap().is_some());
    settle().await;
    assert_eq!(scores.loads(), 1);
}

async fn an_early_load_that_fails_harms_nobody_and_is_throttled<B: CacheBackend>(
    scores: Scores<B>,
    clock: ManualClock,
) {
    scores.find(1).await.unwrap();
    clock.advance(SECOND * 9);
    scores.fails.store(true, Ordering::SeqCst);
    for _ in 0..5 {
        assert_eq!(told(scores.find_inline(1).await), (Source::Hit, 1));
        assert_eq!(told(scores.find(1).await), (Source::Hit, 1));
        scores.cache.run_pending_tasks().await.unwrap();
    }
    assert_eq!(scores.loads(), 2);
    tokio::time::advance(Lifetime::DEFAULT_ERROR_THROTTLE).await;
    scores.fails.store(false, Ordering::SeqCst);
    assert_eq!(told(scores.find_inline(1).await), (Source::Loaded, 3));
}

async fn what_was_invalidated_meanwhile_is_not_stored<B: CacheBackend>(
    scores: Scores<B>,
    clock: ManualClock,
) {
    scores.find(1).await.unwrap();
    clock.advance(SECOND * 9);
    scores.is_held.send_replace(true);
    scores.find(1).await.unwrap();
    settle().await;
    scores.cache.invalidate::<Score>(&1).await.unwrap();
    scores.is_held.send_replace(false);
    scores.cache.run_pending_tasks().await.unwrap();
    assert!(scores.cache.get::<Score>(&1).await.unwrap().is_none());
    assert_eq!(scores.cache.stats().superseded_fills, 1);
}

async fn an_entity_or_a_service_can_say_it<B: CacheBackend>(scores: Scores<B>, clock: ManualClock) {
    let lifetime = Lifetime::new().with_early_refresh(EAGER);
    let builder = scores.cache.to_builder().default_lifetime(lifetime);
    let scores = Scores {
        cache: builder.build().unwrap(),
        ..scores
    };
    scores.find_late(1).await.unwrap();
    clock.advance(SECOND * 9);
    assert_eq!(told(scores.find_late(1).await), (Source::Loaded, 2));
    clock.advance(SECOND * 9);
    assert_eq!(told(scores.find_never_early(1).await), (Source::Hit, 2));
}

async fn other_strategies_do_not_take_part<B: CacheBackend>(scores: Scores<B>, clock: ManualClock) {
    let lifetime = Lifetime::new().with_early_refresh(EAGER);
    let builder = scores.cache.to_builder().default_lifetime(lifetime);
    let cache = builder.build().unwrap();
    scores.find(1).await.unwrap();
    clock.advance(SECOND * 9);
    let load = || async { Err::<Option<Score>, _>(Error::RepositoryError("asked".into())) };
    let fresh = cache.get_or_load_with(CacheStrategy::Fresh, &1, load).await;
    assert!(fresh.unwrap().is_some());
    let many = cache.get_or_load_many::<Score, Error, _>(&[1], |_| async {
        Err(Error::RepositoryError("asked".into()))
    });
    assert_eq!(many.await.unwrap().len(), 1);
}

#[test]
fn what_is_no_number_from_zero_on_is_refused() {
    for beta in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(Lifetime::new().with_early_refresh(beta).check().is_err());
    }
    assert!(Lifetime::new().with_early_refresh(0.0).check().is_ok());
}
