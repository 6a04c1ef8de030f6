//! DESIGN §4.9: what is counted is what happened, row by row.

use cache_kit::Error;
use cache_kit::prelude::*;
use cache_kit_tests::{Person, RecordingMetrics, counts, event_names, soon};
use std::fmt::Write as _;
use std::sync::Arc;

fn recorded() -> (CacheService<InMemoryBackend>, RecordingMetrics) {
    let metrics = RecordingMetrics::default();
    let cache = CacheService::builder(InMemoryBackend::new())
        .metrics(metrics.clone())
        .build()
        .unwrap();
    (cache, metrics)
}

fn ada() -> Person {
    Person {
        id: 1,
        name: "Ada".into(),
    }
}

async fn load(cache: &CacheService<InMemoryBackend>, strategy: CacheStrategy, row: Option<Person>) {
    let load = || async { Ok::<_, Error>(row) };
    cache.get_or_load_with(strategy, &1, load).await.unwrap();
}

#[tokio::test]
async fn each_kind_of_read_records_what_the_table_says() {
    use CacheStrategy::{Bypass, Fresh, Invalidate, Refresh};
    let rows: &[(&str, CacheStrategy, Option<Person>, &[&str])] = &[
        (
            "a cold read",
            Refresh,
            Some(ada()),
            &["miss", "load:found", "fill"],
        ),
        ("a warm read", Refresh, Some(ada()), &["hit"]),
        ("a fresh read", Fresh, Some(ada()), &["hit"]),
        ("a bypass", Bypass, Some(ada()), &["load:found"]),
        (
            "an invalidating read",
            Invalidate,
            Some(ada()),
            &["invalidation:strategy", "load:found", "fill"],
        ),
        (
            "an invalidating read of nothing",
            Invalidate,
            None,
            &["invalidation:strategy", "load:absent", "fill"],
        ),
        (
            "a read of what is absent",
            Refresh,
            Some(ada()),
            &["absent-hit"],
        ),
        (
            "a fresh read of what is absent",
            Fresh,
            Some(ada()),
            &["absent-hit"],
        ),
    ];
    let (cache, metrics) = recorded();
    for (case, strategy, row, wanted) in rows {
        load(&cache, *strategy, row.clone()).await;
        assert_eq!(metrics.take(), event_names(wanted), "{case}");
    }
}

#[tokio::test]
async fn a_fresh_miss_is_a_miss_and_no_load() {
    let (cache, metrics) = recorded();
    load(&cache, CacheStrategy::Fresh, Some(ada())).await;
    assert_eq!(metrics.take(), event_names(&["miss"]));
}

#[tokio::test]
async fn absence_that_is_not_stored_is_loaded_and_not_filled() {
    let (cache, metrics) = recorded();
    let key = cache_kit_tests::EmploymentKey::new("p", 1);
    cache
        .get_or_load::<cache_kit_tests::Employment, Error, _>(&key, || async { Ok(None) })
        .await
        .unwrap();
    assert_eq!(metrics.take(), event_names(&["miss", "load:absent"]));
}

#[tokio::test]
async fn a_failed_a_cancelled_and_a_panicked_load_are_failures() {
    let (cache, metrics) = recorded();
    let failed = cache
        .get_or_load::<Person, _, _>(&1, || async { Err(Error::RepositoryError("down".into())) })
        .await;
    assert!(failed.is_err());
    assert_eq!(metrics.take(), event_names(&["miss", "load:failed"]));

    let mut cancelled = Box::pin(cache.get_or_load::<Person, Error, _>(&1, std::future::pending));
    assert!(futures::poll!(cancelled.as_mut()).is_pending());
    drop(cancelled);
    assert_eq!(metrics.take(), event_names(&["miss", "load:cancelled"]));

    let service = cache.clone();
    let panicked = tokio::spawn(async move {
        service
            .get_or_load::<Person, Error, _>(&1, || async { panic!("a bug") })
            .await
    });
    assert!(panicked.await.is_err());
    assert_eq!(metrics.take(), event_names(&["miss", "load:panicked"]));
    let stats = counts(&cache);
    assert_eq!((stats.loads, stats.load_failures, stats.fills), (3, 3, 0));
}

#[tokio::test]
async fn who_waits_is_a_miss_and_coalesced() {
    let (cache, metrics) = recorded();
    let load = || async {
        tokio::task::yield_now().await;
        Ok::<_, Error>(Some(ada()))
    };
    let (first, second) = tokio::join!(cache.get_or_load(&1, load), cache.get_or_load(&1, load));
    assert_eq!(first.unwrap(), second.unwrap());
    assert_eq!(
        metrics.take(),
        event_names(&["miss", "miss", "load:found", "fill", "coalesced"])
    );
}

