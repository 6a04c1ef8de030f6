//! DESIGN §4.2: what has ended serves while the next is loaded, and where it cannot be loaded; what
//! was invalidated never does.

mod batches;
mod feeders;
mod methods;
mod together;

use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{Error, ManualClock};
use cache_kit_tests::{RecordingMetrics, event_names, settle};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;

const SECOND: Duration = Duration::from_secs(1);

/// Fresh for 10 s, serves for 20 s more while the next is loaded, and for 60 s where that fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(
    prefix = "rate",
    ttl = "10s",
    stale_while_revalidate = "20s",
    stale_if_error = "1m",
    key = id
)]
struct Rate {
    id: u64,
    version: u64,
}

/// A repository whose every load brings another version, unless it fails; and that answers when it
/// is let.
#[derive(Clone)]
struct Rates<B: CacheBackend> {
    cache: CacheService<B>,
    source: Arc<Source>,
}

#[derive(Debug)]
struct Source {
    loads: AtomicU64,
    fails: AtomicBool,
    answers: Semaphore,
}

impl Default for Source {
    fn default() -> Self {
        Self {
            loads: AtomicU64::new(0),
            fails: AtomicBool::new(false),
            answers: Semaphore::new(1000),
        }
    }
}

impl Source {
    async fn load(&self, id: u64) -> Result<Option<Rate>, Error> {
        let version = self.loads.fetch_add(1, Ordering::SeqCst) + 1;
        let _answer = self.answers.acquire().await.expect("never closed");
        if self.fails.load(Ordering::SeqCst) {
            return Err(Error::RepositoryError("down".into()));
        }
        Ok(Some(Rate { id, version }))
    }

    fn loads(&self) -> u64 {
        self.loads.load(Ordering::SeqCst)
    }

    /// Has loads wait until they are let go on.
    async fn hold(&self) {
        let permits = u32::try_from(self.answers.available_permits()).unwrap_or(u32::MAX);
        self.answers
            .acquire_many(permits)
            .await
            .expect("never closed")
            .forget();
    }

    fn release(&self) {
        self.answers.add_permits(1000);
    }

    fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }
}

impl<B: CacheBackend> Rates<B> {
    #[cached(refresh = background)]
    async fn find(&self, id: u64) -> Result<Option<Rate>, Error> {
        self.source.load(id).await
    }

    #[cached]
    async fn find_inline(&self, id: u64) -> Result<Option<Rate>, Error> {
        self.source.load(id).await
    }

    async fn version(&self) -> u64 {
        version(self.find(1).await)
    }

    async fn version_inline(&self) -> u64 {
        version(self.find_inline(1).await)
    }
}

fn version(found: Result<Option<Rate>, Error>) -> u64 {
    found.unwrap().unwrap().version
}

/// One run of a test: a repository in front of a store whose time the test turns.
struct Bench<B: CacheBackend> {
    rates: Rates<B>,
    clock: ManualClock,
    events: RecordingMetrics,
}

impl<B: CacheBackend> Bench<B> {
    fn new(make: impl FnOnce(&ManualClock) -> B) -> Self {
        let (clock, events) = (ManualClock::new(), RecordingMetrics::default());
        let backend = make(&clock);
        let cache = CacheService::builder(backend).metrics(events.clone());
        let rates = Rates {
            cache: cache.build().unwrap(),
            source: Arc::default(),
        };
        Self {
            rates,
            clock,
            events,
        }
    }

    /// Begins with version 1, so many seconds old.
    async fn aged(self, seconds: u32) -> Self {
        assert_eq!(self.rates.version().await, 1);
        self.clock.advance(SECOND * seconds);
        let _ = self.events.take();
        self
    }

    fn loads(&self) -> u64 {
        self.rates.source.loads()
    }

    fn saw(&self, names: &[&str]) {
        assert_eq!(self.events.take(), event_names(names));
    }
}

fn memory(clock: &ManualClock) -> InMemoryBackend {
    InMemoryBackend::builder().clock(clock).build().unwrap()
}

