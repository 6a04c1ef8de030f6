use cache_kit::prelude::*;

struct Rates {
    cache: CacheService<InMemoryBackend>,
}

impl Rates {
    #[cached(prefix = "rates", ttl = "1m", retry = 3, hard_timeout = "1s")]
    fn rate(&self, from: &str) -> Result<u64, cache_kit::Error> {
        Ok(from.len() as u64)
    }
}

fn main() {}
