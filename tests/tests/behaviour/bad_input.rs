//! Whatever is handed in: a clear error or a contained failure, and the service goes on.

mod bytes;
mod entities;
mod keys;
mod panics;

use cache_kit::Error;
use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit_tests::{Person, counts, soon};
use std::time::Duration;

fn cache() -> CacheService<InMemoryBackend> {
    CacheService::new(InMemoryBackend::new())
}

fn byte_cache() -> CacheService<ByteBackend> {
    CacheService::new(ByteBackend::default())
}

fn ada() -> Person {
    Person {
        id: 1,
        name: "Ada".into(),
    }
}

/// The service serves someone else as if nothing had happened.
async fn assert_goes_on<B: CacheBackend>(cache: &CacheService<B>) {
    let load = || async { Ok::<_, Error>(Some(ada())) };
    assert_eq!(
        soon(cache.get_or_load(&1, load)).await.unwrap().as_deref(),
        Some(&ada())
    );
    assert_eq!(
        cache.get::<Person>(&1).await.unwrap().as_deref(),
        Some(&ada())
    );
    cache.invalidate::<Person>(&1).await.unwrap();
    cache.health().await.unwrap();
}

macro_rules! by_hand {
    ($($name:ident: $prefix:expr, $lifetime:expr;)*) => {$(
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        struct $name(u64);
        impl CacheEntity for $name {
            type Key = u64;
            fn cache_key(&self) -> u64 {
                self.0
            }
            fn cache_prefix() -> &'static str {
                $prefix
            }
            fn lifetime() -> Lifetime {
                $lifetime
            }
        }
        impl From<u64> for $name {
            fn from(id: u64) -> Self {
                Self(id)
            }
        }
    )*};
}

/// Longer than any key.
const ENDLESS: &str = match std::str::from_utf8(&[b'x'; 700]) {
    Ok(text) => text,
    Err(_) => "",
};

by_hand! {
    Momentary: "momentary", Lifetime::new().with_ttl(Duration::ZERO);
    Unmissed: "unmissed", Lifetime::new().with_negative_ttl(Duration::ZERO);
    Trembling: "trembling", Lifetime::new().with_jitter(f64::NAN);
    Nameless: "", Lifetime::new();
    Parted: "a:b", Lifetime::new();
    Spaced: "a b", Lifetime::new();
    Escaped: "a%20b", Lifetime::new();
    LongWinded: ENDLESS, Lifetime::new();
}

/// Refused where the caller can be told, uncached where not, stored nowhere.
async fn assert_misconfigured<T, B>(cache: &CacheService<B>, fault: &str)
where
    T: CacheEntity<Key = u64> + From<u64>,
    B: CacheBackend,
{
    let load = || async { Ok::<_, Error>(Some(T::from(7))) };
    let put = cache.put(T::from(7)).await.unwrap_err();
    let loaded = cache.get_or_load(&7, load).await.map(drop).unwrap_err();
    let batch = cache
        .get_or_load_many(&[7], |_| async { Ok::<_, Error>(vec![T::from(7)]) })
        .await
        .map(drop)
        .unwrap_err();
    for error in [put, loaded, batch] {
        assert!(matches!(error, Error::ConfigError(_)), "{error}");
        assert!(error.to_string().contains(fault), "{error}");
    }
    let uncached = cache
        .get_or_load(&7, || async { Ok::<_, u8>(Some(T::from(7))) })
        .await;
    assert!(uncached.unwrap().is_some());
    assert_eq!(cache.stats().entries, Some(0));
    assert!(cache.get::<T>(&7).await.is_ok_and(|found| found.is_none()));
    cache.invalidate::<T>(&7).await.unwrap();
    cache.clear_prefix::<T>().await.unwrap();
    assert!(
        counts(cache).failures >= 3,
        "those that were not told are counted"
    );
    assert_goes_on(cache).await;
}

#[tokio::test]
async fn a_declaration_that_cannot_work_is_an_error_that_says_why() {
    assert_misconfigured::<Momentary, _>(&cache(), "`ttl` is zero").await;
    assert_misconfigured::<Unmissed, _>(&cache(), "`negative_ttl` is zero").await;
    assert_misconfigured::<Trembling, _>(&cache(), "`jitter` is a fraction").await;
    assert_misconfigured::<Nameless, _>(&cache(), "must not be empty").await;
    assert_misconfigured::<Parted, _>(&cache(), "prefix \"a:b\" must not contain ':'").await;
    assert_misconfigured::<Spaced, _>(&cache(), "must not contain ' '").await;
    assert_misconfigured::<Escaped, _>(&byte_cache(), "must not contain '%'").await;
}

#[tokio::test]
async fn a_prefix_that_leaves_no_room_for_a_key_is_an_error() {
    assert_misconfigured::<LongWinded, _>(&cache(), "longer than").await;
    assert_misconfigured::<LongWinded, _>(&byte_cache(), "longer than").await;
}

#[test]
fn settings_that_cannot_work_are_errors() {
    let builder = || CacheService::builder(InMemoryBackend::new());
    let faults = [
        (
            builder().flight_deadline(Duration::ZERO),
            "`flight_deadline` of zero",
        ),
        (builder().namespace(""), "a namespace must not be empty"),
        (builder().namespace("a:b"), "must not contain ':'"),
        (builder().namespace("a\u{2003}b"), "must not contain"),
        (builder().namespace("a\0"), "must not contain"),
        (builder().namespace("x".repeat(700)), "longer than"),
        (
            builder().default_lifetime(Lifetime::new().with_ttl(Duration::ZERO)),
            "`ttl` is zero",
        ),
        (
            builder().default_lifetime(Lifetime::new().with_jitter(1.5)),
            "`jitter`",
        ),
    ];
    for (builder, fault) in faults {
        let error = builder.build().unwrap_err();
        assert!(matches!(error, Error::ConfigError(_)), "{error}");
        assert!(error.to_string().contains(fault), "{error}");
    }
    assert!(
        builder()
            .namespace("ü-1.x")
            .flight_deadline(Duration::MAX)
            .build()
            .is_ok()
    );
}
