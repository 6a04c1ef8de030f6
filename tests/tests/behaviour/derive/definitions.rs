//! One prefix belongs to one definition.

use super::cache;
use cache_kit::Error;
use cache_kit::prelude::*;
use std::fmt::Debug;
use std::sync::Arc;

/// Entities, keys and feeders that are seen from outside their module.
mod registry {
    use cache_kit::prelude::*;

    /// Claims the prefix of [`super::Account`].
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
    #[cache(prefix = "account", key = (region, id))]
    pub(crate) struct Account {
        pub(crate) region: String,
        pub(crate) id: u64,
    }
}

/// Claims the prefix of [`registry::Account`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "account", key = id)]
struct Account {
    id: u64,
}

#[test]
fn key_and_feeder_are_as_visible_as_the_entity() {
    let key = registry::AccountKey {
        region: "eu".into(),
        id: 1,
    };
    let feeder = registry::AccountFeeder {
        key: key.clone(),
        entity: None,
    };
    assert_eq!(
        (feeder.key.region, feeder.key.id, feeder.entity),
        (key.region, 1, None)
    );
}

async fn assert_refused<T: CacheEntity + Debug + PartialEq>(
    cache: &CacheService<InMemoryBackend>,
    entity: T,
) {
    let (key, before) = (entity.cache_key(), cache.stats());
    let refusals = [
        cache.put(entity.clone()).await.map(drop),
        cache
            .get_or_load(&key, || async { Ok::<_, Error>(Some(entity.clone())) })
            .await
            .map(drop),
    ];
    for refusal in refusals {
        let text = refusal.unwrap_err().to_string();
        assert!(
            text.starts_with("cache is misconfigured: prefix `account` belongs to"),
            "{text}"
        );
        assert!(
            text.contains("definitions::Account") && text.contains("registry::Account"),
            "{text}"
        );
    }
    // An error type that cannot say so gets what it asked for, uncached.
    let loaded = cache
        .get_or_load(&key, || async { Ok::<_, ()>(Some(entity.clone())) })
        .await;
    assert_eq!(loaded, Ok(Some(Arc::new(entity))));
    let after = cache.stats();
    assert_eq!(
        (after.entries, after.fills, after.puts),
        (before.entries, before.fills, before.puts)
    );
    assert!(cache.get::<T>(&key).await.unwrap().is_none());
}

#[tokio::test]
async fn two_definitions_with_one_prefix_are_refused_whichever_comes_second() {
    let (one, two) = (
        Account { id: 1 },
        registry::Account {
            region: "eu".into(),
            id: 1,
        },
    );
    let first = cache();
    first.put(one.clone()).await.unwrap();
    assert_refused(&first, two.clone()).await;
    assert_eq!(
        first.get::<Account>(&1).await.unwrap().as_deref(),
        Some(&one)
    );
    let second = cache();
    second.put(two.clone()).await.unwrap();
    assert_refused(&second, one).await;
    assert_eq!(
        second.get(&two.cache_key()).await.unwrap().as_deref(),
        Some(&two)
    );
}

#[tokio::test]
async fn definitions_of_one_name_in_two_functions_are_two() {
    fn here() -> impl CacheEntity<Key = u64> {
        #[derive(Clone, Serialize, Deserialize, CacheEntity)]
        #[cache(prefix = "local", key = id)]
        struct Local {
            id: u64,
        }
        Local { id: 1 }
    }
    fn there() -> impl CacheEntity<Key = u64> {
        #[derive(Clone, Serialize, Deserialize, CacheEntity)]
        #[cache(prefix = "local", key = id)]
        struct Local {
            id: u64,
        }
        Local { id: 1 }
    }
    let cache = cache();
    cache.put(here()).await.unwrap();
    assert!(matches!(
        cache.put(there()).await,
        Err(Error::ConfigError(_))
    ));
}
