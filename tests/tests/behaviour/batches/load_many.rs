//! DESIGN §3: `load_many` and `get_many` answer each key on its own, in the order asked.

use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{Error, Found};
use cache_kit_tests::{
    Bulk, Employment, EmploymentKey, Hermit, People, Person, RecordingMetrics, Shy, counts,
    event_names, person, settle, soon,
};
use futures::FutureExt;
use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

type Answers<T> = Vec<cache_kit::Result<Option<Arc<T>>>>;

fn memory() -> CacheService<InMemoryBackend> {
    CacheService::new(InMemoryBackend::new())
}

/// What was answered, for comparison: an id, nobody, or a failure.
fn ids(answers: &Answers<Person>) -> Vec<Result<Option<u64>, String>> {
    let id = |answer: &cache_kit::Result<Option<Arc<Person>>>| match answer {
        Ok(person) => Ok(person.as_ref().map(|person| person.id)),
        Err(error) => Err(error.to_string()),
    };
    answers.iter().map(id).collect()
}

fn known<const N: usize>(ids: [u64; N]) -> Vec<Result<Option<u64>, String>> {
    ids.into_iter()
        .map(|id| Ok((id < 10).then_some(id)))
        .collect()
}

#[tokio::test]
async fn an_empty_batch_asks_nobody() {
    let metrics = RecordingMetrics::default();
    let cache = CacheService::builder(InMemoryBackend::new())
        .metrics(metrics.clone())
        .build()
        .unwrap();
    let bulk = Bulk::below(10);
    assert!(cache.load_many::<Person, _>(&[], &bulk).await.is_empty());
    assert!(cache.get_many::<Person>(&[]).await.is_empty());
    assert_eq!(bulk.take(), Vec::<Vec<u64>>::new());
    assert_eq!(metrics.take(), event_names(&[]));
}

async fn hits_misses_absences_and_duplicates_keep_their_order<B: CacheBackend>(backend: B) {
    let (cache, bulk) = (CacheService::new(backend), Bulk::below(10));
    cache.put(person(2)).await.unwrap();
    cache.load_many(&[99], &bulk).await;
    assert_eq!(bulk.take(), [[99]]);
    let before = counts(&cache);
    let asked = [5, 2, 99, 5, 77, 2, 1];
    let found = cache.load_many(&asked, &bulk).await;
    assert_eq!(ids(&found), known(asked));
    assert_eq!(bulk.take(), [[5, 77, 1]], "what is missing, each once");
    let now = counts(&cache);
    let counted = (
        now.hits - before.hits,
        now.absent_hits - before.absent_hits,
        now.misses - before.misses,
        now.loads - before.loads,
        now.fills - before.fills,
    );
    assert_eq!(counted, (1, 1, 3, 1, 3));
    assert_eq!(ids(&cache.get_many(&asked).await), known(asked));
    assert_eq!(cache.look_up::<Person>(&77).await.unwrap(), Found::Absent);
    assert_eq!(
        bulk.take(),
        Vec::<Vec<u64>>::new(),
        "`get_many` asks nobody"
    );
}

#[tokio::test]
async fn hits_misses_absences_and_duplicates_keep_their_order_everywhere() {
    hits_misses_absences_and_duplicates_keep_their_order(InMemoryBackend::new()).await;
    hits_misses_absences_and_duplicates_keep_their_order(ByteBackend::default()).await;
    let any = AnyBackend::new(InMemoryBackend::new());
    hits_misses_absences_and_duplicates_keep_their_order(any).await;
}

struct Nothing(AtomicU64);

impl Repository<Employment> for Nothing {
    async fn fetch_by_id(&self, _: &EmploymentKey) -> cache_kit::Result<Option<Employment>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(None)
    }
}

#[tokio::test]
async fn an_absence_without_a_negative_ttl_is_asked_for_by_each_batch() {
    let (cache, nothing) = (memory(), Nothing(AtomicU64::new(0)));
    let keys = [EmploymentKey::new("ada", 1), EmploymentKey::new("ada", 2)];
    for _ in 0..2 {
        let found = cache.load_many(&keys, &nothing).await;
        assert!(found.iter().all(|found| matches!(found, Ok(None))));
    }
    assert_eq!(nothing.0.into_inner(), 4);
    assert_eq!(cache.stats().entries, Some(0));
}

/// Has everyone, and fails for the third while it is moody.
struct Moody<'a>(&'a AtomicBool, &'a People);

impl Repository<Person> for Moody<'_> {
    async fn fetch_by_id(&self, id: &u64) -> cache_kit::Result<Option<Person>> {
        if *id == 3 && self.0.load(Ordering::SeqCst) {
            return Err(Error::RepositoryError("moody".into()));
        }
        self.1.fetch_by_id(id).await
    }
}

