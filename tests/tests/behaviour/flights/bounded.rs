//! Flights that hang or fail: how many callers load at once, and for how long they wait.

#![allow(
    clippy::items_after_statements,
    reason = "what a test calls stands beside it"
)]

use cache_kit::Error;
use cache_kit::prelude::*;
use cache_kit_tests::{Employment, People, Person, RepositoryError, settle, soon};
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
