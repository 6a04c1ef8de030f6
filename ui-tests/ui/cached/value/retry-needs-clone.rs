use cache_kit::prelude::*;

struct Rates {
    cache: CacheService<InMemoryBackend>,
}

impl Rates {
    #[cached(prefix = "rates", retry = 3)]
    async fn rate(&self, from: &str) -> Result<u64, cache_kit::Error> {
        Ok(from.len() as u64)
    }
}

fn main() {}