#[tokio::test]
async fn a_failed_item_is_not_stored_and_a_later_batch_loads_it() {
    let cache = memory();
    let fails_for_three = AtomicBool::new(true);
    let people = People::new(memory());
    let moody = Moody(&fails_for_three, &people);
    let found = ids(&cache.load_many(&[1, 3, 2], &moody).await);
    let failed = Err("repository failed: moody".to_owned());
    assert_eq!(found, [Ok(Some(1)), failed, Ok(Some(2))]);
    assert_eq!(cache.look_up::<Person>(&3).await.unwrap(), Found::Miss);
    fails_for_three.store(false, Ordering::SeqCst);
    let found = ids(&cache.load_many(&[1, 3, 2], &moody).await);
    assert_eq!(found, known([1, 3, 2]));
    assert_eq!(people.loads(), 3, "1 and 2 were cached");
}

/// An entity that holds only even numbers to be valid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Even(u64);

impl CacheEntity for Even {
    type Key = u64;

    fn cache_key(&self) -> u64 {
        self.0
    }

    fn cache_prefix() -> &'static str {
        "even"
    }

    fn validate(&self) -> cache_kit::Result<()> {
        if self.0.is_multiple_of(2) {
            return Ok(());
        }
        Err(Error::ValidationError("odd".into()))
    }
}

struct Numbers;

impl Repository<Even> for Numbers {
    async fn fetch_by_id(&self, id: &u64) -> cache_kit::Result<Option<Even>> {
        Ok(Some(Even(*id)))
    }
}

#[tokio::test]
async fn an_item_that_is_not_valid_fails_alone_and_is_not_stored() {
    let cache = memory();
    let found = cache.load_many(&[2, 3, 4], &Numbers).await;
    assert_eq!(found[0].as_ref().unwrap().as_deref(), Some(&Even(2)));
    assert!(matches!(found[1], Err(Error::ValidationError(_))));
    assert_eq!(found[2].as_ref().unwrap().as_deref(), Some(&Even(4)));
    assert_eq!(cache.look_up::<Even>(&3).await.unwrap(), Found::Miss);
    assert_eq!(cache.stats().entries, Some(2));
}

struct Hermits;

