//! What the first review found: long keys, flights that hung, invalid entities, clears.

use cache_kit::prelude::*;
use cache_kit::{
    Error,
    observe::Operation,
    store::{Entry, Fill, Filled, Intent, Shape},
};
use cache_kit_tests::{
    Behaviour, Employment, Faulty, Hermit, People, Person, RepositoryError, Shy, counts, settle,
    soon,
};
use std::cell::Cell;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

fn memory() -> CacheService<InMemoryBackend> {
    CacheService::new(InMemoryBackend::new())
}

fn person(id: u64, name: &str) -> Person {
    Person {
        id,
        name: name.into(),
    }
}

// ---------------------------------------------------------------- keys

/// By hand, as the guide writes it: `Display` of a `String` is the key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Page {
    url: String,
}

impl CacheEntity for Page {
    type Key = String;
    fn cache_key(&self) -> String {
        self.url.clone()
    }
    fn cache_prefix() -> &'static str {
        "page"
    }
}

#[tokio::test]
async fn a_long_key_that_is_cut_within_a_character_is_found_again() {
    for shift in 0..4 {
        let page = Page {
            url: "x".repeat(shift) + &"é🦀".repeat(200),
        };
        let cache = memory();
        cache.put(page.clone()).await.unwrap();
        let found = cache.get::<Page>(&page.url).await.unwrap();
        assert!(found.as_deref() == Some(&page), "shift {shift}");
    }
}

/// Derived: the key is encoded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "word", key = text)]
struct Word {
    text: String,
    meaning: u8,
}

struct Words {
    cache: CacheService<InMemoryBackend>,
}

impl Words {
    #[cached]
    async fn find(&self, text: &str) -> Word {
        Word {
            text: text.to_owned(),
            meaning: 1,
        }
    }

    #[cache_put]
    async fn save(&self, word: Word) -> Result<Word, RepositoryError> {
        let _ = word; // committed, and the acknowledgement lost
        Err(RepositoryError)
    }
}

#[tokio::test]
async fn a_failed_put_of_a_long_key_invalidates_the_entry_that_is_read() {
    for shift in 0..4 {
        let text = "x".repeat(shift) + &"é🦀".repeat(200);
        let words = Words { cache: memory() };
        words.find(&text).await;
        assert!(words.cache.get::<Word>(&text).await.unwrap().is_some());
        let meaning = 2;
        let written = Word {
            text: text.clone(),
            meaning,
        };
        words.save(written).await.unwrap_err();
        let left = words.cache.get::<Word>(&text).await.unwrap();
        assert!(left.is_none(), "shift {shift}: stale for ever");
    }
}

#[tokio::test]
async fn a_put_whose_key_cannot_be_displayed_leaves_other_entries_alone() {
    struct Hermits {
        cache: CacheService<InMemoryBackend>,
    }
    impl Hermits {
        #[cache_put]
        async fn save(&self, hermit: Hermit) -> Result<Hermit, u8> {
            Ok(hermit)
        }
    }
    let hermits = Hermits { cache: memory() };
    hermits.cache.put(Hermit(Shy(2))).await.unwrap();
    hermits.save(Hermit(Shy(3))).await.unwrap();
    assert!(
        hermits
            .cache
            .get::<Hermit>(&Shy(2))
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn a_key_that_cannot_be_does_not_keep_the_others_from_being_invalidated() {
    let cache = memory();
    cache.put(Hermit(Shy(2))).await.unwrap();
    cache
        .invalidate_many::<Hermit>(&[Shy(3), Shy(2)])
        .await
        .unwrap_err();
    assert!(cache.get::<Hermit>(&Shy(2)).await.unwrap().is_none());
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "a", key = (x, y))]
struct Pair {
    x: String,
    y: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "b", key = y)]
struct Single {
    y: String,
}

// ---------------------------------------------------------------- user code under locks

#[derive(Clone, Debug, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "heavy", key = id)]
struct Plain {
    id: u64,
}

thread_local! {
    /// What the drop of a `Haunted` does on this thread.
    static HAUNT: Cell<Option<fn()>> = const { Cell::new(None) };
}

#[derive(Clone, Debug, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "haunted", key = id)]
struct Haunted {
    id: u64,
}