/// Runs a test on entities, and on their bytes. Tokio's time stands still, so that throttles are
/// turned as well.
macro_rules! on_each_store {
    ($($(#[$attr:meta])* $name:ident)*) => {$(
        mod $name {
            use super::*;

            #[tokio::test(start_paused = true)]
            async fn in_memory() {
                super::$name(Bench::new(memory)).await;
            }

            #[tokio::test(start_paused = true)]
            async fn in_bytes() {
                super::$name(Bench::new(|clock| ByteBackend::new(clock))).await;
            }
        }
    )*};
}
use on_each_store;

on_each_store! {
    what_is_stale_is_returned_at_once_and_refreshed_once
    inline_the_first_caller_refreshes_and_others_have_the_stale_value
    after_the_first_window_a_load_is_waited_for
    where_the_load_fails_the_stale_value_stands_in
    a_failing_repository_is_asked_once_per_interval
    a_failing_refresh_is_throttled_too
    an_inline_refresh_that_fails_has_the_stale_value
    after_all_windows_the_failure_is_the_callers
    what_was_invalidated_never_serves
    who_waits_for_a_load_that_fails_has_the_stale_value
    what_is_not_valid_does_not_replace_the_stale_value
    what_is_gone_from_the_repository_is_gone_after_the_refresh
    only_refresh_takes_what_is_stale
    a_put_is_newer_than_a_refresh_that_had_begun
    a_refresh_goes_on_without_its_caller
    a_refresh_that_panics_harms_nobody
    a_closure_can_be_refreshed_by_a_task
    a_class_takes_nothing_older_than_its_limit
    each_key_is_throttled_by_itself
}

async fn what_is_stale_is_returned_at_once_and_refreshed_once<B: CacheBackend>(bench: Bench<B>) {
    let bench = bench.aged(10).await;
    bench.rates.source.hold().await;
    for _ in 0..20 {
        assert_eq!(bench.rates.version().await, 1);
    }
    settle().await;
    assert_eq!(bench.loads(), 2);
    bench.rates.source.release();
    settle().await;
    assert_eq!(bench.rates.version().await, 2);
    assert_eq!(bench.loads(), 2);
    let seen = bench.events.take();
    let count = |name: &str| seen.iter().filter(|event| *event == name).count();
    assert_eq!((count("refresh"), count("stale-hit")), (1, 20));
    assert_eq!(
        (count("load:found"), count("fill"), count("hit")),
        (1, 1, 1)
    );
    assert_eq!(count("miss"), 0);
    let stats = bench.rates.cache.stats();
    assert_eq!((stats.refreshes, stats.stale_hits), (1, 20));
    assert!(stats.hit_ratio().unwrap() > 0.9);
}

async fn inline_the_first_caller_refreshes_and_others_have_the_stale_value<B: CacheBackend>(
    bench: Bench<B>,
) {
    let bench = bench.aged(10).await;
    bench.rates.source.hold().await;
    let rates = bench.rates.clone();
    let first = tokio::spawn(async move { rates.version_inline().await });
    settle().await;
    assert_eq!(bench.rates.version_inline().await, 1);
    bench.saw(&["refresh", "miss", "stale-hit"]);
    bench.rates.source.release();
    assert_eq!(first.await.unwrap(), 2);
    assert_eq!(bench.rates.version_inline().await, 2);
    assert_eq!(bench.loads(), 2);
}

async fn after_the_first_window_a_load_is_waited_for<B: CacheBackend>(bench: Bench<B>) {
    let bench = bench.aged(29).await;
    assert_eq!(bench.rates.version().await, 1);
    settle().await;
    bench.clock.advance(SECOND * 30);
    assert_eq!(bench.rates.version().await, 3);
    assert_eq!(bench.rates.version().await, 3);
}

async fn where_the_load_fails_the_stale_value_stands_in<B: CacheBackend>(bench: Bench<B>) {
    let bench = bench.aged(69).await;
    bench.rates.source.fail(true);
    assert_eq!(bench.rates.version().await, 1);
    bench.saw(&["miss", "load:failed", "stand-in"]);
    assert_eq!(bench.rates.cache.stats().stand_ins, 1);
}

async fn a_failing_repository_is_asked_once_per_interval<B: CacheBackend>(bench: Bench<B>) {
    let bench = bench.aged(40).await;
    bench.rates.source.fail(true);
    for _ in 0..10 {
        assert_eq!(bench.rates.version().await, 1);
    }
    assert_eq!(bench.loads(), 2);
    tokio::time::advance(Lifetime::DEFAULT_ERROR_THROTTLE).await;
    assert_eq!(bench.rates.version().await, 1);
    assert_eq!(bench.loads(), 3);
    tokio::time::advance(Lifetime::DEFAULT_ERROR_THROTTLE).await;
    bench.rates.source.fail(false);
    assert_eq!(bench.rates.version().await, 4);
    assert_eq!(bench.rates.version().await, 4);
}

async fn a_failing_refresh_is_throttled_too<B: CacheBackend>(bench: Bench<B>) {
    let bench = bench.aged(15).await;
    bench.rates.source.fail(true);
    for _ in 0..10 {
        assert_eq!(bench.rates.version().await, 1);
        settle().await;
    }
    assert_eq!(bench.loads(), 2);
    bench.rates.source.fail(false);
    tokio::time::advance(Lifetime::DEFAULT_ERROR_THROTTLE).await;
    assert_eq!(bench.rates.version().await, 1);
    settle().await;
    assert_eq!(bench.rates.version().await, 3);
}

async fn an_inline_refresh_that_fails_has_the_stale_value<B: CacheBackend>(bench: Bench<B>) {
    let bench = bench.aged(15).await;
    bench.rates.source.fail(true);
    assert_eq!(bench.rates.version_inline().await, 1);
    assert_eq!(bench.rates.version_inline().await, 1);
    assert_eq!(bench.loads(), 2);
    bench.saw(&["refresh", "miss", "load:failed", "stand-in", "stale-hit"]);
}

async fn after_all_windows_the_failure_is_the_callers<B: CacheBackend>(bench: Bench<B>) {
    let bench = bench.aged(70).await;
    bench.rates.source.fail(true);
    let failed = bench.rates.find(1).await;
    assert!(
        matches!(failed, Err(Error::RepositoryError(_))),
        "{failed:?}"
    );
}

async fn what_was_invalidated_never_serves<B: CacheBackend>(bench: Bench<B>) {
    let bench = bench.aged(15).await;
    bench.rates.source.fail(true);
    assert_eq!(bench.rates.version().await, 1);
    bench.rates.cache.invalidate::<Rate>(&1).await.unwrap();
    assert!(bench.rates.find(1).await.is_err());

    bench.rates.source.fail(false);
    let loaded = bench.rates.version().await;
    bench.clock.advance(SECOND * 15);
    bench.rates.source.fail(true);
    assert_eq!(bench.rates.version().await, loaded);
    bench.rates.cache.clear_prefix::<Rate>().await.unwrap();
    assert!(bench.rates.find(1).await.is_err());
}

async fn who_waits_for_a_load_that_fails_has_the_stale_value<B: CacheBackend>(bench: Bench<B>) {
    let bench = bench.aged(40).await;
    bench.rates.source.fail(true);
    bench.rates.source.hold().await;
    let callers: Vec<_> = (0..50)
        .map(|_| {
            let rates = bench.rates.clone();
            tokio::spawn(async move { rates.version().await })
        })
        .collect();
    settle().await;
    bench.rates.source.release();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), 1);
    }
    assert_eq!(bench.loads(), 2);
}

