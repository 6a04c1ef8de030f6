use cache_kit::prelude::*;

struct Rates {
    cache: CacheService<InMemoryBackend>,
}

impl Rates {
    #[cached(prefix = "rates")]
    async fn rate(&self, from: &str) -> Option<&str> {
        None
    }
}

fn main() {}
