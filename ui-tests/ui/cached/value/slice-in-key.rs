use cache_kit::prelude::*;

struct Rates {
    cache: CacheService<InMemoryBackend>,
}

impl Rates {
    #[cached(prefix = "sums")]
    async fn sum(&self, of: &[u64]) -> u64 {
        of.iter().sum()
    }
}

fn main() {}