async fn what_is_not_valid_does_not_replace_the_stale_value<B: CacheBackend>(bench: Bench<B>) {
    let cache = &bench.rates.cache;
    let load = |level| async move { Ok::<_, Error>(Some(Level { id: 1, level })) };
    cache
        .get_or_load::<Level, _, _>(&1, || load(5))
        .await
        .unwrap();
    bench.clock.advance(SECOND * 15);
    for _ in 0..2 {
        let found = cache.get_or_load::<Level, _, _>(&1, || load(-1)).await;
        assert_eq!(found.unwrap().unwrap().level, 5);
    }
}

/// An entity that can be wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Level {
    id: u64,
    level: i32,
}

impl CacheEntity for Level {
    type Key = u64;
    fn cache_key(&self) -> u64 {
        self.id
    }
    fn cache_prefix() -> &'static str {
        "level"
    }
    fn lifetime() -> Lifetime {
        Lifetime::from(SECOND * 10).with_stale_if_error(SECOND * 60)
    }
    fn validate(&self) -> cache_kit::Result<()> {
        if self.level < 0 {
            return Err(Error::ValidationError("below zero".into()));
        }
        Ok(())
    }
}

async fn what_is_gone_from_the_repository_is_gone_after_the_refresh<B: CacheBackend>(
    bench: Bench<B>,
) {
    let bench = bench.aged(15).await;
    let cache = &bench.rates.cache;
    let load = || async { Ok::<_, Error>(None) };
    let stale = cache.get_or_refresh::<Rate, _, _>(&1, load).await.unwrap();
    assert_eq!(stale.unwrap().version, 1);
    settle().await;
    let gone = cache.get_or_refresh::<Rate, _, _>(&1, load).await.unwrap();
    assert_eq!(gone, None);
}

