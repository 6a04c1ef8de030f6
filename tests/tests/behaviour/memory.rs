//! What stays in memory, and how much of it.

mod lifetimes;

use cache_kit::Error;
use cache_kit::prelude::*;
use cache_kit_tests::Person;

/// An entity that knows its weight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Blob {
    id: u64,
    bytes: Vec<u8>,
}

impl CacheEntity for Blob {
    type Key = u64;
    fn cache_key(&self) -> u64 {
        self.id
    }
    fn cache_prefix() -> &'static str {
        "blob"
    }
    fn weight(&self) -> usize {
        self.bytes.len()
    }
}

/// The same, with the weight of its struct.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "light", key = id)]
struct Light {
    id: u64,
    bytes: Vec<u8>,
}

fn blob(id: u64, len: usize) -> Blob {
    Blob {
        id,
        bytes: vec![0; len],
    }
}

fn service(backend: InMemoryBackend) -> CacheService<InMemoryBackend> {
    CacheService::new(backend)
}

fn of_weight(bytes: u64) -> CacheService<InMemoryBackend> {
    service(
        InMemoryBackend::builder()
            .max_weight(bytes)
            .build()
            .unwrap(),
    )
}

fn of_entries(entries: u64) -> CacheService<InMemoryBackend> {
    service(
        InMemoryBackend::builder()
            .capacity(entries)
            .build()
            .unwrap(),
    )
}

fn entries(cache: &CacheService<InMemoryBackend>) -> u64 {
    cache.stats().entries.expect("memory knows")
}

/// The weight of the blobs that are still there.
async fn stored_weight(cache: &CacheService<InMemoryBackend>, ids: std::ops::Range<u64>) -> usize {
    let mut weight = 0;
    for id in ids {
        weight += cache
            .get::<Blob>(&id)
            .await
            .unwrap()
            .map_or(0, |blob| blob.weight());
    }
    weight
}

#[tokio::test]
async fn a_bound_in_entries_holds() {
    let cache = of_entries(100);
    for id in 0..5_000 {
        cache.put(blob(id, 1000)).await.unwrap();
        assert!(
            id % 500 > 0 || entries(&cache) <= 100,
            "{} entries",
            entries(&cache)
        );
    }
    assert!(
        (50..=100).contains(&entries(&cache)),
        "{} entries",
        entries(&cache)
    );
}

#[tokio::test]
async fn a_bound_in_bytes_holds_whatever_the_sizes() {
    let cache = of_weight(100_000);
    for id in 0..3_000 {
        let len = usize::try_from(id).unwrap() * 37 % 5_000;
        cache.put(blob(id, len)).await.unwrap();
    }
    assert!(entries(&cache) > 0);
    let weight = stored_weight(&cache, 0..3_000).await;
    assert!((20_000..=100_000).contains(&weight), "{weight} bytes");
}

#[tokio::test]
async fn an_entity_is_as_heavy_as_it_says() {
    let (heavy, light) = (of_weight(10_000), of_weight(10_000));
    for id in 0..20 {
        heavy.put(blob(id, 2_000)).await.unwrap();
        light
            .put(Light {
                id,
                bytes: vec![0; 2_000],
            })
            .await
            .unwrap();
    }
    assert!(entries(&heavy) <= 4, "{} entries", entries(&heavy));
    assert_eq!(entries(&light), 20, "the struct alone weighs little");
}

#[tokio::test]
async fn what_is_heavier_than_the_whole_cache_is_returned_and_not_kept() {
    let cache = of_weight(1_000);
    cache.put(blob(1, 100)).await.unwrap();
    let load = || async { Ok::<_, Error>(Some(blob(2, 5_000))) };
    assert!(cache.get_or_load(&2, load).await.unwrap().is_some());
    assert_eq!(entries(&cache), 1);
    assert!(cache.get::<Blob>(&1).await.unwrap().is_some());
}