impl Drop for Haunted {
    fn drop(&mut self) {
        if let Some(haunt) = HAUNT.take() {
            haunt();
            HAUNT.set(Some(haunt));
        }
    }
}

// ---------------------------------------------------------------- flights

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("down")]
struct Down;

/// Counts how many are in at once.
#[derive(Default)]
struct Crowd {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Crowd {
    async fn pass(&self) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        settle().await;
        self.now.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn who_cannot_be_told_of_anothers_failure_loads_a_bounded_number_at_a_time() {
    let (cache, crowd) = (memory(), Arc::new(Crowd::default()));
    let gate = Arc::new(tokio::sync::Notify::new());
    #[cached(skip(gate))]
    async fn find(
        id: u64,
        cache: &CacheService<InMemoryBackend>,
        gate: Arc<tokio::sync::Notify>,
    ) -> Result<Person, Down> {
        let _ = id;
        gate.notified().await;
        Err(Down)
    }
    let mut tasks = JoinSet::new();
    let (service, opened) = (cache.clone(), Arc::clone(&gate));
    tasks.spawn(async move { drop(find(1, &service, opened).await) });
    settle().await;
    for _ in 0..300 {
        let (cache, crowd) = (cache.clone(), Arc::clone(&crowd));
        tasks.spawn(async move {
            let load = || async {
                crowd.pass().await;
                Err::<Option<Person>, _>(RepositoryError)
            };
            cache.get_or_load(&1, load).await.unwrap_err();
        });
    }
    settle().await;
    gate.notify_one();
    soon(tasks.join_all()).await;
    let most = crowd.most.load(Ordering::SeqCst);
    assert!(most <= 8, "{most} at once");
}

#[tokio::test]
async fn who_cannot_say_absent_shares_a_load_after_anothers_absence() {
    let (cache, crowd) = (memory(), Arc::new(Crowd::default()));
    let gate = Arc::new(tokio::sync::Notify::new());
    #[cached(skip(crowd))]
    async fn strict(
        id: u64,
        cache: &CacheService<InMemoryBackend>,
        crowd: &Crowd,
    ) -> Result<Person, Down> {
        crowd.pass().await;
        Ok(person(id, "made"))
    }
    let mut tasks = JoinSet::new();
    let (service, opened) = (cache.clone(), Arc::clone(&gate));
    tasks.spawn(async move {
        let load = || async {
            opened.notified().await;
            Ok::<_, Down>(None::<Person>)
        };
        drop(service.get_or_load(&1, load).await);
    });
    settle().await;
    for _ in 0..300 {
        let (cache, crowd) = (cache.clone(), Arc::clone(&crowd));
        tasks.spawn(async move { drop(strict(1, &cache, &crowd).await) });
    }
    settle().await;
    gate.notify_one();
    soon(tasks.join_all()).await;
    let most = crowd.most.load(Ordering::SeqCst);
    assert!(most <= 8, "{most} at once");
}

/// Loads that hang, one for each key.
async fn hang(cache: &CacheService<InMemoryBackend>, ids: std::ops::Range<u64>) -> JoinSet<()> {
    let mut stuck = JoinSet::new();
    for id in ids {
        let cache = cache.clone();
        stuck.spawn(async move {
            let never = || std::future::pending::<Result<Option<Person>, Error>>();
            drop(cache.get_or_load(&id, never).await);
        });
    }
    settle().await;
    stuck
}

#[tokio::test(start_paused = true)]
async fn a_batch_waits_no_longer_than_the_flight_deadline_and_loads_what_is_left_in_one_call() {
    let cache = CacheService::builder(InMemoryBackend::new())
        .flight_deadline(Duration::from_secs(2))
        .build()
        .unwrap();
    let _stuck = hang(&cache, 0..20).await;
    let begun = tokio::time::Instant::now();
    let mut calls = 0;
    let ids: Vec<u64> = (0..20).collect();
    let answers = cache
        .get_or_load_many(&ids, |ids| {
            calls += 1;
            async move { Ok::<_, Error>(ids.into_iter().map(|id| person(id, "x")).collect()) }
        })
        .await
        .unwrap();
    assert_eq!(answers.len(), 20);
    let seconds = begun.elapsed().as_secs();
    assert!(
        seconds <= 2 && calls == 1,
        "{seconds} s and {calls} loads instead of 2 s and 1"
    );
}

#[tokio::test(start_paused = true)]
async fn a_load_that_hangs_costs_each_later_caller_no_further_deadline() {
    let cache = memory();
    let _stuck = hang(&cache, 1..2).await;
    // Absence, which this entity's service does not store: Employment would do as well.
    let failing = || async { Err::<Option<Person>, _>(Error::Timeout) };
    cache.get_or_load(&1, failing).await.unwrap_err();
    let begun = tokio::time::Instant::now();
    cache.get_or_load(&1, failing).await.unwrap_err();
    let waited = begun.elapsed();
    assert!(
        waited < Duration::from_secs(1),
        "waited {waited:?} for a flight known to hang"
    );
}

#[test]
fn waiters_that_give_up_cost_the_same_however_many_there_are() {
    fn give_up(count: usize) -> Duration {
        let cache = memory();
        let never = || std::future::pending::<Result<Option<Person>, Error>>();
        let mut context = Context::from_waker(Waker::noop());
        let mut futures: Vec<Pin<Box<dyn Future<Output = _>>>> = Vec::new();
        for _ in 0..count {
            let mut future: Pin<Box<dyn Future<Output = _>>> =
                Box::pin(cache.get_or_load(&1, never));
            assert!(future.as_mut().poll(&mut context).is_pending());
            futures.push(future);
        }
        let leader = futures.remove(0);
        let begun = Instant::now();
        drop(futures);
        let elapsed = begun.elapsed();
        drop(leader);
        elapsed
    }
    // Whatever else the machine is doing: what is quadratic is so every time, 256 times as much.
    let is_in_proportion = || give_up(16_000) < give_up(1_000) * 48;
    assert!((0..5).any(|_| is_in_proportion()), "it is quadratic");
}

#[tokio::test]
async fn clearing_one_prefix_leaves_the_flights_of_others_alone() {
    let people = People::new(memory());
    people.close_gate();
    let spawn = || {
        tokio::spawn({
            let people = people.clone();
            async move { people.find(1).await }
        })
    };
    let first = spawn();
    settle().await;
    people.cache.clear_prefix::<Employment>().await.unwrap();
    let second = spawn();
    settle().await;
    people.open_gate();
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    assert_eq!(people.loads(), 1);
}

// ---------------------------------------------------------------- a store that comes and goes

/// What a store does not answer that is told of clears and invalidations all the same.
const DEAF: &[Operation] = &[Operation::Read, Operation::Open];

#[tokio::test]
async fn who_comes_after_a_clear_is_not_given_an_older_load_even_if_reads_fail() {
    let backend = Faulty::default();
    backend.set(DEAF, Behaviour::Down);
    let cache = CacheService::new(backend);
    let gate = Arc::new(tokio::sync::Notify::new());
    let old = tokio::spawn({
        let (cache, gate) = (cache.clone(), Arc::clone(&gate));
        async move {
            let load = || async {
                gate.notified().await;
                Ok::<_, Error>(Some(person(1, "old")))
            };
            cache.get_or_load(&1, load).await
        }
    });
    settle().await;
    cache.clear_prefix::<Person>().await.unwrap();
    let new = tokio::spawn({
        let cache = cache.clone();
        async move {
            cache
                .get_or_load(&1, || async { Ok::<_, Error>(Some(person(1, "new"))) })
                .await
        }
    });
    settle().await;
    gate.notify_one();
    old.await.unwrap().unwrap();
    assert_eq!(soon(new).await.unwrap().unwrap().unwrap().name, "new");
}

#[tokio::test]
async fn a_put_that_stored_nothing_because_the_store_failed_says_so() {
    let backend = Faulty::default();
    let cache = CacheService::new(backend.clone());
    backend.set(DEAF, Behaviour::Down);
    let put = cache.put(person(1, "Ada")).await;
    backend.set(DEAF, Behaviour::Works);
    assert!(cache.get::<Person>(&1).await.unwrap().is_none());
    assert!(matches!(put, Err(Error::BackendError(_))), "{put:?}");
}

#[tokio::test]
async fn nothing_is_not_asked_of_the_store() {
    let backend = Faulty::default();
    let cache = CacheService::new(backend.clone());
    assert!(cache.get_many::<Person>(&[]).await.is_empty());
    cache.invalidate_many::<Person>(&[]).await.unwrap();
    let calls = [Operation::Read, Operation::Invalidate].map(|asked| backend.calls(asked));
    assert_eq!(calls, [0, 0]);
}

// ---------------------------------------------------------------- validity, counts, time

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
            Ok(())
        } else {
            Err(Error::ValidationError("odd".into()))
        }
    }
}

