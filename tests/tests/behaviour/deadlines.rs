//! How long a backend may take, and for what. The clock is paused: what is measured is exact.

mod batches;

use cache_kit::FailurePolicy::{self, Degrade, Propagate};
use cache_kit::prelude::*;
use cache_kit::{Error, observe::Operation};
use cache_kit_tests::{Behaviour, Faulty, Person, Source, counts};
use std::time::Duration;
use tokio::time::Instant;

const DEADLINE: Duration = Duration::from_secs(2);
const SLOW: Behaviour = Behaviour::Slow(MINUTE);
const MINUTE: Duration = Duration::from_secs(60);

fn service(backend: &Faulty, policy: FailurePolicy) -> CacheService<Faulty> {
    CacheService::builder(backend.clone())
        .failure_policy(policy)
        .backend_deadline(DEADLINE)
        .build()
        .unwrap()
}

async fn timed<F: Future>(work: F) -> (F::Output, Duration) {
    let begun = Instant::now();
    (work.await, begun.elapsed())
}

async fn read(cache: &CacheService<Faulty>, source: &Source) -> cache_kit::Result<Option<Person>> {
    let mut feeder = GenericFeeder::<Person>::new(1);
    cache
        .execute(&mut feeder, source, CacheStrategy::Refresh)
        .await?;
    Ok(feeder.entity)
}

