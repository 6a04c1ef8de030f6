//! DESIGN §3: an entity may encode itself; the header around it stays the runtime's.
#![expect(
    clippy::unchecked_time_subtraction,
    reason = "these cannot go below zero"
)]

use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{
    Error, Found, ManualClock,
    store::{Encoding, Lookup, Shape},
};
use cache_kit_tests::{RecordingMetrics, event_names, soon};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const TICK: Duration = Duration::from_nanos(1);
const HOUR: Duration = Duration::from_secs(3600);

/// An entity as the guide's: in JSON, with errors of one kind for both directions. Its name says
/// what goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Page {
    id: u64,
    name: String,
}

impl CacheEntity for Page {
    type Key = u64;

    fn cache_key(&self) -> u64 {
        self.id
    }

    fn cache_prefix() -> &'static str {
        "page"
    }

    fn lifetime() -> Lifetime {
        Lifetime::new()
            .with_ttl(HOUR)
            .with_negative_ttl(Duration::from_secs(60))
    }

    fn serialize_for_cache(&self) -> cache_kit::Result<Vec<u8>> {
        if self.name == "cannot be encoded" {
            return Err(Error::CacheMiss);
        }
        serde_json::to_vec(self).map_err(|e| Error::SerializationError(e.to_string().into()))
    }

    fn deserialize_from_cache(bytes: &[u8]) -> cache_kit::Result<Self> {
        let page: Self = serde_json::from_slice(bytes)
            .map_err(|e| Error::SerializationError(e.to_string().into()))?;
        match page.name.as_str() {
            "no entity" => Err(Error::DeserializationError("no entity".into())),
            "not valid" => Err(Error::ValidationError("not valid".into())),
            "timed out" => Err(Error::Timeout),
            _ => Ok(page),
        }
    }
}

fn page(name: &str) -> Page {
    Page {
        id: 1,
        name: name.to_owned(),
    }
}

struct Setting {
    cache: CacheService<ByteBackend>,
    clock: ManualClock,
    metrics: RecordingMetrics,
}

fn setting() -> Setting {
    let (clock, metrics) = (ManualClock::new(), RecordingMetrics::default());
    let cache = CacheService::builder(ByteBackend::new(&clock))
        .metrics(metrics.clone())
        .build()
        .unwrap();
    Setting {
        cache,
        clock,
        metrics,
    }
}

impl Setting {
    async fn load(&self, page: Option<Page>) -> Option<Page> {
        let load = || async { Ok::<_, Error>(page) };
        let loaded = soon(self.cache.get_or_load(&1, load)).await.unwrap();
        loaded.map(|page| (*page).clone())
    }

    async fn stored(&self) -> Option<Page> {
        let found = self.cache.get::<Page>(&1).await.unwrap();
        found.map(|page| (*page).clone())
    }

    /// What lies in the store, header and all.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let is_there = self.cache.backend().tamper(&key(), |stored| {
            bytes.clone_from(stored);
        });
        assert!(is_there, "nothing is stored");
        bytes
    }
}

fn key() -> CacheKey {
    CacheKey::of::<Page>(None, &1).unwrap()
}

#[tokio::test]
async fn the_payload_is_exactly_what_the_entity_wrote() {
    let setting = setting();
    let written = page("Ada").serialize_for_cache().unwrap();
    assert_eq!(setting.load(Some(page("Ada"))).await, Some(page("Ada")));
    let loaded = setting.bytes();
    assert!(loaded.ends_with(&written), "it is not the payload");
    setting.cache.put(page("Ada")).await.unwrap();
    assert!(setting.bytes().ends_with(&written), "nor that of a put");
    // The header is as long for every payload: nothing is before or behind what was written.
    let header = loaded.len() - written.len();
    setting.cache.put(page("")).await.unwrap();
    let empty = page("").serialize_for_cache().unwrap();
    assert_eq!(setting.bytes().len(), header + empty.len());
    assert_eq!(setting.stored().await, Some(page("")));
}

