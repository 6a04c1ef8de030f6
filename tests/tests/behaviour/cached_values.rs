//! `#[cached(prefix = …)]`: values that are no entities, under keys made of parameters.
#![allow(
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "a rate is what it was"
)]

use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{Cached, Error, Outcome, Retry, output::Source};
use cache_kit_tests::{Person, counts, soon};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// An error that cannot be cloned, nor be made from one of the cache.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("no rate")]
struct RateError;

type Rated<T> = Result<T, RateError>;

#[derive(Clone)]
struct Rates<B: CacheBackend = InMemoryBackend> {
    cache: CacheService<B>,
    loads: Arc<AtomicU64>,
    is_failing: Arc<AtomicBool>,
}

impl Rates {
    fn new() -> Self {
        Self::over(CacheService::new(InMemoryBackend::new()))
    }
}

impl<B: CacheBackend> Rates<B> {
    fn over(cache: CacheService<B>) -> Self {
        Self {
            cache,
            loads: Arc::default(),
            is_failing: Arc::default(),
        }
    }

    fn load(&self) -> Rated<u64> {
        let load = self.loads.fetch_add(1, Ordering::SeqCst) + 1;
        if self.is_failing.load(Ordering::SeqCst) {
            return Err(RateError);
        }
        Ok(load)
    }

    fn loads(&self) -> u64 {
        self.loads.load(Ordering::SeqCst)
    }

    #[cached(prefix = "rates", ttl = "10s")]
    async fn rate(&self, from: &str, to: &str) -> Result<f64, RateError> {
        let load = self.load()?;
        Ok(load as f64 + (from.len() + to.len()) as f64 / 100.0)
    }

    #[cached(prefix = "pairs", negative_ttl = "1m")]
    async fn pair(&self, id: u32) -> Rated<Option<(u64, String)>> {
        let load = self.load()?;
        Ok((id < 100).then(|| (load, id.to_string())))
    }

    #[cached(prefix = "table")]
    async fn table(&self) -> Arc<BTreeMap<String, u64>> {
        let load = self.load().unwrap_or_default();
        Arc::new(BTreeMap::from([("load".to_owned(), load)]))
    }

    #[cached(prefix = "told", ttl = "1m")]
    async fn told(&self, id: u64) -> Result<Outcome<u64>, RateError> {
        Ok(Outcome::loaded(self.load()? * 10 + id))
    }

    #[cached(prefix = "termed")]
    async fn termed(&self, id: u64) -> Rated<Cached<Option<u64>>> {
        let ttl = if id == 0 {
            Duration::ZERO
        } else {
            Duration::from_secs(9)
        };
        Ok(Cached::new(Some(self.load()?))
            .ttl(ttl)
            .tags([format!("odd:{}", id % 2 == 1)]))
    }

    #[cached(prefix = "computed", key = (day / 7, name.trim(), sign = if negative { "-" } else { "+" }), skip(day, negative))]
    async fn computed(&self, day: u32, name: &str, negative: bool) -> u64 {
        let _ = (day, name, negative);
        self.load().unwrap_or_default()
    }

    #[cached(prefix = "by-strategy", strategy = strategy)]
    async fn by(&self, id: u64, strategy: CacheStrategy) -> Option<u64> {
        let _ = id;
        self.load().ok()
    }

    #[cache_evict(prefix = "rates")]
    async fn set_rate(&self, from: &str, to: &str) -> Result<(), RateError> {
        let _ = (from, to);
        self.load().map(drop)
    }

    #[cache_evict(prefix = "rates", key = (pair.0, pair.1), tags = ["all-rates"])]
    async fn set_pair(&self, pair: (&str, String)) {
        drop(pair);
    }

    #[cache_evict(prefix = "rates", all)]
    async fn reset(&self) {}

    #[cache_evict(prefix = "table")]
    async fn reset_table(&self) {}

    #[cached(prefix = "unless", unless = Option::is_none)]
    async fn unless(&self, id: u64) -> Option<u64> {
        let load = self.load().ok()?;
        (load > id).then_some(load)
    }

