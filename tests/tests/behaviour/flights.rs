//! DESIGN §4.3: one load per key, whoever is cancelled, panics or fails.

mod bounded;

use cache_kit::Error;
use cache_kit::prelude::*;
use cache_kit_tests::{People, Person, RepositoryError, clocked_cache, counts, settle, soon};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

fn people() -> People {
    People::new(clocked_cache().0)
}

fn ada(id: u64) -> Person {
    Person {
        id,
        name: "Ada".into(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_tasks_on_a_cold_key_make_one_load() {
    let people = people();
    people.close_gate();
    let mut tasks = JoinSet::new();
    for _ in 0..10_000 {
        let people = people.clone();
        tasks.spawn(async move { people.find(1).await.unwrap().unwrap() });
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    people.open_gate();
    let seen = soon(tasks.join_all()).await;
    assert!(
        seen.iter().all(|person| Arc::ptr_eq(person, &seen[0])),
        "all have the same `Arc`"
    );
    assert_eq!(people.loads(), 1);
    let stats = counts(&people.cache);
    assert_eq!((stats.loads, stats.fills), (1, 1));
    assert_eq!(stats.hits + stats.misses, 10_000);
    assert_eq!(stats.misses, 1 + stats.coalesced);
}

#[tokio::test]
async fn flights_are_shared_whatever_api_the_caller_came_through() {
    let people = people();
    people.close_gate();
    let macro_made = tokio::spawn({
        let people = people.clone();
        async move { people.find(1).await.unwrap() }
    });
    settle().await;
    let direct = tokio::spawn({
        let people = people.clone();
        async move {
            people
                .cache
                .get_or_load(&1, || people.load(1))
                .await
                .unwrap()
        }
    });
    let batch = tokio::spawn({
        let people = people.clone();
        async move {
            let load = |ids: Vec<u64>| async {
                Ok::<_, RepositoryError>(ids.into_iter().map(ada).collect())
            };
            people
                .cache
                .get_or_load_many::<Person, _, _>(&[1, 2], load)
                .await
                .unwrap()
        }
    });
    settle().await;
    people.open_gate();
    let first = macro_made.await.unwrap();
    assert_eq!(direct.await.unwrap(), first);
    assert_eq!(batch.await.unwrap(), vec![first, Some(Arc::new(ada(2)))]);
    assert_eq!(people.loads(), 1);
}

#[tokio::test]
async fn different_keys_do_not_wait_for_each_other() {
    let people = people();
    people.close_gate();
    let held = tokio::spawn({
        let people = people.clone();
        async move { people.find(1).await }
    });
    settle().await;
    let other = people
        .cache
        .get_or_load(&2, || async { Ok::<_, Error>(Some(ada(2))) });
    assert_eq!(soon(other).await.unwrap(), Some(Arc::new(ada(2))));
    people.open_gate();
    held.await.unwrap().unwrap();
}

/// A load that suspends this many times before it answers.
async fn slow_load(polls: usize, loads: &AtomicU64) -> cache_kit::Result<Option<Person>> {
    loads.fetch_add(1, Ordering::SeqCst);
    for _ in 0..polls {
        tokio::task::yield_now().await;
    }
    Ok(Some(ada(1)))
}

#[tokio::test]
async fn a_leader_cancelled_at_any_await_point_hands_over() {
    const AWAITS: usize = 12;
    for polls in 0..AWAITS {
        for backend in [
            AnyBackend::new(InMemoryBackend::new()),
            AnyBackend::new(cache_kit::testing::ByteBackend::default()),
        ] {
            let cache = CacheService::new(backend);
            let loads = AtomicU64::new(0);
            let mut leader = Box::pin(cache.get_or_load(&1, || slow_load(4, &loads)));
            for _ in 0..polls {
                if futures::poll!(leader.as_mut()).is_ready() {
                    break;
                }
            }
            let waiters = (0..3).map(|_| cache.get_or_load(&1, || slow_load(4, &loads)));
            let mut waiters = futures::future::join_all(waiters);
            let early = futures::poll!(&mut waiters);
            drop(leader);
            let answers = match early {
                std::task::Poll::Ready(answers) => answers,
                std::task::Poll::Pending => soon(waiters).await,
            };
            for answer in answers {
                assert_eq!(
                    answer.unwrap(),
                    Some(Arc::new(ada(1))),
                    "dropped after {polls} polls"
                );
            }
            assert!(
                loads.load(Ordering::SeqCst) <= 2,
                "dropped after {polls} polls: one more load at most"
            );
            assert_eq!(
                cache.get::<Person>(&1).await.unwrap(),
                Some(Arc::new(ada(1)))
            );
        }
    }
}

#[tokio::test]
async fn a_leader_that_panics_hands_over_and_the_service_goes_on() {
    let people = people();
    let cache = people.cache.clone();
    let leader = tokio::spawn(async move {
        cache
            .get_or_load::<Person, Error, _>(&1, || async {
                settle().await;
                settle().await;
                panic!("a bug in the repository")
            })
            .await
    });
    settle().await;
    let waiter = people.find(1);
    let (panicked, found) = soon(async { tokio::join!(leader, waiter) }).await;
    assert!(panicked.unwrap_err().is_panic());
    assert_eq!(found.unwrap().unwrap().id, 1);
    assert_eq!(counts(&people.cache).load_failures, 1);
    assert_eq!(people.find(1).await.unwrap().unwrap().id, 1);
}

/// Three callers, of which the first one's load fails; what they get, and how many loads there
/// were.
async fn fail_together<E>(
    fail: impl Fn() -> E + Clone + Send + Sync + 'static,
) -> (Vec<Option<E>>, u64)
where
    E: Send + 'static,
    Caller: Ask<E>,
{
    let (caller, loads) = (
        Caller {
            cache: CacheService::new(InMemoryBackend::new()),
        },
        Arc::new(AtomicU64::new(0)),
    );
    let ask = || {
        let loads = Arc::clone(&loads);
        let fail = fail.clone();
        caller.ask(move || {
            loads.fetch_add(1, Ordering::SeqCst);
            fail()
        })
    };
    let (a, b, c) = soon(async { tokio::join!(ask(), ask(), ask()) }).await;
    (
        vec![a.err(), b.err(), c.err()],
        loads.load(Ordering::SeqCst),
    )
}

struct Caller {
    cache: CacheService<InMemoryBackend>,
}

trait Ask<E> {
    async fn ask(&self, fail: impl FnOnce() -> E) -> Result<Person, E>;
}

macro_rules! ask_with {
    ($($error:ty),*) => {$(
        impl Ask<$error> for Caller {
            #[cached(key = 1, skip(fail))]
            async fn ask(&self, fail: impl FnOnce() -> $error) -> Result<Person, $error> {
                tokio::task::yield_now().await;
                Err(fail())
            }
        }
    )*};
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("clonable")]
struct Clonable;

ask_with!(Clonable, anyhow::Error, RepositoryError);

#[tokio::test]
async fn a_failure_that_can_be_cloned_reaches_all_who_waited() {
    let (errors, loads) = fail_together(|| Clonable).await;
    assert_eq!(errors, [Some(Clonable), Some(Clonable), Some(Clonable)]);
    assert_eq!(loads, 1);
}

#[tokio::test]
async fn a_failure_that_can_be_made_anew_reaches_all_who_waited() {
    let (errors, loads) = fail_together(|| anyhow::anyhow!("no route to host")).await;
    assert_eq!(loads, 1);
    for error in errors.into_iter().flatten() {
        assert!(error.to_string().contains("no route to host"), "{error}");
    }
}

#[tokio::test]
async fn who_cannot_be_told_of_a_failure_asks_for_itself() {
    let (errors, loads) = fail_together(|| RepositoryError).await;
    assert_eq!(
        errors,
        [
            Some(RepositoryError),
            Some(RepositoryError),
            Some(RepositoryError)
        ]
    );
    assert_eq!(loads, 3);
}

#[tokio::test]
async fn after_a_failure_that_cannot_be_shared_the_first_success_serves_everyone() {
    let people = people();
    people.close_gate();
    people.set_down(true);
    let mut tasks = JoinSet::new();
    for _ in 0..200 {
        let people = people.clone();
        tasks.spawn(async move { people.find(1).await });
    }
    settle().await;
    people.cache.backend();
    people.open_gate();
    settle().await;
    people.set_down(false);
    let answers = soon(tasks.join_all()).await;
    assert_eq!(answers.len(), 200);
    let failures = answers.iter().filter(|answer| answer.is_err()).count() as u64;
    assert!(
        people.loads() <= failures + 8,
        "{} loads, {failures} failures",
        people.loads()
    );
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_the_flight_deadline() {
    let cache = CacheService::builder(InMemoryBackend::new())
        .flight_deadline(Duration::from_secs(2))
        .build()
        .unwrap();
    let people = People::new(cache);
    people.close_gate();
    let stuck = tokio::spawn({
        let people = people.clone();
        async move { people.find(1).await }
    });
    settle().await;
    let begun = tokio::time::Instant::now();
    let answer = people
        .cache
        .get_or_load(&1, || async { Ok::<_, Error>(Some(ada(1))) })
        .await;
    assert_eq!(answer.unwrap(), Some(Arc::new(ada(1))));
    assert_eq!(begun.elapsed().as_secs(), 2);
    assert_eq!(counts(&people.cache).failures, 1);
    stuck.abort();
}

#[tokio::test]
async fn a_body_that_asks_for_its_own_key_loads_directly() {
    struct Tree {
        cache: CacheService<InMemoryBackend>,
        loads: AtomicU64,
    }
    impl Tree {
        #[cached(skip(depth))]
        async fn find(&self, id: u64, depth: u32) -> Option<Person> {
            self.loads.fetch_add(1, Ordering::SeqCst);
            if depth == 0 {
                Some(ada(id))
            } else {
                Box::pin(self.find(id, depth - 1)).await
            }
        }

        #[cached]
        async fn through_another(&self, id: u64) -> Option<Person> {
            self.loads.fetch_add(1, Ordering::SeqCst);
            if id == 2 {
                Some(ada(2))
            } else {
                Box::pin(self.around(id)).await
            }
        }

        #[cached(key = 99, skip(id))]
        async fn around(&self, id: u64) -> Option<Person> {
            Box::pin(
                self.through_another(if self.loads.load(Ordering::SeqCst) > 1 {
                    2
                } else {
                    id
                }),
            )
            .await
        }
    }
    let tree = Tree {
        cache: CacheService::new(InMemoryBackend::new()),
        loads: AtomicU64::new(0),
    };
    assert_eq!(soon(tree.find(1, 3)).await, Some(ada(1)));
    assert_eq!(tree.loads.load(Ordering::SeqCst), 4);
    assert_eq!(
        tree.cache.get::<Person>(&1).await.unwrap(),
        Some(Arc::new(ada(1)))
    );
    tree.cache.invalidate::<Person>(&1).await.unwrap();
    tree.loads.store(0, Ordering::SeqCst);
    assert_eq!(soon(tree.through_another(1)).await, Some(ada(2)));
}

#[tokio::test]
async fn another_service_with_the_same_key_is_not_the_same_load() {
    let (outer, inner) = (people(), people());
    let answer = outer.cache.get_or_load(&1, || async {
        let person = inner.find(1).await?;
        Ok::<_, RepositoryError>(person.map(|person| (*person).clone()))
    });
    assert!(soon(answer).await.unwrap().is_some());
    assert_eq!(
        counts(&inner.cache).fills,
        1,
        "the inner cache was filled as well"
    );
}

#[test]
fn callers_without_a_runtime_share_a_flight_too() {
    let people = people();
    let (first, second) =
        futures::executor::block_on(async { futures::join!(people.find(1), people.find(1)) });
    assert_eq!(first.unwrap(), second.unwrap());
    assert_eq!(people.loads(), 1);
}
