//! Panics of the user's own code.

use super::entities::odd;
use super::{ada, assert_goes_on, cache};
use cache_kit::Error;
use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit_tests::{Person, counts, soon};

#[tokio::test]
async fn a_loader_that_panics_takes_only_its_caller_along() {
    let cache = cache();
    for _ in 0..3 {
        let service = cache.clone();
        let panicking = tokio::spawn(async move {
            service
                .get_or_load::<Person, Error, _>(&1, || async { panic!("a bug") })
                .await
        });
        assert!(soon(panicking).await.unwrap_err().is_panic());
        let service = cache.clone();
        let panicking = tokio::spawn(async move {
            service
                .get_or_load_many::<Person, Error, _>(&[1, 2], |_| async { panic!("a bug") })
                .await
        });
        assert!(soon(panicking).await.unwrap_err().is_panic());
    }
    assert_eq!(counts(&cache).load_failures, 6);
    assert_goes_on(&cache).await;
}

/// Panics whatever it is told.
struct BadSink;

impl CacheMetrics for BadSink {
    fn record(&self, event: &CacheEvent<'_>) {
        panic!("cannot take note of {event:?}");
    }
}

#[tokio::test]
async fn a_sink_that_panics_at_every_event_is_contained() {
    async fn assert_all_served<B: CacheBackend>(backend: B) {
        let cache = CacheService::builder(backend)
            .metrics(BadSink)
            .build()
            .unwrap();
        cache.put(ada()).await.unwrap();
        assert!(cache.get::<Person>(&1).await.unwrap().is_some());
        cache.clear_prefix::<Person>().await.unwrap();
        let invalid = || async { Ok::<_, Error>(Some(odd(2))) };
        let nobody = || async { Ok::<_, Error>(None::<Person>) };
        assert!(cache.get_or_load(&9, nobody).await.unwrap().is_none());
        assert!(cache.get_or_load(&9, nobody).await.unwrap().is_none());
        let failing = || async { Err::<Option<Person>, _>(Error::Timeout) };
        assert!(cache.get_or_load(&2, failing).await.is_err());
        assert!(cache.get_or_load(&2, invalid).await.is_err());
        let two = futures::join!(cache.get_or_load(&3, nobody), cache.get_or_load(&3, nobody));
        assert!(two.0.is_ok() && two.1.is_ok());
        let service = cache.clone();
        // Here the sink panics while another panic is on its way.
        let panicking = tokio::spawn(async move {
            service
                .get_or_load::<Person, Error, _>(&4, || async { panic!("a bug") })
                .await
        });
        assert!(panicking.await.unwrap_err().is_panic());
        assert_goes_on(&cache).await;
        let stats = counts(&cache);
        assert!(
            stats.absent_hits > 0 && stats.puts == 1,
            "it is counted all the same"
        );
    }
    soon(assert_all_served(InMemoryBackend::new())).await;
    soon(assert_all_served(ByteBackend::default())).await;
}
