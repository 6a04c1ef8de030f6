//! DESIGN §3: an expander is a service by another name, with settings of its own.
#![expect(
    clippy::unchecked_time_subtraction,
    reason = "these cannot go below zero"
)]

use cache_kit::prelude::*;
use cache_kit::{Error, FailurePolicy, ManualClock};
use cache_kit_tests::{Bulk, Person, RecordingMetrics, clocked_cache, event_names, person};
use std::time::Duration;

const TICK: Duration = Duration::from_nanos(1);
const MINUTE: Duration = Duration::from_secs(60);
const REFRESH: CacheStrategy = CacheStrategy::Refresh;

type Expander = CacheExpander<InMemoryBackend>;

async fn feed(cache: &Expander) {
    let mut feeder = GenericFeeder::<Person>::new(1);
    let fed = cache.with(&mut feeder, &Bulk::below(10), REFRESH).await;
    fed.unwrap();
    assert_eq!(feeder.entity, Some(person(1)));
}

/// The declared hour is ten minutes here, and the sink knows of it.
async fn assert_has_both(cache: &Expander, clock: &ManualClock, metrics: &RecordingMetrics) {
    feed(cache).await;
    clock.advance(MINUTE * 10 - TICK);
    feed(cache).await;
    clock.advance(TICK);
    feed(cache).await;
    let wanted = [
        "miss",
        "load:found",
        "fill",
        "hit",
        "miss",
        "load:found",
        "fill",
    ];
    assert_eq!(metrics.take(), event_names(&wanted));
}

#[tokio::test]
async fn metrics_and_a_policy_are_set_in_either_order() {
    let policy = || TtlPolicy::Fixed(MINUTE * 10);
    for metrics_come_first in [true, false] {
        let (service, clock) = clocked_cache();
        let metrics = RecordingMetrics::default();
        let boxed: Box<dyn CacheMetrics> = Box::new(metrics.clone());
        let cache = CacheExpander::new(service.backend().clone());
        let cache = if metrics_come_first {
            cache.with_metrics(boxed).with_ttl_policy(policy())
        } else {
            cache.with_ttl_policy(policy()).with_metrics(boxed)
        };
        assert_has_both(&cache, &clock, &metrics).await;
    }
}

#[tokio::test]
async fn a_later_setting_replaces_an_earlier_one() {
    let (service, clock) = clocked_cache();
    let (first, second) = (RecordingMetrics::default(), RecordingMetrics::default());
    let cache = CacheExpander::new(service.backend().clone())
        .with_ttl_policy(TtlPolicy::Infinite)
        .with_metrics(first.clone())
        .with_metrics(second.clone())
        .with_ttl_policy(TtlPolicy::Fixed(MINUTE * 10));
    assert_has_both(&cache, &clock, &second).await;
    assert_eq!(first.take(), event_names(&[]));
}

fn refuses_propagated<T>(answer: &cache_kit::Result<T>) -> bool {
    matches!(answer, Err(Error::DeserializationError(_)))
}

#[tokio::test]
async fn an_expander_keeps_the_settings_of_its_service() {
    let metrics = RecordingMetrics::default();
    let backend = cache_kit::testing::ByteBackend::default();
    let service = CacheService::builder(backend.clone())
        .namespace("billing")
        .failure_policy(FailurePolicy::Propagate)
        .default_lifetime(Lifetime::new().with_ttl(MINUTE))
        .flight_deadline(MINUTE)
        .metrics(metrics.clone())
        .build()
        .unwrap();
    let settings_of = |shown: String| {
        let begin = shown.find("Settings").expect("settings are shown");
        let end = shown[begin..].find(", flights").map(|at| begin + at);
        shown[begin..end.expect("flights come next")].to_owned()
    };
    let wanted = settings_of(format!("{service:?}"));
    let plain = CacheExpander::from(service.clone());
    assert_eq!(settings_of(format!("{plain:?}")), wanted);
    let changed = plain.clone().with_metrics(RecordingMetrics::default());
    assert_eq!(settings_of(format!("{changed:?}")), wanted);
    let rebuilt = service.to_builder().build().unwrap();
    assert_eq!(settings_of(format!("{rebuilt:?}")), wanted);

    // And they are in force: the namespace, the failure policy.
    service.put(person(1)).await.unwrap();
    let key = CacheKey::of::<Person>(Some("billing"), &1).unwrap();
    assert!(backend.tamper(&key, Vec::clear), "it is in the namespace");
    for cache in [&plain, &changed] {
        let mut feeder = GenericFeeder::<Person>::new(1);
        let fed = cache.with(&mut feeder, &Bulk::below(10), REFRESH).await;
        assert!(refuses_propagated(&fed), "{fed:?}");
        assert_eq!(feeder.entity, None);
    }
    assert!(refuses_propagated(&rebuilt.get::<Person>(&1).await));
}

#[tokio::test]
async fn an_expander_made_of_a_service_is_that_service() {
    let (service, _clock) = clocked_cache();
    let cache = CacheExpander::from(service.clone());
    feed(&cache).await;
    feed(&cache.clone()).await;
    assert_eq!(service.stats(), cache.service().stats());
    assert_eq!((service.stats().loads, service.stats().hits), (1, 1));
}

#[tokio::test]
async fn an_expander_with_another_setting_shares_entries_and_begins_to_count_anew() {
    let (service, _clock) = clocked_cache();
    let cache = CacheExpander::from(service.clone());
    feed(&cache).await;
    let metrics = RecordingMetrics::default();
    let other = cache.clone().with_metrics(metrics.clone());
    feed(&other).await;
    assert_eq!(metrics.take(), event_names(&["hit"]), "the entry is shared");
    let stats = other.service().stats();
    assert_eq!((stats.hits, stats.loads), (1, 0));
    assert_eq!((service.stats().hits, service.stats().loads), (0, 1));
    service.invalidate::<Person>(&1).await.unwrap();
    feed(&other).await;
    assert_eq!(metrics.take()[..2], event_names(&["miss", "load:found"]));
}

#[tokio::test]
async fn a_builder_made_of_a_service_may_change_its_settings() {
    let (service, clock) = clocked_cache();
    let policy = TtlPolicy::Fixed(MINUTE * 10);
    let other = service.to_builder().ttl_policy(policy).build().unwrap();
    let metrics = RecordingMetrics::default();
    let other = other.to_builder().metrics(metrics.clone()).build().unwrap();
    assert_has_both(&CacheExpander::from(other), &clock, &metrics).await;
    assert!(service.to_builder().namespace("a:b").build().is_err());
}