#[tokio::test]
async fn an_entity_that_is_not_valid_is_a_failed_load() {
    let cache = memory();
    let load = || async { Ok::<_, Error>(Some(Even(1))) };
    cache.get_or_load(&1, load).await.unwrap_err();
    let stats = counts(&cache);
    assert_eq!(
        (stats.loads, stats.load_failures),
        (1, 1),
        "as `CacheStats::load_failures` says"
    );
}

#[tokio::test]
async fn an_entity_that_is_not_valid_is_an_error_whatever_the_strategy() {
    let cache = memory();
    let load = || async { Ok::<_, Error>(Some(Even(1))) };
    for strategy in [
        CacheStrategy::Refresh,
        CacheStrategy::Invalidate,
        CacheStrategy::Bypass,
    ] {
        let loaded = cache.get_or_load_with(strategy, &1, load).await;
        assert!(
            matches!(loaded, Err(Error::ValidationError(_))),
            "{strategy:?}: {loaded:?}"
        );
    }
}

#[tokio::test]
async fn a_batch_gives_single_readers_no_entity_that_is_not_valid() {
    let cache = memory();
    let gate = Arc::new(tokio::sync::Notify::new());
    let batch = tokio::spawn({
        let (cache, gate) = (cache.clone(), Arc::clone(&gate));
        async move {
            let load = |_| {
                let gate = Arc::clone(&gate);
                async move {
                    gate.notified().await;
                    Ok::<_, u8>(vec![Even(1)])
                }
            };
            drop(cache.get_or_load_many(&[1], load).await);
        }
    });
    settle().await;
    let single = tokio::spawn({
        let cache = cache.clone();
        async move {
            cache
                .get_or_load(&1, || async { Ok::<_, Error>(Some(Even(1))) })
                .await
        }
    });
    settle().await;
    gate.notify_one();
    batch.await.unwrap();
    let single = single.await.unwrap();
    assert!(
        matches!(single, Err(Error::ValidationError(_))),
        "{single:?}"
    );
}

