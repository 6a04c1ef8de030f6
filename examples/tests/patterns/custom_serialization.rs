use std::time::Duration;

use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{CacheKey, ManualClock};
use cache_kit_examples::patterns::custom_serialization::{by_hand, stored, with_macros};

fn data() -> Vec<u8> {
    (0..=u8::MAX).collect()
}

/// Stores an entity, and returns its bytes in the store.
async fn stored_bytes<T: CacheEntity>(entity: T) -> Vec<u8> {
    let backend = ByteBackend::default();
    let key = CacheKey::of::<T>(None, &entity.cache_key()).expect("a key that can be");
    let cache = CacheService::new(backend.clone());
    cache.put(entity).await.expect("the store does not fail");
    stored(&backend, &key).expect("it is stored")
}

#[tokio::test]
async fn what_the_guides_entity_encodes_is_what_is_stored() {
    let entity = by_hand::LargeEntity {
        id: "blob".to_owned(),
        data: data(),
    };
    let packed = rmp_serde::to_vec(&entity).expect("it can be encoded");
    assert!(stored_bytes(entity).await.ends_with(&packed));
}

#[tokio::test]
async fn the_declared_entity_is_stored_as_message_pack_with_names() {
    let entity = with_macros::LargeEntity {
        id: "blob".to_owned(),
        data: data(),
    };
    let packed = rmp_serde::to_vec_named(&entity).expect("it can be encoded");
    assert!(stored_bytes(entity).await.ends_with(&packed));
}

#[tokio::test]
async fn both_come_back_as_they_were_until_they_end() {
    let clock = ManualClock::new();
    let minute = Duration::from_secs(60);
    let cache = CacheService::builder(ByteBackend::new(&clock))
        .ttl_policy(TtlPolicy::Fixed(minute))
        .namespace("first")
        .build()
        .expect("settings that work");
    let other = cache.to_builder().namespace("second").build();
    let other = other.expect("settings that work");
    let (id, data) = ("blob".to_owned(), data());
    let by_hand = by_hand::LargeEntity {
        id: id.clone(),
        data: data.clone(),
    };
    let with_macros = with_macros::LargeEntity {
        id: id.clone(),
        data,
    };
    let failed = "the store does not fail";
    cache.put(by_hand.clone()).await.expect(failed);
    other.put(with_macros.clone()).await.expect(failed);
    let found = cache.get::<by_hand::LargeEntity>(&id).await.expect(failed);
    assert_eq!(found.as_deref(), Some(&by_hand));
    let found = other.get::<with_macros::LargeEntity>(&id).await;
    assert_eq!(found.expect(failed).as_deref(), Some(&with_macros));
    clock.advance(minute);
    let found = cache.get::<by_hand::LargeEntity>(&id).await.expect(failed);
    assert!(found.is_none());
    let found = other.get::<with_macros::LargeEntity>(&id).await;
    assert!(found.expect(failed).is_none());
}

#[tokio::test]
async fn bytes_that_are_no_message_pack_are_a_miss() {
    let backend = ByteBackend::default();
    let cache = CacheService::new(backend.clone());
    let id = "blob".to_owned();
    let entity = by_hand::LargeEntity {
        id: id.clone(),
        data: data(),
    };
    let key = CacheKey::of::<by_hand::LargeEntity>(None, &id).expect("a key that can be");
    cache.put(entity).await.expect("the store does not fail");
    assert!(backend.tamper(&key, |bytes| bytes.truncate(100)));
    let found = cache.get::<by_hand::LargeEntity>(&id).await;
    assert!(found.is_ok_and(|found| found.is_none()));
}