async fn only_refresh_takes_what_is_stale<B: CacheBackend>(bench: Bench<B>) {
    let bench = bench.aged(15).await;
    let cache = &bench.rates.cache;
    assert_eq!(cache.get::<Rate>(&1).await.unwrap(), None);
    assert_eq!(cache.get_many::<Rate>(&[1]).await.remove(0).unwrap(), None);
    let load = || bench.rates.source.load(1);
    let with = |strategy| cache.get_or_load_with::<Rate, _, _>(strategy, &1, load);
    assert_eq!(with(CacheStrategy::Fresh).await.unwrap(), None);
    bench.rates.source.fail(true);
    assert!(with(CacheStrategy::Bypass).await.is_err());
    assert_eq!(bench.rates.version().await, 1);
    assert!(with(CacheStrategy::Invalidate).await.is_err());
    assert!(bench.rates.find(1).await.is_err());
}

async fn a_put_is_newer_than_a_refresh_that_had_begun<B: CacheBackend>(bench: Bench<B>) {
    let bench = bench.aged(15).await;
    bench.rates.source.hold().await;
    assert_eq!(bench.rates.version().await, 1);
    settle().await;
    let put = Rate { id: 1, version: 99 };
    bench.rates.cache.put(put).await.unwrap();
    bench.rates.source.release();
    settle().await;
    assert_eq!(bench.rates.version().await, 99);
    assert_eq!(bench.rates.cache.stats().superseded_fills, 1);
}

async fn a_refresh_goes_on_without_its_caller<B: CacheBackend>(bench: Bench<B>) {
    let bench = bench.aged(15).await;
    bench.rates.source.hold().await;
    let rates = bench.rates.clone();
    let caller = tokio::spawn(async move { rates.version().await });
    assert_eq!(caller.await.unwrap(), 1);
    bench.rates.source.release();
    bench.rates.cache.run_pending_tasks().await.unwrap();
    assert_eq!(bench.rates.version().await, 2);
}

async fn a_refresh_that_panics_harms_nobody<B: CacheBackend>(bench: Bench<B>) {
    let bench = bench.aged(15).await;
    let cache = &bench.rates.cache;
    let panics = || async { panic!("the repository is broken") };
    let stale = cache.get_or_refresh::<Rate, Error, _>(&1, panics).await;
    assert_eq!(stale.unwrap().unwrap().version, 1);
    settle().await;
    assert_eq!(bench.rates.version().await, 1, "it is not asked again yet");
    settle().await;
    assert_eq!(bench.rates.version().await, 1);
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(bench.rates.version().await, 1);
    settle().await;
    assert_eq!(bench.rates.version().await, 2);
}