#[tokio::test]
async fn a_permit_of_another_store_stores_nothing() {
    let (a, b) = (InMemoryBackend::new(), InMemoryBackend::new());
    let keys = [CacheKey::of::<Person>(None, &1).unwrap()];
    let shape = Shape::of::<Person>();
    a.invalidate(&keys).await;
    let opened = a.open(&keys, shape, Intent::Load).await.remove(0).unwrap();
    b.invalidate(&keys).await; // after the open
    let entry = Entry::Value(Arc::new(person(1, "old")));
    let fill = Fill {
        permit: opened.permit,
        entry,
        ttl: None,
        stale: Duration::ZERO,
        tags: Vec::new(),
    };
    let filled = b.fill(vec![fill], shape).await.remove(0);
    assert!(!matches!(filled, Ok(Filled::Stored)));
}

#[tokio::test(start_paused = true)]
async fn who_has_waited_too_long_loads_a_bounded_number_at_a_time() {
    let (cache, crowd) = (memory(), Arc::new(Crowd::default()));
    let _stuck = hang(&cache, 1..2).await;
    let mut tasks = JoinSet::new();
    for _ in 0..300 {
        let (cache, crowd) = (cache.clone(), Arc::clone(&crowd));
        tasks.spawn(async move {
            let load = || async {
                crowd.pass().await;
                Ok::<_, Error>(Some(person(1, "Ada")))
            };
            cache.get_or_load(&1, load).await.unwrap();
        });
    }
    tasks.join_all().await;
    let most = crowd.most.load(Ordering::SeqCst);
    assert!(most <= 8, "{most} at once, on a repository that hangs");
}