#[tokio::test(start_paused = true)]
async fn each_step_of_a_read_is_given_up_at_its_deadline() {
    // (the step, how often the repository is asked where the failure is the caller's)
    for (step, loads) in [
        (Operation::Read, 0),
        (Operation::Open, 0),
        (Operation::Fill, 1),
    ] {
        for policy in [Degrade, Propagate] {
            let backend = Faulty::default();
            backend.set(&[step], SLOW);
            let (cache, source) = (service(&backend, policy), Source::default());
            let (found, took) = timed(read(&cache, &source)).await;
            let case = format!("{step:?}, {policy:?}");
            assert_eq!(took, DEADLINE, "{case}");
            match (policy, found) {
                (Degrade, found) => {
                    assert_eq!(found.unwrap(), Some(Source::row(1)), "{case}");
                    assert_eq!(source.loads(), 1, "{case}");
                }
                (_, told) => {
                    assert!(matches!(told, Err(Error::Timeout)), "{case}: {told:?}");
                    assert_eq!(source.loads(), loads, "{case}");
                }
            }
            assert_eq!(counts(&cache).failures, 1, "{case}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_that_comes_in_time_is_waited_for() {
    let backend = Faulty::default();
    backend.set_all(Behaviour::Slow(DEADLINE / 2));
    let (cache, source) = (service(&backend, Propagate), Source::default());
    let (found, took) = timed(read(&cache, &source)).await;
    assert_eq!(found.unwrap(), Some(Source::row(1)));
    assert_eq!(took, DEADLINE / 2 * 3, "read, open, fill");
    let (found, took) = timed(read(&cache, &source)).await;
    assert_eq!((found.unwrap(), took), (Some(Source::row(1)), DEADLINE / 2));
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_given_up_at_the_same_deadline_however_many_keys_it_has() {
    let ids: Vec<u64> = (0..100).collect();
    for (step, count) in [
        (Operation::Read, 100),
        (Operation::Open, 100),
        (Operation::Fill, 100),
    ] {
        let backend = Faulty::default();
        backend.set(&[step], SLOW);
        let (cache, source) = (service(&backend, Degrade), Source::default());
        let (found, took) = timed(cache.load_many::<Person, _>(&ids, &source)).await;
        assert_eq!(took, DEADLINE, "{step:?}");
        assert!(found.iter().all(|found| matches!(found, Ok(Some(_)))));
        assert_eq!(source.loads(), count, "{step:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_is_a_second_unless_said_otherwise() {
    let backend = Faulty::default();
    backend.set(&[Operation::Read], SLOW);
    let (found, took) = timed(read(&CacheService::new(backend), &Source::default())).await;
    assert_eq!(found.unwrap(), Some(Source::row(1)));
    assert_eq!(took, Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn what_changes_entries_is_never_cut_short() {
    for policy in [Degrade, Propagate] {
        let backend = Faulty::default();
        backend.set(&[Operation::Put, Operation::Invalidate], SLOW);
        let cache = service(&backend, policy);
        let (put, took) = timed(cache.put(Source::row(1))).await;
        put.unwrap();
        assert_eq!(took, MINUTE);
        assert!(cache.get::<Person>(&1).await.unwrap().is_some());

        let (invalidated, took) = timed(cache.invalidate::<Person>(&1)).await;
        invalidated.unwrap();
        assert_eq!(took, MINUTE);
        assert_eq!(cache.get::<Person>(&1).await.unwrap(), None);

        let (cleared, took) = timed(cache.clear_prefix::<Person>()).await;
        cleared.unwrap();
        assert_eq!(took, MINUTE);
        assert_eq!(counts(&cache).failures, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_got_no_permit_in_time_drops_the_entry() {
    struct Repo {
        cache: CacheService<Faulty>,
    }
    impl Repo {
        #[cache_put]
        async fn save(&self, person: Person) -> Person {
            person
        }
    }
    let backend = Faulty::default();
    let cache = service(&backend, Degrade);
    cache.put(Source::row(1)).await.unwrap();
    backend.set(&[Operation::Open], SLOW);
    let repo = Repo {
        cache: cache.clone(),
    };
    let (_, took) = timed(repo.save(Source::row(1))).await;
    assert_eq!(took, DEADLINE);
    assert_eq!(cache.get::<Person>(&1).await.unwrap(), None);

    // By hand nothing was written yet: the caller is told.
    let (put, took) = timed(cache.put(Source::row(1))).await;
    assert!(matches!(put, Err(Error::Timeout)), "{put:?}");
    assert_eq!(took, DEADLINE);
}

#[test]
fn outside_of_a_runtime_there_is_no_deadline_and_no_panic() {
    let (memory, far) = (InMemoryBackend::new(), Faulty::default());
    futures::executor::block_on(async {
        let source = Source::default();
        let mut feeder = GenericFeeder::<Person>::new(1);
        let cache = CacheService::new(memory);
        let refresh = CacheStrategy::Refresh;
        cache.execute(&mut feeder, &source, refresh).await.unwrap();
        let cache = CacheService::new(far);
        cache.execute(&mut feeder, &source, refresh).await.unwrap();
        cache.execute(&mut feeder, &source, refresh).await.unwrap();
        assert_eq!(source.loads(), 2);
    });
}

fn timeless() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
}

#[test]
fn a_backend_that_answers_at_once_needs_no_timer() {
    let (cache, source) = (CacheService::new(InMemoryBackend::new()), Source::default());
    let mut feeder = GenericFeeder::<Person>::new(1);
    let fed = cache.execute(&mut feeder, &source, CacheStrategy::Refresh);
    timeless().block_on(fed).unwrap();
    assert_eq!(feeder.entity, Some(Source::row(1)));
}

/// "It needs a Tokio runtime with time enabled": tokio offers no way to ask whether it is.
#[test]
#[should_panic(expected = "timers are disabled")]
fn a_backend_that_does_not_answer_at_once_needs_a_runtime_with_a_timer() {
    let cache = CacheService::new(Faulty::default());
    let _ = timeless().block_on(cache.get::<Person>(&1));
}

#[test]
fn a_deadline_of_zero_is_refused() {
    let builder = || CacheService::builder(InMemoryBackend::new());
    for refused in [
        builder().backend_deadline(Duration::ZERO).build(),
        builder().flight_deadline(Duration::ZERO).build(),
    ] {
        assert!(matches!(refused, Err(Error::ConfigError(_))), "{refused:?}");
    }
    let least = Duration::from_nanos(1);
    builder().backend_deadline(least).build().unwrap();
    builder().backend_deadline(Duration::MAX).build().unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_longest_deadline_is_one() {
    let backend = Faulty::default();
    backend.set(&[Operation::Read], SLOW);
    let cache = CacheService::builder(backend)
        .backend_deadline(Duration::MAX)
        .build()
        .unwrap();
    let (found, took) = timed(cache.get::<Person>(&1)).await;
    assert_eq!((found.unwrap(), took), (None, MINUTE));
}
