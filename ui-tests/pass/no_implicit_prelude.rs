//! The attributes in a module without a prelude. The struct is outside of it: the compiler does not find
//! `#[diagnostic::…]` attributes in there.

#[derive(Clone, serde::Serialize, serde::Deserialize, cache_kit::CacheEntity)]
#[cache(prefix = "pair", key = (a, b))]
struct Pair {
    a: String,
    b: u8,
}

mod bare {
    #![no_implicit_prelude]

    use super::Pair;
    use ::cache_kit::{CacheService, InMemoryBackend, cache_evict, cache_put, cached};
    use ::core::option::Option;

    #[cached]
    pub async fn find(cache: &CacheService<InMemoryBackend>, a: &str, b: u8) -> Option<Pair> {
        let a = ::std::borrow::ToOwned::to_owned(a);
        Option::Some(Pair { a, b })
    }

    #[cache_put]
    pub async fn save(cache: &CacheService<InMemoryBackend>, pair: Pair) -> Option<Pair> {
        Option::Some(pair)
    }

    #[cache_evict(entity = Pair)]
    pub async fn remove(cache: &CacheService<InMemoryBackend>, pair: &Pair) {
        let _ = pair;
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let cache = cache_kit::CacheService::new(cache_kit::InMemoryBackend::new());
    let pair = bare::find(&cache, "a", 1).await.unwrap();
    bare::remove(&cache, &pair).await;
    assert_eq!(bare::save(&cache, pair).await.unwrap().b, 1);
}