async fn a_closure_can_be_refreshed_by_a_task<B: CacheBackend>(bench: Bench<B>) {
    let bench = bench.aged(15).await;
    let source = Arc::clone(&bench.rates.source);
    let load = move || {
        let source = Arc::clone(&source);
        async move { source.load(1).await }
    };
    let cache = &bench.rates.cache;
    let find = || cache.get_or_refresh::<Rate, _, _>(&1, load.clone());
    assert_eq!(find().await.unwrap().unwrap().version, 1);
    settle().await;
    assert_eq!(find().await.unwrap().unwrap().version, 2);
    bench.clock.advance(SECOND * 100);
    assert_eq!(find().await.unwrap().unwrap().version, 3);
}

async fn a_class_takes_nothing_older_than_its_limit<B: CacheBackend>(bench: Bench<B>) {
    let bench = bench.aged(0).await;
    let policy = TtlPolicy::PerType(Box::new(|class| match class {
        "impatient" => SECOND * 12,
        _ => SECOND * 10,
    }));
    let builder = bench.rates.cache.to_builder().ttl_policy(policy);
    let cache = builder.build().unwrap();
    bench.clock.advance(SECOND * 11);
    let read = |class: &'static str| {
        let cache = cache.clone();
        async move {
            let mut feeder = GenericFeeder::<Rate>::new(1);
            let config = OperationConfig::new().ttl_class(class);
            let done = cache
                .execute_with(&mut feeder, &Down, CacheStrategy::Refresh, config)
                .await;
            done.map(|()| feeder.entity.map(|rate| rate.version))
        }
    };
    assert_eq!(read("impatient").await.unwrap(), Some(1));
    bench.clock.advance(SECOND);
    assert!(read("impatient").await.is_err());
}

/// A repository that is down.
struct Down;

impl Repository<Rate> for Down {
    async fn fetch_by_id(&self, _: &u64) -> cache_kit::Result<Option<Rate>> {
        Err(Error::RepositoryError("down".into()))
    }
}

async fn each_key_is_throttled_by_itself<B: CacheBackend>(bench: Bench<B>) {
    let bench = bench.aged(0).await;
    version(bench.rates.find(2).await);
    bench.clock.advance(SECOND * 40);
    bench.rates.source.fail(true);
    for id in [1, 2, 1, 2] {
        assert!(bench.rates.find(id).await.is_ok());
    }
    assert_eq!(bench.loads(), 4);
}

#[tokio::test]
async fn what_does_not_end_cannot_go_stale() {
    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Endless;

    impl CacheEntity for Endless {
        type Key = u64;
        fn cache_key(&self) -> u64 {
            1
        }
        fn cache_prefix() -> &'static str {
            "endless"
        }
        fn lifetime() -> Lifetime {
            Lifetime::new().with_stale_if_error(SECOND)
        }
    }

    let cache = CacheService::new(InMemoryBackend::new());
    let load = || async { Ok::<_, Error>(Some(Endless)) };
    let refused = cache.get_or_load::<Endless, _, _>(&1, load).await;
    assert!(matches!(refused, Err(Error::ConfigError(_))), "{refused:?}");
    // With a default to end by it can.
    let builder = CacheService::builder(InMemoryBackend::new()).default_lifetime(SECOND);
    let cache = builder.build().unwrap();
    assert!(cache.get_or_load::<Endless, _, _>(&1, load).await.is_ok());
}

#[tokio::test]
async fn zero_windows_are_none() {
    let clock = ManualClock::new();
    let lifetime = Lifetime::from(SECOND)
        .with_stale_if_error(Duration::ZERO)
        .with_stale_while_revalidate(Duration::ZERO);
    let builder = CacheService::builder(memory(&clock)).default_lifetime(lifetime);
    let cache = builder.build().unwrap();
    cache.put(Note { id: 1 }).await.unwrap();
    clock.advance(SECOND);
    let down = || async { Err::<Option<Note>, _>(Error::RepositoryError("down".into())) };
    assert!(cache.get_or_load(&1, down).await.is_err());
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "note", key = id)]
struct Note {
    id: u64,
}
