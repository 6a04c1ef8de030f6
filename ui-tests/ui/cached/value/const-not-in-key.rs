use cache_kit::prelude::*;

struct Rates {
    cache: CacheService<InMemoryBackend>,
}

impl Rates {
    #[cached(prefix = "count")]
    async fn first<const N: u64>(&self, min: u64) -> u64 {
        min + N
    }
}

fn main() {}