#[tokio::test]
async fn a_weight_beyond_counting_evicts_no_one() {
    #[derive(Clone, Serialize, Deserialize)]
    struct Endless(u64);
    impl CacheEntity for Endless {
        type Key = u64;
        fn cache_key(&self) -> u64 {
            self.0
        }
        fn cache_prefix() -> &'static str {
            "endless"
        }
        fn weight(&self) -> usize {
            usize::MAX
        }
    }
    let cache = of_weight(10_000);
    cache.put(blob(1, 100)).await.unwrap();
    cache.put(Endless(1)).await.unwrap();
    assert_eq!(entries(&cache), 1);
    assert!(cache.get::<Blob>(&1).await.unwrap().is_some());
}

#[tokio::test]
async fn clones_share_entries_and_bounds() {
    let backend = InMemoryBackend::builder().capacity(10).build().unwrap();
    let (one, two) = (service(backend.clone()), service(backend));
    one.put(blob(1, 1)).await.unwrap();
    assert!(two.get::<Blob>(&1).await.unwrap().is_some());
    assert!(one.clone().get::<Blob>(&1).await.unwrap().is_some());
    two.invalidate::<Blob>(&1).await.unwrap();
    assert!(one.get::<Blob>(&1).await.unwrap().is_none());
    for id in 0..100 {
        one.put(blob(id, 1)).await.unwrap();
        two.put(blob(100 + id, 1)).await.unwrap();
    }
    assert!(entries(&one) <= 10);
    assert_eq!(entries(&one), entries(&two));
}

/// A cache of 200 entries, of which 100 are read often; then a scan, with a hot entry read for each
/// so many cold ones.
async fn survivors_of_a_scan(cold: u64, cold_per_hot: u64) -> u32 {
    let cache = of_entries(200);
    for id in 0..100 {
        cache.put(blob(id, 1)).await.unwrap();
    }
    for _ in 0..20 {
        for id in 0..100 {
            cache.get::<Blob>(&id).await.unwrap();
        }
        // Reads are counted in batches.
        assert!(entries(&cache) >= 100);
    }
    for id in 0..cold {
        let load = || async { Ok::<_, Error>(Some(blob(1_000 + id, 1))) };
        cache.get_or_load(&(1_000 + id), load).await.unwrap();
        if id % cold_per_hot == 0 {
            cache.get::<Blob>(&(id / cold_per_hot % 100)).await.unwrap();
        }
    }
    assert!(entries(&cache) <= 200);
    let mut survivors = 0;
    for id in 0..100 {
        survivors += u32::from(cache.get::<Blob>(&id).await.unwrap().is_some());
    }
    survivors
}

#[tokio::test]
async fn what_is_read_often_survives_a_scan_of_what_is_read_once() {
    // A policy of recency alone would drop them all: 400 others come between two reads of each.
    for (cold, cold_per_hot) in [(500, 500), (4_000, 4), (20_000, 4)] {
        let survivors = survivors_of_a_scan(cold, cold_per_hot).await;
        assert!(survivors >= 90, "{survivors} of 100 survive {cold} others");
    }
}

#[tokio::test]
async fn clearing_a_prefix_leaves_the_others() {
    let cache = of_entries(1_000);
    for id in 0..100 {
        cache.put(blob(id, 1)).await.unwrap();
        cache.put(Light { id, bytes: vec![] }).await.unwrap();
    }
    cache.clear_prefix::<Blob>().await.unwrap();
    for id in 0..100 {
        assert!(cache.get::<Blob>(&id).await.unwrap().is_none());
        assert!(cache.get::<Light>(&id).await.unwrap().is_some());
    }
    cache.put(blob(1, 1)).await.unwrap();
    assert!(
        cache.get::<Blob>(&1).await.unwrap().is_some(),
        "what comes afterwards is kept"
    );
    assert!(cache.get::<Person>(&1).await.unwrap().is_none());
}

#[test]
fn room_for_nothing_is_refused() {
    for builder in [
        InMemoryBackend::builder().capacity(0),
        InMemoryBackend::builder().max_weight(0),
    ] {
        let error = builder.build().unwrap_err();
        assert!(matches!(error, Error::ConfigError(_)), "{error}");
        assert!(error.to_string().ends_with("caches nothing"), "{error}");
    }
}