impl Repository<Hermit> for Hermits {
    async fn fetch_by_id(&self, id: &Shy) -> cache_kit::Result<Option<Hermit>> {
        Ok(Some(Hermit(id.clone())))
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_printed_fails_alone() {
    let cache = memory();
    let keys = [Shy(2), Shy(3), Shy(4)];
    for times in 1..=2 {
        let found = cache.load_many(&keys, &Hermits).await;
        assert_eq!(found[0].as_ref().unwrap().as_ref().unwrap().0, keys[0]);
        assert!(matches!(found[1], Err(Error::ConfigError(_))));
        assert_eq!(found[2].as_ref().unwrap().as_ref().unwrap().0, keys[2]);
        let stats = cache.stats();
        assert_eq!((stats.loads, stats.entries), (1, Some(2)));
        assert_eq!(stats.failures, times, "it is counted");
    }
    let cached = cache.get_many::<Hermit>(&keys).await;
    assert!(cached[0].as_ref().unwrap().is_some());
    assert!(matches!(cached[1], Err(Error::ConfigError(_))));
    assert!(cached[2].as_ref().unwrap().is_some());
}

#[tokio::test]
async fn a_batch_joins_single_loads_and_they_join_it() {
    let people = People::new(memory());
    for batch_leads in [true, false] {
        let loads = people.loads();
        people.close_gate();
        let batch = || {
            let people = people.clone();
            tokio::spawn(async move { people.cache.load_many(&[1, 2], &people).await })
        };
        let single = || {
            let people = people.clone();
            tokio::spawn(async move { people.find(1).await.unwrap().unwrap().id })
        };
        let (batch, single) = if batch_leads {
            let batch = batch();
            (batch, single())
        } else {
            let single = single();
            (batch(), single)
        };
        settle().await;
        people.open_gate();
        assert_eq!(ids(&soon(batch).await.unwrap()), known([1, 2]));
        assert_eq!(soon(single).await.unwrap(), 1);
        assert_eq!(people.loads() - loads, 2, "batch leads: {batch_leads}");
        people
            .cache
            .invalidate_many::<Person>(&[1, 2])
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn batches_that_overlap_share_their_loads_without_waiting_in_a_circle() {
    let people = People::new(memory());
    people.close_gate();
    let orders = [[1, 2, 3], [3, 2, 4], [4, 1, 5], [5, 4, 3]];
    let tasks = orders.map(|keys| {
        let people = people.clone();
        tokio::spawn(async move { people.cache.load_many(&keys, &people).await })
    });
    settle().await;
    people.open_gate();
    for (task, keys) in tasks.into_iter().zip(orders) {
        assert_eq!(ids(&soon(task).await.unwrap()), known(keys));
    }
    assert_eq!(people.loads(), 5, "each person once");
}

#[tokio::test]
async fn a_repository_that_panics_is_its_callers_matter_and_the_load_is_handed_over() {
    let (cache, has_panicked) = (memory(), Arc::new(AtomicBool::new(false)));
    let flag = Arc::clone(&has_panicked);
    let bulk = Arc::new(Bulk::new(move |ids| {
        assert!(flag.swap(true, Ordering::SeqCst), "the first time");
        Ok(ids.iter().copied().map(person).collect())
    }));
    let batch = |keys: [u64; 2]| {
        let (cache, bulk) = (cache.clone(), Arc::clone(&bulk));
        tokio::spawn(async move { cache.load_many::<Person, _>(&keys, &bulk).await })
    };
    let (first, second) = (batch([1, 2]), batch([2, 1]));
    assert!(soon(first).await.unwrap_err().is_panic());
    assert_eq!(ids(&soon(second).await.unwrap()), known([2, 1]));
    let asked = bulk.take();
    let (first, mut handed_over) = (&asked[0], asked[1..].concat());
    handed_over.sort_unstable();
    assert_eq!((first, &handed_over), (&vec![1, 2], &vec![1, 2]));
    let next = AssertUnwindSafe(cache.load_many::<Person, _>(&[1, 2, 3], &bulk));
    let next = soon(next.catch_unwind()).await.unwrap();
    assert_eq!(ids(&next), known([1, 2, 3]));
}

#[tokio::test]
async fn a_dropped_batch_hands_its_flights_over() {
    let people = People::new(memory());
    people.close_gate();
    let batch = |keys: [u64; 2]| {
        let people = people.clone();
        async move { people.cache.load_many(&keys, &people).await }
    };
    let mut dropped = Box::pin(batch([1, 2]));
    while people.loads() == 0 {
        assert!(futures::poll!(dropped.as_mut()).is_pending());
    }
    let (waiting, single) = (tokio::spawn(batch([2, 1])), people.clone());
    let single = tokio::spawn(async move { single.find(1).await.unwrap() });
    settle().await;
    drop(dropped);
    people.open_gate();
    assert_eq!(ids(&soon(waiting).await.unwrap()), known([2, 1]));
    assert_eq!(soon(single).await.unwrap().unwrap().id, 1);
}

#[tokio::test]
async fn a_batch_of_a_type_that_cannot_be_cached_fails_for_each_key() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
    #[cache(prefix = "even", key = id)]
    struct Thief {
        id: u64,
    }
    struct Thieves;
    impl Repository<Thief> for Thieves {
        async fn fetch_by_id(&self, id: &u64) -> cache_kit::Result<Option<Thief>> {
            panic!("it is asked for {id}")
        }
    }
    let cache = memory();
    cache.put(Even(2)).await.unwrap();
    let found = cache.load_many::<Thief, _>(&[1, 2], &Thieves).await;
    assert_eq!(found.len(), 2);
    for found in found {
        assert!(matches!(found, Err(Error::ConfigError(_))));
    }
}

/// Loads one by one, and does nothing else.
#[derive(Default)]
struct OneByOne(AtomicU64);

impl Repository<Person> for OneByOne {
    async fn fetch_by_id(&self, id: &u64) -> cache_kit::Result<Option<Person>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Some(person(*id)))
    }
}

async fn a_hundred_thousand_keys<B: CacheBackend>(backend: B) {
    let cache = CacheService::new(backend);
    let keys: Vec<u64> = (0..100_000).map(|number| number % 60_000).collect();
    let (bulk, one_by_one) = (Bulk::below(u64::MAX), OneByOne::default());
    let found = cache.load_many(&keys, &bulk).await;
    let in_order = keys.iter().zip(&found);
    let in_order = in_order.filter(|(id, found)| matches!(found, Ok(Some(row)) if row.id == **id));
    assert_eq!(in_order.count(), keys.len());
    let asked = bulk.take();
    assert_eq!((asked.len(), asked[0].len()), (1, 60_000));
    assert_eq!(asked[0].iter().collect::<HashSet<_>>().len(), 60_000);
    cache.clear_prefix::<Person>().await.unwrap();
    let found = cache.load_many(&keys, &one_by_one).await;
    assert!(found.iter().all(|found| matches!(found, Ok(Some(_)))));
    assert_eq!(one_by_one.0.into_inner(), 60_000);
    let cached = cache.get_many::<Person>(&keys).await;
    assert!(cached.iter().all(|found| matches!(found, Ok(Some(_)))));
}

#[tokio::test]
async fn a_hundred_thousand_keys_with_duplicates_are_loaded_once_each() {
    let roomy = InMemoryBackend::builder().capacity(200_000).build();
    a_hundred_thousand_keys(roomy.unwrap()).await;
    a_hundred_thousand_keys(ByteBackend::default()).await;
}