    #[cached(prefix = "on-condition", condition = id > 0)]
    async fn on_condition(&self, id: u64) -> u64 {
        self.load().unwrap_or_default() + id
    }

    #[cached(prefix = "insistent", retry = Retry::new(2).first_delay(Duration::ZERO), retry_if = |_| true)]
    async fn insistent(&self, id: u64) -> Rated<u64> {
        let load = self.load();
        self.is_failing.store(false, Ordering::SeqCst);
        Ok(load? + id)
    }

    #[cached(prefix = "stale", ttl = "1m", stale_while_revalidate = "10m")]
    async fn stale(&self, id: u64) -> Rated<u64> {
        let _ = id;
        self.load()
    }
}

#[tokio::test]
async fn any_value_is_cached_under_its_parameters() {
    let rates = Rates::new();
    let first = rates.rate("EUR", "USD").await.unwrap();
    assert_eq!(rates.rate("EUR", "USD").await.unwrap(), first);
    assert_eq!(rates.loads(), 1);
    rates.rate("USD", "EUR").await.unwrap();
    rates.rate("EUR:", "USD").await.unwrap();
    rates.rate("EUR", ":USD").await.unwrap();
    assert_eq!(rates.loads(), 4, "other parameters are another key");

    assert_eq!(rates.pair(7).await.unwrap(), rates.pair(7).await.unwrap());
    assert_eq!(rates.pair(700).await.unwrap(), None);
    assert_eq!(rates.pair(700).await.unwrap(), None);
    assert_eq!(
        rates.loads(),
        6,
        "absence is remembered with a `negative_ttl`"
    );

    let table = rates.table().await;
    assert!(
        Arc::ptr_eq(&table, &rates.table().await),
        "a hit hands out what was stored"
    );
}

#[tokio::test]
async fn outcomes_and_values_with_terms_are_told() {
    let rates = Rates::new();
    assert_eq!(rates.told(1).await.unwrap().source, Source::Loaded);
    let told = rates.told(1).await.unwrap();
    assert_eq!((told.source, told.value), (Source::Hit, 11));

    rates.termed(0).await.unwrap();
    rates.termed(0).await.unwrap();
    assert_eq!(rates.loads(), 3, "a TTL of zero is not stored");
    assert_eq!(rates.termed(1).await.unwrap().value, Some(4));
    assert_eq!(rates.termed(1).await.unwrap().value, Some(4));
    rates.cache.invalidate_tag("odd:true").await.unwrap();
    assert_eq!(rates.termed(1).await.unwrap().value, Some(5));
}

#[tokio::test]
async fn a_key_may_be_computed() {
    let rates = Rates::new();
    rates.computed(1, " a", true).await;
    rates.computed(2, "a ", true).await;
    assert_eq!(rates.loads(), 1);
    rates.computed(8, "a", true).await;
    rates.computed(1, "a", false).await;
    assert_eq!(rates.loads(), 3);
}

#[tokio::test]
async fn each_strategy_does_what_it_says() {
    let rates = Rates::new();
    assert_eq!(rates.by(1, CacheStrategy::Fresh).await, None);
    assert_eq!(rates.by(1, CacheStrategy::Refresh).await, Some(1));
    assert_eq!(rates.by(1, CacheStrategy::Fresh).await, Some(1));
    assert_eq!(rates.by(1, CacheStrategy::Bypass).await, Some(2));
    assert_eq!(rates.by(1, CacheStrategy::Invalidate).await, Some(3));
    assert_eq!(rates.by(1, CacheStrategy::Refresh).await, Some(3));
}

#[tokio::test]
async fn what_is_not_to_be_stored_is_not() {
    let rates = Rates::new();
    assert_eq!(rates.unless(1).await, None);
    assert_eq!(rates.unless(1).await, Some(2));
    assert_eq!(rates.unless(1).await, Some(2));
    rates.on_condition(0).await;
    rates.on_condition(0).await;
    rates.on_condition(1).await;
    rates.on_condition(1).await;
    assert_eq!(rates.loads(), 5);
}

