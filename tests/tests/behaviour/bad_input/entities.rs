//! Entities that are not valid, or cannot be encoded.

use super::{assert_goes_on, byte_cache, cache};
use cache_kit::Error;
use cache_kit::prelude::*;
use cache_kit_tests::counts;
use std::sync::Arc;

/// An entity that must be even, and refuses to be encoded above a hundred.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Even {
    id: u64,
    number: u64,
}

impl Serialize for Even {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.number > 100 {
            return Err(serde::ser::Error::custom("too large a number"));
        }
        (self.id, self.number).serialize(serializer)
    }
}

impl CacheEntity for Even {
    type Key = u64;
    fn cache_key(&self) -> u64 {
        self.id
    }
    fn cache_prefix() -> &'static str {
        "even"
    }
    fn validate(&self) -> cache_kit::Result<()> {
        if self.number.is_multiple_of(2) {
            Ok(())
        } else {
            Err(Error::ValidationError("odd".into()))
        }
    }
}

pub(super) fn odd(id: u64) -> Even {
    Even { id, number: 7 }
}

#[tokio::test]
async fn an_entity_that_is_not_valid_is_an_error_or_is_returned_and_never_stored() {
    struct Numbers {
        cache: CacheService<InMemoryBackend>,
    }
    impl Numbers {
        #[cached]
        async fn told(&self, id: u64) -> anyhow::Result<Option<Even>> {
            Ok(Some(odd(id)))
        }
        #[cached]
        async fn untold(&self, id: u64) -> Result<Even, u8> {
            Ok(odd(id))
        }
        #[cache_put]
        async fn save(&self, even: Even) -> Result<Even, u8> {
            Ok(even)
        }
    }
    let numbers = Numbers { cache: cache() };
    let cache = &numbers.cache;
    let error = numbers.told(1).await.unwrap_err();
    assert!(
        matches!(error.downcast_ref(), Some(Error::ValidationError(_))),
        "{error}"
    );
    assert_eq!(numbers.untold(1).await, Ok(odd(1)));
    let loaded = cache
        .get_or_load(&1, || async { Ok::<_, Error>(Some(odd(1))) })
        .await;
    assert!(matches!(loaded, Err(Error::ValidationError(_))));
    assert!(matches!(
        cache.put(odd(1)).await,
        Err(Error::ValidationError(_))
    ));
    assert_eq!(cache.stats().entries, Some(0));
    cache.put(Even { id: 1, number: 2 }).await.unwrap();
    assert_eq!(numbers.save(odd(1)).await, Ok(odd(1)));
    assert!(
        cache.get::<Even>(&1).await.unwrap().is_none(),
        "the old entry is untrue"
    );
    assert_goes_on(cache).await;
}

#[tokio::test]
async fn a_batch_with_an_invalid_entity_stores_the_valid_ones_or_fails() {
    let cache = cache();
    let load = |_| async { Ok::<_, Error>(vec![Even { id: 1, number: 2 }, odd(2)]) };
    let outcome = cache.get_or_load_many(&[1, 2], load).await;
    assert!(
        matches!(outcome, Err(Error::ValidationError(_))),
        "{outcome:?}"
    );
    assert!(cache.get::<Even>(&2).await.unwrap().is_none());
    let load = |_| async { Ok::<_, u8>(vec![odd(2)]) };
    let found = cache.get_or_load_many(&[2], load).await.unwrap();
    assert_eq!(
        found,
        [Some(Arc::new(odd(2)))],
        "who cannot be told gets what was loaded"
    );
    assert!(cache.get::<Even>(&2).await.unwrap().is_none());
    assert_goes_on(&cache).await;
}

#[tokio::test]
async fn a_value_that_cannot_be_encoded_is_returned_and_not_stored() {
    let cache = byte_cache();
    let large = Even { id: 1, number: 102 };
    let loaded = cache
        .get_or_load(&1, || async { Ok::<_, Error>(Some(large.clone())) })
        .await
        .unwrap();
    assert_eq!(loaded.as_deref(), Some(&large));
    assert_eq!(
        (cache.stats().entries, counts(&cache).failures),
        (Some(0), 1)
    );
    cache.put(Even { id: 1, number: 2 }).await.unwrap();
    let put = cache.put(large).await;
    assert!(
        cache.get::<Even>(&1).await.unwrap().is_none(),
        "the entry before is untrue"
    );
    assert!(
        put.is_ok() || matches!(put, Err(Error::SerializationError(_))),
        "{put:?}"
    );
    assert_goes_on(&cache).await;
}
