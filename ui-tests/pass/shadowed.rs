//! The user's own `Result`, `Option`, `Some`, `String`, `Clone` and primitive names.

#![allow(dead_code, non_camel_case_types)]

mod shadowed {
    use ::cache_kit::{CacheService, InMemoryBackend};

    pub struct Result;
    pub struct Option;
    pub struct Some;
    pub struct None;
    pub struct Ok;
    pub struct Err;
    pub struct String;
    pub struct Vec;
    pub struct Box;
    pub struct Duration;
    pub struct Future;
    pub struct f64;
    pub trait Clone {}
    pub trait Into {}
    pub trait From {}
    pub trait Send {}
    pub mod core {}
    pub mod std {}
    pub mod cache_kit {}
    pub mod serde {}

    #[derive(
        ::core::clone::Clone, ::serde::Serialize, ::serde::Deserialize, ::cache_kit::CacheEntity,
    )]
    #[cache(prefix = "pair", key = (a, b), ttl = "1d", jitter = 1, negative_ttl = "1s")]
    pub struct Pair {
        pub a: ::std::string::String,
        pub b: u8,
    }

    pub type Maybe<T> = ::core::option::Option<T>;

    #[::cache_kit::cached(ttl = "1m", jitter = 0.5)]
    pub async fn find(cache: &CacheService<InMemoryBackend>, a: &str, b: u8) -> Maybe<Pair> {
        Maybe::Some(Pair { a: a.into(), b })
    }

    #[::cache_kit::cache_put]
    pub async fn save(cache: &CacheService<InMemoryBackend>, pair: Pair) -> Maybe<Pair> {
        Maybe::Some(pair)
    }

    #[::cache_kit::cache_evict(entity = Pair)]
    pub async fn remove(cache: &CacheService<InMemoryBackend>, pair: &Pair) {
        let _ = pair;
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let cache = cache_kit::CacheService::new(cache_kit::InMemoryBackend::new());
    let pair = shadowed::find(&cache, "a", 1).await.unwrap();
    shadowed::remove(&cache, &pair).await;
    assert!(shadowed::save(&cache, pair).await.is_some());
}