#[tokio::test]
async fn values_are_evicted_by_the_prefix_of_their_function() {
    let rates = Rates::new();
    let both = async || {
        let (one, other) = (
            rates.rate("EUR", "USD").await,
            rates.rate("USD", "EUR").await,
        );
        (one.unwrap().trunc(), other.unwrap().trunc())
    };
    assert_eq!(both().await, (1.0, 2.0));
    rates.set_rate("EUR", "USD").await.unwrap();
    assert_eq!(both().await, (4.0, 2.0));
    rates.set_pair(("USD", "EUR".into())).await;
    assert_eq!(both().await, (4.0, 5.0));
    rates.is_failing.store(true, Ordering::SeqCst);
    rates.set_rate("USD", "EUR").await.unwrap_err();
    rates.is_failing.store(false, Ordering::SeqCst);
    assert_eq!(both().await, (4.0, 7.0), "a failed write may have happened");
    let table = rates.table().await;
    rates.reset().await;
    assert_eq!(both().await, (9.0, 10.0));
    assert!(Arc::ptr_eq(&table, &rates.table().await));
    rates.reset_table().await;
    assert!(!Arc::ptr_eq(&table, &rates.table().await));
}

#[tokio::test]
async fn failures_are_the_callers_and_are_tried_again() {
    let rates = Rates::new();
    rates.is_failing.store(true, Ordering::SeqCst);
    assert_eq!(rates.rate("EUR", "USD").await, Err(RateError));
    assert_eq!(rates.insistent(1).await, Ok(4));
    assert_eq!(rates.insistent(1).await, Ok(4));
}

