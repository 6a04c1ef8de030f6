//! Stored bytes that somebody changed.

use super::assert_goes_on;
use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{Error, ManualClock, store::Clock};
use cache_kit_tests::Person;

/// An entity whose bytes say whether they are whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Sealed {
    id: u64,
    text: String,
}

impl CacheEntity for Sealed {
    type Key = u64;
    fn cache_key(&self) -> u64 {
        self.id
    }
    fn cache_prefix() -> &'static str {
        "sealed"
    }
    fn serialize_for_cache(&self) -> cache_kit::Result<Vec<u8>> {
        let mut bytes =
            serde_json::to_vec(self).map_err(|error| Error::SerializationError(error.into()))?;
        bytes.push(seal(&bytes));
        Ok(bytes)
    }
    fn deserialize_from_cache(bytes: &[u8]) -> cache_kit::Result<Self> {
        match bytes.split_last() {
            Some((sealed, bytes)) if *sealed == seal(bytes) => serde_json::from_slice(bytes)
                .map_err(|error| Error::DeserializationError(error.into())),
            _ => Err(Error::DeserializationError("broken seal".into())),
        }
    }
}

/// One bit more or less changes it.
fn seal(bytes: &[u8]) -> u8 {
    bytes.iter().fold(7, |seal, byte| seal ^ byte)
}

/// Every way to cut the bytes, and to turn one bit of them.
async fn tamper_everywhere<T>(entity: &T, mut check: impl FnMut(&str, Option<&T>))
where
    T: CacheEntity<Key = u64>,
{
    let backend = ByteBackend::new(Clock::from(&ManualClock::new()));
    let cache = CacheService::new(backend.clone());
    let key = CacheKey::of::<T>(None, &entity.cache_key()).unwrap();
    cache.put(entity.clone()).await.unwrap();
    let mut whole = Vec::new();
    assert!(backend.tamper(&key, |bytes| whole.clone_from(bytes)));
    let cuts = (0..whole.len()).map(|len| (format!("{len} bytes"), whole[..len].to_vec()));
    let turns = (0..whole.len() * 8).map(|bit| {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        (format!("bit {bit}"), bytes)
    });
    let longer = std::iter::once(("a byte more".to_owned(), [whole.as_slice(), &[0]].concat()));
    for (change, bytes) in cuts.chain(turns).chain(longer) {
        backend.tamper(&key, |stored| *stored = bytes);
        check(
            &change,
            cache
                .get::<T>(&entity.cache_key())
                .await
                .unwrap()
                .as_deref(),
        );
    }
    cache.invalidate::<T>(&entity.cache_key()).await.unwrap();
    assert_goes_on(&cache).await;
}

#[tokio::test]
async fn tampered_bytes_are_a_miss_or_the_same_value() {
    let entity = Sealed {
        id: 7,
        text: "whole".into(),
    };
    let mut hits = 0;
    tamper_everywhere(&entity, |change, found| {
        assert!(
            found.is_none_or(|found| *found == entity),
            "{change}: {found:?}"
        );
        hits += u32::from(found.is_some());
    })
    .await;
    assert!(hits <= 64, "only in the header's time of expiry");
}

#[tokio::test]
async fn bytes_without_a_seal_never_panic_and_a_cut_is_a_miss() {
    let entity = Person {
        id: 7,
        name: "Grace Hopper".into(),
    };
    tamper_everywhere(&entity, |change, found| {
        assert!(
            found.is_none() || change.starts_with("bit"),
            "{change}: {found:?}"
        );
    })
    .await;
}
