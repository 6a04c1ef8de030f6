//! Entries that are not what was stored.

use super::{DEADLINE, Left, arrange, left, old};
use super::{Gets, Store};
use cache_kit::FailurePolicy::{self, Degrade, Propagate};
use cache_kit::prelude::*;
use cache_kit::{Error, ManualClock};
use cache_kit_tests::{Faulty, Person, RecordingMetrics, Source, counts, event_names};
use std::time::Duration;

fn recorded(backend: &Faulty, policy: FailurePolicy) -> (CacheService<Faulty>, RecordingMetrics) {
    let metrics = RecordingMetrics::default();
    let cache = CacheService::builder(backend.clone())
        .failure_policy(policy)
        .backend_deadline(DEADLINE)
        .metrics(metrics.clone())
        .build()
        .unwrap();
    (cache, metrics)
}

async fn read(cache: &CacheService<Faulty>, source: &Source) -> Gets {
    let mut feeder = GenericFeeder::<Person>::new(1);
    let fed = cache.execute(&mut feeder, source, CacheStrategy::Refresh);
    match fed.await {
        Ok(()) => Gets::entity(feeder.entity.as_ref()),
        Err(error) => Gets::error(&error),
    }
}

#[tokio::test]
async fn a_corrupt_entry_is_replaced_and_counted() {
    let backend = arrange(Store::Corrupt).await;
    let ((cache, metrics), source) = (recorded(&backend, Degrade), Source::default());
    assert_eq!(read(&cache, &source).await, Gets::New);
    let events = ["decode-failure:checksum", "miss", "load:found", "fill"];
    assert_eq!(metrics.take(), event_names(&events));
    assert_eq!(counts(&cache).decode_failures, 1);

    assert_eq!(read(&cache, &source).await, Gets::New);
    assert_eq!(metrics.take(), event_names(&["hit"]), "it is stored again");
    assert_eq!((source.loads(), counts(&cache).decode_failures), (1, 1));
}

#[tokio::test]
async fn a_corrupt_entry_that_is_to_be_told_of_is_told_of_until_it_is_invalidated() {
    let backend = arrange(Store::Corrupt).await;
    let ((cache, metrics), source) = (recorded(&backend, Propagate), Source::default());
    for count in 1..=3 {
        let told = read(&cache, &source).await;
        assert_eq!(told, Gets::DeserializationError);
        assert_eq!(metrics.take(), event_names(&["decode-failure:checksum"]));
        assert_eq!(counts(&cache).decode_failures, count);
    }
    assert_eq!((source.loads(), left(&backend).await), (0, Left::Damaged));

    cache.invalidate::<Person>(&1).await.unwrap();
    assert_eq!(metrics.take(), event_names(&["invalidation:call"]));
    assert_eq!(read(&cache, &source).await, Gets::New);
    let events = ["miss", "load:found", "fill"];
    assert_eq!(metrics.take(), event_names(&events));
}

#[tokio::test]
async fn a_put_replaces_a_corrupt_entry_whatever_the_policy() {
    for policy in [Degrade, Propagate] {
        let backend = arrange(Store::Corrupt).await;
        let ((cache, _), source) = (recorded(&backend, policy), Source::default());
        cache.put(old(1)).await.unwrap();
        let read = (read(&cache, &source).await, source.loads());
        assert_eq!(read, (Gets::Old, 0), "{policy:?}");
    }
}

#[tokio::test]
async fn a_corrupt_entry_does_not_outlive_a_clear() {
    let backend = arrange(Store::Corrupt).await;
    let ((cache, _), source) = (recorded(&backend, Propagate), Source::default());
    cache.clear_prefix::<Person>().await.unwrap();
    assert_eq!(read(&cache, &source).await, Gets::New);
}

#[tokio::test]
async fn a_corrupt_entry_does_not_outlive_its_time() {
    let clock = ManualClock::new();
    let backend = Faulty::new(&clock);
    let ((cache, _), source) = (recorded(&backend, Propagate), Source::default());
    cache.put(old(1)).await.unwrap();
    backend.damage::<Person>(&1);
    assert_eq!(read(&cache, &source).await, Gets::DeserializationError);
    // A `Person` lives for an hour.
    clock.advance(Duration::from_secs(3600));
    assert_eq!(read(&cache, &source).await, Gets::New);
}

#[tokio::test]
async fn a_flight_that_is_not_needed_for_what_is_corrupt_is_not_begun() {
    let backend = arrange(Store::Corrupt).await;
    let ((cache, metrics), source) = (recorded(&backend, Propagate), Source::default());
    let readers = (0..10).map(|_| read(&cache, &source));
    let all = futures::future::join_all(readers).await;
    assert_eq!(all, [Gets::DeserializationError; 10]);
    assert_eq!(
        metrics.take(),
        event_names(&["decode-failure:checksum"; 10])
    );
}

#[tokio::test]
async fn many_who_find_the_same_corrupt_entry_share_one_load_of_it() {
    let backend = arrange(Store::Corrupt).await;
    let ((cache, _), source) = (recorded(&backend, Degrade), Source::default());
    let readers = (0..10).map(|_| read(&cache, &source));
    let all = futures::future::join_all(readers).await;
    assert_eq!((all, source.loads()), (vec![Gets::New; 10], 1));
}

#[tokio::test]
async fn what_is_corrupt_names_neither_key_nor_value() {
    let backend = arrange(Store::Corrupt).await;
    let (cache, _) = recorded(&backend, Propagate);
    let error: Error = cache.get::<Person>(&1).await.unwrap_err();
    assert!(!error.to_string().contains("person"), "{error}");
    assert!(!error.to_string().contains("old"), "{error}");
}