#[tokio::test]
async fn writes_record_what_became_of_the_entry() {
    let (cache, metrics) = recorded();
    cache.put(ada()).await.unwrap();
    assert_eq!(metrics.take(), event_names(&["put"]));
    cache
        .put_with(&1, || async { Ok::<_, Error>(ada()) })
        .await
        .unwrap();
    assert_eq!(metrics.take(), event_names(&["put"]));
    cache
        .put_with(&1, || async { Err::<Person, _>(Error::CacheMiss) })
        .await
        .unwrap_err();
    assert_eq!(metrics.take(), event_names(&["invalidation:put"]));
    cache
        .put_with(&1, || async {
            Ok::<_, Error>(Person {
                id: 2,
                name: "moved".into(),
            })
        })
        .await
        .unwrap();
    assert_eq!(
        metrics.take(),
        event_names(&["invalidation:put", "invalidation:put"]),
        "of both keys"
    );
    cache.evict_with::<Person, _, _>(&1, || async {}).await;
    assert_eq!(metrics.take(), event_names(&["invalidation:evict"]));
    let mut dropped = Box::pin(cache.evict_with::<Person, (), _>(&1, std::future::pending));
    assert!(futures::poll!(dropped.as_mut()).is_pending());
    drop(dropped);
    assert_eq!(metrics.take(), event_names(&["invalidation:abandoned"]));
    cache.invalidate::<Person>(&1).await.unwrap();
    cache.clear_prefix::<Person>().await.unwrap();
    assert_eq!(
        metrics.take(),
        event_names(&["invalidation:call", "invalidation:clear"])
    );
}

#[tokio::test]
async fn a_load_that_is_overtaken_is_a_superseded_fill() {
    let (cache, metrics) = recorded();
    let load = || async {
        cache.invalidate::<Person>(&1).await.unwrap();
        Ok::<_, Error>(Some(ada()))
    };
    soon(cache.get_or_load(&1, load)).await.unwrap();
    assert_eq!(
        metrics.take(),
        event_names(&["miss", "invalidation:call", "load:found", "superseded-fill"])
    );
}

#[tokio::test]
async fn a_direct_look_up_counts_like_any_read() {
    let (cache, metrics) = recorded();
    assert_eq!(cache.get::<Person>(&1).await.unwrap(), None);
    cache.put(ada()).await.unwrap();
    assert_eq!(
        cache.get::<Person>(&1).await.unwrap(),
        Some(Arc::new(ada()))
    );
    assert_eq!(metrics.take(), event_names(&["miss", "put", "hit"]));
}

#[tokio::test]
async fn stats_say_what_the_events_said() {
    let (cache, _) = recorded();
    load(&cache, CacheStrategy::Refresh, Some(ada())).await;
    for _ in 0..3 {
        load(&cache, CacheStrategy::Refresh, Some(ada())).await;
    }
    let stats = cache.stats();
    assert_eq!(
        (
            stats.hits,
            stats.misses,
            stats.loads,
            stats.fills,
            stats.entries
        ),
        (3, 1, 1, 1, Some(1))
    );
    assert_eq!(stats.hit_ratio(), Some(0.75));
    assert_eq!(recorded().0.stats().hit_ratio(), None);
}

#[tokio::test]
async fn events_carry_the_prefix_and_never_the_key() {
    #[derive(Clone, Default)]
    struct Shown(Arc<std::sync::Mutex<String>>);
    impl CacheMetrics for Shown {
        fn record(&self, event: &CacheEvent<'_>) {
            let _ = write!(self.0.lock().unwrap(), "{event:?}");
        }
    }
    let shown = Shown::default();
    let cache = CacheService::builder(InMemoryBackend::new())
        .namespace("app")
        .metrics(shown.clone())
        .build()
        .unwrap();
    let key = cache_kit_tests::EmploymentKey::new("secret-person", 1);
    cache
        .get_or_load::<cache_kit_tests::Employment, Error, _>(&key, || async { Ok(None) })
        .await
        .unwrap();
    cache
        .invalidate::<cache_kit_tests::Employment>(&key)
        .await
        .unwrap();
    let shown = shown.0.lock().unwrap();
    assert!(
        shown.contains("employment") && !shown.contains("secret"),
        "{shown}"
    );
}