#[tokio::test]
async fn a_stale_value_is_refreshed_by_a_task() {
    let clock = cache_kit::ManualClock::new();
    let backend = InMemoryBackend::builder().clock(&clock).build().unwrap();
    let rates = Rates::over(CacheService::new(backend));
    assert_eq!(rates.stale(1).await, Ok(1));
    clock.advance(Duration::from_secs(61));
    assert_eq!(rates.stale(1).await, Ok(1), "stale, and at once");
    soon(async {
        while rates.stale(1).await != Ok(2) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(rates.loads(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_share_one_load() {
    let rates = Rates::new();
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let rates = rates.clone();
            tokio::spawn(async move { rates.told(5).await.unwrap().value })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), 15);
    }
    assert_eq!(rates.loads(), 1);
}

#[tokio::test]
async fn stores_of_bytes_keep_values_too() {
    let rates = Rates::over(CacheService::new(ByteBackend::default()));
    for _ in 0..2 {
        assert_eq!(rates.rate("EUR", "USD").await.unwrap(), 1.06);
        assert_eq!(rates.pair(7).await.unwrap(), Some((2, "7".to_owned())));
        assert_eq!(rates.table().await["load"], 3);
        rates.cache.run_pending_tasks().await.unwrap();
    }
    assert_eq!(rates.loads(), 3);
}

/// Lists, and what is generic.
struct Pages {
    cache: CacheService<InMemoryBackend>,
    loads: AtomicU64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "job", key = id, tags = ["job:{id}", "employer:{employer}"])]
struct Job {
    id: u64,
    employer: String,
    load: u64,
}

impl Job {
    fn new(id: u64, load: u64) -> Self {
        let employer = if id.is_multiple_of(2) { "even" } else { "odd" };
        Self {
            id,
            employer: employer.into(),
            load,
        }
    }
}

trait Numbered {
    const NAME: &'static str;
}

impl Numbered for u8 {
    const NAME: &'static str = "u8";
}

impl Numbered for u16 {
    const NAME: &'static str = "u16";
}

impl Pages {
    fn new() -> Self {
        Self {
            cache: CacheService::new(InMemoryBackend::new()),
            loads: AtomicU64::new(0),
        }
    }

    fn load(&self) -> u64 {
        self.loads.fetch_add(1, Ordering::SeqCst) + 1
    }

    #[cached(prefix = "jobs-from", tags = ["jobs-from:{first}"])]
    async fn jobs(&self, first: u64) -> cache_kit::Result<Vec<Job>> {
        let load = self.load();
        Ok((first..first + 3).map(|id| Job::new(id, load)).collect())
    }

    #[cached]
    async fn job(&self, id: u64) -> Job {
        Job::new(id, self.load())
    }

    #[cache_evict(tags = ["job:{id}"])]
    async fn rename(&self, id: u64) {
        let _ = id;
    }

    #[cached(prefix = "page", ttl = "1m", key = (std::any::type_name::<T>(), value))]
    async fn page<T>(&self, value: &str) -> Vec<T>
    where
        T: std::str::FromStr
            + Clone
            + Send
            + Sync
            + Serialize
            + serde::de::DeserializeOwned
            + 'static,
    {
        self.load();
        value
            .split(',')
            .filter_map(|part| part.parse().ok())
            .collect()
    }

    #[cached(prefix = "count", key = (T::NAME, id))]
    async fn count<T: Numbered>(&self, id: u64) -> u64 {
        id + self.load() * 100
    }

    #[cached(prefix = "first", key = (N, ids[0]))]
    async fn first<const N: usize>(&self, ids: [u64; 4]) -> Vec<u64> {
        self.load();
        ids[..N].to_vec()
    }
}

#[tokio::test]
async fn a_list_is_dropped_with_its_members() {
    let pages = Pages::new();
    assert_eq!(
        pages.jobs(1).await.unwrap(),
        [Job::new(1, 1), Job::new(2, 1), Job::new(3, 1)]
    );
    assert_eq!(pages.job(2).await.load, 2);
    pages.jobs(1).await.unwrap();
    pages.jobs(10).await.unwrap();
    assert_eq!(pages.loads.load(Ordering::SeqCst), 3);
    pages.rename(2).await;
    assert_eq!(pages.jobs(1).await.unwrap()[1].load, 4, "the list");
    assert_eq!(pages.job(2).await.load, 5, "and the entity");
    assert_eq!(
        pages.jobs(10).await.unwrap()[1].load,
        3,
        "no list without it"
    );
    pages.cache.invalidate_tag("jobs-from:10").await.unwrap();
    assert_eq!(
        pages.jobs(10).await.unwrap()[1].load,
        6,
        "a tag of the function's own"
    );
}

#[tokio::test]
async fn generics_are_told_apart() {
    let pages = Pages::new();
    assert_eq!(pages.page::<u8>("1,2,300").await, [1, 2]);
    assert_eq!(pages.page::<u16>("1,2,300").await, [1, 2, 300]);
    assert_eq!(
        (pages.count::<u8>(1).await, pages.count::<u16>(1).await),
        (301, 401)
    );
    assert_eq!(
        (pages.count::<u8>(1).await, pages.count::<u16>(1).await),
        (301, 401)
    );
    assert_eq!(pages.first::<1>([1, 2, 3, 4]).await, [1]);
    assert_eq!(pages.first::<2>([1, 2, 3, 4]).await, [1, 2]);
}

#[tokio::test]
async fn a_prefix_belongs_to_one_function() {
    #[cached(prefix = "rates")]
    async fn other(cache: &CacheService<InMemoryBackend>, id: u64) -> Result<u64, Error> {
        Ok(id)
    }
    let rates = Rates::new();
    rates.rate("EUR", "USD").await.unwrap();
    let error = other(&rates.cache, 7).await.unwrap_err();
    assert!(
        error.to_string().contains("prefix `rates` belongs to"),
        "{error}"
    );
}

#[tokio::test]
async fn an_entity_may_be_a_value_of_another_key() {
    #[cached(prefix = "person-by-name")]
    async fn by_name(cache: &CacheService<InMemoryBackend>, name: &str) -> Option<Person> {
        Some(Person {
            id: 7,
            name: name.to_owned(),
        })
    }
    let cache = CacheService::new(InMemoryBackend::new());
    by_name(&cache, "Ada").await.unwrap();
    assert_eq!(by_name(&cache, "Ada").await.unwrap().id, 7);
    assert_eq!((counts(&cache).hits, counts(&cache).loads), (1, 1));
}
