//! Each name of the guide that this crate grew from, under the path that the guide has for it.

use cache_kit::prelude::{Deserialize, Serialize};
use cache_kit_tests::{Person, person};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Its imports, as they stand there.
mod imports {
    #![allow(unused_imports, reason = "that they resolve is what is shown")]

    mod entities {
        use cache_kit::CacheEntity;
    }
    mod builders {
        use cache_kit::{CacheExpander, observability::TtlPolicy};
    }
    mod registries {
        use cache_kit::{CacheEntity, CacheExpander, CacheFeed, DataRepository};
    }
    mod lifetimes {
        use cache_kit::observability::TtlPolicy;
        use cache_kit::strategy::CacheContext;
    }
    mod errors {
        use cache_kit::error::Error;
    }
    mod tiers {
        use cache_kit::CacheExpander;
        use cache_kit::backend::{InMemoryBackend, RedisBackend};
    }
    mod tasks {
        use cache_kit::{
            CacheEntity, CacheExpander, CacheFeed, CacheStrategy, DataRepository,
            backend::CacheBackend,
        };
    }
    mod services {
        use cache_kit::backend::InMemoryBackend;
        use cache_kit::{
            CacheEntity, CacheFeed, CacheService, DataRepository, strategy::CacheStrategy,
        };
    }
}

use cache_kit::backend::{CacheBackend, InMemoryBackend, RedisBackend, RedisConfig};
use cache_kit::observability::{CacheEvent, CacheMetrics, TtlPolicy};
use cache_kit::strategy::{CacheContext, CacheStrategy};
use cache_kit::{
    CacheEntity, CacheExpander, CacheFeed, CacheService, GenericFeeder, Repository, error::Error,
};

/// A repository of one person.
struct People;

impl Repository<Person> for People {
    async fn fetch_by_id(&self, id: &u64) -> cache_kit::Result<Option<Person>> {
        Ok((*id == 7).then(|| person(7)))
    }
}

/// Counts what it is told of.
#[derive(Clone, Default)]
struct Count(Arc<AtomicU64>);

impl CacheMetrics for Count {
    fn record(&self, _: &CacheEvent<'_>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// The guide's function over any backend, feeder and repository.
async fn fetch_cached<B: CacheBackend, F: CacheFeed<Person>>(
    expander: &CacheExpander<B>,
    feeder: &mut F,
    repository: &People,
) -> cache_kit::Result<()> {
    expander
        .with(feeder, repository, CacheStrategy::Refresh)
        .await
}

#[tokio::test]
async fn an_expander_is_built_with_metrics_and_a_policy_and_fills_a_feeder() {
    let told = Count::default();
    let by_strategy = TtlPolicy::custom(|context: &CacheContext<'_>| match context.strategy {
        CacheStrategy::Bypass => None,
        _ => Some(Duration::from_secs(60)),
    });
    let expander = CacheExpander::new(InMemoryBackend::new())
        .with_metrics(Box::new(told.clone()))
        .with_ttl_policy(by_strategy);
    let mut feeder = GenericFeeder::<Person>::new(7);
    fetch_cached(&expander, &mut feeder, &People).await.unwrap();
    assert_eq!(feeder.entity, Some(person(7)));
    assert!(told.0.load(Relaxed) > 0);
}

#[tokio::test]
async fn a_service_executes_a_feeder() {
    let cache = CacheService::new(InMemoryBackend::new());
    let mut feeder = GenericFeeder::<Person>::new(7);
    let strategy = CacheStrategy::Refresh;
    cache.execute(&mut feeder, &People, strategy).await.unwrap();
    assert_eq!(feeder.entity, Some(person(7)));
    let mut other = GenericFeeder::<Person>::new(8);
    let strategy = CacheStrategy::Fresh;
    let missed = cache.execute(&mut other, &People, strategy).await;
    assert!(matches!(missed, Err(Error::CacheMiss)));
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Large(Vec<u8>);

impl CacheEntity for Large {
    type Key = u64;

    fn cache_key(&self) -> u64 {
        0
    }

    fn cache_prefix() -> &'static str {
        "large"
    }

    fn serialize_for_cache(&self) -> cache_kit::Result<Vec<u8>> {
        Ok(self.0.iter().rev().copied().collect())
    }

    fn deserialize_from_cache(bytes: &[u8]) -> cache_kit::Result<Self> {
        Ok(Self(bytes.iter().rev().copied().collect()))
    }
}

#[test]
fn an_entity_says_how_it_becomes_bytes() {
    let large = Large(vec![1, 2, 3]);
    let bytes = large.serialize_for_cache().unwrap();
    assert_eq!(bytes, [3, 2, 1]);
    assert_eq!(Large::deserialize_from_cache(&bytes).unwrap(), large);
}

#[tokio::test]
async fn redis_takes_the_place_of_memory() {
    let backend = RedisBackend::new(RedisConfig::default()).unwrap();
    drop(CacheExpander::new(backend));
}
