//! Entities that their type refuses.

use cache_kit::Error;
use cache_kit::prelude::*;
use cache_kit_tests::{counts, settle};
use std::sync::Arc;

fn memory() -> CacheService<InMemoryBackend> {
    CacheService::new(InMemoryBackend::new())
}

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
