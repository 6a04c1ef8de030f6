//! What is retried, how often, when, and who shares it.

mod flights;

use cache_kit::FailurePolicy::{self, Degrade, Propagate};
use cache_kit::prelude::*;
use cache_kit::{Error, Retry, observe::Operation};
use cache_kit_tests::{Behaviour, Faulty, Person, Says, Source};
use std::time::Duration;
use tokio::time::Instant;

const MILLI: Duration = Duration::from_millis(1);

fn service(backend: &Faulty, policy: FailurePolicy) -> CacheService<Faulty> {
    CacheService::builder(backend.clone())
        .failure_policy(policy)
        .build()
        .unwrap()
}

async fn read<B: CacheBackend>(
    cache: &CacheService<B>,
    source: &Source,
    retry: impl Into<Retry>,
) -> Result<Option<Person>, Error> {
    let mut feeder = GenericFeeder::<Person>::new(1);
    let config = OperationConfig::new().with_retry(retry);
    cache
        .execute_with(&mut feeder, source, CacheStrategy::Refresh, config)
        .await?;
    Ok(feeder.entity)
}

#[tokio::test(start_paused = true)]
async fn a_transient_failure_is_retried_as_often_as_asked() {
    // (how often it fails, how often it is retried, how often it is asked, whether it is found)
    for (failures, retries, loads, is_found) in [
        (0, 0, 1, true),
        (1, 0, 1, false),
        (1, 1, 2, true),
        (2, 1, 2, false),
        (3, 5, 4, true),
        (9, 5, 6, false),
    ] {
        let source = Source::new(Says::Recovers(failures));
        let cache = CacheService::new(InMemoryBackend::new());
        let found = read(&cache, &source, retries).await;
        let case = format!("{failures} failures, {retries} retries");
        assert_eq!(source.loads(), loads, "{case}");
        match found {
            Ok(found) => assert!(is_found && found == Some(Source::row(1)), "{case}"),
            Err(error) => assert!(!is_found && error.is_transient(), "{case}: {error}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_transient_is_not_retried() {
    for error in [
        Error::RepositoryError("no such table".into()),
        Error::ValidationError("too long".into()),
        Error::DeserializationError("no such column".into()),
        Error::ConfigError("no such database".into()),
        Error::CacheMiss,
    ] {
        assert!(!error.is_transient(), "{error}");
        let source = Source::new(Says::Fails(error.clone()));
        let cache = CacheService::new(InMemoryBackend::new());
        let begun = Instant::now();
        let told = read(&cache, &source, 5).await.unwrap_err();
        assert_eq!(told.to_string(), error.to_string());
        assert_eq!((source.loads(), begun.elapsed()), (1, Duration::ZERO));
    }
    let source = Source::new(Says::Another);
    let cache = CacheService::new(InMemoryBackend::new());
    let told = read(&cache, &source, 5).await;
    assert!(matches!(told, Err(Error::RepositoryError(_))), "{told:?}");
    assert_eq!(source.loads(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_absence_is_not_retried() {
    let source = Source::new(Says::HasNot);
    let cache = CacheService::new(InMemoryBackend::new());
    assert_eq!(read(&cache, &source, 5).await.unwrap(), None);
    assert_eq!(source.loads(), 1);
}

/// How long it waited before each retry.
async fn delays(retry: Retry) -> Vec<Duration> {
    let source = Source::new(Says::Fails(Error::transient("busy")));
    let cache = CacheService::new(InMemoryBackend::new());
    read(&cache, &source, retry).await.unwrap_err();
    let asked = source.asked();
    asked.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[tokio::test(start_paused = true)]
async fn delays_are_spread_up_to_a_bound_that_doubles_until_the_largest() {
    let retry = Retry::new(6)
        .first_delay(Duration::from_millis(100))
        .max_delay(Duration::from_millis(700));
    let mut runs = Vec::new();
    for _ in 0..100 {
        runs.push(delays(retry).await);
    }
    for (number, most) in [100, 200, 400, 700, 700, 700].into_iter().enumerate() {
        let most = Duration::from_millis(most);
        let drawn: Vec<_> = runs.iter().map(|run| run[number]).collect();
        // The timer ticks once in a millisecond.
        let is_bounded = drawn.iter().all(|delay| *delay <= most + MILLI);
        assert!(is_bounded, "retry {number}: {drawn:?}");
        // Fails once in 2⁹⁹ runs.
        let is_spread = drawn.iter().any(|delay| *delay < most / 2)
            && drawn.iter().any(|delay| *delay > most / 2);
        assert!(is_spread, "retry {number}: {drawn:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_retry_begins_after_the_deadline() {
    let deadline = Duration::from_secs(3);
    let retry = Retry::new(1000)
        .first_delay(Duration::from_millis(500))
        .max_delay(Duration::from_millis(500))
        .deadline(deadline);
    let source = Source::new(Says::Fails(Error::transient("busy")));
    let cache = CacheService::new(InMemoryBackend::new());
    let begun = Instant::now();
    let told = read(&cache, &source, retry).await.unwrap_err();
    assert!(told.is_transient());
    let asked = source.asked();
    assert!((2..1001).contains(&asked.len()), "{}", asked.len());
    let last = *asked.last().unwrap() - begun;
    assert!(last <= deadline + MILLI, "the last began after {last:?}");
    assert_eq!(begun.elapsed(), last, "it does not wait for nothing");
}

#[tokio::test(start_paused = true)]
async fn a_load_that_outlasts_the_deadline_is_not_cut_short_nor_retried() {
    let source = Source::new(Says::Fails(Error::transient("busy")));
    source.set_time(Duration::from_secs(5));
    let cache = CacheService::new(InMemoryBackend::new());
    let begun = Instant::now();
    let retry = Retry::new(9).deadline(Duration::from_secs(3));
    read(&cache, &source, retry).await.unwrap_err();
    assert_eq!(source.loads(), 1);
    assert_eq!(begun.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_is_ten_seconds_unless_said_otherwise() {
    let source = Source::new(Says::Fails(Error::transient("busy")));
    source.set_time(Duration::from_secs(4));
    let cache = CacheService::new(InMemoryBackend::new());
    // At most a second apart, they begin within 0 to 2, 4 to 6 and 8 to 10 seconds; the fourth
    // would begin after 12.
    read(&cache, &source, 9).await.unwrap_err();
    assert_eq!(source.loads(), 3);
}

/// Where a failure of the backend is the caller's, and how often the repository is asked until the
/// third time works.
const STEPS: &[(Operation, CacheStrategy, usize)] = &[
    (Operation::Read, CacheStrategy::Refresh, 1),
    (Operation::Open, CacheStrategy::Refresh, 1),
    (Operation::Fill, CacheStrategy::Refresh, 3),
    (Operation::Invalidate, CacheStrategy::Invalidate, 1),
];

#[tokio::test(start_paused = true)]
async fn a_failing_backend_is_retried_where_its_failure_is_the_callers() {
    for behaviour in [Behaviour::Down, Behaviour::Slow(Duration::from_secs(60))] {
        for (step, strategy, loads) in STEPS {
            // An invalidation is never cut short: slow, it does not fail.
            if *step == Operation::Invalidate && behaviour != Behaviour::Down {
                continue;
            }
            for (retries, is_found) in [(1, false), (2, true)] {
                let backend = Faulty::default();
                backend.set_next(2, *step, behaviour);
                let (cache, source) = (service(&backend, Propagate), Source::default());
                let mut feeder = GenericFeeder::<Person>::new(1);
                let config = OperationConfig::new().with_retry(retries);
                let fed = cache.execute_with(&mut feeder, &source, *strategy, config);
                let case = format!("{step:?} is {behaviour:?}, {retries} retries");
                match fed.await {
                    Ok(()) => assert!(is_found && source.loads() == *loads, "{case}"),
                    Err(error) => assert!(!is_found && error.is_transient(), "{case}: {error}"),
                }
                assert_eq!(feeder.entity.is_some(), is_found, "{case}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_backend_is_not_retried_where_its_failure_is_not_the_callers() {
    for step in [Operation::Read, Operation::Open, Operation::Fill] {
        let backend = Faulty::default();
        backend.set(&[step], Behaviour::Down);
        let (cache, source) = (service(&backend, Degrade), Source::default());
        let found = read(&cache, &source, 5).await.unwrap();
        assert_eq!(found, Some(Source::row(1)));
        assert_eq!((source.loads(), backend.calls(step)), (1, 1), "{step:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn all_steps_of_a_call_draw_from_the_same_retries() {
    for (retries, is_found) in [(3, true), (2, false)] {
        let backend = Faulty::default();
        backend.set_next(1, Operation::Read, Behaviour::Down);
        let cache = service(&backend, Propagate);
        let source = Source::new(Says::Recovers(2));
        let found = read(&cache, &source, retries).await;
        assert_eq!(found.is_ok(), is_found, "{retries}: {found:?}");
        assert_eq!(source.loads(), if is_found { 3 } else { 2 });
    }
}

#[tokio::test(start_paused = true)]
async fn a_corrupt_entry_is_not_retried() {
    let backend = Faulty::default();
    let (cache, source) = (service(&backend, Propagate), Source::default());
    cache.put(Source::row(1)).await.unwrap();
    backend.damage::<Person>(&1);
    let told = read(&cache, &source, 5).await;
    assert!(
        matches!(told, Err(Error::DeserializationError(_))),
        "{told:?}"
    );
    assert_eq!(backend.calls(Operation::Read), 1);
}

#[test]
fn outside_of_a_runtime_nothing_is_retried_and_nothing_panics() {
    let source = Source::new(Says::Recovers(1));
    let cache = CacheService::new(InMemoryBackend::new());
    let told = futures::executor::block_on(read(&cache, &source, 5));
    assert!(told.unwrap_err().is_transient());
    assert_eq!(source.loads(), 1, "there is no timer to wait with");

    let backend = Faulty::default();
    backend.set_next(1, Operation::Read, Behaviour::Down);
    let cache = service(&backend, Propagate);
    let told = futures::executor::block_on(read(&cache, &source, 5));
    assert!(matches!(told, Err(Error::BackendError(_))), "{told:?}");
}

#[tokio::test]
async fn a_retry_that_cannot_work_is_refused_before_anyone_is_asked() {
    let (cache, source) = (CacheService::new(InMemoryBackend::new()), Source::default());
    let told = read(&cache, &source, Retry::new(1).deadline(Duration::ZERO)).await;
    assert!(matches!(told, Err(Error::ConfigError(_))), "{told:?}");
    assert_eq!(source.loads(), 0);
}