#[tokio::test]
async fn the_header_stays_the_runtimes() {
    let setting = setting();
    setting.load(Some(page("Ada"))).await;
    setting.clock.advance(HOUR - TICK);
    assert_eq!(setting.stored().await, Some(page("Ada")));
    setting.clock.advance(TICK);
    assert_eq!(setting.stored().await, None, "it ends");
    assert_eq!(setting.load(None).await, None);
    let found = setting.cache.look_up::<Page>(&1).await.unwrap();
    assert_eq!(found, Found::Absent, "an absence has no payload");
    setting.cache.put(page("Ada")).await.unwrap();
    setting.cache.invalidate::<Page>(&1).await.unwrap();
    assert_eq!(setting.stored().await, None, "it is invalidated");
    setting.cache.put(page("Ada")).await.unwrap();
    setting.cache.clear_prefix::<Page>().await.unwrap();
    assert_eq!(setting.stored().await, None, "it is cleared");
}

#[tokio::test]
async fn what_is_loaded_before_an_invalidation_is_not_stored_after_it() {
    let setting = setting();
    let load = || async {
        setting.cache.invalidate::<Page>(&1).await.unwrap();
        Ok::<_, Error>(Some(page("old")))
    };
    setting.cache.get_or_load(&1, load).await.unwrap();
    assert_eq!(setting.stored().await, None);
    let stats = setting.cache.stats();
    assert_eq!((stats.fills, stats.superseded_fills), (0, 1));
}

#[tokio::test]
async fn a_decode_failure_is_one_whatever_the_entity_returns() {
    for name in ["no entity", "not valid", "timed out"] {
        let setting = setting();
        setting.cache.put(page(name)).await.unwrap();
        let keys = [key()];
        let read = setting.cache.backend().read(&keys, Shape::of::<Page>());
        let answer = read.await.pop().unwrap();
        let is_one = matches!(answer, Err(Error::DeserializationError(_)));
        assert!(is_one, "{name}: {answer:?}");
        let _ = setting.metrics.take();
        assert_eq!(setting.load(Some(page("Ada"))).await, Some(page("Ada")));
        let wanted = ["decode-failure:payload", "miss", "load:found", "fill"];
        assert_eq!(setting.metrics.take(), event_names(&wanted), "{name}");
        assert_eq!(setting.stored().await, Some(page("Ada")), "it is replaced");
    }
}

#[tokio::test]
async fn what_the_guides_entities_return_for_bad_bytes_is_a_decode_failure() {
    let decoded = Shape::of::<Page>().decode(0, b"{ no JSON");
    let Err(Error::DeserializationError(cause)) = decoded else {
        panic!("it is another error");
    };
    assert!(cause.to_string().contains("line 1"), "{cause}");
}

#[tokio::test]
async fn what_cannot_be_encoded_is_counted_not_stored_and_returned() {
    let setting = setting();
    let bad = page("cannot be encoded");
    assert_eq!(setting.load(Some(bad.clone())).await, Some(bad.clone()));
    let wanted = ["miss", "load:found", "failure:fill"];
    assert_eq!(setting.metrics.take(), event_names(&wanted));
    assert_eq!(setting.stored().await, None);
    assert_eq!(setting.cache.stats().entries, Some(0));
    let encoded = Shape::of::<Page>().encode(
        &(std::sync::Arc::new(bad) as _),
        Encoding::default(),
        &mut Vec::new(),
    );
    let is_one = matches!(encoded, Err(Error::SerializationError(_)));
    assert!(is_one, "{encoded:?}");
}

#[tokio::test]
async fn a_put_that_cannot_be_encoded_is_an_error_and_leaves_nothing() {
    let setting = setting();
    setting.cache.put(page("old")).await.unwrap();
    let put = setting.cache.put(page("cannot be encoded")).await;
    assert!(matches!(put, Err(Error::SerializationError(_))), "{put:?}");
    assert_eq!(setting.stored().await, None, "the old one is not true now");
}

