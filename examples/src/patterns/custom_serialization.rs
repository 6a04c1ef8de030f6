//! Custom Serialization: an entity that is stored in `MessagePack`.
//!
//! Memory hands out the value that was put in; only a store of bytes encodes. So this runs over
//! [`ByteBackend`].

pub mod by_hand;
pub mod with_macros;

use std::time::Duration;

use anyhow::{Context as _, ensure};
use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{CacheKey, ManualClock};

use super::sources::Sources;

/// The two versions.
pub const SOURCES: Sources = Sources {
    heading: "Custom Serialization",
    by_hand: include_str!("custom_serialization/by_hand.rs"),
    with_macros: include_str!("custom_serialization/with_macros.rs"),
};

/// The same entity as the default codec stores it.
#[derive(Clone, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "plain", key = id)]
struct Plain {
    id: String,
    data: Vec<u8>,
}

/// Returns the stored bytes of an entry: a header, and what the entity was encoded as.
pub fn stored(backend: &ByteBackend, key: &CacheKey) -> Option<Vec<u8>> {
    let mut stored = Vec::new();
    backend
        .tamper(key, |bytes| stored.clone_from(bytes))
        .then_some(stored)
}

/// Stores an entity, reads it back, and lets it end. Returns the length of what was stored.
async fn store<T: CacheEntity + PartialEq>(entity: T) -> anyhow::Result<usize> {
    let clock = ManualClock::new();
    let backend = ByteBackend::new(&clock);
    let hour = Duration::from_secs(3600);
    let cache = CacheService::builder(backend.clone())
        .default_lifetime(Lifetime::new().with_ttl(hour))
        .build()?;
    cache.put(entity.clone()).await?;
    let key = CacheKey::of::<T>(None, &entity.cache_key())?;
    let stored = stored(&backend, &key).context("nothing is stored")?;
    let read = cache.get::<T>(&entity.cache_key()).await?;
    ensure!(
        read.as_deref() == Some(&entity),
        "bytes came back as another entity"
    );
    clock.advance(hour);
    let read = cache.get::<T>(&entity.cache_key()).await?;
    ensure!(read.is_none(), "an hour later it is gone");
    Ok(stored.len())
}

/// Stores one entity in both versions, and as the default codec would.
pub(super) async fn run() -> super::Facts {
    let id = "blob".to_owned();
    let data: Vec<u8> = (0..=u8::MAX).cycle().take(4096).collect();
    let by_hand = store(by_hand::LargeEntity {
        id: id.clone(),
        data: data.clone(),
    });
    let with_macros = store(with_macros::LargeEntity {
        id: id.clone(),
        data: data.clone(),
    });
    let plain = store(Plain { id, data });
    let (by_hand, with_macros, plain) = (by_hand.await?, with_macros.await?, plain.await?);
    ensure!(by_hand > plain, "a sequence of bytes is no byte string");
    Ok(vec![
        "stored as bytes, read back equal, gone an hour later: in both versions".to_owned(),
        format!(
            "4096 bytes of data take {by_hand} bytes in the store ({with_macros} with macros), {plain} with the default codec"
        ),
    ])
}