#[tokio::test]
async fn one_of_a_batch_that_cannot_be_encoded_takes_nobody_down() {
    let setting = setting();
    let load = |ids: Vec<u64>| async move {
        let name = |id| ["Ada", "cannot be encoded"][usize::from(id == 2)].to_owned();
        let pages = ids.into_iter().map(|id| Page { id, name: name(id) });
        Ok::<_, Error>(pages.collect())
    };
    let loaded = setting
        .cache
        .get_or_load_many::<Page, _, _>(&[1, 2, 3], load);
    assert_eq!(loaded.await.unwrap().into_iter().flatten().count(), 3);
    let cached = setting.cache.get_many::<Page>(&[1, 2, 3]).await;
    let cached: Vec<_> = cached
        .into_iter()
        .map(|page| page.unwrap().is_some())
        .collect();
    assert_eq!(cached, [true, false, true]);
}

#[tokio::test]
async fn what_lies_in_the_store_and_is_refused_is_a_miss() {
    let decoded = Shape::of::<Strict>().decode(0, b"1");
    assert!(matches!(decoded, Err(Error::ValidationError(_))));
    let cache = CacheService::new(ByteBackend::default());
    let even = || async { Ok::<_, Error>(Some(Strict(2))) };
    cache.get_or_load(&2, even).await.unwrap();
    let keys = [CacheKey::of::<Strict>(None, &2).unwrap()];
    let read = cache.backend().read(&keys, Shape::of::<Strict>()).await;
    assert!(matches!(read[..], [Ok(Lookup::Hit { .. })]));
}

/// An entity whose `validate` refuses odd numbers, and whose overrides are counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Strict(u64);

static CODED: AtomicU64 = AtomicU64::new(0);

impl CacheEntity for Strict {
    type Key = u64;

    fn cache_key(&self) -> u64 {
        self.0
    }

    fn cache_prefix() -> &'static str {
        "strict"
    }

    fn validate(&self) -> cache_kit::Result<()> {
        if self.0.is_multiple_of(2) {
            Ok(())
        } else {
            Err(Error::ConfigError("odd".into()))
        }
    }

    fn serialize_for_cache(&self) -> cache_kit::Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|e| Error::SerializationError(e.to_string().into()))
    }

    fn deserialize_from_cache(bytes: &[u8]) -> cache_kit::Result<Self> {
        serde_json::from_slice(bytes).map_err(|e| Error::SerializationError(e.to_string().into()))
    }
}

/// An entity that counts how often it is encoded and decoded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Counted(u64);

impl CacheEntity for Counted {
    type Key = u64;

    fn cache_key(&self) -> u64 {
        self.0
    }

    fn cache_prefix() -> &'static str {
        "counted"
    }

    fn serialize_for_cache(&self) -> cache_kit::Result<Vec<u8>> {
        CODED.fetch_add(1, Ordering::SeqCst);
        Ok(self.0.to_le_bytes().to_vec())
    }

    fn deserialize_from_cache(bytes: &[u8]) -> cache_kit::Result<Self> {
        CODED.fetch_add(1, Ordering::SeqCst);
        let bytes = bytes.try_into();
        let bytes = bytes.map_err(|_| Error::DeserializationError("not eight bytes".into()))?;
        Ok(Self(u64::from_le_bytes(bytes)))
    }
}

async fn coded<B: CacheBackend>(cache: CacheService<B>) -> u64 {
    let before = CODED.load(Ordering::SeqCst);
    let load = || async { Ok::<_, Error>(Some(Counted(1))) };
    cache.get_or_load(&1, load).await.unwrap();
    assert!(cache.get::<Counted>(&1).await.unwrap().is_some());
    cache.put(Counted(1)).await.unwrap();
    assert!(
        cache
            .get_many::<Counted>(&[1, 2])
            .await
            .remove(0)
            .unwrap()
            .is_some()
    );
    CODED.load(Ordering::SeqCst) - before
}

#[tokio::test]
async fn in_memory_nothing_is_encoded_or_decoded() {
    assert_eq!(coded(CacheService::new(InMemoryBackend::new())).await, 0);
    let bytes = CacheService::new(ByteBackend::default());
    assert!(coded(bytes).await >= 4, "over bytes it is, each time");
}
